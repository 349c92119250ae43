/*
 * core/stream.c - an open connection: bytes in, bytes out, and what its owner
 * may ask. (It begins in stream_open.c and ends in stream_close.c.)
 *
 * What is written waits in a queue until the end of the loop's turn (hub.c)
 * and leaves in one send; only when the kernel is full do we poll for room.
 */
#include "core/stream_internal.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/banned.h"

/* Encrypted at once: enough to fill a socket buffer, not the heap. */
#define TLS_CHUNK (64 * 1024)

/* ---- out ---- */

/* The next bytes for the kernel, encrypted first where that is due. */
static int next_bytes(struct lf_stream *s, struct lf_queue **ret)
{
	size_t len = lf_queue_len(&s->out);
	int err;

	*ret = &s->out;
	if (!s->tls)
		return 0;
	*ret = &s->tls->wire;
	if (lf_queue_len(&s->tls->wire) > 0)
		return 0;
	if (len == 0 || !s->tls->is_open) {
		if (s->state == LF_STREAM_CLOSING && len == 0)
			lf_tls_shutdown(s->tls);
		return 0;
	}
	if (len > TLS_CHUNK)
		len = TLS_CHUNK;
	err = lf_tls_write(s->tls, lf_queue_data(&s->out), len);
	if (!err)
		lf_queue_consume(&s->out, len);
	return err;
}

