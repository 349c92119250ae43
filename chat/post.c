/*
 * chat/post.c - what is said in a room: kept in order, stored, shown.
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define POST_COST 160 /* what a short one takes, its texts aside */

void lf_chat_post_free(struct lf_chat_post *p)
{
	if (!p)
		return;
	free(p->agent);
	free(p->name);
	free(p->text);
	free(p->destination);
	free(p);
}

void lf_chat_posts_free(struct lf_chat_contact *c)
{
	size_t i;

	for (i = 0; i < c->n_posts; i++)
		lf_chat_post_free(c->posts[i]);
	free(c->posts);
	c->posts = NULL;
	c->n_posts = c->cap_posts = c->post_bytes = 0;
}

int lf_chat_set_text(char **text, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

struct lf_chat_post *lf_chat_post_at(const struct lf_chat_contact *c,
				     int64_t seq)
{
	size_t n = c->n_posts;

	/* The last seq is the last post's, and there are no gaps. */
	if (seq > c->last_seq || seq <= c->last_seq - (int64_t)n)
		return NULL;
	return c->posts[n - 1 - (size_t)(c->last_seq - seq)];
}

/* Room for one more. */
static int reserve(struct lf_chat_contact *c)
{
	size_t cap = c->cap_posts ? c->cap_posts * 2 : 8;
	struct lf_chat_post **posts;

	if (c->n_posts < c->cap_posts)
		return 0;
	posts = realloc(c->posts, cap * sizeof(*posts));
	if (!posts)
		return -ENOMEM;
	c->posts = posts;
	c->cap_posts = cap;
	return 0;
}

struct lf_chat_post *lf_chat_post_new(struct lf_chat_contact *c,
				      enum lf_chat_kind kind, const char *agent,
				      const char *text, const char *destination)
{
	char name[LF_CHAT_SHOWN_SIZE];
	struct lf_chat_post *p;

	if (c->n_posts >= LF_CHAT_ROOM_POSTS ||
	    c->post_bytes + strlen(text) > LF_CHAT_ROOM_BYTES || reserve(c))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	if (agent)
		lf_chat_agent_name(c->engine, agent, name, sizeof(name));
	else
		lf_chat_customer_name(c, name, sizeof(name));
	p->kind = kind;
	p->wall_ms = c->engine->wall_ms;
	if (lf_chat_set_text(&p->agent, agent) ||
	    lf_chat_set_text(&p->name, name) ||
	    lf_chat_set_text(&p->text, text) ||
	    lf_chat_set_text(&p->destination, destination)) {
		lf_chat_post_free(p);
		return NULL;
	}
	return p;
}

/* Whispers, welcome and comfort messages never count. */
void lf_chat_post_count(struct lf_chat_contact *c, const struct lf_chat_post *p)
{
	if (p->kind != LF_CHAT_NORMAL)
		return;
	if (p->agent) {
		c->agent_posts++;
		c->unanswered = 0;
		c->last_out_ms = p->wall_ms;
	} else {
		c->unanswered++;
		c->last_in_ms = p->wall_ms;
	}
}

static void keep(struct lf_chat_contact *c, struct lf_chat_post *p)
{
	c->posts[c->n_posts++] = p;
	c->post_bytes += strlen(p->text) + POST_COST;
	lf_chat_post_count(c, p);
}

static void show(struct lf_chat_contact *c, const struct lf_chat_post *p,
		 const struct lf_chat_agent *sender)
{
	struct lf_chat_text *text;

	if (p->agent && p->kind != LF_CHAT_WHISPER && c->peer) {
		text = lf_chat_post_to_customer(c, p);
		lf_chat_send(c->engine, c->peer, text, c->guid, p->seq);
		lf_chat_text_unref(text);
	}
	if (!lf_list_is_empty(&c->members))
		lf_chat_room_tell(c, sender, lf_chat_post_to_agents(c, p));
}

void lf_chat_rows_drop(struct lf_chat_engine *e, int64_t *rows, size_t n)
{
	struct lf_chat_effect *drop =
		n ? lf_chat_effect(e, LF_CHAT_DROP_POSTS, 0) : NULL;

	if (!drop) { /* the next start finds them */
		free(rows);
		return;
	}
	drop->rows = rows;
	drop->n_rows = n;
}

void lf_chat_posts_drop(struct lf_chat_contact *c)
{
	int64_t *rows = calloc(c->n_posts + 1, sizeof(*rows));
	size_t i, n = 0;

	for (i = 0; i < c->n_posts; i++) {
		if (rows && c->posts[i]->row)
			rows[n++] = c->posts[i]->row;
		c->posts[i]->row = 0;
	}
	if (rows)
		lf_chat_rows_drop(c->engine, rows, n);
	else
		c->engine->is_out_of_memory = true;
}

void lf_chat_post_add(struct lf_chat_contact *c, struct lf_chat_post *p)
{
	const struct lf_chat_agent *sender = NULL;
	struct lf_chat_effect *save;

	p->seq = ++c->last_seq;
	p->row = ++c->engine->last_row;
	keep(c, p);
	save = lf_chat_effect(c->engine, LF_CHAT_SAVE_POST, c->guid);
	if (save)
		save->seq = p->seq;
	/* What the server says for the owner, the owner sees too. */
	if (p->agent && p->kind != LF_CHAT_COMFORT &&
	    p->kind != LF_CHAT_WELCOME)
		sender = lf_chat_agent_find(c->engine, p->agent);
	show(c, p, sender);
}

int lf_chat_post_restore(struct lf_chat_contact *c, struct lf_chat_post *p,
			 int64_t sent)
{
	if (p->seq <= c->last_seq)
		return -EEXIST;
	if (reserve(c))
		return -ENOMEM;
	c->last_seq = p->seq;
	if (p->row > c->engine->last_row)
		c->engine->last_row = p->row;
	if (sent > c->sent_seq)
		c->sent_seq = sent;
	keep(c, p);
	return 0;
}

void lf_chat_post_sent(struct lf_chat_engine *e, int64_t guid, int64_t seq)
{
	struct lf_chat_contact *c = lf_chat_contact_find(e, guid);

	e->posts_out++;
	if (!c || seq <= c->sent_seq)
		return;
	c->sent_seq = seq;
	if (!lf_list_is_empty(&c->sent_dirty))
		return;
	c->sent_ms = e->mono_ms;
	lf_list_add_tail(&e->sent_dirty, &c->sent_dirty);
}

void lf_chat_save_sent(struct lf_chat_engine *e, int64_t age_ms)
{
	LF_LIST_FOREACH_SAFE (node, &e->sent_dirty) {
		struct lf_chat_contact *c = LF_CONTAINER_OF(
			node, struct lf_chat_contact, sent_dirty);

		if (e->mono_ms - c->sent_ms < age_ms)
			return;
		lf_list_del(node);
		lf_chat_effect(e, LF_CHAT_SAVE_SENT, c->guid);
	}
}
