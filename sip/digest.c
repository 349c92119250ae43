/*
 * sip/digest.c - the digest's arithmetic and texts, for both sides. Sofia has
 * MD5 only, so this is ours; it knows no message and no socket.
 */
#include "sip/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

#define CNONCE_BYTES 8

/* ---- reading ---- */

/* Copies a token or a quoted string (RFC 3261, 25.1) without its quotes. */
static int unquote(char *out, size_t size, const char *value)
{
	size_t n = 0;

	if (*value != '"') {
		return lf_text_copy(out, size, value) ? 0 : -EPROTO;
	}
	for (value++; *value && *value != '"'; value++) {
		if (*value == '\\' && value[1])
			value++;
		if (n + 1 >= size)
			return -EPROTO;
		out[n++] = *value;
	}
	out[n] = '\0';
	return *value == '"' ? 0 : -EPROTO;
}

static int take_algorithm(struct lf_digest *d, const char *word)
{
	d->is_sha256 = lf_text_equal(word, "SHA-256");
	return d->is_sha256 || lf_text_equal(word, "MD5") ? 0 : -ENOTSUP;
}

/* A challenge lists what the server speaks; credentials name one. */
static int take_qop(struct lf_digest *d, char *list)
{
	char *word, *rest = list;

	while ((word = strsep(&rest, ",")) != NULL)
		if (lf_text_equal(lf_text_trim(word), "auth"))
			d->has_qop = true;
	return d->has_qop ? 0 : -ENOTSUP;
}

static int take_nc(struct lf_digest *d, const char *digits)
{
	char *end;
	unsigned long n = strtoul(digits, &end, 16);

	if (strlen(digits) != 8 || *end)
		return -EPROTO;
	d->nc = (uint32_t)n;
	return 0;
}

static int take(struct lf_digest *d, const char *name, const char *value)
{
	const struct {
		const char *name;
		char *out;
		size_t size;
	} texts[] = {
		{"username", d->username, sizeof(d->username)},
		{"realm", d->realm, sizeof(d->realm)},
		{"nonce", d->nonce, sizeof(d->nonce)},
		{"opaque", d->opaque, sizeof(d->opaque)},
		{"uri", d->uri, sizeof(d->uri)},
		{"cnonce", d->cnonce, sizeof(d->cnonce)},
		{"response", d->response, sizeof(d->response)},
	};
	char word[64];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (lf_text_equal(name, texts[i].name))
			return unquote(texts[i].out, texts[i].size, value);
	if (!lf_text_equal(name, "algorithm") && !lf_text_equal(name, "qop") &&
	    !lf_text_equal(name, "nc") && !lf_text_equal(name, "stale"))
		return 0; /* domain, and what others invented */
	if (unquote(word, sizeof(word), value))
		return -EPROTO;
	if (lf_text_equal(name, "algorithm"))
		return take_algorithm(d, word);
	if (lf_text_equal(name, "qop"))
		return take_qop(d, word);
	if (lf_text_equal(name, "nc"))
		return take_nc(d, word);
	d->is_stale = lf_text_equal(word, "true");
	return 0;
}

int lf_digest_parse(struct lf_digest *ret, const char *scheme,
		    const char *const *params)
{
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	if (!scheme || !lf_text_equal(scheme, "Digest"))
		return -ENOTSUP;
	for (; params && *params && !err; params++) {
		const char *equal = strchr(*params, '=');
		char name[32];

		if (!equal)
			continue;
		if (!lf_text_copy_n(name, sizeof(name), *params,
				    (size_t)(equal - *params)))
			continue;
		err = take(ret, lf_text_trim(name), equal + 1);
	}
	if (!err && (!*ret->realm || !*ret->nonce))
		err = -EPROTO;
	return err;
}

/* ---- arithmetic ---- */

static void hash(char out[65], bool is_sha256, const struct lf_buf *text)
{
	if (is_sha256)
		lf_sha256_hex(out, lf_buf_str(text), text->len);
	else
		lf_md5_hex(out, lf_buf_str(text), text->len);
}

void lf_digest_ha1(char out[65], bool is_sha256, const char *user,
		   const char *realm, const char *password)
{
	struct lf_buf text = {0};

	lf_buf_addf(&text, "%s:%s:%s", user, realm, password);
	hash(out, is_sha256, &text);
	if (text.data)
		lf_secret_wipe(text.data, text.len);
	lf_buf_done(&text);
}

