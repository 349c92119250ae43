/*
 * presence/publication.h - who has published what (RFC 3903): the state behind
 * PUBLISH. The publications of a person, composed, are one report on the board,
 * of the feed "publish"; the ledger keeps them over a restart. Inside presence/
 * only; publish.c speaks SIP to it.
 */
#ifndef LF_PRESENCE_PUBLICATION_H
#define LF_PRESENCE_PUBLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/map.h"
#include "core/timer.h"
#include "presence/brief.h"
#include "presence/ledger.h"

struct lf_agent;

#define LF_ETAG_SIZE 17

struct lf_publication {
	struct lf_list node; /* in author.publications */
	struct lf_author *author;
	struct lf_timer timer;
	int64_t ends_ms;
	struct lf_brief brief;
	struct lf_ledger_entry entry;
	uint64_t said_by; /* the last request: see publish.c */
	uint32_t answer_s;
	char etag[LF_ETAG_SIZE];
	bool is_removed;   /* kept for copies of the request that did it */
	const char *event; /* one of lf_publication_event() */
	char from[];
};

/* A user with publications; its id is the key. */
struct lf_author {
	struct lf_publish *publish;
	struct lf_list publications;
	char id[];
};

struct lf_publish {
	struct lf_agent *agent;
	struct lf_ledger *ledger; /* NULL: closing */
	struct lf_map authors;    /* by user id */
	int feed;
	size_t count;
	uint64_t key[2], serial; /* of entity tags */
};

/* "presence", "dialog" or "message-summary"; NULL: another package. */
const char *lf_publication_event(const char *event);

/* Made if it is not there; NULL: no memory. */
struct lf_author *lf_author_of(struct lf_publish *publish, const char *id);
/* Frees it if nobody needs it: after the last use of a new one. */
void lf_author_release(struct lf_author *author);

/* One that says nothing yet, and lives for lf_publication_set(). */
struct lf_publication *lf_publication_new(struct lf_author *author,
					  const char *event, const char *from);
void lf_publication_free(struct lf_publication *p);
/*
 * It says `report` now (NULL: what it said before) for so many seconds, under
 * a new entity tag. 0 s: it is removed. -ENOMEM: all is as it was.
 */
int lf_publication_set(struct lf_publication *p, const struct lf_report *report,
		       uint32_t expires_s);

#endif
