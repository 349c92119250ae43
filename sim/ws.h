/*
 * sim/ws.h - a WebSocket client, RFC 6455, as small as a simulator needs: text
 * messages, plain or TLS. Apart from core/listen.c, which is what it talks to.
 */
#ifndef LF_SIM_WS_H
#define LF_SIM_WS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct lf_tls;
struct ws; /* opaque: see ws.c */

struct ws_ops {
	void (*on_open)(struct ws *ws, void *arg);
	void (*on_text)(struct ws *ws, const char *data, size_t len, void *arg);
	/* The last call. The peer's close code, or 0 if it said none. */
	void (*on_close)(struct ws *ws, int code, void *arg);
};

struct ws_where {
	const char *address; /* a literal IP */
	uint16_t port;
	struct lf_tls *tls; /* NULL: plain */
};

int ws_connect(struct ws **ret, uv_loop_t *loop, const struct ws_where *where,
	       const char *path, const struct ws_ops *ops, void *arg);
int ws_send(struct ws *ws, const char *text, size_t len);
/* At once, without a close frame; no call after this. NULL is fine. */
void ws_drop(struct ws *ws);

#endif
