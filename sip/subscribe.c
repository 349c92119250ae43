/*
 * sip/subscribe.c - we are the subscriber: one object, one dialog, at most one
 * SUBSCRIBE outstanding.
 *
 * A dialog is a leg of sofia's (it knows tags, route set and CSeq). The first
 * of 200 and NOTIFY names the peer's tag; NOTIFYs of other forks then match no
 * leg and get 481 in sip.c. What is freed while the peer still keeps a
 * subscription becomes "leaving": nobody's, ended through the trunk's pacing.
 */
#include "sip/subscribe.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "core/text.h"
#include "sip/dialog.h"
#include "sip/peer.h"

#include "core/banned.h"

#define MAX_EXPIRES UINT32_C(0x7fffffff)

struct lf_sip_sub {
	struct lf_list node; /* leaving, in its trunk */
	struct lf_sip_trunk *trunk;
	const struct lf_sip_sub_ops *ops; /* NULL: leaving */
	void *arg;
	nta_leg_t *leg;
	struct lf_sip_ask *ask;     /* the answer that is outstanding */
	const char *event, *accept; /* the trunk's */
	uint32_t asked_s;           /* Expires of the last SUBSCRIBE */
	uint32_t notify_cseq;
	char call_id[LF_CALL_ID_SIZE]; /* "" before the first dialog */
	bool is_list : 1;
	bool has_dialog : 1; /* the peer keeps a subscription for us */
	bool has_notify : 1; /* notify_cseq is set */
	bool was_swept : 1;  /* leaving, and seen by one sweep */
	char uri[];
};

static const struct lf_sip_ask_ops subscribe_ops;
static int on_leg_request(void *magic, nta_leg_t *leg, nta_incoming_t *irq,
			  const sip_t *request);

/* ---- the dialog ---- */

