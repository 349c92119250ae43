/*
 * tests/fake_sip.c - sip/trunk.h and sip/subscribe.h without a network; see
 * tests/fake_sip.h. It keeps what the headers promise and asserts what they
 * demand, so that a test against it is a test against the contract.
 */
#include "tests/fake_sip.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/list.h"

#include "core/banned.h"

struct lf_sip_trunk {
	struct lf_list node;
	char *name, *why, *host;
	uint16_t port;
	enum lf_sip_trunk_state state;
	lf_sip_trunk_fn *on_state;
	void *arg;
	struct lf_sip_trunk_stats stats;
	unsigned subs;
	bool has_credentials;
};

struct lf_sip_sub {
	struct lf_list node;
	struct lf_sip_trunk *trunk;
	const struct lf_sip_sub_ops *ops;
	void *arg;
	char *uri, *event, *accept;
	char call_id[32];
	bool is_list, has_dialog, is_waiting;
	uint32_t expires_s, cseq, notify_cseq;
	unsigned asked;
};

static struct lf_list subs = {&subs, &subs};
static struct lf_list trunks = {&trunks, &trunks};
static struct lf_sip_sub *last;
static struct fake_sip_counts counts;
static size_t trunk_count;
static unsigned call_ids;
static int fail_next;

static int take_failure(void)
{
	int err = fail_next;

	fail_next = 0;
	return err;
}

static struct lf_sip_sub *sub_of(struct lf_list *node)
{
	return LF_CONTAINER_OF(node, struct lf_sip_sub, node);
}

void fake_sip_reset(void)
{
	memset(&counts, 0, sizeof(counts));
	fail_next = 0;
}

void fake_sip_fail_next(int err)
{
	fail_next = err;
}

struct fake_sip_counts fake_sip_counts(void)
{
	return counts;
}

size_t fake_sip_count(void)
{
	size_t n = 0;

	LF_LIST_FOREACH (node, &subs)
		n++;
	return n;
}

struct lf_sip_sub *fake_sip_at(size_t i)
{
	LF_LIST_FOREACH (node, &subs)
		if (i-- == 0)
			return sub_of(node);
	return NULL;
}

struct lf_sip_sub *fake_sip_find(const char *uri, const char *event)
{
	struct lf_sip_sub *found = NULL;

	LF_LIST_FOREACH (node, &subs) {
		struct lf_sip_sub *sub = sub_of(node);

		if ((!uri || !strcmp(sub->uri, uri)) &&
		    (!event || !strcmp(sub->event, event)))
			found = sub;
	}
	return found;
}

struct lf_sip_sub *fake_sip_last(void)
{
	return last;
}

const char *fake_sip_uri(const struct lf_sip_sub *sub)
{
	return sub->uri;
}

const char *fake_sip_event(const struct lf_sip_sub *sub)
{
	return sub->event;
}

const char *fake_sip_accept(const struct lf_sip_sub *sub)
{
	return sub->accept;
}

bool fake_sip_is_list(const struct lf_sip_sub *sub)
{
	return sub->is_list;
}

struct lf_sip_trunk *fake_sip_trunk_of(const struct lf_sip_sub *sub)
{
	return sub->trunk;
}

uint32_t fake_sip_expires(const struct lf_sip_sub *sub)
{
	return sub->expires_s;
}

unsigned fake_sip_asked(const struct lf_sip_sub *sub)
{
	return sub->asked;
}

/* ---- the peer speaks ---- */

void fake_sip_respond_with(struct lf_sip_sub *sub,
			   const struct lf_sip_response *response)
{
	assert(sub->is_waiting);
	assert(response->status >= 200 && response->status < 700);
	sub->is_waiting = false;
	sub->trunk->stats.in_flight--;
	sub->trunk->stats.answered++;
	if (response->status < 300)
		sub->has_dialog = sub->expires_s > 0;
	if (response->status == 481)
		sub->has_dialog = false;
	sub->ops->on_response(sub, response, sub->arg);
}

void fake_sip_respond(struct lf_sip_sub *sub, int status, uint32_t expires_s)
{
	const struct lf_sip_response response = {
		.status = status,
		.phrase = status < 300 ? "OK" : "Refused by the fake",
		.expires_s = expires_s,
		.min_expires_s = LF_SIP_ABSENT,
		.retry_after_s = LF_SIP_ABSENT,
	};

	fake_sip_respond_with(sub, &response);
}

