/*
 * tests/presence/test_agent.c - the presence server: who is let in, and a
 * subscription's life until its end.
 */
#include <stdio.h>
#include <string.h>

#include "tests/presence/agent_rig.h"

#include "core/banned.h"

#define PIDF "application/pidf+xml"

/* ---- the beginning ---- */

static void a_watcher_is_accepted_and_told_at_once(void **state)
{
	struct lf_sip_notifier *n =
		agent_watch(ANNA, "presence", "Expires: 600\n");

	assert_int_equal(600, fake_reply()->expires_s);
	assert_int_equal(1, fake_notifies(n));
	assert_int_equal(LF_SUB_ACTIVE, fake_last(n)->state);
	assert_int_equal(600, fake_last(n)->expires_s);
	assert_string_equal(PIDF, fake_last(n)->type);
	assert_true(agent_says(n, "anna@corp.example"));
	assert_int_equal(1, agent_stats(*state).watchers);
}

static void an_extension_or_a_name_at_any_host_will_do(void **state)
{
	agent_watch("sip:200@10.0.0.1", "presence", "");
	agent_watch("sip:u1@lamp", "presence", "");
	agent_watch("sips:anna@corp.example", "presence", "");
	assert_int_equal(404,
			 agent_ask("sip:999@10.0.0.1", "Event: presence\n"));
	assert_int_equal(404, agent_ask("", "Event: presence\n"));
	assert_int_equal(3, agent_stats(*state).watchers);
}

static void each_package_has_its_document(void **state)
{
	static const char *const want[][2] = {
		{"presence", "application/pidf+xml"},
		{"dialog", "application/dialog-info+xml"},
		{"message-summary", "application/simple-message-summary"},
		{"presence.winfo", "application/watcherinfo+xml"},
		{"Dialog;id=7", "application/dialog-info+xml"},
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		assert_string_equal(
			want[i][1],
			fake_last(agent_watch(ANNA, want[i][0], ""))->type);
}

static void the_first_type_that_both_know_is_sent(void **state)
{
	static const char *const want[][2] = {
		{"application/xpidf+xml", "application/xpidf+xml"},
		{"text/plain, application/xpidf+xml;q=0.2",
		 "application/xpidf+xml"},
		{"application/xpidf+xml, application/pidf+xml", PIDF},
		{"*/*", PIDF},
		{"application/*;q=1", PIDF},
		{"", PIDF},
		{" ,, APPLICATION/PIDF+XML", PIDF},
	};
	char accept[128];

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		snprintf(accept, sizeof(accept), "Accept: %s\n", want[i][0]);
		assert_string_equal(
			want[i][1],
			fake_last(agent_watch(ANNA, "presence", accept))->type);
	}
}

/* ---- refusals ---- */

static void what_cannot_be_served_is_refused_with_its_reason(void **state)
{
	assert_int_equal(489, agent_ask(ANNA, "Event: weather\n"));
	assert_string_equal("presence, dialog, message-summary, "
			    "presence.winfo",
			    fake_reply_header("Allow-Events"));
	assert_int_equal(489, agent_ask(ANNA, ""));
	assert_int_equal(489, agent_ask(ANNA, "Event: presenc\n"));
	assert_int_equal(489, agent_ask(ANNA, "Event: presence.winfos\n"));
	assert_int_equal(406, agent_ask(ANNA, "Event: presence\n"
					      "Accept: text/html\n"));
	assert_int_equal(406, agent_ask(ANNA, "Event: dialog\n"
					      "Accept: " PIDF "\n"));
	assert_int_equal(420, agent_ask(ANNA, "Event: presence\n"
					      "Require: eventlist, 100rel\n"));
	assert_string_equal("100rel", fake_reply_header("Unsupported"));
	assert_int_equal(
		404, agent_ask("sip:nobody@corp.example", "Event: presence\n"));
	assert_int_equal(8, agent_stats(*state).refused);
	assert_int_equal(0, agent_stats(*state).watchers);
}

static void too_short_is_refused_with_what_is_long_enough(void **state)
{
	assert_int_equal(423, agent_ask(ANNA, "Event: presence\n"
					      "Expires: 59\n"));
	assert_string_equal("60", fake_reply_header("Min-Expires"));
	assert_int_equal(423, agent_ask(ANNA, "Event: presence\n"
					      "Expires: 1\n"));
	assert_int_equal(200, agent_ask(ANNA, "Event: presence\n"
					      "Expires: 60\n"));
}