static int begin_dialog(struct lf_sip_sub *sub)
{
	char to[LF_SIP_URI_MAX + 2];

	if (sub->leg)
		return 0;
	snprintf(to, sizeof(to), "<%s>", sub->uri);
	lf_sip_call_id_new(sub->call_id);
	sub->leg = nta_leg_tcreate(sub->trunk->sip->agent, on_leg_request, sub,
				   SIPTAG_CALL_ID_STR(sub->call_id),
				   SIPTAG_FROM_STR(sub->trunk->from),
				   SIPTAG_TO_STR(to), TAG_END());
	if (!sub->leg)
		return -ENOMEM;
	if (!nta_leg_tag(sub->leg, NULL)) {
		nta_leg_destroy(sub->leg);
		sub->leg = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void end_dialog(struct lf_sip_sub *sub)
{
	if (sub->leg)
		nta_leg_destroy(sub->leg);
	sub->leg = NULL;
	sub->has_dialog = sub->has_notify = false;
}

/* RFC 6665, 4.1.2.2: answers to a refresh after which nothing is left. */
static bool is_end(int status)
{
	static const short ends[] = {404, 405, 410, 416, 480, 481, 482,
				     483, 484, 485, 489, 501, 604};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (status == ends[i])
			return true;
	return false;
}

/* ---- SUBSCRIBE and its answer ---- */

static nta_leg_t *ask_leg(void *arg)
{
	struct lf_sip_sub *sub = arg;

	return sub->leg;
}

static const char *ask_uri(void *arg)
{
	struct lf_sip_sub *sub = arg;
	const sip_contact_t *target = NULL;

	nta_leg_get_route(sub->leg, NULL, &target);
	return target ? NULL : sub->uri;
}

static int ask_build(void *arg, msg_t *msg, sip_t *sip)
{
	struct lf_sip_sub *sub = arg;
	char expires[16];

	snprintf(expires, sizeof(expires), "%u", sub->asked_s);
	if (sip_add_tl(msg, sip, SIPTAG_CONTACT_STR(sub->trunk->contact),
		       SIPTAG_EVENT_STR(sub->event),
		       SIPTAG_EXPIRES_STR(expires),
		       TAG_IF(*sub->accept, SIPTAG_ACCEPT_STR(sub->accept)),
		       TAG_IF(sub->is_list, SIPTAG_SUPPORTED_STR("eventlist")),
		       TAG_END()) < 0)
		return -ENOMEM;
	return 0;
}

static void accept_dialog(struct lf_sip_sub *sub, const sip_t *answer)
{
	/* After a NOTIFY of another fork its dialog is the one we keep. */
	if (!nta_leg_get_rtag(sub->leg))
		nta_leg_rtag(sub->leg, answer->sip_to->a_tag);
	else if (!answer->sip_to->a_tag ||
		 strcmp(nta_leg_get_rtag(sub->leg), answer->sip_to->a_tag))
		return;
	nta_leg_client_route(sub->leg, answer->sip_record_route,
			     answer->sip_contact);
}

static void note_answer(struct lf_sip_sub *sub, int status, const sip_t *answer)
{
	if (status < 300 && answer && sub->leg) {
		accept_dialog(sub, answer);
		sub->has_dialog = sub->asked_s > 0;
	} else if (is_end(status) || (status >= 300 && !sub->has_dialog)) {
		end_dialog(sub);
	}
}

static void fill_response(struct lf_sip_response *out, int status,
			  const sip_t *answer)
{
	out->status = status;
	out->expires_s = out->min_expires_s = out->retry_after_s =
		LF_SIP_ABSENT;
	if (!answer) {
		out->phrase =
			status == 408 ? "no answer" : "the transport failed";
		return;
	}
	out->phrase = answer->sip_status->st_phrase;
	if (answer->sip_expires)
		out->expires_s = LF_SIP_SECONDS(answer->sip_expires->ex_delta);
	if (answer->sip_min_expires)
		out->min_expires_s =
			LF_SIP_SECONDS(answer->sip_min_expires->me_delta);
	if (answer->sip_retry_after)
		out->retry_after_s =
			LF_SIP_SECONDS(answer->sip_retry_after->af_delta);
}

static void sub_destroy(struct lf_sip_sub *sub)
{
	lf_list_del(&sub->node);
	lf_sip_ask_forget(sub->ask);
	if (sub->leg)
		nta_leg_destroy(sub->leg);
	free(sub);
}

static int ask_now(struct lf_sip_sub *sub, uint32_t expires_s)
{
	sub->asked_s = expires_s;
	return lf_sip_ask(&sub->ask, sub->trunk, &subscribe_ops, sub);
}

/* Its SUBSCRIBE is answered; end what it began, or wait for the last NOTIFY. */
static void leaving_answered(struct lf_sip_sub *sub)
{
	if (!sub->leg || (sub->has_dialog && ask_now(sub, 0)))
		sub_destroy(sub);
}

static void ask_done(void *arg, int status, const sip_t *answer)
{
	struct lf_sip_sub *sub = arg;
	struct lf_sip_response response;

	sub->ask = NULL;
	if (!sub->ops && sub->asked_s == 0 && status >= 300) {
		sub_destroy(sub); /* nothing else to try */
		return;
	}
	note_answer(sub, status, answer);
	if (!sub->ops) {
		leaving_answered(sub);
		return;
	}
	fill_response(&response, status, answer);
	sub->ops->on_response(sub, &response, sub->arg);
}

static const struct lf_sip_ask_ops subscribe_ops = {
	.method = sip_method_subscribe,
	.method_name = "SUBSCRIBE",
	.leg = ask_leg,
	.uri = ask_uri,
	.build = ask_build,
	.done = ask_done,
};

/* ---- NOTIFY ---- */

/* 0, or the status to refuse it with. */
static int check_notify(const struct lf_sip_sub *sub, const sip_t *request)
{
	const sip_event_t *event = request->sip_event;

	if (request->sip_request->rq_method != sip_method_notify)
		return 405;
	if (event && event->o_type && !lf_text_equal(event->o_type, sub->event))
		return 489;
	/* RFC 3261, 12.2.2. A retransmission never gets here. */
	if (sub->has_notify && request->sip_cseq->cs_seq <= sub->notify_cseq)
		return 500;
	return lf_sip_is_too_large(sub->trunk->sip, request) ? 413 : 0;
}

/* Before the 200 this is what makes the dialog; later it may move the peer. */
static void note_notify(struct lf_sip_sub *sub, const sip_t *request)
{
	const sip_contact_t *target = NULL, *contact = request->sip_contact;

	sub->has_notify = true;
	sub->notify_cseq = request->sip_cseq->cs_seq;
	if (!nta_leg_get_rtag(sub->leg) && request->sip_from->a_tag)
		nta_leg_rtag(sub->leg, request->sip_from->a_tag);
	nta_leg_get_route(sub->leg, NULL, &target);
	if (!target || (contact && url_cmp(target->m_url, contact->m_url)))
		nta_leg_server_route(sub->leg, request->sip_record_route,
				     contact);
}

static void deliver(struct lf_sip_sub *sub, const sip_t *request)
{
	char type[LF_SIP_TYPE_MAX];
	struct lf_sip_notify notify;

	lf_sip_notify_read(&notify, request, type);
	if (notify.state == LF_SUB_TERMINATED)
		end_dialog(sub); /* first: the callback may ask again */
	else if (sub->asked_s > 0)
		sub->has_dialog = true;
	if (sub->ops)
		sub->ops->on_notify(sub, &notify, sub->arg);
	else if (!sub->leg && !sub->ask)
		sub_destroy(sub);
}

static void log_refused(const struct lf_sip_sub *sub, int status,
			const sip_t *request)
{
	const struct lf_sip_trunk *trunk = sub->trunk;
	char uri[LF_LOG_MASK_SIZE];

	if (lf_log_allow(&trunk->sip->log_limit, LF_SIP_LOG_BURST))
		lf_log(LF_NOTICE, "sip",
		       "trunk %s (%s): %s about %s refused with %d",
		       trunk->name, trunk->route,
		       request->sip_request->rq_method_name,
		       lf_log_mask(uri, LF_LOG_NUMBER, sub->uri), status);
}

static int on_leg_request(void *magic, nta_leg_t *leg, nta_incoming_t *irq,
			  const sip_t *request)
{
	struct lf_sip_sub *sub = magic;
	struct lf_sip *sip = sub->trunk->sip;
	int status;

	if (sip->loop.is_closing)
		return 480;
	lf_sip_trace_request_in(sip, irq);
	lf_sip_trunk_heard(sub->trunk);
	sip->stats.requests_in++;
	status = check_notify(sub, request);
	nta_incoming_treply(irq, status ? status : 200, NULL, TAG_END());
	lf_sip_trace_response_out(sip, irq);
	if (status) {
		log_refused(sub, status, request);
		return status;
	}
	sip->stats.notifies_in++;
	note_notify(sub, request);
	deliver(sub, request);
	return 200;
}

/* ---- what the header promises ---- */

static bool is_sip_uri(const char *uri)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	url_t *url = NULL;
	bool ok;

	if (strlen(uri) < LF_SIP_URI_MAX - 2 && !strpbrk(uri, "<> \t\r\n\""))
		url = url_make(home, uri);
	ok = url && (url->url_type == url_sip || url->url_type == url_sips) &&
	     url->url_host && *url->url_host;
	su_home_deinit(home);
	return ok;
}

static int restore(struct lf_sip_sub *sub, const char *saved)
{
	char to[LF_SIP_URI_MAX + 2];
	const struct lf_sip_dialog_opts opts = {
		.agent = sub->trunk->sip->agent,
		.from = sub->trunk->from,
		.to = to,
		.fn = on_leg_request,
		.arg = sub,
	};
	int err;

	snprintf(to, sizeof(to), "<%s>", sub->uri);
	err = lf_sip_dialog_restore(&sub->leg, saved, &opts, sub->call_id,
				    &sub->notify_cseq);
	if (err)
		return err;
	sub->has_dialog = true;
	sub->has_notify = sub->notify_cseq > 0;
	return 0;
}

int lf_sip_sub_new(struct lf_sip_sub **ret, struct lf_sip_trunk *trunk,
		   const struct lf_sip_sub_opts *opts,
		   const struct lf_sip_sub_ops *ops, void *arg)
{
	struct lf_sip_sub *sub;
	size_t len;
	int err;

	if (!is_sip_uri(opts->uri))
		return -EINVAL;
	len = strlen(opts->uri);
	sub = calloc(1, sizeof(*sub) + len + 1);
	if (!sub)
		return -ENOMEM;
	lf_list_init(&sub->node);
	memcpy(sub->uri, opts->uri, len + 1);
	sub->trunk = trunk;
	sub->ops = ops;
	sub->arg = arg;
	sub->is_list = opts->is_list;

	err = -ENOMEM;
	sub->event = lf_sip_peer_word(trunk, opts->event);
	sub->accept = lf_sip_peer_word(trunk, opts->accept ? opts->accept : "");
	if (!sub->event || !sub->accept)
		goto fail;
	err = opts->saved ? restore(sub, opts->saved) : 0;
	if (err)
		goto fail;
	trunk->sub_count++;
	*ret = sub;
	return 0;
fail:
	sub_destroy(sub);
	return err;
}

int lf_sip_subscribe(struct lf_sip_sub *sub, uint32_t expires_s)
{
	int err;

	if (sub->ask)
		return -EALREADY;
	if (!sub->has_dialog)
		end_dialog(sub); /* a new question, a new Call-ID */
	err = begin_dialog(sub);
	if (err)
		return err;
	return ask_now(sub, LF_MIN(expires_s, MAX_EXPIRES));
}

bool lf_sip_sub_has_dialog(const struct lf_sip_sub *sub)
{
	return sub->has_dialog;
}

bool lf_sip_sub_is_waiting(const struct lf_sip_sub *sub)
{
	return sub->ask != NULL;
}

void lf_sip_sub_reset(struct lf_sip_sub *sub)
{
	lf_sip_ask_forget(sub->ask);
	sub->ask = NULL;
	end_dialog(sub);
}

int lf_sip_sub_save(const struct lf_sip_sub *sub, uint32_t cseq_ahead,
		    struct lf_buf *out)
{
	if (!sub->has_dialog)
		return -ENOENT;
	return lf_sip_dialog_save(sub->leg, sub->call_id, cseq_ahead,
				  sub->has_notify ? sub->notify_cseq : 0, out);
}

uint32_t lf_sip_sub_cseq(const struct lf_sip_sub *sub)
{
	return nta_leg_get_seq(sub->leg);
}

const char *lf_sip_sub_call_id(const struct lf_sip_sub *sub)
{
	return sub->call_id;
}

void lf_sip_sub_leave(struct lf_sip_sub *sub)
{
	if (!sub)
		return;
	sub->trunk->sub_count--;
	sub_destroy(sub);
}

void lf_sip_sub_free(struct lf_sip_sub *sub)
{
	bool is_asking;

	if (!sub)
		return;
	is_asking = sub->ask && lf_sip_ask_is_sent(sub->ask);
	if (sub->ask && !is_asking) {
		lf_sip_ask_forget(sub->ask);
		sub->ask = NULL;
	}
	if (!is_asking && !sub->has_dialog) {
		lf_sip_sub_leave(sub);
		return;
	}
	sub->trunk->sub_count--;
	sub->ops = NULL;
	lf_list_add_tail(&sub->trunk->leaving, &sub->node);
	if (!is_asking && ask_now(sub, 0))
		sub_destroy(sub);
}

/* ---- leaving ---- */

static struct lf_sip_sub *leaving_of(struct lf_list *node)
{
	return LF_CONTAINER_OF(node, struct lf_sip_sub, node);
}

/* Called at each probe: who was answered two probes ago is done. */
void lf_sip_leaving_sweep(struct lf_sip_trunk *trunk)
{
	LF_LIST_FOREACH_SAFE (node, &trunk->leaving) {
		struct lf_sip_sub *sub = leaving_of(node);

		if (sub->ask)
			continue;
		if (sub->was_swept)
			sub_destroy(sub);
		else
			sub->was_swept = true;
	}
}

void lf_sip_leaving_free(struct lf_sip_trunk *trunk)
{
	LF_LIST_FOREACH_SAFE (node, &trunk->leaving)
		sub_destroy(leaving_of(node));
}
