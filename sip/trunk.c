/*
 * sip/trunk.c - a peer: where it is, whether it is alive, who may speak for it.
 *
 *     resolve -> OPTIONS -> answer: UP or FORBIDDEN, again after probe_ms
 *                        -> 408, transport error: DOWN, the next address
 *     a lost connection  -> DOWN, and OPTIONS at once
 *     408 for any request -> OPTIONS at once, which decides
 *
 * Pacing and digest are in ask.c; this file only says when sending makes sense.
 */
#include "sip/trunk.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "core/clock.h"
#include "core/secret.h"
#include "core/text.h"
#include "sip/peer.h"

#include "core/banned.h"

#define DEFAULT_PROBE_MS 5000
#define DEFAULT_MAX_IN_FLIGHT 500
#define FORBIDDEN_SLOWER 12 /* do not try a refused password often */
#define RESOLVE_AGAIN_MS 2000
#define PROBE_JITTER 10 /* percent */

static void probe(struct lf_sip_trunk *trunk);
static int resolve(struct lf_sip_trunk *trunk);

/* ---- state ---- */

static void set_state(struct lf_sip_trunk *trunk, enum lf_sip_trunk_state state,
		      const char *why)
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

static void probe_in(struct lf_sip_trunk *trunk, int64_t delay_ms)
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
	probe_in(trunk, 0);
	set_state(trunk, LF_TRUNK_DOWN, "the connection was lost");
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
	probe_in(trunk, lf_jitter_ms(trunk->probe_ms, PROBE_JITTER));
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
	set_state(trunk, LF_TRUNK_DOWN, why);
}

static void probe_answered(struct lf_sip_trunk *trunk, int status,
			   const char *phrase)
{
	bool is_forbidden = status == 401 || status == 407 || status == 403;
	int64_t next_ms = (int64_t)trunk->probe_ms *
			  (is_forbidden ? FORBIDDEN_SLOWER : 1);
	char why[128];

	probe_in(trunk, lf_jitter_ms(next_ms, PROBE_JITTER));
	snprintf(why, sizeof(why), "%d %s", status, phrase);
	if (is_forbidden)
		set_state(trunk, LF_TRUNK_FORBIDDEN, why);
	else if (status == 503)
		set_state(trunk, LF_TRUNK_DOWN, why);
	else
		set_state(trunk, LF_TRUNK_UP, why);
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
		probe_in(trunk, 0);
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

/* Our own words for the address in use: where to send, how to be reached. */
static void use_address(struct lf_sip_trunk *trunk)
{
	const struct sockaddr *peer =
		(const struct sockaddr *)&trunk->addresses[trunk->address_i];
	char address[64], host[72];
	uint16_t port;

	lf_net_format(address, sizeof(address), peer, &port);
	lf_net_uri_host(host, sizeof(host), address);
	snprintf(trunk->route, sizeof(trunk->route), "sip:%s:%u;transport=%s",
		 host, port, lf_sip_transport_name(trunk->transport));
	lf_sip_contact(trunk->sip, trunk->contact, sizeof(trunk->contact),
		       trunk->user, trunk->transport, peer);
}

static void probe(struct lf_sip_trunk *trunk)
{
	use_address(trunk);
	lf_sip_dialog_begin(&trunk->probe_dialog);
	if (lf_sip_ask(&trunk->probe, trunk, &probe_ops, trunk))
		probe_in(trunk, trunk->probe_ms);
}

static void on_probe_due(struct lf_timer *timer, void *arg)
{
	struct lf_sip_trunk *trunk = arg;

	if (trunk->probe || trunk->resolving)
		return;
	/* A name may point elsewhere by now, while the old place is silent. */
	if (trunk->state != LF_TRUNK_UP && resolve(trunk) == 0)
		return;
	if (trunk->address_count > 0)
		probe(trunk);
}

/* ---- names ---- */

struct lf_sip_resolving {
	uv_getaddrinfo_t req;
	struct lf_sip_trunk *trunk; /* NULL: it is gone */
};

static void take_addresses(struct lf_sip_trunk *trunk,
			   const struct addrinfo *list)
{
	size_t n = 0;

	for (; list && n < LF_PEER_ADDRESSES; list = list->ai_next) {
		char text[64];

		lf_net_format(text, sizeof(text), list->ai_addr, NULL);
		if (!lf_net_parse(&trunk->addresses[n], text, trunk->port))
			n++;
	}
	if (n == 0)
		return;
	trunk->address_count = n;
	trunk->address_i %= n;
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
			struct addrinfo *list)
{
	struct lf_sip_resolving *resolving =
		LF_CONTAINER_OF(req, struct lf_sip_resolving, req);
	struct lf_sip_trunk *trunk = resolving->trunk;
	char why[128];

	if (trunk) {
		trunk->resolving = NULL;
		take_addresses(trunk, list);
	}
	uv_freeaddrinfo(list);
	free(resolving);
	if (!trunk)
		return;
	if (trunk->address_count > 0) {
		probe(trunk);
		return;
	}
	snprintf(why, sizeof(why), "cannot resolve %s: %s", trunk->host,
		 uv_strerror(status));
	probe_in(trunk, RESOLVE_AGAIN_MS);
	set_state(trunk, LF_TRUNK_DOWN, why);
}

/* -EALREADY: the host is an address, there is nothing to ask. */
static int resolve(struct lf_sip_trunk *trunk)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct lf_sip_resolving *resolving;
	struct sockaddr_storage literal;
	int err;

	if (!lf_net_parse(&literal, trunk->host, trunk->port)) {
		trunk->addresses[0] = literal;
		trunk->address_count = 1;
		return -EALREADY;
	}
	resolving = calloc(1, sizeof(*resolving));
	if (!resolving)
		return -ENOMEM;
	err = uv_getaddrinfo(lf_timers_loop(trunk->sip->timers),
			     &resolving->req, on_resolved, trunk->host, NULL,
			     &hints);
	if (err) {
		free(resolving);
		return err;
	}
	resolving->trunk = trunk;
	trunk->resolving = resolving;
	return 0;
}

