/*
 * presence/peer.c - silence, return and amnesia of one peer.
 *
 * A peer that restarted answers OPTIONS as if nothing had happened, and sends
 * no NOTIFY any more. So every probe interval one leg, in turn, refreshes its
 * dialog early: the canary. 481 there means that all must ask again.
 */
#include "presence/peer.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/log.h"
#include "presence/leg.h"
#include "sip/subscribe.h"

#include "core/banned.h"

#define SWEEP_GAP_MS 10000
#define SWEEP_GAP_MAX_MS 600000
#define CANARY_TRIES 64

static struct lf_leg *leg_of(struct lf_list *node)
{
	return LF_CONTAINER_OF(node, struct lf_leg, node);
}

bool lf_peer_may_ask(const struct lf_peer *peer)
{
	/* FORBIDDEN answers too: each line then learns its own verdict. */
	return peer->is_up;
}

static void refresh_all(struct lf_peer *peer)
{
	LF_LIST_FOREACH_SAFE (node, &peer->legs)
		lf_leg_refresh(leg_of(node), true);
}

/* ---- amnesia ---- */

static void sweep(struct lf_peer *peer)
{
	int64_t gap_ms = SWEEP_GAP_MS;
	unsigned i;

	/* A peer that answers 481 to every refresh must not be flooded. */
	for (i = 0; i < peer->sweeps && gap_ms < SWEEP_GAP_MAX_MS; i++)
		gap_ms *= 2;
	peer->sweep_ms = lf_mono_ms() + gap_ms;
	if (peer->sweeps < UINT8_MAX)
		peer->sweeps++;
	peer->is_sweep_wanted = false;
	peer->epoch++;
	lf_log(LF_NOTICE, "presence",
	       "%s: the server has forgotten our subscriptions: asking again",
	       peer->name);
	refresh_all(peer);
}

void lf_peer_forgot(struct lf_peer *peer, const struct lf_leg *leg)
{
	/* Confirmed before the last sweep: that one is seeing to it. */
	if (leg->epoch != peer->epoch)
		return;
	if (lf_mono_ms() < peer->sweep_ms)
		peer->is_sweep_wanted = true;
	else
		sweep(peer);
}

void lf_peer_remembers(struct lf_peer *peer)
{
	if (!peer->is_sweep_wanted)
		peer->sweeps = 0;
}

static bool is_stranded(const struct lf_leg *leg)
{
	return leg->state != LF_LEG_FIXED && leg->state != LF_LEG_ASKING &&
	       !lf_timer_is_running(&leg->timer);
}

/* The first that can, from the front; who was looked at goes to the back. */
static void send_canary(struct lf_peer *peer)
{
	unsigned left = CANARY_TRIES;

	while (left-- && !lf_list_is_empty(&peer->legs)) {
		struct lf_leg *leg = leg_of(peer->legs.next);

		lf_list_del(&leg->node);
		lf_list_add_tail(&peer->legs, &leg->node);
		if (leg->state == LF_LEG_ACTIVE || is_stranded(leg)) {
			lf_leg_refresh(leg, false);
			return;
		}
	}
}

static void on_canary(struct lf_timer *timer, void *arg)
{
	struct lf_peer *peer = arg;

	lf_timer_start(peer->timers, timer, peer->probe_ms);
	if (!peer->is_up)
		return;
	if (peer->is_sweep_wanted && lf_mono_ms() >= peer->sweep_ms)
		sweep(peer);
	else
		send_canary(peer);
}

/* ---- silence ---- */

static void on_stale(struct lf_timer *timer, void *arg)
{
	struct lf_peer *peer = arg;
	char hint[96];

	snprintf(hint, sizeof(hint), "no sign of life from %.32s for %lld s",
		 peer->name, (long long)(peer->stale_after_ms / 1000));
	LF_LIST_FOREACH_SAFE (node, &peer->legs)
		if (leg_of(node)->cond == LF_COND_OK)
			lf_leg_darken(leg_of(node), LF_COND_STALE, hint);
}

/* Without memory for a timer, dark at once: never the other way round. */
static void start_stale(struct lf_peer *peer, int64_t delay_ms)
{
	if (lf_timer_start(peer->timers, &peer->stale, delay_ms))
		on_stale(&peer->stale, peer);
}

void lf_peer_heard(struct lf_peer *peer)
{
	if (!peer->is_up)
		start_stale(peer, peer->stale_after_ms);
}

static void went_down(struct lf_peer *peer, const char *why)
{
	struct lf_sip_trunk_stats stats;
	int64_t silent_ms = 0;

	peer->is_up = false;
	lf_sip_trunk_stats(peer->trunk, &stats);
	if (stats.last_heard_ms)
		silent_ms = lf_mono_ms() - stats.last_heard_ms;
	start_stale(peer, peer->stale_after_ms - silent_ms);
	LF_LIST_FOREACH_SAFE (node, &peer->legs)
		if (leg_of(node)->cond == LF_COND_REQUESTING)
			lf_leg_darken(leg_of(node), LF_COND_ERROR, why);
}

static void came_up(struct lf_peer *peer)
{
	peer->is_up = true;
	lf_timer_stop(peer->timers, &peer->stale);
	refresh_all(peer);
}

void lf_peer_trunk(struct lf_peer *peer, enum lf_sip_trunk_state state,
		   const char *why)
{
	bool answers = state == LF_TRUNK_UP || state == LF_TRUNK_FORBIDDEN;

	bool is_pardoned = state == LF_TRUNK_UP && peer->is_forbidden;

	peer->is_forbidden = state == LF_TRUNK_FORBIDDEN;
	if (answers && !peer->is_up)
		came_up(peer);
	else if (is_pardoned)
		refresh_all(peer); /* who was denied need not wait */
	else if (!answers && state != LF_TRUNK_UNKNOWN)
		went_down(peer, why);
}

void lf_peer_start(struct lf_peer *peer)
{
	lf_list_init(&peer->legs);
	lf_timer_init(&peer->canary, on_canary, peer);
	lf_timer_init(&peer->stale, on_stale, peer);
	lf_timer_start(peer->timers, &peer->canary,
		       lf_jitter_ms(peer->probe_ms, 20));
}

void lf_peer_stop(struct lf_peer *peer)
{
	lf_timer_stop(peer->timers, &peer->canary);
	lf_timer_stop(peer->timers, &peer->stale);
}

void lf_peer_leave(struct lf_peer *peer)
{
	LF_LIST_FOREACH_SAFE (node, &peer->legs)
		lf_leg_leave(leg_of(node));
}
