/*
 * sip/notify_read.c - what a NOTIFY says, in the words of sip/subscribe.h.
 * Peers of RFC 3265 leave out much of it.
 */
#include "sip/internal.h"

#include <stdio.h>

#include "core/text.h"
#include "sip/subscribe.h"

#include "core/banned.h"

static enum lf_sip_reason parse_reason(const char *word)
{
	static const char *const words[] = {
		[LF_REASON_DEACTIVATED] = "deactivated",
		[LF_REASON_PROBATION] = "probation",
		[LF_REASON_REJECTED] = "rejected",
		[LF_REASON_TIMEOUT] = "timeout",
		[LF_REASON_GIVEUP] = "giveup",
		[LF_REASON_NORESOURCE] = "noresource",
		[LF_REASON_INVARIANT] = "invariant",
	};

	for (int i = LF_REASON_DEACTIVATED; word && i <= LF_REASON_INVARIANT;
	     i++)
		if (lf_text_equal(word, words[i]))
			return (enum lf_sip_reason)i;
	return LF_REASON_NONE;
}

static uint32_t parse_seconds(const char *digits)
{
	int64_t n;

	if (!digits || lf_text_int(&n, digits, 0, UINT32_MAX - 1))
		return LF_SIP_ABSENT;
	return (uint32_t)n;
}

/* RFC 3265 peers leave the header out: then the subscription is active. */
static void parse_state(struct lf_sip_notify *out,
			const sip_subscription_state_t *ss)
{
	out->state = LF_SUB_ACTIVE;
	out->reason = LF_REASON_NONE;
	out->expires_s = out->retry_after_s = LF_SIP_ABSENT;
	if (!ss)
		return;
	if (lf_text_equal(ss->ss_substate, "terminated"))
		out->state = LF_SUB_TERMINATED;
	else if (lf_text_equal(ss->ss_substate, "pending"))
		out->state = LF_SUB_PENDING;
	if (out->state == LF_SUB_TERMINATED)
		out->reason = parse_reason(ss->ss_reason);
	out->expires_s = parse_seconds(ss->ss_expires);
	out->retry_after_s = parse_seconds(ss->ss_retry_after);
}

/* The type with its parameters: multipart needs its boundary. */
static void parse_body(struct lf_sip_notify *out, const sip_t *request,
		       char type[LF_SIP_TYPE_MAX])
{
	const sip_payload_t *body = request->sip_payload;
	const sip_content_type_t *c = request->sip_content_type;
	size_t n;

	out->content_type = "";
	out->body = "";
	out->len = 0;
	if (!body || body->pl_len == 0)
		return;
	out->body = body->pl_data;
	out->len = body->pl_len;
	if (!c || !c->c_type)
		return;
	out->content_type = c->c_type;
	if (!c->c_params || !c->c_params[0])
		return;
	n = (size_t)snprintf(type, LF_SIP_TYPE_MAX, "%s", c->c_type);
	for (size_t i = 0; c->c_params[i] && n < LF_SIP_TYPE_MAX; i++)
		n += (size_t)snprintf(type + n, LF_SIP_TYPE_MAX - n, ";%s",
				      c->c_params[i]);
	if (n < LF_SIP_TYPE_MAX)
		out->content_type = type;
}

void lf_sip_notify_read(struct lf_sip_notify *out, const sip_t *request,
			char type[LF_SIP_TYPE_MAX])
{
	parse_state(out, request->sip_subscription_state);
	parse_body(out, request, type);
	out->cseq = request->sip_cseq->cs_seq;
}
