/*
 * console/console.c - the server: its ports, its clock, and how it begins and
 * ends. Connections and sessions do the work.
 */
#include "console/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console/internal.h"
#include "core/clock.h"
#include "core/stream.h"
#include "directory/note.h"
#include "presence/board.h"

#include "core/banned.h"

static void free_console(struct lf_console *console)
{
	lf_map_done(&console->by_id);
	lf_map_done(&console->by_user);
	lf_map_done(&console->shown);
	lf_buf_done(&console->line);
	lf_buf_done(&console->frags);
	free(console->node);
	free(console->plain_address);
	free(console);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct lf_console *console = handle->data;
	void (*closed)(void *arg) = console->closed;
	void *arg = console->closed_arg;

	if (--console->open_handles)
		return;
	free_console(console);
	if (closed)
		closed(arg);
}

static void close_handles(struct lf_console *console)
{
	uv_close((uv_handle_t *)&console->check, on_handle_closed);
	uv_close((uv_handle_t *)&console->idle, on_handle_closed);
}

/* ---- the end of the loop's turn ---- */

static void end_turn(uv_check_t *check)
{
	struct lf_console *console = check->data;

	uv_check_stop(&console->check);
	uv_idle_stop(&console->idle);
	lf_console_flush(console);
	while (!lf_list_is_empty(&console->dead))
		lf_conn_reap(LF_CONTAINER_OF(console->dead.next, struct lf_conn,
					     node));
	if (console->is_closing && !console->stats.connections &&
	    !console->in_flight &&
	    !uv_is_closing((uv_handle_t *)&console->check))
		close_handles(console);
}

static void keep_awake(uv_idle_t *idle)
{
}

void lf_console_wake(struct lf_console *console)
{
	/* What wakes us outside the poll would sleep through it. */
	uv_check_start(&console->check, end_turn);
	uv_idle_start(&console->idle, keep_awake);
}

void lf_console_took_off(struct lf_console *console)
{
	console->in_flight++;
}

void lf_console_landed(struct lf_console *console)
{
	console->in_flight--;
	if (console->is_closing)
		lf_console_wake(console);
}

/* ---- the clock ---- */

static void tick_sessions(struct lf_console *console, int64_t now_ms)
{
	LF_LIST_FOREACH_SAFE (node, &console->all) {
		struct lf_session *session =
			LF_CONTAINER_OF(node, struct lf_session, node);

		lf_ops_expire(session, now_ms);
		if (lf_session_is_over(session, now_ms))
			lf_session_free(session);
	}
}

void lf_console_tick(struct lf_console *console, int64_t now_ms)
{
	LF_LIST_FOREACH_SAFE (node, &console->conns)
		lf_conn_tick(LF_CONTAINER_OF(node, struct lf_conn, node),
			     now_ms);
	tick_sessions(console, now_ms);
	lf_tokens_expire(console, now_ms);
	lf_rows_expire(console, now_ms);
}

static void on_tick(struct lf_timer *timer, void *arg)
{
	struct lf_console *console = arg;

	lf_console_tick(console, lf_mono_ms());
	lf_timer_start(console->parts.timers, timer, LF_TICK_MS);
}

/* ---- opening ---- */

static int listen_plain(struct lf_console *console)
{
	const struct lf_listen_opts opts = {
		.address = console->plain_address,
		.port = console->plain_port,
	};
	int err;

	err = lf_listener_open(&console->plain,
			       lf_timers_loop(console->parts.timers), &opts,
			       lf_conn_accept, console);
	if (err)
		lf_log(LF_ERROR, LF_ROOM, "%s:%u: cannot listen: %s",
		       console->plain_address, console->plain_port,
		       strerror(-err));
	else /* closed and opened again, it keeps its port */
		console->plain_port = lf_listener_port(console->plain);
	return err;
}

void lf_console_relisten(struct lf_console *console)
{
	if (!console->plain_address || console->is_closing)
		return;
	if (!console->limits.is_plain) {
		lf_listener_close(console->plain);
		console->plain = NULL;
	} else if (!console->plain) {
		listen_plain(console);
	}
}

static int listen_tls(struct lf_console *console,
		      const struct lf_console_opts *opts)
{
	const struct lf_listen_opts listen = {
		.address = opts->tls_address,
		.port = opts->tls_port,
		.tls = opts->tls,
	};
	int err;

	err = lf_listener_open(&console->secure,
			       lf_timers_loop(console->parts.timers), &listen,
			       lf_conn_accept, console);
	if (err)
		lf_log(LF_ERROR, LF_ROOM, "%s:%u: cannot listen: %s",
		       opts->tls_address, opts->tls_port, strerror(-err));
	return err;
}

