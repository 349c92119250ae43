/* tests/presence/agent_rig.c - see agent_rig.h. */
#include "tests/presence/agent_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/timer.h"
#include "presence/feed.h"
#include "presence/lists.h"
#include "presence/report.h"

#include "core/banned.h"

#define DIALOGS 8192

static struct agent_rig the_rig;

/* ---- nothing goes backwards ---- */

static struct dialog {
	char call_id[32];
	uint32_t cseq;
	long version;
} dialogs[DIALOGS];
static size_t n_dialogs;

static bool forgives;

void agent_forgive(bool does)
{
	forgives = does;
}

static struct dialog *dialog_of(const char *call_id)
{
	for (size_t i = n_dialogs; i-- > 0;)
		if (!strcmp(dialogs[i].call_id, call_id))
			return &dialogs[i];
	assert_true(n_dialogs < DIALOGS);
	snprintf(dialogs[n_dialogs].call_id, sizeof(dialogs[0].call_id), "%s",
		 call_id);
	dialogs[n_dialogs].cseq = 0;
	dialogs[n_dialogs].version = -1;
	return &dialogs[n_dialogs++];
}

static long version_in(const struct fake_notify *notify)
{
	const char *at = strstr(notify->body, "?>");

	if (!strcmp(notify->type, "application/pidf+xml"))
		return -1;
	at = at ? strstr(at, " version=\"")
		: strstr(notify->body, " version=\"");
	return at ? strtol(at + strlen(" version=\""), NULL, 10) : -1;
}

static void check_notify(const struct lf_sip_notifier *n,
			 const struct fake_notify *notify)
{
	struct dialog *d;
	long version = version_in(notify);

	if (forgives)
		return;
	d = dialog_of(fake_call_id(n));
	if (notify->cseq <= d->cseq || (version >= 0 && version <= d->version))
		fail_msg("%s: CSeq %u after %u, version %ld after %ld",
			 d->call_id, notify->cseq, d->cseq, version,
			 d->version);
	d->cseq = notify->cseq;
	if (version >= 0)
		d->version = version;
}

long agent_version(const struct lf_sip_notifier *n)
{
	return version_in(fake_last(n));
}

bool agent_says(const struct lf_sip_notifier *n, const char *text)
{
	return strstr(fake_last(n)->body, text) != NULL;
}

/* ---- the feed ---- */

static unsigned number_of(const char *user_id)
{
	return (unsigned)(user_id[1] - '0');
}

static void report(struct agent_rig *rig, unsigned i)
{
	struct lf_report r = {
		.cond = rig->is_silent ? LF_COND_REQUESTING : LF_COND_OK,
		.layers = LF_KNOWS_LINE | LF_KNOWS_RICH,
		.at_ms = lf_mono_ms(),
		.line = rig->tel[i],
		.rich = rig->rich[i],
	};

	if (!rig->is_silent)
		r.knows = LF_KNOWS_LINE | LF_KNOWS_RICH;
	if (rig->persons[i])
		lf_board_report(rig->board, rig->persons[i], rig->feed, &r);
}

static int on_watch(void *feed, struct lf_person *person, void **ret_watch)
{
	struct agent_rig *rig = feed;
	unsigned i = number_of(lf_person_user(person)->id);

	rig->persons[i] = person;
	*ret_watch = rig;
	report(rig, i);
	return 0;
}

static void on_unwatch(void *feed, struct lf_person *person, void *watch)
{
	struct agent_rig *rig = feed;

	for (unsigned i = 0; i < 4; i++)
		if (rig->persons[i] == person)
			rig->persons[i] = NULL;
}

static void on_update(void *feed, struct lf_person *person, void *watch)
{
}

static const struct lf_feed_ops feed_ops = {on_watch, on_unwatch, on_update};

void agent_line(struct agent_rig *rig, const char *user_id, uint8_t tel)
{
	rig->tel[number_of(user_id)] = tel;
	report(rig, number_of(user_id));
	fake_time_pass(0);
}

void agent_rich(struct agent_rig *rig, const char *user_id, uint8_t rich)
{
	rig->rich[number_of(user_id)] = rich;
	report(rig, number_of(user_id));
	fake_time_pass(0);
}

void agent_set(const char *name, const char *value)
{
	fake_setting_put(name, value);
	fake_time_pass(0);
}

static void on_list(int err, const char *text, void *arg)
{
	*(int *)arg = err;
}

void agent_list(struct agent_rig *rig, const char *name, const char *uris)
{
	struct lf_lists *lists = lf_agent_lists(rig->agent);
	struct lf_buf doc = {0};
	int result = -EINPROGRESS;

	lf_buf_adds(&doc, "<resource-lists xmlns=\"urn:ietf:params:xml:ns:"
			  "resource-lists\"><list>");
	for (const char *at = uris; at && *at; at += strspn(at, " ")) {
		int len = (int)strcspn(at, " ");

		lf_buf_addf(&doc, "<entry uri=\"%.*s\"/>", len, at);
		at += len;
	}
	lf_buf_adds(&doc, "</list></resource-lists>");
	assert_int_equal(0, uris ? lf_list_put(lists, name, doc.data, "test",
					       on_list, &result)
				 : lf_list_remove(lists, name, "test", on_list,
						  &result));
	fake_store_answer();
	assert_int_equal(0, result);
	lf_buf_done(&doc);
}

