/*
 * core/fetch.c - libcurl's multi interface on our loop: curl says which
 * sockets and when, uv_poll and one uv_timer tell it what happened.
 */
#include "core/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/list.h"
#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_MAX_ANSWER (1 << 20)
#define LINE_SIZE 512

struct lf_fetcher {
	uv_loop_t *loop;
	uv_timer_t timer;
	CURLM *multi;
	struct lf_list fetches;
	unsigned handles; /* not closed yet: the timer and each poll */
	bool is_closing;
	void (*closed)(void *arg);
	void *arg;
};

struct poll {
	uv_poll_t handle;
	struct lf_fetcher *fetcher;
	curl_socket_t socket;
};

struct lf_fetch {
	struct lf_list node;
	struct lf_fetcher *fetcher;
	CURL *easy;
	struct curl_slist *headers, *recipients;
	struct lf_buf sent, answer;
	size_t sent_at, max_answer;
	const char *step;
	bool has_quit; /* SMTP: what follows is only politeness */
	char reply[LINE_SIZE], why[CURL_ERROR_SIZE];
	lf_fetch_fn *done;
	void *arg;
};

/* ---- one request ---- */

static void fetch_free(struct lf_fetch *fetch)
{
	lf_list_del(&fetch->node);
	if (fetch->easy) {
		curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
		curl_easy_cleanup(fetch->easy);
	}
	curl_slist_free_all(fetch->headers);
	curl_slist_free_all(fetch->recipients);
	lf_buf_done(&fetch->sent);
	lf_buf_done(&fetch->answer);
	free(fetch);
}

void lf_fetch_cancel(struct lf_fetch *fetch)
{
	fetch_free(fetch);
}

static size_t on_send(char *to, size_t size, size_t n, void *arg)
{
	struct lf_fetch *fetch = arg;
	size_t len = fetch->sent.len - fetch->sent_at;

	if (len > size * n)
		len = size * n;
	if (len)
		memcpy(to, fetch->sent.data + fetch->sent_at, len);
	fetch->sent_at += len;
	return len;
}

/* A kept connection may turn out dead: curl sends all again. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
	struct lf_fetch *fetch = arg;

	if (origin != SEEK_SET || offset < 0 ||
	    (size_t)offset > fetch->sent.len)
		return CURL_SEEKFUNC_FAIL;
	fetch->sent_at = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t on_receive(char *data, size_t size, size_t n, void *arg)
{
	struct lf_fetch *fetch = arg;

	if (fetch->answer.len + n > fetch->max_answer)
		return 0;
	lf_buf_add(&fetch->answer, data, n);
	return lf_buf_error(&fetch->answer) ? 0 : n;
}

/* What we say to an SMTP server tells how far we are. */
static void follow_smtp(struct lf_fetch *fetch, const char *command)
{
	static const struct {
		const char *verb, *step;
	} steps[] = {
		{"EHLO", "greeting"}, {"HELO", "greeting"},
		{"STARTTLS", "TLS"},  {"AUTH", "login"},
		{"MAIL", "sender"},   {"RCPT", "recipient"},
		{"DATA", "message"},
	};

	if (lf_text_starts(command, "QUIT"))
		fetch->has_quit = true;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (lf_text_starts(command, steps[i].verb))
			fetch->step = steps[i].step;
	}
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t size,
		    void *arg)
{
	struct lf_fetch *fetch = arg;
	char line[LINE_SIZE];

	if (type != CURLINFO_HEADER_OUT && type != CURLINFO_HEADER_IN)
		return 0;
	lf_text_copy_n(line, sizeof(line), data, size);
	line[strcspn(line, "\r\n")] = '\0';
	if (type == CURLINFO_HEADER_OUT)
		follow_smtp(fetch, line);
	else if (*line && !fetch->has_quit)
		lf_text_copy(fetch->reply, sizeof(fetch->reply), line);
	return 0;
}

static int to_errno(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_LOGIN_DENIED:
		return -EACCES;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_USE_SSL_FAILED:
	case CURLE_SSL_CACERT_BADFILE:
		return -EBADMSG;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_WRITE_ERROR:
		return -E2BIG;
	default:
		return -EPROTO;
	}
}

