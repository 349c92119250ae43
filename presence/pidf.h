/*
 * presence/pidf.h - a presence document (RFC 3863, with the data model of RFC
 * 4479 and the activities of RFC 4480) as PBXs really write it, and the older
 * XPIDF.
 *
 * Several tuples and persons are composed: a person's activities before a
 * tuple's, and among equals the most restrictive of do-not-disturb, on the
 * phone, busy, away, available, offline. All tuples closed and no activity is
 * offline.
 */
#ifndef LF_PRESENCE_PIDF_H
#define LF_PRESENCE_PIDF_H

#include <stddef.h>

struct lf_report;

/* Who wrote it; AUTO tells by the document. In the order of the setting. */
enum lf_dialect {
	LF_DIALECT_AUTO,
	LF_DIALECT_CUCM,
	LF_DIALECT_CUP,
	LF_DIALECT_ASTERISK,   /* the note is the state; activities: busy or not
				*/
	LF_DIALECT_FREESWITCH, /* the person's note is the state */
	LF_DIALECT_KAMAILIO,
	LF_DIALECT_PLAIN,
};

/*
 * Fills what the document says: knows, line, rich, is_dnd, is_idle, message,
 * peer, since_ms, hint; the rest is left alone. -EPROTO: no presence
 * document; -E2BIG: over the bounds of core/xml.h; -ENOMEM.
 */
int lf_pidf_read(struct lf_report *ret, enum lf_dialect dialect,
		 const char *data, size_t len);

#endif
