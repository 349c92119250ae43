/*
 * core/listen.h - HTTP and WebSocket servers. The home of libwebsockets: none
 * of its types leaves listen.c, web*.c and ws*.c.
 *
 * One lf_web has any number of ports (plain and TLS) that all serve the same
 * routes and sockets.
 */
#ifndef LF_CORE_LISTEN_H
#define LF_CORE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct lf_web;      /* opaque: see web.h */
struct lf_web_call; /* one HTTP request until its answer */
struct lf_ws;       /* one WebSocket connection */

int lf_web_new(struct lf_web **ret, uv_loop_t *loop);
/* Closes everything; `closed` is called from the loop when all is gone. */
void lf_web_close(struct lf_web *web, void (*closed)(void *arg), void *arg);

/* port 0: the kernel picks; *ret_port tells. cert NULL: plain. */
int lf_web_listen(struct lf_web *web, const char *address, uint16_t port,
		  const char *cert_path, const char *key_path,
		  uint16_t *ret_port);
/* Checked with OpenSSL first; on error the old pair stays in use. */
int lf_web_reload_certificates(struct lf_web *web);

/* ---- HTTP: exact path, or a prefix that ends in '/' ---- */
typedef void lf_web_fn(struct lf_web_call *call, void *arg);

int lf_web_route(struct lf_web *web, const char *method, const char *path,
		 size_t max_body, lf_web_fn *fn, void *arg);

const char *lf_web_path(const struct lf_web_call *call);
const char *lf_web_query(const struct lf_web_call *call, const char *name);
const char *lf_web_header(const struct lf_web_call *call, const char *name);
const char *lf_web_body(const struct lf_web_call *call, size_t *ret_len);
const char *lf_web_peer(const struct lf_web_call *call); /* "ip:port" */

/* Before lf_web_answer(). */
int lf_web_add_header(struct lf_web_call *call, const char *name,
		      const char *value);
/* Once per call, now or later; the call is gone afterwards. */
int lf_web_answer(struct lf_web_call *call, int status,
		  const char *content_type, const void *body, size_t len);
/* Tells when the client goes away before the answer; then do not answer. */
void lf_web_on_gone(struct lf_web_call *call, void (*gone)(void *arg),
		    void *arg);

/* ---- WebSocket (RFC 6455) ---- */
struct lf_ws_opts {
	const char *path;           /* "/console" */
	const char *subprotocol;    /* mandatory for the client; NULL: none */
	size_t max_message;         /* longer: closed with 1009 */
	const char *const *origins; /* NULL-ended; NULL: own host only; "*" */
};

struct lf_ws_ops {
	/* `*ret_arg` is handed to the others. Non-zero refuses (1008). */
	int (*on_open)(struct lf_ws *ws, void *arg, void **ret_conn);
	/* A whole text message, UTF-8 checked. */
	void (*on_message)(struct lf_ws *ws, const char *data, size_t len,
			   void *conn);
	void (*on_drain)(struct lf_ws *ws, void *conn);
	/* The last call; `ws` is gone afterwards. Called exactly once. */
	void (*on_close)(struct lf_ws *ws, void *conn);
};

/* Before the first lf_web_listen(), -EBUSY afterwards; routes at any time. */
int lf_web_socket(struct lf_web *web, const struct lf_ws_opts *opts,
		  const struct lf_ws_ops *ops, void *arg);

/* Queues one text message (copied). -ENOMEM, -EPIPE when closing. */
int lf_ws_send(struct lf_ws *ws, const void *data, size_t len);
size_t lf_ws_backlog(const struct lf_ws *ws);
void lf_ws_want_drain(struct lf_ws *ws);
void lf_ws_pause(struct lf_ws *ws, bool paused);
/*
 * Pings that often (to a quarter of a second), in place of the port's minute.
 * Who leaves two pings without any answer is cut off: on_close, code 0.
 */
void lf_ws_keep_alive(struct lf_ws *ws, int64_t interval_ms);
/* Closes after what is queued; on_close still follows. */
void lf_ws_close(struct lf_ws *ws, int code, const char *reason);
/* The code the peer closed with, from on_close on; 0: none, or it was lost. */
int lf_ws_close_code(const struct lf_ws *ws);
bool lf_ws_is_tls(const struct lf_ws *ws);
const char *lf_ws_peer(const struct lf_ws *ws);
/* A query parameter or header of the upgrade request; in on_open only. */
const char *lf_ws_query(const struct lf_ws *ws, const char *name);
const char *lf_ws_header(const struct lf_ws *ws, const char *name);

#endif
