/*
 * monitor/history.c - the rows of the event log: written at once, folded when
 * the same comes again, deleted when they are old.
 *
 * A storm must cost little and lose no count: what repeats moves a counter in
 * memory that is written once a second, and an event with too many different
 * subjects gets one row for all the others.
 */
#include "monitor/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

#define FLUSH_MS 1000
#define RETRY_MS 5000
#define EXPIRE_MS (3600 * 1000)
#define EXPIRE_SLICE 500
#define DAY_MS (24LL * 3600 * 1000)
#define BUDGET_MS 10000
#define BUDGET_ROWS 100
#define PARK_BYTES (1 << 20)
#define PARKED_MAX 10000
#define WORDS_MAX 36
#define WORDS_AT_ONCE 12

/* A row that may still be folded. */
struct open_row {
	struct lf_list node;
	char key[LF_EVENT_KEY_SIZE];
	struct lf_event_note note;
	int64_t opened_ms; /* monotonic */
	bool is_dirty;
};

/* Rows that an event may still have in this window. */
struct budget {
	char key[LF_EVENT_KEY_SIZE];
	int64_t since_ms;
	unsigned rows;
};

struct parked {
	struct lf_list node;
	struct lf_event_note note;
};

/* One write under way. */
struct writing {
	struct lf_monitor *monitor;
	struct parked *parked; /* NULL: not from the park */
	struct lf_event_note note;
};

struct lf_store_arg lf_arg_int(int64_t i)
{
	return (struct lf_store_arg){.type = LF_ARG_INT, .i = i};
}

struct lf_store_arg lf_arg_text(const char *text)
{
	return (struct lf_store_arg){
		.type = LF_ARG_TEXT, .data = text, .len = strlen(text)};
}

/* ---- parking ---- */

static void park(struct lf_monitor *monitor, const struct lf_event_note *note)
{
	struct lf_history *h = &monitor->history;
	struct parked *p;

	p = h->n_parked < PARKED_MAX ? calloc(1, sizeof(*p)) : NULL;
	if (!p) {
		h->lost++;
		return;
	}
	p->note = *note;
	lf_list_add_tail(&h->parked, &p->node);
	h->n_parked++;
	if (h->park)
		lf_park_add(h->park, note);
	if (monitor->is_closing)
		return;
	if (!lf_timer_is_running(&h->retry))
		lf_timer_start(monitor->timers, &h->retry, RETRY_MS);
	if (h->n_parked == 1)
		lf_event_raise(monitor, LF_EVENT_EVENTS_PARKED, "",
			       "The database does not take events; they are "
			       "kept in a file until it does.");
}

static void unpark(struct lf_history *h, struct parked *p)
{
	lf_list_del(&p->node);
	h->n_parked--;
	free(p);
}

static void tell_taken_in(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;
	uint64_t lost = h->lost;

	if (h->park)
		lf_park_clear(h->park);
	h->lost = 0;
	lf_event_raise(monitor, LF_EVENT_EVENTS_TAKEN_IN, "",
		       "All parked events are in the database.");
	if (lost)
		lf_event_raise(monitor, LF_EVENT_EVENTS_LOST, "",
			       "%llu events could not be kept.",
			       (unsigned long long)lost);
}

/* The last write from the park was answered. */
static void end_taking_in(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;

	if (monitor->is_closing)
		return;
	if (h->n_parked)
		lf_timer_start(monitor->timers, &h->retry, RETRY_MS);
	else
		tell_taken_in(monitor);
}

/* ---- writing ---- */

static void on_written(int err, struct lf_store_rows *rows, void *arg)
{
	struct writing *w = arg;
	struct lf_monitor *monitor = w->monitor;
	struct lf_history *h = &monitor->history;

	if (w->parked) {
		h->taking_in--;
		if (err != -EAGAIN)
			unpark(h, w->parked);
		if (!h->taking_in)
			end_taking_in(monitor);
	} else if (err == -EAGAIN) {
		park(monitor, &w->note);
	} else if (err) {
		lf_log(LF_ERROR, "monitor", "event %lld was not stored: %s",
		       (long long)w->note.id, uv_strerror(err));
	}
	free(w);
	lf_monitor_unref(monitor);
}

