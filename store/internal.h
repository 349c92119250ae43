/*
 * store/internal.h - what the files of store/ share, theirs alone.
 *
 * store.c makes operations (op.c), hands them once a loop turn to an engine
 * and gives the answers back; an engine runs them in order and fills the
 * answer half of each. The engine here is a writer thread over sqlite.
 */
#ifndef LF_STORE_INTERNAL_H
#define LF_STORE_INTERNAL_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/list.h"
#include "core/map.h"
#include "store/store.h"

enum lf_op_kind {
	LF_OP_PUT,
	LF_OP_DEL,
	LF_OP_GET,
	LF_OP_SCAN,
	LF_OP_WATCH,
	LF_OP_APPEND,
	LF_OP_READ,
	LF_OP_QUERY,
	LF_OP_TX,
	LF_OP_BACKUP,
};

struct lf_writer;
struct lf_stmt; /* an engine's prepared statement */

struct lf_cell {
	int64_t i;
	size_t offset, len; /* into bytes */
	bool is_null;
};

/* An answer in two blocks, however many rows it has. */
struct lf_store_rows {
	struct lf_buf cells, bytes;
	size_t columns;
};

/* One allocation; every string and the value follow the struct. */
struct lf_op {
	struct lf_list node;
	enum lf_op_kind kind;

	/* the question */
	const char *scope; /* bucket or log */
	const char *name;  /* key, prefix, entry id or backup path */
	const void *value;
	size_t len;
	int64_t expect; /* revision, last sequence, or first to read */
	int64_t wall_ms;
	unsigned max;
	struct lf_stmt *stmt;
	const struct lf_store_arg *args;
	size_t n_args;
	struct lf_list parts; /* of a transaction */
	size_t n_parts;
	size_t cost; /* bytes, parts included */

	/* the answer */
	int err;
	int64_t number; /* revision, sequence or index */
	struct lf_store_rows rows;

	/* who asked */
	union {
		lf_store_rev_fn *number; /* lf_store_seq_fn is the same */
		lf_store_kv_fn *kv;
		lf_store_log_fn *log;
		lf_store_rows_fn *rows;
	} done;
	void *arg;
	struct lf_store_watch *watch;
};

/* ---- store.c ---- */

struct lf_store {
	uv_loop_t *loop;
	uv_idle_t flush; /* runs in the next turn when there is something */
	uv_async_t answered;
	struct lf_writer *writer;
	struct lf_list pending;
	struct lf_list watches;
	struct lf_map statements;
	struct lf_store_stats stats;
	size_t queued_bytes;
	bool was_failing;
	bool is_answering;
	bool is_closing;
	void (*closed)(void *arg);
	void *closed_arg;
	unsigned open_handles;
};

/* Takes the operation, failing or not; NULL is -ENOMEM. */
int lf_store_submit(struct lf_store *store, struct lf_op *op);

/* ---- op.c ---- */

/* Copies the strings (each may be NULL) and the value. NULL: no memory. */
struct lf_op *lf_op_new(enum lf_op_kind kind, const char *scope,
			const char *name, const void *value, size_t len);
struct lf_op *lf_op_new_query(struct lf_stmt *stmt,
			      const struct lf_store_arg *args, size_t n);
void lf_op_free(struct lf_op *op); /* NULL is fine */
void lf_op_free_all(struct lf_list *ops);
void lf_op_answer(struct lf_op *op); /* calls back */

/* Moves everything from `from` to the end of `to`. */
void lf_op_move_all(struct lf_list *to, struct lf_list *from);

void lf_rows_add(struct lf_store_rows *rows, const struct lf_cell *cell,
		 const void *data);
int lf_rows_error(const struct lf_store_rows *rows); /* -ENOMEM, -E2BIG */
void lf_rows_done(struct lf_store_rows *rows);

/* ---- watch.c ---- */

/* Tells the watches of a put or del, or of each part of a transaction. */
void lf_watch_notify(struct lf_list *watches, const struct lf_op *op);
/* The snapshot has come: from now on changes are told. */
void lf_watch_begin(struct lf_store_watch *watch, const struct lf_op *op);
void lf_watch_sweep(struct lf_list *watches);  /* frees the freed ones */
void lf_watch_orphan(struct lf_list *watches); /* the store goes away */

/* ---- statement.c ---- */

void lf_statements_done(struct lf_map *statements);

/* ---- writer.c: the engine's thread ---- */

struct lf_writer_report {
	uint64_t commits, failed_commits;
	int64_t last_commit_us;
	struct lf_histogram commit_times;
	bool is_failing;      /* the last commit failed */
	bool has_stopped;     /* nothing more will come */
	char error_text[256]; /* of the last failed commit */
};

int lf_writer_new(struct lf_writer **ret, const char *path, char *err_text,
		  size_t err_size);
/* Before the first operation: whom to wake when there are answers. */
void lf_writer_attach(struct lf_writer *writer, uv_async_t *answered);
void lf_writer_submit(struct lf_writer *writer, struct lf_list *ops);
/* Takes what is answered, in order. */
void lf_writer_take(struct lf_writer *writer, struct lf_list *ops,
		    struct lf_writer_report *report);
/* Finishes what was submitted; the last report says has_stopped. */
void lf_writer_stop(struct lf_writer *writer);
void lf_writer_free(struct lf_writer *writer); /* stops first; waits */

/* These wait for the commit under way: for boot time. */
int lf_writer_prepare(struct lf_writer *writer, struct lf_stmt **ret,
		      const char *sql, char *err_text, size_t err_size);
int lf_writer_migrate(struct lf_writer *writer, const char *room,
		      unsigned number, const char *sql, char *err_text,
		      size_t err_size);

#endif
