/*
 * tests/sip/test_express.c - the express lane: when it sends again, whose
 * answer is whose, and who takes it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "sip/flight.h"
#include "tests/sip/express_rig.h"

#include "core/banned.h"

/* ---- retransmissions ---- */

/* RFC 3261, 17.1.2.2: 0.5, 1, 2, 4, 4, 4 s ... and 408 after 64 T1. */
static void silence_climbs_the_ladder_to_its_end(void **state)
{
	static const int64_t due[] = {500,   1500,  3500,  7500,  11500,
				      15500, 19500, 23500, 27500, 31500};
	int64_t begun_ms;

	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY sip:w@127.0.0.1");
	assert_true(scene_is_express());
	memcpy(scene.first, scene.text, sizeof(scene.first));
	begun_ms = now_ms;
	for (size_t i = 0; i < sizeof(due) / sizeof(*due); i++) {
		scene_pass(begun_ms + due[i] - 1 - now_ms);
		assert_int_equal(0, scene_count_arrived());
		scene_pass(2 * LF_FLIGHT_TICK_MS);
		assert_true(scene_take());
		assert_string_equal(scene.first, scene.text);
		assert_false(scene_take());
	}
	scene_pass(begun_ms + LIFE_MS - 1 - now_ms);
	assert_int_equal(0, scene.results);
	scene_pass(2 * LF_FLIGHT_TICK_MS);
	assert_int_equal(1, scene.results);
	assert_int_equal(408, scene.status);
	scene_pass(100000);
	assert_int_equal(0, scene_count_arrived());
	assert_int_equal(1, scene.results);
}

static void a_provisional_answer_makes_it_patient(void **state)
{
	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY");
	scene_answer("100 Trying");
	scene_let_it_read();
	assert_int_equal(0, scene.results);
	scene_pass(600); /* the timer that ran */
	assert_int_equal(1, scene_count_arrived());
	scene_pass(3800);
	assert_int_equal(0, scene_count_arrived());
	scene_pass(200);
	assert_true(scene_take());
	scene_answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 1);
	assert_int_equal(200, scene.status);
}

static void a_wheel_that_stood_still_for_hours_turns_again(void **state)
{
	struct lf_sip_notifier *n = scene_subscribe("");

	scene_notify(n, "first");
	scene_expect("NOTIFY");
	scene_answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 1);
	for (int i = 0; i < 3; i++)
		scene_pass(INT64_C(36000123));
	scene_notify(n, "second");
	scene_expect("NOTIFY");
	scene_pass(499);
	assert_int_equal(0, scene_count_arrived());
	scene_pass(101);
	assert_int_equal(1, scene_count_arrived());
	scene_pass(1000);
	assert_int_equal(1, scene_count_arrived());
}

static void a_loop_that_was_blocked_sends_once_and_goes_on(void **state)
{
	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY");
	scene_pass(20000);
	assert_int_equal(1, scene_count_arrived());
	assert_int_equal(0, scene.results);
	scene_pass(20000);
	assert_int_equal(1, scene.results);
}

/* ---- answers ---- */

static void an_answer_is_known_by_its_branch_alone(void **state)
{
	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY");
	scene_answer("202 Whatever"); /* no From, no Call-ID, no CSeq */
	RUN_UNTIL(&scene.bench, scene.results == 1);
	assert_int_equal(202, scene.status);
	scene_pass(10000);
	assert_int_equal(0, scene_count_arrived());
}

static void what_is_no_answer_to_it_changes_nothing(void **state)
{
	char wrong[64];

	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY");
	snprintf(wrong, sizeof(wrong), "%s", scene_branch());
	for (size_t i = 7; i < strlen(wrong); i++) { /* behind z9hG4bK */
		char was = wrong[i];

		wrong[i] = was == '0' ? '1' : '0';
		scene_answer_with("200 OK", wrong);
		wrong[i] = was;
	}
	scene_answer_with("99 Too Low", wrong);
	scene_answer_with("700 Too High", wrong);
	scene_answer_with("200 OK", "z9hG4bK");
	scene_say("");
	scene_say("\r\n\r\n");
	scene_say("SIP/2.0 200 OK\r\n\r\n");
	scene_say("NOTIFY sip:x SIP/2.0\r\n\r\n");
	scene_let_it_read();
	assert_int_equal(0, scene.results);
	scene_answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 1);
}

