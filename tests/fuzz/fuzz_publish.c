/*
 * tests/fuzz/fuzz_publish.c - the body of a PUBLISH: its first byte chooses the
 * type, and whatever is read from it is composed and written again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/xml.h"
#include "presence/document.h"
#include "presence/lamp.h"
#include "presence/compose.h"
#include "presence/report.h"
#include "presence/write.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_document(const char *uri, const struct lf_report *report,
			void *arg)
{
	lf_compose(arg, report);
}

/* What is shown to watchers is well-formed, whatever a publisher said. */
static void check_document(const struct lf_report *r)
{
	const struct lf_lamp lamp = {
		.tel = r->line,
		.line = r->line,
		.rich = r->rich,
		.fwd_to = r->fwd_to,
		.message = r->message,
		.peer = r->peer,
	};
	const struct lf_writing w = {.uri = "sip:a@b", .lamp = &lamp};
	lf_write_fn *const writers[] = {lf_pidf_write, lf_dialog_info_write};
	struct lf_xml *xml;

	for (int i = 0; i < 2; i++) {
		struct lf_buf out = {0};

		writers[i](&out, &w);
		if (lf_xml_parse(&xml, out.data, out.len))
			abort();
		lf_xml_free(xml);
		lf_buf_done(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {
		"application/pidf+xml", "application/dialog-info+xml",
		"application/simple-message-summary",
		"multipart/related;boundary=x"};
	struct lf_document *state = NULL;
	struct lf_report sum = {0};

	if (!size)
		return 0;
	lf_document_read(&state, LF_DIALECT_AUTO, types[data[0] % 4],
			 (const char *)data + 1, size - 1, on_document, &sum);
	lf_document_free(state);
	check_document(&sum);
	return 0;
}
