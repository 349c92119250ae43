/*
 * presence/agent_sub.c - one subscription, from its SUBSCRIBE until its last
 * NOTIFY is answered.
 *
 *     begin --> alive --refresh, change--> NOTIFY active
 *                 |--Expires: 0, its time is up, its user is gone-->
 *               ending: NOTIFY terminated --any answer or none--> freed
 */
#include "presence/agent_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "sip/notify.h"
#include "sip/sip.h"

#include "core/banned.h"

static struct lf_agent_sub *sub_of(struct lf_seat *seat)
{
	return LF_CONTAINER_OF(seat, struct lf_agent_sub, seat);
}

/* ---- time ---- */

static uint32_t seconds_left(const struct lf_agent_sub *sub)
{
	int64_t ms = sub->ends_ms - lf_mono_ms();

	return ms > 0 ? (uint32_t)((ms + 999) / 1000) : 0;
}

void lf_agent_sub_set_timer(struct lf_agent_sub *sub)
{
	int64_t due_ms = sub->ends_ms;

	if (sub->is_owed &&
	    sub->told_ms + sub->agent->interval_ms < sub->ends_ms)
		due_ms = sub->told_ms + sub->agent->interval_ms;
	due_ms -= lf_mono_ms();
	lf_timer_start(sub->agent->parts.timers, &sub->timer,
		       due_ms > 0 ? due_ms : 0);
}

int lf_agent_expires(struct lf_agent *agent, struct lf_sip_request *req,
		     uint32_t asked_s, uint32_t *ret_s)
{
	char least[16];
	const struct lf_sip_header extra[] = {{"Min-Expires", least}, {NULL}};

	if (asked_s == LF_SIP_ABSENT)
		asked_s = agent->most_s;
	if (asked_s > 0 && asked_s < agent->least_s) {
		agent->stats.refused++;
		snprintf(least, sizeof(least), "%u", agent->least_s);
		lf_sip_reply(req, 423, "Interval Too Brief", extra);
		return -ERANGE;
	}
	*ret_s = asked_s < agent->most_s ? asked_s : agent->most_s;
	return 0;
}

/* ---- telling ---- */

