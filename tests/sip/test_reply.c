/*
 * tests/sip/test_reply.c - answers without a transaction, read by a peer made
 * of one UDP socket: what RFC 3261, 8.2.6 and 18.2.2 say they hold and where
 * they go.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "tests/sip/harness.h"

#include "core/banned.h"

static const char *const trusted[] = {"127.0.0.1", NULL};

struct peer {
	struct bench bench;
	struct raw raw;
	struct lf_sip *sip;
	unsigned asked;
};

static const struct lf_sip_header extra[] = {{"SIP-ETag", "e1"}, {NULL, NULL}};

static void on_publish(struct lf_sip_request *req, void *arg)
{
	struct peer *peer = arg;

	peer->asked++;
	lf_sip_reply(req, 200, "OK", extra);
}

static void peer_open_on(struct peer *peer, const char *address)
{
	const struct lf_sip_opts opts = {.address = address,
					 .trusted = trusted};

	memset(peer, 0, sizeof(*peer));
	bench_open(&peer->bench);
	raw_open(&peer->raw, &peer->bench);
	peer->sip = bench_sip_opts(&peer->bench, &opts);
	assert_int_equal(0, lf_sip_on_repeatable(peer->sip, "PUBLISH",
						 on_publish, peer));
}

static void peer_open(struct peer *peer)
{
	peer_open_on(peer, "127.0.0.1");
}

static void peer_close(struct peer *peer)
{
	raw_close(&peer->raw);
	bench_sip_close(&peer->bench, peer->sip);
	bench_close(&peer->bench);
}

/* The Via lines and the four that an answer repeats are the caller's. */
static void publish(struct peer *peer, const char *vias, const char *lines)
{
	raw_send(&peer->raw, lf_sip_port(peer->sip, LF_SIP_UDP),
		 "PUBLISH sip:200@127.0.0.1 SIP/2.0\r\n%sMax-Forwards: 70\r\n"
		 "%sEvent: presence\r\nContent-Length: 0\r\n\r\n",
		 vias, lines);
}

#define USUAL                                                                  \
	"From: <sip:eve@127.0.0.1>;tag=e\r\nTo: <sip:200@127.0.0.1>\r\n"       \
	"Call-ID: c1\r\nCSeq: 1 PUBLISH\r\n"

static void an_answer_repeats_the_lines_as_they_came(void **state)
{
	struct peer peer;

	peer_open(&peer);
	publish(&peer, "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport\r\n",
		"From: \"Eve, \\\"E\\\"\"  "
		"<sip:eve@127.0.0.1;x=y>;tag=e;z=1\r\n"
		"t: sip:200@127.0.0.1\r\nCall-ID:   A-b@c \r\n"
		"CSeq: 007 PUBLISH\r\n");
	raw_expect(&peer.raw, "SIP/2.0 200 OK\r\n");
	assert_string_equal(
		"\"Eve, \\\"E\\\"\"  <sip:eve@127.0.0.1;x=y>;tag=e;z=1",
		raw_header(&peer.raw, "From"));
	assert_string_equal("A-b@c", raw_header(&peer.raw, "Call-ID"));
	assert_string_equal("007 PUBLISH", raw_header(&peer.raw, "CSeq"));
	assert_string_equal("e1", raw_header(&peer.raw, "SIP-ETag"));
	assert_string_equal("0", raw_header(&peer.raw, "Content-Length"));
	assert_true(lf_text_starts(raw_header(&peer.raw, "To"),
				   "sip:200@127.0.0.1;tag="));
	peer_close(&peer);
}

static void each_copy_gets_the_same_tag(void **state)
{
	static const char via[] =
		"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport\r\n";
	struct peer peer;
	char to[128];

	peer_open(&peer);
	publish(&peer, via, USUAL);
	raw_expect(&peer.raw, "SIP/2.0 200");
	lf_text_copy(to, sizeof(to), raw_header(&peer.raw, "To"));
	publish(&peer, via, USUAL);
	raw_expect(&peer.raw, "SIP/2.0 200");
	assert_string_equal(to, raw_header(&peer.raw, "To"));
	assert_int_equal(2, peer.asked);
	peer_close(&peer);
}

static void folded_lines_are_unfolded(void **state)
{
	struct peer peer;

	peer_open(&peer);
	publish(&peer, "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport\r\n",
		"From: <sip:eve@127.0.0.1>\r\n ;tag=e\r\n"
		"To: <sip:200@127.0.0.1>\r\nCall-ID: c1\r\n"
		"CSeq: 1\r\n\tPUBLISH\r\n");
	raw_expect(&peer.raw, "SIP/2.0 200");
	assert_string_equal("<sip:eve@127.0.0.1>;tag=e",
			    raw_header(&peer.raw, "From"));
	assert_string_equal("1 PUBLISH", raw_header(&peer.raw, "CSeq"));
	peer_close(&peer);
}

