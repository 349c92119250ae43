/*
 * directory/import.c - users from and to a CSV file.
 *
 *     worker: cut into cells, check each, hash passwords
 *     loop:   match with the users, check names, one transaction
 *     store:  all or nothing; then the new revisions are read and applied
 */
#include "directory/user.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "directory/csv.h"
#include "directory/internal.h"
#include "store/store.h"

#include "core/banned.h"

#define NO_COLUMN (-1)

struct row {
	unsigned line;
	char *scram; /* NULL: no new password */
	char *cells[LF_USER_FIELDS];
};

struct import {
	struct lf_job job;
	lf_import_fn *done;
	void *arg;
	char *by;
	char *csv; /* the cells point into it */
	size_t len;

	enum lf_user_field columns[LF_USER_FIELDS];
	int column_of[LF_USER_FIELDS];
	size_t n_columns;
	struct row *rows;
	size_t n_rows, cap_rows;

	struct lf_user_pair *pairs; /* of a row; then only of the changed */
	size_t n_pairs, added;
	size_t n_asked, n_read; /* of the new revisions */
	int read_err;

	int err;
	char text[LF_DIR_ERROR_SIZE];
};

static void import_free(struct lf_job *job)
{
	struct import *im = LF_CONTAINER_OF(job, struct import, job);
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

static void import_end(struct import *im, int err)
{
	bool is_ok = !err;

	if (!im->job.dir->is_closed)
		im->done(err, is_ok ? im->added : 0,
			 is_ok ? im->n_pairs - im->added : 0, im->text,
			 im->arg);
	/* What was applied is the directory's now. */
	if (is_ok)
		im->n_pairs = 0;
	lf_job_end(&im->job);
}

__attribute__((format(printf, 3, 4))) static int
refuse(struct import *im, unsigned line, const char *fmt, ...)
{
	char why[LF_DIR_ERROR_SIZE - 32];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	snprintf(im->text, sizeof(im->text), "line %u: %s", line, why);
	return -EINVAL;
}

/* ---- in a worker thread: cells ---- */

static int unknown_column(struct import *im, unsigned line, const char *name)
{
	const char *names[LF_USER_FIELDS], *near;
	int i;

	for (i = 0; i < LF_USER_FIELDS; i++)
		names[i] = lf_user_field_name((enum lf_user_field)i);
	near = lf_text_nearest(name, names, LF_USER_FIELDS);
	return refuse(im, line, "there is no column \"%.64s\"%s%s%s", name,
		      near ? "; did you mean \"" : "", near ? near : "",
		      near ? "\"?" : "");
}

static int read_header(struct import *im, char **cells, size_t n, unsigned line)
{
	enum lf_user_field field;
	char *name;
	size_t i;

	for (i = 0; i < LF_USER_FIELDS; i++)
		im->column_of[i] = NO_COLUMN;
	for (i = 0; i < n; i++) {
		name = lf_text_trim(cells[i]);
		if (lf_user_field_parse(&field, name))
			return unknown_column(im, line, name);
		if (im->column_of[field] != NO_COLUMN)
			return refuse(im, line, "column %s is there twice",
				      lf_user_field_name(field));
		im->column_of[field] = (int)i;
		im->columns[i] = field;
	}
	im->n_columns = n;
	if (im->column_of[LF_USER_ID] == NO_COLUMN &&
	    im->column_of[LF_USER_USERNAME] == NO_COLUMN)
		return refuse(im, line, "there is no column username");
	return 0;
}

static const char *cell_of(const struct import *im, const struct row *row,
			   enum lf_user_field field)
{
	int column = im->column_of[field];

	return column == NO_COLUMN ? "" : row->cells[column];
}

static int hash(struct row *row, const char *password)
{
	struct lf_scram scram;
	int err;

	row->scram = malloc(LF_SCRAM_TEXT_SIZE);
	if (!row->scram)
		return -ENOMEM;
	err = lf_scram_make(&scram, password);
	if (!err)
		lf_scram_format(row->scram, &scram);
	return err;
}

/* Into a draft; the id and the password have ways of their own. */
static int set_cells(struct import *im, const struct row *row,
		     struct lf_user *draft)
{
	char why[LF_DIR_ERROR_SIZE] = "";
	enum lf_user_field field;
	size_t i;
	int err = 0;

	for (i = 0; i < im->n_columns && !err; i++) {
		field = im->columns[i];
		if (field == LF_USER_PASSWORD)
			err = lf_user_check_password(row->cells[i], why);
		else if (field != LF_USER_ID &&
			 (field != LF_USER_USERNAME || *row->cells[i]))
			err = lf_user_set(draft, field, row->cells[i], why);
	}
	return err ? refuse(im, row->line, "%s", why) : 0;
}

static int add_row(struct import *im, char **cells, size_t n, unsigned line)
{
	struct lf_user scratch = lf_user_blank;
	struct row *row, *more;
	const char *password;
	size_t i, cap = im->cap_rows ? 2 * im->cap_rows : 256;
	int err;

	if (n != im->n_columns)
		return refuse(im, line, "%zu cells where the header has %zu", n,
			      im->n_columns);
	if (im->n_rows == LF_USERS_MAX)
		return refuse(im, line, "more than %d users", LF_USERS_MAX);
	if (im->n_rows == im->cap_rows) {
		more = realloc(im->rows, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		im->rows = more;
		im->cap_rows = cap;
	}
	row = &im->rows[im->n_rows++];
	row->line = line;
	row->scram = NULL;
	for (i = 0; i < n; i++)
		row->cells[i] = im->columns[i] == LF_USER_PASSWORD
					? cells[i]
					: lf_text_trim(cells[i]);
	err = set_cells(im, row, &scratch);
	password = cell_of(im, row, LF_USER_PASSWORD);
	if (!err && *password)
		err = hash(row, password);
	return err;
}

static int parse(struct import *im)
{
	char *cells[LF_USER_FIELDS];
	struct lf_csv csv;
	unsigned line;
	size_t n;
	int more, err = 0;

	lf_csv_init(&csv, im->csv, im->len);
	more = lf_csv_row(&csv, cells, LF_USER_FIELDS, &n, &line);
	if (!more)
		return refuse(im, line, "the file is empty");
	if (more > 0)
		err = read_header(im, cells, n, line);
	while (!err && more > 0) {
		more = lf_csv_row(&csv, cells, LF_USER_FIELDS, &n, &line);
		if (more > 0)
			err = add_row(im, cells, n, line);
	}
	if (more == -EPROTO)
		err = refuse(im, line, "quotes that do not match, or a NUL");
	if (more == -E2BIG)
		err = refuse(im, line, "too many columns");
	return err;
}

static void prepare(struct lf_job *job)
{
	struct import *im = LF_CONTAINER_OF(job, struct import, job);

	im->err = parse(im);
}

/* ---- on the loop: users ---- */

static struct lf_user *match(const struct import *im, const struct row *row)
{
	const struct lf_index *index = im->job.dir->index;
	const char *id = cell_of(im, row, LF_USER_ID);
	const char *username = cell_of(im, row, LF_USER_USERNAME);
	struct lf_user *user = NULL;

	if (*id)
		user = lf_index_find(&index[LF_BY_ID], LF_BY_ID, id);
	if (!user && *username)
		user = lf_index_find(&index[LF_BY_USERNAME], LF_BY_USERNAME,
				     username);
	return user;
}

/* Until it is stored, a new record's revision is the line it came from. */
static int make_pair(struct import *im, const struct row *row,
		     struct lf_user_pair *pair)
{
	struct lf_user draft = lf_user_blank;
	char id[24];
	int err;

	pair->was = match(im, row);
	if (pair->was)
		draft = *pair->was;
	err = set_cells(im, row, &draft);
	if (err)
		return err;
	if (!*draft.username)
		return refuse(im, row->line, "a user needs a username");
	if (!pair->was) {
		snprintf(id, sizeof(id), "u%llu",
			 (unsigned long long)++im->job.dir->last_id);
		draft.id = id;
		im->added++;
	}
	if (row->scram)
		draft.scram = row->scram;
	draft.rev = row->line;
	pair->now = lf_user_pack(&draft);
	return pair->now ? 0 : -ENOMEM;
}

static int twice(struct import *im, const struct lf_user *a,
		 const struct lf_user *b, const char *what)
{
	int64_t first = a->rev < b->rev ? a->rev : b->rev;
	int64_t again = a->rev < b->rev ? b->rev : a->rev;

	return refuse(im, (unsigned)again, "the same %s as in line %u", what,
		      (unsigned)first);
}

static int check_neighbours(struct import *im, const struct lf_index *by_id,
			    const struct lf_index *by_username)
{
	struct lf_user *const *ids = by_id->rows;
	struct lf_user *const *names = by_username->rows;
	size_t i;

	for (i = 1; i < im->n_pairs; i++) {
		if (!strcmp(ids[i - 1]->id, ids[i]->id))
			return twice(im, ids[i - 1], ids[i], "user");
		if (lf_text_equal(names[i - 1]->username, names[i]->username))
			return twice(im, names[i - 1], names[i], "username");
	}
	return 0;
}

/* Who is in the file himself may give his username away. */
static int check_others(struct import *im, const struct lf_index *by_id)
{
	const struct lf_user *other, *now;
	size_t i;

	for (i = 0; i < im->n_pairs; i++) {
		now = im->pairs[i].now;
		other = lf_user_by_username(im->job.dir, now->username);
		if (other && other != im->pairs[i].was &&
		    !lf_index_find(by_id, LF_BY_ID, other->id))
			return refuse(im, (unsigned)now->rev,
				      "%s has the username %s already",
				      other->id, now->username);
	}
	return 0;
}

static int check_unique(struct import *im)
{
	struct lf_index by_id = {0}, by_username = {0};
	size_t i;
	int err;

	err = lf_index_reserve(&by_id, im->n_pairs);
	if (!err)
		err = lf_index_reserve(&by_username, im->n_pairs);
	for (i = 0; i < im->n_pairs && !err; i++) {
		lf_index_append(&by_id, LF_BY_ID, im->pairs[i].now);
		lf_index_append(&by_username, LF_BY_USERNAME, im->pairs[i].now);
	}
	if (!err) {
		lf_index_sort(&by_id, LF_BY_ID);
		lf_index_sort(&by_username, LF_BY_USERNAME);
		err = check_neighbours(im, &by_id, &by_username);
	}
	if (!err)
		err = check_others(im, &by_id);
	lf_index_done(&by_id);
	lf_index_done(&by_username);
	return err;
}

static int make_pairs(struct import *im)
{
	size_t i;
	int err = 0;

	im->pairs = calloc(im->n_rows + 1, sizeof(*im->pairs));
	if (!im->pairs)
		return -ENOMEM;
	for (i = 0; i < im->n_rows && !err; i++) {
		im->n_pairs = i + 1;
		err = make_pair(im, &im->rows[i], &im->pairs[i]);
	}
	if (err)
		return err;
	if (lf_directory_count(im->job.dir) + im->added > LF_USERS_MAX)
		return refuse(im, 1, "more than %d users", LF_USERS_MAX);
	return check_unique(im);
}

static void drop_unchanged(struct import *im)
{
	size_t i, kept = 0;

	for (i = 0; i < im->n_pairs; i++) {
		struct lf_user_pair *pair = &im->pairs[i];

		if (pair->was && lf_user_same(pair->was, pair->now))
			free(pair->now);
		else
			im->pairs[kept++] = *pair;
	}
	im->n_pairs = kept;
}

/* ---- the store ---- */

static void apply(struct import *im)
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
	struct import *im = arg;
	struct lf_user_pair *pair = &im->pairs[im->n_read++];

	if (n)
		pair->now->rev = rows[0].rev;
	else
		im->read_err = err ? err : -ENOENT;
	if (im->n_read == im->n_asked)
		apply(im);
}

static void read_revisions(struct import *im)
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
	struct import *im = arg;

	if (!err && !im->job.dir->is_closed) {
		read_revisions(im);
		return;
	}
	snprintf(im->text, sizeof(im->text), "%s",
		 err == -ESTALE
			 ? "somebody else changed a user at the same time"
			 : "cannot be saved now, try again later");
	import_end(im, err == -ESTALE ? err : -EAGAIN);
}

