/*
 * chat/saved.c - contacts and agents as JSON text and back, and what becomes
 * of them after a restart: everybody's connection counts as just lost
 * (protocol, section 10).
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

#include "core/banned.h"

#define FORMAT 1

/* ---- writing ---- */

static void add_members(struct lf_buf *b, const struct lf_chat_contact *c)
{
	lf_chat_add_open(b, "members", '[');
	LF_LIST_FOREACH (node, &c->members) {
		const struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, "agent", m->agent->id);
		lf_chat_add_int(b, "mode", m->mode);
		lf_chat_add_int(b, "before", m->before);
		lf_chat_add_bool(b, "shown", m->is_shown);
		lf_chat_add_int(b, "joined", m->joined_ms);
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, ']');
}

void lf_chat_contact_write(const struct lf_chat_contact *c, struct lf_buf *b)
{
	lf_buf_addc(b, '{');
	lf_chat_add_int(b, "format", FORMAT);
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "key", c->key);
	lf_chat_add_int(b, "state", c->state);
	lf_chat_add_bool(b, "closed", c->is_closed);
	lf_chat_add_text(b, "device", c->device);
	lf_chat_add_bool(b, "transcript", c->wants_transcript);
	lf_chat_add_text(b, "skillset", c->skillset);
	lf_chat_add_int(b, "place", c->place);
	lf_chat_add_int(b, "queued", c->queued_ms);
	lf_chat_add_int(b, "sent", c->sent_seq);
	lf_chat_add_int(b, "previous", (int64_t)c->previous);
	lf_chat_add_text(b, "reason", c->reason);
	lf_chat_add_bool(b, "welcomed", c->was_welcomed);
	lf_chat_add_int(b, "transfers", c->transfers);
	lf_chat_add_text(b, "conferred", c->conferred);
	lf_chat_add_text(b, "owner", c->owner_id);
	lf_chat_add_int(b, "begun", c->begun_ms);
	lf_chat_add_int(b, "ended", c->closed_ms);
	lf_chat_add_bool(b, "has_reason", c->has_reason);
	lf_chat_add_int(b, "reason_code", c->reason_code);
	lf_chat_add_text(b, "reason_by", c->reason_by);
	lf_chat_add_text(b, "note", c->note);
	lf_chat_add_bool(b, "mailed", c->is_mailed);
	lf_chat_add_bool(b, "wants_mail", c->wants_mail);
	lf_chat_add_bool(b, "transcribed", c->is_transcribed);
	lf_chat_add_bool(b, "has_ewt", c->has_ewt);
	lf_chat_add_int(b, "ewt", c->ewt_s);
	lf_chat_add_int(b, "ewt_place", c->ewt_place);
	lf_chat_add_intrinsics(b, c);
	add_members(b, c);
	lf_buf_addc(b, '}');
}

void lf_chat_agent_write(const struct lf_chat_agent *a, struct lf_buf *b)
{
	lf_buf_addc(b, '{');
	lf_chat_add_text(b, "id", a->id);
	lf_buf_addc(b, '}');
}

