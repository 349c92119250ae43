/*
 * store/sqlite_backup.c - a consistent copy while the store goes on.
 *
 * The copy is made with the connection that writes, so that what is written
 * meanwhile goes into it instead of starting it over.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/sqlite_internal.h"

#include "core/banned.h"

#define PAGES_PER_STEP 256 /* 1 MB: a batch waits a few milliseconds */

struct lf_sqlite_backup {
	sqlite3 *to;
	sqlite3_backup *copy;
	bool has_file; /* an unfinished one */
	char *path, *tmp;
};

/* Made anew and for the owner's eyes; an old attempt's remains go. */
static int create_tmp(struct lf_sqlite_backup *b)
{
	int fd;

	if (unlink(b->tmp) && errno != ENOENT)
		return -errno;
	fd = open(b->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	b->has_file = true;
	return 0;
}

static int start_copy(struct lf_sqlite_backup *b, struct lf_sqlite *db)
{
	int rc;

	rc = sqlite3_open_v2(b->tmp, &b->to,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return lf_sqlite_errno(rc);
	b->copy = sqlite3_backup_init(b->to, "main", db->conn, "main");
	return b->copy ? 0 : -EAGAIN;
}

int lf_sqlite_backup_new(struct lf_sqlite_backup **ret, struct lf_sqlite *db,
			 const char *path)
{
	const size_t size = strlen(path) + sizeof(".tmp");
	struct lf_sqlite_backup *b;
	int err = -ENOMEM;

	b = calloc(1, sizeof(*b));
	if (!b)
		return err;
	b->path = strdup(path);
	b->tmp = malloc(size);
	if (!b->path || !b->tmp)
		goto fail;
	snprintf(b->tmp, size, "%s.tmp", path);

	err = create_tmp(b);
	if (!err)
		err = start_copy(b, db);
	if (err)
		goto fail;
	*ret = b;
	return 0;
fail:
	lf_sqlite_backup_free(b);
	return err;
}

/* A full disk is that of the copy, and for its administrator to mend. */
static int copy_errno(int rc)
{
	return (rc & 0xff) == SQLITE_FULL ? -ENOSPC : lf_sqlite_errno(rc);
}

/* Out of WAL, so that the copy is one file and needs no other. */
static int finish_copy(struct lf_sqlite_backup *b)
{
	int rc, err;

	rc = sqlite3_backup_finish(b->copy);
	b->copy = NULL;
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(b->to, "PRAGMA journal_mode = DELETE", NULL,
				  NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_close(b->to);
	err = copy_errno(rc);
	if (err)
		return err;
	b->to = NULL;
	if (rename(b->tmp, b->path))
		return -errno;
	b->has_file = false;
	return lf_sqlite_sync_dir(b->path);
}

int lf_sqlite_backup_step(struct lf_sqlite_backup *b)
{
	int rc = sqlite3_backup_step(b->copy, PAGES_PER_STEP);

	if (rc == SQLITE_OK)
		return 1;
	if (rc == SQLITE_DONE)
		return finish_copy(b);
	return copy_errno(rc);
}

void lf_sqlite_backup_free(struct lf_sqlite_backup *b)
{
	if (!b)
		return;
	sqlite3_backup_finish(b->copy);
	sqlite3_close(b->to);
	if (b->has_file)
		unlink(b->tmp);
	free(b->path);
	free(b->tmp);
	free(b);
}
