/*
 * console/login.c - from a connection to a session: a password (on TLS only),
 * SCRAM-SHA-256 (anywhere, no password crosses), or a one-time token.
 *
 *     login --> lf_access_password() --(worker)--> on_password() --> grant()
 *     login --> lf_scram_begin() --> continue ; login.continue --> grant()
 */
#include "console/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/text.h"
#include "directory/access.h"

#include "core/banned.h"

#define PROTO 1
#define SCRAM_SIZE 1024
#define LINKS_MAX 64

/* What the client asked for, until we know who it is. */
struct lf_login {
	struct lf_console *console;
	struct lf_conn *conn; /* NULL: gone while the password was checked */
	char id[LF_REQUEST_ID_SIZE];
	struct lf_scram_talk *talk;
	enum lf_licence_kind want; /* NONE: what the record says */
	bool is_jsonrpc, is_forced, can_resume, can_page;
};

static void login_free(struct lf_login *login)
{
	if (login->conn)
		login->conn->login = NULL;
	lf_scram_free(login->talk);
	free(login);
}

void lf_login_abandon(struct lf_login *login)
{
	login->conn->login = NULL;
	login->conn = NULL;
	/* A password is still with its worker, which will call us. */
	if (login->talk)
		login_free(login);
}

/* ---- the result ---- */

static void add_links(struct lf_console *console, struct lf_buf *buf)
{
	const struct lf_console_parts *parts = &console->parts;
	const char *name, *state;

	lf_buf_adds(buf, ",\"links\":[");
	for (size_t i = 0; parts->links && i < LINKS_MAX; i++) {
		if (!parts->links(i, &name, &state, parts->links_arg))
			break;
		lf_buf_adds(buf, i ? ",{\"link\":" : "{\"link\":");
		lf_buf_add_json(buf, name);
		lf_line_text(buf, "state", state);
		lf_buf_addc(buf, '}');
	}
	lf_buf_addc(buf, ']');
}

static void add_licence(struct lf_console *console, struct lf_buf *buf,
			enum lf_licence_kind kind)
{
	lf_buf_adds(buf, ",\"license\":{\"type\":");
	lf_buf_add_json(buf, lf_licence_kind_name(kind));
	lf_line_int(buf, "used", console->used[kind]);
	if (console->limits.licences[kind])
		lf_line_int(buf, "total", console->limits.licences[kind]);
	lf_buf_addc(buf, '}');
}

static void add_features(struct lf_buf *buf, const struct lf_login *login)
{
	lf_buf_adds(buf, ",\"features\":[");
	lf_buf_adds(buf, login->can_resume ? "\"resume\"" : "");
	lf_buf_adds(buf, login->can_resume && login->can_page ? "," : "");
	lf_buf_adds(buf, login->can_page ? "\"paged\"" : "");
	lf_buf_addc(buf, ']');
	/* Rooms to come turn these on. */
	lf_buf_adds(buf, ",\"can\":{\"call\":false,\"panic\":false,"
			 "\"queues\":false,\"record\":false,"
			 "\"calendar\":false}");
}

static void welcome(const struct lf_login *login, struct lf_session *session,
		    const struct lf_user *user, const char *server_final)
{
	struct lf_console *console = session->console;
	struct lf_buf *buf = lf_conn_reply(login->conn, login->id);
	const char *update_url =
		lf_setting_text(console->parts.settings, "console.update-url");
	char name[2 * LF_USER_TEXT_MAX + 2];

	lf_buf_adds(buf, "{\"session\":");
	lf_buf_add_json(buf, session->id);
	if (session->can_resume) {
		lf_line_text(buf, "resume_token", session->resume_token);
		lf_line_int(buf, "resume_for_s",
			    console->limits.resume_ms / 1000);
	}
	lf_buf_adds(buf, ",\"user\":{\"id\":");
	lf_buf_add_json(buf, user->id);
	lf_line_text(buf, "name", lf_user_name(user, name, sizeof(name)));
	lf_line_text(buf, "ext", user->ext);
	lf_buf_addc(buf, '}');
	add_licence(console, buf, session->licence);
	add_features(buf, login);
	lf_buf_adds(buf, ",\"limits\":{\"search_max\":");
	lf_line_number(buf, console->limits.search_max);
	lf_line_int(buf, "min_lookup_len", console->limits.min_lookup);
	lf_buf_addc(buf, '}');
	add_links(console, buf);
	if (*update_url)
		lf_line_text(buf, "update_url", update_url);
	if (server_final)
		lf_line_text(buf, "server_final", server_final);
	lf_line_int(buf, "seq", session->seq);
	lf_buf_addc(buf, '}');
	lf_conn_reply_end(login->conn, -1);
}

/* ---- may this user come in, and as what ---- */

