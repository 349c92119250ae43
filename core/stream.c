/*
 * core/stream.c - one connection, from its first byte to its last.
 *
 *     connecting -> handshake -> open -> closing -> lingering -> dead
 *
 * What is written waits in a queue until the end of the loop's turn (hub.c)
 * and leaves in one send; only when the kernel is full do we poll for room.
 * A dead stream's memory lives until the loop has closed its handle, so a
 * callback may close the stream that called it.
 */
#include "core/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/banned.h"

#define HANDSHAKE_MS 10000
#define CLOSE_MS 5000
#define KEEPALIVE_S 60
#define KEEPALIVE_PROBE_S 15
#define KEEPALIVE_PROBES 4
/* Encrypted at once: enough to fill a socket buffer, not the heap. */
#define TLS_CHUNK (64 * 1024)
/* One stream reads this much, then it is the others' turn. */
#define READ_BUDGET LF_HUB_BUFFER

enum state {
	CONNECTING,
	HANDSHAKE,
	OPEN,
	CLOSING,   /* what is queued still leaves; nobody listens any more */
	LINGERING, /* all sent; a reset now could destroy it on its way */
	DEAD
};

struct lf_stream {
	uv_poll_t poll;
	struct lf_hub *hub;
	struct lf_listener *listener; /* NULL: a client */
	struct lf_tls_conn *tls;      /* NULL: plain */
	const struct lf_stream_ops *ops;
	void *arg;
	struct lf_queue out;
	struct lf_chore chore;
	struct lf_due due;
	size_t drain_below;
	enum state state;
	int fd, events;
	bool is_paused, wants_drain, is_blocked, has_eof, must_linger;
	char peer[LF_ADDRESS_SIZE];
};

static void on_poll(uv_poll_t *poll, int status, int events);

/* ---- the end ---- */

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

static void destroy(struct lf_stream *s)
{
	if (s->state == DEAD)
		return;
	s->state = DEAD;
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

static void fail(struct lf_stream *s, int err)
{
	const struct lf_stream_ops *ops = s->ops;

	destroy(s);
	tell_closed(s, ops, err);
}

static void update_interest(struct lf_stream *s)
{
	int events = 0;

	if (s->state == DEAD)
		return;
	if (s->state == CONNECTING)
		events = UV_WRITABLE;
	else if (!s->has_eof && (s->state != OPEN || !s->is_paused))
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

static void begin_close(struct lf_stream *s)
{
	s->ops = NULL;
	s->state = CLOSING;
	s->must_linger = lf_stream_backlog(s) > 0;
	lf_hub_start(s->hub, &s->due, CLOSE_MS);
	lf_hub_queue(s->hub, &s->chore);
	update_interest(s);
}

/* The owner is told, and what it has written still leaves. */
static void part(struct lf_stream *s, int err)
{
	const struct lf_stream_ops *ops = s->ops;

	begin_close(s);
	tell_closed(s, ops, err);
}

/* Reads what nobody wants: unread bytes would turn our close into a reset. */
static void discard(struct lf_stream *s)
{
	size_t budget = READ_BUDGET;
	ssize_t n;

	do {
		n = recv(s->fd, s->hub->buffer, budget, 0);
		if (n > 0)
			budget -= (size_t)n;
	} while (budget > 0 && (n > 0 || (n < 0 && errno == EINTR)));

	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	s->has_eof = true;
	if (n < 0 || s->state == LINGERING)
		destroy(s);
	else
		update_interest(s);
}

static void finish_close(struct lf_stream *s)
{
	shutdown(s->fd, SHUT_WR);
	s->state = LINGERING;
	if (!s->has_eof)
		discard(s);
	if (s->has_eof || !s->must_linger)
		destroy(s);
	else
		update_interest(s);
}

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
		if (s->state == CLOSING && len == 0)
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

	if (!s->wants_drain || s->state != OPEN)
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
		fail(s, err);
		return;
	}
	update_interest(s);
	if (s->state == CLOSING && !s->is_blocked)
		finish_close(s);
	else
		check_drain(s);
}

