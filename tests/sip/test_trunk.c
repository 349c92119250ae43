/*
 * tests/sip/test_trunk.c - whether a peer is alive, how much is asked of it,
 * who may speak, and what is kept of it all for people.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "sip/trace.h"
#include "tests/sip/pair.h"

#include "core/banned.h"

#define SUBS 200

/* ---- pacing ---- */

static void never_more_in_flight_than_allowed(void **state)
{
	struct lf_sip_sub *subs[SUBS];
	struct lf_sip_trunk_stats stats;
	struct pair p;

	pair_open(&p, &(struct pair_opts){.max_in_flight = 10});
	p.is_holding = true;
	for (int i = 0; i < SUBS; i++) {
		assert_int_equal(0, lf_sip_sub_new(&subs[i], p.trunk,
						   &pair_sub_opts,
						   &pair_sub_ops, &p));
		assert_int_equal(0, lf_sip_subscribe(subs[i], 600));
	}
	RUN_UNTIL(&p.bench, p.held_count == 10);
	bench_turns(&p.bench, 50);
	assert_int_equal(10, p.held_count);
	lf_sip_trunk_stats(p.trunk, &stats);
	assert_int_equal(10, stats.in_flight);
	assert_int_equal(SUBS - 10, stats.queued);

	while (p.responses < SUBS) {
		while (p.held_count > 0)
			lf_sip_reply(p.held[--p.held_count], 404, "Not Found",
				     NULL);
		bench_turn(&p.bench);
	}
	lf_sip_trunk_stats(p.trunk, &stats);
	assert_int_equal(SUBS, p.subscribes);
	assert_int_equal(404, p.status);
	assert_int_equal(10, stats.max_in_flight_seen);
	assert_int_equal(0, stats.in_flight + stats.queued);
	for (int i = 0; i < SUBS; i++)
		lf_sip_sub_free(subs[i]);
	pair_close(&p);
}

/* ---- a raw peer ---- */

struct peer {
	struct bench bench;
	struct raw pbx;
	struct lf_sip *sip;
	struct lf_sip_trunk *trunk;
	struct lf_sip_sub *sub;
	enum lf_sip_trunk_state state;
	int status;
};

static void on_state(struct lf_sip_trunk *trunk, enum lf_sip_trunk_state state,
		     const char *why, void *arg)
{
	struct peer *peer = arg;

	peer->state = state;
}

static void on_response(struct lf_sip_sub *sub,
			const struct lf_sip_response *response, void *arg)
{
	struct peer *peer = arg;

	peer->status = response->status;
}

static void on_notify(struct lf_sip_sub *sub,
		      const struct lf_sip_notify *notify, void *arg)
{
}

static void peer_open(struct peer *peer, const char *host,
		      const char *const *allow)
{
	static const struct lf_sip_sub_ops ops = {on_response, on_notify};
	struct lf_sip_trunk_opts opts = {
		.name = "pbx",
		.host = host,
		.uri = "lampfield@pbx.example",
		.probe_ms = 20,
		.allow = allow,
	};

	memset(peer, 0, sizeof(*peer));
	bench_open(&peer->bench);
	raw_open(&peer->pbx, &peer->bench);
	peer->sip = bench_sip(&peer->bench, "127.0.0.1");
	opts.port = peer->pbx.port;
	assert_int_equal(0, lf_sip_trunk_new(&peer->trunk, peer->sip, &opts,
					     on_state, peer));
	assert_int_equal(0, lf_sip_sub_new(&peer->sub, peer->trunk,
					   &pair_sub_opts, &ops, peer));
}

static void peer_close(struct peer *peer)
{
	lf_sip_sub_leave(peer->sub);
	lf_sip_trunk_free(peer->trunk);
	raw_close(&peer->pbx);
	bench_sip_close(&peer->bench, peer->sip);
	bench_close(&peer->bench);
}

