/*
 * chat/engine.h - the chat's state machines, without sockets, clocks or disk:
 * events go in, state changes, effects come out. What its files do for each
 * other is in engine_internal.h.
 *
 *     gate.c      bytes of a socket -> one checked request
 *     customer.c  what customers ask          agent.c   login, ready, logout
 *     contact.c   a contact's life            talk.c    what agents say
 *     queue.c     places and waits            room.c    members and modes
 *     routing.c   offers                      operation.c  transfers and such
 *     comfort.c   what the server says        wire.c    texts to be sent
 *     post.c      what is said in a room      name.c    what people are called
 *     saved.c     contacts as text and back
 *
 * State changes at once, but effects must be applied in order, and those
 * after a save only when it is committed: so nobody sees what could be lost.
 */
#ifndef LF_CHAT_ENGINE_H
#define LF_CHAT_ENGINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "chat/config.h"
#include "core/buf.h"
#include "core/list.h"
#include "core/map.h"
#include "core/timer.h"

struct lf_schema;
struct lf_schemas;

/* Bounds: what one room may hold, and how much may wait for a store. */
#define LF_CHAT_ROOM_BYTES (8 << 20)
#define LF_CHAT_ROOM_POSTS 10000
#define LF_CHAT_ROOM_MEMBERS 16 /* observers included */
#define LF_CHAT_CONTACTS_MAX 100000
#define LF_CHAT_KEY_SIZE 23
#define LF_CHAT_GUID_MAX 2147483647
#define LF_CHAT_METHODS 32

enum lf_chat_error {
	LF_CHAT_OK = 0,
	LF_CHAT_INVALID = 1,
	LF_CHAT_BAD_KEY = 2,
	LF_CHAT_INTERNAL = 500,
	LF_CHAT_TOO_MANY = 1001,
	LF_CHAT_QUEUE_FULL = 1002,
	LF_CHAT_NO_SKILLSET = 1003,
	LF_CHAT_CALLBACKS = 1004,
	LF_CHAT_NO_LOGIN = 1010,
	LF_CHAT_UNKNOWN = 1011,
	LF_CHAT_DENIED = 1012,
	LF_CHAT_STATE = 1013
};
const char *lf_chat_error_text(enum lf_chat_error code);

/* ---- what is said ---- */

enum lf_chat_kind {
	LF_CHAT_NORMAL,
	LF_CHAT_WHISPER,
	LF_CHAT_COMFORT,
	LF_CHAT_WELCOME,
	LF_CHAT_PUSH
};

/* One message or pushed page of a room; numbered 1.. without a gap. */
struct lf_chat_post {
	int64_t seq, wall_ms;
	enum lf_chat_kind kind;
	char *agent; /* its ID; NULL: the customer */
	char *name;  /* for agents to see */
	char *text;  /* or URL */
	char *destination;
	int64_t row; /* in the store: grows over all rooms; 0: not there */
};

/* ---- who is there ---- */

enum lf_chat_mode {
	LF_CHAT_OWNER,
	LF_CHAT_CONFERENCE,
	LF_CHAT_CONSULT,
	LF_CHAT_DISPLACED,
	LF_CHAT_OBSERVE
};

struct lf_chat_member {
	struct lf_list in_room, in_agent;
	struct lf_chat_contact *contact;
	struct lf_chat_agent *agent;
	enum lf_chat_mode mode;
	bool is_shown;            /* the customer was told */
	enum lf_chat_mode before; /* a barge: what it gets back */
	int64_t joined_ms;        /* wall */
};

/* A socket, as far as the engine knows; its owner embeds it. */
struct lf_chat_peer {
	uint64_t id; /* never used again */
	bool is_agent, is_checking, is_closing;
	struct lf_chat_contact *contact;
	struct lf_chat_agent *agent;
	unsigned refusals;
	struct lf_timer timeout; /* unbound, or a customer's silence */
	struct lf_chat_engine *engine;
};

