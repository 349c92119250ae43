/*
 * tests/core/test_listen.c - HTTP and WebSocket over loopback. The clients
 * are streams in the same loop and write their bytes by hand, wrong ones too.
 */
#include "core/listen.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/internal.h"
#include "core/log.h"
#include "core/stream.h"
#include "tests/core/certs.h"

#define MAX_BODY 100
#define MAX_MESSAGE 5000
#define BIG (4 << 20)

struct peer {
	struct lf_stream *stream;
	struct lf_buf got;
	bool is_open, is_closed;
};

/* What the server's side of a WebSocket saw. */
struct desk {
	struct lf_ws *ws;
	int opened, messages, drained, closed, code;
	size_t last_len;
	bool refuses, pauses, closes, sees_query;
	char header[64];
};

struct world {
	uv_loop_t loop;
	struct lf_web *web;
	uint16_t port, tls_port;
	struct lf_tls *client_tls;
	struct certs certs;
	struct peer peer;
	struct desk desk;
	struct lf_web_call *held;
	int requests, gone;
	bool is_web_closed;
};

#define RUN_UNTIL(w, condition)                                                \
	do {                                                                   \
		while (!(condition))                                           \
			uv_run(&(w)->loop, UV_RUN_ONCE);                       \
	} while (0)

/* ---- the server's side ---- */

static void hello(struct lf_web_call *call, void *arg)
{
	struct world *w = arg;
	const char *name = lf_web_query(call, "name");

	w->requests++;
	assert_int_equal(0, strncmp(lf_web_peer(call), "127.0.0.1:", 10));
	assert_int_equal(0, lf_web_add_header(call, "X-Lamp", "lit"));
	assert_int_equal(-EINVAL, lf_web_add_header(call, "X", "a\r\nb: c"));
	assert_int_equal(-EINVAL, lf_web_add_header(call, "X:", "a"));
	name = name ? name : "nobody";
	assert_int_equal(
		0, lf_web_answer(call, 200, "text/plain", name, strlen(name)));
}

static void echo_body(struct lf_web_call *call, void *arg)
{
	struct world *w = arg;
	const char *token = lf_web_header(call, "X-Token");
	const char *auth = lf_web_header(call, "Authorization");
	struct lf_buf text = {0};
	size_t len;
	const char *body = lf_web_body(call, &len);

	w->requests++;
	assert_null(lf_web_header(call, "x-absent"));
	assert_null(lf_web_header(call, "cookie"));
	lf_buf_addf(&text, "[%s|%s|", token ? token : "", auth ? auth : "");
	lf_buf_add(&text, body, len);
	lf_buf_adds(&text, "]");
	lf_web_answer(call, 201, "text/plain", text.data, text.len);
	lf_buf_done(&text);
}

static void note_gone(void *arg)
{
	struct world *w = arg;

	w->gone++;
	w->held = NULL;
}

static void hold(struct lf_web_call *call, void *arg)
{
	struct world *w = arg;

	w->requests++;
	w->held = call;
	lf_web_on_gone(call, note_gone, w);
}

static void big(struct lf_web_call *call, void *arg)
{
	char *data = malloc(BIG);

	assert_non_null(data);
	memset(data, 'b', BIG);
	lf_web_answer(call, 200, NULL, data, BIG);
	free(data);
}

static void no_content(struct lf_web_call *call, void *arg)
{
	lf_web_answer(call, 204, NULL, "", 0);
}

static void subtree(struct lf_web_call *call, void *arg)
{
	const char *path = lf_web_path(call);

	lf_web_answer(call, 200, "text/plain", path, strlen(path));
}

static int on_open(struct lf_ws *ws, void *arg, void **ret_conn)
{
	struct world *w = arg;
	const char *header = lf_ws_header(ws, "X-Desk");
	const char *token = lf_ws_query(ws, "token");

	if (w->desk.refuses)
		return -EACCES;
	w->desk.ws = ws;
	w->desk.opened++;
	w->desk.sees_query = token && strcmp(token, "abc") == 0;
	snprintf(w->desk.header, sizeof(w->desk.header), "%s",
		 header ? header : "");
	assert_int_equal(0, strncmp(lf_ws_peer(ws), "127.0.0.1:", 10));
	*ret_conn = &w->desk;
	return 0;
}

static void on_message(struct lf_ws *ws, const char *data, size_t len,
		       void *conn)
{
	struct desk *d = conn;

	assert_ptr_equal(ws, d->ws);
	d->messages++;
	d->last_len = len;
	assert_null(lf_ws_query(ws, "token")); /* in on_open only */
	assert_int_equal(0, lf_ws_send(ws, data, len));
	if (d->pauses)
		lf_ws_pause(ws, true);
	if (d->closes) {
		lf_ws_close(ws, 1000, "done");
		assert_int_equal(-EPIPE, lf_ws_send(ws, "x", 1));
	}
}

