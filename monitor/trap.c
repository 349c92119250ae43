/*
 * monitor/trap.c - a queue for each SNMP manager, emptied in batches by one
 * job at a time in the worker pool. A trap is gone once it is sent; an inform
 * stays until its manager has confirmed it, so a manager that is away for a
 * while misses nothing that the queue can hold.
 */
#include "monitor/trap_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/clock.h"
#include "core/secret.h"
#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

#define QUEUE_MAX 1000
#define RETRY_MS 30000

struct item {
	struct lf_list node;
	struct lf_snmp_item what;
};

struct manager {
	struct lf_list node;
	char address[LF_SNMP_TEXT];
	struct lf_list queue;
	size_t n;
	int64_t not_before_ms; /* after a failure */
	bool is_listed;        /* still in the settings */
};

struct batch {
	uv_work_t work;
	struct lf_monitor *monitor;
	struct lf_snmp_job job;
	int err;
};

/* ---- managers ---- */

static struct manager *find_manager(struct lf_trap *trap, const char *address)
{
	LF_LIST_FOREACH (node, &trap->managers) {
		struct manager *m = LF_CONTAINER_OF(node, struct manager, node);

		if (!strcmp(m->address, address))
			return m;
	}
	return NULL;
}

static void drop_items(struct manager *m, size_t n)
{
	while (n-- && !lf_list_is_empty(&m->queue)) {
		struct item *item =
			LF_CONTAINER_OF(m->queue.next, struct item, node);

		lf_list_del(&item->node);
		free(item);
		m->n--;
	}
}

static void add_manager(struct lf_trap *trap, const char *address)
{
	struct manager *m = find_manager(trap, address);

	if (!m) {
		m = calloc(1, sizeof(*m));
		if (!m)
			return;
		lf_text_copy(m->address, sizeof(m->address), address);
		lf_list_init(&m->queue);
		lf_list_add_tail(&trap->managers, &m->node);
	}
	m->is_listed = true;
	m->not_before_ms = 0;
}

static void add_managers(struct lf_trap *trap, const char *list)
{
	char text[LF_SNMP_TEXT], *address;
	const char *end;

	for (; *list; list = *end ? end + 1 : end) {
		end = list + strcspn(list, ",");
		lf_text_copy_n(text, sizeof(text), list, (size_t)(end - list));
		address = lf_text_trim(text);
		if (*address)
			add_manager(trap, address);
	}
}

static struct manager *find_unlisted(struct lf_trap *trap)
{
	LF_LIST_FOREACH (node, &trap->managers) {
		struct manager *m = LF_CONTAINER_OF(node, struct manager, node);

		if (!m->is_listed)
			return m;
	}
	return NULL;
}

static void remove_manager(struct lf_trap *trap, struct manager *m)
{
	lf_list_del(&m->node);
	lf_event_raise(trap->monitor, LF_EVENT_TRAP_WORKING, m->address,
		       "The manager was removed.");
	drop_items(m, m->n);
	free(m);
}

static void follow_settings(struct lf_trap *trap)
{
	struct manager *m;

	LF_LIST_FOREACH (node, &trap->managers)
		LF_CONTAINER_OF(node, struct manager, node)->is_listed = false;
	if (lf_setting_bool(trap->monitor->settings, "trap.enable"))
		add_managers(trap, lf_trap_text(trap, "trap.managers"));
	/* Anew each time: the event may start a batch, which moves others. */
	while ((m = find_unlisted(trap)))
		remove_manager(trap, m);
}

/* ---- the queues ---- */

static void free_batch(struct batch *b)
{
	struct lf_monitor *monitor = b->monitor;

	lf_secret_wipe(&b->job, sizeof(b->job));
	free(b);
	lf_monitor_unref(monitor);
}

static void run(uv_work_t *work)
{
	struct batch *b = work->data;

	b->err = lf_snmp_send(&b->job);
}

static struct batch *batch_new(struct lf_trap *trap)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->work.data = b;
	b->monitor = trap->monitor;
	lf_monitor_ref(trap->monitor);
	return b;
}

static void fail_manager(struct lf_trap *trap, struct manager *m,
			 const struct batch *b)
{
	m->not_before_ms = lf_mono_ms() + RETRY_MS;
	trap->failed++;
	/* A trap that cannot leave will not leave later either. */
	if (!b->job.is_inform)
		drop_items(m, b->job.n - b->job.sent);
	lf_event_raise(trap->monitor, LF_EVENT_TRAP_FAILING, m->address, "%s",
		       b->job.why);
	lf_timer_start(trap->monitor->timers, &trap->retry, RETRY_MS);
}

static void on_sent(uv_work_t *work, int status)
{
	struct batch *b = work->data;
	struct lf_monitor *monitor = b->monitor;
	struct lf_trap *trap = monitor->trap;
	struct manager *m = find_manager(trap, b->job.manager);

	trap->is_busy = false;
	trap->sent += b->job.sent;
	if (m && !monitor->is_closing) {
		drop_items(m, b->job.sent);
		if (b->err || status)
			fail_manager(trap, m, b);
		else
			lf_event_raise(monitor, LF_EVENT_TRAP_WORKING,
				       m->address, "Sent.");
	}
	if (!monitor->is_closing)
		lf_trap_pump(trap);
	free_batch(b);
}

