/*
 * sim/chat.h - customers and agents of web chat, who talk at a chosen rate
 * and check what they hear: every message once, and in order.
 *
 *     connect -> agents log in and get ready -> customers ask -> agents join
 *     -> on_ready -> chat_run() -> both sides talk -> on_done
 *
 * Knows the wire alone, nothing of the code under test.
 */
#ifndef LF_SIM_CHAT_H
#define LF_SIM_CHAT_H

#include <stdint.h>
#include <uv.h>

#include "sim/ws.h"

struct chat; /* opaque: see chat.c */

struct chat_opts {
	struct ws_where where;
	unsigned agents;    /* NAME1, NAME2, ...; 0: customers only wait */
	unsigned customers; /* each is one room */
	const char *name, *password, *skillset;
	unsigned size; /* bytes of a message */
};

struct chat_result {
	double seconds;
	uint64_t sent, delivered, lost, doubled, disordered;
	unsigned p50_us, p90_us, p99_us, max_us; /* from send to delivery */
};

struct chat_ops {
	void (*on_ready)(void *arg);
	void (*on_done)(const struct chat_result *result, void *arg);
	/* What should not happen, such as a closed socket. */
	void (*on_trouble)(const char *text, void *arg);
};

int chat_new(struct chat **ret, uv_loop_t *loop, const struct chat_opts *opts,
	     const struct chat_ops *ops, void *arg);
void chat_close(struct chat *chat); /* the loop then runs empty */

/* Talks for so long: so many messages a second in all, or (0) each side its
 * next one when the other has its last. -EBUSY, -ENOTCONN (not ready yet). */
int chat_run(struct chat *chat, unsigned seconds, unsigned rate);

#endif
