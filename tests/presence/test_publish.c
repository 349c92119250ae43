/*
 * tests/presence/test_publish.c - PUBLISH: entity tags, several publishers,
 * their time, and a restart. How several are composed: test_compose.c.
 */
#include <stdio.h>
#include <string.h>

#include "presence/publish.h"
#include "tests/presence/agent_rig.h"

#include "core/banned.h"

#define PIDF_TYPE "Content-Type: application/pidf+xml\n"

static char etag[64];

static const char *pidf(const char *activity, const char *note)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "<presence xmlns='urn:ietf:params:xml:ns:pidf' "
		 "xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' "
		 "xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' "
		 "entity='sip:anna@corp.example'><tuple id='t'><status>"
		 "<basic>open</basic></status></tuple><dm:person id='p'>"
		 "<rpid:activities><rpid:%s/></rpid:activities>"
		 "<dm:note>%s</dm:note></dm:person></presence>",
		 activity, note);
	return text;
}

static int publish(const char *headers, const char *body)
{
	char text[512];

	snprintf(text, sizeof(text), "Event: presence\n%s%s",
		 body ? PIDF_TYPE : "", headers);
	fake_ask("PUBLISH", ANNA, text, body);
	snprintf(etag, sizeof(etag), "%s", fake_reply_header("SIP-ETag"));
	return fake_reply()->status;
}

static int publish_on(const char *match, const char *headers, const char *body)
{
	char text[256];

	snprintf(text, sizeof(text), "SIP-If-Match: %s\n%s", match, headers);
	return publish(text, body);
}

static struct {
	unsigned count;
	char says[256];
} seen;

static void on_publication(const struct lf_agent_publication *p, void *arg)
{
	size_t len = strlen(seen.says);

	seen.count++;
	snprintf(seen.says + len, sizeof(seen.says) - len, "%s %s;", p->event,
		 p->says);
}

static const char *says(const struct agent_rig *rig)
{
	memset(&seen, 0, sizeof(seen));
	lf_agent_publications(rig->agent, on_publication, NULL);
	assert_int_equal(seen.count, agent_stats(rig).publications);
	return seen.says;
}

/* ---- entity tags ---- */

static void each_publication_has_a_tag_of_its_own(void **state)
{
	char first[64];

	assert_int_equal(200, publish("Expires: 600\n", pidf("busy", "")));
	assert_string_equal("600", fake_reply_header("Expires"));
	memcpy(first, etag, sizeof(first));
	assert_int_equal(16, strlen(first));
	assert_int_equal(200, publish("", pidf("away", "")));
	assert_string_equal("3600", fake_reply_header("Expires"));
	assert_string_not_equal(first, etag);
	assert_string_equal("presence busy;presence away;", says(*state));
}

static void a_refresh_a_change_and_a_removal_need_the_newest_tag(void **state)
{
	struct agent_rig *rig = *state;
	char old[64], removed[64];

	publish("", pidf("busy", ""));
	memcpy(old, etag, sizeof(old));
	assert_int_equal(200, publish_on(old, "Expires: 100\n", NULL));
	assert_string_equal("presence busy;", says(rig));
	assert_string_not_equal(old, etag);
	assert_int_equal(412, publish_on(old, "", NULL));
	publish("", pidf("vacation", "")); /* another, for its tag */
	memcpy(old, etag, sizeof(old));
	assert_int_equal(200, publish_on(old, "", pidf("away", "")));
	memcpy(old, etag, sizeof(old));
	assert_int_equal(200, publish_on(old, "Expires: 0\n", NULL));
	assert_string_equal("0", fake_reply_header("Expires"));
	assert_string_equal("presence busy;", says(rig));
	memcpy(removed, etag, sizeof(removed));
	assert_int_equal(412, publish_on(old, "", NULL));
	assert_int_equal(412, publish_on(removed, "", NULL));
	assert_int_equal(412, publish_on("", "", NULL));
	assert_int_equal(412, publish_on("nonsense", "", pidf("busy", "")));
}

static void a_copy_gets_the_same_answer_and_does_nothing(void **state)
{
	char first[64];

	publish("", pidf("busy", ""));
	memcpy(first, etag, sizeof(first));
	fake_ask_again();
	assert_int_equal(200, fake_reply()->status);
	assert_string_equal(first, fake_reply_header("SIP-ETag"));
	assert_int_equal(1, agent_stats(*state).publications);
	assert_int_equal(200, publish_on(first, "Expires: 0\n", NULL));
	fake_ask_again();
	assert_int_equal(200, fake_reply()->status);
	assert_string_equal(etag, fake_reply_header("SIP-ETag"));
}

