/*
 * core/fetch.c - one request: what curl is told about it, what is seen of its
 * conversation, and its answer.
 */
#include "core/fetch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/fetch_internal.h"
#include "core/list.h"
#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_MAX_ANSWER (1 << 20)

/* ---- one request ---- */

void lf_fetch_free(struct lf_fetch *fetch)
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
	lf_fetch_free(fetch);
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

	if (lf_text_starts(command, "EHLO"))
		lf_fetcher_note(fetch->fetcher, fetch->socket);
	if (lf_text_starts(command, "QUIT")) {
		fetch->has_quit = true;
		lf_fetcher_hang_up(fetch->socket);
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (lf_text_starts(command, steps[i].verb))
			fetch->step = steps[i].step;
	}
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t size,
		    void *arg)
{
	struct lf_fetch *fetch = arg;
	char line[LF_FETCH_LINE_SIZE];

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

void lf_fetch_finish(struct lf_fetch *fetch, CURLcode code)
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
	lf_fetch_free(fetch);
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
	/* Or the loop would wait for a name server that does not answer. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
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
	fetch->socket = CURL_SOCKET_BAD;
	fetch->done = done;
	fetch->arg = arg;
	fetch->step = "connection";
	fetch->max_answer = o->max_answer ? o->max_answer : DEFAULT_MAX_ANSWER;
	lf_buf_add(&fetch->sent, o->body ? o->body : "", o->body_len);
	fetch->easy = curl_easy_init();
	if (!fetch->easy || lf_buf_error(&fetch->sent))
		goto fail;

	set_common(fetch, o);
	lf_fetcher_adopt(fetcher, fetch);
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
	lf_fetch_free(fetch);
	return err;
}
