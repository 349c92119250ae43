/*
 * store/sqlite_op.c - one operation as sqlite statements.
 *
 * What an operation expects is checked before it writes, so that one that
 * fails has nothing to undo.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <string.h>

#include "store/internal.h"
#include "store/sqlite_internal.h"

#include "core/banned.h"

int lf_sqlite_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		if (rc == SQLITE_CONSTRAINT_UNIQUE ||
		    rc == SQLITE_CONSTRAINT_PRIMARYKEY)
			return -EEXIST;
		return -EINVAL;
	case SQLITE_ERROR:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
	case SQLITE_AUTH:
		return -EINVAL;
	default:
		return -EAGAIN; /* full, broken or out of memory */
	}
}

/* ---- small steps ---- */

static void bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

static void bind_blob(sqlite3_stmt *st, int i, const void *data, size_t len)
{
	sqlite3_bind_blob64(st, i, len ? data : "", len, SQLITE_STATIC);
}

/* Ends a statement; an error it has not told yet comes out here. */
static int finish(struct lf_sqlite *db, sqlite3_stmt *st)
{
	int err = lf_sqlite_errno(sqlite3_reset(st));

	sqlite3_clear_bindings(st);
	return err;
}

int lf_sqlite_step(struct lf_sqlite *db, sqlite3_stmt *st)
{
	sqlite3_step(st);
	return finish(db, st);
}

static int run_find(struct lf_sqlite *db, sqlite3_stmt *st, bool *ret_found,
		    int64_t *ret_a, int64_t *ret_b)
{
	*ret_found = sqlite3_step(st) == SQLITE_ROW;
	if (*ret_found) {
		*ret_a = sqlite3_column_int64(st, 0);
		if (ret_b)
			*ret_b = sqlite3_column_int64(st, 1);
	}
	return finish(db, st);
}

static int add_row(struct lf_store_rows *rows, sqlite3_stmt *st)
{
	for (int i = 0; i < (int)rows->columns; i++) {
		struct lf_cell cell = {.i = sqlite3_column_int64(st, i)};
		const void *data;

		cell.is_null = sqlite3_column_type(st, i) == SQLITE_NULL;
		if (sqlite3_column_type(st, i) == SQLITE_BLOB)
			data = sqlite3_column_blob(st, i);
		else
			data = sqlite3_column_text(st, i);
		cell.len = (size_t)sqlite3_column_bytes(st, i);
		if (!data && cell.len)
			return -ENOMEM;
		lf_rows_add(rows, &cell, data);
	}
	return lf_rows_error(rows);
}

/* All rows of a statement that is bound. */
static int run_rows(struct lf_sqlite *db, sqlite3_stmt *st,
		    struct lf_store_rows *rows)
{
	int err = 0, err_step;

	rows->columns = (size_t)sqlite3_column_count(st);
	while (!err && sqlite3_step(st) == SQLITE_ROW)
		err = add_row(rows, st);
	err_step = finish(db, st);
	return err ? err : err_step;
}

/* ---- keys ---- */

/* -ESTALE and the current revision if `op` expects another. */
static int check_rev(struct lf_sqlite *db, struct lf_op *op)
{
	sqlite3_stmt *st = db->sql[LF_SQL_KV_REV];
	bool found;
	int err;

	if (op->expect == LF_STORE_ANY)
		return 0;
	bind_text(st, 1, op->scope);
	bind_text(st, 2, op->name);
	op->number = 0;
	err = run_find(db, st, &found, &op->number, NULL);
	if (!err && op->number != op->expect)
		err = -ESTALE;
	return err;
}

static int run_put(struct lf_sqlite *db, struct lf_op *op)
{
	sqlite3_stmt *st = db->sql[LF_SQL_KV_PUT];
	int err;

	err = check_rev(db, op);
	if (err)
		return err;
	bind_text(st, 1, op->scope);
	bind_text(st, 2, op->name);
	bind_blob(st, 3, op->value, op->len);
	sqlite3_bind_int64(st, 4, db->rev + 1);
	err = lf_sqlite_step(db, st);
	if (!err)
		op->number = ++db->rev;
	return err;
}

static int run_del(struct lf_sqlite *db, struct lf_op *op)
{
	sqlite3_stmt *st = db->sql[LF_SQL_KV_DEL];
	int err;

	err = check_rev(db, op);
	if (err)
		return err;
	bind_text(st, 1, op->scope);
	bind_text(st, 2, op->name);
	err = lf_sqlite_step(db, st);
	if (!err)
		op->number = sqlite3_changes(db->conn) ? ++db->rev : 0;
	return err;
}

static int run_get(struct lf_sqlite *db, struct lf_op *op)
{
	sqlite3_stmt *st = db->sql[LF_SQL_KV_GET];

	bind_text(st, 1, op->scope);
	bind_text(st, 2, op->name);
	return run_rows(db, st, &op->rows);
}

/* The least string above all that start with the prefix; false: none. */
static bool bump_prefix(char *bound, size_t *len)
{
	while (*len && (unsigned char)bound[*len - 1] == 0xff)
		--*len;
	if (!*len)
		return false;
	bound[*len - 1]++;
	return true;
}

