/*
 * core/stream_close.c - how a connection ends: what is queued still leaves,
 * nothing that is on its way is destroyed by a reset, and no peer may drag it
 * out for ever.
 */
#include "core/stream_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/banned.h"

#define CLOSE_MS 5000

static void on_closed(uv_handle_t *handle)
{
	struct lf_stream *s = handle->data;

	if (s->listener)
		lf_listener_release(s->listener);
	lf_tls_detach(s->tls);
	lf_buf_done(&s->out.buf);
	lf_hub_unref(s->hub);
	free(s);
}

void lf_stream_destroy(struct lf_stream *s)
{
	if (s->state == LF_STREAM_DEAD)
		return;
	s->state = LF_STREAM_DEAD;
	s->ops = NULL;
	lf_list_del(&s->chore.node);
	lf_list_del(&s->due.node);
	uv_close((uv_handle_t *)&s->poll, on_closed);
	close(s->fd);
}

/* The owner's last callback; it may not use the stream after it. */
static void tell_closed(struct lf_stream *s, const struct lf_stream_ops *ops,
			int err)
{
	if (ops && ops->on_close)
		ops->on_close(s, err, s->arg);
}

void lf_stream_fail(struct lf_stream *s, int err)
{
	const struct lf_stream_ops *ops = s->ops;

	lf_stream_destroy(s);
	tell_closed(s, ops, err);
}

static void begin_close(struct lf_stream *s)
{
	s->ops = NULL;
	s->state = LF_STREAM_CLOSING;
	s->must_linger = lf_stream_backlog(s) > 0;
	lf_hub_start(s->hub, &s->due, CLOSE_MS);
	lf_hub_queue(s->hub, &s->chore);
	lf_stream_watch(s);
}

void lf_stream_part(struct lf_stream *s, int err)
{
	const struct lf_stream_ops *ops = s->ops;

	begin_close(s);
	tell_closed(s, ops, err);
}

void lf_stream_discard(struct lf_stream *s)
{
	size_t budget = LF_STREAM_READ_BUDGET;
	ssize_t n;

	do {
		n = recv(s->fd, s->hub->buffer, budget, 0);
		if (n > 0)
			budget -= (size_t)n;
	} while (budget > 0 && (n > 0 || (n < 0 && errno == EINTR)));

	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	s->has_eof = true;
	if (n < 0 || s->state == LF_STREAM_LINGERING)
		lf_stream_destroy(s);
	else
		lf_stream_watch(s);
}

void lf_stream_finish(struct lf_stream *s)
{
	shutdown(s->fd, SHUT_WR);
	s->state = LF_STREAM_LINGERING;
	if (!s->has_eof)
		lf_stream_discard(s);
	if (s->has_eof || !s->must_linger)
		lf_stream_destroy(s);
	else
		lf_stream_watch(s);
}

void lf_stream_close(struct lf_stream *stream)
{
	if (!stream)
		return;
	if (stream->state < LF_STREAM_OPEN)
		lf_stream_destroy(stream);
	else if (stream->state == LF_STREAM_OPEN)
		begin_close(stream);
}
