/*
 * console/transport.c - the two ways in, each a table for connection.c: lines
 * on a stream, and messages on a WebSocket.
 */
#include "console/internal.h"

#include <errno.h>

#include "core/listen.h"
#include "core/stream.h"

#include "core/banned.h"

/* ---- a stream: TCP or TLS ---- */

static int stream_send(void *io, const char *line, size_t len)
{
	return lf_stream_write(io, line, len);
}

static size_t stream_backlog(void *io)
{
	return lf_stream_backlog(io);
}

static void stream_want_drain(void *io)
{
	lf_stream_want_drain(io);
}

static void stream_pause(void *io, bool paused)
{
	lf_stream_pause(io, paused);
}

static void stream_close(void *io, int code, const char *reason)
{
	lf_stream_close(io);
}

static const struct lf_conn_ops stream_ops = {
	.send = stream_send,
	.backlog = stream_backlog,
	.want_drain = stream_want_drain,
	.pause = stream_pause,
	.close = stream_close,
};

static void on_stream_data(struct lf_stream *stream, const char *data,
			   size_t len, void *arg)
{
	lf_conn_bytes(arg, data, len);
}

static void on_stream_drain(struct lf_stream *stream, void *arg)
{
	lf_conn_drained(arg);
}

static void on_stream_close(struct lf_stream *stream, int err, void *arg)
{
	lf_conn_gone(arg);
}

void lf_conn_accept(struct lf_stream *stream, void *arg)
{
	static const struct lf_stream_ops ops = {
		.on_data = on_stream_data,
		.on_drain = on_stream_drain,
		.on_close = on_stream_close,
	};
	struct lf_conn *conn;

	if (lf_conn_new(&conn, arg, &stream_ops, stream, lf_stream_peer(stream),
			lf_stream_is_tls(stream)))
		lf_stream_close(stream);
	else if (!conn->is_closing)
		lf_stream_set(stream, &ops, conn);
}

/* ---- a WebSocket: RFC 6455, one object a message ---- */

static int ws_send(void *io, const char *line, size_t len)
{
	return lf_ws_send(io, line, len - 1); /* without the line feed */
}

static size_t ws_backlog(void *io)
{
	return lf_ws_backlog(io);
}

static void ws_want_drain(void *io)
{
	lf_ws_want_drain(io);
}

static void ws_pause(void *io, bool paused)
{
	lf_ws_pause(io, paused);
}

static void ws_close(void *io, int code, const char *reason)
{
	lf_ws_close(io, code, reason);
}

static const struct lf_conn_ops ws_conn_ops = {
	.send = ws_send,
	.backlog = ws_backlog,
	.want_drain = ws_want_drain,
	.pause = ws_pause,
	.close = ws_close,
	.closes_later = true,
};

static int on_ws_open(struct lf_ws *ws, void *arg, void **ret_conn)
{
	struct lf_console *console = arg;
	struct lf_conn *conn;
	int err;

	if (console->is_closing)
		return -ESHUTDOWN;
	err = lf_conn_new(&conn, console, &ws_conn_ops, ws, lf_ws_peer(ws),
			  lf_ws_is_tls(ws));
	if (!err)
		*ret_conn = conn;
	return err;
}

static void on_ws_message(struct lf_ws *ws, const char *data, size_t len,
			  void *arg)
{
	lf_conn_message(arg, data, len);
}

static void on_ws_drain(struct lf_ws *ws, void *arg)
{
	lf_conn_drained(arg);
}

static void on_ws_close(struct lf_ws *ws, void *arg)
{
	lf_conn_gone(arg);
}

int lf_conn_listen_ws(struct lf_console *console, struct lf_web *web,
		      const char *const *origins)
{
	static const struct lf_ws_ops ops = {
		.on_open = on_ws_open,
		.on_message = on_ws_message,
		.on_drain = on_ws_drain,
		.on_close = on_ws_close,
	};
	const struct lf_ws_opts opts = {
		.path = "/console",
		.subprotocol = "lampfield.v1",
		.max_message = LF_CONSOLE_LINE_MAX,
		.origins = origins,
	};

	return lf_web_socket(web, &opts, &ops, console);
}
