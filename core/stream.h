/*
 * core/stream.h - byte streams on the loop: TCP, TLS and unix sockets, as
 * server and as client. One implementation for consoles, lampctl and links.
 *
 * Everything happens on the loop's thread. Written bytes are copied and leave
 * together at the end of the loop's turn.
 */
#ifndef LF_CORE_STREAM_H
#define LF_CORE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct lf_stream;   /* one connection; opaque: stream_internal.h */
struct lf_listener; /* one listening socket */
struct lf_tls;      /* certificate, key and rules; shared, counted */

struct lf_stream_ops {
	/* Connected and, with TLS, the handshake is done. Clients only. */
	void (*on_open)(struct lf_stream *stream, void *arg);
	void (*on_data)(struct lf_stream *stream, const char *data, size_t len,
			void *arg);
	/* The backlog fell below half of what it was when you asked. */
	void (*on_drain)(struct lf_stream *stream, void *arg);
	/*
	 * The last call. `err` is 0 (peer closed), or a negative errno; the
	 * stream frees itself afterwards. Not called after lf_stream_close().
	 */
	void (*on_close)(struct lf_stream *stream, int err, void *arg);
};

/* A server's new connection; TLS is already established. Set ops here with
 * lf_stream_set(), or close it. */
typedef void lf_accept_fn(struct lf_stream *stream, void *arg);

struct lf_listen_opts {
	const char *address;   /* "127.0.0.1", "::"; NULL with unix_path */
	uint16_t port;         /* 0: the kernel picks, lf_listener_port() */
	const char *unix_path; /* replaces a stale socket file; mode 0660 */
	struct lf_tls *tls;    /* NULL: plain; a reference is taken */
	unsigned max_streams;  /* further connections are closed; 0: 10000 */
};

int lf_listener_open(struct lf_listener **ret, uv_loop_t *loop,
		     const struct lf_listen_opts *opts, lf_accept_fn *on_accept,
		     void *arg);
void lf_listener_close(struct lf_listener *listener); /* NULL is fine */
uint16_t lf_listener_port(const struct lf_listener *listener);

/* `address` is a literal IP, or a unix path when port is 0. TLS checks the
 * certificate against `tls` and `host`. */
int lf_stream_connect(struct lf_stream **ret, uv_loop_t *loop,
		      const char *address, uint16_t port, struct lf_tls *tls,
		      const char *host, const struct lf_stream_ops *ops,
		      void *arg);

void lf_stream_set(struct lf_stream *stream, const struct lf_stream_ops *ops,
		   void *arg);

/* Copies. -ENOMEM, or -EPIPE when closing. */
int lf_stream_write(struct lf_stream *stream, const void *data, size_t len);
/* Bytes accepted by us and not yet by the kernel. */
size_t lf_stream_backlog(const struct lf_stream *stream);
/* Ask for one on_drain call. */
void lf_stream_want_drain(struct lf_stream *stream);
void lf_stream_pause(struct lf_stream *stream, bool paused); /* reading */
/* Sends what is queued (5 s at most), then closes; no callbacks after this. */
void lf_stream_close(struct lf_stream *stream);

bool lf_stream_is_tls(const struct lf_stream *stream);
const char *lf_stream_peer(const struct lf_stream *stream); /* "ip:port" */

/* A server's: TLS 1.2 or better, AEAD suites. The error names the file. */
int lf_tls_server(struct lf_tls **ret, const char *cert_path,
		  const char *key_path);
/* New handshakes use the files' new contents; on error the old ones stay. */
int lf_tls_reload(struct lf_tls *tls);
/* A client's; ca_path NULL: the system's authorities. */
int lf_tls_client(struct lf_tls **ret, const char *ca_path);
struct lf_tls *lf_tls_unref(struct lf_tls *tls); /* returns NULL */

#endif
