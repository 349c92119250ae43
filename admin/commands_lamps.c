/*
 * admin/commands_lamps.c - subscribe, watch, why and trace: the tools for an
 * administrator with a wrong lamp to explain (S54-S58).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/server.h"
#include "core/clock.h"
#include "core/list.h"
#include "core/timer.h"
#include "directory/user.h"
#include "presence/board.h"
#include "presence/merge.h"
#include "presence/report.h"
#include "presence/simple.h"
#include "sip/trace.h"

#include "core/banned.h"

#define SUBSCRIBE_MS 60000 /* S56 */
#define TRACE_MESSAGES 50

/* Somebody looks: one user for a minute, or all while lampctl watches. */
struct diagnostic {
	struct lf_list node; /* in server->diagnostics */
	struct lf_server *server;
	struct lf_timer timer;
	struct lf_call *call; /* `watch` only */
	char *group;          /* of `watch`; NULL: everybody */
	char **ids;           /* wanted at the board */
	size_t n;
};

static void diagnostic_free(struct diagnostic *d);

static void on_moved(const struct lf_change *change, void *arg)
{
	struct diagnostic *d = arg;

	if (!d->group || lf_user_in_group(change->user, d->group))
		lf_call_row(d->call, lf_lamp_row(d->server, change->user));
}

static void on_minute(struct lf_timer *timer, void *arg)
{
	diagnostic_free(arg);
}

static struct diagnostic *diagnostic_new(struct lf_server *server)
{
	struct diagnostic *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->server = server;
	lf_timer_init(&d->timer, on_minute, d);
	lf_list_add_tail(&server->diagnostics, &d->node);
	return d;
}

static void diagnostic_free(struct diagnostic *d)
{
	lf_list_del(&d->node);
	lf_timer_stop(d->server->timers, &d->timer);
	if (d->call)
		lf_board_remove_sink(d->server->board, on_moved, d);
	for (size_t i = 0; i < d->n; i++) {
		lf_board_unwant(d->server->board, d->ids[i]);
		free(d->ids[i]);
	}
	free(d->ids);
	free(d->group);
	free(d);
}

static int diagnostic_want(struct diagnostic *d, const char *user_id)
{
	char **ids = reallocarray(d->ids, d->n + 1, sizeof(*ids));
	int err;

	if (!ids)
		return -ENOMEM;
	d->ids = ids;
	ids[d->n] = strdup(user_id);
	if (!ids[d->n])
		return -ENOMEM;
	err = lf_board_want(d->server->board, user_id);
	if (err) {
		free(ids[d->n]);
		return err;
	}
	d->n++;
	return 0;
}

void lf_diagnostics_close(struct lf_server *server)
{
	LF_LIST_FOREACH_SAFE (node, &server->diagnostics) {
		diagnostic_free(LF_CONTAINER_OF(node, struct diagnostic, node));
	}
}

static void run_subscribe(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user = lf_call_user(call, server);
	struct diagnostic *d;

	if (!user)
		return;
	d = diagnostic_new(server);
	if (!d || diagnostic_want(d, user->id) ||
	    lf_timer_start(server->timers, &d->timer, SUBSCRIBE_MS)) {
		if (d)
			diagnostic_free(d);
		lf_call_end(call, "Out of memory.");
		return;
	}
	lf_call_say(call,
		    "Subscribed for one minute; `lampctl why %s` tells "
		    "what comes.",
		    user->id);
	lf_call_end(call, NULL);
}

static void on_watcher_gone(void *arg)
{
	struct diagnostic *d = arg;
	struct lf_call *call = d->call;

	diagnostic_free(d);
	lf_call_end(call, NULL);
}

/* Rows now, then one for each change, until lampctl goes. */
static void run_watch(struct lf_call *call, struct lf_server *server)
{
	const char *group = lf_call_arg(call, "group");
	struct diagnostic *d = diagnostic_new(server);
	const struct lf_user *user;
	size_t i = 0;
	int err = d ? 0 : -ENOMEM;

	if (d && group) {
		d->group = strdup(group);
		err = d->group ? 0 : -ENOMEM;
	}
	while (!err && (user = lf_user_next(server->directory, &i))) {
		if (!group || lf_user_in_group(user, group))
			err = diagnostic_want(d, user->id);
	}
	if (!err)
		err = lf_board_add_sink(server->board, on_moved, d);
	if (err) {
		if (d)
			diagnostic_free(d);
		lf_call_end(call, strerror(-err));
		return;
	}
	d->call = call;
	lf_call_on_gone(call, on_watcher_gone, d);

	lf_call_columns(call, "user ext lamp rich telephony forward message");
	for (i = 0; i < d->n; i++)
		lf_call_row(call,
			    lf_lamp_row(server, lf_user_find(server->directory,
							     d->ids[i])));
}

static const char *report_line_text(const struct lf_report *r)
{
	return r->knows & LF_KNOWS_LINE ? lf_tel_name(r->line) : "-";
}

