/*
 * presence/publish.c - a PUBLISH, from its headers to its answer. A copy of
 * one gets the answer of the first again, so it needs no transaction.
 */
#include "presence/publish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "core/text.h"
#include "directory/user.h"
#include "presence/agent_internal.h"
#include "presence/document.h"
#include "presence/multipart.h"
#include "presence/publication.h"
#include "presence/report.h"
#include "sip/sip.h"

#include "core/banned.h"

/* One PUBLISH on its way. */
struct request {
	struct lf_publish *publish;
	struct lf_sip_request *req;
	const struct lf_user *user;
	const char *event;
	uint64_t said_by;
	uint32_t expires_s;
	bool has_body;
	struct lf_report report;
};

/* RFC 3903, 6: a tag is of one package. */
static struct lf_publication *find_by_etag(struct lf_author *author,
					   const char *event, const char *etag)
{
	LF_LIST_FOREACH (node, &author->publications) {
		struct lf_publication *p =
			LF_CONTAINER_OF(node, struct lf_publication, node);

		if (!p->is_removed && !strcmp(p->etag, etag) &&
		    !strcmp(p->event, event))
			return p;
	}
	return NULL;
}

static struct lf_publication *find_copy(struct lf_author *author,
					uint64_t said_by)
{
	LF_LIST_FOREACH (node, &author->publications) {
		struct lf_publication *p =
			LF_CONTAINER_OF(node, struct lf_publication, node);

		if (p->said_by == said_by)
			return p;
	}
	return NULL;
}

/* ---- a request ---- */

static void answer(struct request *r, const struct lf_publication *p)
{
	char expires[16];
	const struct lf_sip_header extra[] = {
		{"SIP-ETag", p->etag}, {"Expires", expires}, {NULL}};

	snprintf(expires, sizeof(expires), "%u", p->answer_s);
	lf_sip_reply(r->req, 200, "OK", extra);
}

static void on_document(const char *uri, const struct lf_report *report,
			void *arg)
{
	struct request *r = arg;

	if (!uri)
		r->report = *report;
}

/*
 * A softphone's "open" says that it runs, not that the desk phone is idle: its
 * presence is about the person. Only its dialogs are about the line.
 */
static void trim_report(struct request *r)
{
	if (!strcmp(r->event, "presence"))
		r->report.knows &= ~(unsigned)LF_KNOWS_LINE;
	if (!r->report.is_dnd)
		r->report.knows &= ~(unsigned)LF_KNOWS_DND;
}

static const char *type_of_package(const struct request *r)
{
	if (!strcmp(r->event, "dialog"))
		return "application/dialog-info+xml";
	if (!strcmp(r->event, "message-summary"))
		return "application/simple-message-summary";
	return "application/pidf+xml";
}

/* Or several parts; presence has dialects. */
static bool is_of_package(const struct request *r, const char *type)
{
	return type && (lf_content_is(type, type_of_package(r)) ||
			lf_text_starts(type, "multipart/") ||
			(!strcmp(r->event, "presence") &&
			 (lf_content_is(type, "application/cpim-pidf+xml") ||
			  lf_content_is(type, "application/xpidf+xml"))));
}

static int read_body(struct request *r)
{
	const char *type = lf_sip_request_header(r->req, "Content-Type");
	struct lf_document *state = NULL;
	const char *body;
	size_t len;
	int err;

	body = lf_sip_request_body(r->req, &len);
	r->has_body = len > 0;
	if (!len)
		return 0;
	if (!is_of_package(r, type))
		return -ENOTSUP;
	err = lf_document_read(&state, LF_DIALECT_AUTO, type ? type : "", body,
			       len, on_document, r);
	lf_document_free(state);
	if (!err)
		trim_report(r);
	return err;
}

/* Says what is wrong and returns true. */
static bool refuse_body(struct request *r, int err)
{
	const struct lf_sip_header extra[] = {{"Accept", type_of_package(r)},
					      {NULL}};

	if (!err)
		return false;
	if (err == -ENOMEM)
		lf_sip_reply(r->req, 500, "Server Internal Error", NULL);
	else if (err == -ENOTSUP)
		lf_sip_reply(r->req, 415, "Unsupported Media Type", extra);
	else
		lf_sip_reply(r->req, 400, "Bad Request", NULL);
	return true;
}

