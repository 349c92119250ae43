/*
 * presence/lists.h - the resource lists that administrators keep: documents
 * (RFC 4826) by name, in the store (bucket "list"). sip:NAME@... subscribes to
 * all entries of one (members.h).
 */
#ifndef LF_PRESENCE_LISTS_H
#define LF_PRESENCE_LISTS_H

#include <stdbool.h>
#include <stddef.h>

struct lf_lists; /* opaque: see lists.c */
struct lf_store;

#define LF_LIST_NAME 64 /* with its NUL */
#define LF_LISTS_MAX 10000

/* A list came, changed or went; also once when all are known. */
typedef void lf_lists_fn(void *arg);

/* `store` NULL: none can be kept. */
int lf_lists_open(struct lf_lists **ret, struct lf_store *store,
		  lf_lists_fn *on_change, void *arg);
void lf_lists_close(struct lf_lists *lists); /* NULL is fine */
bool lf_lists_is_ready(const struct lf_lists *lists);

struct lf_list_doc {
	const char *name, *text; /* the document as it came */
	const char *lines;       /* its entries: members.h */
};

/* NULL: none. Lives until the next turn of the loop. */
const struct lf_list_doc *lf_list_find(const struct lf_lists *lists,
				       const char *name);
/* In no order; `i` starts at 0. */
const struct lf_list_doc *lf_list_next(const struct lf_lists *lists, size_t *i);

/*
 * A new document or another one, audited. done(-EINVAL) names the line and
 * what is wrong, and the old one stays; -ENOENT: there is none to remove;
 * -EAGAIN: it cannot be saved now. A refusal is told before the call returns;
 * a call that returns non-zero does not call back. After lf_lists_close()
 * nothing is called.
 */
typedef void lf_list_done_fn(int err, const char *text, void *arg);
int lf_list_put(struct lf_lists *lists, const char *name, const char *text,
		const char *by, lf_list_done_fn *done, void *arg);
int lf_list_remove(struct lf_lists *lists, const char *name, const char *by,
		   lf_list_done_fn *done, void *arg);

#endif
