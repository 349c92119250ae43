/*
 * store/sqlite_boot.c - opening the file and its schema.
 *
 * What goes wrong here is read by an administrator, so every failure is a
 * sentence that names the file or the room.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/sqlite_internal.h"

#include "core/banned.h"

/* Above this the whole file is not read at every start. */
#define CHECK_MAX_BYTES (64 << 20)
#define SCHEMA_VERSION 1

static const char schema[] =
	"CREATE TABLE store_meta (version INTEGER NOT NULL,"
	" rev BIGINT NOT NULL);"
	"INSERT INTO store_meta VALUES (1, 0);"
	"CREATE TABLE store_kv (bucket TEXT NOT NULL, key TEXT NOT NULL,"
	" value BLOB NOT NULL, rev BIGINT NOT NULL,"
	" PRIMARY KEY (bucket, key)) WITHOUT ROWID;"
	"CREATE TABLE store_log (id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE, last BIGINT NOT NULL);"
	"CREATE TABLE store_entry (log BIGINT NOT NULL, seq BIGINT NOT NULL,"
	" id TEXT NOT NULL, wall_ms BIGINT NOT NULL, value BLOB NOT NULL,"
	" PRIMARY KEY (log, seq), UNIQUE (log, id)) WITHOUT ROWID;"
	"CREATE TABLE store_migration (room TEXT NOT NULL,"
	" number INTEGER NOT NULL, wall_ms BIGINT NOT NULL,"
	" PRIMARY KEY (room, number));";

void lf_sqlite_say(char *text, size_t size, const char *fmt, ...)
{
	va_list args;

	if (!size)
		return;
	va_start(args, fmt);
	vsnprintf(text, size, fmt, args);
	va_end(args);
}

int lf_sqlite_number(sqlite3 *conn, const char *sql, int64_t *ret,
		     int64_t otherwise)
{
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(conn, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	*ret = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : otherwise;
	sqlite3_finalize(st);
	return lf_sqlite_errno(rc);
}

/* ---- the file ---- */

int lf_sqlite_sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int fd, err = 0;

	if (slash == path)
		dir = strdup("/");
	else
		dir = slash ? strndup(path, (size_t)(slash - path))
			    : strdup(".");
	if (!dir)
		return -ENOMEM;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (fd < 0)
		return -errno;
	if (fsync(fd))
		err = -errno;
	close(fd);
	return err;
}

/*
 * A new file is made here, readable by nobody else. One that exists is left
 * alone: closing it would drop the locks of whoever has it open.
 */
static int create_file(const char *path, char *err_text, size_t err_size)
{
	int fd, err;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		if (errno == EEXIST)
			return 0;
		err = -errno;
		lf_sqlite_say(err_text, err_size, "cannot create %s: %s", path,
			      strerror(-err));
		return err;
	}
	close(fd);
	return lf_sqlite_sync_dir(path);
}

static int say_open_error(struct lf_sqlite *db, const char *path,
			  char *err_text, size_t err_size)
{
	int rc = sqlite3_errcode(db->conn) & 0xff;

	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
		lf_sqlite_say(
			err_text, err_size,
			"%s is open in another process: is lampfieldd running "
			"already? Stop it, then start again",
			path);
		return -EBUSY;
	}
	if (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT) {
		lf_sqlite_say(
			err_text, err_size,
			"%s is damaged (%s): put it aside and restore a backup",
			path, sqlite3_errmsg(db->conn));
		return -EIO;
	}
	lf_sqlite_say(err_text, err_size, "cannot open %s: %s", path,
		      sqlite3_errmsg(db->conn));
	return rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

