/*
 * monitor/probe.c - looks at the machine and at our own pulse, and turns what
 * it sees into alarms: disk, memory, processors, the loop, the clock, the
 * store (S257-S259, S27).
 *
 * An alarm begins when a limit is passed and ends with some margin, so that a
 * value that trembles at its limit does not.
 */
#include "monitor/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "store/store.h"

#include "core/banned.h"

#define PULSE_MS 100
#define LOOK_MS 10000
#define STEP_MS 2000
#define CALM_MS 60000
#define PATIENCE_MS 300000 /* a time service needs a while after a boot */
#define DAY_MS (24LL * 3600 * 1000)
#define CPU_SAMPLES 6

struct lf_probe {
	struct lf_monitor *monitor;
	struct lf_timer pulse, look;
	int64_t opened_ms;

	int64_t due_ms;    /* of the pulse */
	int64_t slow_ms;   /* when it was late last; 0: never */
	unsigned late;     /* times, lately */
	int64_t offset_ms; /* wall clock minus monotonic */

	uint64_t cpu_busy, cpu_all;
	unsigned cpu_high; /* samples in a row */
	struct lf_probe_sample sample;

	uint64_t store_failed;
	int64_t asked_ms; /* a question to the store; 0: none is open */
	bool is_writing;
};

static int64_t limit(const struct lf_probe *probe, const char *name)
{
	return lf_setting_int(probe->monitor->settings, name);
}

/* Tells a change only; `bad` and `good` are the two ends of one alarm. */
#define JUDGE(probe, is_bad, bad, good, ...)                                   \
	do {                                                                   \
		struct lf_monitor *m_ = (probe)->monitor;                      \
		if (!(is_bad))                                                 \
			lf_event_raise(m_, good, "", __VA_ARGS__);             \
		else if (!lf_alarm_is_on(m_, bad, ""))                         \
			lf_event_raise(m_, bad, "", __VA_ARGS__);              \
	} while (0)

/* ---- the pulse: our own delay, and the clock ---- */

static void judge_delay(struct lf_probe *probe, int64_t now_ms, int64_t late_ms)
{
	int64_t slow_ms = limit(probe, "monitor.loop-slow");

	probe->sample.loop_late_ms = late_ms;
	lf_histogram_add(&probe->sample.loop_late, (double)late_ms / 1000);
	if (late_ms >= slow_ms) {
		probe->slow_ms = now_ms;
		probe->late += late_ms >= 4 * slow_ms ? 3 : 1;
	}
	if (probe->late >= 3 &&
	    !lf_alarm_is_on(probe->monitor, LF_EVENT_LOOP_SLOW, ""))
		lf_event_raise(probe->monitor, LF_EVENT_LOOP_SLOW, "",
			       "The loop was held up for %" PRId64 " ms.",
			       late_ms);
	if (now_ms - probe->slow_ms < CALM_MS)
		return;
	probe->late = 0;
	lf_event_raise(probe->monitor, LF_EVENT_LOOP_PROMPT, "",
		       "The loop has been prompt for a minute.");
}

static void judge_clock(struct lf_probe *probe)
{
	int64_t offset_ms = lf_wall_ms() - lf_mono_ms();
	int64_t step_ms = offset_ms - probe->offset_ms;

	probe->offset_ms = offset_ms;
	if (step_ms > -STEP_MS && step_ms < STEP_MS)
		return;
	lf_event_raise(probe->monitor, LF_EVENT_CLOCK_STEPPED, "",
		       "The clock was set %s by %" PRId64 ".%03d s.",
		       step_ms < 0 ? "back" : "forward",
		       (step_ms < 0 ? -step_ms : step_ms) / 1000,
		       (int)((step_ms < 0 ? -step_ms : step_ms) % 1000));
}

static void on_pulse(struct lf_timer *timer, void *arg)
{
	struct lf_probe *probe = arg;
	int64_t now_ms = lf_mono_ms();

	judge_delay(probe, now_ms, now_ms - probe->due_ms);
	judge_clock(probe);
	probe->due_ms = now_ms + PULSE_MS;
	lf_timer_start(probe->monitor->timers, timer, PULSE_MS);
}

/* ---- the machine ---- */

