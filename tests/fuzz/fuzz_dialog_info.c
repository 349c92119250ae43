/*
 * tests/fuzz/fuzz_dialog_info.c - sequences of dialog-info documents; a line
 * of dashes is between two of them.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "core/text.h"
#include "presence/dialog_info.h"
#include "presence/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(struct lf_dialogs **all, const char *data, size_t len)
{
	struct lf_report r;

	memset(&r, 0, sizeof(r));
	if (lf_dialog_info_read(all, &r, data, len))
		return;
	assert(r.knows == LF_KNOWS_LINE);
	assert(r.line == LF_TEL_IDLE || r.line == LF_TEL_RINGING ||
	       r.line == LF_TEL_BUSY);
	assert(r.line != LF_TEL_IDLE || !*r.peer);
	assert(lf_text_is_utf8(r.peer, strlen(r.peer)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size, *next;
	struct lf_dialogs *all = NULL;

	for (; at < end; at = next + 4) {
		next = memmem(at, (size_t)(end - at), "----", 4);
		if (!next)
			break;
		read_one(&all, at, (size_t)(next - at));
	}
	if (at < end)
		read_one(&all, at, (size_t)(end - at));
	lf_dialogs_free(all);
	return 0;
}