static char *node_name(const char *given)
{
	char host[256] = "";

	if (given)
		return strdup(given);
	gethostname(host, sizeof(host) - 1);
	return strdup(host);
}

static int listen_all(struct lf_console *console,
		      const struct lf_console_opts *opts)
{
	int err = 0;

	if (console->plain_address && console->limits.is_plain)
		err = listen_plain(console);
	if (!err && opts->tls_address && opts->tls)
		err = listen_tls(console, opts);
	if (!err && opts->web)
		err = lf_conn_listen_ws(console, opts->web, opts->ws_origins);
	return err;
}

static int follow(struct lf_console *console)
{
	const struct lf_console_parts *parts = &console->parts;
	int err;

	err = lf_board_add_sink(parts->board, lf_fanout_lamp, console);
	if (!err)
		err = lf_directory_on_change(parts->directory, lf_fanout_user,
					     console);
	if (!err)
		err = lf_notes_on_change(parts->notes, lf_fanout_note, console);
	if (!err)
		err = lf_settings_on_change(parts->settings, "console.",
					    lf_fanout_settings, console);
	return err;
}

static void init(struct lf_console *console,
		 const struct lf_console_parts *parts)
{
	uv_loop_t *loop = lf_timers_loop(parts->timers);

	console->parts = *parts;
	console->open_handles = 2;
	lf_list_init(&console->conns);
	lf_list_init(&console->dead);
	lf_list_init(&console->all);
	lf_list_init(&console->dirty);
	lf_list_init(&console->tokens);
	lf_timer_init(&console->tick, on_tick, console);
	lf_timer_init(&console->slot_timer, lf_fanout_slot, console);
	lf_timer_init(&console->rest_timer, lf_fanout_rested, console);
	/* Neither can fail. */
	uv_check_init(loop, &console->check);
	uv_idle_init(loop, &console->idle);
	console->check.data = console->idle.data = console;
	lf_limits_read(&console->limits, parts->settings);
}

int lf_console_open(struct lf_console **ret,
		    const struct lf_console_parts *parts,
		    const struct lf_console_opts *opts)
{
	struct lf_console *console = calloc(1, sizeof(*console));
	int err = -ENOMEM;

	if (!console)
		return err;
	init(console, parts);
	console->plain_port = opts->plain_port;
	console->node = node_name(opts->node);
	if (opts->plain_address)
		console->plain_address = strdup(opts->plain_address);
	if (!console->node || (opts->plain_address && !console->plain_address))
		goto fail;

	err = listen_all(console, opts);
	if (!err)
		err = lf_timer_start(parts->timers, &console->tick, LF_TICK_MS);
	if (!err)
		err = follow(console);
	if (err)
		goto fail;
	*ret = console;
	return 0;
fail:
	lf_console_close(console, NULL, NULL);
	return err;
}

void lf_console_close(struct lf_console *console, void (*closed)(void *arg),
		      void *arg)
{
	const struct lf_console_parts *parts = &console->parts;

	console->is_closing = true;
	console->closed = closed;
	console->closed_arg = arg;
	lf_listener_close(console->plain);
	lf_listener_close(console->secure);
	lf_timer_stop(parts->timers, &console->tick);
	lf_timer_stop(parts->timers, &console->slot_timer);
	lf_timer_stop(parts->timers, &console->rest_timer);
	LF_LIST_FOREACH_SAFE (node, &console->conns)
		lf_conn_bye(LF_CONTAINER_OF(node, struct lf_conn, node),
			    "shutdown", LF_RETRY_SLOW_MS, LF_CLOSE_SHUTDOWN);
	while (!lf_list_is_empty(&console->all))
		lf_session_free(LF_CONTAINER_OF(console->all.next,
						struct lf_session, node));
	lf_tokens_done(console);
	lf_board_remove_sink(parts->board, lf_fanout_lamp, console);
	lf_console_wake(console); /* the rest at the end of the turn */
}

uint16_t lf_console_plain_port(const struct lf_console *console)
{
	return console->plain ? lf_listener_port(console->plain) : 0;
}

uint16_t lf_console_tls_port(const struct lf_console *console)
{
	return console->secure ? lf_listener_port(console->secure) : 0;
}

void lf_console_stats(const struct lf_console *console,
		      struct lf_console_stats *out)
{
	*out = console->stats;
}
