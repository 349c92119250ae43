/*
 * console/internal.h - what the files of this room share.
 *
 *     transport.c    a stream, a WebSocket, behind one table
 *     connection.c   lines in, lines out, slowness, silence
 *     method.c       request -> handler
 *     login.c        password, SCRAM, token -> session
 *     session.c      who is logged in, sequence, resume (ring.c), ops (op.c)
 *     topic.c        subscriptions of a session, rows of a subscription
 *     lamp.c         what was shown of a person; a row as JSON
 *     fanout.c       changes -> dirty rows -> one event a turn
 *     chat.c note.c search.c setting.c throttle.c token.c
 */
#ifndef LF_CONSOLE_INTERNAL_H
#define LF_CONSOLE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "console/codec.h"
#include "console/console.h"
#include "core/buf.h"
#include "core/line.h"
#include "core/list.h"
#include "core/log.h"
#include "core/map.h"
#include "core/timer.h"
#include "directory/user.h"

struct lf_change;
struct lf_conn;
struct lf_listener;
struct lf_login;
struct lf_note;
struct lf_session;
struct lf_stream;
struct lf_sub;
struct lf_ws;

#define LF_ROOM "console"

#define LF_BULK_STOP (256 * 1024)       /* backlog at which bulk waits */
#define LF_SLOW_BYTES (2 * 1024 * 1024) /* backlog at which we part */
#define LF_SLOW_MS 10000                /* age of an urgent line at which ... */
#define LF_EVENT_BYTES (192 * 1024)     /* an event's rows; a line is <= 256k */
#define LF_LOGIN_MS 30000               /* to log in */
#define LF_PING_MS 25000                /* of silence, then we ping */
#define LF_SILENT_MS 75000              /* of silence, then we close */
#define LF_TICK_MS 1000
#define LF_SLOT_MS 100 /* one delta per row and slot */
/*
 * A write costs the kernel some 6 us however short it is. After a flush to
 * many consoles we rest twice that for each: what comes meanwhile shares the
 * next write. A change after a rest still leaves at once.
 */
#define LF_REST_US 12
#define LF_WORK_MAX 32           /* requests in work per connection */
#define LF_HELD_MAX (256 * 1024) /* bytes behind a login */
#define LF_LOGIN_TRIES 10
#define LF_RETRY_SLOW_MS 5000

/* ---- throttle.c: a token bucket; zeroed state is full ---- */
struct lf_bucket {
	int64_t paid_until; /* ms times rate */
};
/* 0, or how long to wait. */
int64_t lf_bucket_take(struct lf_bucket *bucket, unsigned rate, unsigned burst,
		       int64_t now_ms);

/* ---- ring.c: the last events, for resume ---- */
#define LF_RING_EVENTS 4096
#define LF_RING_BYTES (512 * 1024)
#define LF_RING_MS 60000

struct lf_ring {
	struct lf_buf buf;
	size_t head; /* offset of the oldest */
	unsigned count;
	int64_t last_seq;
};

void lf_ring_done(struct lf_ring *ring);
/* Out of memory empties the ring: no replay rather than a hole. */
void lf_ring_add(struct lf_ring *ring, int64_t seq, const char *line,
		 size_t len, int64_t now_ms);
/* The client has everything up to `seq`. */
void lf_ring_trim(struct lf_ring *ring, int64_t seq);
bool lf_ring_has(const struct lf_ring *ring, int64_t after_seq);
/* Every line after `seq`; non-zero from `fn` stops. */
int lf_ring_replay(const struct lf_ring *ring, int64_t after_seq,
		   int (*fn)(const char *line, size_t len, void *arg),
		   void *arg);

/* ---- setting.c: the settings, read once per change ---- */
struct lf_limits {
	unsigned search_max, min_lookup, mask_digits, max_rows, max_subs;
	unsigned licences[LF_LICENCE_BAE + 1]; /* 0: no limit */
	int64_t resume_ms;
	bool is_plain, shows_peer;
};
void lf_limits_read(struct lf_limits *ret, const struct lf_settings *settings);

/* ---- token.c: one-time logins handed out by the web ---- */
struct lf_token;
int lf_token_take(struct lf_console *console, const char *text,
		  const struct lf_user **ret_user);
void lf_tokens_expire(struct lf_console *console, int64_t now_ms);
void lf_tokens_done(struct lf_console *console);

