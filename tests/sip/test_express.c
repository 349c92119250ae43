/*
 * tests/sip/test_express.c - the express lane over real sockets, under a clock
 * that only the test moves, with a socket that refuses when the test says so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/text.h"
#include "sip/flight.h"
#include "sip/notify.h"
#include "tests/oom.h"
#include "tests/sip/harness.h"

#include "core/banned.h"

#define WATCHERS 400
#define LIFE_MS 32000
#define BATCH 256 /* of express.c */

/* ---- the clock ---- */

static int64_t now_ms;

int64_t __wrap_lf_mono_ms(void);
int64_t __wrap_lf_mono_ms(void)
{
	return now_ms;
}

/* ---- the socket ---- */

static struct {
	int err;       /* of each call, until it is 0 */
	int then_err;  /* after the next call that went well */
	unsigned most; /* datagrams of a call; 0: as many as are given */
	unsigned calls;
	bool is_once; /* the error */
} sending;

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

static struct scene {
	struct bench bench;
	struct lf_sip *sip;
	struct lf_timer pulse;
	unsigned pulses;
	struct lf_sip_notifier *all[WATCHERS];
	unsigned count, results;
	int status;
	bool frees; /* the notifier in its own callback */
	int fd;
	uint16_t port;
	struct sockaddr_in from;
	char text[4096], first[4096];
} scene;

/* With one that is always due next, each step of the clock is noticed. */
static void on_pulse(struct lf_timer *timer, void *arg)
{
	scene.pulses++;
	lf_timer_start(scene.bench.timers, timer, 1);
}

static void pass(int64_t ms)
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

static const struct lf_sip_notifier_ops ops = {.on_refresh = on_refresh,
					       .on_result = on_result};

static void on_subscribe(struct lf_sip_request *req, void *arg)
{
	struct lf_sip_notifier **n = &scene.all[scene.count];
	int err = lf_sip_notifier_accept(n, req, 200, 600, &ops, n);

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

static int setup(void **state)
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

static int teardown(void **state)
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
static bool take(void)
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

static void expect(const char *start)
{
	RUN_UNTIL(&scene.bench, take());
	if (strncmp(scene.text, start, strlen(start)))
		fail_msg("expected %s, got %s", start, scene.text);
}

static unsigned count_arrived(void)
{
	unsigned n = 0;

	while (take())
		n++;
	return n;
}

static void say(const char *text)
{
	assert_int_equal(strlen(text), sendto(scene.fd, text, strlen(text), 0,
					      (struct sockaddr *)&scene.from,
					      sizeof(scene.from)));
}

static void ask(const char *params)
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
	say(text);
}

static struct lf_sip_notifier *subscribe(const char *params)
{
	unsigned i = scene.count;

	ask(params);
	RUN_UNTIL(&scene.bench, scene.count > i);
	expect("SIP/2.0 200");
	return scene.all[i];
}

static void subscribe_many(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		subscribe("");
}

static int notify_state(struct lf_sip_notifier *n, enum lf_sip_substate state,
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

static void notify(struct lf_sip_notifier *n, const char *body)
{
	assert_int_equal(0, notify_state(n, LF_SUB_ACTIVE, body));
	bench_turns(&scene.bench, 2);
}

static void notify_all(const char *body)
{
	for (unsigned i = 0; i < scene.count; i++)
		assert_int_equal(
			0, notify_state(scene.all[i], LF_SUB_ACTIVE, body));
	bench_turns(&scene.bench, 2);
}

/* The branch of the NOTIFY in scene.text. */
static const char *branch(void)
{
	static char out[64];
	const char *at = strstr(scene.text, ";branch=");

	assert_non_null(at);
	at += strlen(";branch=");
	snprintf(out, sizeof(out), "%.*s", (int)strcspn(at, ";\r"), at);
	return out;
}

static void answer_with(const char *status, const char *its_branch)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=%s\r\n"
		 "Content-Length: 0\r\n\r\n",
		 status, its_branch);
	say(text);
}

static void answer(const char *status)
{
	answer_with(status, branch());
}

/* Whatever has arrived was read: what is sent now comes after it. */
static void let_it_read(void)
{
	bench_turns(&scene.bench, 6);
}

