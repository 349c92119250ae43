/*
 * monitor/trap.c - a queue for each SNMP manager, emptied in batches by one
 * job at a time in the worker pool. A trap is gone once it is sent; an inform
 * stays until its manager has confirmed it, so a manager that is away for a
 * while misses nothing that the queue can hold.
 */
#include "monitor/notify_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "core/secret.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "monitor/snmp.h"
#include "store/store.h"

#include "core/banned.h"

#define QUEUE_MAX 1000
#define RETRY_MS 30000
#define BUCKET "monitor"
#define ENGINE_KEY "engine"
#define ENTERPRISE 39801u

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

struct lf_trap {
	struct lf_monitor *monitor;
	struct lf_list managers;
	struct lf_timer retry, heartbeat;
	uint8_t engine[LF_SNMP_ENGINE_MAX];
	size_t engine_len;
	unsigned boots;
	int64_t started_ms;
	bool is_ready; /* the engine is known */
	bool is_busy;
	uint64_t sent, failed;
};

struct work {
	uv_work_t work;
	struct lf_monitor *monitor;
	struct lf_snmp_job job;
	int err;
	/* a test: done with one manager, on to the next */
	lf_notify_test_fn *done;
	void *arg;
	size_t at;
	struct lf_snmp_item item;
	char report[2048];
};

static void pump(struct lf_trap *trap);

static const char *text_of(const struct lf_trap *trap, const char *name)
{
	return lf_setting_text(trap->monitor->settings, name);
}

/* ---- jobs ---- */

static void fill_job(struct lf_trap *trap, struct lf_snmp_job *job,
		     const char *manager)
{
	lf_text_copy(job->manager, sizeof(job->manager), manager);
	lf_text_copy(job->node, sizeof(job->node), trap->monitor->node);
	lf_text_copy(job->base_oid, sizeof(job->base_oid),
		     text_of(trap, "trap.base-oid"));
	job->is_v3 = !strcmp(text_of(trap, "trap.version"), "v3");
	job->is_inform = !strcmp(text_of(trap, "trap.kind"), "inform");
	job->timeout_ms = 1000;
	job->retries = 2;
	lf_text_copy(job->community, sizeof(job->community),
		     text_of(trap, "trap.community"));
	lf_text_copy(job->user, sizeof(job->user), text_of(trap, "trap.user"));
	lf_text_copy(job->auth, sizeof(job->auth), text_of(trap, "trap.auth"));
	lf_text_copy(job->privacy, sizeof(job->privacy),
		     text_of(trap, "trap.privacy"));
	lf_text_copy(job->auth_password, sizeof(job->auth_password),
		     text_of(trap, "trap.auth-password"));
	lf_text_copy(job->privacy_password, sizeof(job->privacy_password),
		     text_of(trap, "trap.privacy-password"));
	memcpy(job->engine, trap->engine, trap->engine_len);
	job->engine_len = trap->engine_len;
	job->boots = trap->boots;
	job->uptime_cs = (uint32_t)((lf_mono_ms() - trap->started_ms) / 10);
}

static void free_work(struct work *w)
{
	struct lf_monitor *monitor = w->monitor;

	lf_secret_wipe(&w->job, sizeof(w->job));
	free(w);
	lf_monitor_unref(monitor);
}

static void run(uv_work_t *work)
{
	struct work *w = work->data;

	w->err = lf_snmp_send(&w->job);
}

static struct work *work_new(struct lf_trap *trap)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->work.data = w;
	w->monitor = trap->monitor;
	lf_monitor_ref(trap->monitor);
	return w;
}

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

static void follow_settings(struct lf_trap *trap)
{
	const char *list = text_of(trap, "trap.managers"), *end;
	char address[LF_SNMP_TEXT];

	LF_LIST_FOREACH (node, &trap->managers)
		LF_CONTAINER_OF(node, struct manager, node)->is_listed = false;
	if (!lf_setting_bool(trap->monitor->settings, "trap.enable"))
		list = "";
	for (; *list; list = *end ? end + 1 : end) {
		end = list + strcspn(list, ",");
		lf_text_copy_n(address, sizeof(address), list,
			       (size_t)(end - list));
		if (*lf_text_trim(address))
			add_manager(trap, lf_text_trim(address));
	}
	LF_LIST_FOREACH_SAFE (node, &trap->managers) {
		struct manager *m = LF_CONTAINER_OF(node, struct manager, node);

		if (m->is_listed)
			continue;
		lf_event_raise(trap->monitor, LF_EVENT_TRAP_WORKING, m->address,
			       "The manager was removed.");
		drop_items(m, m->n);
		lf_list_del(&m->node);
		free(m);
	}
}

