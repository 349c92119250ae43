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
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "store/internal.h"

#include "core/banned.h"

struct statement {
	char *name;
	struct lf_stmt *stmt;
};

struct lf_store {
	uv_loop_t *loop;
	uv_idle_t flush; /* runs in the next turn when there is something */
	uv_async_t answered;
	struct lf_writer *writer;
	struct lf_list pending;
	struct lf_list watches;
	struct lf_map statements;
	struct lf_store_stats stats;
	size_t queued_bytes;
	bool was_failing;
	bool is_answering;
	bool is_closing;
	void (*closed)(void *arg);
	void *closed_arg;
	unsigned open_handles;
};

struct lf_store_tx {
	struct lf_store *store;
	struct lf_op *op;
};

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
	if (report->is_failing && !store->was_failing)
		lf_log(LF_ERROR, "store", "nothing can be saved now: %s",
		       report->error_text);
	if (!report->is_failing && store->was_failing)
		lf_log(LF_NOTICE, "store", "saving works again");
	store->was_failing = report->is_failing;
}

static void store_free(struct lf_store *store)
{
	struct statement *s;

	lf_watch_orphan(&store->watches);
	lf_writer_free(store->writer);
	LF_MAP_FOREACH (s, &store->statements) {
		free(s->name);
		free(s);
	}
	lf_map_done(&store->statements);
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

struct lf_list *lf_store_watches(struct lf_store *store)
{
	return &store->watches;
}

bool lf_store_is_answering(const struct lf_store *store)
{
	return store->is_answering;
}

void lf_store_stats(struct lf_store *store, struct lf_store_stats *out)
{
	*out = store->stats;
}

/* ---- bounds: what a caller passes on from outside is checked here ---- */

static int check_name(const char *name)
{
	size_t len = strnlen(name, LF_STORE_MAX_NAME + 1);

	if (!len)
		return -EINVAL;
	return len > LF_STORE_MAX_NAME ? -E2BIG : 0;
}

static int check_write(const char *scope, const char *name, size_t len,
		       int64_t expect)
{
	int err = check_name(scope);

	if (!err)
		err = check_name(name);
	if (!err && len > LF_STORE_MAX_VALUE)
		err = -E2BIG;
	if (!err && expect < LF_STORE_ANY)
		err = -EINVAL;
	return err;
}

static int new_write(struct lf_op **ret, enum lf_op_kind kind,
		     const char *scope, const char *name, const void *value,
		     size_t len, int64_t expect)
{
	int err = check_write(scope, name, len, expect);

	if (err)
		return err;
	*ret = lf_op_new(kind, scope, name, value, len);
	if (!*ret)
		return -ENOMEM;
	(*ret)->expect = expect;
	(*ret)->wall_ms = lf_wall_ms();
	return 0;
}

static int submit_write(struct lf_store *store, enum lf_op_kind kind,
			const char *scope, const char *name, const void *value,
			size_t len, int64_t expect, lf_store_rev_fn *done,
			void *arg)
{
	struct lf_op *op;
	int err;

	err = new_write(&op, kind, scope, name, value, len, expect);
	if (err)
		return err;
	op->done.number = done;
	op->arg = arg;
	return lf_store_submit(store, op);
}

/* ---- keys ---- */

int lf_store_put(struct lf_store *store, const char *bucket, const char *key,
		 const void *value, size_t len, int64_t expect_rev,
		 lf_store_rev_fn *done, void *arg)
{
	return submit_write(store, LF_OP_PUT, bucket, key, value, len,
			    expect_rev, done, arg);
}

int lf_store_del(struct lf_store *store, const char *bucket, const char *key,
		 int64_t expect_rev, lf_store_rev_fn *done, void *arg)
{
	return submit_write(store, LF_OP_DEL, bucket, key, NULL, 0, expect_rev,
			    done, arg);
}

static int submit_read(struct lf_store *store, enum lf_op_kind kind,
		       const char *bucket, const char *name,
		       lf_store_kv_fn *done, void *arg)
{
	struct lf_op *op;
	int err;

	err = check_name(bucket);
	if (!err && (kind == LF_OP_GET || *name))
		err = check_name(name);
	if (err)
		return err;
	op = lf_op_new(kind, bucket, name, NULL, 0);
	if (!op)
		return -ENOMEM;
	op->done.kv = done;
	op->arg = arg;
	return lf_store_submit(store, op);
}

int lf_store_get(struct lf_store *store, const char *bucket, const char *key,
		 lf_store_kv_fn *done, void *arg)
{
	return submit_read(store, LF_OP_GET, bucket, key, done, arg);
}

int lf_store_scan(struct lf_store *store, const char *bucket,
		  const char *prefix, lf_store_kv_fn *done, void *arg)
{
	return submit_read(store, LF_OP_SCAN, bucket, prefix, done, arg);
}

/* ---- logs ---- */

int lf_store_append(struct lf_store *store, const char *log, const char *id,
		    const void *value, size_t len, int64_t expect_last,
		    lf_store_seq_fn *done, void *arg)
{
	return submit_write(store, LF_OP_APPEND, log, id, value, len,
			    expect_last, done, arg);
}

int lf_store_read(struct lf_store *store, const char *log, int64_t from_seq,
		  unsigned max, lf_store_log_fn *done, void *arg)
{
	struct lf_op *op;
	int err;

	err = check_name(log);
	if (err)
		return err;
	op = lf_op_new(LF_OP_READ, log, NULL, NULL, 0);
	if (!op)
		return -ENOMEM;
	op->expect = from_seq;
	op->max = max;
	op->done.log = done;
	op->arg = arg;
	return lf_store_submit(store, op);
}

/* ---- transactions ---- */

int lf_store_tx_new(struct lf_store_tx **ret, struct lf_store *store)
{
	struct lf_store_tx *tx;

	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return -ENOMEM;
	tx->store = store;
	tx->op = lf_op_new(LF_OP_TX, NULL, NULL, NULL, 0);
	if (!tx->op) {
		free(tx);
		return -ENOMEM;
	}
	*ret = tx;
	return 0;
}

static int tx_add(struct lf_store_tx *tx, enum lf_op_kind kind,
		  const char *scope, const char *name, const void *value,
		  size_t len, int64_t expect)
{
	struct lf_op *part;
	int err;

	err = new_write(&part, kind, scope, name, value, len, expect);
	if (err)
		return err;
	lf_list_add_tail(&tx->op->parts, &part->node);
	tx->op->n_parts++;
	tx->op->cost += part->cost;
	return 0;
}

int lf_store_tx_put(struct lf_store_tx *tx, const char *bucket, const char *key,
		    const void *value, size_t len, int64_t expect_rev)
{
	return tx_add(tx, LF_OP_PUT, bucket, key, value, len, expect_rev);
}

int lf_store_tx_del(struct lf_store_tx *tx, const char *bucket, const char *key,
		    int64_t expect_rev)
{
	return tx_add(tx, LF_OP_DEL, bucket, key, NULL, 0, expect_rev);
}

int lf_store_tx_append(struct lf_store_tx *tx, const char *log, const char *id,
		       const void *value, size_t len, int64_t expect_last)
{
	return tx_add(tx, LF_OP_APPEND, log, id, value, len, expect_last);
}

int lf_store_tx_commit(struct lf_store_tx *tx, lf_store_rev_fn *done, void *arg)
{
	struct lf_store *store = tx->store;
	struct lf_op *op = tx->op;

	op->done.number = done;
	op->arg = arg;
	free(tx);
	return lf_store_submit(store, op);
}

void lf_store_tx_free(struct lf_store_tx *tx)
{
	if (!tx)
		return;
	lf_op_free(tx->op);
	free(tx);
}

/* ---- tables ---- */

int lf_store_define(struct lf_store *store, const char *name, const char *sql)
{
	struct statement *s;
	char text[256];
	int err;

	if (lf_map_find(&store->statements, name))
		return -EEXIST;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->name = strdup(name);
	err = s->name ? lf_map_add(&store->statements, s->name, s) : -ENOMEM;
	if (err)
		goto fail;

	err = lf_writer_prepare(store->writer, &s->stmt, sql, text,
				sizeof(text));
	if (!err)
		return 0;
	lf_log(LF_ERROR, "store", "statement %s: %s", name, text);
	lf_map_del(&store->statements, name);
fail:
	free(s->name);
	free(s);
	return err;
}

int lf_store_migrate(struct lf_store *store, const char *room, unsigned number,
		     const char *sql, char *err_text, size_t err_size)
{
	return lf_writer_migrate(store->writer, room, number, sql, err_text,
				 err_size);
}

int lf_store_query(struct lf_store *store, const char *name,
		   const struct lf_store_arg *args, size_t n,
		   lf_store_rows_fn *done, void *arg)
{
	struct statement *s = lf_map_find(&store->statements, name);
	struct lf_op *op;

	for (size_t i = 0; i < n; i++) {
		if (args[i].len > LF_STORE_MAX_VALUE)
			return -E2BIG;
	}
	op = lf_op_new_query(s ? s->stmt : NULL, args, n);
	if (!op)
		return -ENOMEM;
	op->done.rows = done;
	op->arg = arg;
	return lf_store_submit(store, op);
}

/* ---- backup ---- */

int lf_store_backup(struct lf_store *store, const char *path,
		    lf_store_rev_fn *done, void *arg)
{
	struct lf_op *op;

	if (!*path)
		return -EINVAL;
	op = lf_op_new(LF_OP_BACKUP, NULL, path, NULL, 0);
	if (!op)
		return -ENOMEM;
	op->done.number = done;
	op->arg = arg;
	return lf_store_submit(store, op);
}
