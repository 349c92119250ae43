/* tests/fuzz/fuzz_console.c - a console's bytes: lines, then requests. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "console/codec.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/line.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever came, what we answer is one line of JSON with the same id. */
static void check_answer(const struct lf_request *request, enum lf_fault fault)
{
	struct lf_buf buf = {0};
	json_t *json;

	if (fault) {
		lf_line_error(&buf, false, request->id, fault, NULL);
	} else {
		lf_line_reply(&buf, true, request->id);
		lf_buf_adds(&buf, "{\"method\":");
		lf_buf_add_json(&buf, request->method);
		lf_buf_addc(&buf, '}');
		lf_line_end(&buf, 1);
	}
	if (lf_buf_error(&buf) || memchr(buf.data, '\n', buf.len - 1) ||
	    lf_json_parse(&json, buf.data, buf.len - 1))
		abort();
	if (request->id[0] && !json_equal(json_object_get(json, "id"),
					  json_object_get(request->root, "id")))
		abort();
	json_decref(json);
	lf_buf_done(&buf);
}

static int on_line(const char *line, size_t len, void *arg)
{
	struct lf_request request;
	enum lf_fault fault = lf_request_parse(&request, line, len);

	if (!fault && request.params && !json_is_object(request.params))
		abort();
	check_answer(&request, fault);
	lf_request_done(&request);
	return 0;
}

/* In two pieces, so that the cut falls anywhere. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct lf_lines lines;
	size_t cut = size ? data[0] % size : 0;

	lf_lines_init(&lines, LF_CONSOLE_LINE_MAX);
	if (!lf_lines_feed(&lines, text, cut, on_line, NULL))
		lf_lines_feed(&lines, text + cut, size - cut, on_line, NULL);
	lf_lines_done(&lines);
	return 0;
}
