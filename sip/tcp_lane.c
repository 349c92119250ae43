/*
 * sip/tcp_lane.c - the lane for a NOTIFY that is too large for a datagram and
 * goes to a watcher on UDP: over TCP, if it takes that (RFC 3261, 18.1.1).
 *
 *     send --answered--------------------------------> done; it takes TCP
 *          --refused, not connected in time, silent--> the next lane, and
 *                                      that one at once from then on
 *
 * Only where the SUBSCRIBE came from is connected to, and a Contact or route
 * that names a transport is believed.
 */
#include "sip/lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "core/timer.h"

#include "core/banned.h"

/* A firewall drops silently: one SYN may be lost, then datagrams go. */
#define CONNECT_MS 2000
/* Connections that are being made at a time; the others go in fragments. */
#define ATTEMPTS_MAX 256

struct attempt {
	struct lf_sip_notifier *n;
	nta_outgoing_t *orq;
	struct lf_timer timer;
	struct lf_sip_news news; /* the body is a reference of ours */
};

/* ---- where to ---- */

/* The text in the next hop's URI: the first route's or the target's. */
static const char *hop_of(const struct lf_sip_notifier *n, size_t *ret_len)
{
	const char *at, *end;

	if (!n->has_route) {
		*ret_len = n->uri.len;
		return n->head + n->uri.at;
	}
	at = strstr(n->head + n->dialog.at, "\r\nRoute: ");
	at = at ? strchr(at, '<') : NULL;
	end = at ? strchr(at, '>') : NULL;
	*ret_len = end ? (size_t)(end - at - 1) : 0;
	return end ? at + 1 : NULL;
}

static bool is_open_to_tcp(const struct lf_sip_notifier *n, const url_t *url)
{
	struct sockaddr_storage addr;

	return url && url->url_type == url_sip && url->url_host &&
	       !(url->url_params && (url_has_param(url, "transport") ||
				     url_has_param(url, "maddr"))) &&
	       !lf_net_parse(&addr, url->url_host, 0) &&
	       lf_net_same_host((const struct sockaddr *)&addr, &n->source.any);
}

/* "sip:192.0.2.7:5062;transport=tcp"; false: there is no such way. */
static bool find_route(const struct lf_sip_notifier *n, char *out, size_t size)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	size_t len;
	const char *text = hop_of(n, &len);
	char *copy = text ? su_strndup(home, text, (isize_t)len) : NULL;
	const url_t *url = copy ? url_make(home, copy) : NULL;
	bool is_open = is_open_to_tcp(n, url);

	if (is_open)
		snprintf(out, size, "sip:%s:%s;transport=tcp", url->url_host,
			 url->url_port ? url->url_port : "5060");
	su_home_deinit(home);
	return is_open;
}

/* ---- the end of one ---- */

static void attempt_free(struct attempt *a)
{
	lf_timer_stop(a->n->sip->timers, &a->timer);
	a->n->sip->tcp_attempts--;
	a->n->flight = NULL;
	if (a->orq)
		nta_outgoing_destroy(a->orq);
	lf_sip_body_unref(a->news.body);
	free(a);
}

/* It does not take TCP: the same once more, the other way. */
static void give_up(struct attempt *a)
{
	struct lf_sip_notifier *n = a->n;
	struct lf_sip_news news = a->news;

	a->news.body = NULL;
	attempt_free(a);
	n->tcp = LF_TCP_REFUSED;
	lf_sip_notifier_again(n, &news);
	lf_sip_body_unref(news.body);
}

static int on_answer(void *magic, nta_outgoing_t *orq, const sip_t *answer)
{
	struct attempt *a = magic;
	struct lf_sip_notifier *n = a->n;
	int status = nta_outgoing_status(orq);

	if (status < 200 || n->sip->loop.is_closing)
		return 0;
	if (!answer || nta_sip_is_internal(answer)) {
		give_up(a);
		return 0;
	}
	lf_sip_trace_response_in(n->sip, orq);
	n->tcp = LF_TCP_TAKEN;
	attempt_free(a);
	lf_sip_notifier_done(n, status);
	return 0;
}

/* Sofia would wait as long as the kernel does, with a socket for each. */
static void on_timer(struct lf_timer *timer, void *arg)
{
	struct attempt *a = arg;
	tport_t *tport = nta_outgoing_transport(a->orq);

	if (!tport || !tport_is_connected(tport)) {
		give_up(a);
		if (tport && tport_is_secondary(tport))
			tport_shutdown(tport, 2);
	}
	tport_unref(tport);
}

/* ---- sending ---- */

static int tcp_send(struct lf_sip_notifier *n, const struct lf_sip_news *news)
{
	struct attempt *a;
	char route[128];
	msg_t *msg;

	if (n->transport != LF_SIP_UDP || n->tcp == LF_TCP_REFUSED ||
	    !news->body || news->body->len <= lf_sip_datagram_room(n) ||
	    n->sip->tcp_attempts >= ATTEMPTS_MAX)
		return -ENOTSUP;
	if (!find_route(n, route, sizeof(route))) {
		n->tcp = LF_TCP_REFUSED;
		return -ENOTSUP;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	n->sip->tcp_attempts++;
	a->n = n;
	a->news = *news;
	lf_sip_body_ref(a->news.body);
	lf_timer_init(&a->timer, on_timer, a);
	msg = lf_sip_lane_message(n, news);
	if (msg)
		a->orq =
			nta_outgoing_mcreate(n->sip->agent, on_answer, a,
					     lf_sip_url(route), msg, TAG_END());
	if (!a->orq || lf_timer_start(n->sip->timers, &a->timer, CONNECT_MS)) {
		attempt_free(a);
		return -ENOTSUP; /* datagrams may still do */
	}
	n->flight = a;
	lf_sip_trace_request_out(n->sip, a->orq);
	return 0;
}

static void tcp_forget(struct lf_sip_notifier *n)
{
	if (n->flight)
		attempt_free(n->flight);
}

const struct lf_sip_lane lf_sip_tcp_lane = {"tcp", tcp_send, tcp_forget};
