/* tests/fake_store.c - see tests/fake_store.h. */
#include "tests/fake_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/list.h"

#include "core/banned.h"

#define ROWS 256
#define ASKED 1024
#define NAME 64

struct row {
	char bucket[NAME], key[NAME];
	char *value; /* NULL: deleted */
	size_t len;
	int64_t rev;
};

struct asked {
	struct row row; /* of a scan: only the bucket */
	bool is_scan;
	int err;
	lf_store_rev_fn *done;
	lf_store_kv_fn *found;
	void *arg;
};

struct lf_store_watch {
	struct lf_list node;
	char bucket[NAME];
	lf_store_kv_fn *on_change;
	void *arg;
	bool is_asked, is_freed;
};

static struct lf_list watches = {&watches, &watches};
static struct row rows[ROWS]; /* sorted */
static size_t n_rows;
static struct asked queue[ASKED];
static size_t n_asked;
static unsigned fails, refusals, writes;
static int fail_err, refuse_err;
static bool is_dead;
static int any;

struct lf_store *fake_store(void)
{
	return (struct lf_store *)&any;
}

void fake_store_kill(void)
{
	for (size_t i = 0; i < n_asked; i++)
		queue[i].err = -EAGAIN;
	is_dead = true;
}

void fake_store_revive(void)
{
	while (n_asked)
		fake_store_answer();
	is_dead = false;
	fails = refusals = 0;
}

void fake_store_reset(void)
{
	assert(!n_asked);
	is_dead = false;
	fails = refusals = 0;
	while (n_rows)
		free(rows[--n_rows].value);
	writes = 0;
}

size_t fake_store_asked(void)
{
	return n_asked;
}

void fake_store_fail(unsigned n, int err)
{
	fails = n;
	fail_err = err;
}

void fake_store_refuse(unsigned n, int err)
{
	refusals = n;
	refuse_err = err;
}

unsigned fake_store_writes(void)
{
	return writes;
}

/* ---- rows ---- */

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->bucket, y->bucket);

	return order ? order : strcmp(x->key, y->key);
}

static struct row *find(const char *bucket, const char *key)
{
	struct row want;

	snprintf(want.bucket, NAME, "%s", bucket);
	snprintf(want.key, NAME, "%s", key);
	return bsearch(&want, rows, n_rows, sizeof(rows[0]), compare);
}

/* Takes the value. */
static int64_t write_row(const struct row *new)
{
	struct row *row = find(new->bucket, new->key);

	if (!row) {
		assert(n_rows < ROWS);
		rows[n_rows++] = *new;
		qsort(rows, n_rows, sizeof(rows[0]), compare);
		row = find(new->bucket, new->key);
	} else {
		free(row->value);
		row->value = new->value;
		row->len = new->len;
	}
	return ++row->rev;
}

const char *fake_store_value(const char *bucket, const char *key,
			     size_t *ret_len)
{
	struct row *row = find(bucket, key);

	if (!row || !row->value)
		return NULL;
	if (ret_len)
		*ret_len = row->len;
	return row->value;
}

static void name_row(struct row *row, const char *bucket, const char *key)
{
	*row = (struct row){.len = 0};
	assert(strlen(bucket) < NAME && strlen(key) < NAME);
	snprintf(row->bucket, NAME, "%s", bucket);
	snprintf(row->key, NAME, "%s", key);
}

static int copy_value(struct row *row, const void *value, size_t len)
{
	row->value = malloc(len + 1);
	if (!row->value)
		return -ENOMEM;
	if (len)
		memcpy(row->value, value, len);
	row->value[len] = '\0';
	row->len = len;
	return 0;
}

void fake_store_set(const char *bucket, const char *key, const char *value,
		    size_t len)
{
	struct row row;
	int err;

	name_row(&row, bucket, key);
	err = copy_value(&row, value, len);
	assert(!err);
	write_row(&row);
}

size_t fake_store_keys(const char *bucket)
{
	size_t n = 0;

	for (size_t i = 0; i < n_rows; i++)
		n += rows[i].value && !strcmp(rows[i].bucket, bucket);
	return n;
}

/* ---- answering ---- */

