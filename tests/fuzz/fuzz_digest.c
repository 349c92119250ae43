/* tests/fuzz/fuzz_digest.c - digest parameters and networks, from strangers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/digest.h"
#include "sip/net.h"

#include "core/banned.h"

#define MAX_PARAMS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One parameter a line, as sofia hands them over. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *params[MAX_PARAMS + 1] = {NULL};
	char *text = malloc(size + 1), *rest = text;
	char ha1[65], response[65];
	struct lf_digest d;
	struct lf_cidr net;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	lf_cidr_parse(&net, text);
	for (size_t n = 0; n < MAX_PARAMS && rest; n++)
		params[n] = strsep(&rest, "\n");
	if (lf_digest_parse(&d, "Digest", params) == 0) {
		lf_digest_ha1(ha1, d.is_sha256, d.username, d.realm, "x");
		lf_digest_response(response, &d, ha1, "NOTIFY");
	}
	free(text);
	return 0;
}
