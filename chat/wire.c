/*
 * chat/wire.c - the texts that leave: envelope, fields, the long
 * answers to requestChat and agentJoinRoom.
 *
 * They are written straight into one buffer; a text is built once and shared
 * by all sockets that get it.
 */
#include "chat/engine_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/text.h"

#include "core/banned.h"

const char *lf_chat_error_text(enum lf_chat_error code)
{
	switch (code) {
	case LF_CHAT_OK:
		break;
	case LF_CHAT_INVALID:
		return "Invalid message";
	case LF_CHAT_BAD_KEY:
		return "Session key is invalid or expired";
	case LF_CHAT_INTERNAL:
		break;
	case LF_CHAT_TOO_MANY:
		return "Concurrent chat limit reached";
	case LF_CHAT_QUEUE_FULL:
		return "Queue is full";
	case LF_CHAT_NO_SKILLSET:
		return "Skillset is not available";
	case LF_CHAT_CALLBACKS:
		return "Callback limit reached";
	case LF_CHAT_NO_LOGIN:
		return "Not logged in";
	case LF_CHAT_UNKNOWN:
		return "Unknown contact";
	case LF_CHAT_DENIED:
		return "Not permitted";
	case LF_CHAT_STATE:
		return "Invalid state";
	}
	return "Internal Server Error";
}

/* ---- fields ---- */

static void add_name(struct lf_buf *b, const char *name)
{
	char last = b->len ? b->data[b->len - 1] : '{';

	if (last != '{' && last != '[')
		lf_buf_addc(b, ',');
	if (!name)
		return;
	lf_buf_addc(b, '"');
	lf_buf_adds(b, name);
	lf_buf_adds(b, "\":");
}

void lf_chat_add_int(struct lf_buf *b, const char *name, int64_t value)
{
	char digits[24];

	add_name(b, name);
	snprintf(digits, sizeof(digits), "%" PRId64, value);
	lf_buf_adds(b, digits);
}

void lf_chat_add_text(struct lf_buf *b, const char *name, const char *value)
{
	add_name(b, name);
	if (value)
		lf_buf_add_json(b, value);
	else
		lf_buf_adds(b, "null");
}

void lf_chat_add_bool(struct lf_buf *b, const char *name, bool value)
{
	add_name(b, name);
	lf_buf_adds(b, value ? "true" : "false");
}

void lf_chat_add_open(struct lf_buf *b, const char *name, char bracket)
{
	add_name(b, name);
	lf_buf_addc(b, bracket);
}

static void add_json(struct lf_buf *b, const char *name, const json_t *json)
{
	add_name(b, name);
	if (json)
		lf_json_write(b, json);
	else
		lf_buf_adds(b, "[]");
}

/* ---- texts ---- */

struct lf_buf *lf_chat_begin(struct lf_chat_engine *e, const char *type,
			     const char *method)
{
	struct lf_buf *b = &e->text;

	if (b->failed || b->cap > 65536)
		lf_buf_done(b);
	lf_buf_reset(b);
	lf_buf_adds(b, "{\"apiVersion\":\"1.0\",\"type\":\"");
	lf_buf_adds(b, type);
	lf_buf_adds(b, "\",\"body\":{");
	lf_chat_add_text(b, "method", method);
	return b;
}

struct lf_chat_text *lf_chat_end(struct lf_chat_engine *e)
{
	struct lf_buf *b = &e->text;
	struct lf_chat_text *text;

	lf_buf_adds(b, "}}");
	text = lf_buf_error(b) ? NULL : malloc(sizeof(*text) + b->len + 1);
	if (!text) {
		e->is_out_of_memory = true;
		return NULL;
	}
	text->refs = 1;
	text->len = b->len;
	memcpy(text->data, b->data, b->len + 1);
	return text;
}

void lf_chat_end_to(struct lf_chat_engine *e, struct lf_chat_peer *peer)
{
	struct lf_chat_text *text = lf_chat_end(e);

	lf_chat_send(e, peer, text, 0, 0);
	lf_chat_text_unref(text);
}

void lf_chat_refuse(struct lf_chat_engine *e, struct lf_chat_peer *peer,
		    const char *method, enum lf_chat_error code)
{
	struct lf_buf *b = lf_chat_begin(e, "error", method ? method : "error");

	e->refused++;
	lf_chat_add_int(b, "code", code);
	lf_chat_add_text(b, "errorMessage", lf_chat_error_text(code));
	lf_chat_end_to(e, peer);
}

/* ---- requestChat ---- */

