/*
 * core/ws.c - one WebSocket connection: whole messages in, and a queue of
 * messages out whose length the owner can see.
 *
 * libwebsockets takes a message whole or not at all and keeps what the kernel
 * refused; so we write only when it asks, and count that one message too.
 */
#include "core/web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"

#include "core/banned.h"

#define CLOSE_MS 5000
#define PINGS_MISSED_MAX 2
#define CALM_MS 45000  /* less than the port's idle policy waits */
#define MAX_REASON 123 /* RFC 6455, 5.5: 125 with the code */

struct message {
	struct lf_list node;
	size_t len;
	unsigned char data[]; /* LWS_PRE bytes of room, then the text */
};

struct lf_ws {
	struct lf_list node; /* in web->streams */
	struct lf_web *web;
	struct lws *wsi;
	const struct lf_ws_ops *ops; /* NULL: refused */
	void *conn;
	size_t max_message, drain_below;
	struct lf_buf in;
	struct lf_list out, texts;
	size_t backlog, unsent; /* queued; of the last written message */
	struct lf_chore turn;
	struct lf_due overdue, ping;
	int64_t ping_ms;       /* 0: the port pings */
	unsigned calms, pings; /* until the next; since it was heard */
	int close_code, peer_code;
	char close_reason[MAX_REASON + 1];
	bool is_opening, is_closing, has_sent_close, is_paused, wants_drain,
		wants_ping;
	char peer[LF_ADDRESS_SIZE];
};

/* ---- in ---- */

static int refuse(struct lws *wsi, enum lws_close_status code, const char *why)
{
	char text[MAX_REASON + 1];

	lf_text_copy(text, sizeof(text), why);
	lws_close_reason(wsi, code, (unsigned char *)text, strlen(text));
	return -1;
}

int lf_ws_on_receive(struct lf_web_session *session, struct lws *wsi,
		     const void *data, size_t len)
{
	struct lf_ws *ws = session->ws;

	if (!ws || ws->is_closing)
		return 0;
	ws->pings = 0;
	if (lws_frame_is_binary(wsi))
		return refuse(wsi, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE,
			      "text only");
	if (len > ws->max_message - ws->in.len)
		return refuse(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
			      "message too long");
	lf_buf_add(&ws->in, data, len);
	if (lf_buf_error(&ws->in))
		return refuse(wsi, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
			      "out of memory");
	/* The rest of a frame that is read in pieces, or of a message. */
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi))
		return 0;

	ws->ops->on_message(ws, lf_buf_str(&ws->in), ws->in.len, ws->conn);
	lf_buf_done(&ws->in); /* idle connections keep nothing */
	return 0;
}

/* ---- out ---- */

static int send_next(struct lf_ws *ws)
{
	struct message *m = LF_CONTAINER_OF(ws->out.next, struct message, node);
	int n = lws_write(ws->wsi, m->data + LWS_PRE, m->len, LWS_WRITE_TEXT);

	lf_list_del(&m->node);
	ws->backlog -= m->len;
	ws->unsent = lws_partial_buffered(ws->wsi) ? m->len : 0;
	free(m);
	return n < 0 ? -1 : 0;
}

static int send_ping(struct lf_ws *ws)
{
	unsigned char room[LWS_PRE + 1];

	ws->wants_ping = false;
	return lws_write(ws->wsi, room + LWS_PRE, 0, LWS_WRITE_PING) < 0 ? -1
									 : 0;
}

static void check_drain(struct lf_ws *ws)
{
	size_t backlog = lf_ws_backlog(ws);

	if (!ws->wants_drain || ws->is_closing)
		return;
	if (backlog > 0 && backlog >= ws->drain_below)
		return;
	ws->wants_drain = false;
	if (ws->ops->on_drain)
		ws->ops->on_drain(ws, ws->conn);
}

