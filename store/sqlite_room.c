/*
 * store/sqlite_room.c - what a room says in SQL: migrations and statements.
 *
 * Both are refused in words when they are wrong, at the start of the program
 * and not when the statement is first needed.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "store/internal.h"
#include "store/sqlite_internal.h"

#include "core/banned.h"

#define OUR_TABLES "store_"

static bool is_ours(const char *table)
{
	return table && !strncmp(table, OUR_TABLES, strlen(OUR_TABLES));
}

/*
 * Transactions are the store's, and so are its tables: a room reads them at
 * most. It knows one file and no pragma.
 */
static int authorize(void *arg, int action, const char *a, const char *b,
		     const char *schema_name, const char *trigger)
{
	switch (action) {
	case SQLITE_TRANSACTION:
	case SQLITE_SAVEPOINT:
	case SQLITE_ATTACH:
	case SQLITE_DETACH:
	case SQLITE_PRAGMA:
		return SQLITE_DENY;
	case SQLITE_ALTER_TABLE:
		return is_ours(b) ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_CREATE_TABLE:
	case SQLITE_DROP_TABLE:
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		return is_ours(a) ? SQLITE_DENY : SQLITE_OK;
	default:
		return SQLITE_OK;
	}
}

/* $1..$n, each used at least once, in any order. */
static int number_args(struct lf_stmt *s, int n, char *err_text,
		       size_t err_size)
{
	bool used[LF_STORE_MAX_ARGS + 1] = {false};

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_bind_parameter_name(s->stmt, i + 1);
		char *end = NULL;
		long number = 0;

		if (name && name[0] == '$')
			number = strtol(name + 1, &end, 10);
		if (number < 1 || number > LF_STORE_MAX_ARGS || *end) {
			lf_sqlite_say(err_text, err_size,
				      "argument %s is not $1..$%d",
				      name ? name : "?", LF_STORE_MAX_ARGS);
			return -EINVAL;
		}
		s->arg_of[i] = (unsigned char)(number - 1);
		used[number] = true;
		if ((size_t)number > s->n_args)
			s->n_args = (size_t)number;
	}
	for (size_t i = 1; i <= s->n_args; i++) {
		if (!used[i]) {
			lf_sqlite_say(err_text, err_size,
				      "argument $%zu is missing", i);
			return -EINVAL;
		}
	}
	return 0;
}

/* One statement, no more: what follows it would never run. */
static int prepare_one(struct lf_sqlite *db, sqlite3_stmt **ret,
		       const char *sql, char *err_text, size_t err_size)
{
	const char *rest = NULL;
	int rc;

	*ret = NULL;
	sqlite3_set_authorizer(db->conn, authorize, NULL);
	rc = sqlite3_prepare_v3(db->conn, sql, -1, SQLITE_PREPARE_PERSISTENT,
				ret, &rest);
	sqlite3_set_authorizer(db->conn, NULL, NULL);
	if (rc != SQLITE_OK) {
		lf_sqlite_say(err_text, err_size, "%s",
			      sqlite3_errmsg(db->conn));
		return lf_sqlite_errno(rc);
	}
	if (!*ret || rest[strspn(rest, " \t\n;")]) {
		lf_sqlite_say(err_text, err_size, "must be one statement");
		return -EINVAL;
	}
	return 0;
}

int lf_sqlite_prepare(struct lf_sqlite *db, struct lf_stmt **ret,
		      const char *sql, char *err_text, size_t err_size)
{
	struct lf_stmt *s = NULL;
	sqlite3_stmt *st;
	int err, n;

	err = prepare_one(db, &st, sql, err_text, err_size);
	if (err)
		goto fail;
	n = sqlite3_bind_parameter_count(st);
	s = calloc(1, sizeof(*s) + (size_t)n);
	if (!s) {
		err = -ENOMEM;
		goto fail;
	}
	s->stmt = st;
	s->is_readonly = sqlite3_stmt_readonly(st);
	s->has_answer = sqlite3_column_count(st) > 0;
	err = number_args(s, n, err_text, err_size);
	if (err)
		goto fail;
	lf_list_add_tail(&db->stmts, &s->node);
	*ret = s;
	return 0;
fail:
	sqlite3_finalize(st);
	free(s);
	return err;
}

/* ---- migrations ---- */

static int last_migration(struct lf_sqlite *db, const char *room, int64_t *ret)
{
	char *sql = sqlite3_mprintf("SELECT max(number) FROM store_migration"
				    " WHERE room = %Q",
				    room);
	int err = -ENOMEM;

	if (sql)
		err = lf_sqlite_number(db->conn, sql, ret, 0);
	sqlite3_free(sql);
	return err;
}

static int run_migration(struct lf_sqlite *db, const char *room,
			 unsigned number, const char *sql)
{
	char *note = sqlite3_mprintf(
		"INSERT INTO store_migration VALUES (%Q, %u, %lld); COMMIT",
		room, number, (long long)lf_wall_ms());
	int rc;

	if (!note)
		return -ENOMEM;
	rc = sqlite3_exec(db->conn, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	sqlite3_set_authorizer(db->conn, authorize, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn, sql, NULL, NULL, NULL);
	sqlite3_set_authorizer(db->conn, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn, note, NULL, NULL, NULL);
	sqlite3_free(note);
	return lf_sqlite_errno(rc);
}

int lf_sqlite_migrate(struct lf_sqlite *db, const char *room, unsigned number,
		      const char *sql, char *err_text, size_t err_size)
{
	int64_t last;
	int err;

	err = last_migration(db, room, &last);
	if (err) {
		lf_sqlite_say(err_text, err_size, "%s: %s", room,
			      sqlite3_errmsg(db->conn));
		return err;
	}
	if (number && number <= last)
		return 0;
	if (number != last + 1) {
		lf_sqlite_say(
			err_text, err_size,
			"%s: migration %u cannot follow %lld, number %lld is "
			"missing",
			room, number, (long long)last, (long long)last + 1);
		return -EINVAL;
	}
	err = run_migration(db, room, number, sql);
	if (err) {
		lf_sqlite_say(err_text, err_size, "%s: migration %u: %s", room,
			      number, sqlite3_errmsg(db->conn));
		lf_sqlite_undo(db);
	}
	return err;
}