static void refuse_second(const struct lf_login *login,
			  const struct lf_session *other)
{
	struct lf_buf buf = {0};

	lf_buf_adds(&buf, "{\"from\":");
	lf_buf_add_json(&buf, other->peer);
	lf_line_time(&buf, "since", other->since_wall_ms);
	lf_buf_addc(&buf, '}');
	lf_conn_error(login->conn, login->id, LF_FAULT_ALREADY,
		      lf_buf_str(&buf));
	lf_buf_done(&buf);
}

static void tell_licence(const struct lf_console *console,
			 enum lf_licence_kind kind, bool is_enough)
{
	if (console->parts.on_licence)
		console->parts.on_licence(lf_licence_kind_name(kind), is_enough,
					  console->parts.on_licence_arg);
}

static void refuse_licence(const struct lf_login *login,
			   enum lf_licence_kind kind)
{
	char data[64];

	snprintf(data, sizeof(data), "{\"type\":\"%s\",\"total\":%u}",
		 lf_licence_kind_name(kind),
		 login->conn->console->limits.licences[kind]);
	lf_conn_error(login->conn, login->id, LF_FAULT_LICENCE_EXHAUSTED, data);
	tell_licence(login->conn->console, kind, false);
}

static void evict(struct lf_session *session)
{
	struct lf_conn *conn = session->conn;

	lf_session_free(session);
	if (conn)
		lf_conn_bye(conn, "replaced", 0, LF_CLOSE_REPLACED);
}

static enum lf_fault judge(const struct lf_login *login,
			   const struct lf_user *user)
{
	if (user->licence == LF_LICENCE_NONE || login->want > user->licence)
		return LF_FAULT_LICENCE_TYPE;
	if (!*user->ext)
		return LF_FAULT_EXTENSION;
	return LF_FAULT_NONE;
}

/* Makes the session, or tells why not. */
static void grant(struct lf_login *login, const struct lf_user *user,
		  const char *server_final)
{
	struct lf_conn *conn = login->conn;
	struct lf_console *console = conn->console;
	struct lf_session *other = lf_map_find(&console->by_user, user->id);
	struct lf_session_opts opts = {
		.user = user,
		.licence = login->want ? login->want : user->licence,
		.is_jsonrpc = login->is_jsonrpc,
		.can_resume = login->can_resume,
	};
	unsigned total = console->limits.licences[opts.licence];
	unsigned used = console->used[opts.licence];
	enum lf_fault fault = judge(login, user);
	struct lf_session *session;

	if (fault) {
		lf_conn_error(conn, login->id, fault, NULL);
		return;
	}
	/* One that only waits for its resume does not lock its user out. */
	if (other && other->conn && !login->is_forced) {
		refuse_second(login, other);
		return;
	}
	if (other && other->licence == opts.licence)
		used--;
	if (total && used >= total) {
		refuse_licence(login, opts.licence);
		return;
	}
	if (!other)
		tell_licence(console, opts.licence, true);
	if (other)
		evict(other);
	if (lf_session_new(&session, conn, &opts)) {
		lf_conn_error(conn, login->id, LF_FAULT_INTERNAL, NULL);
		return;
	}
	lf_log(LF_INFO, LF_ROOM, "%s: %s logged in as %s", conn->peer,
	       user->username, lf_licence_kind_name(opts.licence));
	welcome(login, session, user, server_final);
}

/* The answer of whoever checked. Ends the attempt. */
static void decide(struct lf_login *login, int err, const struct lf_user *user,
		   int64_t retry_ms, const char *server_final)
{
	struct lf_conn *conn = login->conn;

	conn->is_jsonrpc = login->is_jsonrpc;
	if (!err) {
		grant(login, user, server_final);
	} else if (err == -EBUSY) {
		lf_conn_error_retry(conn, login->id, LF_FAULT_THROTTLED,
				    retry_ms);
	} else {
		lf_conn_error(conn, login->id,
			      err == -EPROTO   ? LF_FAULT_PARAMS
			      : err == -EACCES ? LF_FAULT_AUTH
					       : LF_FAULT_INTERNAL,
			      NULL);
		if (lf_log_allow(&conn->console->log_limit, 60))
			lf_log(LF_NOTICE, LF_ROOM, "%s: login refused",
			       conn->peer);
		if (++conn->failures >= LF_LOGIN_TRIES)
			lf_conn_bye(conn, "auth", 0, LF_CLOSE_POLICY);
	}
	login_free(login);
}

/* ---- the three ways ---- */

static void on_password(int err, const struct lf_user *user, int64_t retry_ms,
			void *arg)
{
	struct lf_login *login = arg;
	struct lf_conn *conn = login->conn;

	lf_console_landed(login->console);
	if (!conn) {
		login_free(login);
		return;
	}
	lf_conn_work(conn, -1);
	decide(login, err, user, retry_ms, NULL);
	lf_conn_release(conn);
}

