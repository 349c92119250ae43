/*
 * tests/core/test_stream.c - streams over loopback, both ends in one loop.
 *
 * Each test runs the loop until something it waits for has happened; an
 * alarm ends a test that waits in vain.
 */
#include "core/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/internal.h"
#include "core/log.h"
#include "tests/core/certs.h"

#define CLIENTS 200

/* What one end of a connection has seen. */
struct end {
	struct lf_stream *stream; /* NULL after its last callback */
	struct lf_buf got;
	int opened, drained, closed, err;
	size_t backlog_at_drain;
	bool is_echo, closes_on_data, pauses_on_data;
};

struct world {
	uv_loop_t loop;
	struct lf_listener *listener;
	struct end server, client;
	struct end *next_server; /* what the next accept fills */
	int accepted;
	bool refuses;
	struct certs certs;
	struct lf_tls *tls, *client_tls;
};

static void on_open(struct lf_stream *stream, void *arg)
{
	struct end *e = arg;

	assert_ptr_equal(stream, e->stream);
	e->opened++;
}

static void on_data(struct lf_stream *stream, const char *data, size_t len,
		    void *arg)
{
	struct end *e = arg;

	assert_int_equal(0, e->closed);
	lf_buf_add(&e->got, data, len);
	if (e->is_echo)
		assert_int_equal(0, lf_stream_write(stream, data, len));
	if (e->pauses_on_data)
		lf_stream_pause(stream, true);
	if (e->closes_on_data) {
		lf_stream_close(stream);
		assert_int_equal(-EPIPE, lf_stream_write(stream, "x", 1));
		e->stream = NULL;
	}
}

static void on_drain(struct lf_stream *stream, void *arg)
{
	struct end *e = arg;

	e->drained++;
	e->backlog_at_drain = lf_stream_backlog(stream);
}

static void on_close(struct lf_stream *stream, int err, void *arg)
{
	struct end *e = arg;

	lf_stream_close(stream); /* one too many: harmless */
	e->closed++;
	e->err = err;
	e->stream = NULL;
}

static const struct lf_stream_ops ops = {on_open, on_data, on_drain, on_close};

static void on_accept(struct lf_stream *stream, void *arg)
{
	struct world *w = arg;

	w->accepted++;
	if (w->refuses) {
		lf_stream_close(stream);
		return;
	}
	w->next_server->stream = stream;
	lf_stream_set(stream, &ops, w->next_server);
}

static void ignore_log(enum lf_log_level level, const char *room,
		       const char *text, void *arg)
{
}

/* ---- arrange and tidy ---- */

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(0, uv_loop_init(&w->loop));
	w->next_server = &w->server;
	certs_make(&w->certs);
	lf_log_set_sink(ignore_log, NULL);
	alarm(60);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	lf_listener_close(w->listener);
	lf_stream_close(w->client.stream);
	lf_stream_close(w->server.stream);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(0, uv_loop_close(&w->loop));
	lf_tls_unref(w->tls);
	lf_tls_unref(w->client_tls);
	lf_buf_done(&w->server.got);
	lf_buf_done(&w->client.got);
	certs_remove(&w->certs);
	lf_log_set_sink(NULL, NULL);
	free(w);
	alarm(0);
	return 0;
}

#define RUN_UNTIL(w, condition)                                                \
	do {                                                                   \
		while (!(condition))                                           \
			uv_run(&(w)->loop, UV_RUN_ONCE);                       \
	} while (0)

static void listen_on(struct world *w, struct lf_listen_opts opts)
{
	if (!opts.unix_path)
		opts.address = "127.0.0.1";
	assert_int_equal(0, lf_listener_open(&w->listener, &w->loop, &opts,
					     on_accept, w));
}

static void listen_tls(struct world *w)
{
	assert_int_equal(0,
			 lf_tls_server(&w->tls, w->certs.cert, w->certs.key));
	assert_int_equal(0, lf_tls_client(&w->client_tls, w->certs.cert));
	listen_on(w, (struct lf_listen_opts){.tls = w->tls});
}

static int dial(struct world *w, struct end *e, const char *host)
{
	return lf_stream_connect(&e->stream, &w->loop, "127.0.0.1",
				 lf_listener_port(w->listener), w->client_tls,
				 host, &ops, e);
}

static void connect_both(struct world *w)
{
	assert_int_equal(0, dial(w, &w->client, "localhost"));
	RUN_UNTIL(w, w->client.opened && w->server.stream);
}

