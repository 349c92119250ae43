/*
 * presence/leg.c - when to ask again: the ladder of one subscription.
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
 *
 * "At once" is for the first time; what fails within its first seconds again
 * and again is asked ever more rarely.
 */
#include "presence/leg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "presence/saved.h"
#include "presence/peer.h"
#include "sip/subscribe.h"
#include "sip/trunk.h"

#include "core/banned.h"

#define TIMER_N_MS 32000 /* RFC 6665, 4.1.2.4: 64 * T1 */
#define BACKOFF_MS 2000
#define BACKOFF_MAX_MS 300000
#define SLOW_MS 300000
#define SLOW_MAX_MS 3600000
#define SETTLED_MS                                                             \
	10000 /* what lived longer than this did not fail at once              \
	       */
#define RETRY_AFTER_MAX_S 3600
#define CSEQ_AHEAD 64
#define LOG_BURST 20

static const struct {
	const char *event, *accept;
} packages[LF_PACKAGES] = {
	[LF_PRESENCE] = {"presence",
			 "application/pidf+xml, application/xpidf+xml"},
	[LF_DIALOG] = {"dialog", "application/dialog-info+xml"},
	[LF_SUMMARY] = {"message-summary",
			"application/simple-message-summary"},
};

static const char list_accept[] = "application/rlmi+xml, multipart/related, "
				  "application/pidf+xml, "
				  "application/dialog-info+xml";

const char *lf_package_event(enum lf_package package)
{
	return packages[package].event;
}

const char *lf_leg_state_name(const struct lf_leg *leg)
{
	static const char *const names[] = {
		[LF_LEG_OFF] = "off",         [LF_LEG_HELD] = "held",
		[LF_LEG_ASKING] = "asking",   [LF_LEG_AWAIT] = "accepted",
		[LF_LEG_ACTIVE] = "active",   [LF_LEG_RETRY] = "retry",
		[LF_LEG_FIXED] = "invariant",
	};

	return names[leg->state];
}

/* ---- what is known ---- */

static void set_cond(struct lf_leg *leg, enum lf_cond cond, const char *hint)
{
	if (leg->cond == cond && lf_text_equal(leg->hint, hint))
		return;
	free(leg->hint);
	leg->hint = hint ? strdup(hint) : NULL;
	leg->cond = (uint8_t)cond;
	leg->ops->on_change(leg);
}

void lf_leg_darken(struct lf_leg *leg, enum lf_cond cond, const char *hint)
{
	set_cond(leg, cond, hint);
}

/* ---- the saved dialog ---- */

static const char *key_of(struct lf_leg *leg, char key[LF_SAVED_KEY])
{
	snprintf(key, LF_SAVED_KEY, "%s/%s/%s", leg->peer->name,
		 leg->ops->subject(leg), packages[leg->package].event);
	return key;
}

static void save(struct lf_leg *leg)
{
	struct lf_buf line = {0};
	char key[LF_SAVED_KEY];

	if (!leg->peer->saved || !lf_sip_sub_has_dialog(leg->sub))
		return;
	if (leg->saved_cseq && lf_sip_sub_cseq(leg->sub) < leg->saved_cseq)
		return;
	if (!lf_sip_sub_save(leg->sub, CSEQ_AHEAD, &line)) {
		lf_saved_put(leg->peer->saved, key_of(leg, key), leg->uri,
			     lf_buf_str(&line));
		leg->saved_cseq = lf_sip_sub_cseq(leg->sub) + CSEQ_AHEAD;
	}
	lf_buf_done(&line);
}

static void unsave(struct lf_leg *leg)
{
	char key[LF_SAVED_KEY];

	if (leg->saved_cseq && leg->peer->saved)
		lf_saved_del(leg->peer->saved, key_of(leg, key));
	leg->saved_cseq = 0;
}

/* The next SUBSCRIBE begins a new dialog, and needs its first NOTIFY. */
static void forget_dialog(struct lf_leg *leg)
{
	unsave(leg);
	lf_sip_sub_reset(leg->sub);
	leg->ops->on_new_dialog(leg);
	leg->must_hear = true;
}

/* ---- asking ---- */

static int64_t doubled(int64_t base_ms, int64_t max_ms, unsigned failures)
{
	unsigned i;

	for (i = 1; i < failures && base_ms < max_ms; i++)
		base_ms *= 2;
	return base_ms < max_ms ? base_ms : max_ms;
}

