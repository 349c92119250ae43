/*
 * store/store.h - what must survive. sqlite now, a cluster engine later; the
 * header speaks of operations, not of SQL engines (S111, S238).
 *
 * Every operation is asynchronous: it is queued, committed in a batch with
 * whatever else its loop turn produced, and answered on the loop's thread
 * after the commit (sqlite: WAL, synchronous=FULL). Operations on one log or
 * one key keep their order. Arguments are copied.
 *
 * Errors given to callbacks: 0; -ESTALE: the expected sequence or revision
 * did not match (the current one is passed along); -EAGAIN: not
 * durable, the store is down or full, try later; -EINPROGRESS: may or may not
 * be durable, submit again with the same id (never from sqlite); -EPERM:
 * fenced, stop acting as owner; -EINVAL: no such statement, or arguments that
 * do not fit it, or a CHECK that failed; -EEXIST: a UNIQUE constraint refused
 * the statement; -E2BIG: over LF_STORE_MAX_ANSWER; -ENOMEM. A callback may be
 * NULL. A call that returns non-zero will not call back: -ENOMEM; -ESHUTDOWN;
 * -E2BIG: over a bound below; -EINVAL: an empty name; -EAGAIN: more than
 * LF_STORE_MAX_QUEUED waits already.
 * An open store does not keep the loop running, a queued operation does.
 */
#ifndef LF_STORE_STORE_H
#define LF_STORE_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>

#include "core/histogram.h"

struct lf_store; /* opaque: see store.c */
struct lf_store_watch;
struct lf_store_tx;

#define LF_STORE_ANY (-1) /* any expected sequence or revision */
#define LF_STORE_ABSENT 0 /* must not exist yet */
#define LF_STORE_MAX_VALUE (16 << 20)
#define LF_STORE_MAX_NAME 1024         /* bucket, key, log, id: bytes each */
#define LF_STORE_MAX_ANSWER (64 << 20) /* bytes of one answer */
#define LF_STORE_MAX_QUEUED (128 << 20)
#define LF_STORE_MAX_ARGS 64

/* -EBUSY: another process has it open. `err_text` says what to do. */
int lf_store_open(struct lf_store **ret, uv_loop_t *loop, const char *path,
		  char *err_text, size_t err_size);
/* Finishes what is queued, answers it, then calls closed(). */
void lf_store_close(struct lf_store *store, void (*closed)(void *arg),
		    void *arg);
/* The loop it answers on, for what a room hands to a worker thread. */
uv_loop_t *lf_store_loop(const struct lf_store *store);

/* ---- keys: revisions grow strictly per key ---- */
struct lf_store_kv {
	const char *key;
	const void *value; /* NULL with len 0: deleted (watches only) */
	size_t len;
	int64_t rev;
};

typedef void lf_store_rev_fn(int err, int64_t rev, void *arg);
/* Rows point into memory that dies with the call. */
typedef void lf_store_kv_fn(int err, const struct lf_store_kv *rows, size_t n,
			    void *arg);

int lf_store_put(struct lf_store *store, const char *bucket, const char *key,
		 const void *value, size_t len, int64_t expect_rev,
		 lf_store_rev_fn *done, void *arg);
/* Deleting what is not there: 0, and the revision is 0. */
int lf_store_del(struct lf_store *store, const char *bucket, const char *key,
		 int64_t expect_rev, lf_store_rev_fn *done, void *arg);
/* n is 0 (not there, and no error) or 1. */
int lf_store_get(struct lf_store *store, const char *bucket, const char *key,
		 lf_store_kv_fn *done, void *arg);
/* Sorted by key (bytes). The prefix may be empty. */
int lf_store_scan(struct lf_store *store, const char *bucket,
		  const char *prefix, lf_store_kv_fn *done, void *arg);
/* The snapshot first (one call), then each committed change; latest wins. */
int lf_store_watch(struct lf_store_watch **ret, struct lf_store *store,
		   const char *bucket, const char *prefix,
		   lf_store_kv_fn *on_change, void *arg);
/* From a callback too, and after the store has closed. */
void lf_store_watch_free(struct lf_store_watch *watch);

/* ---- logs: durable, linear, sequence 1..n without a gap ---- */
struct lf_store_entry {
	int64_t seq;
	const char *id; /* chosen by the client; unique within its log */
	int64_t wall_ms;
	const void *value;
	size_t len;
};

