/* tests/core/test_secret.c - digests, SCRAM and the vault, by known answers. */
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/banned.h"

/* RFC 7677, 3: user "user", password "pencil". */
static const char auth_message[] =
	"n=user,r=rOprNGfwEbeRWgbNEkqO,"
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
static const char client_proof[] =
	"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
static const char server_signature[] =
	"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
static const char pencil[] = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
			     "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
			     "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

static void digests_match_the_published_ones(void **state)
{
	uint8_t mac[LF_SHA256_SIZE];
	char hex[65];

	lf_sha256_hex(hex, "abc", 3);
	assert_string_equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
			    "b410ff61f20015ad",
			    hex);
	lf_md5_hex(hex, "Mufasa:testrealm@host.com:Circle Of Life", 40);
	assert_string_equal("939e7578ed9e3c518a452acee763bce9", hex);
	/* RFC 4231, 4.3 */
	lf_hmac_sha256(mac, "Jefe", 4, "what do ya want for nothing?", 28);
	assert_int_equal(0x5b, mac[0]);
	assert_int_equal(0x43, mac[31]);
	lf_hmac_sha256(mac, "", 0, "", 0);
	assert_int_equal(0xb6, mac[0]);
}

static void random_bytes_differ(void **state)
{
	char a[33], b[33];

	assert_ptr_equal(a, lf_random_hex(a, 16));
	lf_random_hex(b, 16);
	assert_int_equal(32, strlen(a));
	assert_int_equal(32, strspn(a, "0123456789abcdef"));
	assert_string_not_equal(a, b);
}

static void equal_and_wipe(void **state)
{
	char a[] = "secret", zero[sizeof(a)] = {0};

	assert_true(lf_secret_equal(a, "secret", 6));
	assert_false(lf_secret_equal(a, "secreT", 6));
	lf_secret_wipe(a, sizeof(a));
	assert_memory_equal(zero, a, sizeof(a));
}

static void base64_goes_there_and_back(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"\xff\xfe", "//4="},
	};
	char text[16], back[16];
	size_t i, len;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		lf_base64(text, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(pairs[i][1], text);
		assert_int_equal(
			0, lf_base64_decode(back, sizeof(back), &len, text));
		assert_int_equal(strlen(pairs[i][0]), len);
		assert_memory_equal(pairs[i][0], back, len);
	}
}

static void base64_refuses_what_is_not_canonical(void **state)
{
	static const char *const bad[] = {
		"Z",    "Zg",       "Zg=",      "Z===",      "====",
		"Zh==", "Zm9=",     "Zg==Zg==", "Zm9v\n",    "Zm9v    ",
		"Zm=v", "Zm9vZm=v", "-_==",     "Zm9vZg===",
	};
	char out[16];
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EINVAL, lf_base64_decode(out, sizeof(out),
							   &len, bad[i]));
	assert_int_equal(-EINVAL, lf_base64_decode(out, 2, &len, "Zm9v"));
	assert_int_equal(0, lf_base64_decode(out, 3, &len, "Zm9v"));
}

static void scram_agrees_with_rfc_7677(void **state)
{
	uint8_t signature[LF_SHA256_SIZE], proof[LF_SHA256_SIZE];
	char text[LF_BASE64_SIZE(LF_SHA256_SIZE)];
	struct lf_scram scram;
	size_t i, len;

	assert_int_equal(0, lf_scram_parse(&scram, pencil));
	assert_true(lf_scram_check(&scram, "pencil"));
	assert_false(lf_scram_check(&scram, "pencils"));
	assert_false(lf_scram_check(&scram, ""));

	/* The proof of the RFC opens this stored key ... */
	lf_hmac_sha256(signature, scram.stored_key, LF_SHA256_SIZE,
		       auth_message, strlen(auth_message));
	assert_int_equal(
		0, lf_base64_decode(proof, sizeof(proof), &len, client_proof));
	for (i = 0; i < LF_SHA256_SIZE; i++)
		proof[i] ^= signature[i];
	lf_sha256(proof, proof, sizeof(proof));
	assert_memory_equal(scram.stored_key, proof, LF_SHA256_SIZE);

	/* ... and this server key signs as the RFC's server does. */
	lf_hmac_sha256(signature, scram.server_key, LF_SHA256_SIZE,
		       auth_message, strlen(auth_message));
	lf_base64(text, signature, sizeof(signature));
	assert_string_equal(server_signature, text);
}

