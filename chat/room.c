/*
 * chat/room.c - the members of a room: modes, who is told of whom, and how
 * the room ends. Exactly one of them is the owner while it is open.
 */
#include "chat/engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

const char *lf_chat_user_type(enum lf_chat_mode mode)
{
	switch (mode) {
	case LF_CHAT_OWNER:
		return "active_participant";
	case LF_CHAT_OBSERVE:
		return "supervisor_observe";
	case LF_CHAT_CONFERENCE:
	case LF_CHAT_CONSULT:
	case LF_CHAT_DISPLACED:
		break;
	}
	return "passive_participant";
}

const char *lf_chat_mode_name(enum lf_chat_mode mode)
{
	static const char *const names[] = {"owner", "conference", "consult",
					    "displaced", "observe"};

	return names[mode];
}

bool lf_chat_is_passive(enum lf_chat_mode mode)
{
	return mode != LF_CHAT_OWNER && mode != LF_CHAT_OBSERVE;
}

bool lf_chat_may_say(enum lf_chat_mode mode, enum lf_chat_kind kind)
{
	if (mode == LF_CHAT_OWNER || mode == LF_CHAT_CONFERENCE)
		return true;
	return mode != LF_CHAT_OBSERVE && kind == LF_CHAT_WHISPER;
}

/* ---- members ---- */

struct lf_chat_member *lf_chat_member_find(const struct lf_chat_contact *c,
					   const struct lf_chat_agent *a)
{
	LF_LIST_FOREACH (node, &c->members) {
		struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (m->agent == a)
			return m;
	}
	return NULL;
}

struct lf_chat_member *lf_chat_room_first(const struct lf_chat_contact *c,
					  enum lf_chat_mode mode)
{
	LF_LIST_FOREACH (node, &c->members) {
		struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (m->mode == mode)
			return m;
	}
	return NULL;
}

unsigned lf_chat_room_count(const struct lf_chat_contact *c,
			    enum lf_chat_mode mode)
{
	unsigned n = 0;

	LF_LIST_FOREACH (node, &c->members)
		n += LF_CONTAINER_OF(node, struct lf_chat_member, in_room)
			     ->mode == mode;
	return n;
}

struct lf_chat_member *lf_chat_room_owner(const struct lf_chat_contact *c)
{
	return lf_chat_room_first(c, LF_CHAT_OWNER);
}

struct lf_chat_member *lf_chat_member_new(struct lf_chat_contact *c,
					  struct lf_chat_agent *a,
					  enum lf_chat_mode mode)
{
	struct lf_chat_member *m;

	if (c->n_members >= LF_CHAT_ROOM_MEMBERS)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->contact = c;
	m->agent = a;
	m->mode = mode;
	m->before = mode;
	m->joined_ms = c->engine->wall_ms;
	lf_list_add_tail(&c->members, &m->in_room);
	lf_list_add_tail(&a->members, &m->in_agent);
	c->n_members++;
	lf_chat_agent_moved(a);
	return m;
}

void lf_chat_member_free(struct lf_chat_member *m)
{
	struct lf_chat_agent *a = m->agent;

	if (lf_chat_agent_load(a) == 1)
		a->idle_since = ++a->engine->turns;
	m->contact->n_members--;
	lf_chat_route(a->engine);
	lf_list_del(&m->in_room);
	lf_list_del(&m->in_agent);
	free(m);
	lf_chat_agent_moved(a);
	if (lf_list_is_empty(&a->members))
		a->wants_break = a->wants_break && !a->is_ready;
}

/* ---- telling ---- */

void lf_chat_room_tell(struct lf_chat_contact *c,
		       const struct lf_chat_agent *but,
		       struct lf_chat_text *text)
{
	LF_LIST_FOREACH (node, &c->members) {
		const struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (m->agent != but)
			lf_chat_send(c->engine, m->agent->peer, text, 0, 0);
	}
	lf_chat_text_unref(text);
}

