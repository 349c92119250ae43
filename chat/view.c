/* chat/view.c - the engine's state as plain values, for lampctl. */
#include "chat/view.h"

#include <errno.h>

#include "chat/internal.h"
#include "core/clock.h"

#include "core/banned.h"

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* The node after the cursor; NULL at the end. */
static struct lf_list *step(const struct lf_list *head, const void **cursor)
{
	const struct lf_list *at = *cursor ? *cursor : head;

	if (at->next == head)
		return NULL;
	*cursor = at->next;
	return at->next;
}

/* ---- queues ---- */

static void view_waiting(const struct lf_chat_engine *e,
			 struct lf_chat_queue_view *v)
{
	const struct lf_chat_queue *q =
		lf_map_find(&e->queue_by_skillset, v->skillset);
	int64_t oldest_ms = INT64_MAX;

	if (!q)
		return;
	LF_LIST_FOREACH (node, &q->contacts) {
		const struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, in_queue);

		if (c->offered_to)
			v->alerting++;
		else
			v->waiting++;
		if (c->queued_ms < oldest_ms)
			oldest_ms = c->queued_ms;
	}
	if (oldest_ms != INT64_MAX)
		v->oldest_s = (lf_wall_ms() - oldest_ms) / 1000;
}

static void view_servers(const struct lf_chat_engine *e,
			 struct lf_chat_queue_view *v)
{
	LF_LIST_FOREACH (node, &e->agents) {
		const struct lf_chat_agent *a =
			LF_CONTAINER_OF(node, struct lf_chat_agent, node);
		const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

		if (def && lf_chat_list_has(def->skillsets, v->skillset) &&
		    a->peer && a->is_ready && lf_chat_agent_has_room(a))
			v->ready_agents++;
	}
}

bool lf_chat_queue_next(const struct lf_chat *chat, size_t *i,
			struct lf_chat_queue_view *ret)
{
	const struct lf_chat_config *config = chat->engine->config;
	const struct lf_chat_skillset *s;

	while (*i < config->n_skillsets && config->skillsets[*i].is_outbound)
		++*i;
	if (*i >= config->n_skillsets)
		return false;
	s = &config->skillsets[(*i)++];
	*ret = (struct lf_chat_queue_view){
		.skillset = s->name,
		.queue_id = s->queue_id,
		.is_open = lf_chat_skillset_is_open(s),
		.agents = lf_chat_agents_for(chat->engine, s->name),
		.max_queued = s->max_queued,
	};
	view_waiting(chat->engine, ret);
	view_servers(chat->engine, ret);
	return true;
}

/* ---- contacts ---- */

static const char *state_name(const struct lf_chat_contact *c)
{
	static const char *const names[] = {
		[LF_CHAT_QUEUED] = "queued",
		[LF_CHAT_ACTIVE] = "active",
		[LF_CHAT_WRAPUP] = "wrapUp",
		[LF_CHAT_COMPLETED] = "completed",
	};

	if (c->state == LF_CHAT_QUEUED && c->offered_to)
		return "offered";
	return names[c->state];
}

static void view_contact(const struct lf_chat_contact *c,
			 struct lf_chat_contact_view *ret)
{
	const struct lf_chat_member *owner = lf_chat_room_owner(c);

	*ret = (struct lf_chat_contact_view){
		.guid = c->guid,
		.state = state_name(c),
		.skillset = or_empty(c->skillset),
		.name = or_empty(c->who.name),
		.email = or_empty(c->who.email),
		.device = or_empty(c->device),
		.is_connected = c->peer != NULL,
		.owner = owner ? owner->agent->id : or_empty(c->owner_id),
		.offered_to = c->offered_to ? c->offered_to->id : "",
		.position = lf_chat_queue_position(c),
		.wait_s = c->queue ? (lf_wall_ms() - c->queued_ms) / 1000 : 0,
		.begun_ms = c->begun_ms,
		.closed_ms = c->closed_ms,
		.messages = c->n_posts,
		.members = c->n_members,
		.transfers = c->transfers,
		.unanswered = c->unanswered,
	};
}

bool lf_chat_contact_next(const struct lf_chat *chat, const void **cursor,
			  struct lf_chat_contact_view *ret)
{
	struct lf_list *node = step(&chat->engine->contacts, cursor);

	if (!node)
		return false;
	view_contact(LF_CONTAINER_OF(node, struct lf_chat_contact, node), ret);
	return true;
}

int lf_chat_contact_view(const struct lf_chat *chat, int64_t guid,
			 struct lf_chat_contact_view *ret)
{
	const struct lf_chat_contact *c =
		lf_chat_contact_find(chat->engine, guid);

	if (!c)
		return -ENOENT;
	view_contact(c, ret);
	return 0;
}

bool lf_chat_member_next(const struct lf_chat *chat, int64_t guid,
			 const void **cursor, struct lf_chat_member_view *ret)
{
	const struct lf_chat_contact *c =
		lf_chat_contact_find(chat->engine, guid);
	struct lf_list *node = c ? step(&c->members, cursor) : NULL;
	const struct lf_chat_member *m;

	if (!node)
		return false;
	m = LF_CONTAINER_OF(node, struct lf_chat_member, in_room);
	*ret = (struct lf_chat_member_view){
		.agent = m->agent->id,
		.mode = lf_chat_mode_name(m->mode),
		.joined_ms = m->joined_ms,
		.is_connected = m->agent->peer != NULL,
		.is_shown = m->is_shown,
	};
	return true;
}

/* ---- agents ---- */

static size_t count(const struct lf_list *list)
{
	size_t n = 0;

	LF_LIST_FOREACH (node, list)
		n++;
	return n;
}

bool lf_chat_agent_next(const struct lf_chat *chat, const void **cursor,
			struct lf_chat_agent_view *ret)
{
	struct lf_list *node = step(&chat->engine->agents, cursor);
	const struct lf_chat_agent_def *def;
	const struct lf_chat_agent *a;

	if (!node)
		return false;
	a = LF_CONTAINER_OF(node, struct lf_chat_agent, node);
	def = lf_chat_agent_def(a);
	*ret = (struct lf_chat_agent_view){
		.agent = a->id,
		.state = !a->peer      ? "lost"
			 : a->is_ready ? "ready"
				       : "notReady",
		.skillsets = def ? def->skillsets : "",
		.is_busy = a->is_busy,
		.rooms = count(&a->members),
		.alerting = count(&a->offers),
		.max_contacts = def ? def->max_contacts : 0,
	};
	return true;
}