void fake_sip_notify_with(struct lf_sip_sub *sub,
			  const struct lf_sip_notify *notify)
{
	struct lf_sip_notify copy = *notify;

	assert(sub->is_waiting || sub->has_dialog || sub->asked > 0);
	if (copy.cseq == 0)
		copy.cseq = sub->notify_cseq + 1;
	assert(copy.cseq > sub->notify_cseq);
	sub->notify_cseq = copy.cseq;
	if (!copy.content_type)
		copy.content_type = "";
	if (!copy.body)
		copy.body = "";
	sub->has_dialog = copy.state != LF_SUB_TERMINATED;
	sub->ops->on_notify(sub, &copy, sub->arg);
}

void fake_sip_notify(struct lf_sip_sub *sub, const char *content_type,
		     const char *body)
{
	const struct lf_sip_notify notify = {
		.state = LF_SUB_ACTIVE,
		.expires_s = sub->expires_s,
		.retry_after_s = LF_SIP_ABSENT,
		.content_type = content_type,
		.body = body,
		.len = body ? strlen(body) : 0,
	};

	fake_sip_notify_with(sub, &notify);
}

void fake_sip_terminate(struct lf_sip_sub *sub, enum lf_sip_reason reason,
			uint32_t retry_after_s)
{
	const struct lf_sip_notify notify = {
		.state = LF_SUB_TERMINATED,
		.reason = reason,
		.expires_s = LF_SIP_ABSENT,
		.retry_after_s = retry_after_s,
	};

	fake_sip_notify_with(sub, &notify);
}

void fake_sip_trunk_set(struct lf_sip_trunk *trunk,
			enum lf_sip_trunk_state state, const char *why)
{
	char *copy = strdup(why);

	if (copy) {
		free(trunk->why);
		trunk->why = copy;
	}
	if (trunk->state == state)
		return;
	trunk->state = state;
	if (trunk->on_state)
		trunk->on_state(trunk, state, trunk->why, trunk->arg);
}

void fake_sip_trunk_set_credentials(struct lf_sip_trunk *trunk, bool has)
{
	trunk->has_credentials = has;
}

size_t fake_sip_trunks(void)
{
	return trunk_count;
}

struct lf_sip_trunk *fake_sip_trunk_at(size_t i)
{
	LF_LIST_FOREACH (node, &trunks)
		if (i-- == 0)
			return LF_CONTAINER_OF(node, struct lf_sip_trunk, node);
	return NULL;
}

const char *fake_sip_trunk_host(const struct lf_sip_trunk *trunk)
{
	return trunk->host;
}

uint16_t fake_sip_trunk_port(const struct lf_sip_trunk *trunk)
{
	return trunk->port;
}

/* ---- sip/sip.h ---- */

static const char *const transports[] = {"udp", "tcp", "tls"};

const char *lf_sip_transport_name(enum lf_sip_transport transport)
{
	return transports[transport];
}

int lf_sip_transport_parse(enum lf_sip_transport *ret, const char *word)
{
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(word, transports[i]))
			*ret = (enum lf_sip_transport)i;
	return 0;
}

/* ---- sip/trunk.h ---- */

int lf_sip_trunk_new(struct lf_sip_trunk **ret, struct lf_sip *sip,
		     const struct lf_sip_trunk_opts *opts,
		     lf_sip_trunk_fn *on_state, void *arg)
{
	struct lf_sip_trunk *trunk = calloc(1, sizeof(*trunk));

	if (!trunk)
		return -ENOMEM;
	trunk->name = strdup(opts->name ? opts->name : "trunk");
	trunk->why = strdup("nothing heard yet");
	trunk->host = strdup(opts->host ? opts->host : "");
	trunk->port = opts->port;
	if (!trunk->name || !trunk->why || !trunk->host)
		goto fail;
	lf_list_add_tail(&trunks, &trunk->node);
	trunk->on_state = on_state;
	trunk->arg = arg;
	trunk_count++;
	*ret = trunk;
	return 0;
fail:
	free(trunk->host);
	free(trunk->name);
	free(trunk->why);
	free(trunk);
	return -ENOMEM;
}

void lf_sip_trunk_free(struct lf_sip_trunk *trunk)
{
	if (!trunk)
		return;
	assert(trunk->subs == 0);
	trunk_count--;
	lf_list_del(&trunk->node);
	free(trunk->host);
	free(trunk->name);
	free(trunk->why);
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
	return "sip:192.0.2.1:5060;transport=udp";
}

int lf_sip_trunk_has_credentials(const struct lf_sip_trunk *trunk)
{
	return trunk->has_credentials;
}

void lf_sip_trunk_stats(const struct lf_sip_trunk *trunk,
			struct lf_sip_trunk_stats *out)
{
	*out = trunk->stats;
}

