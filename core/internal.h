/*
 * core/internal.h - what the files behind core/stream.h share: the hub of a
 * loop (hub.c), the output queue, and one connection's TLS (tls.c).
 *
 *     accept.c <-> stream*.c --> tls.c
 *           \       /      \     /
 *        hub.c, address.c   queue.c
 */
#ifndef LF_CORE_INTERNAL_H
#define LF_CORE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <uv.h>

#include "core/buf.h"
#include "core/list.h"
#include "core/stream.h"

struct ssl_st; /* OpenSSL stays in tls.c */
struct ssl_ctx_st;

/* ---- hub.c: one per loop, made with its first stream, gone with its last */

/* Work for the end of the loop's turn; queueing it twice is one run. */
struct lf_chore {
	struct lf_list node;
	void (*fn)(struct lf_chore *chore);
};

/* A coarse deadline (a quarter of a second), for things that rarely fire. */
struct lf_due {
	struct lf_list node;
	int64_t due_ms;
	void (*fn)(struct lf_due *due);
};

#define LF_HUB_BUFFER (64 * 1024)

struct lf_hub {
	uv_loop_t *loop;
	uv_check_t check; /* runs the chores */
	uv_idle_t idle;   /* keeps the poll from sleeping on chores */
	uv_timer_t tick;
	struct lf_list node, chores, dues;
	unsigned refs, open_handles;
	char buffer[LF_HUB_BUFFER]; /* what a read fills; nobody keeps it */
};

int lf_hub_get(struct lf_hub **ret, uv_loop_t *loop); /* a reference */
struct lf_hub *lf_hub_ref(struct lf_hub *hub);
struct lf_hub *lf_hub_unref(struct lf_hub *hub);

void lf_hub_queue(struct lf_hub *hub, struct lf_chore *chore);
void lf_hub_start(struct lf_hub *hub, struct lf_due *due, int64_t delay_ms);
/* Fires what is due at `now_ms`; the tests move the time with it. */
void lf_hub_expire(struct lf_hub *hub, int64_t now_ms);

/* ---- queue.c: bytes on their way out, taken from the front */

struct lf_queue {
	struct lf_buf buf;
	size_t off; /* already gone */
};

int lf_queue_add(struct lf_queue *q, const void *data, size_t len);
size_t lf_queue_len(const struct lf_queue *q);
const char *lf_queue_data(const struct lf_queue *q);
void lf_queue_consume(struct lf_queue *q, size_t len);

/* ---- stream_open.c */

/* A socket that came in. Owns `fd` on success. */
int lf_stream_accepted(struct lf_hub *hub, int fd, struct lf_tls *tls,
		       struct lf_listener *listener);
/* Ends the handshakes of a listener that will deliver nothing any more. */
void lf_stream_abandon(struct lf_hub *hub, const struct lf_listener *listener);

/* ---- accept.c */

/* A connection for somebody who makes no stream of it; `fd` is theirs. */
typedef void lf_accept_fd_fn(int fd, void *arg);
int lf_listener_open_raw(struct lf_listener **ret, uv_loop_t *loop,
			 const struct lf_listen_opts *opts,
			 lf_accept_fd_fn *on_fd, void *arg);

/* The stream is ready for its owner. */
void lf_listener_deliver(struct lf_listener *listener,
			 struct lf_stream *stream);
/* One of its streams is gone. */
void lf_listener_release(struct lf_listener *listener);

/* ---- address.c */

#define LF_ADDRESS_SIZE 64

/* A literal IP. -EINVAL. */
int lf_address_ip(struct sockaddr_storage *ret, socklen_t *ret_len,
		  const char *address, uint16_t port);
/* A unix socket's path. -ENAMETOOLONG. */
int lf_address_unix(struct sockaddr_storage *ret, socklen_t *ret_len,
		    const char *path);
/* "ip:port", "[ip]:port", or "unix:<user id>" of the other end of `fd`. */
void lf_address_peer(char out[LF_ADDRESS_SIZE], int fd,
		     const struct sockaddr_storage *peer);

/* ---- tls.c: one connection's TLS; reads the socket, writes into `wire` */

struct lf_tls_conn {
	struct lf_tls *tls;
	struct ssl_st *ssl;
	struct lf_queue wire; /* encrypted, for the kernel */
	int fd, err;
	bool has_eof, is_open;
};

struct lf_tls *lf_tls_ref(struct lf_tls *tls);
/* Somebody else's SSL_CTX gets our rules, and in each handshake the newest
 * certificate of `tls`, which must outlive it. */
int lf_tls_lead(struct lf_tls *tls, struct ssl_ctx_st *follower);
/* `host` is a client's: the name or address the peer must prove. */
int lf_tls_attach(struct lf_tls_conn **ret, struct lf_tls *tls, int fd,
		  const char *host);
void lf_tls_detach(struct lf_tls_conn *conn); /* NULL is fine */
/* 0 when done, -EAGAIN, -EPROTO, -EKEYREJECTED, or the socket's error. */
int lf_tls_handshake(struct lf_tls_conn *conn);
/* Bytes, 0 at the end, -EAGAIN, or an error. */
ssize_t lf_tls_read(struct lf_tls_conn *conn, void *data, size_t size);
/* Bytes that no poll will tell of. */
bool lf_tls_has_pending(const struct lf_tls_conn *conn);
int lf_tls_write(struct lf_tls_conn *conn, const void *data, size_t len);
void lf_tls_shutdown(struct lf_tls_conn *conn); /* close_notify */

/* ---- tls_lost.c: connections that their server forgets to free */

struct lf_tls_lost {
	struct lf_list fresh; /* not ours yet */
};

int lf_tls_lost_init(struct lf_tls_lost *lost);
/* From now on `lost` outlives the context. */
int lf_tls_lost_watch(struct lf_tls_lost *lost, struct ssl_ctx_st *ctx);
void lf_tls_lost_settle(struct lf_tls_lost *lost);

#endif