/* ---- who may speak ---- */

static bool allows(const struct lf_sip_trunk *trunk,
		   const struct sockaddr *source)
{
	for (size_t i = 0; i < trunk->address_count; i++)
		if (lf_net_same_host((const void *)&trunk->addresses[i],
				     source))
			return true;
	return lf_cidr_list_has(&trunk->allow, source);
}

struct lf_sip_trunk *lf_sip_trunk_at(const struct lf_sip *sip,
				     const struct sockaddr *source)
{
	LF_LIST_FOREACH (node, &sip->trunks) {
		struct lf_sip_trunk *trunk =
			LF_CONTAINER_OF(node, struct lf_sip_trunk, node);

		if (allows(trunk, source))
			return trunk;
	}
	return NULL;
}

void lf_sip_trunks_load(const struct lf_sip *sip, size_t *ret_in_flight,
			size_t *ret_queued)
{
	*ret_in_flight = *ret_queued = 0;
	LF_LIST_FOREACH (node, &sip->trunks) {
		const struct lf_sip_trunk *trunk =
			LF_CONTAINER_OF(node, struct lf_sip_trunk, node);

		*ret_in_flight += trunk->stats.in_flight;
		*ret_queued += trunk->stats.queued;
	}
}

/* ---- shared texts ---- */

const char *lf_sip_peer_word(struct lf_sip_trunk *trunk, const char *text)
{
	for (int i = 0; i < LF_PEER_WORDS; i++) {
		if (!trunk->words[i])
			trunk->words[i] = strdup(text);
		if (!trunk->words[i] || !strcmp(trunk->words[i], text))
			return trunk->words[i];
	}
	return NULL;
}

/* ---- life ---- */

/* "user@domain", with or without a scheme; its parts end up in the trunk. */
static int take_uri(struct lf_sip_trunk *trunk,
		    const struct lf_sip_trunk_opts *opts)
{
	const char *uri = opts->uri ? opts->uri : "lampfield@invalid";
	const char *at;

	if (lf_text_starts(uri, "sip:"))
		uri += 4;
	at = strchr(uri, '@');
	if (!at || !at[1] || strpbrk(uri, "<> \t\r\n\"") ||
	    !lf_text_copy_n(trunk->user, sizeof(trunk->user), uri,
			    (size_t)(at - uri)))
		return -EINVAL;
	if (asprintf(&trunk->from, "<sip:%s>", uri) < 0) {
		trunk->from = NULL;
		return -ENOMEM;
	}
	trunk->auth_id = strdup(opts->auth_id && *opts->auth_id ? opts->auth_id
								: trunk->user);
	return trunk->auth_id ? 0 : -ENOMEM;
}

