/*
 * directory/scram.c - the server's side of SCRAM-SHA-256 (RFC 5802, 7677).
 *
 *     client-first  n,,n=rossi,r=<nonce>
 *     server-first  r=<nonce><ours>,s=<salt>,i=<iterations>
 *     client-final  c=biws,r=<nonce><ours>,p=<proof>
 *     server-final  v=<signature>
 *
 * The password never crosses the wire, so plain ports may use it. Checking a
 * proof takes a few hashes and needs no worker thread.
 */
#include "directory/access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/text.h"
#include "directory/access_internal.h"

#include "core/banned.h"

#define MESSAGE_MAX 1024
#define NONCE_MAX 128 /* the client's */
#define OUR_NONCE_BYTES 18

struct lf_scram_talk {
	struct lf_access *access;
	struct lf_brake_keys keys;
	struct lf_scram scram;
	char id[24]; /* "": nobody */
	bool is_over;
	char gs2[8];                     /* "n,," or "y,," */
	char nonce[NONCE_MAX + 64];      /* the client's and ours */
	char first[2 * MESSAGE_MAX + 1]; /* client-first-bare,server-first */
};

/* ---- reading client-first ---- */

/* "=2C" and "=3D" stand for ',' and '='; nothing else may follow a '='. */
static int decode_name(char *out, size_t size, const char *name, size_t len)
{
	size_t n = 0, i;

	for (i = 0; i < len && n + 1 < size; i++) {
		if (name[i] != '=') {
			out[n++] = name[i];
			continue;
		}
		if (len - i >= 3 && !memcmp(name + i, "=2C", 3))
			out[n++] = ',';
		else if (len - i >= 3 && !memcmp(name + i, "=3D", 3))
			out[n++] = '=';
		else
			return -EPROTO;
		i += 2;
	}
	out[n] = '\0';
	return i == len && n && lf_text_is_utf8(out, n) ? 0 : -EPROTO;
}

/* The value of the attribute that must be next; moves past its comma. */
static int take(const char **at, char name, const char **ret, size_t *ret_len)
{
	const char *end;

	if ((*at)[0] != name || (*at)[1] != '=')
		return -EPROTO;
	*ret = *at + 2;
	end = strchrnul(*ret, ',');
	*ret_len = (size_t)(end - *ret);
	*at = *end ? end + 1 : end;
	return 0;
}

static bool is_printable(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return len > 0;
}

/* We offer no channel binding: 'y' and 'n' are the same to us. An identity
 * to act as (a=...) is not supported either. */
static int read_first(struct lf_scram_talk *talk, const char *message,
		      char *username, size_t size)
{
	const char *at = message, *value;
	size_t len;
	int err;

	if (strlen(message) > MESSAGE_MAX)
		return -EPROTO;
	if (strncmp(message, "n,,", 3) && strncmp(message, "y,,", 3))
		return -EPROTO;
	lf_text_copy_n(talk->gs2, sizeof(talk->gs2), message, 3);
	at += 3;
	lf_text_copy(talk->first, sizeof(talk->first), at);
	err = take(&at, 'n', &value, &len);
	if (!err)
		err = decode_name(username, size, value, len);
	if (!err)
		err = take(&at, 'r', &value, &len);
	if (err || len > NONCE_MAX || !is_printable(value, len))
		return -EPROTO;
	lf_text_copy_n(talk->nonce, sizeof(talk->nonce), value, len);
	return 0;
}

/* ---- answering it ---- */

static void add_nonce(struct lf_scram_talk *talk)
{
	uint8_t ours[OUR_NONCE_BYTES];
	size_t len = strlen(talk->nonce);

	lf_random(ours, sizeof(ours));
	lf_base64(talk->nonce + len, ours, sizeof(ours));
}

static int write_first(struct lf_scram_talk *talk, char *out, size_t size)
{
	char salt[LF_BASE64_SIZE(sizeof(talk->scram.salt))];
	size_t len = strlen(talk->first);
	int n;

	lf_base64(salt, talk->scram.salt, sizeof(talk->scram.salt));
	n = snprintf(out, size, "r=%s,s=%s,i=%u", talk->nonce, salt,
		     talk->scram.iterations);
	if (n < 0 || (size_t)n >= size)
		return -EINVAL;
	snprintf(talk->first + len, sizeof(talk->first) - len, ",%s", out);
	return 0;
}

static int talk_begin(struct lf_scram_talk *talk, const char *client_first,
		      const char *address, char *out, size_t size,
		      int64_t *ret_retry_ms)
{
	char username[LF_USER_TEXT_MAX + 1];
	const struct lf_user *user;
	int64_t wait_ms;
	int err;

	err = read_first(talk, client_first, username, sizeof(username));
	if (err)
		return err;
	lf_brake_keys(&talk->keys, username, address);
	wait_ms = lf_brake_wait_ms(&talk->access->brake, &talk->keys,
				   lf_mono_ms());
	if (ret_retry_ms)
		*ret_retry_ms = wait_ms;
	if (wait_ms)
		return -EBUSY;
	user = lf_access_verifier(talk->access, username, &talk->scram);
	if (user)
		lf_text_copy(talk->id, sizeof(talk->id), user->id);
	add_nonce(talk);
	return write_first(talk, out, size);
}

