/* sip/guard.h - digest on the server's side: who may speak without a trunk.
 * For the files of sip/ only. */
#ifndef LF_SIP_GUARD_H
#define LF_SIP_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include <sofia-sip/sip.h>

#include "sip/sip.h"

#define LF_GUARD_CHALLENGE_SIZE 1024

struct lf_sip_guard; /* opaque: see guard.c */

int lf_sip_guard_new(struct lf_sip_guard **ret, const char *realm,
		     lf_sip_ha1_fn *lookup, void *arg);
void lf_sip_guard_free(struct lf_sip_guard *guard); /* NULL is fine */

/*
 * 0: `user` is who sent it. -ENOENT: no credentials for our realm; -ESTALE:
 * right, but the nonce is too old or was used; -EACCES: wrong.
 */
int lf_sip_guard_check(struct lf_sip_guard *guard, const sip_t *request,
		       char *user, size_t size);
/* Header lines, SHA-256 first (RFC 8760, 2.4). */
void lf_sip_guard_challenge(struct lf_sip_guard *guard, bool is_stale,
			    char out[LF_GUARD_CHALLENGE_SIZE]);

#endif
