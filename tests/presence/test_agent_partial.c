/*
 * tests/presence/test_agent_partial.c - the presence server: dialog-info in
 * parts, each of which adds to the last.
 */
#include <stdio.h>
#include <string.h>

#include "tests/presence/agent_rig.h"

#include "core/banned.h"

static struct lf_sip_notifier *watch_in_parts(void)
{
	agent_set("presence-server.partial-dialog", "watcher");
	fake_ask_as("sip:watcher@corp.example", NULL);
	return agent_watch(ANNA, "dialog", "");
}

static void a_change_is_a_part_and_waits_for_an_answer(void **state)
{
	struct lf_sip_notifier *n = watch_in_parts();
	long version = agent_version(n);

	assert_true(agent_says(n, "state=\"full\""));
	agent_line(*state, "u1", LF_TEL_RINGING);
	agent_line(*state, "u1", LF_TEL_BUSY);
	assert_int_equal(1, fake_notifies(n));
	fake_answer(n, 200);
	assert_int_equal(version + 1, agent_version(n)); /* none is left out */
	assert_int_equal(2, fake_notifies(n));
	assert_true(agent_says(n, "state=\"partial\""));
	assert_true(agent_says(n, "confirmed"));
}

static void after_a_part_that_was_not_taken_comes_all(void **state)
{
	struct lf_sip_notifier *n = watch_in_parts();

	fake_answer(n, 200);
	agent_line(*state, "u1", LF_TEL_BUSY);
	assert_true(agent_says(n, "state=\"partial\""));
	agent_line(*state, "u1", LF_TEL_IDLE);
	fake_answer(n, 500);
	assert_true(agent_says(n, "state=\"full\""));
}

/* What was owed is not told after the farewell, nor the farewell twice. */
static void one_that_ends_while_a_part_waits_ends_once(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n = watch_in_parts();

	agent_line(rig, "u1", LF_TEL_BUSY);
	fake_refresh(n, 0);
	assert_int_equal(0, agent_stats(rig).watchers);
	fake_answer(n, 200);
	assert_int_equal(2, fake_notifies(n));
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
	fake_time_pass(1000);
	assert_int_equal(0, agent_stats(rig).watchers);
	assert_int_equal(1, agent_stats(rig).ending);
	fake_answer(n, 200);
	assert_int_equal(0, fake_notifiers());
	assert_int_equal(0, agent_stats(rig).ending);
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_change_is_a_part_and_waits_for_an_answer),
		T(after_a_part_that_was_not_taken_comes_all),
		T(one_that_ends_while_a_part_waits_ends_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
