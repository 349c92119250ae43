/*
 * sip/request.c - a request somebody sent us, from the handler's call until
 * its answer, which may come later. It holds sofia's transaction, if there is
 * one, and the texts that were asked for.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/su_tag_io.h>
#include <sofia-sip/su_tagarg.h>

#include "core/buf.h"
#include "core/text.h"
#include "sip/internal.h"
#include "sip/subscribe.h"

#include "core/banned.h"

#define EXTRA_HEADERS_MAX 8192
#define TEXTS 512

struct lf_sip_request {
	struct lf_list node; /* in lf_sip.requests */
	struct lf_sip *sip;  /* NULL: the endpoint is closed */
	nta_incoming_t *irq; /* NULL: plain, or the endpoint is closed */
	msg_t *msg;          /* keeps `parsed` alive */
	bool is_plain;
	const sip_t *parsed;
	enum lf_sip_transport transport;
	char *user;
	const char *uri, *from;
	/* Texts handed out; what finds no room is the message's. */
	size_t used;
	char texts[TEXTS];
};

/* Room for a text as long as the request lives; NULL: no memory. */
static char *text_room(struct lf_sip_request *req, size_t size)
{
	char *room = req->texts + req->used;

	if (size > TEXTS - req->used)
		return su_alloc(msg_home(req->msg), (isize_t)size);
	req->used += size;
	return room;
}

/* Returns where the text ends. */
static char *append(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len + 1);
	return to + len;
}

/* "sip:user@host" without port and parameters; "" for another scheme. */
static const char *plain_uri(struct lf_sip_request *req, const url_t *url)
{
	const char *user = url->url_user ? url->url_user : "";
	char *text, *to;
	size_t size;

	if ((url->url_type != url_sip && url->url_type != url_sips) ||
	    !url->url_host)
		return "";
	size = strlen("sips:@") + strlen(user) + strlen(url->url_host) + 1;
	text = text_room(req, size);
	if (!text)
		return "";
	to = append(text, url->url_type == url_sips ? "sips:" : "sip:");
	to = append(to, user);
	to = append(to, *user ? "@" : "");
	append(to, url->url_host);
	return text;
}

static void read_message(struct lf_sip_request *req, struct lf_sip *sip,
			 msg_t *msg)
{
	req->sip = sip;
	req->msg = msg;
	req->parsed = sip_object(msg);
	req->uri = plain_uri(req, req->parsed->sip_request->rq_url);
	req->from = plain_uri(req, req->parsed->sip_from->a_url);
	req->transport = lf_sip_transport_of(
		tport_delivered_by(nta_agent_tports(sip->agent), msg));
	lf_list_add_tail(&sip->requests, &req->node);
}

int lf_sip_request_plain(struct lf_sip_request **ret, struct lf_sip *sip,
			 msg_t *msg)
{
	struct lf_sip_request *req = calloc(1, sizeof(*req));

	if (!req)
		return -ENOMEM;
	req->is_plain = true;
	read_message(req, sip, msg);
	sip->open = req;
	*ret = req;
	return 0;
}

int lf_sip_request_new(struct lf_sip_request **ret, struct lf_sip *sip,
		       nta_incoming_t *irq, const char *user)
{
	struct lf_sip_request *req = calloc(1, sizeof(*req));

	if (!req)
		return -ENOMEM;
	if (user) {
		req->user = strdup(user);
		if (!req->user) {
			free(req);
			return -ENOMEM;
		}
	}
	req->irq = irq;
	read_message(req, sip, nta_incoming_getrequest(irq));
	*ret = req;
	return 0;
}

static void request_destroy(struct lf_sip_request *req)
{
	lf_list_del(&req->node);
	if (req->sip && req->sip->open == req)
		req->sip->open = NULL;
	if (req->irq)
		nta_incoming_destroy(req->irq);
	if (req->msg)
		msg_destroy(req->msg);
	free(req->user);
	free(req);
}

