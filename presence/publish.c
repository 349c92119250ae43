/*
 * presence/publish.c - publications with their entity tags. A copy of a PUBLISH
 * gets the answer of the first again, so it needs no transaction.
 */
#include "presence/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/list.h"
#include "core/map.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/timer.h"
#include "directory/user.h"
#include "presence/agent_internal.h"
#include "presence/board.h"
#include "presence/brief.h"
#include "presence/document.h"
#include "presence/feed.h"
#include "presence/ledger.h"
#include "presence/report.h"
#include "sip/sip.h"

#include "core/banned.h"

#define ETAG_SIZE 17
#define TOMBSTONE_MS 32000 /* RFC 3261: a copy comes no later */
#define ACCEPT                                                                 \
	"application/pidf+xml, application/dialog-info+xml, "                  \
	"application/simple-message-summary"

struct publication {
	struct lf_list node; /* in author.publications */
	struct author *author;
	struct lf_timer timer;
	int64_t ends_ms;
	struct lf_brief brief;
	struct lf_ledger_entry entry;
	char etag[ETAG_SIZE];
	bool is_removed; /* kept for copies of the request that did it */
	uint32_t answer_s;
	const char *event; /* "presence", "dialog" */
	char *said_by;     /* Call-ID and CSeq of the last request */
	char from[];
};

/* A user with publications, or watched; its id is the key. */
struct author {
	struct lf_publish *publish;
	struct lf_person *person; /* NULL: nobody looks */
	struct lf_list publications;
	char id[];
};

struct lf_publish {
	struct lf_agent *agent;
	struct lf_ledger *ledger;
	struct lf_map authors; /* by user id */
	int feed;
	size_t count;
	uint64_t serial; /* of entity tags */
};

/* One PUBLISH on its way. */
struct request {
	struct lf_publish *publish;
	struct lf_sip_request *req;
	const struct lf_user *user;
	const char *event, *said_by;
	uint32_t expires_s;
	bool has_body;
	struct lf_report report;
};

/* ---- composing ---- */

/* presence-feeds.md, section 1: the most restrictive wins. */
static int rank_of_rich(uint8_t rich)
{
	static const uint8_t order[] = {LF_RICH_UNKNOWN,   LF_RICH_OFFLINE,
					LF_RICH_AVAILABLE, LF_RICH_AWAY,
					LF_RICH_BUSY,      LF_RICH_ON_PHONE,
					LF_RICH_DND};

	for (int i = 0; i < (int)sizeof(order); i++)
		if (order[i] == rich)
			return i;
	return 0;
}

static int rank_of_line(uint8_t line)
{
	switch (line) {
	case LF_TEL_BUSY:
		return 4;
	case LF_TEL_RINGING:
		return 3;
	case LF_TEL_IDLE:
		return 2;
	case LF_TEL_OFFLINE:
		return 1;
	default:
		return 0;
	}
}

static void compose_rich(struct lf_report *sum, const struct lf_report *one)
{
	if (!(one->knows & LF_KNOWS_RICH))
		return;
	if ((sum->knows & LF_KNOWS_RICH) &&
	    rank_of_rich(one->rich) <= rank_of_rich(sum->rich))
		return;
	sum->knows |= LF_KNOWS_RICH;
	sum->rich = one->rich;
	sum->is_idle = one->is_idle;
	lf_text_copy(sum->message, sizeof(sum->message), one->message);
}

static void compose_line(struct lf_report *sum, const struct lf_report *one)
{
	if (!(one->knows & LF_KNOWS_LINE))
		return;
	if ((sum->knows & LF_KNOWS_LINE) &&
	    rank_of_line(one->line) <= rank_of_line(sum->line))
		return;
	sum->knows |= LF_KNOWS_LINE;
	sum->line = one->line;
	lf_text_copy(sum->peer, sizeof(sum->peer), one->peer);
}

