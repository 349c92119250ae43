/*
 * monitor/history.c - which event gets a row of the log: what repeats is
 * folded into the row it has. record.c writes the rows, retention.c deletes
 * them.
 *
 * A storm must cost little and lose no count: what repeats moves a counter in
 * memory that is written once a second, and an event with too many different
 * subjects gets one row for all the others.
 */
#include "monitor/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

#define FLUSH_MS 1000
#define BUDGET_MS 10000
#define BUDGET_ROWS 100

/* A row that may still be folded. */
struct open_row {
	struct lf_list node;
	char key[LF_EVENT_KEY_SIZE];
	struct lf_event_note note;
	int64_t opened_ms; /* monotonic */
	bool is_dirty;
};

/* Rows that an event has had in this window. */
struct budget {
	char key[LF_EVENT_KEY_SIZE];
	int64_t since_ms;
	unsigned rows;
};

static bool is_over(const struct lf_monitor *monitor, const struct open_row *r)
{
	int64_t window_s =
		lf_setting_int(monitor->settings, "monitor.fold-window");

	return lf_mono_ms() - r->opened_ms >= window_s * 1000;
}

static void close_row(struct lf_monitor *monitor, struct open_row *r)
{
	/* Out of sight first: parking it raises an event, which comes here. */
	lf_map_del(&monitor->history.open, r->key);
	lf_list_del(&r->node);
	if (r->is_dirty)
		lf_record_write(monitor, &r->note, false);
	free(r);
}

static struct open_row *find_row(struct lf_monitor *monitor, const char *key)
{
	struct open_row *r = lf_map_find(&monitor->history.open, key);

	if (!r || !is_over(monitor, r))
		return r;
	close_row(monitor, r);
	return lf_map_find(&monitor->history.open, key);
}

static bool fold(struct lf_monitor *monitor, const char *key,
		 const struct lf_event_note *note)
{
	struct open_row *r = find_row(monitor, key);

	if (!r)
		return false;
	r->note.count++;
	r->note.last_ms = note->last_ms;
	r->is_dirty = true;
	return true;
}

static struct budget *find_budget(struct lf_history *h, enum lf_event event)
{
	char key[LF_EVENT_KEY_SIZE];
	struct budget *b;

	lf_event_key(key, event, "");
	b = lf_map_find(&h->budgets, key);
	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	lf_text_copy(b->key, sizeof(b->key), key);
	b->since_ms = lf_mono_ms();
	if (lf_map_add(&h->budgets, b->key, b)) {
		free(b);
		return NULL;
	}
	return b;
}

static bool may_have_row(struct lf_history *h, enum lf_event event)
{
	struct budget *b = find_budget(h, event);
	int64_t now_ms = lf_mono_ms();

	if (!b)
		return false;
	if (now_ms - b->since_ms >= BUDGET_MS) {
		b->since_ms = now_ms;
		b->rows = 0;
	}
	return b->rows++ < BUDGET_ROWS;
}

/* False: no memory, and the event is lost. */
static bool open_row(struct lf_monitor *monitor, const char *key,
		     struct lf_event_note *note)
{
	struct lf_history *h = &monitor->history;
	struct open_row *r = calloc(1, sizeof(*r));

	if (!r)
		goto fail;
	lf_text_copy(r->key, sizeof(r->key), key);
	if (lf_map_add(&h->open, r->key, r))
		goto fail;
	note->id = ++h->last_id;
	r->note = *note;
	r->opened_ms = lf_mono_ms();
	lf_list_add_tail(&h->rows, &r->node);
	if (!lf_timer_is_running(&h->flush))
		lf_timer_start(monitor->timers, &h->flush, FLUSH_MS);
	lf_record_write(monitor, note, true);
	return true;
fail:
	free(r);
	h->lost++;
	return false;
}

/* One row for all that an event's budget does not cover. */
static bool add_to_others(struct lf_monitor *monitor,
			  struct lf_event_note *note)
{
	char key[LF_EVENT_KEY_SIZE], text[LF_EVENT_TEXT_MAX];

	lf_event_key(key, note->event, "*");
	if (fold(monitor, key, note))
		return false;
	lf_text_copy(text, sizeof(text), note->text);
	lf_text_copy(note->text, sizeof(note->text),
		     "More of this than can have rows of their own. The first "
		     "of them: ");
	lf_text_copy(note->text + strlen(note->text),
		     sizeof(note->text) - strlen(note->text), text);
	return open_row(monitor, key, note);
}

