/* tests/core/test_text.c - small helpers, and the edges where they usually
 * break. */
#include "core/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/banned.h"

static void text_copy_never_cuts_a_character(void **state)
{
	char out[6];

	assert_true(lf_text_copy(out, sizeof(out), "abcde"));
	assert_string_equal("abcde", out);
	assert_false(lf_text_copy(out, sizeof(out), "abcdef"));
	assert_string_equal("abcde", out);
	assert_false(lf_text_copy(out, sizeof(out), "abcd\xc3\xbc"));
	assert_string_equal("abcd", out);
	assert_false(lf_text_copy(out, sizeof(out), "ab\xf0\x9f\x93\x9e"));
	assert_string_equal("ab", out);
	assert_true(lf_text_copy(out, sizeof(out), "abc\xc3\xbc"));
	assert_false(lf_text_copy(out, 1, "a"));
	assert_string_equal("", out);
	assert_false(lf_text_copy(out, 0, "a"));
}

static void text_copy_survives_what_is_no_utf_8(void **state)
{
	char out[6];

	assert_false(
		lf_text_copy(out, sizeof(out), "\x80\x80\x80\x80\x80\x80"));
	assert_int_equal(5, strlen(out));
	assert_false(lf_text_copy(out, 2, "\x80\x80\x80"));
	assert_true(lf_text_copy_n(out, sizeof(out), "abcdef", 3));
	assert_string_equal("abc", out);
	assert_false(lf_text_copy_n(out, sizeof(out), "ab\0cd", 5));
	assert_string_equal("ab", out);
}

static void text_knows_utf_8(void **state)
{
	assert_true(lf_text_is_utf8("", 0));
	assert_true(lf_text_is_utf8("caf\xc3\xa9 \xf0\x9f\x93\x9e", 10));
	assert_false(lf_text_is_utf8("caf\xe9", 4));
	assert_false(lf_text_is_utf8("caf\xc3\xa9", 4));
	assert_false(lf_text_is_utf8("a\0b", 3));
	assert_false(lf_text_is_utf8("\xc0\x80", 2));
	assert_false(lf_text_is_utf8("\xed\xb0\x80", 3));
	assert_int_equal(6, lf_text_chars("caf\xc3\xa9 \xf0\x9f\x93\x9e"));
	assert_int_equal(0, lf_text_chars(""));
}

static void text_compares_without_ascii_case(void **state)
{
	assert_true(lf_text_equal("Call-ID", "call-id"));
	assert_false(lf_text_equal("call", "call-id"));
	assert_false(lf_text_equal("call-id", "call"));
	assert_false(lf_text_equal("\xc3\x84", "\xc3\xa4"));
	assert_false(lf_text_equal("[", "{"));
	assert_true(lf_text_equal(NULL, NULL));
	assert_false(lf_text_equal(NULL, ""));
	assert_false(lf_text_equal("", NULL));
	assert_true(lf_text_starts("SIP:200@a", "sip:"));
	assert_true(lf_text_starts("a", ""));
	assert_false(lf_text_starts("si", "sip"));
}

static void text_search_ignores_case_of_latin_letters(void **state)
{
	assert_true(lf_text_contains("M\xc3\x9cLLER", "m\xc3\xbcll"));
	assert_true(
		lf_text_contains("\xc5\xbbo\xc5\x81na", "\xc5\xbco\xc5\x82"));
	assert_true(lf_text_contains("Ho\xc3\xa0ng \xe1\xba\xa0n",
				     "\xe1\xba\xa1n"));
	assert_true(lf_text_contains("\xc5\xb8", "\xc3\xbf"));
	assert_true(lf_text_contains("abc", ""));
	assert_true(lf_text_contains("", ""));
	assert_true(lf_text_contains("aab", "AB"));
	assert_false(lf_text_contains("muller", "m\xc3\xbcller"));
	assert_false(lf_text_contains("ab", "abc"));
	assert_false(lf_text_contains("", "a"));
	/* The multiplication sign is no capital of the division sign. */
	assert_false(lf_text_contains("\xc3\x97", "\xc3\xb7"));
	/* A cut sequence at the end is a byte like any other. */
	assert_true(lf_text_contains("x\xc3", "X\xc3"));
	assert_false(lf_text_contains("x\xc3", "\xc3\xbc"));
}

static void text_trims_both_ends(void **state)
{
	char a[] = " \t a b\r\n ", b[] = " \n ", c[] = "", d[] = "x";

	assert_string_equal("a b", lf_text_trim(a));
	assert_string_equal("", lf_text_trim(b));
	assert_string_equal("", lf_text_trim(c));
	assert_string_equal("x", lf_text_trim(d));
}

static void text_int_takes_whole_numbers_only(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"+1",
		" 1",
		"1 ",
		"0x10",
		"1.0",
		"1e3",
		"one",
		"9223372036854775808",
		"-9223372036854775809",
		"99999999999999999999999",
	};
	int64_t n = 5;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EINVAL,
				 lf_text_int(&n, bad[i], INT64_MIN, INT64_MAX));
	assert_int_equal(5, n);
	assert_int_equal(0, lf_text_int(&n, "-9223372036854775808", INT64_MIN,
					INT64_MAX));
	assert_true(n == INT64_MIN);
	assert_int_equal(0, lf_text_int(&n, "9223372036854775807", INT64_MIN,
					INT64_MAX));
	assert_true(n == INT64_MAX);
	assert_int_equal(0, lf_text_int(&n, "007", 0, 10));
	assert_int_equal(7, n);
	assert_int_equal(-EINVAL, lf_text_int(&n, "11", 0, 10));
	assert_int_equal(-EINVAL, lf_text_int(&n, "-1", 0, 10));
}

static void text_nearest_finds_the_likely_word(void **state)
{
	static const char *const words[] = {"listen", "listen-tls", "log-level",
					    "key-file", "tls"};

	assert_string_equal("listen", lf_text_nearest("lisen", words, 4));
	assert_string_equal("listen", lf_text_nearest("LISTNE", words, 4));
	assert_string_equal("listen-tls",
			    lf_text_nearest("listen_tls", words, 4));
	assert_string_equal("log-level", lf_text_nearest("loglevel", words, 4));
	assert_string_equal("tls", lf_text_nearest("tsl", words, 5));
	assert_null(lf_text_nearest("tsx", words, 5));
	assert_null(lf_text_nearest("banana", words, 4));
	assert_null(lf_text_nearest("", words, 4));
	assert_null(lf_text_nearest("x", words, 4));
	assert_null(lf_text_nearest("listen", words, 0));
	assert_null(
		lf_text_nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
				words, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_copy_never_cuts_a_character),
		cmocka_unit_test(text_copy_survives_what_is_no_utf_8),
		cmocka_unit_test(text_knows_utf_8),
		cmocka_unit_test(text_compares_without_ascii_case),
		cmocka_unit_test(text_search_ignores_case_of_latin_letters),
		cmocka_unit_test(text_trims_both_ends),
		cmocka_unit_test(text_int_takes_whole_numbers_only),
		cmocka_unit_test(text_nearest_finds_the_likely_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