static void say(struct end *e, const char *text)
{
	assert_int_equal(0, lf_stream_write(e->stream, text, strlen(text)));
}

/* `len` bytes, each telling its place. */
static char *pattern(size_t len)
{
	char *data = malloc(len);

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 31 + i / 251);
	return data;
}

static void send_pattern(struct world *w, struct end *from, struct end *to,
			 size_t len)
{
	char *data = pattern(len);

	assert_int_equal(0, lf_stream_write(from->stream, data, len));
	RUN_UNTIL(w, to->got.len >= len);
	assert_int_equal(len, to->got.len);
	assert_memory_equal(data, to->got.data, len);
	free(data);
}

/* ---- plain ---- */

static void a_stream_carries_bytes_both_ways(void **state)
{
	struct world *w = *state;

	listen_on(w, (struct lf_listen_opts){0});
	w->server.is_echo = true;
	connect_both(w);
	assert_false(lf_stream_is_tls(w->client.stream));
	assert_int_equal(
		0, strncmp(lf_stream_peer(w->server.stream), "127.0.0.1:", 10));
	say(&w->client, "lamp\n");
	RUN_UNTIL(w, w->client.got.len == 5);
	assert_string_equal("lamp\n", lf_buf_str(&w->client.got));
}

static void bytes_written_before_the_connection_leave_after_it(void **state)
{
	struct world *w = *state;

	listen_on(w, (struct lf_listen_opts){0});
	assert_int_equal(0, dial(w, &w->client, NULL));
	say(&w->client, "early");
	RUN_UNTIL(w, w->server.got.len == 5);
}

static void a_turns_writes_leave_together(void **state)
{
	struct world *w = *state;

	listen_on(w, (struct lf_listen_opts){0});
	connect_both(w);
	for (int i = 0; i < 1000; i++)
		say(&w->client, "x");
	assert_int_equal(1000, lf_stream_backlog(w->client.stream));
	RUN_UNTIL(w, w->server.got.len > 0);
	assert_int_equal(1000, w->server.got.len);
}

static void prepare_write(uv_prepare_t *prepare)
{
	struct world *w = prepare->data;

	say(&w->client, "from a prepare handle");
	uv_prepare_stop(prepare);
}

static void what_a_prepare_handle_writes_does_not_wait(void **state)
{
	struct world *w = *state;
	static uv_prepare_t prepare; /* outlives us until it is closed */

	listen_on(w, (struct lf_listen_opts){0});
	connect_both(w);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	uv_prepare_init(&w->loop, &prepare);
	prepare.data = w;
	uv_prepare_start(&prepare, prepare_write);
	RUN_UNTIL(w, w->server.got.len == 21);
	say(&w->client, "from anywhere");
	assert_int_equal(0, uv_backend_timeout(&w->loop)); /* no sleep now */
	uv_close((uv_handle_t *)&prepare, NULL);
}

static void a_refused_connection_says_so(void **state)
{
	struct world *w = *state;
	uint16_t port;

	listen_on(w, (struct lf_listen_opts){0});
	port = lf_listener_port(w->listener);
	lf_listener_close(w->listener);
	w->listener = NULL;
	assert_int_equal(0, lf_stream_connect(&w->client.stream, &w->loop,
					      "127.0.0.1", port, NULL, NULL,
					      &ops, &w->client));
	RUN_UNTIL(w, w->client.closed);
	assert_int_equal(-ECONNREFUSED, w->client.err);
	assert_int_equal(0, w->client.opened);
}

static void a_bad_address_is_refused_at_once(void **state)
{
	struct world *w = *state;
	struct lf_listen_opts opts = {.address = "not an address"};

	assert_int_equal(-EINVAL,
			 lf_stream_connect(&w->client.stream, &w->loop, "nope",
					   5, NULL, NULL, &ops, &w->client));
	assert_int_equal(-EINVAL, lf_listener_open(&w->listener, &w->loop,
						   &opts, on_accept, w));
}

static void the_peers_end_comes_after_its_bytes(void **state)
{
	struct world *w = *state;

	listen_on(w, (struct lf_listen_opts){0});
	connect_both(w);
	say(&w->client, "bye");
	lf_stream_close(w->client.stream);
	w->client.stream = NULL;
	RUN_UNTIL(w, w->server.closed);
	assert_int_equal(0, w->server.err);
	assert_string_equal("bye", lf_buf_str(&w->server.got));
}

