/*
 * monitor/notify_internal.h - what notify.c and its channels share. A channel
 * hangs in the monitor and dies with it; what it has under way holds a
 * reference to the monitor.
 */
#ifndef LF_MONITOR_NOTIFY_INTERNAL_H
#define LF_MONITOR_NOTIFY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/event.h"
#include "monitor/notify.h"

struct lf_buf;
struct lf_event_note;

#define LF_NOTIFY_RETRY_MS 30000 /* S244 */

typedef int lf_channel_test_fn(struct lf_monitor *monitor,
			       const struct lf_event_info *info,
			       const struct lf_event_note *note,
			       lf_notify_test_fn *done, void *arg);

/* ---- notify.c ---- */

void lf_notify_event(struct lf_monitor *monitor,
		     const struct lf_event_info *info,
		     const struct lf_event_note *note);
/* "event.*.notify" of this event, by number or by name. */
const char *lf_event_setting(const struct lf_monitor *monitor,
			     const char *family,
			     const struct lf_event_info *info);
/* The end of an alarm weighs as much as the alarm. */
enum lf_severity lf_event_weight(const struct lf_event_info *info);
bool lf_list_has(const char *list, const char *word);
void lf_event_json(struct lf_buf *out, const struct lf_monitor *monitor,
		   const struct lf_event_info *info,
		   const struct lf_event_note *note);

/* ---- message.c ---- */

/* A mail as RFC 5322 wants it. `to` is the header: all of them. */
void lf_message_write(struct lf_buf *out, const char *node, const char *from,
		      const char *to, const struct lf_event_info *info,
		      const struct lf_event_note *note);
/* What was held back (digest.c): each into `text`, then the mail, which uses
 * the text up. */
struct lf_digest_sum {
	int64_t n, listed;         /* of them are in the text */
	int64_t first_id, last_id; /* the mail's own identity */
	int64_t wall_ms;
	enum lf_severity worst;
};
void lf_message_digest_add(struct lf_buf *text,
			   const struct lf_event_info *info,
			   const struct lf_event_note *note);
void lf_message_digest(struct lf_buf *out, const char *node, const char *from,
		       const char *to, const struct lf_digest_sum *sum,
		       struct lf_buf *text);
/* One address: something@something without what could end a line. */
bool lf_message_is_address(const char *text);

/* ---- mail.c, trap.c, webhook.c, process.c ---- */

int lf_mail_open(struct lf_monitor *monitor);
void lf_mail_add(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note);
lf_channel_test_fn lf_mail_test;
void lf_mail_stats(const struct lf_monitor *monitor,
		   struct lf_notify_stats *ret);
void lf_mail_close(struct lf_monitor *monitor);
void lf_mail_done(struct lf_monitor *monitor);

int lf_trap_open(struct lf_monitor *monitor);
void lf_trap_add(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note);
lf_channel_test_fn lf_trap_test;
void lf_trap_stats(const struct lf_monitor *monitor,
		   struct lf_notify_stats *ret);
void lf_trap_close(struct lf_monitor *monitor);
void lf_trap_done(struct lf_monitor *monitor);

int lf_webhook_open(struct lf_monitor *monitor);
void lf_webhook_add(struct lf_monitor *monitor,
		    const struct lf_event_info *info,
		    const struct lf_event_note *note);
lf_channel_test_fn lf_webhook_test;
void lf_webhook_stats(const struct lf_monitor *monitor,
		      struct lf_notify_stats *ret);
void lf_webhook_close(struct lf_monitor *monitor);
void lf_webhook_done(struct lf_monitor *monitor);

int lf_process_open(struct lf_monitor *monitor);
void lf_process_add(struct lf_monitor *monitor,
		    const struct lf_event_info *info,
		    const struct lf_event_note *note);
lf_channel_test_fn lf_process_test;
void lf_process_stats(const struct lf_monitor *monitor,
		      struct lf_notify_stats *ret);
void lf_process_close(struct lf_monitor *monitor);
void lf_process_done(struct lf_monitor *monitor);

#endif