static void start_timer(struct lf_leg *leg, int64_t delay_ms)
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

static void failed(struct lf_leg *leg)
{
	forgive(leg);
	if (leg->failures < UINT8_MAX)
		leg->failures++;
}

static void retry_in(struct lf_leg *leg, int64_t delay_ms)
{
	leg->state = LF_LEG_RETRY;
	start_timer(leg, delay_ms);
}

static void back_off(struct lf_leg *leg)
{
	retry_in(leg, lf_jitter_ms(doubled(BACKOFF_MS, BACKOFF_MAX_MS,
					   leg->failures),
				   30));
}

static void retry_slowly(struct lf_leg *leg)
{
	retry_in(leg, lf_jitter_ms(doubled(SLOW_MS, SLOW_MAX_MS, leg->failures),
				   20));
}

/* Theirs, within reason; never earlier than they say. */
static void retry_after(struct lf_leg *leg, uint32_t after_s)
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

static void ask(struct lf_leg *leg)
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
	failed(leg);
	set_cond(leg, LF_COND_ERROR, strerror(-err));
	back_off(leg);
}

void lf_leg_refresh(struct lf_leg *leg, bool must_hear)
{
	if (leg->state == LF_LEG_OFF)
		return;
	leg->must_hear |= must_hear;
	ask(leg);
}

/* The first failure after a good while may be repaired at once. */
static void ask_soon(struct lf_leg *leg)
{
	failed(leg);
	if (leg->failures > 1)
		back_off(leg);
	else
		ask(leg);
}

/* ---- answers ---- */

static void arm_refresh(struct lf_leg *leg)
{
	/* 50..90 % of what was granted, and never in a hurry. */
	int64_t delay_ms = lf_jitter_ms(leg->granted_s * INT64_C(700), 28);

	leg->state = LF_LEG_ACTIVE;
	start_timer(leg, delay_ms > 2000 ? delay_ms : 2000);
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
	save(leg);
	if (leg->is_notified || !leg->must_hear) {
		arm_refresh(leg);
		return;
	}
	leg->state = LF_LEG_AWAIT;
	start_timer(leg, TIMER_N_MS);
}

static void too_brief(struct lf_leg *leg, uint32_t min_s)
{
	if (min_s == LF_SIP_ABSENT || min_s <= leg->asked_s || min_s > 86400) {
		failed(leg);
		set_cond(leg, LF_COND_ERROR,
			 "423 without a usable "
			 "Min-Expires");
		retry_slowly(leg);
		return;
	}
	leg->peer->min_expires_s = min_s;
	ask(leg);
}

static void no_such_dialog(struct lf_leg *leg, const char *hint)
{
	bool was_refresh = leg->in_dialog;

	forget_dialog(leg);
	if (!was_refresh) {
		failed(leg);
		set_cond(leg, LF_COND_ERROR, hint);
		back_off(leg);
		return;
	}
	ask_soon(leg);
	lf_peer_forgot(leg->peer, leg);
}

