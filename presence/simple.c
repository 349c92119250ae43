/*
 * presence/simple.c - the SIP/SIMPLE feeds, as the settings name them.
 *
 * Each instance of "feed.*" is a trunk, a peer (peer.c) and a feed of the
 * board. A change of settings compares fingerprints: what is as before is left
 * alone, what differs is taken down and built anew.
 */
#include "presence/simple.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "presence/board.h"
#include "presence/roster.h"
#include "presence/saved.h"
#include "presence/simple_conf.h"
#include "presence/watch.h"
#include "sip/subscribe.h"

#include "core/banned.h"

#define END_AFTER_MS 60000 /* nobody wants it again: S56 */
#define END_EVERY_MS 2000
#define END_AT_ONCE 50

struct simple_feed {
	struct lf_list node;
	struct lf_simple *simple;
	struct lf_simple_conf conf;
	struct lf_line_feed line; /* with a trunk only: see is_running() */
};

struct lf_simple {
	struct lf_timers *timers;
	struct lf_sip *sip;
	struct lf_board *board;
	struct lf_settings *settings;
	struct lf_saved *saved;
	void (*ready)(void *arg);
	void *arg;
	struct lf_list feeds;
	struct lf_timer ending; /* dialogs of the last run that nobody took */
	bool is_loaded;
};

static struct simple_feed *feed_of(struct lf_list *node)
{
	return LF_CONTAINER_OF(node, struct simple_feed, node);
}

static bool is_running(const struct simple_feed *feed)
{
	return feed->line.peer.trunk != NULL;
}

/* ---- one feed ---- */

static void on_trunk(struct lf_sip_trunk *trunk, enum lf_sip_trunk_state state,
		     const char *why, void *arg)
{
	struct simple_feed *feed = arg;
	bool answers = state == LF_TRUNK_UP;

	lf_log(answers ? LF_NOTICE : LF_WARN, "presence", "feed %s, %s: %s",
	       feed->conf.name, feed->conf.server, why);
	lf_peer_trunk(&feed->line.peer, state, why);
}

static int start_trunk(struct simple_feed *feed)
{
	const struct lf_simple_conf *conf = &feed->conf;
	const struct lf_sip_trunk_opts opts = {
		.name = conf->name,
		.host = conf->host,
		.port = conf->port,
		.transport = conf->transport,
		.uri = conf->uri,
		.auth_id = conf->auth_id[0] ? conf->auth_id : NULL,
		.password = conf->password,
		.allow = (const char *const *)conf->allow,
		.max_in_flight = conf->max_in_flight,
		.probe_ms = (unsigned)conf->probe_ms,
	};

	return lf_sip_trunk_new(&feed->line.peer.trunk, feed->simple->sip,
				&opts, on_trunk, feed);
}

/* What may change under a running feed. */
static void tune(struct simple_feed *feed)
{
	feed->line.peer.expires_s = feed->conf.expires_s;
	feed->line.peer.stale_after_ms = feed->conf.stale_after_ms;
}

static void stop_feed(struct simple_feed *feed)
{
	if (!is_running(feed))
		return;
	if (feed->line.index >= 0)
		lf_board_remove_feed(feed->simple->board, feed->line.index);
	lf_roster_free(feed->line.roster);
	feed->line.roster = NULL;
	lf_peer_stop(&feed->line.peer);
	lf_sip_trunk_free(feed->line.peer.trunk);
	feed->line.peer.trunk = NULL;
}

static int start_feed(struct simple_feed *feed)
{
	struct lf_simple *simple = feed->simple;
	struct lf_line_feed *line = &feed->line;
	int err;

	memset(line, 0, sizeof(*line));
	line->index = -1;
	if (!feed->conf.is_enabled || !feed->conf.host[0])
		return 0;
	line->board = simple->board;
	line->dialect = feed->conf.dialect;
	line->packages = feed->conf.packages;
	line->may_turn = feed->conf.may_turn;
	line->has_presence_server = feed->conf.has_presence_server;
	line->domain = feed->conf.domain;
	line->peer.name = feed->conf.name;
	line->peer.timers = simple->timers;
	line->peer.saved = simple->saved;
	line->peer.probe_ms = feed->conf.probe_ms;
	tune(feed);

	lf_peer_start(&line->peer);
	err = start_trunk(feed);
	if (!err && feed->conf.list_uri[0])
		err = lf_roster_new(&line->roster, line, feed->conf.list_uri);
	if (err)
		goto fail;
	err = lf_board_add_feed(simple->board, &lf_watch_ops, feed->conf.name,
				LF_FEED_SIP, line);
	if (err < 0)
		goto fail;
	line->index = err;
	return 0;
fail:
	stop_feed(feed);
	lf_peer_stop(&line->peer);
	return err;
}

