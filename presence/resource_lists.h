/*
 * presence/resource_lists.h - lists of addresses: documents (RFC 4826), as a
 * SUBSCRIBE may carry them (RFC 5367) and administrators keep them (lists.h),
 * and the parts of a list's NOTIFY (RFC 4662).
 */
#ifndef LF_PRESENCE_RESOURCE_LISTS_H
#define LF_PRESENCE_RESOURCE_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

#define LF_RESOURCES_MAX 1000 /* entries of a list */
#define LF_RESOURCE_URI 256   /* bytes of an address with its NUL */
#define LF_RESOURCE_NAME 128

struct lf_resource {
	const char *uri;
	const char *name; /* to show; "": none */
};

/* Each entry, of nested lists too; non-zero ends it and is returned. */
typedef int lf_resource_fn(const struct lf_resource *r, void *arg);

/*
 * Leaves out what it does not follow: <external>, <entry-ref>. -EPROTO: no
 * resource-lists document; -E2BIG: more than LF_RESOURCES_MAX.
 */
int lf_resource_lists_read(const char *data, size_t len, lf_resource_fn *fn,
			   void *arg);

/*
 * The same for who can be told what is wrong: nothing is left out. -EPROTO,
 * -E2BIG: `err_text` says in which line, and what. `fn` may be NULL.
 */
#define LF_RESOURCE_ERROR_SIZE 256
int lf_resource_lists_check(const char *data, size_t len, lf_resource_fn *fn,
			    void *arg, char err_text[LF_RESOURCE_ERROR_SIZE]);

/* ---- writing a multipart with its table of contents ---- */
struct lf_rlmi {
	struct lf_buf list, parts;
	size_t list_was, parts_was; /* before the last resource */
	char boundary[9];
	unsigned documents;
};

/* `uri` of the list; documents come from one source, so one id does. */
void lf_rlmi_begin(struct lf_rlmi *rlmi, const char *uri, uint32_t version,
		   bool is_full);
/* Without state yet (RFC 4662, 5.4: a resource without an instance). */
void lf_rlmi_add_unknown(struct lf_rlmi *rlmi, const struct lf_resource *r);
void lf_rlmi_add_gone(struct lf_rlmi *rlmi, const struct lf_resource *r,
		      const char *reason);
void lf_rlmi_add(struct lf_rlmi *rlmi, const struct lf_resource *r,
		 const char *type, const char *body, size_t len);
void lf_rlmi_undo(struct lf_rlmi *rlmi); /* the last of these, once */
/* Of Content-Type, Content-Length and body, were it ended now. */
size_t lf_rlmi_size(const struct lf_rlmi *rlmi);
/* The whole body, and its Content-Type. -ENOMEM. `rlmi` is done with. */
#define LF_RLMI_TYPE_SIZE 128
int lf_rlmi_end(struct lf_rlmi *rlmi, struct lf_buf *out,
		char type[LF_RLMI_TYPE_SIZE]);

#endif