/* ---- console.c ---- */
struct lf_console {
	struct lf_console_parts parts;
	struct lf_limits limits;
	char *node, *plain_address;
	uint16_t plain_port;
	struct lf_listener *plain, *secure;
	uv_check_t check; /* the end of the turn: fanout.c */
	uv_idle_t idle;   /* the poll must not sleep on it */
	struct lf_timer tick, slot_timer, rest_timer;
	int64_t slot;          /* number of the current slot */
	uint64_t serial;       /* of the last connection */
	struct lf_list conns;  /* lf_conn.node */
	struct lf_list dead;   /* lf_conn.node, freed at the end of the turn */
	struct lf_list all;    /* lf_session.node */
	struct lf_list dirty;  /* lf_session.dirty_node */
	struct lf_list tokens; /* lf_token.node */
	struct lf_map by_id, by_user; /* sessions */
	struct lf_map shown;          /* lf_shown by user id */
	struct lf_buf line;           /* the line being written */
	struct lf_buf frags;          /* rows of this flush, shared */
	uint32_t flush;               /* number of this flush */
	int64_t full_until_ms; /* whole rows are kept; 0: there are none */
	int64_t rest_until_ms;
	int64_t moved_us; /* the first lamp of the next flush; 0: none */
	unsigned used[LF_LICENCE_BAE + 1];
	unsigned open_handles;
	unsigned in_flight; /* questions to other rooms, still to come back */
	bool is_closing;
	void (*closed)(void *arg);
	void *closed_arg;
	struct lf_log_limit log_limit;
	struct lf_console_stats stats;
};

/* Opens or closes the plain port, as the settings say. */
void lf_console_relisten(struct lf_console *console);
/* Deadlines of everything; tests move the time with it. */
void lf_console_tick(struct lf_console *console, int64_t now_ms);
/* The console waits for what is in flight before it is closed. */
void lf_console_took_off(struct lf_console *console);
void lf_console_landed(struct lf_console *console);
/* Asks for lf_console_flush() at the end of this turn. */
void lf_console_wake(struct lf_console *console);

/* ---- connection.c ---- */
struct lf_conn_ops {
	int (*send)(void *io, const char *line, size_t len); /* with its LF */
	size_t (*backlog)(void *io);
	void (*want_drain)(void *io);
	void (*pause)(void *io, bool paused);
	void (*close)(void *io, int code, const char *reason);
	bool closes_later; /* close() is followed by lf_conn_gone() */
};

struct lf_conn {
	struct lf_list node;
	struct lf_console *console;
	uint64_t serial; /* which connection a late answer belongs to */
	const struct lf_conn_ops *ops;
	void *io; /* NULL: gone */
	struct lf_session *session;
	struct lf_login *login; /* in progress */
	struct lf_lines lines;
	struct lf_buf held; /* lines behind a login */
	struct lf_bucket requests, searches;
	char peer[64], address[64];
	bool is_tls, is_closing, is_jsonrpc, is_paused, is_pinged, is_held;
	unsigned in_work, failures; /* failed logins */
	int64_t opened_ms, heard_ms;
	uint64_t sent;           /* bytes handed to io */
	uint64_t urgent_mark;    /* `sent` right after the oldest urgent line */
	int64_t urgent_since_ms; /* 0: none is waiting */
};

/* WebSocket close codes; a stream only closes. */
enum {
	LF_CLOSE_DONE = 1000,
	LF_CLOSE_SHUTDOWN = 1001,
	LF_CLOSE_POLICY = 1008,
	LF_CLOSE_TOO_BIG = 1009,
	LF_CLOSE_SLOW = 4000,
	LF_CLOSE_REPLACED = 4001,
};

int lf_conn_new(struct lf_conn **ret, struct lf_console *console,
		const struct lf_conn_ops *ops, void *io, const char *peer,
		bool is_tls);
/* Requests wait while a password is with its worker. */
void lf_conn_hold(struct lf_conn *conn);
void lf_conn_release(struct lf_conn *conn);
/* From the transport. */
void lf_conn_bytes(struct lf_conn *conn, const char *data, size_t len);
void lf_conn_message(struct lf_conn *conn, const char *data, size_t len);
void lf_conn_drained(struct lf_conn *conn);
/* Bulk is what may wait: everything else is urgent. */
void lf_conn_send(struct lf_conn *conn, const char *line, size_t len,
		  bool is_bulk);
bool lf_conn_takes_bulk(struct lf_conn *conn);
/* bye, then closed; the session stays for a resume. */
void lf_conn_bye(struct lf_conn *conn, const char *reason, int64_t retry_ms,
		 int code);
/*
 * Closes after what is queued. Session and memory are let go at the end of
 * the turn, so that whoever is sending may go on.
 */
void lf_conn_close(struct lf_conn *conn, int code, const char *reason);
/* The other side closed, or the close is done. */
void lf_conn_gone(struct lf_conn *conn);
void lf_conn_reap(struct lf_conn *conn); /* by the end of the turn only */
void lf_conn_tick(struct lf_conn *conn, int64_t now_ms);
void lf_conn_work(struct lf_conn *conn, int delta);

