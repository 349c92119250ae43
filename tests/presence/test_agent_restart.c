/*
 * tests/presence/test_agent_restart.c - subscriptions over a stop, a kill, and
 * a clock that moved. The rig reads every NOTIFY: that no CSeq and no version
 * goes back is checked in each of these tests.
 */
#include <stdio.h>
#include <string.h>

#include "tests/presence/agent_rig.h"

#include "core/banned.h"

static void settle(void)
{
	fake_time_pass(1100); /* a ledger writes within a second */
	while (fake_store_asked())
		fake_store_answer();
}

static void change_often(struct agent_rig *rig, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		agent_line(rig, "u1", i % 2 ? LF_TEL_IDLE : LF_TEL_BUSY);
		fake_answer_all(200);
	}
}

/* ---- they go on ---- */

static void a_subscription_goes_on_after_a_stop(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n;

	agent_watch_well(ANNA, "dialog");
	fake_time_pass(100000);
	agent_restart(rig);
	agent_wake(rig);
	assert_int_equal(1, fake_notifiers());
	n = fake_notifier_at(0);
	assert_int_equal(1, fake_notifies(n));
	assert_in_range(fake_last(n)->expires_s, 490, 500);
	fake_answer(n, 200);
	agent_line(rig, "u1", LF_TEL_BUSY);
	assert_true(agent_says(n, "confirmed"));
	fake_answer(n, 200);
	fake_time_pass(500000);
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
}

static void of_each_kind_it_is_the_same_subscription(void **state)
{
	static const char *const events[] = {
		"presence", "dialog", "message-summary", "presence.winfo"};
	struct agent_rig *rig = *state;

	for (size_t i = 0; i < 4; i++)
		agent_watch_well(ANNA, events[i]);
	agent_list(rig, "sales", ANNA " " BRUNO);
	agent_watch("sip:sales@lamp", "dialog", "Supported: eventlist\n");
	fake_answer_all(200);
	agent_restart(rig);
	agent_wake(rig);
	assert_int_equal(5, fake_notifiers());
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(1, fake_notifies(fake_notifier_at(i)));
	assert_int_equal(1, agent_stats(rig).lists);
	assert_true(agent_says(fake_notifier_at(4), "bruno@corp.example"));
}

static void a_kill_costs_only_the_last_second(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "dialog");
	settle();
	agent_watch_well(BRUNO, "dialog");
	agent_kill(rig);
	agent_wake(rig);
	assert_int_equal(1, agent_stats(rig).watchers);
	assert_true(agent_says(fake_notifier_at(0), "anna"));
}

static void an_ended_one_does_not_come_back(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "dialog");
	struct lf_sip_notifier *lost = agent_watch(ANNA, "dialog", "");

	settle();
	fake_refresh(n, 0);
	fake_answer(n, 200);
	fake_answer(lost, 481);
	settle();
	agent_kill(rig);
	agent_wake(rig);
	assert_int_equal(0, fake_notifiers());
}

/* ---- nothing goes back ---- */

static void numbers_grow_over_a_stop_and_a_kill(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "dialog");
	agent_watch_well(ANNA, "presence.winfo");
	settle();
	for (int i = 0; i < 6; i++) {
		change_often(rig, 20);
		if (i % 2)
			agent_restart(rig);
		else
			agent_kill(rig);
		agent_wake(rig);
		fake_answer_all(200);
		assert_int_equal(2, fake_notifiers());
	}
}

static void two_kills_in_a_row_do_not_use_a_number_twice(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "dialog");
	settle();
	change_often(rig, 50);
	for (int i = 0; i < 3; i++) {
		agent_kill(rig);
		while (fake_store_asked())
			fake_store_answer(); /* more is promised now */
		change_often(rig, 10);
	}
	assert_int_equal(1, fake_notifiers());
}

/* Nobody is told by numbers that are not promised yet. */
static void a_kill_before_the_promise_is_saved_repeats_nothing(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "dialog");
	settle();
	for (int i = 0; i < 3; i++) {
		agent_kill(rig);
		fake_store_answer(); /* read, but nothing is written yet */
		agent_line(rig, "u1", LF_TEL_BUSY);
		fake_answer_all(200);
		fake_refresh(fake_notifier_at(0), 600);
		assert_int_equal(200, fake_reply()->status);
		agent_line(rig, "u1", LF_TEL_IDLE);
		fake_answer_all(200);
	}
	agent_wake(rig);
	assert_int_equal(1, fake_notifies(fake_notifier_at(0)));
}

/* The same for who comes just then: he waits for a moment. */
static void a_watcher_in_the_first_moment_is_told_when_all_is_read(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n;

	agent_watch_well(BRUNO, "dialog");
	agent_restart(rig);
	n = agent_watch(ANNA, "dialog", "");
	assert_int_equal(0, fake_notifies(n));
	while (fake_store_asked())
		fake_store_answer();
	assert_int_equal(1, fake_notifies(n));
	assert_true(agent_says(n, "anna"));
}