/* Our extension: one text for all who asked for it. */
void lf_chat_room_update(struct lf_chat_contact *c, const char *cause,
			 const char *agent)
{
	struct lf_chat_text *text = NULL;
	struct lf_buf *b;

	LF_LIST_FOREACH (node, &c->members) {
		const struct lf_chat_member *to =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (!(to->agent->features & LF_CHAT_ROOMS) || !to->agent->peer)
			continue;
		if (text) {
			lf_chat_send(c->engine, to->agent->peer, text, 0, 0);
			continue;
		}
		b = lf_chat_begin(c->engine, "notification", "ext.roomUpdate");
		lf_chat_add_int(b, "guid", c->guid);
		lf_chat_add_text(b, "cause", cause);
		lf_chat_add_text(b, "agentId", agent);
		lf_chat_add_open(b, "participants", '[');
		LF_LIST_FOREACH (at, &c->members) {
			const struct lf_chat_member *m = LF_CONTAINER_OF(
				at, struct lf_chat_member, in_room);

			lf_chat_add_open(b, NULL, '{');
			lf_chat_add_text(b, "agentId", m->agent->id);
			lf_chat_add_text(b, "userType",
					 lf_chat_user_type(m->mode));
			lf_chat_add_text(b, "mode", lf_chat_mode_name(m->mode));
			lf_chat_add_bool(b, "connected", m->agent->peer);
			lf_buf_addc(b, '}');
		}
		lf_buf_addc(b, ']');
		text = lf_chat_end(c->engine);
		lf_chat_send(c->engine, to->agent->peer, text, 0, 0);
	}
	lf_chat_text_unref(text);
}

/* What the customer may know: numberOfParticipants and participants. */
static void add_list(struct lf_buf *b, const struct lf_chat_contact *c)
{
	char name[LF_CHAT_SHOWN_SIZE];
	int64_t n = 0;

	LF_LIST_FOREACH (node, &c->members)
		n += LF_CONTAINER_OF(node, struct lf_chat_member, in_room)
			     ->is_shown;
	lf_chat_add_int(b, "numberOfParticipants", n);
	lf_chat_add_open(b, "participants", '[');
	LF_LIST_FOREACH (node, &c->members) {
		const struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (!m->is_shown)
			continue;
		lf_chat_agent_label(c->engine, m->agent->id, name,
				    sizeof(name));
		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, "id", m->agent->id);
		lf_chat_add_text(b, "name", name);
		lf_chat_add_text(b, "type", lf_chat_user_type(m->mode));
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, ']');
}

void lf_chat_tell_joined_to_customer(struct lf_chat_contact *c,
				     struct lf_chat_member *m)
{
	char name[LF_CHAT_SHOWN_SIZE];
	struct lf_buf *b;

	if (!c->peer)
		return;
	lf_chat_agent_label(c->engine, m->agent->id, name, sizeof(name));
	b = lf_chat_begin(c->engine, "notification", "newParticipant");
	lf_chat_add_text(b, "agentId", m->agent->id);
	lf_chat_add_text(b, "displayName", name);
	lf_chat_add_text(b, "role", lf_chat_user_type(m->mode));
	add_list(b, c);
	lf_chat_end_to(c->engine, c->peer);
}

static bool may_be_shown(const struct lf_chat_member *m)
{
	const struct lf_chat_config *config = m->contact->engine->config;

	if (m->mode == LF_CHAT_OBSERVE)
		return config->tell_observe;
	return m->mode != LF_CHAT_CONSULT || config->tell_consult;
}

void lf_chat_room_show(struct lf_chat_member *m)
{
	if (m->is_shown || !may_be_shown(m))
		return;
	m->is_shown = true;
	lf_chat_tell_joined_to_customer(m->contact, m);
}

void lf_chat_tell_leave(struct lf_chat_contact *c, const char *agent,
			bool is_end)
{
	struct lf_buf *b;

	if (!c->peer)
		return;
	b = lf_chat_begin(c->engine, "notification", "participantLeave");
	lf_chat_add_text(b, "agentId", agent);
	lf_chat_add_bool(b, "endChatFlag", is_end);
	if (is_end) {
		lf_chat_add_int(b, "numberOfParticipants", 0);
		lf_chat_add_open(b, "participants", '[');
		lf_buf_addc(b, ']');
	} else {
		add_list(b, c);
	}
	lf_chat_end_to(c->engine, c->peer);
}

void lf_chat_tell_exit(struct lf_chat_contact *c, struct lf_chat_agent *a,
		       const char *scenario)
{
	struct lf_buf *b = lf_chat_begin(c->engine, "notification", "exitRoom");

	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "agentId", a->id);
	lf_chat_add_text(b, "scenario", scenario);
	lf_chat_end_to(c->engine, a->peer);
}

void lf_chat_room_joined(struct lf_chat_member *m)
{
	struct lf_chat_contact *c = m->contact;
	struct lf_chat_engine *e = c->engine;
	struct lf_buf *b;

	lf_chat_tell_details(c, m->agent);
	b = lf_chat_begin(e, "notification", "activeAgentNotification");
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "agentId", m->agent->id);
	lf_chat_add_text(b, "userType", lf_chat_user_type(m->mode));
	lf_chat_room_tell(c, m->agent, lf_chat_end(e));
	lf_chat_room_update(c, "joined", m->agent->id);
	lf_chat_room_show(m);
	lf_chat_contact_dirty(c);
}

