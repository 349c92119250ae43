/*
 * sip/guard.c - the server's side of digest. Nothing is kept per stranger: a
 * nonce carries its time and a MAC under a key of this process. Only who has
 * answered a nonce correctly takes a slot, so that the answer cannot be
 * replayed (RFC 7616, 3.3 "nc").
 */
#include "sip/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/secret.h"
#include "core/text.h"
#include "sip/digest.h"

#include "core/banned.h"

#define NONCE_LIFE_MS (5 * 60 * 1000)
#define NONCE_TEXT 96 /* time "." random "." MAC */
#define RANDOM_BYTES 8
#define MAC_BYTES 16
#define SLOTS 4096 /* nonces in use; a newer one takes an older one's place */

struct lf_sip_guard {
	char realm[128];
	lf_sip_ha1_fn *lookup;
	void *arg;
	uint8_t key[32];
	struct slot {
		uint64_t mac;
		int64_t made_ms;
		uint32_t nc;
	} used[SLOTS];
};

int lf_sip_guard_new(struct lf_sip_guard **ret, const char *realm,
		     lf_sip_ha1_fn *lookup, void *arg)
{
	struct lf_sip_guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return -ENOMEM;
	if (!lf_text_copy(guard->realm, sizeof(guard->realm), realm) ||
	    strpbrk(realm, "\"\\\r\n")) {
		free(guard);
		return -EINVAL;
	}
	guard->lookup = lookup;
	guard->arg = arg;
	lf_random(guard->key, sizeof(guard->key));
	*ret = guard;
	return 0;
}

void lf_sip_guard_free(struct lf_sip_guard *guard)
{
	if (guard)
		lf_secret_wipe(guard->key, sizeof(guard->key));
	free(guard);
}

/* ---- nonces ---- */

static void sign(const struct lf_sip_guard *guard, const char *text, size_t len,
		 uint8_t mac[LF_SHA256_SIZE])
{
	lf_hmac_sha256(mac, guard->key, sizeof(guard->key), text, len);
}

static void make_nonce(const struct lf_sip_guard *guard, char out[NONCE_TEXT])
{
	uint8_t mac[LF_SHA256_SIZE];
	char noise[2 * RANDOM_BYTES + 1];
	int n;

	lf_random_hex(noise, RANDOM_BYTES);
	n = snprintf(out, NONCE_TEXT, "%llx.%s.",
		     (unsigned long long)lf_mono_ms(), noise);
	sign(guard, out, (size_t)n, mac);
	for (int i = 0; i < MAC_BYTES; i++)
		n += snprintf(out + n, NONCE_TEXT - (size_t)n, "%02x", mac[i]);
}

/* -EACCES: not ours; -ESTALE: ours, too old. */
static int check_nonce(const struct lf_sip_guard *guard, const char *nonce,
		       struct slot *ret)
{
	const char *dot = strrchr(nonce, '.');
	char expected[2 * MAC_BYTES + 1];
	uint8_t mac[LF_SHA256_SIZE];

	if (!dot || strlen(dot + 1) != 2 * MAC_BYTES)
		return -EACCES;
	sign(guard, nonce, (size_t)(dot + 1 - nonce), mac);
	for (int i = 0; i < MAC_BYTES; i++)
		snprintf(expected + 2 * i, 3, "%02x", mac[i]);
	if (!lf_secret_equal(expected, dot + 1, 2 * MAC_BYTES))
		return -EACCES;
	memcpy(&ret->mac, mac, sizeof(ret->mac));
	ret->made_ms = strtoll(nonce, NULL, 16);
	return lf_mono_ms() - ret->made_ms > NONCE_LIFE_MS ? -ESTALE : 0;
}

/*
 * A nonce count may only grow. Without qop a nonce serves once. One that was
 * pushed out is older than who sits in its place: it does not come back.
 */
static int use_nonce(struct lf_sip_guard *guard, const struct slot *nonce)
{
	struct slot *slot = &guard->used[nonce->mac % SLOTS];
	bool is_fresh = slot->mac == nonce->mac
				? nonce->nc > slot->nc
				: nonce->made_ms > slot->made_ms;

	if (!is_fresh)
		return -ESTALE;
	*slot = *nonce;
	return 0;
}

/* ---- one request ---- */

/* The credentials for our realm, of possibly several. */
static int find_credentials(const struct lf_sip_guard *guard,
			    const msg_auth_t *auth, struct lf_digest *d)
{
	for (; auth; auth = auth->au_next)
		if (!lf_digest_parse(d, auth->au_scheme, auth->au_params) &&
		    !strcmp(d->realm, guard->realm))
			return 0;
	return -ENOENT;
}

static bool is_right(const struct lf_sip_guard *guard,
		     const struct lf_digest *d, const char *method)
{
	char ha1[65] = "", expected[65];
	size_t len = d->is_sha256 ? 64 : 32;
	bool ok;

	if (guard->lookup(d->username, guard->realm, d->is_sha256, ha1,
			  guard->arg))
		return false;
	lf_digest_response(expected, d, ha1, method);
	ok = strlen(d->response) == len &&
	     lf_secret_equal(expected, d->response, len);
	lf_secret_wipe(ha1, sizeof(ha1));
	return ok;
}

int lf_sip_guard_check(struct lf_sip_guard *guard, const sip_t *request,
		       char *user, size_t size)
{
	struct slot nonce = {.nc = 1};
	struct lf_digest d;
	int age;

	if (find_credentials(guard, request->sip_authorization, &d))
		return -ENOENT;
	age = check_nonce(guard, d.nonce, &nonce);
	if (age == -EACCES)
		return -ESTALE; /* of another process: the next one will do */
	if (!is_right(guard, &d, request->sip_request->rq_method_name) ||
	    !lf_text_copy(user, size, d.username))
		return -EACCES;
	if (d.has_qop)
		nonce.nc = d.nc;
	return age ? age : use_nonce(guard, &nonce);
}

void lf_sip_guard_challenge(struct lf_sip_guard *guard, bool is_stale,
			    char out[LF_GUARD_CHALLENGE_SIZE])
{
	static const char *const algorithms[] = {"SHA-256", "MD5"};
	char nonce[NONCE_TEXT];
	int n = 0;

	make_nonce(guard, nonce);
	for (int i = 0; i < 2; i++)
		n += snprintf(out + n, LF_GUARD_CHALLENGE_SIZE - (size_t)n,
			      "WWW-Authenticate: Digest realm=\"%s\", "
			      "nonce=\"%s\", algorithm=%s, "
			      "qop=\"auth\"%s\r\n",
			      guard->realm, nonce, algorithms[i],
			      is_stale ? ", stale=true" : "");
}
