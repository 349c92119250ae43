/*
 * console/search.c - dir.search, dir.get and dir.lookup: colleagues by what
 * people type, by id, by number (S113, S114, S127).
 */
#include "console/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

#include "core/banned.h"

#define SEARCH_RATE 5 /* a second */
#define SEARCH_BURST 10
#define QUERY_MAX 200

static void add_row(struct lf_buf *buf, const struct lf_user *user)
{
	char name[2 * LF_USER_TEXT_MAX + 2];

	lf_buf_adds(buf, "{\"d\":");
	lf_buf_add_json(buf, user->id);
	lf_line_text(buf, "name", lf_user_name(user, name, sizeof(name)));
	if (*user->ext)
		lf_line_text(buf, "ext", user->ext);
	if (*user->department)
		lf_line_text(buf, "dept", user->department);
	lf_buf_adds(buf, ",\"lamp\":true");
}

static bool is_throttled(struct lf_call *call)
{
	struct lf_conn *conn = call->conn;
	int64_t retry_ms = lf_bucket_take(&conn->searches, SEARCH_RATE,
					  SEARCH_BURST, conn->heard_ms);

	if (retry_ms)
		lf_conn_error_retry(conn, call->id, LF_FAULT_THROTTLED,
				    retry_ms);
	return retry_ms;
}

static void answer(struct lf_call *call, const struct lf_user *const *users,
		   size_t n, size_t offset, size_t total)
{
	struct lf_buf *buf = lf_conn_reply(call->conn, call->id);

	lf_buf_adds(buf, "{\"rows\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			lf_buf_addc(buf, ',');
		add_row(buf, users[i]);
		lf_buf_addc(buf, '}');
	}
	lf_buf_addc(buf, ']');
	lf_line_int(buf, "total", (int64_t)total);
	lf_buf_adds(buf, offset + n < total ? ",\"truncated\":true}"
					    : ",\"truncated\":false}");
	lf_conn_reply_end(call->conn, -1);
}

void lf_method_search(struct lf_call *call)
{
	const unsigned max = call->console->limits.search_max;
	const char *query = lf_json_str(call->params, "q", NULL, NULL);
	int64_t offset = lf_json_int(call->params, "offset", 0, NULL);
	int64_t limit = lf_json_int(call->params, "limit", max, NULL);
	const struct lf_user **users;
	size_t n, total;

	if (!query || strlen(query) > QUERY_MAX || offset < 0 || limit < 0) {
		lf_conn_error_field(call->conn, call->id,
				    offset < 0  ? "offset"
				    : limit < 0 ? "limit"
						: "q");
		return;
	}
	if (is_throttled(call))
		return;
	if (limit > max)
		limit = max;
	users = calloc((size_t)limit + 1, sizeof(struct lf_user *));
	if (!users) {
		lf_conn_error(call->conn, call->id, LF_FAULT_INTERNAL, NULL);
		return;
	}
	total = lf_user_search(call->console->parts.directory, query,
			       (size_t)offset, users, (size_t)limit);
	n = (size_t)offset < total ? total - (size_t)offset : 0;
	if (n > (size_t)limit)
		n = (size_t)limit;
	answer(call, users, n, (size_t)offset, total);
	free(users);
}

static void add_details(struct lf_buf *buf, const struct lf_user *user)
{
	lf_line_text(buf, "first", user->first_name);
	lf_line_text(buf, "last", user->last_name);
	lf_line_text(buf, "groups", user->groups);
	lf_line_text(buf, "email", user->email);
	lf_line_text(buf, "sip", user->sip_uri);
}

void lf_method_get(struct lf_call *call)
{
	const char *id = lf_json_str(call->params, "id", NULL, NULL);
	const struct lf_user *user;
	struct lf_buf *buf;

	if (!id) {
		lf_conn_error_field(call->conn, call->id, "id");
		return;
	}
	user = lf_user_find(call->console->parts.directory, id);
	if (!user) {
		lf_conn_error(call->conn, call->id, LF_FAULT_NOT_FOUND, NULL);
		return;
	}
	buf = lf_conn_reply(call->conn, call->id);
	add_row(buf, user);
	add_details(buf, user);
	lf_buf_addc(buf, '}');
	lf_conn_reply_end(call->conn, -1);
}

/*
 * An extension is always known; S113's least length is for outside callers,
 * whose numbers will be looked up in the contacts.
 */
void lf_method_lookup(struct lf_call *call)
{
	const char *number = lf_json_str(call->params, "num", NULL, NULL);
	const struct lf_user *user;
	struct lf_buf *buf;

	if (!number || !*number) {
		lf_conn_error_field(call->conn, call->id, "num");
		return;
	}
	user = lf_user_by_ext(call->console->parts.directory, number);
	buf = lf_conn_reply(call->conn, call->id);
	lf_buf_adds(buf, "{\"row\":");
	if (user)
		add_row(buf, user);
	lf_buf_adds(buf, user ? "}}" : "null}");
	lf_conn_reply_end(call->conn, -1);
}
