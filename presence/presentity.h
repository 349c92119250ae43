/*
 * presence/presentity.h - those who are asked about: one object per address
 * somebody watches, with its documents, rendered once per change and shared.
 *
 *     board --change--> desk --(next turn)--> seats: moved()
 *     seats --lf_presentity_body()--> a shared body
 *
 * A seat is whoever must know: a subscription, a resource list's member. Inside
 * presence/ only.
 */
#ifndef LF_PRESENCE_PRESENTITY_H
#define LF_PRESENCE_PRESENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/map.h"
#include "core/timer.h"
#include "presence/write.h"

#define LF_PRESENTITY_URI 256

struct lf_board;
struct lf_directory;
struct lf_presentity;
struct lf_sip_body;
struct lf_user;

enum lf_format {
	LF_FORMAT_PIDF,
	LF_FORMAT_XPIDF,
	LF_FORMAT_DIALOG_INFO,
	LF_FORMAT_SUMMARY,
	LF_FORMATS,
	/* dialog-info for one watcher: agent_partial.c writes it. */
	LF_FORMAT_DIALOG_PARTIAL = LF_FORMATS
};

struct lf_seat;
/* `moved`: enum lf_moved; 0 when the presentity is gone (its user was
 * deleted): leave the seat then. */
typedef void lf_seat_fn(struct lf_seat *seat, unsigned moved);

struct lf_seat {
	struct lf_list node;              /* in lf_presentity.seats */
	struct lf_presentity *presentity; /* NULL: nobody sits */
	lf_seat_fn *moved;
};

struct lf_presentity {
	struct lf_desk *desk;
	const struct lf_user *user;
	struct lf_presentity *next; /* of the same user */
	struct lf_list seats;
	struct lf_list waiting; /* in lf_desk.waiting, if it moved */
	unsigned moved, holds;
	uint32_t version;    /* of the next document */
	uint32_t counted_at; /* the version when agent_save.c last looked */
	uint32_t call;       /* odd: there is one; grows as it comes and goes */
	struct lf_sip_body *bodies[LF_FORMATS][LF_LEVELS];
	char uri[]; /* "sip:anna@corp.example" */
};

struct lf_desk {
	struct lf_timers *timers;
	struct lf_board *board;
	struct lf_directory *directory;
	struct lf_map by_uri, by_user;
	struct lf_list waiting;
	struct lf_timer turn;
	unsigned hide_digits;
};

int lf_desk_open(struct lf_desk *desk, struct lf_timers *timers,
		 struct lf_board *board, struct lf_directory *directory);
void lf_desk_close(struct lf_desk *desk); /* every seat was left before */

/* The user an address means: a SIP URI, or an extension at any host. */
const struct lf_user *lf_desk_user(const struct lf_desk *desk, const char *uri);

/* -ENOENT: no such user; -EINVAL: the URI is too long. */
int lf_seat_take(struct lf_seat *seat, struct lf_desk *desk, const char *uri);
void lf_seat_leave(struct lf_seat *seat);

const char *lf_format_type(enum lf_format format); /* "application/..." */
unsigned lf_format_moved(enum lf_format format);   /* what it shows */

/*
 * The document of now. `is_new`: dialog-info gets a version of its own, for a
 * watcher that has seen the last one. Borrowed; -ENOMEM.
 */
int lf_presentity_body(struct lf_sip_body **ret, struct lf_presentity *p,
		       enum lf_format format, enum lf_level level, bool is_new);
/* The same as text, into `out`, shorter: for lists. */
void lf_presentity_write(struct lf_presentity *p, enum lf_format format,
			 enum lf_level level, struct lf_buf *out);
/* No document of it is older from now on. */
void lf_presentity_skip_to(struct lf_presentity *p, uint32_t version);
/* What a document of now is made from; `ret->version` is 0. */
void lf_presentity_look(struct lf_writing *ret, struct lf_presentity *p,
			enum lf_level level);
/* All documents are rendered anew: a setting changed what they say. */
void lf_desk_forget(struct lf_desk *desk);

#endif
