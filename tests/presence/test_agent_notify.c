/*
 * tests/presence/test_agent_notify.c - the presence server: when a watcher is
 * told, what, and when it is given up.
 */
#include <stdio.h>
#include <string.h>

#include "tests/presence/agent_rig.h"

#include "core/banned.h"

/* ---- changes ---- */

static void a_change_is_told_to_those_it_shows_to(void **state)
{
	struct lf_sip_notifier *line = agent_watch_well(ANNA, "dialog");
	struct lf_sip_notifier *person = agent_watch_well(ANNA, "presence");
	struct lf_sip_notifier *other = agent_watch_well(BRUNO, "dialog");

	agent_line(*state, "u1", LF_TEL_BUSY);
	assert_true(agent_says(line, "confirmed"));
	assert_int_equal(2, fake_notifies(line));
	assert_int_equal(2, fake_notifies(person));
	assert_int_equal(1, fake_notifies(other));
	fake_answer_all(200);
	agent_rich(*state, "u1", LF_RICH_AWAY);
	assert_int_equal(2, fake_notifies(line)); /* a lamp key shows no away */
	assert_int_equal(3, fake_notifies(person));
}

static void one_turns_changes_are_one_notify(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence");

	rig->rich[1] = LF_RICH_DND;
	agent_line(rig, "u1", LF_TEL_RINGING);
	assert_int_equal(2, fake_notifies(n));
}

static void one_is_in_flight_and_the_latest_wins(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "dialog");

	agent_line(*state, "u1", LF_TEL_RINGING);
	assert_true(agent_says(n, "early"));
	agent_line(*state, "u1", LF_TEL_BUSY);
	agent_line(*state, "u1", LF_TEL_IDLE);
	agent_line(*state, "u1", LF_TEL_BUSY);
	assert_int_equal(2, fake_notifies(n));
	fake_answer(n, 200);
	assert_int_equal(3, fake_notifies(n));
	assert_true(agent_says(n, "confirmed"));
	fake_answer(n, 200);
	assert_int_equal(3, fake_notifies(n));
}

static void the_document_is_shared_by_all_who_see_the_same(void **state)
{
	struct lf_sip_notifier *a = agent_watch_well(ANNA, "dialog");
	struct lf_sip_notifier *b = agent_watch_well(ANNA, "dialog");

	agent_line(*state, "u1", LF_TEL_BUSY);
	assert_int_equal(agent_version(a), agent_version(b));
}

/* ---- notify-interval ---- */

static void a_least_interval_is_kept_and_the_latest_is_told(void **state)
{
	struct lf_sip_notifier *n;

	agent_set("presence-server.notify-interval", "5000");
	n = agent_watch_well(ANNA, "dialog");
	fake_time_pass(1000);
	agent_line(*state, "u1", LF_TEL_RINGING);
	agent_line(*state, "u1", LF_TEL_BUSY);
	fake_time_pass(3999);
	assert_int_equal(1, fake_notifies(n));
	fake_time_pass(1);
	assert_int_equal(2, fake_notifies(n));
	assert_true(agent_says(n, "confirmed"));
	fake_answer(n, 200);
	fake_time_pass(60000);
	assert_int_equal(2, fake_notifies(n));
	agent_line(*state, "u1", LF_TEL_IDLE); /* long after: at once */
	assert_int_equal(3, fake_notifies(n));
}

static void who_moved_and_moved_back_is_not_told(void **state)
{
	struct lf_sip_notifier *n;

	agent_set("presence-server.notify-interval", "5000");
	n = agent_watch_well(ANNA, "presence");
	agent_line(*state, "u1", LF_TEL_BUSY);
	fake_time_pass(5000);
	assert_int_equal(2, fake_notifies(n));
}

static void a_refresh_is_told_before_the_interval(void **state)
{
	struct lf_sip_notifier *n;

	agent_set("presence-server.notify-interval", "60000");
	n = agent_watch_well(ANNA, "presence");
	fake_refresh(n, 600);
	assert_int_equal(2, fake_notifies(n));
}