/* `p` says what this request says, or goes, and answers. */
static int apply(struct request *r, struct lf_publication *p)
{
	int err = lf_publication_set(p, r->has_body ? &r->report : NULL,
				     r->expires_s);

	if (err) {
		lf_sip_reply(r->req, 500, "Server Internal Error", NULL);
		return err;
	}
	p->said_by = r->said_by;
	answer(r, p);
	return 0;
}

static uint64_t hash(const char *text)
{
	static const uint64_t no_key[2];

	return lf_hash(no_key, text, strlen(text));
}

/* Call-ID and CSeq: by them a copy is known. */
static uint64_t said_by(struct lf_sip_request *req)
{
	const char *call_id = lf_sip_request_header(req, "Call-ID");
	const char *cseq = lf_sip_request_header(req, "CSeq");

	return hash(call_id ? call_id : "") ^ hash(cseq ? cseq : "");
}

/* The oldest that is only kept for copies of the request that removed it. */
static struct lf_publication *find_removed(struct lf_author *author)
{
	LF_LIST_FOREACH (node, &author->publications) {
		struct lf_publication *p =
			LF_CONTAINER_OF(node, struct lf_publication, node);

		if (p->is_removed)
			return p;
	}
	return NULL;
}

static bool has_room(struct lf_author *author)
{
	struct lf_publication *removed;
	unsigned n = 0;

	LF_LIST_FOREACH (node, &author->publications)
		n++;
	if (n < LF_PUBLICATIONS_MAX)
		return true;
	removed = find_removed(author);
	if (removed)
		lf_publication_free(removed);
	return removed != NULL;
}

static void begin(struct request *r, struct lf_author *author)
{
	struct lf_publication *p = NULL;
	struct lf_agent_asker asker;

	lf_agent_ask(r->publish->agent, &asker, r->req);
	if (!r->has_body)
		lf_sip_reply(r->req, 400, "Nothing To Publish", NULL);
	else if (!has_room(author))
		lf_sip_reply(r->req, 503, "Too Many Publications", NULL);
	else if ((p = lf_publication_new(author, r->event, asker.uri)) == NULL)
		lf_sip_reply(r->req, 500, "Server Internal Error", NULL);
	else if (apply(r, p))
		lf_publication_free(p);
	lf_author_release(author);
}

static void dispatch(struct request *r)
{
	const char *etag = lf_sip_request_header(r->req, "SIP-If-Match");
	struct lf_author *author = lf_author_of(r->publish, r->user->id);
	struct lf_publication *p;

	if (!author) {
		lf_sip_reply(r->req, 500, "Server Internal Error", NULL);
		return;
	}
	p = find_copy(author, r->said_by);
	if (p) {
		answer(r, p);
		return;
	}
	if (!etag) {
		begin(r, author);
		return;
	}
	p = find_by_etag(author, r->event, etag);
	if (p) {
		apply(r, p);
	} else {
		lf_sip_reply(r->req, 412, "Conditional Request Failed", NULL);
		lf_author_release(author);
	}
}

static bool is_allowed(struct request *r)
{
	static const struct lf_sip_header events[] = {
		{"Allow-Events", "presence, dialog, message-summary"}, {NULL}};
	struct lf_agent *agent = r->publish->agent;
	int status = 0;

	if (!agent->is_enabled)
		status = 403;
	else if (r->event && !r->user)
		status = 404;
	else if (r->event && !lf_agent_is_self(agent, r->user, r->req))
		status = 403;
	if (status)
		lf_sip_reply(r->req, status,
			     status == 404 ? "Not Found" : "Forbidden", NULL);
	else if (!r->event)
		lf_sip_reply(r->req, 489, "Bad Event", events);
	else
		return true;
	agent->stats.refused++;
	return false;
}

void lf_publish_request(struct lf_sip_request *req, void *publish)
{
	struct request r = {.publish = publish, .req = req};
	struct lf_agent *agent = r.publish->agent;

	agent->stats.publishes++;
	r.event = lf_publication_event(lf_sip_request_header(req, "Event"));
	r.user = lf_desk_user(&agent->desk, lf_sip_request_uri(req));
	if (lf_agent_refuse_require(agent, req) || !is_allowed(&r) ||
	    lf_agent_expires(agent, req, lf_agent_asked(req), &r.expires_s) ||
	    refuse_body(&r, read_body(&r)))
		return;
	r.said_by = said_by(req);
	dispatch(&r);
}
