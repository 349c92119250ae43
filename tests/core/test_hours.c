/* tests/core/test_hours.c - weekly hours, also when the clock is changed. */
#include "core/hours.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/clock.h"

#include "core/banned.h"

static char end[LF_RFC3339_SIZE];

/* The end of the hours that include this moment, or "". */
static const char *until(const char *hours, const char *moment)
{
	int64_t wall_ms, end_ms;

	assert_int_equal(0, lf_rfc3339_parse(&wall_ms, moment));
	if (!lf_hours_include(hours, wall_ms, &end_ms))
		return "";
	return lf_rfc3339(end, end_ms);
}

static int in_rome(void **state)
{
	/* Summer time from 29 March to 25 October in 2026. */
	return setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
}

static void hours_are_read_or_refused(void **state)
{
	static const char *const good[] = {
		"",
		"22:00-07:00",
		" 22:00 - 07:00 , 12:00-13:00",
		"mon-fri 19:00-07:30, sat-sun 00:00-24:00",
		"Fri-Mon 00:00-24:00",
		"sun 00:00-00:01",
	};
	static const char *const bad[] = {
		"22-7",        "22:00",          "22:00-",
		"25:00-07:00", "22:60-07:00",    "24:00-07:00",
		"07:00-07:00", "mo 22:00-07:00", "mon- 22:00-07:00",
		"mon",         "22:00-07:00 x",  "mon,tue 22:00-07:00",
		"2:00-07:00",  "22:00-07:00;",   "\xc3\xbc",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(0, lf_hours_check(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(-EINVAL, lf_hours_check(bad[i]));
		assert_false(lf_hours_include(bad[i], 1768901400000, NULL));
	}
	assert_false(lf_hours_include("", 1768901400000, NULL));
}

static void a_night_is_of_the_day_on_which_it_begins(void **state)
{
	static const char nights[] = "mon-fri 22:00-07:00";

	/* 2026-01-23 is a Friday; Rome is an hour ahead. */
	assert_string_equal("", until(nights, "2026-01-23T20:59:59Z"));
	assert_string_equal("2026-01-24T06:00:00.000Z",
			    until(nights, "2026-01-23T21:00:00Z"));
	assert_string_equal("2026-01-24T06:00:00.000Z",
			    until(nights, "2026-01-24T05:59:59Z"));
	assert_string_equal("", until(nights, "2026-01-24T06:00:00Z"));
	assert_string_equal("", until(nights, "2026-01-24T22:00:00Z"));
	/* Sunday's night is not one of them, Monday's early hours neither. */
	assert_string_equal("", until(nights, "2026-01-26T04:00:00Z"));
	assert_string_equal("2026-01-27T06:00:00.000Z",
			    until(nights, "2026-01-26T22:00:00Z"));
}

static void hours_that_touch_are_one(void **state)
{
	static const char closed[] = "mon-fri 18:00-08:00, sat-sun 00:00-24:00,"
				     " mon 00:00-08:00";

	assert_string_equal("2026-01-26T07:00:00.000Z",
			    until(closed, "2026-01-23T17:30:00Z"));
	assert_string_equal("2026-01-26T07:00:00.000Z",
			    until(closed, "2026-01-25T12:00:00Z"));
	assert_string_not_equal("",
				until("00:00-24:00", "2026-01-25T12:00:00Z"));
}

static void a_night_in_spring_is_an_hour_shorter(void **state)
{
	static const char night[] = "22:00-07:00";

	assert_string_equal("2026-03-29T05:00:00.000Z",
			    until(night, "2026-03-28T21:00:00Z"));
	assert_string_equal("", until(night, "2026-03-29T05:00:00Z"));
	/* 02:30 is left out: 03:30 is meant. */
	assert_string_equal("2026-03-29T01:30:00.000Z",
			    until("22:00-02:30", "2026-03-29T01:29:59Z"));
	assert_string_equal("", until("22:00-02:30", "2026-03-29T01:30:00Z"));
}

static void a_night_in_autumn_is_an_hour_longer(void **state)
{
	static const char night[] = "22:00-07:00";

	assert_string_equal("2026-10-25T06:00:00.000Z",
			    until(night, "2026-10-24T20:00:00Z"));
	assert_string_equal("", until(night, "2026-10-24T19:59:59Z"));
	/* 02:30 comes twice: it is over at the first, and does not begin
	 * again at the second 02:00. */
	assert_string_equal("2026-10-25T00:30:00.000Z",
			    until("22:00-02:30", "2026-10-25T00:29:59Z"));
	assert_string_equal("", until("22:00-02:30", "2026-10-25T00:30:00Z"));
	assert_string_equal("", until("22:00-02:30", "2026-10-25T01:15:00Z"));
}

static void the_zone_is_the_machines_of_just_now(void **state)
{
	assert_string_equal("", until("22:00-07:00", "2026-01-23T15:00:00Z"));
	setenv("TZ", "JST-9", 1);
	assert_string_equal("2026-01-23T22:00:00.000Z",
			    until("22:00-07:00", "2026-01-23T15:00:00Z"));
	in_rome(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hours_are_read_or_refused),
		cmocka_unit_test(a_night_is_of_the_day_on_which_it_begins),
		cmocka_unit_test(hours_that_touch_are_one),
		cmocka_unit_test(a_night_in_spring_is_an_hour_shorter),
		cmocka_unit_test(a_night_in_autumn_is_an_hour_longer),
		cmocka_unit_test(the_zone_is_the_machines_of_just_now),
	};

	return cmocka_run_group_tests(tests, in_rome, NULL);
}