static bool is_express(void)
{
	return ntohs(scene.from.sin_port) != lf_sip_port(scene.sip, LF_SIP_UDP);
}

/* ---- retransmissions ---- */

/* RFC 3261, 17.1.2.2: 0.5, 1, 2, 4, 4, 4 s ... and 408 after 64 T1. */
static void silence_climbs_the_ladder_to_its_end(void **state)
{
	static const int64_t due[] = {500,   1500,  3500,  7500,  11500,
				      15500, 19500, 23500, 27500, 31500};
	int64_t begun_ms;

	notify(subscribe(""), "state");
	expect("NOTIFY sip:w@127.0.0.1");
	assert_true(is_express());
	memcpy(scene.first, scene.text, sizeof(scene.first));
	begun_ms = now_ms;
	for (size_t i = 0; i < sizeof(due) / sizeof(*due); i++) {
		pass(begun_ms + due[i] - 1 - now_ms);
		assert_int_equal(0, count_arrived());
		pass(2 * LF_FLIGHT_TICK_MS);
		assert_true(take());
		assert_string_equal(scene.first, scene.text);
		assert_false(take());
	}
	pass(begun_ms + LIFE_MS - 1 - now_ms);
	assert_int_equal(0, scene.results);
	pass(2 * LF_FLIGHT_TICK_MS);
	assert_int_equal(1, scene.results);
	assert_int_equal(408, scene.status);
	pass(100000);
	assert_int_equal(0, count_arrived());
	assert_int_equal(1, scene.results);
}

static void a_provisional_answer_makes_it_patient(void **state)
{
	notify(subscribe(""), "state");
	expect("NOTIFY");
	answer("100 Trying");
	let_it_read();
	assert_int_equal(0, scene.results);
	pass(600); /* the timer that ran */
	assert_int_equal(1, count_arrived());
	pass(3800);
	assert_int_equal(0, count_arrived());
	pass(200);
	assert_true(take());
	answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 1);
	assert_int_equal(200, scene.status);
}

static void a_wheel_that_stood_still_for_hours_turns_again(void **state)
{
	struct lf_sip_notifier *n = subscribe("");

	notify(n, "first");
	expect("NOTIFY");
	answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 1);
	for (int i = 0; i < 3; i++)
		pass(INT64_C(36000123));
	notify(n, "second");
	expect("NOTIFY");
	pass(499);
	assert_int_equal(0, count_arrived());
	pass(101);
	assert_int_equal(1, count_arrived());
	pass(1000);
	assert_int_equal(1, count_arrived());
}

static void a_loop_that_was_blocked_sends_once_and_goes_on(void **state)
{
	notify(subscribe(""), "state");
	expect("NOTIFY");
	pass(20000);
	assert_int_equal(1, count_arrived());
	assert_int_equal(0, scene.results);
	pass(20000);
	assert_int_equal(1, scene.results);
}

/* ---- answers ---- */

static void an_answer_is_known_by_its_branch_alone(void **state)
{
	notify(subscribe(""), "state");
	expect("NOTIFY");
	answer("202 Whatever"); /* no From, no Call-ID, no CSeq */
	RUN_UNTIL(&scene.bench, scene.results == 1);
	assert_int_equal(202, scene.status);
	pass(10000);
	assert_int_equal(0, count_arrived());
}

static void what_is_no_answer_to_it_changes_nothing(void **state)
{
	char wrong[64];

	notify(subscribe(""), "state");
	expect("NOTIFY");
	snprintf(wrong, sizeof(wrong), "%s", branch());
	for (size_t i = 7; i < strlen(wrong); i++) { /* behind z9hG4bK */
		char was = wrong[i];

		wrong[i] = was == '0' ? '1' : '0';
		answer_with("200 OK", wrong);
		wrong[i] = was;
	}
	answer_with("99 Too Low", wrong);
	answer_with("700 Too High", wrong);
	answer_with("200 OK", "z9hG4bK");
	say("");
	say("\r\n\r\n");
	say("SIP/2.0 200 OK\r\n\r\n");
	say("NOTIFY sip:x SIP/2.0\r\n\r\n");
	let_it_read();
	assert_int_equal(0, scene.results);
	answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 1);
}

