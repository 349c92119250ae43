/*
 * monitor/webhook.c - each event as JSON by POST to one web address, in order.
 * What is not taken (no answer, or none of 200 to 299) is sent again every
 * 30 s; the queue is bounded and lives in memory.
 */
#include "monitor/notify_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/fetch.h"
#include "core/secret.h"
#include "monitor/internal.h"

#include "core/banned.h"

#define QUEUE_MAX 1000

struct item {
	struct lf_list node;
	char *json;
};

struct lf_webhook {
	struct lf_monitor *monitor;
	struct lf_list queue;
	size_t n;
	struct lf_timer retry;
	bool is_busy;
	uint64_t sent, failed;
};

struct testing {
	struct lf_monitor *monitor;
	lf_notify_test_fn *done;
	void *arg;
};

static void next(struct lf_webhook *hook);

static const char *text_of(const struct lf_monitor *monitor, const char *name)
{
	return lf_setting_text(monitor->settings, name);
}

static bool is_taken(const struct lf_fetch_answer *answer)
{
	return !answer->err && answer->status / 100 == 2;
}

/* The receiver can tell that it is from us: an HMAC of the body. */
static void sign(char *out, size_t size, const char *secret, const char *json)
{
	uint8_t mac[LF_SHA256_SIZE];
	size_t len;

	lf_hmac_sha256(mac, secret, strlen(secret), json, strlen(json));
	len = (size_t)snprintf(out, size, "X-Lampfield-Signature: sha256=");
	for (size_t i = 0; i < sizeof(mac); i++, len += 2)
		snprintf(out + len, size - len, "%02x", mac[i]);
}

static int post(struct lf_monitor *monitor, const char *json, lf_fetch_fn *done,
		void *arg)
{
	const char *secret = text_of(monitor, "webhook.secret");
	char signature[128];
	const char *const headers[] = {"Content-Type: application/json",
				       *secret ? signature : NULL, NULL};
	const struct lf_fetch_opts opts = {
		.url = text_of(monitor, "webhook.url"),
		.headers = headers,
		.body = json,
		.body_len = strlen(json),
		.proxy = text_of(monitor, "webhook.proxy"),
		.ca_file = text_of(monitor, "webhook.ca-file"),
		.timeout_ms = 10000,
	};

	sign(signature, sizeof(signature), secret, json);
	return lf_fetch_start(NULL, monitor->fetcher, &opts, done, arg);
}

static void drop_first(struct lf_webhook *hook)
{
	struct item *item =
		LF_CONTAINER_OF(hook->queue.next, struct item, node);

	lf_list_del(&item->node);
	hook->n--;
	free(item->json);
	free(item);
}

static void try_later(struct lf_webhook *hook, const char *why)
{
	hook->failed++;
	lf_event_raise(hook->monitor, LF_EVENT_WEBHOOK_FAILING, "", "%s", why);
	lf_timer_start(hook->monitor->timers, &hook->retry, LF_NOTIFY_RETRY_MS);
}

static void on_posted(const struct lf_fetch_answer *answer, void *arg)
{
	struct lf_webhook *hook = arg;
	char why[256];

	hook->is_busy = false;
	if (hook->monitor->is_closing)
		return;
	snprintf(why, sizeof(why), "%d %.200s", answer->status, answer->text);
	if (!is_taken(answer)) {
		try_later(hook, why);
		return;
	}
	hook->sent++;
	drop_first(hook);
	lf_event_raise(hook->monitor, LF_EVENT_WEBHOOK_WORKING, "", "%s", why);
	next(hook);
}

static void next(struct lf_webhook *hook)
{
	const struct item *first;
	int err;

	if (hook->is_busy || !hook->n || lf_timer_is_running(&hook->retry))
		return;
	first = LF_CONTAINER_OF(hook->queue.next, struct item, node);
	err = post(hook->monitor, first->json, on_posted, hook);
	if (err)
		try_later(hook, strerror(-err));
	else
		hook->is_busy = true;
}

static void on_retry(struct lf_timer *timer, void *arg)
{
	next(arg);
}

