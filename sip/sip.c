/*
 * sip/sip.c - the endpoint: opens and closes the agent and its transports.
 * What comes in outside our dialogs goes to inbound.c.
 */
#include "sip/sip.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sofia-sip/su_tag_io.h>

#include "core/secret.h"
#include "core/stream.h"
#include "core/text.h"
#include "core/timer.h"
#include "core/tls_clients.h"
#include "sip/guard.h"
#include "sip/internal.h"
#include "sip/lane.h"

#include "core/banned.h"

#define DEFAULT_TIMEOUT_MS 8000
#define MIN_TIMEOUT_MS 4000
#define MAX_TIMEOUT_MS 64000
#define DEFAULT_MAX_MESSAGE (256 * 1024)
#define UDP_BUFFER (16 << 20) /* measured: the default lost 18 of 15000 */
/* What may go over TCP instead is for tcp_lane.c to know, not for sofia. */
#define UDP_MOST 65535
#define SEND_QUEUE 1000 /* messages on one connection */
#define IDLE_MS (30 * 60 * 1000)
#define PARTIAL_MS (30 * 1000) /* half a message on a connection */
/*
 * Sofia's cap counts what a connection has ready to read, not one message: a
 * burst of NOTIFYs above it gets 413, and the rest of the burst is lost. So the
 * kernel buffers little for us, the cap lies well above that, and max_message
 * is checked here.
 */
#define STREAM_MAX (4 << 20)

static const char *const transport_names[] = {"udp", "tcp", "tls"};

const char *lf_sip_transport_name(enum lf_sip_transport transport)
{
	return transport_names[transport];
}

int lf_sip_transport_parse(enum lf_sip_transport *ret, const char *word)
{
	for (int i = 0; i < LF_SIP_TRANSPORTS; i++) {
		if (lf_text_equal(word, transport_names[i])) {
			*ret = (enum lf_sip_transport)i;
			return 0;
		}
	}
	return -EINVAL;
}

enum lf_sip_transport lf_sip_transport_of(const tport_t *tport)
{
	if (tport && tport_has_tls(tport))
		return LF_SIP_TLS;
	return tport && tport_is_stream(tport) ? LF_SIP_TCP : LF_SIP_UDP;
}

void lf_sip_source_of(const struct lf_sip *sip, msg_t *msg,
		      struct lf_sip_source *out)
{
	tport_t *tport = tport_delivered_by(nta_agent_tports(sip->agent), msg);

	lf_net_format(out->address, sizeof(out->address), &msg_addr(msg)->su_sa,
		      &out->port);
	out->transport = lf_sip_transport_of(tport);
}

void lf_sip_contact(const struct lf_sip *sip, char *out, size_t size,
		    const char *user, enum lf_sip_transport transport,
		    const struct sockaddr *peer)
{
	char address[64], host[72];

	if (sip->public_address)
		lf_text_copy(address, sizeof(address), sip->public_address);
	else if (!lf_net_is_any(sip->address) ||
		 lf_net_local_for(address, sizeof(address), peer))
		lf_text_copy(address, sizeof(address), sip->address);
	lf_net_uri_host(host, sizeof(host), address);
	snprintf(out, size, "<sip:%s%s%s:%u;transport=%s>", user,
		 *user ? "@" : "", host, sip->ports[transport],
		 lf_sip_transport_name(transport));
}

/* ---- transports ---- */

/* "sip:192.0.2.1:5064", with the public address in front if there is one. */
static void bind_url(const struct lf_sip *sip, char *out, size_t size,
		     const char *scheme, uint16_t port)
{
	char host[72], shown[72], number[8] = "*";

	if (port)
		snprintf(number, sizeof(number), "%u", port);
	lf_net_uri_host(host, sizeof(host), sip->address);
	if (sip->public_address && !lf_net_is_any(sip->address)) {
		lf_net_uri_host(shown, sizeof(shown), sip->public_address);
		snprintf(out, size, "%s:%s:%s;maddr=%s", scheme, shown, number,
			 host);
	} else {
		snprintf(out, size, "%s:%s:%s", scheme, host, number);
	}
}

static void note_ports(struct lf_sip *sip)
{
	tport_t *tport = tport_primaries(nta_agent_tports(sip->agent));

	for (; tport; tport = tport_next(tport))
		sip->ports[lf_sip_transport_of(tport)] = (uint16_t)strtoul(
			tport_name(tport)->tpn_port, NULL, 10);
	lf_net_bound_listeners(sip->ports[LF_SIP_TCP]);
	lf_net_bound_listeners(sip->ports[LF_SIP_TLS]);
}

