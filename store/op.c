/*
 * store/op.c - one operation: its question, its answer, whom to tell.
 *
 * Made on the loop's thread, filled in by the engine's, answered and freed on
 * the loop's again; at any time exactly one of them holds it.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static const char *put_text(char **to, const char *text, size_t size)
{
	char *at = *to;

	if (!text)
		return NULL;
	memcpy(at, text, size);
	*to += size;
	return at;
}

struct lf_op *lf_op_new(enum lf_op_kind kind, const char *scope,
			const char *name, const void *value, size_t len)
{
	size_t scope_size = text_size(scope);
	size_t name_size = text_size(name);
	size_t size = sizeof(struct lf_op) + scope_size + name_size + len;
	struct lf_op *op = malloc(size);
	char *tail;

	if (!op)
		return NULL;
	memset(op, 0, sizeof(*op));
	lf_list_init(&op->node);
	lf_list_init(&op->parts);
	op->kind = kind;
	op->cost = size;

	tail = (char *)(op + 1);
	op->scope = put_text(&tail, scope, scope_size);
	op->name = put_text(&tail, name, name_size);
	op->value = tail;
	op->len = len;
	if (len)
		memcpy(tail, value, len);
	return op;
}

struct lf_op *lf_op_new_query(struct lf_stmt *stmt,
			      const struct lf_store_arg *args, size_t n)
{
	struct lf_store_arg *copies;
	size_t size = n * sizeof(*args);
	struct lf_op *op;
	char *tail;

	for (size_t i = 0; i < n; i++)
		size += args[i].len;
	op = malloc(sizeof(*op) + size);
	if (!op)
		return NULL;
	memset(op, 0, sizeof(*op));
	lf_list_init(&op->node);
	lf_list_init(&op->parts);
	op->kind = LF_OP_QUERY;
	op->cost = sizeof(*op) + size;
	op->stmt = stmt;

	copies = (struct lf_store_arg *)(op + 1);
	tail = (char *)(copies + n);
	for (size_t i = 0; i < n; i++) {
		copies[i] = args[i];
		copies[i].data = tail;
		if (args[i].len)
			memcpy(tail, args[i].data, args[i].len);
		tail += args[i].len;
	}
	op->args = copies;
	op->n_args = n;
	return op;
}

void lf_op_free(struct lf_op *op)
{
	if (!op)
		return;
	lf_op_free_all(&op->parts);
	lf_rows_done(&op->rows);
	free(op);
}

void lf_op_free_all(struct lf_list *ops)
{
	LF_LIST_FOREACH_SAFE (node, ops) {
		lf_list_del(node);
		lf_op_free(LF_CONTAINER_OF(node, struct lf_op, node));
	}
}

void lf_op_move_all(struct lf_list *to, struct lf_list *from)
{
	if (lf_list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	lf_list_init(from);
}

/* ---- rows ---- */

static const struct lf_cell *cell_at(const struct lf_store_rows *rows,
				     size_t row, size_t column)
{
	const struct lf_cell *cells = (const void *)rows->cells.data;

	if (row >= lf_store_rows_count(rows) || column >= rows->columns)
		return NULL;
	return &cells[row * rows->columns + column];
}

void lf_rows_add(struct lf_store_rows *rows, const struct lf_cell *cell,
		 const void *data)
{
	struct lf_cell c = *cell;

	c.offset = rows->bytes.len;
	lf_buf_add(&rows->bytes, data, c.len);
	lf_buf_addc(&rows->bytes, '\0'); /* so that text is a C string */
	lf_buf_add(&rows->cells, &c, sizeof(c));
}

int lf_rows_error(const struct lf_store_rows *rows)
{
	if (rows->bytes.len + rows->cells.len > LF_STORE_MAX_ANSWER)
		return -E2BIG;
	if (lf_buf_error(&rows->bytes))
		return -ENOMEM;
	return lf_buf_error(&rows->cells);
}

void lf_rows_done(struct lf_store_rows *rows)
{
	lf_buf_done(&rows->cells);
	lf_buf_done(&rows->bytes);
}

size_t lf_store_rows_count(const struct lf_store_rows *rows)
{
	if (!rows || !rows->columns)
		return 0;
	return rows->cells.len / sizeof(struct lf_cell) / rows->columns;
}

int64_t lf_store_rows_int(const struct lf_store_rows *rows, size_t row,
			  size_t column)
{
	const struct lf_cell *cell = cell_at(rows, row, column);

	return cell ? cell->i : 0;
}

const char *lf_store_rows_text(const struct lf_store_rows *rows, size_t row,
			       size_t column, size_t *ret_len)
{
	const struct lf_cell *cell = cell_at(rows, row, column);

	if (ret_len)
		*ret_len = cell ? cell->len : 0;
	if (!cell || cell->is_null)
		return NULL;
	return rows->bytes.data + cell->offset;
}

/* ---- answers ---- */

static void answer_kv(struct lf_op *op, lf_store_kv_fn *done, void *arg)
{
	size_t n = lf_store_rows_count(&op->rows);
	struct lf_store_kv one = {0}, *kv = &one;

	if (!op->err && n > 1) {
		kv = calloc(n, sizeof(*kv));
		if (!kv)
			op->err = -ENOMEM;
	}
	if (op->err) {
		done(op->err, NULL, 0, arg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		kv[i].key = lf_store_rows_text(&op->rows, i, 0, NULL);
		kv[i].value = lf_store_rows_text(&op->rows, i, 1, &kv[i].len);
		kv[i].rev = lf_store_rows_int(&op->rows, i, 2);
	}
	done(0, kv, n, arg);
	if (kv != &one)
		free(kv);
}

static void answer_log(struct lf_op *op)
{
	size_t n = lf_store_rows_count(&op->rows);
	struct lf_store_entry *entries = NULL;

	if (!op->err && n) {
		entries = calloc(n, sizeof(*entries));
		if (!entries)
			op->err = -ENOMEM;
	}
	if (op->err) {
		op->done.log(op->err, NULL, 0, op->arg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct lf_store_entry *e = &entries[i];

		e->seq = lf_store_rows_int(&op->rows, i, 0);
		e->id = lf_store_rows_text(&op->rows, i, 1, NULL);
		e->wall_ms = lf_store_rows_int(&op->rows, i, 2);
		e->value = lf_store_rows_text(&op->rows, i, 3, &e->len);
	}
	op->done.log(0, entries, n, op->arg);
	free(entries);
}

void lf_op_answer(struct lf_op *op)
{
	switch (op->kind) {
	case LF_OP_GET:
	case LF_OP_SCAN:
	case LF_OP_WATCH:
		if (op->done.kv)
			answer_kv(op, op->done.kv, op->arg);
		return;
	case LF_OP_READ:
		if (op->done.log)
			answer_log(op);
		return;
	case LF_OP_QUERY:
		if (op->done.rows)
			op->done.rows(op->err, op->err ? NULL : &op->rows,
				      op->arg);
		return;
	default:
		if (op->done.number)
			op->done.number(op->err, op->number, op->arg);
		return;
	}
}
