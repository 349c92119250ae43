/*
 * presence/fold.h - what the documents of one line say together: the telephone
 * from its dialogs, the person from its presence. Inside presence/ only.
 */
#ifndef LF_PRESENCE_FOLD_H
#define LF_PRESENCE_FOLD_H

struct lf_report;

/* What the first document did not know, the next one may add. */
void lf_fold(struct lf_report *to, const struct lf_report *from);

#endif
