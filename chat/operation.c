/*
 * chat/operation.c - operationRequest: transfers, consultation, conference,
 * barge (protocol, 6.3). What may not be done is success:false, no error.
 */
#include "chat/engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

/* One operation: `what` is destinationId, "" if null. */
struct operation {
	struct lf_chat_contact *contact;
	struct lf_chat_agent *agent;
	struct lf_chat_member *member; /* NULL: not in the room */
	const char *what, *reason;
};

static void answer(const struct operation *op, bool is_done)
{
	struct lf_chat_engine *e = op->agent->engine;
	struct lf_buf *b = lf_chat_begin(e, "notification", "operationRequest");

	lf_chat_add_int(b, "guid", op->contact->guid);
	lf_chat_add_bool(b, "success", is_done);
	lf_chat_end_to(e, op->agent->peer);
}

static bool is_owner(const struct operation *op)
{
	return op->member && op->member->mode == LF_CHAT_OWNER;
}

/* After a transfer the one who left is ready, unless it asked not to be. */
static void free_agent(struct lf_chat_agent *a)
{
	if (!a->wants_break)
		lf_chat_agent_ready(a, true, "transferComplete");
}

/* The owner and all others leave; the customer waits again. */
static void leave_all(const struct operation *op, const char *skillset)
{
	struct lf_chat_contact *c = op->contact;

	lf_chat_withdraw(c, "cancelled");
	lf_chat_member_free(op->member);
	lf_chat_room_empty(c, "transferred");
	lf_chat_tell_leave(c, op->agent->id, false);
	lf_chat_room_back_to_queue(c, skillset, false);
	lf_chat_set_text(&c->reason, op->reason);
}

static bool to_queue(struct operation *op)
{
	struct lf_chat_engine *e = op->agent->engine;
	const struct lf_chat_agent_def *def = lf_chat_agent_def(op->agent);
	const struct lf_chat_skillset *s =
		lf_chat_config_destination(e->config, op->what);

	if (!is_owner(op) || !e->config->transfer_to_skillset || !def ||
	    !def->may_transfer_to_skillset || !lf_chat_skillset_is_open(s) ||
	    !lf_chat_agents_for(e, s->name) || lf_chat_queue_is_full(e, s))
		return false;
	answer(op, true);
	leave_all(op, s->name);
	free_agent(op->agent);
	return true;
}

static void hand_over(struct operation *op, struct lf_chat_member *to)
{
	struct lf_chat_contact *c = op->contact;

	answer(op, true);
	c->transfers++;
	lf_chat_withdraw(c, "cancelled");
	lf_chat_set_text(&c->reason, op->reason);
	lf_chat_room_inherit(op->member, to);
	lf_chat_room_update(c, "transferCompleted", to->agent->id);
	free_agent(op->agent);
}

static bool to_agent(struct operation *op)
{
	struct lf_chat_engine *e = op->agent->engine;
	struct lf_chat_agent *a = lf_chat_agent_find(e, op->what);
	struct lf_chat_contact *c = op->contact;
	struct lf_chat_member *m = a ? lf_chat_member_find(c, a) : NULL;
	char *skillset;

	if (!is_owner(op) || !a || a == op->agent ||
	    !e->config->transfer_to_agent ||
	    c->transfers >= e->config->max_transfers)
		return false;
	if (m &&
	    (m->mode == LF_CHAT_CONSULT || m->mode == LF_CHAT_CONFERENCE)) {
		hand_over(op, m);
		return true;
	}
	skillset = m || !lf_chat_agent_has_room(a) ? NULL : strdup(c->skillset);
	if (!skillset)
		return false;
	answer(op, true);
	c->transfers++;
	leave_all(op, skillset);
	free(skillset);
	if (c->peer &&
	    lf_chat_offer(c, a, LF_CHAT_OFFER_TRANSFER, op->agent->id))
		e->is_out_of_memory = true;
	free_agent(op->agent);
	return true;
}

/* The owner, those who talk with it, and nobody who is only asked. */
static unsigned talkers(const struct lf_chat_contact *c)
{
	return lf_chat_room_count(c, LF_CHAT_OWNER) +
	       lf_chat_room_count(c, LF_CHAT_CONFERENCE) +
	       lf_chat_room_count(c, LF_CHAT_CONSULT);
}