static void the_interval_does_not_outlive_the_subscription(void **state)
{
	struct lf_sip_notifier *n;

	agent_set("presence-server.notify-interval", "60000");
	n = agent_watch(ANNA, "dialog", "Expires: 60\n");
	fake_answer(n, 200);
	agent_line(*state, "u1", LF_TEL_BUSY);
	fake_time_pass(59999);
	assert_int_equal(1, fake_notifies(n));
	fake_time_pass(1);
	assert_int_equal(2, fake_notifies(n));
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
	assert_true(agent_says(n, "confirmed"));
}

/* A list's documents add to each other: the next waits for an answer. */
static void a_list_with_an_interval_does_not_spin_while_it_waits(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n;

	agent_set("presence-server.notify-interval", "1000");
	agent_list(*state, "sales", ANNA " " BRUNO);
	n = agent_watch("sip:sales@lamp", "dialog", "Supported: eventlist\n");
	fake_time_pass(5000);
	agent_line(rig, "u1", LF_TEL_BUSY);
	fake_time_pass(200); /* the batch */
	assert_int_equal(1, fake_notifies(n));
	assert_false(fake_time_is_due(0)); /* nothing runs in each turn */
	fake_time_pass(5000);
	fake_answer(n, 200);
	assert_int_equal(2, fake_notifies(n));
	assert_true(agent_says(n, "confirmed"));
}

/* ---- a watcher is lost ---- */

static void a_watcher_that_does_not_know_us_is_dropped(void **state)
{
	static const int lost[] = {404, 405, 408, 410, 416, 480,
				   481, 485, 489, 501, 604};

	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		struct lf_sip_notifier *n = agent_watch(ANNA, "presence", "");

		fake_answer(n, lost[i]);
		assert_int_equal(0, fake_notifiers());
		assert_int_equal(i + 1, agent_stats(*state).lost);
	}
	assert_int_equal(0, agent_stats(*state).watchers);
}

static void a_watcher_with_a_problem_is_kept(void **state)
{
	static const int kept[] = {202, 400, 403, 486, 500, 503, 600};
	struct lf_sip_notifier *n = agent_watch(ANNA, "presence", "");

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		fake_answer(n, kept[i]);
		agent_line(*state, "u1", i % 2 ? LF_TEL_IDLE : LF_TEL_BUSY);
		assert_int_equal(i + 2, fake_notifies(n));
	}
	assert_int_equal(0, agent_stats(*state).lost);
}

static void what_waited_dies_with_the_watcher(void **state)
{
	struct lf_sip_notifier *n = agent_watch(ANNA, "presence", "");

	agent_line(*state, "u1", LF_TEL_BUSY);
	fake_answer(n, 481);
	assert_int_equal(0, fake_notifiers());
	agent_line(*state, "u1", LF_TEL_IDLE);
	fake_time_pass(4000000);
	assert_int_equal(0, agent_stats(*state).watchers);
}

static void what_could_not_be_sent_goes_with_the_next_change(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence");

	fake_fail_sends(1, -12);
	agent_line(*state, "u1", LF_TEL_BUSY);
	assert_int_equal(1, fake_notifies(n));
	agent_set("presence-server.max-watchers", "7"); /* all look again */
	assert_int_equal(2, fake_notifies(n));
	fake_fail_sends(1, -12);
	agent_line(*state, "u1", LF_TEL_IDLE);
	agent_rich(*state, "u1", LF_RICH_DND);
	assert_int_equal(2, fake_notifies(n));
	fake_answer(n, 200);
	assert_int_equal(3, fake_notifies(n));
	assert_int_equal(1, agent_stats(*state).watchers);
}

/* ---- users ---- */

static void a_deleted_user_ends_her_watchers(void **state)
{
	struct lf_sip_notifier *n[4];

	n[0] = agent_watch_well(ANNA, "presence");
	n[1] = agent_watch_well(ANNA, "dialog");
	n[2] = agent_watch_well("sip:200@pbx", "dialog");
	n[3] = agent_watch_well(ANNA, "presence.winfo");
	agent_watch_well(BRUNO, "presence");
	fake_user_delete("u1");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(2, fake_notifies(n[i]));
		assert_int_equal(LF_SUB_TERMINATED, fake_last(n[i])->state);
		assert_int_equal(LF_REASON_NORESOURCE, fake_last(n[i])->reason);
	}
	assert_int_equal(1, agent_stats(*state).watchers);
	fake_answer_all(200);
	assert_int_equal(1, fake_notifiers());
	assert_int_equal(404, agent_ask(ANNA, "Event: presence\n"));
}

