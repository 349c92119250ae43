/*
 * presence/publish.h - PUBLISH (RFC 3903): what people's own phones say of
 * them. The publications of a person, composed, are one report on the board,
 * of a feed called "publish". Inside presence/ only.
 */
#ifndef LF_PRESENCE_PUBLISH_H
#define LF_PRESENCE_PUBLISH_H

#include <stddef.h>

#include "presence/agent.h"

struct lf_publish; /* opaque: see publish.c */
struct lf_sip_request;

#define LF_PUBLICATIONS_MAX 16 /* of one person */

int lf_publish_open(struct lf_publish **ret, struct lf_agent *agent);
void lf_publish_close(struct lf_publish *publish);

/* A PUBLISH; `publish` is the argument, as lf_sip_request_fn wants it. */
void lf_publish_request(struct lf_sip_request *req, void *publish);

size_t lf_publish_count(const struct lf_publish *publish);
void lf_publish_each(const struct lf_publish *publish,
		     lf_agent_publication_fn *fn, void *arg);

#endif
