/*
 * sip/lane.c - the lane that always works: a NOTIFY as a client transaction of
 * sofia's, over any transport, through route sets, connections and NAT.
 */
#include "sip/lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/msg.h>
#include <sofia-sip/su_tag_io.h>

#include "core/banned.h"

#define BRANCH_MAX 40  /* and the end of its line */
#define STATE_USUAL 90 /* CSeq and Subscription-State without retry-after */

static int on_answer(void *magic, nta_outgoing_t *orq, const sip_t *answer)
{
	struct lf_sip_notifier *n = magic;
	int status = nta_outgoing_status(orq);

	if (status < 200 || n->sip->loop.is_closing)
		return 0;
	if (answer && !nta_sip_is_internal(answer))
		lf_sip_trace_response_in(n->sip, orq);
	n->flight = NULL;
	nta_outgoing_destroy(orq);
	lf_sip_notifier_done(n, status);
	return 0;
}

/* ---- where to ---- */

/* The connection the watcher opened, while it lasts. */
static bool has_connection(const struct lf_sip_notifier *n, const char *host,
			   const char *port)
{
	const tp_name_t name = {
		.tpn_proto = lf_sip_transport_name(
			(enum lf_sip_transport)n->transport),
		.tpn_canon = host,
		.tpn_host = host,
		.tpn_port = port,
	};
	tport_t *tport = tport_by_name(nta_agent_tports(n->sip->agent), &name);

	return tport && tport_is_secondary(tport) && !tport_is_shutdown(tport);
}

/*
 * The URL to send to; NULL: by the route set or the target. A Contact with
 * another address than the packet's means NAT, or a name: back to the packet's.
 */
static const char *route_of(const struct lf_sip_notifier *n, char *out,
			    size_t size)
{
	char address[64], host[72], number[8];
	uint16_t port;

	if (n->has_route)
		return NULL;
	lf_net_format(address, sizeof(address), &n->source.any, &port);
	lf_net_uri_host(host, sizeof(host), address);
	snprintf(number, sizeof(number), "%u", port);
	if (n->transport == LF_SIP_UDP ? n->is_direct
				       : !has_connection(n, host, number))
		return NULL;
	snprintf(out, size, "sip:%s:%s;transport=%s", host, number,
		 lf_sip_transport_name((enum lf_sip_transport)n->transport));
	return out;
}

/* ---- sending ---- */

static char *put(char *to, const struct lf_sip_notifier *n,
		 struct lf_sip_slice s)
{
	memcpy(to, n->head + s.at, s.len);
	return to + s.len;
}

size_t lf_sip_datagram_room(const struct lf_sip_notifier *n)
{
	size_t head = (size_t)n->start.len + n->via.len + BRANCH_MAX +
		      n->dialog.len + n->rest.len + STATE_USUAL;

	return head < LF_SIP_UDP_MAX ? LF_SIP_UDP_MAX - head : 0;
}

/* Read back by sofia, from text without a Via. */
msg_t *lf_sip_lane_message(const struct lf_sip_notifier *n,
			   const struct lf_sip_news *news)
{
	char lines[LF_SIP_STATE_MAX], *text, *p;
	size_t len = lf_sip_news_lines(lines, n->cseq, news);
	size_t body_len = news->body ? news->body->len : 0;
	msg_t *msg;

	text = malloc((size_t)n->start.len + n->dialog.len + n->rest.len + len +
		      body_len);
	if (!text)
		return NULL;
	p = put(text, n, n->start);
	p = put(p, n, n->dialog);
	p = put(p, n, n->rest);
	memcpy(p, lines, len);
	p += len;
	if (body_len)
		memcpy(p, news->body->bytes, body_len);
	msg = msg_make(sip_default_mclass(), MSG_DO_CANONIC, text,
		       (p - text) + (ssize_t)body_len);
	free(text);
	if (msg && (!sip_object(msg) || !sip_object(msg)->sip_request)) {
		msg_destroy(msg);
		msg = NULL;
	}
	return msg;
}

static int nta_send(struct lf_sip_notifier *n, const struct lf_sip_news *news)
{
	msg_t *msg = lf_sip_lane_message(n, news);
	nta_outgoing_t *orq;
	const char *route;
	char url[128];

	if (!msg)
		return -ENOMEM;
	route = route_of(n, url, sizeof(url));
	orq = nta_outgoing_mcreate(n->sip->agent, on_answer, n,
				   route ? lf_sip_url(route) : NULL, msg,
				   TAG_END());
	if (!orq)
		return -EIO;
	n->flight = orq;
	lf_sip_trace_request_out(n->sip, orq);
	return 0;
}

static void nta_forget(struct lf_sip_notifier *n)
{
	if (n->flight)
		nta_outgoing_destroy(n->flight);
	n->flight = NULL;
}

const struct lf_sip_lane lf_sip_nta_lane = {"nta", nta_send, nta_forget};
