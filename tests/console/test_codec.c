/* tests/console/test_codec.c - which lines are requests, and what we answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "console/codec.h"
#include "console/internal.h"

#include "core/banned.h"

static enum lf_fault fault_of(const char *line, char id[LF_REQUEST_ID_SIZE])
{
	struct lf_request request;
	enum lf_fault fault = lf_request_parse(&request, line, strlen(line));

	memcpy(id, request.id, LF_REQUEST_ID_SIZE);
	lf_request_done(&request);
	return fault;
}

static void a_request_has_id_method_and_params(void **state)
{
	const char *line = "{\"id\":7,\"method\":\"sub\",\"params\":{\"a\":1}}";
	struct lf_request request;

	assert_int_equal(LF_FAULT_NONE,
			 lf_request_parse(&request, line, strlen(line)));
	assert_string_equal("7", request.id);
	assert_string_equal("sub", request.method);
	assert_non_null(json_object_get(request.params, "a"));
	lf_request_done(&request);
}

static void an_id_is_echoed_as_it_came(void **state)
{
	char id[LF_REQUEST_ID_SIZE];

	fault_of("{\"id\":9007199254740991,\"method\":\"x\"}", id);
	assert_string_equal("9007199254740991", id);
	fault_of("{\"id\":\"a\\\"b\",\"method\":\"x\"}", id);
	assert_string_equal("\"a\\\"b\"", id);
	fault_of("{\"method\":\"x\"}", id);
	assert_string_equal("", id);
}

static void what_is_no_request_has_its_fault(void **state)
{
	static const struct {
		const char *line;
		enum lf_fault fault;
		const char *id;
	} lines[] = {
		{"hello", LF_FAULT_PARSE, ""},
		{"{\"id\":1", LF_FAULT_PARSE, ""},
		{"{\"id\":1,\"id\":2,\"method\":\"x\"}", LF_FAULT_PARSE, ""},
		{"{\"id\":1,\"method\":\"\xff\"}", LF_FAULT_PARSE, ""},
		{"{\"id\":1.5,\"method\":\"x\"}", LF_FAULT_PARSE, ""},
		{"{} {}", LF_FAULT_PARSE, ""},
		{"[{\"id\":1,\"method\":\"x\"}]", LF_FAULT_REQUEST, ""},
		{"42", LF_FAULT_REQUEST, ""},
		{"{\"id\":1}", LF_FAULT_REQUEST, "1"},
		{"{\"id\":1,\"method\":5}", LF_FAULT_REQUEST, "1"},
		{"{\"id\":1,\"method\":\"x\",\"params\":[]}", LF_FAULT_REQUEST,
		 "1"},
		{"{\"id\":0,\"method\":\"x\"}", LF_FAULT_REQUEST, ""},
		{"{\"id\":9007199254740992,\"method\":\"x\"}", LF_FAULT_REQUEST,
		 ""},
		{"{\"id\":null,\"method\":\"x\"}", LF_FAULT_REQUEST, ""},
		{"{\"id\":\"\",\"method\":\"x\"}", LF_FAULT_REQUEST, ""},
		{"{\"id\":\"12345678901234567890123456789012345678901\","
		 "\"method\":\"x\"}",
		 LF_FAULT_REQUEST, ""},
		{"{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", LF_FAULT_REQUEST,
		 ""},
	};
	char id[LF_REQUEST_ID_SIZE];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (fault_of(lines[i].line, id) != lines[i].fault)
			fail_msg("%s", lines[i].line);
		assert_string_equal(lines[i].id, id);
	}
}

static void a_nul_in_a_text_is_refused(void **state)
{
	static const char line[] = "{\"id\":1,\"method\":\"a\\u0000b\"}";
	char id[LF_REQUEST_ID_SIZE];

	assert_int_equal(LF_FAULT_PARSE, fault_of(line, id));
}

static void lines_are_whole_objects(void **state)
{
	struct lf_buf buf = {0};

	lf_line_reply(&buf, false, "5");
	lf_buf_adds(&buf, "{}");
	lf_line_end(&buf, 12);
	assert_string_equal("{\"id\":5,\"result\":{},\"seq\":12}\n",
			    lf_buf_str(&buf));
	lf_buf_reset(&buf);
	lf_line_event(&buf, true, "lamp");
	lf_buf_adds(&buf, "{}");
	lf_line_end(&buf, 1);
	assert_string_equal("{\"jsonrpc\":\"2.0\",\"method\":\"lamp\","
			    "\"params\":{},\"seq\":1}\n",
			    lf_buf_str(&buf));
	lf_buf_reset(&buf);
	lf_line_error(&buf, false, "", LF_FAULT_THROTTLED, "{\"retry_ms\":5}");
	assert_string_equal("{\"id\":null,\"error\":{\"code\":1002,\"name\":"
			    "\"throttled\",\"message\":\"Too many; wait\","
			    "\"data\":{\"retry_ms\":5}}}\n",
			    lf_buf_str(&buf));
	lf_buf_done(&buf);
}

static void every_fault_has_a_code_and_a_name(void **state)
{
	for (int i = LF_FAULT_NONE + 1; i < LF_FAULTS; i++) {
		assert_int_not_equal(0, lf_fault_code(i));
		assert_non_null(lf_fault_name(i));
	}
}

static void numbers_are_written_whole(void **state)
{
	struct lf_buf buf = {0};

	lf_line_number(&buf, 0);
	lf_buf_addc(&buf, ' ');
	lf_line_number(&buf, INT64_MIN);
	lf_buf_addc(&buf, ' ');
	lf_line_number(&buf, INT64_MAX);
	assert_string_equal("0 -9223372036854775808 9223372036854775807",
			    lf_buf_str(&buf));
	lf_buf_done(&buf);
}

static void a_bucket_lets_a_burst_pass_and_then_the_rate(void **state)
{
	struct lf_bucket bucket = {0};
	int i;

	for (i = 0; i < 100; i++)
		assert_int_equal(0, lf_bucket_take(&bucket, 50, 100, 5000));
	assert_in_range(lf_bucket_take(&bucket, 50, 100, 5000), 1, 21);
	assert_int_equal(0, lf_bucket_take(&bucket, 50, 100, 5020));
	assert_int_not_equal(0, lf_bucket_take(&bucket, 50, 100, 5020));
	/* A long rest does not save up more than a burst. */
	for (i = 0; i < 100; i++)
		assert_int_equal(0, lf_bucket_take(&bucket, 50, 100, 900000));
	assert_int_not_equal(0, lf_bucket_take(&bucket, 50, 100, 900000));
}

