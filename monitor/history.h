/* monitor/history.h - what happened so far: the event log and the alarms. */
#ifndef LF_MONITOR_HISTORY_H
#define LF_MONITOR_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "monitor/event.h"

/* One row of the log: an event, and how often it came again (folded). */
struct lf_event_row {
	int64_t id; /* unique, grows */
	int64_t count, first_ms, last_ms;
	const struct lf_event_info *info;
	const char *subject, *text;
};

#define LF_EVENTS_MAX 1000 /* rows of one page */
#define LF_EVENTS_WORDS 4  /* of a text filter */

/* A zeroed filter takes all. Application and category must be known ones to
 * match anything; the text is whole words, in any case and order (S263). */
struct lf_event_filter {
	int64_t before_id;         /* 0: the newest; for the next page, the last
				      row's id */
	int64_t from_ms, to_ms;    /* of first_ms; 0: open */
	enum lf_severity at_least; /* 0: all */
	enum lf_event event;       /* LF_EVENT_NONE: all */
	const char *application, *category, *text; /* NULL: all */
};

typedef void lf_events_fn(int err, const struct lf_event_row *rows, size_t n,
			  void *arg);

/* Newest first. -E2BIG: over LF_EVENTS_MAX or _WORDS. What has happened before
 * the call is in the answer. */
int lf_events_read(struct lf_monitor *monitor,
		   const struct lf_event_filter *filter, unsigned max,
		   lf_events_fn *done, void *arg);

/* ---- alarms: what is wrong just now ---- */

struct lf_alarm {
	const struct lf_event_info *info;
	const char *subject, *text;
	int64_t since_ms, last_ms, count;
	int64_t event_id; /* its row in the log */
	int is_disabled;  /* monitor.disabled (S261): not told to anybody */
};

/* The i-th, oldest first; -ENOENT past the end. Texts live until the next
 * event. */
int lf_alarm_at(const struct lf_monitor *monitor, size_t i,
		struct lf_alarm *ret);
bool lf_alarm_is_on(const struct lf_monitor *monitor, enum lf_event event,
		    const char *subject);
/* Events raised since the start. */
uint64_t lf_event_count(const struct lf_monitor *monitor);
size_t lf_alarm_count(const struct lf_monitor *monitor);

#endif
