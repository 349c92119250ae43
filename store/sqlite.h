/*
 * store/sqlite.h - sqlite as an engine: what the writer thread asks of it.
 *
 * One connection, used by one thread at a time; it blocks, so never by the
 * loop's except while booting.
 */
#ifndef LF_STORE_SQLITE_H
#define LF_STORE_SQLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_sqlite;
struct lf_sqlite_backup;
struct lf_list;
struct lf_stmt;

int lf_sqlite_open(struct lf_sqlite **ret, const char *path, char *err_text,
		   size_t err_size);
void lf_sqlite_close(struct lf_sqlite *db); /* NULL is fine */

/*
 * Runs operations in order as one transaction and fills their answers.
 * -EAGAIN: nothing was written, every write is answered so.
 */
int lf_sqlite_run(struct lf_sqlite *db, struct lf_list *ops);
bool lf_sqlite_has_written(const struct lf_sqlite *db); /* the last run */
const char *lf_sqlite_error(const struct lf_sqlite *db);

/* Lives until the close. -EINVAL with the reason in words. */
int lf_sqlite_prepare(struct lf_sqlite *db, struct lf_stmt **ret,
		      const char *sql, char *err_text, size_t err_size);
int lf_sqlite_migrate(struct lf_sqlite *db, const char *room, unsigned number,
		      const char *sql, char *err_text, size_t err_size);

/* A copy made beside `path`, page by page, and then renamed to it. */
int lf_sqlite_backup_new(struct lf_sqlite_backup **ret, struct lf_sqlite *db,
			 const char *path);
/* 1: more to do, 0: the copy is complete and durable, else an error. */
int lf_sqlite_backup_step(struct lf_sqlite_backup *backup);
/* Removes what is incomplete. NULL is fine. */
void lf_sqlite_backup_free(struct lf_sqlite_backup *backup);

#endif
