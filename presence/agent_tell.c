/*
 * presence/agent_tell.c - what a subscription is told next, and when: not what
 * it knows, not sooner than the interval allows, and of documents that add to
 * the last none before that was answered.
 */
#include "presence/agent_internal.h"

#include <errno.h>

#include "core/clock.h"
#include "presence/agent_list.h"
#include "sip/notify.h"

#include "core/banned.h"

/* ---- the document ---- */

/* The reference is ours now. */
static void keep_told(struct lf_agent_sub *sub, struct lf_sip_body *body)
{
	lf_sip_body_unref(sub->told);
	sub->told = body;
}

/* Each document adds to the last: none may be replaced. */
static bool adds_up(const struct lf_agent_sub *sub)
{
	return sub->list || lf_agent_sub_is_partial(sub);
}

/* It waits for an answer: that will make it go on. */
static bool is_held_up(const struct lf_agent_sub *sub)
{
	return adds_up(sub) && lf_sip_notifier_is_busy(sub->notifier);
}

/* The next document says all, whatever was told. */
static void start_over(struct lf_agent_sub *sub)
{
	if (sub->list)
		lf_agent_list_renew(sub->list);
	else if (lf_agent_sub_is_partial(sub))
		keep_told(sub, NULL);
}

/* The document of now; the reference is the caller's. */
static int document_of(struct lf_sip_body **ret, struct lf_agent_sub *sub,
		       bool is_new)
{
	int err;

	if (sub->list) {
		if (is_new)
			lf_agent_list_renew(sub->list);
		return lf_agent_list_body(ret, sub->list, false);
	}
	if (sub->package->is_winfo)
		return lf_agent_winfo_body(ret, sub);
	if (lf_agent_sub_is_partial(sub))
		return lf_agent_partial_body(ret, sub, is_new);
	err = lf_presentity_body(ret, sub->seat.presentity,
				 (enum lf_format)sub->format,
				 (enum lf_level)sub->level, is_new);
	if (!err)
		lf_sip_body_ref(*ret);
	return err;
}

/* ---- the time ---- */

static bool must_wait(const struct lf_agent_sub *sub, bool is_asked,
		      int64_t now_ms)
{
	if (is_held_up(sub))
		return true;
	return !is_asked && sub->agent->interval_ms &&
	       now_ms < sub->told_ms + sub->agent->interval_ms;
}

void lf_agent_sub_set_timer(struct lf_agent_sub *sub)
{
	int64_t due_ms = sub->ends_ms;

	if (sub->is_owed && !is_held_up(sub) && sub->agent->interval_ms &&
	    sub->told_ms + sub->agent->interval_ms < sub->ends_ms)
		due_ms = sub->told_ms + sub->agent->interval_ms;
	due_ms -= lf_mono_ms();
	lf_timer_start(sub->agent->parts.timers, &sub->timer,
		       due_ms > 0 ? due_ms : 0);
}

/* ---- telling ---- */

static uint32_t seconds_left(const struct lf_agent_sub *sub)
{
	int64_t ms = sub->ends_ms - lf_mono_ms();

	return ms > 0 ? (uint32_t)((ms + 999) / 1000) : 0;
}

static int send_state(struct lf_agent_sub *sub, struct lf_sip_body *body,
		      enum lf_sip_substate state, enum lf_sip_reason reason)
{
	const struct lf_sip_notify_out out = {
		.state = state,
		.reason = reason,
		.expires_s = seconds_left(sub),
		.retry_after_s = LF_SIP_ABSENT,
		.shared = body,
	};
	int err;

	sub->agent->stats.notifies++;
	err = lf_sip_notifier_send(sub->notifier, &out);
	lf_agent_save_check(sub);
	return err;
}

/* `is_asked`: it is told even what it knows. */
static void tell(struct lf_agent_sub *sub, bool is_asked)
{
	int64_t now_ms = sub->agent->interval_ms ? lf_mono_ms() : 0;
	struct lf_sip_body *body;
	bool is_new;
	int err;

	if (!sub->agent->is_ready) {
		sub->is_owed = true;
		return;
	}
	if (must_wait(sub, is_asked, now_ms)) {
		if (is_asked)
			start_over(sub);
		sub->is_owed = true;
		lf_agent_sub_set_timer(sub);
		return;
	}
	/* Another level's document may be older than what it was told. */
	is_new = is_asked || sub->level != sub->told_level;
	err = document_of(&body, sub, is_new && sub->told);
	if (err) {
		sub->is_owed = sub->is_owed && err != -EALREADY;
		return;
	}
	if (body == sub->told && !is_asked) {
		lf_sip_body_unref(body);
		return;
	}
	keep_told(sub, body);
	sub->told_level = sub->level;
	sub->told_ms = now_ms;
	sub->is_owed = sub->list && lf_agent_list_has_more(sub->list);
	if (send_state(sub, body, LF_SUB_ACTIVE, LF_REASON_NONE)) {
		keep_told(sub, NULL); /* the next change says it */
		start_over(sub);
	}
}

void lf_agent_sub_update(struct lf_agent_sub *sub)
{
	tell(sub, false);
}

void lf_agent_sub_tell(struct lf_agent_sub *sub)
{
	tell(sub, true);
}

void lf_agent_sub_answered(struct lf_agent_sub *sub, int status)
{
	if (status >= 300)
		start_over(sub);
	if (adds_up(sub) && sub->is_owed)
		tell(sub, false);
}

/* ---- the last time ---- */

/* Of a list only what a fetch gets is worth its size. */
static struct lf_sip_body *last_words(struct lf_agent_sub *sub)
{
	struct lf_sip_body *body = NULL;

	if (sub->list && !sub->told)
		lf_agent_list_body(&body, sub->list, true);
	else if (sub->seat.presentity)
		document_of(&body, sub, true);
	return body;
}

int lf_agent_sub_farewell(struct lf_agent_sub *sub, enum lf_sip_reason reason)
{
	struct lf_sip_body *body = NULL;
	int err;

	if (reason != LF_REASON_REJECTED)
		body = last_words(sub);
	err = send_state(sub, body, LF_SUB_TERMINATED, reason);
	lf_sip_body_unref(body);
	return err;
}
