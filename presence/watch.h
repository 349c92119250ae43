/*
 * presence/watch.h - one person's line at one SIP feed: which URI, which
 * packages, and their documents made into one report. Inside presence/ only.
 */
#ifndef LF_PRESENCE_WATCH_H
#define LF_PRESENCE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/feed.h"
#include "presence/leg.h"
#include "presence/peer.h"
#include "presence/pidf.h"
#include "presence/report.h"

struct lf_board;
struct lf_roster;
struct lf_watch; /* opaque: see watch.c */

/* A configured feed, as its watches see it; filled by simple_feed.c. */
struct lf_line_feed {
	struct lf_peer peer;
	struct lf_board *board;
	int index; /* at the board */
	enum lf_dialect dialect;
	uint8_t packages; /* 1 << enum lf_package, to subscribe to */
	bool may_turn;    /* 489: the other one of presence and dialog */
	bool has_presence_server;
	const char *domain;       /* of lines without a presence server */
	struct lf_roster *roster; /* a resource list first; or NULL */
	size_t watches;
	char hint[LF_REPORT_TEXT]; /* what a document gave away last: S26 */
};

/* The feed's `void *` is a struct lf_line_feed. */
extern const struct lf_feed_ops lf_watch_ops;

const char *lf_watch_subject(const struct lf_watch *watch);
/* The watch of a leg that the peer's list holds; NULL: it is a roster's. */
struct lf_watch *lf_watch_of(struct lf_leg *leg);
int64_t lf_watch_heard_ms(struct lf_leg *leg); /* 0: no document yet */

#endif