static void its_tag_belongs_to_the_person(void **state)
{
	char text[128];

	publish("", pidf("busy", ""));
	snprintf(text, sizeof(text), "Event: presence\nSIP-If-Match: %s\n",
		 etag);
	fake_ask("PUBLISH", BRUNO, text, NULL);
	assert_int_equal(412, fake_reply()->status);
}

/* ---- refusals ---- */

static void what_cannot_be_published_is_refused(void **state)
{
	assert_int_equal(400, publish("", NULL));
	assert_int_equal(423, publish("Expires: 59\n", pidf("busy", "")));
	assert_string_equal("60", fake_reply_header("Min-Expires"));
	assert_int_equal(400, publish("", "<presence"));
	assert_int_equal(420, publish("Require: 100rel\n", pidf("busy", "")));
	fake_ask("PUBLISH", ANNA, "Event: presence\nContent-Type: text/html\n",
		 "<html/>");
	assert_int_equal(415, fake_reply()->status);
	assert_non_null(strstr(fake_reply_header("Accept"), "pidf"));
	fake_ask("PUBLISH", ANNA, "Event: weather\n" PIDF_TYPE, "x");
	assert_int_equal(489, fake_reply()->status);
	fake_ask("PUBLISH", "sip:nobody@corp.example", "Event: presence\n",
		 "x");
	assert_int_equal(404, fake_reply()->status);
	assert_string_equal("", says(*state));
}

static void a_user_publishes_for_herself_only(void **state)
{
	fake_ask_as("sip:anna@corp.example", "u2");
	assert_int_equal(403, publish("", pidf("busy", "")));
	fake_ask_as("sip:whoever@corp.example", "u1");
	assert_int_equal(200, publish("", pidf("busy", "")));
}

static void too_many_are_refused_until_one_goes(void **state)
{
	for (int i = 0; i < LF_PUBLICATIONS_MAX; i++)
		assert_int_equal(200, publish("", pidf("busy", "")));
	assert_int_equal(503, publish("", pidf("away", "")));
	fake_time_pass(3600000);
	assert_int_equal(200, publish("", pidf("away", "")));
}

/* They are kept for copies of what removed them, but are in nobody's way. */
static void who_changes_his_mind_often_is_never_refused(void **state)
{
	for (int i = 0; i < 3 * LF_PUBLICATIONS_MAX; i++) {
		assert_int_equal(200, publish("", pidf("away", "")));
		assert_int_equal(200, publish_on(etag, "Expires: 0\n", NULL));
	}
	assert_string_equal("", says(*state));
}

/* ---- what is shown ---- */

static void it_is_shown_to_watchers_until_its_time_is_up(void **state)
{
	struct agent_rig *rig = *state;
	struct lf_sip_notifier *n;

	agent_rich(rig, "u1", LF_RICH_UNKNOWN);
	n = agent_watch(ANNA, "presence", "Expires: 3600\n");
	fake_answer(n, 200);
	assert_int_equal(200, publish("Expires: 60\n", pidf("busy", "lunch")));
	fake_time_pass(0);
	assert_int_equal(2, fake_notifies(n));
	assert_true(agent_says(n, "busy"));
	assert_true(agent_says(n, "lunch"));
	fake_answer(n, 200);
	fake_time_pass(59999);
	assert_int_equal(2, fake_notifies(n));
	fake_time_pass(1);
	assert_int_equal(3, fake_notifies(n));
	assert_false(agent_says(n, "lunch"));
	assert_string_equal("", says(rig));
}

static void a_removal_is_shown_at_once(void **state)
{
	struct lf_sip_notifier *n;

	agent_rich(*state, "u1", LF_RICH_UNKNOWN);
	n = agent_watch_well(ANNA, "presence");
	assert_int_equal(200, publish("", pidf("busy", "lunch")));
	fake_time_pass(0);
	assert_true(agent_says(n, "lunch"));
	fake_answer(n, 200);
	assert_int_equal(200, publish_on(etag, "Expires: 0\n", NULL));
	fake_time_pass(0);
	assert_int_equal(3, fake_notifies(n));
	assert_false(agent_says(n, "lunch"));
}

static void a_refresh_without_a_body_moves_no_lamp(void **state)
{
	struct lf_sip_notifier *n;

	publish("", pidf("busy", ""));
	n = agent_watch_well(ANNA, "presence");
	assert_int_equal(200, publish_on(etag, "Expires: 300\n", NULL));
	fake_time_pass(1000);
	assert_int_equal(1, fake_notifies(n));
	assert_string_equal("presence busy;", says(*state));
	fake_time_pass(299000);
	assert_string_equal("", says(*state));
}

/* ---- restart ---- */

