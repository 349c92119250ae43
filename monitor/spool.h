/*
 * monitor/spool.h - mails that wait for the mail server (S244): rows in the
 * store, one recipient each, sent one by one in their order and deleted when
 * the server has taken them.
 */
#ifndef LF_MONITOR_SPOOL_H
#define LF_MONITOR_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_monitor;
struct lf_notify_stats;
struct lf_smtp;
struct lf_spool; /* opaque: see spool.c */

#define LF_MAIL_ADDRESS_SIZE 256

/* Reads what the last run has left; sends nothing before it has. */
int lf_spool_open(struct lf_spool **ret, struct lf_monitor *monitor,
		  struct lf_smtp *smtp);
void lf_spool_close(struct lf_spool *spool); /* no timer runs any more */
void lf_spool_free(struct lf_spool *spool);  /* both: NULL is fine */

/* With `more` that wait elsewhere; if not, says so (MAIL_SPOOL_FULL). */
bool lf_spool_has_room(struct lf_spool *spool, size_t more);

/*
 * Keeps a mail in the store, or in memory while the store takes nothing. With
 * a `done` there is no second try: the caller hears of the error instead.
 * Returns its row's id.
 */
typedef void lf_spool_fn(int err, void *arg);
int64_t lf_spool_add(struct lf_spool *spool, const char *to,
		     const char *message, lf_spool_fn *done, void *arg);

/* The settings have changed: tries at once. */
void lf_spool_wake(struct lf_spool *spool);

/* What waits, was sent and was refused by mail. */
void lf_spool_stats(const struct lf_spool *spool, struct lf_notify_stats *ret);

#endif