static void a_kill_while_many_are_in_flight_goes_on(void **state)
{
	struct agent_rig *rig = *state;

	for (int i = 0; i < 300; i++)
		agent_watch_well(i % 2 ? ANNA : BRUNO, "dialog");
	settle();
	for (int i = 0; i < 3; i++) {
		agent_line(rig, "u1", i % 2 ? LF_TEL_IDLE : LF_TEL_BUSY);
		agent_line(rig, "u2", LF_TEL_RINGING);
		agent_line(rig, "u1", LF_TEL_RINGING); /* waits */
		agent_kill(rig);
		agent_wake(rig);
		assert_int_equal(300, fake_notifiers());
		for (size_t k = 0; k < 300; k++)
			assert_int_equal(1, fake_notifies(fake_notifier_at(k)));
	}
}

static void a_refresh_is_saved_too(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "dialog");

	settle();
	fake_refresh(n, 3000);
	fake_answer(n, 200);
	settle();
	agent_kill(rig);
	agent_wake(rig);
	assert_in_range(fake_last(fake_notifier_at(0))->expires_s, 2990, 3000);
}

/* So many that what was promised is used up, again and again. */
static void a_busy_watcher_gets_new_promises_in_time(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "presence");
	settle();
	for (int i = 0; i < 12; i++) {
		change_often(rig, 200);
		settle();
	}
	agent_kill(rig);
	agent_wake(rig);
	assert_int_equal(1, fake_notifies(fake_notifier_at(0)));
}

/* They come and go by the thousand; some stay, and are told nothing. */
static void versions_that_others_used_up_do_not_come_again(void **state)
{
	struct agent_rig *rig = *state;

	for (int i = 0; i < 40; i++) /* more than a page of the ledger */
		agent_watch_well(ANNA, "dialog");
	settle();
	for (int i = 0; i < 3000; i++) {
		struct lf_sip_notifier *n = agent_watch_well(ANNA, "dialog");

		fake_refresh(n, 0);
		fake_answer(n, 200);
		if (i % 100 == 0)
			settle();
	}
	settle();
	change_often(rig, 1);
	assert_true(agent_version(fake_notifier_at(0)) >= 3000);
	agent_kill(rig); /* at once */
	agent_wake(rig);
	change_often(rig, 1);
}

static void who_subscribes_before_the_reading_gets_no_old_version(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "dialog");
	settle();
	change_often(rig, 10);
	agent_kill(rig);
	agent_watch(ANNA, "dialog", ""); /* the store has not answered */
	agent_watch(ANNA, "dialog", "Expires: 0\n");
	fake_answer_all(200);
	agent_wake(rig);
	fake_answer_all(200);
	change_often(rig, 3);
	assert_int_equal(2, fake_notifiers());
}

/* ---- waking up ---- */

static void nobody_is_told_before_the_feeds_know(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n;

	agent_watch_well(ANNA, "presence");
	rig->is_silent = true;
	agent_restart(rig);
	while (fake_store_asked())
		fake_store_answer();
	n = fake_notifier_at(0);
	fake_ask("PUBLISH", ANNA,
		 "Event: presence\nContent-Type: application/pidf+xml\n",
		 "<presence xmlns='urn:ietf:params:xml:ns:pidf' "
		 "entity='sip:anna@corp.example'><tuple id='t'><status>"
		 "<basic>closed</basic></status></tuple></presence>");
	assert_int_equal(200, fake_reply()->status);
	agent_set("presence-server.max-watchers", "7"); /* all look again */
	fake_time_pass(1000);
	assert_int_equal(0, fake_notifies(n));
	rig->is_silent = false;
	agent_line(rig, "u1", LF_TEL_BUSY);
	assert_int_equal(1, fake_notifies(n));
	fake_answer(n, 200);
	fake_time_pass(10000);
	assert_int_equal(1, fake_notifies(n));
}

static void a_feed_that_stays_silent_is_waited_for_three_seconds(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n;

	agent_watch_well(ANNA, "dialog");
	rig->is_silent = true;
	agent_restart(rig);
	while (fake_store_asked())
		fake_store_answer();
	n = fake_notifier_at(0);
	fake_time_pass(2999);
	assert_int_equal(0, fake_notifies(n));
	fake_time_pass(1);
	assert_int_equal(1, fake_notifies(n));
}

static void many_are_told_a_few_hundred_at_a_time(void **state)
{
	struct agent_rig *rig = *state;
	unsigned told = 0;

	for (int i = 0; i < 500; i++)
		agent_watch_well(ANNA, "presence");
	rig->is_silent = true;
	agent_restart(rig);
	while (fake_store_asked())
		fake_store_answer();
	fake_time_pass(3000);
	for (size_t i = 0; i < 500; i++)
		told += fake_notifies(fake_notifier_at(i));
	assert_in_range(told, 1, 200);
	fake_time_pass(1000);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(1, fake_notifies(fake_notifier_at(i)));
}

/* ---- clocks and damage ---- */

static void time_goes_on_while_we_are_away(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "dialog");
	agent_watch(BRUNO, "dialog", "Expires: 3600\n");
	agent_end(rig);
	fake_time_pass(600000);
	assert_int_equal(0, agent_begin(rig));
	agent_wake(rig);
	assert_int_equal(1, fake_notifiers());
	assert_in_range(fake_last(fake_notifier_at(0))->expires_s, 2990, 3000);
}