static int open_error(const struct lf_sip *sip, const char *what, uint16_t port)
{
	int err = errno > 0 ? -errno : -EIO;

	lf_log(LF_ERROR, "sip", "cannot listen on %s port %u (%s): %s",
	       sip->address, port, what, strerror(-err));
	return err;
}

static int open_agent(struct lf_sip *sip, const struct lf_sip_opts *opts)
{
	size_t cap = LF_MAX(sip->max_message, (size_t)STREAM_MAX);
	char url[200];

	bind_url(sip, url, sizeof(url), "sip", opts->port);
	errno = 0;
	sip->agent = nta_agent_create(
		sip->loop.root, lf_sip_url(url), lf_sip_on_message, sip,
		NTATAG_UA(1), NTATAG_SIP_T1X64(sip->timeout_ms),
		NTATAG_UDP_MTU(UDP_MOST), NTATAG_MAXSIZE(cap),
		NTATAG_SIPFLAGS(MSG_DO_EXTRACT_COPY | MSG_DO_CANONIC),
		NTATAG_CLIENT_RPORT(1), TPTAG_UDP_RMEM(UDP_BUFFER),
		TPTAG_QUEUESIZE(SEND_QUEUE), TPTAG_PONG2PING(1),
		TPTAG_SDWN_ERROR(1), TPTAG_IDLE(IDLE_MS),
		TPTAG_TIMEOUT(PARTIAL_MS), TAG_END());
	return sip->agent ? 0 : open_error(sip, "UDP and TCP", opts->port);
}

/*
 * Sofia goes on without a certificate, and every connection fails later. The
 * loaders of core/stream.h log what is wrong with a file.
 */
static int check_tls_files(const char *dir)
{
	struct lf_tls *tls = NULL;
	char path[512];
	int err;

	snprintf(path, sizeof(path), "%s/agent.pem", dir);
	err = lf_tls_server(&tls, path, path);
	tls = lf_tls_unref(tls);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/cafile.pem", dir);
	if (access(path, F_OK)) {
		lf_log(LF_WARN, "sip",
		       "no %s: no peer's certificate can be trusted", path);
		return 0;
	}
	err = lf_tls_client(&tls, path);
	lf_tls_unref(tls);
	return err;
}

static int open_tls(struct lf_sip *sip, const struct lf_sip_opts *opts)
{
	char url[200];
	int err;

	if (!opts->tls_dir)
		return 0;
	err = check_tls_files(opts->tls_dir);
	if (err)
		return err;
	bind_url(sip, url, sizeof(url), "sips", opts->tls_port);
	err = lf_tls_clients_new(&sip->clients);
	if (err)
		return err;
	errno = 0;
	lf_tls_clients_begin(sip->clients);
	err = nta_agent_add_tport(
		sip->agent, lf_sip_url(url), TPTAG_CERTIFICATE(opts->tls_dir),
		TPTAG_TLS_VERIFY_POLICY(TPTLS_VERIFY_OUT),
		TPTAG_QUEUESIZE(SEND_QUEUE), TPTAG_PONG2PING(1),
		TPTAG_SDWN_ERROR(1), TPTAG_IDLE(IDLE_MS),
		TPTAG_TIMEOUT(PARTIAL_MS), TAG_END());
	lf_tls_clients_end(sip->clients, err >= 0);
	return err < 0 ? open_error(sip, "TLS", opts->tls_port) : 0;
}

/* ---- life ---- */

static void sip_free(struct lf_sip *sip)
{
	lf_sip_express_free(sip);
	lf_sip_replies_free(sip);
	lf_map_done(&sip->dialogs);
	lf_map_done(&sip->subs);
	if (sip->agent)
		nta_agent_destroy(sip->agent);
	if (sip->loop.root)
		lf_sip_loop_done(&sip->loop);
	lf_tls_clients_free(sip->clients);
	lf_sip_guard_free(sip->guard);
	lf_sip_ring_free(sip->ring);
	lf_cidr_list_done(&sip->trusted);
	free(sip->address);
	free(sip->public_address);
	free(sip->user_agent);
	free(sip);
}

/*
 * What this turn's messages made due is done now, and what was written leaves
 * together: answers first.
 */