static void free_feed(struct simple_feed *feed)
{
	stop_feed(feed);
	lf_list_del(&feed->node);
	lf_simple_conf_done(&feed->conf);
	free(feed);
}

static void add_feed(struct lf_simple *simple, struct lf_simple_conf *conf)
{
	struct simple_feed *feed = calloc(1, sizeof(*feed));
	int err = -ENOMEM;

	if (feed) {
		feed->simple = simple;
		feed->conf = *conf;
		memset(conf, 0, sizeof(*conf));
		lf_list_add_tail(&simple->feeds, &feed->node);
		err = start_feed(feed);
	}
	if (err)
		lf_log(LF_ERROR, "presence", "feed %s cannot start: %s",
		       feed ? feed->conf.name : conf->name, strerror(-err));
}

/* ---- all of them ---- */

static struct simple_feed *find_feed(struct lf_simple *simple, const char *name)
{
	LF_LIST_FOREACH (node, &simple->feeds)
		if (!strcmp(feed_of(node)->conf.name, name))
			return feed_of(node);
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

static void load_feed(struct lf_simple *simple, const char *name)
{
	struct simple_feed *feed = find_feed(simple, name);
	struct lf_simple_conf conf;

	if (lf_simple_conf_read(&conf, simple->settings, name)) {
		lf_log(LF_ERROR, "presence", "feed %s: out of memory", name);
		return; /* the old one goes on */
	}
	if (feed && lf_simple_conf_is_same(&feed->conf, &conf)) {
		feed->conf.expires_s = conf.expires_s;
		feed->conf.stale_after_ms = conf.stale_after_ms;
		if (is_running(feed))
			tune(feed);
	} else {
		if (feed)
			free_feed(feed);
		add_feed(simple, &conf);
	}
	lf_simple_conf_done(&conf);
}

static void prefer(struct lf_simple *simple)
{
	const char *name =
		lf_setting_text(simple->settings, "presence.preferred-feed");
	struct simple_feed *feed = find_feed(simple, name);

	lf_board_prefer(simple->board,
			feed && is_running(feed) ? feed->line.index : -1);
}

static void load(struct lf_simple *simple)
{
	const char *name;
	size_t i;

	LF_LIST_FOREACH_SAFE (node, &simple->feeds)
		if (!is_configured(simple, feed_of(node)->conf.name))
			free_feed(feed_of(node));
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
		struct simple_feed *feed = feed_of(node);

		if (!is_running(feed))
			lf_saved_end(simple->saved, feed->conf.name, NULL,
				     END_AT_ONCE);
		else if (lf_peer_may_ask(&feed->line.peer))
			lf_saved_end(simple->saved, feed->conf.name,
				     feed->line.peer.trunk, END_AT_ONCE);
	}
	if (lf_saved_left(simple->saved))
		lf_timer_start(simple->timers, timer, END_EVERY_MS);
}

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
	lf_timer_init(&simple->ending, store ? on_ending : on_first_turn,
		      simple);
	if (store)
		err = lf_saved_open(&simple->saved, store, on_saved, simple);
	else
		err = lf_timer_start(timers, &simple->ending, 0);
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
		if (is_running(feed_of(node)))
			lf_peer_leave(&feed_of(node)->line.peer);
		free_feed(feed_of(node));
	}
	lf_timer_stop(simple->timers, &simple->ending);
	lf_saved_close(simple->saved);
	free(simple);
}

/* ---- looking in ---- */

static enum lf_feed_state state_of(const struct simple_feed *feed)
{
	const struct lf_sip_trunk *trunk = feed->line.peer.trunk;

