/*
 * presence/simple.c - the SIP/SIMPLE feeds, as the settings name them.
 *
 * Each instance of "feed.*" is one (simple_feed.c). When the settings change,
 * a feed that is as before is left alone; one that differs is taken down and
 * built anew.
 */
#include "presence/simple.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "presence/board.h"
#include "presence/saved.h"
#include "presence/simple_internal.h"

#include "core/banned.h"

#define END_AFTER_MS 60000 /* nobody wants it again: S56 */
#define END_EVERY_MS 2000
#define END_AT_ONCE 50

/* ---- as the settings say ---- */

static struct lf_simple_feed *find_feed(struct lf_simple *simple,
					const char *name)
{
	LF_LIST_FOREACH (node, &simple->feeds)
		if (!strcmp(lf_simple_feed_of(node)->conf.name, name))
			return lf_simple_feed_of(node);
	return NULL;
}

static bool is_configured(struct lf_simple *simple, const char *name)
{
	const char *instance;
	size_t i;

	for (i = 0; (instance = lf_setting_instance(simple->settings, "feed.*",
						    i)) != NULL;
	     i++)
		if (!strcmp(instance, name))
			return true;
	return false;
}

/* Never stops the others: the error is shown and logged. */
static void add_feed(struct lf_simple *simple, struct lf_simple_conf *conf,
		     const char *name)
{
	int err = lf_simple_feed_add(simple, conf);

	if (err)
		lf_log(LF_ERROR, "presence", "feed %s cannot start: %s", name,
		       strerror(-err));
}

static void load_feed(struct lf_simple *simple, const char *name)
{
	struct lf_simple_feed *feed = find_feed(simple, name);
	struct lf_simple_conf conf;

	if (lf_simple_conf_read(&conf, simple->settings, name)) {
		lf_log(LF_ERROR, "presence", "feed %s: out of memory", name);
		return; /* the old one goes on */
	}
	if (feed && lf_simple_conf_is_same(&feed->conf, &conf)) {
		lf_simple_feed_tune(feed, &conf);
	} else {
		if (feed)
			lf_simple_feed_free(feed);
		add_feed(simple, &conf, name);
	}
	lf_simple_conf_done(&conf);
}

static void prefer(struct lf_simple *simple)
{
	const char *name =
		lf_setting_text(simple->settings, "presence.preferred-feed");
	struct lf_simple_feed *feed = find_feed(simple, name);

	lf_board_prefer(simple->board, feed && lf_simple_feed_is_running(feed)
					       ? feed->line.index
					       : -1);
}

static void load(struct lf_simple *simple)
{
	const char *name;
	size_t i;

	LF_LIST_FOREACH_SAFE (node, &simple->feeds)
		if (!is_configured(simple, lf_simple_feed_of(node)->conf.name))
			lf_simple_feed_free(lf_simple_feed_of(node));
	for (i = 0; (name = lf_setting_instance(simple->settings, "feed.*",
						i)) != NULL;
	     i++)
		load_feed(simple, name);
	prefer(simple);
}

static void on_settings(void *arg)
{
	struct lf_simple *simple = arg;

	if (simple->is_loaded)
		load(simple);
}

/* ---- the last run's dialogs ---- */

static void on_ending(struct lf_timer *timer, void *arg)
{
	struct lf_simple *simple = arg;

	LF_LIST_FOREACH (node, &simple->feeds) {
		struct lf_simple_feed *feed = lf_simple_feed_of(node);

		if (!lf_simple_feed_is_running(feed))
			lf_saved_end(simple->saved, feed->conf.name, NULL,
				     END_AT_ONCE);
		else if (lf_peer_may_ask(&feed->line.peer))
			lf_saved_end(simple->saved, feed->conf.name,
				     feed->line.peer.trunk, END_AT_ONCE);
	}
	if (lf_saved_left(simple->saved))
		lf_timer_start(simple->timers, timer, END_EVERY_MS);
}

/* ---- life ---- */

static void begin(struct lf_simple *simple)
{
	simple->is_loaded = true;
	load(simple);
	if (simple->ready)
		simple->ready(simple->arg);
}

static void on_saved(void *arg)
{
	struct lf_simple *simple = arg;

	lf_timer_start(simple->timers, &simple->ending, END_AFTER_MS);
	begin(simple);
}

/* Without a store there is nothing to wait for. */
static void on_first_turn(struct lf_timer *timer, void *arg)
{
	begin(arg);
}

int lf_simple_open(struct lf_simple **ret, struct lf_timers *timers,
		   struct lf_sip *sip, struct lf_board *board,
		   struct lf_settings *settings, struct lf_store *store,
		   void (*ready)(void *arg), void *arg)
{
	struct lf_simple *simple = calloc(1, sizeof(*simple));
	int err;

	if (!simple)
		return -ENOMEM;
	simple->timers = timers;
	simple->sip = sip;
	simple->board = board;
	simple->settings = settings;
	simple->ready = ready;
	simple->arg = arg;
	lf_list_init(&simple->feeds);
	lf_timer_init(&simple->turn, on_first_turn, simple);
	lf_timer_init(&simple->ending, on_ending, simple);
	if (store)
		err = lf_saved_open(&simple->saved, store, on_saved, simple);
	else
		err = lf_timer_start(timers, &simple->turn, 0);
	if (err)
		goto fail;
	/* Last: they cannot be taken back. */
	err = lf_settings_on_change(settings, "feed.", on_settings, simple);
	if (!err)
		err = lf_settings_on_change(settings, "presence.preferred-feed",
					    on_settings, simple);
	if (err)
		goto fail;
	*ret = simple;
	return 0;
fail:
	lf_timer_stop(timers, &simple->turn);
	lf_timer_stop(timers, &simple->ending);
	lf_saved_close(simple->saved);
	free(simple);
	return err;
}

void lf_simple_close(struct lf_simple *simple)
{
	if (!simple)
		return;
	simple->is_loaded = false;
	LF_LIST_FOREACH_SAFE (node, &simple->feeds) {
		if (lf_simple_feed_is_running(lf_simple_feed_of(node)))
			lf_peer_leave(&lf_simple_feed_of(node)->line.peer);
		lf_simple_feed_free(lf_simple_feed_of(node));
	}
	lf_timer_stop(simple->timers, &simple->turn);
	lf_timer_stop(simple->timers, &simple->ending);
	lf_saved_close(simple->saved);
	free(simple);
}
