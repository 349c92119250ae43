/* tests/sip/harness.c - see tests/sip/harness.h */
#include "tests/sip/harness.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"

#include "core/banned.h"

static void drop_line(enum lf_log_level level, const char *room,
		      const char *text, void *arg)
{
	if (getenv("LF_TEST_LOG"))
		fprintf(stderr, "%s: %s\n", room, text);
}

static void on_tick(uv_timer_t *timer)
{
}

void bench_open(struct bench *b)
{
	lf_log_set_sink(drop_line, NULL);
	b->closing = 0;
	assert_int_equal(0, uv_loop_init(&b->loop));
	assert_int_equal(0, lf_timers_new(&b->timers, &b->loop));
	uv_timer_init(&b->loop, &b->tick);
	uv_timer_start(&b->tick, on_tick, 2, 2);
	uv_unref((uv_handle_t *)&b->tick);
}

void bench_close(struct bench *b)
{
	lf_timers_close(b->timers);
	uv_close((uv_handle_t *)&b->tick, NULL);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_int_equal(0, b->closing);
	assert_int_equal(0, uv_loop_close(&b->loop));
}

struct lf_sip *bench_sip_opts(struct bench *b, const struct lf_sip_opts *opts)
{
	struct lf_sip *sip = NULL;

	assert_int_equal(0, lf_sip_new(&sip, b->timers, opts));
	return sip;
}

struct lf_sip *bench_sip(struct bench *b, const char *address)
{
	const struct lf_sip_opts opts = {
		.address = address,
		.timeout_ms = 4000,
		.trace_bytes = 1 << 20,
	};

	return bench_sip_opts(b, &opts);
}

static void on_sip_closed(void *arg)
{
	struct bench *b = arg;

	b->closing--;
}

void bench_sip_close(struct bench *b, struct lf_sip *sip)
{
	b->closing++;
	lf_sip_close(sip, on_sip_closed, b);
}

void bench_turn(struct bench *b)
{
	uv_run(&b->loop, UV_RUN_ONCE);
}

void bench_turns(struct bench *b, int n)
{
	while (n-- > 0)
		uv_run(&b->loop, UV_RUN_NOWAIT);
}

/* ---- raw ---- */

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	static char room[65536];

	*buf = uv_buf_init(room, sizeof(room) - 1);
}

static const char *header_of(const char *message, const char *name);
static void reply_to(struct raw *r, const char *message,
		     const char *status_line, const char *to_tag,
		     const char *extra);

static void on_datagram(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
			const struct sockaddr *from, unsigned flags)
{
	struct raw *r = udp->data;
	char status[32];

	if (n <= 0 || !from)
		return;
	buf->base[n] = '\0';
	memcpy(&r->from, from, sizeof(r->from));
	if (strncmp(buf->base, "OPTIONS", 7)) {
		assert_true(r->received - r->taken < 64);
		r->queue[r->received++ % 64] = strdup(buf->base);
		return;
	}
	r->options++;
	snprintf(status, sizeof(status), "%d X", r->options_status);
	if (!r->is_mute)
		reply_to(r, buf->base, status, "opt", "");
}

void raw_open(struct raw *r, struct bench *b)
{
	struct sockaddr_in addr;
	int len = sizeof(addr);

	memset(r, 0, sizeof(*r));
	r->bench = b;
	r->options_status = 200;
	uv_udp_init(&b->loop, &r->udp);
	r->udp.data = r;
	uv_ip4_addr("127.0.0.1", 0, &addr);
	assert_int_equal(
		0, uv_udp_bind(&r->udp, (const struct sockaddr *)&addr, 0));
	uv_udp_getsockname(&r->udp, (struct sockaddr *)&addr, &len);
	r->port = ntohs(addr.sin_port);
	uv_udp_recv_start(&r->udp, give_room, on_datagram);
}

void raw_close(struct raw *r)
{
	while (r->taken < r->received)
		free(r->queue[r->taken++ % 64]);
	uv_close((uv_handle_t *)&r->udp, NULL);
}

static void send_text(struct raw *r, const struct sockaddr *to,
		      const char *text)
{
	uv_buf_t buf = uv_buf_init(strdup(text), (unsigned)strlen(text));

	assert_int_equal((int)strlen(text),
			 uv_udp_try_send(&r->udp, &buf, 1, to));
	free(buf.base);
}

void raw_send(struct raw *r, uint16_t port, const char *fmt, ...)
{
	struct sockaddr_in to;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	assert_true(vasprintf(&text, fmt, ap) > 0);
	va_end(ap);
	uv_ip4_addr("127.0.0.1", port, &to);
	send_text(r, (const struct sockaddr *)&to, text);
	lf_text_copy(r->sent, sizeof(r->sent), text);
	free(text);
}

void raw_expect(struct raw *r, const char *start)
{
	char *next;

	RUN_UNTIL(r->bench, r->received > r->taken);
	next = r->queue[r->taken++ % 64];
	lf_text_copy(r->last, sizeof(r->last), next);
	free(next);
	if (strncmp(r->last, start, strlen(start)))
		fail_msg("expected %s, got %s", start, r->last);
}

static const char *header_of(const char *message, const char *name)
{
	static char values[8][512];
	static unsigned next;
	char *value = values[next++ % 8];
	char want[64];
	const char *at, *end;

	value[0] = '\0';
	snprintf(want, sizeof(want), "\r\n%s: ", name);
	at = strstr(message, want);
	if (!at)
		return value;
	at += strlen(want);
	end = strstr(at, "\r\n");
	snprintf(value, 512, "%.*s", (int)(end - at), at);
	return value;
}

const char *raw_header(const struct raw *r, const char *name)
{
	return header_of(r->last, name);
}

static void reply_to(struct raw *r, const char *message,
		     const char *status_line, const char *to_tag,
		     const char *extra)
{
	const char *to = header_of(message, "To");
	bool is_tagged = strstr(to, "tag=");
	char text[4096];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\n"
		 "Call-ID: %s\r\nCSeq: %s\r\n%sContent-Length: 0\r\n\r\n",
		 status_line, header_of(message, "Via"),
		 header_of(message, "From"), to,
		 is_tagged ? "" : ";tag=", is_tagged ? "" : to_tag,
		 header_of(message, "Call-ID"), header_of(message, "CSeq"),
		 extra);
	send_text(r, (const struct sockaddr *)&r->from, text);
}

void raw_reply(struct raw *r, const char *status_line, const char *to_tag,
	       const char *extra)
{
	reply_to(r, r->last, status_line, to_tag, extra);
}

void raw_notify(struct raw *r, uint16_t port, const char *subscribe,
		const char *tag, unsigned cseq, const char *extra,
		const char *body)
{
	static unsigned branch;
	char contact[256] = "", to[512];
	const char *c = header_of(subscribe, "Contact");

	snprintf(contact, sizeof(contact), "%.*s", (int)strcspn(c + 1, ">"),
		 c + 1);
	snprintf(to, sizeof(to), "%s", header_of(subscribe, "To"));
	if (strstr(to, ";tag="))
		*strstr(to, ";tag=") = '\0';
	raw_send(r, port,
		 "NOTIFY %s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKraw%u\r\n"
		 "From: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n"
		 "CSeq: %u NOTIFY\r\nContact: <sip:pbx@127.0.0.1:%u>\r\n"
		 "%sContent-Length: %zu\r\n\r\n%s",
		 contact, r->port, ++branch, to, tag,
		 header_of(subscribe, "From"), header_of(subscribe, "Call-ID"),
		 cseq, r->port, extra, strlen(body), body);
}
