/*
 * core/accept.c - listening sockets: opens them, and turns what comes in
 * into streams, within limits.
 */
#include "core/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/log.h"

#include "core/banned.h"

#define DEFAULT_MAX_STREAMS 10000
#define BACKLOG 512
#define ACCEPTS_A_TURN 64
#define STARVED_MS 250
#define UNIX_MODE 0660

struct lf_listener {
	uv_poll_t poll;
	struct lf_hub *hub;
	struct lf_tls *tls;
	lf_accept_fn *on_accept;
	lf_accept_fd_fn *on_fd; /* instead: whoever makes no streams of them */
	void *arg;
	char *unix_path;
	dev_t unix_dev; /* the file we made, and not a successor's */
	ino_t unix_ino;
	struct lf_due retry;
	struct lf_log_limit limit;
	unsigned refs, streams, max_streams;
	int fd;
	uint16_t port;
	bool is_closed;
};

static void on_connection(uv_poll_t *poll, int status, int events);

static void listener_unref(struct lf_listener *l)
{
	if (--l->refs > 0)
		return;
	lf_tls_unref(l->tls);
	lf_hub_unref(l->hub);
	free(l->unix_path);
	free(l);
}

void lf_listener_release(struct lf_listener *listener)
{
	listener->streams--;
	listener_unref(listener);
}

void lf_listener_deliver(struct lf_listener *listener, struct lf_stream *stream)
{
	if (!listener->is_closed)
		listener->on_accept(stream, listener->arg);
}

/*
 * Out of descriptors or memory: the connection stays in the kernel's queue,
 * and a level-triggered poll would call us again at once. Rest instead.
 */
static void rest(struct lf_listener *l, int err)
{
	if (lf_log_allow(&l->limit, 1))
		lf_log(LF_ERROR, "stream", "cannot accept on port %u: %s",
		       l->port, uv_strerror(err));
	uv_poll_stop(&l->poll);
	lf_hub_start(l->hub, &l->retry, STARVED_MS);
}

static void on_retry(struct lf_due *due)
{
	struct lf_listener *l = LF_CONTAINER_OF(due, struct lf_listener, retry);

	uv_poll_start(&l->poll, UV_READABLE, on_connection);
}

static void take(struct lf_listener *l, int fd)
{
	if (l->on_fd) {
		l->on_fd(fd, l->arg);
		return;
	}
	if (l->streams >= l->max_streams) {
		if (lf_log_allow(&l->limit, 1))
			lf_log(LF_WARN, "stream",
			       "port %u is full with %u connections", l->port,
			       l->streams);
		close(fd);
		return;
	}
	l->refs++;
	l->streams++;
	if (lf_stream_accepted(l->hub, fd, l->tls, l)) {
		close(fd);
		lf_listener_release(l);
	}
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct lf_listener *l = poll->data;

	for (int i = 0; i < ACCEPTS_A_TURN && !l->is_closed; i++) {
		int fd = accept4(l->fd, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(l, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno == EMFILE || errno == ENFILE ||
			   errno == ENOMEM || errno == ENOBUFS) {
			rest(l, -errno);
			return;
		}
		/* Anything else was that one connection's trouble. */
	}
}

static int open_tcp(struct lf_listener *l, const struct lf_listen_opts *opts)
{
	const int on = 1, off = 0;
	struct sockaddr_storage ss;
	socklen_t len;
	int err = lf_address_ip(&ss, &len, opts->address, opts->port);

	if (err)
		return err;
	l->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0);
	if (l->fd < 0)
		return -errno;
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss.ss_family == AF_INET6) /* "::" means everybody */
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(l->fd, (struct sockaddr *)&ss, len) ||
	    getsockname(l->fd, (struct sockaddr *)&ss, &len))
		return -errno;
	/* The port is at the same place in both families. */
	l->port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	return 0;
}