static void a_second_copy_of_an_answer_is_nobodys(void **state)
{
	struct lf_sip_notifier *n = subscribe("");
	char old[64];

	notify(n, "first");
	notify(n, "second"); /* waits */
	expect("NOTIFY");
	snprintf(old, sizeof(old), "%s", branch());
	for (int i = 0; i < 3; i++)
		answer_with("200 OK", old);
	expect("NOTIFY");
	assert_non_null(strstr(scene.text, "second"));
	answer_with("200 OK", old);
	let_it_read();
	assert_int_equal(1, scene.results);
	answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 2);
}

static void an_answer_after_the_end_is_too_late(void **state)
{
	notify(subscribe(""), "state");
	expect("NOTIFY");
	pass(LIFE_MS + 100);
	pass(LIFE_MS + 100);
	assert_int_equal(1, scene.results);
	answer("200 OK");
	let_it_read();
	assert_int_equal(1, scene.results);
	assert_int_equal(408, scene.status);
}

static void an_answer_to_the_other_port_counts_too(void **state)
{
	notify(subscribe(""), "state");
	expect("NOTIFY");
	scene.from.sin_port = htons(lf_sip_port(scene.sip, LF_SIP_UDP));
	answer("200 OK\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:w@b>;tag=2\r\n"
	       "Call-ID: x\r\nCSeq: 1 NOTIFY");
	RUN_UNTIL(&scene.bench, scene.results == 1);
	assert_int_equal(200, scene.status);
}

/* ---- a socket that does not take it ---- */

static void check_full_socket(int err)
{
	subscribe_many(3);
	sending.err = err;
	notify_all("state");
	assert_int_equal(0, count_arrived());
	sending.err = 0;
	for (int i = 0; i < 3; i++)
		expect("NOTIFY");
	assert_false(take());
}

static void a_full_socket_is_tried_again_when_it_has_room(void **state)
{
	check_full_socket(EAGAIN);
}

static void a_full_device_is_tried_again(void **state)
{
	check_full_socket(ENOBUFS);
}

static void one_that_cannot_be_sent_is_left_to_the_ladder(void **state)
{
	subscribe_many(3);
	sending.err = ENETUNREACH;
	sending.is_once = true;
	notify_all("state");
	assert_int_equal(2, count_arrived()); /* the others are not held up */
	pass(600);
	assert_int_equal(3, count_arrived());
}

static void a_call_that_takes_a_few_is_followed_by_more(void **state)
{
	subscribe_many(150);
	sending.most = 7;
	notify_all("state");
	RUN_UNTIL(&scene.bench, sending.calls >= 150 / 7);
	bench_turns(&scene.bench, 3);
	assert_int_equal(150, count_arrived());
}

static void many_of_a_turn_leave_together(void **state)
{
	subscribe_many(200);
	sending.calls = 0;
	notify_all("state");
	assert_int_equal(200, count_arrived());
	assert_in_range(sending.calls, 1, 4); /* 64 a call */
}

/* What found no room in the batch is brought back by the wheel. */
static void more_than_the_batch_holds_comes_with_the_wheel(void **state)
{
	unsigned seen = 0;

	subscribe_many(WATCHERS);
	sending.err = EAGAIN;
	notify_all("state");
	sending.err = 0;
	RUN_UNTIL(&scene.bench, (seen += count_arrived()) >= BATCH);
	bench_turns(&scene.bench, 3);
	seen += count_arrived();
	assert_int_equal(BATCH, seen);
	pass(600); /* the others for the first time, these for the second */
	RUN_UNTIL(&scene.bench, (seen += count_arrived()) >= BATCH + WATCHERS);
	assert_int_equal(BATCH + WATCHERS, seen);
}

static void what_waits_for_the_socket_is_there_once(void **state)
{
	notify(subscribe(""), "state");
	expect("NOTIFY");
	sending.err = EAGAIN;
	pass(600);
	pass(1000);
	pass(2000); /* three are due, and none was sent */
	sending.err = 0;
	expect("NOTIFY");
	bench_turns(&scene.bench, 3);
	assert_false(take());
}