static bool is_configured(const struct lf_monitor *monitor)
{
	return lf_setting_bool(monitor->settings, "webhook.enable") &&
	       *text_of(monitor, "webhook.url");
}

void lf_webhook_add(struct lf_monitor *monitor,
		    const struct lf_event_info *info,
		    const struct lf_event_note *note)
{
	struct lf_webhook *hook = monitor->webhook;
	struct lf_buf json = {0};
	struct item *item;

	if (!hook || !is_configured(monitor))
		return;
	/* Its own troubles are told elsewhere. */
	if (info->id == LF_EVENT_WEBHOOK_FAILING ||
	    info->clears == LF_EVENT_WEBHOOK_FAILING)
		return;
	if (hook->n >= QUEUE_MAX) {
		hook->failed++;
		return;
	}
	item = calloc(1, sizeof(*item));
	lf_event_json(&json, monitor, info, note);
	if (!item || lf_buf_error(&json)) {
		free(item);
		lf_buf_done(&json);
		return;
	}
	item->json = lf_buf_take(&json);
	lf_list_add_tail(&hook->queue, &item->node);
	hook->n++;
	next(hook);
}

static void on_test(const struct lf_fetch_answer *answer, void *arg)
{
	struct testing *t = arg;
	char text[768];

	if (is_taken(answer))
		snprintf(text, sizeof(text), "%.300s answered %d",
			 text_of(t->monitor, "webhook.url"), answer->status);
	else
		snprintf(text, sizeof(text), "%.300s: %s %d %.200s",
			 text_of(t->monitor, "webhook.url"),
			 answer->err ? answer->step : "answered",
			 answer->status, answer->text);
	t->done(is_taken(answer) ? 0 : -EPROTO, text, t->arg);
	lf_monitor_unref(t->monitor);
	free(t);
}

int lf_webhook_test(struct lf_monitor *monitor,
		    const struct lf_event_info *info,
		    const struct lf_event_note *note, lf_notify_test_fn *done,
		    void *arg)
{
	struct lf_buf json = {0};
	struct testing *t;
	int err;

	if (!*text_of(monitor, "webhook.url"))
		return -ENOENT;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct testing){monitor, done, arg};
	lf_event_json(&json, monitor, info, note);
	err = lf_buf_error(&json);
	if (!err)
		err = post(monitor, json.data, on_test, t);
	lf_buf_done(&json);
	if (err)
		free(t);
	else
		lf_monitor_ref(monitor);
	return err;
}

static void on_settings(void *arg)
{
	struct lf_monitor *monitor = arg;

	if (monitor->is_closing || !monitor->webhook)
		return;
	lf_timer_stop(monitor->timers, &monitor->webhook->retry);
	next(monitor->webhook);
}

int lf_webhook_open(struct lf_monitor *monitor)
{
	struct lf_webhook *hook = calloc(1, sizeof(*hook));

	if (!hook)
		return -ENOMEM;
	hook->monitor = monitor;
	lf_list_init(&hook->queue);
	lf_timer_init(&hook->retry, on_retry, hook);
	monitor->webhook = hook;
	return lf_settings_on_change(monitor->settings, "webhook.", on_settings,
				     monitor);
}

void lf_webhook_stats(const struct lf_monitor *monitor,
		      struct lf_notify_stats *ret)
{
	ret->waiting[LF_CHANNEL_WEBHOOK] = monitor->webhook->n;
	ret->sent[LF_CHANNEL_WEBHOOK] = monitor->webhook->sent;
	ret->failed[LF_CHANNEL_WEBHOOK] = monitor->webhook->failed;
}

void lf_webhook_close(struct lf_monitor *monitor)
{
	if (!monitor->webhook)
		return;
	lf_timer_stop(monitor->timers, &monitor->webhook->retry);
}

void lf_webhook_done(struct lf_monitor *monitor)
{
	if (!monitor->webhook)
		return;
	while (monitor->webhook->n)
		drop_first(monitor->webhook);
	free(monitor->webhook);
	monitor->webhook = NULL;
}