/* ---- in ---- */

static void opened(struct lf_stream *s)
{
	s->state = OPEN;
	lf_list_del(&s->due.node);
	update_interest(s);
	if (s->listener)
		lf_listener_deliver(s->listener, s);
	else if (s->ops && s->ops->on_open)
		s->ops->on_open(s, s->arg);
	/* An owner that set nothing has no use for it. */
	if (s->state == OPEN && !s->ops)
		lf_stream_close(s);
	/* The first data may have come with the handshake's last bytes. */
	if (s->state == OPEN)
		lf_hub_queue(s->hub, &s->chore);
}

static void handshake(struct lf_stream *s)
{
	int err = lf_tls_handshake(s->tls);

	lf_hub_queue(s->hub, &s->chore);
	if (err == -EAGAIN)
		return;
	if (err)
		part(s, err); /* our alert still leaves */
	else
		opened(s);
}

static void ended(struct lf_stream *s, ssize_t n)
{
	if (n == 0) {
		s->has_eof = true;
		part(s, 0);
	} else if (n == -EPROTO) {
		part(s, (int)n);
	} else if (n != -EAGAIN) {
		fail(s, (int)n);
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
	size_t budget = READ_BUDGET;
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
		if (s->state != OPEN || s->is_paused)
			return;
	} while (s->tls && lf_tls_has_pending(s->tls) && budget > 0);

	if (budget == 0)
		lf_hub_queue(s->hub, &s->chore);
}

static void read_some(struct lf_stream *s)
{
	switch (s->state) {
	case HANDSHAKE:
		handshake(s);
		break;
	case OPEN:
		if (!s->is_paused)
			read_open(s);
		break;
	case CLOSING:
	case LINGERING:
		discard(s);
		break;
	default:
		break;
	}
}

/* The end of the turn: bytes that no poll tells of, then the queue. */
static void on_turn(struct lf_chore *chore)
{
	struct lf_stream *s = LF_CONTAINER_OF(chore, struct lf_stream, chore);

	if (s->state == CONNECTING)
		return;
	if (s->state == OPEN && s->tls && !s->is_paused &&
	    lf_tls_has_pending(s->tls))
		read_open(s);
	if (s->state != DEAD && s->state != LINGERING)
		flush(s);
}

static void on_due(struct lf_due *due)
{
	struct lf_stream *s = LF_CONTAINER_OF(due, struct lf_stream, due);

	fail(s, -ETIMEDOUT);
}

static int socket_error(struct lf_stream *s)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return -err;
}

