/*
 * directory/change.c - one user created, changed or deleted.
 *
 *     check the fields -> hash the password (worker) -> check against the
 *     others -> store -> apply -> answer
 *
 * Everything that can fail is done before the store is asked, so that what
 * was accepted is also seen.
 */
#include "directory/user.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "directory/audit.h"
#include "directory/internal.h"
#include "store/store.h"

#include "core/banned.h"

#define ID_SIZE 24

struct put {
	struct lf_job job;
	lf_user_done_fn *done;
	void *arg;
	const char *by, *id; /* id "": a new user */
	char new_id[ID_SIZE];
	size_t n;
	enum lf_user_field *fields;
	char **values;
	const char *password; /* NULL: stays as it is */
	char scram[LF_SCRAM_TEXT_SIZE];
	int prepare_err;
	const struct lf_user *was;
	struct lf_user *now;
	char block[]; /* the texts above */
};

static struct put *put_of(struct lf_job *job)
{
	return LF_CONTAINER_OF(job, struct put, job);
}

static void put_free(struct lf_job *job)
{
	struct put *put = put_of(job);
	size_t i;

	for (i = 0; i < put->n && put->fields && put->values; i++)
		if (put->fields[i] == LF_USER_PASSWORD)
			lf_secret_wipe(put->values[i], strlen(put->values[i]));
	free(put->fields);
	free(put->values);
	free(put->now);
	free(put);
}

static char *copy_text(char **at, const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy = memcpy(*at, text, len);

	*at += len;
	return copy;
}

static int put_new(struct put **ret, const char *id,
		   const enum lf_user_field *fields, const char *const *values,
		   size_t n, const char *by)
{
	size_t i, size = strlen(id) + strlen(by) + 2;
	struct put *put;
	char *at;

	for (i = 0; i < n; i++)
		size += strlen(values[i]) + 1;
	put = calloc(1, sizeof(*put) + size);
	if (!put)
		return -ENOMEM;
	lf_list_init(&put->job.node);
	put->fields = calloc(n + 1, sizeof(*put->fields));
	put->values = calloc(n + 1, sizeof(*put->values));
	if (!put->fields || !put->values) {
		put_free(&put->job);
		return -ENOMEM;
	}
	at = put->block;
	put->id = copy_text(&at, id);
	put->by = copy_text(&at, by);
	put->n = n;
	for (i = 0; i < n; i++) {
		put->fields[i] = fields[i];
		put->values[i] = copy_text(&at, values[i]);
	}
	*ret = put;
	return 0;
}

static int set_all(struct put *put, struct lf_user *draft,
		   char err_text[LF_DIR_ERROR_SIZE])
{
	size_t i;
	int err = 0;

	for (i = 0; i < put->n && !err; i++) {
		if (put->fields[i] == LF_USER_PASSWORD) {
			put->password = put->values[i];
			err = lf_user_check_password(put->password, err_text);
		} else {
			err = lf_user_set(draft, put->fields[i], put->values[i],
					  err_text);
		}
	}
	return err;
}

/* In a worker thread. */
static void hash_password(struct lf_job *job)
{
	struct put *put = put_of(job);
	struct lf_scram scram;

	put->prepare_err = lf_scram_make(&scram, put->password);
	if (put->prepare_err)
		return;
	lf_scram_format(put->scram, &scram);
	lf_secret_wipe(&scram, sizeof(scram));
}

static void put_end(struct put *put, int err, const char *text)
{
	if (!put->job.dir->is_closed)
		put->done(err, *put->new_id ? put->new_id : put->id, text,
			  put->arg);
	lf_job_end(&put->job);
}

static const char *sentence(int err)
{
	switch (err) {
	case 0:
		return "";
	case -ENOMEM:
		return "out of memory";
	case -ESTALE:
		return "somebody else changed this user at the same time";
	default:
		return "cannot be saved now, try again later";
	}
}

/* What the caller is told: its own mistakes, else "try later". */
static int outward(int err)
{
	return err == -ESTALE || err == -ENOMEM || !err ? err : -EAGAIN;
}

static void audit_put(const struct put *put)
{
	const struct lf_user *now = put->now;
	struct lf_buf detail = {0};
	char what[64];
	size_t i;

	for (i = 0; i < put->n; i++) {
		if (i)
			lf_buf_adds(&detail, ", ");
		lf_buf_adds(&detail, lf_user_field_name(put->fields[i]));
		if (put->fields[i] == LF_USER_PASSWORD)
			continue;
		lf_buf_addc(&detail, '=');
		lf_buf_adds(&detail, lf_user_get(now, put->fields[i]));
	}
	snprintf(what, sizeof(what), "%s user %s", put->was ? "change" : "add",
		 now->id);
	lf_audit(put->job.dir->store, put->by, what, lf_buf_str(&detail));
	lf_buf_done(&detail);
}

static void on_put(int err, int64_t rev, void *arg)
{
	struct put *put = arg;
	struct lf_directory *dir = put->job.dir;
	struct lf_user_pair pair;

	if (err || dir->is_closed) {
		put_end(put, outward(err), sentence(err));
		return;
	}
	put->now->rev = rev;
	audit_put(put);
	pair.was = lf_index_find(&dir->index[LF_BY_ID], LF_BY_ID, put->id);
	pair.now = put->now;
	put->now = NULL;
	lf_directory_apply(dir, &pair, 1);
	put_end(put, 0, "");
}

static bool is_taken(const struct put *put, const char *username)
{
	const struct lf_user *other =
		lf_user_by_username(put->job.dir, username);

	return other && other != put->was;
}

