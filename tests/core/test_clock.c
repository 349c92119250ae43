/* tests/core/test_clock.c - RFC 3339 in and out. */
#include "core/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/banned.h"

static void clock_never_runs_backwards(void **state)
{
	int64_t last_ms = lf_mono_ms(), now_ms;
	int i;

	for (i = 0; i < 10000; i++) {
		now_ms = lf_mono_ms();
		assert_true(now_ms >= last_ms);
		last_ms = now_ms;
	}
	assert_true(lf_wall_ms() > 1700000000000);
}

static void clock_writes_rfc_3339(void **state)
{
	char out[LF_RFC3339_SIZE];

	assert_string_equal("1970-01-01T00:00:00.000Z", lf_rfc3339(out, 0));
	assert_string_equal("2026-01-20T09:30:00.007Z",
			    lf_rfc3339(out, 1768901400007));
	assert_string_equal("1969-12-31T23:59:59.999Z", lf_rfc3339(out, -1));
}

static void clock_reads_any_offset_and_fraction(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-01-20T09:30:00.007Z", 1768901400007},
		{"2026-01-20t10:30:00.0079999+01:00", 1768901400007},
		{"2026-01-20 04:00:00.5-05:30", 1768901400500},
		{"2024-02-29T12:00:00z", 1709208000000},
	};
	int64_t ms;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(0, lf_rfc3339_parse(&ms, good[i].text));
		assert_true(good[i].ms == ms);
	}
}

static void clock_refuses_what_is_no_time(void **state)
{
	static const char *const bad[] = {
		"",
		"now",
		"2026-01-20",
		"2026-01-20T09:30:00",
		"2026-13-20T09:30:00Z",
		"2026-01-32T09:30:00Z",
		"2026-01-20T24:30:00Z",
		"2026-01-20T09:60:00Z",
		"2026-01-20X09:30:00Z",
		"2026-01-20T09:30:00Zulu",
		"2026-01-20T09:30:00+0100",
		"2026-01-20T09:30:00+25:00",
	};
	int64_t ms = 5;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EINVAL, lf_rfc3339_parse(&ms, bad[i]));
	assert_true(ms == 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_never_runs_backwards),
		cmocka_unit_test(clock_writes_rfc_3339),
		cmocka_unit_test(clock_reads_any_offset_and_fraction),
		cmocka_unit_test(clock_refuses_what_is_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