static void a_silent_peer_is_down_until_it_answers(void **state)
{
	struct lf_sip_trunk_stats stats;
	struct peer peer;
	unsigned before;

	peer_open(&peer, "127.0.0.1", NULL);
	RUN_UNTIL(&peer.bench, peer.state == LF_TRUNK_UP);
	peer.pbx.is_mute = true;
	assert_int_equal(0, lf_sip_subscribe(peer.sub, 600));
	RUN_UNTIL(&peer.bench, peer.status == 408);
	RUN_UNTIL(&peer.bench, peer.state == LF_TRUNK_DOWN);
	assert_string_equal("no answer for 4 s", lf_sip_trunk_why(peer.trunk));

	/* Nothing but probes while it is down. */
	before = peer.pbx.received;
	assert_int_equal(0, lf_sip_subscribe(peer.sub, 600));
	bench_turns(&peer.bench, 20);
	assert_int_equal(before, peer.pbx.received);
	lf_sip_trunk_stats(peer.trunk, &stats);
	assert_int_equal(1, stats.queued);
	assert_true(stats.timeouts >= 2);

	peer.pbx.is_mute = false;
	RUN_UNTIL(&peer.bench, peer.state == LF_TRUNK_UP);
	RUN_UNTIL(&peer.bench, peer.pbx.received > before);
	peer_close(&peer);
}

static void a_peer_that_forbids_is_forbidden(void **state)
{
	struct peer peer;

	peer_open(&peer, "127.0.0.1", NULL);
	peer.pbx.options_status = 403;
	RUN_UNTIL(&peer.bench, peer.state == LF_TRUNK_FORBIDDEN);
	assert_string_equal("403 X", lf_sip_trunk_why(peer.trunk));
	peer_close(&peer);
}

static void a_name_is_resolved_beside_the_loop(void **state)
{
	struct peer peer;

	peer_open(&peer, "localhost", NULL);
	RUN_UNTIL(&peer.bench, peer.state == LF_TRUNK_UP);
	peer_close(&peer);
}

static void a_name_that_does_not_resolve_is_down(void **state)
{
	struct peer peer;

	peer_open(&peer, "nowhere.invalid", NULL);
	RUN_UNTIL(&peer.bench, peer.state == LF_TRUNK_DOWN);
	assert_true(lf_text_starts(lf_sip_trunk_why(peer.trunk),
				   "cannot resolve nowhere.invalid"));
	peer_close(&peer);
}

static void bad_options_are_refused(void **state)
{
	static const char *const bad[] = {"10.0.0.0/33", NULL};
	struct lf_sip_trunk_opts opts = {.host = "127.0.0.1"};
	struct lf_sip_trunk *trunk;
	struct peer peer;

	peer_open(&peer, "127.0.0.1", NULL);
	opts.uri = "no-domain";
	assert_int_equal(-EINVAL,
			 lf_sip_trunk_new(&trunk, peer.sip, &opts, NULL, NULL));
	opts.uri = "a@b>\r\n";
	assert_int_equal(-EINVAL,
			 lf_sip_trunk_new(&trunk, peer.sip, &opts, NULL, NULL));
	opts.uri = "a@b";
	opts.allow = bad;
	assert_int_equal(-EINVAL,
			 lf_sip_trunk_new(&trunk, peer.sip, &opts, NULL, NULL));
	peer_close(&peer);
}

/* ---- strangers ---- */

static void raw_request(struct raw *r, struct lf_sip *sip, const char *method,
			const char *extra)
{
	static unsigned n;

	n++;
	raw_send(r, lf_sip_port(sip, LF_SIP_UDP),
		 "%s sip:200@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKq%u;rport\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:eve@127.0.0.1>;tag=e\r\n"
		 "To: <sip:200@127.0.0.1>\r\nCall-ID: stranger%u\r\n"
		 "CSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
		 method, r->port, n, n, method, extra);
}

static void strangers_get_one_403(void **state)
{
	static const char *const methods[] = {"SUBSCRIBE", "OPTIONS", "INVITE",
					      "PUBLISH"};
	struct lf_sip_stats stats;
	struct bench bench;
	struct raw eve;
	struct lf_sip *sip;

	bench_open(&bench);
	raw_open(&eve, &bench);
	sip = bench_sip(&bench, "127.0.0.1");
	for (int i = 0; i < 4; i++) {
		raw_request(&eve, sip, methods[i], "");
		raw_expect(&eve, "SIP/2.0 403");
	}
	lf_sip_stats(sip, &stats);
	assert_int_equal(4, stats.strangers);
	assert_int_equal(4, stats.requests_in);
	raw_close(&eve);
	bench_sip_close(&bench, sip);
	bench_close(&bench);
}

static void keep(struct lf_sip_request *req, void *arg)
{
	struct lf_sip_request **slot = arg;

	*slot = req;
}