/* ---- the queues ---- */

static void fail_manager(struct lf_trap *trap, struct manager *m,
			 const struct work *w)
{
	m->not_before_ms = lf_mono_ms() + RETRY_MS;
	trap->failed++;
	/* A trap that cannot leave will not leave later either. */
	if (!w->job.is_inform)
		drop_items(m, w->job.n - w->job.sent);
	lf_event_raise(trap->monitor, LF_EVENT_TRAP_FAILING, m->address, "%s",
		       w->job.why);
	lf_timer_start(trap->monitor->timers, &trap->retry, RETRY_MS);
}

static void on_sent(uv_work_t *work, int status)
{
	struct work *w = work->data;
	struct lf_monitor *monitor = w->monitor;
	struct lf_trap *trap = monitor->trap;
	struct manager *m = find_manager(trap, w->job.manager);

	trap->is_busy = false;
	trap->sent += w->job.sent;
	if (m && !monitor->is_closing) {
		drop_items(m, w->job.sent);
		if (w->err || status)
			fail_manager(trap, m, w);
		else
			lf_event_raise(monitor, LF_EVENT_TRAP_WORKING,
				       m->address, "Sent.");
	}
	if (!monitor->is_closing)
		pump(trap);
	free_work(w);
}

static int start_batch(struct lf_trap *trap, struct manager *m)
{
	struct work *w = work_new(trap);

	if (!w)
		return -ENOMEM;
	fill_job(trap, &w->job, m->address);
	LF_LIST_FOREACH (node, &m->queue) {
		if (w->job.n == LF_SNMP_BATCH)
			break;
		w->job.items[w->job.n++] =
			LF_CONTAINER_OF(node, struct item, node)->what;
	}
	if (uv_queue_work(lf_store_loop(trap->monitor->store), &w->work, run,
			  on_sent)) {
		free_work(w);
		return -EAGAIN;
	}
	/* The next batch is another manager's. */
	lf_list_del(&m->node);
	lf_list_add_tail(&trap->managers, &m->node);
	trap->is_busy = true;
	return 0;
}

static void pump(struct lf_trap *trap)
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

	pump(trap);
	LF_LIST_FOREACH (node, &trap->managers) {
		if (LF_CONTAINER_OF(node, struct manager, node)->n)
			lf_timer_start(trap->monitor->timers, timer, RETRY_MS);
	}
}