enum lf_chat_feature {
	LF_CHAT_OFFERS = 1,
	LF_CHAT_STATES = 2,
	LF_CHAT_ROOMS = 4,
	LF_CHAT_DETAILS = 8
};

/* Exists while the agent is logged in, lost included. */
struct lf_chat_agent {
	char *id;
	struct lf_list node; /* in engine->agents */
	struct lf_list members, offers;
	struct lf_chat_peer *peer; /* NULL: lost */
	unsigned features;
	bool is_ready, is_busy; /* busy: on the phone */
	bool wants_break;       /* asked for Not Ready during a contact */
	bool is_restored;       /* was logged in before a restart */
	uint64_t idle_since;    /* in turns: since when without a new contact */
	int64_t last_guid;      /* of the room joined last */
	struct lf_timer lost;
	struct lf_chat_engine *engine;
	bool is_dirty;
	struct lf_list dirty;
};

enum lf_chat_offer_kind {
	LF_CHAT_OFFER_NONE,
	LF_CHAT_OFFER_QUEUE,
	LF_CHAT_OFFER_TRANSFER,
	LF_CHAT_OFFER_CONSULT,
	LF_CHAT_OFFER_CONFERENCE
};

enum lf_chat_state {
	LF_CHAT_QUEUED, /* or offered: then it has an offer */
	LF_CHAT_ACTIVE,
	LF_CHAT_WRAPUP,
	LF_CHAT_COMPLETED /* only its transcript is waited for */
};

struct lf_chat_intrinsics {
	char *email, *name, *country, *area, *phone; /* NULL: null */
	json_t *custom;                              /* array */
};

struct lf_chat_contact {
	int64_t guid;
	char guid_text[12];
	char key[LF_CHAT_KEY_SIZE];
	struct lf_list node; /* in engine->contacts */
	struct lf_chat_engine *engine;
	enum lf_chat_state state;

	/* the customer */
	struct lf_chat_intrinsics who;
	char *identity; /* trimmed, lower-case e-mail; NULL: none */
	char *device;
	bool wants_transcript, is_closed; /* the session, for ever */
	struct lf_chat_peer *peer;        /* NULL: lost */
	bool told_lost;                   /* the room */
	struct lf_timer lost, idle;
	int64_t sent_seq;  /* newest post that went to the customer's socket */
	uint64_t previous; /* transcripts stored earlier */

	/* the queue */
	char *skillset;       /* now */
	char *first_skillset; /* what the customer asked for */
	struct lf_chat_queue *queue;
	struct lf_list in_queue;
	int64_t place; /* what the queue is sorted by */
	int64_t queued_ms;
	bool has_ewt;
	int64_t ewt_s, ewt_place;
	char *reason; /* of the last transfer; NULL */

	/* the offer or invitation that waits for an answer */
	enum lf_chat_offer_kind offer;
	struct lf_chat_agent *offered_to;
	struct lf_list in_offers;
	char *offered_by; /* agent's ID; NULL: the queue */
	struct lf_timer offer_timer;

	/* the room */
	struct lf_list members;
	unsigned n_members;
	struct lf_chat_post **posts;
	size_t n_posts, cap_posts, post_bytes;
	int64_t last_seq;
	bool was_welcomed;
	unsigned transfers;
	char *conferred; /* the owner who completed a conference; NULL */
	char *owner_id;  /* the last one */
	int64_t begun_ms, last_out_ms, last_in_ms; /* wall; 0: not yet */
	unsigned agent_posts, unanswered;

	/* comfort */
	struct lf_timer comfort;
	unsigned comfort_i;
	bool is_waiting;    /* for an answer */
	int64_t waiting_ms; /* mono, since when */
	int64_t comfort_ms; /* mono, the last one; 0: none yet */