static void closing_inside_on_data_is_safe(void **state)
{
	struct world *w = *state;

	listen_on(w, (struct lf_listen_opts){0});
	w->server.closes_on_data = w->server.is_echo = true;
	connect_both(w);
	say(&w->client, "go");
	RUN_UNTIL(w, w->client.closed);
	/* What was written before the close still came. */
	assert_string_equal("go", lf_buf_str(&w->client.got));
	assert_int_equal(0, w->server.closed);
}

static int raw_client(struct world *w)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons(lf_listener_port(w->listener));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(0, connect(fd, (struct sockaddr *)&to, sizeof(to)));
	return fd;
}

static void a_reset_is_reported(void **state)
{
	struct world *w = *state;
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	int fd;

	listen_on(w, (struct lf_listen_opts){0});
	fd = raw_client(w);
	RUN_UNTIL(w, w->server.stream);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	RUN_UNTIL(w, w->server.closed);
	assert_int_equal(-ECONNRESET, w->server.err);
}

static void a_reset_is_reported_while_we_only_write(void **state)
{
	struct world *w = *state;
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	char *data = pattern(8 << 20);
	int fd;

	listen_on(w, (struct lf_listen_opts){0});
	fd = raw_client(w);
	RUN_UNTIL(w, w->server.stream);
	lf_stream_pause(w->server.stream, true);
	assert_int_equal(0, lf_stream_write(w->server.stream, data, 8 << 20));
	uv_run(&w->loop, UV_RUN_NOWAIT);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	RUN_UNTIL(w, w->server.closed);
	assert_true(w->server.err == -ECONNRESET || w->server.err == -EPIPE);
	free(data);
}

/* ---- back-pressure ---- */

