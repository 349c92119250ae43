/*
 * console/session.c - who is logged in. A session has the licence, the
 * subscriptions and the one sequence of events; the connection comes and
 * goes, and for a minute the session waits for the next one (S98-S103).
 */
#include "console/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

static void new_token(struct lf_session *session)
{
	memcpy(session->resume_token, "rt-", 3);
	lf_random_hex(session->resume_token + 3, 16);
}

static void attach(struct lf_session *session, struct lf_conn *conn)
{
	session->conn = conn;
	conn->session = session;
	conn->is_jsonrpc = session->is_jsonrpc;
	lf_text_copy(session->peer, sizeof(session->peer), conn->peer);
	new_token(session);
}

int lf_session_new(struct lf_session **ret, struct lf_conn *conn,
		   const struct lf_session_opts *opts)
{
	struct lf_console *console = conn->console;
	struct lf_session *session = calloc(1, sizeof(*session));
	int err = -ENOMEM;

	if (!session)
		return err;
	session->console = console;
	session->licence = (uint8_t)opts->licence;
	session->is_jsonrpc = opts->is_jsonrpc;
	session->can_resume = opts->can_resume;
	session->was_tls = conn->is_tls;
	session->since_wall_ms = lf_wall_ms();
	lf_list_init(&session->node);
	lf_list_init(&session->dirty_node);
	lf_list_init(&session->subs);
	lf_list_init(&session->works);
	lf_list_init(&session->ops);
	memcpy(session->id, "s-", 2);
	lf_random_hex(session->id + 2, 6);

	session->user_id = strdup(opts->user->id);
	if (!session->user_id)
		goto fail;
	err = lf_map_add(&console->by_id, session->id, session);
	if (err)
		goto fail;
	err = lf_map_add(&console->by_user, session->user_id, session);
	if (err) {
		lf_map_del(&console->by_id, session->id);
		goto fail;
	}
	lf_list_add_tail(&console->all, &session->node);
	console->used[session->licence]++;
	console->stats.sessions++;
	attach(session, conn);
	*ret = session;
	return 0;
fail:
	free(session->user_id);
	free(session);
	return err;
}

void lf_session_free(struct lf_session *session)
{
	struct lf_console *console = session->console;

	if (session->conn)
		session->conn->session = NULL;
	LF_LIST_FOREACH_SAFE (node, &session->subs)
		lf_sub_free(LF_CONTAINER_OF(node, struct lf_sub, node));
	lf_ops_done(session);
	lf_ring_done(&session->ring);
	lf_map_del(&console->by_id, session->id);
	lf_map_del(&console->by_user, session->user_id);
	lf_list_del(&session->node);
	lf_list_del(&session->dirty_node);
	console->used[session->licence]--;
	console->stats.sessions--;
	free(session->user_id);
	free(session);
}

void lf_session_detach(struct lf_session *session)
{
	session->conn->session = NULL;
	session->conn = NULL;
	session->left_ms = lf_mono_ms();
	if (!session->can_resume || !session->console->limits.resume_ms ||
	    session->console->is_closing)
		lf_session_free(session);
}

bool lf_session_is_over(const struct lf_session *session, int64_t now_ms)
{
	return !session->conn &&
	       session->left_ms + session->console->limits.resume_ms < now_ms;
}

const struct lf_user *lf_session_user(const struct lf_session *session)
{
	return lf_user_find(session->console->parts.directory,
			    session->user_id);
}

struct lf_buf *lf_session_event(struct lf_session *session, const char *name)
{
	struct lf_buf *buf = &session->console->line;

	lf_buf_reset(buf);
	lf_line_event(buf, session->is_jsonrpc, name);
	return buf;
}

int lf_session_event_end(struct lf_session *session)
{
	struct lf_buf *buf = &session->console->line;

	lf_line_end(buf, ++session->seq);
	if (lf_buf_error(buf)) {
		/* A resume must not think that this one was sent. */
		lf_ring_done(&session->ring);
		session->ring.last_seq = session->seq;
		return -ENOMEM;
	}
	if (session->can_resume)
		lf_ring_add(&session->ring, session->seq, buf->data, buf->len,
			    lf_mono_ms());
	session->console->stats.events_out++;
	if (session->conn)
		lf_conn_send(session->conn, buf->data, buf->len, true);
	return 0;
}

