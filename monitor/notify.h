/*
 * monitor/notify.h - who is told: mail, SNMP, a web address, a program.
 *
 *     event -> channels (by severity, or what event.N.notify says)
 *           -> mail.c     into a spool in the store, one by one (S240-S244);
 *                         what is not urgent may wait for a digest
 *              trap.c     traps and informs to each manager (S266-S268)
 *              webhook.c  JSON by POST
 *              process.c  a program with JSON on its standard input (S265)
 */
#ifndef LF_MONITOR_NOTIFY_H
#define LF_MONITOR_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

struct lf_monitor;

enum lf_channel {
	LF_CHANNEL_MAIL,
	LF_CHANNEL_TRAP,
	LF_CHANNEL_WEBHOOK,
	LF_CHANNEL_PROCESS,
	LF_CHANNELS
};

const char *lf_channel_name(enum lf_channel channel); /* "mail" */

/* What was found out, for people: one sentence, or one for each manager. */
typedef void lf_notify_test_fn(int err, const char *text, void *arg);

/*
 * Sends a test past all queues and says how it went, step by step (S240,
 * S266). Called back once, from the loop. -ENOENT: the channel is not
 * configured; -EBUSY: traps are being sent just now; -ENOMEM.
 */
int lf_notify_test(struct lf_monitor *monitor, enum lf_channel channel,
		   lf_notify_test_fn *done, void *arg);

struct lf_notify_stats {
	size_t waiting[LF_CHANNELS];
	uint64_t sent[LF_CHANNELS], failed[LF_CHANNELS];
	size_t held;           /* mails of events that wait for their digest, */
	int64_t held_until_ms; /* which goes then; wall clock */
};
void lf_notify_stats(const struct lf_monitor *monitor,
		     struct lf_notify_stats *ret);

#define LF_TRAP_ENGINE_SIZE 65
/* Our SNMPv3 engine id in hexadecimal, for a manager's createUser. */
char *lf_trap_engine(const struct lf_monitor *monitor,
		     char out[LF_TRAP_ENGINE_SIZE]);

#endif
