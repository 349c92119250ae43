/*
 * presence/dialog_info.h - the calls of one line (RFC 4235).
 *
 * Full and partial documents are folded into a small table of live dialogs;
 * the line shows the most significant: a confirmed one, then an alerting one.
 */
#ifndef LF_PRESENCE_DIALOG_INFO_H
#define LF_PRESENCE_DIALOG_INFO_H

#include <stddef.h>

struct lf_dialogs; /* of one subscription; NULL: nothing known yet */
struct lf_report;

/* Live dialogs of a line; of further ones the least significant are cut. */
#define LF_DIALOGS_MAX 16

/*
 * Folds a document in and fills what it says (LINE, peer). Errors leave the
 * table as it was: -EPROTO no dialog-info; -ESTALE the last one again; -EAGAIN
 * one was lost before it (version.h), or a dialog that was cut may be the only
 * one left: ask for full state;
 * -ENOMEM; -E2BIG.
 */
int lf_dialog_info_read(struct lf_dialogs **dialogs, struct lf_report *ret,
			const char *data, size_t len);
void lf_dialogs_free(struct lf_dialogs *dialogs); /* NULL is fine */

#endif