/* A socket file that nobody answers on is left over from a crash. */
static int remove_stale(const struct sockaddr_storage *ss, socklen_t len,
			const char *path)
{
	struct stat st;
	int fd, err;

	if (lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)ss, len) ? errno : 0;
	close(fd);
	if (err != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) ? -errno : 0;
}

static int open_unix(struct lf_listener *l, const char *path)
{
	struct sockaddr_storage ss;
	socklen_t len;
	struct stat st;
	int err = lf_address_unix(&ss, &len, path);

	if (err)
		return err;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	/* The file is born with the socket's mode: no moment of 0777. */
	fchmod(l->fd, UNIX_MODE);
	if (bind(l->fd, (struct sockaddr *)&ss, len)) {
		if (errno != EADDRINUSE)
			return -errno;
		err = remove_stale(&ss, len, path);
		if (err)
			return err;
		if (bind(l->fd, (struct sockaddr *)&ss, len))
			return -errno;
	}
	l->unix_path = strdup(path);
	if (!l->unix_path || chmod(path, UNIX_MODE) || lstat(path, &st)) {
		err = l->unix_path ? -errno : -ENOMEM;
		unlink(path);
		return err;
	}
	l->unix_dev = st.st_dev;
	l->unix_ino = st.st_ino;
	return 0;
}

static void remove_own_file(const struct lf_listener *l)
{
	struct stat st;

	if (l->unix_ino && !lstat(l->unix_path, &st) &&
	    st.st_dev == l->unix_dev && st.st_ino == l->unix_ino)
		unlink(l->unix_path);
}

static int open_socket(struct lf_listener *l, const struct lf_listen_opts *opts)
{
	int err = opts->unix_path ? open_unix(l, opts->unix_path)
				  : open_tcp(l, opts);

	if (err)
		return err;
	return listen(l->fd, BACKLOG) ? -errno : 0;
}

static int open_listener(struct lf_listener **ret, uv_loop_t *loop,
			 const struct lf_listen_opts *opts,
			 lf_accept_fn *on_accept, lf_accept_fd_fn *on_fd,
			 void *arg)
{
	struct lf_listener *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->refs = 1;
	l->fd = -1;
	l->on_accept = on_accept;
	l->on_fd = on_fd;
	l->arg = arg;
	l->max_streams =
		opts->max_streams ? opts->max_streams : DEFAULT_MAX_STREAMS;
	l->poll.data = l;
	l->retry.fn = on_retry;
	lf_list_init(&l->retry.node);
	if (opts->tls)
		l->tls = lf_tls_ref(opts->tls);

	err = lf_hub_get(&l->hub, loop);
	if (!err)
		err = open_socket(l, opts);
	if (!err)
		err = uv_poll_init(loop, &l->poll, l->fd);
	if (err)
		goto fail;
	uv_poll_start(&l->poll, UV_READABLE, on_connection);
	*ret = l;
	return 0;
fail:
	if (l->fd >= 0)
		close(l->fd);
	remove_own_file(l);
	listener_unref(l);
	return err;
}

int lf_listener_open(struct lf_listener **ret, uv_loop_t *loop,
		     const struct lf_listen_opts *opts, lf_accept_fn *on_accept,
		     void *arg)
{
	return open_listener(ret, loop, opts, on_accept, NULL, arg);
}

int lf_listener_open_raw(struct lf_listener **ret, uv_loop_t *loop,
			 const struct lf_listen_opts *opts,
			 lf_accept_fd_fn *on_fd, void *arg)
{
	return open_listener(ret, loop, opts, NULL, on_fd, arg);
}

static void on_closed(uv_handle_t *handle)
{
	listener_unref(handle->data);
}

void lf_listener_close(struct lf_listener *listener)
{
	if (!listener || listener->is_closed)
		return;
	listener->is_closed = true;
	lf_list_del(&listener->retry.node);
	uv_close((uv_handle_t *)&listener->poll, on_closed);
	close(listener->fd);
	lf_stream_abandon(listener->hub, listener);
	remove_own_file(listener);
}

uint16_t lf_listener_port(const struct lf_listener *listener)
{
	return listener->port;
}
