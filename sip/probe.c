/*
 * sip/probe.c - whether a peer is alive: what its OPTIONS, its other answers
 * and its connection tell.
 *
 *     OPTIONS -> an answer: UP or FORBIDDEN, again after probe_ms
 *             -> 408, transport error: DOWN, the next address
 *     a lost connection   -> DOWN, and OPTIONS at once
 *     408 for any request -> OPTIONS at once, which decides
 */
#include "sip/peer.h"

#include <errno.h>
#include <stdio.h>

#include <sofia-sip/su_tag_io.h>

#include "core/clock.h"
#include "core/text.h"

#include "core/banned.h"

#define FORBIDDEN_SLOWER 12 /* do not try a refused password often */
#define PROBE_JITTER 10     /* percent */

/* ---- state ---- */

void lf_sip_peer_set_state(struct lf_sip_trunk *trunk,
			   enum lf_sip_trunk_state state, const char *why)
{
	lf_text_copy(trunk->why, sizeof(trunk->why), why);
	if (trunk->state == state)
		return;
	trunk->state = state;
	lf_log(state == LF_TRUNK_UP ? LF_NOTICE : LF_WARN, "sip",
	       "trunk %s (%s) is %s: %s", trunk->name, trunk->route,
	       state == LF_TRUNK_UP     ? "up"
	       : state == LF_TRUNK_DOWN ? "down"
					: "forbidden",
	       why);
	lf_sip_asks_pump(trunk);
	if (trunk->on_state) /* the last thing: it may free the trunk */
		trunk->on_state(trunk, state, trunk->why, trunk->arg);
}

bool lf_sip_peer_may_send(const struct lf_sip_trunk *trunk)
{
	return trunk->state == LF_TRUNK_UP ||
	       trunk->state == LF_TRUNK_FORBIDDEN;
}

void lf_sip_peer_probe_in(struct lf_sip_trunk *trunk, int64_t delay_ms)
{
	if (trunk->probe)
		return;
	if (lf_timer_start(trunk->sip->timers, &trunk->probe_timer, delay_ms))
		lf_log(LF_ERROR, "sip", "trunk %s: no memory to probe it",
		       trunk->name);
}

void lf_sip_trunk_heard(struct lf_sip_trunk *trunk)
{
	trunk->stats.last_heard_ms = lf_mono_ms();
}

/* ---- the connection ---- */

static void unwatch_connection(struct lf_sip_trunk *trunk)
{
	if (!trunk->tport)
		return;
	tport_release(trunk->tport, trunk->tport_pending, NULL, NULL, trunk, 0);
	tport_unref(trunk->tport);
	trunk->tport = NULL;
}

/* Sofia tells that the connection broke, or was closed by the peer. */
static void on_connection_lost(tp_stack_t *stack, struct lf_sip_trunk *trunk,
			       tport_t *tport, msg_t *msg, int error)
{
	if (tport != trunk->tport)
		return;
	unwatch_connection(trunk);
	if (trunk->sip->loop.is_closing)
		return;
	lf_sip_peer_probe_in(trunk, 0);
	lf_sip_peer_set_state(trunk, LF_TRUNK_DOWN, "the connection was lost");
}

static void watch_connection(struct lf_sip_trunk *trunk, nta_outgoing_t *orq)
{
	tport_t *tport = nta_outgoing_transport(orq); /* a reference */

	if (!tport || !tport_is_stream(tport) || tport == trunk->tport) {
		tport_unref(tport);
		return;
	}
	unwatch_connection(trunk);
	lf_net_bound_connections(
		(const struct sockaddr *)&trunk->addresses[trunk->address_i]);
	trunk->tport = tport;
	trunk->tport_pending =
		tport_pend(tport, NULL, on_connection_lost, trunk);
}

/*
 * Sofia checks the certificate's chain; whom it names is checked here, because
 * its own check fails for peers configured by address.
 */
int lf_sip_peer_check_name(struct lf_sip_trunk *trunk, nta_outgoing_t *orq)
{
	tport_t *tport = nta_outgoing_transport(orq);
	const su_strlst_t *names;
	bool is_named = true;
	msg_t *answer;

	if (trunk->transport == LF_SIP_TLS && tport && tport != trunk->tport) {
		answer = nta_outgoing_getresponse(orq);
		names = tport_delivered_from_subjects(tport, answer);
		is_named = names && tport_subject_search(trunk->host, names);
		msg_destroy(answer);
	}
	tport_unref(tport);
	return is_named ? 0 : -EACCES;
}

/* ---- what an answer says about the peer ---- */

static void fail_over(struct lf_sip_trunk *trunk)
{
	if (trunk->address_count > 1)
		trunk->address_i =
			(trunk->address_i + 1) % trunk->address_count;
}

