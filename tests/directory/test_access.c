/* tests/directory/test_access.c - passwords, SCRAM, and the brake. */
#include "tests/directory/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "core/text.h"
#include "directory/access.h"
#include "directory/access_internal.h"

#include "core/banned.h"

struct door {
	struct rig *rig;
	struct lf_access *access;
	char id[32];
	int64_t retry_ms;
	unsigned answers, right, wrong, busy;
};

static int setup(void **state)
{
	struct door *d = calloc(1, sizeof(*d));
	void *rig;

	assert_int_equal(0, rig_setup(&rig));
	d->rig = rig;
	assert_int_equal(0, lf_access_new(&d->access, d->rig->dir));
	assert_int_equal(0,
			 rig_put(d->rig, NULL,
				 "username=Rossi|password=pa,ss=w\xc3\xb6rd"));
	assert_int_equal(0, rig_put(d->rig, NULL, "username=nopass"));
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct door *d = *state;
	void *rig = d->rig;

	lf_access_free(d->access);
	rig_teardown(&rig);
	free(d);
	return 0;
}

#define RIGHT "pa,ss=w\xc3\xb6rd"

static void on_login(int err, const struct lf_user *user, int64_t retry_ms,
		     void *arg)
{
	struct door *d = arg;

	d->rig->err = err;
	d->retry_ms = retry_ms;
	lf_text_copy(d->id, sizeof(d->id), user ? user->id : "");
	d->answers++;
	d->right += !err;
	d->wrong += err == -EACCES;
	d->busy += err == -EBUSY;
	d->rig->is_done = true;
}

static int try(struct door *d, const char *username, const char *password,
	       const char *address)
{
	assert_int_equal(0, lf_access_password(d->access, username, password,
					       address, on_login, d));
	rig_wait(d->rig);
	return d->rig->err;
}

static void the_right_password_gives_the_user(void **state)
{
	struct door *d = *state;

	assert_int_equal(0, try(d, "rossi", RIGHT, "10.0.0.1:4000"));
	assert_string_equal("u1", d->id);
	assert_int_equal(-EACCES, try(d, "rossi", "pass", "10.0.0.1:4000"));
	assert_string_equal("", d->id);
	assert_int_equal(-EACCES, try(d, "rossi", "", "10.0.0.1:4000"));
	assert_int_equal(-EACCES, try(d, "nobody", RIGHT, "10.0.0.1:4000"));
	assert_int_equal(-EACCES, try(d, "nopass", "", "10.0.0.1:4000"));
}

static void note_braked(bool is_address, const char *who, void *arg)
{
	size_t len = strlen(arg);

	snprintf((char *)arg + len, 64 - len, "%s %s,",
		 is_address ? "from" : "as", who);
}

static void the_brake_tells_once_whom_it_keeps_waiting(void **state)
{
	struct door *d = *state;
	char told[64] = "";

	lf_access_on_braked(d->access, note_braked, told);
	for (int i = 0; i < 4; i++)
		try(d, "rossi", "x", "10.0.0.1:1");
	assert_string_equal("", told);
	try(d, "rossi", "x", "10.0.0.2:1");
	assert_string_equal("as rossi,", told);
	try(d, "other", "x", "10.0.0.1:1");
	assert_string_equal("as rossi,from 10.0.0.1,", told);
	try(d, "third", "x", "10.0.0.1:1");
	assert_string_equal("as rossi,from 10.0.0.1,", told);
}

static void after_five_failures_a_name_waits(void **state)
{
	struct door *d = *state;
	char address[32];
	int i;

	for (i = 0; i < 5; i++) {
		snprintf(address, sizeof(address), "10.0.0.%d:1", i);
		assert_int_equal(-EACCES, try(d, "ROSSI", "x", address));
	}
	assert_int_equal(-EBUSY, try(d, "rossi", RIGHT, "10.0.9.9:1"));
	assert_in_range(d->retry_ms, 1, LF_BRAKE_WINDOW_MS);
	assert_int_equal(-EACCES, try(d, "other", "x", "10.0.9.9:1"));
}

