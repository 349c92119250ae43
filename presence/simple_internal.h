/*
 * presence/simple_internal.h - what simple.c (all feeds), simple_feed.c (one)
 * and simple_look.c (how they are) share.
 */
#ifndef LF_PRESENCE_SIMPLE_INTERNAL_H
#define LF_PRESENCE_SIMPLE_INTERNAL_H

#include <stdbool.h>

#include "core/list.h"
#include "core/timer.h"
#include "presence/simple.h"
#include "presence/simple_conf.h"
#include "presence/watch.h"

struct lf_saved;

struct lf_simple {
	struct lf_timers *timers;
	struct lf_sip *sip;
	struct lf_board *board;
	struct lf_settings *settings;
	struct lf_saved *saved;
	void (*ready)(void *arg);
	void *arg;
	struct lf_list feeds;
	struct lf_timer turn;   /* without a store: the first one */
	struct lf_timer ending; /* dialogs of the last run that nobody took */
	bool is_loaded;
};

struct lf_simple_feed {
	struct lf_list node;
	struct lf_simple *simple;
	struct lf_simple_conf conf;
	struct lf_line_feed line; /* while it is running */
};

static inline struct lf_simple_feed *lf_simple_feed_of(struct lf_list *node)
{
	return LF_CONTAINER_OF(node, struct lf_simple_feed, node);
}

/* One that is disabled, has no server or could not start is not. */
static inline bool lf_simple_feed_is_running(const struct lf_simple_feed *feed)
{
	return feed->line.peer.trunk != NULL;
}

/* Takes the conf over, leaving it empty. -ENOMEM; one that could not start is
 * there nevertheless, so that it is shown. */
int lf_simple_feed_add(struct lf_simple *simple, struct lf_simple_conf *conf);
/* What may change under a running feed is as in `conf` from now on. */
void lf_simple_feed_tune(struct lf_simple_feed *feed,
			 const struct lf_simple_conf *conf);
void lf_simple_feed_free(struct lf_simple_feed *feed);

#endif
