/*
 * presence/resource_lists.h - lists of addresses: documents (RFC 4826), as a
 * SUBSCRIBE may carry them (RFC 5367), and the parts of a list's NOTIFY (RFC
 * 4662).
 */
#ifndef LF_PRESENCE_RESOURCE_LISTS_H
#define LF_PRESENCE_RESOURCE_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

#define LF_RESOURCES_MAX 1000 /* entries of a list */

/* Each entry's uri, of nested lists too; non-zero ends it and is returned. */
typedef int lf_resource_fn(const char *uri, void *arg);

/* -EPROTO: no resource-lists document; -E2BIG: more than LF_RESOURCES_MAX. */
int lf_resource_lists_read(const char *data, size_t len, lf_resource_fn *fn,
			   void *arg);

/* ---- writing a multipart with its table of contents ---- */
struct lf_rlmi {
	struct lf_buf list, parts;
	char boundary[24];
	unsigned documents;
};

/* `uri` of the list; documents come from one source, so one id does. */
void lf_rlmi_begin(struct lf_rlmi *rlmi, const char *uri, uint32_t version,
		   bool is_full);
/* Without state yet (RFC 4662, 5.4: a resource without an instance). */
void lf_rlmi_add_unknown(struct lf_rlmi *rlmi, const char *uri);
void lf_rlmi_add_gone(struct lf_rlmi *rlmi, const char *uri,
		      const char *reason);
void lf_rlmi_add(struct lf_rlmi *rlmi, const char *uri, const char *type,
		 const char *body, size_t len);
/* The whole body, and its Content-Type. -ENOMEM. `rlmi` is done with. */
#define LF_RLMI_TYPE_SIZE 128
int lf_rlmi_end(struct lf_rlmi *rlmi, struct lf_buf *out,
		char type[LF_RLMI_TYPE_SIZE]);

#endif