static void after_five_failures_an_address_waits_whatever_its_port(void **state)
{
	struct door *d = *state;
	char name[16], address[40];
	int i;

	for (i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		snprintf(address, sizeof(address), "[2001:db8::%d]:%d", i, i);
		assert_int_equal(-EACCES, try(d, name, "x", address));
	}
	assert_int_equal(-EBUSY, try(d, "rossi", RIGHT, "[2001:db8::9]:9"));
	assert_int_equal(0, try(d, "rossi", RIGHT, "[2001:db8:0:1::1]:9"));
}

static void a_hundred_guesses_at_once_get_five_tries(void **state)
{
	struct door *d = *state;
	int i;

	for (i = 0; i < 100; i++)
		lf_access_password(d->access, "rossi", i < 99 ? "x" : RIGHT,
				   "10.0.0.1:1", on_login, d);
	while (d->answers < 100) {
		rig_wait(d->rig);
	}
	assert_int_equal(5, d->wrong);
	assert_int_equal(95, d->busy);
}

static void many_who_know_their_password_come_in_at_once(void **state)
{
	struct door *d = *state;
	int i;

	for (i = 0; i < 20; i++)
		lf_access_password(d->access, "rossi", RIGHT, "10.0.0.1:1",
				   on_login, d);
	while (d->answers < 20)
		rig_wait(d->rig);
	assert_int_equal(20, d->right);
}

static void a_password_changed_meanwhile_does_not_open(void **state)
{
	struct door *d = *state;

	lf_access_password(d->access, "rossi", RIGHT, "10.0.0.1:1", on_login,
			   d);
	/* Which of the two is answered first is not ours to say. */
	rig_delete(d->rig, "u1");
	while (!d->answers || lf_user_find(d->rig->dir, "u1"))
		rig_wait(d->rig);
	assert_int_equal(1, d->wrong + d->right);
	assert_int_equal(-EACCES, try(d, "rossi", RIGHT, "10.0.0.1:1"));
}

static void freeing_with_attempts_under_way_is_quiet(void **state)
{
	struct door *d = *state;
	int i;

	for (i = 0; i < 10; i++)
		lf_access_password(d->access, "rossi", RIGHT, "a", on_login, d);
	lf_access_free(d->access);
	d->access = NULL;
	rig_close(d->rig);
	assert_int_equal(0, d->answers);
}

static void the_brake_forgets_the_quiet_and_stays_small(void **state)
{
	struct lf_brake_keys keys;
	struct lf_brake brake;
	char name[32];
	int64_t wait;
	int i;

	lf_brake_init(&brake);
	for (i = 0; i < 2 * LF_BRAKE_ENTRIES; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		lf_brake_keys(&keys, name, "10.0.0.1");
		lf_brake_fail(&brake, &keys, 1000 + i);
	}
	assert_true(brake.by_key.count <= LF_BRAKE_ENTRIES);
	lf_brake_keys(&keys, "n0", "10.0.0.1:99");
	assert_int_equal(0, lf_brake_failures(&brake, keys.name, 2000, &wait));
	assert_true(lf_brake_wait_ms(&brake, &keys, 1000 + i) > 0);
	assert_int_equal(0, lf_brake_wait_ms(&brake, &keys,
					     1000 + i + LF_BRAKE_WINDOW_MS));
	lf_brake_done(&brake);
}

/* ---- a SCRAM client of the test's own (RFC 5802, 3) ---- */

struct client {
	char bare[256], server_first[512], final[512], server_final[128];
	uint8_t salted[32];
};

static void salt_password(struct client *c, const char *password,
			  const uint8_t *salt, size_t salt_len, int iterations)
{
	uint8_t u[64];
	int i, k;

	memcpy(u, salt, salt_len);
	memcpy(u + salt_len, "\0\0\0\1", 4);
	lf_hmac_sha256(u, password, strlen(password), u, salt_len + 4);
	memcpy(c->salted, u, 32);
	for (i = 1; i < iterations; i++) {
		lf_hmac_sha256(u, password, strlen(password), u, 32);
		for (k = 0; k < 32; k++)
			c->salted[k] ^= u[k];
	}
}