/* ---- leaving ---- */

void lf_chat_room_remove(struct lf_chat_member *m, const char *scenario,
			 const char *cause)
{
	struct lf_chat_contact *c = m->contact;
	struct lf_chat_agent *a = m->agent;
	bool was_shown = m->is_shown;

	if (scenario)
		lf_chat_tell_exit(c, a, scenario);
	lf_chat_member_free(m);
	if (was_shown)
		lf_chat_tell_leave(c, a->id, false);
	if (cause)
		lf_chat_room_update(c, cause, a->id);
	lf_chat_contact_dirty(c);
}

void lf_chat_room_set_owner(struct lf_chat_member *m)
{
	struct lf_chat_contact *c = m->contact;
	struct lf_buf *b;

	m->mode = LF_CHAT_OWNER;
	m->before = LF_CHAT_OWNER;
	lf_chat_set_text(&c->owner_id, m->agent->id);
	b = lf_chat_begin(c->engine, "notification", "changeConferenceOwner");
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "newOwner", m->agent->id);
	lf_chat_room_tell(c, NULL, lf_chat_end(c->engine));
	lf_chat_contact_dirty(c);
}

void lf_chat_room_empty(struct lf_chat_contact *c, const char *scenario)
{
	while (!lf_list_is_empty(&c->members)) {
		struct lf_chat_member *m = LF_CONTAINER_OF(
			c->members.next, struct lf_chat_member, in_room);

		if (scenario)
			lf_chat_tell_exit(c, m->agent, scenario);
		lf_chat_member_free(m);
	}
	lf_chat_contact_dirty(c);
}

/* Displaced members are what they were before the barge again. */
static void undo_barge(struct lf_chat_contact *c)
{
	LF_LIST_FOREACH (node, &c->members) {
		struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (m->mode == LF_CHAT_DISPLACED)
			m->mode = m->before == LF_CHAT_OWNER
					  ? LF_CHAT_CONFERENCE
					  : m->before;
	}
}

/* The first conference member, else who owned the room before a barge. */
struct lf_chat_member *lf_chat_room_heir(struct lf_chat_contact *c)
{
	struct lf_chat_member *heir = lf_chat_room_first(c, LF_CHAT_CONFERENCE);

	if (heir)
		return heir;
	LF_LIST_FOREACH (node, &c->members) {
		struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (m->mode == LF_CHAT_DISPLACED &&
		    m->before == LF_CHAT_OWNER) {
			heir = m;
			break;
		}
	}
	if (!heir)
		heir = lf_chat_room_first(c, LF_CHAT_DISPLACED);
	if (heir)
		undo_barge(c);
	return heir;
}

/* The owner leaves for good; its heir takes over. */
void lf_chat_room_inherit(struct lf_chat_member *owner,
			  struct lf_chat_member *heir)
{
	struct lf_chat_contact *c = owner->contact;
	struct lf_chat_agent *a = owner->agent;
	bool was_shown = owner->is_shown;

	lf_chat_member_free(owner);
	lf_chat_room_set_owner(heir);
	lf_chat_room_show(heir);
	if (was_shown)
		lf_chat_tell_leave(c, a->id, false);
	lf_chat_room_update(c, "left", a->id);
}

void lf_chat_room_end(struct lf_chat_contact *c, struct lf_chat_member *last)
{
	struct lf_chat_agent *a = last->agent;
	struct lf_chat_peer *customer = c->peer;
	struct lf_buf *b;

	lf_chat_tell_leave(c, a->id, true);
	lf_chat_close_peer(c->engine, customer, 1000);
	b = lf_chat_begin(c->engine, "notification", "agentQuitChat");
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_reasons(b, c, true);
	lf_chat_end_to(c->engine, a->peer);
	lf_chat_member_free(last);
	lf_chat_room_empty(c, "conference closed by owner");
	lf_chat_contact_wrap_up(c);
}

/* All have been removed; whoever waits longest there is served first. */
void lf_chat_room_back_to_queue(struct lf_chat_contact *c, const char *skillset,
				bool at_head)
{
	struct lf_chat_engine *e = c->engine;

	lf_chat_comfort_stop(c);
	lf_chat_stop(e, &c->idle);
	c->place = at_head ? --e->first_place : ++e->last_place;
	c->told_lost = false;
	c->queued_ms = e->wall_ms;
	if (lf_chat_queue_enter(c, skillset))
		e->is_out_of_memory = true;
}
