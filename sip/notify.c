/*
 * sip/notify.c - we are the notifier: one object a watcher.
 *
 * One NOTIFY is in flight; of those that come meanwhile only the newest waits,
 * because state replaces state. How a NOTIFY travels is a lane's business
 * (lane.h), what its head says is the dialog's (watcher.c).
 *
 * A SUBSCRIBE may arrive twice, and without a transaction of sofia's nobody
 * but us notices: the copy gets the answer of the first again.
 */
#include "sip/notify.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "sip/lane.h"

#include "core/banned.h"

/* ---- sending ---- */

static int make_news(struct lf_sip_news *ret,
		     const struct lf_sip_notify_out *out)
{
	*ret = (struct lf_sip_news){
		.expires_s = out->expires_s,
		.retry_after_s = out->retry_after_s,
		.state = (uint8_t)out->state,
		.reason = (uint8_t)out->reason,
		.without_expires = out->without_expires,
	};
	if (out->shared)
		ret->body = lf_sip_body_ref(out->shared);
	else if (out->content_type)
		return lf_sip_body_new(&ret->body, out->content_type, out->body,
				       out->len);
	return 0;
}

static int try_lane(struct lf_sip_notifier *n, const struct lf_sip_lane *lane,
		    const struct lf_sip_news *news)
{
	int err;

	n->cseq++;
	err = lane->send(n, news);
	if (err) {
		n->cseq--;
		return err;
	}
	n->lane = lane;
	n->sip->stats.notifies_out++;
	n->sip->stats.requests_out++;
	return 0;
}

static int send_now(struct lf_sip_notifier *n, const struct lf_sip_news *news)
{
	static const struct lf_sip_lane *const lanes[LF_LANES] = {
		[LF_LANE_EXPRESS] = &lf_sip_express_lane,
		[LF_LANE_TCP] = &lf_sip_tcp_lane,
		[LF_LANE_NTA] = &lf_sip_nta_lane,
	};
	uint8_t i = n->sip->express ? LF_LANE_EXPRESS : LF_LANE_TCP;
	int err = -ENOTSUP;

	for (; i < LF_LANES && err == -ENOTSUP; i++) {
		err = try_lane(n, lanes[i], news);
		n->was = i;
	}
	return err;
}

void lf_sip_notifier_again(struct lf_sip_notifier *n,
			   const struct lf_sip_news *news)
{
	n->lane = NULL;
	if (send_now(n, news))
		lf_sip_notifier_done(n, 503);
}

static void drop_waiting(struct lf_sip_notifier *n)
{
	if (n->waiting)
		lf_sip_body_unref(n->waiting->body);
	free(n->waiting);
	n->waiting = NULL;
}

static int let_wait(struct lf_sip_notifier *n, const struct lf_sip_news *news)
{
	struct lf_sip_news *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *news;
	if (copy->body)
		lf_sip_body_ref(copy->body);
	drop_waiting(n);
	n->waiting = copy;
	return 0;
}

int lf_sip_notifier_send(struct lf_sip_notifier *n,
			 const struct lf_sip_notify_out *out)
{
	struct lf_sip_news news;
	int err;

	if (n->is_terminated)
		return -EPIPE;
	err = make_news(&news, out);
	if (err)
		return err;
	err = n->lane ? let_wait(n, &news) : send_now(n, &news);
	if (!err)
		n->is_terminated = out->state == LF_SUB_TERMINATED;
	lf_sip_body_unref(news.body);
	return err;
}

bool lf_sip_notifier_is_busy(const struct lf_sip_notifier *n)
{
	return n->lane != NULL;
}

/* ---- the end ---- */

static void notifier_destroy(struct lf_sip_notifier *n)
{
	lf_list_del(&n->node);
	if (n->lane)
		n->lane->forget(n);
	if (lf_map_find(&n->sip->dialogs, n->tag) == n)
		lf_map_del(&n->sip->dialogs, n->tag);
	drop_waiting(n);
	lf_sip_watcher_done(n);
	free(n);
}

/* RFC 6665, 4.2.2: after these nobody is there to be told more. */
static bool is_gone(int status)
{
	return status == 408 || status == 481 || status == 404 ||
	       status == 410 || status == 604;
}