static void answer(struct client *c, const char *password, const char *gs2)
{
	uint8_t salt[64], key[32], stored[32], signature[32];
	char copy[512], auth[2048], proof[64], *rest = copy;
	const char *nonce, *salt64, *iterations;
	size_t salt_len;
	int i;

	lf_text_copy(copy, sizeof(copy), c->server_first);
	nonce = strsep(&rest, ",");
	salt64 = strsep(&rest, ",") + 2;
	iterations = rest + 2;
	assert_int_equal(
		0, lf_base64_decode(salt, sizeof(salt), &salt_len, salt64));
	salt_password(c, password, salt, salt_len,
		      (int)strtol(iterations, NULL, 10));

	lf_hmac_sha256(key, c->salted, 32, "Client Key", 10);
	lf_sha256(stored, key, 32);
	snprintf(auth, sizeof(auth), "%s,%s,c=%s,%s", c->bare, c->server_first,
		 gs2, nonce);
	lf_hmac_sha256(signature, stored, 32, auth, strlen(auth));
	for (i = 0; i < 32; i++)
		key[i] ^= signature[i];
	lf_base64(proof, key, 32);
	snprintf(c->final, sizeof(c->final), "c=%s,%s,p=%s", gs2, nonce, proof);

	lf_hmac_sha256(key, c->salted, 32, "Server Key", 10);
	lf_hmac_sha256(signature, key, 32, auth, strlen(auth));
	lf_base64(proof, signature, 32);
	snprintf(c->server_final, sizeof(c->server_final), "v=%s", proof);
}

static int scram(struct door *d, const char *name, const char *password)
{
	struct lf_scram_talk *talk;
	struct client c;
	const struct lf_user *user;
	char first[300], out[128];
	int err;

	snprintf(c.bare, sizeof(c.bare), "n=%s,r=abcDEF", name);
	snprintf(first, sizeof(first), "n,,%s", c.bare);
	err = lf_scram_begin(&talk, d->access, first, "10.0.0.1:1",
			     c.server_first, sizeof(c.server_first),
			     &d->retry_ms);
	if (err)
		return err;
	assert_true(lf_text_starts(c.server_first, "r=abcDEF"));
	answer(&c, password, "biws");
	err = lf_scram_finish(talk, c.final, out, sizeof(out), &user);
	if (!err) {
		assert_string_equal("u1", user->id);
		assert_string_equal(c.server_final, out);
	}
	assert_int_equal(-EPROTO, lf_scram_finish(talk, c.final, out,
						  sizeof(out), &user));
	lf_scram_free(talk);
	return err;
}

static void scram_lets_in_who_knows_the_password(void **state)
{
	struct door *d = *state;

	assert_int_equal(0, scram(d, "rossi", RIGHT));
	assert_int_equal(-EACCES, scram(d, "rossi", "wrong"));
	assert_int_equal(-EACCES, scram(d, "nobody", RIGHT));
	assert_int_equal(-EACCES, scram(d, "nopass", ""));
	assert_int_equal(0, scram(d, "Rossi", RIGHT));
	assert_int_equal(0, rig_put(d->rig, "u1", "username=a=b"));
	assert_int_equal(0, scram(d, "a=3Db", RIGHT));
}

static void scram_stops_a_guesser(void **state)
{
	struct door *d = *state;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(-EACCES, scram(d, "rossi", "x"));
	assert_int_equal(-EBUSY, scram(d, "rossi", RIGHT));
	assert_true(d->retry_ms > 0);
}

static int challenge(struct door *d, const char *first, char out[512])
{
	struct lf_scram_talk *talk;
	int64_t retry_ms;
	int err = lf_scram_begin(&talk, d->access, first, "10.0.0.1:1", out,
				 512, &retry_ms);

	if (!err)
		lf_scram_free(talk);
	return err;
}

