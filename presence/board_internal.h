/*
 * presence/board_internal.h - what the files of the board share: board.c (whom
 * somebody wants), claims.c (what each feed says of them) and settle.c (what
 * follows for their lamps). Nobody else includes it.
 */
#ifndef LF_PRESENCE_BOARD_INTERNAL_H
#define LF_PRESENCE_BOARD_INTERNAL_H

#include "core/map.h"
#include "core/timer.h"
#include "presence/board.h"
#include "presence/brief.h"
#include "presence/report.h"

struct lf_board_feed {
	const struct lf_feed_ops *ops; /* NULL: a free place */
	void *self;
	char *name;
	enum lf_feed_kind kind;
};

struct lf_board_sink {
	lf_board_sink_fn *fn; /* NULL: a free place */
	void *arg;
};

/* One feed's side of one person. */
struct lf_claim {
	void *watch;
	struct lf_brief brief;
	bool is_watched;
};

struct lf_person {
	struct lf_board *board;
	const struct lf_user *user;
	struct lf_claim *claims; /* by feed index */
	uint8_t n_claims;
	bool is_settling; /* starts or ends to be watched: one change, later */
	uint32_t wants;
	struct lf_timer linger;
	struct lf_lamp lamp;
	char *texts; /* of the lamp: fwd_to, message, peer; NULL: all "" */
	char id[];   /* key in the map; the user may be replaced */
};

struct lf_board {
	struct lf_timers *timers;
	struct lf_directory *directory;
	struct lf_settings *settings;
	struct lf_map persons;
	struct lf_board_feed feeds[LF_FEEDS_MAX];
	struct lf_board_sink sinks[LF_SINKS_MAX];
	struct lf_timer offer; /* new feeds to persons already wanted */
	int preferred;
	enum lf_feed_kind winning;
	char pilot[LF_REPORT_NUMBER];
	size_t wanted;
	uint64_t reports, changes;
	struct lf_report scratch[LF_FEEDS_MAX]; /* what a merge reads */
};

/* ---- settle.c ---- */
extern const struct lf_lamp lf_lamp_unwatched; /* of whom nobody wants */

/* Merges anew and tells the sinks if the lamp moved. */
void lf_person_settle(struct lf_person *person);
void lf_board_settle_all(struct lf_board *board);
/* The lamp goes dark with the person. */
void lf_person_tell_gone(struct lf_person *person);

/* ---- claims.c ---- */
void lf_claim_begin(struct lf_person *person, size_t feed);
void lf_claim_end(struct lf_person *person, size_t feed);
void lf_claim_forget(struct lf_claim *claim);
/* New feeds to persons already wanted. */
void lf_board_offer(struct lf_timer *timer, void *board);

#endif