static void pressure(struct world *w)
{
	const size_t len = 16 << 20;
	char *data = pattern(len);
	size_t backlog;

	connect_both(w);
	lf_stream_pause(w->client.stream, true);
	assert_int_equal(0, lf_stream_write(w->server.stream, data, len));
	for (int i = 0; i < 20; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	backlog = lf_stream_backlog(w->server.stream);
	assert_in_range(backlog, 1 << 20, len + (1 << 20));
	assert_int_equal(0, w->client.got.len);

	lf_stream_want_drain(w->server.stream);
	for (int i = 0; i < 20; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(0, w->server.drained);

	lf_stream_pause(w->client.stream, false);
	RUN_UNTIL(w, w->server.drained);
	assert_in_range(w->server.backlog_at_drain, 0, backlog / 2);
	RUN_UNTIL(w, w->client.got.len == len);
	assert_memory_equal(data, w->client.got.data, len);
	assert_int_equal(1, w->server.drained);
	assert_int_equal(0, lf_stream_backlog(w->server.stream));
	free(data);
}

static void a_reader_that_does_not_read_grows_the_backlog(void **state)
{
	struct world *w = *state;

	listen_on(w, (struct lf_listen_opts){0});
	pressure(w);
}

static void a_tls_reader_that_does_not_read_grows_the_backlog(void **state)
{
	struct world *w = *state;

	listen_tls(w);
	pressure(w);
}

static void an_empty_backlog_drains_at_once(void **state)
{
	struct world *w = *state;

	listen_on(w, (struct lf_listen_opts){0});
	connect_both(w);
	lf_stream_want_drain(w->server.stream);
	assert_int_equal(0, w->server.drained); /* never from inside */
	RUN_UNTIL(w, w->server.drained);
}

/* ---- limits ---- */

static void connections_over_the_limit_are_closed(void **state)
{
	struct world *w = *state;
	struct end second = {0};

	listen_on(w, (struct lf_listen_opts){.max_streams = 1});
	connect_both(w);
	assert_int_equal(0, dial(w, &second, NULL));
	RUN_UNTIL(w, second.closed);
	assert_int_equal(1, w->accepted);

	/* The place is free again when the first one is gone. */
	lf_stream_close(w->client.stream);
	w->client = (struct end){0};
	RUN_UNTIL(w, w->server.closed);
	second.closed = 0;
	uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(0, dial(w, &w->client, NULL));
	RUN_UNTIL(w, w->accepted == 2);
}

static void many_connections_work_at_once(void **state)
{
	struct world *w = *state;
	static struct end servers[CLIENTS], clients[CLIENTS];
	int n = 0;

	memset(servers, 0, sizeof(servers));
	memset(clients, 0, sizeof(clients));
	listen_on(w, (struct lf_listen_opts){0});
	for (int i = 0; i < CLIENTS; i++) {
		servers[i].is_echo = true;
		w->next_server = &servers[i];
		assert_int_equal(0, dial(w, &clients[i], NULL));
		RUN_UNTIL(w, clients[i].opened && servers[i].stream);
		say(&clients[i], "hello");
	}
	while (n < CLIENTS) {
		uv_run(&w->loop, UV_RUN_ONCE);
		n = 0;
		for (int i = 0; i < CLIENTS; i++)
			n += clients[i].got.len == 5;
	}
	for (int i = 0; i < CLIENTS; i++)
		lf_stream_close(clients[i].stream);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	for (int i = 0; i < CLIENTS; i++) {
		RUN_UNTIL(w, servers[i].closed);
		lf_buf_done(&clients[i].got);
		lf_buf_done(&servers[i].got);
	}
}

static void count_polls(uv_handle_t *handle, void *arg)
{
	int *n = arg;

	*n += handle->type == UV_POLL && uv_is_active(handle);
}

static void running_out_of_descriptors_rests_and_recovers(void **state)
{
	struct world *w = *state;
	struct rlimit old, tight;
	struct end second = {0};
	int turns = 0, polls = 0, fd;

	listen_on(w, (struct lf_listen_opts){0});
	connect_both(w);
	fd = raw_client(w);
	getrlimit(RLIMIT_NOFILE, &old);
	tight = old;
	tight.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &tight);

	w->next_server = &second;
	while (turns++ < 3)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(1, w->accepted);
	/* Both ends of the one connection; the listener rests. */
	uv_walk(&w->loop, count_polls, &polls);
	assert_int_equal(2, polls);

	setrlimit(RLIMIT_NOFILE, &old);
	RUN_UNTIL(w, w->accepted == 2);
	close(fd);
	RUN_UNTIL(w, second.closed);
}

/* ---- unix sockets ---- */

static void unix_path(struct world *w, char path[128])
{
	snprintf(path, 128, "%s/socket", w->certs.dir);
}

static void a_unix_socket_is_for_its_group_only(void **state)
{
	struct world *w = *state;
	struct stat st;
	char path[128], peer[32];

	unix_path(w, path);
	listen_on(w, (struct lf_listen_opts){.unix_path = path});
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0660, st.st_mode & 07777);
	w->server.is_echo = true;
	assert_int_equal(0, lf_stream_connect(&w->client.stream, &w->loop, path,
					      0, NULL, NULL, &ops, &w->client));
	say(&w->client, "ping");
	RUN_UNTIL(w, w->client.got.len == 4);
	snprintf(peer, sizeof(peer), "unix:%u", (unsigned)getuid());
	assert_string_equal(peer, lf_stream_peer(w->server.stream));

	lf_listener_close(w->listener);
	w->listener = NULL;
	assert_int_equal(-1, stat(path, &st));
}

static void only_a_stale_socket_file_is_replaced(void **state)
{
	struct world *w = *state;
	struct lf_listen_opts opts = {0};
	struct lf_listener *second;
	struct sockaddr_storage ss;
	socklen_t len;
	char path[128];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unix_path(w, path);
	opts.unix_path = path;
	lf_address_unix(&ss, &len, path);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&ss, len));
	close(fd); /* a crash leaves the file */
	listen_on(w, opts);
	assert_int_equal(-EADDRINUSE, lf_listener_open(&second, &w->loop, &opts,
						       on_accept, w));
	lf_listener_close(w->listener);
	w->listener = NULL;

	certs_write(path, "an ordinary file");
	assert_int_equal(-EADDRINUSE, lf_listener_open(&second, &w->loop, &opts,
						       on_accept, w));
	assert_int_equal(0, access(path, F_OK));
}

/* ---- TLS ---- */

static void tls_carries_bytes_both_ways(void **state)
{
	struct world *w = *state;

	listen_tls(w);
	connect_both(w);
	assert_true(lf_stream_is_tls(w->server.stream));
	assert_true(lf_stream_is_tls(w->client.stream));
	send_pattern(w, &w->client, &w->server, 300000);
	send_pattern(w, &w->server, &w->client, 300000);
	lf_stream_close(w->server.stream);
	w->server.stream = NULL;
	RUN_UNTIL(w, w->client.closed);
	assert_int_equal(0, w->client.err);
}

