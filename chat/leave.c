/*
 * chat/leave.c - how members leave and change places: quit, leave, drop,
 * owner change, the end of a conference; and the wrap-up after it.
 */
#include "chat/engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static void tell_quit(struct lf_chat_contact *c, struct lf_chat_agent *a)
{
	struct lf_buf *b =
		lf_chat_begin(c->engine, "notification", "agentQuitChat");

	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_reasons(b, c, false);
	lf_chat_end_to(c->engine, a->peer);
}

enum lf_chat_error lf_chat_on_quit(struct lf_chat_peer *peer,
				   struct lf_chat_contact *c, json_t *body)
{
	struct lf_chat_member *m = lf_chat_member_find(c, peer->agent), *heir;

	if (!m)
		return LF_CHAT_UNKNOWN;
	if (m->mode != LF_CHAT_OWNER) {
		tell_quit(c, peer->agent);
		lf_chat_room_remove(m, NULL, "left");
		return LF_CHAT_OK;
	}
	heir = lf_chat_room_heir(c);
	if (!heir) {
		lf_chat_room_end(c, m);
		return LF_CHAT_OK;
	}
	tell_quit(c, peer->agent);
	lf_chat_withdraw(c, "cancelled");
	lf_chat_room_inherit(m, heir);
	return LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_leave(struct lf_chat_peer *peer,
				    struct lf_chat_contact *c, json_t *body)
{
	struct lf_chat_member *m = lf_chat_member_find(c, peer->agent);

	if (!m)
		return LF_CHAT_UNKNOWN;
	if (m->mode == LF_CHAT_OWNER)
		return LF_CHAT_DENIED;
	lf_chat_room_remove(m, "left room", "left");
	return LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_drop(struct lf_chat_peer *peer,
				   struct lf_chat_contact *c, json_t *body)
{
	const struct lf_chat_member *me = lf_chat_member_find(c, peer->agent);
	const char *id = json_string_value(
		json_object_get(json_object_get(body, "ext"), "agentId"));
	unsigned n = 0;

	if (!me)
		return LF_CHAT_UNKNOWN;
	if (me->mode != LF_CHAT_OWNER)
		return LF_CHAT_DENIED;
	LF_LIST_FOREACH_SAFE (node, &c->members) {
		struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		if (!lf_chat_is_passive(m->mode) ||
		    (id && strcmp(id, m->agent->id) != 0))
			continue;
		lf_chat_room_remove(m, "dropped by conference owner",
				    "dropped");
		n++;
	}
	return n ? LF_CHAT_OK : LF_CHAT_STATE;
}

static struct lf_chat_member *next_owner(const struct lf_chat_contact *c,
					 const char *id)
{
	struct lf_chat_member *m;

	if (!id) {
		m = lf_chat_room_first(c, LF_CHAT_CONFERENCE);
		return m ? m : lf_chat_room_first(c, LF_CHAT_DISPLACED);
	}
	LF_LIST_FOREACH (node, &c->members) {
		m = LF_CONTAINER_OF(node, struct lf_chat_member, in_room);
		if (!strcmp(m->agent->id, id) &&
		    (m->mode == LF_CHAT_CONFERENCE ||
		     m->mode == LF_CHAT_DISPLACED))
			return m;
	}
	return NULL;
}

enum lf_chat_error lf_chat_on_owner(struct lf_chat_peer *peer,
				    struct lf_chat_contact *c, json_t *body)
{
	struct lf_chat_member *me = lf_chat_member_find(c, peer->agent), *next;
	const char *id = json_string_value(
		json_object_get(json_object_get(body, "ext"), "newOwner"));

	if (!me)
		return LF_CHAT_UNKNOWN;
	if (me->mode != LF_CHAT_OWNER)
		return LF_CHAT_DENIED;
	next = next_owner(c, id);
	if (!next)
		return LF_CHAT_STATE;
	me->mode = me->before = LF_CHAT_CONFERENCE;
	lf_chat_room_set_owner(next);
	lf_chat_room_update(c, "ownerChanged", next->agent->id);
	return LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_conference_close(struct lf_chat_peer *peer,
					       struct lf_chat_contact *c,
					       json_t *body)
{
	struct lf_chat_member *m = lf_chat_member_find(c, peer->agent);

	if (!m)
		return LF_CHAT_UNKNOWN;
	if (m->mode != LF_CHAT_OWNER)
		return LF_CHAT_DENIED;
	lf_chat_room_end(c, m);
	return LF_CHAT_OK;
}

/* ---- wrap-up ---- */

static bool is_reason(const struct lf_chat_contact *c, const json_t *code)
{
	const struct lf_chat_config *config = c->engine->config;
	size_t i;

	if (!json_is_number(code))
		return !config->reason_required || !config->n_reasons;
	for (i = 0; i < config->n_reasons; i++)
		if (config->reasons[i].code ==
			    (int64_t)json_number_value(code) &&
		    lf_chat_reason_fits(&config->reasons[i], c->skillset))
			return true;
	return false;
}

static void note(struct lf_chat_contact *c, const struct lf_chat_agent *a)
{
	struct lf_chat_effect *effect =
		lf_chat_effect(c->engine, LF_CHAT_NOTE, c->guid);

	if (!effect)
		return;
	effect->code = (int)c->reason_code;
	if (lf_chat_set_text(&effect->id, a->id) ||
	    lf_chat_set_text(&effect->note, c->note))
		c->engine->is_out_of_memory = true;
}

static void mail(struct lf_chat_contact *c)
{
	if (c->is_mailed || !c->engine->config->email_log || !c->who.email ||
	    !strchr(c->who.email, '@'))
		return;
	c->is_mailed = true;
	if (c->is_transcribed)
		lf_chat_effect(c->engine, LF_CHAT_MAIL, c->guid);
	else
		c->wants_mail = true;
}

static bool take_reason(struct lf_chat_contact *c,
			const struct lf_chat_agent *a, const json_t *body)
{
	const json_t *code = json_object_get(body, "closedReasonCode");

	if (!c || c->state != LF_CHAT_WRAPUP || c->has_reason || !c->owner_id ||
	    strcmp(c->owner_id, a->id) != 0 || !is_reason(c, code) ||
	    lf_chat_set_text(&c->note, json_string_value(json_object_get(
					       body, "agentNote"))) ||
	    lf_chat_set_text(&c->reason_by, a->id))
		return false;
	c->has_reason = true;
	c->reason_code =
		json_is_number(code) ? (int64_t)json_number_value(code) : -1;
	return true;
}

/* A contact that is complete is gone: its number alone is remembered. */
enum lf_chat_error lf_chat_on_reason(struct lf_chat_peer *peer,
				     struct lf_chat_contact *unused,
				     json_t *body)
{
	struct lf_chat_engine *e = peer->engine;
	int64_t guid = lf_chat_guid(body, "guid");
	struct lf_chat_contact *c = lf_chat_contact_find(e, guid);
	bool is_accepted = take_reason(c, peer->agent, body);
	struct lf_buf *b;

	if (!c && guid > e->last_guid)
		return LF_CHAT_UNKNOWN;
	b = lf_chat_begin(e, "notification", "agentSetClosedReason");
	lf_chat_add_int(b, "guid", guid);
	lf_chat_add_bool(b, "accepted", is_accepted);
	lf_chat_end_to(e, peer);
	if (!is_accepted)
		return LF_CHAT_OK;
	note(c, peer->agent);
	if (json_is_true(json_object_get(body, "sendTranscript")))
		mail(c);
	lf_chat_contact_complete(c);
	return LF_CHAT_OK;
}
