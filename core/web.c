/*
 * core/web.c - HTTP: finds the route, gathers the body within its bound, and
 * writes the answer, whenever it comes.
 *
 *     request -> (body) -> route's function ... lf_web_answer() -> writable
 */
#include "core/web.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/text.h"

#include "core/banned.h"

/* A body nobody wants is swallowed up to here, so that the answer is read. */
#define MAX_SWALLOW (1 << 20)
#define CHUNK (64 * 1024)
#define HEADER_ROOM 512 /* status line, type, length, server */

struct route {
	struct lf_list node;
	char *method, *path;
	size_t max_body;
	lf_web_fn *fn;
	void *arg;
};

/* Sees that a held call's client leaves, or has read. */
struct watch {
	uv_poll_t poll;
	struct lf_web_call *call;
	int fd; /* a duplicate: the original is in libwebsockets' poll */
};

struct lf_web_call {
	struct lf_web *web;
	struct lws *wsi;
	struct lf_chore holding;
	struct watch *watch;       /* NULL: reading, or nothing to watch with */
	const struct route *route; /* NULL: we refuse with `refusal` */
	const char *method;
	char *path;
	size_t body_len; /* promised by the client */
	struct lf_buf body, headers, out;
	struct lf_list texts;
	char peer[LF_ADDRESS_SIZE];
	void (*on_gone)(void *arg);
	void *gone_arg;
	size_t out_off;
	int status, refusal;
	bool is_answered, is_dispatched, is_held, has_sent_headers;
	bool had_its_turn;
};