static void on_drain(struct lf_ws *ws, void *conn)
{
	struct desk *d = conn;

	d->drained++;
}

static void on_ws_close(struct lf_ws *ws, void *conn)
{
	struct desk *d = conn;

	d->closed++;
	d->code = lf_ws_close_code(ws);
	d->ws = NULL;
	assert_int_equal(-EPIPE, lf_ws_send(ws, "x", 1));
}

static const struct lf_ws_ops ws_ops = {on_open, on_message, on_drain,
					on_ws_close};

/* ---- the clients' side ---- */

static void peer_open(struct lf_stream *stream, void *arg)
{
	struct peer *p = arg;

	p->is_open = true;
}

static void peer_data(struct lf_stream *stream, const char *data, size_t len,
		      void *arg)
{
	struct peer *p = arg;

	lf_buf_add(&p->got, data, len);
}

static void peer_close(struct lf_stream *stream, int err, void *arg)
{
	struct peer *p = arg;

	p->is_closed = true;
	p->stream = NULL;
}

static const struct lf_stream_ops peer_ops = {peer_open, peer_data, NULL,
					      peer_close};

static void dial(struct world *w, struct peer *p, bool tls)
{
	assert_int_equal(0, lf_stream_connect(&p->stream, &w->loop, "127.0.0.1",
					      tls ? w->tls_port : w->port,
					      tls ? w->client_tls : NULL,
					      "localhost", &peer_ops, p));
}

static void hang_up(struct peer *p)
{
	lf_stream_close(p->stream);
	lf_buf_done(&p->got);
	*p = (struct peer){0};
}

static void say(struct peer *p, const char *text)
{
	if (p->stream)
		lf_stream_write(p->stream, text, strlen(text));
}

static bool has(const struct peer *p, const char *text)
{
	return p->got.len > 0 &&
	       memmem(p->got.data, p->got.len, text, strlen(text));
}

/* One request on a new connection, up to `expected` or the end. */
static void ask(struct world *w, const char *request, const char *expected)
{
	hang_up(&w->peer);
	dial(w, &w->peer, false);
	say(&w->peer, request);
	RUN_UNTIL(w, has(&w->peer, expected) || w->peer.is_closed);
	if (!has(&w->peer, expected))
		fail_msg("no '%s' in '%s'", expected, lf_buf_str(&w->peer.got));
}

static void closed(void *arg)
{
	struct world *w = arg;

	w->is_web_closed = true;
}

static int setup(void **state)
{
	static const char *const friends[] = {"https://friend.example", NULL};
	static const char *const all[] = {"*", NULL};
	static const struct lf_ws_opts sockets[] = {
		{"/console", "lampfield.v1", MAX_MESSAGE, NULL},
		{"/chat", "chat", MAX_MESSAGE, friends},
		{"/any", NULL, BIG, all},
	};
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	*state = w;
	alarm(60);
	uv_loop_init(&w->loop);
	certs_make(&w->certs);
	assert_int_equal(0, lf_web_new(&w->web, &w->loop));
	lf_web_route(w->web, "GET", "/hello", 0, hello, w);
	lf_web_route(w->web, "POST", "/body", MAX_BODY, echo_body, w);
	lf_web_route(w->web, "PUT", "/body", MAX_BODY, echo_body, w);
	lf_web_route(w->web, "GET", "/hold", 0, hold, w);
	lf_web_route(w->web, "GET", "/big", 0, big, w);
	lf_web_route(w->web, "DELETE", "/nothing", 0, no_content, w);
	lf_web_route(w->web, "GET", "/tree/", 0, subtree, w);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			0, lf_web_socket(w->web, &sockets[i], &ws_ops, w));
	assert_int_equal(
		0, lf_web_listen(w->web, "127.0.0.1", 0, NULL, NULL, &w->port));
	assert_int_equal(0, lf_web_listen(w->web, "127.0.0.1", 0, w->certs.cert,
					  w->certs.key, &w->tls_port));
	assert_int_equal(-EBUSY,
			 lf_web_socket(w->web, &sockets[0], &ws_ops, w));
	assert_int_equal(0, lf_tls_client(&w->client_tls, w->certs.cert));
	return 0;
}

