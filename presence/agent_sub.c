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
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "presence/agent_list.h"
#include "sip/notify.h"
#include "sip/sip.h"

#include "core/banned.h"

static struct lf_agent_sub *sub_of(struct lf_seat *seat)
{
	return LF_CONTAINER_OF(seat, struct lf_agent_sub, seat);
}

/* ---- the end ---- */

/* Nobody is looked at any more. */
static void leave(struct lf_agent_sub *sub)
{
	struct lf_agent *agent = sub->agent;

	lf_list_del(&sub->node); /* it is no watcher in winfo */
	if (agent->ledger) {
		lf_ledger_remove(agent->ledger, &sub->entry);
		lf_agent_winfo_moved(agent, sub);
	}
	agent->winfo_count -= sub->package->is_winfo;
	if (sub->list)
		agent->list_count--;
	lf_agent_list_free(sub->list);
	sub->list = NULL;
	lf_seat_leave(&sub->seat);
}

void lf_agent_sub_free(struct lf_agent_sub *sub)
{
	if (!sub)
		return;
	if (!sub->is_ended)
		leave(sub);
	lf_timer_stop(sub->agent->parts.timers, &sub->timer);
	lf_list_del(&sub->node);
	if (sub->is_ended)
		sub->agent->stats.ending--;
	else
		sub->agent->sub_count--;
	lf_sip_notifier_free(sub->notifier);
	lf_sip_body_unref(sub->told);
	free(sub);
}

void lf_agent_sub_end(struct lf_agent_sub *sub, enum lf_sip_reason reason)
{
	struct lf_agent *agent = sub->agent;
	int err;

	sub->ends_ms = 0;
	lf_timer_stop(agent->parts.timers, &sub->timer);
	err = lf_agent_sub_farewell(sub, reason);
	leave(sub);
	sub->is_ended = true;
	agent->sub_count--;
	agent->stats.ending++;
	lf_list_add_tail(&agent->ending, &sub->node);
	if (err)
		lf_agent_sub_free(sub);
}

/* ---- what moves it ---- */

static void on_timer(struct lf_timer *timer, void *arg)
{
	struct lf_agent_sub *sub = arg;

	if (lf_mono_ms() >= sub->ends_ms) {
		lf_agent_sub_end(sub, LF_REASON_TIMEOUT);
		return;
	}
	if (sub->is_owed)
		lf_agent_sub_update(sub);
	lf_agent_sub_set_timer(sub);
}

static void on_moved(struct lf_seat *seat, unsigned moved)
{
	struct lf_agent_sub *sub = sub_of(seat);

	if (sub->package->is_winfo && moved)
		return;
	if (!moved)
		lf_agent_sub_end(sub, LF_REASON_NORESOURCE);
	else if ((moved & lf_format_moved((enum lf_format)sub->format)) &&
		 !lf_agent_is_too_soon(sub))
		lf_agent_sub_update(sub);
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
	if (lf_agent_refuse_require(sub->agent, req) ||
	    lf_agent_expires(sub->agent, req, expires_s, &expires_s))
		return;
	sub->ends_ms = lf_mono_ms() + (int64_t)expires_s * 1000;
	lf_sip_notifier_answer(n, req, 200, "OK", expires_s);
	if (!expires_s) {
		lf_agent_sub_end(sub, LF_REASON_TIMEOUT);
		return;
	}
	lf_ledger_touch(sub->agent->ledger, &sub->entry);
	lf_agent_sub_set_timer(sub);
	lf_agent_sub_tell(sub);
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

	if (sub->is_ended) {
		if (!lf_sip_notifier_is_busy(n))
			lf_agent_sub_free(sub);
	} else if (is_lost(status)) {
		sub->agent->stats.lost++;
		lf_agent_sub_free(sub);
	} else {
		lf_agent_sub_answered(sub, status);
	}
}

