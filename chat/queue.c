/*
 * chat/queue.c - one queue per skillset: places, positions, waits (S148,
 * S209). A contact that is offered keeps its place until it is answered.
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static struct lf_chat_queue *queue_new(struct lf_chat_engine *e,
				       const char *skillset)
{
	struct lf_chat_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	lf_list_init(&q->contacts);
	q->skillset = strdup(skillset);
	if (!q->skillset || lf_map_add(&e->queue_by_skillset, q->skillset, q)) {
		free(q->skillset);
		free(q);
		return NULL;
	}
	return q;
}

void lf_chat_queues_done(struct lf_chat_engine *e)
{
	struct lf_chat_queue *q;

	LF_MAP_FOREACH (q, &e->queue_by_skillset) {
		free(q->answers);
		free(q->skillset);
		free(q);
	}
	lf_map_done(&e->queue_by_skillset);
}

static void insert(struct lf_chat_queue *q, struct lf_chat_contact *c)
{
	struct lf_list *at = q->contacts.prev;

	while (at != &q->contacts &&
	       LF_CONTAINER_OF(at, struct lf_chat_contact, in_queue)->place >
		       c->place)
		at = at->prev;
	/* Behind `at`: before the one that follows it. */
	lf_list_add_tail(at->next, &c->in_queue);
	q->count++;
}

/* The contact's place says where. */
int lf_chat_queue_enter(struct lf_chat_contact *c, const char *skillset)
{
	struct lf_chat_engine *e = c->engine;
	struct lf_chat_queue *q = lf_map_find(&e->queue_by_skillset, skillset);

	if (!q)
		q = queue_new(e, skillset);
	if (!q || lf_chat_set_text(&c->skillset, skillset))
		return -ENOMEM;
	c->queue = q;
	c->state = LF_CHAT_QUEUED;
	insert(q, c);
	lf_chat_route(e);
	lf_chat_contact_dirty(c);
	return 0;
}

void lf_chat_queue_leave(struct lf_chat_contact *c)
{
	if (!c->queue)
		return;
	c->queue->count--;
	c->queue = NULL;
	c->has_ewt = false;
	lf_list_del(&c->in_queue);
}

size_t lf_chat_queue_count(const struct lf_chat_engine *e, const char *skillset)
{
	const struct lf_chat_queue *q =
		lf_map_find(&e->queue_by_skillset, skillset);

	return q ? q->count : 0;
}

bool lf_chat_queue_is_full(const struct lf_chat_engine *e,
			   const struct lf_chat_skillset *s)
{
	return s->max_queued &&
	       lf_chat_queue_count(e, s->name) >= s->max_queued;
}

static bool is_external(const struct lf_chat_contact *c)
{
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(c->engine->config, c->skillset);

	return s && s->has_external_ewt;
}

static int64_t rank(const struct lf_chat_contact *c)
{
	int64_t n = 1;

	for (const struct lf_list *at = c->in_queue.prev;
	     at != &c->queue->contacts; at = at->prev)
		n++;
	return n;
}

int64_t lf_chat_queue_position(const struct lf_chat_contact *c)
{
	if (!c->queue)
		return 0;
	if (is_external(c))
		return c->has_ewt ? c->ewt_place : 0;
	return rank(c);
}

/* Mean time between the last answers; NULL skillset or none yet: default. */
static double mean_ms(const struct lf_chat_queue *q,
		      const struct lf_chat_skillset *s)
{
	unsigned n = q->n_answers, first, last;

	if (n < 2)
		return (s ? s->ewt_default_s : 60) * 1000.0;
	last = (q->next_answer + q->cap_answers - 1) % q->cap_answers;
	first = (q->next_answer + q->cap_answers - n) % q->cap_answers;
	return (double)(q->answers[last] - q->answers[first]) / (n - 1);
}

int64_t lf_chat_queue_wait_s(const struct lf_chat_contact *c)
{
	const struct lf_chat_skillset *s;
	double wait_ms;

	if (!c->queue)
		return 0;
	if (is_external(c))
		return c->has_ewt ? c->ewt_s : 0;
	s = lf_chat_config_skillset(c->engine->config, c->skillset);
	wait_ms = (double)rank(c) * mean_ms(c->queue, s);
	if (wait_ms > 86400000.0 * 1000)
		return 86400000;
	return (int64_t)(wait_ms / 1000 + 0.5);
}

/* The ring holds one time more than the samples between them. */
static int resize(struct lf_chat_queue *q, unsigned cap)
{
	int64_t *answers;

	if (q->cap_answers == cap)
		return 0;
	answers = calloc(cap, sizeof(*answers));
	if (!answers)
		return -ENOMEM;
	free(q->answers);
	q->answers = answers;
	q->cap_answers = cap;
	q->n_answers = q->next_answer = 0;
	return 0;
}

void lf_chat_queue_answered(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;
	struct lf_chat_queue *q = c->queue;
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(e->config, c->skillset);

	if (!q || resize(q, (s ? s->ewt_samples : 20) + 1))
		return;
	q->answers[q->next_answer] = e->mono_ms;
	q->next_answer = (q->next_answer + 1) % q->cap_answers;
	if (q->n_answers < q->cap_answers)
		q->n_answers++;
}

int lf_chat_set_ewt(struct lf_chat_engine *e, int64_t guid, int64_t ewt_s,
		    int64_t place)
{
	struct lf_chat_contact *c = lf_chat_contact_find(e, guid);

	if (!c || !c->queue)
		return -ENOENT;
	c->has_ewt = true;
	c->ewt_s = ewt_s;
	c->ewt_place = place;
	lf_chat_contact_dirty(c);
	return 0;
}
