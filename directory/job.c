/*
 * directory/job.c - changes of users, one after the other.
 *
 * A change is checked against the users, written, and then seen; a second one
 * checked in between would not know of the first (two people taking the same
 * username). What is slow and needs no users, hashing a password or reading a
 * file, is prepared in worker threads, several at a time.
 */
#include "directory/internal.h"

#include <errno.h>

#include "store/store.h"

#include "core/banned.h"

static void job_free(struct lf_job *job)
{
	struct lf_directory *dir = job->dir;

	lf_list_del(&job->node);
	job->free(job);
	lf_directory_unref(dir);
}

static void on_work(uv_work_t *work)
{
	struct lf_job *job = work->data;

	job->prepare(job);
}

static void on_prepared(uv_work_t *work, int status)
{
	struct lf_job *job = work->data;

	job->is_prepared = true;
	if (job->dir->is_closed)
		job_free(job);
	else
		lf_job_pump(job->dir);
}

int lf_job_submit(struct lf_directory *dir, struct lf_job *job)
{
	int err = 0;

	job->dir = dir;
	job->work.data = job;
	dir->refs++;
	lf_list_add_tail(&dir->jobs, &job->node);

	if (job->prepare)
		err = uv_queue_work(lf_store_loop(dir->store), &job->work,
				    on_work, on_prepared);
	if (err) {
		job_free(job);
		return err;
	}
	if (!job->prepare) {
		job->is_prepared = true;
		lf_job_pump(dir);
	}
	return 0;
}

static struct lf_job *next_ready(struct lf_directory *dir)
{
	struct lf_job *job;

	if (lf_list_is_empty(&dir->jobs))
		return NULL;
	job = LF_CONTAINER_OF(dir->jobs.next, struct lf_job, node);
	return job->is_prepared ? job : NULL;
}

void lf_job_pump(struct lf_directory *dir)
{
	struct lf_job *job;

	/* A job may end within its start(): the loop below goes on then. */
	if (dir->is_pumping)
		return;
	dir->is_pumping = true;
	dir->refs++; /* an answer may close us */
	while (!dir->is_running && !dir->is_closed && dir->is_loaded &&
	       (job = next_ready(dir)) != NULL) {
		dir->is_running = true;
		job->start(job);
	}
	dir->is_pumping = false;
	lf_directory_unref(dir);
}

void lf_job_end(struct lf_job *job)
{
	struct lf_directory *dir = job->dir;

	dir->refs++;
	job_free(job);
	dir->is_running = false;
	lf_job_pump(dir);
	lf_directory_unref(dir);
}

void lf_job_drop_all(struct lf_directory *dir)
{
	struct lf_job *running = NULL;

	if (dir->is_running)
		running = LF_CONTAINER_OF(dir->jobs.next, struct lf_job, node);
	LF_LIST_FOREACH_SAFE (node, &dir->jobs) {
		struct lf_job *job = LF_CONTAINER_OF(node, struct lf_job, node);

		/* Those at work are freed when they come back. */
		if (job != running && job->is_prepared)
			job_free(job);
	}
}
