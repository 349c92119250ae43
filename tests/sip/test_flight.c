/*
 * tests/sip/test_flight.c - thin client transactions under a clock of ours:
 * when they are sent again, when they are given up, which answer is theirs.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sip/flight.h"

#include "core/banned.h"

struct log {
	struct lf_flights *fs;
	unsigned again, lost;
	int64_t now_ms, times[64];
};

static void on_due(struct lf_flight *flight, bool is_lost, void *arg)
{
	struct log *log = arg;

	if (is_lost) {
		log->lost++;
		lf_flight_free(log->fs, flight);
		return;
	}
	if (log->again < 64)
		log->times[log->again] = log->now_ms;
	log->again++;
}

static void run_until(struct log *log, int64_t end_ms)
{
	for (; log->now_ms < end_ms; log->now_ms += 10)
		lf_flights_tick(log->fs, log->now_ms, on_due, log);
}

static struct lf_flight *launch(struct lf_flights *fs, int64_t now_ms)
{
	struct lf_flight *flight = lf_flight_new(fs, 100);

	assert_non_null(flight);
	lf_flight_launch(fs, flight, now_ms, 32000);
	return flight;
}

static void it_is_sent_again_with_growing_pauses(void **state)
{
	/* RFC 3261, 17.1.2.2 with T1 500 ms and T2 4 s. */
	static const int64_t want[] = {500,   1500,  3500,  7500,  11500,
				       15500, 19500, 23500, 27500, 31500};
	struct lf_flights fs;
	struct log log = {&fs};

	lf_flights_init(&fs, 0);
	launch(&fs, 0);
	run_until(&log, 40000);
	assert_int_equal(10, log.again);
	for (int i = 0; i < 10; i++) {
		assert_true(log.times[i] >= want[i]);
		assert_true(log.times[i] <
			    want[i] + 2 * LF_FLIGHT_TICK_MS + 10);
	}
	assert_int_equal(1, log.lost);
	assert_int_equal(0, fs.count);
	lf_flights_done(&fs);
}

static void a_provisional_answer_slows_it_down(void **state)
{
	struct lf_flights fs;
	struct log log = {&fs};

	lf_flights_init(&fs, 0);
	lf_flight_proceeding(launch(&fs, 0));
	run_until(&log, 31000);
	assert_in_range(log.again, 7, 8);
	lf_flights_done(&fs);
}

static void a_long_sleep_costs_one_round(void **state)
{
	struct lf_flights fs;
	struct log log = {&fs};

	lf_flights_init(&fs, 0);
	launch(&fs, 0);
	launch(&fs, 0);
	lf_flights_tick(&fs, 20000, on_due, &log);
	assert_int_equal(2, log.again);
	assert_int_equal(0, log.lost);
	lf_flights_tick(&fs, 3600000, on_due, &log);
	assert_int_equal(2, log.lost);
	lf_flights_done(&fs);
}

static void an_idle_wheel_needs_no_ticks(void **state)
{
	struct lf_flights fs;
	struct log log = {&fs};

	lf_flights_init(&fs, 0);
	log.now_ms = 10000000;
	launch(&fs, log.now_ms);
	run_until(&log, log.now_ms + 490);
	assert_int_equal(0, log.again);
	run_until(&log, log.now_ms + 200);
	assert_int_equal(1, log.again);
	lf_flights_done(&fs);
}

static struct lf_flight *find(const struct lf_flights *fs, const char *text)
{
	struct lf_flight_answer answer;

	if (lf_flight_parse(&answer, text, strlen(text)))
		return NULL;
	return lf_flights_find(fs, &answer);
}

static void an_answer_finds_its_request(void **state)
{
	struct lf_flights fs;
	struct lf_flight *flights[200];
	char branch[LF_FLIGHT_BRANCH_SIZE], text[256];

	lf_flights_init(&fs, 0);
	for (int i = 0; i < 200; i++)
		flights[i] = launch(&fs, 0);
	for (int i = 0; i < 200; i++) {
		lf_flight_branch(flights[i], branch);
		snprintf(text, sizeof(text),
			 "SIP/2.0 200 OK\r\nv : SIP/2.0/UDP h;x=y;branch=%s"
			 ";received=1.2.3.4\r\nVia: other\r\n\r\n",
			 branch);
		assert_ptr_equal(flights[i], find(&fs, text));
		lf_flight_free(&fs, flights[i]);
		assert_null(find(&fs, text)); /* a second copy of it */
	}
	lf_flights_done(&fs);
}

static void an_old_answer_does_not_find_a_new_request(void **state)
{
	struct lf_flights fs;
	struct lf_flight *flight;
	char branch[LF_FLIGHT_BRANCH_SIZE], text[256];

	lf_flights_init(&fs, 0);
	flight = launch(&fs, 0);
	lf_flight_branch(flight, branch);
	snprintf(text, sizeof(text),
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=%s\r\n\r\n",
		 branch);
	lf_flight_free(&fs, flight);
	flight = launch(&fs, 0); /* at the same place */
	assert_int_equal(0, flight->index);
	assert_null(find(&fs, text));
	lf_flights_done(&fs);
}

static void what_is_no_answer_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"SIP/2.0",
		"SIP/2.0 200",
		"SIP/2.0 20x OK\r\nVia: "
		"x;branch=z9hG4bK0123456789abcdef01234567",
		"SIP/2.0 999 OK\r\nVia: "
		"x;branch=z9hG4bK0123456789abcdef01234567",
		"SIP/2.0 200 OK\r\nVia: "
		"x;branch=z9hG4bK0123456789abcdef0123456",
		"SIP/2.0 200 OK\r\nVia: "
		"x;branch=z9hG4bK0123456789abcdef0123456g",
		"SIP/2.0 200 OK\r\nX: x;branch=z9hG4bK0123456789abcdef01234567",
		"SIP/2.0 200 OK\r\nVia: x\r\n"
		"Via: y;branch=z9hG4bK0123456789abcdef01234567\r\n",
		"NOTIFY x SIP/2.0\r\nVia: "
		"x;branch=z9hG4bK0123456789abcdef01234567",
	};
	struct lf_flight_answer answer;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(-EPROTO, lf_flight_parse(&answer, bad[i],
							  strlen(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_sent_again_with_growing_pauses),
		cmocka_unit_test(a_provisional_answer_slows_it_down),
		cmocka_unit_test(a_long_sleep_costs_one_round),
		cmocka_unit_test(an_idle_wheel_needs_no_ticks),
		cmocka_unit_test(an_answer_finds_its_request),
		cmocka_unit_test(an_old_answer_does_not_find_a_new_request),
		cmocka_unit_test(what_is_no_answer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
