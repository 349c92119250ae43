/* presence/simple_look.c - how the feeds and their lines are, for people. */
#include "presence/simple.h"

#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "presence/simple_internal.h"
#include "sip/subscribe.h"

#include "core/banned.h"

/* ---- the feeds ---- */

static enum lf_feed_state state_of(const struct lf_simple_feed *feed)
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

static void count_legs(const struct lf_simple_feed *feed,
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

static void trunk_status(const struct lf_simple_feed *feed,
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
	struct lf_simple_feed *feed;

	while (i && node != &simple->feeds) {
		node = node->next;
		i--;
	}
	if (node == &simple->feeds)
		return -ENOENT;
	feed = lf_simple_feed_of(node);
	memset(ret, 0, sizeof(*ret));
	ret->name = feed->conf.name;
	ret->server = feed->conf.server;
	ret->dialect = feed->conf.dialect_name;
	ret->package = feed->conf.package_name;
	ret->transport = lf_sip_transport_name(feed->conf.transport);
	ret->state = state_of(feed);
	ret->why = ret->hint = "";
	ret->silent_ms = -1;
	if (lf_simple_feed_is_running(feed))
		trunk_status(feed, ret);
	if (ret->state == LF_FEED_UP_UNKNOWN_CREDENTIALS)
		ret->hint = "credentials not found: on a trusted trunk this "
			    "is safe to ignore"; /* S20 */
	return 0;
}

/* ---- the lines of a user ---- */

static void describe(struct lf_simple_feed *feed, struct lf_leg *leg,
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
		struct lf_simple_feed *feed = lf_simple_feed_of(at);

		if (!lf_simple_feed_is_running(feed))
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
