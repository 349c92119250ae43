/*
 * presence/saved.h - the dialogs of our subscriptions, kept in the store
 * (bucket "dialog", key feed/subject/event) so that a restart goes on with
 * them instead of leaving them behind. Inside presence/ only.
 */
#ifndef LF_PRESENCE_SAVED_H
#define LF_PRESENCE_SAVED_H

#include <stddef.h>

struct lf_saved; /* opaque: see saved.c */
struct lf_sip_trunk;
struct lf_store;

#define LF_SAVED_KEY 256

/* `ready` is called once those of the last run are known. */
int lf_saved_open(struct lf_saved **ret, struct lf_store *store,
		  void (*ready)(void *arg), void *arg);
void lf_saved_close(struct lf_saved *saved); /* NULL is fine */

/* Of the last run: the text is the caller's (free()), the store keeps it. */
char *lf_saved_take(struct lf_saved *saved, const char *key);
void lf_saved_put(struct lf_saved *saved, const char *key, const char *uri,
		  const char *line);
void lf_saved_del(struct lf_saved *saved, const char *key);

/* Ends up to `max` of this feed that nobody took; returns how many. Without a
 * trunk they are only deleted. */
size_t lf_saved_end(struct lf_saved *saved, const char *feed,
		    struct lf_sip_trunk *trunk, size_t max);
size_t lf_saved_left(const struct lf_saved *saved); /* not taken */

#endif
