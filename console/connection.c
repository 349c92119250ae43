/*
 * console/connection.c - one console's connection: lines in, lines out, and
 * what it costs us. A stream and a WebSocket look the same from here on.
 *
 * Urgent lines (replies, bye) are written at once; bulk is only asked for
 * while little is queued, so nothing urgent ever waits behind much.
 */
#include "console/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

/* "192.0.2.7:50123" and "[2001:db8::7]:50123" without the port. */
static void cut_port(char *address)
{
	char *colon = strrchr(address, ':');

	if (colon)
		*colon = '\0';
}

static void add_alternatives(struct lf_buf *buf, const char *list)
{
	char item[256];
	size_t n;

	lf_buf_adds(buf, ",\"alt\":[");
	for (const char *p = list; *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		lf_text_copy_n(item, sizeof(item), p, n);
		if (p != list)
			lf_buf_addc(buf, ',');
		lf_buf_add_json(buf, lf_text_trim(item));
	}
	lf_buf_addc(buf, ']');
}

static void say_hello(struct lf_conn *conn)
{
	struct lf_console *console = conn->console;
	struct lf_buf *buf = &console->line;
	char nonce[LF_BASE64_SIZE(18)];
	uint8_t random[18];

	lf_random(random, sizeof(random));
	lf_base64(nonce, random, sizeof(random));

	lf_buf_reset(buf);
	lf_line_event(buf, false, "hello");
	lf_buf_adds(buf, "{\"server\":\"lampfield\"");
	lf_line_text(buf, "version", PACKAGE_VERSION);
	lf_buf_adds(buf, ",\"proto\":[1]");
	lf_line_text(buf, "node", console->node);
	lf_line_time(buf, "time", lf_wall_ms());
	/* A password must not cross an open wire; SCRAM does not send it. */
	lf_buf_adds(buf, conn->is_tls
				 ? ",\"auth\":[\"scram-sha-256\",\"password\","
				   "\"token\"],\"tls\":true"
				 : ",\"auth\":[\"scram-sha-256\",\"token\"],"
				   "\"tls\":false");
	lf_line_text(buf, "nonce", nonce);
	add_alternatives(buf, lf_setting_text(console->parts.settings,
					      "console.alternatives"));
	lf_buf_addc(buf, '}');
	lf_conn_reply_end(conn, -1);
}

int lf_conn_new(struct lf_conn **ret, struct lf_console *console,
		const struct lf_conn_ops *ops, void *io, const char *peer,
		bool is_tls)
{
	struct lf_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return -ENOMEM;
	conn->console = console;
	conn->serial = ++console->serial;
	conn->ops = ops;
	conn->io = io;
	conn->is_tls = is_tls;
	conn->opened_ms = conn->heard_ms = lf_mono_ms();
	lf_text_copy(conn->peer, sizeof(conn->peer), peer);
	lf_text_copy(conn->address, sizeof(conn->address), peer);
	cut_port(conn->address);
	lf_lines_init(&conn->lines, LF_CONSOLE_LINE_MAX);
	lf_list_add_tail(&console->conns, &conn->node);
	console->stats.connections++;
	*ret = conn;
	say_hello(conn);
	return 0;
}

/* Reading rests while as much is in work as one client may have. */
static void pause_if_busy(struct lf_conn *conn)
{
	bool is_full = conn->is_held || conn->in_work >= LF_WORK_MAX;

	if (is_full == conn->is_paused || conn->is_closing || !conn->io)
		return;
	conn->is_paused = is_full;
	conn->ops->pause(conn->io, is_full);
}

static void take_line(struct lf_conn *conn, const char *line, size_t len)
{
	struct lf_request request;
	enum lf_fault fault;
	int64_t retry_ms;

	conn->console->stats.lines_in++;
	fault = lf_request_parse(&request, line, len);
	retry_ms = lf_bucket_take(&conn->requests, 50, 100, conn->heard_ms);
	if (fault)
		lf_conn_error(conn, request.id, fault, NULL);
	else if (retry_ms && request.id[0])
		lf_conn_error_retry(conn, request.id, LF_FAULT_THROTTLED,
				    retry_ms);
	else if (!retry_ms)
		lf_call_dispatch(conn, &request);
	lf_request_done(&request);
}

/*
 * A client may send its first requests right behind the login: they wait until
 * the worker has checked the password. Nothing is read meanwhile, so this is
 * what one read brought.
 */
static void hold_line(struct lf_conn *conn, const char *line, size_t len)
{
	lf_buf_add(&conn->held, line, len);
	lf_buf_addc(&conn->held, '\n');
	if (lf_buf_error(&conn->held) || conn->held.len > LF_HELD_MAX)
		lf_conn_close(conn, LF_CLOSE_POLICY, "too much before login");
}

