/* monitor/probe.h - what was seen last of the machine and of our own pulse. */
#ifndef LF_MONITOR_PROBE_H
#define LF_MONITOR_PROBE_H

#include <stdint.h>

#include "core/histogram.h"

struct lf_monitor;

struct lf_probe_sample {
	uint64_t disk_free, disk_size;     /* bytes; of the store's disk */
	uint64_t memory_free, memory_size; /* bytes */
	uint64_t own_memory;               /* bytes, resident */
	uint64_t database_size;            /* bytes, with its log */
	unsigned cpu_percent;              /* of all processors */
	int64_t loop_late_ms;              /* the last pulse */
	struct lf_histogram loop_late;     /* seconds */
};

void lf_probe_sample(const struct lf_monitor *monitor,
		     struct lf_probe_sample *ret);

#endif
