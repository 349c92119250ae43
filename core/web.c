/*
 * core/web.c - an HTTP request comes in: its body is gathered within its
 * bound, and the route's function is called with it.
 */
#include "core/web_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#include "core/banned.h"

/* A body nobody wants is swallowed up to here, so that the answer is read. */
#define MAX_SWALLOW (1 << 20)

static const struct {
	enum lws_token_indexes token;
	const char *name;
} methods[] = {
	{WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
	{WSI_TOKEN_PUT_URI, "PUT"},         {WSI_TOKEN_PATCH_URI, "PATCH"},
	{WSI_TOKEN_DELETE_URI, "DELETE"},   {WSI_TOKEN_HEAD_URI, "HEAD"},
	{WSI_TOKEN_OPTIONS_URI, "OPTIONS"},
};

static void call_free(struct lf_web_call *call)
{
	lf_web_hold_done(call);
	lf_web_free_texts(&call->texts);
	lf_buf_done(&call->body);
	lf_buf_done(&call->headers);
	lf_buf_done(&call->out);
	free(call->path);
	free(call);
}

static struct lf_web_call *call_new(struct lf_web *web, struct lws *wsi,
				    const char *path, size_t len)
{
	struct lf_web_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->web = web;
	call->wsi = wsi;
	lf_web_hold_init(call);
	lf_list_init(&call->texts);
	call->path = strndup(path, len);
	if (!call->path) {
		free(call);
		return NULL;
	}
	lf_web_format_peer(call->peer, wsi);
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (lws_hdr_total_length(wsi, methods[i].token) > 0)
			call->method = methods[i].name;
	return call;
}

static bool wants_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

/*
 * Chunked bodies never reach us (libwebsockets 4.1 leaves them lying), so a
 * length is demanded. Returns a status, or 0.
 */
static int check_length(struct lf_web_call *call)
{
	const char *text;
	int64_t len = 0;

	if (lws_hdr_total_length(call->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING))
		return 411;
	text = lf_web_copy_header(call->wsi, &call->texts, "content-length");
	if (!text)
		return wants_body(call->method) ? 411 : 0;
	if (lf_text_int(&len, text, 0, INT64_MAX))
		return 400;
	call->body_len = (size_t)len;
	return 0;
}

static void refuse(struct lf_web_call *call)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", call->refusal);
	lf_web_answer(call, call->refusal, "text/plain", text, strlen(text));
}

static void dispatch(struct lf_web_call *call)
{
	call->is_dispatched = true;
	/* From here on the time is ours; the client may wait as it likes. */
	lws_set_timeout(call->wsi, NO_PENDING_TIMEOUT, 0);
	lf_web_hold(call);
	if (call->refusal)
		refuse(call);
	else
		call->fn(call, call->fn_arg);
}

/* At once, and the connection with it. */
static int turn_away(struct lws *wsi, int status)
{
	lws_return_http_status(wsi, (unsigned)status, NULL);
	return -1;
}

int lf_web_on_request(struct lf_web *web, struct lf_web_session *session,
		      struct lws *wsi, const char *path, size_t len)
{
	struct lf_web_call *call;
	int status;

	lf_web_drop_call(session);
	call = call_new(web, wsi, path, len);
	if (!call)
		return -1;
	session->call = call;
	if (!call->method)
		return turn_away(wsi, 501);
	status = check_length(call);
	if (status) /* where the next request begins, nobody knows */
		return turn_away(wsi, status);
	call->refusal = lf_web_choose_route(call);
	if (call->refusal && call->body_len > MAX_SWALLOW)
		return turn_away(wsi, call->refusal);
	if (call->body_len == 0)
		dispatch(call);
	return 0;
}

int lf_web_on_body(struct lf_web_session *session, const void *data, size_t len)
{
	struct lf_web_call *call = session->call;

	if (!call || call->refusal)
		return 0;
	if (len > call->body_len - call->body.len)
		return -1;
	lf_buf_add(&call->body, data, len);
	return lf_buf_error(&call->body) ? -1 : 0;
}

int lf_web_on_body_end(struct lf_web_session *session)
{
	/* An explicit length of 0 ends a body that never began. */
	if (session->call && !session->call->is_dispatched)
		dispatch(session->call);
	return 0;
}

void lf_web_drop_call(struct lf_web_session *session)
{
	struct lf_web_call *call = session->call;

	if (!call)
		return;
	session->call = NULL;
	if (!call->is_answered && call->on_gone)
		call->on_gone(call->gone_arg);
	call_free(call);
}

void lf_web_on_gone(struct lf_web_call *call, void (*gone)(void *arg),
		    void *arg)
{
	call->on_gone = gone;
	call->gone_arg = arg;
}

/* ---- what a route asks ---- */

const char *lf_web_path(const struct lf_web_call *call)
{
	return call->path;
}

/* The copies belong to the call; asking does not change it for anybody. */
static struct lf_list *texts_of(const struct lf_web_call *call)
{
	return call->texts.next->prev;
}

const char *lf_web_query(const struct lf_web_call *call, const char *name)
{
	return lf_web_copy_query(call->wsi, texts_of(call), name);
}

const char *lf_web_header(const struct lf_web_call *call, const char *name)
{
	return lf_web_copy_header(call->wsi, texts_of(call), name);
}

const char *lf_web_body(const struct lf_web_call *call, size_t *ret_len)
{
	if (ret_len)
		*ret_len = call->body.len;
	return lf_buf_str(&call->body);
}

const char *lf_web_peer(const struct lf_web_call *call)
{
	return call->peer;
}
