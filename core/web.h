/*
 * core/web.h - what the files behind core/listen.h share; nobody else
 * includes it, because libwebsockets' types are in it.
 *
 *     listen.c   the context, the ports, and who gets which callback
 *     web*.c     HTTP: routes, requests, answers (web_call.h)
 *     web_text.c headers and parameters of a request, for both
 *     ws_offer.c WebSocket: who may connect to what
 *     ws.c       WebSocket: messages in and out
 */
#ifndef LF_CORE_WEB_H
#define LF_CORE_WEB_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/internal.h"
#include "core/list.h"
#include "core/listen.h"

#define LF_WEB_NAME_MAX 64 /* bytes of a header's name */

struct lf_web {
	uv_loop_t *loop;
	struct lf_hub *hub;
	struct lws_context *lws;
	struct lws_protocols *protocols; /* made by the first port */
	struct lf_list ports, routes, sockets, streams;
	struct lf_chore ending;
	bool is_closing, is_destroyed;
	void (*on_closed)(void *arg);
	void *arg;
};

/* One connection's user data; libwebsockets makes it, zeroed, and frees it. */
struct lf_web_session {
	struct lf_web_call *call;
	struct lf_ws *ws;
};

/* What lf_web_socket() offers. */
struct lf_ws_socket {
	struct lf_list node;
	char *path, *subprotocol;
	size_t max_message;
	char **origins; /* NULL: own host only */
	const struct lf_ws_ops *ops;
	void *arg;
};

/* Text copied out of a request's headers, as long as its owner lives. */
struct lf_web_text {
	struct lf_list node;
	char text[];
};

/* ---- web_text.c; NULL: absent, or no memory ---- */
const char *lf_web_copy_header(struct lws *wsi, struct lf_list *texts,
			       const char *name);
const char *lf_web_copy_query(struct lws *wsi, struct lf_list *texts,
			      const char *name);
void lf_web_free_texts(struct lf_list *texts);
void lf_web_format_peer(char out[LF_ADDRESS_SIZE], struct lws *wsi);

/* ---- web.c and web_answer.c; what is returned goes to libwebsockets ---- */
int lf_web_on_request(struct lf_web *web, struct lf_web_session *session,
		      struct lws *wsi, const char *path, size_t len);
int lf_web_on_body(struct lf_web_session *session, const void *data,
		   size_t len);
int lf_web_on_body_end(struct lf_web_session *session);
int lf_web_on_writable(struct lf_web_session *session, struct lws *wsi);
void lf_web_drop_call(struct lf_web_session *session);

/* ---- web_route.c ---- */
void lf_web_free_routes(struct lf_web *web);

/* ---- ws_offer.c ---- */
int lf_ws_on_filter(struct lf_web *web, struct lws *wsi);
/* By the path of the request and the subprotocol that was agreed on. */
const struct lf_ws_socket *lf_ws_find_socket(const struct lf_web *web,
					     struct lws *wsi,
					     bool *ret_has_path);
/* The `i`-th distinct subprotocol, NULL past the end. */
const char *lf_ws_subprotocol(const struct lf_web *web, size_t i);
void lf_ws_free_sockets(struct lf_web *web);

/* ---- ws.c ---- */
int lf_ws_on_established(struct lf_web *web, struct lf_web_session *session,
			 struct lws *wsi);
int lf_ws_on_receive(struct lf_web_session *session, struct lws *wsi,
		     const void *data, size_t len);
int lf_ws_on_writable(struct lf_web_session *session, struct lws *wsi);
void lf_ws_on_peer_close(struct lf_web_session *session, const void *data,
			 size_t len);
void lf_ws_on_pong(struct lf_web_session *session);
void lf_ws_drop(struct lf_web_session *session);

#endif
