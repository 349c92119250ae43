/* tests/fuzz/fuzz_json.c - JSON from a console, a browser or a cloud. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/text.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The escape of any text must be read back as UTF-8 again. */
static void check_escape(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct lf_buf buf = {0};
	const char *back;
	json_t *json;

	if (!text)
		abort();
	lf_buf_adds(&buf, "{\"a\":");
	lf_buf_add_json(&buf, text);
	lf_buf_adds(&buf, "}");
	if (lf_json_parse(&json, buf.data, buf.len))
		abort();
	back = lf_json_str(json, "a", NULL, NULL);
	if (!back ||
	    (lf_text_is_utf8(text, strlen(text)) && strcmp(back, text)))
		abort();
	json_decref(json);
	lf_buf_done(&buf);
	free(text);
}

typedef int parse_fn(json_t **ret, const char *data, size_t len);

/* What was accepted is accepted again once written, and is the same. */
static int check(parse_fn *parse, const uint8_t *data, size_t size)
{
	struct lf_buf buf = {0};
	json_t *json, *again;
	int err = parse(&json, (const char *)data, size);

	if (err)
		return err;
	lf_json_write(&buf, json);
	if (parse(&again, lf_buf_str(&buf), buf.len) ||
	    !json_equal(json, again))
		abort();
	json_decref(again);
	json_decref(json);
	lf_buf_done(&buf);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_escape(data, size);
	if (!check(lf_json_parse, data, size) &&
	    check(lf_json_parse_lenient, data, size))
		abort();
	check(lf_json_parse_lenient, data, size);
	return 0;
}
