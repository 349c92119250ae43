/*
 * sip/express.c - the express lane: NOTIFYs to UDP watchers that are reached
 * directly, by thin transactions (flight.h) on a socket of their own, whose
 * address stands in Via.
 *
 *     send()  renders a datagram and puts it into the batch
 *     flush() at the end of each turn of the loop: one sendmmsg
 *     on_readable()  recvmmsg; each answer finds its flight by the branch
 *
 * What the socket does not take at once stays in the batch until it does; what
 * finds no room in the batch is sent again by the wheel.
 */
#include "sip/lane.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/timer.h"
#include "sip/flight.h"

#include "core/banned.h"

#define BATCH 256           /* datagrams that wait for the end of a turn */
#define AT_ONCE 64          /* of one system call */
#define FRAGMENTS_MAX 65507 /* UDP cannot more */
#define ANSWER_MAX 1024     /* status, Via and more; the rest is not read */
#define ROUNDS 64 /* of AT_ONCE answers a turn: they end work, so first */
#define BUFFER (4 << 20)

struct lf_sip_express {
	struct lf_sip *sip;
	int fd;
	bool is_blocked;
	uv_poll_t poll;
	struct lf_timer tick;
	struct lf_flights flights;
	unsigned batch_len;
	struct lf_flight *batch[BATCH]; /* NULL: answered meanwhile */
	struct mmsghdr in[AT_ONCE];
	struct iovec in_iov[AT_ONCE];
	char in_bytes[AT_ONCE][ANSWER_MAX];
};

static void on_event(uv_poll_t *poll, int status, int events);

static void listen_for(struct lf_sip_express *x, bool is_blocked)
{
	x->is_blocked = is_blocked;
	uv_poll_start(&x->poll,
		      is_blocked ? UV_READABLE | UV_WRITABLE : UV_READABLE,
		      on_event);
}

/* ---- out ---- */

static unsigned fill(struct lf_sip_express *x, struct mmsghdr *out,
		     struct iovec *iov, unsigned from, unsigned *ret_next)
{
	unsigned n = 0;

	for (; from < x->batch_len && n < AT_ONCE; from++) {
		struct lf_flight *flight = x->batch[from];

		if (!flight)
			continue;
		iov[n] = (struct iovec){flight->bytes, flight->len};
		out[n].msg_hdr = (struct msghdr){
			.msg_name = &flight->to,
			.msg_namelen = lf_net_size(&flight->to.any),
			.msg_iov = &iov[n],
			.msg_iovlen = 1,
		};
		n++;
	}
	*ret_next = from;
	return n;
}

/* Those before `end` have left, or are given up to the wheel. */
static void leave_batch(struct lf_sip_express *x, unsigned end)
{
	for (unsigned i = 0; i < end; i++)
		if (x->batch[i])
			x->batch[i]->batch_i = 0;
	x->batch_len -= end;
	memmove(x->batch, x->batch + end, x->batch_len * sizeof(x->batch[0]));
	for (unsigned i = 0; i < x->batch_len; i++)
		if (x->batch[i])
			x->batch[i]->batch_i = i + 1;
}

/* How far in the batch the first `sent` of its datagrams reach. */
static unsigned reach(const struct lf_sip_express *x, unsigned sent)
{
	unsigned i = 0;

	for (; i < x->batch_len && sent; i++)
		sent -= x->batch[i] != NULL;
	return i;
}

static void flush(struct lf_sip_express *x)
{
	struct mmsghdr out[AT_ONCE];
	struct iovec iov[AT_ONCE];
	unsigned n, next;
	int sent;

	while (x->batch_len) {
		n = fill(x, out, iov, 0, &next);
		sent = n ? sendmmsg(x->fd, out, n, MSG_DONTWAIT) : 0;
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			listen_for(x, true);
			return;
		}
		if (sent < 0)
			sent = 1; /* unreachable, say: the ladder decides */
		leave_batch(x, (unsigned)sent < n ? reach(x, (unsigned)sent)
						  : next);
	}
	if (x->is_blocked)
		listen_for(x, false);
}

static void put_in_batch(struct lf_sip_express *x, struct lf_flight *flight)
{
	if (flight->batch_i)
		return;
	if (x->batch_len == BATCH && !x->is_blocked)
		flush(x);
	if (x->batch_len == BATCH)
		return; /* the wheel brings it back */
	x->batch[x->batch_len++] = flight;
	flight->batch_i = x->batch_len;
}

