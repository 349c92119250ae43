/*
 * presence/agent_list.h - a subscription to many at once (RFC 4662): its
 * members, and what of them its watcher has not seen. Inside presence/ only.
 */
#ifndef LF_PRESENCE_AGENT_LIST_H
#define LF_PRESENCE_AGENT_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct lf_agent;
struct lf_agent_list; /* opaque: see agent_list.c */
struct lf_agent_sub;
struct lf_buf;
struct lf_sip_body;
struct lf_sip_request;

#define LF_LIST_BATCH_MS 200

/*
 * The list a SUBSCRIBE is for: carried in it, or of that name in the settings
 * ("list.NAME.*"). 0 and its lines, an address each; -ENOENT: it is for no
 * list; -EPROTO: what it carries cannot be read; -E2BIG: too many.
 */
int lf_agent_list_find(struct lf_agent *agent, struct lf_sip_request *req,
		       struct lf_buf *ret_lines);

/* `lines` as found; `uri` names the list in documents. */
int lf_agent_list_new(struct lf_agent_list **ret, struct lf_agent_sub *sub,
		      const char *uri, const char *lines);
void lf_agent_list_free(struct lf_agent_list *list); /* NULL is fine */

const char *lf_agent_list_uri(const struct lf_agent_list *list);
/* For a restart. */
void lf_agent_list_lines(const struct lf_agent_list *list, struct lf_buf *out);
/* Everything is told again, in the next document and those after it. */
void lf_agent_list_renew(struct lf_agent_list *list);
/* Who may see what has changed. */
void lf_agent_list_levels(struct lf_agent_list *list);

/*
 * What was not told yet, as much as fits one NOTIFY; -EALREADY: nothing. What
 * is left follows LF_LIST_BATCH_MS later.
 */
int lf_agent_list_body(struct lf_sip_body **ret, struct lf_agent_list *list);

#endif
