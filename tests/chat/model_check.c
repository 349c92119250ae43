/* tests/chat/model_check.c - what must always be true of a chat centre. */
#include "tests/chat/model.h"

#include <string.h>

#include "core/banned.h"

static void check_room(const struct lf_chat_contact *c)
{
	unsigned owners = lf_chat_room_count(c, LF_CHAT_OWNER), n = 0;

	assert_int_equal(c->state == LF_CHAT_ACTIVE ? 1 : 0, owners);
	LF_LIST_FOREACH (node, &c->members) {
		const struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		assert_ptr_equal(c, m->contact);
		assert_ptr_equal(m, lf_chat_member_find(c, m->agent));
		n++;
	}
	assert_int_equal(n, c->n_members);
	assert_true(n <= LF_CHAT_ROOM_MEMBERS);
	if (c->state != LF_CHAT_ACTIVE)
		assert_int_equal(0, n);
}

static void check_offer(const struct lf_chat_contact *c)
{
	bool is_listed = false;

	if (!c->offer) {
		assert_null(c->offered_to);
		return;
	}
	assert_non_null(c->offered_to);
	LF_LIST_FOREACH (node, &c->offered_to->offers)
		is_listed |= LF_CONTAINER_OF(node, struct lf_chat_contact,
					     in_offers) == c;
	assert_true(is_listed);
	if (c->offer >= LF_CHAT_OFFER_CONSULT)
		assert_int_equal(LF_CHAT_ACTIVE, c->state);
	else
		assert_int_equal(LF_CHAT_QUEUED, c->state);
	/* Nobody alerts for a customer who is not there. */
	if (c->state == LF_CHAT_QUEUED)
		assert_non_null(c->peer);
}

static void check_posts(const struct lf_chat_contact *c)
{
	unsigned unanswered = 0, by_agents = 0;
	size_t i;

	for (i = 0; i < c->n_posts; i++) {
		const struct lf_chat_post *p = c->posts[i];

		assert_int_equal(i + 1, p->seq);
		if (p->kind == LF_CHAT_NORMAL && p->agent) {
			by_agents++;
			unanswered = 0;
		} else if (p->kind == LF_CHAT_NORMAL) {
			unanswered++;
		}
	}
	if (!c->n_posts)
		return;
	assert_int_equal(by_agents, c->agent_posts);
	assert_int_equal(unanswered, c->unanswered);
	assert_int_equal(c->last_seq, c->n_posts);
	assert_true(c->sent_seq <= c->last_seq);
}

static void check_customer(const struct lf_chat_contact *c)
{
	if (c->peer) {
		assert_false(c->is_closed);
		assert_ptr_equal(c, c->peer->contact);
	}
	if (c->state == LF_CHAT_WRAPUP || c->state == LF_CHAT_COMPLETED)
		assert_true(c->is_closed);
	else
		assert_false(c->is_closed);
	assert_int_equal(c->state == LF_CHAT_QUEUED, c->queue != NULL);
}

static void check_queues(const struct lf_chat_engine *e)
{
	struct lf_chat_queue *q;

	LF_MAP_FOREACH (q, &e->queue_by_skillset) {
		int64_t last = INT64_MIN;
		size_t n = 0;

		LF_LIST_FOREACH (node, &q->contacts) {
			const struct lf_chat_contact *c = LF_CONTAINER_OF(
				node, struct lf_chat_contact, in_queue);

			assert_ptr_equal(q, c->queue);
			assert_string_equal(q->skillset, c->skillset);
			assert_true(c->place > last);
			last = c->place;
			n++;
			if (!c->has_ewt)
				assert_int_equal(n, lf_chat_queue_position(c));
		}
		assert_int_equal(n, q->count);
	}
}

/* As many open sessions as are counted for each e-mail address. */
static void check_identities(const struct lf_chat_engine *e)
{
	LF_LIST_FOREACH (node, &e->contacts) {
		const struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);
		unsigned n = 0;

		if (!c->identity)
			continue;
		LF_LIST_FOREACH (at, &e->contacts) {
			const struct lf_chat_contact *d = LF_CONTAINER_OF(
				at, struct lf_chat_contact, node);

			n += d->identity && !d->is_closed &&
			     !strcmp(c->identity, d->identity);
		}
		assert_int_equal(n, lf_chat_identity_chats(e, c->identity));
	}
}

static void check_agents(const struct lf_chat_engine *e)
{
	LF_LIST_FOREACH (node, &e->agents) {
		const struct lf_chat_agent *a =
			LF_CONTAINER_OF(node, struct lf_chat_agent, node);

		if (!a->peer) {
			assert_false(a->is_ready);
			assert_true(lf_list_is_empty(&a->offers));
		} else {
			assert_ptr_equal(a, a->peer->agent);
		}
	}
}

/* Ready agents with room and customers who wait do not go together. */
static void check_routing(const struct lf_chat_engine *e)
{
	LF_LIST_FOREACH (node, &e->contacts) {
		const struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);

		if (c->state != LF_CHAT_QUEUED || c->offer || !c->peer)
			continue;
		LF_LIST_FOREACH (at, &e->agents) {
			const struct lf_chat_agent *a =
				LF_CONTAINER_OF(at, struct lf_chat_agent, node);
			const struct lf_chat_agent_def *def =
				lf_chat_agent_def(a);

			assert_false(
				a->features & LF_CHAT_OFFERS &&
				lf_chat_agent_has_room(a) && def &&
				lf_chat_list_has(def->skillsets, c->skillset));
		}
	}
}

/* What is stored is what is in memory, and each row is of one post. */
static void check_rows(const struct rig *rig)
{
	size_t rows = 0;

	LF_LIST_FOREACH (node, &rig->engine->contacts) {
		const struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);
		int64_t last = 0;

		for (size_t i = 0; i < c->n_posts; i++) {
			assert_true(c->posts[i]->row > last);
			last = c->posts[i]->row;
			rows++;
		}
		assert_true(last <= rig->engine->last_row);
	}
	assert_int_equal(rows, rig->rows);
}

void model_check(struct rig *rig)
{
	const struct lf_chat_engine *e = rig->engine;
	size_t n = 0;

	LF_LIST_FOREACH (node, &e->contacts) {
		const struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);

		check_room(c);
		check_offer(c);
		check_posts(c);
		check_customer(c);
		assert_ptr_equal(c, lf_chat_contact_find(e, c->guid));
		assert_true(c->guid <= e->last_guid);
		n++;
	}
	assert_int_equal(n, e->n_contacts);
	check_queues(e);
	check_identities(e);
	check_rows(rig);
	check_agents(e);
	check_routing(e);
}
