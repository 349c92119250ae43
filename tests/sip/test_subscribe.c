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
#include "sip/digest.h"
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
		.password = "secret",
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

/* RFC 3265 and UDP: nothing says that the 200 comes first. */
static void a_notify_may_come_before_the_answer(void **state)
{
	struct stage *s = *state;

	ask(s);
	notify(s, "one", 7, ACTIVE TYPED, "early");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_string_equal("early", s->body);
	assert_true(lf_sip_sub_is_waiting(s->sub));

	lf_text_copy(s->pbx.last, sizeof(s->pbx.last), s->subscribe);
	answer(s);
	assert_true(lf_sip_sub_has_dialog(s->sub));
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE sip:pbx@127.0.0.1");
	assert_non_null(strstr(raw_header(&s->pbx, "To"), "tag=one"));
}

static void one_fork_is_kept_and_the_others_get_481(void **state)
{
	struct stage *s = *state;

	ask(s);
	notify(s, "two", 1, ACTIVE TYPED, "second branch");
	raw_expect(&s->pbx, "SIP/2.0 200");
	lf_text_copy(s->pbx.last, sizeof(s->pbx.last), s->subscribe);
	answer(s); /* with the tag of the other branch */
	notify(s, "one", 1, ACTIVE TYPED, "first branch");
	raw_expect(&s->pbx, "SIP/2.0 481");
	assert_int_equal(1, s->notifies);
	notify(s, "two", 2, ACTIVE TYPED, "again");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_string_equal("again", s->body);
}

/* CUCM leaves expires out; older peers the whole header, or Event. */
static void missing_headers_are_read_as_active(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	notify(s, "one", 1, "Event: presence\r\nSubscription-State: active\r\n",
	       "");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_int_equal(LF_SUB_ACTIVE, s->notify.state);
	assert_int_equal(LF_SIP_ABSENT, s->notify.expires_s);
	assert_string_equal("", s->type);
	notify(s, "one", 2, TYPED, "x");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_int_equal(LF_SUB_ACTIVE, s->notify.state);
	assert_string_equal("x", s->body);
}

static void the_end_carries_its_reason(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	notify(s, "one", 1,
	       "Event: presence\r\nSubscription-State: "
	       "terminated;reason=probation;retry-after=33\r\n",
	       "");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_int_equal(LF_SUB_TERMINATED, s->notify.state);
	assert_int_equal(LF_REASON_PROBATION, s->notify.reason);
	assert_int_equal(33, s->notify.retry_after_s);
	assert_false(lf_sip_sub_has_dialog(s->sub));

	char old[64];
	lf_text_copy(old, sizeof(old), lf_sip_sub_call_id(s->sub));
	ask(s); /* anew */
	assert_string_not_equal(old, raw_header(&s->pbx, "Call-ID"));
	assert_null(strstr(raw_header(&s->pbx, "To"), "tag="));
}

static void an_old_notify_is_refused_and_not_delivered(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	notify(s, "one", 5, ACTIVE TYPED, "new");
	raw_expect(&s->pbx, "SIP/2.0 200");
	notify(s, "one", 5, ACTIVE TYPED, "same number, other branch");
	raw_expect(&s->pbx, "SIP/2.0 500");
	notify(s, "one", 4, ACTIVE TYPED, "old");
	raw_expect(&s->pbx, "SIP/2.0 500");
	assert_int_equal(1, s->notifies);
	assert_string_equal("new", s->body);
}

/* Nothing keeps a transaction for us: we know our own by their branch. */
static void a_copy_of_a_notify_is_answered_alike_and_told_once(void **state)
{
	struct stage *s = *state;
	char copies[3][4096];

	ask(s);
	answer(s);
	for (unsigned i = 0; i < 3; i++) {
		notify(s, "one", i + 1, ACTIVE TYPED, "x");
		lf_text_copy(copies[i], sizeof(copies[i]), s->pbx.sent);
		raw_expect(&s->pbx, "SIP/2.0 200");
	}
	for (unsigned i = 0; i < 3; i++) {
		raw_send(&s->pbx, our_port(s), "%s", copies[i]);
		raw_expect(&s->pbx, "SIP/2.0 200");
	}
	assert_int_equal(3, s->notifies);
}