static void too_long_or_nothing_or_nonsense_is_an_hour(void **state)
{
	static const char *const expires[] = {"",
					      "Expires: 3601\n",
					      "Expires: 4294967295\n",
					      "Expires: 99999999999999999999\n",
					      "Expires: soon\n",
					      "Expires: -1\n"};
	char headers[128];

	for (size_t i = 0; i < sizeof(expires) / sizeof(*expires); i++) {
		snprintf(headers, sizeof(headers), "Event: presence\n%s",
			 expires[i]);
		assert_int_equal(200, agent_ask(ANNA, headers));
		assert_int_equal(3600, fake_reply()->expires_s);
	}
}

static void one_too_many_is_refused_until_another_ends(void **state)
{
	struct lf_sip_notifier *first;

	agent_set("presence-server.max-watchers", "2");
	first = agent_watch_well(ANNA, "presence");
	agent_watch(ANNA, "presence", "");
	assert_int_equal(503, agent_ask(ANNA, "Event: presence\n"));
	fake_refresh(first, 0);
	assert_int_equal(200, agent_ask(ANNA, "Event: presence\n"));
}

static void a_server_that_is_off_lets_nobody_in(void **state)
{
	agent_set("presence-server.enable", "no");
	assert_int_equal(403, agent_ask(ANNA, "Event: presence\n"));
	fake_ask("PUBLISH", ANNA, "Event: presence\n", "x");
	assert_int_equal(403, fake_reply()->status);
	fake_ask("REGISTER", ANNA, "", NULL);
	assert_int_equal(405, fake_reply()->status);
	agent_set("presence-server.enable", "yes");
	assert_int_equal(200, agent_ask(ANNA, "Event: presence\n"));
}

static void a_list_needs_a_watcher_that_understands_lists(void **state)
{
	agent_list(*state, "sales", ANNA " " BRUNO);
	assert_int_equal(421, agent_ask("sip:sales@lamp", "Event: presence\n"));
	assert_string_equal("eventlist", fake_reply_header("Require"));
	assert_int_equal(421, agent_ask("sip:sales@lamp",
					"Event: presence\n"
					"Supported: path, eventlists\n"));
	agent_watch("sip:sales@lamp", "presence",
		    "Supported: path,eventlist\n");
	assert_int_equal(1, agent_stats(*state).lists);
}

static void a_list_of_too_many_or_of_nonsense_is_refused(void **state)
{
	fake_ask("SUBSCRIBE", "sip:lamp@lamp",
		 "Event: presence\nSupported: eventlist\n"
		 "Content-Type: application/resource-lists+xml\n",
		 "<resource-lists");
	assert_int_equal(400, fake_reply()->status);
}

static void a_phone_may_register_and_hears_what_it_said(void **state)
{
	fake_ask("REGISTER", "sip:lamp",
		 "Contact: <sip:bob@192.0.2.1>\nExpires: 60\n", NULL);
	assert_int_equal(200, fake_reply()->status);
	assert_string_equal("<sip:bob@192.0.2.1>",
			    fake_reply_header("Contact"));
	agent_set("presence-server.register", "no");
	fake_ask("REGISTER", "sip:lamp", "", NULL);
	assert_int_equal(405, fake_reply()->status);
}

/* ---- to the end ---- */

static void a_fetch_is_one_notify_that_ends_it(void **state)
{
	struct lf_sip_notifier *n =
		agent_watch(ANNA, "presence", "Expires: 0\n");

	assert_int_equal(0, fake_reply()->expires_s);
	assert_int_equal(1, fake_notifies(n));
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
	assert_int_equal(LF_REASON_TIMEOUT, fake_last(n)->reason);
	assert_true(agent_says(n, "anna@corp.example"));
	assert_int_equal(0, agent_stats(*state).watchers);
	assert_int_equal(1, agent_stats(*state).ending);
	fake_answer(n, 200);
	assert_int_equal(0, agent_stats(*state).ending);
	assert_int_equal(0, fake_notifiers());
}

static void a_refresh_is_told_what_it_knows(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "dialog");
	long version = agent_version(n);

	fake_refresh(n, 1200);
	assert_int_equal(200, fake_reply()->status);
	assert_int_equal(1200, fake_reply()->expires_s);
	assert_int_equal(2, fake_notifies(n));
	assert_int_equal(1200, fake_last(n)->expires_s);
	assert_true(agent_version(n) > version);
}