static int count_line(const char *line, size_t len, void *arg)
{
	int *n = arg;

	++*n;
	return 0;
}

static void a_ring_keeps_the_newest_events(void **state)
{
	struct lf_ring ring = {0};
	int n = 0;

	for (int64_t seq = 1; seq <= 5000; seq++)
		lf_ring_add(&ring, seq, "x\n", 2, 1000);
	assert_true(lf_ring_has(&ring, 5000));
	assert_true(lf_ring_has(&ring, 5000 - LF_RING_EVENTS));
	assert_false(lf_ring_has(&ring, 5000 - LF_RING_EVENTS - 1));
	assert_false(lf_ring_has(&ring, 5001));
	assert_false(lf_ring_has(&ring, -1));
	lf_ring_replay(&ring, 4990, count_line, &n);
	assert_int_equal(10, n);
	lf_ring_trim(&ring, 4995);
	assert_false(lf_ring_has(&ring, 4994));
	assert_true(lf_ring_has(&ring, 4995));
	lf_ring_done(&ring);
}

static void a_ring_is_bounded_in_bytes_and_in_time(void **state)
{
	static char line[64 * 1024];
	struct lf_ring ring = {0};
	int64_t seq;

	for (seq = 1; seq <= 20; seq++)
		lf_ring_add(&ring, seq, line, sizeof(line), 1000);
	assert_in_range(ring.buf.len - ring.head, 1, LF_RING_BYTES);
	assert_true(lf_ring_has(&ring, 14));
	assert_false(lf_ring_has(&ring, 12));
	lf_ring_add(&ring, seq, line, 10, 1000 + LF_RING_MS + 1);
	assert_true(lf_ring_has(&ring, 20));
	assert_false(lf_ring_has(&ring, 19));
	lf_ring_done(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_id_method_and_params),
		cmocka_unit_test(an_id_is_echoed_as_it_came),
		cmocka_unit_test(what_is_no_request_has_its_fault),
		cmocka_unit_test(a_nul_in_a_text_is_refused),
		cmocka_unit_test(lines_are_whole_objects),
		cmocka_unit_test(every_fault_has_a_code_and_a_name),
		cmocka_unit_test(numbers_are_written_whole),
		cmocka_unit_test(a_bucket_lets_a_burst_pass_and_then_the_rate),
		cmocka_unit_test(a_ring_keeps_the_newest_events),
		cmocka_unit_test(a_ring_is_bounded_in_bytes_and_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
