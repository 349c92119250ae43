/*
 * admin/ports.c - where people come in: certificates, consoles, the web. SIP
 * opens its ports itself.
 */
#include "admin/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat/chat.h"
#include "console/console.h"
#include "core/certificate.h"
#include "core/listen.h"
#include "core/log.h"
#include "core/stream.h"
#include "core/text.h"
#include "monitor/event.h"
#include "presence/simple.h"

#include "core/banned.h"

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

/* First start without a certificate: consoles must still be able to log in. */
int lf_server_open_tls(struct lf_server *server)
{
	const char *cert = lf_conf_text(server->conf, "tls", "certificate");
	const char *key = lf_conf_text(server->conf, "tls", "key");
	char host[256] = "localhost";
	int err;

	if (access(cert, F_OK) && access(key, F_OK)) {
		gethostname(host, sizeof(host) - 1);
		err = lf_certificate_make(cert, key, host);
		if (err)
			return lf_server_fail(cert, err);
		lf_log(LF_NOTICE, "admin",
		       "made a self-signed certificate for %s in %s; install "
		       "one that your consoles trust",
		       host, cert);
	}
	err = lf_tls_server(&server->tls, cert, key);
	return err ? lf_server_fail(cert, err) : 0;
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
		return lf_server_fail(text, err);
	lf_log(LF_NOTICE, "admin", "web %s on port %u", name, port);
	return 0;
}

/* Paths are named before the first port opens (core/listen.h). */
int lf_server_listen(struct lf_server *server)
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

static void on_licence(const char *kind, bool is_enough, void *arg)
{
	struct lf_server *server = arg;

	lf_event_raise(server->monitor,
		       is_enough ? LF_EVENT_LICENCE_ENOUGH
				 : LF_EVENT_LICENCE_EXCEEDED,
		       kind,
		       is_enough ? "A licence %s was there."
				 : "Nobody else can log in as %s.",
		       kind);
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

int lf_server_open_console(struct lf_server *server)
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
		.on_licence = on_licence,
		.on_licence_arg = server,
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
		return lf_server_fail("web origins", n);
	opts.ws_origins = n ? origins : NULL;
	err = parse_listen(plain, plain_address, sizeof(plain_address),
			   &opts.plain_port);
	if (err < 0)
		return lf_server_fail(plain, err);
	opts.plain_address = err ? NULL : plain_address;
	err = parse_listen(tls, tls_address, sizeof(tls_address),
			   &opts.tls_port);
	if (err < 0)
		return lf_server_fail(tls, err);
	opts.tls_address = err ? NULL : tls_address;

	err = lf_console_open(&server->console, &parts, &opts);
	if (err)
		return lf_server_fail("console", err);
	lf_log(LF_NOTICE, "admin", "consoles on port %u, with TLS on %u",
	       lf_console_plain_port(server->console),
	       lf_console_tls_port(server->console));
	return 0;
}
