/* sim/blackhole.c - UDP and TCP sockets that nobody reads. */
#include "sim/blackhole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

struct blackhole {
	uv_udp_t udp;
	uv_tcp_t tcp;
	int open_handles;
	void (*closed)(void *arg);
	void *arg;
};

static void on_closed(uv_handle_t *handle)
{
	struct blackhole *hole = handle->data;

	if (--hole->open_handles > 0)
		return;
	if (hole->closed)
		hole->closed(hole->arg);
	free(hole);
}

/* The kernel completes the handshakes; nobody accepts. */
static void on_connection(uv_stream_t *server, int status)
{
}

int blackhole_open(struct blackhole **ret, uv_loop_t *loop, const char *address,
		   uint16_t port)
{
	struct blackhole *hole = calloc(1, sizeof(*hole));
	struct sockaddr_storage at;
	const struct sockaddr *sa = (const struct sockaddr *)&at;
	int err;

	if (!hole)
		return -ENOMEM;
	uv_udp_init(loop, &hole->udp);
	uv_tcp_init(loop, &hole->tcp);
	hole->open_handles = 2;
	hole->udp.data = hole->tcp.data = hole;
	if (strchr(address, ':'))
		err = uv_ip6_addr(address, port, (struct sockaddr_in6 *)&at);
	else
		err = uv_ip4_addr(address, port, (struct sockaddr_in *)&at);
	if (!err)
		err = uv_udp_bind(&hole->udp, sa, UV_UDP_REUSEADDR);
	if (!err)
		err = uv_tcp_bind(&hole->tcp, sa, 0);
	if (!err)
		err = uv_listen((uv_stream_t *)&hole->tcp, 128, on_connection);
	if (err) {
		blackhole_close(hole, NULL, NULL);
		return err;
	}
	*ret = hole;
	return 0;
}

void blackhole_close(struct blackhole *hole, void (*closed)(void *arg),
		     void *arg)
{
	hole->closed = closed;
	hole->arg = arg;
	uv_close((uv_handle_t *)&hole->udp, on_closed);
	uv_close((uv_handle_t *)&hole->tcp, on_closed);
}
