/*
 * presence/board.h - one lamp per person; the newest report of every feed.
 *
 *     feeds --lf_board_report()--> board --changed()--> sinks
 *     sinks --lf_board_want()----> board --watch()----> feeds
 *
 * A person nobody wants is not watched (S38, S56): the first want asks every
 * feed to watch, and 60 s after the last one is given back the feeds stop.
 */
#ifndef LF_PRESENCE_BOARD_H
#define LF_PRESENCE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/lamp.h"

struct lf_board;  /* opaque: see board.c */
struct lf_person; /* a watched user; opaque */
struct lf_directory;
struct lf_feed_ops;
struct lf_input;
struct lf_report;
struct lf_settings;
struct lf_timers;
struct lf_trace;
struct lf_user;

#define LF_LINGER_MS 60000
#define LF_FEEDS_MAX 8
#define LF_SINKS_MAX 8

enum lf_moved {
	LF_MOVED_TEL = 1 << 0,  /* tel, line, dnd, tel_cond, tel_feed */
	LF_MOVED_RICH = 1 << 1, /* rich, idle, message, rich_cond, rich_feed */
	LF_MOVED_FWD = 1 << 2,
	LF_MOVED_PEER = 1 << 3,
	LF_MOVED_VOICEMAIL = 1 << 4,
	LF_MOVED_MESSAGE = 1 << 5, /* never without RICH */
};

/* A lamp that really moved; never a repeat. */
struct lf_change {
	const struct lf_user *user;
	const struct lf_lamp *lamp;
	unsigned moved; /* enum lf_moved */
	int64_t at_us;  /* lf_mono_us() */
};

/* Called from within lf_board_report() and friends: note it and return. */
typedef void lf_board_sink_fn(const struct lf_change *change, void *arg);

/* `directory` and `settings` are read, and listened to (S30: a voicemail
 * number changes lamps at once). Its settings: lf_presence_settings[]. */
int lf_board_new(struct lf_board **ret, struct lf_timers *timers,
		 struct lf_directory *directory, struct lf_settings *settings);
void lf_board_free(struct lf_board *board); /* feeds are removed before */

int lf_board_add_sink(struct lf_board *board, lf_board_sink_fn *fn, void *arg);
void lf_board_remove_sink(struct lf_board *board, lf_board_sink_fn *fn,
			  void *arg);

/* Counted interest. -ENOENT: no such user. The lamp is there at once. */
int lf_board_want(struct lf_board *board, const char *user_id);
void lf_board_unwant(struct lf_board *board, const char *user_id);

/* Never NULL: someone not watched is LF_COND_NOT_REQUESTED. */
const struct lf_lamp *lf_board_lamp(const struct lf_board *board,
				    const char *user_id);

/* ---- for feeds (feed.h) ---- */
/* Returns the feed's index, or -ENOSPC. Persons already wanted are offered in
 * the loop's next turn, when the feed knows its index. */
int lf_board_add_feed(struct lf_board *board, const struct lf_feed_ops *ops,
		      const char *name, enum lf_feed_kind kind, void *feed);
/* Withdraws its reports; calls unwatch() for each of its persons first. */
void lf_board_remove_feed(struct lf_board *board, int feed);
/* Which SIP feed wins a conflict (S41); -1: the first. */
void lf_board_prefer(struct lf_board *board, int feed);
const char *lf_board_feed_name(const struct lf_board *board, int feed);
/* LF_FEED_KINDS when there is no such feed. */
enum lf_feed_kind lf_board_feed_kind(const struct lf_board *board, int feed);

/* Copies the report. Calls the sinks if the merged lamp moved. -ESTALE: this
 * feed has reported something that arrived later (at_ms). */
int lf_board_report(struct lf_board *board, struct lf_person *person, int feed,
		    const struct lf_report *report);
/* Whom this feed watches, by id; NULL: nobody looks. */
struct lf_person *lf_board_watched(const struct lf_board *board, int feed,
				   const char *user_id);
const struct lf_user *lf_person_user(const struct lf_person *person);
/* What watch() of this feed stored for this person. */
void *lf_person_watch(const struct lf_person *person, int feed);

/* ---- for `why` ---- */
/* Re-merges with a trace; inputs[] point into the board. Returns their
 * number; 0 when the user is not watched. */
size_t lf_board_why(struct lf_board *board, const char *user_id,
		    struct lf_input *inputs, size_t max,
		    struct lf_lamp *ret_lamp, struct lf_trace *ret_trace);

struct lf_board_stats {
	size_t persons, wanted;
	uint64_t reports, changes;
};
void lf_board_stats(const struct lf_board *board, struct lf_board_stats *out);

#endif
