/* admin/commands_server.c - status, settings, reload, audit, log level. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/server.h"
#include "console/console.h"
#include "core/clock.h"
#include "core/log.h"
#include "directory/audit.h"
#include "directory/setting.h"
#include "directory/user.h"
#include "presence/agent.h"
#include "presence/board.h"
#include "presence/simple.h"
#include "sip/sip.h"
#include "store/store.h"

#include "core/banned.h"

static void say_counters(struct lf_call *call, struct lf_server *server)
{
	struct lf_agent_stats agent;
	struct lf_console_stats console;
	struct lf_board_stats board;
	struct lf_store_stats store;
	struct lf_sip_stats sip;

	lf_console_stats(server->console, &console);
	lf_board_stats(server->board, &board);
	lf_store_stats(server->store, &store);
	lf_sip_stats(server->sip, &sip);
	lf_call_say(call, "lampfieldd %s, up for %lld s", PACKAGE_VERSION,
		    (long long)(lf_mono_ms() - server->started_ms) / 1000);
	lf_call_say(call,
		    "users %zu, watched %zu, wanted now %zu; reports %llu, "
		    "lamp changes %llu",
		    lf_directory_count(server->directory), board.persons,
		    board.wanted, (unsigned long long)board.reports,
		    (unsigned long long)board.changes);
	lf_call_say(call,
		    "consoles %zu, sessions %zu, subscriptions %zu; events "
		    "%llu, conflated %llu, closed as slow %llu",
		    console.connections, console.sessions,
		    console.subscriptions,
		    (unsigned long long)console.events_out,
		    (unsigned long long)console.conflated,
		    (unsigned long long)console.slow_closed);
	lf_call_say(call,
		    "SIP requests sent %llu, NOTIFYs received %llu, timeouts "
		    "%llu, strangers refused %llu, challenged %llu, wrong "
		    "passwords %llu, malformed %llu",
		    (unsigned long long)sip.requests_out,
		    (unsigned long long)sip.notifies_in,
		    (unsigned long long)sip.timeouts,
		    (unsigned long long)sip.strangers,
		    (unsigned long long)sip.challenged,
		    (unsigned long long)sip.auth_failed,
		    (unsigned long long)sip.malformed);
	lf_agent_stats(server->agent, &agent);
	lf_call_say(call,
		    "presence server: watchers %zu, lists %zu, publications "
		    "%zu; SUBSCRIBEs %llu, PUBLISHes %llu, refused %llu, "
		    "NOTIFYs %llu, watchers lost %llu",
		    agent.watchers, agent.lists, agent.publications,
		    (unsigned long long)agent.subscribes,
		    (unsigned long long)agent.publishes,
		    (unsigned long long)agent.refused,
		    (unsigned long long)agent.notifies,
		    (unsigned long long)agent.lost);
	lf_call_say(call, "store operations %llu, failed %llu, queued %zu",
		    (unsigned long long)store.operations,
		    (unsigned long long)store.failed, store.queued);
}

/* What is in use, and what the allocator keeps for the next burst. */
static void say_memory(struct lf_call *call)
{
	struct mallinfo2 heap = mallinfo2();

	lf_call_say(call, "heap %zu bytes in use, %zu bytes kept free",
		    heap.uordblks + heap.hblkhd, heap.fordblks);
}

static json_t *feed_row(const struct lf_simple_status *s)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:s, s:s, s:s}",
		"feed", s->name, "server", s->server, "transport", s->transport,
		"state", lf_feed_state_name(s->state), "watches",
		(json_int_t)s->watches, "active", (json_int_t)s->active,
		"requesting", (json_int_t)s->requesting, "failed",
		(json_int_t)s->failed, "in_flight", (json_int_t)s->in_flight,
		"queued", (json_int_t)s->queued, "why", s->why, "dialect",
		s->dialect, "package", s->package);
}

static void run_status(struct lf_call *call, struct lf_server *server)
{
	struct lf_simple_status s;
	size_t i;

	lf_call_columns(call, "feed server transport state watches active "
			      "failed in_flight queued why");
	for (i = 0; !lf_simple_status(server->simple, i, &s); i++)
		lf_call_row(call, feed_row(&s));
	for (i = 0; !lf_simple_status(server->simple, i, &s); i++) {
		lf_call_say(call, "%s: %s", s.name,
			    lf_feed_state_remedy(s.state));
		if (*s.hint)
			lf_call_say(call, "%s: %s", s.name, s.hint);
	}
	if (!i)
		lf_call_say(call, "%s: %s",
			    lf_feed_state_name(LF_FEED_NOT_CONFIGURED),
			    lf_feed_state_remedy(LF_FEED_NOT_CONFIGURED));
	say_counters(call, server);
	say_memory(call);
	lf_call_end(call, NULL);
}