static int connect_file(struct lf_sqlite *db, const char *path)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int rc;

	rc = sqlite3_open_v2(path, &db->conn, flags, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(db->conn, 1);
	/* Exclusive before WAL: no shared memory file, and one owner only.
	 * What savepoints keep is for memory, not for files in /var/tmp. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn,
				  "PRAGMA locking_mode = EXCLUSIVE;"
				  "PRAGMA journal_mode = WAL;"
				  "PRAGMA synchronous = FULL;"
				  "PRAGMA temp_store = MEMORY;"
				  "PRAGMA journal_size_limit = 67108864;"
				  "PRAGMA foreign_keys = ON;"
				  "BEGIN IMMEDIATE; COMMIT",
				  NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : -EIO;
}

/* What PRAGMA quick_check says first; "ok" when all is well. */
static int check_integrity(struct lf_sqlite *db, const char *path,
			   char *err_text, size_t err_size)
{
	sqlite3_stmt *st = NULL;
	struct stat status;
	const char *said;
	int rc, err = 0;

	if (!stat(path, &status) && status.st_size > CHECK_MAX_BYTES)
		return 0;
	rc = sqlite3_prepare_v2(db->conn, "PRAGMA quick_check(1)", -1, &st,
				NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW) {
		err = say_open_error(db, path, err_text, err_size);
		goto out;
	}
	said = (const char *)sqlite3_column_text(st, 0);
	if (!said || strcmp(said, "ok") != 0) {
		lf_sqlite_say(
			err_text, err_size,
			"%s is damaged (%s): put it aside and restore a backup",
			path, said ? said : "no answer");
		err = -EIO;
	}
out:
	sqlite3_finalize(st);
	return err;
}

/* ---- the schema ---- */

/* One transaction, so that a power cut leaves all of it or nothing. */
static int run_script(struct lf_sqlite *db, const char *sql)
{
	int rc;

	rc = sqlite3_exec(db->conn, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn, sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn, "COMMIT", NULL, NULL, NULL);
	return lf_sqlite_errno(rc);
}

void lf_sqlite_undo(struct lf_sqlite *db)
{
	if (!sqlite3_get_autocommit(db->conn))
		sqlite3_exec(db->conn, "ROLLBACK", NULL, NULL, NULL);
}

static int load_schema(struct lf_sqlite *db, const char *path, char *err_text,
		       size_t err_size)
{
	int64_t tables, version;

	if (lf_sqlite_number(db->conn, "SELECT count(*) FROM sqlite_schema",
			     &tables, 0))
		return say_open_error(db, path, err_text, err_size);
	if (!tables && run_script(db, schema)) {
		int err = say_open_error(db, path, err_text, err_size);

		lf_sqlite_undo(db);
		return err;
	}
	if (lf_sqlite_number(db->conn, "SELECT version FROM store_meta",
			     &version, 0)) {
		lf_sqlite_say(err_text, err_size,
			      "%s is no database of Lampfield", path);
		return -EINVAL;
	}
	if (version != SCHEMA_VERSION) {
		lf_sqlite_say(err_text, err_size,
			      "%s has schema %lld, this program knows %d: "
			      "install the version that wrote it",
			      path, (long long)version, SCHEMA_VERSION);
		return -EINVAL;
	}
	lf_sqlite_number(db->conn, "SELECT rev FROM store_meta", &db->rev, 0);
	db->saved_rev = db->rev;
	return 0;
}

static int prepare_own(struct lf_sqlite *db, const char *path, char *err_text,
		       size_t err_size)
{
	for (int i = 0; i < LF_SQL_COUNT; i++) {
		if (sqlite3_prepare_v3(db->conn, lf_sql_text[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &db->sql[i],
				       NULL))
			return say_open_error(db, path, err_text, err_size);
	}
	return 0;
}

int lf_sqlite_open(struct lf_sqlite **ret, const char *path, char *err_text,
		   size_t err_size)
{
	struct lf_sqlite *db;
	int err;

	db = calloc(1, sizeof(*db));
	if (!db)
		return -ENOMEM;
	lf_list_init(&db->stmts);
	err = create_file(path, err_text, err_size);
	if (err)
		goto fail;
	if (connect_file(db, path)) {
		err = say_open_error(db, path, err_text, err_size);
		goto fail;
	}
	err = check_integrity(db, path, err_text, err_size);
	if (!err)
		err = load_schema(db, path, err_text, err_size);
	if (!err)
		err = prepare_own(db, path, err_text, err_size);
	if (err)
		goto fail;
	*ret = db;
	return 0;
fail:
	lf_sqlite_close(db);
	return err;
}

void lf_sqlite_close(struct lf_sqlite *db)
{
	if (!db)
		return;
	LF_LIST_FOREACH_SAFE (node, &db->stmts) {
		struct lf_stmt *s = LF_CONTAINER_OF(node, struct lf_stmt, node);

		lf_list_del(node);
		sqlite3_finalize(s->stmt);
		free(s);
	}
	for (int i = 0; i < LF_SQL_COUNT; i++)
		sqlite3_finalize(db->sql[i]);
	sqlite3_close(db->conn);
	free(db);
}
