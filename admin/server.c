/*
 * admin/server.c - opens the rooms from the bottom up and closes them from
 * the top down. Three steps wait for the store: settings, users, dialogs.
 */
#include "admin/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/health.h"
#include "admin/metrics.h"
#include "chat/chat.h"
#include "console/console.h"
#include "core/clock.h"
#include "core/listen.h"
#include "core/log.h"
#include "core/secret.h"
#include "core/stream.h"
#include "core/timer.h"
#include "directory/access.h"
#include "directory/note.h"
#include "directory/setting.h"
#include "directory/user.h"
#include "monitor/event.h"
#include "monitor/history.h"
#include "monitor/monitor.h"
#include "presence/agent.h"
#include "presence/board.h"
#include "presence/simple.h"
#include "sip/sip.h"
#include "store/store.h"

#include "core/banned.h"

int lf_server_fail(const char *what, int err)
{
	lf_log(LF_ERROR, "admin", "cannot start: %s: %s", what, strerror(-err));
	return err;
}

static int open_store(struct lf_server *server)
{
	const char *path = lf_conf_text(server->conf, "store", "path");
	char text[512] = "";
	int err;

	err = lf_store_open(&server->store, server->loop, path, text,
			    sizeof(text));
	if (err) {
		lf_log(LF_ERROR, "admin", "cannot start: store %s: %s", path,
		       *text ? text : strerror(-err));
		return err;
	}
	path = lf_conf_text(server->conf, "store", "key-file");
	err = lf_vault_open(&server->vault, path);
	return err ? lf_server_fail(path, err) : 0;
}

static int open_sip(struct lf_server *server)
{
	const struct lf_conf *conf = server->conf;
	const struct lf_sip_opts opts = {
		.address = lf_conf_text(conf, "sip", "address"),
		.port = (uint16_t)lf_conf_int(conf, "sip", "port"),
		.tls_port = (uint16_t)lf_conf_int(conf, "sip", "tls-port"),
		.tls_dir = lf_conf_text(conf, "sip", "tls-folder"),
		.public_address = lf_conf_text(conf, "sip", "public-address"),
		.timeout_ms = (unsigned)lf_conf_int(conf, "sip", "timeout"),
		.trace_bytes = (size_t)lf_conf_int(conf, "sip", "trace-size"),
		.has_express_lane = lf_conf_bool(conf, "sip", "express-lane"),
	};
	int err = lf_sip_new(&server->sip, server->timers, &opts);

	return err ? lf_server_fail("SIP", err) : 0;
}

static int open_control(struct lf_server *server)
{
	const char *path = lf_conf_text(server->conf, "server", "control");
	int err = lf_control_open(&server->control, server, path, lf_commands);

	return err ? lf_server_fail(path, err) : 0;
}

static int open_agent(struct lf_server *server)
{
	const struct lf_agent_parts parts = {
		.timers = server->timers,
		.sip = server->sip,
		.board = server->board,
		.directory = server->directory,
		.settings = server->settings,
		.store = server->store,
	};
	int err = lf_agent_open(&server->agent, &parts);

	return err ? lf_server_fail("presence server", err) : 0;
}

/* The last part is open: let everybody in. */
static void on_chat(int err, void *arg)
{
	struct lf_server *server = arg;

	if (err)
		lf_server_fail("chat", err);
	else
		err = lf_server_listen(server);
	if (!err)
		err = open_control(server);
	if (!err && (err = lf_health_open(&server->health, server)))
		lf_server_fail("health", err);
	server->on_ready(err, server->arg);
}

static void on_agent_change(const char *username, void *arg)
{
	struct lf_server *server = arg;

	if (server->console)
		lf_console_chat_changed(server->console, username);
}

/* Phones do without chat: schemas that are missing stop nobody else. */
static int open_chat(struct lf_server *server)
{
	const struct lf_chat_parts parts = {
		.timers = server->timers,
		.store = server->store,
		.settings = server->settings,
		.directory = server->directory,
		.access = server->access,
		.board = server->board,
		.web = server->web,
		.on_agent_change = on_agent_change,
		.on_agent_change_arg = server,
	};
	const struct lf_chat_opts opts = {
		.schema_folder = lf_conf_text(server->conf, "chat", "schemas"),
		.spool_folder = lf_conf_text(server->conf, "chat", "spool"),
	};
	int err = lf_chat_open(&server->chat, &parts, &opts, on_chat, server);

	if (!err)
		lf_event_raise(server->monitor, LF_EVENT_MODULE_WORKING,
			       "web chat", "Web chat is on.");
	if (err != -EINVAL)
		return err ? lf_server_fail("chat", err) : 0;
	if (!lf_alarm_is_on(server->monitor, LF_EVENT_MODULE_FAILING,
			    "web chat"))
		lf_event_raise(server->monitor, LF_EVENT_MODULE_FAILING,
			       "web chat",
			       "Web chat is off: a schema in %s is bad or "
			       "missing; install it and restart.",
			       opts.schema_folder);
	on_chat(0, server);
	return 0;
}

/* The dialogs of the last run are known. */
static void on_dialogs(void *arg)
{
	struct lf_server *server = arg;
	int err = open_agent(server);

	if (!err)
		err = lf_server_open_console(server);
	if (!err)
		err = open_chat(server);
	if (err)
		server->on_ready(err, server->arg);
}