void lf_call_settings(struct lf_call *call, struct lf_server *server,
		      const char *prefix)
{
	struct lf_setting_view view;
	size_t i = 0, n = 0;

	lf_call_columns(call, "name value default unit help");
	while (lf_setting_next(server->settings, prefix, &i, &view)) {
		n++;
		lf_call_row(call,
			    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}",
				      "name", view.name, "value", view.value,
				      "default", view.def->def, "unit",
				      view.def->unit ? view.def->unit : "",
				      "help", view.def->help, "source",
				      view.def->source ? view.def->source : "",
				      "is_default", (int)view.is_default));
	}
	lf_call_end(call, n ? NULL
			    : "No setting begins with this name; `lampctl "
			      "get` lists them all.");
}

static void run_get(struct lf_call *call, struct lf_server *server)
{
	const char *prefix = lf_call_arg(call, "name");

	lf_call_settings(call, server, prefix ? prefix : "");
}

static void on_set(int err, const char *text, void *arg)
{
	lf_call_end(arg, err ? text : NULL);
}

/* {"list":[["name","value"],["name",null]]}: null is "use default". */
static void run_set(struct lf_call *call, struct lf_server *server)
{
	json_t *list = json_object_get(lf_call_args(call), "list");
	struct lf_assignment *assignments;
	size_t i, n = json_array_size(list);
	json_t *pair;
	int err;

	assignments = n ? calloc(n, sizeof(*assignments)) : NULL;
	if (!assignments) {
		lf_call_end(call, "Give NAME=VALUE, or NAME to go back to the "
				  "default.");
		return;
	}
	json_array_foreach (list, i, pair) {
		const char *name = json_string_value(json_array_get(pair, 0));

		assignments[i].name = name ? name : "";
		assignments[i].value =
			json_string_value(json_array_get(pair, 1));
	}
	err = lf_settings_set(server->settings, assignments, n,
			      lf_call_by(call), on_set, call);
	free(assignments);
	if (err)
		lf_call_end(call, strerror(-err));
}

static void run_reload(struct lf_call *call, struct lf_server *server)
{
	char text[256];
	int err = lf_server_reload(server, text, sizeof(text));

	if (!err)
		lf_call_say(call, "%s", text);
	lf_call_end(call, err ? text : NULL);
}

static void run_log(struct lf_call *call, struct lf_server *server)
{
	const char *word = lf_call_arg(call, "level");
	const char *room = lf_call_arg(call, "room");
	enum lf_log_level level;

	if (word && lf_log_level_parse(&level, word)) {
		lf_call_end(call,
			    "A level is error, warn, notice, info or debug.");
		return;
	}
	if (word && room && lf_log_set_room(room, level)) {
		lf_call_end(call, "No more rooms can have a level of their "
				  "own; `lampctl log LEVEL` ends them all.");
		return;
	}
	if (word && !room) {
		lf_log_reset_rooms();
		lf_log_set_level(level);
	}
	lf_call_say(call, "log level: %s%s%s",
		    lf_log_level_name(lf_log_level()),
		    room ? "; of this room: " : "", room ? word : "");
	lf_call_end(call, NULL);
}

static void on_audit(int err, const struct lf_audit_entry *entries, size_t n,
		     void *arg)
{
	struct lf_call *call = arg;
	char when[LF_RFC3339_SIZE];

	lf_call_columns(call, "when by what detail");
	for (size_t i = 0; !err && i < n; i++)
		lf_call_row(call,
			    json_pack("{s:I, s:s, s:s, s:s, s:s}", "seq",
				      (json_int_t)entries[i].seq, "when",
				      lf_rfc3339(when, entries[i].wall_ms),
				      "by", entries[i].by, "what",
				      entries[i].what, "detail",
				      entries[i].detail));
	lf_call_end(call, err ? strerror(-err) : NULL);
}

static void run_audit(struct lf_call *call, struct lf_server *server)
{
	int err = lf_audit_read(server->store, 200, on_audit, call);

	if (err)
		lf_call_end(call, strerror(-err));
}

const struct lf_command lf_server_commands[] = {
	{"status", run_status},
	{"get", run_get},
	{"set", run_set},
	{"reload", run_reload},
	{"audit", run_audit},
	{"log", run_log},
	{NULL},
};
