/*
 * sip/sip.c - the endpoint: opens the agent, and decides about every request
 * that belongs to no dialog of ours.
 *
 *     stranger         one stateless 403, or a digest challenge if a user of
 *                      ours may ask such a thing
 *     in no dialog     481
 *     OPTIONS          200
 *     no handler       405
 *     else             the handler, with a transaction of its own
 *
 * Everything before the handler is answered without a transaction, so what
 * strangers send costs a parse and a datagram, and no memory.
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
#include "sip/guard.h"
#include "sip/internal.h"
#include "sip/lane.h"

#include "core/banned.h"

#define DEFAULT_TIMEOUT_MS 8000
#define MIN_TIMEOUT_MS 4000
#define MAX_TIMEOUT_MS 64000
#define DEFAULT_MAX_MESSAGE (256 * 1024)
#define UDP_BUFFER (16 << 20) /* measured: the default lost 18 of 15000 */
#define SEND_QUEUE 1000       /* messages on one connection */
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

/* ---- requests outside a dialog ---- */

static struct lf_sip_handler *find_handler(struct lf_sip *sip,
					   const char *method)
{
	for (size_t i = 0; i < sip->handler_count; i++)
		if (!strcmp(sip->handlers[i].method, method))
			return &sip->handlers[i];
	return NULL;
}

bool lf_sip_is_too_large(const struct lf_sip *sip, const sip_t *request)
{
	return request->sip_payload &&
	       request->sip_payload->pl_len > sip->max_message;
}

/* Answers without a transaction; the message is gone afterwards. */
static void refuse(struct lf_sip *sip, msg_t *msg, int status,
		   const char *phrase, const char *headers)
{
	const sip_t *request = sip_object(msg);

	if (request->sip_request->rq_method == sip_method_ack)
		nta_msg_discard(sip->agent, msg);
	else
		nta_msg_treply(sip->agent, msg, status, phrase,
			       TAG_IF(headers, SIPTAG_HEADER_STR(headers)),
			       SIPTAG_SERVER_STR(sip->user_agent), TAG_END());
}

static void log_stranger(struct lf_sip *sip, msg_t *msg, const char *why)
{
	struct lf_sip_source source;

	if (!lf_log_allow(&sip->log_limit, LF_SIP_LOG_BURST))
		return;
	lf_sip_source_of(sip, msg, &source);
	lf_log(LF_NOTICE, "sip", "%.32s from %s port %u (%s) refused: %s",
	       sip_object(msg)->sip_request->rq_method_name, source.address,
	       source.port, lf_sip_transport_name(source.transport), why);
}

static void refuse_stranger(struct lf_sip *sip, msg_t *msg)
{
	sip->stats.strangers++;
	log_stranger(sip, msg, "no trunk allows it");
	refuse(sip, msg, SIP_403_FORBIDDEN, NULL);
}

/* Whether a user of ours, with a password, may ask this. */
static bool is_for_users(struct lf_sip *sip, const sip_t *request)
{
	return sip->guard &&
	       (request->sip_request->rq_method == sip_method_options ||
		find_handler(sip, request->sip_request->rq_method_name));
}

/* Digest for those who come from no trunk. True: `user` is who it is. */
static bool authenticate(struct lf_sip *sip, msg_t *msg, char *user,
			 size_t size)
{
	char challenge[LF_GUARD_CHALLENGE_SIZE];
	int err;

	err = lf_sip_guard_check(sip->guard, sip_object(msg), user, size);
	if (err == 0)
		return true;
	sip->stats.challenged++;
	if (err != -ENOENT) {
		sip->stats.auth_failed++;
		log_stranger(sip, msg, "wrong user, password or nonce");
	}
	lf_sip_guard_challenge(sip->guard, err == -ESTALE, challenge);
	refuse(sip, msg, SIP_401_UNAUTHORIZED, challenge);
	return false;
}