static void fill_item(struct lf_snmp_item *out,
		      const struct lf_event_info *info,
		      const struct lf_event_note *note)
{
	out->event = (int)info->id;
	out->severity = (int)info->severity;
	out->number = note->id;
	lf_text_copy(out->text, sizeof(out->text), note->text);
	lf_text_copy(out->subject, sizeof(out->subject), note->subject);
	lf_text_copy(out->remedy, sizeof(out->remedy), info->remedy);
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
	fill_item(&item->what, info, note);
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
	pump(trap);
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

/* ---- a test, one manager after the other (S266) ---- */

static int test_next(struct work *w);

static void end_test(struct work *w, int err)
{
	w->done(err, w->report, w->arg);
	free_work(w);
}

static void on_tested(uv_work_t *work, int status)
{
	struct work *w = work->data;
	size_t len = strlen(w->report);
	const char *said = "sent; whether it arrived, a trap cannot tell (set "
			   "trap.kind=inform to know)";

	if (w->job.is_inform)
		said = "confirmed";
	snprintf(w->report + len, sizeof(w->report) - len, "%s%s: %s",
		 len ? "; " : "", w->job.manager, w->err ? w->job.why : said);
	if (test_next(w))
		end_test(w, w->err);
}

/* -ENOENT: there is no other manager. */
static int test_next(struct work *w)
{
	struct lf_trap *trap = w->monitor->trap;
	const char *list = text_of(trap, "trap.managers") + w->at;
	size_t len;
	char address[LF_SNMP_TEXT];

	if (w->monitor->is_closing)
		return -ESHUTDOWN;
	list += strspn(list, ", ");
	len = strcspn(list, ",");
	if (!len)
		return -ENOENT;
	lf_text_copy_n(address, sizeof(address), list, len);
	w->at = (size_t)(list - text_of(trap, "trap.managers")) + len;
	memset(&w->job, 0, sizeof(w->job));
	fill_job(trap, &w->job, lf_text_trim(address));
	w->job.items[0] = w->item;
	w->job.n = 1;
	return uv_queue_work(lf_store_loop(w->monitor->store), &w->work, run,
			     on_tested);
}

int lf_trap_test(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note, lf_notify_test_fn *done,
		 void *arg)
{
	struct work *w;
	int err;

	if (monitor->trap->is_busy)
		return -EBUSY;
	w = work_new(monitor->trap);
	if (!w)
		return -ENOMEM;
	w->done = done;
	w->arg = arg;
	fill_item(&w->item, info, note);
	err = test_next(w);
	if (err)
		free_work(w);
	return err;
}

/* ---- who we are in SNMPv3: an id for ever, and how often we started ---- */

static void make_engine(struct lf_trap *trap)
{
	/* RFC 3411: our enterprise's number, and octets of our own choice */
	static const uint8_t head[] = {
		0x80 | (ENTERPRISE >> 24), ENTERPRISE >> 16 & 0xff,
		ENTERPRISE >> 8 & 0xff, ENTERPRISE & 0xff, 5};

	memcpy(trap->engine, head, sizeof(head));
	lf_random(trap->engine + sizeof(head), 8);
	trap->engine_len = sizeof(head) + 8;
}

static void write_hex(char *out, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static size_t read_hex(uint8_t *out, size_t size, const char *text)
{
	size_t n = 0;
	unsigned value;

	while (n < size && sscanf(text + 2 * n, "%2x", &value) == 1)
		out[n++] = (uint8_t)value;
	return n;
}

static void save_engine(struct lf_trap *trap)
{
	char hex[2 * LF_SNMP_ENGINE_MAX + 1] = "", json[160];

	write_hex(hex, trap->engine, trap->engine_len);
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"boots\":%u}", hex,
		 trap->boots);
	lf_store_put(trap->monitor->store, BUCKET, ENGINE_KEY, json,
		     strlen(json), LF_STORE_ANY, NULL, NULL);
}

static void use_wanted_engine(struct lf_trap *trap)
{
	const char *wanted = text_of(trap, "trap.engine-id");
	uint8_t bytes[LF_SNMP_ENGINE_MAX];
	size_t n = read_hex(bytes, sizeof(bytes), wanted);

	if (n < 5)
		return;
	memcpy(trap->engine, bytes, n);
	trap->engine_len = n;
}

static void on_engine(int err, const struct lf_store_kv *rows, size_t n,
		      void *arg)
{
	struct lf_monitor *monitor = arg;
	struct lf_trap *trap = monitor->trap;
	json_t *json = NULL;

	if (!err && n)
		lf_json_parse(&json, rows->value, rows->len);
	if (json) {
		trap->engine_len = read_hex(trap->engine, sizeof(trap->engine),
					    lf_json_str(json, "id", "", NULL));
		trap->boots = (unsigned)lf_json_int(json, "boots", 0, NULL);
		json_decref(json);
	}
	if (trap->engine_len < 5)
		make_engine(trap);
	trap->boots++;
	if (!monitor->is_closing) {
		save_engine(trap);
		use_wanted_engine(trap);
		trap->is_ready = true;
		pump(trap);
	}
	lf_monitor_unref(monitor);
}

char *lf_trap_engine(const struct lf_monitor *monitor,
		     char out[LF_TRAP_ENGINE_SIZE])
{
	*out = '\0';
	write_hex(out, monitor->trap->engine, monitor->trap->engine_len);
	return out;
}

/* ---- opening and closing ---- */

static void on_settings(void *arg)
{
	struct lf_monitor *monitor = arg;

	if (monitor->is_closing || !monitor->trap)
		return;
	follow_settings(monitor->trap);
	use_wanted_engine(monitor->trap);
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
	lf_monitor_ref(monitor);
	err = lf_store_get(monitor->store, BUCKET, ENGINE_KEY, on_engine,
			   monitor);
	if (err)
		lf_monitor_unref(monitor);
	return err;
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