void lf_sip_notifier_done(struct lf_sip_notifier *n, int status)
{
	struct lf_sip_news *next = n->waiting;

	n->lane = NULL;
	n->waiting = NULL;
	if (status == 408)
		n->sip->stats.timeouts++;
	if (next && !is_gone(status) && send_now(n, next))
		status = 503;
	if (next)
		lf_sip_body_unref(next->body);
	free(next);
	if (n->ops)
		n->ops->on_result(n, status, n->arg); /* may free it */
	else if (!n->lane)
		notifier_destroy(n);
}

void lf_sip_notifier_free(struct lf_sip_notifier *n)
{
	if (!n)
		return;
	/* Its farewell still waits for the NOTIFY before it: let both go. */
	if (n->lane && n->waiting && n->is_terminated) {
		n->ops = NULL;
		lf_list_del(&n->node);
		lf_list_add_tail(&n->sip->leaving, &n->node);
		return;
	}
	notifier_destroy(n);
}

void lf_sip_notifiers_free(struct lf_sip *sip)
{
	LF_LIST_FOREACH_SAFE (node, &sip->leaving)
		notifier_destroy(
			LF_CONTAINER_OF(node, struct lf_sip_notifier, node));
}

/* ---- asking ---- */

const char *lf_sip_notifier_event(const struct lf_sip_notifier *n)
{
	return n->event;
}

const char *lf_sip_notifier_target(const struct lf_sip_notifier *n)
{
	return n->head + n->uri.at;
}

const char *lf_sip_notifier_transport(const struct lf_sip_notifier *n)
{
	if (n->was == LF_LANE_NTA)
		return lf_sip_transport_name(
			(enum lf_sip_transport)n->transport);
	return n->was == LF_LANE_TCP ? "tcp" : "express";
}

size_t lf_sip_notifier_room(const struct lf_sip_notifier *n)
{
	if (n->transport != LF_SIP_UDP || n->tcp == LF_TCP_TAKEN)
		return LF_SIP_TCP_ROOM;
	return lf_sip_datagram_room(n);
}

uint32_t lf_sip_notifier_cseq(const struct lf_sip_notifier *n)
{
	return n->cseq;
}

/* ---- SUBSCRIBE ---- */

static void answer(struct lf_sip_notifier *n, struct lf_sip_request *req,
		   int status, const char *phrase, uint32_t expires_s)
{
	char lines[512];
	struct lf_sip_answer out = {status, phrase, n->tag, lines};

	n->is_answered = true;
	n->answer_status = (uint16_t)status;
	n->answer_expires_s = expires_s;
	lf_sip_watcher_answer(n, status < 300, expires_s, lines, sizeof(lines));
	lf_sip_request_answer(req, &out);
}

void lf_sip_notifier_answer(struct lf_sip_notifier *n,
			    struct lf_sip_request *req, int status,
			    const char *phrase, uint32_t expires_s)
{
	answer(n, req, status, phrase, expires_s);
}

struct lf_sip_notifier *lf_sip_notifier_find(const struct lf_sip *sip,
					     const sip_t *request)
{
	struct lf_sip_notifier *n;
	const char *tag = request->sip_to->a_tag;
	char made[LF_TAG_SIZE];

	if (!tag && request->sip_request->rq_method == sip_method_subscribe &&
	    request->sip_from->a_tag) {
		lf_sip_watcher_tag(sip, request, made);
		tag = made;
	}
	n = tag ? lf_map_find(&sip->dialogs, tag) : NULL;
	return n && lf_sip_watcher_is(n, request) ? n : NULL;
}

/* A copy of the last SUBSCRIBE: the same answer, if it has one. */
static void repeat(struct lf_sip_notifier *n, struct lf_sip_request *req)
{
	if (n->is_answered)
		answer(n, req, n->answer_status, NULL, n->answer_expires_s);
	else
		lf_sip_request_drop(req);
}