static void keep_told(struct lf_agent_sub *sub, struct lf_sip_body *body)
{
	if (body == sub->told)
		return;
	lf_sip_body_unref(sub->told);
	sub->told = lf_sip_body_ref(body);
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

static int document_of(struct lf_sip_body **ret, struct lf_agent_sub *sub,
		       bool is_new)
{
	return lf_presentity_body(ret, sub->seat.presentity,
				  (enum lf_format)sub->format,
				  (enum lf_level)sub->level, is_new);
}

/* `is_asked`: by a SUBSCRIBE, so it is told even what it knows. */
static void tell(struct lf_agent_sub *sub, bool is_asked)
{
	struct lf_agent *agent = sub->agent;
	int64_t now_ms = agent->interval_ms ? lf_mono_ms() : 0;
	struct lf_sip_body *body;

	if (!is_asked && agent->interval_ms &&
	    now_ms < sub->told_ms + agent->interval_ms) {
		sub->is_owed = true;
		lf_agent_sub_set_timer(sub);
		return;
	}
	if (document_of(&body, sub, is_asked && sub->told))
		return;
	if (body == sub->told && !is_asked)
		return;
	keep_told(sub, body);
	sub->told_ms = now_ms;
	sub->is_owed = false;
	send_state(sub, body, LF_SUB_ACTIVE, LF_REASON_NONE);
}

void lf_agent_sub_update(struct lf_agent_sub *sub)
{
	tell(sub, false);
}

/* ---- the end ---- */

void lf_agent_sub_free(struct lf_agent_sub *sub)
{
	if (!sub)
		return;
	lf_timer_stop(sub->agent->parts.timers, &sub->timer);
	lf_list_del(&sub->node);
	if (sub->is_ended)
		sub->agent->stats.ending--;
	else
		sub->agent->sub_count--;
	if (sub->agent->ledger)
		lf_ledger_remove(sub->agent->ledger, &sub->entry);
	lf_seat_leave(&sub->seat);
	lf_sip_notifier_free(sub->notifier);
	lf_sip_body_unref(sub->told);
	free(sub);
}

/* Says farewell; the subscription lives on until that is answered. */
static void end(struct lf_agent_sub *sub, enum lf_sip_reason reason)
{
	struct lf_agent *agent = sub->agent;
	struct lf_sip_body *body = NULL;
	int err;

	if (sub->seat.presentity)
		document_of(&body, sub, true);
	sub->ends_ms = 0;
	lf_timer_stop(agent->parts.timers, &sub->timer);
	err = send_state(sub, body, LF_SUB_TERMINATED, reason);
	lf_seat_leave(&sub->seat);
	lf_ledger_remove(agent->ledger, &sub->entry);
	sub->is_ended = true;
	agent->sub_count--;
	agent->stats.ending++;
	lf_list_del(&sub->node);
	lf_list_add_tail(&agent->ending, &sub->node);
	if (err)
		lf_agent_sub_free(sub);
}

static void on_timer(struct lf_timer *timer, void *arg)
{
	struct lf_agent_sub *sub = arg;

	if (lf_mono_ms() >= sub->ends_ms) {
		end(sub, LF_REASON_TIMEOUT);
		return;
	}
	if (sub->is_owed)
		tell(sub, false);
	lf_agent_sub_set_timer(sub);
}

static void on_moved(struct lf_seat *seat, unsigned moved)
{
	struct lf_agent_sub *sub = sub_of(seat);

	if (!moved)
		end(sub, LF_REASON_NORESOURCE);
	else if ((moved & lf_format_moved((enum lf_format)sub->format)) &&
		 !lf_agent_is_too_soon(sub))
		tell(sub, false);
}

/* ---- what the watcher does ---- */

static void on_refresh(struct lf_sip_notifier *n, struct lf_sip_request *req,
		       uint32_t expires_s, void *arg)
{
	struct lf_agent_sub *sub = arg;

	sub->agent->stats.subscribes++;
	if (sub->is_ended) {
		lf_sip_notifier_answer(n, req, 481,
				       "Subscription does not exist",
				       LF_SIP_ABSENT);
		return;
	}
	if (lf_agent_expires(sub->agent, req, expires_s, &expires_s))
		return;
	sub->ends_ms = lf_mono_ms() + (int64_t)expires_s * 1000;
	lf_sip_notifier_answer(n, req, 200, "OK", expires_s);
	if (!expires_s) {
		end(sub, LF_REASON_TIMEOUT);
		return;
	}
	lf_ledger_touch(sub->agent->ledger, &sub->entry);
	lf_agent_sub_set_timer(sub);
	tell(sub, true);
}

/* RFC 6665, 4.2.2: after these there is no subscription any more. */
static bool is_lost(int status)
{
	switch (status) {
	case 404:
	case 405:
	case 408:
	case 410:
	case 416:
	case 489:
	case 501:
	case 604:
		return true;
	default:
		return status >= 480 && status <= 485;
	}
}

static void on_result(struct lf_sip_notifier *n, int status, void *arg)
{
	struct lf_agent_sub *sub = arg;

	if (!sub->is_ended && is_lost(status)) {
		sub->agent->stats.lost++;
		lf_agent_sub_free(sub);
	} else if (sub->is_ended && !lf_sip_notifier_is_busy(n)) {
		lf_agent_sub_free(sub);
	}
}

const struct lf_sip_notifier_ops lf_agent_sub_ops = {on_refresh, on_result};

/* ---- the beginning ---- */

int lf_agent_sub_new(struct lf_agent_sub **ret, struct lf_agent *agent,
		     const struct lf_package *package, enum lf_format format,
		     const char *watcher)
{
	size_t len = strlen(watcher) + 1;
	struct lf_agent_sub *sub = calloc(1, sizeof(*sub) + len);

	if (!sub)
		return -ENOMEM;
	sub->agent = agent;
	sub->package = package;
	sub->format = (uint8_t)format;
	sub->id = ++agent->next_id;
	sub->begun_ms = lf_mono_ms();
	memcpy(sub->watcher, watcher, len);
	lf_list_init(&sub->node);
	lf_list_init(&sub->seat.node);
	sub->seat.moved = on_moved;
	lf_timer_init(&sub->timer, on_timer, sub);
	lf_list_add_tail(&agent->subs, &sub->node);
	agent->sub_count++;
	*ret = sub;
	return 0;
}

int lf_agent_sub_begin(struct lf_agent_sub *sub, struct lf_sip_request *req,
		       const char *uri, uint32_t expires_s)
{
	int err = lf_seat_take(&sub->seat, &sub->agent->desk, uri);

	if (err)
		return err;
	sub->level = (uint8_t)lf_agent_level(
		sub->agent, sub->seat.presentity->user, sub->watcher);
	sub->ends_ms = sub->begun_ms + (int64_t)expires_s * 1000;
	err = lf_sip_notifier_accept(&sub->notifier, req, 200, expires_s,
				     &lf_agent_sub_ops, sub);
	if (err)
		return err;
	if (!expires_s) {
		end(sub, LF_REASON_TIMEOUT);
		return 0;
	}
	lf_ledger_add(sub->agent->ledger, &sub->entry);
	lf_agent_sub_set_timer(sub);
	tell(sub, true);
	return 0;
}