int lf_ws_on_writable(struct lf_web_session *session, struct lws *wsi)
{
	struct lf_ws *ws = session->ws;

	if (!ws)
		return -1;
	ws->unsent = 0;
	if (ws->wants_ping && !ws->is_closing && send_ping(ws))
		return -1;
	while (!lf_list_is_empty(&ws->out) && ws->unsent == 0 &&
	       !lws_send_pipe_choked(wsi))
		if (send_next(ws))
			return -1;
	check_drain(ws);
	if (!lf_list_is_empty(&ws->out) || ws->unsent > 0) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	if (ws->is_closing)
		lf_hub_queue(ws->web->hub, &ws->turn);
	return 0;
}

int lf_ws_send(struct lf_ws *ws, const void *data, size_t len)
{
	struct message *m;

	if (ws->is_closing)
		return -EPIPE;
	m = malloc(sizeof(*m) + LWS_PRE + len);
	if (!m)
		return -ENOMEM;
	m->len = len;
	memcpy(m->data + LWS_PRE, data, len);
	lf_list_add_tail(&ws->out, &m->node);
	ws->backlog += len;
	lws_callback_on_writable(ws->wsi);
	return 0;
}

size_t lf_ws_backlog(const struct lf_ws *ws)
{
	return ws->backlog + ws->unsent;
}

void lf_ws_want_drain(struct lf_ws *ws)
{
	if (ws->is_closing)
		return;
	ws->wants_drain = true;
	ws->drain_below = lf_ws_backlog(ws) / 2;
	lws_callback_on_writable(ws->wsi);
}

void lf_ws_pause(struct lf_ws *ws, bool paused)
{
	ws->is_paused = paused;
	lf_hub_queue(ws->web->hub, &ws->turn);
}

/* ---- the end ---- */