void lf_publish_compose(struct lf_report *sum, const struct lf_report *one)
{
	compose_rich(sum, one);
	compose_line(sum, one);
	if ((one->knows & LF_KNOWS_DND) && one->is_dnd) {
		sum->knows |= LF_KNOWS_DND;
		sum->is_dnd = true;
	}
	if ((one->knows & LF_KNOWS_VOICEMAIL) &&
	    !(sum->knows & LF_KNOWS_VOICEMAIL)) {
		sum->knows |= LF_KNOWS_VOICEMAIL;
		sum->voicemails_new = one->voicemails_new;
		sum->voicemails_old = one->voicemails_old;
	}
}

static void report(struct author *author)
{
	struct lf_publish *publish = author->publish;
	struct lf_report sum = {0}, one;
	unsigned n = 0;

	if (!author->person)
		return;
	LF_LIST_FOREACH (node, &author->publications) {
		const struct publication *p =
			LF_CONTAINER_OF(node, struct publication, node);

		if (p->is_removed)
			continue;
		lf_brief_get(&p->brief, &one);
		lf_publish_compose(&sum, &one);
		n++;
	}
	sum.at_ms = lf_mono_ms();
	sum.cond = n ? LF_COND_OK : LF_COND_NOT_CONFIGURED;
	sum.layers = LF_KNOWS_RICH | (sum.knows & LF_KNOWS_LINE);
	lf_board_report(publish->agent->parts.board, author->person,
			publish->feed, &sum);
}

/* ---- authors ---- */

static struct author *author_of(struct lf_publish *publish, const char *id)
{
	struct author *author = lf_map_find(&publish->authors, id);
	size_t len = strlen(id) + 1;

	if (author)
		return author;
	author = calloc(1, sizeof(*author) + len);
	if (!author)
		return NULL;
	author->publish = publish;
	lf_list_init(&author->publications);
	memcpy(author->id, id, len);
	if (lf_map_add(&publish->authors, author->id, author)) {
		free(author);
		return NULL;
	}
	return author;
}

static void forget_author(struct author *author)
{
	if (author->person || !lf_list_is_empty(&author->publications))
		return;
	lf_map_del(&author->publish->authors, author->id);
	free(author);
}

static int on_watch(void *feed, struct lf_person *person, void **ret_watch)
{
	struct author *author = author_of(feed, lf_person_user(person)->id);

	if (!author)
		return -ENOMEM;
	author->person = person;
	*ret_watch = author;
	report(author);
	return 0;
}

static void on_unwatch(void *feed, struct lf_person *person, void *watch)
{
	struct author *author = watch;

	author->person = NULL;
	forget_author(author);
}

static void on_update(void *feed, struct lf_person *person, void *watch)
{
}

static const struct lf_feed_ops feed_ops = {on_watch, on_unwatch, on_update};

/* ---- publications ---- */

static void publication_free(struct publication *p)
{
	struct lf_publish *publish = p->author->publish;

	lf_timer_stop(publish->agent->parts.timers, &p->timer);
	lf_list_del(&p->node);
	if (!p->is_removed)
		publish->count--;
	if (publish->ledger)
		lf_ledger_remove(publish->ledger, &p->entry);
	lf_brief_done(&p->brief);
	free(p->said_by);
	free(p);
}

static void on_expired(struct lf_timer *timer, void *arg)
{
	struct publication *p = arg;
	struct author *author = p->author;
	bool is_removed = p->is_removed;

	publication_free(p);
	if (!is_removed)
		report(author);
	forget_author(author);
}

static struct publication *publication_new(struct author *author,
					   const char *event, const char *from)
{
	size_t len = strlen(from) + 1;
	struct publication *p = calloc(1, sizeof(*p) + len);

	if (!p)
		return NULL;
	p->author = author;
	p->event = event;
	memcpy(p->from, from, len);
	lf_timer_init(&p->timer, on_expired, p);
	lf_list_add_tail(&author->publications, &p->node);
	author->publish->count++;
	return p;
}