void lf_chat_add_intrinsics(struct lf_buf *b, const struct lf_chat_contact *c)
{
	lf_chat_add_open(b, "intrinsics", '{');
	lf_chat_add_text(b, "name", c->who.name);
	lf_chat_add_text(b, "email", c->who.email);
	lf_chat_add_text(b, "country", c->who.country);
	lf_chat_add_text(b, "area", c->who.area);
	lf_chat_add_text(b, "phoneNumber", c->who.phone);
	lf_chat_add_text(b, "skillset", c->first_skillset);
	add_json(b, "customFields", c->who.custom);
	lf_buf_addc(b, '}');
}

static void add_comfort_groups(struct lf_buf *b,
			       const struct lf_chat_config *config,
			       const char *names)
{
	const json_t *message;
	size_t i, n;

	lf_chat_add_open(b, "webOnHoldComfortGroups", '[');
	for (i = 0; i < config->n_comforts; i++) {
		const struct lf_chat_comfort_group *g = &config->comforts[i];

		if (!lf_chat_list_has(names, g->name))
			continue;
		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, "groupName", g->name);
		lf_chat_add_int(b, "delay", g->delay_s);
		lf_chat_add_int(b, "numberOfMessages",
				(int64_t)json_array_size(g->messages));
		lf_chat_add_open(b, "messages", '[');
		json_array_foreach (g->messages, n, message) {
			lf_chat_add_open(b, NULL, '{');
			lf_chat_add_text(b, "message",
					 json_string_value(message));
			lf_chat_add_int(b, "sequence", (int64_t)n + 1);
			lf_buf_addc(b, '}');
		}
		lf_buf_adds(b, "]}");
	}
	lf_buf_addc(b, ']');
}

/* url_groups are sorted by sequence when they are read. */
static void add_url_groups(struct lf_buf *b,
			   const struct lf_chat_config *config,
			   const char *tags)
{
	const json_t *url;
	size_t i, n;

	lf_chat_add_open(b, "webOnHoldURLs", '[');
	for (i = 0; i < config->n_url_groups; i++) {
		const struct lf_chat_url_group *g = &config->url_groups[i];

		if (!lf_chat_list_has(tags, g->tag))
			continue;
		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, "tag", g->tag);
		lf_chat_add_text(b, "description", g->description);
		lf_chat_add_int(b, "holdTime", g->hold_s);
		lf_chat_add_int(b, "sequence", g->sequence);
		lf_chat_add_open(b, "urls", '[');
		json_array_foreach (g->urls, n, url) {
			lf_chat_add_open(b, NULL, '{');
			lf_chat_add_text(b, "url", json_string_value(url));
			lf_buf_addc(b, '}');
		}
		lf_buf_adds(b, "]}");
	}
	lf_buf_addc(b, ']');
}

void lf_chat_tell_accepted(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(e->config, c->skillset);
	struct lf_buf *b = lf_chat_begin(e, "notification", "requestChat");

	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "authenticationKey", c->key);
	add_comfort_groups(b, e->config, s ? s->comfort_groups : "");
	add_url_groups(b, e->config, s ? s->url_groups : "");
	lf_chat_add_intrinsics(b, c);
	lf_chat_end_to(e, c->peer);
}

/* ---- agentJoinRoom ---- */

static void add_timers(struct lf_buf *b, const struct lf_chat_config *c)
{
	lf_chat_add_open(b, "timerList", '{');
	lf_chat_add_int(b, "keepAliveTime_inSeconds", c->keep_alive_s);
	lf_chat_add_int(b, "desirableResponseToCust_inSeconds",
			c->response_to_customer_s);
	lf_chat_add_int(b, "desirableResponseToAgent_inSeconds",
			c->response_to_agent_s);
	lf_chat_add_int(b, "consultRequestTimeout_inSeconds",
			c->consult_timeout_s);
	lf_chat_add_bool(b, "forceIdleCustomerCheck", c->check_idle_customer);
	lf_chat_add_int(b, "forceIdleCustomerCheckTimeout_inSeconds",
			c->idle_customer_s);
	lf_chat_add_bool(b, "saveTimestampOnMessages", c->save_timestamps);
	lf_chat_add_bool(b, "saveChatHistory", c->save_history);
	lf_chat_add_int(b, "concurrentChatsLimitPerCustomer",
			c->chats_per_customer);
	lf_chat_add_int(b, "requestedCallBacksLimitPerCustomer",
			c->callbacks_per_customer);
	lf_chat_add_bool(b, "emailChatLogToCustomer", c->email_log);
	lf_buf_addc(b, '}');
}

