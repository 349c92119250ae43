/* sim/ws.c - handshake and frames of a WebSocket client. */
#include "sim/ws.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/secret.h"
#include "core/stream.h"

#include "core/banned.h"

#define MESSAGE_MAX (16u << 20)
#define FIN 0x80
#define MASKED 0x80

enum { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };

struct ws {
	struct lf_stream *stream;
	const struct ws_ops *ops;
	void *arg;
	char *path;
	bool is_open, is_busy, is_dropped;
	struct lf_buf in, message; /* bytes; fragments so far */
	uint32_t mask;
	int code;
};

static void ws_free(struct ws *ws)
{
	lf_buf_done(&ws->in);
	lf_buf_done(&ws->message);
	free(ws->path);
	free(ws);
}

/* ---- out ---- */

static uint32_t next_mask(struct ws *ws)
{
	ws->mask ^= ws->mask << 13;
	ws->mask ^= ws->mask >> 17;
	ws->mask ^= ws->mask << 5;
	return ws->mask;
}

static size_t put_length(unsigned char *out, size_t len)
{
	size_t n = len < 126 ? 0 : len < 65536 ? 2 : 8;

	out[0] = (unsigned char)(MASKED | (n == 0 ? len : n == 2 ? 126 : 127));
	for (size_t i = 0; i < n; i++)
		out[1 + i] = (unsigned char)(len >> (8 * (n - 1 - i)));
	return 1 + n;
}

static int send_frame(struct ws *ws, int opcode, const char *data, size_t len)
{
	unsigned char head[14], mask[4];
	struct lf_buf frame = {0};
	uint32_t bits = next_mask(ws);
	size_t n = 1, i;
	int err;

	head[0] = (unsigned char)(FIN | opcode);
	n += put_length(head + 1, len);
	memcpy(mask, &bits, sizeof(mask));
	memcpy(head + n, mask, sizeof(mask));
	lf_buf_add(&frame, head, n + sizeof(mask));
	lf_buf_add(&frame, data, len);
	err = lf_buf_error(&frame);
	for (i = 0; !err && i < len; i++)
		frame.data[n + sizeof(mask) + i] ^= (char)mask[i % 4];
	if (!err)
		err = lf_stream_write(ws->stream, frame.data, frame.len);
	lf_buf_done(&frame);
	return err;
}

int ws_send(struct ws *ws, const char *text, size_t len)
{
	return ws->is_open ? send_frame(ws, TEXT, text, len) : -ENOTCONN;
}

/* The answer's Sec-WebSocket-Accept is not checked: this is no browser. */
static void on_connected(struct lf_stream *stream, void *arg)
{
	struct ws *ws = arg;
	struct lf_buf request = {0};
	char key[LF_BASE64_SIZE(16)];
	unsigned char bytes[16];

	lf_random(bytes, sizeof(bytes));
	lf_base64(key, bytes, sizeof(bytes));
	lf_buf_addf(&request,
		    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
		    "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
		    "Sec-WebSocket-Version: 13\r\n\r\n",
		    ws->path, lf_stream_peer(stream), key);
	if (!lf_buf_error(&request))
		lf_stream_write(stream, request.data, request.len);
	lf_buf_done(&request);
}

/* ---- in ---- */

struct frame {
	int opcode;
	bool is_last;
	const char *data;
	size_t len, whole; /* without and with the head */
};

/* -EAGAIN: not all of it is there yet. */
static int parse_frame(struct frame *ret, const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	uint64_t size;
	size_t n, i;

	if (len < 2)
		return -EAGAIN;
	size = p[1] & 0x7f;
	n = size == 126 ? 2 : size == 127 ? 8 : 0;
	if (p[1] & MASKED)
		return -EPROTO; /* RFC 6455, 5.1: servers do not mask */
	if (len < 2 + n)
		return -EAGAIN;
	if (n)
		size = 0;
	for (i = 0; i < n; i++)
		size = size << 8 | p[2 + i];
	if (size > MESSAGE_MAX)
		return -EMSGSIZE;
	*ret = (struct frame){
		.opcode = p[0] & 0x0f,
		.is_last = p[0] & FIN,
		.data = data + 2 + n,
		.len = size,
		.whole = 2 + n + size,
	};
	return len < ret->whole ? -EAGAIN : 0;
}

