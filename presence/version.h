/*
 * presence/version.h - which document may follow which: the version attribute
 * of dialog-info (RFC 4235, 4.1) and of lists (RFC 4662, 5.6). Inside presence/
 * only.
 *
 * Versions begin at 0 and grow by one with each document of a subscription. A
 * partial one after a gap has lost its base: guessing would light the wrong
 * lamp, so the full state is asked for. The same goes for a number that fell:
 * the CSeq of its NOTIFY is newer, so the peer began to count anew.
 */
#ifndef LF_PRESENCE_VERSION_H
#define LF_PRESENCE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

struct lf_version {
	int64_t last; /* -1: the document had none */
	bool is_lost; /* the next full document is believed, whatever it says */
};

/* Before the first document. */
#define LF_VERSION_NONE ((struct lf_version){.last = -1, .is_lost = true})

/* Of a document that is to come next: 0, -ESTALE: a repeat, -EAGAIN: ask. */
int lf_version_check(struct lf_version *version, int64_t next, bool is_full);
/* It was read: the next one follows it. */
void lf_version_set(struct lf_version *version, int64_t next);

#endif