static void a_publication_goes_on_after_a_stop(void **state)
{
	struct agent_rig *rig = *state;

	publish("Expires: 600\n", pidf("busy", "two\nlines"));
	fake_time_pass(100000);
	agent_restart(rig);
	agent_wake(rig);
	assert_string_equal("presence busy;", says(rig));
	assert_int_equal(200, publish_on(etag, "Expires: 600\n", NULL));
	fake_time_pass(600000);
	assert_string_equal("", says(rig));
}

static void a_copy_is_known_over_a_stop(void **state)
{
	struct agent_rig *rig = *state;
	char first[64];

	publish("", pidf("busy", ""));
	memcpy(first, etag, sizeof(first));
	agent_restart(rig);
	agent_wake(rig);
	fake_ask_again();
	assert_string_equal(first, fake_reply_header("SIP-ETag"));
	assert_int_equal(1, agent_stats(rig).publications);
}

static void a_removed_one_does_not_come_back(void **state)
{
	struct agent_rig *rig = *state;

	publish("", pidf("busy", ""));
	fake_time_pass(1100);
	while (fake_store_asked())
		fake_store_answer();
	assert_int_equal(1, fake_store_keys("publication"));
	publish_on(etag, "Expires: 0\n", NULL);
	fake_time_pass(1100);
	while (fake_store_asked())
		fake_store_answer();
	agent_kill(rig);
	agent_wake(rig);
	assert_string_equal("", says(rig));
}

static void whose_time_was_up_or_user_gone_does_not_go_on(void **state)
{
	struct agent_rig *rig = *state;

	publish("Expires: 60\n", pidf("busy", ""));
	fake_ask("PUBLISH", BRUNO, "Event: presence\n" PIDF_TYPE,
		 pidf("away", ""));
	agent_end(rig);
	fake_user_delete("u2");
	fake_time_pass(60000);
	assert_int_equal(0, agent_begin(rig));
	agent_wake(rig);
	assert_string_equal("", says(rig));
}

static void a_clock_set_back_keeps_none_for_ever(void **state)
{
	struct agent_rig *rig = *state;

	publish("Expires: 600\n", pidf("busy", ""));
	agent_end(rig);
	fake_wall_step(INT64_C(-30) * 86400000);
	assert_int_equal(0, agent_begin(rig));
	agent_wake(rig);
	fake_time_pass(3600000);
	assert_string_equal("", says(rig));
}

static void a_damaged_record_is_no_publication(void **state)
{
	static const char *const bad[] = {
		"2 presence",
		"2 presence e 1 9999999999999 1 8 0 99 0 0 0 0\nu1\nf\n\n",
		"1 presence e 1 9999999999999 1 8 0 1 0 0 0 0\nu1\nf\n\n",
		"2 weather e 1 9999999999999 1 8 0 1 0 0 0 0\nu1\nf\n\n",
		"2 presence e 1 9999999999999 1 8 0 1 0 0 0 0\nu1\nf",
		"2 presence e 1 9999999999999 1 8 0 1 0 0 0 0\nu9\nf\n\n",
	};
	struct agent_rig *rig = *state;
	char page[4096];
	size_t len = 0;

	for (size_t i = 0; i < 32; i++) {
		const char *record =
			i < sizeof(bad) / sizeof(*bad) ? bad[i] : "";

		len += (size_t)snprintf(page + len, sizeof(page) - len,
					"%zu\n%s", strlen(record), record);
	}
	agent_end(rig);
	fake_store_set("publication", "00000000", page, len);
	assert_int_equal(0, agent_begin(rig));
	agent_wake(rig);
	assert_string_equal("", says(rig));
	assert_int_equal(0, fake_store_keys("publication"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)
		T(each_publication_has_a_tag_of_its_own),
		T(a_refresh_a_change_and_a_removal_need_the_newest_tag),
		T(a_copy_gets_the_same_answer_and_does_nothing),
		T(its_tag_belongs_to_the_person),
		T(what_cannot_be_published_is_refused),
		T(a_user_publishes_for_herself_only),
		T(too_many_are_refused_until_one_goes),
		T(who_changes_his_mind_often_is_never_refused),
		T(it_is_shown_to_watchers_until_its_time_is_up),
		T(a_removal_is_shown_at_once),
		T(a_refresh_without_a_body_moves_no_lamp),
		T(a_publication_goes_on_after_a_stop),
		T(a_copy_is_known_over_a_stop),
		T(a_removed_one_does_not_come_back),
		T(whose_time_was_up_or_user_gone_does_not_go_on),
		T(a_clock_set_back_keeps_none_for_ever),
		T(a_damaged_record_is_no_publication),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
