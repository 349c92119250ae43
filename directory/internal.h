/*
 * directory/internal.h - what the files of directory/ share, theirs alone.
 *
 * Users: record.c makes and reads one user, index.c keeps them sorted, user.c
 * holds them all, change.c and import.c write to the store and then apply.
 */
#ifndef LF_DIRECTORY_INTERNAL_H
#define LF_DIRECTORY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/list.h"
#include "core/secret.h"
#include "directory/user.h"

struct lf_buf;
struct lf_store;
struct lf_store_tx;

#define LF_DIR_ERROR_SIZE 256

/* ---- record.c ---- */

extern const struct lf_user lf_user_blank; /* every text "" */

/*
 * Checks one field and sets it in a draft, which then points into `value`
 * (trimmed in place). Not for id and password. -EINVAL fills `err_text`.
 */
int lf_user_set(struct lf_user *draft, enum lf_user_field field, char *value,
		char err_text[LF_DIR_ERROR_SIZE]);
/* The password's own rule; the hash goes into draft->scram. */
int lf_user_check_password(const char *password,
			   char err_text[LF_DIR_ERROR_SIZE]);
/* One block: the struct and its texts, each different text once. */
struct lf_user *lf_user_pack(const struct lf_user *draft);
bool lf_user_same(const struct lf_user *a, const struct lf_user *b);
void lf_user_write(struct lf_buf *buf, const struct lf_user *user);
/* -EPROTO: what the store holds is no user; -ENOMEM. */
int lf_user_read(struct lf_user **ret, const char *id, const char *json,
		 size_t len, int64_t rev);
/* The number of "u17"; 0 if it is no id. */
uint64_t lf_user_number(const char *id);

/* ---- index.c ---- */

enum lf_index_kind {
	LF_BY_ID,
	LF_BY_NAME,
	LF_BY_USERNAME,
	LF_BY_EXT,
	LF_BY_SIP_URI,
	LF_INDEX_KINDS
};

/* Users sorted by one key. Eight bytes a user; no key is stored twice. */
struct lf_index {
	struct lf_user **rows;
	size_t n, cap;
};

void lf_index_done(struct lf_index *index);
int lf_index_reserve(struct lf_index *index, size_t more);
/* Needs room reserved. */
void lf_index_add(struct lf_index *index, enum lf_index_kind kind,
		  struct lf_user *user);
void lf_index_del(struct lf_index *index, enum lf_index_kind kind,
		  const struct lf_user *user);
/* For many at once: append in any order, then sort. */
void lf_index_append(struct lf_index *index, enum lf_index_kind kind,
		     struct lf_user *user);
void lf_index_sort(struct lf_index *index, enum lf_index_kind kind);
/* The first user whose key is `key`, in order of their ids. */
struct lf_user *lf_index_find(const struct lf_index *index,
			      enum lf_index_kind kind, const char *key);
int lf_index_compare(enum lf_index_kind kind, const struct lf_user *a,
		     const struct lf_user *b);

/* ---- user.c ---- */

struct lf_job;

struct lf_user_listener {
	lf_user_change_fn *fn;
	void *arg;
};

struct lf_directory {
	struct lf_store *store;
	struct lf_index index[LF_INDEX_KINDS];
	struct lf_list jobs; /* one runs at a time, the first */
	struct lf_user_listener *listeners;
	size_t n_listeners;
	uint64_t last_id;
	uint8_t seed[LF_SHA256_SIZE]; /* for what must look like a user */
	unsigned refs;  /* its owner, and each operation under way */
	unsigned scans; /* of the load, unanswered */
	int load_err;
	bool is_loaded, is_closed, is_running, is_pumping;
	void (*ready)(int err, void *arg);
	void *ready_arg;
};

/* Loaded from or gone to the store: what a change did to one user. */
struct lf_user_pair {
	struct lf_user *was, *now;
};

void lf_directory_unref(struct lf_directory *dir);
/* Room in every index; after that lf_directory_apply() cannot fail. */
int lf_directory_reserve(struct lf_directory *dir, size_t more);
/* Takes the pairs' users over, tells the listeners, frees every `was`. */
void lf_directory_apply(struct lf_directory *dir,
			const struct lf_user_pair *pairs, size_t n);

/* ---- job.c: changes go one after the other ---- */

struct lf_job {
	struct lf_list node;
	struct lf_directory *dir;
	uv_work_t work;
	bool is_prepared;
	void (*prepare)(struct lf_job *job); /* in a worker thread; or NULL */
	void (*start)(struct lf_job *job);   /* at the head of the queue */
	void (*free)(struct lf_job *job);
};

/* Takes the job over; on error it is freed and will not run. */
int lf_job_submit(struct lf_directory *dir, struct lf_job *job);
/* The running job is over and has answered: frees it, starts the next. */
void lf_job_end(struct lf_job *job);
void lf_job_pump(struct lf_directory *dir);
void lf_job_drop_all(struct lf_directory *dir);

/* ---- audit.c ---- */

/* As lf_audit(), but in a transaction of the caller's. */
int lf_audit_tx(struct lf_store_tx *tx, const char *by, const char *what,
		const char *detail);

#endif
