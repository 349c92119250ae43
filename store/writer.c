/*
 * store/writer.c - the one thread that waits for the disk.
 *
 * It takes everything that has been submitted as one batch, commits, and puts
 * the answers out; what comes in meanwhile is the next batch. A backup
 * advances by one step between batches.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

#include "core/banned.h"

struct lf_writer {
	uv_thread_t thread;
	bool has_thread;
	uv_mutex_t lock; /* of everything down to `db_lock` */
	uv_cond_t wake;
	struct lf_list inbox, outbox;
	struct lf_writer_report report;
	uv_async_t *answered;
	bool is_stopping;

	uv_mutex_t db_lock; /* the thread's, but for boot time calls */
	struct lf_sqlite *db;

	/* the thread's alone */
	struct lf_list backups;
	struct lf_sqlite_backup *backup;
};

/* ---- on the thread ---- */

/* False: nothing is left to do and nothing will come. */
static bool wait_for_work(struct lf_writer *w, struct lf_list *batch)
{
	bool has_work;

	uv_mutex_lock(&w->lock);
	while (lf_list_is_empty(&w->inbox) && lf_list_is_empty(&w->backups) &&
	       !w->is_stopping)
		uv_cond_wait(&w->wake, &w->lock);
	has_work =
		!lf_list_is_empty(&w->inbox) || !lf_list_is_empty(&w->backups);
	lf_op_move_all(batch, &w->inbox);
	uv_mutex_unlock(&w->lock);
	return has_work;
}

/* Called with the lock held. */
static void wake_loop(struct lf_writer *w)
{
	if (w->answered)
		uv_async_send(w->answered);
}

static void put_answers(struct lf_writer *w, struct lf_list *ops)
{
	uv_mutex_lock(&w->lock);
	lf_op_move_all(&w->outbox, ops);
	wake_loop(w);
	uv_mutex_unlock(&w->lock);
}

static void note_commit(struct lf_writer *w, int err, uint64_t took_ns)
{
	struct lf_writer_report *r = &w->report;

	uv_mutex_lock(&w->lock);
	if (err) {
		r->is_failing = true;
		snprintf(r->error_text, sizeof(r->error_text), "%s",
			 lf_sqlite_error(w->db));
	} else if (lf_sqlite_has_written(w->db)) {
		r->is_failing = false;
		r->commits++;
		r->last_commit_us = (int64_t)(took_ns / 1000);
		lf_histogram_add(&r->commit_times, (double)took_ns / 1e9);
	}
	uv_mutex_unlock(&w->lock);
}

/* Backups take long and answer when they are through. */
static void set_backups_aside(struct lf_writer *w, struct lf_list *batch)
{
	LF_LIST_FOREACH_SAFE (node, batch) {
		struct lf_op *op = LF_CONTAINER_OF(node, struct lf_op, node);

		if (op->kind != LF_OP_BACKUP)
			continue;
		lf_list_del(node);
		lf_list_add_tail(&w->backups, node);
	}
}

static void run_batch(struct lf_writer *w, struct lf_list *batch)
{
	uint64_t began_ns;
	int err;

	set_backups_aside(w, batch);
	if (lf_list_is_empty(batch))
		return;
	began_ns = uv_hrtime();
	err = lf_sqlite_run(w->db, batch);
	note_commit(w, err, uv_hrtime() - began_ns);
	put_answers(w, batch);
}

static int advance_backup(struct lf_writer *w, const struct lf_op *op)
{
	int err = 0;

	if (!w->backup)
		err = lf_sqlite_backup_new(&w->backup, w->db, op->name);
	if (!err)
		err = lf_sqlite_backup_step(w->backup);
	return err;
}

static void run_backup(struct lf_writer *w)
{
	struct lf_list answered;
	struct lf_op *op;

	if (lf_list_is_empty(&w->backups))
		return;
	op = LF_CONTAINER_OF(w->backups.next, struct lf_op, node);
	op->err = advance_backup(w, op);
	if (op->err > 0)
		return;

	lf_sqlite_backup_free(w->backup);
	w->backup = NULL;
	lf_list_del(&op->node);
	lf_list_init(&answered);
	lf_list_add_tail(&answered, &op->node);
	put_answers(w, &answered);
}