static void pausing_inside_on_data_holds_tls_bytes_back(void **state)
{
	struct world *w = *state;

	listen_tls(w);
	connect_both(w);
	lf_stream_pause(w->server.stream, true);
	w->server.pauses_on_data = true;
	for (int i = 0; i < 50; i++) { /* a record each */
		say(&w->client, "0123456789");
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(0, w->server.got.len);

	/* One record comes, the others wait in OpenSSL: no poll tells. */
	for (int i = 1; i <= 50; i++) {
		lf_stream_pause(w->server.stream, false);
		RUN_UNTIL(w, w->server.got.len > 0);
		for (int n = 0; n < 5; n++)
			uv_run(&w->loop, UV_RUN_NOWAIT);
		assert_int_equal(10, w->server.got.len);
		lf_buf_reset(&w->server.got);
	}
}

static void closing_inside_on_data_is_safe_over_tls(void **state)
{
	struct world *w = *state;

	listen_tls(w);
	w->server.closes_on_data = w->server.is_echo = true;
	connect_both(w);
	say(&w->client, "go");
	RUN_UNTIL(w, w->client.closed);
	assert_string_equal("go", lf_buf_str(&w->client.got));
	assert_int_equal(0, w->client.err);
}

static void a_client_checks_the_name(void **state)
{
	struct world *w = *state;

	listen_tls(w);
	assert_int_equal(0, dial(w, &w->client, "elsewhere.example"));
	RUN_UNTIL(w, w->client.closed);
	assert_int_equal(-EKEYREJECTED, w->client.err);
	assert_int_equal(0, w->client.opened);
	assert_int_equal(0, w->server.opened);
}

static void a_client_may_expect_an_address(void **state)
{
	struct world *w = *state;

	listen_tls(w);
	assert_int_equal(0, dial(w, &w->client, NULL)); /* 127.0.0.1 */
	RUN_UNTIL(w, w->client.opened);
}

static void a_client_trusts_only_its_authorities(void **state)
{
	struct world *w = *state;

	listen_tls(w);
	lf_tls_unref(w->client_tls);
	certs_renew(&w->certs);
	assert_int_equal(0, lf_tls_client(&w->client_tls, w->certs.cert));
	assert_int_equal(0, dial(w, &w->client, "localhost"));
	RUN_UNTIL(w, w->client.closed);
	assert_int_equal(-EKEYREJECTED, w->client.err);
}

/* A blocking client in a worker, with rules that ours would not take. */
struct stranger {
	uv_work_t work;
	int fd, max_version;
	const char *ciphers;
	bool shook_hands, is_done;
};

static void shake_hands(uv_work_t *work)
{
	struct stranger *x = work->data;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, x->max_version);
	SSL_CTX_set_cipher_list(ctx, x->ciphers);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, x->fd);
	x->shook_hands = SSL_connect(ssl) == 1;
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	OPENSSL_thread_stop();
	close(x->fd);
}

static void hands_shaken(uv_work_t *work, int status)
{
	struct stranger *x = work->data;

	x->is_done = true;
}

static bool strangers_handshake(struct world *w, int max_version,
				const char *ciphers)
{
	struct stranger x = {.max_version = max_version,
			     .ciphers = ciphers,
			     .work.data = &x};

	x.fd = raw_client(w);
	uv_queue_work(&w->loop, &x.work, shake_hands, hands_shaken);
	RUN_UNTIL(w, x.is_done);
	return x.shook_hands;
}

static void old_tls_and_weak_suites_are_refused(void **state)
{
	struct world *w = *state;

	listen_tls(w);
	assert_false(strangers_handshake(w, TLS1_1_VERSION, "ALL"));
	assert_false(strangers_handshake(w, TLS1_2_VERSION,
					 "ECDHE-ECDSA-AES128-SHA256"));
	assert_int_equal(0, w->accepted);
	assert_true(strangers_handshake(w, TLS1_2_VERSION,
					"ECDHE-ECDSA-AES128-GCM-SHA256"));
	assert_int_equal(1, w->accepted);
}

static void a_client_that_speaks_no_tls_is_dropped(void **state)
{
	struct world *w = *state;
	struct lf_tls *tls;

	listen_tls(w);
	tls = w->client_tls;
	w->client_tls = NULL;
	assert_int_equal(0, dial(w, &w->client, NULL));
	w->client_tls = tls;
	say(&w->client, "GET / HTTP/1.0\r\n\r\n");
	RUN_UNTIL(w, w->client.closed);
	assert_int_equal(0, w->accepted);
}

