/*
 * tests/monitor/test_monitor_oom.c - whichever allocation fails, the room opens
 * or says that it cannot, raising never harms, and a mail that was counted as
 * kept is in the store.
 */
#include "tests/monitor/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "directory/setting.h"
#include "monitor/export.h"
#include "monitor/notify.h"
#include "tests/oom.h"

#include "core/banned.h"

static const struct lf_setting_def *const tables[] = {lf_monitor_settings,
						      NULL};

int64_t __wrap_lf_wall_ms(void);
static int64_t now_ms;

int64_t __wrap_lf_wall_ms(void)
{
	return now_ms;
}

static void on_done(int err, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static void on_set(int err, const char *text, void *arg)
{
	on_done(err, arg);
}

static void on_closed(void *arg)
{
	on_done(0, arg);
}

static void on_tested(int err, const char *text, void *arg)
{
	on_done(0, arg); /* nobody is there, with memory or without */
}

static void on_export(int err, const void *data, size_t len, void *arg)
{
	on_done(err, arg);
}

/* The answer to a call: its own error, or what it calls back with. */
static int answer_to(struct rig *rig, int err)
{
	if (err)
		return err;
	rig_wait(rig);
	return rig->err;
}

static int open_all(struct rig *rig)
{
	struct lf_monitor_opts opts = {
		.timers = rig->timers,
		.node = "test",
		.store_path = rig->path,
	};
	char text[256];
	int err;

	err = lf_store_open(&rig->store, &rig->loop, rig->path, text,
			    sizeof(text));
	if (err)
		return err;
	err = answer_to(rig, lf_settings_open(&rig->settings, rig->store, NULL,
					      tables, on_done, rig));
	if (err)
		return err;
	opts.store = rig->store;
	opts.settings = rig->settings;
	return answer_to(rig,
			 lf_monitor_open(&rig->monitor, &opts, on_done, rig));
}

static void close_all(struct rig *rig)
{
	if (rig->monitor) {
		lf_monitor_close(rig->monitor, on_closed, rig);
		rig_wait(rig);
	}
	lf_settings_close(rig->settings);
	if (rig->store) {
		lf_store_close(rig->store, on_closed, rig);
		rig_wait(rig);
	}
	uv_run(&rig->loop, UV_RUN_NOWAIT);
	rig->monitor = NULL;
	rig->settings = NULL;
	rig->store = NULL;
	rig->is_done = false;
}

static int raise_some(struct rig *rig)
{
	const struct lf_event_filter all = {0};
	int err;

	lf_event_raise(rig->monitor, LF_EVENT_FEED_DOWN, "pbx", "down");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_DOWN, "pbx", "down");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_UP, "pbx", "up");
	lf_event_raise(rig->monitor, LF_EVENT_DNS_FAILING, "pbx", "silent");
	lf_event_raise(rig->monitor, LF_EVENT_DNS_WORKING, "pbx", "answers");
	err = rig_read(rig, &all, 3);
	if (!err && !lf_oom_has_failed())
		assert_int_equal(3, rig->n);
	return err;
}

/* The night is over: what was held goes, in three turns of the store. */
static int wait_for_digest(struct rig *rig)
{
	static int turn;
	const struct lf_assignment one = {"mail.timeout",
					  turn++ % 2 ? "30" : "31"};
	const struct lf_event_filter all = {0};
	int err;

	assert_int_equal(0, lf_rfc3339_parse(&now_ms, "2026-01-21T09:00:00Z"));
	err = answer_to(
		rig, lf_settings_set(rig->settings, &one, 1, "x", on_set, rig));
	for (int i = 0; !err && i < 6; i++)
		err = rig_read(rig, &all, 1);
	return err;
}

static void on_count(int err, struct lf_store_rows *rows, void *arg)
{
	struct rig *rig = arg;

	rig->n = err ? 0 : (size_t)lf_store_rows_int(rows, 0, 0);
	on_done(err, rig);
}

/* What is said to wait does: in the store, or unsaved in memory. */
static int count_mails(struct rig *rig)
{
	struct lf_notify_stats stats;
	int err;

	err = lf_store_define(rig->store, "test.mails",
			      "SELECT (SELECT count(*) FROM monitor_mail)"
			      " + (SELECT count(*) FROM monitor_held)");
	if (!err)
		err = answer_to(rig, lf_store_query(rig->store, "test.mails",
						    NULL, 0, on_count, rig));
	if (err)
		return err;
	lf_notify_stats(rig->monitor, &stats);
	assert_true(stats.waiting[LF_CHANNEL_MAIL] + stats.held >= rig->n);
	if (!lf_oom_has_failed())
		assert_int_equal(rig->n, stats.waiting[LF_CHANNEL_MAIL]);
	return 0;
}

static int life(void *arg)
{
	const struct lf_event_filter all = {0};
	struct rig *rig = arg;
	int err;

	assert_int_equal(0, lf_rfc3339_parse(&now_ms, "2026-01-20T23:00:00Z"));
	err = open_all(rig);
	if (!err)
		err = raise_some(rig);
	if (!err)
		err = wait_for_digest(rig);
	if (!err)
		err = count_mails(rig);
	if (!err)
		err = answer_to(rig,
				lf_notify_test(rig->monitor, LF_CHANNEL_MAIL,
					       on_tested, rig));
	if (!err)
		err = answer_to(rig, lf_events_export(rig->monitor, &all,
						      LF_EXPORT_CSV, on_export,
						      rig));
	close_all(rig);
	/* What could not be kept is counted and told, and no error. */
	return lf_oom_has_failed() ? -ENOMEM : err;
}

static void ignore(enum lf_log_level level, const char *room, const char *text,
		   void *arg)
{
}

static void nothing_breaks_without_memory(void **state)
{
	struct rig *rig = *state;

	rig_set(rig, "mail.server", "127.0.0.1:1");
	rig_set(rig, "mail.from", "lf@example.org");
	rig_set(rig, "mail.recipients", "a@example.org");
	rig_set(rig, "mail.quiet-hours", "22:00-07:00");
	rig_set(rig, "mail.enable", "yes");
	rig_close(rig);
	rig->monitor = NULL;
	rig->settings = NULL;
	lf_log_set_sink(ignore, NULL);
	assert_true(lf_oom_sweep(life, rig) > 100);
	lf_log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_breaks_without_memory,
						rig_setup, rig_teardown),
	};

	setenv("TZ", "UTC0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
