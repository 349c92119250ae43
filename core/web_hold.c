/*
 * core/web_hold.c - a call whose answer takes longer than a turn.
 *
 * libwebsockets 4.1 leaves what comes in during a transaction unread, while
 * its poll goes on reporting it: the next request, or just the client's end,
 * would spin the loop. So such a call is held: reading stops, which in there
 * stops writing too, and a poll of our own tells when to go on.
 */
#include "core/web_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/banned.h"

/* Sees that a held call's client leaves, or has read. */
struct lf_web_watch {
	uv_poll_t poll;
	struct lf_web_call *call;
	int fd; /* a duplicate: the original is in libwebsockets' poll */
};

static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void stop_watch(struct lf_web_call *call)
{
	struct lf_web_watch *watch = call->watch;

	if (!watch)
		return;
	call->watch = NULL;
	uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
	close(watch->fd);
}

void lf_web_go_on(struct lf_web_call *call)
{
	stop_watch(call);
	if (call->is_held)
		lws_rx_flow_control(call->wsi, 1);
	call->is_held = call->had_its_turn = false;
	lws_callback_on_writable(call->wsi);
	lf_web_hold(call);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct lf_web_watch *watch = poll->data;

	uv_poll_stop(poll);
	if (status == 0 && watch->call->is_answered)
		lf_web_go_on(watch->call);
	else /* at once, and the call with it */
		lws_set_timeout(watch->call->wsi, PENDING_TIMEOUT_HTTP_CONTENT,
				LWS_TO_KILL_SYNC);
}

static int start_watch(struct lf_web_call *call)
{
	struct lf_web_watch *watch = calloc(1, sizeof(*watch));
	int err = -ENOMEM;

	if (!watch)
		return err;
	watch->call = call;
	watch->poll.data = watch;
	watch->fd = fcntl(lws_get_socket_fd(call->wsi), F_DUPFD_CLOEXEC, 0);
	err = watch->fd < 0
		      ? -errno
		      : uv_poll_init(call->web->loop, &watch->poll, watch->fd);
	if (err) {
		if (watch->fd >= 0)
			close(watch->fd);
		free(watch);
		return err;
	}
	call->watch = watch;
	uv_poll_start(&watch->poll,
		      call->is_answered ? UV_WRITABLE : UV_DISCONNECT,
		      on_watch);
	return 0;
}

/* Most answers are written in the next turn: those are not worth it. */
static void on_holding(struct lf_chore *chore)
{
	struct lf_web_call *call =
		LF_CONTAINER_OF(chore, struct lf_web_call, holding);

	if (call->is_answered && !call->had_its_turn) {
		call->had_its_turn = true;
		lf_web_hold(call);
		return;
	}
	/* Unwatched, a half-written answer would never go on. */
	if (start_watch(call) && call->is_answered)
		return;
	call->is_held = true;
	lws_rx_flow_control(call->wsi, 0);
}

void lf_web_hold_init(struct lf_web_call *call)
{
	call->holding.fn = on_holding;
	lf_list_init(&call->holding.node);
}

void lf_web_hold(struct lf_web_call *call)
{
	lf_hub_queue(call->web->hub, &call->holding);
}

void lf_web_hold_done(struct lf_web_call *call)
{
	lf_list_del(&call->holding.node);
	stop_watch(call);
}