static void writer_main(void *arg)
{
	struct lf_writer *w = arg;
	struct lf_list batch;

	lf_list_init(&batch);
	while (wait_for_work(w, &batch)) {
		uv_mutex_lock(&w->db_lock);
		run_batch(w, &batch);
		run_backup(w);
		uv_mutex_unlock(&w->db_lock);
	}

	/* Closing writes the log back into the file: not the loop's work. */
	uv_mutex_lock(&w->db_lock);
	lf_sqlite_close(w->db);
	w->db = NULL;
	uv_mutex_unlock(&w->db_lock);

	uv_mutex_lock(&w->lock);
	w->report.has_stopped = true;
	wake_loop(w);
	uv_mutex_unlock(&w->lock);
}

/* ---- on the loop ---- */

int lf_writer_new(struct lf_writer **ret, const char *path, char *err_text,
		  size_t err_size)
{
	struct lf_writer *w;
	int err;

	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	lf_list_init(&w->inbox);
	lf_list_init(&w->outbox);
	lf_list_init(&w->backups);
	if (uv_mutex_init(&w->lock))
		goto fail_lock;
	if (uv_mutex_init(&w->db_lock))
		goto fail_db_lock;
	if (uv_cond_init(&w->wake))
		goto fail_wake;

	err = lf_sqlite_open(&w->db, path, err_text, err_size);
	if (err)
		goto fail;
	err = uv_thread_create(&w->thread, writer_main, w);
	if (err)
		goto fail;
	w->has_thread = true;
	*ret = w;
	return 0;
fail:
	lf_writer_free(w);
	return err;
fail_wake:
	uv_mutex_destroy(&w->db_lock);
fail_db_lock:
	uv_mutex_destroy(&w->lock);
fail_lock:
	free(w);
	return -ENOMEM;
}

void lf_writer_attach(struct lf_writer *w, uv_async_t *answered)
{
	uv_mutex_lock(&w->lock);
	w->answered = answered;
	uv_mutex_unlock(&w->lock);
}

void lf_writer_submit(struct lf_writer *w, struct lf_list *ops)
{
	uv_mutex_lock(&w->lock);
	lf_op_move_all(&w->inbox, ops);
	uv_cond_signal(&w->wake);
	uv_mutex_unlock(&w->lock);
}

void lf_writer_take(struct lf_writer *w, struct lf_list *ops,
		    struct lf_writer_report *report)
{
	uv_mutex_lock(&w->lock);
	lf_op_move_all(ops, &w->outbox);
	*report = w->report;
	uv_mutex_unlock(&w->lock);
}

void lf_writer_stop(struct lf_writer *w)
{
	uv_mutex_lock(&w->lock);
	w->is_stopping = true;
	uv_cond_signal(&w->wake);
	uv_mutex_unlock(&w->lock);
}

void lf_writer_free(struct lf_writer *w)
{
	if (!w)
		return;
	if (w->has_thread) {
		lf_writer_stop(w);
		uv_thread_join(&w->thread);
	}
	lf_sqlite_close(w->db);
	lf_op_free_all(&w->inbox);
	lf_op_free_all(&w->outbox);
	uv_cond_destroy(&w->wake);
	uv_mutex_destroy(&w->db_lock);
	uv_mutex_destroy(&w->lock);
	free(w);
}

int lf_writer_prepare(struct lf_writer *w, struct lf_stmt **ret,
		      const char *sql, char *err_text, size_t err_size)
{
	int err;

	uv_mutex_lock(&w->db_lock);
	err = lf_sqlite_prepare(w->db, ret, sql, err_text, err_size);
	uv_mutex_unlock(&w->db_lock);
	return err;
}

int lf_writer_migrate(struct lf_writer *w, const char *room, unsigned number,
		      const char *sql, char *err_text, size_t err_size)
{
	int err;

	uv_mutex_lock(&w->db_lock);
	err = lf_sqlite_migrate(w->db, room, number, sql, err_text, err_size);
	uv_mutex_unlock(&w->db_lock);
	return err;
}