/* Also the test that everything ends with whatever is still connected. */
static int teardown(void **state)
{
	struct world *w = *state;

	lf_web_close(w->web, closed, w);
	RUN_UNTIL(w, w->is_web_closed);
	assert_int_equal(w->desk.opened, w->desk.closed);
	assert_null(w->held);
	hang_up(&w->peer);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(0, uv_loop_close(&w->loop));
	lf_tls_unref(w->client_tls);
	certs_remove(&w->certs);
	free(w);
	alarm(0);
	return 0;
}

/* ---- HTTP ---- */

static void a_get_is_answered(void **state)
{
	struct world *w = *state;

	ask(w, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "nobody");
	assert_true(has(&w->peer, "HTTP/1.1 200 "));
	assert_true(has(&w->peer, "x-lamp: lit\r\n"));
	assert_true(has(&w->peer, "content-type: text/plain\r\n"));
	assert_true(has(&w->peer, "content-length: 6\r\n"));
}

static void query_parameters_are_decoded(void **state)
{
	ask(*state,
	    "GET /hello?x=1&name=J%C3%B6rg%20B HTTP/1.1\r\nHost: a\r\n\r\n",
	    "J\xc3\xb6rg B");
}

static void a_connection_serves_request_after_request(void **state)
{
	struct world *w = *state;

	ask(w, "GET /hello?name=one HTTP/1.1\r\nHost: a\r\n\r\n", "one");
	say(&w->peer, "GET /hello?name=two HTTP/1.1\r\nHost: a\r\n\r\n"
		      "GET /hello?name=three HTTP/1.1\r\nHost: a\r\n\r\n");
	RUN_UNTIL(w, has(&w->peer, "two") && has(&w->peer, "three"));
}

