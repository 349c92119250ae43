/*
 * directory/audit.h - who changed what, and when (S275). One append per
 * change, into the store's log "audit".
 */
#ifndef LF_DIRECTORY_AUDIT_H
#define LF_DIRECTORY_AUDIT_H

#include <stddef.h>
#include <stdint.h>

struct lf_store;

/* `what` is a verb with its object ("set console.search-max"), `detail` free
 * text without secrets. Never blocks; a store error is logged. */
void lf_audit(struct lf_store *store, const char *by, const char *what,
	      const char *detail);

struct lf_audit_entry {
	int64_t seq, wall_ms;
	const char *by, *what, *detail;
};
typedef void lf_audit_fn(int err, const struct lf_audit_entry *entries,
			 size_t n, void *arg);
/* The newest `max`, oldest first. */
int lf_audit_read(struct lf_store *store, unsigned max, lf_audit_fn *done,
		  void *arg);

#endif