/* RFC 6665, 8.2.1: the package, and the id if it has one; nothing else. */
static bool is_event(const struct lf_sip_notifier *n, const sip_event_t *event)
{
	size_t len = strcspn(n->event, "; \t");
	const char *id = strcasestr(n->event + len, ";id=");
	const char *asked = event && event->o_id ? event->o_id : "";

	if (!event)
		return true; /* it was forgotten */
	id = id ? id + strlen(";id=") : "";
	return strlen(event->o_type) == len &&
	       !strncasecmp(event->o_type, n->event, len) &&
	       strlen(asked) == strcspn(id, "; \t") &&
	       !strncmp(asked, id, strlen(asked));
}

static bool is_watcher(const struct lf_sip_notifier *n,
		       const struct lf_sip_request *req)
{
	return !n->ops || !n->ops->is_watcher ||
	       n->ops->is_watcher(n, req, n->arg);
}

void lf_sip_notifier_request(struct lf_sip_notifier *n,
			     struct lf_sip_request *req)
{
	const sip_t *request = lf_sip_request_sip(req);
	uint32_t cseq = request->sip_cseq->cs_seq;

	if (request->sip_request->rq_method != sip_method_subscribe) {
		lf_sip_reply(req, SIP_405_METHOD_NOT_ALLOWED, NULL);
	} else if (!is_watcher(n, req)) {
		lf_sip_reply(req, 481, "Subscription does not exist", NULL);
	} else if (!is_event(n, request->sip_event)) {
		lf_sip_reply(req, 481, "Subscription does not exist", NULL);
	} else if (cseq == n->refresh_cseq &&
		   (n->is_answered || !request->sip_to->a_tag)) {
		repeat(n, req);
	} else if (!request->sip_to->a_tag || !n->ops) {
		lf_sip_reply(req, 481, "Subscription does not exist", NULL);
	} else if (cseq < n->refresh_cseq) {
		/* RFC 3261, 12.2.2 */
		lf_sip_reply(req, SIP_500_INTERNAL_SERVER_ERROR, NULL);
	} else if (lf_sip_watcher_refresh(n, req)) {
		lf_sip_reply(req, SIP_400_BAD_REQUEST, NULL);
	} else {
		n->refresh_cseq = cseq;
		n->is_answered = false;
		n->ops->on_refresh(
			n, req,
			request->sip_expires
				? LF_SIP_SECONDS(request->sip_expires->ex_delta)
				: LF_SIP_ABSENT,
			n->arg);
	}
}

static struct lf_sip_notifier *
allocate(struct lf_sip *sip, const struct lf_sip_notifier_ops *ops, void *arg)
{
	struct lf_sip_notifier *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	lf_list_init(&n->node);
	n->sip = sip;
	n->ops = ops;
	n->arg = arg;
	n->was = LF_LANE_NTA;
	return n;
}

int lf_sip_notifier_accept(struct lf_sip_notifier **ret,
			   struct lf_sip_request *req, int status,
			   uint32_t expires_s,
			   const struct lf_sip_notifier_ops *ops, void *arg)
{
	struct lf_sip *sip = lf_sip_request_endpoint(req);
	struct lf_sip_notifier *n;
	int err;

	if (!sip)
		return -EPIPE;
	n = allocate(sip, ops, arg);
	if (!n)
		return -ENOMEM;
	err = lf_sip_watcher_begin(n, req);
	if (!err)
		err = lf_map_add(&sip->dialogs, n->tag, n);
	if (err) {
		notifier_destroy(n);
		return err;
	}
	lf_list_add_tail(&sip->notifiers, &n->node);
	answer(n, req, status, NULL, expires_s);
	*ret = n;
	return 0;
}

int lf_sip_notifier_restore(struct lf_sip_notifier **ret, struct lf_sip *sip,
			    const char *saved, size_t len,
			    const struct lf_sip_notifier_ops *ops, void *arg)
{
	struct lf_sip_notifier *n = allocate(sip, ops, arg);
	int err;

	if (!n)
		return -ENOMEM;
	err = lf_sip_watcher_restore(n, saved, len);
	if (!err)
		err = lf_map_add(&sip->dialogs, n->tag, n);
	if (err) {
		notifier_destroy(n);
		return err;
	}
	lf_list_add_tail(&sip->notifiers, &n->node);
	*ret = n;
	return 0;
}
