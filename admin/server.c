/*
 * admin/server.c - opens the rooms from the bottom up and closes them from
 * the top down. Three steps wait for the store: settings, users, dialogs.
 */
#include "admin/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/health.h"
#include "admin/metrics.h"
#include "chat/chat.h"
#include "console/console.h"
#include "core/certificate.h"
#include "core/clock.h"
#include "core/listen.h"
#include "core/log.h"
#include "core/secret.h"
#include "core/stream.h"
#include "core/text.h"
#include "core/timer.h"
#include "directory/access.h"
#include "directory/note.h"
#include "directory/setting.h"
#include "directory/user.h"
#include "monitor/monitor.h"
#include "presence/agent.h"
#include "presence/board.h"
#include "presence/simple.h"
#include "sip/sip.h"
#include "store/store.h"

#include "core/banned.h"

static int fail(struct lf_server *server, const char *what, int err)
{
	lf_log(LF_ERROR, "admin", "cannot start: %s: %s", what, strerror(-err));
	return err;
}

/*
 * "127.0.0.1:51234", "[::1]:51234"; a port of 0 is any free one. Returns
 * 1 for "off", 0, or -EINVAL.
 */
static int parse_listen(const char *text, char *address, size_t size,
			uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	size_t len;

	if (!strcmp(text, "off"))
		return 1;
	if (!colon || lf_text_int(&port, colon + 1, 0, 65535))
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (!len || !lf_text_copy_n(address, size, text, len))
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
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
	return err ? fail(server, path, err) : 0;
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

	return err ? fail(server, "SIP", err) : 0;
}

/* First start without a certificate: consoles must still be able to log in. */
static int open_tls(struct lf_server *server)
{
	const char *cert = lf_conf_text(server->conf, "tls", "certificate");
	const char *key = lf_conf_text(server->conf, "tls", "key");
	char host[256] = "localhost";
	int err;

	if (access(cert, F_OK) && access(key, F_OK)) {
		gethostname(host, sizeof(host) - 1);
		err = lf_certificate_make(cert, key, host);
		if (err)
			return fail(server, cert, err);
		lf_log(LF_NOTICE, "admin",
		       "made a self-signed certificate for %s in %s; install "
		       "one that your consoles trust",
		       host, cert);
	}
	err = lf_tls_server(&server->tls, cert, key);
	return err ? fail(server, cert, err) : 0;
}

static int listen_web(struct lf_server *server, const char *name)
{
	const char *text = lf_conf_text(server->conf, "web", name);
	bool is_tls = !strcmp(name, "tls");
	char address[64];
	uint16_t port;
	int err = parse_listen(text, address, sizeof(address), &port);

	if (err == 1)
		return 0;
	if (!err)
		err = lf_web_listen(
			server->web, address, port,
			is_tls ? lf_conf_text(server->conf, "tls",
					      "certificate")
			       : NULL,
			is_tls ? lf_conf_text(server->conf, "tls", "key")
			       : NULL,
			&port);
	if (err)
		return fail(server, text, err);
	lf_log(LF_NOTICE, "admin", "web %s on port %u", name, port);
	return 0;
}

/* Paths are named before the first port opens (core/listen.h). */
static int listen_all(struct lf_server *server)
{
	int err = listen_web(server, "plain");

	return err ? err : listen_web(server, "tls");
}

static size_t list_links(size_t i, const char **ret_name,
			 const char **ret_state, void *arg)
{
	struct lf_server *server = arg;
	struct lf_simple_status status;

	if (!server->simple || lf_simple_status(server->simple, i, &status))
		return 0;
	*ret_name = status.name;
	*ret_state = status.state >= LF_FEED_UP ? "up" : "down";
	return 1;
}

/* The origins as core/listen.h wants them: NULL-ended, or NULL. */
static int copy_origins(const struct lf_conf *conf, const char **list,
			size_t max)
{
	size_t n = 0;
	const char *item;

	for (; (item = lf_conf_item(conf, "web", "origins", n)); n++) {
		if (n + 1 >= max)
			return -E2BIG;
		list[n] = item;
	}
	list[n] = NULL;
	return (int)n;
}

/* ---- chat and console, which do not know each other (S196) ---- */

static enum lf_console_chat_state
find_chat_state(const char *username, size_t *ret_contacts, void *arg)
{
	static const enum lf_console_chat_state states[] = {
		[LF_CHAT_AGENT_OUT] = LF_CONSOLE_CHAT_OUT,
		[LF_CHAT_AGENT_READY] = LF_CONSOLE_CHAT_READY,
		[LF_CHAT_AGENT_NOT_READY] = LF_CONSOLE_CHAT_NOT_READY,
		[LF_CHAT_AGENT_BUSY] = LF_CONSOLE_CHAT_BUSY,
	};
	const struct lf_server *server = arg;

	if (!server->chat)
		return LF_CONSOLE_CHAT_OUT;
	return states[lf_chat_agent_state(server->chat, username,
					  ret_contacts)];
}

