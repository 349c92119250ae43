/*
 * presence/agent_winfo.c - who watches me (RFC 3857). Full documents only:
 * they are rare, and asked for by people.
 */
#include "presence/agent_internal.h"

#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "directory/user.h"
#include "sip/notify.h"

#include "core/banned.h"

#define WATCHERS_MAX 500 /* in a document */

/* A subscription to the presence of that user alone: no list names him. */
static bool is_watching(const struct lf_agent_sub *sub,
			const struct lf_user *user)
{
	return !sub->package->is_winfo && lf_agent_sub_shows(sub, user) &&
	       !strcmp(sub->package->name, "presence");
}

static void add_watchers(struct lf_buf *out, struct lf_agent *agent,
			 const struct lf_user *user)
{
	int64_t now_ms = lf_mono_ms();
	unsigned n = 0;

	LF_LIST_FOREACH (node, &agent->subs) {
		const struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (!is_watching(sub, user) || n++ == WATCHERS_MAX)
			continue;
		lf_winfo_add(out,
			     &(const struct lf_watcher_item){
				     .id = sub->id,
				     .uri = sub->watcher,
				     .status = "active",
				     .event = "subscribe",
				     .age_s = (now_ms - sub->begun_ms) / 1000,
				     .expires_s = (uint32_t)((sub->ends_ms -
							      now_ms) /
							     1000),
			     });
	}
}

int lf_agent_winfo_body(struct lf_sip_body **ret, struct lf_agent_sub *sub)
{
	const struct lf_presentity *p = sub->seat.presentity;
	struct lf_buf text = {0};
	int err;

	lf_winfo_begin(&text, sub->version++, true, p->uri, "presence");
	add_watchers(&text, sub->agent, p->user);
	lf_winfo_end(&text);
	err = lf_buf_error(&text);
	if (!err)
		err = lf_sip_body_new(ret, "application/watcherinfo+xml",
				      lf_buf_str(&text), text.len);
	lf_buf_done(&text);
	return err;
}

/* Once a turn, however many came and went in it. */
static void on_turn(struct lf_timer *timer, void *arg)
{
	struct lf_agent *agent = arg;

	LF_LIST_FOREACH_SAFE (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (sub->is_owed_winfo) {
			sub->is_owed_winfo = false;
			lf_agent_sub_update(sub);
		}
	}
}

void lf_agent_winfo_init(struct lf_agent *agent)
{
	lf_timer_init(&agent->winfo_turn, on_turn, agent);
}

void lf_agent_winfo_moved(struct lf_agent *agent,
			  const struct lf_agent_sub *who)
{
	if (!agent->winfo_count || who->package->is_winfo)
		return;
	LF_LIST_FOREACH (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (sub->package->is_winfo &&
		    lf_agent_sub_shows(who, sub->seat.presentity->user))
			sub->is_owed_winfo = true;
	}
	if (!lf_timer_is_running(&agent->winfo_turn))
		lf_timer_start(agent->parts.timers, &agent->winfo_turn, 0);
}
