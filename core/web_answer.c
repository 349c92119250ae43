/*
 * core/web_answer.c - the answer to a call: taken whole, now or later, and
 * written as fast as the client reads.
 */
#include "core/web_call.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define CHUNK (64 * 1024)
#define HEADER_ROOM 512 /* status line, type, length, server */

static bool has_no_body(const struct lf_web_call *call)
{
	return call->status == 204 || call->status == 304;
}

/* What lf_web_add_header() kept. */
static int add_named(struct lf_web_call *call, unsigned char **p,
		     unsigned char *end)
{
	const char *h = lf_buf_str(&call->headers);
	const char *last = h + call->headers.len;

	while (h < last) {
		const char *colon = strchr(h, ':');
		size_t name_len = (size_t)(colon - h) + 1;
		char name[LF_WEB_NAME_MAX + 2];

		memcpy(name, h, name_len);
		name[name_len] = '\0';
		if (lws_add_http_header_by_name(
			    call->wsi, (const unsigned char *)name,
			    (const unsigned char *)colon + 1,
			    (int)strlen(colon + 1), p, end))
			return -1;
		h = colon + strlen(colon) + 1;
	}
	return 0;
}

static int add_headers(struct lf_web_call *call, unsigned char **p,
		       unsigned char *end)
{
	if (lws_add_http_header_status(call->wsi, (unsigned)call->status, p,
				       end))
		return -1;
	if (!has_no_body(call) &&
	    lws_add_http_header_content_length(call->wsi,
					       call->out.len - LWS_PRE, p, end))
		return -1;
	return add_named(call, p, end);
}

static int send_headers(struct lf_web_call *call)
{
	size_t room = LWS_PRE + HEADER_ROOM + 2 * call->headers.len;
	unsigned char *buf = malloc(room), *start, *p, *end;
	int failed = -1;

	if (!buf)
		return -1;
	start = p = buf + LWS_PRE;
	end = buf + room;
	if (!add_headers(call, &p, end))
		failed = lws_finalize_write_http_header(call->wsi, start, &p,
							end);
	free(buf);
	call->has_sent_headers = true;
	return failed ? -1 : 0;
}

/* Writes what fits; `*ret_done` when nothing is left. */
static int send_body(struct lf_web_call *call, bool *ret_done)
{
	size_t left, n;

	*ret_done = false;
	while ((left = call->out.len - call->out_off) > 0) {
		unsigned char *at =
			(unsigned char *)call->out.data + call->out_off;

		if (lws_send_pipe_choked(call->wsi))
			return 0;
		n = left > CHUNK ? CHUNK : left;
		if (lws_write(call->wsi, at, n,
			      n == left ? LWS_WRITE_HTTP_FINAL
					: LWS_WRITE_HTTP) < 0)
			return -1;
		call->out_off += n;
	}
	*ret_done = true;
	return 0;
}

int lf_web_on_writable(struct lf_web_session *session, struct lws *wsi)
{
	struct lf_web_call *call = session->call;
	bool is_done = true;

	if (!call || !call->is_answered)
		return 0;
	if (lf_buf_error(&call->out) || lf_buf_error(&call->headers))
		return -1;
	if (!call->has_sent_headers && send_headers(call))
		return -1;
	if (strcmp(call->method, "HEAD") != 0 && !has_no_body(call) &&
	    send_body(call, &is_done))
		return -1;
	if (!is_done) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	lf_web_drop_call(session);
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int lf_web_add_header(struct lf_web_call *call, const char *name,
		      const char *value)
{
	size_t n = strlen(name);

	if (n == 0 || n > LF_WEB_NAME_MAX || strpbrk(name, ": \t\r\n") ||
	    strpbrk(value, "\r\n"))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		lf_buf_addc(&call->headers,
			    (char)tolower((unsigned char)name[i]));
	lf_buf_addc(&call->headers, ':');
	lf_buf_add(&call->headers, value, strlen(value) + 1);
	return lf_buf_error(&call->headers);
}

int lf_web_answer(struct lf_web_call *call, int status,
		  const char *content_type, const void *body, size_t len)
{
	static const char pre[LWS_PRE];
	int err = 0;

	call->status = status;
	if (content_type)
		err = lf_web_add_header(call, "content-type", content_type);
	lf_buf_add(&call->out, pre, LWS_PRE);
	lf_buf_add(&call->out, body, len);
	call->out_off = LWS_PRE;
	call->is_answered = true;
	lf_web_go_on(call);
	return err ? err : lf_buf_error(&call->out);
}