static int open_presence(struct lf_server *server)
{
	int err = open_sip(server);

	if (err)
		return err;
	err = lf_board_new(&server->board, server->timers, server->directory,
			   server->settings);
	if (err)
		return lf_server_fail("board", err);
	err = lf_server_open_tls(server);
	if (err)
		return err;
	err = lf_web_new(&server->web, server->loop);
	if (!err)
		err = lf_metrics_serve(server);
	if (err)
		return lf_server_fail("web", err);
	err = lf_simple_open(&server->simple, server->timers, server->sip,
			     server->board, server->settings, server->store,
			     on_dialogs, server);
	return err ? lf_server_fail("SIP/SIMPLE feeds", err) : 0;
}

static void on_users(int err, void *arg)
{
	struct lf_server *server = arg;

	if (err)
		lf_server_fail("users", err);
	else
		err = open_presence(server);
	if (err)
		server->on_ready(err, server->arg);
}

static void on_braked(bool is_address, const char *who, void *arg)
{
	struct lf_server *server = arg;

	lf_event_raise(server->monitor, LF_EVENT_LOGIN_BRAKED, who,
		       is_address ? "Too many wrong passwords from %s."
				  : "Too many wrong passwords for user %s.",
		       who);
}

static void on_monitor(int err, void *arg)
{
	struct lf_server *server = arg;

	if (err)
		lf_server_fail("monitor", err);
	if (!err && (err = lf_notes_open(&server->notes, server->store)))
		lf_server_fail("notes", err);
	if (!err && (err = lf_directory_open(&server->directory, server->store,
					     on_users, server)))
		lf_server_fail("users", err);
	if (!err && (err = lf_access_new(&server->access, server->directory)))
		lf_server_fail("access", err);
	if (!err)
		lf_access_on_braked(server->access, on_braked, server);
	if (err)
		server->on_ready(err, server->arg);
}

static void on_settings(int err, void *arg)
{
	struct lf_server *server = arg;
	const struct lf_monitor_opts opts = {
		.timers = server->timers,
		.store = server->store,
		.settings = server->settings,
		.store_path = lf_conf_text(server->conf, "store", "path"),
		.node = lf_conf_text(server->conf, "server", "node"),
	};

	if (err)
		lf_server_fail("settings", err);
	if (!err && (err = lf_monitor_open(&server->monitor, &opts, on_monitor,
					   server)))
		lf_server_fail("monitor", err);
	if (err)
		server->on_ready(err, server->arg);
}

int lf_server_open(struct lf_server *server)
{
	int err;

	server->started_ms = lf_mono_ms();
	lf_list_init(&server->diagnostics);
	lf_list_init(&server->tops);
	err = lf_timers_new(&server->timers, server->loop);
	if (err)
		return lf_server_fail("timers", err);
	err = open_store(server);
	if (err)
		return err;
	err = lf_settings_open(&server->settings, server->store, server->vault,
			       lf_server_settings, on_settings, server);
	return err ? lf_server_fail("settings", err) : 0;
}

static void on_part_closed(void *arg)
{
	struct lf_server *server = arg;

	if (--server->closing == 0) {
		lf_timers_close(server->timers);
		lf_tls_unref(server->tls);
		lf_vault_free(server->vault);
		server->on_closed(server->arg);
	}
}

/* Under the parts that finish later: all that read from them is gone. */
static void close_lower_rooms(void *arg)
{
	struct lf_server *server = arg;

	lf_diagnostics_close(server);
	lf_agent_close(server->agent);
	lf_simple_close(server->simple);
	lf_board_free(server->board);
	lf_access_free(server->access);
	lf_notes_close(server->notes);
	lf_directory_close(server->directory);
	server->closing = 1; /* this function */
	server->closing += server->monitor ? 1 : 0;
	server->closing += server->sip ? 1 : 0;
	server->closing += server->web ? 1 : 0;
	server->closing += server->store ? 1 : 0;
	if (server->monitor)
		lf_monitor_close(server->monitor, on_part_closed, server);
	lf_settings_close(server->settings);
	if (server->sip)
		lf_sip_close(server->sip, on_part_closed, server);
	if (server->web)
		lf_web_close(server->web, on_part_closed, server);
	if (server->store)
		lf_store_close(server->store, on_part_closed, server);
	on_part_closed(server);
}

static void close_console(void *arg)
{
	struct lf_server *server = arg;

	server->chat = NULL; /* the console may ask once more */
	if (server->console)
		lf_console_close(server->console, close_lower_rooms, server);
	else
		close_lower_rooms(server);
}

void lf_server_close(struct lf_server *server)
{
	lf_tops_close(server);
	lf_health_close(server->health);
	server->health = NULL;
	lf_control_close(server->control);
	server->control = NULL;
	if (server->chat)
		lf_chat_close(server->chat, close_console, server);
	else
		close_console(server);
}

int lf_server_reload(struct lf_server *server, char *err_text, size_t size)
{
	int err = server->tls ? lf_tls_reload(server->tls) : 0;

	if (!err && server->web)
		err = lf_web_reload_certificates(server->web);
	snprintf(err_text, size, "%s",
		 err ? "the new certificate or its key cannot be used; the "
		       "old one stays"
		     : "certificates are loaded again");
	lf_log(err ? LF_ERROR : LF_NOTICE, "admin", "reload: %s", err_text);
	lf_health_look(server->health);
	return err;
}