	/* wrap-up */
	int64_t closed_ms; /* wall */
	struct lf_timer wrapup;
	bool has_reason, is_mailed, wants_mail, is_transcribed, is_abandoned;
	int64_t reason_code; /* -1: none given */
	char *note, *reason_by;

	bool is_dirty;
	struct lf_list dirty;
	struct lf_list sent_dirty; /* sent_seq is ahead of what is stored */
	int64_t sent_ms;           /* mono, since when */
};

struct lf_chat_queue {
	char *skillset;
	struct lf_list contacts; /* by place */
	size_t count;
	int64_t *answers; /* ring of mono times */
	unsigned cap_answers, n_answers, next_answer;
};

/* ---- effects ---- */

/* A text that several sockets get. */
struct lf_chat_text {
	unsigned refs;
	size_t len;
	char data[];
};
struct lf_chat_text *lf_chat_text_unref(struct lf_chat_text *text);

enum lf_chat_effect_kind {
	LF_CHAT_SEND,       /* text to peer; guid and seq if it is a post */
	LF_CHAT_CLOSE,      /* peer, with code */
	LF_CHAT_SAVE_POST,  /* guid, seq */
	LF_CHAT_SAVE_SENT,  /* guid: how far its customer has got */
	LF_CHAT_DROP_POSTS, /* rows */
	LF_CHAT_DROP,       /* the contact `guid` is gone */
	LF_CHAT_DROP_AGENT, /* id is logged out */
	LF_CHAT_TRANSCRIBE, /* guid's room has closed: filter, store, mail */
	LF_CHAT_NOTE,       /* guid: closed reason (code) and note, by id */
	LF_CHAT_MAIL        /* guid: the transcript by mail, when it is there */
};

struct lf_chat_effect {
	struct lf_list node;
	enum lf_chat_effect_kind kind;
	uint64_t peer;
	struct lf_chat_text *text;
	int64_t guid, seq;
	int code;
	char *id, *note;
	int64_t *rows;
	size_t n_rows;
};
void lf_chat_effect_free(struct lf_chat_effect *effect);

/* What the engine asks for at once. */
struct lf_chat_ops {
	/* Starts, restarts, or (delay_ms < 0) stops. */
	void (*timer)(void *arg, struct lf_timer *timer, int64_t delay_ms);
	/* Answered by lf_chat_login_checked(). */
	void (*check_login)(void *arg, uint64_t peer, const char *id,
			    const char *password, json_t *body);
	/* Answered by lf_chat_history_found(). */
	void (*find_history)(void *arg, uint64_t peer, int64_t guid,
			     const char *identity, unsigned amount);
	/* Answered by lf_chat_previous_counted(). */
	void (*count_previous)(void *arg, int64_t guid, const char *identity);
	void (*random_key)(void *arg, char out[LF_CHAT_KEY_SIZE]);
	/* Login, readiness or the number of chats of an agent; NULL is fine. */
	void (*agent_moved)(void *arg, const char *id);
	/* A timer's event begins: what time is it? Its effects are fetched
	 * later; other events set the times themselves. */
	void (*wake)(void *arg, int64_t *ret_mono_ms, int64_t *ret_wall_ms);
};

struct lf_chat_engine {
	const struct lf_chat_ops *ops;
	void *arg;
	struct lf_chat_config *config;
	const struct lf_schemas *schemas;
	int64_t mono_ms, wall_ms;
	int64_t last_guid, last_row, last_place, first_place;
	uint64_t turns;     /* counts who became free, or got a contact */
	bool is_store_down; /* nothing that must be stored is accepted */
	bool is_out_of_memory, wants_routing;

	struct lf_map contact_by_guid, agent_by_id, queue_by_skillset;
	struct lf_map identities; /* struct lf_chat_identity */
	struct lf_list contacts, agents;
	size_t n_contacts, n_agents;
	struct lf_list effects, dirty_contacts, dirty_agents;
	struct lf_list sent_dirty; /* longest first */
	bool is_guid_dirty;
	struct lf_buf text; /* the one being built */
	/* by the order of gate.c's table */
	const struct lf_schema *request_schemas[LF_CHAT_METHODS];

