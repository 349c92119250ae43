/* core/list.h - intrusive doubly linked list; a node lives in its owner. */
#ifndef LF_CORE_LIST_H
#define LF_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct lf_list {
	struct lf_list *prev, *next;
};

#define LF_CONTAINER_OF(ptr, type, member)                                     \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A head and an unlinked node look the same: both point at themselves. */
static inline void lf_list_init(struct lf_list *l)
{
	l->prev = l->next = l;
}

static inline bool lf_list_is_empty(const struct lf_list *head)
{
	return head->next == head;
}

static inline void lf_list_add_tail(struct lf_list *head, struct lf_list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Leaves the node unlinked, so deleting twice is harmless. */
static inline void lf_list_del(struct lf_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	lf_list_init(node);
}

/* Moves all of `from`, in its order, behind the last of `head`. */
static inline void lf_list_splice_tail(struct lf_list *head,
				       struct lf_list *from)
{
	if (lf_list_is_empty(from))
		return;
	from->next->prev = head->prev;
	head->prev->next = from->next;
	from->prev->next = head;
	head->prev = from->prev;
	lf_list_init(from);
}

#define LF_LIST_FOREACH(node, head)                                            \
	for (struct lf_list *node = (head)->next; node != (head);              \
	     node = node->next)

/* The body may delete `node`, but nothing else of the list. */
#define LF_LIST_FOREACH_SAFE(node, head)                                       \
	for (struct lf_list *node = (head)->next, *node##_next = node->next;   \
	     node != (head); node = node##_next, node##_next = node->next)

#endif