static const struct {
	enum lws_token_indexes token;
	const char *name;
} methods[] = {
	{WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
	{WSI_TOKEN_PUT_URI, "PUT"},         {WSI_TOKEN_PATCH_URI, "PATCH"},
	{WSI_TOKEN_DELETE_URI, "DELETE"},   {WSI_TOKEN_HEAD_URI, "HEAD"},
	{WSI_TOKEN_OPTIONS_URI, "OPTIONS"},
};

/* ---- routes ---- */

int lf_web_route(struct lf_web *web, const char *method, const char *path,
		 size_t max_body, lf_web_fn *fn, void *arg)
{
	struct route *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->method = strdup(method);
	r->path = strdup(path);
	r->max_body = max_body;
	r->fn = fn;
	r->arg = arg;
	if (!r->method || !r->path) {
		free(r->method);
		free(r->path);
		free(r);
		return -ENOMEM;
	}
	lf_list_add_tail(&web->routes, &r->node);
	return 0;
}

void lf_web_free_routes(struct lf_web *web)
{
	LF_LIST_FOREACH_SAFE (node, &web->routes) {
		struct route *r = LF_CONTAINER_OF(node, struct route, node);

		free(r->method);
		free(r->path);
		free(r);
	}
	lf_list_init(&web->routes);
}

/* How well a route fits: 0 not at all, more for a longer path. */
static size_t route_fit(const struct route *r, const char *path)
{
	size_t n = strlen(r->path);

	if (strcmp(r->path, path) == 0)
		return n + 1;
	return r->path[n - 1] == '/' && strncmp(r->path, path, n) == 0 ? n : 0;
}

static bool serves(const struct route *r, const char *method)
{
	return strcmp(r->method, method) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

/* The best path wins, then the method; *ret_fit tells that there was a path. */
static const struct route *find_route(const struct lf_web *web,
				      const char *method, const char *path,
				      size_t *ret_fit)
{
	const struct route *found = NULL;
	size_t best = 0;

	LF_LIST_FOREACH (node, &web->routes) {
		const struct route *r =
			LF_CONTAINER_OF(node, struct route, node);
		size_t fit = route_fit(r, path);

		if (fit == 0 || fit < best)
			continue;
		if (fit > best)
			found = NULL;
		best = fit;
		if (serves(r, method) && !found)
			found = r;
	}
	*ret_fit = best;
	return found;
}

/* RFC 9110, 15.5.6: a 405 must list what is allowed. */
static void add_allow(const struct lf_web *web, struct lf_web_call *call,
		      size_t fit)
{
	bool is_first = true;

	lf_buf_adds(&call->headers, "allow:");
	LF_LIST_FOREACH (node, &web->routes) {
		const struct route *r =
			LF_CONTAINER_OF(node, struct route, node);

		if (route_fit(r, call->path) != fit)
			continue;
		lf_buf_addf(&call->headers, "%s%s", is_first ? "" : ", ",
			    r->method);
		is_first = false;
	}
	lf_buf_addc(&call->headers, '\0');
}

/* ---- a call that takes longer than a turn ---- */

/*
 * libwebsockets 4.1 leaves what comes in during a transaction unread, while
 * its poll goes on reporting it: the next request, or just the client's end,
 * would spin the loop. So such a call is held: reading stops, which in there
 * stops writing too, and a poll of our own tells when to go on.
 */
static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void stop_watch(struct lf_web_call *call)
{
	struct watch *watch = call->watch;

	if (!watch)
		return;
	call->watch = NULL;
	uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
	close(watch->fd);
}

static void go_on(struct lf_web_call *call)
{
	stop_watch(call);
	if (call->is_held)
		lws_rx_flow_control(call->wsi, 1);
	call->is_held = call->had_its_turn = false;
	lws_callback_on_writable(call->wsi);
	lf_hub_queue(call->web->hub, &call->holding);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;

	uv_poll_stop(poll);
	if (status == 0 && watch->call->is_answered)
		go_on(watch->call);
	else /* at once, and the call with it */
		lws_set_timeout(watch->call->wsi, PENDING_TIMEOUT_HTTP_CONTENT,
				LWS_TO_KILL_SYNC);
}

static int start_watch(struct lf_web_call *call)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int err = -ENOMEM;

	if (!watch)
		return err;
	watch->call = call;
	watch->poll.data = watch;
	watch->fd = fcntl(lws_get_socket_fd(call->wsi), F_DUPFD_CLOEXEC, 0);
	err = watch->fd < 0
		      ? -errno
		      : uv_poll_init(call->web->loop, &watch->poll, watch->fd);
	if (err) {
		if (watch->fd >= 0)
			close(watch->fd);
		free(watch);
		return err;
	}
	call->watch = watch;
	uv_poll_start(&watch->poll,
		      call->is_answered ? UV_WRITABLE : UV_DISCONNECT,
		      on_watch);
	return 0;
}

/* Most answers are written in the next turn: those are not worth it. */
static void on_holding(struct lf_chore *chore)
{
	struct lf_web_call *call =
		LF_CONTAINER_OF(chore, struct lf_web_call, holding);

	if (call->is_answered && !call->had_its_turn) {
		call->had_its_turn = true;
		lf_hub_queue(call->web->hub, chore);
		return;
	}
	/* Unwatched, a half-written answer would never go on. */
	if (start_watch(call) && call->is_answered)
		return;
	call->is_held = true;
	lws_rx_flow_control(call->wsi, 0);
}

/* ---- a request comes in ---- */

static void call_free(struct lf_web_call *call)
{
	lf_list_del(&call->holding.node);
	stop_watch(call);
	lf_web_free_texts(&call->texts);
	lf_buf_done(&call->body);
	lf_buf_done(&call->headers);
	lf_buf_done(&call->out);
	free(call->path);
	free(call);
}

static struct lf_web_call *call_new(struct lf_web *web, struct lws *wsi,
				    const char *path, size_t len)
{
	struct lf_web_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->web = web;
	call->wsi = wsi;
	call->holding.fn = on_holding;
	lf_list_init(&call->holding.node);
	lf_list_init(&call->texts);
	call->path = strndup(path, len);
	if (!call->path) {
		free(call);
		return NULL;
	}
	lf_web_format_peer(call->peer, wsi);
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (lws_hdr_total_length(wsi, methods[i].token) > 0)
			call->method = methods[i].name;
	return call;
}

static bool wants_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

/*
 * Chunked bodies never reach us (libwebsockets 4.1 leaves them lying), so a
 * length is demanded. Returns a status, or 0.
 */
static int check_length(struct lf_web_call *call)
{
	const char *text;
	int64_t len = 0;

	if (lws_hdr_total_length(call->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING))
		return 411;
	text = lf_web_copy_header(call->wsi, &call->texts, "content-length");
	if (!text)
		return wants_body(call->method) ? 411 : 0;
	if (lf_text_int(&len, text, 0, INT64_MAX))
		return 400;
	call->body_len = (size_t)len;
	return 0;
}

static int choose_route(const struct lf_web *web, struct lf_web_call *call)
{
	size_t fit;

	call->route = find_route(web, call->method, call->path, &fit);
	if (call->route)
		return call->body_len > call->route->max_body ? 413 : 0;
	if (fit == 0)
		return 404;
	add_allow(web, call, fit);
	return 405;
}

static void dispatch(struct lf_web_call *call)
{
	char text[64];

	call->is_dispatched = true;
	/* From here on the time is ours; the client may wait as it likes. */
	lws_set_timeout(call->wsi, NO_PENDING_TIMEOUT, 0);
	lf_hub_queue(call->web->hub, &call->holding);
	if (!call->refusal) {
		call->route->fn(call, call->route->arg);
		return;
	}
	snprintf(text, sizeof(text), "%d\n", call->refusal);
	lf_web_answer(call, call->refusal, "text/plain", text, strlen(text));
}

int lf_web_on_request(struct lf_web *web, struct lf_web_session *session,
		      struct lws *wsi, const char *path, size_t len)
{
	struct lf_web_call *call;
	int status;

	lf_web_drop_call(session);
	call = call_new(web, wsi, path, len);
	if (!call)
		return -1;
	session->call = call;
	if (!call->method) {
		lws_return_http_status(wsi, 501, NULL);
		return -1;
	}
	status = check_length(call);
	if (status) { /* where the next request begins, nobody knows */
		lws_return_http_status(wsi, (unsigned)status, NULL);
		return -1;
	}
	call->refusal = choose_route(web, call);
	if (call->refusal && call->body_len > MAX_SWALLOW) {
		lws_return_http_status(wsi, (unsigned)call->refusal, NULL);
		return -1;
	}
	if (call->body_len == 0)
		dispatch(call);
	return 0;
}

int lf_web_on_body(struct lf_web_session *session, const void *data, size_t len)
{
	struct lf_web_call *call = session->call;

	if (!call || call->refusal)
		return 0;
	if (len > call->body_len - call->body.len)
		return -1;
	lf_buf_add(&call->body, data, len);
	return lf_buf_error(&call->body) ? -1 : 0;
}

int lf_web_on_body_end(struct lf_web_session *session)
{
	/* An explicit length of 0 ends a body that never began. */
	if (session->call && !session->call->is_dispatched)
		dispatch(session->call);
	return 0;
}

void lf_web_drop_call(struct lf_web_session *session)
{
	struct lf_web_call *call = session->call;

	if (!call)
		return;
	session->call = NULL;
	if (!call->is_answered && call->on_gone)
		call->on_gone(call->gone_arg);
	call_free(call);
}

/* ---- the answer goes out ---- */

static bool has_no_body(const struct lf_web_call *call)
{
	return call->status == 204 || call->status == 304;
}

static int add_headers(struct lf_web_call *call, unsigned char **p,
		       unsigned char *end)
{
	const char *h = lf_buf_str(&call->headers);
	const char *last = h + call->headers.len;

	if (lws_add_http_header_status(call->wsi, (unsigned)call->status, p,
				       end))
		return -1;
	if (!has_no_body(call) &&
	    lws_add_http_header_content_length(call->wsi,
					       call->out.len - LWS_PRE, p, end))
		return -1;
	/* Each is "name:" "value", NUL after the value. */
	while (h < last) {
		const char *colon = strchr(h, ':');
		size_t name_len = (size_t)(colon - h) + 1;
		char name[LF_WEB_NAME_MAX + 2];

		memcpy(name, h, name_len);
		name[name_len] = '\0';
		if (lws_add_http_header_by_name(
			    call->wsi, (const unsigned char *)name,
			    (const unsigned char *)colon + 1,
			    (int)strlen(colon + 1), p, end))
			return -1;
		h = colon + strlen(colon) + 1;
	}
	return 0;
}

static int send_headers(struct lf_web_call *call)
{
	size_t room = LWS_PRE + HEADER_ROOM + 2 * call->headers.len;
	unsigned char *buf = malloc(room), *start, *p, *end;
	int failed = -1;

	if (!buf)
		return -1;
	start = p = buf + LWS_PRE;
	end = buf + room;
	if (!add_headers(call, &p, end))
		failed = lws_finalize_write_http_header(call->wsi, start, &p,
							end);
	free(buf);
	call->has_sent_headers = true;
	return failed ? -1 : 0;
}

/* Writes what fits; `*ret_done` when nothing is left. */
static int send_body(struct lf_web_call *call, bool *ret_done)
{
	size_t left, n;

	*ret_done = false;
	while ((left = call->out.len - call->out_off) > 0) {
		unsigned char *at =
			(unsigned char *)call->out.data + call->out_off;

		if (lws_send_pipe_choked(call->wsi))
			return 0;
		n = left > CHUNK ? CHUNK : left;
		if (lws_write(call->wsi, at, n,
			      n == left ? LWS_WRITE_HTTP_FINAL
					: LWS_WRITE_HTTP) < 0)
			return -1;
		call->out_off += n;
	}
	*ret_done = true;
	return 0;
}

int lf_web_on_writable(struct lf_web_session *session, struct lws *wsi)
{
	struct lf_web_call *call = session->call;
	bool is_done = true;

	if (!call || !call->is_answered)
		return 0;
	if (lf_buf_error(&call->out) || lf_buf_error(&call->headers))
		return -1;
	if (!call->has_sent_headers && send_headers(call))
		return -1;
	if (strcmp(call->method, "HEAD") != 0 && !has_no_body(call) &&
	    send_body(call, &is_done))
		return -1;
	if (!is_done) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	lf_web_drop_call(session);
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int lf_web_add_header(struct lf_web_call *call, const char *name,
		      const char *value)
{
	size_t n = strlen(name);

	if (n == 0 || n > LF_WEB_NAME_MAX || strpbrk(name, ": \t\r\n") ||
	    strpbrk(value, "\r\n"))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		lf_buf_addc(&call->headers,
			    (char)tolower((unsigned char)name[i]));
	lf_buf_addc(&call->headers, ':');
	lf_buf_add(&call->headers, value, strlen(value) + 1);
	return lf_buf_error(&call->headers);
}

int lf_web_answer(struct lf_web_call *call, int status,
		  const char *content_type, const void *body, size_t len)
{
	static const char pre[LWS_PRE];
	int err = 0;

	call->status = status;
	if (content_type)
		err = lf_web_add_header(call, "content-type", content_type);
	lf_buf_add(&call->out, pre, LWS_PRE);
	lf_buf_add(&call->out, body, len);
	call->out_off = LWS_PRE;
	call->is_answered = true;
	go_on(call);
	return err ? err : lf_buf_error(&call->out);
}

void lf_web_on_gone(struct lf_web_call *call, void (*gone)(void *arg),
		    void *arg)
{
	call->on_gone = gone;
	call->gone_arg = arg;
}

/* ---- what a route asks ---- */

const char *lf_web_path(const struct lf_web_call *call)
{
	return call->path;
}

/* The copies belong to the call; asking does not change it for anybody. */
static struct lf_list *texts_of(const struct lf_web_call *call)
{
	return call->texts.next->prev;
}

const char *lf_web_query(const struct lf_web_call *call, const char *name)
{
	return lf_web_copy_query(call->wsi, texts_of(call), name);
}

const char *lf_web_header(const struct lf_web_call *call, const char *name)
{
	return lf_web_copy_header(call->wsi, texts_of(call), name);
}

const char *lf_web_body(const struct lf_web_call *call, size_t *ret_len)
{
	if (ret_len)
		*ret_len = call->body.len;
	return lf_buf_str(&call->body);
}

const char *lf_web_peer(const struct lf_web_call *call)
{
	return call->peer;
}