static void finish(struct lf_fetch *fetch, CURLcode code)
{
	struct lf_fetch_answer answer = {
		.err = to_errno(code),
		.step = fetch->step,
		.body = lf_buf_str(&fetch->answer),
		.len = fetch->answer.len,
	};
	long status = 0;

	curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	if (fetch->recipients)
		status = strtol(fetch->reply, NULL, 10);
	answer.status = (int)status;
	if (answer.err == -EBADMSG)
		answer.step = "TLS";
	if (answer.err == -EACCES)
		answer.step = "login";
	/* A refusal is in the server's words, anything else in curl's. */
	if (answer.err == -EPROTO && status >= 400 && *fetch->reply)
		answer.text = fetch->reply;
	else if (code != CURLE_OK)
		answer.text =
			*fetch->why ? fetch->why : curl_easy_strerror(code);
	else
		answer.text = fetch->reply;
	lf_list_del(&fetch->node);
	fetch->done(&answer, fetch->arg);
	fetch_free(fetch);
}

static void finish_all(struct lf_fetcher *fetcher)
{
	struct lf_fetch *fetch;
	CURLMsg *message;
	int left;

	while (!fetcher->is_closing &&
	       (message = curl_multi_info_read(fetcher->multi, &left))) {
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		fetch = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
				  &fetch);
		if (fetch)
			finish(fetch, code);
	}
}

/* ---- the loop ---- */

static void on_handle_closed(struct lf_fetcher *fetcher)
{
	if (--fetcher->handles)
		return;
	if (fetcher->closed)
		fetcher->closed(fetcher->arg);
	free(fetcher);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct poll *poll = handle->data;

	on_handle_closed(poll->fetcher);
	free(poll);
}

static void on_timer_closed(uv_handle_t *handle)
{
	on_handle_closed(handle->data);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct poll *poll = handle->data;
	struct lf_fetcher *fetcher = poll->fetcher;
	int flags = 0, running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(fetcher->multi, poll->socket, flags, &running);
	finish_all(fetcher);
}

static void on_timer(uv_timer_t *timer)
{
	struct lf_fetcher *fetcher = timer->data;
	int running;

	curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0,
				 &running);
	finish_all(fetcher);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct lf_fetcher *fetcher = arg;

	if (fetcher->is_closing)
		return 0;
	if (timeout_ms < 0)
		uv_timer_stop(&fetcher->timer);
	else
		uv_timer_start(&fetcher->timer, on_timer, (uint64_t)timeout_ms,
			       0);
	return 0;
}

static struct poll *poll_new(struct lf_fetcher *fetcher, curl_socket_t socket)
{
	struct poll *poll = calloc(1, sizeof(*poll));

	if (!poll)
		return NULL;
	if (uv_poll_init_socket(fetcher->loop, &poll->handle, socket)) {
		free(poll);
		return NULL;
	}
	poll->handle.data = poll;
	poll->fetcher = fetcher;
	poll->socket = socket;
	fetcher->handles++;
	curl_multi_assign(fetcher->multi, socket, poll);
	return poll;
}

static int on_curl_socket(CURL *easy, curl_socket_t socket, int what, void *arg,
			  void *socket_arg)
{
	struct lf_fetcher *fetcher = arg;
	struct poll *poll = socket_arg;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (!poll)
			return 0;
		curl_multi_assign(fetcher->multi, socket, NULL);
		uv_close((uv_handle_t *)&poll->handle, on_poll_closed);
		return 0;
	}
	if (!poll)
		poll = poll_new(fetcher, socket);
	if (!poll)
		return -1;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return uv_poll_start(&poll->handle, events, on_poll) ? -1 : 0;
}

int lf_fetcher_open(struct lf_fetcher **ret, uv_loop_t *loop)
{
	struct lf_fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (!fetcher)
		return -ENOMEM;
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(fetcher);
		return -ENOMEM;
	}
	fetcher->multi = curl_multi_init();
	if (!fetcher->multi) {
		free(fetcher);
		return -ENOMEM;
	}
	fetcher->loop = loop;
	lf_list_init(&fetcher->fetches);
	uv_timer_init(loop, &fetcher->timer);
	fetcher->timer.data = fetcher;
	fetcher->handles = 1;
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION,
			  on_curl_socket);
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION,
			  on_curl_timer);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
	*ret = fetcher;
	return 0;
}

void lf_fetcher_close(struct lf_fetcher *fetcher, void (*closed)(void *arg),
		      void *arg)
{
	if (!fetcher)
		return;
	fetcher->is_closing = true;
	fetcher->closed = closed;
	fetcher->arg = arg;
	LF_LIST_FOREACH_SAFE (node, &fetcher->fetches) {
		struct lf_fetch *fetch =
			LF_CONTAINER_OF(node, struct lf_fetch, node);
		const struct lf_fetch_answer answer = {
			.err = -ECANCELED,
			.step = fetch->step,
			.text = "closing",
			.body = "",
		};

		fetch->done(&answer, fetch->arg);
		fetch_free(fetch);
	}
	curl_multi_cleanup(fetcher->multi);
	uv_close((uv_handle_t *)&fetcher->timer, on_timer_closed);
}