static void hear_line(struct lf_conn *conn, const char *line, size_t len)
{
	if (conn->is_held)
		hold_line(conn, line, len);
	else
		take_line(conn, line, len);
}

static int on_line(const char *line, size_t len, void *arg)
{
	struct lf_conn *conn = arg;

	hear_line(conn, line, len);
	return conn->is_closing;
}

void lf_conn_hold(struct lf_conn *conn)
{
	conn->is_held = true;
	pause_if_busy(conn);
}

void lf_conn_release(struct lf_conn *conn)
{
	struct lf_buf held = conn->held;
	char *at = held.data, *end;

	conn->is_held = false;
	conn->held = (struct lf_buf){0};
	pause_if_busy(conn);
	for (; at && !conn->is_closing &&
	       (end = memchr(at, '\n', held.len - (size_t)(at - held.data)));
	     at = end + 1)
		hear_line(conn, at, (size_t)(end - at));
	lf_buf_done(&held);
}

static void hear(struct lf_conn *conn)
{
	conn->heard_ms = lf_mono_ms();
	conn->is_pinged = false;
}

void lf_conn_bytes(struct lf_conn *conn, const char *data, size_t len)
{
	int err;

	hear(conn);
	err = lf_lines_feed(&conn->lines, data, len, on_line, conn);
	if (err == -E2BIG) {
		lf_conn_error(conn, NULL, LF_FAULT_LINE, NULL);
		lf_conn_close(conn, LF_CLOSE_TOO_BIG, "line too long");
	} else if (err < 0) {
		lf_conn_close(conn, LF_CLOSE_POLICY, "out of memory");
	}
}

void lf_conn_message(struct lf_conn *conn, const char *data, size_t len)
{
	hear(conn);
	if (!conn->is_closing)
		hear_line(conn, data, len);
}

void lf_conn_drained(struct lf_conn *conn)
{
	if (conn->session)
		lf_session_wake(conn->session);
}

/* ---- out ---- */

static size_t backlog(const struct lf_conn *conn)
{
	return conn->ops->backlog(conn->io);
}

bool lf_conn_takes_bulk(struct lf_conn *conn)
{
	if (conn->is_closing || !conn->io)
		return false;
	if (backlog(conn) < LF_BULK_STOP)
		return true;
	conn->ops->want_drain(conn->io);
	return false;
}

static void part_slow(struct lf_conn *conn)
{
	conn->console->stats.slow_closed++;
	lf_conn_bye(conn, "slow", LF_RETRY_SLOW_MS, LF_CLOSE_SLOW);
}

void lf_conn_send(struct lf_conn *conn, const char *line, size_t len,
		  bool is_bulk)
{
	if (conn->is_closing || !conn->io)
		return;
	if (conn->ops->send(conn->io, line, len)) {
		lf_conn_close(conn, LF_CLOSE_POLICY, "out of memory");
		return;
	}
	conn->sent += len;
	if (!is_bulk && !conn->urgent_since_ms) {
		conn->urgent_since_ms = lf_mono_ms();
		conn->urgent_mark = conn->sent;
	}
	if (backlog(conn) > LF_SLOW_BYTES)
		part_slow(conn);
}

/* True when an urgent line is older than anybody should wait. */
static bool is_stuck(struct lf_conn *conn, int64_t now_ms)
{
	size_t queued = backlog(conn);

	if (!conn->urgent_since_ms)
		return false;
	if (conn->sent < queued || conn->sent - queued < conn->urgent_mark)
		return now_ms - conn->urgent_since_ms > LF_SLOW_MS;
	/* That one has left. Later ones, if any, count from now. */
	conn->urgent_since_ms = queued ? now_ms : 0;
	conn->urgent_mark = conn->sent;
	return false;
}

struct lf_buf *lf_conn_reply(struct lf_conn *conn, const char *id)
{
	struct lf_buf *buf = &conn->console->line;

	lf_buf_reset(buf);
	lf_line_reply(buf, conn->is_jsonrpc, id);
	return buf;
}

void lf_conn_reply_end(struct lf_conn *conn, int64_t seq)
{
	struct lf_buf *buf = &conn->console->line;

	lf_line_end(buf, seq);
	if (lf_buf_error(buf))
		lf_conn_close(conn, LF_CLOSE_POLICY, "out of memory");
	else
		lf_conn_send(conn, buf->data, buf->len, false);
}

