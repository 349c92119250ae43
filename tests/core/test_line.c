/* tests/core/test_line.c - the same lines, however the bytes arrive. */
#include "core/line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/banned.h"

struct heard {
	char text[256];
	int n, stop_at;
};

static int hear(const char *line, size_t len, void *arg)
{
	struct heard *h = arg;
	size_t used = strlen(h->text);

	snprintf(h->text + used, sizeof(h->text) - used, "(%.*s)", (int)len,
		 line);
	return ++h->n == h->stop_at ? -ECANCELED : 0;
}

static void lines_do_not_depend_on_the_cuts(void **state)
{
	static const char bytes[] = "one\r\n\n\r\ntwo\nthr\ree\r\n\r\r\nrest";
	static const size_t len = sizeof(bytes) - 1;
	struct lf_lines lines;
	size_t step, i, n;

	for (step = 1; step <= len; step++) {
		struct heard h = {0};

		lf_lines_init(&lines, 10);
		for (i = 0; i < len; i += n) {
			n = len - i < step ? len - i : step;
			assert_int_equal(0, lf_lines_feed(&lines, bytes + i, n,
							  hear, &h));
		}
		assert_string_equal("(one)(two)(thr\ree)(\r)", h.text);
		assert_int_equal(0, lf_lines_feed(&lines, "\n", 1, hear, &h));
		assert_int_equal(5, h.n);
		assert_string_equal("(one)(two)(thr\ree)(\r)(rest)", h.text);
		lf_lines_done(&lines);
	}
}

static void lines_of_the_maximum_pass_and_longer_ones_do_not(void **state)
{
	static const char *const good[] = {"12345\n", "12345\r\n"};
	static const char *const bad[] = {"123456\n", "123456\r\n", "1234567",
					  "12345\r\r\n"};
	struct lf_lines lines;
	struct heard h = {0};
	size_t i, j, n;
	int err;

	for (i = 0; i < 2; i++) {
		lf_lines_init(&lines, 5);
		n = strlen(good[i]);
		assert_int_equal(0,
				 lf_lines_feed(&lines, good[i], n, hear, &h));
		for (j = 0; j < n; j++)
			assert_int_equal(0, lf_lines_feed(&lines, good[i] + j,
							  1, hear, &h));
		lf_lines_done(&lines);
	}
	assert_string_equal("(12345)(12345)(12345)(12345)", h.text);
	for (i = 0; i < 4; i++) {
		lf_lines_init(&lines, 5);
		n = strlen(bad[i]);
		assert_int_equal(-E2BIG,
				 lf_lines_feed(&lines, bad[i], n, hear, &h));
		lf_lines_done(&lines);
		lf_lines_init(&lines, 5);
		for (err = 0, j = 0; j < n && !err; j++)
			err = lf_lines_feed(&lines, bad[i] + j, 1, hear, &h);
		assert_int_equal(-E2BIG, err);
		lf_lines_done(&lines);
	}
	assert_int_equal(4, h.n);
}

static void lines_stop_when_told(void **state)
{
	struct heard h = {.stop_at = 2};
	struct lf_lines lines;

	lf_lines_init(&lines, 10);
	assert_int_equal(-ECANCELED,
			 lf_lines_feed(&lines, "a\nb\nc\n", 6, hear, &h));
	assert_string_equal("(a)(b)", h.text);
	lf_lines_done(&lines);
}

static void lines_hold_no_more_than_the_maximum(void **state)
{
	static char large[8192];
	struct lf_lines lines;
	struct heard h = {0};

	memset(large, 'x', sizeof(large));
	lf_lines_init(&lines, 6000);
	assert_int_equal(0, lf_lines_feed(&lines, large, 6000, hear, &h));
	assert_int_equal(0, lf_lines_feed(&lines, "\n", 1, hear, &h));
	assert_int_equal(1, h.n);
	assert_int_equal(0, lines.buf.cap); /* a large line is not kept */
	assert_int_equal(-E2BIG,
			 lf_lines_feed(&lines, large, sizeof(large), hear, &h));
	assert_int_equal(0, lines.buf.cap);
	lf_lines_done(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_do_not_depend_on_the_cuts),
		cmocka_unit_test(
			lines_of_the_maximum_pass_and_longer_ones_do_not),
		cmocka_unit_test(lines_stop_when_told),
		cmocka_unit_test(lines_hold_no_more_than_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
