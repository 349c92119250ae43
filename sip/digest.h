/*
 * sip/digest.h - HTTP digest as SIP uses it (RFC 3261 22, RFC 2617, RFC 8760),
 * without sofia: parameters come as a NULL-ended list of "name=value".
 */
#ifndef LF_SIP_DIGEST_H
#define LF_SIP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LF_DIGEST_TEXT 256 /* bytes of a realm, nonce, user... */
#define LF_DIGEST_HEADER_SIZE 2048

/* The parameters of a challenge or of credentials; "" when absent. */
struct lf_digest {
	char username[LF_DIGEST_TEXT], realm[LF_DIGEST_TEXT];
	char nonce[LF_DIGEST_TEXT], opaque[LF_DIGEST_TEXT];
	char uri[2 * LF_DIGEST_TEXT], cnonce[LF_DIGEST_TEXT];
	char response[65];
	uint32_t nc;
	bool is_sha256, has_qop, is_stale;
};

/*
 * -EPROTO: a parameter is malformed or too long; -ENOTSUP: an algorithm or a
 * qop that we do not speak ("auth" is the only one).
 */
int lf_digest_parse(struct lf_digest *ret, const char *scheme,
		    const char *const *params);

/* H(user:realm:password), lower-case hexadecimal. */
void lf_digest_ha1(char out[65], bool is_sha256, const char *user,
		   const char *realm, const char *password);

/* The value of `response` for d's realm, nonce, nc, cnonce and uri. */
void lf_digest_response(char out[65], const struct lf_digest *d,
			const char *ha1, const char *method);

/* ---- the client's side: one peer's newest challenge ---- */
struct lf_digest_client {
	char *realm, *nonce, *opaque;
	char ha1[65];
	uint32_t nc;
	bool is_sha256, has_qop, is_proxy;
};

void lf_digest_client_done(struct lf_digest_client *client);
/* Keeps the challenge and derives what the password is needed for. */
int lf_digest_client_take(struct lf_digest_client *client,
			  const struct lf_digest *challenge, bool is_proxy,
			  const char *user, const char *password);
/* "Authorization: Digest ..." for the next request. -ENOENT: no challenge. */
int lf_digest_client_header(struct lf_digest_client *client, const char *user,
			    const char *method, const char *uri,
			    char out[LF_DIGEST_HEADER_SIZE]);

#endif