void lf_sip_request_drop(struct lf_sip_request *req)
{
	request_destroy(req);
}

/* Its texts stay readable; only the answer goes nowhere. */
void lf_sip_requests_orphan(struct lf_sip *sip)
{
	LF_LIST_FOREACH_SAFE (node, &sip->requests) {
		struct lf_sip_request *req =
			LF_CONTAINER_OF(node, struct lf_sip_request, node);

		lf_list_del(&req->node);
		if (req->irq)
			nta_incoming_destroy(req->irq);
		req->irq = NULL;
		req->sip = NULL;
	}
}

const sip_t *lf_sip_request_sip(const struct lf_sip_request *req)
{
	return req->parsed;
}

struct lf_sip *lf_sip_request_endpoint(const struct lf_sip_request *req)
{
	return req->sip;
}

/* ---- what it says ---- */

const char *lf_sip_request_method(const struct lf_sip_request *req)
{
	return req->parsed->sip_request->rq_method_name;
}

void lf_sip_request_source(const struct lf_sip_request *req,
			   struct lf_sip_source *out)
{
	lf_net_format(out->address, sizeof(out->address),
		      lf_sip_request_addr(req, &out->transport), &out->port);
}

const struct sockaddr *lf_sip_request_addr(const struct lf_sip_request *req,
					   enum lf_sip_transport *ret_transport)
{
	*ret_transport = req->transport;
	return &msg_addr(req->msg)->su_sa;
}

const char *lf_sip_request_user(const struct lf_sip_request *req)
{
	return req->user;
}

const char *lf_sip_request_uri(const struct lf_sip_request *req)
{
	return req->uri;
}

const char *lf_sip_request_from(const struct lf_sip_request *req)
{
	return req->from;
}

const char *lf_sip_request_asserted(struct lf_sip_request *req)
{
	const sip_p_asserted_identity_t *paid = NULL;
	const char *text = NULL, *uri;

	if (req->parsed->sip_unknown)
		text = lf_sip_request_header(req, "P-Asserted-Identity");
	if (text)
		paid = sip_p_asserted_identity_make(msg_home(req->msg), text);
	for (; paid; paid = paid->paid_next) {
		uri = plain_uri(req, paid->paid_url);
		if (*uri)
			return uri;
	}
	return req->from;
}

/* Those that every request is asked for; sofia's table knows the others. */
static const struct {
	const char *name;
	size_t offset;
} usual[] = {
	{"Call-ID", offsetof(sip_t, sip_call_id)},
	{"CSeq", offsetof(sip_t, sip_cseq)},
	{"Event", offsetof(sip_t, sip_event)},
	{"Expires", offsetof(sip_t, sip_expires)},
	{"Require", offsetof(sip_t, sip_require)},
	{"Accept", offsetof(sip_t, sip_accept)},
	{"Supported", offsetof(sip_t, sip_supported)},
	{"Content-Type", offsetof(sip_t, sip_content_type)},
	{"SIP-If-Match", offsetof(sip_t, sip_if_match)},
};

static const msg_header_t *header_at(const sip_t *parsed, size_t offset)
{
	const char *at = (const char *)parsed + offset;

	return *(msg_header_t *const *)(const void *)at;
}

/* The first header object of that name, in the class's list or unknown. */
static const msg_header_t *first_header(const struct lf_sip_request *req,
					const char *name)
{
	char line[80];
	const msg_href_t *ref;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (!strcmp(usual[i].name, name))
			return header_at(req->parsed, usual[i].offset);
	if ((size_t)snprintf(line, sizeof(line), "%s:", name) >= sizeof(line))
		return NULL;
	ref = msg_find_hclass(sip_default_mclass(), line, NULL);
	if (!ref || ref->hr_class == sip_unknown_class)
		return (const msg_header_t *)req->parsed->sip_unknown;
	return header_at(req->parsed, ref->hr_offset);
}

