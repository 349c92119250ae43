/*
 * presence/simple.h - the SIP/SIMPLE feeds: every "feed.*" of the settings is
 * a trunk and the watches on it (S10-S31).
 *
 *     settings -> simple.c (one feed per instance) -> watch.c (one per line)
 *              -> sip/subscribe.h -> NOTIFY -> document -> report -> board
 */
#ifndef LF_PRESENCE_SIMPLE_H
#define LF_PRESENCE_SIMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/setting.h"
#include "presence/feed.h"

struct lf_board;
struct lf_simple; /* opaque: see simple_internal.h */
struct lf_sip;
struct lf_store;
struct lf_timers;

extern const struct lf_setting_def lf_presence_settings[];

/*
 * Starts a feed for each configured instance, and follows the settings. The
 * store keeps dialogs for a restart (bucket "dialog"); `ready` is called when
 * those of the last run are known.
 */
int lf_simple_open(struct lf_simple **ret, struct lf_timers *timers,
		   struct lf_sip *sip, struct lf_board *board,
		   struct lf_settings *settings, struct lf_store *store,
		   void (*ready)(void *arg), void *arg);
/* Leaves the dialogs alive at the peers: they are saved for the next start. */
void lf_simple_close(struct lf_simple *simple);

struct lf_simple_status {
	const char *name, *server, *dialect, *package;
	const char *transport; /* "udp" */
	enum lf_feed_state state;
	bool is_unresolved; /* the server's name has no address */
	const char *why;    /* the last probe, for people */
	const char *hint;   /* e.g. S26, S20; "" for none */
	size_t watches, active, requesting, failed;
	size_t in_flight, queued;
	int64_t silent_ms; /* since the peer was last heard; -1: never */
};

/* The i-th feed; -ENOENT past the end. Texts live until the next turn. */
int lf_simple_status(struct lf_simple *simple, size_t i,
		     struct lf_simple_status *ret);

/* One line per watch of a user, for `why` and `trace`. */
struct lf_simple_line {
	const char *feed, *uri, *event, *state, *last;
	const char *call_id; /* for lf_sip_trace(); NULL: no dialog yet */
	int64_t age_ms;      /* of the last document; -1: none */
	int64_t next_ms;     /* until the next attempt or refresh; -1: none */
};
int lf_simple_line(struct lf_simple *simple, const char *user_id, size_t i,
		   struct lf_simple_line *ret);

#endif
