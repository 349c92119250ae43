/*
 * tests/fuzz/fuzz_smtp.c - a mail server that says anything. The first byte
 * chooses how we log in and whether we want TLS; the rest is all that it
 * says, at once, before it hangs up. We must come to one answer, and believe
 * that a mail is delivered only after a 2xx.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/fetch.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct talk {
	uv_loop_t loop;
	uv_tcp_t listener, peer;
	uv_write_t write;
	uv_shutdown_t shutdown;
	struct lf_fetcher *fetcher;
	const uint8_t *data;
	size_t size;
	int port;
	bool has_peer;
	unsigned answers;
};

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* ---- the server ---- */

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	static char room[65536];

	*buf = uv_buf_init(room, sizeof(room));
}

static void close_peer(struct talk *t)
{
	if (t->has_peer && !uv_is_closing((uv_handle_t *)&t->peer))
		uv_close((uv_handle_t *)&t->peer, NULL);
}

static void on_heard(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	if (n < 0)
		close_peer(stream->data);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct talk *t = listener->data;
	const uv_buf_t said = {(char *)(uintptr_t)t->data, t->size};

	if (status || t->has_peer)
		return;
	t->has_peer = true;
	uv_tcp_init(&t->loop, &t->peer);
	t->peer.data = t;
	require(!uv_accept(listener, (uv_stream_t *)&t->peer));
	uv_write(&t->write, (uv_stream_t *)&t->peer, &said, 1, NULL);
	uv_shutdown(&t->shutdown, (uv_stream_t *)&t->peer, NULL);
	uv_read_start((uv_stream_t *)&t->peer, on_room, on_heard);
}

static void listen_on(struct talk *t)
{
	struct sockaddr_in at;
	int len = sizeof(at);

	require(!uv_ip4_addr("127.0.0.1", 0, &at));
	require(!uv_tcp_init(&t->loop, &t->listener));
	t->listener.data = t;
	require(!uv_tcp_bind(&t->listener, (struct sockaddr *)&at, 0));
	require(!uv_listen((uv_stream_t *)&t->listener, 8, on_connection));
	require(!uv_tcp_getsockname(&t->listener, (struct sockaddr *)&at,
				    &len));
	t->port = ntohs(at.sin_port);
}

/* ---- the client ---- */

static void on_answer(const struct lf_fetch_answer *a, void *arg)
{
	static const char *const steps[] = {
		"connection", "greeting",  "TLS",    "login",
		"sender",     "recipient", "message"};
	struct talk *t = arg;
	bool is_known = false;

	t->answers++;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		is_known |= !strcmp(a->step, steps[i]);
	require(is_known && a->err <= 0 && strlen(a->text) < 512);
	require(a->err || (a->status >= 200 && a->status < 300 &&
			   !strcmp(a->step, "message")));
	lf_fetcher_close(t->fetcher, NULL, NULL);
	close_peer(t);
	uv_close((uv_handle_t *)&t->listener, NULL);
}

static void send_mail(struct talk *t, unsigned choice)
{
	static const char body[] = "Subject: a\r\n\r\n.\r\nb\r\n";
	char url[64];
	struct lf_fetch_opts opts = {
		.url = url,
		.mail_from = "a@example.org",
		.mail_to = "b@example.org",
		.body = body,
		.body_len = sizeof(body) - 1,
		.tls = choice & 1 ? LF_FETCH_TLS_TRY : LF_FETCH_TLS_NONE,
		.timeout_ms = 2000,
	};

	snprintf(url, sizeof(url), "smtp://127.0.0.1:%d", t->port);
	if (choice & 2) {
		opts.user = "user";
		opts.password = "password";
	}
	if (choice & 4)
		opts.bearer = "token";
	require(!lf_fetcher_open(&t->fetcher, &t->loop));
	require(!lf_fetch_start(NULL, t->fetcher, &opts, on_answer, t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct talk t = {.data = data + 1, .size = size ? size - 1 : 0};

	if (!size)
		return 0;
	require(!uv_loop_init(&t.loop));
	listen_on(&t);
	send_mail(&t, *data);
	uv_run(&t.loop, UV_RUN_DEFAULT);
	require(t.answers == 1);
	require(!uv_loop_close(&t.loop));
	return 0;
}