static void a_trusted_peer_is_served(void **state)
{
	static const struct lf_sip_header good[] = {
		{"SIP-ETag", "e1"}, {"Expires", "60"}, {NULL, NULL}};
	static const struct lf_sip_header evil[] = {{"X", "a\r\nY: b"},
						    {NULL, NULL}};
	struct lf_sip_request *req = NULL;
	struct peer peer;
	struct lf_sip_source source;
	size_t len;

	peer_open(&peer, "127.0.0.1", NULL);
	assert_int_equal(0, lf_sip_on_request(peer.sip, "PUBLISH", keep, &req));
	assert_int_equal(-EEXIST,
			 lf_sip_on_request(peer.sip, "PUBLISH", keep, &req));

	raw_request(&peer.pbx, peer.sip, "MESSAGE", "");
	raw_expect(&peer.pbx, "SIP/2.0 405");
	assert_non_null(strstr(raw_header(&peer.pbx, "Allow"), "PUBLISH"));
	raw_request(&peer.pbx, peer.sip, "OPTIONS", "");
	raw_expect(&peer.pbx, "SIP/2.0 200");

	raw_request(&peer.pbx, peer.sip, "PUBLISH",
		    "Event: presence\r\nX-Odd: 1\r\nX-Odd: 2\r\n");
	RUN_UNTIL(&peer.bench, req != NULL);
	assert_string_equal("PUBLISH", lf_sip_request_method(req));
	assert_string_equal("sip:200@127.0.0.1", lf_sip_request_uri(req));
	assert_string_equal("sip:eve@127.0.0.1", lf_sip_request_from(req));
	assert_string_equal("presence", lf_sip_request_header(req, "Event"));
	assert_string_equal("presence", lf_sip_request_header(req, "event"));
	assert_string_equal("1, 2", lf_sip_request_header(req, "x-odd"));
	assert_null(lf_sip_request_header(req, "SIP-If-Match"));
	assert_string_equal("", lf_sip_request_body(req, &len));
	assert_int_equal(0, len);
	assert_null(lf_sip_request_user(req));
	lf_sip_request_source(req, &source);
	assert_string_equal("127.0.0.1", source.address);
	assert_int_equal(peer.pbx.port, source.port);
	lf_sip_reply(req, 200, "OK", good);
	raw_expect(&peer.pbx, "SIP/2.0 200");
	assert_string_equal("e1", raw_header(&peer.pbx, "SIP-ETag"));

	req = NULL;
	raw_request(&peer.pbx, peer.sip, "PUBLISH", "");
	RUN_UNTIL(&peer.bench, req != NULL);
	lf_sip_reply(req, 200, "OK", evil);
	raw_expect(&peer.pbx, "SIP/2.0 500");

	/* One that nobody answers before the end. */
	req = NULL;
	raw_request(&peer.pbx, peer.sip, "PUBLISH", "");
	RUN_UNTIL(&peer.bench, req != NULL);
	peer_close(&peer);
	lf_sip_reply(req, 200, "OK", NULL);
}

/* ---- connections ---- */

static void a_lost_connection_is_noticed_at_once(void **state)
{
	const struct lf_sip_opts opts = {.address = "127.0.0.1",
					 .timeout_ms = 4000};
	struct pair p;

	pair_open(&p, &(struct pair_opts){.transport = LF_SIP_TCP});
	pair_subscribe(&p, 600);
	assert_int_equal(LF_TRUNK_UP, p.state);

	pair_free_notifiers(&p);
	lf_sip_trunk_free(p.back);
	p.back = NULL;
	bench_sip_close(&p.bench, p.server);
	RUN_UNTIL(&p.bench, p.state == LF_TRUNK_DOWN);
	p.server = bench_sip_opts(&p.bench, &opts);
	pair_close(&p);
}

/* ---- digest over the wire ---- */

static void the_right_password_opens(void **state)
{
	struct lf_sip_stats stats;
	struct pair p;

	pair_open(&p,
		  &(struct pair_opts){.has_users = true, .password = "secret"});
	RUN_UNTIL(&p.bench, p.state == LF_TRUNK_UP);
	assert_true(lf_sip_trunk_has_credentials(p.trunk));
	pair_subscribe(&p, 600);
	assert_int_equal(200, p.status);
	assert_string_equal("lampfield", p.user);
	/* The nonce goes on being used: no second challenge. */
	lf_sip_stats(p.server, &stats);
	assert_int_equal(3, stats.requests_in);
	assert_int_equal(0, stats.auth_failed);
	pair_close(&p);
}

