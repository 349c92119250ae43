/*
 * monitor/monitor.h - the room as its owner sees it: opened after the
 * settings and before all rooms that raise events.
 */
#ifndef LF_MONITOR_MONITOR_H
#define LF_MONITOR_MONITOR_H

#include <stddef.h>
#include <stdint.h>

#include "directory/setting.h"

struct lf_monitor; /* opaque: see internal.h */
struct lf_store;
struct lf_timers;

extern const struct lf_setting_def lf_monitor_settings[];

struct lf_monitor_opts {
	struct lf_timers *timers;
	struct lf_store *store;
	struct lf_settings *settings;
	const char *store_path; /* its disk is watched; events park beside it */
	const char *node; /* our name in mails and traps; NULL: the host's */
};

/* Texts of the options are copied. `ready` is called once, from the loop,
 * when alarms and events of the last run are known. */
int lf_monitor_open(struct lf_monitor **ret, const struct lf_monitor_opts *opts,
		    void (*ready)(int err, void *arg), void *arg);
/* Before the store and the settings close; `closed` comes from the loop. */
void lf_monitor_close(struct lf_monitor *monitor, void (*closed)(void *arg),
		      void *arg);

#endif