/* A trusted peer may speak for its phones; a user only for himself. */
static bool is_watcher(const struct lf_sip_notifier *n,
		       const struct lf_sip_request *req, void *arg)
{
	const char *user = lf_sip_request_user(req);

	return !user || !strcmp(user, lf_agent_sub_name(arg));
}

const struct lf_sip_notifier_ops lf_agent_sub_ops = {
	.on_refresh = on_refresh,
	.on_result = on_result,
	.is_watcher = is_watcher,
};
const struct lf_sip_notifier_ops lf_agent_list_ops = {
	.on_refresh = on_refresh,
	.on_result = on_result,
	.require = "eventlist",
	.is_watcher = is_watcher,
};

/* ---- the beginning ---- */

int lf_agent_sub_new(struct lf_agent_sub **ret, struct lf_agent *agent,
		     const struct lf_package *package, enum lf_format format,
		     const struct lf_agent_asker *asker)
{
	size_t len = strlen(asker->uri) + 1, name_len = strlen(asker->name) + 1;
	struct lf_agent_sub *sub = calloc(1, sizeof(*sub) + len + name_len);

	if (!sub)
		return -ENOMEM;
	sub->agent = agent;
	sub->package = package;
	sub->format = (uint8_t)format;
	sub->id = ++agent->next_id;
	sub->begun_ms = lf_mono_ms();
	memcpy(sub->watcher, asker->uri, len);
	memcpy(sub->watcher + len, asker->name, name_len);
	lf_list_init(&sub->node);
	lf_list_init(&sub->seat.node);
	sub->seat.moved = on_moved;
	lf_timer_init(&sub->timer, on_timer, sub);
	lf_list_add_tail(&agent->subs, &sub->node);
	agent->sub_count++;
	agent->winfo_count += package->is_winfo;
	*ret = sub;
	return 0;
}

int lf_agent_sub_sit(struct lf_agent_sub *sub, const char *uri,
		     const struct lf_members *members)
{
	struct lf_agent *agent = sub->agent;
	int err;

	if (members)
		err = lf_agent_list_new(&sub->list, sub, uri, members);
	else
		err = lf_seat_take(&sub->seat, &agent->desk, uri);
	if (err)
		return err;
	agent->list_count += sub->list != NULL;
	lf_agent_sub_level(sub);
	return 0;
}

void lf_agent_sub_level(struct lf_agent_sub *sub)
{
	if (sub->list)
		lf_agent_list_levels(sub->list);
	else
		sub->level = (uint8_t)lf_agent_level(
			sub, sub->seat.presentity->user);
}

int lf_agent_sub_begin(struct lf_agent_sub *sub, struct lf_sip_request *req,
		       uint32_t expires_s)
{
	int err;

	sub->ends_ms = sub->begun_ms + (int64_t)expires_s * 1000;
	err = lf_sip_notifier_accept(
		&sub->notifier, req, 200, expires_s,
		sub->list ? &lf_agent_list_ops : &lf_agent_sub_ops, sub);
	if (err)
		return err;
	if (!expires_s) {
		lf_agent_sub_end(sub, LF_REASON_TIMEOUT);
		return 0;
	}
	lf_ledger_add(sub->agent->ledger, &sub->entry);
	lf_agent_sub_set_timer(sub);
	lf_agent_sub_tell(sub);
	lf_agent_winfo_moved(sub->agent, sub);
	return 0;
}

/* ---- looking in ---- */

const char *lf_agent_sub_name(const struct lf_agent_sub *sub)
{
	return sub->watcher + strlen(sub->watcher) + 1;
}

bool lf_agent_sub_shows(const struct lf_agent_sub *sub,
			const struct lf_user *user)
{
	if (sub->list)
		return lf_agent_list_has(sub->list, user);
	return sub->seat.presentity && sub->seat.presentity->user == user;
}

const char *lf_agent_sub_uri(const struct lf_agent_sub *sub)
{
	return sub->list ? lf_agent_list_uri(sub->list)
			 : sub->seat.presentity->uri;
}