static void scram_made_here_checks_and_keeps_its_text(void **state)
{
	char text[LF_SCRAM_TEXT_SIZE], again[LF_SCRAM_TEXT_SIZE];
	struct lf_scram made, other, parsed;

	assert_int_equal(0, lf_scram_make(&made, "p\xc3\xa4sswort"));
	assert_int_equal(0, lf_scram_make(&other, "p\xc3\xa4sswort"));
	assert_int_equal(LF_SCRAM_ITERATIONS, made.iterations);
	assert_memory_not_equal(made.salt, other.salt, sizeof(made.salt));
	lf_scram_format(text, &made);
	assert_int_equal(0, lf_scram_parse(&parsed, text));
	assert_true(lf_scram_check(&parsed, "p\xc3\xa4sswort"));
	assert_false(lf_scram_check(&parsed, "passwort"));
	lf_scram_format(again, &parsed);
	assert_string_equal(text, again);
	assert_int_equal(0, lf_scram_parse(&parsed, pencil));
	lf_scram_format(again, &parsed);
	assert_string_equal(pencil, again);
}

/* RFC 5802, 2.2: Hi(), one block, by the letter. */
static void salt_password(uint8_t salted[LF_SHA256_SIZE],
			  const struct lf_scram *scram, const char *password)
{
	uint8_t u[LF_SHA256_SIZE], first[sizeof(scram->salt) + 4] = {0};
	size_t i, j;

	memcpy(first, scram->salt, sizeof(scram->salt));
	first[sizeof(first) - 1] = 1;
	lf_hmac_sha256(u, password, strlen(password), first, sizeof(first));
	memcpy(salted, u, sizeof(u));
	for (i = 1; i < scram->iterations; i++) {
		lf_hmac_sha256(u, password, strlen(password), u, sizeof(u));
		for (j = 0; j < sizeof(u); j++)
			salted[j] ^= u[j];
	}
}

static void scram_made_here_has_the_keys_of_the_rfc(void **state)
{
	uint8_t salted[LF_SHA256_SIZE], key[LF_SHA256_SIZE];
	struct lf_scram scram;

	assert_int_equal(0, lf_scram_make(&scram, "pencil"));
	salt_password(salted, &scram, "pencil");
	lf_hmac_sha256(key, salted, sizeof(salted), "Server Key", 10);
	assert_memory_equal(scram.server_key, key, sizeof(key));
	lf_hmac_sha256(key, salted, sizeof(salted), "Client Key", 10);
	lf_sha256(key, key, sizeof(key));
	assert_memory_equal(scram.stored_key, key, sizeof(key));
}

static void scram_refuses_passwords_that_are_none(void **state)
{
	struct lf_scram scram;
	char large[1026];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(-EINVAL, lf_scram_make(&scram, ""));
	assert_int_equal(-EINVAL, lf_scram_make(&scram, "\xff"));
	assert_int_equal(-EINVAL, lf_scram_make(&scram, large));
	assert_int_equal(0, lf_scram_make(&scram, large + 1));
}

static void scram_refuses_damaged_texts(void **state)
{
	static const struct {
		const char *from, *to;
	} damage[] = {
		{"SCRAM-SHA-256", "SCRAM-SHA-1"},
		{"4096", "4095"},
		{"4096", "1000001"},
		{"4096", ""},
		{"W22ZaJ0SNY7soEsUEjb6gQ==", "W22ZaJ0SNY7soEsUEjb6"},
		{"T4qY=", "T4q="},
		{"T4qY=:", "T4qY="},
		{"Dl2dU=", "Dl2dU=="},
		{"Dl2dU=", "Dl2dU=:"},
		{"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", ""},
	};
	char text[LF_SCRAM_TEXT_SIZE];
	struct lf_scram scram;
	const char *at;
	size_t i;

	for (i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		at = strstr(pencil, damage[i].from);
		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - pencil),
			 pencil, damage[i].to, at + strlen(damage[i].from));
		assert_int_equal(-EINVAL, lf_scram_parse(&scram, text));
	}
	assert_int_equal(-EINVAL, lf_scram_parse(&scram, ""));
	assert_int_equal(-EINVAL, lf_scram_parse(&scram, "SCRAM-SHA-256$"));
}

/* ---- the vault, in a folder of its own ---- */

struct folder {
	char path[64], key[80], other[80];
};

static int make_folder(void **state)
{
	static struct folder f;

	snprintf(f.path, sizeof(f.path), "/tmp/lf-vault-XXXXXX");
	if (!mkdtemp(f.path))
		return -1;
	snprintf(f.key, sizeof(f.key), "%s/key", f.path);
	snprintf(f.other, sizeof(f.other), "%s/other", f.path);
	*state = &f;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *f = *state;

	unlink(f->key);
	unlink(f->other);
	return rmdir(f->path); /* fails if a temporary file stayed behind */
}