static json_t *why_row(struct lf_server *server, const struct lf_input *input,
		       const struct lf_trace_input *verdict)
{
	const struct lf_report *r = input->report;
	int64_t age_ms = r->at_ms ? lf_mono_ms() - r->at_ms : -1;
	bool knows_dnd = r->knows & LF_KNOWS_DND;
	bool knows_fwd = r->knows & LF_KNOWS_FWD;
	const char *rich =
		r->knows & LF_KNOWS_RICH ? lf_rich_name(r->rich) : "-";

	return json_pack(
		"{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
		"s:s, s:s}",
		"feed", lf_board_feed_name(server->board, input->feed), "kind",
		lf_feed_kind_name(input->kind), "condition",
		lf_cond_name(r->cond), "age_ms", (json_int_t)age_ms, "line",
		report_line_text(r), "line_verdict",
		lf_verdict_text(verdict->line), "dnd",
		knows_dnd ? (r->is_dnd ? "yes" : "no") : "-", "dnd_verdict",
		lf_verdict_text(verdict->dnd), "forward",
		knows_fwd ? (*r->fwd_to ? r->fwd_to : "no") : "-",
		"forward_verdict", lf_verdict_text(verdict->fwd), "rich", rich,
		"rich_verdict", lf_verdict_text(verdict->rich), "message",
		r->message, "hint", r->hint);
}

static void say_lines(struct lf_call *call, struct lf_server *server,
		      const struct lf_user *user)
{
	struct lf_simple_line line;

	for (size_t i = 0; !lf_simple_line(server->simple, user->id, i, &line);
	     i++)
		lf_call_say(call,
			    "%s %s (%s): %s; last: %s; document %lld ms old; "
			    "next attempt or refresh in %lld ms",
			    line.feed, line.uri, line.event, line.state,
			    line.last, (long long)line.age_ms,
			    (long long)line.next_ms);
}

static void run_why(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user = lf_call_user(call, server);
	struct lf_input inputs[LF_MERGE_MAX];
	struct lf_trace trace;
	struct lf_lamp lamp;
	char name[LF_USER_TEXT_MAX * 2 + 2];
	size_t n;

	if (!user)
		return;
	n = lf_board_why(server->board, user->id, inputs, LF_MERGE_MAX, &lamp,
			 &trace);
	lf_user_name(user, name, sizeof(name));
	if (!n && lf_board_lamp(server->board, user->id)->tel_cond ==
			  LF_COND_NOT_REQUESTED) {
		lf_call_say(call,
			    "%s: nobody looks at this user, so no feed is "
			    "asked. `lampctl subscribe %s` asks for a minute.",
			    name, user->id);
		lf_call_end(call, NULL);
		return;
	}
	lf_call_say(call, "%s shows %s: telephony %s (%s), rich %s (%s)", name,
		    lf_display_text(lf_lamp_display(&lamp)),
		    lf_tel_name(lamp.tel), lf_cond_text(lamp.tel_cond),
		    lf_rich_name(lamp.rich), lf_cond_text(lamp.rich_cond));
	lf_call_say(call, "telephony: %s", lf_tel_rule_text(trace.tel_rule));
	lf_call_say(call, "rich: %s", lf_rich_rule_text(trace.rich_rule));
	lf_call_columns(call,
			"feed kind condition age_ms line line_verdict dnd "
			"forward rich rich_verdict hint");
	for (size_t i = 0; i < n; i++)
		lf_call_row(call,
			    why_row(server, &inputs[i], &trace.inputs[i]));
	say_lines(call, server, user);
	lf_call_end(call, NULL);
}

static void on_message(const struct lf_sip_trace *message, void *arg)
{
	char when[LF_RFC3339_SIZE];

	lf_call_row(arg,
		    json_pack("{s:s, s:s, s:s, s:s}", "when",
			      lf_rfc3339(when, message->wall_ms), "direction",
			      message->is_out ? "->" : "<-", "peer",
			      message->peer, "text", message->text));
}

static void run_trace(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user = lf_call_user(call, server);
	struct lf_simple_line line;
	size_t seen = 0;

	if (!user)
		return;
	lf_call_columns(call, "when direction peer text");
	for (size_t i = 0; !lf_simple_line(server->simple, user->id, i, &line);
	     i++) {
		lf_call_say(call, "%s %s (%s), Call-ID %s", line.feed, line.uri,
			    line.event, line.call_id ? line.call_id : "none");
		if (line.call_id)
			seen += lf_sip_trace(server->sip, line.call_id,
					     TRACE_MESSAGES, on_message, call);
	}
	if (!seen)
		lf_call_say(call,
			    "No message is kept for this user. Is "
			    "anybody watching? `lampctl subscribe %s`",
			    user->id);
	lf_call_end(call, NULL);
}

const struct lf_command lf_lamp_commands[] = {
	{"subscribe", run_subscribe},
	{"watch", run_watch},
	{"why", run_why},
	{"trace", run_trace},
	{NULL},
};
