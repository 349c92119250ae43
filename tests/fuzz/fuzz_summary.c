/* tests/fuzz/fuzz_summary.c - waiting voice mail. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "presence/report.h"
#include "presence/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_report r;

	memset(&r, 0, sizeof(r));
	if (!lf_summary_read(&r, (const char *)data, size))
		assert(r.knows == LF_KNOWS_VOICEMAIL);
	else
		assert(!r.knows);
	return 0;
}
