/*
 * sip/notified.c - what arrives in a dialog that a SUBSCRIBE of ours began.
 *
 * The first of 200 and NOTIFY names the peer's tag; NOTIFYs of other forks
 * then belong to nobody and get 481 in inbound.c.
 *
 * A NOTIFY is answered without a transaction of sofia's, which would keep 9 KB
 * of it for half a minute. So a copy of one comes here again: who said 200 to
 * it says that again, and tells nobody.
 */
#include "sip/sub.h"

#include <string.h>

#include "core/hash.h"
#include "core/text.h"

#include "core/banned.h"

/* ---- copies ---- */

/* RFC 3261, 17.2.3: the branch makes it the same; never 0, a free place. */
static uint32_t hash_of(const struct lf_sip *sip, const sip_t *request)
{
	const sip_via_t *via = request->sip_via;
	const char *branch = via && via->v_branch ? via->v_branch : "";
	uint64_t key[2] = {sip->tag_key[0],
			   sip->tag_key[1] ^ request->sip_cseq->cs_seq};

	return (uint32_t)lf_hash(key, branch, strlen(branch)) | 1;
}

static bool was_heard(const struct lf_sip_sub *sub, uint32_t hash)
{
	for (size_t i = 0; i < LF_SUB_HEARD; i++)
		if (sub->heard[i] == hash)
			return true;
	return false;
}

/* ---- NOTIFY ---- */

/* 0, or the status to refuse it with. */
static int check(const struct lf_sip_sub *sub, const sip_t *request)
{
	const sip_event_t *event = request->sip_event;

	if (request->sip_request->rq_method != sip_method_notify)
		return 405;
	if (event && event->o_type && !lf_text_equal(event->o_type, sub->event))
		return 489;
	/* RFC 3261, 12.2.2 */
	if (sub->has_notify && request->sip_cseq->cs_seq <= sub->notify_cseq)
		return 500;
	return lf_sip_is_too_large(sub->trunk->sip, request) ? 413 : 0;
}

/* Before the 200 this is what makes the dialog; later it may move the peer. */
static void note(struct lf_sip_sub *sub, const sip_t *request, uint32_t hash)
{
	sub->heard[sub->n_heard++ % LF_SUB_HEARD] = hash;
	sub->has_notify = true;
	sub->notify_cseq = request->sip_cseq->cs_seq;
	/* What does not fit is not followed: the way is the trunk's anyway. */
	lf_sip_dialog_learn(&sub->dialog, request);
}

static void deliver(struct lf_sip_sub *sub, const sip_t *request)
{
	char type[LF_SIP_TYPE_MAX];
	struct lf_sip_notify notify;

	lf_sip_notify_read(&notify, request, type);
	if (notify.state == LF_SUB_TERMINATED)
		lf_sip_sub_end_dialog(sub); /* first: it may ask again */
	else if (sub->asked_s > 0)
		sub->has_dialog = true;
	if (sub->ops)
		sub->ops->on_notify(sub, &notify, sub->arg);
	else if (notify.state == LF_SUB_TERMINATED && !sub->ask)
		lf_sip_sub_destroy(sub);
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

static struct lf_sip_sub *find(const struct lf_sip *sip, const sip_t *request)
{
	const char *tag = request->sip_to->a_tag;
	struct lf_sip_sub *sub = tag ? lf_map_find(&sip->subs, tag) : NULL;

	return sub && lf_sip_dialog_is(&sub->dialog, request) ? sub : NULL;
}

bool lf_sip_notified(struct lf_sip *sip, msg_t *msg, const sip_t *request)
{
	struct lf_sip_sub *sub = find(sip, request);
	uint32_t hash;
	bool is_copy;
	int status;

	if (!sub)
		return false;
	hash = hash_of(sip, request);
	is_copy = was_heard(sub, hash);
	status = is_copy ? 0 : check(sub, request);
	lf_sip_trace_msg(sip, false, msg,
			 tport_delivered_by(nta_agent_tports(sip->agent), msg));
	lf_sip_trunk_heard(sub->trunk);
	/* The answer takes one reference, the reading needs another. */
	lf_sip_reply_plain(
		sip, msg_ref_create(msg),
		&(const struct lf_sip_answer){.status = status ? status : 200});
	if (status) {
		log_refused(sub, status, request);
	} else if (!is_copy) {
		sip->stats.notifies_in++;
		note(sub, request, hash);
		deliver(sub, request);
	}
	msg_destroy(msg);
	return true;
}