static void one_answered_while_it_waits_is_not_sent(void **state)
{
	subscribe_many(2);
	notify_all("state");
	expect("NOTIFY");
	memcpy(scene.first, scene.text, sizeof(scene.first));
	expect("NOTIFY");
	sending.err = EAGAIN;
	pass(600);
	memcpy(scene.text, scene.first, sizeof(scene.text));
	answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 1);
	sending.err = 0;
	expect("NOTIFY");
	assert_string_not_equal(scene.first, scene.text);
	bench_turns(&scene.bench, 3);
	assert_false(take());
}

/* One has left; the places of the others in the batch are new. */
static void one_answered_behind_another_that_left_is_not_sent(void **state)
{
	char branches[3][64];

	subscribe_many(3);
	notify_all("state");
	for (int i = 0; i < 3; i++) {
		expect("NOTIFY");
		snprintf(branches[i], sizeof(branches[i]), "%s", branch());
	}
	sending.most = 1;
	sending.then_err = EAGAIN;
	pass(600);
	expect("NOTIFY");
	assert_string_equal(branches[0], branch());
	answer_with("200 OK", branches[2]);
	RUN_UNTIL(&scene.bench, scene.results == 1);
	sending.err = sending.then_err = 0;
	expect("NOTIFY");
	assert_string_equal(branches[1], branch());
	bench_turns(&scene.bench, 3);
	assert_false(take());
}

static void what_waits_leaves_before_we_close(void **state)
{
	assert_int_equal(0, notify_state(subscribe(""), LF_SUB_ACTIVE, "bye"));
	lf_sip_notifier_free(scene.all[0]);
	scene.all[0] = NULL;
	bench_sip_close(&scene.bench, scene.sip);
	assert_true(take());
	assert_non_null(strstr(scene.text, "bye"));
	scene.sip = bench_sip(&scene.bench, "127.0.0.1");
}

/* ---- who is freed ---- */

static void a_freed_one_goes_on_without_us(void **state)
{
	notify(subscribe(""), "state");
	expect("NOTIFY");
	lf_sip_notifier_free(scene.all[0]);
	scene.all[0] = NULL;
	pass(600);
	assert_int_equal(1, count_arrived());
	answer("200 OK");
	let_it_read();
	pass(1100);
	assert_int_equal(0, count_arrived());
	assert_int_equal(0, scene.results);
}

static void a_freed_one_that_is_never_answered_ends(void **state)
{
	notify(subscribe(""), "state");
	lf_sip_notifier_free(scene.all[0]);
	scene.all[0] = NULL;
	pass(LIFE_MS);
	pass(LIFE_MS);
	count_arrived();
	pass(LIFE_MS);
	assert_int_equal(0, count_arrived());
}

static void a_farewell_leaves_after_its_owner_did(void **state)
{
	struct lf_sip_notifier *n = subscribe("");

	notify(n, "first");
	assert_int_equal(0, notify_state(n, LF_SUB_TERMINATED, "last"));
	lf_sip_notifier_free(n);
	scene.all[0] = NULL;
	expect("NOTIFY");
	answer("200 OK");
	expect("NOTIFY");
	assert_non_null(strstr(scene.text, "last"));
	answer("200 OK");
	let_it_read();
	assert_int_equal(0, scene.results);
}

static void one_may_be_freed_in_its_own_callback(void **state)
{
	scene.frees = true;
	subscribe_many(4);
	notify_all("state");
	notify(scene.all[1], "waits");
	notify(scene.all[3], "waits");
	for (int i = 0; i < 2; i++) { /* two are answered */
		expect("NOTIFY");
		answer("200 OK");
	}
	RUN_UNTIL(&scene.bench, scene.results == 2);
	pass(LIFE_MS);
	pass(LIFE_MS); /* two are lost */
	assert_int_equal(4, scene.results);
	for (int i = 0; i < 4; i++)
		assert_null(scene.all[i]);
	pass(LIFE_MS);
	assert_int_equal(4, scene.results);
}

static void all_lost_in_one_tick_may_be_freed_in_it(void **state)
{
	scene.frees = true;
	subscribe_many(100);
	notify_all("state");
	pass(LIFE_MS);
	pass(LIFE_MS);
	assert_int_equal(100, scene.results);
}

/* ---- which lane ---- */

