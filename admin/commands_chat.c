/* admin/commands_chat.c - lampctl chat: who waits, who answers, and where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/server.h"
#include "chat/chat.h"
#include "chat/view.h"
#include "core/clock.h"
#include "core/text.h"

#include "core/banned.h"

/* NULL, after the call was ended, if there is no chat. */
static struct lf_chat *chat_of(struct lf_call *call, struct lf_server *server)
{
	if (!server->chat)
		lf_call_end(call, "Web chat does not run: look for \"chat\" in "
				  "the log of the last start.");
	return server->chat;
}

static const char *when(char text[LF_RFC3339_SIZE], int64_t wall_ms)
{
	return wall_ms ? lf_rfc3339(text, wall_ms) : "";
}

static void run_status(struct lf_call *call, struct lf_server *server)
{
	const struct lf_chat *chat = chat_of(call, server);
	struct lf_chat_callback callback;
	struct lf_chat_stats s;
	size_t i = 0, callbacks = 0;

	if (!chat)
		return;
	lf_chat_stats(chat, &s);
	while (lf_chat_callback_next(chat, &i, &callback))
		callbacks++;
	lf_call_columns(call, "sockets contacts queued rooms agents ready "
			      "callbacks");
	lf_call_row(call,
		    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			      "s:I, s:I}",
			      "sockets", (json_int_t)s.sockets, "contacts",
			      (json_int_t)s.contacts, "queued",
			      (json_int_t)s.queued, "rooms",
			      (json_int_t)s.rooms, "agents",
			      (json_int_t)s.agents, "ready",
			      (json_int_t)s.ready_agents, "callbacks",
			      (json_int_t)callbacks, "messages_in",
			      (json_int_t)s.messages_in, "messages_out",
			      (json_int_t)s.messages_out, "refused",
			      (json_int_t)s.refused, "slow_closed",
			      (json_int_t)s.slow_closed));
	lf_call_say(call,
		    "messages in %llu, out %llu; requests refused %llu, "
		    "sockets closed as slow %llu",
		    (unsigned long long)s.messages_in,
		    (unsigned long long)s.messages_out,
		    (unsigned long long)s.refused,
		    (unsigned long long)s.slow_closed);
	lf_call_end(call, NULL);
}

/* Why nobody waits there, or for whom; NULL: all is well. */
static const char *queue_remedy(const struct lf_chat_queue_view *q)
{
	if (!q->is_open)
		return "takes no chats: it needs inService=yes and a "
		       "routePoint.";
	if (!q->waiting)
		return NULL;
	if (!q->agents)
		return "customers wait, and no agent of this skillset is "
		       "logged in.";
	if (!q->ready_agents)
		return "customers wait, and no agent is ready or has room.";
	return NULL;
}

static void run_queues(struct lf_call *call, struct lf_server *server)
{
	const struct lf_chat *chat = chat_of(call, server);
	struct lf_chat_queue_view q;
	size_t i = 0;

	if (!chat)
		return;
	lf_call_columns(call, "skillset queue_id open waiting alerting limit "
			      "agents ready oldest_s");
	while (lf_chat_queue_next(chat, &i, &q)) {
		lf_call_row(call,
			    json_pack("{s:s, s:I, s:b, s:I, s:I, s:i, s:I, "
				      "s:I, s:I}",
				      "skillset", q.skillset, "queue_id",
				      (json_int_t)q.queue_id, "open",
				      (int)q.is_open, "waiting",
				      (json_int_t)q.waiting, "alerting",
				      (json_int_t)q.alerting, "limit",
				      (int)q.max_queued, "agents",
				      (json_int_t)q.agents, "ready",
				      (json_int_t)q.ready_agents, "oldest_s",
				      (json_int_t)q.oldest_s));
		if (queue_remedy(&q))
			lf_call_say(call, "%s %s", q.skillset,
				    queue_remedy(&q));
	}
	lf_call_end(call, NULL);
}

static json_t *contact_row(const struct lf_chat_contact_view *c)
{
	char begun[LF_RFC3339_SIZE], closed[LF_RFC3339_SIZE];

	return json_pack(
		"{s:I, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:I, "
		"s:I, s:s, s:s, s:I, s:i, s:i, s:i}",
		"guid", (json_int_t)c->guid, "state", c->state, "skillset",
		c->skillset, "customer", c->name, "email", c->email, "device",
		c->device, "connected", (int)c->is_connected, "owner", c->owner,
		"offered_to", c->offered_to, "position",
		(json_int_t)c->position, "wait_s", (json_int_t)c->wait_s,
		"begun", when(begun, c->begun_ms), "closed",
		when(closed, c->closed_ms), "messages", (json_int_t)c->messages,
		"members", (int)c->members, "transfers", (int)c->transfers,
		"unanswered", (int)c->unanswered);
}

