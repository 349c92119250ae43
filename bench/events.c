/*
 * bench/events.c - the cost of raising events, and of finding them again.
 *
 *     events FOLDER SECONDS ROWS
 *
 * Raises 10,000 events a second, each with a subject of its own, on a loop
 * with a real store; then fills the log with ROWS and times searches. Prints
 * one JSON object. Part of bench/run events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/timer.h"
#include "monitor/internal.h"
#include "store/store.h"

#include "core/banned.h"

#define PER_TICK 100
#define TICK_MS 10
#define SEARCHES 20
#define IN_FLIGHT 40000
#define BASE_MS 2000000000000 /* after the storm, as ids are */

struct bench {
	uv_loop_t loop;
	struct lf_timers *timers;
	struct lf_store *store;
	struct lf_settings *settings;
	struct lf_monitor *monitor;
	bool is_done;
	size_t found, pending;
	struct timespec asked;
	double worst_ms;
};

static void on_done(int err, void *arg)
{
	struct bench *b = arg;

	if (err) {
		fprintf(stderr, "events: %s\n", strerror(-err));
		exit(1);
	}
	b->is_done = true;
}

static void on_closed(void *arg)
{
	on_done(0, arg);
}

static void wait_done(struct bench *b)
{
	while (!b->is_done)
		uv_run(&b->loop, UV_RUN_ONCE);
	b->is_done = false;
}

static void open_all(struct bench *b, const char *path)
{
	static const struct lf_setting_def *const tables[] = {
		lf_monitor_settings, NULL};
	struct lf_monitor_opts opts = {.node = "bench", .store_path = path};
	char text[256] = "";

	uv_loop_init(&b->loop);
	lf_timers_new(&b->timers, &b->loop);
	if (lf_store_open(&b->store, &b->loop, path, text, sizeof(text))) {
		fprintf(stderr, "events: %s\n", text);
		exit(1);
	}
	on_done(lf_settings_open(&b->settings, b->store, NULL, tables, on_done,
				 b),
		b);
	b->is_done = false;
	wait_done(b);
	opts.timers = b->timers;
	opts.store = b->store;
	opts.settings = b->settings;
	on_done(lf_monitor_open(&b->monitor, &opts, on_done, b), b);
	b->is_done = false;
	wait_done(b);
}

static double ms_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - from->tv_sec) * 1e3 +
	       (double)(now.tv_nsec - from->tv_nsec) / 1e6;
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct storm {
	struct bench *b;
	uv_timer_t timer;
	unsigned raised, most;
	size_t queued;
};

static void on_tick(uv_timer_t *timer)
{
	struct storm *s = timer->data;
	struct lf_store_stats stats;
	char subject[32];

	for (unsigned i = 0; i < PER_TICK; i++) {
		snprintf(subject, sizeof(subject), "10.%u.%u.%u",
			 s->raised >> 16 & 255, s->raised >> 8 & 255,
			 s->raised & 255);
		lf_event_raise(s->b->monitor, LF_EVENT_LOGIN_BRAKED, subject,
			       "Attempt %u.", s->raised++);
	}
	lf_store_stats(s->b->store, &stats);
	if (stats.queued > s->queued)
		s->queued = stats.queued;
	if (s->raised >= s->most) {
		uv_close((uv_handle_t *)timer, NULL);
		s->b->is_done = true;
	}
}

static void raise_storm(struct bench *b, unsigned seconds)
{
	struct storm s = {.b = b, .most = seconds * PER_TICK * 1000 / TICK_MS};
	double before = cpu_us();

	uv_timer_init(&b->loop, &s.timer);
	s.timer.data = &s;
	uv_timer_start(&s.timer, on_tick, TICK_MS, TICK_MS);
	wait_done(b);
	printf("{\"raise_us\":%.3f,\"queued_bytes\":%zu,",
	       (cpu_us() - before) / s.raised, s.queued);
	uv_run(&b->loop, UV_RUN_NOWAIT);
}

/* ---- a full log, written past the folding ---- */

static void on_put(int err, struct lf_store_rows *rows, void *arg)
{
	((struct bench *)arg)->pending--;
}