/* {"name": "text"} becomes [{"name":..., "phraseText":...}] under a group. */
static void add_pairs(struct lf_buf *b, const char *group, const json_t *pairs,
		      const char *list, const char *key, const char *value)
{
	json_t *object = (json_t *)(uintptr_t)pairs, *text;
	const char *name;

	if (!pairs || !json_object_size(pairs))
		return;
	lf_chat_add_open(b, NULL, '{');
	lf_chat_add_text(b, "skillset", group);
	lf_chat_add_open(b, list, '[');
	json_object_foreach (object, name, text) {
		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, key, name);
		lf_chat_add_text(b, value, json_string_value(text));
		lf_buf_addc(b, '}');
	}
	lf_buf_adds(b, "]}");
}

static void add_aids(struct lf_buf *b, const struct lf_chat_config *config,
		     const char *skillset)
{
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(config, skillset);

	lf_chat_add_open(b, "resources", '{');
	lf_chat_add_text(b, "agentLabel", config->agent_label);
	lf_chat_add_text(b, "customerLabel", config->customer_label);
	lf_buf_addc(b, '}');
	lf_chat_add_open(b, "frequentlyUsedPhraseList", '[');
	add_pairs(b, "all", config->phrases, "phrases", "name", "phraseText");
	add_pairs(b, skillset, s ? s->phrases : NULL, "phrases", "name",
		  "phraseText");
	lf_buf_addc(b, ']');
	lf_chat_add_open(b, "pagePushURLList", '[');
	add_pairs(b, "all", config->urls, "urls", "url", "description");
	add_pairs(b, skillset, s ? s->urls : NULL, "urls", "url",
		  "description");
	lf_buf_addc(b, ']');
}

static void add_details(struct lf_buf *b, const struct lf_chat_contact *c,
			const struct lf_chat_member *m)
{
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(c->engine->config, c->skillset);
	const struct lf_chat_member *owner = lf_chat_room_owner(c);

	lf_chat_add_open(b, "ext", '{');
	lf_chat_add_text(b, "skillset", c->skillset);
	if (s)
		lf_chat_add_int(b, "queueId", s->queue_id);
	lf_chat_add_text(b, "ownerId", owner ? owner->agent->id : NULL);
	lf_chat_add_text(b, "mode", lf_chat_mode_name(m->mode));
	lf_chat_add_text(b, "transferReason", c->reason);
	lf_chat_add_intrinsics(b, c);
	lf_buf_addc(b, '}');
}

void lf_chat_tell_details(struct lf_chat_contact *c, struct lf_chat_agent *a)
{
	struct lf_chat_engine *e = c->engine;
	const struct lf_chat_member *mine = lf_chat_member_find(c, a);
	struct lf_buf *b = lf_chat_begin(e, "notification", "agentJoinRoom");
	size_t i;

	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "deviceType", c->device);
	lf_chat_add_int(b, "previousTranscripts", (int64_t)c->previous);
	lf_chat_add_open(b, "conversationTranscript", '{');
	lf_chat_add_open(b, "messages", '[');
	for (i = 0; i < c->n_posts; i++)
		lf_chat_add_post(b, c->posts[i]);
	lf_buf_adds(b, "]}");
	lf_chat_add_open(b, "currentParticipantList", '{');
	lf_chat_add_open(b, "participants", '[');
	LF_LIST_FOREACH (node, &c->members) {
		const struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);

		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, "agentId", m->agent->id);
		lf_chat_add_text(b, "userType", lf_chat_user_type(m->mode));
		lf_buf_addc(b, '}');
	}
	lf_buf_adds(b, "]}");
	add_timers(b, e->config);
	add_aids(b, e->config, c->skillset);
	if (a->features & LF_CHAT_DETAILS && mine)
		add_details(b, c, mine);
	lf_chat_end_to(e, a->peer);
}

void lf_chat_add_reasons(struct lf_buf *b, const struct lf_chat_contact *c,
			 bool has_any)
{
	const struct lf_chat_config *config = c->engine->config;
	size_t i;

	lf_chat_add_open(b, "closedReasons", '[');
	for (i = 0; has_any && i < config->n_reasons; i++) {
		if (!lf_chat_reason_fits(&config->reasons[i], c->skillset))
			continue;
		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_int(b, "closedReasonCode", config->reasons[i].code);
		lf_chat_add_text(b, "closedReason", config->reasons[i].text);
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, ']');
}
