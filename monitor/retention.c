/*
 * monitor/retention.c - rows of the event log that are old are deleted: a
 * slice at a time once an hour, and earlier when the disk is nearly full.
 */
#include "monitor/internal.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

#define EXPIRE_MS (3600 * 1000)
#define EXPIRE_SLICE 500
#define DAY_MS (24LL * 3600 * 1000)

static const struct {
	const char *name, *sql;
} statements[] = {
	{"monitor.del", "DELETE FROM monitor_event WHERE id = $1"},
	{"monitor.del-words",
	 "DELETE FROM monitor_word WHERE event = $1 AND word IN"
	 " ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"},
	{"monitor.old", "SELECT id, subject, text FROM monitor_event"
			" WHERE first_ms < $1 ORDER BY first_ms LIMIT $2"},
};

struct expiring {
	struct lf_monitor *monitor;
	int64_t wall_ms;
	int64_t first_id; /* of the slice before this one */
};

static void delete_row(struct lf_monitor *monitor, struct lf_store_rows *rows,
		       size_t i)
{
	struct lf_event_note note = {.id = lf_store_rows_int(rows, i, 0)};
	struct lf_store_arg id = lf_store_int(note.id);

	lf_text_copy(note.subject, sizeof(note.subject),
		     lf_store_rows_text(rows, i, 1, NULL));
	lf_text_copy(note.text, sizeof(note.text),
		     lf_store_rows_text(rows, i, 2, NULL));
	lf_record_words(monitor, &note, "monitor.del-words");
	lf_store_query(monitor->store, "monitor.del", &id, 1, NULL, NULL);
}

static void on_old(int err, struct lf_store_rows *rows, void *arg);

static int ask_slice(struct expiring *e)
{
	const struct lf_store_arg args[] = {lf_store_int(e->wall_ms),
					    lf_store_int(EXPIRE_SLICE)};

	return lf_store_query(e->monitor->store, "monitor.old", args, 2, on_old,
			      e);
}

static void free_expiring(struct expiring *e)
{
	struct lf_monitor *monitor = e->monitor;

	free(e);
	lf_monitor_unref(monitor);
}

static void on_old(int err, struct lf_store_rows *rows, void *arg)
{
	struct expiring *e = arg;
	size_t n = err ? 0 : lf_store_rows_count(rows);

	/* The same again: a full disk can be read, but nothing deleted. */
	if (n && lf_store_rows_int(rows, 0, 0) == e->first_id)
		n = 0;
	if (n)
		e->first_id = lf_store_rows_int(rows, 0, 0);
	for (size_t i = 0; i < n; i++)
		delete_row(e->monitor, rows, i);
	if (n < EXPIRE_SLICE || e->monitor->is_closing || ask_slice(e))
		free_expiring(e);
}

void lf_retention_expire(struct lf_monitor *monitor, int64_t wall_ms)
{
	struct expiring *e = calloc(1, sizeof(*e));

	if (!e)
		return;
	e->monitor = monitor;
	e->wall_ms = wall_ms;
	lf_monitor_ref(monitor);
	if (ask_slice(e))
		free_expiring(e);
}

static void on_retention(struct lf_timer *timer, void *arg)
{
	struct lf_monitor *monitor = arg;
	int64_t days = lf_setting_int(monitor->settings, "monitor.retention");

	lf_retention_expire(monitor, lf_wall_ms() - days * DAY_MS);
	lf_timer_start(monitor->timers, timer, EXPIRE_MS);
}

void lf_retention_make_room(struct lf_monitor *monitor)
{
	int64_t days = lf_setting_int(monitor->settings, "monitor.retention");

	lf_retention_expire(monitor, lf_wall_ms() - days * DAY_MS / 2);
	lf_event_raise(monitor, LF_EVENT_OLD_EVENTS_DELETED, "",
		       "Events older than %lld hours are being deleted.",
		       (long long)days * 12);
}

int lf_retention_open(struct lf_monitor *monitor)
{
	int err = 0;

	lf_timer_init(&monitor->history.retention, on_retention, monitor);
	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(*statements);
	     i++)
		err = lf_store_define(monitor->store, statements[i].name,
				      statements[i].sql);
	return err;
}

void lf_retention_start(struct lf_monitor *monitor)
{
	lf_timer_start(monitor->timers, &monitor->history.retention, 60 * 1000);
}

void lf_retention_close(struct lf_monitor *monitor)
{
	lf_timer_stop(monitor->timers, &monitor->history.retention);
}
