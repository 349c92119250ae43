/* tests/sip/express_rig.c - see express_rig.h. */
#include "tests/sip/express_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"
#include "tests/oom.h"

#include "core/banned.h"

/* ---- the clock ---- */

int64_t now_ms;

int64_t __wrap_lf_mono_ms(void);
int64_t __wrap_lf_mono_ms(void)
{
	return now_ms;
}

/* ---- the socket ---- */

struct sending sending;

int __real_sendmmsg(int fd, struct mmsghdr *out, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *out, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *out, unsigned n, int flags)
{
	sending.calls++;
	if (sending.err) {
		errno = sending.err;
		sending.err = sending.is_once ? 0 : sending.err;
		return -1;
	}
	if (sending.most && n > sending.most)
		n = sending.most;
	sending.err = sending.then_err;
	return __real_sendmmsg(fd, out, n, flags);
}

/* ---- the server, and the phones on one socket ---- */

struct scene scene;

/* With one that is always due next, each step of the clock is noticed. */
static void on_pulse(struct lf_timer *timer, void *arg)
{
	scene.pulses++;
	lf_timer_start(scene.bench.timers, timer, 1);
}

void scene_pass(int64_t ms)
{
	unsigned before = scene.pulses;

	now_ms += ms;
	RUN_UNTIL(&scene.bench, scene.pulses > before);
	bench_turns(&scene.bench, 3);
}

static void on_refresh(struct lf_sip_notifier *n, struct lf_sip_request *req,
		       uint32_t expires_s, void *arg)
{
	lf_sip_notifier_answer(n, req, 200, "OK", expires_s);
}

static void on_result(struct lf_sip_notifier *n, int status, void *arg)
{
	scene.results++;
	scene.status = status;
	if (scene.frees) {
		lf_sip_notifier_free(n);
		*(struct lf_sip_notifier **)arg = NULL;
	}
}

const struct lf_sip_notifier_ops scene_ops = {.on_refresh = on_refresh,
					      .on_result = on_result};

static void on_subscribe(struct lf_sip_request *req, void *arg)
{
	struct lf_sip_notifier **n = &scene.all[scene.count];
	int err = lf_sip_notifier_accept(n, req, 200, 600, &scene_ops, n);

	assert_true(!err || lf_oom_has_failed());
	if (err)
		lf_sip_reply(req, 500, "Server Internal Error", NULL);
	else
		scene.count++;
}