/* Whole statements of words; the last is filled up with its own first. */
static void write_words(struct lf_monitor *monitor,
			const struct lf_event_note *note, const char *statement)
{
	struct lf_store_arg args[WORDS_AT_ONCE + 1] = {lf_arg_int(note->id)};
	char words[WORDS_MAX][LF_WORD_SIZE],
		text[LF_EVENT_SUBJECT_MAX + LF_EVENT_TEXT_MAX];
	size_t n, at;

	snprintf(text, sizeof(text), "%s %s", note->subject, note->text);
	n = lf_event_words(words, WORDS_MAX, text);
	for (at = 0; at < n; at += WORDS_AT_ONCE) {
		for (size_t i = 0; i < WORDS_AT_ONCE; i++)
			args[i + 1] =
				lf_arg_text(words[at + i < n ? at + i : at]);
		lf_store_query(monitor->store, statement, args,
			       WORDS_AT_ONCE + 1, NULL, NULL);
	}
}

static int write_note(struct lf_monitor *monitor,
		      const struct lf_event_note *note, struct parked *parked)
{
	const struct lf_event_info *info = lf_event_find((int)note->event);
	const struct lf_store_arg args[] = {
		lf_arg_int(note->id),        lf_arg_int(note->event),
		lf_arg_int(info->severity),  lf_arg_text(info->application),
		lf_arg_text(info->category), lf_arg_text(note->subject),
		lf_arg_text(note->text),     lf_arg_int(note->count),
		lf_arg_int(note->first_ms),  lf_arg_int(note->last_ms),
	};
	struct writing *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->monitor = monitor;
	w->parked = parked;
	w->note = *note;
	err = lf_store_query(monitor->store, "monitor.put", args,
			     sizeof(args) / sizeof(*args), on_written, w);
	if (err) {
		free(w);
		return err;
	}
	lf_monitor_ref(monitor);
	return 0;
}

static void write_or_park(struct lf_monitor *monitor,
			  const struct lf_event_note *note, bool is_new)
{
	if (write_note(monitor, note, NULL))
		park(monitor, note);
	else if (is_new)
		write_words(monitor, note, "monitor.put-words");
}

static void on_retry(struct lf_timer *timer, void *arg)
{
	struct lf_monitor *monitor = arg;
	struct lf_history *h = &monitor->history;

	if (h->taking_in)
		return;
	h->taking_in = 1; /* this loop */
	LF_LIST_FOREACH (node, &h->parked) {
		struct parked *p = LF_CONTAINER_OF(node, struct parked, node);

		if (write_note(monitor, &p->note, p))
			break;
		write_words(monitor, &p->note, "monitor.put-words");
		h->taking_in++;
	}
	if (--h->taking_in == 0)
		end_taking_in(monitor);
}

/* ---- folding ---- */

static bool is_over(const struct lf_monitor *monitor, const struct open_row *r)
{
	int64_t window_s =
		lf_setting_int(monitor->settings, "monitor.fold-window");

	return lf_mono_ms() - r->opened_ms >= window_s * 1000;
}

static void close_row(struct lf_monitor *monitor, struct open_row *r)
{
	if (r->is_dirty)
		write_or_park(monitor, &r->note, false);
	lf_map_del(&monitor->history.open, r->key);
	lf_list_del(&r->node);
	free(r);
}

static struct open_row *find_row(struct lf_monitor *monitor, const char *key)
{
	struct open_row *r = lf_map_find(&monitor->history.open, key);

	if (r && is_over(monitor, r)) {
		close_row(monitor, r);
		return NULL;
	}
	return r;
}

static void fold(struct lf_monitor *monitor, struct open_row *r,
		 const struct lf_event_note *note)
{
	r->note.count++;
	r->note.last_ms = note->last_ms;
	r->is_dirty = true;
}

static bool may_have_row(struct lf_history *h, enum lf_event event)
{
	int64_t now_ms = lf_mono_ms();
	char key[LF_EVENT_KEY_SIZE];
	struct budget *b;

	lf_event_key(key, event, "");
	b = lf_map_find(&h->budgets, key);
	if (!b) {
		b = calloc(1, sizeof(*b));
		if (!b)
			return false;
		lf_text_copy(b->key, sizeof(b->key), key);
		b->since_ms = now_ms;
		if (lf_map_add(&h->budgets, b->key, b)) {
			free(b);
			return false;
		}
	}
	if (now_ms - b->since_ms >= BUDGET_MS) {
		b->since_ms = now_ms;
		b->rows = 0;
	}
	return b->rows++ < BUDGET_ROWS;
}

static int open_row(struct lf_monitor *monitor, const char *key,
		    struct lf_event_note *note)
{
	struct lf_history *h = &monitor->history;
	struct open_row *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	lf_text_copy(r->key, sizeof(r->key), key);
	if (lf_map_add(&h->open, r->key, r)) {
		free(r);
		return -ENOMEM;
	}
	note->id = ++h->last_id;
	r->note = *note;
	r->opened_ms = lf_mono_ms();
	lf_list_add_tail(&h->rows, &r->node);
	if (!lf_timer_is_running(&h->flush))
		lf_timer_start(monitor->timers, &h->flush, FLUSH_MS);
	write_or_park(monitor, note, true);
	return 0;
}

