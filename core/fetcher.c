/*
 * core/fetcher.c - libcurl's multi interface on our loop: curl says which
 * sockets and when, uv_poll and one uv_timer tell it what happened.
 */
#include "core/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fetch_internal.h"

#include "core/banned.h"

/* Kept for the next request; a full store of them would say QUIT to one. */
#define KEPT_MAX 1000L

struct poll {
	uv_poll_t handle;
	struct lf_fetcher *fetcher;
	curl_socket_t socket;
};

struct line {
	struct lf_list node;
	curl_socket_t socket;
};

/* ---- sockets ---- */

static int on_close(void *arg, curl_socket_t socket)
{
	struct lf_fetcher *fetcher = arg;

	LF_LIST_FOREACH_SAFE (node, &fetcher->lines) {
		struct line *line = LF_CONTAINER_OF(node, struct line, node);

		if (line->socket != socket)
			continue;
		lf_list_del(&line->node);
		free(line);
	}
	return close(socket);
}

void lf_fetcher_hang_up(curl_socket_t socket)
{
	if (socket >= 0)
		shutdown(socket, SHUT_RD);
}

/* Without memory it is forgotten: then its end may have to be waited for. */
void lf_fetcher_note(struct lf_fetcher *fetcher, curl_socket_t socket)
{
	struct line *line;

	LF_LIST_FOREACH (node, &fetcher->lines) {
		if (LF_CONTAINER_OF(node, struct line, node)->socket == socket)
			return;
	}
	line = calloc(1, sizeof(*line));
	if (!line)
		return;
	line->socket = socket;
	lf_list_add_tail(&fetcher->lines, &line->node);
}

void lf_fetcher_adopt(struct lf_fetcher *fetcher, struct lf_fetch *fetch)
{
	curl_easy_setopt(fetch->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(fetch->easy, CURLOPT_CLOSESOCKETDATA, fetcher);
}

/* ---- the loop ---- */

static struct lf_fetch *find_starved(const struct lf_fetcher *fetcher)
{
	LF_LIST_FOREACH (node, &fetcher->fetches) {
		struct lf_fetch *fetch =
			LF_CONTAINER_OF(node, struct lf_fetch, node);

		if (fetch->is_starved)
			return fetch;
	}
	return NULL;
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
			lf_fetch_finish(fetch, code);
	}
	while (!fetcher->is_closing && (fetch = find_starved(fetcher)))
		lf_fetch_finish(fetch, CURLE_OUT_OF_MEMORY);
}

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
	struct lf_fetch *fetch = NULL;
	int events = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &fetch);
	if (fetch && what != CURL_POLL_REMOVE)
		fetch->socket = socket;
	if (what == CURL_POLL_REMOVE) {
		if (!poll)
			return 0;
		curl_multi_assign(fetcher->multi, socket, NULL);
		uv_close((uv_handle_t *)&poll->handle, on_poll_closed);
		return 0;
	}
	if (!poll)
		poll = poll_new(fetcher, socket);
	if (!poll) {
		/* -1 would be the end of all requests, for ever. */
		if (fetch)
			fetch->is_starved = true;
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	uv_poll_start(&poll->handle, events, on_poll);
	return 0;
}

/* ---- opening and closing ---- */

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
	lf_list_init(&fetcher->lines);
	uv_timer_init(loop, &fetcher->timer);
	fetcher->timer.data = fetcher;
	fetcher->handles = 1;
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION,
			  on_curl_socket);
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION,
			  on_curl_timer);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, KEPT_MAX);
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
		lf_fetch_free(fetch);
	}
	/* What is kept open gets its QUIT, and nobody waits for the answer. */
	LF_LIST_FOREACH (node, &fetcher->lines)
		lf_fetcher_hang_up(
			LF_CONTAINER_OF(node, struct line, node)->socket);
	curl_multi_cleanup(fetcher->multi);
	uv_close((uv_handle_t *)&fetcher->timer, on_timer_closed);
}
