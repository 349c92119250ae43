/*
 * chat/chat.h - web chat: customers of an organisation, its agents and their
 * supervisors (S136-S225; docs: web chat protocol).
 *
 *     socket -> session -> gate (JSON, schema) -> engine -> effects
 *     effects -> store -> (after the commit) -> sockets
 *
 * WebSockets /CustomerControllerWeb/chat and /AgentControllerWeb/chat; POST
 * /CustomerControllerWeb/currentqueue and /CustomerControllerWeb/callback;
 * SOAP /AccQueueService/services/QueueServiceWs. Nobody sees a message, a
 * queue place or a room before it is committed; a restart brings all of them
 * back, with everybody's connection counting as just lost.
 */
#ifndef LF_CHAT_CHAT_H
#define LF_CHAT_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/histogram.h"
#include "directory/setting.h"

struct lf_access;
struct lf_board;
struct lf_chat; /* the room; opaque: see chat.c */
struct lf_directory;
struct lf_settings;
struct lf_store;
struct lf_timers;
struct lf_web;

extern const struct lf_setting_def lf_chat_settings[];

struct lf_chat_parts {
	struct lf_timers *timers;
	struct lf_store *store;
	struct lf_settings *settings;
	struct lf_directory *directory;
	struct lf_access *access;
	struct lf_board *board; /* agents' telephones; NULL: not watched */
	struct lf_web *web; /* routes and sockets are added: before listening */
	/* What lf_chat_agent_state() says of a user name may have moved. Called
	 * in the middle of things: ask, but change nothing. NULL is fine. */
	void (*on_agent_change)(const char *username, void *arg);
	void *on_agent_change_arg;
};

struct lf_chat_opts {
	const char *schema_folder; /* NULL: where they were installed */
	const char *spool_folder;  /* transcripts by mail; NULL: none */
};

/*
 * Loads what the store has; `ready` is called once, from the loop. Until then
 * sockets are refused. -EINVAL: a schema is bad or missing, logged.
 */
int lf_chat_open(struct lf_chat **ret, const struct lf_chat_parts *parts,
		 const struct lf_chat_opts *opts,
		 void (*ready)(int err, void *arg), void *arg);
/*
 * Closes every socket with 1001; `closed` is called, from the loop, when the
 * last one is gone and what was queued is stored. Before the web, the store.
 */
void lf_chat_close(struct lf_chat *chat, void (*closed)(void *arg), void *arg);

/* Readiness that is not set by the agent's own client but by the console
 * (S196), by user name. -ENOENT: not logged in. */
int lf_chat_set_ready(struct lf_chat *chat, const char *username,
		      bool is_ready);

enum lf_chat_agent_state {
	LF_CHAT_AGENT_OUT, /* not logged in */
	LF_CHAT_AGENT_READY,
	LF_CHAT_AGENT_NOT_READY, /* also while the connection is lost */
	LF_CHAT_AGENT_BUSY, /* ready, but on the phone or with enough chats */
};
/* *ret_rooms: how many chats the agent is in. */
enum lf_chat_agent_state lf_chat_agent_state(const struct lf_chat *chat,
					     const char *username,
					     size_t *ret_rooms);

/* Callbacks that are not carried out yet, by due time; `i` starts at 0. */
struct lf_chat_callback {
	int64_t id, due_ms, made_ms;
	const char *skillset, *phone, *country, *area, *name, *email;
};
bool lf_chat_callback_next(const struct lf_chat *chat, size_t *i,
			   struct lf_chat_callback *ret);
int lf_chat_callback_finish(struct lf_chat *chat, int64_t id); /* -ENOENT */

struct lf_chat_stats {
	size_t sockets, contacts, queued, rooms, agents, ready_agents;
	uint64_t messages_in, messages_out, refused, slow_closed;
	struct lf_histogram stored_times; /* a message taken, and committed */
};
void lf_chat_stats(const struct lf_chat *chat, struct lf_chat_stats *out);

#endif
