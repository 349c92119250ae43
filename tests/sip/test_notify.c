/*
 * tests/sip/test_notify.c - a subscriber and a notifier of ours talk to each
 * other, over every transport.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sip/pair.h"

#include "core/banned.h"

static void converse(const struct pair_opts *opts)
{
	struct pair p;

	pair_open(&p, opts);
	pair_subscribe(&p, 3600);
	assert_int_equal(200, p.status);
	assert_int_equal(LF_TRUNK_UP, lf_sip_trunk_state(p.trunk));
	assert_true(lf_sip_sub_has_dialog(p.sub));
	assert_string_equal("presence", lf_sip_notifier_event(p.notifier));

	pair_notify(&p, LF_SUB_ACTIVE, "<presence/>");
	assert_int_equal(200, p.result);
	assert_string_equal("<presence/>", p.body);
	assert_string_equal("application/pidf+xml", p.type);
	assert_int_equal(LF_SUB_ACTIVE, p.notify.state);
	assert_int_equal(600, p.notify.expires_s);

	pair_subscribe(&p, 300);
	assert_int_equal(1, p.refreshes);
	assert_int_equal(300, p.refresh_s);
	pair_notify(&p, LF_SUB_PENDING, NULL);
	assert_int_equal(LF_SUB_PENDING, p.notify.state);
	assert_string_equal("", p.type);

	pair_subscribe(&p, 0);
	assert_int_equal(0, p.refresh_s);
	assert_false(lf_sip_sub_has_dialog(p.sub));
	pair_notify(&p, LF_SUB_TERMINATED, NULL);
	assert_int_equal(LF_SUB_TERMINATED, p.notify.state);
	pair_close(&p);
}

static void they_converse_over_udp(void **state)
{
	converse(&(const struct pair_opts){.transport = LF_SIP_UDP});
}

static void they_converse_over_tcp(void **state)
{
	converse(&(const struct pair_opts){.transport = LF_SIP_TCP});
}

static void they_converse_over_ipv6(void **state)
{
	converse(&(const struct pair_opts){.address = "::1"});
}

/* A connection takes what a burst puts into it; only a message is bounded. */
static void a_burst_over_tcp_is_not_lost(void **state)
{
	struct lf_sip_sub *subs[300];
	char body[8000];
	struct pair p;

	pair_open(&p, &(struct pair_opts){.transport = LF_SIP_TCP});
	memset(body, 'x', sizeof(body));
	p.greeting = body;
	p.greeting_len = sizeof(body);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(0, lf_sip_sub_new(&subs[i], p.trunk,
						   &pair_sub_opts,
						   &pair_sub_ops, &p));
		assert_int_equal(0, lf_sip_subscribe(subs[i], 600));
	}
	RUN_UNTIL(&p.bench, p.responses == 300 && p.results == 300);
	assert_int_equal(300, p.notifies);
	assert_int_equal(200, p.status);
	for (int i = 0; i < 300; i++)
		lf_sip_sub_leave(subs[i]);
	pair_close(&p);
}

static void a_message_over_the_limit_gets_413(void **state)
{
	static char body[300 * 1024];
	struct pair p;

	pair_open(&p, &(struct pair_opts){.transport = LF_SIP_TCP});
	memset(body, 'x', sizeof(body));
	p.greeting = body;
	p.greeting_len = sizeof(body);
	assert_int_equal(0, lf_sip_subscribe(p.sub, 600));
	RUN_UNTIL(&p.bench, p.results == 1);
	assert_int_equal(413, p.result);
	assert_int_equal(0, p.notifies);
	pair_close(&p);
}

static int send_body(struct pair *p, enum lf_sip_substate state,
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

	return lf_sip_notifier_send(p->notifier, &out);
}

static void one_is_in_flight_and_the_newest_waits(void **state)
{
	struct pair p;

	pair_open(&p, &(struct pair_opts){0});
	pair_subscribe(&p, 600);
	assert_int_equal(0, send_body(&p, LF_SUB_ACTIVE, "first"));
	assert_int_equal(0, send_body(&p, LF_SUB_ACTIVE, "replaced"));
	assert_int_equal(0, send_body(&p, LF_SUB_ACTIVE, "newest"));
	RUN_UNTIL(&p.bench, p.results == 2);
	assert_int_equal(2, p.notifies);
	assert_string_equal("newest", p.body);
	pair_close(&p);
}

/* Freed at once, and still the watcher hears of the end. */
static void the_last_notify_leaves_after_the_notifier(void **state)
{
	struct pair p;

	pair_open(&p, &(struct pair_opts){0});
	pair_subscribe(&p, 600);
	assert_int_equal(0, send_body(&p, LF_SUB_ACTIVE, "first"));
	assert_int_equal(0, send_body(&p, LF_SUB_TERMINATED, "last"));
	assert_int_equal(-EPIPE, send_body(&p, LF_SUB_ACTIVE, "too late"));
	pair_free_notifiers(&p);
	RUN_UNTIL(&p.bench, p.notifies == 2);
	assert_string_equal("last", p.body);
	assert_int_equal(LF_SUB_TERMINATED, p.notify.state);
	assert_int_equal(0, p.results);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_converse_over_udp),
		cmocka_unit_test(they_converse_over_tcp),
		cmocka_unit_test(they_converse_over_ipv6),
		cmocka_unit_test(one_is_in_flight_and_the_newest_waits),
		cmocka_unit_test(the_last_notify_leaves_after_the_notifier),
		cmocka_unit_test(a_burst_over_tcp_is_not_lost),
		cmocka_unit_test(a_message_over_the_limit_gets_413),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
