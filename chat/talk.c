/*
 * chat/talk.c - what agents say and ask while they are in a room: messages,
 * typing, pushed pages, screen pops, the customer's history.
 */
#include "chat/engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static enum lf_chat_kind kind_of(const json_t *body)
{
	return strcmp(text_of(body, "messageType"), "whisper")
		       ? LF_CHAT_NORMAL
		       : LF_CHAT_WHISPER;
}

static void acknowledge(struct lf_chat_peer *peer, int64_t guid)
{
	struct lf_buf *b =
		lf_chat_begin(peer->engine, "acknowledgement", "newMessage");

	lf_chat_add_int(b, "guid", guid);
	lf_chat_add_bool(b, "accepted", true);
	lf_chat_end_to(peer->engine, peer);
}

enum lf_chat_error lf_chat_on_message(struct lf_chat_peer *peer,
				      struct lf_chat_contact *c, json_t *body)
{
	const struct lf_chat_member *m = lf_chat_member_find(c, peer->agent);
	enum lf_chat_kind kind = kind_of(body);
	struct lf_chat_post *p;

	if (!m)
		return LF_CHAT_UNKNOWN;
	if (!lf_chat_may_say(m->mode, kind))
		return LF_CHAT_DENIED;
	p = lf_chat_post_new(c, kind, peer->agent->id, text_of(body, "message"),
			     NULL);
	if (!p)
		return LF_CHAT_INTERNAL;
	peer->engine->posts_in++;
	acknowledge(peer, c->guid);
	lf_chat_post_add(c, p);
	if (kind == LF_CHAT_NORMAL)
		lf_chat_comfort_answered(c);
	return LF_CHAT_OK;
}

static void tell_typing_to_customer(struct lf_chat_contact *c, const char *id,
				    bool is_typing)
{
	char label[LF_CHAT_SHOWN_SIZE];
	struct lf_buf *b;

	lf_chat_agent_label(c->engine, id, label, sizeof(label));
	b = lf_chat_begin(c->engine, "notification", "isTyping");
	lf_chat_add_text(b, "agentId", id);
	lf_chat_add_text(b, "displayName", label);
	lf_chat_add_bool(b, "isTyping", is_typing);
	lf_chat_end_to(c->engine, c->peer);
}

static void tell_typing_to_agents(struct lf_chat_contact *c,
				  const struct lf_chat_agent *a, bool is_typing,
				  enum lf_chat_kind kind)
{
	char name[LF_CHAT_SHOWN_SIZE];
	struct lf_buf *b;

	lf_chat_agent_name(c->engine, a->id, name, sizeof(name));
	b = lf_chat_begin(c->engine, "notification", "isTyping");
	lf_chat_add_open(b, "sender", '{');
	lf_chat_add_text(b, "type", "agent");
	lf_chat_add_text(b, "agentId", a->id);
	lf_buf_addc(b, '}');
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "displayName", name);
	lf_chat_add_int(b, "timestamp", c->engine->wall_ms);
	lf_chat_add_bool(b, "isTyping", is_typing);
	lf_chat_add_text(b, "messageType",
			 kind == LF_CHAT_WHISPER ? "whisper" : "normal");
	lf_chat_room_tell(c, a, lf_chat_end(c->engine));
}

/* What is forbidden is dropped in silence: typing is no promise. */
enum lf_chat_error lf_chat_on_typing(struct lf_chat_peer *peer,
				     struct lf_chat_contact *c, json_t *body)
{
	const struct lf_chat_member *m = lf_chat_member_find(c, peer->agent);
	bool is_typing = json_is_true(json_object_get(body, "isTyping"));
	enum lf_chat_kind kind = kind_of(body);

	if (!m)
		return LF_CHAT_UNKNOWN;
	if (!lf_chat_may_say(m->mode, kind))
		return LF_CHAT_OK;
	if (kind == LF_CHAT_NORMAL && c->peer)
		tell_typing_to_customer(c, m->agent->id, is_typing);
	tell_typing_to_agents(c, m->agent, is_typing, kind);
	return LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_push(struct lf_chat_peer *peer,
				   struct lf_chat_contact *c, json_t *body)
{
	const struct lf_chat_member *m = lf_chat_member_find(c, peer->agent);
	const char *destination = text_of(body, "destination");
	const char *url = text_of(body, "url");
	struct lf_chat_post *p;