/* A request with a transaction of its own; NULL: it was answered with 500. */
static struct lf_sip_request *open_request(struct lf_sip *sip, msg_t *msg,
					   const char *user)
{
	struct lf_sip_request *req;
	nta_incoming_t *irq = nta_incoming_create(sip->agent, NULL, msg,
						  sip_object(msg), TAG_END());

	if (!irq)
		return NULL;
	if (lf_sip_request_new(&req, sip, irq, user)) {
		nta_incoming_treply(irq, SIP_500_INTERNAL_SERVER_ERROR,
				    TAG_END());
		nta_incoming_destroy(irq);
		return NULL;
	}
	return req;
}

typedef void use_fn(struct lf_sip_request *req, void *what);

/*
 * Who can answer the same request twice needs no transaction, which would
 * stay for half a minute. After a digest one is needed: the nonce count of a
 * copy would be a replay.
 */
static void hand_over(struct lf_sip *sip, msg_t *msg, const char *user,
		      bool is_repeatable, use_fn *use, void *what)
{
	struct lf_sip_request *req;

	if (!is_repeatable || user) {
		req = open_request(sip, msg, user);
		if (req)
			use(req, what);
		return;
	}
	if (lf_sip_request_plain(&req, sip, msg)) {
		refuse(sip, msg, SIP_500_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	use(req, what);
	if (sip->open)
		lf_sip_request_settle(sip->open);
}

static void use_handler(struct lf_sip_request *req, void *what)
{
	const struct lf_sip_handler *handler = what;

	handler->fn(req, handler->arg);
}

static void use_watcher(struct lf_sip_request *req, void *what)
{
	lf_sip_notifier_request(what, req);
}

static bool is_known_scheme(const url_t *url)
{
	return url->url_type == url_sip || url->url_type == url_sips ||
	       url->url_type == url_tel;
}

static void dispatch(struct lf_sip *sip, msg_t *msg, const char *user)
{
	const sip_t *request = sip_object(msg);
	const char *method = request->sip_request->rq_method_name;
	struct lf_sip_handler *handler = find_handler(sip, method);
	struct lf_sip_notifier *n;
	char allow[160];

	/* Not before: strangers must not push a peer's messages out. */
	lf_sip_trace_msg(sip, false, msg,
			 tport_delivered_by(nta_agent_tports(sip->agent), msg));
	snprintf(allow, sizeof(allow), "Allow: %s", sip->allow);
	if (!is_known_scheme(request->sip_request->rq_url))
		refuse(sip, msg, SIP_416_UNSUPPORTED_URI, NULL);
	else if (request->sip_request->rq_method == sip_method_options)
		refuse(sip, msg, SIP_200_OK, allow);
	else if ((n = lf_sip_notifier_find(sip, request)) != NULL)
		hand_over(sip, msg, user, true, use_watcher, n);
	else if (request->sip_to->a_tag)
		refuse(sip, msg, 481, "Subscription does not exist", NULL);
	else if (lf_sip_is_too_large(sip, request))
		refuse(sip, msg, SIP_413_REQUEST_TOO_LARGE, NULL);
	else if (handler)
		hand_over(sip, msg, user, handler->is_repeatable, use_handler,
			  handler);
	else
		refuse(sip, msg, SIP_405_METHOD_NOT_ALLOWED, allow);
}

/* Sofia's callback for every message that no leg or transaction claims. */
static int on_message(struct lf_sip *sip, nta_agent_t *agent, msg_t *msg,
		      sip_t *parsed)
{
	struct lf_sip_trunk *trunk;
	char user[64];

	if (sip->loop.is_closing || !parsed || !parsed->sip_request) {
		nta_msg_discard(agent, msg);
		return 0;
	}
	sip->stats.requests_in++;
	trunk = lf_sip_trunk_at(sip, &msg_addr(msg)->su_sa);
	if (trunk) {
		lf_sip_trunk_heard(trunk);
		dispatch(sip, msg, NULL);
	} else if (lf_cidr_list_has(&sip->trusted, &msg_addr(msg)->su_sa)) {
		dispatch(sip, msg, NULL);
	} else if (!is_for_users(sip, parsed)) {
		refuse_stranger(sip, msg);
	} else if (authenticate(sip, msg, user, sizeof(user))) {
		dispatch(sip, msg, user);
	}
	return 0;
}

int lf_sip_on_request(struct lf_sip *sip, const char *method,
		      lf_sip_request_fn *fn, void *arg)
{
	struct lf_sip_handler *handler;

	if (find_handler(sip, method))
		return -EEXIST;
	if (sip->handler_count == LF_SIP_HANDLERS)
		return -ENOSPC;
	handler = &sip->handlers[sip->handler_count];
	if (!lf_text_copy(handler->method, sizeof(handler->method), method))
		return -EINVAL;
	handler->fn = fn;
	handler->arg = arg;
	sip->handler_count++;
	snprintf(sip->allow + strlen(sip->allow),
		 sizeof(sip->allow) - strlen(sip->allow), ", %s", method);
	return 0;
}

int lf_sip_on_repeatable(struct lf_sip *sip, const char *method,
			 lf_sip_request_fn *fn, void *arg)
{
	int err = lf_sip_on_request(sip, method, fn, arg);

	if (!err)
		find_handler(sip, method)->is_repeatable = true;
	return err;
}

int lf_sip_set_trusted(struct lf_sip *sip, const char *const *trusted)
{
	struct lf_cidr_list list = {0};
	int err = lf_cidr_list_parse(&list, trusted);

	if (err)
		return err;
	lf_cidr_list_done(&sip->trusted);
	sip->trusted = list;
	return 0;
}

int lf_sip_set_users(struct lf_sip *sip, const char *realm,
		     lf_sip_ha1_fn *lookup, void *arg)
{
	struct lf_sip_guard *guard;
	int err = lf_sip_guard_new(&guard, realm, lookup, arg);

	if (err)
		return err;
	lf_sip_guard_free(sip->guard);
	sip->guard = guard;
	return 0;
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
		sip->loop.root, lf_sip_url(url), on_message, sip, NTATAG_UA(1),
		NTATAG_SIP_T1X64(sip->timeout_ms), NTATAG_UDP_MTU(8000),
		NTATAG_MAXSIZE(cap),
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
	errno = 0;
	if (nta_agent_add_tport(sip->agent, lf_sip_url(url),
				TPTAG_CERTIFICATE(opts->tls_dir),
				TPTAG_TLS_VERIFY_POLICY(TPTLS_VERIFY_OUT),
				TPTAG_QUEUESIZE(SEND_QUEUE), TPTAG_PONG2PING(1),
				TPTAG_SDWN_ERROR(1), TPTAG_IDLE(IDLE_MS),
				TPTAG_TIMEOUT(PARTIAL_MS), TAG_END()) < 0)
		return open_error(sip, "TLS", opts->tls_port);
	return 0;
}

/* ---- life ---- */

static void sip_free(struct lf_sip *sip)
{
	lf_sip_express_free(sip);
	lf_map_done(&sip->dialogs);
	if (sip->agent)
		nta_agent_destroy(sip->agent);
	if (sip->loop.root)
		lf_sip_loop_done(&sip->loop);
	lf_sip_guard_free(sip->guard);
	lf_sip_ring_free(sip->ring);
	lf_cidr_list_done(&sip->trusted);
	free(sip->address);
	free(sip->public_address);
	free(sip->user_agent);
	free(sip);
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
	snprintf(sip->allow, sizeof(sip->allow), "OPTIONS, NOTIFY");

	err = copy_opts(sip, opts);
	if (!err && opts->trace_bytes)
		err = lf_sip_ring_new(&sip->ring, opts->trace_bytes);
	if (err)
		goto fail;
	err = lf_sip_loop_open(&sip->loop, lf_timers_loop(timers));
	if (err)
		goto fail;
	err = open_agent(sip, opts);
	if (!err)
		err = open_tls(sip, opts);
	if (!err && opts->has_express_lane)
		err = lf_sip_express_open(sip);
	if (err) {
		lf_sip_loop_close(&sip->loop, on_loop_closed, sip);
		return err;
	}
	note_ports(sip);
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
