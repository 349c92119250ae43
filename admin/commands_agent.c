/*
 * admin/commands_agent.c - watchers and publications: who asks our presence
 * server, and who tells it something.
 */
#include <stdio.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/server.h"
#include "directory/user.h"
#include "presence/agent.h"

#include "core/banned.h"

static void on_watcher(const struct lf_agent_watcher *w, void *arg)
{
	lf_call_row(arg,
		    json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}",
			      "id", (int)w->id, "watcher", w->watcher,
			      "watches", w->uri, "user", w->user_id, "event",
			      w->event, "shown", w->shown, "lane", w->transport,
			      "target", w->target, "expires_s",
			      (json_int_t)w->expires_s));
}

static void run_watchers(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user = NULL;

	if (lf_call_arg(call, "user")) {
		user = lf_call_user(call, server);
		if (!user)
			return;
	}
	lf_call_columns(call,
			"watcher watches event shown lane target expires_s");
	lf_agent_watchers(server->agent, user ? user->id : NULL, on_watcher,
			  call);
	lf_call_end(call, NULL);
}

static void on_publication(const struct lf_agent_publication *p, void *arg)
{
	lf_call_row(arg, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "user",
				   p->user_id, "event", p->event, "says",
				   p->says, "from", p->from, "etag", p->etag,
				   "expires_s", (json_int_t)p->expires_s));
}

static void run_publications(struct lf_call *call, struct lf_server *server)
{
	lf_call_columns(call, "user event says from etag expires_s");
	lf_agent_publications(server->agent, on_publication, call);
	lf_call_end(call, NULL);
}

const struct lf_command lf_agent_commands[] = {
	{"watchers", run_watchers},
	{"publications", run_publications},
	{NULL},
};
