/*
 * core/listen.c - the libwebsockets context of an lf_web, its ports, and the
 * one callback, which hands everything to web*.c (HTTP) and ws*.c (WebSocket).
 *
 * Connections are accepted by accept.c and adopted: libwebsockets' own
 * listener spins when descriptors run out. Each port is one vhost, because
 * two vhosts on one port abort at the end (Debian 12's 4.1.6).
 */
#include "core/listen.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/web.h"

#include "core/banned.h"

/* A handshake, a header or a body may not stall longer. */
#define TIMEOUT_S 10
#define KEEPALIVE_S 60
#define MAX_HEADER 16384 /* bearer tokens are long */
#define RX_BUFFER 1024   /* allocated for each WebSocket */
#define LOG_BURST 10
#define MAX_SUBPROTOCOLS 16

struct web_port {
	struct lf_list node;
	struct lf_web *web;
	struct lf_listener *listener;
	struct lf_tls *tls; /* NULL: plain */
	struct lws_vhost *vhost;
};

/* Finds WebSocket peers that vanished; browsers answer by themselves. */
static const lws_retry_bo_t idle_policy = {
	.secs_since_valid_ping = 60,
	.secs_since_valid_hangup = 75,
};

/* libwebsockets has one log for the process, and strangers can provoke it. */
static void emit(int level, const char *line)
{
	static struct lf_log_limit limit;
	size_t len = strlen(line);

	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (lf_log_allow(&limit, LOG_BURST))
		lf_log(level == LLL_ERR ? LF_WARN : LF_INFO, "web", "%.*s",
		       (int)len, line);
}

static int on_http_event(struct lf_web *web, struct lf_web_session *session,
			 struct lws *wsi, enum lws_callback_reasons reason,
			 void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return lf_web_on_request(web, session, wsi, in, len);
	case LWS_CALLBACK_HTTP_BODY:
		return lf_web_on_body(session, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return lf_web_on_body_end(session);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return lf_web_on_writable(session, wsi);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		lf_web_drop_call(session);
		return 0;
	default:
		return 0;
	}
}

static int on_ws_event(struct lf_web *web, struct lf_web_session *session,
		       struct lws *wsi, enum lws_callback_reasons reason,
		       void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		return lf_ws_on_established(web, session, wsi);
	case LWS_CALLBACK_RECEIVE:
		return lf_ws_on_receive(session, wsi, in, len);
	case LWS_CALLBACK_RECEIVE_PONG:
		lf_ws_on_pong(session);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return lf_ws_on_writable(session, wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		lf_ws_on_peer_close(session, in, len);
		return 0;
	case LWS_CALLBACK_CLOSED:
		lf_ws_drop(session);
		return 0;
	default:
		return 0;
	}
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
		    void *user, void *in, size_t len)
{
	struct lf_web_session *session = user;
	struct web_port *port;

	switch (reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		port = lws_get_vhost_user(lws_get_vhost(wsi));
		return lf_tls_lead(port->tls, user);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		/* Not h2c. Positive values are a use after free in there. */
		return strcmp(in, "websocket") == 0 ? 0 : -1;
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return lf_ws_on_filter(lws_context_user(lws_get_context(wsi)),
				       wsi);
	case LWS_CALLBACK_ESTABLISHED:
	case LWS_CALLBACK_RECEIVE:
	case LWS_CALLBACK_RECEIVE_PONG:
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
	case LWS_CALLBACK_CLOSED:
		if (!session)
			return 0;
		return on_ws_event(lws_context_user(lws_get_context(wsi)),
				   session, wsi, reason, in, len);
	default:
		if (!session)
			return 0;
		return on_http_event(lws_context_user(lws_get_context(wsi)),
				     session, wsi, reason, in, len);
	}
}

/* ---- the context ---- */

static void web_free(struct lf_web *web)
{
	LF_LIST_FOREACH_SAFE (node, &web->ports) {
		struct web_port *port =
			LF_CONTAINER_OF(node, struct web_port, node);

		lf_tls_unref(port->tls);
		free(port);
	}
	lf_web_free_routes(web);
	lf_ws_free_sockets(web);
	free(web->protocols);
	lf_hub_unref(web->hub);
	free(web);
}

static void count_closing(uv_handle_t *handle, void *arg)
{
	int *n = arg;

	*n += uv_is_closing(handle) != 0;
}

/*
 * libwebsockets is destroyed twice: the first call closes its connections and
 * handles, the second, when the loop has let go of them, frees the context.
 */
static void on_ending(struct lf_chore *chore)
{
	struct lf_web *web = LF_CONTAINER_OF(chore, struct lf_web, ending);
	void (*on_closed)(void *arg) = web->on_closed;
	void *arg = web->arg;
	int closing = 0;

	if (!web->is_destroyed) {
		web->is_destroyed = true;
		lws_context_destroy(web->lws);
		closing = 1;
	} else {
		uv_walk(web->loop, count_closing, &closing);
	}
	if (closing > 0) {
		lf_hub_queue(web->hub, chore);
		return;
	}
	if (web->lws)
		lws_context_destroy(web->lws);
	web_free(web);
	if (on_closed)
		on_closed(arg);
}