	uint64_t posts_in, posts_out, refused;
};

int lf_chat_engine_new(struct lf_chat_engine **ret,
		       const struct lf_chat_ops *ops, void *arg,
		       const struct lf_schemas *schemas,
		       struct lf_chat_config *config);
void lf_chat_engine_free(struct lf_chat_engine *e); /* NULL is fine */
/* Takes the new configuration, frees the old one. */
void lf_chat_engine_configure(struct lf_chat_engine *e,
			      struct lf_chat_config *config);

/* ---- events ---- */

/* After each of them, and before its effects are taken: what is free now is
 * offered. */
void lf_chat_settle(struct lf_chat_engine *e);

void lf_chat_peer_open(struct lf_chat_engine *e, struct lf_chat_peer *peer,
		       uint64_t id, bool is_agent);
void lf_chat_peer_receive(struct lf_chat_engine *e, struct lf_chat_peer *peer,
			  const char *data, size_t len);
/* code 1000 is final (RFC 6455, 7.4.1, as the protocol reads it). */
void lf_chat_peer_gone(struct lf_chat_engine *e, struct lf_chat_peer *peer,
		       int code);
void lf_chat_login_checked(struct lf_chat_engine *e, struct lf_chat_peer *peer,
			   bool is_good, const json_t *body);

struct lf_chat_past {
	int64_t start_ms;
	const char *transcript;
	size_t len;
	bool has_whispers;
};
void lf_chat_history_found(struct lf_chat_engine *e, struct lf_chat_peer *peer,
			   int64_t guid, const struct lf_chat_past *past,
			   size_t n);
void lf_chat_previous_counted(struct lf_chat_engine *e, int64_t guid,
			      uint64_t n);
/* The post went to the customer's socket. */
void lf_chat_post_sent(struct lf_chat_engine *e, int64_t guid, int64_t seq);
/* What has gone to customers for `age_ms` and is still not stored, is. */
void lf_chat_save_sent(struct lf_chat_engine *e, int64_t age_ms);
/* Not in memory any more, or must not be on disk. Takes the array. */
void lf_chat_rows_drop(struct lf_chat_engine *e, int64_t *rows, size_t n);
void lf_chat_posts_drop(struct lf_chat_contact *c); /* stay in memory */
/* The transcript is stored, or never will be. */
void lf_chat_transcribed(struct lf_chat_engine *e, int64_t guid);
/* From the console or the telephony: is the agent on the phone? */
void lf_chat_agent_busy(struct lf_chat_engine *e, const char *id, bool is_busy);
/* Is it ready? From the console's side (S196). -ENOENT: not logged in. */
int lf_chat_agent_set_ready(struct lf_chat_engine *e, const char *id,
			    bool is_ready);
/* SOAP: values that replace the computed ones. -ENOENT. */
int lf_chat_set_ewt(struct lf_chat_engine *e, int64_t guid, int64_t ewt_s,
		    int64_t place);

/* ---- restart: saved.c ---- */

void lf_chat_contact_write(const struct lf_chat_contact *c, struct lf_buf *out);
void lf_chat_agent_write(const struct lf_chat_agent *a, struct lf_buf *out);
/* Agents before contacts before posts; then lf_chat_restored(). -EPROTO. */
int lf_chat_agent_restore(struct lf_chat_engine *e, const char *data,
			  size_t len);
int lf_chat_contact_restore(struct lf_chat_engine *e, const char *data,
			    size_t len);
/* The post's texts become the contact's. `sent`: newest that was sent. */
int lf_chat_post_restore(struct lf_chat_contact *c, struct lf_chat_post *post,
			 int64_t sent);
void lf_chat_restored(struct lf_chat_engine *e);
void lf_chat_post_free(struct lf_chat_post *post);

#endif
