/*
 * presence/document.h - the body of a NOTIFY, whatever it is, to reports.
 *
 *     presence, dialog, message-summary -> one report about the line itself
 *     multipart with RLMI               -> one report per resource of a list
 */
#ifndef LF_PRESENCE_DOCUMENT_H
#define LF_PRESENCE_DOCUMENT_H

#include <stddef.h>

#include "presence/pidf.h"

struct lf_document; /* what one subscription said so far; NULL: nothing */
struct lf_report;

/* `uri` is NULL for the line that was subscribed to, else a list's resource.
 * The report has its condition; times are the caller's. */
typedef void lf_document_fn(const char *uri, const struct lf_report *report,
			    void *arg);

/*
 * Reads one body; `state` remembers dialogs and versions between bodies.
 * -EPROTO: not understood; -ESTALE: older than what was read before; -EAGAIN:
 * one is missing before it, ask for full state; -E2BIG; -ENOMEM. With an
 * error about the whole body nothing was told; a bad part of a list is left
 * out and the others are told. -EAGAIN and -ENOMEM may also be about parts of
 * a list only.
 */
int lf_document_read(struct lf_document **state, enum lf_dialect dialect,
		     const char *content_type, const char *body, size_t len,
		     lf_document_fn *fn, void *arg);
void lf_document_free(struct lf_document *state); /* NULL is fine */

#endif
