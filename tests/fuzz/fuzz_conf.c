/* tests/fuzz/fuzz_conf.c - lampfield.conf from a careless editor. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lf_conf_key schema[] = {
	{"console", "listen", LF_CONF_LIST, "0.0.0.0:51234"},
	{"console", "max-desks", LF_CONF_INT, "200", 1, 10000},
	{"store", "path", LF_CONF_TEXT, "/var/lib/lampfield"},
	{"store", "sync", LF_CONF_BOOL, "yes"},
	{NULL},
};

/* Refused with a reason, or every key has a value within its range. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err_text[LF_CONF_ERROR_SIZE];
	struct lf_conf *conf;
	int64_t desks;
	size_t i = 0;

	if (lf_conf_parse(&conf, "fuzz", (const char *)data, size, schema,
			  err_text)) {
		if (!err_text[0] || strlen(err_text) >= sizeof(err_text))
			abort();
		return 0;
	}
	desks = lf_conf_int(conf, "console", "max-desks");
	if (desks < 1 || desks > 10000 || !lf_conf_text(conf, "store", "path"))
		abort();
	while (lf_conf_item(conf, "console", "listen", i))
		if (!lf_conf_item(conf, "console", "listen", i++)[0])
			abort();
	lf_conf_free(conf);
	return 0;
}
