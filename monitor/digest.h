/*
 * monitor/digest.h - what is not urgent and waits: until the quiet hours are
 * over, or until enough has been gathered. Then each recipient gets one mail
 * of all that was held back for him.
 */
#ifndef LF_MONITOR_DIGEST_H
#define LF_MONITOR_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_digest; /* opaque: see digest.c */
struct lf_event_info;
struct lf_event_note;
struct lf_monitor;
struct lf_smtp;
struct lf_spool;

int lf_digest_open(struct lf_digest **ret, struct lf_monitor *monitor,
		   struct lf_smtp *smtp, struct lf_spool *spool);
void lf_digest_close(struct lf_digest *digest); /* no timer runs any more */
void lf_digest_free(struct lf_digest *digest);  /* both: NULL is fine */

/* Is it one that waits, just now? */
bool lf_digest_wants(const struct lf_digest *digest,
		     const struct lf_event_info *info);
/* Kept in the store; goes at once as a mail of its own if that fails. */
void lf_digest_hold(struct lf_digest *digest, const char *to,
		    const struct lf_event_note *note);

/* The settings have changed: it may be time. */
void lf_digest_wake(struct lf_digest *digest);

size_t lf_digest_held(const struct lf_digest *digest);
/* When what is held will go, on the wall clock; 0: nothing is. */
int64_t lf_digest_until(const struct lf_digest *digest);

#endif