	if (!m)
		return LF_CHAT_UNKNOWN;
	if (lf_chat_is_bad_url(url))
		return LF_CHAT_INVALID;
	if (!lf_chat_may_say(m->mode, LF_CHAT_PUSH) ||
	    !lf_chat_config_may_push(peer->engine->config, c->skillset, url))
		return LF_CHAT_DENIED;
	if (!destination || !*destination ||
	    !strcmp(destination, "newBrowserTab"))
		destination = "newTab";
	p = lf_chat_post_new(c, LF_CHAT_PUSH, m->agent->id, url, destination);
	if (!p)
		return LF_CHAT_INTERNAL;
	lf_chat_post_add(c, p);
	lf_chat_comfort_answered(c);
	return LF_CHAT_OK;
}

/* ---- aids ---- */

static void add_target(struct lf_buf *b, const char *target, int64_t guid)
{
	struct lf_buf text = {0};
	const char *at;

	for (; guid && (at = strstr(target, "%VALUE%")); target = at + 7) {
		lf_buf_add(&text, target, (size_t)(at - target));
		lf_buf_addf(&text, "%lld", (long long)guid);
	}
	lf_buf_adds(&text, target);
	lf_chat_add_text(b, "target", lf_buf_str(&text));
	lf_buf_done(&text);
}

enum lf_chat_error lf_chat_on_screen_pops(struct lf_chat_peer *peer,
					  struct lf_chat_contact *c,
					  json_t *body)
{
	const struct lf_chat_config *config = peer->engine->config;
	int64_t guid = lf_chat_guid(json_object_get(body, "ext"), "guid");
	struct lf_buf *b =
		lf_chat_begin(peer->engine, "notification", "screenPops");
	size_t i;

	if (!guid)
		guid = peer->agent->last_guid;
	lf_chat_add_open(b, "screenPops", '[');
	for (i = 0; i < config->n_pops; i++) {
		const struct lf_chat_screen_pop *pop = &config->pops[i];

		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, "name", pop->name);
		lf_chat_add_text(b, "launchType",
				 pop->is_application ? "application" : "url");
		add_target(b, pop->target, guid);
		lf_chat_add_bool(b, "forceLaunch", pop->is_forced);
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, ']');
	lf_chat_end_to(peer->engine, peer);
	return LF_CHAT_OK;
}

static bool is_wrapping_up(const struct lf_chat_contact *c,
			   const struct lf_chat_agent *a)
{
	return c->state == LF_CHAT_WRAPUP && c->owner_id &&
	       !strcmp(c->owner_id, a->id);
}

enum lf_chat_error lf_chat_on_history(struct lf_chat_peer *peer,
				      struct lf_chat_contact *c, json_t *body)
{
	const json_t *amount = json_object_get(body, "amount");

	if (!lf_chat_member_find(c, peer->agent) &&
	    !is_wrapping_up(c, peer->agent))
		return LF_CHAT_UNKNOWN;
	if (!c->identity)
		lf_chat_history_found(peer->engine, peer, c->guid, NULL, 0);
	else
		peer->engine->ops->find_history(
			peer->engine->arg, peer->id, c->guid, c->identity,
			(unsigned)json_number_value(amount));
	return LF_CHAT_OK;
}

void lf_chat_history_found(struct lf_chat_engine *e, struct lf_chat_peer *peer,
			   int64_t guid, const struct lf_chat_past *past,
			   size_t n)
{
	struct lf_buf *b = lf_chat_begin(e, "notification", "customerHistory");
	size_t i;

	lf_chat_add_int(b, "guid", guid);
	lf_chat_add_open(b, "history", '[');
	for (i = 0; i < n; i++) {
		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_int(b, "startTime", past[i].start_ms);
		lf_chat_add_text(b, "transcript", past[i].transcript);
		lf_chat_add_text(b, "source",
				 past[i].has_whispers
					 ? "Text Chat History With Whispers"
					 : "Text Chat History");
		lf_chat_add_text(b, "contactType", "Web_Communications");
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, ']');
	lf_chat_end_to(e, peer);
}
