/*
 * chat/gate.c - from the bytes of a socket to one checked request.
 *
 * The order of the checks is the protocol's: JSON, envelope, method, session,
 * schema, contact; the first that fails answers, and nothing has changed.
 */
#include "chat/engine_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "chat/schema.h"
#include "core/json.h"
#include "core/text.h"

#include "core/banned.h"

#define REFUSALS_MAX 3

enum {
	OPEN = 1,   /* before a session or a login too */
	STORED = 2, /* changes what is stored */
	GUID = 4,   /* names a contact that must exist */
	ENTRY = 8   /* refusing it counts: the third one closes */
};

struct method {
	const char *name;
	const char *schema;
	lf_chat_customer_fn *customer;
	lf_chat_agent_fn *agent;
	unsigned flags;
};

static const struct method methods[] = {
	{"newMessage", "customer/newMessage.request",
	 lf_chat_on_customer_message, NULL, STORED},
	{"isTyping", "customer/isTyping.request", lf_chat_on_customer_typing,
	 NULL, 0},
	{"ping", "customer/ping.request", lf_chat_on_ping, NULL, OPEN},
	{"queueStatus", "customer/queueStatus.request", lf_chat_on_queue_status,
	 NULL, 0},
	{"requestChat", "customer/requestChat.request", lf_chat_on_request,
	 NULL, OPEN | STORED | ENTRY},
	{"newPushPageMessage", "customer/newPushPageMessage.request",
	 lf_chat_on_customer_push, NULL, STORED},
	{"closeConversation", "customer/closeConversation.request",
	 lf_chat_on_close, NULL, 0},

	{"newMessage", "agent/newMessage.request", NULL, lf_chat_on_message,
	 GUID | STORED},
	{"isTyping", "agent/isTyping.request", NULL, lf_chat_on_typing, GUID},
	{"ping", "customer/ping.request", NULL, lf_chat_on_agent_ping, OPEN},
	{"agentLogin", "agent/agentLogin.request", NULL, lf_chat_on_login,
	 OPEN | STORED | ENTRY},
	{"agentLogout", "agent/agentLogout.request", NULL, lf_chat_on_logout,
	 STORED},
	{"agentJoinRoom", "agent/agentJoinRoom.request", NULL, lf_chat_on_join,
	 GUID | STORED},
	{"screenPops", "agent/screenPops.request", NULL, lf_chat_on_screen_pops,
	 0},
	{"agentQuitChat", "agent/agentQuitChat.request", NULL, lf_chat_on_quit,
	 GUID | STORED},
	{"agentSetClosedReason", "agent/agentSetClosedReason.request", NULL,
	 lf_chat_on_reason, STORED},
	{"customerHistory", "agent/customerHistory.request", NULL,
	 lf_chat_on_history, GUID},
	{"pagePush", "agent/pagePush.request", NULL, lf_chat_on_push,
	 GUID | STORED},
	{"getDestinations", "agent/getDestinations.request", NULL,
	 lf_chat_on_destinations, GUID},
	{"operationRequest", "agent/operationRequest.request", NULL,
	 lf_chat_on_operation, GUID | STORED},
	{"changeConferenceOwner", "agent/changeConferenceOwner.request", NULL,
	 lf_chat_on_owner, GUID | STORED},
	{"leaveRoom", "agent/leaveRoom.request", NULL, lf_chat_on_leave,
	 GUID | STORED},
	{"dropPassiveParticipant", "agent/dropPassiveParticipant.request", NULL,
	 lf_chat_on_drop, GUID | STORED},
	{"conferenceClose", "agent/conferenceClose.request", NULL,
	 lf_chat_on_conference_close, GUID | STORED},
	{"agentData", "agent/agentData.request", NULL, lf_chat_on_agent_data,
	 0},
	{"ext.setReadyState", "ext/ext.setReadyState.request", NULL,
	 lf_chat_on_ready, STORED},
	{"ext.declineContact", "ext/ext.declineContact.request", NULL,
	 lf_chat_on_decline, GUID | STORED},
};

#define N_METHODS (sizeof(methods) / sizeof(*methods))
static_assert(N_METHODS <= LF_CHAT_METHODS, "room for every schema");

int lf_chat_gate_init(struct lf_chat_engine *e)
{
	size_t i;

	for (i = 0; i < N_METHODS; i++) {
		e->request_schemas[i] =
			lf_schemas_find(e->schemas, methods[i].schema);
		if (!e->request_schemas[i])
			return -ENOENT;
	}
	return 0;
}

