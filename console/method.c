/*
 * console/method.c - from a request to its handler: who may call what, and
 * what belongs to rooms that are not there yet.
 */
#include "console/internal.h"

#include <string.h>

#include "core/json.h"

#include "core/banned.h"

struct method {
	const char *name;
	lf_method_fn *fn;
	bool before_login;
	uint8_t licence; /* the least that may call it */
};

static void on_ping(struct lf_call *call)
{
	lf_buf_adds(lf_conn_reply(call->conn, call->id), "{}");
	lf_conn_reply_end(call->conn, -1);
}

/* Methods without `fn` are of rooms to come: calls, queues, history, ... */
static const struct method methods[] = {
	{"login", lf_method_login, true},
	{"login.continue", lf_method_login_continue, true},
	{"resume", lf_method_resume, true},
	{"ping", on_ping, true},
	{"logout", lf_method_logout},
	{"sub", lf_method_sub},
	{"unsub", lf_method_unsub},
	{"sub.update", lf_method_sub_update},
	{"chat.ready", lf_method_chat_ready},
	{"chat.not_ready", lf_method_chat_not_ready},
	{"notes.set", lf_method_notes_set, false, LF_LICENCE_BAP},
	{"dir.search", lf_method_search},
	{"dir.get", lf_method_get},
	{"dir.lookup", lf_method_lookup},
	{"call.make"},
	{"call.answer"},
	{"call.hangup"},
	{"call.hold"},
	{"call.retrieve"},
	{"call.alternate"},
	{"call.reconnect"},
	{"call.reject"},
	{"call.deflect"},
	{"call.consult"},
	{"call.transfer"},
	{"call.blind"},
	{"call.to_voicemail"},
	{"call.conference"},
	{"call.dtmf"},
	{"call.park"},
	{"call.unpark"},
	{"call.pickup"},
	{"call.pickup_group"},
	{"call.camp"},
	{"call.record"},
	{"call.supervise"},
	{"fwd.set"},
	{"fwd.get"},
	{"dnd.set"},
	{"mwi.set"},
	{"queue.list"},
	{"queue.login"},
	{"queue.logout"},
	{"queue.pause"},
	{"queue.resume"},
	{"queue.reasons"},
	{"fav.list"},
	{"fav.add"},
	{"fav.remove"},
	{"speed.list"},
	{"speed.set"},
	{"history.list"},
	{"history.mark_read"},
	{"calendar.get"},
	{"panic"},
	{"prefs.get"},
	{"prefs.set"},
	{"diag.links"},
	{"diag.subscribe"},
};

static const struct method *find_method(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}

/* Without an id only these mean something; others are none of ours. */
static void notified(struct lf_conn *conn, const struct lf_request *request)
{
	struct lf_session *session = conn->session;
	struct lf_buf *buf = &conn->console->line;

	if (!strcmp(request->method, "ping")) {
		lf_buf_reset(buf);
		lf_line_event(buf, conn->is_jsonrpc, "pong");
		lf_buf_adds(buf, "{}");
		lf_conn_reply_end(conn, -1);
	} else if (!strcmp(request->method, "ack") && session) {
		lf_ring_trim(&session->ring,
			     lf_json_int(request->params, "seq", 0, NULL));
	} else if (find_method(request->method)) {
		lf_conn_error(conn, NULL, LF_FAULT_REQUEST, NULL);
	}
}

static enum lf_fault may_call(const struct lf_session *session,
			      const struct method *method)
{
	if (!method)
		return LF_FAULT_METHOD;
	if (!session && !method->before_login)
		return LF_FAULT_LOGIN;
	if (!method->fn)
		return LF_FAULT_UNSUPPORTED;
	if (method->licence && session->licence < method->licence)
		return LF_FAULT_FORBIDDEN;
	return LF_FAULT_NONE;
}

void lf_call_dispatch(struct lf_conn *conn, const struct lf_request *request)
{
	const struct method *method;
	enum lf_fault fault;
	struct lf_call call = {
		.conn = conn,
		.console = conn->console,
		.session = conn->session,
		.id = request->id,
		.params = request->params,
	};

	if (!request->id[0]) {
		notified(conn, request);
		return;
	}
	method = find_method(request->method);
	fault = may_call(conn->session, method);
	if (fault)
		lf_conn_error(conn, request->id, fault, NULL);
	else
		method->fn(&call);
}
