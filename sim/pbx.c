/* sim/pbx.c - subscriptions of the simulated PBX, and its faults. */
#include "sim/pbx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/map.h"
#include "core/text.h"
#include "core/timer.h"
#include "sim/blackhole.h"
#include "sim/day.h"
#include "sip/notify.h"
#include "sip/sip.h"

#include "core/banned.h"

#define REPLAY_MS 100

struct pbx {
	struct lf_timers *timers;
	struct pbx_opts opts;
	char address[64], domain[96];
	uint16_t port, tls_port; /* the same after a restart */
	struct lf_sip *sip;
	struct blackhole *blackhole; /* while silent */
	struct lf_timer wake;
	struct phone *phones;
	struct day *day; /* NULL: phones move on command only */
	struct lf_map by_ext;
	struct pbx_faults faults;
	struct pbx_counts counts;
};

/* One subscription to one phone. */
struct sub {
	struct lf_list node; /* in phone->subs */
	struct phone *phone;
	struct lf_sip_notifier *notifier;
	struct lf_timer expiry, late, replay;
	int64_t expires_at_ms;
	unsigned version;
	bool is_dialog;
	struct lf_buf sent, before; /* the last documents */
};

static const struct lf_sip_notifier_ops notifier_ops;

static struct pbx *pbx_of(const struct sub *sub)
{
	return sub->phone->pbx;
}

static void sub_free(struct sub *sub)
{
	struct pbx *pbx = pbx_of(sub);

	lf_timer_stop(pbx->timers, &sub->expiry);
	lf_timer_stop(pbx->timers, &sub->late);
	lf_timer_stop(pbx->timers, &sub->replay);
	lf_list_del(&sub->node);
	lf_sip_notifier_free(sub->notifier);
	lf_buf_done(&sub->sent);
	lf_buf_done(&sub->before);
	pbx->counts.subscriptions--;
	free(sub);
}

static void render(struct sub *sub)
{
	struct pbx *pbx = pbx_of(sub);
	struct lf_buf old = sub->before;

	sub->before = sub->sent;
	sub->sent = old;
	lf_buf_reset(&sub->sent);
	if (sub->is_dialog)
		phone_write_dialog_info(sub->phone, pbx->opts.dialect,
					pbx->domain, sub->version++,
					&sub->sent);
	else
		phone_write_pidf(sub->phone, pbx->opts.dialect, pbx->domain,
				 &sub->sent);
}

static void send_document(struct sub *sub, const struct lf_buf *document,
			  enum lf_sip_substate state, enum lf_sip_reason reason)
{
	struct pbx *pbx = pbx_of(sub);
	int64_t left_ms = sub->expires_at_ms - lf_mono_ms();
	const struct lf_sip_notify_out out = {
		.state = state,
		.reason = reason,
		.expires_s = left_ms > 0 ? (uint32_t)(left_ms / 1000) : 0,
		.retry_after_s = LF_SIP_ABSENT,
		.without_expires = pbx->opts.dialect == DIALECT_CUCM,
		.content_type = sub->is_dialog ? "application/dialog-info+xml"
					       : "application/pidf+xml",
		.body = lf_buf_str(document),
		.len = document->len,
	};

	if (!lf_sip_notifier_send(sub->notifier, &out))
		pbx->counts.notifies++;
}

static void notify_now(struct sub *sub)
{
	struct pbx *pbx = pbx_of(sub);

	render(sub);
	send_document(sub, &sub->sent, LF_SUB_ACTIVE, LF_REASON_NONE);
	if (pbx->faults.is_duplicate)
		send_document(sub, &sub->sent, LF_SUB_ACTIVE, LF_REASON_NONE);
	if (pbx->faults.is_replay)
		lf_timer_start(pbx->timers, &sub->replay, REPLAY_MS);
}

/* By now the newest has been answered: this one does not take its place. */
static void on_replay(struct lf_timer *timer, void *arg)
{
	struct sub *sub = arg;

	send_document(sub, &sub->before, LF_SUB_ACTIVE, LF_REASON_NONE);
}

static void say_goodbye(struct sub *sub)
{
	render(sub);
	send_document(sub, &sub->sent, LF_SUB_TERMINATED, LF_REASON_TIMEOUT);
}

static void on_late(struct lf_timer *timer, void *arg)
{
	notify_now(arg);
}

static void notify(struct sub *sub)
{
	struct pbx *pbx = pbx_of(sub);

	if (!pbx->faults.late_ms)
		notify_now(sub);
	else if (!lf_timer_is_running(&sub->late))
		lf_timer_start(pbx->timers, &sub->late, pbx->faults.late_ms);
}

void pbx_moved(struct pbx *pbx, struct phone *phone)
{
	LF_LIST_FOREACH_SAFE (node, &phone->subs) {
		notify(LF_CONTAINER_OF(node, struct sub, node));
	}
}

static void on_expiry(struct lf_timer *timer, void *arg)
{
	struct sub *sub = arg;

	say_goodbye(sub);
	sub_free(sub);
}