static void answer_scan(const struct asked *a)
{
	struct lf_store_kv found[ROWS];
	size_t n = 0;

	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].value && !strcmp(rows[i].bucket, a->row.bucket))
			found[n++] =
				(struct lf_store_kv){rows[i].key, rows[i].value,
						     rows[i].len, rows[i].rev};
	a->found(a->err, found, a->err ? 0 : n, a->arg);
}

static void tell_watches(const struct row *row)
{
	const struct lf_store_kv kv = {row->key, row->value, row->len,
				       row->rev};

	LF_LIST_FOREACH (node, &watches) {
		struct lf_store_watch *w =
			LF_CONTAINER_OF(node, struct lf_store_watch, node);

		if (!w->is_asked && !strcmp(w->bucket, row->bucket))
			w->on_change(0, &kv, 1, w->arg);
	}
}

static void answer(struct asked *a)
{
	int64_t rev = 0;

	if (a->is_scan) {
		answer_scan(a);
		return;
	}
	if (a->err) {
		free(a->row.value);
	} else {
		rev = write_row(&a->row);
		writes++;
	}
	if (a->done)
		a->done(a->err, rev, a->arg);
	if (!a->err)
		tell_watches(find(a->row.bucket, a->row.key));
}

void fake_store_answer(void)
{
	struct asked now[ASKED];
	size_t n = n_asked;

	memcpy(now, queue, n * sizeof(now[0]));
	n_asked = 0;
	for (size_t i = 0; i < n; i++)
		answer(&now[i]);
}

/* ---- store/store.h ---- */

static int ask(const struct asked *a)
{
	if (refusals) {
		refusals--;
		return refuse_err;
	}
	assert(n_asked < ASKED);
	queue[n_asked] = *a;
	if (is_dead) {
		queue[n_asked].err = -EAGAIN;
	} else if (!a->is_scan && fails) {
		fails--;
		queue[n_asked].err = fail_err;
	}
	n_asked++;
	return 0;
}

int lf_store_put(struct lf_store *store, const char *bucket, const char *key,
		 const void *value, size_t len, int64_t expect_rev,
		 lf_store_rev_fn *done, void *arg)
{
	struct asked a = {.done = done, .arg = arg};
	int err;

	assert(store == fake_store());
	name_row(&a.row, bucket, key);
	err = copy_value(&a.row, value, len);
	if (!err)
		err = ask(&a);
	if (err)
		free(a.row.value);
	return err;
}

int lf_store_del(struct lf_store *store, const char *bucket, const char *key,
		 int64_t expect_rev, lf_store_rev_fn *done, void *arg)
{
	struct asked a = {.done = done, .arg = arg};

	assert(store == fake_store());
	name_row(&a.row, bucket, key);
	return ask(&a);
}

int lf_store_scan(struct lf_store *store, const char *bucket,
		  const char *prefix, lf_store_kv_fn *done, void *arg)
{
	struct asked a = {.is_scan = true, .found = done, .arg = arg};

	assert(store == fake_store());
	name_row(&a.row, bucket, "");
	return ask(&a);
}

static void on_snapshot(int err, const struct lf_store_kv *found, size_t n,
			void *arg)
{
	struct lf_store_watch *w = arg;

	w->is_asked = false;
	if (w->is_freed)
		lf_store_watch_free(w);
	else
		w->on_change(err, found, n, w->arg);
}

int lf_store_watch(struct lf_store_watch **ret, struct lf_store *store,
		   const char *bucket, const char *prefix,
		   lf_store_kv_fn *on_change, void *arg)
{
	struct lf_store_watch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	snprintf(w->bucket, NAME, "%s", bucket);
	w->on_change = on_change;
	w->arg = arg;
	w->is_asked = true;
	err = lf_store_scan(store, bucket, prefix, on_snapshot, w);
	if (err) {
		free(w);
		return err;
	}
	lf_list_add_tail(&watches, &w->node);
	*ret = w;
	return 0;
}

void lf_store_watch_free(struct lf_store_watch *w)
{
	if (!w)
		return;
	w->is_freed = true;
	if (w->is_asked)
		return;
	lf_list_del(&w->node);
	free(w);
}