static int fill(struct import *im, struct lf_store_tx *tx)
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

static int store(struct import *im)
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

static void start(struct lf_job *job)
{
	struct import *im = LF_CONTAINER_OF(job, struct import, job);
	int err = im->err;

	if (!err)
		err = make_pairs(im);
	if (!err) {
		drop_unchanged(im);
		snprintf(im->text, sizeof(im->text), "%zu added, %zu changed",
			 im->added, im->n_pairs - im->added);
	}
	if (!err && !im->n_pairs) {
		import_end(im, 0);
		return;
	}
	if (!err)
		err = store(im);
	if (!err)
		return;
	if (err != -EINVAL)
		snprintf(im->text, sizeof(im->text), "%s",
			 err == -ENOMEM ? "out of memory"
					: "cannot be saved now, try later");
	import_end(im, err == -EINVAL || err == -ENOMEM ? err : -EAGAIN);
}

int lf_users_import(struct lf_directory *dir, const char *csv, size_t len,
		    const char *by, lf_import_fn *done, void *arg)
{
	struct import *im;

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

/* ---- export ---- */

void lf_users_export(const struct lf_directory *dir, struct lf_buf *out)
{
	const struct lf_index *index = &dir->index[LF_BY_ID];
	size_t i;
	int f;

	for (f = 0; f < LF_USER_PASSWORD; f++) {
		if (f)
			lf_buf_addc(out, ',');
		lf_buf_adds(out, lf_user_field_name((enum lf_user_field)f));
	}
	lf_buf_adds(out, "\r\n");
	for (i = 0; i < index->n; i++) {
		for (f = 0; f < LF_USER_PASSWORD; f++) {
			if (f)
				lf_buf_addc(out, ',');
			lf_csv_write(out, lf_user_get(index->rows[i],
						      (enum lf_user_field)f));
		}
		lf_buf_adds(out, "\r\n");
	}
}