static void a_notify_for_another_event_gets_489(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	notify(s, "one", 1, "Event: dialog\r\nSubscription-State: active\r\n",
	       "");
	raw_expect(&s->pbx, "SIP/2.0 489");
	assert_int_equal(0, s->notifies);
}

/* CUCM notifies from any node: the dialog counts, not the address. */
static void a_notify_from_another_port_is_taken(void **state)
{
	struct stage *s = *state;
	struct raw node;

	raw_open(&node, &s->bench);
	ask(s);
	answer(s);
	raw_notify(&node, our_port(s), s->subscribe, "one", 1, ACTIVE TYPED,
		   "from the other node");
	raw_expect(&node, "SIP/2.0 200");
	assert_string_equal("from the other node", s->body);
	/* Its Contact is the target now, but the way leads over the trunk. */
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE sip:pbx@127.0.0.1:");
	raw_close(&node);
}

static void a_refusal_tells_when_to_try_again(void **state)
{
	struct stage *s = *state;

	ask(s);
	raw_reply(&s->pbx, "423 Interval Too Brief", "x",
		  "Min-Expires: 7200\r\nRetry-After: 9\r\n");
	RUN_UNTIL(&s->bench, s->responses == 1);
	assert_int_equal(423, s->response.status);
	assert_int_equal(7200, s->response.min_expires_s);
	assert_int_equal(9, s->response.retry_after_s);
	assert_int_equal(LF_SIP_ABSENT, s->response.expires_s);
	assert_false(lf_sip_sub_has_dialog(s->sub));
}

static void a_481_to_a_refresh_ends_the_dialog(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE");
	raw_reply(&s->pbx, "481 Gone", "one", "");
	RUN_UNTIL(&s->bench, s->responses == 2);
	assert_int_equal(481, s->response.status);
	assert_false(lf_sip_sub_has_dialog(s->sub));
}

static void a_503_to_a_refresh_leaves_the_dialog(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE");
	raw_reply(&s->pbx, "503 Busy", "one", "Retry-After: 5\r\n");
	RUN_UNTIL(&s->bench, s->responses == 2);
	assert_int_equal(503, s->response.status);
	assert_true(lf_sip_sub_has_dialog(s->sub));
}

static void expires_0_without_a_dialog_fetches_once(void **state)
{
	struct stage *s = *state;

	assert_int_equal(0, lf_sip_subscribe(s->sub, 0));
	raw_expect(&s->pbx, "SUBSCRIBE");
	lf_text_copy(s->subscribe, sizeof(s->subscribe), s->pbx.last);
	assert_string_equal("0", raw_header(&s->pbx, "Expires"));
	answer(s);
	assert_false(lf_sip_sub_has_dialog(s->sub));
	notify(s, "one", 1,
	       TYPED "Subscription-State: terminated;reason=timeout\r\n",
	       "state");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_string_equal("state", s->body);
	assert_int_equal(LF_REASON_TIMEOUT, s->notify.reason);
}

static void what_is_freed_unsubscribes_by_itself(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	lf_sip_sub_free(s->sub);
	s->sub = NULL;
	raw_expect(&s->pbx, "SUBSCRIBE");
	assert_string_equal("0", raw_header(&s->pbx, "Expires"));
	raw_reply(&s->pbx, "200 OK", "one", "Expires: 0\r\n");
	notify(s, "one", 1, "Subscription-State: terminated\r\n", "");
	raw_expect(&s->pbx, "SIP/2.0 200");
	notify(s, "one", 2, "Subscription-State: terminated\r\n", "");
	raw_expect(&s->pbx, "SIP/2.0 481");
	assert_int_equal(0, s->notifies);
}

static void
what_is_freed_while_asking_unsubscribes_after_the_answer(void **state)
{
	struct stage *s = *state;

	ask(s);
	lf_sip_sub_free(s->sub);
	s->sub = NULL;
	raw_reply(&s->pbx, "200 OK", "one",
		  "Contact: <sip:x@127.0.0.1>\r\nExpires: 60\r\n");
	raw_expect(&s->pbx, "SUBSCRIBE sip:x@127.0.0.1");
	assert_string_equal("0", raw_header(&s->pbx, "Expires"));
	raw_reply(&s->pbx, "200 OK", "one", "");
	assert_int_equal(0, s->responses);
}