/* A reply: begin, write into what is returned, end. Never nested. */
struct lf_buf *lf_conn_reply(struct lf_conn *conn, const char *id);
void lf_conn_reply_end(struct lf_conn *conn, int64_t seq);
void lf_conn_error(struct lf_conn *conn, const char *id, enum lf_fault fault,
		   const char *data);
void lf_conn_error_field(struct lf_conn *conn, const char *id,
			 const char *field);
void lf_conn_error_retry(struct lf_conn *conn, const char *id,
			 enum lf_fault fault, int64_t retry_ms);

/* ---- transport.c: the two tables ---- */
int lf_conn_listen_ws(struct lf_console *console, struct lf_web *web,
		      const char *const *origins);
void lf_conn_accept(struct lf_stream *stream, void *console);

/* ---- method.c ---- */
struct lf_call {
	struct lf_conn *conn;
	struct lf_console *console;
	struct lf_session *session; /* NULL before login */
	const char *id;
	const json_t *params;
};
void lf_call_dispatch(struct lf_conn *conn, const struct lf_request *request);

/* Handlers; each answers exactly once, now or later. */
typedef void lf_method_fn(struct lf_call *call);
lf_method_fn lf_method_login, lf_method_login_continue, lf_method_resume,
	lf_method_logout, lf_method_sub, lf_method_unsub, lf_method_sub_update,
	lf_method_chat_ready, lf_method_chat_not_ready, lf_method_notes_set,
	lf_method_search, lf_method_get, lf_method_lookup;

/* ---- login.c ---- */
/* The connection went away: whatever comes back goes nowhere. */
void lf_login_abandon(struct lf_login *login);

/* ---- session.c ---- */
#define LF_SESSION_ID_SIZE 16
#define LF_RESUME_TOKEN_SIZE 40

struct lf_session {
	struct lf_list node;       /* console->all */
	struct lf_list dirty_node; /* console->dirty */
	struct lf_console *console;
	struct lf_conn *conn; /* NULL: waits for a resume */
	char id[LF_SESSION_ID_SIZE];
	char resume_token[LF_RESUME_TOKEN_SIZE];
	char peer[64];
	char *user_id;
	uint8_t licence; /* enum lf_licence_kind, granted */
	bool is_jsonrpc, can_resume, was_tls;
	int64_t seq;
	int64_t since_wall_ms, left_ms; /* left: when conn went */
	struct lf_list subs;            /* lf_sub.node */
	unsigned n_subs, next_sub;
	size_t rows;
	struct lf_ring ring;
	struct lf_list works; /* lf_work.node */
	struct lf_list ops;   /* lf_op.node, oldest first */
	unsigned n_ops;
};

/* What login asks for. */
struct lf_session_opts {
	const struct lf_user *user;
	enum lf_licence_kind licence;
	bool is_jsonrpc, can_resume;
};
int lf_session_new(struct lf_session **ret, struct lf_conn *conn,
		   const struct lf_session_opts *opts);
/* Gives back licence, rows and wants. The connection stays, logged out. */
void lf_session_free(struct lf_session *session);
void lf_session_detach(struct lf_session *session); /* its conn went away */
bool lf_session_is_over(const struct lf_session *session, int64_t now_ms);
const struct lf_user *lf_session_user(const struct lf_session *session);

/* An event: begin, write params into what is returned, end. */
struct lf_buf *lf_session_event(struct lf_session *session, const char *name);
int lf_session_event_end(struct lf_session *session);

/* ---- op.c: requests that are answered later, and done only once ---- */
struct lf_work;
#define LF_OP_MS 120000
#define LF_OP_MAX 1000 /* remembered per session */
#define LF_OP_CHARS 64

/*
 * Begins work on a call. 0 and NULL when its `op` was seen before: then the
 * call is answered, or will be. -EINVAL, -ENOSPC, -ENOMEM.
 */
int lf_work_new(struct lf_work **ret, struct lf_call *call);
/* Ends it: a result, or a fault with its data; JSON objects as text. */
void lf_work_done(struct lf_work *work, enum lf_fault fault, const char *json);
void lf_ops_expire(struct lf_session *session, int64_t now_ms);
void lf_ops_done(struct lf_session *session);

/* ---- topic.c ---- */
enum lf_topic { LF_TOPIC_LAMPS, LF_TOPIC_NOTES };

struct lf_sub {
	struct lf_list node;
	struct lf_session *session;
	unsigned id, page;
	uint8_t topic;
	bool is_all;
	bool is_restarted; /* owes a snapshot, be it empty */
	uint32_t fields;   /* enum lf_row_field */
	json_t *groups;    /* an array of texts, or NULL */
	size_t n_rows;
	/* Every row is in exactly one of these. */
	struct lf_list pages, dirty, waiting, clean;
};

void lf_sub_free(struct lf_sub *sub);
/* After a resume that cannot replay: everything anew. */
void lf_sub_restart(struct lf_sub *sub);
/* A user came, went, or changed groups. */
void lf_sub_follow(struct lf_sub *sub, const struct lf_user *was,
		   const struct lf_user *now);