static int set_chat_ready(const char *username, bool is_ready, void *arg)
{
	struct lf_server *server = arg;

	if (!server->chat)
		return -ENOENT;
	return lf_chat_set_ready(server->chat, username, is_ready);
}

static const struct lf_console_chat_ops chat_ops = {
	.state = find_chat_state,
	.set_ready = set_chat_ready,
};

static void on_agent_change(const char *username, void *arg)
{
	struct lf_server *server = arg;

	if (server->console)
		lf_console_chat_changed(server->console, username);
}

static int open_console(struct lf_server *server)
{
	const struct lf_console_parts parts = {
		.timers = server->timers,
		.board = server->board,
		.directory = server->directory,
		.notes = server->notes,
		.settings = server->settings,
		.access = server->access,
		.links = list_links,
		.links_arg = server,
		.chat = &chat_ops,
		.chat_arg = server,
	};
	struct lf_console_opts opts = {
		.node = lf_conf_text(server->conf, "server", "node"),
		.tls = server->tls,
		.web = server->web,
	};
	const char *plain = lf_conf_text(server->conf, "console", "plain");
	const char *tls = lf_conf_text(server->conf, "console", "tls");
	char plain_address[64], tls_address[64];
	const char *origins[64];
	int err, n = copy_origins(server->conf, origins, 64);

	if (n < 0)
		return fail(server, "web origins", n);
	opts.ws_origins = n ? origins : NULL;
	err = parse_listen(plain, plain_address, sizeof(plain_address),
			   &opts.plain_port);
	if (err < 0)
		return fail(server, plain, err);
	opts.plain_address = err ? NULL : plain_address;
	err = parse_listen(tls, tls_address, sizeof(tls_address),
			   &opts.tls_port);
	if (err < 0)
		return fail(server, tls, err);
	opts.tls_address = err ? NULL : tls_address;

	err = lf_console_open(&server->console, &parts, &opts);
	if (err)
		return fail(server, "console", err);
	lf_log(LF_NOTICE, "admin", "consoles on port %u, with TLS on %u",
	       lf_console_plain_port(server->console),
	       lf_console_tls_port(server->console));
	return 0;
}

static int open_control(struct lf_server *server)
{
	const char *path = lf_conf_text(server->conf, "server", "control");
	int err = lf_control_open(&server->control, server, path, lf_commands);

	return err ? fail(server, path, err) : 0;
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

	return err ? fail(server, "presence server", err) : 0;
}

/* The last part is open: let everybody in. */
static void on_chat(int err, void *arg)
{
	struct lf_server *server = arg;

	if (err)
		fail(server, "chat", err);
	else
		err = listen_all(server);
	if (!err)
		err = open_control(server);
	if (!err && (err = lf_health_open(&server->health, server)))
		fail(server, "health", err);
	server->on_ready(err, server->arg);
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

	if (err != -EINVAL)
		return err ? fail(server, "chat", err) : 0;
	lf_log(LF_ERROR, "admin", "web chat is off");
	on_chat(0, server);
	return 0;
}

/* The dialogs of the last run are known. */
static void on_dialogs(void *arg)
{
	struct lf_server *server = arg;
	int err = open_agent(server);

	if (!err)
		err = open_console(server);
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
		return fail(server, "board", err);
	err = open_tls(server);
	if (err)
		return err;
	err = lf_web_new(&server->web, server->loop);
	if (!err)
		err = lf_metrics_serve(server);
	if (err)
		return fail(server, "web", err);
	err = lf_simple_open(&server->simple, server->timers, server->sip,
			     server->board, server->settings, server->store,
			     on_dialogs, server);
	return err ? fail(server, "SIP/SIMPLE feeds", err) : 0;
}

static void on_users(int err, void *arg)
{
	struct lf_server *server = arg;

	if (err)
		fail(server, "users", err);
	else
		err = open_presence(server);
	if (err)
		server->on_ready(err, server->arg);
}

static void on_monitor(int err, void *arg)
{
	struct lf_server *server = arg;

	if (err)
		fail(server, "monitor", err);
	if (!err && (err = lf_notes_open(&server->notes, server->store)))
		fail(server, "notes", err);
	if (!err && (err = lf_directory_open(&server->directory, server->store,
					     on_users, server)))
		fail(server, "users", err);
	if (!err && (err = lf_access_new(&server->access, server->directory)))
		fail(server, "access", err);
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
		fail(server, "settings", err);
	if (!err && (err = lf_monitor_open(&server->monitor, &opts, on_monitor,
					   server)))
		fail(server, "monitor", err);
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
		return fail(server, "timers", err);
	err = open_store(server);
	if (err)
		return err;
	err = lf_settings_open(&server->settings, server->store, server->vault,
			       lf_server_settings, on_settings, server);
	return err ? fail(server, "settings", err) : 0;
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