static int run_scan(struct lf_sqlite *db, struct lf_op *op)
{
	sqlite3_stmt *st = db->sql[LF_SQL_KV_SCAN];
	char bound[LF_STORE_MAX_NAME];
	size_t len = strlen(op->name);

	memcpy(bound, op->name, len);
	bind_text(st, 1, op->scope);
	bind_text(st, 2, op->name);
	if (bump_prefix(bound, &len))
		sqlite3_bind_text(st, 3, bound, (int)len, SQLITE_STATIC);
	else
		bind_blob(st, 3, "", 0); /* any blob sorts after any text */
	return run_rows(db, st, &op->rows);
}

/* ---- logs ---- */

static int find_log(struct lf_sqlite *db, const char *name, bool *ret_found,
		    int64_t *ret_id, int64_t *ret_last)
{
	sqlite3_stmt *st = db->sql[LF_SQL_LOG_FIND];

	*ret_id = *ret_last = 0;
	bind_text(st, 1, name);
	return run_find(db, st, ret_found, ret_id, ret_last);
}

static int add_log(struct lf_sqlite *db, const char *name, int64_t *ret_id)
{
	sqlite3_stmt *st = db->sql[LF_SQL_LOG_ADD];
	int err;

	bind_text(st, 1, name);
	err = lf_sqlite_step(db, st);
	*ret_id = sqlite3_last_insert_rowid(db->conn);
	return err;
}

static int add_entry(struct lf_sqlite *db, const struct lf_op *op, int64_t log,
		     int64_t seq)
{
	sqlite3_stmt *st = db->sql[LF_SQL_ENTRY_ADD];
	int err;

	sqlite3_bind_int64(st, 1, log);
	sqlite3_bind_int64(st, 2, seq);
	bind_text(st, 3, op->name);
	sqlite3_bind_int64(st, 4, op->wall_ms);
	bind_blob(st, 5, op->value, op->len);
	err = lf_sqlite_step(db, st);
	if (err)
		return err;

	st = db->sql[LF_SQL_LOG_LAST];
	sqlite3_bind_int64(st, 1, log);
	sqlite3_bind_int64(st, 2, seq);
	return lf_sqlite_step(db, st);
}

/*
 * The id is looked up first: who asks again after a lost answer expects a
 * sequence that his own first attempt has moved.
 */
static int run_append(struct lf_sqlite *db, struct lf_op *op)
{
	sqlite3_stmt *st = db->sql[LF_SQL_ENTRY_FIND];
	int64_t log, last;
	bool found;
	int err;

	err = find_log(db, op->scope, &found, &log, &last);
	if (err)
		return err;
	if (found) {
		sqlite3_bind_int64(st, 1, log);
		bind_text(st, 2, op->name);
		err = run_find(db, st, &found, &op->number, NULL);
		if (err || found)
			return err;
	}
	if (op->expect != LF_STORE_ANY && op->expect != last) {
		op->number = last;
		return -ESTALE;
	}
	if (!log)
		err = add_log(db, op->scope, &log);
	if (!err)
		err = add_entry(db, op, log, last + 1);
	if (!err)
		op->number = last + 1;
	return err;
}

static int run_read(struct lf_sqlite *db, struct lf_op *op)
{
	sqlite3_stmt *st = db->sql[LF_SQL_ENTRY_READ];
	int64_t log, last, from = op->expect;
	bool found;
	int err;

	err = find_log(db, op->scope, &found, &log, &last);
	if (err || !found)
		return err;
	if (from < 0)
		from = last - op->max + 1;
	sqlite3_bind_int64(st, 1, log);
	sqlite3_bind_int64(st, 2, from);
	sqlite3_bind_int64(st, 3, op->max);
	return run_rows(db, st, &op->rows);
}

/* ---- named statements ---- */

static int bind_arg(sqlite3_stmt *st, int i, const struct lf_store_arg *arg)
{
	switch (arg->type) {
	case LF_ARG_NULL:
		return sqlite3_bind_null(st, i);
	case LF_ARG_INT:
		return sqlite3_bind_int64(st, i, arg->i);
	case LF_ARG_TEXT:
		return sqlite3_bind_text64(st, i, arg->data, arg->len,
					   SQLITE_STATIC, SQLITE_UTF8);
	case LF_ARG_BLOB:
		return sqlite3_bind_blob64(st, i, arg->data, arg->len,
					   SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static int run_query(struct lf_sqlite *db, struct lf_op *op)
{
	const struct lf_stmt *s = op->stmt;
	int n;

	if (!s || s->n_args != op->n_args)
		return -EINVAL;
	n = sqlite3_bind_parameter_count(s->stmt);
	for (int i = 0; i < n; i++) {
		if (bind_arg(s->stmt, i + 1, &op->args[s->arg_of[i]]))
			return -EINVAL;
	}
	return run_rows(db, s->stmt, &op->rows);
}

int lf_sqlite_run_op(struct lf_sqlite *db, struct lf_op *op)
{
	switch (op->kind) {
	case LF_OP_PUT:
		return run_put(db, op);
	case LF_OP_DEL:
		return run_del(db, op);
	case LF_OP_GET:
		return run_get(db, op);
	case LF_OP_SCAN:
	case LF_OP_WATCH:
		return run_scan(db, op);
	case LF_OP_APPEND:
		return run_append(db, op);
	case LF_OP_READ:
		return run_read(db, op);
	case LF_OP_QUERY:
		return run_query(db, op);
	case LF_OP_TX:
	case LF_OP_BACKUP:
		break; /* the batch's, and the writer's */
	}
	return -EINVAL;
}