bool lf_history_add(struct lf_monitor *monitor, struct lf_event_note *note)
{
	char key[LF_EVENT_KEY_SIZE];

	lf_event_key(key, note->event, note->subject);
	if (fold(monitor, key, note))
		return false;
	if (!may_have_row(&monitor->history, note->event))
		return add_to_others(monitor, note);
	return open_row(monitor, key, note);
}

static struct open_row *oldest_row(struct lf_history *h)
{
	if (lf_list_is_empty(&h->rows))
		return NULL;
	return LF_CONTAINER_OF(h->rows.next, struct open_row, node);
}

/* Until one is parked: the event of that may change the list. */
static void write_counts(struct lf_monitor *monitor)
{
	LF_LIST_FOREACH (node, &monitor->history.rows) {
		struct open_row *r =
			LF_CONTAINER_OF(node, struct open_row, node);

		if (!r->is_dirty)
			continue;
		r->is_dirty = false;
		lf_record_write(monitor, &r->note, false);
		if (monitor->history.n_parked)
			return;
	}
}

void lf_history_flush(struct lf_monitor *monitor)
{
	struct open_row *r;

	while ((r = oldest_row(&monitor->history)) && is_over(monitor, r))
		close_row(monitor, r);
	if (!monitor->history.n_parked)
		write_counts(monitor);
}

static void on_flush(struct lf_timer *timer, void *arg)
{
	struct lf_monitor *monitor = arg;

	lf_history_flush(monitor);
	if (!lf_list_is_empty(&monitor->history.rows))
		lf_timer_start(monitor->timers, timer, FLUSH_MS);
}

/* ---- opening and closing ---- */

static const char schema[] =
	"CREATE TABLE monitor_event (id INTEGER PRIMARY KEY,"
	" event INTEGER NOT NULL, severity INTEGER NOT NULL,"
	" application TEXT NOT NULL, category TEXT NOT NULL,"
	" subject TEXT NOT NULL, text TEXT NOT NULL, count BIGINT NOT NULL,"
	" first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL);"
	"CREATE INDEX monitor_event_kind ON monitor_event (event, id);"
	"CREATE INDEX monitor_event_time ON monitor_event (first_ms, id);"
	"CREATE TABLE monitor_word (word TEXT NOT NULL, event INTEGER NOT NULL,"
	" PRIMARY KEY (word, event));";

struct opening {
	struct lf_monitor *monitor;
	void (*done)(int err, void *arg);
	void *arg;
};

static void on_last(int err, struct lf_store_rows *rows, void *arg)
{
	struct opening *opening = arg;
	struct lf_monitor *monitor = opening->monitor;
	struct lf_history *h = &monitor->history;

	if (!err && lf_store_rows_int(rows, 0, 0) > h->last_id)
		h->last_id = lf_store_rows_int(rows, 0, 0);
	if (!err && !monitor->is_closing) {
		lf_retention_start(monitor);
		lf_record_start(monitor);
	}
	opening->done(err, opening->arg);
	free(opening);
}

static int open_parts(struct lf_monitor *monitor)
{
	char text[256] = "";
	int err = lf_store_migrate(monitor->store, "monitor", 1, schema, text,
				   sizeof(text));

	if (err)
		lf_log(LF_ERROR, "monitor", "event log: %s", text);
	if (!err)
		err = lf_store_define(monitor->store, "monitor.last",
				      "SELECT COALESCE(max(id), 0)"
				      " FROM monitor_event");
	if (!err)
		err = lf_record_open(monitor);
	if (!err)
		err = lf_retention_open(monitor);
	if (!err)
		err = lf_search_define(monitor);
	return err;
}

int lf_history_open(struct lf_monitor *monitor, void (*done)(int, void *),
		    void *arg)
{
	struct opening *opening;
	int err;

	lf_timer_init(&monitor->history.flush, on_flush, monitor);
	err = open_parts(monitor);
	if (err)
		return err;
	opening = calloc(1, sizeof(*opening));
	if (!opening)
		return -ENOMEM;
	*opening = (struct opening){monitor, done, arg};
	err = lf_store_query(monitor->store, "monitor.last", NULL, 0, on_last,
			     opening);
	if (err)
		free(opening);
	return err;
}

void lf_history_close(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;
	struct open_row *r;

	while ((r = oldest_row(h)))
		close_row(monitor, r);
	lf_timer_stop(monitor->timers, &h->flush);
	lf_retention_close(monitor);
	lf_record_close(monitor);
}

void lf_history_done(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;
	struct budget *b;

	LF_LIST_FOREACH_SAFE (node, &h->rows)
		free(LF_CONTAINER_OF(node, struct open_row, node));
	LF_MAP_FOREACH (b, &h->budgets)
		free(b);
	lf_map_done(&h->open);
	lf_map_done(&h->budgets);
	lf_record_done(monitor);
}