/* Ends it; a close reason, if there is one, is sent first. */
static void cut_off(struct lf_ws *ws)
{
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

/*
 * Two things must not happen inside libwebsockets' callbacks. Flow control in
 * a receive callback spins while OpenSSL still holds decrypted bytes; and a
 * connection that ends in a writable callback sends no close frame.
 */
static void on_turn(struct lf_chore *chore)
{
	struct lf_ws *ws = LF_CONTAINER_OF(chore, struct lf_ws, turn);

	/* A closing one reads on: the peer's close is still to come. */
	lws_rx_flow_control(ws->wsi, ws->is_paused && !ws->is_closing ? 0 : 1);
	if (!ws->is_closing || lf_ws_backlog(ws) > 0 || ws->has_sent_close)
		return;
	ws->has_sent_close = true;
	lws_close_reason(ws->wsi, (enum lws_close_status)ws->close_code,
			 (unsigned char *)ws->close_reason,
			 strlen(ws->close_reason));
	cut_off(ws);
}

static void on_overdue(struct lf_due *due)
{
	cut_off(LF_CONTAINER_OF(due, struct lf_ws, overdue));
}

void lf_ws_close(struct lf_ws *ws, int code, const char *reason)
{
	if (ws->is_closing)
		return;
	ws->is_closing = true;
	ws->close_code = code;
	lf_text_copy(ws->close_reason, sizeof(ws->close_reason),
		     reason ? reason : "");
	/* A peer that does not read must not keep us. */
	lf_hub_start(ws->web->hub, &ws->overdue, CLOSE_MS);
	lws_callback_on_writable(ws->wsi);
}

/* RFC 6455, 5.5.1: the body may be empty, else it begins with the code. */
void lf_ws_on_peer_close(struct lf_web_session *session, const void *data,
			 size_t len)
{
	const unsigned char *code = data;

	if (session->ws && len >= 2)
		session->ws->peer_code = code[0] << 8 | code[1];
}

int lf_ws_close_code(const struct lf_ws *ws)
{
	return ws->peer_code;
}

void lf_ws_drop(struct lf_web_session *session)
{
	struct lf_ws *ws = session->ws;

	if (!ws)
		return;
	session->ws = NULL;
	ws->is_closing = true;
	lf_list_del(&ws->node);
	lf_list_del(&ws->overdue.node);
	lf_list_del(&ws->ping.node);
	if (ws->ops)
		ws->ops->on_close(ws, ws->conn);

	/* The owner may have asked for a pause once more. */
	lf_list_del(&ws->turn.node);
	LF_LIST_FOREACH_SAFE (node, &ws->out)
		free(LF_CONTAINER_OF(node, struct message, node));
	lf_web_free_texts(&ws->texts);
	lf_buf_done(&ws->in);
	free(ws);
}

/* ---- is the peer still there? ---- */

/* An interval is as many pieces as the port's own policy needs to be calmed. */
static void wait_to_ping(struct lf_ws *ws)
{
	const int64_t pieces = (ws->ping_ms + CALM_MS - 1) / CALM_MS;

	if (!ws->calms)
		ws->calms = (unsigned)pieces;
	lf_hub_start(ws->web->hub, &ws->ping, ws->ping_ms / pieces);
}

static void on_ping(struct lf_due *due)
{
	struct lf_ws *ws = LF_CONTAINER_OF(due, struct lf_ws, ping);

	if (ws->is_closing)
		return;
	lws_validity_confirmed(ws->wsi);
	if (--ws->calms == 0) {
		/* What a paused one answers is not read. */
		if (ws->is_paused)
			ws->pings = 0;
		if (ws->pings++ >= PINGS_MISSED_MAX) {
			cut_off(ws);
			return;
		}
		ws->wants_ping = true;
		lws_callback_on_writable(ws->wsi);
	}
	wait_to_ping(ws);
}

void lf_ws_keep_alive(struct lf_ws *ws, int64_t interval_ms)
{
	if (ws->is_closing || ws->ping_ms == interval_ms)
		return;
	ws->ping_ms = interval_ms;
	ws->calms = 0;
	wait_to_ping(ws);
}

void lf_ws_on_pong(struct lf_web_session *session)
{
	if (session->ws)
		session->ws->pings = 0;
}

/* ---- the beginning ---- */

static struct lf_ws *ws_new(struct lf_web *web, struct lws *wsi,
			    const struct lf_ws_socket *s)
{
	struct lf_ws *ws = calloc(1, sizeof(*ws));

	if (!ws)
		return NULL;
	ws->web = web;
	ws->wsi = wsi;
	ws->ops = s->ops;
	ws->max_message = s->max_message;
	ws->turn.fn = on_turn;
	ws->overdue.fn = on_overdue;
	ws->ping.fn = on_ping;
	lf_list_init(&ws->turn.node);
	lf_list_init(&ws->overdue.node);
	lf_list_init(&ws->ping.node);
	lf_list_init(&ws->out);
	lf_list_init(&ws->texts);
	lf_web_format_peer(ws->peer, wsi);
	lf_list_add_tail(&web->streams, &ws->node);
	return ws;
}

int lf_ws_on_established(struct lf_web *web, struct lf_web_session *session,
			 struct lws *wsi)
{
	bool has_path;
	const struct lf_ws_socket *s = lf_ws_find_socket(web, wsi, &has_path);
	struct lf_ws *ws = s ? ws_new(web, wsi, s) : NULL;

	/* Its return value is ignored here: the writable callback closes. */
	session->ws = ws;
	if (!ws) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	ws->is_opening = true;
	if (s->ops->on_open(ws, s->arg, &ws->conn)) {
		lf_ws_close(ws, LWS_CLOSE_STATUS_POLICY_VIOLATION, "refused");
		ws->ops = NULL;
	}
	ws->is_opening = false;
	lf_web_free_texts(&ws->texts);
	return 0;
}

/* ---- what the owner asks ---- */

bool lf_ws_is_tls(const struct lf_ws *ws)
{
	return lws_is_ssl(ws->wsi) != 0;
}

const char *lf_ws_peer(const struct lf_ws *ws)
{
	return ws->peer;
}

/* The copies belong to the connection; its caller sees no change. */
static struct lf_list *texts_of(const struct lf_ws *ws)
{
	return ws->texts.next->prev;
}

const char *lf_ws_query(const struct lf_ws *ws, const char *name)
{
	if (!ws->is_opening)
		return NULL;
	return lf_web_copy_query(ws->wsi, texts_of(ws), name);
}

const char *lf_ws_header(const struct lf_ws *ws, const char *name)
{
	if (!ws->is_opening)
		return NULL;
	return lf_web_copy_header(ws->wsi, texts_of(ws), name);
}