static void a_second_copy_of_an_answer_is_nobodys(void **state)
{
	struct lf_sip_notifier *n = scene_subscribe("");
	char old[64];

	scene_notify(n, "first");
	scene_notify(n, "second"); /* waits */
	scene_expect("NOTIFY");
	snprintf(old, sizeof(old), "%s", scene_branch());
	for (int i = 0; i < 3; i++)
		scene_answer_with("200 OK", old);
	scene_expect("NOTIFY");
	assert_non_null(strstr(scene.text, "second"));
	scene_answer_with("200 OK", old);
	scene_let_it_read();
	assert_int_equal(1, scene.results);
	scene_answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 2);
}

static void an_answer_after_the_end_is_too_late(void **state)
{
	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY");
	scene_pass(LIFE_MS + 100);
	scene_pass(LIFE_MS + 100);
	assert_int_equal(1, scene.results);
	scene_answer("200 OK");
	scene_let_it_read();
	assert_int_equal(1, scene.results);
	assert_int_equal(408, scene.status);
}

static void an_answer_to_the_other_port_counts_too(void **state)
{
	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY");
	scene.from.sin_port = htons(lf_sip_port(scene.sip, LF_SIP_UDP));
	scene_answer(
		"200 OK\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:w@b>;tag=2\r\n"
		"Call-ID: x\r\nCSeq: 1 NOTIFY");
	RUN_UNTIL(&scene.bench, scene.results == 1);
	assert_int_equal(200, scene.status);
}

/* ---- which lane ---- */

/* Bytes of the NOTIFY with a body of so many; -1: it went the other way. */
static long size_with(struct lf_sip_notifier *n, size_t body_len)
{
	static char body[4096];
	unsigned before = scene.results;
	long size;

	memset(body, 'x', sizeof(body));
	body[body_len] = '\0';
	scene_notify(n, body);
	scene_expect("NOTIFY");
	size = scene_is_express() ? (long)strlen(scene.text) : -1;
	scene_answer(
		"200 OK\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:w@b>;tag=2\r\n"
		"Call-ID: x\r\nCSeq: 1 NOTIFY");
	if (size < 0)
		scene_pass(LIFE_MS);
	else
		RUN_UNTIL(&scene.bench, scene.results > before);
	return size;
}

static void a_datagram_of_1300_bytes_is_the_largest(void **state)
{
	struct lf_sip_notifier *n = scene_subscribe(";transport=udp");
	long size = size_with(n, 500);

	assert_in_range(size, 800, 1100);
	assert_int_equal(1300, size_with(n, (size_t)(500 + 1300 - size)));
	assert_int_equal(-1, size_with(n, (size_t)(500 + 1301 - size)));
}

static void who_is_not_reached_directly_takes_the_other(void **state)
{
	static const char *const params[] = {";maddr=127.0.0.1",
					     ";transport=tcp", ";ob"};

	for (size_t i = 0; i < 3; i++)
		scene_subscribe(params[i]);
	scene_notify_all("state");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(i == 2,
				 !strcmp("express", lf_sip_notifier_transport(
							    scene.all[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		T(silence_climbs_the_ladder_to_its_end),
		T(a_provisional_answer_makes_it_patient),
		T(a_wheel_that_stood_still_for_hours_turns_again),
		T(a_loop_that_was_blocked_sends_once_and_goes_on),
		T(an_answer_is_known_by_its_branch_alone),
		T(what_is_no_answer_to_it_changes_nothing),
		T(a_second_copy_of_an_answer_is_nobodys),
		T(an_answer_after_the_end_is_too_late),
		T(an_answer_to_the_other_port_counts_too),
		T(a_datagram_of_1300_bytes_is_the_largest),
		T(who_is_not_reached_directly_takes_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