static void look_at_disk(struct lf_probe *probe)
{
	int64_t low = limit(probe, "monitor.disk-low"), free_percent;
	const char *path = probe->monitor->store_path;
	struct statvfs disk;

	if (statvfs(path, &disk) || !disk.f_blocks)
		return;
	free_percent = (int64_t)(disk.f_bavail * 100 / disk.f_blocks);
	probe->sample.disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
	probe->sample.disk_size = (uint64_t)disk.f_blocks * disk.f_frsize;
	if (free_percent < low &&
	    !lf_alarm_is_on(probe->monitor, LF_EVENT_DISK_LOW, ""))
		lf_retention_make_room(probe->monitor);
	if (free_percent >= low && free_percent < low + 2)
		return;
	JUDGE(probe, free_percent < low, LF_EVENT_DISK_LOW, LF_EVENT_DISK_FINE,
	      "%" PRId64 " %% of the disk of %s are free.", free_percent, path);
}

static uint64_t meminfo(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

static bool read_proc(char *out, size_t size, const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return false;
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	fclose(f);
	return n > 0;
}

static void look_at_memory(struct lf_probe *probe)
{
	int64_t low = limit(probe, "monitor.memory-low"), free_percent;
	char text[4096];

	if (!read_proc(text, sizeof(text), "/proc/meminfo"))
		return;
	probe->sample.memory_size = meminfo(text, "MemTotal:");
	probe->sample.memory_free = meminfo(text, "MemAvailable:");
	if (read_proc(text, sizeof(text), "/proc/self/status"))
		probe->sample.own_memory = meminfo(text, "VmRSS:");
	if (!probe->sample.memory_size)
		return;
	free_percent = (int64_t)(probe->sample.memory_free * 100 /
				 probe->sample.memory_size);
	if (free_percent >= low && free_percent < low + 2)
		return;
	JUDGE(probe, free_percent < low, LF_EVENT_MEMORY_LOW,
	      LF_EVENT_MEMORY_FINE,
	      "%" PRId64 " %% of the memory are free; we use %" PRIu64 " MB.",
	      free_percent, probe->sample.own_memory >> 20);
}

static void look_at_cpu(struct lf_probe *probe)
{
	uint64_t t[8] = {0}, all = 0, busy, d_all, d_busy;
	int64_t high = limit(probe, "monitor.cpu-high");
	char text[512];

	if (!read_proc(text, sizeof(text), "/proc/stat") ||
	    sscanf(text,
		   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 4)
		return;
	for (size_t i = 0; i < 8; i++)
		all += t[i];
	busy = all - t[3] - t[4];
	d_all = all - probe->cpu_all;
	d_busy = busy - probe->cpu_busy;
	if (probe->cpu_all && d_all)
		probe->sample.cpu_percent = (unsigned)(d_busy * 100 / d_all);
	probe->cpu_all = all;
	probe->cpu_busy = busy;
	if ((int64_t)probe->sample.cpu_percent >= high)
		probe->cpu_high++;
	else
		probe->cpu_high = 0;
	if (probe->cpu_high && probe->cpu_high < CPU_SAMPLES)
		return;
	JUDGE(probe, probe->cpu_high, LF_EVENT_CPU_HIGH, LF_EVENT_CPU_FINE,
	      "The processors are busy to %u %%.", probe->sample.cpu_percent);
}

static void look_at_time_service(struct lf_probe *probe)
{
	struct timex t = {0};
	int state;

	if (lf_mono_ms() - probe->opened_ms < PATIENCE_MS ||
	    !lf_setting_bool(probe->monitor->settings, "monitor.clock-check"))
		return;
	state = adjtimex(&t);
	JUDGE(probe, state == TIME_ERROR, LF_EVENT_CLOCK_ADRIFT,
	      LF_EVENT_CLOCK_KEPT, "The clock is %s by a time service.",
	      state == TIME_ERROR ? "not kept" : "kept");
}

/* ---- the store ---- */

static void look_at_size(struct lf_probe *probe)
{
	int64_t mb, most = limit(probe, "monitor.database-limit");
	const char *path = probe->monitor->store_path;
	char wal[1024];
	struct stat st;

	probe->sample.database_size = 0;
	if (!stat(path, &st))
		probe->sample.database_size = (uint64_t)st.st_size;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	if (!stat(wal, &st))
		probe->sample.database_size += (uint64_t)st.st_size;
	mb = (int64_t)(probe->sample.database_size >> 20);
	JUDGE(probe, most && mb >= most, LF_EVENT_STORE_FULL,
	      LF_EVENT_STORE_FITS, "%s has %" PRId64 " MB.", path, mb);
}

static void on_proof(int err, int64_t rev, void *arg)
{
	struct lf_monitor *monitor = arg;
	struct lf_probe *probe = monitor->probe;

	if (!monitor->is_closing) {
		probe->is_writing = false;
		JUDGE(probe, err, LF_EVENT_STORE_FAILING,
		      LF_EVENT_STORE_WORKING, "%s: %s.", monitor->store_path,
		      err ? "cannot be written" : "is written again");
	}
	lf_monitor_unref(monitor);
}

/* After a failure only: it costs a write. */
static void prove_writing(struct lf_probe *probe)
{
	struct lf_monitor *monitor = probe->monitor;
	struct lf_store_stats stats;
	char now[LF_RFC3339_SIZE];

	lf_store_stats(monitor->store, &stats);
	if (probe->is_writing ||
	    (stats.failed == probe->store_failed &&
	     !lf_alarm_is_on(monitor, LF_EVENT_STORE_FAILING, "")))
		return;
	probe->store_failed = stats.failed;
	lf_rfc3339(now, lf_wall_ms());
	if (lf_store_put(monitor->store, "monitor", "proof", now, strlen(now),
			 LF_STORE_ANY, on_proof, monitor))
		return;
	probe->is_writing = true;
	lf_monitor_ref(monitor);
}

static void on_answered(int err, const struct lf_store_kv *rows, size_t n,
			void *arg)
{
	struct lf_monitor *monitor = arg;

	if (!monitor->is_closing) {
		monitor->probe->asked_ms = 0;
		lf_event_raise(monitor, LF_EVENT_MODULE_WORKING, "store",
			       "The store answers.");
	}
	lf_monitor_unref(monitor);
}

/* Does it answer at all (S258)? */
static void ask_store(struct lf_probe *probe)
{
	struct lf_monitor *monitor = probe->monitor;
	int64_t patience_ms = 1000 * limit(probe, "monitor.failing-after");

	if (probe->asked_ms) {
		if (lf_mono_ms() - probe->asked_ms >= patience_ms &&
		    !lf_alarm_is_on(monitor, LF_EVENT_MODULE_FAILING, "store"))
			lf_event_raise(monitor, LF_EVENT_MODULE_FAILING,
				       "store",
				       "The store has not answered for "
				       "%" PRId64 " s.",
				       (lf_mono_ms() - probe->asked_ms) / 1000);
		return;
	}
	lf_monitor_ref(monitor);
	if (lf_store_get(monitor->store, "monitor", "proof", on_answered,
			 monitor))
		lf_monitor_unref(monitor);
	else
		probe->asked_ms = lf_mono_ms();
}

/* ---- all of it ---- */

static void look_at_all(struct lf_probe *probe)
{
	look_at_disk(probe);
	look_at_memory(probe);
	look_at_cpu(probe);
	look_at_time_service(probe);
	look_at_size(probe);
	prove_writing(probe);
	ask_store(probe);
}

static void on_look(struct lf_timer *timer, void *arg)
{
	struct lf_probe *probe = arg;

	look_at_all(probe);
	lf_timer_start(probe->monitor->timers, timer, LOOK_MS);
}

/* A new limit holds at once. */
static void on_settings(void *arg)
{
	struct lf_monitor *monitor = arg;

	if (!monitor->is_closing && monitor->probe)
		look_at_all(monitor->probe);
}

int lf_probe_open(struct lf_monitor *monitor)
{
	struct lf_probe *probe = calloc(1, sizeof(*probe));
	int err;

	if (!probe)
		return -ENOMEM;
	probe->monitor = monitor;
	probe->opened_ms = probe->slow_ms = lf_mono_ms();
	probe->offset_ms = lf_wall_ms() - lf_mono_ms();
	probe->due_ms = lf_mono_ms() + PULSE_MS;
	lf_timer_init(&probe->pulse, on_pulse, probe);
	lf_timer_init(&probe->look, on_look, probe);
	monitor->probe = probe;
	err = lf_timer_start(monitor->timers, &probe->pulse, PULSE_MS);
	if (!err)
		err = lf_timer_start(monitor->timers, &probe->look, 1000);
	if (!err)
		err = lf_settings_on_change(monitor->settings, "monitor.",
					    on_settings, monitor);
	return err;
}

void lf_probe_sample(const struct lf_monitor *monitor,
		     struct lf_probe_sample *ret)
{
	*ret = monitor->probe->sample;
}

void lf_probe_close(struct lf_monitor *monitor)
{
	if (!monitor->probe)
		return;
	lf_timer_stop(monitor->timers, &monitor->probe->pulse);
	lf_timer_stop(monitor->timers, &monitor->probe->look);
}

void lf_probe_done(struct lf_monitor *monitor)
{
	free(monitor->probe);
	monitor->probe = NULL;
}