int lf_scram_begin(struct lf_scram_talk **ret, struct lf_access *access,
		   const char *client_first, const char *address, char *out,
		   size_t size, int64_t *ret_retry_ms)
{
	struct lf_scram_talk *talk = calloc(1, sizeof(*talk));
	int err;

	if (!talk)
		return -ENOMEM;
	talk->access = access;
	access->refs++;
	err = talk_begin(talk, client_first, address, out, size, ret_retry_ms);
	if (err)
		lf_scram_free(talk);
	else
		*ret = talk;
	return err;
}

void lf_scram_free(struct lf_scram_talk *talk)
{
	if (!talk)
		return;
	lf_access_unref(talk->access);
	lf_secret_wipe(talk, sizeof(*talk));
	free(talk);
}

/* ---- client-final ---- */

/* Gives the length without ",p=..." and the proof. */
static int read_final(const struct lf_scram_talk *talk, const char *message,
		      size_t *ret_len, uint8_t proof[LF_SHA256_SIZE])
{
	char gs2[LF_BASE64_SIZE(sizeof(talk->gs2))];
	const char *at = message, *value, *p;
	size_t len;

	if (strlen(message) > MESSAGE_MAX)
		return -EPROTO;
	lf_base64(gs2, talk->gs2, strlen(talk->gs2));
	if (take(&at, 'c', &value, &len) || len != strlen(gs2) ||
	    memcmp(value, gs2, len))
		return -EPROTO;
	if (take(&at, 'r', &value, &len) || len != strlen(talk->nonce) ||
	    memcmp(value, talk->nonce, len))
		return -EPROTO;
	p = strrchr(message, ',');
	if (!p || p + 1 < at || strncmp(p, ",p=", 3) ||
	    lf_base64_decode(proof, LF_SHA256_SIZE, &len, p + 3) ||
	    len != LF_SHA256_SIZE)
		return -EPROTO;
	*ret_len = (size_t)(p - message);
	return 0;
}

/* RFC 5802, 3: the proof gives the ClientKey, its hash is what we stored. */
static bool is_proof(const struct lf_scram *scram, const char *auth, size_t len,
		     const uint8_t proof[LF_SHA256_SIZE])
{
	uint8_t key[LF_SHA256_SIZE], hash[LF_SHA256_SIZE];
	size_t i;

	lf_hmac_sha256(key, scram->stored_key, LF_SHA256_SIZE, auth, len);
	for (i = 0; i < LF_SHA256_SIZE; i++)
		key[i] ^= proof[i];
	lf_sha256(hash, key, sizeof(key));
	lf_secret_wipe(key, sizeof(key));
	return lf_secret_equal(hash, scram->stored_key, LF_SHA256_SIZE);
}

static int write_final(const struct lf_scram *scram, const char *auth,
		       size_t len, char *out, size_t size)
{
	uint8_t signature[LF_SHA256_SIZE];
	char text[LF_BASE64_SIZE(LF_SHA256_SIZE)];
	int n;

	lf_hmac_sha256(signature, scram->server_key, LF_SHA256_SIZE, auth, len);
	lf_base64(text, signature, sizeof(signature));
	n = snprintf(out, size, "v=%s", text);
	return n < 0 || (size_t)n >= size ? -EINVAL : 0;
}

/* The user as it is now, unless it has another password since begin(). */
static const struct lf_user *current_user(const struct lf_scram_talk *talk)
{
	const struct lf_user *user = lf_user_find(talk->access->dir, talk->id);
	char text[LF_SCRAM_TEXT_SIZE];

	lf_scram_format(text, &talk->scram);
	return user && !strcmp(user->scram, text) ? user : NULL;
}

static int check(struct lf_scram_talk *talk, const char *auth, size_t len,
		 const uint8_t proof[LF_SHA256_SIZE],
		 const struct lf_user **ret_user)
{
	struct lf_brake *brake = &talk->access->brake;
	const struct lf_user *user = current_user(talk);
	int64_t now = lf_mono_ms();

	if (lf_brake_wait_ms(brake, &talk->keys, now))
		return -EBUSY;
	if (!is_proof(&talk->scram, auth, len, proof) || !user) {
		lf_brake_fail(brake, &talk->keys, now);
		return -EACCES;
	}
	*ret_user = user;
	return 0;
}

int lf_scram_finish(struct lf_scram_talk *talk, const char *client_final,
		    char *out, size_t size, const struct lf_user **ret_user)
{
	uint8_t proof[LF_SHA256_SIZE];
	const struct lf_user *user;
	struct lf_buf auth = {0};
	size_t len;
	int err;

	if (talk->is_over || talk->access->is_closed)
		return -EPROTO;
	talk->is_over = true;
	err = read_final(talk, client_final, &len, proof);
	if (err)
		return err;
	lf_buf_adds(&auth, talk->first);
	lf_buf_addc(&auth, ',');
	lf_buf_add(&auth, client_final, len);
	err = lf_buf_error(&auth);
	if (!err)
		err = check(talk, auth.data, auth.len, proof, &user);
	if (!err)
		err = write_final(&talk->scram, auth.data, auth.len, out, size);
	if (!err)
		*ret_user = user;
	lf_buf_done(&auth);
	return err;
}