static int take_text(struct ws *ws, const struct frame *f)
{
	if (f->is_last && !ws->message.len) {
		ws->ops->on_text(ws, f->data, f->len, ws->arg);
		return 0;
	}
	if (ws->message.len + f->len > MESSAGE_MAX)
		return -EMSGSIZE;
	lf_buf_add(&ws->message, f->data, f->len);
	if (lf_buf_error(&ws->message))
		return -ENOMEM;
	if (f->is_last) {
		ws->ops->on_text(ws, lf_buf_str(&ws->message), ws->message.len,
				 ws->arg);
		lf_buf_reset(&ws->message);
	}
	return 0;
}

static int take_frame(struct ws *ws, const struct frame *f)
{
	switch (f->opcode) {
	case CONTINUATION:
	case TEXT:
		return take_text(ws, f);
	case PING:
		return send_frame(ws, PONG, f->data, f->len);
	case CLOSE:
		if (f->len >= 2)
			ws->code = (unsigned char)f->data[0] << 8 |
				   (unsigned char)f->data[1];
		return -ECONNRESET;
	case PONG:
		return 0;
	default:
		return -EPROTO;
	}
}

static int take_frames(struct ws *ws)
{
	struct frame frame;
	size_t done = 0;
	int err = 0;

	while (!err && !ws->is_dropped) {
		err = parse_frame(&frame, ws->in.data + done,
				  ws->in.len - done);
		if (err)
			break;
		done += frame.whole;
		err = take_frame(ws, &frame);
	}
	lf_buf_consume(&ws->in, done);
	return err == -EAGAIN ? 0 : err;
}

/* The end of the answer to the handshake. */
static int take_handshake(struct ws *ws)
{
	static const char wanted[] = "HTTP/1.1 101 ";
	const char *end = memmem(ws->in.data, ws->in.len, "\r\n\r\n", 4);

	if (!end)
		return ws->in.len > 16384 ? -EPROTO : 0;
	if (ws->in.len < sizeof(wanted) ||
	    memcmp(ws->in.data, wanted, sizeof(wanted) - 1) != 0)
		return -EPROTO;
	lf_buf_consume(&ws->in, (size_t)(end + 4 - ws->in.data));
	ws->is_open = true;
	ws->ops->on_open(ws, ws->arg);
	return 0;
}

static void finish(struct ws *ws)
{
	if (!ws->is_dropped)
		ws->ops->on_close(ws, ws->code, ws->arg);
	ws_free(ws);
}

static void on_data(struct lf_stream *stream, const char *data, size_t len,
		    void *arg)
{
	struct ws *ws = arg;
	int err;

	ws->is_busy = true;
	lf_buf_add(&ws->in, data, len);
	err = lf_buf_error(&ws->in);
	if (!err && !ws->is_open)
		err = take_handshake(ws);
	if (!err && ws->is_open && !ws->is_dropped)
		err = take_frames(ws);
	ws->is_busy = false;
	if (err && !ws->is_dropped)
		lf_stream_close(stream);
	if (err || ws->is_dropped)
		finish(ws);
}

static void on_closed(struct lf_stream *stream, int err, void *arg)
{
	finish(arg);
}

static const struct lf_stream_ops stream_ops = {
	.on_open = on_connected,
	.on_data = on_data,
	.on_close = on_closed,
};

int ws_connect(struct ws **ret, uv_loop_t *loop, const struct ws_where *where,
	       const char *path, const struct ws_ops *ops, void *arg)
{
	struct ws *ws = calloc(1, sizeof(*ws));
	int err = -ENOMEM;

	if (!ws)
		return err;
	ws->ops = ops;
	ws->arg = arg;
	ws->path = strdup(path);
	lf_random(&ws->mask, sizeof(ws->mask));
	ws->mask |= 1;
	if (ws->path)
		err = lf_stream_connect(&ws->stream, loop, where->address,
					where->port, where->tls, "localhost",
					&stream_ops, ws);
	if (err) {
		ws_free(ws);
		return err;
	}
	*ret = ws;
	return 0;
}

void ws_drop(struct ws *ws)
{
	if (!ws || ws->is_dropped)
		return;
	ws->is_dropped = true;
	lf_stream_close(ws->stream);
	if (!ws->is_busy)
		ws_free(ws);
}
