/*
 * core/stream_internal.h - one connection, as the three files see it that
 * carry it through its life:
 *
 *     connecting -> handshake -> open -> closing -> lingering -> dead
 *     |-- stream_open.c -----|   |       |-- stream_close.c -------|
 *                                stream.c
 *
 * A dead stream's memory lives until the loop has closed its handle, so a
 * callback may close the stream that called it.
 */
#ifndef LF_CORE_STREAM_INTERNAL_H
#define LF_CORE_STREAM_INTERNAL_H

#include "core/internal.h"

/* One stream reads this much, then it is the others' turn. */
#define LF_STREAM_READ_BUDGET LF_HUB_BUFFER

enum lf_stream_state {
	LF_STREAM_CONNECTING,
	LF_STREAM_HANDSHAKE,
	LF_STREAM_OPEN,
	/* What is queued still leaves; nobody listens any more. */
	LF_STREAM_CLOSING,
	/* All sent; a reset now could destroy it on its way. */
	LF_STREAM_LINGERING,
	LF_STREAM_DEAD
};

struct lf_stream {
	uv_poll_t poll;
	struct lf_hub *hub;
	struct lf_listener *listener; /* NULL: a client */
	struct lf_tls_conn *tls;      /* NULL: plain */
	const struct lf_stream_ops *ops;
	void *arg;
	struct lf_queue out;
	struct lf_chore chore;
	struct lf_due due; /* to be open, or closed, by then */
	size_t drain_below;
	enum lf_stream_state state;
	int fd, events;
	bool is_paused, wants_drain, is_blocked, has_eof, must_linger;
	char peer[LF_ADDRESS_SIZE];
};

/* ---- stream.c */

/* Polls for what the stream's state waits for. */
void lf_stream_watch(struct lf_stream *s);
/* The chore: bytes that no poll tells of, then the queue. */
void lf_stream_on_turn(struct lf_chore *chore);
/* What the kernel says went wrong with the socket, or 0. */
int lf_stream_error(const struct lf_stream *s);

/* ---- stream_open.c */

/* The kernel has an answer: `status` is the poll's. */
void lf_stream_connected(struct lf_stream *s, int status);
/* One step, now that there are bytes for it. */
void lf_stream_handshake(struct lf_stream *s);

/* ---- stream_close.c */

/* At once, and nobody is told. */
void lf_stream_destroy(struct lf_stream *s);
/* At once; its owner is told. */
void lf_stream_fail(struct lf_stream *s, int err);
/* The owner is told, and what it has written still leaves. */
void lf_stream_part(struct lf_stream *s, int err);
/* Reads what nobody wants: unread bytes would turn our close into a reset. */
void lf_stream_discard(struct lf_stream *s);
/* All that was queued is with the kernel. */
void lf_stream_finish(struct lf_stream *s);

#endif
