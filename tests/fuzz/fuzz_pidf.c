/* tests/fuzz/fuzz_pidf.c - presence documents, in every dialect. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "core/text.h"
#include "presence/pidf.h"
#include "presence/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the dialect, by its digit; '<' is AUTO. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum lf_dialect dialect = LF_DIALECT_AUTO;
	struct lf_report r;

	if (size && *data >= '0' && *data <= '0' + LF_DIALECT_PLAIN)
		dialect = (enum lf_dialect)(*data - '0');
	memset(&r, 0, sizeof(r));
	if (lf_pidf_read(&r, dialect, (const char *)data, size))
		return 0;
	assert(r.line <= LF_TEL_OFFLINE && r.rich <= LF_RICH_OFFLINE);
	assert(!r.line == !(r.knows & LF_KNOWS_LINE));
	assert(!r.rich == !(r.knows & LF_KNOWS_RICH));
	assert(lf_text_is_utf8(r.message, strlen(r.message)));
	assert(lf_text_is_utf8(r.peer, strlen(r.peer)));
	return 0;
}