static void on_turn(void *arg)
{
	struct lf_sip *sip = arg;

	lf_timers_run(sip->timers);
	lf_sip_replies_flush(sip);
	lf_sip_express_flush(sip);
	if (sip->clients)
		lf_tls_clients_settle(sip->clients);
}

/* The loop's handles are gone: sofia is not on the stack, it may go too. */
static void on_loop_closed(void *arg)
{
	struct lf_sip *sip = arg;
	void (*closed)(void *arg) = sip->closed;
	void *closed_arg = sip->closed_arg;

	sip_free(sip);
	if (closed)
		closed(closed_arg);
}

void lf_sip_close(struct lf_sip *sip, void (*closed)(void *arg), void *arg)
{
	assert(lf_list_is_empty(&sip->trunks));
	assert(lf_list_is_empty(&sip->notifiers));
	sip->closed = closed;
	sip->closed_arg = arg;
	lf_sip_requests_orphan(sip);
	lf_sip_notifiers_free(sip);
	lf_sip_express_close(sip);
	lf_sip_replies_flush(sip);
	lf_sip_loop_close(&sip->loop, on_loop_closed, sip);
}

static bool is_address(const char *text)
{
	struct sockaddr_storage addr;

	if (!lf_net_parse(&addr, text, 0))
		return true;
	lf_log(LF_ERROR, "sip", "%s is no IP address", text);
	return false;
}

static int copy_opts(struct lf_sip *sip, const struct lf_sip_opts *opts)
{
	unsigned ms = opts->timeout_ms ? opts->timeout_ms : DEFAULT_TIMEOUT_MS;

	if (!is_address(opts->address) ||
	    (opts->public_address && !is_address(opts->public_address)) ||
	    ms < MIN_TIMEOUT_MS || ms > MAX_TIMEOUT_MS)
		return -EINVAL;
	sip->timeout_ms = ms;
	sip->max_message =
		opts->max_message ? opts->max_message : DEFAULT_MAX_MESSAGE;
	sip->address = strdup(opts->address);
	sip->user_agent = strdup(opts->user_agent ? opts->user_agent
						  : "lampfield/" VERSION);
	if (opts->public_address)
		sip->public_address = strdup(opts->public_address);
	if (!sip->address || !sip->user_agent ||
	    (opts->public_address && !sip->public_address))
		return -ENOMEM;
	return lf_cidr_list_parse(&sip->trusted, opts->trusted);
}

int lf_sip_new(struct lf_sip **ret, struct lf_timers *timers,
	       const struct lf_sip_opts *opts)
{
	struct lf_sip *sip = calloc(1, sizeof(*sip));
	int err = -ENOMEM;

	if (!sip)
		return err;
	sip->timers = timers;
	lf_list_init(&sip->trunks);
	lf_list_init(&sip->notifiers);
	lf_list_init(&sip->requests);
	lf_list_init(&sip->leaving);
	lf_random(sip->tag_key, sizeof(sip->tag_key));
	snprintf(sip->allow, sizeof(sip->allow), "Allow: OPTIONS, NOTIFY\r\n");

	err = copy_opts(sip, opts);
	if (!err && opts->trace_bytes)
		err = lf_sip_ring_new(&sip->ring, opts->trace_bytes);
	if (err)
		goto fail;
	err = lf_sip_loop_open(&sip->loop, lf_timers_loop(timers), on_turn,
			       sip);
	if (err)
		goto fail;
	err = open_agent(sip, opts);
	if (!err)
		err = open_tls(sip, opts);
	if (!err && opts->has_express_lane)
		err = lf_sip_express_open(sip);
	if (!err) {
		note_ports(sip);
		err = lf_sip_replies_open(sip);
	}
	if (err) {
		lf_sip_loop_close(&sip->loop, on_loop_closed, sip);
		return err;
	}
	*ret = sip;
	return 0;
fail:
	sip_free(sip);
	return err;
}

uint16_t lf_sip_port(const struct lf_sip *sip, enum lf_sip_transport transport)
{
	return sip->ports[transport];
}

void lf_sip_stats(const struct lf_sip *sip, struct lf_sip_stats *out)
{
	uint32_t bad = 0;

	*out = sip->stats;
	nta_agent_get_stats(sip->agent, NTATAG_S_BAD_MESSAGE_REF(bad),
			    TAG_END());
	out->malformed = bad;
	lf_sip_trunks_load(sip, &out->in_flight, &out->queued);
}
