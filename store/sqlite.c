/*
 * store/sqlite.c - a batch of operations as one sqlite transaction.
 *
 * A batch is one transaction. A statement undoes itself when it fails, and a
 * transaction of ours is a savepoint; so a failing operation leaves its
 * neighbours alone. Only a failing disk fails the batch.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>

#include "store/internal.h"
#include "store/sqlite_internal.h"

#include "core/banned.h"

const char *const lf_sql_text[LF_SQL_COUNT] = {
	[LF_SQL_BEGIN] = "BEGIN",
	[LF_SQL_COMMIT] = "COMMIT",
	[LF_SQL_SAVE] = "SAVEPOINT op",
	[LF_SQL_UNDO] = "ROLLBACK TO op",
	[LF_SQL_RELEASE] = "RELEASE op",
	[LF_SQL_META] = "UPDATE store_meta SET rev = ?1",
	[LF_SQL_KV_REV] = "SELECT rev FROM store_kv"
			  " WHERE bucket = ?1 AND key = ?2",
	[LF_SQL_KV_GET] = "SELECT key, value, rev FROM store_kv"
			  " WHERE bucket = ?1 AND key = ?2",
	[LF_SQL_KV_PUT] = "INSERT INTO store_kv (bucket, key, value, rev)"
			  " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (bucket, key)"
			  " DO UPDATE SET value = ?3, rev = ?4",
	[LF_SQL_KV_DEL] = "DELETE FROM store_kv"
			  " WHERE bucket = ?1 AND key = ?2",
	[LF_SQL_KV_SCAN] = "SELECT key, value, rev FROM store_kv"
			   " WHERE bucket = ?1 AND key >= ?2 AND key < ?3"
			   " ORDER BY key",
	[LF_SQL_LOG_FIND] = "SELECT id, last FROM store_log WHERE name = ?1",
	[LF_SQL_LOG_ADD] = "INSERT INTO store_log (name, last) VALUES (?1, 0)",
	[LF_SQL_LOG_LAST] = "UPDATE store_log SET last = ?2 WHERE id = ?1",
	[LF_SQL_ENTRY_ADD] = "INSERT INTO store_entry"
			     " (log, seq, id, wall_ms, value)"
			     " VALUES (?1, ?2, ?3, ?4, ?5)",
	[LF_SQL_ENTRY_FIND] = "SELECT seq FROM store_entry"
			      " WHERE log = ?1 AND id = ?2",
	[LF_SQL_ENTRY_READ] = "SELECT seq, id, wall_ms, value FROM store_entry"
			      " WHERE log = ?1 AND seq >= ?2"
			      " ORDER BY seq LIMIT ?3",
};

static int run_plain(struct lf_sqlite *db, enum lf_sql which)
{
	return lf_sqlite_step(db, db->sql[which]);
}

/* ---- several at once ---- */

static int run_parts(struct lf_sqlite *db, struct lf_op *tx)
{
	tx->number = 0;
	LF_LIST_FOREACH (node, &tx->parts) {
		struct lf_op *part = LF_CONTAINER_OF(node, struct lf_op, node);
		int err = lf_sqlite_run_op(db, part);

		if (err)
			return err;
		tx->number++;
	}
	tx->number = 0;
	return 0;
}

static int run_kind(struct lf_sqlite *db, struct lf_op *op)
{
	if (op->kind == LF_OP_TX)
		return run_parts(db, op);
	return lf_sqlite_run_op(db, op);
}

static bool is_write(const struct lf_op *op)
{
	switch (op->kind) {
	case LF_OP_PUT:
	case LF_OP_DEL:
	case LF_OP_APPEND:
	case LF_OP_TX:
		return true;
	case LF_OP_QUERY:
		return op->stmt && !op->stmt->is_readonly;
	default:
		return false;
	}
}

/*
 * One statement undoes itself; more than one, or an answer that may turn out
 * too large after the writing, needs a savepoint. It has a price: each page
 * that is changed under it is copied first.
 */
static bool needs_savepoint(const struct lf_op *op)
{
	return op->kind == LF_OP_TX || (op->kind == LF_OP_QUERY &&
					is_write(op) && op->stmt->has_answer);
}

static void run_op(struct lf_sqlite *db, struct lf_op *op)
{
	int err;

	if (!needs_savepoint(op)) {
		op->err = run_kind(db, op);
		return;
	}
	op->err = run_plain(db, LF_SQL_SAVE);
	if (op->err)
		return;
	op->err = run_kind(db, op);
	if (sqlite3_get_autocommit(db->conn))
		return; /* sqlite has undone everything */
	err = op->err ? run_plain(db, LF_SQL_UNDO) : 0;
	if (!err)
		err = run_plain(db, LF_SQL_RELEASE);
	if (err)
		op->err = -EAGAIN;
}

/* ---- a batch ---- */

static int save_rev(struct lf_sqlite *db)
{
	sqlite3_stmt *st = db->sql[LF_SQL_META];

	if (db->rev == db->saved_rev)
		return 0;
	sqlite3_bind_int64(st, 1, db->rev);
	return lf_sqlite_step(db, st);
}

static int run_batch(struct lf_sqlite *db, struct lf_list *ops)
{
	int err;

	err = run_plain(db, LF_SQL_BEGIN);
	if (err)
		return err;
	LF_LIST_FOREACH (node, ops) {
		struct lf_op *op = LF_CONTAINER_OF(node, struct lf_op, node);

		run_op(db, op);
		if (op->err == -EAGAIN && is_write(op))
			return -EAGAIN;
		if (sqlite3_get_autocommit(db->conn))
			return -EAGAIN;
	}
	err = save_rev(db);
	if (err)
		return err;
	db->has_written =
		sqlite3_txn_state(db->conn, "main") == SQLITE_TXN_WRITE;
	err = run_plain(db, LF_SQL_COMMIT);
	if (!err)
		db->saved_rev = db->rev;
	return err;
}

/* Reads have seen what is gone now, so they are run once more. */
static void answer_after_failure(struct lf_sqlite *db, struct lf_list *ops)
{
	LF_LIST_FOREACH (node, ops) {
		struct lf_op *op = LF_CONTAINER_OF(node, struct lf_op, node);

		lf_rows_done(&op->rows);
		op->number = 0;
		if (is_write(op))
			op->err = -EAGAIN;
		else
			op->err = run_kind(db, op);
	}
}

int lf_sqlite_run(struct lf_sqlite *db, struct lf_list *ops)
{
	db->has_written = false;
	if (!run_batch(db, ops))
		return 0;

	snprintf(db->error_text, sizeof(db->error_text), "%s",
		 sqlite3_errmsg(db->conn));
	lf_sqlite_undo(db);
	answer_after_failure(db, ops);
	return -EAGAIN;
}

bool lf_sqlite_has_written(const struct lf_sqlite *db)
{
	return db->has_written;
}

const char *lf_sqlite_error(const struct lf_sqlite *db)
{
	return db->error_text;
}