static void it_may_be_freed_inside_its_notify(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	s->free_in_notify = true;
	notify(s, "one", 1, ACTIVE TYPED, "last");
	raw_expect(&s->pbx, "SUBSCRIBE"); /* answers leave with the turn */
	assert_string_equal("0", raw_header(&s->pbx, "Expires"));
	raw_reply(&s->pbx, "200 OK", "one", "");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_int_equal(1, s->notifies);
}

static void a_record_route_is_followed(void **state)
{
	struct stage *s = *state;

	ask(s);
	raw_reply(&s->pbx, "200 OK", "one",
		  "Record-Route: <sip:127.0.0.1;lr>\r\n"
		  "Contact: <sip:deep@10.9.9.9>\r\n");
	RUN_UNTIL(&s->bench, s->responses == 1);
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE sip:deep@10.9.9.9");
	assert_non_null(
		strstr(raw_header(&s->pbx, "Route"), "<sip:127.0.0.1;lr>"));
}

/* RFC 3261, 12.2.1.1: a router of RFC 2543 is the request's URI. */
static void a_strict_router_comes_first(void **state)
{
	struct stage *s = *state;

	ask(s);
	raw_reply(&s->pbx, "200 OK", "one",
		  "Record-Route: <sip:near@127.0.0.1>, <sip:10.0.0.1;lr>\r\n"
		  "Contact: <sip:deep@10.9.9.9>\r\n");
	RUN_UNTIL(&s->bench, s->responses == 1);
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE sip:deep@10.9.9.9");
	raw_reply(&s->pbx, "200 OK", "one", "");
	RUN_UNTIL(&s->bench, s->responses == 2);
	lf_sip_sub_reset(s->sub);

	ask(s);
	raw_reply(&s->pbx, "200 OK", "one",
		  "Record-Route: <sip:10.0.0.1;lr>, <sip:near@127.0.0.1>\r\n"
		  "Contact: <sip:deep@10.9.9.9>\r\n");
	RUN_UNTIL(&s->bench, s->responses == 3);
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE sip:near@127.0.0.1 SIP/2.0");
	assert_non_null(strstr(s->pbx.last, "Route: <sip:10.0.0.1;lr>\r\n"
					    "Route: <sip:deep@10.9.9.9>\r\n"));
}

/* More than a peer has any use for: nothing of it is followed. */
static void too_long_a_route_is_not_followed(void **state)
{
	struct stage *s = *state;
	struct lf_buf extra = {0};

	lf_buf_adds(&extra, "Contact: <sip:deep@10.9.9.9>\r\nRecord-Route: ");
	for (int i = 0; i < 100; i++)
		lf_buf_addf(&extra, "%s<sip:10.0.0.%d;lr>", i ? "," : "", i);
	lf_buf_adds(&extra, "\r\n");
	ask(s);
	raw_reply(&s->pbx, "200 OK", "one", lf_buf_str(&extra));
	lf_buf_done(&extra);
	RUN_UNTIL(&s->bench, s->responses == 1);
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE sip:200@pbx.example");
	assert_string_equal("", raw_header(&s->pbx, "Route"));
}

static void garbage_changes_nothing(void **state)
{
	static const char *const junk[] = {
		"\r\n\r\n",
		"NOTIFY",
		"NOTIFY sip:x SIP/2.0\r\n\r\n",
		"SIP/2.0 200 OK\r\nCall-ID: x\r\n\r\n",
		"SIP/2.0 999999 \r\nVia: ,,,\r\n\r\n",
		("NOTIFY sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n"
		 "From: <<<\r\nTo: \"\r\nCall-ID: 1\r\nCSeq: x y\r\n\r\n"),
		"\xff\xfe\x80\x01",
	};
	struct stage *s = *state;

	ask(s);
	answer(s);
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
		raw_send(&s->pbx, our_port(s), "%s", junk[i]);
	bench_turns(&s->bench, 50);
	notify(s, "one", 1, ACTIVE TYPED, "still here");
	RUN_UNTIL(&s->bench, s->notifies == 1);
	assert_string_equal("still here", s->body);
}

