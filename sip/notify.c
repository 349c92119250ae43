/*
 * sip/notify.c - we are the notifier: one object a watcher.
 *
 * One NOTIFY is in flight; of those that come meanwhile only the newest waits,
 * because state replaces state. How a NOTIFY travels is a lane's business
 * (lane.h).
 */
#include "sip/notify.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "core/text.h"
#include "sip/lane.h"

#include "core/banned.h"

#define EVENT_MAX 128

/* ---- sending ---- */

static const char *reason_word(enum lf_sip_reason reason)
{
	static const char *const words[] = {
		[LF_REASON_NONE] = NULL,
		[LF_REASON_DEACTIVATED] = "deactivated",
		[LF_REASON_PROBATION] = "probation",
		[LF_REASON_REJECTED] = "rejected",
		[LF_REASON_TIMEOUT] = "timeout",
		[LF_REASON_GIVEUP] = "giveup",
		[LF_REASON_NORESOURCE] = "noresource",
		[LF_REASON_INVARIANT] = "invariant",
	};

	return words[reason];
}

void lf_sip_notify_state(char *out, size_t size,
			 const struct lf_sip_notify_out *what)
{
	static const char *const words[] = {"active", "pending", "terminated"};
	bool is_end = what->state == LF_SUB_TERMINATED;
	const char *reason = is_end ? reason_word(what->reason) : NULL;
	int n = snprintf(out, size, "%s", words[what->state]);

	if (reason)
		n += snprintf(out + n, size - (size_t)n, ";reason=%s", reason);
	if (!is_end && what->expires_s != LF_SIP_ABSENT &&
	    !what->without_expires)
		n += snprintf(out + n, size - (size_t)n, ";expires=%u",
			      what->expires_s);
	if (is_end && what->retry_after_s != LF_SIP_ABSENT)
		snprintf(out + n, size - (size_t)n, ";retry-after=%u",
			 what->retry_after_s);
}

static struct lf_sip_notify_text *copy_text(const struct lf_sip_notify_out *out)
{
	size_t type_len = out->content_type ? strlen(out->content_type) : 0;
	struct lf_sip_notify_text *text;

	text = malloc(sizeof(*text) + type_len + 1 + out->len + 1);
	if (!text)
		return NULL;
	text->out = *out;
	text->bytes[type_len] = '\0';
	text->bytes[type_len + 1 + out->len] = '\0';
	if (out->content_type) {
		memcpy(text->bytes, out->content_type, type_len);
		text->out.content_type = text->bytes;
	}
	if (out->len)
		memcpy(text->bytes + type_len + 1, out->body, out->len);
	text->out.body = text->bytes + type_len + 1;
	return text;
}

static int try_lane(struct lf_sip_notifier *n, const struct lf_sip_lane *lane,
		    const struct lf_sip_notify_text *text)
{
	int err = lane ? lane->send(n, text) : -ENOTSUP;

	if (err)
		return err;
	n->lane = lane;
	n->sip->stats.notifies_out++;
	n->sip->stats.requests_out++;
	return 0;
}

static int send_now(struct lf_sip_notifier *n,
		    const struct lf_sip_notify_text *text)
{
	int err = try_lane(n, n->sip->express, text);

	return err == -ENOTSUP ? try_lane(n, &lf_sip_nta_lane, text) : err;
}

int lf_sip_notifier_send(struct lf_sip_notifier *n,
			 const struct lf_sip_notify_out *out)
{
	/* Not copied when it leaves at once: lanes keep no pointer to it. */
	const struct lf_sip_notify_text direct = {.out = *out};
	struct lf_sip_notify_text *text;
	int err;

	if (n->is_terminated)
		return -EPIPE;
	if (!n->lane) {
		err = send_now(n, &direct);
		if (!err)
			n->is_terminated = out->state == LF_SUB_TERMINATED;
		return err;
	}
	text = copy_text(out);
	if (!text)
		return -ENOMEM;
	free(n->waiting);
	n->waiting = text;
	n->is_terminated = out->state == LF_SUB_TERMINATED;
	return 0;
}

/* ---- the end ---- */

