/*
 * console/op.c - requests that are answered later, and the two minutes in
 * which an `op` that is asked for again is answered but not done again.
 *
 * A console whose connection broke resumes and repeats what it does not know
 * the answer of. So the outcome belongs to the session, not the connection.
 */
#include "console/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/text.h"

#include "core/banned.h"

struct op {
	struct lf_list node;
	char name[LF_OP_CHARS + 1];
	int64_t since_ms;
	bool is_done;
	enum lf_fault fault;
	char *json;
};

struct lf_work {
	struct lf_list node;
	struct lf_session *session; /* NULL: gone */
	struct op *op;              /* NULL: the client gave none */
	uint64_t serial;            /* of the connection that asked */
	char id[LF_REQUEST_ID_SIZE];
};

static void op_free(struct op *op)
{
	lf_list_del(&op->node);
	free(op->json);
	free(op);
}

static struct op *find_op(struct lf_session *session, const char *name)
{
	LF_LIST_FOREACH (node, &session->ops) {
		struct op *op = LF_CONTAINER_OF(node, struct op, node);

		if (!strcmp(op->name, name))
			return op;
	}
	return NULL;
}

static int op_new(struct op **ret, struct lf_session *session, const char *name)
{
	struct op *op;

	if (session->n_ops >= LF_OP_MAX)
		return -ENOSPC;
	op = calloc(1, sizeof(*op));
	if (!op)
		return -ENOMEM;
	lf_text_copy(op->name, sizeof(op->name), name);
	op->since_ms = lf_mono_ms();
	lf_list_add_tail(&session->ops, &op->node);
	session->n_ops++;
	*ret = op;
	return 0;
}

static void answer(struct lf_conn *conn, const char *id, enum lf_fault fault,
		   const char *json)
{
	if (fault) {
		lf_conn_error(conn, id, fault, json);
		return;
	}
	lf_buf_adds(lf_conn_reply(conn, id), json ? json : "{}");
	lf_conn_reply_end(conn, -1);
}

static int work_new(struct lf_work **ret, struct lf_call *call, struct op *op)
{
	struct lf_work *work = calloc(1, sizeof(*work));

	if (!work)
		return -ENOMEM;
	work->session = call->session;
	work->op = op;
	work->serial = call->conn->serial;
	lf_text_copy(work->id, sizeof(work->id), call->id);
	lf_list_add_tail(&call->session->works, &work->node);
	lf_conn_work(call->conn, 1);
	*ret = work;
	return 0;
}

int lf_work_new(struct lf_work **ret, struct lf_call *call)
{
	int bad = 0, err;
	const char *name = lf_json_str(call->params, "op", NULL, &bad);
	struct lf_work *again;
	struct op *op = NULL;

	*ret = NULL;
	if (bad || (name && (!*name || strlen(name) > LF_OP_CHARS)))
		return -EINVAL;
	if (!name)
		return work_new(ret, call, NULL);

	op = find_op(call->session, name);
	if (op && op->is_done) {
		answer(call->conn, call->id, op->fault, op->json);
		return 0;
	}
	if (op)
		return work_new(&again, call, op);
	err = op_new(&op, call->session, name);
	if (err)
		return err;
	err = work_new(ret, call, op);
	if (err) {
		call->session->n_ops--;
		op_free(op);
	}
	return err;
}

static void finish(struct lf_work *work, enum lf_fault fault, const char *json)
{
	struct lf_conn *conn = work->session ? work->session->conn : NULL;

	/* Another connection's ids are not ours to answer. */
	if (conn && conn->serial == work->serial) {
		answer(conn, work->id, fault, json);
		lf_conn_work(conn, -1);
	}
	lf_list_del(&work->node);
	free(work);
}

void lf_work_done(struct lf_work *work, enum lf_fault fault, const char *json)
{
	struct lf_session *session = work->session;
	struct op *op = work->op;

	if (op && session) {
		op->is_done = true;
		op->fault = fault;
		op->json = json ? strdup(json) : NULL;
		LF_LIST_FOREACH_SAFE (node, &session->works) {
			struct lf_work *again =
				LF_CONTAINER_OF(node, struct lf_work, node);

			if (again != work && again->op == op)
				finish(again, fault, json);
		}
	}
	finish(work, fault, json);
}

void lf_ops_expire(struct lf_session *session, int64_t now_ms)
{
	LF_LIST_FOREACH_SAFE (node, &session->ops) {
		struct op *op = LF_CONTAINER_OF(node, struct op, node);

		if (op->since_ms + LF_OP_MS > now_ms)
			return;
		if (!op->is_done)
			continue;
		session->n_ops--;
		op_free(op);
	}
}

/* What is still in work comes back to nobody. */
void lf_ops_done(struct lf_session *session)
{
	LF_LIST_FOREACH_SAFE (node, &session->works) {
		struct lf_work *work =
			LF_CONTAINER_OF(node, struct lf_work, node);
		bool is_first = !work->op || !work->op->is_done;

		lf_list_del(&work->node);
		work->session = NULL;
		if (work->op)
			work->op->is_done = true;
		work->op = NULL;
		if (!is_first)
			free(work); /* a repeat: nobody calls it back */
	}
	LF_LIST_FOREACH_SAFE (node, &session->ops)
		op_free(LF_CONTAINER_OF(node, struct op, node));
	session->n_ops = 0;
}
