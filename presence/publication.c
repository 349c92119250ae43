/*
 * presence/publication.c - the publications, their time, and their life beyond
 * a restart.
 */
#include "presence/publication.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/secret.h"
#include "core/text.h"
#include "directory/user.h"
#include "presence/agent_internal.h"
#include "presence/board.h"
#include "presence/compose.h"
#include "presence/feed.h"
#include "presence/publish.h"
#include "presence/report.h"

#include "core/banned.h"

#define TOMBSTONE_MS 32000 /* RFC 3261: a copy comes no later */

/* ---- what they say together ---- */

static void report(struct lf_publish *publish, struct lf_person *person,
		   const struct lf_list *publications)
{
	struct lf_report sum = {.cond = LF_COND_NOT_CONFIGURED}, one;

	LF_LIST_FOREACH (node, publications) {
		const struct lf_publication *p =
			LF_CONTAINER_OF(node, struct lf_publication, node);

		if (p->is_removed)
			continue;
		lf_brief_get(&p->brief, &one);
		lf_compose(&sum, &one);
		sum.cond = LF_COND_OK;
	}
	sum.at_ms = lf_mono_ms();
	sum.layers = LF_KNOWS_RICH | (sum.knows & LF_KNOWS_LINE);
	lf_board_report(publish->agent->parts.board, person, publish->feed,
			&sum);
}

static void tell_board(struct lf_author *author)
{
	struct lf_publish *publish = author->publish;
	struct lf_person *person = lf_board_watched(publish->agent->parts.board,
						    publish->feed, author->id);

	if (person)
		report(publish, person, &author->publications);
}

/* ---- authors ---- */

