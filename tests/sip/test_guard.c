/*
 * tests/sip/test_guard.c - the server's side of digest: what was answered once
 * is not answered again, however many others came meanwhile.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/text.h"
#include "sip/digest.h"
#include "sip/guard.h"

#include "core/banned.h"

#define REALM "lamp"
#define OTHERS 60000 /* nonces; enough to meet each of the guard's slots */

/* One request with its credentials, as the guard reads it. */
struct asking {
	struct lf_digest d;
	char texts[8][300];
	const char *params[9];
	msg_auth_t auth;
	sip_request_t line;
	sip_t request;
};

static int lookup(const char *user, const char *realm, bool is_sha256,
		  char ret_ha1[65], void *arg)
{
	if (strcmp(user, "bob"))
		return -ENOENT;
	lf_digest_ha1(ret_ha1, is_sha256, user, realm, "secret");
	return 0;
}

static void take_nonce(struct asking *a, struct lf_sip_guard *guard)
{
	char challenge[LF_GUARD_CHALLENGE_SIZE];
	const char *at;

	lf_sip_guard_challenge(guard, false, challenge);
	at = strstr(challenge, "nonce=\"") + strlen("nonce=\"");
	memset(&a->d, 0, sizeof(a->d));
	lf_text_copy_n(a->d.nonce, sizeof(a->d.nonce), at, strcspn(at, "\""));
	lf_text_copy(a->d.username, sizeof(a->d.username), "bob");
	lf_text_copy(a->d.realm, sizeof(a->d.realm), REALM);
	lf_text_copy(a->d.uri, sizeof(a->d.uri), "sip:anna@a");
	lf_text_copy(a->d.cnonce, sizeof(a->d.cnonce), "c");
	a->d.has_qop = true;
}

static int ask(struct asking *a, struct lf_sip_guard *guard, unsigned nc,
	       const char *password)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{"username", a->d.username}, {"realm", a->d.realm},
		{"nonce", a->d.nonce},       {"uri", a->d.uri},
		{"cnonce", a->d.cnonce},     {"response", a->d.response},
	};
	char ha1[65], user[64];
	int n = 0;

	a->d.nc = nc;
	lf_digest_ha1(ha1, false, "bob", REALM, password);
	lf_digest_response(a->d.response, &a->d, ha1, "SUBSCRIBE");
	for (; n < 6; n++)
		snprintf(a->texts[n], sizeof(a->texts[n]), "%s=\"%s\"",
			 texts[n].name, texts[n].value);
	snprintf(a->texts[n++], sizeof(a->texts[0]), "qop=auth");
	snprintf(a->texts[n++], sizeof(a->texts[0]), "nc=%08x", nc);
	for (int i = 0; i < n; i++)
		a->params[i] = a->texts[i];
	a->params[n] = NULL;
	a->auth = (msg_auth_t){.au_scheme = "Digest", .au_params = a->params};
	a->line.rq_method_name = "SUBSCRIBE";
	a->request.sip_request = &a->line;
	a->request.sip_authorization = &a->auth;
	return lf_sip_guard_check(guard, &a->request, user, sizeof(user));
}

static void a_right_answer_counts_once(void **state)
{
	static struct asking a;
	struct lf_sip_guard *guard;

	assert_int_equal(0, lf_sip_guard_new(&guard, REALM, lookup, NULL));
	take_nonce(&a, guard);
	assert_int_equal(-EACCES, ask(&a, guard, 1, "guess"));
	assert_int_equal(0, ask(&a, guard, 1, "secret"));
	assert_int_equal(-ESTALE, ask(&a, guard, 1, "secret"));
	assert_int_equal(0, ask(&a, guard, 5, "secret"));
	assert_int_equal(-ESTALE, ask(&a, guard, 4, "secret"));
	a.d.nonce[0] ^= 1;
	assert_int_equal(-ESTALE, ask(&a, guard, 9, "secret"));
	lf_sip_guard_free(guard);
}

static void a_replay_does_not_hide_behind_others(void **state)
{
	static struct asking first, other;
	struct lf_sip_guard *guard;
	unsigned served = 0;

	assert_int_equal(0, lf_sip_guard_new(&guard, REALM, lookup, NULL));
	take_nonce(&first, guard);
	assert_int_equal(0, ask(&first, guard, 1, "secret"));
	for (int i = 0; i < OTHERS; i++) {
		take_nonce(&other, guard);
		served += ask(&other, guard, 1, "secret") == 0;
	}
	assert_true(served > OTHERS / 2);
	assert_int_equal(-ESTALE, ask(&first, guard, 1, "secret"));
	lf_sip_guard_free(guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_answer_counts_once),
		cmocka_unit_test(a_replay_does_not_hide_behind_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
