/*
 * presence/simple_feed.c - one feed: a trunk, a peer (peer.c) and a feed of the
 * board, started and stopped together.
 */
#include "presence/simple_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "presence/board.h"
#include "presence/roster.h"

#include "core/banned.h"

static void on_trunk(struct lf_sip_trunk *trunk, enum lf_sip_trunk_state state,
		     const char *why, void *arg)
{
	struct lf_simple_feed *feed = arg;
	bool answers = state == LF_TRUNK_UP;

	lf_log(answers ? LF_NOTICE : LF_WARN, "presence", "feed %s, %s: %s",
	       feed->conf.name, feed->conf.server, why);
	lf_peer_trunk(&feed->line.peer, state, why);
}

static int start_trunk(struct lf_simple_feed *feed)
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

static void stop(struct lf_simple_feed *feed)
{
	if (feed->line.index >= 0)
		lf_board_remove_feed(feed->simple->board, feed->line.index);
	lf_roster_free(feed->line.roster);
	feed->line.roster = NULL;
	lf_peer_stop(&feed->line.peer);
	lf_sip_trunk_free(feed->line.peer.trunk);
	feed->line.peer.trunk = NULL;
}

static void set_line(struct lf_simple_feed *feed)
{
	struct lf_simple *simple = feed->simple;
	struct lf_line_feed *line = &feed->line;

	line->index = -1;
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
	line->peer.expires_s = feed->conf.expires_s;
	line->peer.stale_after_ms = feed->conf.stale_after_ms;
}

static int start(struct lf_simple_feed *feed)
{
	struct lf_line_feed *line = &feed->line;
	int err;

	if (!feed->conf.is_enabled || !feed->conf.host[0])
		return 0;
	set_line(feed);
	lf_peer_start(&line->peer);
	err = start_trunk(feed);
	if (!err && feed->conf.list_uri[0])
		err = lf_roster_new(&line->roster, line, feed->conf.list_uri);
	if (err)
		goto fail;
	err = lf_board_add_feed(line->board, &lf_watch_ops, feed->conf.name,
				LF_FEED_SIP, line);
	if (err < 0)
		goto fail;
	line->index = err;
	return 0;
fail:
	stop(feed);
	return err;
}

int lf_simple_feed_add(struct lf_simple *simple, struct lf_simple_conf *conf)
{
	struct lf_simple_feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return -ENOMEM;
	feed->simple = simple;
	feed->conf = *conf;
	memset(conf, 0, sizeof(*conf));
	lf_list_add_tail(&simple->feeds, &feed->node);
	return start(feed);
}

void lf_simple_feed_tune(struct lf_simple_feed *feed,
			 const struct lf_simple_conf *conf)
{
	feed->conf.expires_s = conf->expires_s;
	feed->conf.stale_after_ms = conf->stale_after_ms;
	feed->line.peer.expires_s = conf->expires_s;
	feed->line.peer.stale_after_ms = conf->stale_after_ms;
}

void lf_simple_feed_free(struct lf_simple_feed *feed)
{
	if (lf_simple_feed_is_running(feed))
		stop(feed);
	lf_list_del(&feed->node);
	lf_simple_conf_done(&feed->conf);
	free(feed);
}