int64_t lf_chat_guid(const json_t *body, const char *name)
{
	const json_t *value = json_object_get(body, name);
	int64_t guid = 0;

	if (json_is_integer(value))
		guid = json_integer_value(value);
	else if (json_is_real(value)) /* 7.0 is an integer for the schema */
		guid = (int64_t)json_real_value(value);
	else if (json_is_string(value) &&
		 lf_text_int(&guid, json_string_value(value), 1,
			     LF_CHAT_GUID_MAX))
		guid = 0;
	return guid;
}

static const struct method *find(const struct lf_chat_peer *peer,
				 const char *name)
{
	size_t i;

	for (i = 0; i < N_METHODS; i++)
		if (!strcmp(methods[i].name, name) &&
		    (peer->is_agent ? methods[i].agent != NULL
				    : methods[i].customer != NULL))
			return &methods[i];
	return NULL;
}

static bool is_version(const json_t *version)
{
	if (!version)
		return true;
	if (json_is_number(version))
		return json_number_value(version) == 1.0;
	return json_is_string(version) &&
	       !strcmp(json_string_value(version), "1.0");
}

static enum lf_chat_error check_session(const struct lf_chat_peer *peer,
					const struct method *m)
{
	if (m->flags & OPEN)
		return LF_CHAT_OK;
	if (peer->is_agent)
		return peer->agent ? LF_CHAT_OK : LF_CHAT_NO_LOGIN;
	return peer->contact ? LF_CHAT_OK : LF_CHAT_BAD_KEY;
}

/* Any valid request is a sign of life (protocol, 4.1). */
static void note_life(struct lf_chat_peer *peer)
{
	struct lf_chat_engine *e = peer->engine;

	if (peer->contact && peer->contact->peer == peer)
		lf_chat_start(e, &peer->timeout,
			      (int64_t)e->config->ping_timeout_s * 1000);
}

static enum lf_chat_error run(struct lf_chat_peer *peer, const struct method *m,
			      json_t *body)
{
	struct lf_chat_engine *e = peer->engine;
	struct lf_chat_contact *contact = NULL;

	if (m->flags & STORED && e->is_store_down)
		return LF_CHAT_INTERNAL;
	if (m->customer) {
		note_life(peer);
		return m->customer(peer, body);
	}
	if (m->flags & GUID) {
		contact = lf_chat_contact_find(e, lf_chat_guid(body, "guid"));
		if (!contact)
			return LF_CHAT_UNKNOWN;
	}
	return m->agent(peer, contact, body);
}

static enum lf_chat_error check(struct lf_chat_peer *peer, json_t *json,
				const struct method *m)
{
	enum lf_chat_error error;

	if (!m)
		return LF_CHAT_INVALID;
	error = check_session(peer, m);
	if (error)
		return error;
	if (lf_schema_check(peer->engine->request_schemas[m - methods], json))
		return LF_CHAT_INVALID;
	return run(peer, m, json_object_get(json, "body"));
}

/* What an error is said to be about. */
static const char *name_of(const json_t *body)
{
	const char *name = json_string_value(json_object_get(body, "method"));

	if (!name || !*name || strlen(name) > 256 || lf_text_chars(name) > 64)
		return NULL;
	return name;
}

static void receive(struct lf_chat_peer *peer, json_t *json)
{
	const json_t *type = json_object_get(json, "type");
	const json_t *body = json_object_get(json, "body");
	const char *word = json_string_value(type), *name = name_of(body);
	const struct method *m = name ? find(peer, name) : NULL;
	enum lf_chat_error error = LF_CHAT_INVALID;

	if (word && !strcmp(word, "acknowledgement"))
		return;
	if (word && !strcmp(word, "request") && name &&
	    is_version(json_object_get(json, "apiVersion")))
		error = check(peer, json, m);
	if (!error)
		return;
	lf_chat_refuse(peer->engine, peer, name, error);
	if (m && m->flags & ENTRY && !peer->contact && !peer->agent &&
	    ++peer->refusals >= REFUSALS_MAX)
		lf_chat_close_peer(peer->engine, peer, 1008);
}

void lf_chat_peer_receive(struct lf_chat_engine *e, struct lf_chat_peer *peer,
			  const char *data, size_t len)
{
	json_t *json;

	if (peer->is_closing)
		return;
	if (lf_json_parse_lenient(&json, data, len)) {
		lf_chat_refuse(e, peer, NULL, LF_CHAT_INVALID);
		return;
	}
	receive(peer, json);
	json_decref(json);
}
