/*
 * chat/rest.c - the REST endpoints: queue metrics and callbacks, with CORS
 * for pages of other hosts (protocol, sections 7 and 9.9).
 */
#include "chat/rest.h"

#include <errno.h>
#include <string.h>

#include "chat/schema.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/listen.h"

#include "core/banned.h"

#define BODY_MAX (1 << 20) /* the largest that the setting allows */
#define JSON "application/json;charset=UTF-8"

/* ---- CORS ---- */

static bool is_welcome(struct lf_chat *chat, struct lf_web_call *call)
{
	const char *origin = lf_web_header(call, "origin");

	return !origin || lf_chat_is_welcome(chat->engine->config, origin);
}

/* Never fails the answer: without its header a browser keeps it back. */
static void add_cors(struct lf_chat *chat, struct lf_web_call *call)
{
	const char *origin = lf_web_header(call, "origin");
	bool is_open = lf_chat_list_has(chat->engine->config->cors, "*");

	if (!origin)
		return;
	lf_web_add_header(call, "Access-Control-Allow-Origin",
			  is_open ? "*" : origin);
	lf_web_add_header(call, "Vary", "Origin");
}

static void refuse(struct lf_web_call *call, int status)
{
	lf_web_answer(call, status, "text/plain", NULL, 0);
}

static void on_options(struct lf_web_call *call, void *arg)
{
	struct lf_chat *chat = arg;

	if (!is_welcome(chat, call)) {
		refuse(call, 403);
		return;
	}
	add_cors(chat, call);
	lf_web_add_header(call, "Access-Control-Allow-Methods",
			  "POST, OPTIONS");
	lf_web_add_header(call, "Access-Control-Allow-Headers", "Content-Type");
	lf_web_add_header(call, "Access-Control-Max-Age", "1800");
	lf_web_answer(call, 200, "text/plain", NULL, 0);
}

/* ---- answers ---- */

void lf_chat_answer(struct lf_chat *chat, struct lf_web_call *call, int status,
		    const struct lf_buf *body)
{
	if (lf_buf_error(body)) {
		refuse(call, 500);
		return;
	}
	add_cors(chat, call);
	lf_web_add_header(call, "Cache-Control", "no-store");
	lf_web_answer(call, status, JSON, body->data, body->len);
}

void lf_chat_answer_error(struct lf_chat *chat, struct lf_web_call *call,
			  const char *method, enum lf_chat_error code)
{
	struct lf_buf body = {0};
	int status = code == LF_CHAT_CALLBACKS  ? 429
		     : code == LF_CHAT_INTERNAL ? 500
						: 400;

	lf_buf_adds(&body, "{\"apiVersion\":\"1.0\",\"type\":\"error\","
			   "\"body\":{");
	lf_chat_add_text(&body, "method", method);
	lf_chat_add_int(&body, "code", code);
	lf_chat_add_text(&body, "errorMessage", lf_chat_error_text(code));
	lf_buf_adds(&body, "}}");
	lf_chat_answer(chat, call, status, &body);
	lf_buf_done(&body);
}

/* ---- queue metrics ---- */

static void add_metric(struct lf_buf *b, const struct lf_chat_engine *e,
		       const struct lf_chat_skillset *s)
{
	lf_chat_add_open(b, NULL, '{');
	lf_chat_add_text(b, "queueName", s->name);
	lf_chat_add_int(b, "availableAgentsInQueue",
			(int64_t)lf_chat_agents_for(e, s->name));
	lf_chat_add_int(b, "customersInQueue",
			(int64_t)lf_chat_queue_count(e, s->name));
	lf_chat_add_int(b, "maxConcurrentChats", s->max_queued);
	lf_buf_addc(b, '}');
}

static void tell_metrics(struct lf_chat *chat, struct lf_web_call *call,
			 const json_t *request)
{
	const struct lf_chat_engine *e = chat->engine;
	const char *name = lf_json_str(request, "skillset", "", NULL);
	struct lf_buf body = {0};
	size_t i;

	lf_buf_adds(&body, "{\"apiVersion\":\"1.0\",\"type\":\"notification\","
			   "\"body\":{\"method\":\"queueMetrics\"");
	lf_chat_add_open(&body, "metrics", '[');
	for (i = 0; i < e->config->n_skillsets; i++) {
		const struct lf_chat_skillset *s = &e->config->skillsets[i];

		if (lf_chat_skillset_is_open(s) &&
		    (!*name || !strcmp(name, s->name)))
			add_metric(&body, e, s);
	}
	lf_buf_adds(&body, "]}}");
	lf_chat_answer(chat, call, 200, &body);
	lf_buf_done(&body);
}

/* ---- requests ---- */

/* NULL: it was answered already. */
static json_t *read_body(struct lf_chat *chat, struct lf_web_call *call,
			 const char *method)
{
	size_t len;
	const char *data = lf_web_body(call, &len);
	json_t *json;

	if (!chat->is_loaded || chat->is_closing) {
		refuse(call, 503);
		return NULL;
	}
	if (!is_welcome(chat, call)) {
		refuse(call, 403);
		return NULL;
	}
	if (len > chat->engine->config->max_body) {
		refuse(call, 413);
		return NULL;
	}
	if (lf_json_parse_lenient(&json, data ? data : "", len)) {
		lf_chat_answer_error(chat, call, method, LF_CHAT_INVALID);
		return NULL;
	}
	return json;
}

static void on_queue(struct lf_web_call *call, void *arg)
{
	struct lf_chat *chat = arg;
	json_t *request = read_body(chat, call, "queueMetrics");

	if (!request)
		return;
	if (lf_schema_check(
		    lf_schemas_find(chat->schemas, "rest/currentqueue.request"),
		    request))
		lf_chat_answer_error(chat, call, "queueMetrics",
				     LF_CHAT_INVALID);
	else
		tell_metrics(chat, call, request);
	json_decref(request);
}

static void on_callback(struct lf_web_call *call, void *arg)
{
	struct lf_chat *chat = arg;
	json_t *request = read_body(chat, call, "error");

	if (request)
		lf_chat_callback_call(chat, call, request);
	json_decref(request);
}

int lf_chat_rest_open(struct lf_chat *chat)
{
	static const struct {
		const char *path;
		lf_web_fn *fn;
	} routes[] = {
		{"/CustomerControllerWeb/currentqueue", on_queue},
		{"/CustomerControllerWeb/callback", on_callback},
	};
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(routes) / sizeof(*routes); i++) {
		err = lf_web_route(chat->parts.web, "POST", routes[i].path,
				   BODY_MAX, routes[i].fn, chat);
		if (!err)
			err = lf_web_route(chat->parts.web, "OPTIONS",
					   routes[i].path, 0, on_options, chat);
	}
	return err ? err : lf_chat_soap_open(chat);
}
