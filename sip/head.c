/*
 * sip/head.c - a NOTIFY's text: the head, rendered once per dialog, and the
 * lines that change from one NOTIFY to the next.
 */
#include "sip/lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"

#include "core/banned.h"

static struct lf_sip_slice slice(const struct lf_buf *buf, size_t from)
{
	return (struct lf_sip_slice){(uint16_t)from,
				     (uint16_t)(buf->len - from)};
}

/* The part of the dialog's lines behind `name`, up to `end`. */
static struct lf_sip_slice find_slice(const struct lf_buf *buf, size_t from,
				      const char *name, const char *end)
{
	const char *at = strstr(buf->data + from, name);

	if (!at)
		return (struct lf_sip_slice){0, 0};
	at += strlen(name);
	return (struct lf_sip_slice){(uint16_t)(at - buf->data),
				     (uint16_t)strcspn(at, end)};
}

/* The last tag of the To line: what stands before it may be quoted text. */
static struct lf_sip_slice find_remote_tag(const struct lf_buf *buf,
					   size_t from)
{
	struct lf_sip_slice line = find_slice(buf, from, "\r\nTo: ", "\r"), s;
	const char *text = buf->data + line.at, *tag = NULL, *next = text;

	while ((next = memmem(next, (size_t)(text + line.len - next),
			      ";tag=", 5)) != NULL) {
		next += 5;
		tag = next;
	}
	if (!tag)
		return (struct lf_sip_slice){0, 0};
	s.at = (uint16_t)(tag - buf->data);
	s.len = (uint16_t)strcspn(tag, ";\r");
	return s;
}

static void add_via(const struct lf_sip *sip, struct lf_buf *out,
		    const char *contact_host)
{
	lf_buf_addf(out, "Via: SIP/2.0/UDP %s:%u;rport;branch=", contact_host,
		    sip->express_port);
}

/* The host of "<sip:host:port;...>", brackets included. */
static void host_of_contact(char *out, size_t size, const char *contact)
{
	const char *host = contact + strlen("<sip:"), *at = strchr(host, '@');
	size_t len;

	if (at)
		host = at + 1;
	len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":;>");
	lf_text_copy_n(out, size, host, len);
}

int lf_sip_head_render(struct lf_sip_notifier *n,
		       const struct lf_sip_head_parts *parts)
{
	struct lf_buf head = {0};
	struct lf_sip *sip = n->sip;
	char contact[256], host[72];
	size_t at, uri_at, event_at, contact_at;

	lf_sip_contact(sip, contact, sizeof(contact), "",
		       (enum lf_sip_transport)n->transport, &n->source.any);
	host_of_contact(host, sizeof(host), contact);
	lf_buf_addf(&head, "NOTIFY %s SIP/2.0\r\n", parts->uri);
	n->start = slice(&head, 0);
	at = head.len;
	add_via(sip, &head, host);
	n->via = slice(&head, at);
	at = head.len;
	lf_buf_add(&head, parts->dialog, parts->dialog_len);
	n->dialog = slice(&head, at);
	at = head.len;
	lf_buf_adds(&head, "Max-Forwards: 70\r\nContact: ");
	contact_at = head.len;
	lf_buf_adds(&head, contact);
	n->contact = slice(&head, contact_at);
	lf_buf_addf(&head, "\r\nUser-Agent: %s\r\n", sip->user_agent);
	n->rest = slice(&head, at);
	lf_buf_addc(&head, '\0');
	uri_at = head.len;
	lf_buf_addf(&head, "%s%c", parts->uri, '\0');
	event_at = head.len;
	lf_buf_addf(&head, "%s%c", parts->event, '\0');
	if (lf_buf_error(&head) || head.len > LF_SIP_HEAD_MAX) {
		lf_buf_done(&head);
		return head.len > LF_SIP_HEAD_MAX ? -E2BIG : -ENOMEM;
	}
	n->call_id = find_slice(&head, n->dialog.at, "\r\nCall-ID: ", "\r");
	n->remote_tag = find_remote_tag(&head, n->dialog.at);
	n->uri = (struct lf_sip_slice){(uint16_t)uri_at,
				       (uint16_t)strlen(parts->uri)};
	at = head.len;
	free(n->head);
	n->head = lf_buf_take(&head);
	/* Give back what growing left over: it is kept per subscription. */
	if (n->head) {
		char *tight = realloc(n->head, at);

		n->head = tight ? tight : n->head;
	}
	n->event = n->head + event_at;
	return 0;
}

/* ---- what changes from one to the next ---- */

static const char *reason_word(uint8_t reason)
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

size_t lf_sip_news_lines(char out[LF_SIP_STATE_MAX], uint32_t cseq,
			 const struct lf_sip_news *news)
{
	static const char *const words[] = {"active", "pending", "terminated"};
	bool is_end = news->state == LF_SUB_TERMINATED;
	const char *reason = is_end ? reason_word(news->reason) : NULL;
	const size_t size = LF_SIP_STATE_MAX;
	int n = snprintf(out, size, "CSeq: %u NOTIFY\r\nSubscription-State: %s",
			 cseq, words[news->state]);

	if (reason)
		n += snprintf(out + n, size - (size_t)n, ";reason=%s", reason);
	if (!is_end && news->expires_s != LF_SIP_ABSENT &&
	    !news->without_expires)
		n += snprintf(out + n, size - (size_t)n, ";expires=%u",
			      news->expires_s);
	if (is_end && news->retry_after_s != LF_SIP_ABSENT)
		n += snprintf(out + n, size - (size_t)n, ";retry-after=%u",
			      news->retry_after_s);
	n += snprintf(out + n, size - (size_t)n, "%s",
		      news->body ? "\r\n" : "\r\nContent-Length: 0\r\n\r\n");
	return (size_t)n;
}
