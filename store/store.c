/*
 * store/store.c - the loop's side of the store.
 *
 *     call -> pending -> (once a turn) writer thread -> commit -> answers
 *
 * Everything asked for in one loop turn goes to the writer together, so that
 * one commit serves it all. What piles up while a commit runs is the next
 * one. Answers come back in the order of the questions.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>

#include "core/log.h"
#include "store/internal.h"

#include "core/banned.h"

/* ---- to the writer and back ---- */

static void on_flush(uv_idle_t *idle)
{
	struct lf_store *store = idle->data;

	uv_idle_stop(idle);
	lf_writer_submit(store->writer, &store->pending);
}

int lf_store_submit(struct lf_store *store, struct lf_op *op)
{
	if (!op)
		return -ENOMEM;
	if (store->is_closing) {
		lf_op_free(op);
		return -ESHUTDOWN;
	}
	if (store->queued_bytes + op->cost > LF_STORE_MAX_QUEUED) {
		lf_op_free(op);
		return -EAGAIN;
	}

	/* An idle handle, because a prepare handle of ours could run before
	 * the one that asks, and the loop would sleep on a full queue. */
	if (lf_list_is_empty(&store->pending))
		uv_idle_start(&store->flush, on_flush);
	lf_list_add_tail(&store->pending, &op->node);
	store->queued_bytes += op->cost;
	if (store->stats.queued++ == 0)
		uv_ref((uv_handle_t *)&store->answered);
	return 0;
}

static void answer(struct lf_store *store, struct lf_op *op)
{
	store->queued_bytes -= op->cost;
	store->stats.queued--;
	store->stats.operations++;
	if (op->err)
		store->stats.failed++;

	if (op->kind == LF_OP_WATCH)
		lf_watch_begin(op->watch, op);
	lf_op_answer(op);
	if (!op->err)
		lf_watch_notify(&store->watches, op);
	lf_op_free(op);
}

static void note_report(struct lf_store *store,
			const struct lf_writer_report *report)
{
	store->stats.commits = report->commits;
	store->stats.last_commit_us = report->last_commit_us;
	store->stats.commit_times = report->commit_times;
	if (report->is_failing && !store->was_failing)
		lf_log(LF_ERROR, "store", "nothing can be saved now: %s",
		       report->error_text);
	if (!report->is_failing && store->was_failing)
		lf_log(LF_NOTICE, "store", "saving works again");
	store->was_failing = report->is_failing;
}

static void store_free(struct lf_store *store)
{
	lf_watch_orphan(&store->watches);
	lf_writer_free(store->writer);
	lf_statements_done(&store->statements);
	free(store);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct lf_store *store = handle->data;
	void (*closed)(void *) = store->closed;
	void *arg = store->closed_arg;

	if (--store->open_handles > 0)
		return;
	store_free(store);
	if (closed)
		closed(arg);
}

static void on_answered(uv_async_t *async)
{
	struct lf_store *store = async->data;
	struct lf_writer_report report;
	struct lf_list ops;

	lf_list_init(&ops);
	lf_writer_take(store->writer, &ops, &report);
	note_report(store, &report);

	store->is_answering = true;
	while (!lf_list_is_empty(&ops)) {
		struct lf_list *node = ops.next;

		lf_list_del(node);
		answer(store, LF_CONTAINER_OF(node, struct lf_op, node));
	}
	store->is_answering = false;
	lf_watch_sweep(&store->watches);

	if (report.has_stopped) {
		uv_close((uv_handle_t *)&store->flush, on_handle_closed);
		uv_close((uv_handle_t *)&store->answered, on_handle_closed);
	} else if (!store->stats.queued && !store->is_closing) {
		uv_unref((uv_handle_t *)async);
	}
}

int lf_store_open(struct lf_store **ret, uv_loop_t *loop, const char *path,
		  char *err_text, size_t err_size)
{
	struct lf_store *store;
	int err;

	if (err_size)
		err_text[0] = '\0';
	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->loop = loop;
	lf_list_init(&store->pending);
	lf_list_init(&store->watches);
	lf_map_init(&store->statements);

	err = lf_writer_new(&store->writer, path, err_text, err_size);
	if (err)
		goto fail;
	err = uv_async_init(loop, &store->answered, on_answered);
	if (err)
		goto fail;
	uv_idle_init(loop, &store->flush);
	lf_writer_attach(store->writer, &store->answered);

	store->answered.data = store;
	store->flush.data = store;
	store->open_handles = 2;
	uv_unref((uv_handle_t *)&store->answered);
	*ret = store;
	return 0;
fail:
	store_free(store);
	return err;
}

void lf_store_close(struct lf_store *store, void (*closed)(void *arg),
		    void *arg)
{
	if (!store) {
		if (closed)
			closed(arg);
		return;
	}
	store->is_closing = true;
	store->closed = closed;
	store->closed_arg = arg;
	uv_ref((uv_handle_t *)&store->answered);
	uv_idle_stop(&store->flush);
	lf_writer_submit(store->writer, &store->pending);
	lf_writer_stop(store->writer);
}

uv_loop_t *lf_store_loop(const struct lf_store *store)
{
	return store->loop;
}

void lf_store_stats(struct lf_store *store, struct lf_store_stats *out)
{
	*out = store->stats;
}
