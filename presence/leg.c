/*
 * presence/leg.c - one subscription: its life, its dialog, what is known by it.
 * When to ask: leg_ask.c; what the peer's words mean: leg_told.c.
 */
#include "presence/leg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "presence/leg_internal.h"
#include "presence/peer.h"
#include "presence/saved.h"
#include "sip/subscribe.h"
#include "sip/trunk.h"

#include "core/banned.h"

#define CSEQ_AHEAD 64

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

void lf_leg_set_cond(struct lf_leg *leg, enum lf_cond cond, const char *hint)
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
	lf_leg_set_cond(leg, cond, hint);
}

/* ---- the saved dialog ---- */

static const char *key_of(struct lf_leg *leg, char key[LF_SAVED_KEY])
{
	snprintf(key, LF_SAVED_KEY, "%s/%s/%s", leg->peer->name,
		 leg->ops->subject(leg), packages[leg->package].event);
	return key;
}

void lf_leg_save(struct lf_leg *leg)
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

void lf_leg_unsave(struct lf_leg *leg)
{
	char key[LF_SAVED_KEY];

	if (leg->saved_cseq && leg->peer->saved)
		lf_saved_del(leg->peer->saved, key_of(leg, key));
	leg->saved_cseq = 0;
}

void lf_leg_forget_dialog(struct lf_leg *leg)
{
	lf_leg_unsave(leg);
	lf_sip_sub_reset(leg->sub);
	leg->ops->on_new_dialog(leg);
	leg->must_hear = true;
}

void lf_leg_refresh(struct lf_leg *leg, bool must_hear)
{
	if (leg->state == LF_LEG_OFF)
		return;
	leg->must_hear |= must_hear;
	lf_leg_ask(leg);
}

/* ---- time ---- */

static void unconfirmed(struct lf_leg *leg)
{
	static const char hint[] = "accepted, but no NOTIFY arrives: check "
				   "that the server can reach us";

	lf_leg_failed(leg);
	lf_leg_forget_dialog(leg);
	if (leg->cond == LF_COND_OK)
		lf_leg_set_cond(leg, LF_COND_STALE, hint);
	else if (leg->failures > 1)
		lf_leg_set_cond(leg, LF_COND_ERROR, hint);
}

static void on_timer(struct lf_timer *timer, void *arg)
{
	struct lf_leg *leg = arg;

	if (leg->state == LF_LEG_AWAIT)
		unconfirmed(leg);
	lf_leg_ask(leg);
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
		err = lf_sip_sub_new(&leg->sub, leg->peer->trunk, &opts,
				     &lf_leg_sub_ops, leg);
	leg->saved_cseq =
		saved != NULL; /* the store has one: renew or delete */
	opts.saved = NULL;
	if (err) /* nothing saved, or nothing usable */
		err = lf_sip_sub_new(&leg->sub, leg->peer->trunk, &opts,
				     &lf_leg_sub_ops, leg);
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
	lf_leg_ask(leg);
	if (leg->state == LF_LEG_HELD &&
	    lf_sip_trunk_state(peer->trunk) == LF_TRUNK_DOWN)
		lf_leg_set_cond(leg, LF_COND_ERROR,
				lf_sip_trunk_why(peer->trunk));
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
	lf_leg_unsave(leg);
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
