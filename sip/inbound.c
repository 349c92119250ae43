/*
 * sip/inbound.c - decides about every request that belongs to no dialog of
 * ours. Called by sofia for what no leg or transaction claims.
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
#include "sip/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "core/text.h"
#include "core/tls_clients.h"
#include "sip/guard.h"
#include "sip/lane.h"

#include "core/banned.h"

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
static void refuse_with(struct lf_sip *sip, msg_t *msg,
			const struct lf_sip_answer *answer)
{
	if (sip_object(msg)->sip_request->rq_method == sip_method_ack)
		nta_msg_discard(sip->agent, msg);
	else
		lf_sip_reply_plain(sip, msg, answer);
}

static void refuse(struct lf_sip *sip, msg_t *msg, int status,
		   const char *phrase, const char *lines)
{
	refuse_with(sip, msg,
		    &(const struct lf_sip_answer){.status = status,
						  .phrase = phrase,
						  .lines = lines});
}

static void refuse_untraced(struct lf_sip *sip, msg_t *msg, int status,
			    const char *phrase, const char *lines)
{
	refuse_with(sip, msg,
		    &(const struct lf_sip_answer){.status = status,
						  .phrase = phrase,
						  .lines = lines,
						  .is_strangers = true});
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
	refuse_untraced(sip, msg, SIP_403_FORBIDDEN, NULL);
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
	refuse_untraced(sip, msg, SIP_401_UNAUTHORIZED, challenge);
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

static void answer_options(struct lf_sip *sip, msg_t *msg)
{
	char lines[sizeof(sip->allow) + sizeof(sip->options)];

	snprintf(lines, sizeof(lines), "%s%s", sip->allow, sip->options);
	refuse(sip, msg, SIP_200_OK, lines);
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

	/* Not before: strangers must not push a peer's messages out. */
	lf_sip_trace_msg(sip, false, msg,
			 tport_delivered_by(nta_agent_tports(sip->agent), msg));
	if (!is_known_scheme(request->sip_request->rq_url))
		refuse(sip, msg, SIP_416_UNSUPPORTED_URI, NULL);
	else if (request->sip_request->rq_method == sip_method_options)
		answer_options(sip, msg);
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
		refuse(sip, msg, SIP_405_METHOD_NOT_ALLOWED, sip->allow);
}

static bool has_trusted_certificate(const struct lf_sip *sip, msg_t *msg)
{
	const tport_t *tport =
		tport_delivered_by(nta_agent_tports(sip->agent), msg);

	return sip->clients && lf_sip_transport_of(tport) == LF_SIP_TLS &&
	       lf_tls_clients_name(sip->clients, &msg_addr(msg)->su_sa);
}

/* Sofia's callback for every message that no leg or transaction claims. */
int lf_sip_on_message(struct lf_sip *sip, nta_agent_t *agent, msg_t *msg,
		      sip_t *parsed)
{
	struct lf_sip_trunk *trunk;
	char user[64];

	if (!sip->loop.is_closing && parsed && parsed->sip_status &&
	    parsed->sip_via)
		lf_sip_express_stray(sip, parsed->sip_status->st_status,
				     parsed->sip_via->v_branch);
	if (sip->loop.is_closing || !parsed || !parsed->sip_request) {
		nta_msg_discard(agent, msg);
		return 0;
	}
	sip->stats.requests_in++;
	/* First: a PBX notifies from any of its nodes, the dialog counts. */
	if (lf_sip_notified(sip, msg, parsed))
		return 0;
	trunk = lf_sip_trunk_at(sip, &msg_addr(msg)->su_sa);
	if (trunk) {
		lf_sip_trunk_heard(trunk);
		dispatch(sip, msg, NULL);
	} else if (lf_cidr_list_has(&sip->trusted, &msg_addr(msg)->su_sa) ||
		   has_trusted_certificate(sip, msg)) {
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
	sip->allow[strlen(sip->allow) - strlen("\r\n")] = '\0';
	snprintf(sip->allow + strlen(sip->allow),
		 sizeof(sip->allow) - strlen(sip->allow), ", %s\r\n", method);
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

int lf_sip_tell_options(struct lf_sip *sip, const struct lf_sip_header *extra)
{
	size_t at = 0;
	int len;

	for (; extra->name; extra++) {
		len = snprintf(sip->options + at, sizeof(sip->options) - at,
			       "%s: %s\r\n", extra->name, extra->value);
		if (len < 0 || (size_t)len >= sizeof(sip->options) - at) {
			sip->options[at] = '\0';
			return -E2BIG;
		}
		at += (size_t)len;
	}
	return 0;
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

int lf_sip_set_trusted_certificates(struct lf_sip *sip,
				    const char *const *names)
{
	return sip->clients ? lf_tls_clients_trust(sip->clients, names) : 0;
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