	if (!feed->conf.is_enabled)
		return LF_FEED_DISABLED;
	if (!feed->conf.host[0] || !trunk)
		return LF_FEED_NOT_CONFIGURED;
	switch (lf_sip_trunk_state(trunk)) {
	case LF_TRUNK_UP:
		if (feed->conf.password[0] &&
		    !lf_sip_trunk_has_credentials(trunk))
			return LF_FEED_UP_UNKNOWN_CREDENTIALS;
		return LF_FEED_UP;
	case LF_TRUNK_FORBIDDEN:
		return LF_FEED_FORBIDDEN;
	default:
		return LF_FEED_CONNECTION_ERROR;
	}
}

static void count_legs(const struct simple_feed *feed,
		       struct lf_simple_status *ret)
{
	LF_LIST_FOREACH (node, &feed->line.peer.legs) {
		const struct lf_leg *leg =
			LF_CONTAINER_OF(node, struct lf_leg, node);

		if (leg->cond == LF_COND_OK)
			ret->active++;
		else if (leg->cond == LF_COND_REQUESTING)
			ret->requesting++;
		else
			ret->failed++;
	}
}

static void trunk_status(const struct simple_feed *feed,
			 struct lf_simple_status *ret)
{
	struct lf_sip_trunk_stats stats;

	lf_sip_trunk_stats(feed->line.peer.trunk, &stats);
	ret->is_unresolved = stats.is_unresolved;
	ret->why = lf_sip_trunk_why(feed->line.peer.trunk);
	ret->watches = feed->line.watches;
	ret->in_flight = stats.in_flight;
	ret->queued = stats.queued;
	if (stats.last_heard_ms)
		ret->silent_ms = lf_mono_ms() - stats.last_heard_ms;
	count_legs(feed, ret);
	if (feed->line.hint[0])
		ret->hint = feed->line.hint;
}

int lf_simple_status(struct lf_simple *simple, size_t i,
		     struct lf_simple_status *ret)
{
	struct lf_list *node = simple->feeds.next;
	struct simple_feed *feed;

	while (i && node != &simple->feeds) {
		node = node->next;
		i--;
	}
	if (node == &simple->feeds)
		return -ENOENT;
	feed = feed_of(node);
	memset(ret, 0, sizeof(*ret));
	ret->name = feed->conf.name;
	ret->server = feed->conf.server;
	ret->dialect = feed->conf.dialect_name;
	ret->package = feed->conf.package_name;
	ret->transport = lf_sip_transport_name(feed->conf.transport);
	ret->state = state_of(feed);
	ret->why = ret->hint = "";
	ret->silent_ms = -1;
	if (is_running(feed))
		trunk_status(feed, ret);
	if (ret->state == LF_FEED_UP_UNKNOWN_CREDENTIALS)
		ret->hint = "credentials not found: on a trusted trunk this "
			    "is safe to ignore"; /* S20 */
	return 0;
}

static void describe(struct simple_feed *feed, struct lf_leg *leg,
		     struct lf_simple_line *ret)
{
	int64_t now_ms = lf_mono_ms(), heard_ms = lf_watch_heard_ms(leg);

	ret->feed = feed->conf.name;
	ret->uri = leg->uri;
	ret->event = lf_package_event((enum lf_package)leg->package);
	ret->state = lf_leg_state_name(leg);
	ret->last = leg->hint ? leg->hint : "";
	ret->call_id = lf_sip_sub_has_dialog(leg->sub)
			       ? lf_sip_sub_call_id(leg->sub)
			       : NULL;
	ret->age_ms = heard_ms ? now_ms - heard_ms : -1;
	ret->next_ms = lf_timer_is_running(&leg->timer)
			       ? leg->timer.due_ms - now_ms
			       : -1;
}

int lf_simple_line(struct lf_simple *simple, const char *user_id, size_t i,
		   struct lf_simple_line *ret)
{
	LF_LIST_FOREACH (at, &simple->feeds) {
		struct simple_feed *feed = feed_of(at);

		if (!is_running(feed))
			continue;
		LF_LIST_FOREACH (node, &feed->line.peer.legs) {
			struct lf_leg *leg =
				LF_CONTAINER_OF(node, struct lf_leg, node);

			if (strcmp(leg->ops->subject(leg), user_id) || i--)
				continue;
			describe(feed, leg, ret);
			return 0;
		}
	}
	return -ENOENT;
}
