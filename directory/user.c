/*
 * directory/user.c - all users in memory: loading them, finding them, and
 * applying what the store has accepted.
 */
#include "directory/user.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"
#include "directory/internal.h"
#include "store/store.h"

#include "core/banned.h"

/* From here on sorting anew is cheaper than moving for each user. */
#define MANY 32

/* ---- finding ---- */

size_t lf_directory_count(const struct lf_directory *dir)
{
	return dir->index[LF_BY_ID].n;
}

static const struct lf_user *find(const struct lf_directory *dir,
				  enum lf_index_kind kind, const char *key)
{
	return *key ? lf_index_find(&dir->index[kind], kind, key) : NULL;
}

const struct lf_user *lf_user_find(const struct lf_directory *dir,
				   const char *id)
{
	return find(dir, LF_BY_ID, id);
}

const struct lf_user *lf_user_by_username(const struct lf_directory *dir,
					  const char *username)
{
	return find(dir, LF_BY_USERNAME, username);
}

const struct lf_user *lf_user_by_ext(const struct lf_directory *dir,
				     const char *ext)
{
	return find(dir, LF_BY_EXT, ext);
}

const struct lf_user *lf_user_resolve(const struct lf_directory *dir,
				      const char *key)
{
	const struct lf_user *user = lf_user_find(dir, key);

	if (!user)
		user = lf_user_by_username(dir, key);
	if (!user)
		user = lf_user_by_ext(dir, key);
	if (!user)
		user = find(dir, LF_BY_SIP_URI,
			    lf_text_starts(key, "sip:") ? key + 4 : key);
	return user;
}

const struct lf_user *lf_user_next(const struct lf_directory *dir, size_t *i)
{
	const struct lf_index *index = &dir->index[LF_BY_NAME];

	return *i < index->n ? index->rows[(*i)++] : NULL;
}

/* ---- changing ---- */

int lf_directory_on_change(struct lf_directory *dir, lf_user_change_fn *fn,
			   void *arg)
{
	struct lf_user_listener *more;

	more = realloc(dir->listeners, (dir->n_listeners + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	dir->listeners = more;
	more[dir->n_listeners++] = (struct lf_user_listener){fn, arg};
	return 0;
}

int lf_directory_reserve(struct lf_directory *dir, size_t more)
{
	int kind, err = 0;

	for (kind = 0; kind < LF_INDEX_KINDS && !err; kind++)
		err = lf_index_reserve(&dir->index[kind], more);
	return err;
}

static void move_one(struct lf_directory *dir, const struct lf_user_pair *pair)
{
	int kind;

	for (kind = 0; kind < LF_INDEX_KINDS; kind++) {
		if (pair->was)
			lf_index_del(&dir->index[kind],
				     (enum lf_index_kind)kind, pair->was);
		if (pair->now)
			lf_index_add(&dir->index[kind],
				     (enum lf_index_kind)kind, pair->now);
	}
}

/* While a batch is applied, a negative revision says: about to go. */
static void mark(const struct lf_user_pair *pairs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (pairs[i].was)
			pairs[i].was->rev = -1 - pairs[i].was->rev;
}

static void drop_marked(struct lf_index *index)
{
	size_t i, kept = 0;

	for (i = 0; i < index->n; i++)
		if (index->rows[i]->rev >= 0)
			index->rows[kept++] = index->rows[i];
	index->n = kept;
}

static void move_many(struct lf_directory *dir,
		      const struct lf_user_pair *pairs, size_t n)
{
	size_t i;
	int kind;

	mark(pairs, n);
	for (kind = 0; kind < LF_INDEX_KINDS; kind++) {
		drop_marked(&dir->index[kind]);
		for (i = 0; i < n; i++)
			if (pairs[i].now)
				lf_index_append(&dir->index[kind],
						(enum lf_index_kind)kind,
						pairs[i].now);
		lf_index_sort(&dir->index[kind], (enum lf_index_kind)kind);
	}
	mark(pairs, n);
}

static void note_id(struct lf_directory *dir, uint64_t number)
{
	if (number > dir->last_id)
		dir->last_id = number;
}

void lf_directory_apply(struct lf_directory *dir,
			const struct lf_user_pair *pairs, size_t n)
{
	size_t i, l;

	if (n > MANY)
		move_many(dir, pairs, n);
	else
		for (i = 0; i < n; i++)
			move_one(dir, &pairs[i]);

	for (i = 0; i < n; i++) {
		if (pairs[i].now)
			note_id(dir, lf_user_number(pairs[i].now->id));
		for (l = 0; l < dir->n_listeners; l++)
			dir->listeners[l].fn(pairs[i].was, pairs[i].now,
					     dir->listeners[l].arg);
	}
	for (i = 0; i < n; i++)
		free(pairs[i].was);
}

/* ---- loading ---- */

static int load_row(struct lf_directory *dir, const struct lf_store_kv *row)
{
	struct lf_user *user;
	int err, kind;

	note_id(dir, lf_user_number(row->key));
	err = lf_user_read(&user, row->key, row->value, row->len, row->rev);
	if (err == -EPROTO) {
		lf_log(LF_ERROR, "directory",
		       "what is stored for %s is no user; it is left out",
		       row->key);
		return 0;
	}
	if (err)
		return err;
	for (kind = 0; kind < LF_INDEX_KINDS; kind++)
		lf_index_append(&dir->index[kind], (enum lf_index_kind)kind,
				user);
	return 0;
}

static void load_done(struct lf_directory *dir)
{
	int kind;

	for (kind = 0; kind < LF_INDEX_KINDS; kind++)
		lf_index_sort(&dir->index[kind], (enum lf_index_kind)kind);
	dir->is_loaded = !dir->load_err;
	dir->ready(dir->load_err, dir->ready_arg);
	if (!dir->is_closed)
		lf_job_pump(dir);
}

static void scan_done(struct lf_directory *dir, int err)
{
	if (err && !dir->load_err)
		dir->load_err = err;
	if (--dir->scans == 0 && !dir->is_closed)
		load_done(dir);
	lf_directory_unref(dir);
}

static void on_users(int err, const struct lf_store_kv *rows, size_t n,
		     void *arg)
{
	struct lf_directory *dir = arg;
	size_t i;

	if (!err)
		err = lf_directory_reserve(dir, n);
	for (i = 0; i < n && !err; i++)
		err = load_row(dir, &rows[i]);
	scan_done(dir, err);
}

static void on_facts(int err, const struct lf_store_kv *rows, size_t n,
		     void *arg)
{
	struct lf_directory *dir = arg;
	bool has_seed = false;
	char text[24];
	int64_t last;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(rows[i].key, "seed") &&
		    rows[i].len == sizeof(dir->seed)) {
			memcpy(dir->seed, rows[i].value, rows[i].len);
			has_seed = true;
		}
		lf_text_copy_n(text, sizeof(text), rows[i].value, rows[i].len);
		if (!strcmp(rows[i].key, "last-user") &&
		    !lf_text_int(&last, text, 0, INT64_MAX))
			note_id(dir, (uint64_t)last);
	}
	if (!err && !has_seed) {
		lf_random(dir->seed, sizeof(dir->seed));
		err = lf_store_put(dir->store, "directory", "seed", dir->seed,
				   sizeof(dir->seed), LF_STORE_ANY, NULL, NULL);
	}
	scan_done(dir, err);
}