/* ---- life ---- */

static void count_lines(enum lf_log_level level, const char *room,
			const char *text, void *arg)
{
	if (getenv("LF_TEST_LOG"))
		print_message("%s: %s\n", room, text);
	((struct agent_rig *)arg)->logged += level <= LF_WARN;
}

int agent_begin(struct agent_rig *rig)
{
	struct lf_agent_parts parts = {
		.sip = fake_sip_endpoint(),
		.directory = fake_directory(),
		.settings = fake_settings(),
		.store = fake_store(),
	};
	int err;

	fake_notify_reset();
	fake_on_notify(check_notify);
	err = lf_timers_new(&rig->timers, NULL);
	if (!err)
		err = lf_board_new(&rig->board, rig->timers, fake_directory(),
				   fake_settings());
	if (err)
		return err;
	rig->feed = lf_board_add_feed(rig->board, &feed_ops, "pbx", LF_FEED_SIP,
				      rig);
	if (rig->feed < 0)
		return rig->feed;
	parts.timers = rig->timers;
	parts.board = rig->board;
	return lf_agent_open(&rig->agent, &parts);
}

void agent_end(struct agent_rig *rig)
{
	lf_agent_close(rig->agent);
	rig->agent = NULL;
	while (fake_store_asked())
		fake_store_answer();
	if (rig->board && rig->feed >= 0)
		lf_board_remove_feed(rig->board, rig->feed);
	lf_board_free(rig->board);
	rig->board = NULL;
	fake_directory_unlisten();
	fake_answer_all(200); /* of those that said farewell */
	assert_int_equal(0, fake_notifiers());
	assert_int_equal(0, fake_time_running());
	lf_timers_close(rig->timers);
	rig->timers = NULL;
	memset(rig->persons, 0, sizeof(rig->persons));
}

void agent_restart(struct agent_rig *rig)
{
	agent_end(rig);
	assert_int_equal(0, agent_begin(rig));
}

void agent_kill(struct agent_rig *rig)
{
	fake_store_kill();
	agent_end(rig);
	fake_store_revive();
	assert_int_equal(0, agent_begin(rig));
}

void agent_wake(struct agent_rig *rig)
{
	while (fake_store_asked())
		fake_store_answer();
	rig->is_silent = false;
	for (unsigned i = 1; i < 4; i++)
		report(rig, i);
	fake_time_pass(4000);
	while (fake_store_asked())
		fake_store_answer();
}

int agent_setup(void **state)
{
	struct agent_rig *rig = &the_rig;

	memset(rig, 0, sizeof(*rig));
	rig->feed = -1;
	n_dialogs = 0;
	forgives = false;
	lf_log_set_sink(count_lines, rig);
	fake_time_reset();
	fake_store_reset();
	fake_directory_reset();
	fake_user_put("u1", "200", "anna@corp.example", "");
	fake_user_put("u2", "201", "bruno@corp.example", "");
	fake_user_put("u3", "202", "carla@corp.example", "");
	for (unsigned i = 0; i < 4; i++) {
		rig->tel[i] = LF_TEL_IDLE;
		rig->rich[i] = LF_RICH_AVAILABLE;
	}
	assert_int_equal(0, agent_begin(rig));
	agent_wake(rig);
	*state = rig;
	return 0;
}

int agent_teardown(void **state)
{
	agent_end(*state);
	fake_notify_reset();
	fake_store_reset();
	fake_directory_reset();
	lf_log_set_sink(NULL, NULL);
	return 0;
}

/* ---- watchers ---- */

int agent_ask(const char *uri, const char *headers)
{
	fake_ask("SUBSCRIBE", uri, headers, NULL);
	return fake_reply()->status;
}

struct lf_sip_notifier *agent_watch(const char *uri, const char *event,
				    const char *headers)
{
	char text[512];

	snprintf(text, sizeof(text), "Event: %s\n%s", event, headers);
	assert_int_equal(200, agent_ask(uri, text));
	assert_non_null(fake_reply()->notifier);
	return fake_reply()->notifier;
}

struct lf_sip_notifier *agent_watch_well(const char *uri, const char *event)
{
	struct lf_sip_notifier *n = agent_watch(uri, event, "Expires: 600\n");

	fake_answer(n, 200);
	return n;
}

struct lf_agent_stats agent_stats(const struct agent_rig *rig)
{
	struct lf_agent_stats stats;

	lf_agent_stats(rig->agent, &stats);
	return stats;
}
