/*
 * store/watch.c - a snapshot of some keys, then every committed change.
 *
 * The snapshot is an operation like any other, so it has a place in the order
 * of commits: what was committed before is in it, what comes after is told.
 * Nothing falls between, nothing is told twice.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

#include "core/banned.h"

struct lf_store_watch {
	struct lf_list node;
	struct lf_store *store; /* NULL: closed under us */
	lf_store_kv_fn *on_change;
	void *arg;
	bool is_live;  /* its snapshot was given */
	bool is_freed; /* by its owner; memory goes when nobody walks */
	bool has_snapshot_coming;
	char *prefix; /* follows the bucket in memory */
	size_t prefix_len;
	char bucket[];
};

static void on_snapshot(int err, const struct lf_store_kv *rows, size_t n,
			void *arg)
{
	struct lf_store_watch *watch = arg;

	if (!watch->is_freed)
		watch->on_change(err, rows, n, watch->arg);
}

int lf_store_watch(struct lf_store_watch **ret, struct lf_store *store,
		   const char *bucket, const char *prefix,
		   lf_store_kv_fn *on_change, void *arg)
{
	size_t bucket_len = strnlen(bucket, LF_STORE_MAX_NAME + 1);
	size_t prefix_len = strnlen(prefix, LF_STORE_MAX_NAME + 1);
	struct lf_store_watch *watch;
	struct lf_op *op;
	int err;

	if (!bucket_len)
		return -EINVAL;
	if (bucket_len > LF_STORE_MAX_NAME || prefix_len > LF_STORE_MAX_NAME)
		return -E2BIG;
	watch = calloc(1, sizeof(*watch) + bucket_len + prefix_len + 2);
	if (!watch)
		return -ENOMEM;
	watch->store = store;
	watch->on_change = on_change;
	watch->arg = arg;
	memcpy(watch->bucket, bucket, bucket_len);
	watch->prefix = watch->bucket + bucket_len + 1;
	watch->prefix_len = prefix_len;
	memcpy(watch->prefix, prefix, prefix_len);

	op = lf_op_new(LF_OP_WATCH, bucket, prefix, NULL, 0);
	if (op) {
		op->done.kv = on_snapshot;
		op->arg = watch;
		op->watch = watch;
	}
	err = lf_store_submit(store, op);
	if (err) {
		free(watch);
		return err;
	}
	watch->has_snapshot_coming = true;
	lf_list_add_tail(&store->watches, &watch->node);
	*ret = watch;
	return 0;
}

static void release(struct lf_store_watch *watch)
{
	lf_list_del(&watch->node);
	free(watch);
}

void lf_store_watch_free(struct lf_store_watch *watch)
{
	if (!watch)
		return;
	watch->is_freed = true;
	if (watch->has_snapshot_coming)
		return;
	if (!watch->store || !watch->store->is_answering)
		release(watch);
}

void lf_watch_begin(struct lf_store_watch *watch, const struct lf_op *op)
{
	watch->has_snapshot_coming = false;
	watch->is_live = !op->err;
}

void lf_watch_sweep(struct lf_list *watches)
{
	LF_LIST_FOREACH_SAFE (node, watches) {
		struct lf_store_watch *watch =
			LF_CONTAINER_OF(node, struct lf_store_watch, node);

		if (watch->is_freed && !watch->has_snapshot_coming)
			release(watch);
	}
}

/* The owner still frees it, later and without a store. */
void lf_watch_orphan(struct lf_list *watches)
{
	LF_LIST_FOREACH_SAFE (node, watches) {
		struct lf_store_watch *watch =
			LF_CONTAINER_OF(node, struct lf_store_watch, node);

		lf_list_del(node);
		watch->store = NULL;
	}
}

static bool matches(const struct lf_store_watch *watch, const struct lf_op *op)
{
	return watch->is_live && !watch->is_freed &&
	       !strcmp(watch->bucket, op->scope) &&
	       !strncmp(watch->prefix, op->name, watch->prefix_len);
}

static void notify_one(struct lf_list *watches, const struct lf_op *op)
{
	const bool is_del = op->kind == LF_OP_DEL;
	const struct lf_store_kv row = {
		.key = op->name,
		.value = is_del ? NULL : op->value,
		.len = is_del ? 0 : op->len,
		.rev = op->number,
	};

	/* A callback may add a watch (it is not live yet) or free one (it
	 * stays linked until the sweep), so the walk is safe. */
	LF_LIST_FOREACH (node, watches) {
		struct lf_store_watch *watch =
			LF_CONTAINER_OF(node, struct lf_store_watch, node);

		if (matches(watch, op))
			watch->on_change(0, &row, 1, watch->arg);
	}
}

void lf_watch_notify(struct lf_list *watches, const struct lf_op *op)
{
	/* Revision 0 is the deletion of what was not there: no change. */
	if ((op->kind == LF_OP_PUT || op->kind == LF_OP_DEL) && op->number)
		notify_one(watches, op);
	if (op->kind != LF_OP_TX)
		return;
	LF_LIST_FOREACH (node, &op->parts)
		lf_watch_notify(watches,
				LF_CONTAINER_OF(node, struct lf_op, node));
}
