/*
 * chat/internal.h - the engine's surroundings: sockets, store, transcripts,
 * REST. Shared by those files of chat/ that the engine knows nothing of.
 *
 *     chat.c     open, close      session.c  sockets and their peers
 *     outbox.c   effects in order, sent after the commit
 *     save.c     one change on its way to the store
 *     load.c     after a restart  transcript.c, mail.c, filter.c, history.c
 *     rest.c     REST, CORS       soap.c, callback.c
 */
#ifndef LF_CHAT_INTERNAL_H
#define LF_CHAT_INTERNAL_H

#include <uv.h>

#include "chat/chat.h"
#include "chat/engine_internal.h"
#include "core/log.h"

struct lf_ws;
struct lf_store_rows;

#define LF_CHAT_SESSIONS_MAX 131072   /* a power of two */
#define LF_CHAT_BACKLOG_MAX (1 << 20) /* bytes before what is sent now */
#define LF_CHAT_LIMITS 1024           /* addresses counted at once */

struct lf_chat_address {
	char text[48];
	int64_t since_ms;
	unsigned n;
};

struct lf_chat_endpoint {
	struct lf_chat *chat;
	bool is_agent;
};

struct lf_chat {
	struct lf_chat_parts parts;
	char *spool;
	struct lf_schemas *schemas;
	struct lf_chat_engine *engine;
	struct lf_chat_endpoint customers, agents;

	/* sessions */
	struct lf_list sessions;
	struct lf_chat_session **slots;
	size_t n_slots, n_sessions, next_slot;
	uint64_t serial;
	struct lf_chat_address addresses[LF_CHAT_LIMITS];

	/* outbox */
	struct lf_list batches, retries;
	struct lf_timer flush, retry, sweep;
	int64_t reserved_guid; /* numbers up to here are stored as used */

	/* everything else that is waited for when closing */
	unsigned pending;
	struct lf_list callbacks, jobs;
	size_t n_callbacks;
	int64_t last_callback;
	struct lf_fetcher *fetch;
	struct lf_timer reread, expire, look;
	struct lf_list phones;

	bool is_loaded, is_closing;
	bool has_unread; /* contacts that could not be read back */
	int load_err;
	void (*ready)(int err, void *arg);
	void *ready_arg;
	void (*closed)(void *arg);
	void *closed_arg;
	uint64_t slow_closed;
	struct lf_histogram stored_times;
	struct lf_log_limit refused_log, store_log;
};

/* The next event happens now. After it: lf_chat_flush(). */
void lf_chat_now(struct lf_chat *chat);
void lf_chat_flush(struct lf_chat *chat);
/* Something that was waited for has ended. */
void lf_chat_check_closed(struct lf_chat *chat);

/* session.c */
int lf_chat_sessions_open(struct lf_chat *chat);
void lf_chat_sessions_configure(struct lf_chat *chat); /* anew */
void lf_chat_sessions_close(struct lf_chat *chat);
void lf_chat_sessions_done(struct lf_chat *chat);
struct lf_chat_peer *lf_chat_session_peer(struct lf_chat *chat, uint64_t id);
/* False: nobody is there any more. */
bool lf_chat_session_send(struct lf_chat *chat, uint64_t id,
			  const struct lf_chat_text *text);
void lf_chat_session_close(struct lf_chat *chat, uint64_t id, int code);
void lf_chat_session_login(struct lf_chat *chat, uint64_t id, const char *agent,
			   const char *password, json_t *body);

bool lf_chat_is_welcome(const struct lf_chat_config *config,
			const char *origin);

/* outbox.c */
void lf_chat_outbox_init(struct lf_chat *chat);
void lf_chat_outbox_done(struct lf_chat *chat);
/* Batches that wait for nothing any more are applied. */
void lf_chat_release(struct lf_chat *chat);

/* save.c */

/* What one event caused: sent when nothing of it waits any more. */
struct lf_chat_batch {
	struct lf_list node, effects;
	unsigned pending;
};

enum lf_chat_save_kind {
	LF_SAVE_CONTACT, /* or that it is gone, by id */
	LF_SAVE_AGENT,   /* the same */
	LF_SAVE_POST,
	LF_SAVE_SENT,
	LF_SAVE_POSTS_GONE,
	LF_SAVE_GUID,
	LF_SAVE_REASON
};

struct lf_chat_save {
	struct lf_list node; /* while it waits for another try */
	struct lf_chat *chat;
	struct lf_chat_batch *batch;
	enum lf_chat_save_kind kind;
	int64_t guid, seq, begun_us;
	int code;
	char *id, *note;
	int64_t *rows; /* that are gone; the save's own */
	size_t n_rows;
};

void lf_chat_saves_init(struct lf_chat *chat);
/* When closing: what the store would not take is given up. */
void lf_chat_saves_abandon(struct lf_chat *chat);
/* `what` says kind and subject; its texts are copied, its rows taken. */
void lf_chat_save(struct lf_chat *chat, struct lf_chat_batch *batch,
		  const struct lf_chat_save *what);

/* load.c */
int lf_chat_define(struct lf_chat *chat);
int lf_chat_load(struct lf_chat *chat);

/* transcript.c */
void lf_chat_transcribe(struct lf_chat *chat, int64_t guid);
void lf_chat_transcripts_done(struct lf_chat *chat);
void lf_chat_mail_later(struct lf_chat *chat, int64_t guid);
void lf_chat_expire(struct lf_chat *chat);

/* phone.c: telephones of agents, looked at again soon */
int lf_chat_phones_open(struct lf_chat *chat);
void lf_chat_phones_done(struct lf_chat *chat);
void lf_chat_phones_look(struct lf_chat *chat);

/* history.c: transcripts as text, for agents and for mail */
void lf_chat_find_history(struct lf_chat *chat, uint64_t peer, int64_t guid,
			  const char *identity, unsigned amount);
void lf_chat_count_previous(struct lf_chat *chat, int64_t guid,
			    const char *identity);
/* `json`: as transcript.c stores it. */
void lf_chat_render(struct lf_buf *out, const json_t *posts, bool with_whispers,
		    bool with_times);

/* mail.c */
int lf_chat_mail(const struct lf_chat *chat, int64_t guid, const char *to,
		 const json_t *posts);

/* filter.c: posts the texts, and gets as many back, or an error. */
typedef void lf_chat_filter_fn(int err, const json_t *texts, void *arg);
int lf_chat_filter(struct lf_chat *chat, const json_t *texts,
		   lf_chat_filter_fn *done, void *arg);

/* rest.c, soap.c, callback.c */
int lf_chat_rest_open(struct lf_chat *chat);
int lf_chat_callbacks_load(struct lf_chat *chat);
void lf_chat_callbacks_done(struct lf_chat *chat);

#endif
