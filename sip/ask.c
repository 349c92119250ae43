/*
 * sip/ask.c - requests to a trunk's peer: pacing, digest, the final answer.
 *
 *     queue --(in_flight < max, peer alive)--> sent --401/407--> sent again
 *                                               \--final, 408--> done()
 *
 * Thousands of requests at once make sofia's retransmission list slow and a
 * PBX slower, so all but max_in_flight wait here, first come first served.
 */
#include "sip/ask.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <sofia-sip/msg_header.h>
#include <sofia-sip/su_tag_io.h>

#include "sip/peer.h"

#include "core/banned.h"

#define MAX_TRIES 3 /* the first, a challenge, a stale nonce */

struct lf_sip_ask {
	struct lf_list node; /* in the trunk's queue or sent */
	struct lf_sip_trunk *trunk;
	const struct lf_sip_ask_ops *ops;
	void *arg;
	nta_outgoing_t *orq; /* NULL: not sent */
	unsigned char tries;
	bool is_sent, is_forgotten;
	bool is_answering; /* a challenge that was just received */
};

static int on_answer(void *magic, nta_outgoing_t *orq, const sip_t *answer);

static struct lf_sip_ask *ask_of(struct lf_list *node)
{
	return LF_CONTAINER_OF(node, struct lf_sip_ask, node);
}

bool lf_sip_ask_is_sent(const struct lf_sip_ask *ask)
{
	return ask->is_sent;
}

/* ---- sending ---- */

static int add_credentials(struct lf_sip_ask *ask, msg_t *msg, sip_t *sip)
{
	struct lf_sip_trunk *trunk = ask->trunk;
	char header[LF_DIGEST_HEADER_SIZE], uri[LF_SIP_URI_MAX];
	int err;

	if (trunk->has_rejected && !ask->is_answering)
		return 0;
	if (url_e(uri, sizeof(uri), sip->sip_request->rq_url) >=
	    (issize_t)sizeof(uri))
		return -EINVAL;
	err = lf_digest_client_header(&trunk->digest, trunk->auth_id,
				      ask->ops->method_name, uri, header);
	if (err == -ENOENT)
		return 0;
	if (!err && msg_header_add_str(msg, (msg_pub_t *)sip, header) < 0)
		err = -ENOMEM;
	return err;
}

static int compose(struct lf_sip_ask *ask, msg_t *msg, sip_t *sip)
{
	int err = ask->ops->build(ask->arg, msg, sip);

	if (err)
		return err;
	if (sip_add_tl(msg, sip,
		       SIPTAG_USER_AGENT_STR(ask->trunk->sip->user_agent),
		       TAG_END()) < 0 ||
	    sip_complete_message(msg) < 0)
		return -EINVAL;
	return add_credentials(ask, msg, sip);
}

static int transmit(struct lf_sip_ask *ask)
{
	struct lf_sip_trunk *trunk = ask->trunk;
	nta_agent_t *agent = trunk->sip->agent;
	msg_t *msg = nta_msg_create(agent, 0);
	int err;

	if (!msg)
		return -ENOMEM;
	err = compose(ask, msg, sip_object(msg));
	if (err) {
		msg_destroy(msg);
		return err;
	}
	ask->orq =
		nta_outgoing_mcreate(agent, on_answer, ask,
				     lf_sip_url(trunk->route), msg, TAG_END());
	if (!ask->orq)
		return -EIO;
	ask->tries++;
	trunk->stats.sent++;
	trunk->sip->stats.requests_out++;
	lf_sip_trace_request_out(trunk->sip, ask->orq);
	return 0;
}

static void enter_flight(struct lf_sip_ask *ask)
{
	struct lf_sip_trunk_stats *stats = &ask->trunk->stats;

	lf_list_del(&ask->node);
	lf_list_add_tail(&ask->trunk->sent, &ask->node);
	ask->is_sent = true;
	if (ask->ops->is_urgent)
		return; /* a probe is not part of the load */
	stats->queued--;
	stats->in_flight++;
	if (stats->in_flight > stats->max_in_flight_seen)
		stats->max_in_flight_seen = stats->in_flight;
}

/* ---- the end of one ---- */

/*
 * The ask leaves all lists before anybody is told: done() may free the
 * subscription and even the trunk.
 */
static void finish(struct lf_sip_ask *ask, int status, const sip_t *answer)
{
	struct lf_sip_trunk *trunk = ask->trunk;
	nta_outgoing_t *orq = ask->orq;

	lf_list_del(&ask->node);
	if (!ask->ops->is_urgent)
		trunk->stats.in_flight--;
	lf_sip_asks_pump(trunk);
	if (!ask->is_forgotten)
		ask->ops->done(ask->arg, status, answer);
	if (orq)
		nta_outgoing_destroy(orq);
	free(ask);
}

/* ---- digest ---- */

/* RFC 8760, 2.4: the first challenge we understand is the peer's favourite. */
static int pick_challenge(struct lf_digest *ret, const msg_auth_t *auth)
{
	int err = -ENOENT;

	for (; auth && err; auth = auth->au_next)
		err = lf_digest_parse(ret, auth->au_scheme, auth->au_params);
	return err;
}

