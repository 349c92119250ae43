/*
 * presence/leg_told.c - what the peer says, and what follows from it.
 *
 * 2xx                      granted; the first NOTIFY confirms it (timer N)
 * 423                      at once, with their minimum
 * 481                      at once, in a new dialog; tell the peer's other legs
 * 489                      the owner chooses another package
 * 404 480 604              not found; slowly again
 * 401 403 407 6xx          access denied; slowly again
 * other 4xx                error; slowly again
 * 408 5xx, transport       error; back-off
 * terminated               deactivated, timeout: at once; probation, giveup:
 *                          when they say; rejected, noresource: slowly
 */
#include "presence/leg_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "presence/peer.h"
#include "sip/subscribe.h"
#include "sip/trunk.h"

#include "core/banned.h"

#define TIMER_N_MS 32000 /* RFC 6665, 4.1.2.4: 64 * T1 */
#define LOG_BURST 20

/* ---- answers ---- */

static void arm_refresh(struct lf_leg *leg)
{
	/* 50..90 % of what was granted, and never in a hurry. */
	int64_t delay_ms = lf_jitter_ms(leg->granted_s * INT64_C(700), 28);

	leg->state = LF_LEG_ACTIVE;
	lf_leg_start_timer(leg, delay_ms > 2000 ? delay_ms : 2000);
}

static void accepted(struct lf_leg *leg, uint32_t expires_s)
{
	leg->granted_s = expires_s == LF_SIP_ABSENT ? leg->asked_s : expires_s;
	if (leg->granted_s > UINT32_C(7) * 86400)
		leg->granted_s = UINT32_C(7) * 86400;
	leg->epoch = leg->peer->epoch;
	if (leg->in_dialog) {
		leg->failures = 0;
		lf_peer_remembers(leg->peer);
	}
	lf_leg_save(leg);
	if (leg->is_notified || !leg->must_hear) {
		arm_refresh(leg);
		return;
	}
	leg->state = LF_LEG_AWAIT;
	lf_leg_start_timer(leg, TIMER_N_MS);
}

static void too_brief(struct lf_leg *leg, uint32_t min_s)
{
	if (min_s == LF_SIP_ABSENT || min_s <= leg->asked_s || min_s > 86400) {
		lf_leg_failed(leg);
		lf_leg_set_cond(leg, LF_COND_ERROR,
				"423 without a usable "
				"Min-Expires");
		lf_leg_retry_slowly(leg);
		return;
	}
	leg->peer->min_expires_s = min_s;
	lf_leg_ask(leg);
}

static void no_such_dialog(struct lf_leg *leg, const char *hint)
{
	bool was_refresh = leg->in_dialog;

	lf_leg_forget_dialog(leg);
	if (!was_refresh) {
		lf_leg_failed(leg);
		lf_leg_set_cond(leg, LF_COND_ERROR, hint);
		lf_leg_back_off(leg);
		return;
	}
	lf_leg_ask_soon(leg);
	lf_peer_forgot(leg->peer, leg);
}

static void denied(struct lf_leg *leg, enum lf_cond cond, const char *hint,
		   uint32_t after_s)
{
	lf_leg_failed(leg);
	lf_leg_forget_dialog(leg);
	lf_leg_set_cond(leg, cond, hint);
	if (after_s != LF_SIP_ABSENT)
		lf_leg_retry_after(leg, after_s);
	else
		lf_leg_retry_slowly(leg);
}

/* False if there is no other package to turn to. */
static bool turn_to_other(struct lf_leg *leg)
{
	int package = leg->ops->on_refused(leg);
	int err;

	if (package < 0)
		return false;
	lf_leg_stop(leg);
	err = lf_leg_start(leg, (enum lf_package)package, leg->uri, false);
	if (err)
		lf_leg_set_cond(leg, LF_COND_ERROR, strerror(-err));
	return true;
}

/* What one line learned need not be asked again for all that wait. */
static void turn_others(struct lf_peer *peer, uint8_t package)
{
	LF_LIST_FOREACH_SAFE (node, &peer->legs) {
		struct lf_leg *leg = LF_CONTAINER_OF(node, struct lf_leg, node);

		if (leg->package == package && !leg->in_dialog &&
		    leg->state == LF_LEG_ASKING && !leg->is_notified)
			turn_to_other(leg);
	}
}

static void refused(struct lf_leg *leg, const char *hint)
{
	struct lf_peer *peer = leg->peer;
	uint8_t package = leg->package;
	bool is_news = !(peer->refused & 1 << package);

	peer->refused |= (uint8_t)(1 << package);
	if (!turn_to_other(leg))
		denied(leg, LF_COND_ERROR, hint, LF_SIP_ABSENT);
	else if (is_news)
		turn_others(peer, package);
}

/*
 * A refresh that fails leaves the subscription alive until it expires: the
 * value stays for one more try, if that comes soon.
 */
static void unavailable(struct lf_leg *leg, const char *hint, uint32_t after_s)
{
	lf_leg_failed(leg);
	if (leg->failures > 1 || !leg->in_dialog || leg->cond != LF_COND_OK ||
	    after_s != LF_SIP_ABSENT) {
		lf_leg_forget_dialog(leg);
		lf_leg_set_cond(leg, LF_COND_ERROR, hint);
	}
	if (after_s != LF_SIP_ABSENT)
		lf_leg_retry_after(leg, after_s);
	else
		lf_leg_back_off(leg);
}

static enum lf_cond cond_of(int status)
{
	switch (status) {
	case 404:
	case 480:
	case 604:
		return LF_COND_NOT_FOUND;
	case 401:
	case 403:
	case 407:
		return LF_COND_ACCESS_DENIED;
	default:
		return status >= 600 ? LF_COND_ACCESS_DENIED : LF_COND_ERROR;
	}
}

