/*
 * chat/customer.c - what customers ask: a chat, to come back, and what they
 * say (protocol, section 5).
 */
#include "chat/engine_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* ---- a new chat ---- */

static int copy_fields(struct lf_chat_contact *c, const json_t *fields)
{
	const json_t *field;
	const char *value;
	json_t *copy;
	size_t i;

	c->who.custom = json_array();
	json_array_foreach (fields, i, field) {
		value = text_of(field, "value");
		copy = json_pack("{s:s,s:s?}", "title", text_of(field, "title"),
				 "value", value);
		if (json_array_append_new(c->who.custom, copy))
			return -ENOMEM;
	}
	return c->who.custom ? 0 : -ENOMEM;
}

static int read_customer(struct lf_chat_contact *c, const json_t *body)
{
	const json_t *who = json_object_get(body, "intrinsics");
	const char *email = text_of(who, "email");

	if (lf_chat_set_text(&c->who.email, email) ||
	    lf_chat_set_text(&c->who.name, text_of(who, "name")) ||
	    lf_chat_set_text(&c->who.country, text_of(who, "country")) ||
	    lf_chat_set_text(&c->who.area, text_of(who, "area")) ||
	    lf_chat_set_text(&c->who.phone, text_of(who, "phoneNumber")) ||
	    lf_chat_set_text(&c->first_skillset, text_of(who, "skillset")) ||
	    lf_chat_set_text(&c->device, text_of(body, "deviceType")))
		return -ENOMEM;
	c->identity = lf_chat_identity_of(email);
	c->wants_transcript =
		json_is_true(json_object_get(body, "requestTranscript")) &&
		email && strchr(email, '@');
	return copy_fields(c, json_object_get(who, "customFields"));
}

static enum lf_chat_error check_limits(struct lf_chat_engine *e,
				       const char *skillset, const char *email)
{
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(e->config, skillset);
	unsigned limit = e->config->chats_per_customer;
	char *identity;
	bool is_over;

	if (!lf_chat_skillset_is_open(s) || (e->config->reject_when_no_agents &&
					     !lf_chat_agents_for(e, skillset)))
		return LF_CHAT_NO_SKILLSET;
	identity = lf_chat_identity_of(email);
	is_over = limit && identity &&
		  lf_chat_identity_chats(e, identity) >= limit;
	free(identity);
	if (is_over)
		return LF_CHAT_TOO_MANY;
	if (lf_chat_queue_is_full(e, s))
		return LF_CHAT_QUEUE_FULL;
	return e->n_contacts < LF_CHAT_CONTACTS_MAX &&
			       e->last_guid < LF_CHAT_GUID_MAX
		       ? LF_CHAT_OK
		       : LF_CHAT_INTERNAL;
}

static void bind_peer(struct lf_chat_peer *peer, struct lf_chat_contact *c)
{
	peer->contact = c;
	peer->refusals = 0;
	c->peer = peer;
	lf_chat_start(peer->engine, &peer->timeout,
		      (int64_t)peer->engine->config->ping_timeout_s * 1000);
}

static enum lf_chat_error begin(struct lf_chat_peer *peer, const json_t *body)
{
	struct lf_chat_engine *e = peer->engine;
	const json_t *who = json_object_get(body, "intrinsics");
	const char *skillset = text_of(who, "skillset");
	enum lf_chat_error error;
	struct lf_chat_contact *c;

	error = check_limits(e, skillset, text_of(who, "email"));
	if (error)
		return error;
	c = lf_chat_contact_new(e, e->last_guid + 1);
	if (!c)
		return LF_CHAT_INTERNAL;
	c->place = e->last_place + 1;
	c->queued_ms = e->wall_ms;
	e->ops->random_key(e->arg, c->key);
	if (read_customer(c, body) || lf_chat_contact_enter(c) ||
	    lf_chat_queue_enter(c, skillset)) {
		lf_chat_contact_free(c);
		return LF_CHAT_INTERNAL;
	}
	e->last_guid++;
	e->last_place++;
	e->is_guid_dirty = true;
	bind_peer(peer, c);
	if (c->identity)
		e->ops->count_previous(e->arg, c->guid, c->identity);
	lf_chat_tell_accepted(c);
	return LF_CHAT_OK;
}

/* ---- the same chat again ---- */

/* What was first sent while nobody listened, oldest first. */
static void replay(struct lf_chat_contact *c)
{
	struct lf_chat_text *text;
	size_t i;

	for (i = 0; i < c->n_posts; i++) {
		const struct lf_chat_post *p = c->posts[i];

		if (p->seq <= c->sent_seq || !p->agent ||
		    p->kind == LF_CHAT_WHISPER)
			continue;
		text = lf_chat_post_to_customer(c, p);
		lf_chat_send(c->engine, c->peer, text, c->guid, p->seq);
		lf_chat_text_unref(text);
	}
}