static int make_context(struct lf_web *web)
{
	void *loops[1] = {web->loop};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.foreign_loops = loops,
		.pcontext = &web->lws,
		.user = web,
		.timeout_secs = TIMEOUT_S,
		.max_http_header_data = MAX_HEADER,
		.ka_time = KEEPALIVE_S,
		.ka_probes = 4,
		.ka_interval = 15,
		/* UTF-8 is checked only when the context says so. */
		.options = LWS_SERVER_OPTION_LIBUV |
			   LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   LWS_SERVER_OPTION_VALIDATE_UTF8 |
			   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN |
			   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, emit);
	web->lws = lws_create_context(&info);
	if (web->lws)
		return 0;
	lf_log(LF_ERROR, "web",
	       "libwebsockets does not start; is the package "
	       "libwebsockets-evlib-uv installed?");
	return -ENOSYS;
}

int lf_web_new(struct lf_web **ret, uv_loop_t *loop)
{
	struct lf_web *web = calloc(1, sizeof(*web));
	int err;

	if (!web)
		return -ENOMEM;
	web->loop = loop;
	web->ending.fn = on_ending;
	lf_list_init(&web->ending.node);
	lf_list_init(&web->ports);
	lf_list_init(&web->routes);
	lf_list_init(&web->sockets);
	lf_list_init(&web->streams);
	err = lf_hub_get(&web->hub, loop);
	if (!err)
		err = make_context(web);
	if (err) {
		web_free(web);
		return err;
	}
	*ret = web;
	return 0;
}

void lf_web_close(struct lf_web *web, void (*closed)(void *arg), void *arg)
{
	if (!web || web->is_closing)
		return;
	web->is_closing = true;
	web->on_closed = closed;
	web->arg = arg;
	LF_LIST_FOREACH (node, &web->ports) {
		struct web_port *port =
			LF_CONTAINER_OF(node, struct web_port, node);

		lf_listener_close(port->listener);
		port->listener = NULL;
	}
	/* Not from here: the caller may be one of libwebsockets' callbacks. */
	lf_hub_queue(web->hub, &web->ending);
}

/* ---- ports ---- */

static void on_fd(int fd, void *arg)
{
	struct web_port *port = arg;

	if (!lws_adopt_socket_vhost(port->vhost, fd))
		close(fd); /* closed already, or not: nobody reused it yet */
}

/* One for HTTP, one for each subprotocol, one empty at the end. */
static int make_protocols(struct lf_web *web)
{
	struct lws_protocols *p;

	if (web->protocols)
		return 0;
	p = calloc(MAX_SUBPROTOCOLS + 2, sizeof(*p));
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i <= MAX_SUBPROTOCOLS; i++) {
		p[i].name = i ? lf_ws_subprotocol(web, i - 1) : "http";
		if (!p[i].name)
			break;
		p[i].callback = on_event;
		p[i].per_session_data_size = sizeof(struct lf_web_session);
		p[i].rx_buffer_size = RX_BUFFER;
	}
	web->protocols = p;
	return 0;
}

static int make_vhost(struct web_port *port, const char *cert_path,
		      const char *key_path)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.vhost_name = "lampfield",
		.protocols = port->web->protocols,
		.keepalive_timeout = KEEPALIVE_S,
		.retry_and_idle_policy = &idle_policy,
		.server_string = "lampfield",
		.user = port,
	};

	if (cert_path) {
		info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = cert_path;
		info.ssl_private_key_filepath = key_path;
		info.alpn = "http/1.1"; /* the default offers h2 as well */
	}
	port->vhost = lws_create_vhost(port->web->lws, &info);
	return port->vhost ? 0 : -EIO;
}

int lf_web_listen(struct lf_web *web, const char *address, uint16_t port_number,
		  const char *cert_path, const char *key_path,
		  uint16_t *ret_port)
{
	const struct lf_listen_opts opts = {.address = address,
					    .port = port_number};
	struct web_port *port = calloc(1, sizeof(*port));
	int err = -ENOMEM;

	if (!port)
		return err;
	port->web = web;
	err = make_protocols(web);
	if (!err && cert_path)
		err = lf_tls_server(&port->tls, cert_path, key_path);
	if (!err)
		err = lf_listener_open_raw(&port->listener, web->loop, &opts,
					   on_fd, port);
	if (!err)
		err = make_vhost(port, cert_path, key_path);
	if (err)
		goto fail;
	lf_list_add_tail(&web->ports, &port->node);
	if (ret_port)
		*ret_port = lf_listener_port(port->listener);
	return 0;
fail:
	lf_listener_close(port->listener);
	lf_tls_unref(port->tls);
	free(port);
	return err;
}

/* Every port is tried; the first error is told. */
int lf_web_reload_certificates(struct lf_web *web)
{
	int err = 0;

	LF_LIST_FOREACH (node, &web->ports) {
		struct web_port *port =
			LF_CONTAINER_OF(node, struct web_port, node);
		int failed = port->tls ? lf_tls_reload(port->tls) : 0;

		if (!err)
			err = failed;
	}
	return err;
}