static void put_row(struct bench *b, int64_t id)
{
	static const char *const words[] = {"alpha", "beta", "gamma", "delta"};
	const struct lf_event_info *info = lf_event_at((size_t)id % 40);
	char text[128], rare[24], subject[24];
	struct lf_store_arg args[13];

	snprintf(rare, sizeof(rare), "only%lld", (long long)id);
	snprintf(subject, sizeof(subject), "s%lld", (long long)id % 500);
	snprintf(text, sizeof(text), "Something %s about %s.", words[id % 4],
		 rare);
	args[0] = lf_store_int(id);
	args[1] = lf_store_int(info->id);
	args[2] = lf_store_int(info->severity);
	args[3] = lf_store_text(info->application);
	args[4] = lf_store_text(info->category);
	args[5] = lf_store_text(subject);
	args[6] = lf_store_text(text);
	args[7] = lf_store_int(1);
	args[8] = args[9] = lf_store_int(BASE_MS + id * 1000);
	b->pending += 2;
	lf_store_query(b->store, "monitor.put", args, 10, on_put, b);
	args[1] = lf_store_text(words[id % 4]);
	args[2] = lf_store_text(rare);
	args[3] = lf_store_text(subject);
	args[4] = lf_store_text("something");
	args[5] = lf_store_text("about");
	for (size_t i = 6; i < 13; i++)
		args[i] = args[1];
	lf_store_query(b->store, "monitor.put-words", args, 13, on_put, b);
}

static void fill(struct bench *b, int64_t rows)
{
	for (int64_t id = 1000; id < 1000 + rows; id++) {
		put_row(b, id);
		while (b->pending > IN_FLIGHT)
			uv_run(&b->loop, UV_RUN_ONCE);
	}
	while (b->pending)
		uv_run(&b->loop, UV_RUN_ONCE);
}

static void on_found(int err, const struct lf_event_row *rows, size_t n,
		     void *arg)
{
	struct bench *b = arg;

	b->found += n;
	on_done(err, b);
}

static void time_search(struct bench *b, const char *name,
			const struct lf_event_filter *filter)
{
	double worst = 0, all = 0;

	b->found = 0;
	for (int i = 0; i < SEARCHES; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b->asked);
		lf_events_read(b->monitor, filter, 50, on_found, b);
		wait_done(b);
		all += ms_since(&b->asked);
		if (ms_since(&b->asked) > worst)
			worst = ms_since(&b->asked);
	}
	printf("\"%s\":{\"mean_ms\":%.2f,\"worst_ms\":%.2f,\"found\":%zu},",
	       name, all / SEARCHES, worst, b->found / SEARCHES);
}

static void search_all(struct bench *b, int64_t rows)
{
	char rare[32];
	const int64_t middle_ms = BASE_MS + rows / 2 * 1000;

	snprintf(rare, sizeof(rare), "only%lld", (long long)(1000 + rows / 3));
	time_search(b, "newest", &(struct lf_event_filter){0});
	time_search(b, "errors",
		    &(struct lf_event_filter){.at_least = LF_SEVERITY_ERROR});
	time_search(b, "category",
		    &(struct lf_event_filter){.category = "store"});
	time_search(b, "one-day",
		    &(struct lf_event_filter){.from_ms = middle_ms,
					      .to_ms = middle_ms + 86400000});
	time_search(b, "common-word",
		    &(struct lf_event_filter){.text = "beta"});
	time_search(b, "rare-word", &(struct lf_event_filter){.text = rare});
	time_search(b, "no-such-word",
		    &(struct lf_event_filter){.text = "nowhere"});
	time_search(b, "rare-and-common",
		    &(struct lf_event_filter){.text = "something s77 gamma"});
}

int main(int argc, char **argv)
{
	static struct bench b;
	char path[512];
	long long rows;

	if (argc != 4) {
		fputs("usage: events FOLDER SECONDS ROWS\n", stderr);
		return 2;
	}
	rows = strtoll(argv[3], NULL, 10);
	lf_log_set_level(LF_ERROR);
	snprintf(path, sizeof(path), "%s/events.db", argv[1]);
	open_all(&b, path);
	raise_storm(&b, (unsigned)strtoul(argv[2], NULL, 10));
	fill(&b, rows);
	search_all(&b, rows);
	printf("\"rows\":%lld}\n", rows);
	lf_monitor_close(b.monitor, on_closed, &b);
	wait_done(&b);
	lf_settings_close(b.settings);
	lf_store_close(b.store, on_closed, &b);
	wait_done(&b);
	return 0;
}
