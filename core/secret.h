/*
 * core/secret.h - random numbers, digests, passwords, encryption at rest.
 * Beside core/tls*.c the home of OpenSSL.
 */
#ifndef LF_CORE_SECRET_H
#define LF_CORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LF_SHA256_SIZE 32

void lf_random(void *out, size_t len); /* aborts if the system has none */
/* 2*bytes lower-case hexadecimal digits and a NUL. */
char *lf_random_hex(char *out, size_t bytes);

bool lf_secret_equal(const void *a, const void *b, size_t len);
void lf_secret_wipe(void *data, size_t len);

void lf_sha256(uint8_t out[LF_SHA256_SIZE], const void *data, size_t len);
void lf_hmac_sha256(uint8_t out[LF_SHA256_SIZE], const void *key,
		    size_t key_len, const void *data, size_t len);
void lf_md5_hex(char out[33], const void *data, size_t len);
void lf_sha256_hex(char out[65], const void *data, size_t len);

/* Standard alphabet with padding. Sizes include the NUL. */
#define LF_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
void lf_base64(char *out, const void *data, size_t len);
/* -EINVAL for a bad character or too little room; *ret_len is the length. */
int lf_base64_decode(void *out, size_t size, size_t *ret_len, const char *text);

/*
 * SCRAM-SHA-256 verifier (RFC 5802, RFC 7677), also used to check a plain
 * password: one stored form for both. Text form:
 *     SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
 */
#define LF_SCRAM_ITERATIONS 15000
#define LF_SCRAM_TEXT_SIZE 192

struct lf_scram {
	unsigned iterations;
	uint8_t salt[16];
	uint8_t stored_key[LF_SHA256_SIZE], server_key[LF_SHA256_SIZE];
};

/*
 * Slow on purpose (PBKDF2): call these two from a worker thread. A password
 * is 1 to 1024 bytes of UTF-8, -EINVAL otherwise.
 */
int lf_scram_make(struct lf_scram *out, const char *password);
bool lf_scram_check(const struct lf_scram *scram, const char *password);

void lf_scram_format(char out[LF_SCRAM_TEXT_SIZE], const struct lf_scram *s);
int lf_scram_parse(struct lf_scram *out, const char *text); /* -EINVAL */

/*
 * Secrets at rest (S273): AES-256-GCM under a key file of 32 random bytes,
 * mode 0600, made on first use. Text form "v1:" base64(nonce, tag, bytes).
 * Opening says -EPERM if others may read the file, -EINVAL if it is no key.
 */
struct lf_vault; /* opaque: see vault.c */
int lf_vault_open(struct lf_vault **ret, const char *key_path);
void lf_vault_free(struct lf_vault *vault);
/* Both return malloc'ed text in *ret. -EBADMSG: not sealed by this key;
 * -E2BIG: over 64 KB. */
int lf_vault_seal(struct lf_vault *vault, char **ret, const char *plain);
int lf_vault_unseal(struct lf_vault *vault, char **ret, const char *sealed);

#endif