static void grant(struct sub *sub, uint32_t expires_s)
{
	sub->expires_at_ms = lf_mono_ms() + (int64_t)expires_s * 1000;
	lf_timer_start(pbx_of(sub)->timers, &sub->expiry,
		       (int64_t)expires_s * 1000);
}

static uint32_t clamp_expires(const struct pbx *pbx, uint32_t asked_s)
{
	return asked_s > pbx->opts.expires_s ? pbx->opts.expires_s : asked_s;
}

static void on_refresh(struct lf_sip_notifier *n, struct lf_sip_request *req,
		       uint32_t expires_s, void *arg)
{
	struct sub *sub = arg;
	struct pbx *pbx = pbx_of(sub);

	pbx->counts.refreshes++;
	expires_s = clamp_expires(pbx, expires_s);
	lf_sip_notifier_answer(n, req, 200, "OK", expires_s);
	if (expires_s) {
		grant(sub, expires_s);
		notify(sub);
		return;
	}
	say_goodbye(sub);
	sub_free(sub);
}

static void on_result(struct lf_sip_notifier *n, int status, void *arg)
{
	struct sub *sub = arg;
	struct pbx *pbx = pbx_of(sub);

	if (status < 300) {
		pbx->counts.answered++;
		return;
	}
	/* RFC 6665, 4.2.2: a watcher that fails a NOTIFY has gone. */
	pbx->counts.failed++;
	sub_free(sub);
}

static const struct lf_sip_notifier_ops notifier_ops = {
	.on_refresh = on_refresh,
	.on_result = on_result,
};

/* The user part of "sip:2001@host". */
static struct phone *phone_of_uri(struct pbx *pbx, const char *uri)
{
	const char *start = strchr(uri, ':');
	char ext[32];

	if (!start)
		return NULL;
	start++;
	if (!lf_text_copy_n(ext, sizeof(ext), start, strcspn(start, "@;")))
		return NULL;
	return lf_map_find(&pbx->by_ext, ext);
}

/* The status to refuse with, or 0. A count that runs out ends the fault. */
static int refusal(struct pbx *pbx)
{
	struct pbx_faults *f = &pbx->faults;
	int status = f->refuse_status;

	if (!status)
		return 0;
	pbx->counts.refused++;
	if (f->refuse_count && --f->refuse_count == 0)
		f->refuse_status = 0;
	return status;
}

static void subscribe(struct pbx *pbx, struct phone *phone, bool is_dialog,
		      struct lf_sip_request *req)
{
	const char *expires = lf_sip_request_header(req, "Expires");
	struct sub *sub = calloc(1, sizeof(*sub));
	int64_t asked_s = 3600;
	uint32_t expires_s;

	if (!sub) {
		lf_sip_reply(req, 500, "Out of memory", NULL);
		return;
	}
	if (expires)
		lf_text_int(&asked_s, expires, 0, UINT32_MAX - 1);
	expires_s = clamp_expires(pbx, (uint32_t)asked_s);
	sub->phone = phone;
	sub->is_dialog = is_dialog;
	lf_timer_init(&sub->expiry, on_expiry, sub);
	lf_timer_init(&sub->late, on_late, sub);
	lf_timer_init(&sub->replay, on_replay, sub);
	if (lf_sip_notifier_accept(&sub->notifier, req, 200, expires_s,
				   &notifier_ops, sub)) {
		lf_sip_reply(req, 400, "Bad Request", NULL);
		free(sub);
		return;
	}
	lf_list_add_tail(&phone->subs, &sub->node);
	pbx->counts.subscriptions++;
	grant(sub, expires_s);
	notify(sub);
}

static void on_subscribe(struct lf_sip_request *req, void *arg)
{
	static const struct lf_sip_header events[] = {
		{"Allow-Events", "presence, dialog"}, {NULL, NULL}};
	struct pbx *pbx = arg;
	const char *event = lf_sip_request_header(req, "Event");
	struct phone *phone = phone_of_uri(pbx, lf_sip_request_uri(req));
	bool is_dialog = event && !strncmp(event, "dialog", 6);
	int status = refusal(pbx);

	pbx->counts.subscribes++;
	if (status) {
		lf_sip_reply(req, status, "Refused on request", NULL);
	} else if (!is_dialog && (!event || strncmp(event, "presence", 8))) {
		lf_sip_reply(req, 489, "Bad Event", events);
	} else if (!phone) {
		lf_sip_reply(req, 404, "Not Found", NULL);
	} else {
		subscribe(pbx, phone, is_dialog, req);
	}
}

static int open_sip(struct pbx *pbx)
{
	static const char *const everybody[] = {"0.0.0.0/0", "::/0", NULL};
	const struct lf_sip_opts opts = {
		.address = pbx->address,
		.port = pbx->port,
		.tls_port = pbx->tls_port,
		.tls_dir = pbx->opts.tls_dir,
		.user_agent = "lampsim",
		.trusted = everybody,
	};
	int err = lf_sip_new(&pbx->sip, pbx->timers, &opts);

	if (err)
		return err;
	pbx->port = lf_sip_port(pbx->sip, LF_SIP_UDP);
	pbx->tls_port = lf_sip_port(pbx->sip, LF_SIP_TLS);
	snprintf(pbx->domain, sizeof(pbx->domain), "%s:%u", pbx->address,
		 pbx->port);
	return lf_sip_on_request(pbx->sip, "SUBSCRIBE", on_subscribe, pbx);
}