static void a_silent_handshake_has_a_deadline(void **state)
{
	struct world *w = *state;
	struct lf_hub *hub;
	char byte;
	int fd;

	listen_tls(w);
	fd = raw_client(w);
	uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(0, lf_hub_get(&hub, &w->loop));
	lf_hub_expire(hub, lf_mono_ms() + 9000);
	assert_int_equal(-1, recv(fd, &byte, 1, MSG_DONTWAIT));
	assert_int_equal(EAGAIN, errno);
	lf_hub_expire(hub, lf_mono_ms() + 10001);
	assert_int_equal(0, recv(fd, &byte, 1, 0));
	lf_hub_unref(hub);
	close(fd);
	assert_int_equal(0, w->accepted);
}

static void closing_the_listener_ends_its_handshakes(void **state)
{
	struct world *w = *state;
	char byte;
	int fd;

	listen_tls(w);
	fd = raw_client(w);
	uv_run(&w->loop, UV_RUN_ONCE);
	lf_listener_close(w->listener);
	w->listener = NULL;
	assert_int_equal(0, recv(fd, &byte, 1, 0));
	close(fd);
}

static void new_handshakes_get_the_new_certificate(void **state)
{
	struct world *w = *state;
	struct end second = {0};

	listen_tls(w);
	connect_both(w);
	certs_renew(&w->certs);
	assert_int_equal(0, lf_tls_reload(w->tls));
	lf_tls_unref(w->client_tls);
	assert_int_equal(0, lf_tls_client(&w->client_tls, w->certs.cert));
	w->next_server = &second;
	assert_int_equal(0, dial(w, &second, "localhost"));
	second.is_echo = false;
	RUN_UNTIL(w, w->accepted == 2);
	lf_stream_close(second.stream);
	send_pattern(w, &w->client, &w->server, 1000); /* the old one lives */
}

static void a_bad_reload_keeps_the_old_certificate(void **state)
{
	struct world *w = *state;
	struct certs other;
	char *const files[] = {w->certs.cert, w->certs.key};

	listen_tls(w);
	for (int i = 0; i < 2; i++) {
		certs_write(files[i], "rubbish");
		assert_int_equal(-EINVAL, lf_tls_reload(w->tls));
		unlink(files[i]);
		assert_int_equal(-ENOENT, lf_tls_reload(w->tls));
		certs_renew(&w->certs);
	}
	/* A key that belongs to another certificate. */
	certs_make(&other);
	assert_int_equal(0, rename(other.key, w->certs.key));
	assert_int_equal(-EINVAL, lf_tls_reload(w->tls));
	certs_remove(&other);
	connect_both(w); /* the client still trusts the first one only */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_stream_carries_bytes_both_ways),
		T(bytes_written_before_the_connection_leave_after_it),
		T(a_turns_writes_leave_together),
		T(what_a_prepare_handle_writes_does_not_wait),
		T(a_refused_connection_says_so),
		T(a_bad_address_is_refused_at_once),
		T(the_peers_end_comes_after_its_bytes),
		T(closing_inside_on_data_is_safe),
		T(a_reset_is_reported),
		T(a_reset_is_reported_while_we_only_write),
		T(a_reader_that_does_not_read_grows_the_backlog),
		T(a_tls_reader_that_does_not_read_grows_the_backlog),
		T(an_empty_backlog_drains_at_once),
		T(connections_over_the_limit_are_closed),
		T(many_connections_work_at_once),
		T(running_out_of_descriptors_rests_and_recovers),
		T(a_unix_socket_is_for_its_group_only),
		T(only_a_stale_socket_file_is_replaced),
		T(tls_carries_bytes_both_ways),
		T(pausing_inside_on_data_holds_tls_bytes_back),
		T(closing_inside_on_data_is_safe_over_tls),
		T(a_client_checks_the_name),
		T(a_client_may_expect_an_address),
		T(a_client_trusts_only_its_authorities),
		T(old_tls_and_weak_suites_are_refused),
		T(a_client_that_speaks_no_tls_is_dropped),
		T(a_silent_handshake_has_a_deadline),
		T(closing_the_listener_ends_its_handshakes),
		T(new_handshakes_get_the_new_certificate),
		T(a_bad_reload_keeps_the_old_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