static int scan(struct lf_directory *dir, const char *bucket,
		const char *prefix, lf_store_kv_fn *fn)
{
	int err = lf_store_scan(dir->store, bucket, prefix, fn, dir);

	if (!err) {
		dir->scans++;
		dir->refs++;
	}
	return err;
}

/* One scan for each first digit: a store bounds the size of an answer. */
static int start_load(struct lf_directory *dir)
{
	char prefix[] = "u0";
	int err;

	err = scan(dir, "directory", "", on_facts);
	for (prefix[1] = '1'; prefix[1] <= '9' && !err; prefix[1]++)
		err = scan(dir, "user", prefix, on_users);
	return err;
}

/* ---- life ---- */

int lf_directory_open(struct lf_directory **ret, struct lf_store *store,
		      void (*ready)(int err, void *arg), void *arg)
{
	struct lf_directory *dir;
	int err;

	dir = calloc(1, sizeof(*dir));
	if (!dir)
		return -ENOMEM;
	dir->store = store;
	dir->ready = ready;
	dir->ready_arg = arg;
	dir->refs = 1;
	lf_list_init(&dir->jobs);

	err = start_load(dir);
	if (err) {
		lf_directory_close(dir);
		return err;
	}
	*ret = dir;
	return 0;
}

void lf_directory_close(struct lf_directory *dir)
{
	if (!dir)
		return;
	dir->is_closed = true;
	lf_job_drop_all(dir);
	lf_directory_unref(dir);
}

void lf_directory_unref(struct lf_directory *dir)
{
	size_t i;
	int kind;

	assert(dir->refs > 0);
	if (--dir->refs > 0)
		return;
	for (i = 0; i < dir->index[LF_BY_ID].n; i++)
		free(dir->index[LF_BY_ID].rows[i]);
	for (kind = 0; kind < LF_INDEX_KINDS; kind++)
		lf_index_done(&dir->index[kind]);
	free(dir->listeners);
	free(dir);
}