static void probe_failed(struct lf_sip_trunk *trunk, int status)
{
	char why[96];

	fail_over(trunk);
	lf_sip_peer_probe_in(trunk,
			     lf_jitter_ms(trunk->probe_ms, PROBE_JITTER));
	if (status == 408)
		snprintf(why, sizeof(why), "no answer for %u s",
			 trunk->sip->timeout_ms / 1000);
	else if (trunk->transport == LF_SIP_TLS)
		snprintf(why, sizeof(why),
			 "no TLS connection, or its certificate is not for %s",
			 trunk->host);
	else
		snprintf(why, sizeof(why), "cannot be reached by %s",
			 lf_sip_transport_name(trunk->transport));
	lf_sip_peer_set_state(trunk, LF_TRUNK_DOWN, why);
}

static void probe_answered(struct lf_sip_trunk *trunk, int status,
			   const char *phrase)
{
	bool is_forbidden = status == 401 || status == 407 || status == 403;
	int64_t next_ms = (int64_t)trunk->probe_ms *
			  (is_forbidden ? FORBIDDEN_SLOWER : 1);
	char why[128];

	lf_sip_peer_probe_in(trunk, lf_jitter_ms(next_ms, PROBE_JITTER));
	snprintf(why, sizeof(why), "%d %s", status, phrase);
	if (is_forbidden)
		lf_sip_peer_set_state(trunk, LF_TRUNK_FORBIDDEN, why);
	else if (status == 503)
		lf_sip_peer_set_state(trunk, LF_TRUNK_DOWN, why);
	else
		lf_sip_peer_set_state(trunk, LF_TRUNK_UP, why);
}

void lf_sip_peer_answered(struct lf_sip_trunk *trunk, nta_outgoing_t *orq,
			  int status, const sip_t *answer)
{
	if (answer) {
		trunk->stats.answered++;
		lf_sip_trunk_heard(trunk);
		watch_connection(trunk, orq);
		return;
	}
	if (status == 408) {
		trunk->stats.timeouts++;
		trunk->sip->stats.timeouts++;
	}
	/* One lost request proves nothing; ask the peer itself, now. */
	if (trunk->state == LF_TRUNK_UP)
		lf_sip_peer_probe_in(trunk, 0);
}

/* ---- probes ---- */

static int probe_build(void *arg, msg_t *msg, sip_t *sip)
{
	struct lf_sip_trunk *trunk = arg;
	char to[sizeof(trunk->route) + 2];
	const struct lf_sip_dialog_ask ask = {
		.method = sip_method_options,
		.method_name = "OPTIONS",
		.from = trunk->from,
		.to = to,
		.uri = trunk->route,
	};
	int err;

	snprintf(to, sizeof(to), "<%s>", trunk->route);
	err = lf_sip_dialog_write(&trunk->probe_dialog, msg, sip, &ask);
	if (!err && sip_add_tl(msg, sip, SIPTAG_CONTACT_STR(trunk->contact),
			       SIPTAG_ACCEPT_STR("application/pidf+xml"),
			       TAG_END()) < 0)
		err = -ENOMEM;
	return err;
}

static void probe_done(void *arg, int status, const sip_t *answer)
{
	struct lf_sip_trunk *trunk = arg;

	trunk->probe = NULL;
	lf_sip_leaving_sweep(trunk);
	if (answer)
		probe_answered(trunk, status, answer->sip_status->st_phrase);
	else
		probe_failed(trunk, status);
}

static const struct lf_sip_ask_ops probe_ops = {
	.method = sip_method_options,
	.method_name = "OPTIONS",
	.is_urgent = true,
	.build = probe_build,
	.done = probe_done,
};

void lf_sip_peer_probe(struct lf_sip_trunk *trunk)
{
	lf_sip_peer_use_address(trunk);
	lf_sip_dialog_begin(&trunk->probe_dialog);
	if (lf_sip_ask(&trunk->probe, trunk, &probe_ops, trunk))
		lf_sip_peer_probe_in(trunk, trunk->probe_ms);
}

static void on_probe_due(struct lf_timer *timer, void *arg)
{
	struct lf_sip_trunk *trunk = arg;

	if (trunk->probe || trunk->resolving)
		return;
	/* A name may point elsewhere by now, while the old place is silent. */
	if (trunk->state != LF_TRUNK_UP && lf_sip_peer_resolve(trunk) == 0)
		return;
	if (trunk->address_count > 0)
		lf_sip_peer_probe(trunk);
}

/* ---- life ---- */

void lf_sip_probe_init(struct lf_sip_trunk *trunk)
{
	lf_timer_init(&trunk->probe_timer, on_probe_due, trunk);
}

void lf_sip_probe_done(struct lf_sip_trunk *trunk)
{
	unwatch_connection(trunk);
	lf_timer_stop(trunk->sip->timers, &trunk->probe_timer);
	lf_sip_dialog_end(&trunk->probe_dialog);
}