/* The password was wrong if a fresh nonce was answered in vain. */
static bool may_answer(const struct lf_sip_ask *ask, const struct lf_digest *d)
{
	if (ask->tries >= MAX_TRIES || ask->is_forgotten)
		return false;
	return !ask->is_answering || d->is_stale;
}

static int answer_challenge(struct lf_sip_ask *ask, int status,
			    const sip_t *answer)
{
	struct lf_sip_trunk *trunk = ask->trunk;
	bool is_proxy = status == 407;
	nta_outgoing_t *old = ask->orq;
	struct lf_digest d;
	int err;

	trunk->has_challenged = true;
	if (!trunk->password)
		return -EACCES;
	err = pick_challenge(&d, is_proxy ? answer->sip_proxy_authenticate
					  : answer->sip_www_authenticate);
	if (err)
		return err;
	if (!may_answer(ask, &d) ||
	    (trunk->has_rejected && !ask->ops->is_urgent)) {
		trunk->has_rejected = trunk->has_rejected || ask->is_answering;
		return -EACCES;
	}
	err = lf_digest_client_take(&trunk->digest, &d, is_proxy,
				    trunk->auth_id, trunk->password);
	if (err)
		return err;
	ask->is_answering = true;
	err = transmit(ask);
	if (err)
		ask->orq = old; /* finish() destroys it */
	else
		nta_outgoing_destroy(old);
	return err;
}

static int on_answer(void *magic, nta_outgoing_t *orq, const sip_t *answer)
{
	struct lf_sip_ask *ask = magic;
	struct lf_sip_trunk *trunk = ask->trunk;
	int status = nta_outgoing_status(orq);

	if (status < 200 || trunk->sip->loop.is_closing)
		return 0;
	if (answer && nta_sip_is_internal(answer))
		answer = NULL;
	if (answer) {
		lf_sip_trace_response_in(trunk->sip, orq);
		if (lf_sip_peer_check_name(trunk, orq)) {
			answer = NULL;
			status = 503;
		}
	}
	if (answer && (status == 401 || status == 407)) {
		if (answer_challenge(ask, status, answer) == 0)
			return 0;
	} else if (answer && ask->is_answering) {
		trunk->has_accepted = true;
		trunk->has_rejected = false;
	}
	lf_sip_peer_answered(trunk, orq, status, answer);
	finish(ask, status, answer);
	return 0;
}

/* ---- the queue ---- */

/*
 * What cannot even be sent is told from the loop, never from inside the call
 * that asked.
 */
static void on_kick(struct lf_timer *timer, void *arg)
{
	struct lf_sip_trunk *trunk = arg;

	LF_LIST_FOREACH (node, &trunk->sent) {
		struct lf_sip_ask *ask = ask_of(node);

		if (ask->orq)
			continue;
		/* One a turn: done() may free the trunk. */
		lf_timer_start(trunk->sip->timers, timer, 0);
		finish(ask, 503, NULL);
		return;
	}
}

void lf_sip_asks_init(struct lf_sip_trunk *trunk)
{
	lf_list_init(&trunk->queue);
	lf_list_init(&trunk->sent);
	lf_timer_init(&trunk->kick_timer, on_kick, trunk);
}

static void send_or_fail(struct lf_sip_ask *ask)
{
	struct lf_sip_trunk *trunk = ask->trunk;
	int err;

	enter_flight(ask);
	err = transmit(ask);
	if (!err)
		return;
	lf_log(LF_WARN, "sip", "trunk %s: cannot send %s: %s", trunk->name,
	       ask->ops->method_name, strerror(-err));
	lf_timer_start(trunk->sip->timers, &trunk->kick_timer, 0);
}

void lf_sip_asks_pump(struct lf_sip_trunk *trunk)
{
	while (lf_sip_peer_may_send(trunk) &&
	       trunk->stats.in_flight < trunk->max_in_flight &&
	       !lf_list_is_empty(&trunk->queue))
		send_or_fail(ask_of(trunk->queue.next));
}

int lf_sip_ask(struct lf_sip_ask **ret, struct lf_sip_trunk *trunk,
	       const struct lf_sip_ask_ops *ops, void *arg)
{
	struct lf_sip_ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		return -ENOMEM;
	ask->trunk = trunk;
	ask->ops = ops;
	ask->arg = arg;
	lf_list_init(&ask->node);
	*ret = ask;
	if (ops->is_urgent) {
		send_or_fail(ask);
		return 0;
	}
	lf_list_add_tail(&trunk->queue, &ask->node);
	trunk->stats.queued++;
	lf_sip_asks_pump(trunk);
	return 0;
}

void lf_sip_ask_forget(struct lf_sip_ask *ask)
{
	if (!ask)
		return;
	ask->is_forgotten = true;
	if (ask->is_sent)
		return;
	lf_list_del(&ask->node);
	ask->trunk->stats.queued--;
	free(ask);
}

static void free_list(struct lf_list *head)
{
	LF_LIST_FOREACH_SAFE (node, head) {
		struct lf_sip_ask *ask = ask_of(node);

		lf_list_del(&ask->node);
		if (ask->orq)
			nta_outgoing_destroy(ask->orq);
		free(ask);
	}
}

void lf_sip_asks_free(struct lf_sip_trunk *trunk)
{
	lf_timer_stop(trunk->sip->timers, &trunk->kick_timer);
	free_list(&trunk->queue);
	free_list(&trunk->sent);
}