static int send_queued(struct lf_stream *s)
{
	struct lf_queue *q;
	ssize_t n;
	int err;

	s->is_blocked = false;
	for (;;) {
		err = next_bytes(s, &q);
		if (err || lf_queue_len(q) == 0)
			return err;
		n = send(s->fd, lf_queue_data(q), lf_queue_len(q),
			 MSG_NOSIGNAL);
		if (n >= 0) {
			lf_queue_consume(q, (size_t)n);
		} else if (errno == EAGAIN) {
			s->is_blocked = true;
			return 0;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
}

static void check_drain(struct lf_stream *s)
{
	size_t backlog = lf_stream_backlog(s);

	if (!s->wants_drain || s->state != LF_STREAM_OPEN)
		return;
	if (backlog > 0 && backlog >= s->drain_below)
		return;
	s->wants_drain = false;
	if (s->ops && s->ops->on_drain)
		s->ops->on_drain(s, s->arg);
}

static void flush(struct lf_stream *s)
{
	int err = send_queued(s);

	if (err) {
		lf_stream_fail(s, err);
		return;
	}
	lf_stream_watch(s);
	if (s->state == LF_STREAM_CLOSING && !s->is_blocked)
		lf_stream_finish(s);
	else
		check_drain(s);
}

/* ---- in ---- */

static void ended(struct lf_stream *s, ssize_t n)
{
	if (n == 0) {
		s->has_eof = true;
		lf_stream_part(s, 0);
	} else if (n == -EPROTO) {
		lf_stream_part(s, (int)n);
	} else if (n != -EAGAIN) {
		lf_stream_fail(s, (int)n);
	}
}

static ssize_t read_plain(struct lf_stream *s)
{
	ssize_t n;

	do
		n = recv(s->fd, s->hub->buffer, LF_HUB_BUFFER, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The callback may pause or close: look again before each read. */
static void read_open(struct lf_stream *s)
{
	size_t budget = LF_STREAM_READ_BUDGET;
	ssize_t n;

	do {
		n = s->tls ? lf_tls_read(s->tls, s->hub->buffer, LF_HUB_BUFFER)
			   : read_plain(s);
		if (n <= 0) {
			ended(s, n);
			return;
		}
		budget -= (size_t)n > budget ? budget : (size_t)n;
		s->ops->on_data(s, s->hub->buffer, (size_t)n, s->arg);
		if (s->state != LF_STREAM_OPEN || s->is_paused)
			return;
	} while (s->tls && lf_tls_has_pending(s->tls) && budget > 0);

	if (budget == 0)
		lf_hub_queue(s->hub, &s->chore);
}

static void read_some(struct lf_stream *s)
{
	switch (s->state) {
	case LF_STREAM_HANDSHAKE:
		lf_stream_handshake(s);
		break;
	case LF_STREAM_OPEN:
		if (!s->is_paused)
			read_open(s);
		break;
	case LF_STREAM_CLOSING:
	case LF_STREAM_LINGERING:
		lf_stream_discard(s);
		break;
	default:
		break;
	}
}

/* ---- the loop calls ---- */

void lf_stream_on_turn(struct lf_chore *chore)
{
	struct lf_stream *s = LF_CONTAINER_OF(chore, struct lf_stream, chore);

	if (s->state == LF_STREAM_CONNECTING)
		return;
	if (s->state == LF_STREAM_OPEN && s->tls && !s->is_paused &&
	    lf_tls_has_pending(s->tls))
		read_open(s);
	if (s->state != LF_STREAM_DEAD && s->state != LF_STREAM_LINGERING)
		flush(s);
}

int lf_stream_error(const struct lf_stream *s)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return -err;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct lf_stream *s = poll->data;
	int err;

	if (s->state == LF_STREAM_CONNECTING) {
		lf_stream_connected(s, status);
		return;
	}
	/* After an error the kernel still holds what came before it. */
	if (status < 0 || (events & UV_READABLE))
		read_some(s);
	if (s->state == LF_STREAM_DEAD)
		return;
	if (status < 0) {
		err = lf_stream_error(s);
		lf_stream_fail(s, err ? err : -ECONNRESET);
	} else if (events & UV_WRITABLE) {
		flush(s);
	}
}

void lf_stream_watch(struct lf_stream *s)
{
	int events = 0;

	if (s->state == LF_STREAM_DEAD)
		return;
	if (s->state == LF_STREAM_CONNECTING)
		events = UV_WRITABLE;
	else if (!s->has_eof && (s->state != LF_STREAM_OPEN || !s->is_paused))
		events = UV_READABLE;
	if (s->is_blocked)
		events |= UV_WRITABLE;

	if (events == s->events)
		return;
	s->events = events;
	if (events)
		uv_poll_start(&s->poll, events, on_poll);
	else
		uv_poll_stop(&s->poll);
}

/* ---- what the owner calls ---- */

void lf_stream_set(struct lf_stream *stream, const struct lf_stream_ops *ops,
		   void *arg)
{
	stream->ops = ops;
	stream->arg = arg;
}

int lf_stream_write(struct lf_stream *stream, const void *data, size_t len)
{
	if (stream->state > LF_STREAM_OPEN)
		return -EPIPE;
	if (len == 0)
		return 0;
	if (lf_queue_add(&stream->out, data, len))
		return -ENOMEM;
	lf_hub_queue(stream->hub, &stream->chore);
	return 0;
}

size_t lf_stream_backlog(const struct lf_stream *stream)
{
	size_t len = lf_queue_len(&stream->out);

	return stream->tls ? len + lf_queue_len(&stream->tls->wire) : len;
}

void lf_stream_want_drain(struct lf_stream *stream)
{
	stream->wants_drain = true;
	stream->drain_below = lf_stream_backlog(stream) / 2;
	if (stream->state <= LF_STREAM_OPEN)
		lf_hub_queue(stream->hub, &stream->chore);
}

void lf_stream_pause(struct lf_stream *stream, bool paused)
{
	stream->is_paused = paused;
	if (stream->state != LF_STREAM_OPEN)
		return;
	lf_stream_watch(stream);
	if (!paused)
		lf_hub_queue(stream->hub, &stream->chore);
}

bool lf_stream_is_tls(const struct lf_stream *stream)
{
	return stream->tls != NULL;
}

const char *lf_stream_peer(const struct lf_stream *stream)
{
	return stream->peer;
}