/* Nobody can guess another's: RFC 3903, 14.1. */
static void new_etag(struct lf_publish *publish, char out[ETAG_SIZE])
{
	uint32_t noise;

	lf_random(&noise, sizeof(noise));
	snprintf(out, ETAG_SIZE, "%08llx%08x",
		 (unsigned long long)(++publish->serial & 0xffffffff), noise);
}

static struct publication *find_by_etag(struct author *author, const char *etag)
{
	LF_LIST_FOREACH (node, &author->publications) {
		struct publication *p =
			LF_CONTAINER_OF(node, struct publication, node);

		if (!p->is_removed && !strcmp(p->etag, etag))
			return p;
	}
	return NULL;
}

static struct publication *find_copy(struct author *author, const char *said_by)
{
	LF_LIST_FOREACH (node, &author->publications) {
		struct publication *p =
			LF_CONTAINER_OF(node, struct publication, node);

		if (p->said_by && !strcmp(p->said_by, said_by))
			return p;
	}
	return NULL;
}

/* ---- a request ---- */

static void answer(struct request *r, const struct publication *p)
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
	const struct lf_sip_header extra[] = {{"Accept", ACCEPT}, {NULL}};
	const char *type = lf_sip_request_header(r->req, "Content-Type");

	if (!err)
		return false;
	if (err == -ENOMEM)
		lf_sip_reply(r->req, 500, "Server Internal Error", NULL);
	else if (!type || !strstr(ACCEPT, type))
		lf_sip_reply(r->req, 415, "Unsupported Media Type", extra);
	else
		lf_sip_reply(r->req, 400, "Bad Request", NULL);
	return true;
}

static void save(struct publication *p)
{
	struct lf_ledger *ledger = p->author->publish->ledger;

	if (p->is_removed)
		lf_ledger_remove(ledger, &p->entry);
	else if (p->entry.place)
		lf_ledger_touch(ledger, &p->entry);
	else
		lf_ledger_add(ledger, &p->entry); /* else it is not saved */
}

/* `p` says what this request says, or goes, and answers. */
static void apply(struct request *r, struct publication *p)
{
	struct author *author = p->author;
	struct lf_timers *timers = r->publish->agent->parts.timers;
	char *said_by = strdup(r->said_by);

	if (!said_by || (r->has_body && lf_brief_set(&p->brief, &r->report))) {
		free(said_by);
		lf_sip_reply(r->req, 500, "Server Internal Error", NULL);
		return;
	}
	free(p->said_by);
	p->said_by = said_by;
	p->answer_s = r->expires_s;
	new_etag(r->publish, p->etag);
	if (!r->expires_s && !p->is_removed) {
		p->is_removed = true;
		r->publish->count--;
	}
	p->ends_ms = lf_mono_ms() + (int64_t)r->expires_s * 1000;
	lf_timer_start(timers, &p->timer,
		       p->is_removed ? TOMBSTONE_MS
				     : (int64_t)r->expires_s * 1000);
	save(p);
	answer(r, p);
	if (r->has_body || p->is_removed)
		report(author);
}

static void begin(struct request *r, struct author *author)
{
	struct publication *p = NULL;
	unsigned n = 0;

	LF_LIST_FOREACH (node, &author->publications)
		n++;
	if (!r->has_body)
		lf_sip_reply(r->req, 400, "Nothing To Publish", NULL);
	else if (n >= LF_PUBLICATIONS_MAX)
		lf_sip_reply(r->req, 503, "Too Many Publications", NULL);
	else if ((p = publication_new(author, r->event,
				      lf_sip_request_from(r->req))) == NULL)
		lf_sip_reply(r->req, 500, "Server Internal Error", NULL);
	else
		apply(r, p);
	if (!p)
		forget_author(author);
}

static void dispatch(struct request *r)
{
	const char *etag = lf_sip_request_header(r->req, "SIP-If-Match");
	struct author *author = author_of(r->publish, r->user->id);
	struct publication *p;

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
	p = find_by_etag(author, etag);
	if (p) {
		apply(r, p);
	} else {
		lf_sip_reply(r->req, 412, "Conditional Request Failed", NULL);
		forget_author(author);
	}
}