static void a_wrong_password_does_not(void **state)
{
	struct lf_sip_stats stats;
	struct pair p;

	pair_open(&p,
		  &(struct pair_opts){.has_users = true, .password = "wrong"});
	RUN_UNTIL(&p.bench, p.state == LF_TRUNK_FORBIDDEN);
	assert_false(lf_sip_trunk_has_credentials(p.trunk));
	/* And it is not offered again with every request. */
	pair_subscribe(&p, 600);
	assert_int_equal(401, p.status);
	lf_sip_stats(p.server, &stats);
	assert_int_equal(1, stats.auth_failed);
	assert_int_equal(0, p.subscribes);
	pair_close(&p);
}

/* ---- the trace ---- */

struct seen {
	unsigned count, out;
	bool has_response, has_mask, has_start;
	char peer[64];
};

static void look(const struct lf_sip_trace *message, void *arg)
{
	struct seen *seen = arg;

	seen->count++;
	seen->out += message->is_out;
	seen->has_response |= strstr(message->text, "response=") != NULL;
	seen->has_mask |=
		strstr(message->text, "Authorization: (masked)\r\n") != NULL;
	seen->has_start |= !strncmp(message->text, "SUBSCRIBE sip:200@", 18) ||
			   !strncmp(message->text, "NOTIFY ", 7);
	lf_text_copy(seen->peer, sizeof(seen->peer), message->peer);
}

static void the_trace_shows_a_dialog_without_its_secrets(void **state)
{
	struct seen seen = {0}, theirs = {0}, few = {0};
	const char *id;
	char expected[64];
	struct pair p;

	pair_open(&p,
		  &(struct pair_opts){.has_users = true, .password = "secret"});
	pair_subscribe(&p, 600);
	pair_notify(&p, LF_SUB_ACTIVE, "<presence/>");
	id = lf_sip_sub_call_id(p.sub);
	assert_int_equal(4, lf_sip_trace(p.watcher, id, 100, look, &seen));
	assert_int_equal(4, seen.count);
	assert_int_equal(2, seen.out);
	assert_true(seen.has_start);
	assert_true(seen.has_mask);
	assert_false(seen.has_response);
	snprintf(expected, sizeof(expected), "udp 127.0.0.1:%u",
		 lf_sip_port(p.server, LF_SIP_UDP));
	assert_string_equal(expected, seen.peer);

	assert_int_equal(4, lf_sip_trace(p.server, id, 100, look, &theirs));
	assert_true(theirs.has_mask);
	assert_false(theirs.has_response);
	assert_int_equal(2, lf_sip_trace(p.watcher, id, 2, look, &few));
	assert_int_equal(2, few.count);
	assert_int_equal(0, lf_sip_trace(p.watcher, "other", 9, look, &few));
	pair_close(&p);
}

static void the_trace_is_bounded_and_cuts_long_messages(void **state)
{
	struct seen seen = {0};
	char body[6000];
	struct pair p;

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	pair_open(&p, &(struct pair_opts){.transport = LF_SIP_TCP});
	pair_subscribe(&p, 600);
	for (int i = 0; i < 400; i++)
		pair_notify(&p, LF_SUB_ACTIVE, body);
	lf_sip_trace(p.watcher, lf_sip_sub_call_id(p.sub), 10000, look, &seen);
	assert_true(seen.count > 300 && seen.count < 700);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_more_in_flight_than_allowed),
		cmocka_unit_test(a_silent_peer_is_down_until_it_answers),
		cmocka_unit_test(a_peer_that_forbids_is_forbidden),
		cmocka_unit_test(a_name_is_resolved_beside_the_loop),
		cmocka_unit_test(a_name_that_does_not_resolve_is_down),
		cmocka_unit_test(bad_options_are_refused),
		cmocka_unit_test(strangers_get_one_403),
		cmocka_unit_test(a_trusted_peer_is_served),
		cmocka_unit_test(a_lost_connection_is_noticed_at_once),
		cmocka_unit_test(the_right_password_opens),
		cmocka_unit_test(a_wrong_password_does_not),
		cmocka_unit_test(the_trace_shows_a_dialog_without_its_secrets),
		cmocka_unit_test(the_trace_is_bounded_and_cuts_long_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