static void vault_makes_a_private_key_once(void **state)
{
	struct folder *f = *state;
	struct lf_vault *vault;
	char *sealed, *plain;
	struct stat st;

	assert_int_equal(0, lf_vault_open(&vault, f->key));
	assert_int_equal(0, stat(f->key, &st));
	assert_int_equal(S_IFREG | 0600, st.st_mode);
	assert_int_equal(32, st.st_size);
	assert_int_equal(0, lf_vault_seal(vault, &sealed, "trunk password"));
	assert_int_equal(0, strncmp(sealed, "v1:", 3));
	assert_null(strstr(sealed, "trunk"));
	lf_vault_free(vault);

	assert_int_equal(0, lf_vault_open(&vault, f->key));
	assert_int_equal(0, lf_vault_unseal(vault, &plain, sealed));
	assert_string_equal("trunk password", plain);
	free(plain);
	free(sealed);
	lf_vault_free(vault);
}

static void vault_seals_the_same_text_differently(void **state)
{
	struct folder *f = *state;
	struct lf_vault *vault;
	char *a, *b, *plain;

	assert_int_equal(0, lf_vault_open(&vault, f->key));
	assert_int_equal(0, lf_vault_seal(vault, &a, ""));
	assert_int_equal(0, lf_vault_seal(vault, &b, ""));
	assert_string_not_equal(a, b);
	assert_int_equal(0, lf_vault_unseal(vault, &plain, b));
	assert_string_equal("", plain);
	free(plain);
	free(a);
	free(b);
	lf_vault_free(vault);
}

static void vault_notices_every_changed_letter(void **state)
{
	struct folder *f = *state;
	struct lf_vault *vault, *stranger;
	char *sealed, *plain = NULL;
	size_t i;

	assert_int_equal(0, lf_vault_open(&vault, f->key));
	assert_int_equal(0, lf_vault_open(&stranger, f->other));
	assert_int_equal(0, lf_vault_seal(vault, &sealed, "abc"));
	for (i = 0; sealed[i]; i++) {
		char was = sealed[i];

		sealed[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(-EBADMSG,
				 lf_vault_unseal(vault, &plain, sealed));
		sealed[i] = was;
	}
	assert_int_equal(-EBADMSG, lf_vault_unseal(stranger, &plain, sealed));
	assert_int_equal(-EBADMSG, lf_vault_unseal(vault, &plain, ""));
	assert_int_equal(-EBADMSG, lf_vault_unseal(vault, &plain, "v1:"));
	assert_int_equal(-EBADMSG, lf_vault_unseal(vault, &plain, "v1:Zm9v"));
	assert_null(plain);
	free(sealed);
	lf_vault_free(stranger);
	lf_vault_free(vault);
}

static void vault_refuses_a_key_that_is_open_or_cut(void **state)
{
	struct folder *f = *state;
	struct lf_vault *vault = NULL;

	assert_int_equal(0, lf_vault_open(&vault, f->key));
	lf_vault_free(vault);
	vault = NULL;
	assert_int_equal(0, chmod(f->key, 0640));
	assert_int_equal(-EPERM, lf_vault_open(&vault, f->key));
	assert_int_equal(0, chmod(f->key, 0600));
	assert_int_equal(0, truncate(f->key, 31));
	assert_int_equal(-EINVAL, lf_vault_open(&vault, f->key));
	assert_int_equal(-EINVAL, lf_vault_open(&vault, f->path));
	assert_int_equal(-ENOENT, lf_vault_open(&vault, "/tmp/lf-no/such/key"));
	assert_null(vault);
	lf_vault_free(NULL);
}

#define with_folder(test)                                                      \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_match_the_published_ones),
		cmocka_unit_test(random_bytes_differ),
		cmocka_unit_test(equal_and_wipe),
		cmocka_unit_test(base64_goes_there_and_back),
		cmocka_unit_test(base64_refuses_what_is_not_canonical),
		cmocka_unit_test(scram_agrees_with_rfc_7677),
		cmocka_unit_test(scram_made_here_checks_and_keeps_its_text),
		cmocka_unit_test(scram_made_here_has_the_keys_of_the_rfc),
		cmocka_unit_test(scram_refuses_passwords_that_are_none),
		cmocka_unit_test(scram_refuses_damaged_texts),
		with_folder(vault_makes_a_private_key_once),
		with_folder(vault_seals_the_same_text_differently),
		with_folder(vault_notices_every_changed_letter),
		with_folder(vault_refuses_a_key_that_is_open_or_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
