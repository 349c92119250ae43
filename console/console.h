/*
 * console/console.h - the attendants' protocol: JSON lines on 51234 (plain)
 * and 51235 (TLS), and the same objects over WebSocket at /console (S98-S110,
 * docs/console-protocol.md).
 *
 *     stream or WebSocket -> connection -> session -> subscriptions -> rows
 *     board, notes ------changed()-------> rows are marked, sent once a turn
 *
 * A session outlives its connection by the resume time. Each changed row is
 * serialised once and copied into every connection that may see it; a slow
 * reader gets the newest state of each row, never an endless queue.
 */
#ifndef LF_CONSOLE_CONSOLE_H
#define LF_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/histogram.h"
#include "directory/setting.h"

struct lf_access;
struct lf_board;
struct lf_console; /* the server; opaque: see console.c */
struct lf_directory;
struct lf_notes;
struct lf_settings;
struct lf_timers;
struct lf_tls;
struct lf_web;

extern const struct lf_setting_def lf_console_settings[];

struct lf_console_opts {
	const char *node;          /* for hello; NULL: the host name */
	const char *plain_address; /* NULL: no plain port */
	uint16_t plain_port;       /* 0: the kernel picks */
	const char *tls_address;   /* NULL: no TLS port */
	uint16_t tls_port;
	struct lf_tls *tls;
	struct lf_web *web;            /* NULL: no WebSocket */
	const char *const *ws_origins; /* see core/listen.h */
};

/* What a link or feed is called and how it does, for hello and `system`. */
typedef size_t lf_console_links_fn(size_t i, const char **ret_name,
				   const char **ret_state, void *arg);

/* What a web chat says of its agents, by user name. */
enum lf_console_chat_state {
	LF_CONSOLE_CHAT_OUT, /* not logged in there */
	LF_CONSOLE_CHAT_READY,
	LF_CONSOLE_CHAT_NOT_READY,
	LF_CONSOLE_CHAT_BUSY,
};

struct lf_console_chat_ops {
	enum lf_console_chat_state (*state)(const char *username,
					    size_t *ret_contacts, void *arg);
	/* 0, or -ENOENT: not logged in there. */
	int (*set_ready)(const char *username, bool is_ready, void *arg);
};

struct lf_console_parts {
	struct lf_timers *timers;
	struct lf_board *board;
	struct lf_directory *directory;
	struct lf_notes *notes;
	struct lf_settings *settings;
	struct lf_access *access;
	lf_console_links_fn *links; /* returns 0 past the end */
	void *links_arg;
	/* A login found a licence of the kind, or none. NULL is fine. */
	void (*on_licence)(const char *kind, bool is_enough, void *arg);
	void *on_licence_arg;
	const struct lf_console_chat_ops *chat; /* NULL: there is none */
	void *chat_arg;
};

int lf_console_open(struct lf_console **ret,
		    const struct lf_console_parts *parts,
		    const struct lf_console_opts *opts);
/*
 * Says bye to everybody; frees itself after the last connection, and when no
 * password or note is with another room any more. Directory, notes, settings
 * and web still know it: close them in closed(), before they can call again.
 */
void lf_console_close(struct lf_console *console, void (*closed)(void *arg),
		      void *arg);

uint16_t lf_console_plain_port(const struct lf_console *console);
uint16_t lf_console_tls_port(const struct lf_console *console);

/*
 * A login for someone the web has authenticated: works once, for a minute
 * ({"auth":"token"}). -ENOENT: no such user.
 */
#define LF_CONSOLE_TOKEN_SIZE 36
int lf_console_token(struct lf_console *console, const char *user_id,
		     char out[LF_CONSOLE_TOKEN_SIZE]);

/* What `chat->state` says of this user may have moved; asks for it. */
void lf_console_chat_changed(struct lf_console *console, const char *username);

struct lf_console_stats {
	size_t connections, sessions, subscriptions, rows;
	uint64_t lines_in, events_out, conflated, slow_closed;
	/* From the first lamp that moved to the end of writing it out; once a
	 * flush. What rests in its slot of 100 ms is not counted. */
	struct lf_histogram lamp_times;
};
void lf_console_stats(const struct lf_console *console,
		      struct lf_console_stats *out);

#endif
