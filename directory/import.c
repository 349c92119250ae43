/*
 * directory/import.c - users from a CSV file, all or nothing.
 *
 *     worker: cut into cells, check each, hash passwords   import_read.c
 *     loop:   match with the users, check names            import_match.c
 *     store:  one transaction; then the new revisions are read and applied
 */
#include "directory/import_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "store/store.h"

#include "core/banned.h"

#define LATER "cannot be saved now, try again later"

static void import_free(struct lf_job *job)
{
	struct lf_import *im = LF_CONTAINER_OF(job, struct lf_import, job);
	size_t i;

	for (i = 0; i < im->n_rows; i++)
		free(im->rows[i].scram);
	for (i = 0; i < im->n_pairs; i++)
		free(im->pairs[i].now);
	if (im->csv)
		lf_secret_wipe(im->csv, im->len);
	free(im->csv);
	free(im->by);
	free(im->rows);
	free(im->pairs);
	free(im);
}

static void import_end(struct lf_import *im, int err)
{
	size_t added = err ? 0 : im->added;
	size_t changed = err ? 0 : im->n_pairs - im->added;

	if (!im->job.dir->is_closed)
		im->done(err, added, changed, im->text, im->arg);
	/* What was applied is the directory's now. */
	if (!err)
		im->n_pairs = 0;
	lf_job_end(&im->job);
}

int lf_import_refuse(struct lf_import *im, unsigned line, const char *fmt, ...)
{
	char why[LF_DIR_ERROR_SIZE - 32];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	snprintf(im->text, sizeof(im->text), "line %u: %s", line, why);
	return -EINVAL;
}

/* ---- the store ---- */

static void apply(struct lf_import *im)
{
	struct lf_directory *dir = im->job.dir;

	if (im->read_err || dir->is_closed) {
		snprintf(im->text, sizeof(im->text),
			 "saved, but cannot be read back: restart");
		import_end(im, im->read_err ? -EAGAIN : -ESHUTDOWN);
		return;
	}
	lf_directory_apply(dir, im->pairs, im->n_pairs);
	import_end(im, 0);
}

/* The answers come in the order of the pairs. */
static void on_revision(int err, const struct lf_store_kv *rows, size_t n,
			void *arg)
{
	struct lf_import *im = arg;
	struct lf_user_pair *pair = &im->pairs[im->n_read++];

	if (n)
		pair->now->rev = rows[0].rev;
	else
		im->read_err = err ? err : -ENOENT;
	if (im->n_read == im->n_asked)
		apply(im);
}

static void read_revisions(struct lf_import *im)
{
	struct lf_store *store = im->job.dir->store;
	int err = 0;

	while (im->n_asked < im->n_pairs && !err) {
		err = lf_store_get(store, "user",
				   im->pairs[im->n_asked].now->id, on_revision,
				   im);
		if (!err)
			im->n_asked++;
	}
	im->read_err = err;
	if (!im->n_asked)
		apply(im);
}

static void on_stored(int err, int64_t rev, void *arg)
{
	struct lf_import *im = arg;

	if (!err && !im->job.dir->is_closed) {
		read_revisions(im);
		return;
	}
	snprintf(im->text, sizeof(im->text), "%s",
		 err == -ESTALE
			 ? "somebody else changed a user at the same time"
			 : LATER);
	import_end(im, err == -ESTALE ? err : -EAGAIN);
}

static int fill(struct lf_import *im, struct lf_store_tx *tx)
{
	struct lf_directory *dir = im->job.dir;
	struct lf_buf json = {0};
	char last[24];
	size_t i;
	int err;

	snprintf(last, sizeof(last), "%llu", (unsigned long long)dir->last_id);
	err = lf_store_tx_put(tx, "directory", "last-user", last, strlen(last),
			      LF_STORE_ANY);
	for (i = 0; i < im->n_pairs && !err; i++) {
		const struct lf_user_pair *pair = &im->pairs[i];

		lf_buf_reset(&json);
		lf_user_write(&json, pair->now);
		err = lf_buf_error(&json);
		if (!err)
			err = lf_store_tx_put(
				tx, "user", pair->now->id, json.data, json.len,
				pair->was ? pair->was->rev : LF_STORE_ABSENT);
	}
	lf_buf_done(&json);
	if (!err)
		err = lf_audit_tx(tx, im->by, "import users", im->text);
	return err;
}

static int store(struct lf_import *im)
{
	struct lf_store_tx *tx;
	int err;

	err = lf_directory_reserve(im->job.dir, im->n_pairs);
	if (!err)
		err = lf_store_tx_new(&tx, im->job.dir->store);
	if (err)
		return err;
	err = fill(im, tx);
	if (err) {
		lf_store_tx_free(tx);
		return err;
	}
	return lf_store_tx_commit(tx, on_stored, im);
}

/* ---- the job ---- */

static void prepare(struct lf_job *job)
{
	struct lf_import *im = LF_CONTAINER_OF(job, struct lf_import, job);

	im->err = lf_import_read(im);
}

static void start(struct lf_job *job)
{
	struct lf_import *im = LF_CONTAINER_OF(job, struct lf_import, job);
	int err = im->err ? im->err : lf_import_match(im);

	if (!err)
		snprintf(im->text, sizeof(im->text), "%zu added, %zu changed",
			 im->added, im->n_pairs - im->added);
	if (!err && im->n_pairs) {
		err = store(im);
		if (!err)
			return; /* on_stored() goes on */
	}
	if (err && err != -EINVAL)
		snprintf(im->text, sizeof(im->text), "%s",
			 err == -ENOMEM ? "out of memory" : LATER);
	import_end(im,
		   !err || err == -EINVAL || err == -ENOMEM ? err : -EAGAIN);
}

int lf_users_import(struct lf_directory *dir, const char *csv, size_t len,
		    const char *by, lf_import_fn *done, void *arg)
{
	struct lf_import *im;

	if (len > LF_CSV_MAX_BYTES) {
		done(-E2BIG, 0, 0, "the file is larger than 32 MB", arg);
		return 0;
	}
	im = calloc(1, sizeof(*im));
	if (!im)
		return -ENOMEM;
	lf_list_init(&im->job.node);
	im->done = done;
	im->arg = arg;
	im->len = len;
	im->by = strdup(by ? by : "");
	im->csv = malloc(len + 1);
	if (!im->by || !im->csv) {
		import_free(&im->job);
		return -ENOMEM;
	}
	memcpy(im->csv, csv, len);
	im->job.prepare = prepare;
	im->job.start = start;
	im->job.free = import_free;
	return lf_job_submit(dir, &im->job);
}
