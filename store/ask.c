/*
 * store/ask.c - the operations a caller can ask for.
 *
 * Rooms pass on names and values from outside, so the bounds are checked
 * here, before anything is copied.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "store/internal.h"

#include "core/banned.h"

struct lf_store_tx {
	struct lf_store *store;
	struct lf_op *op;
};

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
