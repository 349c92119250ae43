/*
 * tests/presence/test_agent_oom.c - the presence server when memory runs out:
 * no leak, each request answered once, and nobody stays for ever.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "presence/lists.h"
#include "tests/oom.h"
#include "tests/presence/agent_rig.h"

#include "core/banned.h"

#define PIDF                                                                   \
	"<presence xmlns='urn:ietf:params:xml:ns:pidf' "                       \
	"entity='sip:anna@corp.example'><tuple id='t'><status>"                \
	"<basic>open</basic></status><note>at lunch</note></tuple></presence>"

static void ignore(enum lf_log_level level, const char *room, const char *text,
		   void *arg)
{
}

static bool is_well(void)
{
	assert_true(fake_reply()->status == 200 || lf_oom_has_failed());
	return fake_reply()->status == 200;
}

static void watch(struct agent_rig *rig, const char *uri, const char *headers)
{
	struct lf_sip_notifier *n;

	fake_ask("SUBSCRIBE", uri, headers, NULL);
	if (!is_well())
		return;
	n = fake_reply()->notifier;
	agent_line(rig, "u1", LF_TEL_RINGING);
	agent_line(rig, "u1", LF_TEL_BUSY);
	fake_answer_all(200);
	fake_time_pass(1000);
	fake_answer_all(200);
	if (!fake_notifiers())
		return; /* it was a fetch */
	fake_refresh(n, 600);
	fake_answer_all(200);
	fake_refresh(n, 0);
	agent_line(rig, "u1", LF_TEL_IDLE);
}

static void watch_all(struct agent_rig *rig)
{
	watch(rig, ANNA, "Event: dialog\n");
	watch(rig, ANNA, "Event: presence.winfo\n");
	watch(rig, "sip:sales@lamp", "Event: presence\nSupported: eventlist\n");
	watch(rig, ANNA, "Event: presence\nExpires: 0\n");
	fake_answer_all(200);
	/* Whoever could not be saved, told or timed is gone at its end. */
	assert_int_equal(0, fake_notifiers());
	assert_int_equal(0, agent_stats(rig).watchers);
	assert_int_equal(0, agent_stats(rig).ending);
}

static void on_list(int err, const char *text, void *arg)
{
	assert_int_equal(0, err);
}

static void keep(struct agent_rig *rig, const char *entries)
{
	struct lf_lists *lists = lf_agent_lists(rig->agent);
	char text[512];

	snprintf(
		text, sizeof(text),
		"<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'>"
		"<list>%s</list></resource-lists>",
		entries);
	if (lf_list_put(lists, "board", text, "test", on_list, NULL))
		assert_true(lf_oom_has_failed());
	while (fake_store_asked())
		fake_store_answer();
	fake_time_pass(1000);
	fake_answer_all(200);
}

static void keep_lists(struct agent_rig *rig)
{
	struct lf_lists *lists = lf_agent_lists(rig->agent);

	keep(rig, "<entry uri='" ANNA "'/>");
	fake_ask("SUBSCRIBE", "sip:board@lamp",
		 "Event: dialog\nSupported: eventlist\n", NULL);
	is_well();
	fake_answer_all(200);
	keep(rig, "<entry uri='" ANNA "'/><entry uri='" BRUNO "'>"
		  "<display-name>Bruno</display-name></entry>");
	if (lf_list_find(lists, "board") &&
	    lf_list_remove(lists, "board", "test", on_list, NULL))
		assert_true(lf_oom_has_failed());
	while (fake_store_asked())
		fake_store_answer();
	fake_time_pass(4000000);
	fake_answer_all(200);
	assert_int_equal(0, fake_notifiers());
}

static void publish(struct agent_rig *rig)
{
	static const char type[] = "Event: presence\n"
				   "Content-Type: application/pidf+xml\n";
	char headers[256];

	fake_ask("PUBLISH", ANNA, type, PIDF);
	if (is_well()) {
		snprintf(headers, sizeof(headers), "SIP-If-Match: %s\n%s",
			 fake_reply_header("SIP-ETag"), type);
		fake_ask("PUBLISH", ANNA, headers, PIDF);
		is_well();
	}
	assert_in_range(agent_stats(rig).publications, 0, 1);
	fake_time_pass(3600000);
	assert_int_equal(0, agent_stats(rig).publications);
}

typedef void act_fn(struct agent_rig *rig);

struct life {
	struct agent_rig *rig;
	act_fn *act;
};

static int one_life(void *arg)
{
	struct life *life = arg;
	int err;

	fake_store_reset();
	err = agent_begin(life->rig);
	if (!err) {
		while (fake_store_asked())
			fake_store_answer();
		life->act(life->rig);
	}
	agent_end(life->rig);
	return err ? err : lf_oom_has_failed() ? -ENOMEM : 0;
}

static void sweep(struct agent_rig *rig, act_fn *act, unsigned least)
{
	struct life life = {rig, act};

	agent_set("list.sales.group", "all");
	agent_end(rig);
	lf_log_set_sink(ignore, NULL);
	assert_in_range(lf_oom_sweep(one_life, &life), least, 5000);
	assert_int_equal(0, agent_begin(rig));
}

static void subscriptions_survive_every_failed_allocation(void **state)
{
	sweep(*state, watch_all, 50);
}

static void kept_lists_survive_every_failed_allocation(void **state)
{
	sweep(*state, keep_lists, 50);
}

static void publications_survive_every_failed_allocation(void **state)
{
	sweep(*state, publish, 20);
}

/* ---- what was saved is read while memory is short ---- */

static int one_restart(void *arg)
{
	struct agent_rig *rig = arg;
	int err;

	fake_store_fail(UINT32_MAX, -EAGAIN); /* the next finds the same */
	err = agent_begin(rig);
	if (!err) {
		while (fake_store_asked())
			fake_store_answer();
		assert_true(agent_stats(rig).watchers == 3 ||
			    lf_oom_has_failed());
		fake_time_pass(4000);
		fake_answer_all(200);
	}
	agent_end(rig);
	return err ? err : lf_oom_has_failed() ? -ENOMEM : 0;
}

static void a_restart_survives_every_failed_allocation(void **state)
{
	struct agent_rig *rig = *state;

	agent_set("list.sales.group", "all");
	agent_watch(ANNA, "dialog", "");
	agent_watch(ANNA, "presence.winfo", "");
	agent_watch("sip:sales@lamp", "dialog", "Supported: eventlist\n");
	fake_answer_all(200);
	agent_end(rig);
	lf_log_set_sink(ignore, NULL);
	agent_forgive(true); /* the same numbers again and again */
	assert_in_range(lf_oom_sweep(one_restart, rig), 20, 5000);
	agent_forgive(false);
	fake_store_revive();
	assert_int_equal(0, agent_begin(rig));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, agent_setup, agent_teardown)
		T(subscriptions_survive_every_failed_allocation),
		T(kept_lists_survive_every_failed_allocation),
		T(publications_survive_every_failed_allocation),
		T(a_restart_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