/* The counter goes first: an id is never given twice, at worst never used. */
static int store_put(struct put *put)
{
	struct lf_directory *dir = put->job.dir;
	struct lf_buf json = {0};
	int err;

	lf_user_write(&json, put->now);
	err = lf_buf_error(&json);
	if (!err && !put->was)
		err = lf_store_put(dir->store, "directory", "last-user",
				   put->new_id + 1, strlen(put->new_id + 1),
				   LF_STORE_ANY, NULL, NULL);
	if (!err)
		err = lf_store_put(dir->store, "user", put->now->id, json.data,
				   json.len,
				   put->was ? put->was->rev : LF_STORE_ABSENT,
				   on_put, put);
	lf_buf_done(&json);
	return err;
}

static int make_now(struct put *put, char err_text[LF_DIR_ERROR_SIZE])
{
	struct lf_user draft = put->was ? *put->was : lf_user_blank;
	int err;

	err = set_all(put, &draft, err_text);
	if (err)
		return err;
	if (put->password)
		draft.scram = put->scram;
	if (!put->was) {
		snprintf(put->new_id, sizeof(put->new_id), "u%llu",
			 (unsigned long long)++put->job.dir->last_id);
		draft.id = put->new_id;
	}
	put->now = lf_user_pack(&draft);
	if (!put->now || lf_directory_reserve(put->job.dir, 1)) {
		snprintf(err_text, LF_DIR_ERROR_SIZE, "%s", sentence(-ENOMEM));
		return -ENOMEM;
	}
	return 0;
}

static void put_start(struct lf_job *job)
{
	struct put *put = put_of(job);
	struct lf_directory *dir = job->dir;
	char text[LF_DIR_ERROR_SIZE] = "";
	int err = put->prepare_err;

	put->was = lf_user_find(dir, put->id);
	if (err) {
		put_end(put, outward(err), "the password cannot be hashed");
		return;
	}
	if (*put->id && !put->was) {
		put_end(put, -ENOENT, "there is no such user");
		return;
	}
	if (!put->was && lf_directory_count(dir) >= LF_USERS_MAX) {
		put_end(put, -EINVAL, "the directory is full");
		return;
	}
	err = make_now(put, text);
	if (!err && is_taken(put, put->now->username)) {
		err = -EEXIST;
		snprintf(text, sizeof(text),
			 "another user has this username already");
	}
	if (err) {
		*put->new_id = '\0';
		put_end(put, err, text);
		return;
	}
	if (put->was && lf_user_same(put->was, put->now)) {
		put_end(put, 0, "");
		return;
	}
	err = store_put(put);
	if (err)
		put_end(put, outward(err), sentence(err));
}

int lf_user_put(struct lf_directory *dir, const char *id,
		const enum lf_user_field *fields, const char *const *values,
		size_t n, const char *by, lf_user_done_fn *done, void *arg)
{
	struct lf_user draft = lf_user_blank;
	char text[LF_DIR_ERROR_SIZE] = "";
	struct put *put;
	int err;

	err = put_new(&put, id ? id : "", fields, values, n, by ? by : "");
	if (err)
		return err;
	err = set_all(put, &draft, text);
	if (!err && !id && !*draft.username) {
		err = -EINVAL;
		snprintf(text, sizeof(text), "a user needs a username");
	}
	if (err) {
		done(err, put->id, text, arg);
		put_free(&put->job);
		return 0;
	}
	put->done = done;
	put->arg = arg;
	put->job.start = put_start;
	put->job.free = put_free;
	if (put->password && *put->password)
		put->job.prepare = hash_password;
	return lf_job_submit(dir, &put->job);
}

/* ---- deleting ---- */

struct del {
	struct lf_job job;
	lf_user_done_fn *done;
	void *arg;
	char id[ID_SIZE];
	char by[];
};

static void del_free(struct lf_job *job)
{
	free(LF_CONTAINER_OF(job, struct del, job));
}

static void del_end(struct del *del, int err, const char *text)
{
	if (!del->job.dir->is_closed)
		del->done(err, del->id, text, del->arg);
	lf_job_end(&del->job);
}

static void on_del(int err, int64_t rev, void *arg)
{
	struct del *del = arg;
	struct lf_directory *dir = del->job.dir;
	struct lf_user_pair pair = {0};
	char what[64];

	if (err || dir->is_closed) {
		del_end(del, outward(err), sentence(err));
		return;
	}
	snprintf(what, sizeof(what), "delete user %s", del->id);
	pair.was = lf_index_find(&dir->index[LF_BY_ID], LF_BY_ID, del->id);
	lf_audit(dir->store, del->by, what, pair.was->username);
	lf_directory_apply(dir, &pair, 1);
	del_end(del, 0, "");
}

static void del_start(struct lf_job *job)
{
	struct del *del = LF_CONTAINER_OF(job, struct del, job);
	const struct lf_user *user = lf_user_find(job->dir, del->id);
	int err;

	if (!user) {
		del_end(del, -ENOENT, "there is no such user");
		return;
	}
	err = lf_store_del(job->dir->store, "user", del->id, user->rev, on_del,
			   del);
	if (err)
		del_end(del, outward(err), sentence(err));
}

int lf_user_delete(struct lf_directory *dir, const char *id, const char *by,
		   lf_user_done_fn *done, void *arg)
{
	size_t size;
	struct del *del;

	if (!by)
		by = "";
	size = strlen(by) + 1;
	del = calloc(1, sizeof(*del) + size);
	if (!del)
		return -ENOMEM;
	memcpy(del->by, by, size);
	snprintf(del->id, sizeof(del->id), "%s", id);
	lf_list_init(&del->job.node);
	del->done = done;
	del->arg = arg;
	del->job.start = del_start;
	del->job.free = del_free;
	return lf_job_submit(dir, &del->job);
}