static void drop(struct lf_sip_express *x, struct lf_flight *flight)
{
	if (flight->batch_i)
		x->batch[flight->batch_i - 1] = NULL;
	lf_flight_free(&x->flights, flight);
}

static char *put(char *to, const char *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

static void render(struct lf_flight *flight, const struct lf_sip_notifier *n,
		   const char *lines, size_t lines_len,
		   const struct lf_sip_body *body)
{
	char branch[LF_FLIGHT_BRANCH_SIZE], *p = flight->bytes;

	lf_flight_branch(flight, branch);
	/* `start` and `via`, then `dialog` and `rest`, are neighbours. */
	p = put(p, n->head + n->start.at, (size_t)n->start.len + n->via.len);
	p = put(p, branch, LF_FLIGHT_BRANCH_SIZE - 1);
	p = put(p, "\r\n", 2);
	p = put(p, n->head + n->dialog.at, (size_t)n->dialog.len + n->rest.len);
	p = put(p, lines, lines_len);
	if (body)
		p = put(p, body->bytes, body->len);
	flight->len = (uint32_t)(p - flight->bytes);
}

static void keep_ticking(struct lf_sip_express *x)
{
	if (x->flights.count && !lf_timer_is_running(&x->tick))
		lf_timer_start(x->sip->timers, &x->tick, LF_FLIGHT_TICK_MS);
}

static int express_send(struct lf_sip_notifier *n,
			const struct lf_sip_news *news)
{
	struct lf_sip_express *x = n->sip->express;
	char lines[LF_SIP_STATE_MAX];
	struct lf_flight *flight;
	size_t len, size;

	if (!n->is_direct)
		return -ENOTSUP;
	len = lf_sip_news_lines(lines, n->cseq, news);
	size = (size_t)n->start.len + n->via.len + LF_FLIGHT_BRANCH_SIZE + 1 +
	       n->dialog.len + n->rest.len + len +
	       (news->body ? news->body->len : 0);
	/* What is larger goes over TCP, or in fragments where that is known
	 * to be refused: these are sent here like any other. */
	if (size > (n->tcp == LF_TCP_REFUSED ? FRAGMENTS_MAX : LF_SIP_UDP_MAX))
		return -ENOTSUP;
	flight = lf_flight_new(&x->flights, size);
	if (!flight)
		return -ENOMEM;
	render(flight, n, lines, len, news->body);
	memcpy(&flight->to, &n->target, sizeof(flight->to));
	flight->owner = n;
	n->flight = flight;
	put_in_batch(x, flight);
	lf_flight_launch(&x->flights, flight, lf_mono_ms(), n->sip->timeout_ms);
	keep_ticking(x);
	lf_sip_trace_text(n->sip, true, &n->target.any, n->head + n->call_id.at,
			  n->call_id.len, flight->bytes, flight->len);
	return 0;
}

static void express_forget(struct lf_sip_notifier *n)
{
	struct lf_flight *flight = n->flight;

	if (flight)
		flight->owner = NULL;
	n->flight = NULL;
}

const struct lf_sip_lane lf_sip_express_lane = {"express", express_send,
						express_forget};

/* ---- the end of one ---- */

static void finish(struct lf_sip_express *x, struct lf_flight *flight,
		   int status)
{
	struct lf_sip_notifier *n = flight->owner;

	drop(x, flight);
	if (!n)
		return;
	n->flight = NULL;
	lf_sip_notifier_done(n, status);
}

static void on_due(struct lf_flight *flight, bool is_lost, void *arg)
{
	struct lf_sip_express *x = arg;

	if (is_lost)
		finish(x, flight, 408);
	else
		put_in_batch(x, flight);
}

static void on_tick(struct lf_timer *timer, void *arg)
{
	struct lf_sip_express *x = arg;

	lf_flights_tick(&x->flights, lf_mono_ms(), on_due, x);
	keep_ticking(x);
}

static void on_answer(struct lf_sip_express *x, const char *data, size_t len,
		      const struct sockaddr *from)
{
	struct lf_flight_answer answer;
	struct lf_flight *flight;
	struct lf_sip_notifier *n;

	if (lf_flight_parse(&answer, data, len))
		return;
	flight = lf_flights_find(&x->flights, &answer);
	if (!flight)
		return; /* a second copy, or not ours */
	n = flight->owner;
	if (n)
		lf_sip_trace_text(x->sip, false, from, n->head + n->call_id.at,
				  n->call_id.len, data, len);
	if (answer.status < 200)
		lf_flight_proceeding(flight);
	else
		finish(x, flight, answer.status);
}

/* Sloppy peers answer to the port they were asked from first, not to Via's. */
void lf_sip_express_stray(struct lf_sip *sip, int status, const char *branch)
{
	struct lf_sip_express *x = sip->express;
	const struct sockaddr_in nowhere = {.sin_family = AF_INET};
	char text[128];
	int n;

	if (!x || !branch)
		return;
	n = snprintf(text, sizeof(text), "SIP/2.0 %03d x\nv:branch=%s", status,
		     branch);
	if (n > 0 && (size_t)n < sizeof(text))
		on_answer(x, text, (size_t)n,
			  (const struct sockaddr *)&nowhere);
}

/* ---- in ---- */

static void receive(struct lf_sip_express *x)
{
	struct sockaddr_storage from[AT_ONCE];
	int n = AT_ONCE;

	for (int round = 0; round < ROUNDS && n == AT_ONCE; round++) {
		for (int i = 0; i < AT_ONCE; i++) {
			x->in[i].msg_hdr.msg_name = &from[i];
			x->in[i].msg_hdr.msg_namelen = sizeof(from[i]);
		}
		n = recvmmsg(x->fd, x->in, AT_ONCE, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			on_answer(x, x->in_bytes[i], x->in[i].msg_len,
				  (const struct sockaddr *)&from[i]);
	}
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct lf_sip_express *x = poll->data;

	if (events & UV_READABLE)
		receive(x);
	if (events & UV_WRITABLE)
		flush(x);
}

void lf_sip_express_flush(struct lf_sip *sip)
{
	struct lf_sip_express *x = sip->express;

	if (x && x->batch_len && !x->is_blocked)
		flush(x);
}

/* ---- life ---- */

static int open_socket(struct lf_sip_express *x, const char *address,
		       uint16_t *ret_port)
{
	struct sockaddr_storage addr;
	const int buffer = BUFFER;
	socklen_t len;

	if (lf_net_parse(&addr, address, 0))
		return -EINVAL;
	x->fd = socket(addr.ss_family,
		       SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (x->fd < 0)
		return -errno;
	setsockopt(x->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	setsockopt(x->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	len = lf_net_size((const struct sockaddr *)&addr);
	if (bind(x->fd, (const struct sockaddr *)&addr, len) ||
	    getsockname(x->fd, (struct sockaddr *)&addr, &len))
		return -errno;
	*ret_port = ntohs(addr.ss_family == AF_INET
				  ? ((struct sockaddr_in *)&addr)->sin_port
				  : ((struct sockaddr_in6 *)&addr)->sin6_port);
	return 0;
}

int lf_sip_express_open(struct lf_sip *sip)
{
	struct lf_sip_express *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	x->sip = sip;
	x->fd = -1;
	err = open_socket(x, sip->address, &sip->express_port);
	if (!err)
		err = uv_poll_init(lf_timers_loop(sip->timers), &x->poll,
				   x->fd);
	if (err) {
		if (x->fd >= 0)
			close(x->fd);
		free(x);
		return err;
	}
	x->poll.data = x;
	lf_timer_init(&x->tick, on_tick, x);
	lf_flights_init(&x->flights, lf_mono_ms());
	for (int i = 0; i < AT_ONCE; i++) {
		x->in_iov[i] = (struct iovec){x->in_bytes[i], ANSWER_MAX};
		x->in[i].msg_hdr.msg_iov = &x->in_iov[i];
		x->in[i].msg_hdr.msg_iovlen = 1;
	}
	listen_for(x, false);
	lf_sip_loop_guest(&sip->loop, (uv_handle_t *)&x->poll);
	sip->express = x;
	return 0;
}

void lf_sip_express_close(struct lf_sip *sip)
{
	if (!sip->express)
		return;
	flush(sip->express);
	lf_timer_stop(sip->timers, &sip->express->tick);
}

void lf_sip_express_free(struct lf_sip *sip)
{
	struct lf_sip_express *x = sip->express;

	if (!x)
		return;
	assert(lf_list_is_empty(&sip->notifiers));
	lf_flights_done(&x->flights);
	close(x->fd);
	free(x);
	sip->express = NULL;
}
