/*
 * presence/leg_ask.c - when to ask again. "At once" is for the first time; what
 * fails within its first seconds again and again is asked ever more rarely.
 */
#include "presence/leg_internal.h"

#include <string.h>

#include "core/clock.h"
#include "presence/peer.h"
#include "sip/subscribe.h"

#include "core/banned.h"

#define BACKOFF_MS 2000
#define BACKOFF_MAX_MS 300000
#define SLOW_MS 300000
#define SLOW_MAX_MS 3600000
#define SETTLED_MS 10000 /* what lived longer did not fail at once */
#define RETRY_AFTER_MAX_S 3600

static int64_t doubled(int64_t base_ms, int64_t max_ms, unsigned failures)
{
	unsigned i;

	for (i = 1; i < failures && base_ms < max_ms; i++)
		base_ms *= 2;
	return base_ms < max_ms ? base_ms : max_ms;
}

void lf_leg_start_timer(struct lf_leg *leg, int64_t delay_ms)
{
	/* Without memory: the peer's canary finds who waits for nothing. */
	lf_timer_start(leg->peer->timers, &leg->timer, delay_ms);
}

/* What went well for a while starts the count anew. */
static void forgive(struct lf_leg *leg)
{
	if (leg->state == LF_LEG_ACTIVE &&
	    lf_mono_ms() - leg->asked_ms > SETTLED_MS)
		leg->failures = 0;
}

void lf_leg_failed(struct lf_leg *leg)
{
	forgive(leg);
	if (leg->failures < UINT8_MAX)
		leg->failures++;
}

static void retry_in(struct lf_leg *leg, int64_t delay_ms)
{
	leg->state = LF_LEG_RETRY;
	lf_leg_start_timer(leg, delay_ms);
}

void lf_leg_back_off(struct lf_leg *leg)
{
	retry_in(leg, lf_jitter_ms(doubled(BACKOFF_MS, BACKOFF_MAX_MS,
					   leg->failures),
				   30));
}

void lf_leg_retry_slowly(struct lf_leg *leg)
{
	retry_in(leg, lf_jitter_ms(doubled(SLOW_MS, SLOW_MAX_MS, leg->failures),
				   20));
}

void lf_leg_retry_after(struct lf_leg *leg, uint32_t after_s)
{
	int64_t after_ms;

	if (after_s > RETRY_AFTER_MAX_S)
		after_s = RETRY_AFTER_MAX_S;
	after_ms = (after_s ? after_s : 1) * INT64_C(1000);
	retry_in(leg, lf_jitter_ms(after_ms + after_ms / 20, 4));
}

static uint32_t expires_for(const struct lf_peer *peer)
{
	return peer->expires_s > peer->min_expires_s ? peer->expires_s
						     : peer->min_expires_s;
}

void lf_leg_ask(struct lf_leg *leg)
{
	int err;

	if (!lf_peer_may_ask(leg->peer)) {
		lf_timer_stop(leg->peer->timers, &leg->timer);
		leg->state = LF_LEG_HELD;
		return;
	}
	if (lf_sip_sub_is_waiting(leg->sub))
		return;
	forgive(leg);
	lf_timer_stop(leg->peer->timers, &leg->timer);
	leg->asked_s = expires_for(leg->peer);
	leg->asked_ms = lf_mono_ms();
	leg->is_notified = false;
	leg->in_dialog = lf_sip_sub_has_dialog(leg->sub);
	err = lf_sip_subscribe(leg->sub, leg->asked_s);
	if (!err) {
		leg->state = LF_LEG_ASKING;
		return;
	}
	lf_leg_failed(leg);
	lf_leg_set_cond(leg, LF_COND_ERROR, strerror(-err));
	lf_leg_back_off(leg);
}

void lf_leg_ask_soon(struct lf_leg *leg)
{
	lf_leg_failed(leg);
	if (leg->failures > 1)
		lf_leg_back_off(leg);
	else
		lf_leg_ask(leg);
}
