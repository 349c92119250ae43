/*
 * core/fetch_internal.h - what fetch.c (one request) and fetcher.c (all of
 * them on the loop) share: the home of libcurl.
 */
#ifndef LF_CORE_FETCH_INTERNAL_H
#define LF_CORE_FETCH_INTERNAL_H

#include <curl/curl.h>

#include "core/buf.h"
#include "core/fetch.h"
#include "core/list.h"

#define LF_FETCH_LINE_SIZE 512

struct lf_fetcher {
	uv_loop_t *loop;
	uv_timer_t timer;
	CURLM *multi;
	struct lf_list fetches;
	struct lf_list lines; /* sockets on which SMTP is spoken */
	unsigned handles;     /* not closed yet: the timer and each poll */
	bool is_closing;
	void (*closed)(void *arg);
	void *arg;
};

struct lf_fetch {
	struct lf_list node;
	struct lf_fetcher *fetcher;
	CURL *easy;
	curl_socket_t socket; /* that it spoke on last */
	struct curl_slist *headers, *recipients;
	struct lf_buf sent, answer;
	size_t sent_at, max_answer;
	const char *step;
	bool is_starved; /* there was no memory to wait for its socket */
	bool has_quit;   /* SMTP: what follows is only politeness */
	char reply[LF_FETCH_LINE_SIZE], why[CURL_ERROR_SIZE];
	lf_fetch_fn *done;
	void *arg;
};

/* ---- fetch.c ---- */

void lf_fetch_finish(struct lf_fetch *fetch, CURLcode code);
void lf_fetch_free(struct lf_fetch *fetch);

/* ---- fetcher.c ---- */

/* The fetcher hears when its socket is closed... */
void lf_fetcher_adopt(struct lf_fetcher *fetcher, struct lf_fetch *fetch);
/* ... and is told that SMTP is spoken there. Not before it is connected: of a
 * socket that never was, curl does not tell its end. */
void lf_fetcher_note(struct lf_fetcher *fetcher, curl_socket_t socket);
/*
 * After QUIT, curl waits for the server's answer, and the whole loop with it,
 * for as long as two minutes. Nothing more is read then: it comes back.
 */
void lf_fetcher_hang_up(curl_socket_t socket);

#endif