/* One row for all that an event's budget does not cover. */
static bool add_to_others(struct lf_monitor *monitor,
			  struct lf_event_note *note)
{
	char key[LF_EVENT_KEY_SIZE], text[LF_EVENT_TEXT_MAX];
	struct open_row *r;

	lf_event_key(key, note->event, "*");
	r = find_row(monitor, key);
	if (r) {
		fold(monitor, r, note);
		return false;
	}
	lf_text_copy(text, sizeof(text), note->text);
	lf_text_copy(note->text, sizeof(note->text),
		     "More of this than can have rows of their own. The first "
		     "of them: ");
	lf_text_copy(note->text + strlen(note->text),
		     sizeof(note->text) - strlen(note->text), text);
	if (!open_row(monitor, key, note))
		return true;
	monitor->history.lost++;
	return false;
}

bool lf_history_add(struct lf_monitor *monitor, struct lf_event_note *note)
{
	struct lf_history *h = &monitor->history;
	char key[LF_EVENT_KEY_SIZE];
	struct open_row *r;

	lf_event_key(key, note->event, note->subject);
	r = find_row(monitor, key);
	if (r) {
		fold(monitor, r, note);
		return false;
	}
	if (!may_have_row(h, note->event))
		return add_to_others(monitor, note);
	if (!open_row(monitor, key, note))
		return true;
	h->lost++;
	return false;
}

void lf_history_flush(struct lf_monitor *monitor)
{
	LF_LIST_FOREACH_SAFE (node, &monitor->history.rows) {
		struct open_row *r =
			LF_CONTAINER_OF(node, struct open_row, node);

		if (is_over(monitor, r)) {
			close_row(monitor, r);
		} else if (r->is_dirty && !monitor->history.n_parked) {
			r->is_dirty = false;
			write_or_park(monitor, &r->note, false);
		}
	}
}

static void on_flush(struct lf_timer *timer, void *arg)
{
	struct lf_monitor *monitor = arg;

	lf_history_flush(monitor);
	if (!lf_list_is_empty(&monitor->history.rows))
		lf_timer_start(monitor->timers, timer, FLUSH_MS);
}

/* ---- deleting ---- */

struct expiring {
	struct lf_monitor *monitor;
	int64_t wall_ms;
};

static void delete_row(struct lf_monitor *monitor, struct lf_store_rows *rows,
		       size_t i)
{
	struct lf_event_note note = {.id = lf_store_rows_int(rows, i, 0)};
	struct lf_store_arg id = lf_arg_int(note.id);

	lf_text_copy(note.subject, sizeof(note.subject),
		     lf_store_rows_text(rows, i, 1, NULL));
	lf_text_copy(note.text, sizeof(note.text),
		     lf_store_rows_text(rows, i, 2, NULL));
	write_words(monitor, &note, "monitor.del-words");
	lf_store_query(monitor->store, "monitor.del", &id, 1, NULL, NULL);
}

static void on_old(int err, struct lf_store_rows *rows, void *arg)
{
	struct expiring *e = arg;
	struct lf_monitor *monitor = e->monitor;
	size_t n = err ? 0 : lf_store_rows_count(rows);

	for (size_t i = 0; i < n; i++)
		delete_row(monitor, rows, i);
	monitor->history.expired_rows += (unsigned)n;
	if (n == EXPIRE_SLICE && !monitor->is_closing)
		lf_history_expire(monitor, e->wall_ms);
	free(e);
	lf_monitor_unref(monitor);
}

void lf_history_expire(struct lf_monitor *monitor, int64_t wall_ms)
{
	const struct lf_store_arg args[] = {lf_arg_int(wall_ms),
					    lf_arg_int(EXPIRE_SLICE)};
	struct expiring *e = calloc(1, sizeof(*e));

	if (!e)
		return;
	e->monitor = monitor;
	e->wall_ms = wall_ms;
	lf_monitor_ref(monitor);
	if (!lf_store_query(monitor->store, "monitor.old", args, 2, on_old, e))
		return;
	free(e);
	lf_monitor_unref(monitor);
}

static void on_retention(struct lf_timer *timer, void *arg)
{
	struct lf_monitor *monitor = arg;
	int64_t days = lf_setting_int(monitor->settings, "monitor.retention");

	lf_history_expire(monitor, lf_wall_ms() - days * DAY_MS);
	lf_timer_start(monitor->timers, timer, EXPIRE_MS);
}