static void on_connected(struct lf_stream *s, int status)
{
	int err = socket_error(s);

	if (!err && status < 0)
		err = -ECONNREFUSED;
	if (err) {
		fail(s, err);
	} else if (s->tls) {
		s->state = HANDSHAKE;
		update_interest(s);
		handshake(s);
	} else {
		opened(s);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct lf_stream *s = poll->data;
	int err;

	if (s->state == CONNECTING) {
		on_connected(s, status);
		return;
	}
	/* After an error the kernel still holds what came before it. */
	if (status < 0 || (events & UV_READABLE))
		read_some(s);
	if (s->state == DEAD)
		return;
	if (status < 0) {
		err = socket_error(s);
		fail(s, err ? err : -ECONNRESET);
	} else if (events & UV_WRITABLE) {
		flush(s);
	}
}

/* ---- the beginning ---- */

static void set_tcp_options(int fd)
{
	const int on = 1, idle = KEEPALIVE_S, interval = KEEPALIVE_PROBE_S,
		  count = KEEPALIVE_PROBES;

	/* Each only makes things better; a failure costs nothing. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

/* Takes over `fd` and a hub reference when it succeeds. */
static int stream_new(struct lf_stream **ret, struct lf_hub *hub, int fd,
		      struct lf_tls *tls, const char *host)
{
	struct lf_stream *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->hub = hub;
	s->fd = fd;
	s->poll.data = s;
	s->chore.fn = on_turn;
	s->due.fn = on_due;
	lf_list_init(&s->chore.node);
	lf_list_init(&s->due.node);
	if (tls) {
		err = lf_tls_attach(&s->tls, tls, fd, host);
		if (err)
			goto fail;
	}
	err = uv_poll_init(hub->loop, &s->poll, fd);
	if (err)
		goto fail;
	*ret = s;
	return 0;
fail:
	lf_tls_detach(s->tls);
	free(s);
	return err;
}

int lf_stream_accepted(struct lf_stream **ret, struct lf_hub *hub, int fd,
		       struct lf_tls *tls, struct lf_listener *listener)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	struct lf_stream *s;
	int err = stream_new(&s, hub, fd, tls, NULL);

	if (err)
		return err;
	lf_hub_ref(hub);
	s->listener = listener;
	getpeername(fd, (struct sockaddr *)&peer, &len);
	lf_address_peer(s->peer, fd, &peer);
	if (peer.ss_family != AF_UNIX)
		set_tcp_options(fd);
	*ret = s;

	if (!tls) {
		opened(s);
		return 0;
	}
	s->state = HANDSHAKE;
	lf_hub_start(hub, &s->due, HANDSHAKE_MS);
	update_interest(s);
	return 0;
}

void lf_stream_abandon(struct lf_hub *hub, const struct lf_listener *listener)
{
	LF_LIST_FOREACH_SAFE (node, &hub->dues) {
		struct lf_due *due = LF_CONTAINER_OF(node, struct lf_due, node);
		struct lf_stream *s =
			LF_CONTAINER_OF(due, struct lf_stream, due);

		if (due->fn == on_due && s->listener == listener &&
		    s->state == HANDSHAKE)
			destroy(s);
	}
}

int lf_stream_connect(struct lf_stream **ret, uv_loop_t *loop,
		      const char *address, uint16_t port, struct lf_tls *tls,
		      const char *host, const struct lf_stream_ops *ops,
		      void *arg)
{
	struct sockaddr_storage peer;
	socklen_t len;
	struct lf_hub *hub;
	struct lf_stream *s;
	int fd = -1;
	int err = port ? lf_address_ip(&peer, &len, address, port)
		       : lf_address_unix(&peer, &len, address);

	if (err)
		return err;
	err = lf_hub_get(&hub, loop);
	if (err)
		return err;

	err = -EMFILE;
	fd = socket(peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&peer, len) &&
		       errno != EINPROGRESS)) {
		err = -errno;
		goto fail;
	}
	err = stream_new(&s, hub, fd, tls, host ? host : address);
	if (err)
		goto fail;
	if (port)
		set_tcp_options(fd);
	lf_address_peer(s->peer, fd, &peer);
	s->ops = ops;
	s->arg = arg;
	s->state = CONNECTING;
	lf_hub_start(hub, &s->due, HANDSHAKE_MS);
	update_interest(s);
	*ret = s;
	return 0;
fail:
	if (fd >= 0)
		close(fd);
	lf_hub_unref(hub);
	return err;
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
	if (stream->state > OPEN)
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
	if (stream->state <= OPEN)
		lf_hub_queue(stream->hub, &stream->chore);
}

void lf_stream_pause(struct lf_stream *stream, bool paused)
{
	stream->is_paused = paused;
	if (stream->state != OPEN)
		return;
	update_interest(stream);
	if (!paused)
		lf_hub_queue(stream->hub, &stream->chore);
}

void lf_stream_close(struct lf_stream *stream)
{
	if (!stream)
		return;
	if (stream->state < OPEN)
		destroy(stream);
	else if (stream->state == OPEN)
		begin_close(stream);
}

bool lf_stream_is_tls(const struct lf_stream *stream)
{
	return stream->tls != NULL;
}

const char *lf_stream_peer(const struct lf_stream *stream)
{
	return stream->peer;
}