/* ---- reading ---- */

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int64_t int_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool is_yes(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

int lf_chat_agent_restore(struct lf_chat_engine *e, const char *data,
			  size_t len)
{
	struct lf_chat_agent *a;
	const char *id;
	json_t *json;
	int err;

	err = lf_json_parse_lenient(&json, data, len);
	if (err)
		return err;
	id = text_of(json, "id");
	err = id ? lf_chat_agent_new(&a, e, id) : -EPROTO;
	json_decref(json);
	if (!err)
		a->is_restored = true;
	return err;
}

static int read_who(struct lf_chat_contact *c, const json_t *who)
{
	const json_t *custom = json_object_get(who, "customFields");

	if (lf_chat_set_text(&c->who.email, text_of(who, "email")) ||
	    lf_chat_set_text(&c->who.name, text_of(who, "name")) ||
	    lf_chat_set_text(&c->who.country, text_of(who, "country")) ||
	    lf_chat_set_text(&c->who.area, text_of(who, "area")) ||
	    lf_chat_set_text(&c->who.phone, text_of(who, "phoneNumber")) ||
	    lf_chat_set_text(&c->first_skillset, text_of(who, "skillset")))
		return -ENOMEM;
	c->who.custom =
		json_is_array(custom) ? json_deep_copy(custom) : json_array();
	c->identity = lf_chat_identity_of(c->who.email);
	return c->who.custom && c->first_skillset ? 0 : -EPROTO;
}

static int read_texts(struct lf_chat_contact *c, const json_t *json)
{
	if (lf_chat_set_text(&c->device, text_of(json, "device")) ||
	    lf_chat_set_text(&c->skillset, text_of(json, "skillset")) ||
	    lf_chat_set_text(&c->reason, text_of(json, "reason")) ||
	    lf_chat_set_text(&c->conferred, text_of(json, "conferred")) ||
	    lf_chat_set_text(&c->owner_id, text_of(json, "owner")) ||
	    lf_chat_set_text(&c->reason_by, text_of(json, "reason_by")) ||
	    lf_chat_set_text(&c->note, text_of(json, "note")))
		return -ENOMEM;
	return c->skillset ? 0 : -EPROTO;
}

static int read_key(struct lf_chat_contact *c, const char *key)
{
	if (!key || strlen(key) != LF_CHAT_KEY_SIZE - 1)
		return -EPROTO;
	memcpy(c->key, key, LF_CHAT_KEY_SIZE);
	return 0;
}

static void read_numbers(struct lf_chat_contact *c, const json_t *json)
{
	c->state = (enum lf_chat_state)int_of(json, "state");
	c->is_closed = is_yes(json, "closed");
	c->wants_transcript = is_yes(json, "transcript");
	c->place = int_of(json, "place");
	c->queued_ms = int_of(json, "queued");
	c->sent_seq = int_of(json, "sent");
	c->previous = (uint64_t)int_of(json, "previous");
	c->was_welcomed = is_yes(json, "welcomed");
	c->transfers = (unsigned)int_of(json, "transfers");
	c->begun_ms = int_of(json, "begun");
	c->closed_ms = int_of(json, "ended");
	c->has_reason = is_yes(json, "has_reason");
	c->reason_code = int_of(json, "reason_code");
	c->is_mailed = is_yes(json, "mailed");
	c->wants_mail = is_yes(json, "wants_mail");
	c->is_transcribed = is_yes(json, "transcribed");
	c->has_ewt = is_yes(json, "has_ewt");
	c->ewt_s = int_of(json, "ewt");
	c->ewt_place = int_of(json, "ewt_place");
}

static int read_member(struct lf_chat_contact *c, const json_t *json)
{
	const char *id = text_of(json, "agent");
	int64_t mode = int_of(json, "mode"), before = int_of(json, "before");
	struct lf_chat_agent *a = id ? lf_chat_agent_find(c->engine, id) : NULL;
	struct lf_chat_member *m;

	if (!id || mode < 0 || mode > LF_CHAT_OBSERVE || before < 0 ||
	    before > LF_CHAT_OBSERVE || (a && lf_chat_member_find(c, a)))
		return -EPROTO;
	if (!a && lf_chat_agent_new(&a, c->engine, id))
		return -ENOMEM;
	m = lf_chat_member_new(c, a, (enum lf_chat_mode)mode);
	if (!m)
		return -ENOMEM;
	m->before = (enum lf_chat_mode)before;
	m->is_shown = is_yes(json, "shown");
	m->joined_ms = int_of(json, "joined");
	return 0;
}

static int read_contact(struct lf_chat_contact *c, const json_t *json)
{
	const json_t *member;
	size_t i;
	int err;

	err = read_key(c, text_of(json, "key"));
	if (!err)
		err = read_texts(c, json);
	if (!err)
		err = read_who(c, json_object_get(json, "intrinsics"));
	if (err)
		return err;
	read_numbers(c, json);
	if (c->state < LF_CHAT_QUEUED || c->state > LF_CHAT_COMPLETED)
		return -EPROTO;
	json_array_foreach (json_object_get(json, "members"), i, member) {
		err = read_member(c, member);
		if (err)
			return err;
	}
	if ((c->state == LF_CHAT_ACTIVE) != (lf_chat_room_owner(c) != NULL))
		return -EPROTO;
	return lf_chat_contact_enter(c);
}

static void note_numbers(struct lf_chat_engine *e,
			 const struct lf_chat_contact *c)
{
	if (c->guid > e->last_guid)
		e->last_guid = c->guid;
	if (c->place > e->last_place)
		e->last_place = c->place;
	if (c->place < e->first_place)
		e->first_place = c->place;
}

int lf_chat_contact_restore(struct lf_chat_engine *e, const char *data,
			    size_t len)
{
	struct lf_chat_contact *c;
	json_t *json;
	int64_t guid;
	int err;

	err = lf_json_parse_lenient(&json, data, len);
	if (err)
		return err;
	guid = int_of(json, "guid");
	if (int_of(json, "format") != FORMAT || guid < 1 ||
	    guid > LF_CHAT_GUID_MAX) {
		json_decref(json);
		return -EPROTO;
	}
	c = lf_chat_contact_new(e, guid);
	err = c ? read_contact(c, json) : -ENOMEM;
	json_decref(json);
	if (!err && c->state == LF_CHAT_QUEUED) {
		/* Its skillset is set anew from a copy of itself. */
		char *skillset = strdup(c->skillset);

		err = skillset ? lf_chat_queue_enter(c, skillset) : -ENOMEM;
		free(skillset);
	}
	if (err) {
		lf_chat_contact_free(c);
		return err;
	}
	note_numbers(e, c);
	return 0;
}

/* A takeover: full new times to come back for everybody. */
static void begin_waiting(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;

	if (c->state == LF_CHAT_QUEUED || c->state == LF_CHAT_ACTIVE) {
		c->told_lost = c->state == LF_CHAT_ACTIVE;
		lf_chat_start(e, &c->lost,
			      (int64_t)e->config->reconnect_s * 1000);
		return;
	}
	if (!c->is_transcribed)
		lf_chat_effect(e, LF_CHAT_TRANSCRIBE, c->guid);
	if (c->state == LF_CHAT_COMPLETED && c->is_transcribed)
		lf_chat_contact_forget(c);
	else if (c->state == LF_CHAT_WRAPUP && e->config->wrap_up_s)
		lf_chat_start(e, &c->wrapup,
			      (int64_t)e->config->wrap_up_s * 1000);
}

/* Unanswered customers wait for comfort again once they are back. */
static void recount(struct lf_chat_contact *c)
{
	c->is_waiting = c->unanswered > 0;
	c->waiting_ms = c->engine->mono_ms;
}

void lf_chat_restored(struct lf_chat_engine *e)
{
	LF_LIST_FOREACH_SAFE (node, &e->contacts) {
		struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);

		recount(c);
		begin_waiting(c);
	}
	LF_LIST_FOREACH (node, &e->agents) {
		struct lf_chat_agent *a =
			LF_CONTAINER_OF(node, struct lf_chat_agent, node);

		lf_chat_start(e, &a->lost,
			      (int64_t)e->config->agent_reconnect_s * 1000);
	}
}
