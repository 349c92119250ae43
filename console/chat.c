/*
 * console/chat.c - web chat as the console shares in it: agents say here that
 * they are ready or not, and everybody sees it in the rows (S196). The chat is
 * a neighbour that this room does not know: server.c introduces them.
 */
#include "console/internal.h"

#include <errno.h>

#include "core/banned.h"

void lf_console_chat_changed(struct lf_console *console, const char *username)
{
	if (!console->is_closing)
		lf_fanout_chat(console, username);
}

static void set_ready(struct lf_call *call, bool is_ready)
{
	const struct lf_console_parts *parts = &call->console->parts;
	const struct lf_user *user = lf_session_user(call->session);
	int err;

	if (!parts->chat) {
		lf_conn_error(call->conn, call->id, LF_FAULT_UNSUPPORTED, NULL);
		return;
	}
	err = user ? parts->chat->set_ready(user->username, is_ready,
					    parts->chat_arg)
		   : -ENOENT;
	if (err) {
		lf_conn_error(call->conn, call->id,
			      err == -ENOENT ? LF_FAULT_NOT_FOUND
					     : LF_FAULT_INTERNAL,
			      NULL);
		return;
	}
	lf_buf_adds(lf_conn_reply(call->conn, call->id), "{}");
	lf_conn_reply_end(call->conn, -1);
}

void lf_method_chat_ready(struct lf_call *call)
{
	set_ready(call, true);
}

void lf_method_chat_not_ready(struct lf_call *call)
{
	set_ready(call, false);
}
