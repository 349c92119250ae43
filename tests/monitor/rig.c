/* tests/monitor/rig.c - see rig.h. */
#include "tests/monitor/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/timer.h"
#include "directory/setting.h"

#include "core/banned.h"

static const struct lf_setting_def *const tables[] = {lf_monitor_settings,
						      NULL};

void rig_wait(struct rig *rig)
{
	while (!rig->is_done)
		assert_true(uv_run(&rig->loop, UV_RUN_ONCE) || rig->is_done);
	rig->is_done = false;
}

static void on_done(int err, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static void on_closed(void *arg)
{
	on_done(0, arg);
}

void rig_open(struct rig *rig)
{
	const struct lf_monitor_opts opts = {
		.timers = rig->timers,
		.node = "test",
		.store_path = rig->path,
	};
	struct lf_monitor_opts all = opts;
	char text[256];

	assert_int_equal(0, lf_store_open(&rig->store, &rig->loop, rig->path,
					  text, sizeof(text)));
	assert_int_equal(0, lf_settings_open(&rig->settings, rig->store, NULL,
					     tables, on_done, rig));
	rig_wait(rig);
	assert_int_equal(0, rig->err);
	all.store = rig->store;
	all.settings = rig->settings;
	assert_int_equal(0, lf_monitor_open(&rig->monitor, &all, on_done, rig));
	rig_wait(rig);
	assert_int_equal(0, rig->err);
}

void rig_close(struct rig *rig)
{
	if (!rig->store)
		return;
	lf_monitor_close(rig->monitor, on_closed, rig);
	rig_wait(rig);
	lf_settings_close(rig->settings);
	lf_store_close(rig->store, on_closed, rig);
	rig->store = NULL;
	rig_wait(rig);
}

void rig_restart(struct rig *rig)
{
	rig_close(rig);
	rig_open(rig);
}

int rig_setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	lf_log_set_level(LF_ERROR);
	snprintf(rig->folder, sizeof(rig->folder), "/tmp/lf-monitor-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->path, sizeof(rig->path), "%s/store", rig->folder);
	assert_int_equal(0, uv_loop_init(&rig->loop));
	assert_int_equal(0, lf_timers_new(&rig->timers, &rig->loop));
	rig_open(rig);
	*state = rig;
	return 0;
}

int rig_teardown(void **state)
{
	static const char *const suffixes[] = {"",         "-wal",  "-shm",
					       "-journal", ".lock", ".parked"};
	struct rig *rig = *state;
	char path[128];

	rig_close(rig);
	lf_timers_close(rig->timers);
	assert_int_equal(0, uv_run(&rig->loop, UV_RUN_DEFAULT));
	assert_int_equal(0, uv_loop_close(&rig->loop));
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", rig->path, suffixes[i]);
		unlink(path);
	}
	assert_int_equal(0, rmdir(rig->folder));
	free(rig);
	return 0;
}

static void on_set(int err, const char *text, void *arg)
{
	on_done(err, arg);
}

void rig_set(struct rig *rig, const char *name, const char *value)
{
	const struct lf_assignment one = {name, value};

	assert_int_equal(0, lf_settings_set(rig->settings, &one, 1, "test",
					    on_set, rig));
	rig_wait(rig);
	assert_int_equal(0, rig->err);
}

static void on_rows(int err, const struct lf_event_row *rows, size_t n,
		    void *arg)
{
	struct rig *rig = arg;
	char name[LF_EVENT_NAME_SIZE];
	size_t len = 0;

	rig->n = n;
	rig->last_id = n ? rows[n - 1].id : 0;
	rig->text[0] = '\0';
	for (size_t i = 0; i < n && len < sizeof(rig->text); i++)
		len += (size_t)snprintf(
			rig->text + len, sizeof(rig->text) - len,
			"%lld %s %s x%lld %s\n", (long long)rows[i].id,
			lf_event_name(name, rows[i].info), rows[i].subject,
			(long long)rows[i].count, rows[i].text);
	on_done(err, rig);
}

int rig_read(struct rig *rig, const struct lf_event_filter *filter,
	     unsigned max)
{
	int err = lf_events_read(rig->monitor, filter, max, on_rows, rig);

	if (err)
		return err;
	rig_wait(rig);
	return rig->err;
}

const char *rig_alarms(struct rig *rig)
{
	char name[LF_EVENT_NAME_SIZE];
	struct lf_alarm alarm;
	size_t len = 0;

	rig->text[0] = '\0';
	for (size_t i = 0; !lf_alarm_at(rig->monitor, i, &alarm); i++)
		len += (size_t)snprintf(
			rig->text + len, sizeof(rig->text) - len,
			"%s %s x%lld %s%s\n", lf_event_name(name, alarm.info),
			alarm.subject, (long long)alarm.count, alarm.text,
			alarm.is_disabled ? " (disabled)" : "");
	return rig->text;
}
