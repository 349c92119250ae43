/*
 * monitor/trap_internal.h - what the files of the SNMP channel share.
 *
 *     trap.c         a queue for each manager
 *     trap_job.c     what the settings say about a message
 *     trap_engine.c  who we are in SNMPv3
 *     trap_test.c    a test, past the queues
 *     snmp.c         the messages on the wire
 */
#ifndef LF_MONITOR_TRAP_INTERNAL_H
#define LF_MONITOR_TRAP_INTERNAL_H

#include "monitor/internal.h"
#include "monitor/notify_internal.h"
#include "monitor/snmp.h"

struct lf_trap {
	struct lf_monitor *monitor;
	struct lf_list managers;
	struct lf_timer retry, heartbeat;
	uint8_t engine[LF_SNMP_ENGINE_MAX];
	size_t engine_len;
	unsigned boots;
	int64_t started_ms;
	bool is_ready; /* the engine is known */
	bool is_busy;  /* snmp.c takes one at a time: a batch or a test */
	uint64_t sent, failed;
};

/* ---- trap.c ---- */

/* Starts the next batch, if it can. */
void lf_trap_pump(struct lf_trap *trap);

/* ---- trap_job.c ---- */

const char *lf_trap_text(const struct lf_trap *trap, const char *setting);
/* All but the items. */
void lf_trap_fill_job(const struct lf_trap *trap, struct lf_snmp_job *job,
		      const char *manager);
void lf_trap_fill_item(struct lf_snmp_item *out,
		       const struct lf_event_info *info,
		       const struct lf_event_note *note);

/* ---- trap_engine.c ---- */

/* Then the channel is ready. */
int lf_trap_engine_load(struct lf_trap *trap);
/* trap.engine-id, where there is one. */
void lf_trap_engine_follow(struct lf_trap *trap);

#endif