static void open_phones(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	const int size = 4 << 20;
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	scene.fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(scene.fd >= 0);
	setsockopt(scene.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	assert_int_equal(0, bind(scene.fd, (struct sockaddr *)&addr, len));
	getsockname(scene.fd, (struct sockaddr *)&addr, &len);
	scene.port = ntohs(addr.sin_port);
}

int scene_setup(void **state)
{
	static const char *const trusted[] = {"127.0.0.1", NULL};
	const struct lf_sip_opts opts = {
		.address = "127.0.0.1",
		.timeout_ms = LIFE_MS,
		.trusted = trusted,
		.has_express_lane = true,
	};

	memset(&scene, 0, sizeof(scene));
	memset(&sending, 0, sizeof(sending));
	now_ms = 1000000;
	bench_open(&scene.bench);
	lf_timer_init(&scene.pulse, on_pulse, NULL);
	lf_timer_start(scene.bench.timers, &scene.pulse, 1);
	scene.sip = bench_sip_opts(&scene.bench, &opts);
	assert_int_equal(0, lf_sip_on_repeatable(scene.sip, "SUBSCRIBE",
						 on_subscribe, NULL));
	open_phones();
	return 0;
}

int scene_teardown(void **state)
{
	for (unsigned i = 0; i < scene.count; i++)
		lf_sip_notifier_free(scene.all[i]);
	lf_timer_stop(scene.bench.timers, &scene.pulse);
	bench_sip_close(&scene.bench, scene.sip);
	bench_close(&scene.bench);
	close(scene.fd);
	return 0;
}

/* ---- phones ---- */

/* The next datagram that has arrived. */
bool scene_take(void)
{
	socklen_t len = sizeof(scene.from);
	ssize_t n =
		recvfrom(scene.fd, scene.text, sizeof(scene.text) - 1,
			 MSG_DONTWAIT, (struct sockaddr *)&scene.from, &len);

	if (n < 0)
		return false;
	scene.text[n] = '\0';
	return true;
}

void scene_expect(const char *start)
{
	RUN_UNTIL(&scene.bench, scene_take());
	if (strncmp(scene.text, start, strlen(start)))
		fail_msg("expected %s, got %s", start, scene.text);
}

unsigned scene_count_arrived(void)
{
	unsigned n = 0;

	while (scene_take())
		n++;
	return n;
}

void scene_say(const char *text)
{
	assert_int_equal(strlen(text), sendto(scene.fd, text, strlen(text), 0,
					      (struct sockaddr *)&scene.from,
					      sizeof(scene.from)));
}

void scene_ask(const char *params)
{
	static unsigned calls;
	unsigned call = ++calls;
	char text[1024];

	snprintf(text, sizeof(text),
		 "SUBSCRIBE sip:anna@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKs%u\r\n"
		 "From: <sip:w@127.0.0.1>;tag=w%u\r\n"
		 "To: <sip:anna@127.0.0.1>\r\nCall-ID: call%u\r\n"
		 "CSeq: 1 SUBSCRIBE\r\nEvent: presence\r\n"
		 "Contact: <sip:w@127.0.0.1:%u%s>\r\n"
		 "Content-Length: 0\r\n\r\n",
		 scene.port, call, call, call, scene.port, params);
	memset(&scene.from, 0, sizeof(scene.from));
	scene.from.sin_family = AF_INET;
	scene.from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	scene.from.sin_port = htons(lf_sip_port(scene.sip, LF_SIP_UDP));
	scene_say(text);
}

struct lf_sip_notifier *scene_subscribe(const char *params)
{
	unsigned i = scene.count;

	scene_ask(params);
	RUN_UNTIL(&scene.bench, scene.count > i);
	scene_expect("SIP/2.0 200");
	return scene.all[i];
}

void scene_subscribe_many(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		scene_subscribe("");
}

int scene_notify_state(struct lf_sip_notifier *n, enum lf_sip_substate state,
		       const char *body)
{
	const struct lf_sip_notify_out out = {
		.state = state,
		.expires_s = 600,
		.retry_after_s = LF_SIP_ABSENT,
		.content_type = "text/plain",
		.body = body,
		.len = strlen(body),
	};

	return lf_sip_notifier_send(n, &out);
}

void scene_notify(struct lf_sip_notifier *n, const char *body)
{
	assert_int_equal(0, scene_notify_state(n, LF_SUB_ACTIVE, body));
	bench_turns(&scene.bench, 2);
}

void scene_notify_all(const char *body)
{
	for (unsigned i = 0; i < scene.count; i++)
		assert_int_equal(0, scene_notify_state(scene.all[i],
						       LF_SUB_ACTIVE, body));
	bench_turns(&scene.bench, 2);
}

/* The branch of the NOTIFY in scene.text. */
const char *scene_branch(void)
{
	static char out[64];
	const char *at = strstr(scene.text, ";branch=");

	assert_non_null(at);
	at += strlen(";branch=");
	snprintf(out, sizeof(out), "%.*s", (int)strcspn(at, ";\r"), at);
	return out;
}

void scene_answer_with(const char *status, const char *its_branch)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=%s\r\n"
		 "Content-Length: 0\r\n\r\n",
		 status, its_branch);
	scene_say(text);
}

void scene_answer(const char *status)
{
	scene_answer_with(status, scene_branch());
}

/* Whatever has arrived was read: what is sent now comes after it. */
void scene_let_it_read(void)
{
	bench_turns(&scene.bench, 6);
}

bool scene_is_express(void)
{
	return ntohs(scene.from.sin_port) != lf_sip_port(scene.sip, LF_SIP_UDP);
}