static const char *find_event(const char *event)
{
	static const char *const events[] = {"presence", "dialog",
					     "message-summary"};
	size_t len = event ? strcspn(event, "; \t") : 0;

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (len == strlen(events[i]) &&
		    !strncasecmp(event, events[i], len))
			return events[i];
	return NULL;
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
	const char *call_id = lf_sip_request_header(req, "Call-ID");
	const char *cseq = lf_sip_request_header(req, "CSeq");
	char said_by[320];

	agent->stats.publishes++;
	r.event = find_event(lf_sip_request_header(req, "Event"));
	r.user = lf_desk_user(&agent->desk, lf_sip_request_uri(req));
	if (lf_agent_refuse_require(agent, req) || !is_allowed(&r) ||
	    lf_agent_expires(agent, req, lf_agent_asked(req), &r.expires_s) ||
	    refuse_body(&r, read_body(&r)))
		return;
	snprintf(said_by, sizeof(said_by), "%s %s", cseq ? cseq : "",
		 call_id ? call_id : "");
	r.said_by = said_by;
	dispatch(&r);
}

/* ---- looking in ---- */

size_t lf_publish_count(const struct lf_publish *publish)
{
	return publish ? publish->count : 0;
}

static void show(const struct publication *p, lf_agent_publication_fn *fn,
		 void *arg)
{
	struct lf_report one;
	struct lf_agent_publication view = {
		.user_id = p->author->id,
		.etag = p->etag,
		.event = p->event,
		.from = p->from,
		.expires_s = (p->ends_ms - lf_mono_ms()) / 1000,
	};

	lf_brief_get(&p->brief, &one);
	view.says =
		one.knows & LF_KNOWS_RICH ? lf_rich_name((enum lf_rich)one.rich)
		: one.knows & LF_KNOWS_LINE ? lf_tel_name((enum lf_tel)one.line)
					    : "-";
	fn(&view, arg);
}

void lf_publish_each(const struct lf_publish *publish,
		     lf_agent_publication_fn *fn, void *arg)
{
	struct author *author;

	LF_MAP_FOREACH (author, &publish->authors) {
		LF_LIST_FOREACH (node, &author->publications) {
			const struct publication *p =
				LF_CONTAINER_OF(node, struct publication, node);

			if (!p->is_removed)
				show(p, fn, arg);
		}
	}
}

/* ---- for a restart ---- */

static void write_one(struct lf_ledger_entry *entry, struct lf_buf *out,
		      void *arg)
{
	const struct publication *p =
		LF_CONTAINER_OF(entry, struct publication, entry);
	struct lf_report r;

	lf_brief_get(&p->brief, &r);
	lf_buf_addf(out, "1 %s %s %lld %u %u %u %u %u %u %u %u\n", p->event,
		    p->etag,
		    (long long)(lf_wall_ms() + p->ends_ms - lf_mono_ms()),
		    p->answer_s, r.knows, r.line, r.rich, r.is_dnd, r.is_idle,
		    r.voicemails_new, r.voicemails_old);
	/* No text has a line end: they come from headers and trimmed XML. */
	lf_buf_addf(out, "%s\n%s\n%s\n", p->author->id, p->from,
		    p->said_by ? p->said_by : "");
	lf_buf_addf(out, "%s\n%s", r.peer, r.message);
}

struct record {
	char event[32], etag[ETAG_SIZE];
	long long ends_ms;
	unsigned answer_s, knows, line, rich, is_dnd, is_idle, fresh, old;
	const char *id, *from, *said_by, *peer, *message;
};

static int parse_record(struct record *r, char *text)
{
	const char **const fields[] = {&r->id, &r->from, &r->said_by, &r->peer,
				       &r->message};
	char *line = strsep(&text, "\n");

	if (!text ||
	    sscanf(line, "1 %31s %16s %lld %u %u %u %u %u %u %u %u", r->event,
		   r->etag, &r->ends_ms, &r->answer_s, &r->knows, &r->line,
		   &r->rich, &r->is_dnd, &r->is_idle, &r->fresh, &r->old) != 11)
		return -EINVAL;
	for (size_t i = 0; i < 5; i++) {
		if (!text)
			return -EINVAL;
		/* The message is last, and may hold anything. */
		*fields[i] = i < 4 ? strsep(&text, "\n") : text;
	}
	return r->line <= LF_TEL_OFFLINE && r->rich <= LF_RICH_OFFLINE
		       ? 0
		       : -EINVAL;
}