static void on_response(struct lf_sip_sub *sub,
			const struct lf_sip_response *response, void *arg)
{
	struct lf_leg *leg = arg;
	int status = response->status;
	char hint[96];

	snprintf(hint, sizeof(hint), "%d %.80s", status,
		 response->phrase ? response->phrase : "");
	if (status < 300 && response->expires_s != 0)
		accepted(leg, response->expires_s);
	else if (status == 423)
		too_brief(leg, response->min_expires_s);
	else if (status == 481)
		no_such_dialog(leg, hint);
	else if (status == 489)
		refused(leg, hint);
	else if (status < 400 || status == 408 || status / 100 == 5)
		unavailable(leg, hint, response->retry_after_s);
	else
		denied(leg, cond_of(status), hint, response->retry_after_s);
}

/* ---- NOTIFY ---- */

static void terminated(struct lf_leg *leg, const struct lf_sip_notify *notify)
{
	bool has_time = notify->retry_after_s != LF_SIP_ABSENT;

	lf_timer_stop(leg->peer->timers, &leg->timer);
	switch (notify->reason) {
	case LF_REASON_REJECTED:
		denied(leg, LF_COND_ACCESS_DENIED, "terminated: rejected",
		       notify->retry_after_s);
		return;
	case LF_REASON_NORESOURCE:
		denied(leg, LF_COND_NOT_FOUND, "terminated: noresource",
		       notify->retry_after_s);
		return;
	case LF_REASON_INVARIANT:
		lf_leg_unsave(leg);
		leg->state = LF_LEG_FIXED;
		return;
	case LF_REASON_PROBATION:
	case LF_REASON_GIVEUP:
		lf_leg_failed(leg);
		lf_leg_forget_dialog(leg);
		lf_leg_set_cond(leg, LF_COND_ERROR,
				notify->reason == LF_REASON_GIVEUP
					? "terminated: giveup"
					: "terminated: probation");
		lf_leg_retry_after(leg, has_time ? notify->retry_after_s : 30);
		return;
	default: /* deactivated, timeout, no reason given */
		lf_leg_forget_dialog(leg);
		if (has_time) {
			lf_leg_failed(leg);
			lf_leg_set_cond(leg, LF_COND_ERROR, "terminated");
			lf_leg_retry_after(leg, notify->retry_after_s);
			return;
		}
		lf_leg_ask_soon(leg);
		if (leg->failures > 1)
			lf_leg_set_cond(leg, LF_COND_ERROR,
					"terminated repeatedly");
	}
}

/*
 * RFC 4235, 4.1: versions grow by one, so a jump means a lost document.
 * Guessing would light the wrong lamp: go dark and ask for full state.
 */
static void resync(struct lf_leg *leg)
{
	leg->must_hear = true;
	leg->is_notified = false; /* an answer on its way does not confirm */
	lf_leg_set_cond(leg, LF_COND_REQUESTING,
			"a document was lost: asking for the full state");
	if (leg->state != LF_LEG_ASKING)
		lf_leg_ask_soon(leg);
}

static void log_unreadable(struct lf_leg *leg,
			   const struct lf_sip_notify *notify, int err)
{
	struct lf_peer *peer = leg->peer;
	char uri[LF_LOG_MASK_SIZE];

	if (lf_log_allow(&peer->log_limit, LOG_BURST))
		lf_log(LF_WARN, "presence",
		       "feed %s, %s: a document about %s cannot be read (%s, "
		       "%zu bytes): %s",
		       peer->name, lf_sip_trunk_route(peer->trunk),
		       lf_log_mask(uri, LF_LOG_NUMBER, leg->uri),
		       *notify->content_type ? notify->content_type : "no type",
		       notify->len, strerror(-err));
}

static void read_document(struct lf_leg *leg,
			  const struct lf_sip_notify *notify)
{
	int err;

	if (notify->state == LF_SUB_PENDING && !notify->len) {
		lf_leg_set_cond(leg, LF_COND_REQUESTING,
				"the subscription waits for approval");
		return;
	}
	if (!notify->len && leg->cond == LF_COND_OK)
		return; /* no change */
	err = leg->ops->on_document(leg, notify);
	if (err == -ESTALE)
		return; /* overtaken on its way */
	if (err == -EAGAIN) {
		resync(leg);
		return;
	}
	if (err)
		log_unreadable(leg, notify, err);
	free(leg->hint);
	leg->hint = err ? strdup("a document that cannot be read") : NULL;
	leg->cond = err ? LF_COND_ERROR : LF_COND_OK;
	leg->must_hear = false;
	leg->ops->on_change(leg);
}

static void on_notify(struct lf_sip_sub *sub,
		      const struct lf_sip_notify *notify, void *arg)
{
	struct lf_leg *leg = arg;

	lf_peer_heard(leg->peer);
	if (notify->state == LF_SUB_TERMINATED &&
	    notify->reason == LF_REASON_INVARIANT && notify->len)
		read_document(leg, notify);
	if (notify->state == LF_SUB_TERMINATED) {
		terminated(leg, notify);
		return;
	}
	leg->is_notified = true;
	if (notify->expires_s != LF_SIP_ABSENT && notify->expires_s > 0)
		leg->granted_s = notify->expires_s;
	lf_leg_save(leg);
	if (leg->state == LF_LEG_AWAIT)
		arm_refresh(leg);
	read_document(leg, notify);
}

const struct lf_sip_sub_ops lf_leg_sub_ops = {on_response, on_notify};
