/*
 * tests/fuzz/fuzz_rlmi.c - bodies of a NOTIFY with several parts, read twice
 * by one subscription. The boundary is "B".
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "presence/document.h"
#include "presence/multipart.h"
#include "presence/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_report(const char *uri, const struct lf_report *r, void *arg)
{
	size_t *n = arg;

	assert(r->cond <= LF_COND_NOT_REQUESTED);
	assert(r->cond == LF_COND_OK || !r->knows);
	++*n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char type[] = "multipart/related;boundary=\"B\"";
	struct lf_document *state = NULL;
	size_t n = 0;

	lf_document_read(&state, LF_DIALECT_AUTO, type, (const char *)data,
			 size, on_report, &n);
	lf_document_read(&state, LF_DIALECT_AUTO, type, (const char *)data,
			 size, on_report, &n);
	assert(n <= 2 * size); /* nothing multiplies */
	lf_document_free(state);
	return 0;
}
