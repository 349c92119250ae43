/*
 * directory/access.h - who may come in: passwords and SCRAM against the
 * users, with a brake on guessing (S101, S102; 5 failures in 10 minutes per
 * user and per address).
 */
#ifndef LF_DIRECTORY_ACCESS_H
#define LF_DIRECTORY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_access; /* opaque: see access.c */
struct lf_directory;
struct lf_user;

/* What is under way when it is freed will not be answered. */
int lf_access_new(struct lf_access **ret, struct lf_directory *dir);
void lf_access_free(struct lf_access *access);

/* The brake begins to keep a user name or an address waiting. NULL is fine. */
typedef void lf_access_braked_fn(bool is_address, const char *who, void *arg);
void lf_access_on_braked(struct lf_access *access,
			 lf_access_braked_fn *on_braked, void *arg);

/*
 * err: 0 and the user (valid during the call); -EACCES, never saying which
 * part was wrong; -EBUSY: throttled for retry_ms. Checked in a worker thread;
 * the answer takes as long for an unknown user as for a wrong password.
 * -EBUSY may be told before the call returns. `address` may have a port, which
 * does not count; of an IPv6 address the first 64 bits count.
 */
typedef void lf_access_fn(int err, const struct lf_user *user, int64_t retry_ms,
			  void *arg);
int lf_access_password(struct lf_access *access, const char *username,
		       const char *password, const char *address,
		       lf_access_fn *done, void *arg);

/*
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. begin() takes
 * the client-first message and gives the server-first one; an unknown user
 * gets a plausible challenge. finish() takes client-final, gives
 * server-final and the user; it can be called once. 0, -EACCES, -EBUSY,
 * -EPROTO, -ENOMEM; -EINVAL: `out` is too small (512 bytes are enough).
 */
struct lf_scram_talk; /* one login attempt; opaque */
int lf_scram_begin(struct lf_scram_talk **ret, struct lf_access *access,
		   const char *client_first, const char *address, char *out,
		   size_t size, int64_t *ret_retry_ms);
int lf_scram_finish(struct lf_scram_talk *talk, const char *client_final,
		    char *out, size_t size, const struct lf_user **ret_user);
void lf_scram_free(struct lf_scram_talk *talk);

#endif