struct lf_author *lf_author_of(struct lf_publish *publish, const char *id)
{
	struct lf_author *author = lf_map_find(&publish->authors, id);
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

void lf_author_release(struct lf_author *author)
{
	if (!lf_list_is_empty(&author->publications))
		return;
	lf_map_del(&author->publish->authors, author->id);
	free(author);
}

/* Most persons never publish anything: nothing is kept of who looks. */
static int on_watch(void *feed, struct lf_person *person, void **ret_watch)
{
	struct lf_publish *publish = feed;
	struct lf_author *author =
		lf_map_find(&publish->authors, lf_person_user(person)->id);
	struct lf_list none;

	lf_list_init(&none);
	report(publish, person, author ? &author->publications : &none);
	return 0;
}

static void on_unwatch(void *feed, struct lf_person *person, void *watch)
{
}

static void on_update(void *feed, struct lf_person *person, void *watch)
{
}

static const struct lf_feed_ops feed_ops = {on_watch, on_unwatch, on_update};

/* ---- publications ---- */

void lf_publication_free(struct lf_publication *p)
{
	struct lf_publish *publish = p->author->publish;

	lf_timer_stop(publish->agent->parts.timers, &p->timer);
	lf_list_del(&p->node);
	if (!p->is_removed)
		publish->count--;
	if (publish->ledger)
		lf_ledger_remove(publish->ledger, &p->entry);
	lf_brief_done(&p->brief);
	free(p);
}

static void on_expired(struct lf_timer *timer, void *arg)
{
	struct lf_publication *p = arg;
	struct lf_author *author = p->author;
	bool is_removed = p->is_removed;

	lf_publication_free(p);
	if (!is_removed)
		tell_board(author);
	lf_author_release(author);
}

struct lf_publication *lf_publication_new(struct lf_author *author,
					  const char *event, const char *from)
{
	size_t len = strlen(from) + 1;
	struct lf_publication *p = calloc(1, sizeof(*p) + len);

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
static void new_etag(struct lf_publish *publish, char out[LF_ETAG_SIZE])
{
	uint64_t serial = ++publish->serial;

	snprintf(out, LF_ETAG_SIZE, "%016" PRIx64,
		 lf_hash(publish->key, &serial, sizeof(serial)));
}

static void save(struct lf_publication *p)
{
	struct lf_ledger *ledger = p->author->publish->ledger;

	if (p->is_removed)
		lf_ledger_remove(ledger, &p->entry);
	else if (p->entry.place)
		lf_ledger_touch(ledger, &p->entry);
	else
		lf_ledger_add(ledger, &p->entry); /* else it is not saved */
}

int lf_publication_set(struct lf_publication *p, const struct lf_report *report,
		       uint32_t expires_s)
{
	struct lf_publish *publish = p->author->publish;
	int64_t life_ms = (int64_t)expires_s * 1000;
	struct lf_brief brief = {0};

	if ((report && lf_brief_set(&brief, report)) ||
	    lf_timer_start(publish->agent->parts.timers, &p->timer,
			   expires_s ? life_ms : TOMBSTONE_MS)) {
		lf_brief_done(&brief);
		return -ENOMEM;
	}
	if (report) {
		lf_brief_done(&p->brief);
		p->brief = brief;
	}
	p->answer_s = expires_s;
	new_etag(publish, p->etag);
	if (!expires_s && !p->is_removed) {
		p->is_removed = true;
		publish->count--;
	}
	p->ends_ms = lf_mono_ms() + life_ms;
	save(p);
	if (report || p->is_removed)
		tell_board(p->author);
	return 0;
}

/* ---- looking in ---- */

size_t lf_publish_count(const struct lf_publish *publish)
{
	return publish ? publish->count : 0;
}

static void show(const struct lf_publication *p, lf_agent_publication_fn *fn,
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
	struct lf_author *author;

	LF_MAP_FOREACH (author, &publish->authors) {
		LF_LIST_FOREACH (node, &author->publications) {
			const struct lf_publication *p = LF_CONTAINER_OF(
				node, struct lf_publication, node);

			if (!p->is_removed)
				show(p, fn, arg);
		}
	}
}

/* ---- for a restart ---- */

static void write_one(struct lf_ledger_entry *entry, struct lf_buf *out,
		      void *arg)
{
	const struct lf_publication *p =
		LF_CONTAINER_OF(entry, struct lf_publication, entry);
	struct lf_report r;

	lf_brief_get(&p->brief, &r);
	lf_buf_addf(out, "2 %s %s %" PRIx64 " %lld %u %u %u %u %u %u %u %u\n",
		    p->event, p->etag, p->said_by,
		    (long long)(lf_wall_ms() + p->ends_ms - lf_mono_ms()),
		    p->answer_s, r.knows, r.line, r.rich, r.is_dnd, r.is_idle,
		    r.voicemails_new, r.voicemails_old);
	/* No text has a line end: they come from headers and trimmed XML. */
	lf_buf_addf(out, "%s\n%s\n%s\n%s", p->author->id, p->from, r.peer,
		    r.message);
}

struct record {
	char event[32], etag[LF_ETAG_SIZE];
	uint64_t said_by;
	long long ends_ms;
	unsigned answer_s, knows, line, rich, is_dnd, is_idle, fresh, old;
	const char *id, *from, *peer, *message;
};

static int parse_record(struct record *r, char *text)
{
	const char **const fields[] = {&r->id, &r->from, &r->peer, &r->message};
	const size_t last = 3;
	char *line = strsep(&text, "\n");

	if (!text ||
	    sscanf(line, "2 %31s %16s %" SCNx64 " %lld %u %u %u %u %u %u %u %u",
		   r->event, r->etag, &r->said_by, &r->ends_ms, &r->answer_s,
		   &r->knows, &r->line, &r->rich, &r->is_dnd, &r->is_idle,
		   &r->fresh, &r->old) != 12)
		return -EINVAL;
	for (size_t i = 0; i <= last; i++) {
		if (!text)
			return -EINVAL;
		/* The message is last, and may hold anything. */
		*fields[i] = i < last ? strsep(&text, "\n") : text;
	}
	return r->line <= LF_TEL_OFFLINE && r->rich <= LF_RICH_OFFLINE
		       ? 0
		       : -EINVAL;
}

static int fill(struct lf_publication *p, const struct record *r)
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
	p->said_by = r->said_by;
	return lf_brief_set(&p->brief, &one);
}

const char *lf_publication_event(const char *event)
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

static void restore(struct lf_publish *publish, const struct record *r)
{
	struct lf_agent *agent = publish->agent;
	int64_t left_ms = r->ends_ms - lf_wall_ms();
	const char *event = lf_publication_event(r->event);
	struct lf_author *author;
	struct lf_publication *p;

	if (left_ms > (int64_t)agent->most_s * 1000)
		left_ms = (int64_t)agent->most_s * 1000; /* the clock moved */
	if (!event || left_ms <= 0 ||
	    !lf_user_find(agent->parts.directory, r->id))
		return;
	author = lf_author_of(publish, r->id);
	if (!author)
		return;
	p = lf_publication_new(author, event, r->from);
	if (!p || fill(p, r) || lf_ledger_add(publish->ledger, &p->entry) ||
	    lf_timer_start(agent->parts.timers, &p->timer, left_ms)) {
		if (p)
			lf_publication_free(p);
		lf_author_release(author);
		return;
	}
	p->ends_ms = lf_mono_ms() + left_ms;
	tell_board(author);
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
	lf_random(publish->key, sizeof(publish->key));
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
	struct lf_author *author;

	if (!publish)
		return;
	lf_ledger_close(publish->ledger);
	publish->ledger = NULL;
	lf_board_remove_feed(publish->agent->parts.board, publish->feed);
	LF_MAP_FOREACH (author, &publish->authors) {
		LF_LIST_FOREACH_SAFE (node, &author->publications)
			lf_publication_free(LF_CONTAINER_OF(
				node, struct lf_publication, node));
		free(author);
	}
	lf_map_done(&publish->authors);
	free(publish);
}