static int copy_opts(struct lf_sip_trunk *trunk,
		     const struct lf_sip_trunk_opts *opts)
{
	bool is_tls = opts->transport == LF_SIP_TLS;
	int err = take_uri(trunk, opts);

	if (err)
		return err;
	if (!opts->host || !*opts->host || strpbrk(opts->host, " \t\r\n;<>"))
		return -EINVAL;
	trunk->transport = opts->transport;
	trunk->port = opts->port ? opts->port : is_tls ? 5061 : 5060;
	trunk->probe_ms = opts->probe_ms ? opts->probe_ms : DEFAULT_PROBE_MS;
	trunk->max_in_flight = opts->max_in_flight ? opts->max_in_flight
						   : DEFAULT_MAX_IN_FLIGHT;
	trunk->host = strdup(opts->host);
	trunk->name = strdup(opts->name ? opts->name : opts->host);
	if (opts->password && *opts->password)
		trunk->password = strdup(opts->password);
	if (!trunk->host || !trunk->name ||
	    (opts->password && *opts->password && !trunk->password))
		return -ENOMEM;
	return lf_cidr_list_parse(&trunk->allow, opts->allow);
}

int lf_sip_trunk_new(struct lf_sip_trunk **ret, struct lf_sip *sip,
		     const struct lf_sip_trunk_opts *opts,
		     lf_sip_trunk_fn *on_state, void *arg)
{
	struct lf_sip_trunk *trunk = calloc(1, sizeof(*trunk));
	int err;

	if (!trunk)
		return -ENOMEM;
	trunk->sip = sip;
	trunk->on_state = on_state;
	trunk->arg = arg;
	lf_list_init(&trunk->leaving);
	lf_sip_asks_init(trunk);
	lf_timer_init(&trunk->probe_timer, on_probe_due, trunk);
	lf_list_add_tail(&sip->trunks, &trunk->node);
	lf_text_copy(trunk->why, sizeof(trunk->why), "nothing heard yet");

	err = copy_opts(trunk, opts);
	if (err)
		goto fail;
	err = resolve(trunk);
	if (err == -EALREADY)
		err = lf_timer_start(sip->timers, &trunk->probe_timer, 0);
	if (err)
		goto fail;
	*ret = trunk;
	return 0;
fail:
	lf_sip_trunk_free(trunk);
	return err;
}

static void forget_password(struct lf_sip_trunk *trunk)
{
	if (trunk->password)
		lf_secret_wipe(trunk->password, strlen(trunk->password));
	free(trunk->password);
	lf_digest_client_done(&trunk->digest);
}

void lf_sip_trunk_free(struct lf_sip_trunk *trunk)
{
	if (!trunk)
		return;
	assert(trunk->sub_count == 0);
	lf_list_del(&trunk->node);
	lf_sip_leaving_free(trunk);
	lf_sip_asks_free(trunk);
	unwatch_connection(trunk);
	lf_timer_stop(trunk->sip->timers, &trunk->probe_timer);
	lf_sip_dialog_end(&trunk->probe_dialog);
	if (trunk->resolving) {
		trunk->resolving->trunk = NULL;
		uv_cancel((uv_req_t *)&trunk->resolving->req);
	}
	forget_password(trunk);
	for (int i = 0; i < LF_PEER_WORDS; i++)
		free(trunk->words[i]);
	lf_cidr_list_done(&trunk->allow);
	free(trunk->auth_id);
	free(trunk->from);
	free(trunk->name);
	free(trunk->host);
	free(trunk);
}

enum lf_sip_trunk_state lf_sip_trunk_state(const struct lf_sip_trunk *trunk)
{
	return trunk->state;
}

const char *lf_sip_trunk_why(const struct lf_sip_trunk *trunk)
{
	return trunk->why;
}

const char *lf_sip_trunk_route(const struct lf_sip_trunk *trunk)
{
	return trunk->route;
}

int lf_sip_trunk_has_credentials(const struct lf_sip_trunk *trunk)
{
	return trunk->password && trunk->has_challenged &&
	       trunk->has_accepted && !trunk->has_rejected;
}

void lf_sip_trunk_stats(const struct lf_sip_trunk *trunk,
			struct lf_sip_trunk_stats *out)
{
	*out = trunk->stats;
	out->is_unresolved =
		trunk->state == LF_TRUNK_DOWN && !trunk->address_count;
}
