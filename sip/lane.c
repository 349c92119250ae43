/*
 * sip/lane.c - the lane that always works: a NOTIFY as a client transaction of
 * sofia's, over any transport, through route sets, connections and NAT.
 */
#include "sip/lane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "core/banned.h"

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
		.tpn_proto = lf_sip_transport_name(n->transport),
		.tpn_canon = host,
		.tpn_host = host,
		.tpn_port = port,
	};
	tport_t *tport = tport_by_name(nta_agent_tports(n->sip->agent), &name);

	return tport && tport_is_secondary(tport) && !tport_is_shutdown(tport);
}

/* A Contact with another address than the packet's: NAT, or a name. */
static bool is_contact_elsewhere(const struct lf_sip_notifier *n)
{
	const sip_contact_t *target = NULL;
	struct sockaddr_storage addr;

	nta_leg_get_route(n->leg, NULL, &target);
	return !target || !target->m_url->url_host ||
	       lf_net_parse(&addr, target->m_url->url_host, 0) ||
	       !lf_net_same_host((const struct sockaddr *)&addr, n->source);
}

/* The URL to send to; NULL: by the dialog's route set and target. */
static const char *route_of(const struct lf_sip_notifier *n, char *out,
			    size_t size)
{
	const sip_route_t *route = NULL;
	char address[64], host[72], number[8];
	uint16_t port;

	nta_leg_get_route(n->leg, &route, NULL);
	if (route)
		return NULL;
	lf_net_format(address, sizeof(address), n->source, &port);
	lf_net_uri_host(host, sizeof(host), address);
	snprintf(number, sizeof(number), "%u", port);
	if (n->transport == LF_SIP_UDP ? !is_contact_elsewhere(n)
				       : !has_connection(n, host, number))
		return NULL;
	snprintf(out, size, "sip:%s:%s;transport=%s", host, number,
		 lf_sip_transport_name(n->transport));
	return out;
}

/* ---- sending ---- */

static int nta_send(struct lf_sip_notifier *n,
		    const struct lf_sip_notify_text *text)
{
	const struct lf_sip_notify_out *out = &text->out;
	char state[96], url[128];
	const char *route = route_of(n, url, sizeof(url));
	nta_outgoing_t *orq;
	sip_payload_t body[1];

	sip_payload_init(body);
	body->pl_data = (char *)(uintptr_t)out->body;
	body->pl_len = out->len;
	lf_sip_notify_state(state, sizeof(state), out);
	orq = nta_outgoing_tcreate(
		n->leg, on_answer, n, route ? URL_STRING_MAKE(route) : NULL,
		SIP_METHOD_NOTIFY, NULL, SIPTAG_CONTACT_STR(n->texts),
		SIPTAG_EVENT_STR(n->event),
		SIPTAG_SUBSCRIPTION_STATE_STR(state),
		SIPTAG_USER_AGENT_STR(n->sip->user_agent),
		TAG_IF(out->content_type,
		       SIPTAG_CONTENT_TYPE_STR(out->content_type)),
		TAG_IF(out->content_type, SIPTAG_PAYLOAD(body)), TAG_END());
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
