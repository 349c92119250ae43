/*
 * directory/user.h - the colleagues: who exists, and on which lines (S46,
 * S104, S88).
 *
 * All users are in memory, loaded once at start; a change is written to the
 * store first and then seen by everybody through on_change.
 */
#ifndef LF_DIRECTORY_USER_H
#define LF_DIRECTORY_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_buf;
struct lf_directory; /* opaque: see user.c */
struct lf_store;

#define LF_USER_TEXT_MAX 128 /* bytes in any field */
#define LF_USERS_MAX 100000

enum lf_licence_kind {
	LF_LICENCE_NONE,
	LF_LICENCE_BOE,
	LF_LICENCE_BAP,
	LF_LICENCE_BAE
};

/* Texts are never NULL; "" means unset. Owned by the directory. */
struct lf_user {
	const char *id; /* "u17"; given once, never reused */
	const char *username;
	const char *first_name, *last_name;
	const char *ext;       /* first extension number */
	const char *sip_uri;   /* "anna@corp.example", without "sip:" */
	const char *ms_uri;    /* Microsoft UPN */
	const char *webex_uri; /* Webex UPN */
	const char *voicemail; /* voicemail number */
	const char *department;
	const char *groups; /* comma separated */
	const char *email;
	const char *ad_username, *ad_domain;
	const char *device; /* SEP..., for a shared first extension (S80) */
	const char *scram;  /* core/secret.h text form; "": cannot log in */
	enum lf_licence_kind licence;
	bool is_admin;
	int64_t rev; /* grows with each change */
};

/* Field access by the names used in CSV, lampctl and the API. */
enum lf_user_field {
	LF_USER_ID,
	LF_USER_USERNAME,
	LF_USER_FIRST_NAME,
	LF_USER_LAST_NAME,
	LF_USER_EXT,
	LF_USER_SIP_URI,
	LF_USER_MS_URI,
	LF_USER_WEBEX_URI,
	LF_USER_VOICEMAIL,
	LF_USER_DEPARTMENT,
	LF_USER_GROUPS,
	LF_USER_EMAIL,
	LF_USER_AD_USERNAME,
	LF_USER_AD_DOMAIN,
	LF_USER_DEVICE,
	LF_USER_LICENCE,
	LF_USER_ADMIN,
	LF_USER_PASSWORD, /* write only */
	LF_USER_FIELDS
};
const char *lf_user_field_name(enum lf_user_field field); /* "sip_uri" */
int lf_user_field_parse(enum lf_user_field *ret, const char *name);
const char *lf_user_get(const struct lf_user *user, enum lf_user_field field);

/* "Carla Rossi", or the username. Returns `out`. */
char *lf_user_name(const struct lf_user *user, char *out, size_t size);
/* LF_USER_GROUPS or the department holds `group` (ASCII case ignored). */
bool lf_user_in_group(const struct lf_user *user, const char *group);
const char *lf_licence_kind_name(enum lf_licence_kind kind); /* "BAE" */

/* `ready` is called once, from the loop, when the users are loaded. */
int lf_directory_open(struct lf_directory **ret, struct lf_store *store,
		      void (*ready)(int err, void *arg), void *arg);
void lf_directory_close(struct lf_directory *dir);

size_t lf_directory_count(const struct lf_directory *dir);
const struct lf_user *lf_user_find(const struct lf_directory *dir,
				   const char *id);
/* ASCII case ignored. */
const struct lf_user *lf_user_by_username(const struct lf_directory *dir,
					  const char *username);
const struct lf_user *lf_user_by_ext(const struct lf_directory *dir,
				     const char *ext); /* first of a shared */
/* `key` as people type it: id, username, extension, SIP URI; else NULL. */
const struct lf_user *lf_user_resolve(const struct lf_directory *dir,
				      const char *key);
/* In order of last name, first name; `i` starts at 0; NULL at the end. */
const struct lf_user *lf_user_next(const struct lf_directory *dir, size_t *i);

/*
 * Words of `query` must each occur in name, extension, department, username
 * or e-mail. Returns the total; fills at most `max` from `offset` on.
 */
size_t lf_user_search(const struct lf_directory *dir, const char *query,
		      size_t offset, const struct lf_user **out, size_t max);

/*
 * was NULL: new; now NULL: deleted. Both live during the call. A `was` stays
 * valid until every listener has returned.
 */
typedef void lf_user_change_fn(const struct lf_user *was,
			       const struct lf_user *now, void *arg);
int lf_directory_on_change(struct lf_directory *dir, lf_user_change_fn *fn,
			   void *arg);

/*
 * Create (id NULL) or change a user; values[] and fields[] in parallel. All
 * or nothing. done() gets 0 and the id, or -EINVAL, -EEXIST (username taken),
 * -ENOENT, -EAGAIN (store) and a sentence for people. `by` is for the audit.
 * A password is hashed in a worker thread. A refusal may be told before the
 * call returns; a call that returns non-zero (-ENOMEM) does not call back,
 * and after lf_directory_close() nobody does.
 */
typedef void lf_user_done_fn(int err, const char *id, const char *text,
			     void *arg);
int lf_user_put(struct lf_directory *dir, const char *id,
		const enum lf_user_field *fields, const char *const *values,
		size_t n, const char *by, lf_user_done_fn *done, void *arg);
int lf_user_delete(struct lf_directory *dir, const char *id, const char *by,
		   lf_user_done_fn *done, void *arg);

/*
 * CSV (RFC 4180, UTF-8, BOM accepted, ';' or ',' ), header line of field
 * names. Import matches by id, else username; all or nothing; the text names
 * the line of the first error. Up to LF_CSV_MAX_BYTES.
 */
#define LF_CSV_MAX_BYTES (32 << 20)
typedef void lf_import_fn(int err, size_t added, size_t changed,
			  const char *text, void *arg);
int lf_users_import(struct lf_directory *dir, const char *csv, size_t len,
		    const char *by, lf_import_fn *done, void *arg);
void lf_users_export(const struct lf_directory *dir, struct lf_buf *out);

#endif