static void every_via_comes_back_in_its_place(void **state)
{
	struct peer peer;
	const char *at;

	peer_open(&peer);
	publish(&peer,
		"Via: SIP/2.0/UDP proxy.example:9;rport;branch=z9hG4bK1, "
		"SIP/2.0/TCP second.example;branch=z9hG4bK2\r\n"
		"v: SIP/2.0/UDP "
		"third.example:5066;branch=z9hG4bK3;x=\"a,b\"\r\n",
		USUAL);
	raw_expect(&peer.raw, "SIP/2.0 200");
	/* RFC 3261, 18.2.1: another host than it says; RFC 3581: its port. */
	at = strstr(peer.raw.last, "proxy.example:9");
	assert_non_null(at);
	assert_non_null(strstr(at, "received=127.0.0.1"));
	at = strstr(at, "second.example;branch=z9hG4bK2");
	assert_non_null(at);
	at = strstr(at, "third.example:5066;branch=z9hG4bK3;x=\"a,b\"");
	assert_non_null(at);
	peer_close(&peer);
}

static void without_rport_it_goes_to_the_port_in_via(void **state)
{
	struct peer peer;
	struct raw other;
	char via[128];

	peer_open(&peer);
	raw_open(&other, &peer.bench);
	snprintf(via, sizeof(via),
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK1\r\n",
		 other.port);
	publish(&peer, via, USUAL);
	raw_expect(&other, "SIP/2.0 200");
	assert_int_equal(0, peer.raw.received);
	raw_close(&other);
	peer_close(&peer);
}

static void more_vias_than_a_batch_wants_still_come_back(void **state)
{
	struct lf_buf vias = {0};
	struct peer peer;

	peer_open(&peer);
	lf_buf_adds(&vias,
		    "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK0;rport\r\n");
	for (int i = 1; i < 60; i++)
		lf_buf_addf(&vias,
			    "Via: SIP/2.0/UDP a-proxy-with-a-long-name-%d."
			    "example.com;branch=z9hG4bK%032d\r\n",
			    i, i);
	publish(&peer, lf_buf_str(&vias), USUAL);
	raw_expect(&peer.raw, "SIP/2.0 200");
	assert_non_null(strstr(peer.raw.last, "long-name-59."));
	assert_string_equal("0", raw_header(&peer.raw, "Content-Length"));
	lf_buf_done(&vias);
	peer_close(&peer);
}

/* More than leave by one system call. */
static void a_burst_is_answered_one_by_one(void **state)
{
	struct peer peer;
	char lines[256];

	peer_open(&peer);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 50; i++) {
			snprintf(lines, sizeof(lines),
				 "From: <sip:eve@127.0.0.1>;tag=e\r\n"
				 "To: <sip:200@127.0.0.1>\r\nCall-ID: c%d\r\n"
				 "CSeq: %d PUBLISH\r\n",
				 round, i);
			publish(&peer,
				"Via: SIP/2.0/UDP 127.0.0.1:9;"
				"branch=z9hG4bK1;rport\r\n",
				lines);
		}
		for (int i = 0; i < 50; i++) {
			char cseq[32];

			snprintf(cseq, sizeof(cseq), "%d PUBLISH", i);
			raw_expect(&peer.raw, "SIP/2.0 200");
			assert_string_equal(cseq,
					    raw_header(&peer.raw, "CSeq"));
		}
	}
	assert_int_equal(200, peer.asked);
	peer_close(&peer);
}

/* RFC 3581, 4: from the address and port that were asked. */
static void it_comes_from_the_address_that_was_asked(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "0.0.0.0"};
	struct peer peer;
	char from[64];

	for (size_t i = 0; i < 2; i++) {
		peer_open_on(&peer, hosts[i]);
		publish(&peer,
			"Via: SIP/2.0/UDP "
			"127.0.0.1:9;branch=z9hG4bK1;rport\r\n",
			USUAL);
		raw_expect(&peer.raw, "SIP/2.0 200");
		uv_ip4_name(&peer.raw.from, from, sizeof(from));
		assert_string_equal("127.0.0.1", from);
		assert_int_equal(lf_sip_port(peer.sip, LF_SIP_UDP),
				 ntohs(peer.raw.from.sin_port));
		peer_close(&peer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_repeats_the_lines_as_they_came),
		cmocka_unit_test(each_copy_gets_the_same_tag),
		cmocka_unit_test(folded_lines_are_unfolded),
		cmocka_unit_test(every_via_comes_back_in_its_place),
		cmocka_unit_test(without_rport_it_goes_to_the_port_in_via),
		cmocka_unit_test(more_vias_than_a_batch_wants_still_come_back),
		cmocka_unit_test(a_burst_is_answered_one_by_one),
		cmocka_unit_test(it_comes_from_the_address_that_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
