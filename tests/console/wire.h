/*
 * tests/console/wire.h - a console's connection without a socket: its backlog
 * is what the test says, and what the server sends is there at once.
 */
#ifndef LF_TESTS_CONSOLE_WIRE_H
#define LF_TESTS_CONSOLE_WIRE_H

#include "tests/console/desk.h"

#include "console/internal.h"

struct wire {
	struct desk *desk;
	struct lf_conn *conn;
	struct lf_buf out; /* what the server has sent */
	size_t backlog;
	bool wants_drain, is_closed, is_paused;
	int code;
};

struct wire *wire_open(struct desk *desk);
void wire_free(struct wire *wire);
/* The same in memory of the caller's. */
int wire_connect(struct wire *wire, struct desk *desk);
void wire_done(struct wire *wire);

void wire_say(struct wire *wire, const char *line); /* adds the LF */
/* A turn of the loop, whose end sends what is dirty. */
void wire_turn(struct desk *desk);

#endif