static void forget_subscriptions(struct pbx *pbx)
{
	for (size_t i = 0; i < pbx->opts.count; i++) {
		LF_LIST_FOREACH_SAFE (node, &pbx->phones[i].subs) {
			sub_free(LF_CONTAINER_OF(node, struct sub, node));
		}
	}
}

/* What is done once the old sockets are closed. */
static void on_closed_for_restart(void *arg)
{
	struct pbx *pbx = arg;
	int err = open_sip(pbx);

	if (err)
		lf_log(LF_ERROR, "pbx", "restart: %s", strerror(-err));
}

static void on_closed_for_silence(void *arg)
{
	struct pbx *pbx = arg;
	int err = blackhole_open(&pbx->blackhole, lf_timers_loop(pbx->timers),
				 pbx->address, pbx->port);

	if (err)
		lf_log(LF_ERROR, "pbx", "silence: %s", strerror(-err));
}

static int close_sip(struct pbx *pbx, void (*then)(void *arg))
{
	struct lf_sip *sip = pbx->sip;

	if (!sip)
		return -EALREADY;
	forget_subscriptions(pbx);
	pbx->sip = NULL;
	lf_sip_close(sip, then, pbx);
	return 0;
}

int pbx_restart(struct pbx *pbx)
{
	return close_sip(pbx, on_closed_for_restart);
}

static void on_wake(struct lf_timer *timer, void *arg)
{
	struct pbx *pbx = arg;

	blackhole_close(pbx->blackhole, on_closed_for_restart, pbx);
	pbx->blackhole = NULL;
}

int pbx_silence(struct pbx *pbx, unsigned seconds)
{
	int err = close_sip(pbx, on_closed_for_silence);

	return err ? err
		   : lf_timer_start(pbx->timers, &pbx->wake,
				    (int64_t)seconds * 1000);
}

static int add_phones(struct pbx *pbx)
{
	size_t n = pbx->opts.count;
	struct phone *phone;

	pbx->phones = calloc(n, sizeof(*pbx->phones));
	if (!pbx->phones)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		phone = &pbx->phones[i];
		phone->pbx = pbx;
		phone->state = PHONE_IDLE;
		lf_list_init(&phone->subs);
		snprintf(phone->ext, sizeof(phone->ext), "%u",
			 pbx->opts.first + (unsigned)i);
		if (lf_map_add(&pbx->by_ext, phone->ext, phone))
			return -ENOMEM;
	}
	return 0;
}

int pbx_new(struct pbx **ret, struct lf_timers *timers,
	    const struct pbx_opts *opts)
{
	struct pbx *pbx = calloc(1, sizeof(*pbx));
	int err;

	if (!pbx)
		return -ENOMEM;
	pbx->timers = timers;
	pbx->opts = *opts;
	pbx->port = opts->port;
	lf_text_copy(pbx->address, sizeof(pbx->address), opts->address);
	lf_timer_init(&pbx->wake, on_wake, pbx);
	err = add_phones(pbx);
	if (!err)
		err = open_sip(pbx);
	if (!err && opts->is_open_day) {
		pbx->day = day_new(pbx, timers, opts->speed, opts->seed);
		err = pbx->day ? 0 : -ENOMEM;
	}
	if (err) {
		pbx_close(pbx);
		return err;
	}
	*ret = pbx;
	return 0;
}

static void on_gone(void *arg)
{
	struct pbx *pbx = arg;

	lf_map_done(&pbx->by_ext);
	free(pbx->phones);
	free(pbx);
}

void pbx_close(struct pbx *pbx)
{
	if (!pbx)
		return;
	lf_timer_stop(pbx->timers, &pbx->wake);
	day_free(pbx->day);
	if (pbx->phones)
		forget_subscriptions(pbx);
	if (pbx->blackhole)
		blackhole_close(pbx->blackhole, on_gone, pbx);
	else if (pbx->sip)
		lf_sip_close(pbx->sip, on_gone, pbx);
	else
		on_gone(pbx);
}

uint16_t pbx_port(const struct pbx *pbx)
{
	return pbx->port;
}

uint16_t pbx_tls_port(const struct pbx *pbx)
{
	return pbx->tls_port;
}

struct phone *pbx_phone(struct pbx *pbx, const char *ext)
{
	return lf_map_find(&pbx->by_ext, ext);
}

struct phone *pbx_phone_at(struct pbx *pbx, size_t i)
{
	return i < pbx->opts.count ? &pbx->phones[i] : NULL;
}

struct pbx_faults *pbx_faults(struct pbx *pbx)
{
	return &pbx->faults;
}

void pbx_counts(const struct pbx *pbx, struct pbx_counts *out)
{
	*out = pbx->counts;
	out->phones = pbx->opts.count;
}
