/*
 * directory/access_internal.h - what access.c (passwords), scram.c (SCRAM)
 * and brake.c (against guessing) share.
 */
#ifndef LF_DIRECTORY_ACCESS_INTERNAL_H
#define LF_DIRECTORY_ACCESS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/map.h"
#include "core/secret.h"
#include "directory/access.h"
#include "directory/user.h"

/* ---- brake.c ---- */

#define LF_BRAKE_FAILURES 5
#define LF_BRAKE_WINDOW_MS (10 * 60 * 1000)
#define LF_BRAKE_ENTRIES 8192 /* then the longest quiet one is forgotten */

struct lf_brake {
	struct lf_map by_key;
	struct lf_list quiet_first;
	lf_access_braked_fn *on_braked; /* or NULL */
	void *arg;
};

/* Who tries, twice: as a name and as an address. */
#define LF_BRAKE_KEY_SIZE (LF_USER_TEXT_MAX + 4)
struct lf_brake_keys {
	char name[LF_BRAKE_KEY_SIZE];
	char address[LF_BRAKE_KEY_SIZE];
};

/* An address counts without its port; of IPv6 the network (64 bits). */
void lf_brake_keys(struct lf_brake_keys *keys, const char *username,
		   const char *address);
void lf_brake_init(struct lf_brake *brake);
void lf_brake_done(struct lf_brake *brake);
/* Failures of the key within the window; *ret_wait_ms until one is less. */
unsigned lf_brake_failures(const struct lf_brake *brake, const char *key,
			   int64_t now_ms, int64_t *ret_wait_ms);
/* 0: may try; else how long not to. */
int64_t lf_brake_wait_ms(const struct lf_brake *brake,
			 const struct lf_brake_keys *keys, int64_t now_ms);
void lf_brake_fail(struct lf_brake *brake, const struct lf_brake_keys *keys,
		   int64_t now_ms);

/* ---- access.c ---- */

struct lf_access {
	struct lf_directory *dir;
	struct lf_brake brake;
	struct lf_list waiting, running; /* passwords */
	unsigned n_waiting, n_running;
	unsigned refs;
	bool is_closed;
};

void lf_access_unref(struct lf_access *access);

/* The verifier of a user, or one for somebody who does not exist: always the
 * same for one name, also over a restart. NULL: nobody. */
const struct lf_user *lf_access_verifier(const struct lf_access *access,
					 const char *username,
					 struct lf_scram *ret);

#endif