static void bad_uris_and_damaged_dialogs_are_refused(void **state)
{
	static const char *const uris[] = {
		"", "200", "tel:200", "sip:", "sip:a@b>\r\nX: y", "http://a/"};
	static const char *const saved[] = {
		"",
		"1",
		"1 c a b 1 1 - - -",
		"2 c a b 1 1 - -",
		"1 c a b 0 1 - -",
		"1 c a b x 1 - -",
		"1 c a b 1 99999999999 - -",
		"1 c a;x b 1 1 - -",
		"1 0123456789012345678901234 a b 1 1 - -",
		"1 c a b 1 1 nonsense -",
		"1  a b 1 1 - -",
	};
	struct lf_sip_sub_opts opts = presence;
	struct stage *s = *state;
	struct lf_sip_sub *sub;

	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		opts.uri = uris[i];
		assert_int_equal(-EINVAL, lf_sip_sub_new(&sub, s->trunk, &opts,
							 &ops, s));
	}
	opts.uri = presence.uri;
	for (size_t i = 0; i < sizeof(saved) / sizeof(saved[0]); i++) {
		opts.saved = saved[i];
		if (lf_sip_sub_new(&sub, s->trunk, &opts, &ops, s) != -EINVAL)
			fail_msg("accepted: '%s'", saved[i]);
	}
}

