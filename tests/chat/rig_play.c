/* tests/chat/rig_play.c - what is said and heard on the rig's sockets, and the
 * common beginnings. */
#include "tests/chat/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

/* ---- sockets ---- */

struct socket *rig_connect(struct rig *rig, bool is_agent)
{
	struct socket *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_true(rig->n_sockets < RIG_SOCKETS);
	s->rig = rig;
	s->got = json_array();
	rig->sockets[rig->n_sockets++] = s;
	rig_begin(rig);
	lf_chat_peer_open(rig->engine, &s->peer, ++rig->serial, is_agent);
	rig_flush(rig);
	return s;
}

void rig_forget(struct socket *s)
{
	struct rig *rig = s->rig;
	size_t i;

	for (i = 0; rig->sockets[i] != s; i++)
		;
	rig->sockets[i] = rig->sockets[--rig->n_sockets];
	json_decref(s->got);
	free(s);
}

void rig_hang_up(struct socket *s, int code)
{
	rig_begin(s->rig);
	lf_chat_peer_gone(s->rig->engine, &s->peer, s->code ? 0 : code);
	if (!s->code)
		s->code = -1;
	rig_flush(s->rig);
}

void rig_say_raw(struct socket *s, const char *text)
{
	rig_begin(s->rig);
	lf_chat_peer_receive(s->rig->engine, &s->peer, text, strlen(text));
	rig_flush(s->rig);
}

void rig_say(struct socket *s, const char *method, const char *rest, ...)
{
	char fields[65536], *text = malloc(70000);
	va_list args;

	assert_non_null(text);
	va_start(args, rest);
	vsnprintf(fields, sizeof(fields), rest, args);
	va_end(args);
	snprintf(text, 70000,
		 "{\"apiVersion\":\"1.0\",\"type\":\"request\",\"body\":"
		 "{\"method\":\"%s\"%s%s}}",
		 method, *fields ? "," : "", fields);
	rig_say_raw(s, text);
	free(text);
}

json_t *rig_got(struct socket *s, const char *type, const char *method)
{
	struct rig *rig = s->rig;
	const char *was_type, *was_method;
	json_t *json;

	json_decref(rig->last);
	rig->last = NULL;
	if (!json_array_size(s->got)) {
		print_error("nothing instead of %s %s\n", type, method);
		fail();
	}
	rig->last = json = json_incref(json_array_get(s->got, 0));
	json_array_remove(s->got, 0);
	was_type = rig_text(json, "type");
	was_method = rig_text(json_object_get(json, "body"), "method");
	if (strcmp(was_type, type) || strcmp(was_method, method)) {
		print_error("%s %s instead of %s %s\n", was_type, was_method,
			    type, method);
		fail();
	}
	return json_object_get(json, "body");
}

void rig_error(struct socket *s, int code)
{
	const json_t *json = json_array_get(s->got, 0);
	const json_t *body = json_object_get(json, "body");

	if (!json)
		fail_msg("no error %d", code);
	assert_string_equal("error", rig_text(json, "type"));
	assert_int_equal(code, rig_int(body, "code"));
	json_array_remove(s->got, 0);
}

void rig_quiet(struct socket *s)
{
	char *text;

	if (!json_array_size(s->got))
		return;
	text = json_dumps(json_array_get(s->got, 0), 0);
	print_error("unexpected: %s\n", text);
	free(text);
	fail();
}

void rig_drain(struct socket *s)
{
	json_array_clear(s->got);
}

const char *rig_text(const json_t *body, const char *name)
{
	return json_string_value(json_object_get(body, name));
}

int64_t rig_int(const json_t *body, const char *name)
{
	return json_integer_value(json_object_get(body, name));
}

bool rig_yes(const json_t *body, const char *name)
{
	return json_is_true(json_object_get(body, name));
}

/* ---- beginnings ---- */

static void note_chat(struct socket *s)
{
	json_t *body = RIG_NOTE(s, "requestChat");

	s->guid = rig_int(body, "guid");
	snprintf(s->key, sizeof(s->key), "%s",
		 rig_text(body, "authenticationKey"));
}

struct socket *rig_customer_as(struct rig *rig, const char *skillset,
			       const char *email)
{
	struct socket *s = rig_connect(rig, false);

	rig_say(s, "requestChat",
		"\"guid\":null,\"authenticationKey\":null,\"intrinsics\":"
		"{\"name\":\"John\",\"skillset\":\"%s\"%s%s%s}",
		skillset, email ? ",\"email\":\"" : "", email ? email : "",
		email ? "\"" : "");
	note_chat(s);
	return s;
}

struct socket *rig_customer(struct rig *rig, const char *skillset)
{
	return rig_customer_as(rig, skillset, NULL);
}

void rig_resume(struct socket *s, const struct socket *old)
{
	rig_say(s, "requestChat", "\"guid\":%lld,\"authenticationKey\":\"%s\"",
		(long long)old->guid, old->key);
	note_chat(s);
	assert_int_equal(old->guid, s->guid);
	assert_string_equal(old->key, s->key);
}

struct socket *rig_agent(struct rig *rig, const char *id)
{
	struct socket *s = rig_connect(rig, true);

	rig_say(s, "agentLogin",
		"\"agentId\":\"%s\",\"password\":\"secret\",\"reconnect\":true,"
		"\"ext\":{\"features\":[\"offers\",\"state\",\"rooms\","
		"\"details\"]}",
		id);
	assert_true(rig_yes(RIG_NOTE(s, "agentLogin"), "loginSuccess"));
	return s;
}

void rig_ready(struct socket *agent)
{
	json_t *body;

	rig_say(agent, "ext.setReadyState", "\"ready\":true");
	body = RIG_NOTE(agent, "ext.agentState");
	assert_string_equal("ready", rig_text(body, "readyState"));
}

struct socket *rig_chat(struct rig *rig, struct socket *agent)
{
	struct socket *s;

	rig_say(agent, "ext.setReadyState", "\"ready\":true");
	s = rig_customer(rig, "WC_Sales");
	rig_say(agent, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"active\"",
		(long long)s->guid);
	rig_drain(agent);
	RIG_NOTE(s, "newParticipant");
	rig_quiet(s);
	return s;
}

/* ---- agents ---- */

void rig_talk(struct socket *agent, const struct socket *c, const char *text,
	      const char *kind)
{
	rig_say(agent, "newMessage",
		"\"guid\":%lld,\"message\":\"%s\",\"messageType\":\"%s\"",
		(long long)c->guid, text, kind);
}

void rig_join(struct socket *agent, const struct socket *c, const char *type)
{
	rig_say(agent, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"%s\"",
		(long long)c->guid, type);
}

bool rig_operate(struct socket *s, const struct socket *c, const char *type,
		 const char *to)
{
	rig_say(s, "operationRequest",
		"\"guid\":%lld,\"destinationType\":\"%s\","
		"\"destinationId\":\"%s\"",
		(long long)c->guid, type, to);
	return rig_yes(RIG_NOTE(s, "operationRequest"), "success");
}

struct socket *rig_ready_agent(struct rig *rig, const char *id)
{
	struct socket *s = rig_agent(rig, id);

	rig_say(s, "ext.setReadyState", "\"ready\":true");
	rig_drain(s);
	return s;
}

struct socket *rig_consultant(struct rig *rig, struct socket *a,
			      struct socket *c, const char *id)
{
	struct socket *b = rig_ready_agent(rig, id);

	assert_true(rig_operate(a, c, "consult", id));
	rig_join(b, c, "consult");
	rig_drain(a);
	rig_drain(b);
	rig_drain(c);
	return b;
}
