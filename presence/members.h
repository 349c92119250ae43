/*
 * presence/members.h - who is on a list: as a SUBSCRIBE carries it (RFC 5367),
 * or as it is kept under a name: the entries of a document (lists.h), then the
 * users of a group ("list.NAME.group"). Inside presence/ only.
 */
#ifndef LF_PRESENCE_MEMBERS_H
#define LF_PRESENCE_MEMBERS_H

#include <stdbool.h>

#include "core/buf.h"

struct lf_agent;
struct lf_resource;
struct lf_sip_request;

struct lf_members {
	struct lf_buf lines; /* "uri name\n" for each */
	bool is_kept;        /* under a name: it may change */
};

/* A lf_resource_fn that adds a line to a lf_buf. -EPROTO: it is too long. */
int lf_members_add(const struct lf_resource *r, void *lines);
/* Reads a line; its texts lie in `scratch`. The next one, NULL: no more. */
#define LF_MEMBER_SIZE 512
const char *lf_members_next(const char *line, struct lf_resource *ret,
			    char scratch[LF_MEMBER_SIZE]);

/*
 * Of the list a SUBSCRIBE is for. -ENOENT: it is for none; -EPROTO: what it
 * carries cannot be read; -E2BIG: too many.
 */
int lf_members_asked(struct lf_members *ret, struct lf_agent *agent,
		     struct lf_sip_request *req);
/* Of the one kept as "sip:NAME@host". -ENOENT: none is. */
int lf_members_kept(struct lf_members *ret, const struct lf_agent *agent,
		    const char *uri);
size_t lf_members_count(const struct lf_members *members); /* lines */
void lf_members_done(struct lf_members *members);

/* ---- lists that change while somebody is subscribed ---- */
int lf_members_open(struct lf_agent *agent); /* reads the documents */
void lf_members_close(struct lf_agent *agent);
/* A document, a group or a user did: subscriptions see it a moment later. */
void lf_members_moved(struct lf_agent *agent);

#endif