void lf_history_make_room(struct lf_monitor *monitor)
{
	int64_t days = lf_setting_int(monitor->settings, "monitor.retention");

	lf_history_expire(monitor, lf_wall_ms() - days * DAY_MS / 2);
	lf_event_raise(monitor, LF_EVENT_OLD_EVENTS_DELETED, "",
		       "Events older than %lld hours are being deleted.",
		       (long long)days * 12);
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

static const struct {
	const char *name, *sql;
} statements[] = {
	/* Also for what is written again: the higher count is the later. */
	{"monitor.put",
	 "INSERT INTO monitor_event VALUES"
	 " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	 " ON CONFLICT (id) DO UPDATE SET count = excluded.count,"
	 " last_ms = excluded.last_ms"
	 " WHERE excluded.count > monitor_event.count"},
	{"monitor.put-words",
	 "INSERT INTO monitor_word (event, word) VALUES"
	 " ($1, $2), ($1, $3), ($1, $4), ($1, $5), ($1, $6), ($1, $7),"
	 " ($1, $8), ($1, $9), ($1, $10), ($1, $11), ($1, $12), ($1, $13)"
	 " ON CONFLICT DO NOTHING"},
	{"monitor.del", "DELETE FROM monitor_event WHERE id = $1"},
	{"monitor.del-words",
	 "DELETE FROM monitor_word WHERE event = $1 AND word IN"
	 " ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"},
	{"monitor.old", "SELECT id, subject, text FROM monitor_event"
			" WHERE first_ms < $1 ORDER BY first_ms LIMIT $2"},
	{"monitor.last", "SELECT COALESCE(max(id), 0) FROM monitor_event"},
};

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
		lf_timer_start(monitor->timers, &h->retention, 60 * 1000);
		if (h->n_parked)
			lf_timer_start(monitor->timers, &h->retry, 0);
	}
	opening->done(err, opening->arg);
	free(opening);
}

/* What the last run could not store. */
static void open_park(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;
	struct lf_event_note note;
	struct parked *p;
	size_t offset = 0, size = strlen(monitor->store_path) + 16;
	char *path = malloc(size);
	int err = -ENOMEM;

	if (path) {
		snprintf(path, size, "%s.parked", monitor->store_path);
		err = lf_park_open(&h->park, path, PARK_BYTES);
	}
	if (err)
		lf_log(LF_ERROR, "monitor", "no file for parked events: %s",
		       uv_strerror(err));
	free(path);
	while (h->park &&
	       (err = lf_park_read(h->park, &offset, &note)) != -ENOENT) {
		if (err || !lf_event_find((int)note.event) || note.id <= 0)
			continue;
		if (note.id > h->last_id)
			h->last_id = note.id;
		p = calloc(1, sizeof(*p));
		if (!p)
			return;
		p->note = note;
		lf_list_add_tail(&h->parked, &p->node);
		h->n_parked++;
	}
}

int lf_history_open(struct lf_monitor *monitor, void (*done)(int, void *),
		    void *arg)
{
	struct lf_history *h = &monitor->history;
	struct opening *opening;
	char text[256] = "";
	int err;

	lf_timer_init(&h->flush, on_flush, monitor);
	lf_timer_init(&h->retention, on_retention, monitor);
	lf_timer_init(&h->retry, on_retry, monitor);
	err = lf_store_migrate(monitor->store, "monitor", 1, schema, text,
			       sizeof(text));
	if (err) {
		lf_log(LF_ERROR, "monitor", "event log: %s", text);
		return err;
	}
	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		err = lf_store_define(monitor->store, statements[i].name,
				      statements[i].sql);
		if (err)
			return err;
	}
	err = lf_search_define(monitor);
	if (err)
		return err;
	open_park(monitor);
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

	LF_LIST_FOREACH_SAFE (node, &h->rows)
		close_row(monitor,
			  LF_CONTAINER_OF(node, struct open_row, node));
	lf_timer_stop(monitor->timers, &h->flush);
	lf_timer_stop(monitor->timers, &h->retention);
	lf_timer_stop(monitor->timers, &h->retry);
}

void lf_history_done(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;
	struct budget *b;

	LF_LIST_FOREACH_SAFE (node, &h->rows)
		free(LF_CONTAINER_OF(node, struct open_row, node));
	LF_LIST_FOREACH_SAFE (node, &h->parked)
		free(LF_CONTAINER_OF(node, struct parked, node));
	LF_MAP_FOREACH (b, &h->budgets)
		free(b);
	lf_map_done(&h->open);
	lf_map_done(&h->budgets);
	lf_park_close(h->park);
	h->park = NULL;
}