static int start_batch(struct lf_trap *trap, struct manager *m)
{
	struct batch *b = batch_new(trap);

	if (!b)
		return -ENOMEM;
	lf_trap_fill_job(trap, &b->job, m->address);
	LF_LIST_FOREACH (node, &m->queue) {
		if (b->job.n == LF_SNMP_BATCH)
			break;
		b->job.items[b->job.n++] =
			LF_CONTAINER_OF(node, struct item, node)->what;
	}
	if (uv_queue_work(lf_store_loop(trap->monitor->store), &b->work, run,
			  on_sent)) {
		free_batch(b);
		return -EAGAIN;
	}
	/* The next batch is another manager's. */
	lf_list_del(&m->node);
	lf_list_add_tail(&trap->managers, &m->node);
	trap->is_busy = true;
	return 0;
}

void lf_trap_pump(struct lf_trap *trap)
{
	if (trap->is_busy || !trap->is_ready || trap->monitor->is_closing)
		return;
	LF_LIST_FOREACH (node, &trap->managers) {
		struct manager *m = LF_CONTAINER_OF(node, struct manager, node);

		if (!m->n || lf_mono_ms() < m->not_before_ms)
			continue;
		start_batch(trap, m);
		return;
	}
}

static void on_retry(struct lf_timer *timer, void *arg)
{
	struct lf_trap *trap = arg;

	lf_trap_pump(trap);
	LF_LIST_FOREACH (node, &trap->managers) {
		if (!LF_CONTAINER_OF(node, struct manager, node)->n)
			continue;
		lf_timer_start(trap->monitor->timers, timer, RETRY_MS);
		return;
	}
}

static void add_to(struct lf_trap *trap, struct manager *m,
		   const struct lf_event_info *info,
		   const struct lf_event_note *note)
{
	struct item *item;

	if (m->n >= QUEUE_MAX) {
		trap->failed++;
		return;
	}
	item = calloc(1, sizeof(*item));
	if (!item)
		return;
	lf_trap_fill_item(&item->what, info, note);
	lf_list_add_tail(&m->queue, &item->node);
	m->n++;
}

void lf_trap_add(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note)
{
	struct lf_trap *trap = monitor->trap;

	if (!trap)
		return;
	LF_LIST_FOREACH (node, &trap->managers) {
		struct manager *m = LF_CONTAINER_OF(node, struct manager, node);

		/* That it is away is no news for itself. */
		if (info->id == LF_EVENT_TRAP_FAILING &&
		    !strcmp(note->subject, m->address))
			continue;
		add_to(trap, m, info, note);
	}
	lf_trap_pump(trap);
}

static void on_heartbeat(struct lf_timer *timer, void *arg)
{
	struct lf_trap *trap = arg;
	struct lf_event_note note = {.count = 1};
	int64_t every_s =
		lf_setting_int(trap->monitor->settings, "trap.heartbeat");

	note.first_ms = note.last_ms = lf_wall_ms();
	snprintf(note.text, sizeof(note.text), "Alive for %lld s; %zu alarms.",
		 (long long)(lf_mono_ms() - trap->started_ms) / 1000,
		 lf_alarm_count(trap->monitor));
	/* Not an entry of the log: it would fill it with nothing. */
	if (every_s)
		lf_notify_event(trap->monitor,
				lf_event_find(LF_EVENT_HEARTBEAT), &note);
	lf_timer_start(trap->monitor->timers, timer,
		       1000 * (every_s ? every_s : 60));
}

/* ---- opening and closing ---- */

static void on_settings(void *arg)
{
	struct lf_monitor *monitor = arg;

	if (monitor->is_closing || !monitor->trap)
		return;
	follow_settings(monitor->trap);
	lf_trap_engine_follow(monitor->trap);
	on_heartbeat(&monitor->trap->heartbeat, monitor->trap);
}

int lf_trap_open(struct lf_monitor *monitor)
{
	struct lf_trap *trap = calloc(1, sizeof(*trap));
	int err;

	if (!trap)
		return -ENOMEM;
	trap->monitor = monitor;
	trap->started_ms = lf_mono_ms();
	lf_list_init(&trap->managers);
	lf_timer_init(&trap->retry, on_retry, trap);
	lf_timer_init(&trap->heartbeat, on_heartbeat, trap);
	monitor->trap = trap;
	follow_settings(trap);
	err = lf_settings_on_change(monitor->settings, "trap.", on_settings,
				    monitor);
	if (!err)
		err = lf_timer_start(monitor->timers, &trap->heartbeat, 1000);
	if (err)
		return err;
	return lf_trap_engine_load(trap);
}

void lf_trap_stats(const struct lf_monitor *monitor,
		   struct lf_notify_stats *ret)
{
	ret->sent[LF_CHANNEL_TRAP] = monitor->trap->sent;
	ret->failed[LF_CHANNEL_TRAP] = monitor->trap->failed;
	LF_LIST_FOREACH (node, &monitor->trap->managers)
		ret->waiting[LF_CHANNEL_TRAP] +=
			LF_CONTAINER_OF(node, struct manager, node)->n;
}

void lf_trap_close(struct lf_monitor *monitor)
{
	if (!monitor->trap)
		return;
	lf_timer_stop(monitor->timers, &monitor->trap->retry);
	lf_timer_stop(monitor->timers, &monitor->trap->heartbeat);
}

void lf_trap_done(struct lf_monitor *monitor)
{
	if (!monitor->trap)
		return;
	LF_LIST_FOREACH_SAFE (node, &monitor->trap->managers) {
		struct manager *m = LF_CONTAINER_OF(node, struct manager, node);

		drop_items(m, m->n);
		free(m);
	}
	free(monitor->trap);
	monitor->trap = NULL;
}
