/* tests/sip/pair.c - see tests/sip/pair.h */
#include "tests/sip/pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "sip/digest.h"

#include "core/banned.h"

static void on_state(struct lf_sip_trunk *trunk, enum lf_sip_trunk_state state,
		     const char *why, void *arg)
{
	struct pair *p = arg;

	p->state = state;
	lf_text_copy(p->why, sizeof(p->why), why);
}

static void on_response(struct lf_sip_sub *sub,
			const struct lf_sip_response *response, void *arg)
{
	struct pair *p = arg;

	p->status = response->status;
	p->responses++;
}

static void on_notify(struct lf_sip_sub *sub,
		      const struct lf_sip_notify *notify, void *arg)
{
	struct pair *p = arg;

	p->notify = *notify;
	lf_text_copy_n(p->body, sizeof(p->body), notify->body, notify->len);
	lf_text_copy(p->type, sizeof(p->type), notify->content_type);
	p->notifies++;
}

const struct lf_sip_sub_ops pair_sub_ops = {on_response, on_notify};
const struct lf_sip_sub_opts pair_sub_opts = {
	.uri = "sip:200@pbx.example",
	.event = "presence",
	.accept = "application/pidf+xml",
};

static void on_refresh(struct lf_sip_notifier *n, struct lf_sip_request *req,
		       uint32_t expires_s, void *arg)
{
	struct pair *p = arg;

	p->refreshes++;
	p->refresh_s = expires_s;
	lf_sip_notifier_answer(n, req, 200, "OK", expires_s);
}

static void on_result(struct lf_sip_notifier *n, int status, void *arg)
{
	struct pair *p = arg;

	p->result = status;
	p->results++;
}

static const struct lf_sip_notifier_ops notifier_ops = {on_refresh, on_result};

static void on_subscribe(struct lf_sip_request *req, void *arg)
{
	struct pair *p = arg;
	const struct lf_sip_notify_out hello = {
		.state = LF_SUB_ACTIVE,
		.expires_s = 600,
		.retry_after_s = LF_SIP_ABSENT,
		.content_type = "text/plain",
		.body = p->greeting,
		.len = p->greeting_len,
	};

	p->subscribes++;
	lf_text_copy(p->user, sizeof(p->user),
		     lf_sip_request_user(req) ? lf_sip_request_user(req) : "");
	if (p->is_holding) {
		p->held[p->held_count++] = req;
		return;
	}
	assert_true(p->all_count < 512);
	assert_int_equal(0, lf_sip_notifier_accept(&p->notifier, req, 200, 600,
						   &notifier_ops, p));
	p->all[p->all_count++] = p->notifier;
	if (p->greeting)
		assert_int_equal(0, lf_sip_notifier_send(p->notifier, &hello));
}

static int lookup(const char *user, const char *realm, bool is_sha256,
		  char ret_ha1[65], void *arg)
{
	if (strcmp(user, "lampfield"))
		return -ENOENT;
	lf_digest_ha1(ret_ha1, is_sha256, user, realm, "secret");
	return 0;
}

void pair_open(struct pair *p, const struct pair_opts *opts)
{
	const char *address = opts->address ? opts->address : "127.0.0.1";
	const struct lf_sip_opts sip_opts = {
		.address = address,
		.timeout_ms = 4000,
		.trace_bytes = 1 << 20,
		.tls_dir = opts->tls_dir,
	};
	struct lf_sip_trunk_opts trunk_opts = {
		.name = "pbx",
		.host = address,
		.transport = opts->transport,
		.uri = "lampfield@pbx.example",
		.password = opts->password,
		.probe_ms = 60000,
		.max_in_flight = opts->max_in_flight,
	};

	memset(p, 0, sizeof(*p));
	bench_open(&p->bench);
	p->watcher = bench_sip_opts(&p->bench, &sip_opts);
	p->server = bench_sip_opts(&p->bench, &sip_opts);
	assert_int_equal(
		0, lf_sip_on_request(p->server, "SUBSCRIBE", on_subscribe, p));
	trunk_opts.port = lf_sip_port(p->server, opts->transport);
	assert_int_equal(0, lf_sip_trunk_new(&p->trunk, p->watcher, &trunk_opts,
					     on_state, p));
	if (opts->has_users) {
		assert_int_equal(
			0, lf_sip_set_users(p->server, "lamp", lookup, NULL));
	} else {
		trunk_opts.port = lf_sip_port(p->watcher, opts->transport);
		assert_int_equal(0, lf_sip_trunk_new(&p->back, p->server,
						     &trunk_opts, NULL, NULL));
	}
	assert_int_equal(0, lf_sip_sub_new(&p->sub, p->trunk, &pair_sub_opts,
					   &pair_sub_ops, p));
}

void pair_free_notifiers(struct pair *p)
{
	while (p->all_count > 0)
		lf_sip_notifier_free(p->all[--p->all_count]);
	p->notifier = NULL;
}

void pair_close(struct pair *p)
{
	lf_sip_sub_leave(p->sub);
	pair_free_notifiers(p);
	lf_sip_trunk_free(p->trunk);
	lf_sip_trunk_free(p->back);
	bench_sip_close(&p->bench, p->watcher);
	bench_sip_close(&p->bench, p->server);
	bench_close(&p->bench);
}

void pair_subscribe(struct pair *p, uint32_t expires_s)
{
	unsigned before = p->responses;

	assert_int_equal(0, lf_sip_subscribe(p->sub, expires_s));
	RUN_UNTIL(&p->bench, p->responses > before);
}

void pair_notify(struct pair *p, enum lf_sip_substate state, const char *body)
{
	const struct lf_sip_notify_out out = {
		.state = state,
		.expires_s = 600,
		.retry_after_s = LF_SIP_ABSENT,
		.content_type = body ? "application/pidf+xml" : NULL,
		.body = body,
		.len = body ? strlen(body) : 0,
	};
	unsigned notifies = p->notifies, results = p->results;

	assert_int_equal(0, lf_sip_notifier_send(p->notifier, &out));
	RUN_UNTIL(&p->bench, p->notifies > notifies && p->results > results);
}