/* ---- sip/subscribe.h ---- */

static void sub_destroy(struct lf_sip_sub *sub)
{
	if (last == sub)
		last = NULL;
	if (sub->is_waiting)
		sub->trunk->stats.in_flight--;
	lf_list_del(&sub->node);
	sub->trunk->subs--;
	free(sub->uri);
	free(sub->event);
	free(sub->accept);
	free(sub);
}

static void sub_name_call(struct lf_sip_sub *sub)
{
	snprintf(sub->call_id, sizeof(sub->call_id), "fake-%u", ++call_ids);
}

static int sub_restore(struct lf_sip_sub *sub, const char *saved)
{
	unsigned cseq, notify_cseq;
	char call_id[32];

	if (sscanf(saved, "fake 1 %31s %u %u", call_id, &cseq, &notify_cseq) !=
	    3)
		return -EINVAL;
	memcpy(sub->call_id, call_id, sizeof(call_id));
	sub->cseq = cseq;
	sub->notify_cseq = notify_cseq;
	sub->has_dialog = true;
	return 0;
}

int lf_sip_sub_new(struct lf_sip_sub **ret, struct lf_sip_trunk *trunk,
		   const struct lf_sip_sub_opts *opts,
		   const struct lf_sip_sub_ops *ops, void *arg)
{
	struct lf_sip_sub *sub;
	int err = take_failure();

	if (err)
		return err;
	if (strncmp(opts->uri, "sip:", 4) && strncmp(opts->uri, "sips:", 5))
		return -EINVAL;
	sub = calloc(1, sizeof(*sub));
	if (!sub)
		return -ENOMEM;
	lf_list_add_tail(&subs, &sub->node);
	sub->trunk = trunk;
	sub->ops = ops;
	sub->arg = arg;
	sub->is_list = opts->is_list;
	trunk->subs++;
	sub_name_call(sub);

	err = -ENOMEM;
	sub->uri = strdup(opts->uri);
	sub->event = strdup(opts->event);
	sub->accept = strdup(opts->accept ? opts->accept : "");
	if (!sub->uri || !sub->event || !sub->accept)
		goto fail;
	err = opts->saved ? sub_restore(sub, opts->saved) : 0;
	if (err)
		goto fail;
	*ret = sub;
	return 0;
fail:
	sub_destroy(sub);
	return err;
}

int lf_sip_subscribe(struct lf_sip_sub *sub, uint32_t expires_s)
{
	int err;

	if (sub->is_waiting)
		return -EALREADY;
	err = take_failure();
	if (err)
		return err;
	sub->is_waiting = true;
	sub->expires_s = expires_s;
	sub->cseq++;
	sub->asked++;
	sub->trunk->stats.sent++;
	sub->trunk->stats.in_flight++;
	counts.subscribes++;
	counts.initial += !sub->has_dialog;
	counts.unsubscribes += expires_s == 0;
	last = sub;
	return 0;
}

bool lf_sip_sub_has_dialog(const struct lf_sip_sub *sub)
{
	return sub->has_dialog;
}

bool lf_sip_sub_is_waiting(const struct lf_sip_sub *sub)
{
	return sub->is_waiting;
}

void lf_sip_sub_reset(struct lf_sip_sub *sub)
{
	if (sub->is_waiting)
		sub->trunk->stats.in_flight--;
	sub->has_dialog = sub->is_waiting = false;
	sub->notify_cseq = 0;
	sub_name_call(sub);
	counts.resets++;
}

int lf_sip_sub_save(const struct lf_sip_sub *sub, uint32_t cseq_ahead,
		    struct lf_buf *out)
{
	if (!sub->has_dialog)
		return -ENOENT;
	lf_buf_addf(out, "fake 1 %s %u %u", sub->call_id,
		    sub->cseq + cseq_ahead, sub->notify_cseq);
	return lf_buf_error(out);
}

uint32_t lf_sip_sub_cseq(const struct lf_sip_sub *sub)
{
	return sub->cseq;
}

void lf_sip_sub_free(struct lf_sip_sub *sub)
{
	if (!sub)
		return;
	counts.freed++;
	counts.unsubscribes += sub->has_dialog;
	sub_destroy(sub);
}

void lf_sip_sub_leave(struct lf_sip_sub *sub)
{
	if (!sub)
		return;
	counts.left++;
	sub_destroy(sub);
}

const char *lf_sip_sub_call_id(const struct lf_sip_sub *sub)
{
	return sub->call_id;
}