static bool is_other_unknown(const msg_header_t *h, const char *name)
{
	return h->sh_class == sip_unknown_class &&
	       !lf_text_equal(((const msg_unknown_t *)h)->un_name, name);
}

static const char *value_of(struct lf_sip_request *req, const msg_header_t *h)
{
	const char *raw;
	size_t len;
	char *text;

	if (h->sh_class == sip_unknown_class)
		return ((const msg_unknown_t *)h)->un_value;
	raw = lf_sip_raw_value(h, &len);
	if (!raw)
		return sip_header_as_string(msg_home(req->msg),
					    (const sip_header_t *)h);
	text = text_room(req, len + 1);
	if (text) {
		memcpy(text, raw, len);
		text[len] = '\0';
	}
	return text;
}

const char *lf_sip_request_header(struct lf_sip_request *req, const char *name)
{
	const msg_header_t *h = first_header(req, name);
	const char *joined = NULL, *value;

	for (; h; h = h->sh_next) {
		if (is_other_unknown(h, name))
			continue;
		value = value_of(req, h);
		if (!value)
			return joined;
		joined = joined ? su_sprintf(msg_home(req->msg), "%s, %s",
					     joined, value)
				: value;
	}
	return joined;
}

const char *lf_sip_request_body(const struct lf_sip_request *req,
				size_t *ret_len)
{
	const sip_payload_t *body = req->parsed->sip_payload;

	*ret_len = body ? body->pl_len : 0;
	return body && body->pl_data ? body->pl_data : "";
}

/* ---- the answer ---- */

/* Header lines; what could break out of a line is refused. */
static int join_headers(struct lf_buf *out, const struct lf_sip_header *extra)
{
	for (; extra && extra->name; extra++) {
		if (strpbrk(extra->name, "\r\n:") ||
		    strpbrk(extra->value, "\r\n") ||
		    out->len > EXTRA_HEADERS_MAX)
			return -EINVAL;
		lf_buf_adds(out, extra->name);
		lf_buf_adds(out, ": ");
		lf_buf_adds(out, extra->value);
		lf_buf_adds(out, "\r\n");
	}
	return lf_buf_error(out);
}

static void reply_in_transaction(struct lf_sip_request *req,
				 const struct lf_sip_answer *answer)
{
	if (answer->tag)
		nta_incoming_tag(req->irq, answer->tag);
	nta_incoming_treply(
		req->irq, answer->status, answer->phrase,
		SIPTAG_SERVER_STR(req->sip->user_agent),
		TAG_IF(answer->lines, SIPTAG_HEADER_STR(answer->lines)),
		TAG_END());
	lf_sip_trace_response_out(req->sip, req->irq);
}

void lf_sip_request_answer(struct lf_sip_request *req,
			   const struct lf_sip_answer *answer)
{
	if (req->sip && req->irq) {
		reply_in_transaction(req, answer);
	} else if (req->sip && req->is_plain) {
		lf_sip_reply_plain(req->sip, req->msg, answer);
		req->msg = NULL; /* gone with the answer */
	}
	request_destroy(req);
}

void lf_sip_reply(struct lf_sip_request *req, int status, const char *phrase,
		  const struct lf_sip_header *extra)
{
	struct lf_sip_answer answer = {status, phrase, NULL, NULL};
	struct lf_buf lines = {0};

	if (!join_headers(&lines, extra)) {
		answer.lines = lines.len ? lines.data : NULL;
	} else {
		answer.status = 500;
		answer.phrase = sip_500_Internal_server_error;
	}
	lf_sip_request_answer(req, &answer);
	lf_buf_done(&lines);
}

void lf_sip_request_settle(struct lf_sip_request *req)
{
	struct lf_sip *sip = req->sip;

	sip->open = NULL;
	/* The transaction takes one reference, the request keeps its own. */
	req->irq =
		nta_incoming_create(sip->agent, NULL, msg_ref_create(req->msg),
				    sip_object(req->msg), TAG_END());
	req->is_plain = false;
}
