/*
 * monitor/record.c - rows of the event log on their way into the store, for
 * history.c. What the store does not take now is parked, in memory and in
 * park.c's file, and offered again until it does, also after a restart.
 */
#include "monitor/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/log.h"
#include "store/store.h"

#include "core/banned.h"

#define RETRY_MS 5000
#define PARK_BYTES (1 << 20)
#define PARKED_MAX 10000
#define WORDS_MAX 36
#define WORDS_AT_ONCE 12

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

	if (err && err != -EAGAIN)
		lf_log(LF_ERROR, "monitor", "event %lld was not stored: %s",
		       (long long)w->note.id, uv_strerror(err));
	if (w->parked) {
		h->taking_in--;
		if (err != -EAGAIN)
			unpark(h, w->parked);
		if (!h->taking_in)
			end_taking_in(monitor);
	} else if (err == -EAGAIN) {
		park(monitor, &w->note);
	}
	free(w);
	lf_monitor_unref(monitor);
}

/* Whole statements; the last is filled up with the first of its words. */
void lf_record_words(struct lf_monitor *monitor,
		     const struct lf_event_note *note, const char *statement)
{
	struct lf_store_arg args[WORDS_AT_ONCE + 1] = {lf_store_int(note->id)};
	char words[WORDS_MAX][LF_WORD_SIZE],
		text[LF_EVENT_SUBJECT_MAX + LF_EVENT_TEXT_MAX];
	size_t n, at;

	snprintf(text, sizeof(text), "%s %s", note->subject, note->text);
	n = lf_event_words(words, WORDS_MAX, text);
	for (at = 0; at < n; at += WORDS_AT_ONCE) {
		for (size_t i = 0; i < WORDS_AT_ONCE; i++)
			args[i + 1] =
				lf_store_text(words[at + i < n ? at + i : at]);
		lf_store_query(monitor->store, statement, args,
			       WORDS_AT_ONCE + 1, NULL, NULL);
	}
}

static int write_note(struct lf_monitor *monitor,
		      const struct lf_event_note *note, struct parked *parked)
{
	const struct lf_event_info *info = lf_event_find((int)note->event);
	const struct lf_store_arg args[] = {
		lf_store_int(note->id),        lf_store_int(note->event),
		lf_store_int(info->severity),  lf_store_text(info->application),
		lf_store_text(info->category), lf_store_text(note->subject),
		lf_store_text(note->text),     lf_store_int(note->count),
		lf_store_int(note->first_ms),  lf_store_int(note->last_ms),
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

void lf_record_write(struct lf_monitor *monitor,
		     const struct lf_event_note *note, bool is_new)
{
	if (write_note(monitor, note, NULL))
		park(monitor, note);
	else if (is_new)
		lf_record_words(monitor, note, "monitor.put-words");
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
		lf_record_words(monitor, &p->note, "monitor.put-words");
		h->taking_in++;
	}
	if (--h->taking_in == 0)
		end_taking_in(monitor);
}

/* ---- opening and closing ---- */

static void open_file(struct lf_monitor *monitor)
{
	size_t size = strlen(monitor->store_path) + 16;
	char *path = malloc(size);
	int err = -ENOMEM;

	if (path) {
		snprintf(path, size, "%s.parked", monitor->store_path);
		err = lf_park_open(&monitor->history.park, path, PARK_BYTES);
	}
	if (err)
		lf_log(LF_ERROR, "monitor", "no file for parked events: %s",
		       uv_strerror(err));
	free(path);
}

/* What the last run could not store. */
static void read_file(struct lf_history *h)
{
	struct lf_event_note note;
	struct parked *p;
	size_t offset = 0;
	int err;

	while ((err = lf_park_read(h->park, &offset, &note)) != -ENOENT) {
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

int lf_record_open(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;
	int err = 0;

	lf_timer_init(&h->retry, on_retry, monitor);
	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(*statements);
	     i++)
		err = lf_store_define(monitor->store, statements[i].name,
				      statements[i].sql);
	if (err)
		return err;
	open_file(monitor);
	if (h->park)
		read_file(h);
	return 0;
}

void lf_record_start(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;

	if (h->n_parked)
		lf_timer_start(monitor->timers, &h->retry, 0);
}

void lf_record_close(struct lf_monitor *monitor)
{
	lf_timer_stop(monitor->timers, &monitor->history.retry);
}

void lf_record_done(struct lf_monitor *monitor)
{
	struct lf_history *h = &monitor->history;

	LF_LIST_FOREACH_SAFE (node, &h->parked)
		free(LF_CONTAINER_OF(node, struct parked, node));
	lf_park_close(h->park);
	h->park = NULL;
}