/* The second endpoint goes on where the first one stopped. */
static void a_saved_dialog_goes_on_with_a_higher_cseq(void **state)
{
	struct lf_sip_trunk_opts trunk_opts = {
		.name = "pbx",
		.host = "127.0.0.1",
		.uri = "lampfield@pbx.example",
		.probe_ms = 60000,
	};
	struct lf_sip_sub_opts opts = presence;
	struct stage *s = *state;
	struct lf_buf saved = {0}, again = {0};
	struct lf_sip *second;
	struct lf_sip_trunk *trunk;
	struct lf_sip_sub *sub;
	uint32_t cseq;

	assert_int_equal(-ENOENT, lf_sip_sub_save(s->sub, 10, &saved));
	ask(s);
	raw_reply(&s->pbx, "200 OK", "one",
		  "Record-Route: <sip:127.0.0.1;lr>,<sip:10.0.0.1;lr>\r\n"
		  "Contact: <sip:deep@10.9.9.9>\r\n");
	RUN_UNTIL(&s->bench, s->responses == 1);
	notify(s, "one", 41, ACTIVE TYPED, "before");
	raw_expect(&s->pbx, "SIP/2.0 200");
	cseq = lf_sip_sub_cseq(s->sub);
	assert_int_equal(0, lf_sip_sub_save(s->sub, 10, &saved));
	lf_sip_sub_leave(s->sub);
	s->sub = NULL;

	second = bench_sip(&s->bench, "127.0.0.1");
	trunk_opts.port = s->pbx.port;
	assert_int_equal(
		0, lf_sip_trunk_new(&trunk, second, &trunk_opts, NULL, NULL));
	opts.saved = lf_buf_str(&saved);
	assert_int_equal(0, lf_sip_sub_new(&sub, trunk, &opts, &ops, s));
	assert_true(lf_sip_sub_has_dialog(sub));
	assert_int_equal(cseq + 10, lf_sip_sub_cseq(sub));
	assert_int_equal(0, lf_sip_sub_save(sub, 0, &again));
	assert_string_equal(lf_buf_str(&saved), lf_buf_str(&again));

	/* Where the NOTIFY's Contact moved it. */
	assert_int_equal(0, lf_sip_subscribe(sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE sip:pbx@127.0.0.1");
	assert_true(strtoul(raw_header(&s->pbx, "CSeq"), NULL, 10) ==
		    cseq + 11);
	assert_non_null(strstr(raw_header(&s->pbx, "To"), "tag=one"));
	assert_non_null(strstr(raw_header(&s->pbx, "Route"), "10.0.0.1"));
	raw_reply(&s->pbx, "200 OK", "one", "");
	RUN_UNTIL(&s->bench, s->responses == 2);
	raw_notify(&s->pbx, lf_sip_port(second, LF_SIP_UDP), s->subscribe,
		   "one", 41, ACTIVE TYPED, "old");
	raw_expect(&s->pbx, "SIP/2.0 500");
	raw_notify(&s->pbx, lf_sip_port(second, LF_SIP_UDP), s->subscribe,
		   "one", 42, ACTIVE TYPED, "after");
	raw_expect(&s->pbx, "SIP/2.0 200");
	assert_string_equal("after", s->body);

	lf_sip_sub_leave(sub);
	lf_sip_trunk_free(trunk);
	bench_sip_close(&s->bench, second);
	lf_buf_done(&saved);
	lf_buf_done(&again);
}

/* The response that the password gives to what the peer received. */
static void check_credentials(const struct raw *r, const char *algorithm)
{
	char line[512], *words[16] = {NULL}, *rest = line, *word;
	char ha1[65], expected[65];
	struct lf_digest d;
	size_t n = 0;

	lf_text_copy(line, sizeof(line), raw_header(r, "Authorization"));
	assert_true(lf_text_starts(line, "Digest "));
	rest += 7;
	while (n < 15 && (word = strsep(&rest, ",")) != NULL)
		words[n++] = lf_text_trim(word);
	assert_int_equal(
		0, lf_digest_parse(&d, "Digest", (const char *const *)words));
	assert_int_equal(!strcmp(algorithm, "SHA-256"), d.is_sha256);
	assert_string_equal("lampfield", d.username);
	lf_digest_ha1(ha1, d.is_sha256, d.username, d.realm, "secret");
	lf_digest_response(expected, &d, ha1, "SUBSCRIBE");
	assert_string_equal(expected, d.response);
}

static void a_challenge_is_answered_in_its_algorithm(void **state)
{
	static const char *const algorithms[] = {"MD5", "SHA-256"};
	struct stage *s = *state;
	char challenge[256];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
		raw_expect(&s->pbx, "SUBSCRIBE");
		snprintf(challenge, sizeof(challenge),
			 "WWW-Authenticate: Digest realm=\"r\", "
			 "nonce=\"n%d\", algorithm=SHA-512-256\r\n"
			 "WWW-Authenticate: Digest realm=\"pbx\", "
			 "nonce=\"n%d\", algorithm=%s, qop=\"auth\", "
			 "stale=true\r\n",
			 i, i, algorithms[i]);
		raw_reply(&s->pbx, "401 Unauthorized", "one", challenge);
		raw_expect(&s->pbx, "SUBSCRIBE");
		check_credentials(&s->pbx, algorithms[i]);
		raw_reply(&s->pbx, "404 Not Found", "one", "");
		RUN_UNTIL(&s->bench, s->responses == (unsigned)i + 1);
		assert_int_equal(404, s->response.status);
	}
	assert_true(lf_sip_trunk_has_credentials(s->trunk));
}

static void everything_may_be_closed_in_mid_flight(void **state)
{
	struct stage *s = *state;

	ask(s);
	answer(s);
	assert_int_equal(0, lf_sip_subscribe(s->sub, 600));
	raw_expect(&s->pbx, "SUBSCRIBE");
	notify(s, "one", 1, ACTIVE TYPED, "never delivered");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_up, stage_down)
		TEST(a_subscription_is_answered_and_notified),
		TEST(a_notify_may_come_before_the_answer),
		TEST(one_fork_is_kept_and_the_others_get_481),
		TEST(missing_headers_are_read_as_active),
		TEST(the_end_carries_its_reason),
		TEST(an_old_notify_is_refused_and_not_delivered),
		TEST(a_copy_of_a_notify_is_answered_alike_and_told_once),
		TEST(a_notify_for_another_event_gets_489),
		TEST(a_notify_from_another_port_is_taken),
		TEST(a_refusal_tells_when_to_try_again),
		TEST(a_481_to_a_refresh_ends_the_dialog),
		TEST(a_503_to_a_refresh_leaves_the_dialog),
		TEST(expires_0_without_a_dialog_fetches_once),
		TEST(what_is_freed_unsubscribes_by_itself),
		TEST(what_is_freed_while_asking_unsubscribes_after_the_answer),
		TEST(it_may_be_freed_inside_its_notify),
		TEST(a_record_route_is_followed),
		TEST(a_strict_router_comes_first),
		TEST(too_long_a_route_is_not_followed),
		TEST(garbage_changes_nothing),
		TEST(bad_uris_and_damaged_dialogs_are_refused),
		TEST(a_saved_dialog_goes_on_with_a_higher_cseq),
		TEST(a_challenge_is_answered_in_its_algorithm),
		TEST(everything_may_be_closed_in_mid_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
