/*
 * tests/sip/test_subscribe.c - a subscriber of ours against a peer of
 * hand-written messages: what RFC 3265 peers, forking proxies and garbage do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "tests/sip/harness.h"

#include "core/banned.h"

#define ACTIVE "Event: presence\r\nSubscription-State: active;expires=60\r\n"
#define TYPED "Content-Type: application/pidf+xml;charset=utf-8\r\n"

struct stage {
	struct bench bench;
	struct raw pbx;
	struct lf_sip *sip;
	struct lf_sip_trunk *trunk;
	struct lf_sip_sub *sub;
	unsigned states, responses, notifies;
	enum lf_sip_trunk_state state;
	struct lf_sip_response response;
	struct lf_sip_notify notify;
	char type[128], body[256];
	char subscribe[4096]; /* the first one, as the peer saw it */
	bool free_in_notify;
};

static void on_state(struct lf_sip_trunk *trunk, enum lf_sip_trunk_state state,
		     const char *why, void *arg)
{
	struct stage *s = arg;

	s->state = state;
	s->states++;
}

static void on_response(struct lf_sip_sub *sub,
			const struct lf_sip_response *response, void *arg)
{
	struct stage *s = arg;

	s->response = *response;
	s->responses++;
}

static void on_notify(struct lf_sip_sub *sub,
		      const struct lf_sip_notify *notify, void *arg)
{
	struct stage *s = arg;

	s->notify = *notify;
	snprintf(s->type, sizeof(s->type), "%s", notify->content_type);
	snprintf(s->body, sizeof(s->body), "%.*s", (int)notify->len,
		 notify->body);
	s->notifies++;
	if (s->free_in_notify) {
		lf_sip_sub_free(sub);
		s->sub = NULL;
	}
}

static const struct lf_sip_sub_ops ops = {on_response, on_notify};
static const struct lf_sip_sub_opts presence = {
	.uri = "sip:200@pbx.example",
	.event = "presence",
	.accept = "application/pidf+xml",
};

static int stage_up(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));
	struct lf_sip_trunk_opts opts = {
		.name = "pbx",
		.host = "127.0.0.1",
		.uri = "lampfield@pbx.example",
		.probe_ms = 60000,
	};

	bench_open(&s->bench);
	raw_open(&s->pbx, &s->bench);
	s->sip = bench_sip(&s->bench, "127.0.0.1");
	opts.port = s->pbx.port;
	assert_int_equal(
		0, lf_sip_trunk_new(&s->trunk, s->sip, &opts, on_state, s));
	assert_int_equal(0,
			 lf_sip_sub_new(&s->sub, s->trunk, &presence, &ops, s));
	*state = s;
	return 0;
}

static int stage_down(void **state)
{
	struct stage *s = *state;

	lf_sip_sub_leave(s->sub);
	lf_sip_trunk_free(s->trunk);
	raw_close(&s->pbx);
	bench_sip_close(&s->bench, s->sip);
	bench_close(&s->bench);
	free(s);
	return 0;
}

static uint16_t our_port(const struct stage *s)
{
	return lf_sip_port(s->sip, LF_SIP_UDP);
}

static void ask(struct stage *s)
{
	assert_int_equal(0, lf_sip_subscribe(s->sub, 3600));
	raw_expect(&s->pbx, "SUBSCRIBE sip:200@pbx.example SIP/2.0");
	lf_text_copy(s->subscribe, sizeof(s->subscribe), s->pbx.last);
}

static void answer(struct stage *s)
{
	char contact[64];

	snprintf(contact, sizeof(contact),
		 "Contact: <sip:pbx@127.0.0.1:%u>\r\nExpires: 1800\r\n",
		 s->pbx.port);
	raw_reply(&s->pbx, "200 OK", "one", contact);
	RUN_UNTIL(&s->bench, s->responses == 1);
}

static void notify(struct stage *s, const char *tag, unsigned cseq,
		   const char *extra, const char *body)
{
	raw_notify(&s->pbx, our_port(s), s->subscribe, tag, cseq, extra, body);
}

static void a_subscription_is_answered_and_notified(void **state)
{
	struct stage *s = *state;

	ask(s);
	assert_string_equal("presence", raw_header(&s->pbx, "Event"));
	assert_string_equal("3600", raw_header(&s->pbx, "Expires"));
	assert_string_equal("application/pidf+xml",
			    raw_header(&s->pbx, "Accept"));
	assert_true(lf_sip_sub_is_waiting(s->sub));
	assert_int_equal(-EALREADY, lf_sip_subscribe(s->sub, 60));
	answer(s);
	assert_int_equal(200, s->response.status);
	assert_int_equal(1800, s->response.expires_s);
	assert_int_equal(LF_SIP_ABSENT, s->response.retry_after_s);
	assert_true(lf_sip_sub_has_dialog(s->sub));

	notify(s, "one", 1, ACTIVE TYPED, "<presence/>");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_int_equal(1, s->notifies);
	assert_int_equal(LF_SUB_ACTIVE, s->notify.state);
	assert_int_equal(60, s->notify.expires_s);
	assert_string_equal("application/pidf+xml;charset=utf-8", s->type);
	assert_string_equal("<presence/>", s->body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_up, stage_down)
		TEST(a_subscription_is_answered_and_notified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