static enum lf_chat_error resume(struct lf_chat_peer *peer, int64_t guid,
				 const char *key)
{
	struct lf_chat_engine *e = peer->engine;
	struct lf_chat_contact *c = lf_chat_contact_find(e, guid);
	struct lf_chat_member *owner;
	struct lf_chat_peer *old;

	if (!c || c->is_closed || strlen(key) != strlen(c->key) ||
	    !lf_secret_equal(c->key, key, strlen(key)))
		return LF_CHAT_BAD_KEY;
	old = c->peer;
	if (old) {
		old->contact = NULL;
		lf_chat_close_peer(e, old, 4000);
	}
	bind_peer(peer, c);
	lf_chat_tell_accepted(c);
	owner = lf_chat_room_owner(c);
	if (owner && owner->is_shown)
		lf_chat_tell_joined_to_customer(c, owner);
	replay(c);
	lf_chat_contact_found(c);
	return LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_request(struct lf_chat_peer *peer, json_t *body)
{
	int64_t guid = lf_chat_guid(body, "guid");
	const char *key = text_of(body, "authenticationKey");
	bool has_guid = json_object_get(body, "guid") &&
			!json_is_null(json_object_get(body, "guid"));
	bool has_key = key && *key;

	if (peer->contact) {
		if (!has_guid || !has_key || guid != peer->contact->guid ||
		    strcmp(key, peer->contact->key) != 0)
			return LF_CHAT_INVALID;
		lf_chat_tell_accepted(peer->contact);
		return LF_CHAT_OK;
	}
	if (has_guid != has_key)
		return LF_CHAT_BAD_KEY;
	return has_key ? resume(peer, guid, key) : begin(peer, body);
}

/* ---- in the chat ---- */

enum lf_chat_error lf_chat_on_queue_status(struct lf_chat_peer *peer,
					   json_t *body)
{
	const struct lf_chat_contact *c = peer->contact;
	struct lf_buf *b =
		lf_chat_begin(peer->engine, "notification", "queueStatus");

	lf_chat_add_int(b, "positionInQueue", lf_chat_queue_position(c));
	lf_chat_add_int(b, "estimatedWaitTime", lf_chat_queue_wait_s(c));
	lf_chat_end_to(peer->engine, peer);
	return LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_ping(struct lf_chat_peer *peer, json_t *body)
{
	lf_chat_begin(peer->engine, "notification", "ping");
	lf_chat_end_to(peer->engine, peer);
	return LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_customer_typing(struct lf_chat_peer *peer,
					      json_t *body)
{
	struct lf_chat_contact *c = peer->contact;
	struct lf_chat_engine *e = peer->engine;
	char name[LF_CHAT_SHOWN_SIZE];
	struct lf_buf *b;

	lf_chat_idle_restart(c);
	if (lf_list_is_empty(&c->members))
		return LF_CHAT_OK;
	lf_chat_customer_name(c, name, sizeof(name));
	b = lf_chat_begin(e, "notification", "isTyping");
	lf_chat_add_open(b, "sender", '{');
	lf_chat_add_text(b, "type", "customer");
	lf_buf_addc(b, '}');
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "displayName", name);
	lf_chat_add_int(b, "timestamp", e->wall_ms);
	lf_chat_add_bool(b, "isTyping",
			 json_is_true(json_object_get(body, "isTyping")));
	lf_chat_add_text(b, "messageType", "normal");
	lf_chat_room_tell(c, NULL, lf_chat_end(e));
	return LF_CHAT_OK;
}

static void acknowledge(struct lf_chat_peer *peer, const char *method)
{
	struct lf_buf *b;

	if (!peer->engine->config->acknowledge_customers)
		return;
	b = lf_chat_begin(peer->engine, "acknowledgement", method);
	lf_chat_add_bool(b, "accepted", true);
	lf_chat_end_to(peer->engine, peer);
}

enum lf_chat_error lf_chat_on_customer_message(struct lf_chat_peer *peer,
					       json_t *body)
{
	struct lf_chat_contact *c = peer->contact;
	struct lf_chat_post *p = lf_chat_post_new(
		c, LF_CHAT_NORMAL, NULL, text_of(body, "message"), NULL);

	if (!p)
		return LF_CHAT_INTERNAL;
	peer->engine->posts_in++;
	acknowledge(peer, "newMessage");
	lf_chat_post_add(c, p);
	lf_chat_comfort_asked(c);
	lf_chat_idle_restart(c);
	return LF_CHAT_OK;
}

/*
 * Schemes that run in the page or read local files. Browsers ignore blanks
 * before a URL, and tabs and line ends anywhere in it; so do we.
 */
bool lf_chat_is_bad_url(const char *url)
{
	static const char *const bad[] = {"javascript:", "data:", "vbscript:",
					  "file:",       "blob:", "about:"};
	char scheme[16];
	size_t n = 0, i;

	while (*url && (unsigned char)*url <= ' ')
		url++;
	for (; *url && n < sizeof(scheme) - 1; url++)
		if (!strchr("\t\r\n", *url))
			scheme[n++] = *url;
	scheme[n] = '\0';
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (lf_text_starts(scheme, bad[i]))
			return true;
	return false;
}

enum lf_chat_error lf_chat_on_customer_push(struct lf_chat_peer *peer,
					    json_t *body)
{
	struct lf_chat_contact *c = peer->contact;
	const char *url = text_of(body, "pagePushURL");
	struct lf_chat_post *p;

	if (lf_chat_is_bad_url(url))
		return LF_CHAT_INVALID;
	p = lf_chat_post_new(c, LF_CHAT_PUSH, NULL, url, NULL);
	if (!p)
		return LF_CHAT_INTERNAL;
	lf_chat_post_add(c, p);
	lf_chat_idle_restart(c);
	return LF_CHAT_OK;
}

enum lf_chat_error lf_chat_on_close(struct lf_chat_peer *peer, json_t *body)
{
	struct lf_chat_engine *e = peer->engine;
	struct lf_buf *b =
		lf_chat_begin(e, "notification", "closeConversation");

	lf_chat_add_bool(b, "result", !e->is_store_down);
	lf_chat_end_to(e, peer);
	if (e->is_store_down)
		return LF_CHAT_OK;
	lf_chat_close_peer(e, peer, 1000);
	lf_chat_contact_leave(peer->contact);
	return LF_CHAT_OK;
}