void lf_digest_response(char out[65], const struct lf_digest *d,
			const char *ha1, const char *method)
{
	struct lf_buf text = {0};
	char ha2[65];

	lf_buf_addf(&text, "%s:%s", method, d->uri);
	hash(ha2, d->is_sha256, &text);
	lf_buf_reset(&text);
	if (d->has_qop)
		lf_buf_addf(&text, "%s:%s:%08x:%s:auth:%s", ha1, d->nonce,
			    d->nc, d->cnonce, ha2);
	else /* RFC 2069 peers */
		lf_buf_addf(&text, "%s:%s:%s", ha1, d->nonce, ha2);
	hash(out, d->is_sha256, &text);
	lf_buf_done(&text);
}

/* ---- the client ---- */

void lf_digest_client_done(struct lf_digest_client *client)
{
	free(client->realm);
	free(client->nonce);
	free(client->opaque);
	lf_secret_wipe(client, sizeof(*client));
}

int lf_digest_client_take(struct lf_digest_client *client,
			  const struct lf_digest *challenge, bool is_proxy,
			  const char *user, const char *password)
{
	struct lf_digest_client fresh = {
		.realm = strdup(challenge->realm),
		.nonce = strdup(challenge->nonce),
		.opaque = strdup(challenge->opaque),
		.is_sha256 = challenge->is_sha256,
		.has_qop = challenge->has_qop,
		.is_proxy = is_proxy,
	};

	if (!fresh.realm || !fresh.nonce || !fresh.opaque) {
		lf_digest_client_done(&fresh);
		return -ENOMEM;
	}
	lf_digest_ha1(fresh.ha1, fresh.is_sha256, user, fresh.realm, password);
	lf_digest_client_done(client);
	*client = fresh;
	return 0;
}

static void add_quoted(struct lf_buf *out, const char *name, const char *value)
{
	lf_buf_addf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			lf_buf_addc(out, '\\');
		lf_buf_addc(out, *value);
	}
	lf_buf_adds(out, "\"");
}

static void add_credentials(struct lf_buf *out, const struct lf_digest *d,
			    const char *user)
{
	add_quoted(out, " username", user);
	add_quoted(out, ", realm", d->realm);
	add_quoted(out, ", nonce", d->nonce);
	add_quoted(out, ", uri", d->uri);
	lf_buf_addf(out, ", response=\"%s\", algorithm=%s", d->response,
		    d->is_sha256 ? "SHA-256" : "MD5");
	if (d->has_qop)
		lf_buf_addf(out, ", cnonce=\"%s\", qop=auth, nc=%08x",
			    d->cnonce, d->nc);
	if (*d->opaque)
		add_quoted(out, ", opaque", d->opaque);
}

int lf_digest_client_header(struct lf_digest_client *client, const char *user,
			    const char *method, const char *uri,
			    char out[LF_DIGEST_HEADER_SIZE])
{
	struct lf_buf text = {0};
	struct lf_digest d = {
		.nc = client->nc + 1,
		.is_sha256 = client->is_sha256,
		.has_qop = client->has_qop,
	};
	int err = -E2BIG;

	if (!client->nonce)
		return -ENOENT;
	if (!lf_text_copy(d.uri, sizeof(d.uri), uri))
		return -E2BIG;
	lf_text_copy(d.realm, sizeof(d.realm), client->realm);
	lf_text_copy(d.nonce, sizeof(d.nonce), client->nonce);
	lf_text_copy(d.opaque, sizeof(d.opaque), client->opaque);
	lf_random_hex(d.cnonce, CNONCE_BYTES);
	lf_digest_response(d.response, &d, client->ha1, method);
	client->nc++;

	lf_buf_addf(&text, "%s: Digest",
		    client->is_proxy ? "Proxy-Authorization" : "Authorization");
	add_credentials(&text, &d, user);
	if (lf_buf_error(&text))
		err = -ENOMEM;
	else if (lf_text_copy(out, LF_DIGEST_HEADER_SIZE, lf_buf_str(&text)))
		err = 0;
	lf_buf_done(&text);
	return err;
}
