/* store/sqlite_internal.h - what the sqlite*.c files share, theirs alone. */
#ifndef LF_STORE_SQLITE_INTERNAL_H
#define LF_STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "core/list.h"
#include "store/sqlite.h"

struct lf_op;

enum lf_sql {
	LF_SQL_BEGIN,
	LF_SQL_COMMIT,
	LF_SQL_SAVE,
	LF_SQL_UNDO,
	LF_SQL_RELEASE,
	LF_SQL_META,
	LF_SQL_KV_REV,
	LF_SQL_KV_GET,
	LF_SQL_KV_PUT,
	LF_SQL_KV_DEL,
	LF_SQL_KV_SCAN,
	LF_SQL_LOG_FIND,
	LF_SQL_LOG_ADD,
	LF_SQL_LOG_LAST,
	LF_SQL_ENTRY_ADD,
	LF_SQL_ENTRY_FIND,
	LF_SQL_ENTRY_READ,
	LF_SQL_COUNT,
};

/* A room's statement. sqlite numbers $2 before $1 when it comes first. */
struct lf_stmt {
	struct lf_list node;
	sqlite3_stmt *stmt;
	bool is_readonly, has_answer;
	size_t n_args;
	unsigned char arg_of[]; /* parameter i+1 takes argument arg_of[i] */
};

struct lf_sqlite {
	sqlite3 *conn;
	sqlite3_stmt *sql[LF_SQL_COUNT];
	struct lf_list stmts;
	int64_t rev, saved_rev; /* one counter, so that it outlives any key */
	bool has_written;
	char error_text[256];
};

/* An (extended) result code of sqlite as what a callback is told. */
int lf_sqlite_errno(int rc);
int lf_sqlite_step(struct lf_sqlite *db, sqlite3_stmt *st); /* and reset */
/* Anything but a transaction or a backup. */
int lf_sqlite_run_op(struct lf_sqlite *db, struct lf_op *op);
void lf_sqlite_undo(struct lf_sqlite *db); /* a transaction, if one is open */
/* The first number of the answer; `otherwise` if there is none. */
int lf_sqlite_number(sqlite3 *conn, const char *sql, int64_t *ret,
		     int64_t otherwise);
void lf_sqlite_say(char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Makes a new name in path's folder survive a power cut. */
int lf_sqlite_sync_dir(const char *path);

extern const char *const lf_sql_text[LF_SQL_COUNT];

#endif
