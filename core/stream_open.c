/*
 * core/stream_open.c - how a connection begins, ours or one that came in:
 * connected, then with TLS the handshake, then handed to its owner.
 */
#include "core/stream_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/banned.h"

#define HANDSHAKE_MS 10000
#define KEEPALIVE_S 60
#define KEEPALIVE_PROBE_S 15
#define KEEPALIVE_PROBES 4

static void opened(struct lf_stream *s)
{
	s->state = LF_STREAM_OPEN;
	lf_list_del(&s->due.node);
	lf_stream_watch(s);
	if (s->listener)
		lf_listener_deliver(s->listener, s);
	else if (s->ops && s->ops->on_open)
		s->ops->on_open(s, s->arg);
	/* An owner that set nothing has no use for it. */
	if (s->state == LF_STREAM_OPEN && !s->ops)
		lf_stream_close(s);
	/* The first data may have come with the handshake's last bytes. */
	if (s->state == LF_STREAM_OPEN)
		lf_hub_queue(s->hub, &s->chore);
}

void lf_stream_handshake(struct lf_stream *s)
{
	int err = lf_tls_handshake(s->tls);

	lf_hub_queue(s->hub, &s->chore);
	if (err == -EAGAIN)
		return;
	if (err)
		lf_stream_part(s, err); /* our alert still leaves */
	else
		opened(s);
}

void lf_stream_connected(struct lf_stream *s, int status)
{
	int err = lf_stream_error(s);

	if (!err && status < 0)
		err = -ECONNREFUSED;
	if (err) {
		lf_stream_fail(s, err);
	} else if (s->tls) {
		s->state = LF_STREAM_HANDSHAKE;
		lf_stream_watch(s);
		lf_stream_handshake(s);
	} else {
		opened(s);
	}
}

static void on_due(struct lf_due *due)
{
	struct lf_stream *s = LF_CONTAINER_OF(due, struct lf_stream, due);

	lf_stream_fail(s, -ETIMEDOUT);
}

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
	s->chore.fn = lf_stream_on_turn;
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

int lf_stream_accepted(struct lf_hub *hub, int fd, struct lf_tls *tls,
		       struct lf_listener *listener)
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

	if (!tls) {
		opened(s);
		return 0;
	}
	s->state = LF_STREAM_HANDSHAKE;
	lf_hub_start(hub, &s->due, HANDSHAKE_MS);
	lf_stream_watch(s);
	return 0;
}

void lf_stream_abandon(struct lf_hub *hub, const struct lf_listener *listener)
{
	LF_LIST_FOREACH_SAFE (node, &hub->dues) {
		struct lf_due *due = LF_CONTAINER_OF(node, struct lf_due, node);
		struct lf_stream *s =
			LF_CONTAINER_OF(due, struct lf_stream, due);

		if (due->fn == on_due && s->listener == listener &&
		    s->state == LF_STREAM_HANDSHAKE)
			lf_stream_destroy(s);
	}
}

/* The descriptor of a socket on its way to `peer`, or an error. */
static int start_connecting(const struct sockaddr_storage *peer, socklen_t len)
{
	int fd = socket(peer->ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)peer, len) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	err = -errno;
	close(fd);
	return err;
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
	int fd;
	int err = port ? lf_address_ip(&peer, &len, address, port)
		       : lf_address_unix(&peer, &len, address);

	if (err)
		return err;
	err = lf_hub_get(&hub, loop);
	if (err)
		return err;

	err = fd = start_connecting(&peer, len);
	if (fd < 0)
		goto fail;
	err = stream_new(&s, hub, fd, tls, host ? host : address);
	if (err)
		goto fail;
	if (port)
		set_tcp_options(fd);
	lf_address_peer(s->peer, fd, &peer);
	s->ops = ops;
	s->arg = arg;
	s->state = LF_STREAM_CONNECTING;
	lf_hub_start(hub, &s->due, HANDSHAKE_MS);
	lf_stream_watch(s);
	*ret = s;
	return 0;
fail:
	if (fd >= 0)
		close(fd);
	lf_hub_unref(hub);
	return err;
}
