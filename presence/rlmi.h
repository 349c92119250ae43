/* presence/rlmi.h - the table of contents of a resource list (RFC 4662). */
#ifndef LF_PRESENCE_RLMI_H
#define LF_PRESENCE_RLMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LF_RLMI_URI 256

/* One instance of a resource; a resource without any has state "". */
struct lf_rlmi_entry {
	char uri[LF_RLMI_URI];
	char state[16];  /* "active", "pending", "terminated" */
	char reason[24]; /* with "terminated" */
	char cid[192];   /* of the part with its document; "" for none */
};

typedef int lf_rlmi_fn(const struct lf_rlmi_entry *entry, void *arg);

/*
 * Calls for every entry; a non-zero result ends it and is returned. fn NULL:
 * only version and fullState are wanted.
 * ret_version: -1 if it is missing. -EPROTO: no RLMI list; -E2BIG; -ENOMEM.
 */
int lf_rlmi_read(const char *data, size_t len, int64_t *ret_version,
		 bool *ret_is_full, lf_rlmi_fn *fn, void *arg);

#endif