static void a_changed_user_keeps_her_watchers(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "dialog");

	fake_user_put("u1", "299", "anna@corp.example", "");
	agent_line(*state, "u1", LF_TEL_BUSY);
	assert_true(agent_says(n, "confirmed"));
}

static void a_deleted_member_is_gone_from_its_list(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO);
	n = agent_watch("sip:sales@lamp", "dialog", "Supported: eventlist\n");
	fake_answer(n, 200);
	fake_user_delete("u1");
	fake_time_pass(200);
	assert_int_equal(2, fake_notifies(n));
	assert_true(agent_says(n, "noresource"));
	assert_int_equal(LF_SUB_ACTIVE, fake_last(n)->state);
}

/* ---- settings ---- */

static void privacy_is_obeyed_at_once_and_only_once(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "dialog");

	agent_line(*state, "u1", LF_TEL_BUSY);
	fake_answer(n, 200);
	assert_true(agent_says(n, "confirmed"));
	agent_set("privacy.u1.show", "nothing");
	assert_int_equal(3, fake_notifies(n));
	assert_false(agent_says(n, "confirmed"));
	fake_answer(n, 200);
	agent_line(*state, "u1", LF_TEL_IDLE);
	agent_set("privacy.u1.allow", "bob");
	assert_true(agent_says(n, "anna@corp.example"));
	fake_answer_all(200);
	assert_int_equal(1, fake_notifiers());
}

/* Another saw the lesser document before; ours must still be newer. */
static void a_level_that_changes_takes_no_older_document(void **state)
{
	struct lf_sip_notifier *lesser, *n;

	agent_set("privacy.u1.show", "basic");
	agent_set("privacy.u1.allow", "bob, carla");
	fake_ask_as("sip:dora@corp.example", NULL);
	lesser = agent_watch_well(ANNA, "dialog");
	fake_ask_as("sip:bob@corp.example", NULL);
	n = agent_watch_well(ANNA, "dialog");
	fake_refresh(n, 600);
	fake_answer(n, 200);
	assert_true(agent_version(n) > agent_version(lesser));
	agent_set("privacy.u1.allow", "carla"); /* the rig sees the versions */
	assert_int_equal(3, fake_notifies(n));
	fake_answer_all(200);
	agent_set("privacy.u1.allow", "bob");
	assert_int_equal(4, fake_notifies(n));
}

static void a_setting_that_shows_nothing_new_tells_nobody(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence");

	agent_set("presence-server.max-watchers", "7");
	agent_set("presence-server.expires-min", "30");
	assert_int_equal(1, fake_notifies(n));
	assert_int_equal(200, agent_ask(ANNA, "Event: presence\n"
					      "Expires: 30\n"));
}

static void limits_that_cross_are_the_longer_one(void **state)
{
	agent_set("presence-server.expires-max", "100");
	agent_set("presence-server.expires-min", "200");
	agent_watch(ANNA, "presence", "Expires: 500\n");
	assert_int_equal(100, fake_reply()->expires_s);
	assert_int_equal(423, agent_ask(ANNA, "Event: presence\n"
					      "Expires: 99\n"));
	assert_string_equal("100", fake_reply_header("Min-Expires"));
}

static void trusted_addresses_are_handed_down_or_stay(void **state)
{
	struct agent_rig *rig = *state;

	agent_set("presence-server.trusted", " 10.0.0.5 ,, 10.0.8.0/24");
	assert_string_equal("10.0.0.5,10.0.8.0/24", fake_trusted());
	fake_refuse_trusted();
	agent_set("presence-server.trusted", "nonsense");
	assert_int_equal(1, rig->logged);
}

/* ---- watcher information ---- */

static void winfo_names_who_watches(void **state)
{
	struct lf_sip_notifier *n;

	fake_ask_as("sip:dora@corp.example", NULL);
	agent_watch_well(ANNA, "presence");
	agent_watch_well(BRUNO, "presence");
	agent_watch_well(ANNA, "dialog");
	fake_ask_as("sip:anna@corp.example", "u1");
	n = agent_watch_well(ANNA, "presence.winfo");
	assert_true(agent_says(n, "sip:dora@corp.example"));
	assert_null(strstr(strstr(fake_last(n)->body, "dora") + 1, "dora"));
	assert_int_equal(0, agent_version(n));
}