/* All contacts that are not completed: those who wait stand here too. */
static void run_rooms(struct lf_call *call, struct lf_server *server)
{
	const struct lf_chat *chat = chat_of(call, server);
	struct lf_chat_contact_view c;
	const void *cursor = NULL;

	if (!chat)
		return;
	lf_call_columns(call, "guid state skillset customer connected owner "
			      "offered_to position wait_s members messages "
			      "unanswered begun");
	while (lf_chat_contact_next(chat, &cursor, &c))
		lf_call_row(call, contact_row(&c));
	lf_call_end(call, NULL);
}

static void run_agents(struct lf_call *call, struct lf_server *server)
{
	const struct lf_chat *chat = chat_of(call, server);
	struct lf_chat_agent_view a;
	const void *cursor = NULL;

	if (!chat)
		return;
	lf_call_columns(call, "agent state busy rooms alerting limit "
			      "skillsets");
	while (lf_chat_agent_next(chat, &cursor, &a))
		lf_call_row(call,
			    json_pack("{s:s, s:s, s:b, s:I, s:I, s:i, s:s}",
				      "agent", a.agent, "state", a.state,
				      "busy", (int)a.is_busy, "rooms",
				      (json_int_t)a.rooms, "alerting",
				      (json_int_t)a.alerting, "limit",
				      (int)a.max_contacts, "skillsets",
				      a.skillsets));
	lf_call_end(call, NULL);
}

static json_t *member_row(const struct lf_chat_member_view *m)
{
	char joined[LF_RFC3339_SIZE];

	return json_pack("{s:s, s:s, s:s, s:b, s:b}", "agent", m->agent, "mode",
			 m->mode, "joined", when(joined, m->joined_ms),
			 "connected", (int)m->is_connected, "shown",
			 (int)m->is_shown);
}

static void say_contact(struct lf_call *call,
			const struct lf_chat_contact_view *c)
{
	char text[LF_RFC3339_SIZE];

	lf_call_say(call, "%lld is %s in %s; the customer %s is %s",
		    (long long)c->guid, c->state, c->skillset,
		    *c->name ? c->name : "(no name)",
		    c->is_connected ? "connected" : "not connected");
	if (*c->email)
		lf_call_say(call, "e-mail %s", c->email);
	if (*c->device)
		lf_call_say(call, "device %s", c->device);
	if (c->position)
		lf_call_say(call, "place %lld, waiting for %lld s",
			    (long long)c->position, (long long)c->wait_s);
	if (*c->offered_to)
		lf_call_say(call, "alerts %s", c->offered_to);
	if (c->begun_ms)
		lf_call_say(call, "begun %s", when(text, c->begun_ms));
	if (c->closed_ms)
		lf_call_say(call, "closed %s; last owner %s",
			    when(text, c->closed_ms), c->owner);
	lf_call_say(call, "messages %zu, unanswered %u, transfers %u",
		    c->messages, c->unanswered, c->transfers);
}

static void run_contact(struct lf_call *call, struct lf_server *server)
{
	const struct lf_chat *chat = chat_of(call, server);
	const char *name = lf_call_arg(call, "name");
	struct lf_chat_contact_view c;
	struct lf_chat_member_view m;
	const void *cursor = NULL;
	int64_t guid;

	if (!chat)
		return;
	if (!name || lf_text_int(&guid, name, 1, INT32_MAX)) {
		lf_call_end(call, "A contact is a number; `lampctl chat rooms` "
				  "lists them.");
		return;
	}
	if (lf_chat_contact_view(chat, guid, &c)) {
		lf_call_end(call, "There is no such contact now.");
		return;
	}
	lf_call_columns(call, "agent mode joined connected shown");
	while (lf_chat_member_next(chat, guid, &cursor, &m))
		lf_call_row(call, member_row(&m));
	say_contact(call, &c);
	lf_call_end(call, NULL);
}

static void run_settings(struct lf_call *call, struct lf_server *server)
{
	lf_call_settings(call, server, "chat.");
}

const struct lf_command lf_chat_commands[] = {
	{"chat status", run_status},
	{"chat queues", run_queues},
	{"chat rooms", run_rooms},
	{"chat agents", run_agents},
	{"chat contact", run_contact},
	{"chat settings", run_settings},
	{NULL},
};
