/* monitor/settings.c - the settings of this room. */
#include "monitor/monitor.h"

#include <stddef.h>

#include "monitor/document.h"

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
	{"monitor.failing-after", LF_SET_INT, "15", 1, 3600, NULL, "s",
	 "How long a feed, a link or a part must fail before it is an alarm.",
	 "S258"},
	{"trap.base-oid", LF_SET_TEXT, LF_MIB_DEFAULT_BASE, 0, 128, NULL, NULL,
	 "Below it are our notifications and what they carry.", "S267"},
	{NULL},
};