/* Bytes of the NOTIFY with a body of so many; -1: it went the other way. */
static long size_with(struct lf_sip_notifier *n, size_t body_len)
{
	static char body[4096];
	unsigned before = scene.results;
	long size;

	memset(body, 'x', sizeof(body));
	body[body_len] = '\0';
	notify(n, body);
	expect("NOTIFY");
	size = is_express() ? (long)strlen(scene.text) : -1;
	answer("200 OK\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:w@b>;tag=2\r\n"
	       "Call-ID: x\r\nCSeq: 1 NOTIFY");
	if (size < 0)
		pass(LIFE_MS);
	else
		RUN_UNTIL(&scene.bench, scene.results > before);
	return size;
}

static void a_datagram_of_1300_bytes_is_the_largest(void **state)
{
	struct lf_sip_notifier *n = subscribe(";transport=udp");
	long size = size_with(n, 500);

	assert_in_range(size, 800, 1100);
	assert_int_equal(1300, size_with(n, (size_t)(500 + 1300 - size)));
	assert_int_equal(-1, size_with(n, (size_t)(500 + 1301 - size)));
}

static void who_is_not_reached_directly_takes_the_other(void **state)
{
	static const char *const params[] = {";maddr=127.0.0.1",
					     ";transport=tcp", ";ob"};

	for (size_t i = 0; i < 3; i++)
		subscribe(params[i]);
	notify_all("state");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(i == 2,
				 !strcmp("express", lf_sip_notifier_transport(
							    scene.all[i])));
}

/* ---- out of memory ---- */

static void live(struct lf_sip_notifier *n)
{
	struct lf_buf saved = {0};

	if (!notify_state(n, LF_SUB_ACTIVE, "first"))
		notify_state(n, LF_SUB_TERMINATED, "last"); /* waits */
	for (int i = 0; i < 2; i++) {
		let_it_read();
		while (take() && strncmp(scene.text, "NOTIFY", 6))
			;
		if (!strncmp(scene.text, "NOTIFY", 6))
			answer("200 OK");
	}
	let_it_read();
	assert_false(lf_sip_notifier_is_busy(n));
	lf_sip_notifier_save(n, 1000, &saved);
	lf_sip_notifier_free(n);
	if (!lf_buf_error(&saved) &&
	    !lf_sip_notifier_restore(&n, scene.sip, saved.data, saved.len, &ops,
				     &scene.all[0]))
		lf_sip_notifier_free(n);
	lf_buf_done(&saved);
}

static int one_life(void *arg)
{
	scene.count = 0;
	ask("");
	let_it_read();
	if (scene.count)
		live(scene.all[0]);
	scene.count = 0;
	count_arrived();
	return lf_oom_has_failed() ? -ENOMEM : 0;
}

static void it_survives_every_failed_allocation(void **state)
{
	assert_in_range(lf_oom_sweep(one_life, NULL), 10, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(silence_climbs_the_ladder_to_its_end),
		T(a_provisional_answer_makes_it_patient),
		T(a_wheel_that_stood_still_for_hours_turns_again),
		T(a_loop_that_was_blocked_sends_once_and_goes_on),
		T(an_answer_is_known_by_its_branch_alone),
		T(what_is_no_answer_to_it_changes_nothing),
		T(a_second_copy_of_an_answer_is_nobodys),
		T(an_answer_after_the_end_is_too_late),
		T(an_answer_to_the_other_port_counts_too),
		T(a_full_socket_is_tried_again_when_it_has_room),
		T(a_full_device_is_tried_again),
		T(one_that_cannot_be_sent_is_left_to_the_ladder),
		T(a_call_that_takes_a_few_is_followed_by_more),
		T(many_of_a_turn_leave_together),
		T(more_than_the_batch_holds_comes_with_the_wheel),
		T(what_waits_for_the_socket_is_there_once),
		T(one_answered_while_it_waits_is_not_sent),
		T(one_answered_behind_another_that_left_is_not_sent),
		T(what_waits_leaves_before_we_close),
		T(a_freed_one_goes_on_without_us),
		T(a_freed_one_that_is_never_answered_ends),
		T(a_farewell_leaves_after_its_owner_did),
		T(one_may_be_freed_in_its_own_callback),
		T(all_lost_in_one_tick_may_be_freed_in_it),
		T(a_datagram_of_1300_bytes_is_the_largest),
		T(who_is_not_reached_directly_takes_the_other),
		T(it_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