static void a_clock_set_back_keeps_nobody_for_ever(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "dialog");
	agent_end(rig);
	fake_wall_step(INT64_C(-30) * 86400000);
	assert_int_equal(0, agent_begin(rig));
	agent_wake(rig);
	assert_in_range(fake_last(fake_notifier_at(0))->expires_s, 3590, 3600);
	fake_answer_all(200);
	fake_time_pass(3600000);
	assert_int_equal(0, agent_stats(rig).watchers);
}

static void a_clock_set_while_we_run_changes_nothing(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "dialog");

	fake_wall_step(INT64_C(86400000));
	fake_time_pass(599999);
	assert_int_equal(1, fake_notifies(n));
	fake_wall_step(INT64_C(-2) * 86400000);
	fake_time_pass(1);
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
	assert_int_equal(0, agent_stats(rig).watchers);
}

static void whose_user_is_gone_does_not_go_on(void **state)
{
	struct agent_rig *rig = *state;

	agent_watch_well(ANNA, "dialog");
	agent_watch_well(BRUNO, "dialog");
	agent_end(rig);
	fake_user_delete("u1");
	assert_int_equal(0, agent_begin(rig));
	agent_wake(rig);
	assert_int_equal(1, fake_notifiers());
	assert_int_equal(1, rig->logged);
}

static void a_damaged_record_is_said_and_ends_alone(void **state)
{
	static const char *const bad[] = {
		"1 dialog 2 99 5 1 1 1\n",
		"1 dialog 2 9999999999999 5 9 1 1\nabc",
		"1 weather 0 9999999999999 5 1 1 1\nabc",
		"1 dialog 99 9999999999999 5 1 1 1\nabc",
		"1 dialog 2 9999999999999 5 18446744073709551615 1 1\nabc",
		"2 dialog 2 9999999999999 5 1 1 1\nabc",
		"1 dialog 2 9999999999999 5 1 1 1\nabsip:anna@corp.example",
		"no line end",
		"\n",
	};
	const size_t n = sizeof(bad) / sizeof(*bad);
	struct agent_rig *rig = *state;
	char page[4096];
	size_t len = 0;

	for (size_t i = 0; i < 32; i++) {
		const char *record = i < n ? bad[i] : "";

		len += (size_t)snprintf(page + len, sizeof(page) - len,
					"%zu\n%s", strlen(record), record);
	}
	agent_end(rig);
	fake_store_set("watcher", "00000005", page, len);
	assert_int_equal(0, agent_begin(rig));
	agent_wake(rig);
	assert_int_equal(n, rig->logged);
	assert_int_equal(0, agent_stats(rig).watchers);
	assert_int_equal(0, fake_store_keys("watcher"));
}

/* A thousand members with long names: 140 KB. */
static void a_long_list_goes_on(void **state)
{
	static char body[256 << 10];
	struct agent_rig *rig = *state;
	size_t len = 0;

	len += (size_t)snprintf(
		body, sizeof(body),
		"<resource-lists xmlns=\"urn:ietf:params:xml:ns:"
		"resource-lists\"><list>");
	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(
			body + len, sizeof(body) - len,
			"<entry uri=\"sip:%0120d@corp.example\"/>", i);
	snprintf(body + len, sizeof(body) - len, "</list></resource-lists>");
	fake_ask("SUBSCRIBE", "sip:lamp@lamp",
		 "Event: presence\nSupported: eventlist\n"
		 "Content-Type: application/resource-lists+xml\n",
		 body);
	assert_int_equal(200, fake_reply()->status);
	fake_answer_all(200);
	agent_restart(rig);
	agent_wake(rig);
	assert_int_equal(1, agent_stats(rig).lists);
	assert_int_equal(0, rig->logged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)
		T(a_subscription_goes_on_after_a_stop),
		T(of_each_kind_it_is_the_same_subscription),
		T(a_kill_costs_only_the_last_second),
		T(an_ended_one_does_not_come_back),
		T(numbers_grow_over_a_stop_and_a_kill),
		T(two_kills_in_a_row_do_not_use_a_number_twice),
		T(a_kill_before_the_promise_is_saved_repeats_nothing),
		T(a_watcher_in_the_first_moment_is_told_when_all_is_read),
		T(a_kill_while_many_are_in_flight_goes_on),
		T(a_refresh_is_saved_too),
		T(a_busy_watcher_gets_new_promises_in_time),
		T(versions_that_others_used_up_do_not_come_again),
		T(who_subscribes_before_the_reading_gets_no_old_version),
		T(nobody_is_told_before_the_feeds_know),
		T(a_feed_that_stays_silent_is_waited_for_three_seconds),
		T(many_are_told_a_few_hundred_at_a_time),
		T(time_goes_on_while_we_are_away),
		T(a_clock_set_back_keeps_nobody_for_ever),
		T(a_clock_set_while_we_run_changes_nothing),
		T(whose_user_is_gone_does_not_go_on),
		T(a_damaged_record_is_said_and_ends_alone),
		T(a_long_list_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
