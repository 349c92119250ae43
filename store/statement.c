/*
 * store/statement.c - the rooms' own tables: migrations and named statements.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "store/internal.h"

#include "core/banned.h"

struct statement {
	char *name;
	struct lf_stmt *stmt; /* the engine's */
};

void lf_statements_done(struct lf_map *statements)
{
	struct statement *s;

	LF_MAP_FOREACH (s, statements) {
		free(s->name);
		free(s);
	}
	lf_map_done(statements);
}

int lf_store_define(struct lf_store *store, const char *name, const char *sql)
{
	struct statement *s;
	char text[256] = "out of memory";
	int err;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->name = strdup(name);
	err = s->name ? lf_map_add(&store->statements, s->name, s) : -ENOMEM;
	if (err)
		goto fail;

	err = lf_writer_prepare(store->writer, &s->stmt, sql, text,
				sizeof(text));
	if (!err)
		return 0;
	lf_log(LF_ERROR, "store", "statement %s: %s", name, text);
	lf_map_del(&store->statements, name);
fail:
	free(s->name);
	free(s);
	return err;
}

int lf_store_migrate(struct lf_store *store, const char *room, unsigned number,
		     const char *sql, char *err_text, size_t err_size)
{
	return lf_writer_migrate(store->writer, room, number, sql, err_text,
				 err_size);
}

int lf_store_query(struct lf_store *store, const char *name,
		   const struct lf_store_arg *args, size_t n,
		   lf_store_rows_fn *done, void *arg)
{
	struct statement *s = lf_map_find(&store->statements, name);
	struct lf_op *op;

	for (size_t i = 0; i < n; i++) {
		if (args[i].len > LF_STORE_MAX_VALUE)
			return -E2BIG;
	}
	op = lf_op_new_query(s ? s->stmt : NULL, args, n);
	if (!op)
		return -ENOMEM;
	op->done.rows = done;
	op->arg = arg;
	return lf_store_submit(store, op);
}
