/* monitor/settings.c - the settings of this room. */
#include "monitor/monitor.h"

#include "core/banned.h"

const struct lf_setting_def lf_monitor_settings[] = {
	{"monitor.retention", LF_SET_INT, "30", 1, 3650, NULL, "days",
	 "How long events are kept.", "S259"},
	{"monitor.fold-window", LF_SET_INT, "60", 1, 3600, NULL, "s",
	 "An event that comes again within this time is counted in one row.",
	 "S263"},
	{"monitor.disabled", LF_SET_LIST, "", 0, 4096, NULL, NULL,
	 "Events that are logged but neither shown as alarms nor told to "
	 "anybody: numbers or names of lampctl events catalogue.",
	 "S261"},
	{NULL},
};