void lf_conn_error(struct lf_conn *conn, const char *id, enum lf_fault fault,
		   const char *data)
{
	struct lf_buf *buf = &conn->console->line;
	char ref[48];

	if (fault == LF_FAULT_INTERNAL && !data) {
		/* What the operator reads out finds our line of the log. */
		memcpy(ref, "{\"ref\":\"", 8);
		lf_random_hex(ref + 8, 4);
		lf_log(LF_ERROR, LF_ROOM, "%s: request failed, ref %.8s",
		       conn->peer, ref + 8);
		memcpy(ref + 16, "\"}", 3);
		data = ref;
	}
	lf_buf_reset(buf);
	lf_line_error(buf, conn->is_jsonrpc, id, fault, data);
	if (!lf_buf_error(buf))
		lf_conn_send(conn, buf->data, buf->len, false);
}

void lf_conn_error_field(struct lf_conn *conn, const char *id,
			 const char *field)
{
	char data[96];

	snprintf(data, sizeof(data), "{\"field\":\"%s\"}", field);
	lf_conn_error(conn, id, LF_FAULT_PARAMS, data);
}

void lf_conn_error_retry(struct lf_conn *conn, const char *id,
			 enum lf_fault fault, int64_t retry_ms)
{
	char data[64];

	snprintf(data, sizeof(data), "{\"retry_ms\":%lld}",
		 (long long)retry_ms);
	lf_conn_error(conn, id, fault, data);
}

/* Outside the sequence, like hello and ping: it ends the connection only. */
void lf_conn_bye(struct lf_conn *conn, const char *reason, int64_t retry_ms,
		 int code)
{
	struct lf_buf buf = {0};

	if (conn->is_closing || !conn->io)
		return;
	lf_line_event(&buf, conn->is_jsonrpc, "bye");
	lf_buf_adds(&buf, "{\"reason\":");
	lf_buf_add_json(&buf, reason);
	if (retry_ms)
		lf_line_int(&buf, "retry_ms", retry_ms);
	lf_buf_addc(&buf, '}');
	lf_line_end(&buf, -1);
	if (!lf_buf_error(&buf))
		conn->ops->send(conn->io, buf.data, buf.len);
	lf_buf_done(&buf);
	lf_conn_close(conn, code, reason);
}

/* ---- the end ---- */

static void leave(struct lf_conn *conn)
{
	lf_list_del(&conn->node);
	lf_list_add_tail(&conn->console->dead, &conn->node);
	lf_console_wake(conn->console);
}

void lf_conn_close(struct lf_conn *conn, int code, const char *reason)
{
	if (conn->is_closing || !conn->io)
		return;
	conn->is_closing = true;
	leave(conn);
	conn->ops->close(conn->io, code, reason);
	if (!conn->ops->closes_later)
		conn->io = NULL;
}

void lf_conn_gone(struct lf_conn *conn)
{
	conn->is_closing = true;
	conn->io = NULL;
	leave(conn);
}

void lf_conn_reap(struct lf_conn *conn)
{
	struct lf_console *console = conn->console;

	if (conn->login)
		lf_login_abandon(conn->login);
	if (conn->session)
		lf_session_detach(conn->session);
	lf_list_del(&conn->node);
	if (conn->io) { /* its close is still to be told */
		lf_list_add_tail(&console->conns, &conn->node);
		return;
	}
	console->stats.connections--;
	lf_lines_done(&conn->lines);
	lf_buf_done(&conn->held);
	free(conn);
}

static void ping(struct lf_conn *conn)
{
	struct lf_buf *buf = &conn->console->line;

	conn->is_pinged = true;
	lf_buf_reset(buf);
	lf_line_event(buf, conn->is_jsonrpc, "ping");
	lf_buf_adds(buf, "{}");
	lf_conn_reply_end(conn, -1);
}

void lf_conn_tick(struct lf_conn *conn, int64_t now_ms)
{
	int64_t silent_ms = now_ms - conn->heard_ms;

	if (conn->is_closing || !conn->io)
		return;
	if (!conn->session && now_ms - conn->opened_ms > LF_LOGIN_MS)
		lf_conn_bye(conn, "login_timeout", 0, LF_CLOSE_POLICY);
	else if (silent_ms > LF_SILENT_MS)
		lf_conn_bye(conn, "silent", 0, LF_CLOSE_POLICY);
	else if (is_stuck(conn, now_ms))
		part_slow(conn);
	else if (silent_ms > LF_PING_MS && !conn->is_pinged)
		ping(conn);
}

void lf_conn_work(struct lf_conn *conn, int delta)
{
	conn->in_work += (unsigned)delta;
	pause_if_busy(conn);
}
