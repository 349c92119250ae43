/* tests/console/test_ws.c - the same console in a browser (RFC 6455). */
#include "tests/console/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/stream.h"

#include "core/banned.h"

#define TEXT 0x81
#define CLOSE 0x88

struct browser {
	struct desk *desk;
	struct lf_stream *stream;
	struct lf_buf in;
	bool is_closed;
};

static void on_open(struct lf_stream *stream, void *arg)
{
}

static void on_data(struct lf_stream *stream, const char *data, size_t len,
		    void *arg)
{
	struct browser *browser = arg;

	lf_buf_add(&browser->in, data, len);
}

static void on_close(struct lf_stream *stream, int err, void *arg)
{
	struct browser *browser = arg;

	browser->stream = NULL;
	browser->is_closed = true;
}

static void run(struct browser *browser)
{
	if (browser->is_closed)
		fail_msg("closed after: %s", lf_buf_str(&browser->in));
	uv_run(&browser->desk->rig->loop, UV_RUN_ONCE);
}

/* The upgrade; `status` is what the answer must begin with. */
static struct browser *browse(struct desk *desk, const char *subprotocol,
			      const char *status)
{
	static const struct lf_stream_ops ops = {
		.on_open = on_open,
		.on_data = on_data,
		.on_close = on_close,
	};
	struct browser *browser = calloc(1, sizeof(*browser));
	char head[512];
	const char *end;

	assert_non_null(browser);
	browser->desk = desk;
	assert_int_equal(0,
			 lf_stream_connect(&browser->stream, &desk->rig->loop,
					   "127.0.0.1", desk->web_port, NULL,
					   NULL, &ops, browser));
	snprintf(head, sizeof(head),
		 "GET /console HTTP/1.1\r\nHost: localhost:%u\r\n"
		 "Origin: http://localhost:%u\r\n"
		 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		 "Sec-WebSocket-Version: 13\r\n%s\r\n",
		 desk->web_port, desk->web_port, subprotocol);
	assert_int_equal(0,
			 lf_stream_write(browser->stream, head, strlen(head)));
	while (!(end = strstr(lf_buf_str(&browser->in), "\r\n\r\n")))
		run(browser);
	assert_memory_equal(status, browser->in.data, strlen(status));
	lf_buf_consume(&browser->in,
		       (size_t)(end - browser->in.data) + strlen("\r\n\r\n"));
	return browser;
}

static void leave(struct browser *browser)
{
	if (browser->stream)
		lf_stream_close(browser->stream);
	lf_buf_done(&browser->in);
	free(browser);
}

/* One masked text frame; a mask of 0 leaves it readable. */
static void say(struct browser *browser, const char *text)
{
	size_t len = strlen(text);
	const unsigned char head[] = {TEXT,
				      0x80 | 126,
				      (unsigned char)(len >> 8),
				      (unsigned char)len,
				      0,
				      0,
				      0,
				      0};

	assert_int_equal(0,
			 lf_stream_write(browser->stream, head, sizeof(head)));
	assert_int_equal(0, lf_stream_write(browser->stream, text, len));
}

static size_t frame_head(const struct lf_buf *in, size_t *ret_len)
{
	const unsigned char *b = (const unsigned char *)in->data;

	if (in->len < 2)
		return 0;
	*ret_len = b[1];
	if (b[1] < 126)
		return 2;
	if (in->len < 4)
		return 0;
	*ret_len = (size_t)b[2] << 8 | b[3];
	return 4;
}

/* The next frame's payload; the caller's. */
static char *hear(struct browser *browser, unsigned opcode)
{
	struct lf_buf *in = &browser->in;
	size_t head, len;
	char *text;

	while (!(head = frame_head(in, &len)) || in->len < head + len)
		run(browser);
	assert_int_equal(opcode, (unsigned char)in->data[0]);
	text = calloc(1, len + 1);
	assert_non_null(text);
	memcpy(text, in->data + head, len);
	lf_buf_consume(in, head + len);
	return text;
}

static void expect(struct browser *browser, const char *expected)
{
	char *text = hear(browser, TEXT);
	json_t *got = json_loads(text, 0, NULL);
	json_t *want = json_loads(expected, 0, NULL);

	assert_int_equal('}', text[strlen(text) - 1]);
	if (!json_holds(want, got))
		fail_msg("expected %s\n     got %s", expected, text);
	json_decref(got);
	json_decref(want);
	free(text);
}

static void login(struct browser *browser, const char *username)
{
	char token[LF_CONSOLE_TOKEN_SIZE], line[256];
	struct desk *desk = browser->desk;

	assert_int_equal(0, lf_console_token(desk->console,
					     desk_id(desk, username), token));
	snprintf(line, sizeof(line),
		 "{\"id\":1,\"method\":\"login\",\"params\":{\"auth\":"
		 "\"token\",\"token\":\"%s\"}}",
		 token);
	say(browser, line);
	expect(browser, "{\"id\":1,\"result\":{\"session\":\"*\"}}");
}

#define OURS "Sec-WebSocket-Protocol: lampfield.v1\r\n"

static void a_browser_watches_lamps(void **state)
{
	struct desk *desk = *state;
	struct browser *browser = browse(desk, OURS, "HTTP/1.1 101");

	expect(browser, "{\"method\":\"hello\",\"params\":{\"tls\":false}}");
	login(browser, "rossi");
	say(browser, "{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":"
		     "\"lamps\",\"filter\":{\"groups\":[\"sales\"]}}}");
	expect(browser, "{\"id\":2,\"result\":{\"rows\":2}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	expect(browser, "{\"method\":\"lamp\",\"seq\":1,\"params\":{\"d\":[{"
			"\"tel\":\"busy\"}]}}");
	leave(browser);
}

static void the_close_code_says_why(void **state)
{
	struct browser *browser = browse(*state, OURS, "HTTP/1.1 101");
	char *reason;

	expect(browser, "{\"method\":\"hello\"}");
	login(browser, "rossi");
	say(browser, "{\"id\":2,\"method\":\"logout\"}");
	expect(browser, "{\"id\":2,\"result\":{}}");
	reason = hear(browser, CLOSE);
	assert_int_equal(1000, (unsigned char)reason[0] << 8 |
				       (unsigned char)reason[1]);
	free(reason);
	leave(browser);
}

static void a_stopping_server_says_bye_to_browsers(void **state)
{
	struct desk *desk = *state;
	struct browser *browser = browse(desk, OURS, "HTTP/1.1 101");
	char *reason;

	expect(browser, "{\"method\":\"hello\"}");
	desk_close_console(desk);
	expect(browser, "{\"method\":\"bye\",\"params\":{\"reason\":"
			"\"shutdown\"}}");
	reason = hear(browser, CLOSE);
	assert_int_equal(1001, (unsigned char)reason[0] << 8 |
				       (unsigned char)reason[1]);
	free(reason);
	leave(browser);
}

static void a_browser_that_vanishes_frees_its_session(void **state)
{
	struct desk *desk = *state;
	struct browser *browser = browse(desk, OURS, "HTTP/1.1 101");
	struct lf_console_stats stats;

	expect(browser, "{\"method\":\"hello\"}");
	login(browser, "rossi");
	leave(browser);
	do {
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
		lf_console_stats(desk->console, &stats);
	} while (stats.connections);
	assert_int_equal(0, stats.sessions);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_browser_watches_lamps),
		TEST(the_close_code_says_why),
		TEST(a_stopping_server_says_bye_to_browsers),
		TEST(a_browser_that_vanishes_frees_its_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
