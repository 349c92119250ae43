/* tests/monitor/rig.h - a loop, a real store and settings, and the monitor. */
#ifndef LF_TESTS_MONITOR_RIG_H
#define LF_TESTS_MONITOR_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "monitor/event.h"
#include "monitor/history.h"
#include "monitor/monitor.h"
#include "store/store.h"

struct rig {
	uv_loop_t loop;
	struct lf_timers *timers;
	struct lf_store *store;
	struct lf_settings *settings;
	struct lf_monitor *monitor;
	char folder[64], path[96];

	/* what the last answer said */
	bool is_done;
	int err;
	char text[8192]; /* rows: "id event subject xcount text\n" */
	size_t n;
	int64_t last_id;
};

int rig_setup(void **state);
int rig_teardown(void **state);
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
void rig_restart(struct rig *rig);
void rig_wait(struct rig *rig);
void rig_set(struct rig *rig, const char *name, const char *value);
/* Reads a page into rig->text; returns the error of the call or the answer. */
int rig_read(struct rig *rig, const struct lf_event_filter *filter,
	     unsigned max);
/* All active alarms: "event subject xcount text\n". */
const char *rig_alarms(struct rig *rig);

#endif