static void by_password(struct lf_login *login, const struct lf_call *call)
{
	const char *user = lf_json_str(call->params, "user", NULL, NULL);
	const char *password =
		lf_json_str(call->params, "password", NULL, NULL);
	struct lf_conn *conn = call->conn;
	int err;

	if (!conn->is_tls || !user || !password) {
		if (!conn->is_tls)
			lf_conn_error(conn, call->id, LF_FAULT_TLS, NULL);
		else
			lf_conn_error_field(conn, call->id,
					    user ? "password" : "user");
		login_free(login);
		return;
	}
	lf_conn_work(conn, 1);
	lf_conn_hold(conn);
	lf_console_took_off(call->console);
	err = lf_access_password(call->console->parts.access, user, password,
				 conn->address, on_password, login);
	if (err)
		on_password(err, NULL, 0, login);
}

static void by_scram(struct lf_login *login, const struct lf_call *call)
{
	const char *first = lf_json_str(call->params, "data", NULL, NULL);
	struct lf_conn *conn = call->conn;
	char challenge[SCRAM_SIZE];
	int64_t retry_ms = 0;
	struct lf_buf *buf;
	int err;

	if (!first) {
		lf_conn_error_field(conn, call->id, "data");
		login_free(login);
		return;
	}
	err = lf_scram_begin(&login->talk, call->console->parts.access, first,
			     conn->address, challenge, sizeof(challenge),
			     &retry_ms);
	if (err) {
		decide(login, err, NULL, retry_ms, NULL);
		return;
	}
	buf = lf_conn_reply(conn, call->id);
	lf_buf_adds(buf, "{\"continue\":");
	lf_buf_add_json(buf, challenge);
	lf_buf_addc(buf, '}');
	lf_conn_reply_end(conn, -1);
}

void lf_method_login_continue(struct lf_call *call)
{
	const char *last = lf_json_str(call->params, "data", NULL, NULL);
	struct lf_login *login = call->conn->login;
	const struct lf_user *user = NULL;
	char verdict[SCRAM_SIZE];
	int err;

	if (!login || !login->talk) {
		lf_conn_error(call->conn, call->id, LF_FAULT_REQUEST, NULL);
		return;
	}
	lf_text_copy(login->id, sizeof(login->id), call->id);
	err = last ? lf_scram_finish(login->talk, last, verdict,
				     sizeof(verdict), &user)
		   : -EPROTO;
	decide(login, err, user, 0, verdict);
}

static void by_token(struct lf_login *login, const struct lf_call *call)
{
	const char *token = lf_json_str(call->params, "token", "", NULL);
	const struct lf_user *user = NULL;
	int err = lf_token_take(call->console, token, &user);

	decide(login, err, user, 0, NULL);
}

/* ---- login ---- */

static bool lists(const json_t *array, const char *word)
{
	const json_t *item;
	size_t i;

	json_array_foreach (array, i, item) {
		if (json_is_string(item) &&
		    !strcmp(json_string_value(item), word))
			return true;
	}
	return false;
}

/* NULL, or the parameter that is wrong. */
static const char *read_wishes(struct lf_login *login, const json_t *params)
{
	const json_t *features = json_object_get(params, "features");
	const char *want = lf_json_str(params, "want", NULL, NULL);
	int kind;

	login->can_resume = lists(features, "resume");
	login->can_page = lists(features, "paged");
	login->is_jsonrpc = lf_json_bool(params, "jsonrpc", 0, NULL);
	login->is_forced = lf_json_bool(params, "force", 0, NULL);
	if (!want)
		return json_object_get(params, "want") ? "want" : NULL;
	for (kind = LF_LICENCE_BOE; kind <= LF_LICENCE_BAE; kind++) {
		if (!strcmp(want, lf_licence_kind_name(kind))) {
			login->want = kind;
			return NULL;
		}
	}
	return "want";
}

static bool is_common_proto(struct lf_call *call)
{
	if (lf_json_int(call->params, "proto", PROTO, NULL) >= PROTO)
		return true;
	lf_conn_error(call->conn, call->id, LF_FAULT_VERSION,
		      "{\"proto\":[1]}");
	return false;
}

void lf_method_login(struct lf_call *call)
{
	const char *auth = lf_json_str(call->params, "auth", "", NULL);
	struct lf_conn *conn = call->conn;
	struct lf_login *login;
	const char *bad;

	if (conn->session || conn->login) {
		lf_conn_error(conn, call->id, LF_FAULT_REQUEST, NULL);
		return;
	}
	if (!is_common_proto(call))
		return;
	login = calloc(1, sizeof(*login));
	if (!login) {
		lf_conn_error(conn, call->id, LF_FAULT_INTERNAL, NULL);
		return;
	}
	login->console = call->console;
	login->conn = conn;
	conn->login = login;
	lf_text_copy(login->id, sizeof(login->id), call->id);
	bad = read_wishes(login, call->params);
	if (!bad && !strcmp(auth, "password")) {
		by_password(login, call);
	} else if (!bad && !strcmp(auth, "scram-sha-256")) {
		by_scram(login, call);
	} else if (!bad && !strcmp(auth, "token")) {
		by_token(login, call);
	} else {
		lf_conn_error_field(conn, call->id, bad ? bad : "auth");
		login_free(login);
	}
}