static void winfo_is_told_who_comes_and_who_goes(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence.winfo");
	struct lf_sip_notifier *other =
		agent_watch_well(BRUNO, "presence.winfo");
	struct lf_sip_notifier *dora;

	fake_ask_as("sip:dora@corp.example", NULL);
	dora = agent_watch_well(ANNA, "presence");
	fake_time_pass(0);
	assert_true(agent_says(n, "dora"));
	assert_int_equal(1, agent_version(n));
	fake_answer(n, 200);
	fake_refresh(dora, 0);
	fake_time_pass(0);
	assert_false(agent_says(n, "dora"));
	assert_int_equal(2, agent_version(n));
	assert_int_equal(1, fake_notifies(other));
}

static void winfo_tells_a_turns_watchers_at_once(void **state)
{
	struct lf_sip_notifier *n = agent_watch_well(ANNA, "presence.winfo");

	for (int i = 0; i < 10; i++)
		agent_watch(ANNA, "presence", "");
	fake_time_pass(0);
	assert_int_equal(2, fake_notifies(n));
}

static void winfo_is_for_the_person_herself(void **state)
{
	fake_ask_as("sip:dora@corp.example", "u3");
	assert_int_equal(403, agent_ask(ANNA, "Event: presence.winfo\n"));
	fake_ask_as("sip:anna@corp.example", "u1");
	assert_int_equal(200, agent_ask(ANNA, "Event: presence.winfo\n"));
	assert_int_equal(404, agent_ask("sip:nobody@corp.example",
					"Event: presence.winfo\n"));
}

/* ---- looking in ---- */

static unsigned shown;

static void on_watcher(const struct lf_agent_watcher *w, void *arg)
{
	shown++;
	assert_string_equal("sip:bob@corp.example", w->watcher);
	assert_true(w->expires_s > 0);
	assert_string_equal("full", w->shown);
}

static void the_watchers_are_shown_of_one_or_of_all(void **state)
{
	struct agent_rig *rig = *state;

	agent_list(*state, "sales", ANNA " " BRUNO);
	agent_watch_well(ANNA, "presence");
	agent_watch_well("sip:200@pbx", "dialog");
	agent_watch_well(BRUNO, "presence");
	agent_watch("sip:sales@lamp", "dialog", "Supported: eventlist\n");
	shown = 0;
	lf_agent_watchers(rig->agent, "u1", on_watcher, NULL);
	assert_int_equal(3, shown); /* one by the list */
	lf_agent_watchers(rig->agent, NULL, on_watcher, NULL);
	assert_int_equal(7, shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)
		T(a_change_is_told_to_those_it_shows_to),
		T(one_turns_changes_are_one_notify),
		T(one_is_in_flight_and_the_latest_wins),
		T(the_document_is_shared_by_all_who_see_the_same),
		T(a_least_interval_is_kept_and_the_latest_is_told),
		T(who_moved_and_moved_back_is_not_told),
		T(a_refresh_is_told_before_the_interval),
		T(the_interval_does_not_outlive_the_subscription),
		T(a_list_with_an_interval_does_not_spin_while_it_waits),
		T(a_watcher_that_does_not_know_us_is_dropped),
		T(a_watcher_with_a_problem_is_kept),
		T(what_waited_dies_with_the_watcher),
		T(what_could_not_be_sent_goes_with_the_next_change),
		T(a_deleted_user_ends_her_watchers),
		T(a_changed_user_keeps_her_watchers),
		T(a_deleted_member_is_gone_from_its_list),
		T(privacy_is_obeyed_at_once_and_only_once),
		T(a_level_that_changes_takes_no_older_document),
		T(a_setting_that_shows_nothing_new_tells_nobody),
		T(limits_that_cross_are_the_longer_one),
		T(trusted_addresses_are_handed_down_or_stay),
		T(winfo_names_who_watches),
		T(winfo_is_told_who_comes_and_who_goes),
		T(winfo_tells_a_turns_watchers_at_once),
		T(winfo_is_for_the_person_herself),
		T(the_watchers_are_shown_of_one_or_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