static void notifier_destroy(struct lf_sip_notifier *n)
{
	lf_list_del(&n->node);
	if (n->lane)
		n->lane->forget(n);
	if (n->leg)
		nta_leg_destroy(n->leg);
	free(n->waiting);
	free(n->source);
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
	struct lf_sip_notify_text *next = n->waiting;

	n->lane = NULL;
	n->waiting = NULL;
	if (status == 408)
		n->sip->stats.timeouts++;
	if (next && !is_gone(status) && send_now(n, next))
		status = 503;
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

const char *lf_sip_notifier_event(const struct lf_sip_notifier *n)
{
	return n->event;
}

/* ---- SUBSCRIBE ---- */

static void answer(struct lf_sip_notifier *n, struct lf_sip_request *req,
		   int status, const char *phrase, uint32_t expires_s)
{
	nta_incoming_t *irq = lf_sip_request_irq(req);
	char expires[16];

	snprintf(expires, sizeof(expires), "%u", expires_s);
	if (irq) {
		nta_incoming_treply(
			irq, status, phrase,
			SIPTAG_SERVER_STR(n->sip->user_agent),
			TAG_IF(status < 300, SIPTAG_CONTACT_STR(n->texts)),
			TAG_IF(expires_s != LF_SIP_ABSENT,
			       SIPTAG_EXPIRES_STR(expires)),
			TAG_END());
		lf_sip_trace_response_out(n->sip, irq);
	}
	lf_sip_request_free(req);
}

void lf_sip_notifier_answer(struct lf_sip_notifier *n,
			    struct lf_sip_request *req, int status,
			    const char *phrase, uint32_t expires_s)
{
	answer(n, req, status, phrase, expires_s);
}

static void refresh_target(struct lf_sip_notifier *n, const sip_t *request)
{
	const sip_contact_t *target = NULL, *contact = request->sip_contact;

	nta_leg_get_route(n->leg, NULL, &target);
	if (contact && (!target || url_cmp(target->m_url, contact->m_url)))
		nta_leg_server_route(n->leg, request->sip_record_route,
				     contact);
}

/* A request in the watcher's dialog. */
static int on_leg_request(void *magic, nta_leg_t *leg, nta_incoming_t *irq,
			  const sip_t *request)
{
	struct lf_sip_notifier *n = magic;
	struct lf_sip_request *req;

	if (!n->ops || n->sip->loop.is_closing)
		return 481;
	lf_sip_trace_request_in(n->sip, irq);
	n->sip->stats.requests_in++;
	if (request->sip_request->rq_method != sip_method_subscribe)
		return 405;
	if (request->sip_cseq->cs_seq <= n->refresh_cseq)
		return 500; /* RFC 3261, 12.2.2 */
	if (lf_sip_request_new(&req, n->sip, irq, NULL))
		return 500;
	n->refresh_cseq = request->sip_cseq->cs_seq;
	refresh_target(n, request);
	n->ops->on_refresh(
		n, req,
		request->sip_expires
			? LF_SIP_SECONDS(request->sip_expires->ex_delta)
			: LF_SIP_ABSENT,
		n->arg);
	return 0;
}

static int begin_dialog(struct lf_sip_notifier *n, nta_incoming_t *irq,
			const sip_t *request)
{
	n->leg = nta_leg_tcreate(
		n->sip->agent, on_leg_request, n,
		SIPTAG_CALL_ID(request->sip_call_id),
		SIPTAG_FROM(request->sip_to), SIPTAG_TO(request->sip_from),
		NTATAG_REMOTE_CSEQ(request->sip_cseq->cs_seq), TAG_END());
	if (!n->leg)
		return -ENOMEM;
	if (!nta_leg_tag(n->leg, nta_incoming_tag(irq, NULL)))
		return -ENOMEM;
	nta_leg_server_route(n->leg, request->sip_record_route,
			     request->sip_contact);
	n->refresh_cseq = request->sip_cseq->cs_seq;
	return 0;
}

/* Contact and event in one piece behind the notifier. */
static struct lf_sip_notifier *allocate(const char *contact, const char *event)
{
	size_t contact_size = strlen(contact) + 1;
	size_t event_size = strlen(event) + 1;
	struct lf_sip_notifier *n;

	n = calloc(1, sizeof(*n) + contact_size + event_size);
	if (!n)
		return NULL;
	lf_list_init(&n->node);
	memcpy(n->texts, contact, contact_size);
	memcpy(n->texts + contact_size, event, event_size);
	n->event = n->texts + contact_size;
	return n;
}

int lf_sip_notifier_accept(struct lf_sip_notifier **ret,
			   struct lf_sip_request *req, int status,
			   uint32_t expires_s,
			   const struct lf_sip_notifier_ops *ops, void *arg)
{
	const struct lf_sip_source *source = lf_sip_request_source(req);
	const char *event = lf_sip_request_header(req, "Event");
	const sip_t *request = lf_sip_request_sip(req);
	struct lf_sip *sip = lf_sip_request_endpoint(req);
	struct sockaddr_storage peer;
	struct lf_sip_notifier *n;
	char contact[256];
	int err;

	if (!sip)
		return -EPIPE;
	if (!event || strlen(event) > EVENT_MAX || !request->sip_contact ||
	    lf_net_parse(&peer, source->address, source->port))
		return -EPROTO;
	lf_sip_contact(sip, contact, sizeof(contact), "", source->transport,
		       (const struct sockaddr *)&peer);
	n = allocate(contact, event);
	if (!n)
		return -ENOMEM;
	n->sip = sip;
	n->ops = ops;
	n->arg = arg;
	n->transport = source->transport;
	n->source = malloc(lf_net_size((const struct sockaddr *)&peer));
	err = -ENOMEM;
	if (!n->source)
		goto fail;
	memcpy(n->source, &peer, lf_net_size((const struct sockaddr *)&peer));
	err = begin_dialog(n, lf_sip_request_irq(req), request);
	if (err)
		goto fail;
	lf_list_add_tail(&sip->notifiers, &n->node);
	answer(n, req, status, NULL, expires_s);
	*ret = n;
	return 0;
fail:
	notifier_destroy(n);
	return err;
}