static int fill(struct publication *p, const struct record *r)
{
	struct lf_report one = {
		.cond = LF_COND_OK,
		.knows = (uint8_t)r->knows,
		.line = (uint8_t)r->line,
		.rich = (uint8_t)r->rich,
		.is_dnd = r->is_dnd,
		.is_idle = r->is_idle,
		.voicemails_new = (uint16_t)r->fresh,
		.voicemails_old = (uint16_t)r->old,
	};

	lf_text_copy(one.peer, sizeof(one.peer), r->peer);
	lf_text_copy(one.message, sizeof(one.message), r->message);
	memcpy(p->etag, r->etag, sizeof(p->etag));
	p->answer_s = r->answer_s;
	p->said_by = strdup(r->said_by);
	return p->said_by ? lf_brief_set(&p->brief, &one) : -ENOMEM;
}

static void restore(struct lf_publish *publish, const struct record *r)
{
	struct lf_agent *agent = publish->agent;
	int64_t left_ms = r->ends_ms - lf_wall_ms();
	const char *event = find_event(r->event);
	struct author *author;
	struct publication *p;

	if (left_ms > (int64_t)agent->most_s * 1000)
		left_ms = (int64_t)agent->most_s * 1000; /* the clock moved */
	if (!event || left_ms <= 0 ||
	    !lf_user_find(agent->parts.directory, r->id))
		return;
	author = author_of(publish, r->id);
	if (!author)
		return;
	p = publication_new(author, event, r->from);
	if (!p || fill(p, r) || lf_ledger_add(publish->ledger, &p->entry)) {
		if (p)
			publication_free(p);
		forget_author(author);
		return;
	}
	p->ends_ms = lf_mono_ms() + left_ms;
	lf_timer_start(agent->parts.timers, &p->timer, left_ms);
	report(author);
}

static void read_one(const char *data, size_t len, void *arg)
{
	struct record r;
	char *text = strndup(data, len);

	if (text && !parse_record(&r, text))
		restore(arg, &r);
	free(text);
}

static void on_ready(void *arg)
{
}

/* ---- life ---- */

int lf_publish_open(struct lf_publish **ret, struct lf_agent *agent)
{
	static const struct lf_ledger_ops ledger_ops = {write_one, read_one,
							on_ready};
	struct lf_publish *publish = calloc(1, sizeof(*publish));
	int feed, err;

	if (!publish)
		return -ENOMEM;
	publish->agent = agent;
	lf_random(&publish->serial, sizeof(publish->serial));
	feed = lf_board_add_feed(agent->parts.board, &feed_ops, "publish",
				 LF_FEED_SIP, publish);
	if (feed < 0) {
		free(publish);
		return feed;
	}
	publish->feed = feed;
	err = lf_ledger_open(&publish->ledger, agent->parts.timers,
			     agent->parts.store, "publication", &ledger_ops,
			     publish);
	if (err) {
		lf_board_remove_feed(agent->parts.board, feed);
		free(publish);
		return err;
	}
	*ret = publish;
	return 0;
}

void lf_publish_close(struct lf_publish *publish)
{
	struct author *author;

	if (!publish)
		return;
	lf_ledger_close(publish->ledger);
	publish->ledger = NULL;
	lf_board_remove_feed(publish->agent->parts.board, publish->feed);
	LF_MAP_FOREACH (author, &publish->authors) {
		LF_LIST_FOREACH_SAFE (node, &author->publications)
			publication_free(LF_CONTAINER_OF(
				node, struct publication, node));
		free(author);
	}
	lf_map_done(&publish->authors);
	free(publish);
}