/* ---- methods ---- */

void lf_method_logout(struct lf_call *call)
{
	lf_buf_adds(lf_conn_reply(call->conn, call->id), "{}");
	lf_conn_reply_end(call->conn, -1);
	lf_session_free(call->session);
	lf_conn_close(call->conn, LF_CLOSE_DONE, "logout");
}

/* NULL unless the token is this session's. */
static struct lf_session *find_session(struct lf_console *console,
				       const char *id, const char *token)
{
	struct lf_session *session = lf_map_find(&console->by_id, id);
	size_t len = strlen(token);

	if (!session || len != strlen(session->resume_token) ||
	    !lf_secret_equal(token, session->resume_token, len))
		return NULL;
	return session;
}

static int replay_line(const char *line, size_t len, void *arg)
{
	struct lf_session *session = arg;

	lf_conn_send(session->conn, line, len, true);
	return session->conn->is_closing;
}

static void say_resumed(struct lf_call *call, struct lf_session *session,
			bool replays, int64_t last_seq)
{
	struct lf_buf *buf = lf_conn_reply(call->conn, call->id);

	lf_buf_adds(buf,
		    replays ? "{\"replayed\":true" : "{\"replayed\":false");
	lf_line_int(buf, "from", replays ? last_seq + 1 : session->seq + 1);
	lf_line_text(buf, "resume_token", session->resume_token);
	lf_line_int(buf, "resume_for_s",
		    call->console->limits.resume_ms / 1000);
	lf_buf_addc(buf, '}');
	lf_conn_reply_end(call->conn, -1);
}

static void restart_subs(struct lf_session *session)
{
	lf_ring_done(&session->ring);
	LF_LIST_FOREACH (node, &session->subs)
		lf_sub_restart(LF_CONTAINER_OF(node, struct lf_sub, node));
}

static void resume(struct lf_call *call, struct lf_session *session,
		   int64_t last_seq)
{
	struct lf_conn *old = session->conn;
	bool replays = lf_ring_has(&session->ring, last_seq) &&
		       last_seq <= session->seq;

	if (old) { /* half dead, or taken over */
		old->session = NULL;
		lf_conn_bye(old, "replaced", 0, LF_CLOSE_REPLACED);
	}
	attach(session, call->conn);
	say_resumed(call, session, replays, last_seq);
	if (replays)
		lf_ring_replay(&session->ring, last_seq, replay_line, session);
	else
		restart_subs(session);
	lf_session_wake(session);
}

void lf_method_resume(struct lf_call *call)
{
	int bad = 0;
	const char *id = lf_json_str(call->params, "session", "", &bad);
	const char *token = lf_json_str(call->params, "resume_token", "", &bad);
	int64_t last_seq = lf_json_int(call->params, "last_seq", -1, &bad);
	struct lf_session *session;

	if (bad || last_seq < 0) {
		lf_conn_error_field(call->conn, call->id,
				    bad ? "session" : "last_seq");
		return;
	}
	if (call->session || call->conn->login) {
		lf_conn_error(call->conn, call->id, LF_FAULT_REQUEST, NULL);
		return;
	}
	session = find_session(call->console, id, token);
	if (!session || !lf_session_user(session)) {
		lf_conn_error(call->conn, call->id, LF_FAULT_SESSION, NULL);
		if (++call->conn->failures >= LF_LOGIN_TRIES)
			lf_conn_bye(call->conn, "auth", 0, LF_CLOSE_POLICY);
		return;
	}
	/* What began encrypted does not go on in the clear. */
	if (session->was_tls && !call->conn->is_tls) {
		lf_conn_error(call->conn, call->id, LF_FAULT_TLS, NULL);
		return;
	}
	resume(call, session, last_seq);
}