static void a_refresh_obeys_the_limits_too(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence");

	fake_refresh(n, 5);
	assert_int_equal(423, fake_reply()->status);
	assert_int_equal(1, fake_notifies(n));
	fake_refresh(n, LF_SIP_ABSENT);
	assert_int_equal(3600, fake_reply()->expires_s);
}

static void expires_0_ends_it_after_a_last_notify(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence");

	fake_refresh(n, 0);
	assert_int_equal(0, fake_reply()->expires_s);
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
	fake_refresh(n, 600); /* it has crossed the last NOTIFY */
	assert_int_equal(481, fake_reply()->status);
	fake_answer(n, 481);
	assert_int_equal(0, fake_notifiers());
	assert_int_equal(0, agent_stats(*state).lost);
}

static void time_ends_it_to_the_second(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence");

	fake_time_pass(599999);
	assert_int_equal(1, fake_notifies(n));
	fake_time_pass(1);
	assert_int_equal(2, fake_notifies(n));
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
	assert_int_equal(LF_REASON_TIMEOUT, fake_last(n)->reason);
	assert_int_equal(0, agent_stats(*state).watchers);
	fake_answer(n, 408);
	assert_int_equal(0, fake_notifiers());
}

static void a_refresh_moves_the_end(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence");

	fake_time_pass(500000);
	fake_refresh(n, 600);
	fake_answer(n, 200);
	fake_time_pass(599999);
	assert_int_equal(LF_SUB_ACTIVE, fake_last(n)->state);
	fake_time_pass(1);
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
}

static void the_time_left_is_in_each_notify(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence");

	fake_time_pass(99001);
	agent_line(*state, "u1", LF_TEL_BUSY);
	assert_int_equal(501, fake_last(n)->expires_s);
}

static void the_end_waits_for_the_notify_before_it(void **state)
{
	struct lf_sip_notifier *n =
		agent_watch(ANNA, "presence", "Expires: 60\n");

	fake_time_pass(60000);
	assert_int_equal(1, fake_notifies(n));
	fake_answer(n, 200);
	assert_int_equal(2, fake_notifies(n));
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
	assert_int_equal(1, agent_stats(*state).ending);
	fake_answer(n, 200);
	assert_int_equal(0, agent_stats(*state).ending);
}

static void who_cannot_be_told_the_end_is_gone_at_once(void **state)
{
	agent_watch_well(ANNA, "presence");
	fake_fail_sends(1, -5);
	fake_time_pass(600000);
	assert_int_equal(0, fake_notifiers());
	assert_int_equal(0, agent_stats(*state).ending);
}

static void nothing_may_be_said(const struct lf_sip_notifier *n,
				const struct fake_notify *notify)
{
	fail_msg("said: %s", notify->body);
}

static void a_closing_server_says_nothing(void **state)
{
	agent_watch_well(ANNA, "presence");
	fake_on_notify(nothing_may_be_said);
	agent_restart(*state);
	assert_int_equal(0, fake_notifiers());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)
		T(a_watcher_is_accepted_and_told_at_once),
		T(an_extension_or_a_name_at_any_host_will_do),
		T(each_package_has_its_document),
		T(the_first_type_that_both_know_is_sent),
		T(what_cannot_be_served_is_refused_with_its_reason),
		T(too_short_is_refused_with_what_is_long_enough),
		T(too_long_or_nothing_or_nonsense_is_an_hour),
		T(one_too_many_is_refused_until_another_ends),
		T(a_server_that_is_off_lets_nobody_in),
		T(a_list_needs_a_watcher_that_understands_lists),
		T(a_list_of_too_many_or_of_nonsense_is_refused),
		T(a_phone_may_register_and_hears_what_it_said),
		T(a_fetch_is_one_notify_that_ends_it),
		T(a_refresh_is_told_what_it_knows),
		T(a_refresh_obeys_the_limits_too),
		T(expires_0_ends_it_after_a_last_notify),
		T(time_ends_it_to_the_second),
		T(a_refresh_moves_the_end),
		T(the_time_left_is_in_each_notify),
		T(the_end_waits_for_the_notify_before_it),
		T(who_cannot_be_told_the_end_is_gone_at_once),
		T(a_closing_server_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
