/*
 * core/secret.c - random numbers, digests and base64: thin over OpenSSL 3.
 *
 * The digests cannot fail except when memory or OpenSSL itself is gone. There
 * is nothing sensible to do without them, so that ends the program.
 */
#include "core/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#include "core/banned.h"

/* Fetched once: a fetch per digest costs more than a short digest. */
static EVP_MD *sha256, *md5;
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

__attribute__((noreturn)) static void give_up(const char *what)
{
	lf_log(LF_ERROR, "core", "OpenSSL has no %s", what);
	abort();
}

static void fetch_digests(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	md5 = EVP_MD_fetch(NULL, "MD5", NULL);
}

void lf_random(void *out, size_t len)
{
	if (RAND_bytes(out, (int)len) != 1)
		give_up("random numbers");
}

static char *hex(char *out, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
	return out;
}

char *lf_random_hex(char *out, size_t bytes)
{
	/* The random bytes first lie in the upper half of `out`; each pair
	 * of digits is written at or below the byte it comes from. */
	lf_random(out + bytes, bytes);
	return hex(out, (const uint8_t *)out + bytes, bytes);
}

bool lf_secret_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void lf_secret_wipe(void *data, size_t len)
{
	OPENSSL_cleanse(data, len);
}

void lf_sha256(uint8_t out[LF_SHA256_SIZE], const void *data, size_t len)
{
	pthread_once(&fetch_once, fetch_digests);
	if (EVP_Digest(data, len, out, NULL, sha256, NULL) != 1)
		give_up("SHA-256");
}

void lf_hmac_sha256(uint8_t out[LF_SHA256_SIZE], const void *key,
		    size_t key_len, const void *data, size_t len)
{
	pthread_once(&fetch_once, fetch_digests);
	if (!HMAC(sha256, key_len ? key : "", (int)key_len, data, len, out,
		  NULL))
		give_up("HMAC");
}

void lf_md5_hex(char out[33], const void *data, size_t len)
{
	uint8_t digest[16];

	pthread_once(&fetch_once, fetch_digests);
	if (!md5 || EVP_Digest(data, len, digest, NULL, md5, NULL) != 1)
		give_up("MD5");
	hex(out, digest, sizeof(digest));
}

void lf_sha256_hex(char out[65], const void *data, size_t len)
{
	uint8_t digest[LF_SHA256_SIZE];

	lf_sha256(digest, data, len);
	hex(out, digest, sizeof(digest));
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void lf_base64(char *out, const void *data, size_t len)
{
	const uint8_t *in = data;
	uint32_t group;
	size_t i, n;

	for (; len; len -= n, in += n) {
		n = len < 3 ? len : 3;
		group = (uint32_t)in[0] << 16;
		group |= n > 1 ? (uint32_t)in[1] << 8 : 0;
		group |= n > 2 ? in[2] : 0;
		for (i = 0; i < 4; i++)
			*out++ = i > n ? '='
				       : base64_digits[group >> (18 - 6 * i) &
						       63];
	}
	*out = '\0';
}

static int base64_value(char c)
{
	const char *p = c ? strchr(base64_digits, c) : NULL;

	return p ? (int)(p - base64_digits) : -1;
}

/* Four digits to 1..3 bytes. Bits that would be lost must be zero, so that
 * one value has one text. */
static int decode_group(uint8_t bytes[3], size_t *ret_n, const char *text,
			bool is_last)
{
	size_t i, digits = 4;
	uint32_t group = 0;

	while (is_last && digits > 2 && text[digits - 1] == '=')
		digits--;
	for (i = 0; i < 4; i++) {
		int value = i < digits ? base64_value(text[i]) : 0;

		if (value < 0)
			return -EINVAL;
		group = group << 6 | (uint32_t)value;
	}
	bytes[0] = (uint8_t)(group >> 16);
	bytes[1] = (uint8_t)(group >> 8);
	bytes[2] = (uint8_t)group;
	*ret_n = digits - 1;
	for (i = *ret_n; i < 3; i++)
		if (bytes[i])
			return -EINVAL;
	return 0;
}

int lf_base64_decode(void *out, size_t size, size_t *ret_len, const char *text)
{
	size_t n, len = strlen(text), done = 0;
	uint8_t bytes[3];

	if (len % 4)
		return -EINVAL;
	for (; len; len -= 4, text += 4) {
		if (decode_group(bytes, &n, text, len == 4) || size - done < n)
			return -EINVAL;
		memcpy((uint8_t *)out + done, bytes, n);
		done += n;
	}
	*ret_len = done;
	return 0;
}
