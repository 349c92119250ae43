/* tests/core/test_buf.c - a buffer that grows, escapes and says when memory ran
 * out. */
#include "core/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/banned.h"

static void buf_starts_empty_and_needs_no_memory(void **state)
{
	struct lf_buf buf;

	lf_buf_init(&buf);
	assert_string_equal("", lf_buf_str(&buf));
	assert_null(buf.data);
	lf_buf_reset(&buf);
	lf_buf_consume(&buf, 3);
	assert_int_equal(0, lf_buf_error(&buf));
	lf_buf_done(&buf);
}

static void buf_appends_and_stays_terminated(void **state)
{
	struct lf_buf buf = {0};
	size_t i;

	lf_buf_adds(&buf, "one ");
	lf_buf_addc(&buf, '2');
	lf_buf_addf(&buf, " %s %d", "three", 4);
	assert_string_equal("one 2 three 4", lf_buf_str(&buf));
	lf_buf_add(&buf, "\0x", 2);
	assert_int_equal(15, buf.len);
	for (i = 0; i < 10000; i++) {
		lf_buf_addc(&buf, 'x');
		assert_int_equal('\0', buf.data[buf.len]);
	}
	assert_int_equal(10015, buf.len);
	lf_buf_done(&buf);
	assert_null(buf.data);
}

static void buf_formats_across_its_capacity(void **state)
{
	struct lf_buf buf = {0};
	char text[600];
	size_t n;

	memset(text, 'y', sizeof(text));
	for (n = 0; n < sizeof(text); n++) {
		lf_buf_done(&buf);
		lf_buf_addf(&buf, "<%.*s>", (int)n, text);
		assert_int_equal(n + 2, buf.len);
		assert_int_equal('>', buf.data[n + 1]);
		assert_int_equal('\0', buf.data[n + 2]);
	}
	lf_buf_done(&buf);
}

static void buf_consumes_from_the_front(void **state)
{
	struct lf_buf buf = {0};

	lf_buf_adds(&buf, "abcdef");
	lf_buf_consume(&buf, 2);
	assert_string_equal("cdef", lf_buf_str(&buf));
	lf_buf_consume(&buf, 0);
	lf_buf_consume(&buf, 100);
	assert_int_equal(0, buf.len);
	assert_string_equal("", lf_buf_str(&buf));
	lf_buf_done(&buf);
}

static void buf_take_hands_the_bytes_over(void **state)
{
	struct lf_buf buf = {0};
	char *text;

	lf_buf_adds(&buf, "mine");
	text = lf_buf_take(&buf);
	assert_string_equal("mine", text);
	assert_null(buf.data);
	free(text);
	text = lf_buf_take(&buf);
	assert_string_equal("", text);
	free(text);
}

static void buf_refuses_absurd_sizes_and_stays_failed(void **state)
{
	struct lf_buf buf = {0};

	lf_buf_adds(&buf, "kept");
	lf_buf_add(&buf, "x", SIZE_MAX - 2);
	assert_int_equal(-ENOMEM, lf_buf_error(&buf));
	lf_buf_adds(&buf, "ignored");
	lf_buf_addf(&buf, "%d", 1);
	assert_string_equal("kept", lf_buf_str(&buf));
	assert_null(lf_buf_take(&buf));
	assert_int_equal(0, lf_buf_error(&buf));
}

static void check_json(const char *expected, const char *text)
{
	struct lf_buf buf = {0};

	lf_buf_add_json(&buf, text);
	assert_string_equal(expected, lf_buf_str(&buf));
	lf_buf_done(&buf);
}

static void buf_escapes_json(void **state)
{
	check_json("\"\"", "");
	check_json("\"M\xc3\xbcller \xf0\x9f\x93\x9e\"",
		   "M\xc3\xbcller \xf0\x9f\x93\x9e");
	check_json("\"\\\"\\\\\\n\\r\\t\\u0001\\u001f\x7f/\"",
		   "\"\\\n\r\t\x01\x1f\x7f/");
	check_json("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\xe0\x80\xaf");
	/* latin-1, a cut sequence, overlong, a surrogate, beyond U+10FFFF */
	check_json("\"caf\xef\xbf\xbd!\"", "caf\xe9!");
	check_json("\"\xef\xbf\xbd\"", "\xc3");
	check_json("\"\xef\xbf\xbd\xef\xbf\xbd\"", "\xc0\xaf");
	check_json("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\xed\xa0\x80");
	check_json("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
		   "\xf4\x90\x80\x80");
}

static void check_xml(const char *expected, const char *text)
{
	struct lf_buf buf = {0};

	lf_buf_add_xml(&buf, text);
	assert_string_equal(expected, lf_buf_str(&buf));
	lf_buf_done(&buf);
}

static void buf_escapes_xml(void **state)
{
	check_xml("", "");
	check_xml("&lt;a b=&quot;1&quot;&gt; &amp; &apos;", "<a b=\"1\"> & '");
	check_xml("a&#10;b&#13;c&#9;", "a\nb\rc\t");
	check_xml("\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd", "\xc3\xbc\x01\xff");
	check_xml("\xef\xbf\xbd", "\xef\xbf\xbf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_starts_empty_and_needs_no_memory),
		cmocka_unit_test(buf_appends_and_stays_terminated),
		cmocka_unit_test(buf_formats_across_its_capacity),
		cmocka_unit_test(buf_consumes_from_the_front),
		cmocka_unit_test(buf_take_hands_the_bytes_over),
		cmocka_unit_test(buf_refuses_absurd_sizes_and_stays_failed),
		cmocka_unit_test(buf_escapes_json),
		cmocka_unit_test(buf_escapes_xml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