/* ---- starting ---- */

static bool is_set(const char *text)
{
	return text && *text;
}

static int set_mail(struct lf_fetch *fetch, const struct lf_fetch_opts *o)
{
	static const long levels[] = {
		[LF_FETCH_TLS_TRY] = CURLUSESSL_TRY,
		[LF_FETCH_TLS_REQUIRE] = CURLUSESSL_ALL,
		[LF_FETCH_TLS_NONE] = CURLUSESSL_NONE,
	};

	fetch->recipients = curl_slist_append(NULL, o->mail_to);
	if (!fetch->recipients)
		return -ENOMEM;
	curl_easy_setopt(fetch->easy, CURLOPT_MAIL_FROM, o->mail_from);
	curl_easy_setopt(fetch->easy, CURLOPT_MAIL_RCPT, fetch->recipients);
	curl_easy_setopt(fetch->easy, CURLOPT_USE_SSL, levels[o->tls]);
	curl_easy_setopt(fetch->easy, CURLOPT_UPLOAD, 1L);
	return 0;
}

static int set_http(struct lf_fetch *fetch, const struct lf_fetch_opts *o)
{
	struct curl_slist *list;

	for (size_t i = 0; o->headers && o->headers[i]; i++) {
		list = curl_slist_append(fetch->headers, o->headers[i]);
		if (!list)
			return -ENOMEM;
		fetch->headers = list;
	}
	curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
	if (o->body) {
		curl_easy_setopt(fetch->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)fetch->sent.len);
	}
	if (o->method)
		curl_easy_setopt(fetch->easy, CURLOPT_CUSTOMREQUEST, o->method);
	return 0;
}

static void set_login(CURL *easy, const struct lf_fetch_opts *o, bool is_mail)
{
	if (is_set(o->user))
		curl_easy_setopt(easy, CURLOPT_USERNAME, o->user);
	if (is_set(o->password))
		curl_easy_setopt(easy, CURLOPT_PASSWORD, o->password);
	if (is_set(o->bearer)) {
		curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, o->bearer);
		if (!is_mail)
			curl_easy_setopt(easy, CURLOPT_HTTPAUTH,
					 CURLAUTH_BEARER);
	}
	curl_easy_setopt(easy, CURLOPT_PROXY, is_set(o->proxy) ? o->proxy : "");
	if (is_set(o->ca_file))
		curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
}

static void set_common(struct lf_fetch *fetch, const struct lf_fetch_opts *o)
{
	CURL *easy = fetch->easy;

	curl_easy_setopt(easy, CURLOPT_URL, o->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
	curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(
		easy, CURLOPT_TIMEOUT_MS,
		(long)(o->timeout_ms ? o->timeout_ms : DEFAULT_TIMEOUT_MS));
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(easy, CURLOPT_READDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
			 (curl_off_t)fetch->sent.len);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->why);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, fetch);
}

int lf_fetch_start(struct lf_fetch **ret, struct lf_fetcher *fetcher,
		   const struct lf_fetch_opts *o, lf_fetch_fn *done, void *arg)
{
	bool is_mail = lf_text_starts(o->url, "smtp");
	struct lf_fetch *fetch;
	int err = -ENOMEM;

	if (fetcher->is_closing)
		return -ESHUTDOWN;
	if (!is_mail && !lf_text_starts(o->url, "http"))
		return -EINVAL;
	fetch = calloc(1, sizeof(*fetch));
	if (!fetch)
		return err;
	lf_list_init(&fetch->node);
	fetch->fetcher = fetcher;
	fetch->done = done;
	fetch->arg = arg;
	fetch->step = "connection";
	fetch->max_answer = o->max_answer ? o->max_answer : DEFAULT_MAX_ANSWER;
	lf_buf_add(&fetch->sent, o->body ? o->body : "", o->body_len);
	fetch->easy = curl_easy_init();
	if (!fetch->easy || lf_buf_error(&fetch->sent))
		goto fail;

	set_common(fetch, o);
	set_login(fetch->easy, o, is_mail);
	err = is_mail ? set_mail(fetch, o) : set_http(fetch, o);
	if (err)
		goto fail;
	err = -EINVAL;
	if (curl_multi_add_handle(fetcher->multi, fetch->easy))
		goto fail;
	lf_list_add_tail(&fetcher->fetches, &fetch->node);
	if (ret)
		*ret = fetch;
	return 0;
fail:
	fetch_free(fetch);
	return err;
}
