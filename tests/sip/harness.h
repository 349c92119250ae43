/*
 * tests/sip/harness.h - one loop, one endpoint of ours, and a peer that is
 * either another endpoint or a bare UDP socket with hand-written messages.
 * Nothing sleeps: the loop runs until a condition, with one deadline.
 */
#ifndef LF_TESTS_SIP_HARNESS_H
#define LF_TESTS_SIP_HARNESS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>
#include <uv.h>

#include "core/timer.h"
#include "sip/sip.h"
#include "sip/subscribe.h"
#include "sip/trunk.h"

struct bench {
	uv_loop_t loop;
	struct lf_timers *timers;
	uv_timer_t tick; /* what happens inside sofia wakes nobody else */
	unsigned closing;
};

void bench_open(struct bench *b);
void bench_close(struct bench *b); /* after every lf_sip; runs the loop out */
struct lf_sip *bench_sip(struct bench *b, const char *address);
struct lf_sip *bench_sip_opts(struct bench *b, const struct lf_sip_opts *opts);
void bench_sip_close(struct bench *b, struct lf_sip *sip);

/* Runs the loop until `cond`; fails the test after 20 s. */
#define RUN_UNTIL(b, cond)                                                     \
	do {                                                                   \
		uint64_t deadline_ = uv_hrtime() + UINT64_C(20000000000);      \
		while (!(cond)) {                                              \
			if (uv_hrtime() > deadline_)                           \
				fail_msg("never: %s", #cond);                  \
			bench_turn(b);                                         \
		}                                                              \
	} while (0)
void bench_turn(struct bench *b); /* waits for something to happen */
void bench_turns(struct bench *b, int n);

/* ---- a peer made of one UDP socket ---- */
struct raw {
	struct bench *bench;
	uv_udp_t udp;
	uint16_t port;
	struct sockaddr_in from; /* who sends to us */
	char last[8192];         /* what raw_expect() took */
	char sent[8192];         /* what raw_send() sent last */
	char *queue[64];         /* arrived, without OPTIONS */
	unsigned received, taken, options;
	bool is_mute; /* answers no OPTIONS */
	int options_status;
};

void raw_open(struct raw *r, struct bench *b);
void raw_close(struct raw *r);
void raw_send(struct raw *r, uint16_t port, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Takes the next message, waits for it if need be; checks how it begins. */
void raw_expect(struct raw *r, const char *start);
/* A header of the last message, as a static text; "" if it has none. */
const char *raw_header(const struct raw *r, const char *name);
/* Answers the last message; `extra` are header lines with CR LF. */
void raw_reply(struct raw *r, const char *status_line, const char *to_tag,
	       const char *extra);
/* The NOTIFY of a dialog that the last SUBSCRIBE began. */
void raw_notify(struct raw *r, uint16_t port, const char *subscribe,
		const char *tag, unsigned cseq, const char *extra,
		const char *body);

#endif
