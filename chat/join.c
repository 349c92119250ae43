/*
 * chat/join.c - agents enter rooms: as owner, in consultation, observing.
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <string.h>

#include "core/banned.h"

static int own(struct lf_chat_contact *c, struct lf_chat_agent *a)
{
	struct lf_chat_engine *e = c->engine;
	struct lf_chat_member *m = lf_chat_member_new(c, a, LF_CHAT_OWNER);

	if (!m || lf_chat_set_text(&c->owner_id, a->id)) {
		if (m)
			lf_chat_member_free(m);
		return -ENOMEM;
	}
	lf_chat_withdraw(c, NULL);
	lf_chat_queue_answered(c);
	lf_chat_queue_leave(c);
	c->state = LF_CHAT_ACTIVE;
	if (!c->begun_ms)
		c->begun_ms = e->wall_ms;
	a->last_guid = c->guid;
	/* Whoever joins from outside finds a lost customer lost. */
	c->told_lost = !c->peer;
	lf_chat_room_joined(m);
	lf_chat_welcome(c);
	lf_chat_comfort_resume(c);
	lf_chat_idle_restart(c);
	return 0;
}

static int enter(struct lf_chat_contact *c, struct lf_chat_agent *a,
		 enum lf_chat_mode mode)
{
	struct lf_chat_member *m = lf_chat_member_new(c, a, mode);

	if (!m)
		return -ENOMEM;
	if (mode != LF_CHAT_OBSERVE)
		lf_chat_withdraw(c, NULL);
	a->last_guid = c->guid;
	lf_chat_room_joined(m);
	return 0;
}

int lf_chat_join(struct lf_chat_contact *c, struct lf_chat_agent *a)
{
	struct lf_chat_member *owner;

	switch (c->offer) {
	case LF_CHAT_OFFER_QUEUE:
	case LF_CHAT_OFFER_TRANSFER:
		return own(c, a);
	case LF_CHAT_OFFER_CONSULT:
		return enter(c, a, LF_CHAT_CONSULT);
	case LF_CHAT_OFFER_CONFERENCE:
		owner = lf_chat_room_owner(c);
		if (owner && lf_chat_set_text(&c->conferred, owner->agent->id))
			return -ENOMEM;
		return enter(c, a, LF_CHAT_CONFERENCE);
	case LF_CHAT_OFFER_NONE:
		break;
	}
	return -EPERM;
}

/* Clients that know no offers were given the contact's number outside. */
static bool may_take(const struct lf_chat_contact *c,
		     const struct lf_chat_agent *a)
{
	const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

	return c->state == LF_CHAT_QUEUED && !c->offer && def &&
	       !(a->features & LF_CHAT_OFFERS) &&
	       def->offer_mode == LF_CHAT_OFFER_EXTERNAL &&
	       lf_chat_list_has(def->skillsets, c->skillset);
}

static bool supervises(const struct lf_chat_contact *c,
		       const struct lf_chat_agent *a)
{
	LF_LIST_FOREACH (node, &c->members) {
		const struct lf_chat_agent_def *def = lf_chat_agent_def(
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room)
				->agent);

		if (def && !strcmp(def->supervisor, a->id))
			return true;
	}
	return false;
}

bool lf_chat_may_observe(const struct lf_chat_contact *c,
			 const struct lf_chat_agent *a)
{
	const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

	return def && def->may_observe && c->state == LF_CHAT_ACTIVE &&
	       supervises(c, a);
}

static enum lf_chat_error join_active(struct lf_chat_contact *c,
				      struct lf_chat_agent *a)
{
	bool is_offered =
		c->offered_to == a && (c->offer == LF_CHAT_OFFER_QUEUE ||
				       c->offer == LF_CHAT_OFFER_TRANSFER);

	if (!is_offered && !may_take(c, a))
		return c->state == LF_CHAT_ACTIVE || c->offered_to == a
			       ? LF_CHAT_DENIED
			       : LF_CHAT_UNKNOWN;
	return own(c, a) ? LF_CHAT_INTERNAL : LF_CHAT_OK;
}

static enum lf_chat_error join_consult(struct lf_chat_contact *c,
				       struct lf_chat_agent *a)
{
	int err;

	if (c->offered_to != a || c->offer < LF_CHAT_OFFER_CONSULT)
		return c->offered_to == a ? LF_CHAT_DENIED : LF_CHAT_UNKNOWN;
	err = lf_chat_join(c, a);
	return err ? LF_CHAT_INTERNAL : LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_join(struct lf_chat_peer *peer,
				   struct lf_chat_contact *c, json_t *body)
{
	const char *type = json_string_value(json_object_get(body, "joinType"));
	struct lf_chat_agent *a = peer->agent;

	if (lf_chat_member_find(c, a)) {
		lf_chat_tell_details(c, a);
		return LF_CHAT_OK;
	}
	if (!strcmp(type, "active"))
		return join_active(c, a);
	if (!strcmp(type, "consult"))
		return join_consult(c, a);
	if (!lf_chat_may_observe(c, a))
		return LF_CHAT_DENIED;
	if (c->n_members >= LF_CHAT_ROOM_MEMBERS)
		return LF_CHAT_STATE;
	return enter(c, a, LF_CHAT_OBSERVE) ? LF_CHAT_INTERNAL : LF_CHAT_OK;
}
