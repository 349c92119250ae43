/*
 * presence/feed.h - a feed: one configured source of state. A module is this
 * table and a private struct; the board calls it, it calls lf_board_report().
 */
#ifndef LF_PRESENCE_FEED_H
#define LF_PRESENCE_FEED_H

#include <stddef.h>

#include "presence/lamp.h"

struct lf_buf;
struct lf_person;

/* S52, S53: the connector's state as the administrator sees it. */
enum lf_feed_state {
	LF_FEED_NOT_CONFIGURED,
	LF_FEED_DISABLED,
	LF_FEED_FORBIDDEN,
	LF_FEED_CONNECTION_ERROR,
	LF_FEED_UP,
	LF_FEED_UP_UNKNOWN_CREDENTIALS,
};

struct lf_feed_ops {
	/*
	 * Begin to watch: report soon, LF_COND_REQUESTING at once. Whatever is
	 * stored in *ret_watch comes back by lf_person_watch(). A person
	 * without a line here is reported LF_COND_NOT_CONFIGURED.
	 */
	int (*watch)(void *feed, struct lf_person *person, void **ret_watch);
	void (*unwatch)(void *feed, struct lf_person *person, void *watch);
	/* The user's lines may have changed: compare, watch anew if so. */
	void (*update)(void *feed, struct lf_person *person, void *watch);
};

const char *lf_feed_state_name(enum lf_feed_state state);   /* "UpAndRunning" */
const char *lf_feed_state_remedy(enum lf_feed_state state); /* what to do */

#endif
