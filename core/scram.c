/*
 * core/scram.c - the one stored form of a password (RFC 5802, RFC 7677).
 *
 * Whoever steals it can neither log in with it nor pose as the server without
 * guessing the password at the full price of PBKDF2.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

#define PREFIX "SCRAM-SHA-256$"
#define MIN_ITERATIONS 4096 /* RFC 7677, 4 */
#define MAX_ITERATIONS 1000000
#define MAX_PASSWORD 1024

/*
 * NEEDSWORK: RFC 5802 wants SASLprep first. Without it a password typed with
 * combining accents differs from the same one typed with ready-made letters.
 */
static int derive(struct lf_scram *s, const char *password)
{
	uint8_t salted[LF_SHA256_SIZE], client_key[LF_SHA256_SIZE];
	size_t len = strlen(password);

	if (!len || len > MAX_PASSWORD || !lf_text_is_utf8(password, len))
		return -EINVAL;
	if (PKCS5_PBKDF2_HMAC(password, (int)len, s->salt, sizeof(s->salt),
			      (int)s->iterations, EVP_sha256(), sizeof(salted),
			      salted) != 1)
		return -ENOMEM;
	lf_hmac_sha256(client_key, salted, sizeof(salted), "Client Key", 10);
	lf_sha256(s->stored_key, client_key, sizeof(client_key));
	lf_hmac_sha256(s->server_key, salted, sizeof(salted), "Server Key", 10);
	lf_secret_wipe(salted, sizeof(salted));
	lf_secret_wipe(client_key, sizeof(client_key));
	return 0;
}

int lf_scram_make(struct lf_scram *out, const char *password)
{
	struct lf_scram s = {.iterations = LF_SCRAM_ITERATIONS};
	int err;

	lf_random(s.salt, sizeof(s.salt));
	err = derive(&s, password);
	if (!err)
		*out = s;
	return err;
}

bool lf_scram_check(const struct lf_scram *scram, const char *password)
{
	struct lf_scram s = *scram;

	return derive(&s, password) == 0 &&
	       lf_secret_equal(s.stored_key, scram->stored_key,
			       sizeof(s.stored_key));
}

void lf_scram_format(char out[LF_SCRAM_TEXT_SIZE], const struct lf_scram *s)
{
	char salt[LF_BASE64_SIZE(sizeof(s->salt))];
	char stored[LF_BASE64_SIZE(LF_SHA256_SIZE)];
	char server[LF_BASE64_SIZE(LF_SHA256_SIZE)];

	lf_base64(salt, s->salt, sizeof(s->salt));
	lf_base64(stored, s->stored_key, sizeof(s->stored_key));
	lf_base64(server, s->server_key, sizeof(s->server_key));
	snprintf(out, LF_SCRAM_TEXT_SIZE, PREFIX "%u:%s$%s:%s", s->iterations,
		 salt, stored, server);
}

/* The text up to `end` (or the last part), exactly `size` bytes of it. */
static int take_bytes(char **rest, const char *end, uint8_t *out, size_t size)
{
	const char *part = strsep(rest, end);
	size_t len;

	if (!part || lf_base64_decode(out, size, &len, part) || len != size)
		return -EINVAL;
	return 0;
}

int lf_scram_parse(struct lf_scram *out, const char *text)
{
	char copy[LF_SCRAM_TEXT_SIZE], *rest = copy;
	struct lf_scram s;
	const char *part;
	int64_t n;

	if (strncmp(text, PREFIX, strlen(PREFIX)) ||
	    !lf_text_copy(copy, sizeof(copy), text + strlen(PREFIX)))
		return -EINVAL;
	part = strsep(&rest, ":");
	if (lf_text_int(&n, part, MIN_ITERATIONS, MAX_ITERATIONS))
		return -EINVAL;
	s.iterations = (unsigned)n;
	if (take_bytes(&rest, "$", s.salt, sizeof(s.salt)) ||
	    take_bytes(&rest, ":", s.stored_key, sizeof(s.stored_key)) ||
	    take_bytes(&rest, "", s.server_key, sizeof(s.server_key)))
		return -EINVAL;
	*out = s;
	return 0;
}