static bool invite(struct operation *op, enum lf_chat_offer_kind kind)
{
	struct lf_chat_engine *e = op->agent->engine;
	struct lf_chat_agent *a = lf_chat_agent_find(e, op->what);
	struct lf_chat_contact *c = op->contact;

	if (!is_owner(op) || !a || a == op->agent || c->offer ||
	    lf_chat_member_find(c, a) || !lf_chat_agent_has_room(a) ||
	    lf_chat_room_first(c, LF_CHAT_CONSULT) ||
	    talkers(c) >= e->config->max_conference ||
	    c->n_members >= LF_CHAT_ROOM_MEMBERS)
		return false;
	/* After one conference there is no further consultation (S199). */
	if (c->conferred && !strcmp(c->conferred, op->agent->id))
		return false;
	answer(op, true);
	lf_chat_set_text(&c->reason, op->reason);
	if (lf_chat_offer(c, a, kind, op->agent->id))
		e->is_out_of_memory = true;
	return true;
}

static bool consult(struct operation *op)
{
	return invite(op, LF_CHAT_OFFER_CONSULT);
}

static bool confer(struct operation *op)
{
	struct lf_chat_contact *c = op->contact;
	struct lf_chat_agent *a =
		lf_chat_agent_find(op->agent->engine, op->what);
	struct lf_chat_member *m = a ? lf_chat_member_find(c, a) : NULL;

	if (!m)
		return invite(op, LF_CHAT_OFFER_CONFERENCE);
	if (!is_owner(op) || m->mode != LF_CHAT_CONSULT ||
	    lf_chat_set_text(&c->conferred, op->agent->id))
		return false;
	answer(op, true);
	m->mode = m->before = LF_CHAT_CONFERENCE;
	lf_chat_agent_moved(m->agent);
	lf_chat_room_show(m);
	lf_chat_room_update(c, "conferenceCompleted", a->id);
	lf_chat_contact_dirty(c);
	return true;
}

static void displace(struct lf_chat_contact *c, struct lf_chat_member *but)
{
	LF_LIST_FOREACH (node, &c->members) {
		struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (m == but || m->mode == LF_CHAT_OBSERVE ||
		    m->mode == LF_CHAT_DISPLACED)
			continue;
		m->before = m->mode;
		m->mode = LF_CHAT_DISPLACED;
	}
}

static bool barge(struct operation *op)
{
	struct lf_chat_contact *c = op->contact;
	const struct lf_chat_agent_def *def = lf_chat_agent_def(op->agent);
	struct lf_chat_engine *e = op->agent->engine;
	struct lf_buf *b;

	if (!op->member || op->member->mode != LF_CHAT_OBSERVE || !def ||
	    !def->may_observe || !def->may_barge ||
	    lf_chat_set_text(&c->owner_id, op->agent->id))
		return false;
	answer(op, true);
	lf_chat_withdraw(c, "cancelled");
	displace(c, op->member);
	op->member->mode = op->member->before = LF_CHAT_OWNER;
	b = lf_chat_begin(e, "notification", "supervisorBarge");
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "supervisorId", op->agent->id);
	lf_chat_room_tell(c, op->agent, lf_chat_end(e));
	lf_chat_room_update(c, "barge", op->agent->id);
	op->member->is_shown = false;
	lf_chat_room_show(op->member);
	lf_chat_contact_dirty(c);
	return true;
}

/* Lenient: joining is agentJoinRoom's affair, this only says if one may. */
static bool observe(struct operation *op)
{
	if (!lf_chat_may_observe(op->contact, op->agent))
		return false;
	answer(op, true);
	return true;
}

enum lf_chat_error lf_chat_on_operation(struct lf_chat_peer *peer,
					struct lf_chat_contact *c, json_t *body)
{
	static const struct {
		const char *name;
		bool (*run)(struct operation *op);
		bool is_for_strangers;
	} kinds[] = {
		{"queue", to_queue, false},  {"agent", to_agent, false},
		{"consult", consult, false}, {"conference", confer, false},
		{"barge", barge, true},      {"observe", observe, true},
	};
	const char *type =
		json_string_value(json_object_get(body, "destinationType"));
	const char *what =
		json_string_value(json_object_get(body, "destinationId"));
	struct operation op = {
		.contact = c,
		.agent = peer->agent,
		.member = lf_chat_member_find(c, peer->agent),
		.what = what ? what : "",
		.reason = json_string_value(json_object_get(
			json_object_get(body, "ext"), "transferReason")),
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, type) != 0)
			continue;
		if (!op.member && !kinds[i].is_for_strangers)
			return LF_CHAT_UNKNOWN;
		if (!kinds[i].run(&op))
			answer(&op, false);
		return LF_CHAT_OK;
	}
	return LF_CHAT_INVALID;
}