typedef void lf_store_seq_fn(int err, int64_t seq, void *arg);
typedef void lf_store_log_fn(int err, const struct lf_store_entry *entries,
			     size_t n, void *arg);

/* The same id again answers 0 and the first one's sequence: idempotent. */
int lf_store_append(struct lf_store *store, const char *log, const char *id,
		    const void *value, size_t len, int64_t expect_last,
		    lf_store_seq_fn *done, void *arg);
/* `max` entries from `from_seq` on; negative from_seq: the newest `max`. */
int lf_store_read(struct lf_store *store, const char *log, int64_t from_seq,
		  unsigned max, lf_store_log_fn *done, void *arg);

/* ---- several of put, del and append: all or nothing ---- */
int lf_store_tx_new(struct lf_store_tx **ret, struct lf_store *store);
int lf_store_tx_put(struct lf_store_tx *tx, const char *bucket, const char *key,
		    const void *value, size_t len, int64_t expect_rev);
int lf_store_tx_del(struct lf_store_tx *tx, const char *bucket, const char *key,
		    int64_t expect_rev);
int lf_store_tx_append(struct lf_store_tx *tx, const char *log, const char *id,
		       const void *value, size_t len, int64_t expect_last);
/* Consumes tx, failing or not. `rev` is the index of the operation that failed.
 */
int lf_store_tx_commit(struct lf_store_tx *tx, lf_store_rev_fn *done,
		       void *arg);
void lf_store_tx_free(struct lf_store_tx *tx); /* without committing */

/* ---- tables: named statements that the rooms register before use ---- */
struct lf_store_arg {
	enum { LF_ARG_NULL, LF_ARG_INT, LF_ARG_TEXT, LF_ARG_BLOB } type;
	int64_t i;
	const void *data;
	size_t len; /* TEXT too */
};

static inline struct lf_store_arg lf_store_int(int64_t i)
{
	return (struct lf_store_arg){.type = LF_ARG_INT, .i = i};
}

/* Borrowed until the call that takes it returns. NULL: NULL. */
static inline struct lf_store_arg lf_store_text(const char *text)
{
	if (!text)
		return (struct lf_store_arg){.type = LF_ARG_NULL};
	return (struct lf_store_arg){
		.type = LF_ARG_TEXT, .data = text, .len = strlen(text)};
}

struct lf_store_rows; /* a cursor over the answer, in the callback only */
typedef void lf_store_rows_fn(int err, struct lf_store_rows *rows, void *arg);

/* `sql` in the subset that sqlite and PostgreSQL share; $1.. arguments. */
/* -EINVAL: no one statement of valid SQL (the log says why); -EEXIST. */
int lf_store_define(struct lf_store *store, const char *name, const char *sql);
/* Numbered, forward-only, run once each, at open time before anything else.
 * -EINVAL: wrong SQL, or a number was left out. What has run is listed in
 * store_migration (room, number). Tables called store_* are the store's, and
 * constraints are immediate: a deferred one would fail its neighbours. */
int lf_store_migrate(struct lf_store *store, const char *room, unsigned number,
		     const char *sql, char *err_text, size_t err_size);
int lf_store_query(struct lf_store *store, const char *name,
		   const struct lf_store_arg *args, size_t n,
		   lf_store_rows_fn *done, void *arg);
size_t lf_store_rows_count(const struct lf_store_rows *rows);
int64_t lf_store_rows_int(const struct lf_store_rows *rows, size_t row,
			  size_t column);
const char *lf_store_rows_text(const struct lf_store_rows *rows, size_t row,
			       size_t column, size_t *ret_len); /* NULL: NULL */

/* ---- a consistent copy while running (S238) ---- */
/* Written beside `path` and renamed. Answered when it is complete: later than
 * what is asked after it. Errors as from open(2), write(2) and rename(2), or
 * -EAGAIN. */
int lf_store_backup(struct lf_store *store, const char *path,
		    lf_store_rev_fn *done, void *arg);

struct lf_store_stats {
	uint64_t operations, commits, failed;
	size_t queued;
	int64_t last_commit_us;
	struct lf_histogram commit_times; /* from the first statement on */
};
void lf_store_stats(struct lf_store *store, struct lf_store_stats *out);

#endif