static void denied(struct lf_leg *leg, enum lf_cond cond, const char *hint,
		   uint32_t after_s)
{
	failed(leg);
	forget_dialog(leg);
	set_cond(leg, cond, hint);
	if (after_s != LF_SIP_ABSENT)
		retry_after(leg, after_s);
	else
		retry_slowly(leg);
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
		set_cond(leg, LF_COND_ERROR, strerror(-err));
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
	failed(leg);
	if (leg->failures > 1 || !leg->in_dialog || leg->cond != LF_COND_OK ||
	    after_s != LF_SIP_ABSENT) {
		forget_dialog(leg);
		set_cond(leg, LF_COND_ERROR, hint);
	}
	if (after_s != LF_SIP_ABSENT)
		retry_after(leg, after_s);
	else
		back_off(leg);
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
		unsave(leg);
		leg->state = LF_LEG_FIXED;
		return;
	case LF_REASON_PROBATION:
	case LF_REASON_GIVEUP:
		failed(leg);
		forget_dialog(leg);
		set_cond(leg, LF_COND_ERROR,
			 notify->reason == LF_REASON_GIVEUP
				 ? "terminated: giveup"
				 : "terminated: probation");
		retry_after(leg, has_time ? notify->retry_after_s : 30);
		return;
	default: /* deactivated, timeout, no reason given */
		forget_dialog(leg);
		if (has_time) {
			failed(leg);
			set_cond(leg, LF_COND_ERROR, "terminated");
			retry_after(leg, notify->retry_after_s);
			return;
		}
		ask_soon(leg);
		if (leg->failures > 1)
			set_cond(leg, LF_COND_ERROR, "terminated repeatedly");
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
	set_cond(leg, LF_COND_REQUESTING,
		 "a document was lost: asking for the full state");
	if (leg->state != LF_LEG_ASKING)
		ask_soon(leg);
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
		set_cond(leg, LF_COND_REQUESTING,
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
	save(leg);
	if (leg->state == LF_LEG_AWAIT)
		arm_refresh(leg);
	read_document(leg, notify);
}

/* ---- time ---- */

static void unconfirmed(struct lf_leg *leg)
{
	static const char hint[] = "accepted, but no NOTIFY arrives: check "
				   "that the server can reach us";

	failed(leg);
	forget_dialog(leg);
	if (leg->cond == LF_COND_OK)
		set_cond(leg, LF_COND_STALE, hint);
	else if (leg->failures > 1)
		set_cond(leg, LF_COND_ERROR, hint);
}

static void on_timer(struct lf_timer *timer, void *arg)
{
	struct lf_leg *leg = arg;

	if (leg->state == LF_LEG_AWAIT)
		unconfirmed(leg);
	ask(leg);
}

/* ---- life ---- */

void lf_leg_init(struct lf_leg *leg, struct lf_peer *peer,
		 const struct lf_leg_ops *ops)
{
	memset(leg, 0, sizeof(*leg));
	lf_list_init(&leg->node);
	lf_timer_init(&leg->timer, on_timer, leg);
	leg->peer = peer;
	leg->ops = ops;
	leg->cond = LF_COND_REQUESTING;
}

static int open_sub(struct lf_leg *leg, bool is_list)
{
	static const struct lf_sip_sub_ops ops = {on_response, on_notify};
	struct lf_sip_sub_opts opts = {
		.uri = leg->uri,
		.event = packages[leg->package].event,
		.accept = is_list ? list_accept : packages[leg->package].accept,
		.is_list = is_list,
	};
	char key[LF_SAVED_KEY], *saved = NULL;
	int err = -EINVAL;

	if (leg->peer->saved)
		saved = lf_saved_take(leg->peer->saved, key_of(leg, key));
	opts.saved = saved;
	if (saved)
		err = lf_sip_sub_new(&leg->sub, leg->peer->trunk, &opts, &ops,
				     leg);
	leg->saved_cseq =
		saved != NULL; /* the store has one: renew or delete */
	opts.saved = NULL;
	if (err) /* nothing saved, or nothing usable */
		err = lf_sip_sub_new(&leg->sub, leg->peer->trunk, &opts, &ops,
				     leg);
	free(saved);
	return err;
}

int lf_leg_start(struct lf_leg *leg, enum lf_package package, const char *uri,
		 bool is_list)
{
	struct lf_peer *peer = leg->peer;
	int err;

	leg->package = (uint8_t)package;
	leg->uri = uri;
	leg->failures = 0;
	leg->must_hear = true;
	err = open_sub(leg, is_list);
	if (err)
		return err;
	leg->cond = LF_COND_REQUESTING;
	lf_list_add_tail(&peer->legs, &leg->node);
	ask(leg);
	if (leg->state == LF_LEG_HELD &&
	    lf_sip_trunk_state(peer->trunk) == LF_TRUNK_DOWN)
		set_cond(leg, LF_COND_ERROR, lf_sip_trunk_why(peer->trunk));
	return 0;
}

static void turn_off(struct lf_leg *leg)
{
	lf_timer_stop(leg->peer->timers, &leg->timer);
	lf_list_del(&leg->node);
	free(leg->hint);
	leg->hint = NULL;
	leg->sub = NULL;
	leg->state = LF_LEG_OFF;
}

void lf_leg_stop(struct lf_leg *leg)
{
	if (leg->state == LF_LEG_OFF)
		return;
	unsave(leg);
	lf_sip_sub_free(leg->sub);
	turn_off(leg);
}

void lf_leg_leave(struct lf_leg *leg)
{
	if (leg->state == LF_LEG_OFF)
		return;
	if (leg->saved_cseq)
		lf_sip_sub_leave(leg->sub);
	else
		lf_sip_sub_free(leg->sub);
	turn_off(leg);
}
