/*
 * presence/agent.h - we are a presence server: phones and other servers
 * SUBSCRIBE to our lamps, and PUBLISH their own (RFC 3856, 4235, 3842, 3857,
 * 3903).
 *
 *     SUBSCRIBE -> who may ask -> presentity -> NOTIFY with its document
 *     board --change--> one document per format, shared -> NOTIFYs
 *     PUBLISH   -> publish.h, a feed like any other
 */
#ifndef LF_PRESENCE_AGENT_H
#define LF_PRESENCE_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/setting.h"

struct lf_agent; /* opaque: see agent.c */
struct lf_board;
struct lf_directory;
struct lf_lists;
struct lf_sip;
struct lf_store;
struct lf_timers;
struct lf_user;

extern const struct lf_setting_def lf_agent_settings[];

struct lf_agent_parts {
	struct lf_timers *timers;
	struct lf_sip *sip;
	struct lf_board *board;
	struct lf_directory *directory;
	struct lf_settings *settings;
	struct lf_store *store; /* NULL: nothing survives */
};

/* Opened last of those that use the board, so that its feed comes after the
 * configured ones. What the store keeps of the last run is taken up later. */
int lf_agent_open(struct lf_agent **ret, const struct lf_agent_parts *parts);
/* Says nothing to the watchers: they are saved for the next start. */
void lf_agent_close(struct lf_agent *agent);

struct lf_agent_stats {
	size_t watchers, lists, ending, publications;
	uint64_t subscribes, refused, notifies, lost, publishes;
};
void lf_agent_stats(const struct lf_agent *agent, struct lf_agent_stats *out);

/* ---- for `lampctl watchers` and `lampctl publications` ---- */
struct lf_agent_watcher {
	unsigned id;
	const char *watcher; /* "sip:bob@corp.example" */
	const char *uri;     /* who is watched */
	const char *user_id; /* "": a list */
	const char *event, *transport, *target, *shown;
	int64_t expires_s;
};

/* Calls for each, of one user or (NULL) of all. */
typedef void lf_agent_watcher_fn(const struct lf_agent_watcher *w, void *arg);
void lf_agent_watchers(const struct lf_agent *agent, const char *user_id,
		       lf_agent_watcher_fn *fn, void *arg);

struct lf_agent_publication {
	const char *user_id, *etag, *event, *from, *says;
	int64_t expires_s;
};
typedef void lf_agent_publication_fn(const struct lf_agent_publication *p,
				     void *arg);
void lf_agent_publications(const struct lf_agent *agent,
			   lf_agent_publication_fn *fn, void *arg);

/* ---- for `lampctl list` and `lampctl lists` ---- */
struct lf_lists *lf_agent_lists(const struct lf_agent *agent); /* lists.h */
/* The user an address means, or NULL. */
const struct lf_user *lf_agent_user(const struct lf_agent *agent,
				    const char *uri);

struct lf_agent_list_view {
	const char *name;
	const char *group; /* "": of a document alone */
	bool has_document;
	size_t entries, watchers;
};
typedef void lf_agent_list_fn(const struct lf_agent_list_view *v, void *arg);
void lf_agent_lists_each(const struct lf_agent *agent, lf_agent_list_fn *fn,
			 void *arg);

#endif
