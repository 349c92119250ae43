/* tests/console/wire.c - see wire.h. */
#include "tests/console/wire.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static int wire_send(void *io, const char *line, size_t len)
{
	struct wire *wire = io;

	lf_buf_add(&wire->out, line, len);
	return 0;
}

static size_t wire_backlog(void *io)
{
	return ((struct wire *)io)->backlog;
}

static void wire_want_drain(void *io)
{
	((struct wire *)io)->wants_drain = true;
}

static void wire_pause(void *io, bool paused)
{
	((struct wire *)io)->is_paused = paused;
}

static void wire_close(void *io, int code, const char *reason)
{
	struct wire *wire = io;

	wire->is_closed = true;
	wire->code = code;
	wire->conn = NULL;
}

static const struct lf_conn_ops wire_ops = {
	.send = wire_send,
	.backlog = wire_backlog,
	.want_drain = wire_want_drain,
	.pause = wire_pause,
	.close = wire_close,
};

int wire_connect(struct wire *wire, struct desk *desk)
{
	memset(wire, 0, sizeof(*wire));
	wire->desk = desk;
	return lf_conn_new(&wire->conn, desk->console, &wire_ops, wire,
			   "192.0.2.7:50000", true);
}

void wire_done(struct wire *wire)
{
	if (wire->conn)
		lf_conn_close(wire->conn, LF_CLOSE_DONE, "");
	lf_buf_done(&wire->out);
}

struct wire *wire_open(struct desk *desk)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	assert_non_null(wire);
	assert_int_equal(0, wire_connect(wire, desk));
	return wire;
}

void wire_free(struct wire *wire)
{
	wire_done(wire);
	free(wire);
}

void wire_say(struct wire *wire, const char *line)
{
	if (wire->conn)
		lf_conn_bytes(wire->conn, line, strlen(line));
	if (wire->conn)
		lf_conn_bytes(wire->conn, "\n", 1);
}

void wire_turn(struct desk *desk)
{
	uv_run(&desk->rig->loop, UV_RUN_NOWAIT);
	uv_run(&desk->rig->loop, UV_RUN_NOWAIT);
}
