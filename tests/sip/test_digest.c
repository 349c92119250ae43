/*
 * tests/sip/test_digest.c - the digest against the RFCs' own examples, and both
 * of its sides against each other.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/text.h"
#include "sip/digest.h"
#include "sip/net.h"

#include "core/banned.h"

/* RFC 7616, 3.9.1 */
static const char *const rfc7616[] = {
	"username=\"Mufasa\"",
	"realm=\"http-auth@example.org\"",
	"uri=\"/dir/index.html\"",
	NULL, /* algorithm */
	"nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"",
	"nc=00000001",
	"cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\"",
	"qop=auth",
	"opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
	NULL,
};

static void check_rfc7616(const char *algorithm, const char *response)
{
	const char *params[sizeof(rfc7616) / sizeof(rfc7616[0])];
	char ha1[65], got[65];
	struct lf_digest d;

	memcpy(params, rfc7616, sizeof(params));
	params[3] = algorithm;
	assert_int_equal(0, lf_digest_parse(&d, "Digest", params));
	lf_digest_ha1(ha1, d.is_sha256, d.username, d.realm, "Circle of Life");
	lf_digest_response(got, &d, ha1, "GET");
	assert_string_equal(response, got);
}

static void md5_gives_the_rfc_7616_example(void **state)
{
	check_rfc7616("algorithm=MD5", "8ca523f5e9506fed4657c9700eebdbec");
}

static void sha256_gives_the_rfc_7616_example(void **state)
{
	check_rfc7616("algorithm=SHA-256",
		      "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5"
		      "856cb6c1");
}

/* RFC 2617, 3.5, without qop: what RFC 2069 servers compute. */
static void a_peer_without_qop_is_understood(void **state)
{
	static const char *const params[] = {
		"realm=\"testrealm@host.com\"",
		"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
		"uri=\"/dir/index.html\"", NULL};
	struct lf_digest d;
	char ha1[65], got[65];

	assert_int_equal(0, lf_digest_parse(&d, "digest", params));
	assert_false(d.has_qop);
	lf_digest_ha1(ha1, false, "Mufasa", d.realm, "Circle Of Life");
	lf_digest_response(got, &d, ha1, "GET");
	assert_string_equal("670fd8c2df070c60b045671b8b24ff02", got);
}

static int parse(struct lf_digest *d, const char *extra)
{
	const char *params[] = {"realm=\"r\"", "nonce=\"n\"", extra, NULL};

	return lf_digest_parse(d, "Digest", params);
}

static void what_we_do_not_speak_is_told_apart(void **state)
{
	struct lf_digest d;
	static const char *const none[] = {NULL};
	char longer[600] = "opaque=\"";

	assert_int_equal(-ENOTSUP, lf_digest_parse(&d, "Basic", none));
	assert_int_equal(-EPROTO, lf_digest_parse(&d, "Digest", none));
	assert_int_equal(-ENOTSUP, parse(&d, "algorithm=MD5-sess"));
	assert_int_equal(-ENOTSUP, parse(&d, "qop=\"auth-int\""));
	assert_int_equal(0, parse(&d, "qop=\"auth-int, auth\""));
	assert_true(d.has_qop);
	assert_int_equal(-EPROTO, parse(&d, "nc=1"));
	assert_int_equal(-EPROTO, parse(&d, "opaque=\"open"));
	assert_int_equal(0, parse(&d, "stale=TRUE"));
	assert_true(d.is_stale);
	assert_int_equal(0, parse(&d, "opaque=\"a\\\"b\""));
	assert_string_equal("a\"b", d.opaque);
	memset(longer + 8, 'x', sizeof(longer) - 10);
	longer[sizeof(longer) - 2] = '"';
	assert_int_equal(-EPROTO, parse(&d, longer));
}

static void the_client_counts_its_nonce(void **state)
{
	struct lf_digest_client client = {0};
	char header[LF_DIGEST_HEADER_SIZE];
	struct lf_digest d;

	assert_int_equal(-ENOENT,
			 lf_digest_client_header(&client, "u", "OPTIONS",
						 "sip:a", header));
	assert_int_equal(0, parse(&d, "qop=\"auth\""));
	assert_int_equal(0, lf_digest_client_take(&client, &d, true, "u", "p"));
	assert_int_equal(0, lf_digest_client_header(&client, "u", "OPTIONS",
						    "sip:a", header));
	assert_true(lf_text_starts(header, "Proxy-Authorization: Digest "));
	assert_non_null(strstr(header, "nc=00000001"));
	assert_int_equal(0, lf_digest_client_header(&client, "u", "OPTIONS",
						    "sip:a", header));
	assert_non_null(strstr(header, "nc=00000002"));
	lf_digest_client_done(&client);
}

static bool has(const char *net, const char *address)
{
	struct sockaddr_storage addr;
	struct lf_cidr cidr;

	assert_int_equal(0, lf_cidr_parse(&cidr, net));
	assert_int_equal(0, lf_net_parse(&addr, address, 0));
	return lf_cidr_has(&cidr, (const struct sockaddr *)&addr);
}

static void networks_contain_their_addresses_only(void **state)
{
	struct lf_cidr cidr;

	assert_true(has("10.0.0.0/8", "10.255.0.1"));
	assert_false(has("10.0.0.0/8", "11.0.0.1"));
	assert_true(has("192.0.2.7", "192.0.2.7"));
	assert_false(has("192.0.2.7", "192.0.2.6"));
	assert_true(has("192.0.2.128/25", "192.0.2.200"));
	assert_false(has("192.0.2.128/25", "192.0.2.100"));
	assert_true(has("0.0.0.0/0", "203.0.113.1"));
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_true(has("::/0", "10.1.2.3"));
	assert_int_equal(-EINVAL, lf_cidr_parse(&cidr, "10.0.0.0/"));
	assert_int_equal(-EINVAL, lf_cidr_parse(&cidr, "10.0.0.0/33"));
	assert_int_equal(-EINVAL, lf_cidr_parse(&cidr, "::/129"));
	assert_int_equal(-EINVAL, lf_cidr_parse(&cidr, "host"));
	assert_int_equal(-EINVAL, lf_cidr_parse(&cidr, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md5_gives_the_rfc_7616_example),
		cmocka_unit_test(sha256_gives_the_rfc_7616_example),
		cmocka_unit_test(a_peer_without_qop_is_understood),
		cmocka_unit_test(what_we_do_not_speak_is_told_apart),
		cmocka_unit_test(the_client_counts_its_nonce),
		cmocka_unit_test(networks_contain_their_addresses_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