static void a_post_gives_its_body_and_headers(void **state)
{
	struct world *w = *state;

	dial(w, &w->peer, false);
	say(&w->peer, "POST /body HTTP/1.1\r\nHost: a\r\nX-Token: t1\r\n"
		      "Authorization: Bearer xyz\r\n"
		      "Content-Length: 11\r\n\r\nhello");
	for (int i = 0; i < 5; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	say(&w->peer, " world");
	RUN_UNTIL(w, has(&w->peer, "[t1|Bearer xyz|hello world]"));
	assert_true(has(&w->peer, "HTTP/1.1 201 "));
	ask(w, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	    "[||]");
	ask(w, "PUT /body HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok",
	    "[||ok]");
	assert_int_equal(3, w->requests);
}

static void unknown_paths_and_methods_are_refused(void **state)
{
	struct world *w = *state;

	ask(w, "GET /hell HTTP/1.1\r\nHost: a\r\n\r\n", " 404 ");
	ask(w, "GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n", " 404 ");
	ask(w, "GET /tree HTTP/1.1\r\nHost: a\r\n\r\n", " 404 ");
	ask(w, "GET /body HTTP/1.1\r\nHost: a\r\n\r\n", " 405 ");
	assert_true(has(&w->peer, "allow: POST, PUT\r\n"));
	ask(w,
	    "PATCH /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	    "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
	    "nobody"); /* the refused body was swallowed */
	assert_true(has(&w->peer, " 405 "));
	assert_int_equal(1, w->requests);
}

static void a_prefix_serves_what_is_below(void **state)
{
	ask(*state, "GET /tree/a/b HTTP/1.1\r\nHost: a\r\n\r\n", "/tree/a/b");
	ask(*state, "GET /tree/x/../%2e%2e/hello HTTP/1.1\r\nHost: a\r\n\r\n",
	    "nobody");
}

static void a_body_over_the_bound_is_refused(void **state)
{
	struct world *w = *state;
	struct lf_buf request = {0};
	const size_t sizes[] = {MAX_BODY + 1, 500000, 3000000};

	for (int i = 0; i < 3; i++) {
		lf_buf_addf(&request,
			    "POST /body HTTP/1.1\r\nHost: a\r\n"
			    "Content-Length: %zu\r\n\r\n",
			    sizes[i]);
		for (size_t n = 0; n < sizes[i]; n++)
			lf_buf_addc(&request, 'x');
		ask(w, request.data, " 413 ");
		lf_buf_reset(&request);
	}
	lf_buf_done(&request);
	assert_int_equal(0, w->requests);
}

static void a_body_of_unknown_length_is_refused(void **state)
{
	struct world *w = *state;

	ask(w, "POST /body HTTP/1.1\r\nHost: a\r\n\r\n", " 411 ");
	ask(w,
	    "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n3\r\nabc\r\n0\r\n\r\n",
	    " 411 ");
	ask(w,
	    "GET /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
	    "Content-Length: 5\r\n\r\n",
	    " 411 ");
	ask(w, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
	    " 400 ");
	assert_int_equal(0, w->requests);
}

static void a_head_has_no_body(void **state)
{
	struct world *w = *state;

	ask(w, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
	assert_true(has(&w->peer, "content-length: 6\r\n"));
	say(&w->peer, "GET /hello?name=after HTTP/1.1\r\nHost: a\r\n\r\n");
	RUN_UNTIL(w, has(&w->peer, "after"));
	assert_false(has(&w->peer, "nobody"));
}

static void no_content_has_no_length(void **state)
{
	struct world *w = *state;

	ask(w, "DELETE /nothing HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
	assert_true(has(&w->peer, " 204 "));
	assert_false(has(&w->peer, "content-length"));
}

static void a_big_answer_arrives_whole(void **state)
{
	struct world *w = *state;

	ask(w, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
	RUN_UNTIL(w, w->peer.got.len > BIG);
	assert_int_equal('b', w->peer.got.data[w->peer.got.len - 1]);
}

static void stop_timer(uv_timer_t *timer)
{
	uv_timer_stop(timer);
}

/* Turns while nothing happens: a loop that spins makes thousands. */
static int count_idle_turns(struct world *w)
{
	static uv_timer_t timer; /* outlives us until it is closed */
	int turns = 0;

	uv_timer_init(&w->loop, &timer);
	uv_timer_start(&timer, stop_timer, 20, 0);
	for (; uv_is_active((uv_handle_t *)&timer); turns++)
		uv_run(&w->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	return turns;
}

static void an_answer_may_come_later(void **state)
{
	struct world *w = *state;

	dial(w, &w->peer, false);
	say(&w->peer, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	RUN_UNTIL(w, w->held);
	for (int i = 0; i < 5; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(0, w->peer.got.len);
	/* The next request waits for its turn. */
	say(&w->peer, "GET /hello?name=next HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_in_range(count_idle_turns(w), 1, 50);
	assert_int_equal(1, w->requests);
	lf_web_answer(w->held, 200, "text/plain", "late", 4);
	w->held = NULL;
	RUN_UNTIL(w, has(&w->peer, "late") && has(&w->peer, "next"));
	assert_int_equal(0, w->gone);
}

static void a_client_that_leaves_before_the_answer_is_told(void **state)
{
	struct world *w = *state;

	dial(w, &w->peer, false);
	say(&w->peer, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	RUN_UNTIL(w, w->held);
	hang_up(&w->peer);
	RUN_UNTIL(w, w->gone);
	assert_int_equal(1, w->gone);
}

static void calls_end_with_the_server(void **state)
{
	struct world *w = *state;

	dial(w, &w->peer, false);
	say(&w->peer, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	RUN_UNTIL(w, w->held); /* teardown closes: held is NULL then */
}

static void rubbish_is_dropped(void **state)
{
	struct world *w = *state;

	dial(w, &w->peer, false);
	say(&w->peer, "\x16\x03\x01 this is no HTTP\r\n\r\n");
	RUN_UNTIL(w, w->peer.is_closed);
	assert_int_equal(0, w->requests);
}

/* ---- TLS ---- */

static void the_tls_port_serves_the_same(void **state)
{
	struct world *w = *state;

	dial(w, &w->peer, true);
	say(&w->peer, "GET /hello?name=tls HTTP/1.1\r\nHost: a\r\n\r\n");
	RUN_UNTIL(w, has(&w->peer, "tls"));
}

static void a_reload_changes_new_handshakes_only(void **state)
{
	struct world *w = *state;

	dial(w, &w->peer, true);
	RUN_UNTIL(w, w->peer.is_open);
	certs_write(w->certs.cert, "rubbish");
	assert_int_equal(-EINVAL, lf_web_reload_certificates(w->web));
	say(&w->peer, "GET /hello?name=old HTTP/1.1\r\nHost: a\r\n\r\n");
	RUN_UNTIL(w, has(&w->peer, "old"));

	hang_up(&w->peer);
	dial(w, &w->peer, true); /* rubbish did not replace it */
	RUN_UNTIL(w, w->peer.is_open);

	certs_renew(&w->certs);
	assert_int_equal(0, lf_web_reload_certificates(w->web));
	hang_up(&w->peer);
	dial(w, &w->peer, true); /* still trusts the old one only */
	RUN_UNTIL(w, w->peer.is_closed);
	assert_false(w->peer.is_open);

	lf_tls_unref(w->client_tls);
	assert_int_equal(0, lf_tls_client(&w->client_tls, w->certs.cert));
	hang_up(&w->peer);
	dial(w, &w->peer, true);
	RUN_UNTIL(w, w->peer.is_open);
}

static void a_taken_port_and_bad_files_are_errors(void **state)
{
	struct world *w = *state;
	uint16_t port;

	assert_int_equal(
		-EADDRINUSE,
		lf_web_listen(w->web, "127.0.0.1", w->port, NULL, NULL, &port));
	assert_int_equal(-EINVAL, lf_web_listen(w->web, "nowhere", 0, NULL,
						NULL, &port));
	assert_int_equal(-ENOENT,
			 lf_web_listen(w->web, "127.0.0.1", 0, "/nonexistent",
				       w->certs.key, &port));
}

/* ---- WebSocket ---- */

static void upgrade(struct world *w, struct peer *p, bool tls, const char *path,
		    const char *extra)
{
	char text[512];

	dial(w, p, tls);
	snprintf(text, sizeof(text),
		 "GET %s HTTP/1.1\r\nHost: lamp.example:8081\r\n"
		 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		 "Sec-WebSocket-Version: 13\r\n%s\r\n",
		 path, extra);
	say(p, text);
	RUN_UNTIL(w, has(p, "\r\n\r\n") || p->is_closed);
}

#define CONSOLE "Sec-WebSocket-Protocol: lampfield.v1\r\n"

static void open_console(struct world *w, bool tls)
{
	upgrade(w, &w->peer, tls, "/console?token=abc",
		CONSOLE "X-Desk: 7\r\n");
	assert_true(has(&w->peer, "HTTP/1.1 101"));
	RUN_UNTIL(w, w->desk.opened);
	lf_buf_reset(&w->peer.got);
}

/* A masked frame (mask 0: the payload stays readable). */
static void frame(struct peer *p, int first_byte, const char *data, size_t len)
{
	unsigned char h[14] = {(unsigned char)first_byte};
	size_t n = 2;

	if (len < 126) {
		h[1] = (unsigned char)len;
	} else if (len < 65536) {
		h[1] = 126;
		h[2] = (unsigned char)(len >> 8);
		h[3] = (unsigned char)len;
		n = 4;
	} else {
		h[1] = 127;
		for (int i = 0; i < 8; i++)
			h[2 + i] = (unsigned char)(len >> (56 - 8 * i));
		n = 10;
	}
	h[1] |= 0x80;
	if (!p->stream)
		return;
	lf_stream_write(p->stream, h, n + 4);
	lf_stream_write(p->stream, data, len);
}

#define TEXT 0x81
#define FIRST_TEXT 0x01
#define MORE 0x00
#define LAST 0x80
#define BINARY 0x82
#define CLOSE 0x88
#define PING 0x89

static void expect_close(struct world *w, int code)
{
	const char *at;

	RUN_UNTIL(w, w->peer.is_closed || has(&w->peer, "\x88"));
	at = memchr(w->peer.got.data, 0x88, w->peer.got.len);
	assert_non_null(at);
	RUN_UNTIL(w, w->peer.is_closed ||
			     w->peer.got.data + w->peer.got.len - at >= 4);
	at = memchr(w->peer.got.data, 0x88, w->peer.got.len);
	assert_int_equal(code,
			 (unsigned char)at[2] << 8 | (unsigned char)at[3]);
}

static void a_message_is_echoed(void **state)
{
	struct world *w = *state;

	open_console(w, false);
	assert_true(w->desk.sees_query);
	assert_string_equal("7", w->desk.header);
	frame(&w->peer, TEXT, "hello", 5);
	RUN_UNTIL(w, has(&w->peer, "\x81\x05hello"));
	hang_up(&w->peer);
	RUN_UNTIL(w, w->desk.closed);
	assert_int_equal(0, w->desk.code);
}

#define PONG 0x8a

/* Pings as often as the clock is moved; waits for the next one. */
static void expect_ping(struct world *w, struct lf_hub *hub)
{
	lf_buf_reset(&w->peer.got);
	lf_hub_expire(hub, INT64_MAX);
	RUN_UNTIL(w, has(&w->peer, "\x89"));
}

static void who_answers_pings_is_kept(void **state)
{
	struct world *w = *state;
	struct lf_hub *hub;

	assert_int_equal(0, lf_hub_get(&hub, &w->loop));
	open_console(w, false);
	lf_ws_keep_alive(w->desk.ws, 30000);
	for (int i = 0; i < 6; i++) {
		expect_ping(w, hub);
		if (i < 3)
			frame(&w->peer, PONG, "y", 1);
		else /* any word will do */
			frame(&w->peer, TEXT, "hello", 5);
		frame(&w->peer, PING, "x", 1); /* all before it was read */
		RUN_UNTIL(w, has(&w->peer, "\x8a\x01x"));
	}
	assert_int_equal(0, w->desk.closed);
	lf_hub_unref(hub);
}

static void two_pings_without_an_answer_are_the_end(void **state)
{
	struct world *w = *state;
	struct lf_hub *hub;

	assert_int_equal(0, lf_hub_get(&hub, &w->loop));
	open_console(w, false);
	lf_ws_keep_alive(w->desk.ws, 30000);
	expect_ping(w, hub);
	expect_ping(w, hub);
	assert_int_equal(0, w->desk.closed);
	lf_hub_expire(hub, INT64_MAX);
	RUN_UNTIL(w, w->desk.closed);
	assert_int_equal(0, w->desk.code);
	lf_hub_unref(hub);
}

static void a_long_interval_is_not_shortened(void **state)
{
	struct world *w = *state;
	struct lf_hub *hub;

	assert_int_equal(0, lf_hub_get(&hub, &w->loop));
	open_console(w, false);
	lf_ws_keep_alive(w->desk.ws, 100000); /* three pieces */
	lf_hub_expire(hub, INT64_MAX);
	lf_hub_expire(hub, INT64_MAX);
	frame(&w->peer, PING, "x", 1);
	RUN_UNTIL(w, has(&w->peer, "\x8a\x01x"));
	assert_false(has(&w->peer, "\x89"));
	expect_ping(w, hub);
	lf_hub_unref(hub);
}

static void the_code_of_a_closing_peer_is_told(void **state)
{
	struct world *w = *state;

	open_console(w, false);
	frame(&w->peer, CLOSE, "\x0f\xa1", 2);
	RUN_UNTIL(w, w->desk.closed);
	assert_int_equal(4001, w->desk.code);
}

static void a_message_is_echoed_over_tls(void **state)
{
	struct world *w = *state;

	open_console(w, true);
	assert_true(lf_ws_is_tls(w->desk.ws));
	frame(&w->peer, TEXT, "hello", 5);
	RUN_UNTIL(w, has(&w->peer, "\x81\x05hello"));
}

static void fragments_are_one_message(void **state)
{
	struct world *w = *state;
	static char part[2000]; /* read in pieces: over the rx buffer */

	memset(part, 'p', sizeof(part));
	open_console(w, false);
	frame(&w->peer, FIRST_TEXT, part, sizeof(part));
	frame(&w->peer, PING, "p", 1); /* allowed in between */
	frame(&w->peer, MORE, part, sizeof(part));
	frame(&w->peer, LAST, "end", 3);
	RUN_UNTIL(w, w->desk.messages);
	assert_int_equal(2 * sizeof(part) + 3, w->desk.last_len);
	assert_int_equal(1, w->desk.messages);
	frame(&w->peer, TEXT, "next", 4);
	RUN_UNTIL(w, w->desk.messages == 2);
	assert_int_equal(4, w->desk.last_len);
}

static void the_longest_message_passes_and_one_more_byte_does_not(void **state)
{
	struct world *w = *state;
	static char text[MAX_MESSAGE + 1];

	memset(text, 't', sizeof(text));
	open_console(w, false);
	frame(&w->peer, TEXT, text, MAX_MESSAGE);
	RUN_UNTIL(w, w->peer.got.len == MAX_MESSAGE + 4);
	lf_buf_reset(&w->peer.got);
	frame(&w->peer, TEXT, text, MAX_MESSAGE + 1);
	expect_close(w, 1009);
	assert_int_equal(1, w->desk.messages);
	RUN_UNTIL(w, w->desk.closed);
}

static void bad_utf8_is_refused(void **state)
{
	struct world *w = *state;

	open_console(w, false);
	frame(&w->peer, TEXT, "a\xc3\x28", 3);
	expect_close(w, 1007);
	assert_int_equal(0, w->desk.messages);
}

static void binary_messages_are_refused(void **state)
{
	struct world *w = *state;

	open_console(w, false);
	frame(&w->peer, BINARY, "abc", 3);
	expect_close(w, 1003);
	assert_int_equal(0, w->desk.messages);
}

static void refused(struct world *w, const char *path, const char *extra)
{
	hang_up(&w->peer);
	upgrade(w, &w->peer, false, path, extra);
	if (has(&w->peer, "HTTP/1.1 101"))
		fail_msg("%s took '%s'", path, extra);
	assert_int_equal(0, w->desk.opened);
}

static void a_wrong_subprotocol_is_refused(void **state)
{
	struct world *w = *state;

	refused(w, "/console", "Sec-WebSocket-Protocol: other\r\n");
	refused(w, "/console", "Sec-WebSocket-Protocol: chat\r\n");
	refused(w, "/console", "Sec-WebSocket-Protocol: http\r\n");
	refused(w, "/console", "");
	refused(w, "/any", CONSOLE);
	refused(w, "/elsewhere", CONSOLE);
}

static void accepted(struct world *w, const char *path, const char *extra)
{
	int before = w->desk.opened;

	hang_up(&w->peer);
	upgrade(w, &w->peer, false, path, extra);
	if (!has(&w->peer, "HTTP/1.1 101"))
		fail_msg("%s refused '%s'", path, extra);
	RUN_UNTIL(w, w->desk.opened > before);
	hang_up(&w->peer);
	RUN_UNTIL(w, w->desk.closed == w->desk.opened);
}

#define CHAT "Sec-WebSocket-Protocol: chat\r\n"

static void a_foreign_origin_is_refused(void **state)
{
	struct world *w = *state;

	refused(w, "/console", CONSOLE "Origin: https://evil.example\r\n");
	assert_true(has(&w->peer, " 403 "));
	refused(w, "/console", CONSOLE "Origin: null\r\n");
	refused(w, "/console", CONSOLE "Origin: http://lamp.example\r\n");
	refused(w, "/chat", CHAT "Origin: http://lamp.example:8081\r\n");
	refused(w, "/chat", CHAT "Origin: https://friend.example.evil\r\n");
	accepted(w, "/console", CONSOLE "Origin: http://LAMP.example:8081\r\n");
	accepted(w, "/console", CONSOLE); /* no browser */
	accepted(w, "/chat", CHAT "Origin: https://friend.example\r\n");
	accepted(w, "/any", "Origin: https://evil.example\r\n");
}

static void the_owner_may_refuse(void **state)
{
	struct world *w = *state;

	w->desk.refuses = true;
	upgrade(w, &w->peer, false, "/console", CONSOLE);
	expect_close(w, 1008);
	frame(&w->peer, CLOSE, "\x03\xf0", 2);
	RUN_UNTIL(w, w->peer.is_closed);
	assert_int_equal(0, w->desk.closed);
}

static void closing_sends_what_is_queued_first(void **state)
{
	struct world *w = *state;

	open_console(w, false);
	w->desk.closes = true;
	frame(&w->peer, TEXT, "bye", 3);
	frame(&w->peer, TEXT, "too late", 8);
	expect_close(w, 1000);
	assert_true(has(&w->peer, "\x81\x03"
				  "bye"));
	frame(&w->peer, CLOSE, "\x03\xe8", 2);
	RUN_UNTIL(w, w->desk.closed);
	assert_int_equal(1, w->desk.messages);
}

static void a_peer_that_never_answers_our_close_is_cut_off(void **state)
{
	struct world *w = *state;
	struct lf_hub *hub;

	open_console(w, false);
	lf_ws_close(w->desk.ws, 1001, NULL);
	expect_close(w, 1001);
	assert_int_equal(0, w->desk.closed);
	assert_int_equal(0, lf_hub_get(&hub, &w->loop));
	lf_hub_expire(hub, lf_mono_ms() + 5001);
	assert_int_equal(1, w->desk.closed);
	lf_hub_unref(hub);
}

static void the_peers_close_is_answered(void **state)
{
	struct world *w = *state;

	open_console(w, false);
	frame(&w->peer, CLOSE, "\x03\xe8", 2);
	expect_close(w, 1000);
	RUN_UNTIL(w, w->desk.closed);
}

/* The queue grows while the peer does not read, and empties when it does. */
static void backlog(struct world *w, bool tls)
{
	static char text[100000];
	size_t before;
	int n = 0;

	memset(text, 't', sizeof(text));
	open_console(w, tls);
	lf_stream_pause(w->peer.stream, true);
	for (; lf_ws_backlog(w->desk.ws) < BIG && n < 1000; n++) {
		assert_int_equal(0, lf_ws_send(w->desk.ws, text, sizeof(text)));
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	before = lf_ws_backlog(w->desk.ws);
	assert_in_range(before, BIG, BIG + sizeof(text));
	lf_ws_want_drain(w->desk.ws);
	for (int i = 0; i < 20; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(0, w->desk.drained);

	lf_stream_pause(w->peer.stream, false);
	RUN_UNTIL(w, w->desk.drained);
	RUN_UNTIL(w, w->peer.got.len == (size_t)n * (sizeof(text) + 10));
	assert_int_equal(0, lf_ws_backlog(w->desk.ws));
	assert_int_equal(1, w->desk.drained);
}

static void a_peer_that_does_not_read_shows_in_the_backlog(void **state)
{
	backlog(*state, false);
}

static void a_tls_peer_that_does_not_read_shows_in_the_backlog(void **state)
{
	backlog(*state, true);
}

/*
 * Pausing from inside on_message over TLS, while OpenSSL holds more: the
 * library would spin if flow control were set there and then.
 */
static void pausing(struct world *w, bool tls)
{
	enum { MESSAGES = 50 };
	static char text[3000];

	memset(text, 't', sizeof(text));
	w->desk.pauses = true;
	open_console(w, tls);
	for (int i = 0; i < MESSAGES; i++)
		frame(&w->peer, TEXT, text, sizeof(text));
	RUN_UNTIL(w, w->desk.messages > 0);
	for (int i = 0; i < 20; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_in_range(w->desk.messages, 1, MESSAGES - 1);
	w->desk.pauses = false;
	lf_ws_pause(w->desk.ws, false);
	RUN_UNTIL(w, w->desk.messages == MESSAGES);
}

static void a_paused_connection_delivers_later(void **state)
{
	pausing(*state, false);
}

static void a_paused_tls_connection_delivers_later(void **state)
{
	pausing(*state, true);
}

static void everything_ends_with_live_connections(void **state)
{
	struct world *w = *state;
	struct peer peers[12] = {0};

	for (int i = 0; i < 12; i++) {
		dial(w, &peers[i], i % 2);
		RUN_UNTIL(w, peers[i].is_open);
		if (i > 3)
			say(&peers[i], "GET /hello HTTP/1.1\r\nHo");
		else if (i > 1)
			say(&peers[i], "GET /hello HTTP/1.1\r\n\r\n");
	}
	open_console(w, true);
	lf_stream_pause(w->peer.stream, true);
	lf_ws_send(w->desk.ws, "unsent", 6);
	lf_web_close(w->web, closed, w);
	lf_web_close(w->web, NULL, NULL); /* one too many: harmless */
	RUN_UNTIL(w, w->is_web_closed);
	assert_int_equal(1, w->desk.closed);
	for (int i = 0; i < 12; i++)
		hang_up(&peers[i]);
	hang_up(&w->peer);
	/* For the teardown. */
	w->is_web_closed = false;
	assert_int_equal(0, lf_web_new(&w->web, &w->loop));
}

static void ignore_log(enum lf_log_level level, const char *room,
		       const char *text, void *arg)
{
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_get_is_answered),
		T(query_parameters_are_decoded),
		T(a_connection_serves_request_after_request),
		T(a_post_gives_its_body_and_headers),
		T(unknown_paths_and_methods_are_refused),
		T(a_prefix_serves_what_is_below),
		T(a_body_over_the_bound_is_refused),
		T(a_body_of_unknown_length_is_refused),
		T(a_head_has_no_body),
		T(no_content_has_no_length),
		T(a_big_answer_arrives_whole),
		T(an_answer_may_come_later),
		T(a_client_that_leaves_before_the_answer_is_told),
		T(calls_end_with_the_server),
		T(rubbish_is_dropped),
		T(the_tls_port_serves_the_same),
		T(a_reload_changes_new_handshakes_only),
		T(a_taken_port_and_bad_files_are_errors),
		T(a_message_is_echoed),
		T(the_code_of_a_closing_peer_is_told),
		T(who_answers_pings_is_kept),
		T(two_pings_without_an_answer_are_the_end),
		T(a_long_interval_is_not_shortened),
		T(a_message_is_echoed_over_tls),
		T(fragments_are_one_message),
		T(the_longest_message_passes_and_one_more_byte_does_not),
		T(bad_utf8_is_refused),
		T(binary_messages_are_refused),
		T(a_wrong_subprotocol_is_refused),
		T(a_foreign_origin_is_refused),
		T(the_owner_may_refuse),
		T(closing_sends_what_is_queued_first),
		T(a_peer_that_never_answers_our_close_is_cut_off),
		T(the_peers_close_is_answered),
		T(a_peer_that_does_not_read_shows_in_the_backlog),
		T(a_tls_peer_that_does_not_read_shows_in_the_backlog),
		T(a_paused_connection_delivers_later),
		T(a_paused_tls_connection_delivers_later),
		T(everything_ends_with_live_connections),
	};

	if (!getenv("LF_TEST_LOG"))
		lf_log_set_sink(ignore_log, NULL);
	cmocka_set_test_filter(getenv("LF_TEST_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
