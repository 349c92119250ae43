/*
 * monitor/internal.h - what the files of monitor/ share, theirs alone.
 *
 *     monitor.c   opening and closing; the path of one event
 *     alarm.c     which are on; kept over a restart
 *     history.c   which event gets a row of the log, and which is folded
 *     record.c    rows on their way into the store
 *     park.c      rows that the store does not take, in a file
 *     retention.c rows deleted when they are old
 *     search.c    reading the log
 */
#ifndef LF_MONITOR_INTERNAL_H
#define LF_MONITOR_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "core/map.h"
#include "core/timer.h"
#include "monitor/event.h"
#include "monitor/history.h"
#include "monitor/monitor.h"

struct lf_fetcher;
struct lf_mail;
struct lf_probe;
struct lf_process;
struct lf_store_arg;
struct lf_store_rows;
struct lf_trap;
struct lf_webhook;

#define LF_EVENT_KEY_SIZE (LF_EVENT_SUBJECT_MAX + 12)
#define LF_ALARMS_MAX 1000

/* A row with its texts; by value wherever it goes. */
struct lf_event_note {
	int64_t id, count, first_ms, last_ms;
	enum lf_event event;
	char subject[LF_EVENT_SUBJECT_MAX];
	char text[LF_EVENT_TEXT_MAX];
};

/* ---- park.c: a file whose space is taken in advance ---- */

struct lf_park;

int lf_park_open(struct lf_park **ret, const char *path, size_t size);
void lf_park_close(struct lf_park *park);
/* -ENOSPC: the file's space is used up. */
int lf_park_add(struct lf_park *park, const struct lf_event_note *note);
void lf_park_clear(struct lf_park *park);
/* What the file held when it was opened, from `*offset` on; -ENOENT at its
 * end, another error for a line that is damaged. */
int lf_park_read(struct lf_park *park, size_t *offset,
		 struct lf_event_note *ret);

/* ---- the room ---- */

struct lf_history {
	struct lf_map open;    /* by key: may still be folded */
	struct lf_list rows;   /* the same, oldest first */
	struct lf_map budgets; /* by event: rows of this window */
	struct lf_timer flush, retention, retry;
	struct lf_park *park;
	struct lf_list parked; /* not in the store yet; all are in the file */
	size_t n_parked, taking_in; /* from the park, under way */
	int64_t last_id;
	uint64_t lost;
};

struct lf_monitor {
	struct lf_timers *timers;
	struct lf_store *store;
	struct lf_settings *settings;
	char *store_path, *node;
	unsigned refs; /* the owner's, and one for each operation under way */
	bool is_closing;
	int open_err; /* of what must be read before it is open */
	void (*ready)(int err, void *arg);
	void *ready_arg;
	void (*closed)(void *arg);
	void *closed_arg;

	struct lf_history history;
	struct lf_map alarms;       /* by key */
	struct lf_list alarm_order; /* oldest first */
	size_t n_alarms;
	uint64_t raised;

	struct lf_fetcher *fetcher; /* mail and web addresses */
	struct lf_mail *mail;
	struct lf_trap *trap;
	struct lf_webhook *webhook;
	struct lf_process *process;
	struct lf_probe *probe;
};

void lf_monitor_ref(struct lf_monitor *monitor);
void lf_monitor_unref(struct lf_monitor *monitor);
/* "2001/pbx1" */
void lf_event_key(char out[LF_EVENT_KEY_SIZE], enum lf_event event,
		  const char *subject);
/* Is it in the list of names of this setting? */
bool lf_event_is_listed(const struct lf_monitor *monitor, const char *setting,
			const struct lf_event_info *info);

/* ---- alarm.c ---- */

enum lf_alarm_step {
	LF_ALARM_NONE,
	LF_ALARM_BEGAN,
	LF_ALARM_GOES_ON,
	LF_ALARM_ENDED,
	LF_ALARM_WAS_NOT
};

/* What the event means for the alarms. */
enum lf_alarm_step lf_alarm_take(struct lf_monitor *monitor,
				 const struct lf_event_info *info,
				 const struct lf_event_note *note);
/* Its row in the log is known now. */
void lf_alarm_link(struct lf_monitor *monitor,
		   const struct lf_event_note *note);
int lf_alarm_load(struct lf_monitor *monitor, void (*done)(int, void *),
		  void *arg);
void lf_alarm_done(struct lf_monitor *monitor);

/* ---- history.c ---- */

int lf_history_open(struct lf_monitor *monitor, void (*done)(int, void *),
		    void *arg);
/* Writes what waits; then no timer runs. */
void lf_history_close(struct lf_monitor *monitor);
void lf_history_done(struct lf_monitor *monitor);
/* True: a row of its own (note->id is set); false: folded into an older one. */
bool lf_history_add(struct lf_monitor *monitor, struct lf_event_note *note);
/* Writes rows whose counts have moved. */
void lf_history_flush(struct lf_monitor *monitor);

/* ---- record.c ---- */

int lf_record_open(struct lf_monitor *monitor);
/* Offers the store what the last run parked. */
void lf_record_start(struct lf_monitor *monitor);
void lf_record_close(struct lf_monitor *monitor);
void lf_record_done(struct lf_monitor *monitor);
/* Never fails: parks what the store does not take. The words of a row that is
 * not new are there already. */
void lf_record_write(struct lf_monitor *monitor,
		     const struct lf_event_note *note, bool is_new);
/* Puts or deletes ("monitor.put-words") the words that find the row. */
void lf_record_words(struct lf_monitor *monitor,
		     const struct lf_event_note *note, const char *statement);

/* ---- retention.c ---- */

int lf_retention_open(struct lf_monitor *monitor);
void lf_retention_start(struct lf_monitor *monitor);
void lf_retention_close(struct lf_monitor *monitor);
/* Deletes rows that began before `wall_ms`, a slice at a time. */
void lf_retention_expire(struct lf_monitor *monitor, int64_t wall_ms);
/* The disk is nearly full: deletes the older half, and says so (S259). */
void lf_retention_make_room(struct lf_monitor *monitor);

/* ---- probe.c ---- */

int lf_probe_open(struct lf_monitor *monitor);
void lf_probe_close(struct lf_monitor *monitor);
void lf_probe_done(struct lf_monitor *monitor);

/* ---- search.c ---- */

int lf_search_define(struct lf_monitor *monitor);
/* Up to `max` different words, lower case; returns how many. */
#define LF_WORD_SIZE 33
size_t lf_event_words(char words[][LF_WORD_SIZE], size_t max, const char *text);

#endif
