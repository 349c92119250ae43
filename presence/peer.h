/*
 * presence/peer.h - one peer as its subscriptions see it: alive or silent,
 * and what was learned about it. Inside presence/ only.
 */
#ifndef LF_PRESENCE_PEER_H
#define LF_PRESENCE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "core/log.h"
#include "core/timer.h"
#include "sip/trunk.h"

struct lf_saved;
struct lf_leg;

struct lf_peer {
	const char *name;
	struct lf_timers *timers;
	struct lf_sip_trunk *trunk;
	struct lf_saved *saved; /* NULL: nothing is saved */
	struct lf_list legs;
	uint32_t expires_s;
	int64_t probe_ms, stale_after_ms;

	/* learned */
	uint32_t min_expires_s; /* from a 423 */
	uint8_t refused;        /* 1 << enum lf_package, from a 489 */

	struct lf_timer canary, stale;
	uint16_t epoch;       /* grows when the peer has forgotten us */
	uint8_t sweeps;       /* without a good refresh in between */
	bool is_sweep_wanted; /* as soon as sweep_ms is over */
	bool is_up;           /* answers, whatever it answers */
	bool is_forbidden;
	int64_t sweep_ms;
	struct lf_log_limit log_limit; /* documents that cannot be read */
};

/* All but the counters' owner is set by simple_feed.c before. */
void lf_peer_start(struct lf_peer *peer);
void lf_peer_stop(struct lf_peer *peer); /* legs are off before */
/* Before the program ends: all legs off, their dialogs stay, saved. */
void lf_peer_leave(struct lf_peer *peer);

/* The trunk's callback ends here. */
void lf_peer_trunk(struct lf_peer *peer, enum lf_sip_trunk_state state,
		   const char *why);

/* While it is down, nothing is sent. */
bool lf_peer_may_ask(const struct lf_peer *peer);
/* 481 to a refresh: it restarted, and the other subscriptions are gone too. */
void lf_peer_forgot(struct lf_peer *peer, const struct lf_leg *leg);
/* 2xx to a refresh: it remembers us. */
void lf_peer_remembers(struct lf_peer *peer);
/* A NOTIFY came. */
void lf_peer_heard(struct lf_peer *peer);

#endif
