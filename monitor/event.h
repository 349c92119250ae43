/*
 * monitor/event.h - what happened: the one call by which any room tells it.
 *
 *     raise -> alarm (begins, goes on, ends) -> event log -> notifications
 *
 * Every event is in events.def, with what it means and what to do.
 */
#ifndef LF_MONITOR_EVENT_H
#define LF_MONITOR_EVENT_H

#include <stdbool.h>
#include <stddef.h>

struct lf_monitor; /* opaque: see monitor.h */

enum lf_event {
	LF_EVENT_NONE,
#define LF_EVENT(name, id, ...) LF_EVENT_##name = id,
#include "monitor/events.def"
#undef LF_EVENT
};

enum lf_severity {
	LF_SEVERITY_INFORMATION = 1, /* as in the MIB */
	LF_SEVERITY_WARNING,
	LF_SEVERITY_ERROR,
};

#define LF_EVENT_SUBJECT_MAX 128 /* bytes with the NUL; longer is cut */
#define LF_EVENT_TEXT_MAX 256    /* an SNMP text holds 255 */

/*
 * `subject` is what it is about (a feed's name, a file), "" for the whole
 * server; an alarm is one event of one subject. An event that clears an alarm
 * which is not there says nothing. From the loop's thread; never blocks and
 * never fails: what cannot be kept is counted and told later (EVENTS_LOST).
 * A NULL monitor only logs.
 */
void lf_event_raise(struct lf_monitor *monitor, enum lf_event event,
		    const char *subject, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- the catalogue ---- */

struct lf_event_info {
	enum lf_event id;
	const char *token; /* "FEED_DOWN" */
	const char *application, *category;
	enum lf_severity severity;
	enum lf_event clears; /* LF_EVENT_NONE: none */
	const char *text, *remedy;
};

/* The i-th, in order of ids; NULL past the end. */
const struct lf_event_info *lf_event_at(size_t i);
const struct lf_event_info *lf_event_find(int id); /* NULL: there is none */
/* An id or a name ("2001", "feed-down", "FEED_DOWN"); NULL. */
const struct lf_event_info *lf_event_parse(const char *word);
/* Does another event clear it? */
bool lf_event_is_alarm(const struct lf_event_info *info);
const char *lf_severity_name(enum lf_severity severity);        /* "warning" */
int lf_severity_parse(enum lf_severity *ret, const char *word); /* -EINVAL */

#define LF_EVENT_NAME_SIZE 64
/* "feed-down", for people and settings; "feedDown", for the MIB. */
char *lf_event_name(char out[LF_EVENT_NAME_SIZE],
		    const struct lf_event_info *info);
char *lf_event_mib_name(char out[LF_EVENT_NAME_SIZE],
			const struct lf_event_info *info);

#endif