/* ---- lamp.c ---- */
enum lf_row_field {
	LF_ROW_EXT = 1 << 0,
	LF_ROW_NAME = 1 << 1,
	LF_ROW_TEL = 1 << 2,
	LF_ROW_LINE = 1 << 3,
	LF_ROW_RICH = 1 << 4,
	LF_ROW_IDLE = 1 << 5,
	LF_ROW_MSG = 1 << 6,
	LF_ROW_FWD = 1 << 7,
	LF_ROW_DND = 1 << 8,
	LF_ROW_NOTE = 1 << 9,
	LF_ROW_SINCE = 1 << 10,
	LF_ROW_SRC = 1 << 11,
	LF_ROW_COND = 1 << 12,
	LF_ROW_PEER = 1 << 13,
	LF_ROW_CHAT = 1 << 14,
	LF_ROW_FULL = 1 << 18, /* the client knows nothing of this row yet */
	LF_ROW_GONE = 1 << 19, /* the row leaves the subscription */
};
#define LF_ROW_DEFAULT                                                         \
	(LF_ROW_EXT | LF_ROW_TEL | LF_ROW_LINE | LF_ROW_RICH | LF_ROW_IDLE |   \
	 LF_ROW_MSG | LF_ROW_FWD | LF_ROW_DND | LF_ROW_NOTE | LF_ROW_SINCE |   \
	 LF_ROW_SRC | LF_ROW_COND | LF_ROW_CHAT)

/* One person in one subscription: there may be millions. */
struct lf_row {
	struct lf_list queue;  /* one of the four lists of its sub */
	struct lf_list person; /* shown->rows */
	struct lf_shown *shown;
	struct lf_sub *sub;
	uint32_t slot;       /* when it was last sent */
	uint32_t dirty : 20; /* enum lf_row_field, not sent yet */
	bool is_queued : 1;  /* dirty or waiting */
	bool is_paged : 1;   /* its page is still to come */
	bool is_named : 1;   /* asked for by id, not by group */
};
_Static_assert(sizeof(struct lf_row) <= 56, "rows are many");

/* A row as JSON, valid within one flush. */
struct lf_frag {
	uint32_t flush;
	uint32_t mask;
	uint32_t off, len;
};
#define LF_FRAGS 2

/* A person that some console watches: the last values, and who sees them. */
struct lf_shown {
	struct lf_console *console;
	struct lf_list rows;
	unsigned lamp_rows; /* of lamps: these want the board */
	uint8_t tel, line, rich, cond, rich_cond, src, rich_src;
	uint8_t chat; /* enum lf_console_chat_state */
	bool is_idle, is_dnd;
	uint32_t chat_contacts;
	int64_t since_ms;
	struct lf_frag frags[LF_FRAGS];
	char *full; /* a whole row, kept between logins */
	uint32_t full_len;
	uint32_t full_mask;
	char user_id[];
};

int lf_row_fields_parse(uint32_t *ret, const json_t *fields,
			enum lf_topic topic);
int lf_row_new(struct lf_row **ret, struct lf_sub *sub, const char *user_id);
void lf_row_free(struct lf_row *row);
/* What moved, in fields; remembers the new values. */
uint32_t lf_shown_update(struct lf_shown *shown, const struct lf_change *c);
uint32_t lf_shown_update_chat(struct lf_shown *shown);
void lf_shown_forget(struct lf_shown *shown); /* the kept JSON is old */

/* ---- row.c ---- */
/* The row as JSON, to be used at once. NULL: out of memory. */
const char *lf_row_json(struct lf_shown *shown, uint32_t mask, size_t *ret_len);
/* Gives back what is kept for logins, if none has come for a while. */
void lf_rows_expire(struct lf_console *console, int64_t now_ms);

/* ---- fanout.c ---- */
void lf_shown_mark(struct lf_shown *shown, uint32_t fields);
void lf_row_mark(struct lf_row *row, uint32_t fields);
void lf_session_wake(struct lf_session *session); /* may send again */
/* One page into `buf`: "[...]"; true when more is to come. */
bool lf_sub_page(struct lf_sub *sub, struct lf_buf *buf);
/* Sends what is dirty, unless it is time to rest. */
void lf_console_flush(struct lf_console *console);
void lf_fanout_rested(struct lf_timer *timer, void *console);
void lf_fanout_slot(struct lf_timer *timer, void *console);
void lf_fanout_lamp(const struct lf_change *change, void *console);
void lf_fanout_chat(struct lf_console *console, const char *username);
void lf_fanout_note(const struct lf_note *note, void *console);
void lf_fanout_user(const struct lf_user *was, const struct lf_user *now,
		    void *console);
void lf_fanout_settings(void *console);

#endif
