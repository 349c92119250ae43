/*
 * tests/presence/test_agent_list.c - resource lists: what is told of them when,
 * and how much at a time.
 */
#include <stdio.h>
#include <string.h>

#include "tests/presence/agent_rig.h"

#include "core/banned.h"

#define CARLA "sip:carla@corp.example"
#define SALES "sip:sales@lamp"
#define EVENTLIST "Supported: eventlist\n"

/* Of the last NOTIFY: "anna=cid bruno=" for a table with one document. */
static const char *shape(const struct lf_sip_notifier *n)
{
	static char text[256];
	const char *at = fake_last(n)->body;
	size_t len = (size_t)snprintf(
		text, sizeof(text), "%s:",
		agent_says(n, "fullState=\"true\"") ? "full" : "partial");

	while ((at = strstr(at, "<resource uri=\"sip:")) != NULL) {
		const char *end = strstr(at + 1, "<resource uri");
		const char *cid = strstr(at, "cid=");
		const char *gone = strstr(at, "reason=");

		at += strlen("<resource uri=\"sip:");
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					" %.*s%s%s", (int)strcspn(at, "@"), at,
					cid && (!end || cid < end) ? "+" : "",
					gone && (!end || gone < end) ? "-"
								     : "");
	}
	return text;
}

/* Its first NOTIFY is answered; then NOTIFYs have this much room. */
static struct lf_sip_notifier *watch(const char *uri, size_t room)
{
	struct lf_sip_notifier *n = agent_watch(uri, "dialog", EVENTLIST);

	fake_answer(n, 200);
	fake_set_room(n, room);
	return n;
}

static void what_fits_is_told_in_one(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO " " ANNA " sip:x@y");
	n = agent_watch(SALES, "dialog", EVENTLIST);
	assert_string_equal("full: anna+ bruno+ x-", shape(n));
	fake_answer(n, 200);
	fake_time_pass(60000);
	assert_int_equal(1, fake_notifies(n));
}

static void a_table_that_fills_the_room_goes_alone(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO " " CARLA);
	n = watch(SALES, 500);
	fake_refresh(n, 600);
	assert_string_equal("full: anna bruno carla", shape(n));
	fake_answer(n, 200); /* the others follow the answers, not the clock */
	assert_string_equal("partial: anna+", shape(n));
	fake_answer(n, 200);
	assert_string_equal("partial: bruno+", shape(n));
	fake_answer(n, 200);
	assert_string_equal("partial: carla+", shape(n));
	fake_answer(n, 200);
	fake_time_pass(60000);
	assert_int_equal(5, fake_notifies(n));
}

static void documents_are_added_while_there_is_room(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO " " CARLA);
	n = watch(SALES, 960);
	fake_refresh(n, 600);
	assert_string_equal("full: anna+ bruno carla", shape(n));
	fake_answer(n, 200);
	assert_string_equal("partial: bruno+ carla+", shape(n));
	assert_in_range(strlen(fake_last(n)->body), 600, 960);
}

static void one_that_is_too_large_goes_all_the_same(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO);
	n = watch(SALES, 1);
	agent_line(*state, "u2", LF_TEL_BUSY);
	fake_time_pass(200);
	assert_string_equal("partial: bruno+", shape(n));
}

static void changes_leave_together(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO);
	n = watch(SALES, 60000);
	agent_line(*state, "u2", LF_TEL_BUSY);
	fake_time_pass(100);
	agent_line(*state, "u1", LF_TEL_RINGING);
	fake_time_pass(99);
	assert_int_equal(1, fake_notifies(n));
	fake_time_pass(1);
	assert_string_equal("partial: anna+ bruno+", shape(n));
}

static void a_refresh_between_begins_again(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO);
	n = watch(SALES, 500);
	fake_refresh(n, 600);
	fake_answer(n, 200);
	assert_string_equal("partial: anna+", shape(n));
	fake_refresh(n, 600);
	assert_int_equal(3, fake_notifies(n));
	fake_answer(n, 200);
	assert_string_equal("full: anna bruno", shape(n));
	fake_answer(n, 200);
	assert_string_equal("partial: anna+", shape(n));
}

static void what_could_not_be_sent_is_told_in_full(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO);
	n = watch(SALES, 60000);
	fake_fail_sends(1, -12);
	agent_line(*state, "u2", LF_TEL_BUSY);
	fake_time_pass(200);
	assert_int_equal(1, fake_notifies(n));
	agent_line(*state, "u1", LF_TEL_BUSY);
	fake_time_pass(200);
	assert_string_equal("full: anna+ bruno+", shape(n));
}

static void a_fetch_gets_all_there_is(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO);
	n = agent_watch(SALES, "dialog", EVENTLIST "Expires: 0\n");
	assert_string_equal("full: anna+ bruno+", shape(n));
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
}

/* ---- lists that change ---- */

