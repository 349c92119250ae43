/*
 * presence/agent_list.h - a subscription to many at once (RFC 4662): its
 * members, and what of them its watcher has not seen. Inside presence/ only.
 */
#ifndef LF_PRESENCE_AGENT_LIST_H
#define LF_PRESENCE_AGENT_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct lf_agent_list; /* opaque: see agent_list.c */
struct lf_agent_sub;
struct lf_buf;
struct lf_members;
struct lf_sip_body;
struct lf_user;

#define LF_LIST_BATCH_MS 200

/* `uri` names the list in documents. -E2BIG: more than LF_RESOURCES_MAX. */
int lf_agent_list_new(struct lf_agent_list **ret, struct lf_agent_sub *sub,
		      const char *uri, const struct lf_members *members);
void lf_agent_list_free(struct lf_agent_list *list); /* NULL is fine */

const char *lf_agent_list_uri(const struct lf_agent_list *list);
bool lf_agent_list_has(const struct lf_agent_list *list,
		       const struct lf_user *user);
/* For a restart: its lines, or of a kept one LF_LIST_KEPT. */
#define LF_LIST_KEPT "*"
void lf_agent_list_save(const struct lf_agent_list *list, struct lf_buf *out);
/* Everything is told again, in the next document and those after it. */
void lf_agent_list_renew(struct lf_agent_list *list);
/* Who may see what has changed. */
void lf_agent_list_levels(struct lf_agent_list *list);
/* Who is on it may have changed: full state then. May end `sub`. */
void lf_agent_list_follow(struct lf_agent_sub *sub);

/*
 * What was not told yet, as much as travels well in one NOTIFY; `is_only`: as
 * much as may be, there will be no other. -EALREADY: nothing.
 */
int lf_agent_list_body(struct lf_sip_body **ret, struct lf_agent_list *list,
		       bool is_only);
/* The last body left some out: they are for the next, at once. */
bool lf_agent_list_has_more(const struct lf_agent_list *list);

#endif