static void an_unknown_user_gets_the_same_challenge_always(void **state)
{
	struct door *d = *state;
	char one[512], two[512], known[512];

	assert_int_equal(0, challenge(d, "n,,n=nobody,r=x", one));
	assert_int_equal(0, challenge(d, "n,,n=rossi,r=x", known));
	assert_int_equal(strlen(known), strlen(one));
	lf_access_free(d->access);
	rig_restart(d->rig);
	assert_int_equal(0, lf_access_new(&d->access, d->rig->dir));
	assert_int_equal(0, challenge(d, "n,,n=NOBODY,r=x", two));
	assert_string_equal(strstr(one, ",s="), strstr(two, ",s="));
	assert_string_not_equal(one, two);
}

static void what_is_no_scram_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"n",
		"n,,",
		"n,,n=rossi",
		"n,,r=abc,n=rossi",
		"n,,n=,r=abc",
		"n,,n=rossi,r=",
		"n,,n=ro=ssi,r=abc",
		"n,,n=rossi=2,r=abc",
		"n,,n=rossi,r=a\x01",
		"n,,m=x,n=rossi,r=abc",
		"n,a=rossi,n=rossi,r=abc",
		"p=tls-unique,,n=rossi,r=abc",
		"n,,n=\xff,r=abc",
	};
	struct door *d = *state;
	char out[512], longer[1200];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(-EPROTO, challenge(d, bad[i], out));
	snprintf(longer, sizeof(longer), "n,,n=rossi,r=%0200d", 1);
	assert_int_equal(-EPROTO, challenge(d, longer, out));
	snprintf(longer, sizeof(longer), "n,,n=%0200d,r=abc", 1);
	assert_int_equal(-EPROTO, challenge(d, longer, out));
	snprintf(longer, sizeof(longer), "n,,n=rossi,r=abc,%01100d", 1);
	assert_int_equal(-EPROTO, challenge(d, longer, out));
}

static void a_bent_final_message_is_refused_and_no_guess(void **state)
{
	struct door *d = *state;
	struct lf_scram_talk *talk;
	const struct lf_user *user;
	char out[512], final[1024], nonce[256];
	int64_t retry_ms;
	int i;

	static const char *const forms[] = {
		"",
		"c=biws",
		"c=biws,r=%s",
		"c=biws,r=%s,p=",
		"c=biws,r=%s,p=AAAA",
		"c=eSws,r=%s,p=%%s",
		"c=biws,r=%sx,p=AA==",
		"r=%s,c=biws,p=AA==",
		"p=AA==,c=biws,r=%s",
	};

	for (i = 0; i < (int)(sizeof(forms) / sizeof(*forms)); i++) {
		assert_int_equal(0, lf_scram_begin(&talk, d->access,
						   "n,,n=rossi,r=x", "a", out,
						   sizeof(out), &retry_ms));
		lf_text_copy_n(nonce, sizeof(nonce), out + 2,
			       strcspn(out + 2, ","));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(final, sizeof(final), forms[i], nonce);
#pragma GCC diagnostic pop
		assert_int_equal(-EPROTO, lf_scram_finish(talk, final, out,
							  sizeof(out), &user));
		lf_scram_free(talk);
	}
	assert_int_equal(0, try(d, "rossi", RIGHT, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_right_password_gives_the_user),
		TEST(the_brake_tells_once_whom_it_keeps_waiting),
		TEST(after_five_failures_a_name_waits),
		TEST(after_five_failures_an_address_waits_whatever_its_port),
		TEST(a_hundred_guesses_at_once_get_five_tries),
		TEST(many_who_know_their_password_come_in_at_once),
		TEST(a_password_changed_meanwhile_does_not_open),
		TEST(freeing_with_attempts_under_way_is_quiet),
		cmocka_unit_test(the_brake_forgets_the_quiet_and_stays_small),
		TEST(scram_lets_in_who_knows_the_password),
		TEST(scram_stops_a_guesser),
		TEST(an_unknown_user_gets_the_same_challenge_always),
		TEST(what_is_no_scram_is_refused),
		TEST(a_bent_final_message_is_refused_and_no_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