static void a_changed_list_is_told_in_full(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA " " BRUNO);
	n = watch(SALES, 60000);
	agent_list(*state, "sales", BRUNO " " CARLA);
	fake_time_pass(200);
	assert_string_equal("full: bruno+ carla+", shape(n));
	fake_answer(n, 200);
	agent_list(*state, "sales", BRUNO " " CARLA);
	agent_list(*state, "other", ANNA);
	fake_time_pass(1000);
	assert_int_equal(2, fake_notifies(n));
}

static void a_change_waits_for_the_answer(void **state)
{
	struct lf_sip_notifier *n;

	agent_list(*state, "sales", ANNA);
	n = agent_watch(SALES, "dialog", EVENTLIST);
	agent_list(*state, "sales", BRUNO);
	fake_time_pass(200);
	agent_list(*state, "sales", CARLA);
	fake_time_pass(200);
	assert_int_equal(1, fake_notifies(n));
	fake_answer(n, 200);
	assert_string_equal("full: carla+", shape(n));
}

static void a_removed_list_ends_its_subscriptions(void **state)
{
	struct lf_sip_notifier *n, *other;

	agent_list(*state, "sales", ANNA);
	agent_list(*state, "other", ANNA);
	n = watch(SALES, 60000);
	other = watch("sip:other@lamp", 60000);
	agent_list(*state, "sales", NULL);
	fake_time_pass(200);
	assert_int_equal(LF_SUB_TERMINATED, fake_last(n)->state);
	assert_int_equal(LF_REASON_NORESOURCE, fake_last(n)->reason);
	assert_int_equal(1, fake_notifies(other));
	assert_int_equal(404, agent_ask(SALES, "Event: dialog\n"));
}

static void put_carla(void)
{
	fake_user_put("u3", "202", "carla@corp.example", "");
}

static void a_group_and_a_document_are_one_list(void **state)
{
	struct lf_sip_notifier *n;

	fake_user_delete("u3");
	agent_list(*state, "sales", BRUNO);
	agent_set("list.sales.group", "all");
	n = watch(SALES, 60000);
	assert_string_equal("full: bruno+ anna+", shape(n));
	put_carla();
	fake_time_pass(200);
	assert_string_equal("full: bruno+ anna+ carla+", shape(n));
	fake_answer(n, 200);
	fake_user_delete("u3");
	fake_time_pass(400);
	assert_string_equal("full: bruno+ anna+", shape(n));
	fake_answer_all(200);
	agent_set("list.sales.group", NULL);
	fake_time_pass(200);
	assert_string_equal("full: bruno+", shape(n));
}

static void a_stranger_becomes_a_user(void **state)
{
	struct lf_sip_notifier *n;

	fake_user_delete("u3");
	agent_list(*state, "sales", ANNA " " CARLA);
	n = watch(SALES, 60000);
	assert_string_equal("full: anna+ carla-", shape(n));
	put_carla();
	fake_time_pass(400);
	assert_string_equal("partial: carla+", shape(n));
}

static void a_list_that_went_while_we_were_away_ends(void **state)
{
	struct agent_rig *rig = *state;

	agent_list(rig, "sales", ANNA);
	watch(SALES, 60000);
	fake_time_pass(1100);
	fake_store_answer(); /* the subscription is saved */
	agent_list(rig, "sales", NULL);
	agent_kill(rig);
	agent_wake(rig);
	assert_int_equal(1, fake_notifiers());
	assert_int_equal(LF_REASON_NORESOURCE,
			 fake_last(fake_notifier_at(0))->reason);
}

/* Right after the start, before the store has answered. */
static void nobody_is_told_that_a_list_is_not_there_yet(void **state)
{
	struct agent_rig *rig = *state;

	agent_list(rig, "sales", ANNA);
	agent_restart(rig);
	assert_int_equal(503, agent_ask(SALES, "Event: dialog\n" EVENTLIST));
	assert_int_equal(200, agent_ask(ANNA, "Event: dialog\n"));
	fake_store_answer();
	assert_int_equal(200, agent_ask(SALES, "Event: dialog\n" EVENTLIST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)
		T(what_fits_is_told_in_one),
		T(a_table_that_fills_the_room_goes_alone),
		T(documents_are_added_while_there_is_room),
		T(one_that_is_too_large_goes_all_the_same),
		T(changes_leave_together),
		T(a_refresh_between_begins_again),
		T(what_could_not_be_sent_is_told_in_full),
		T(a_fetch_gets_all_there_is),
		T(a_changed_list_is_told_in_full),
		T(a_change_waits_for_the_answer),
		T(a_removed_list_ends_its_subscriptions),
		T(a_group_and_a_document_are_one_list),
		T(a_stranger_becomes_a_user),
		T(a_list_that_went_while_we_were_away_ends),
		T(nobody_is_told_that_a_list_is_not_there_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
