/*
 * monitor/export.h - the event log as a file (S264). The home of
 * libxlsxwriter. The file is made in the worker pool.
 */
#ifndef LF_MONITOR_EXPORT_H
#define LF_MONITOR_EXPORT_H

#include <stddef.h>

#include "monitor/history.h"

#define LF_EXPORT_MAX 100000 /* rows of one file */

enum lf_export_form { LF_EXPORT_CSV, LF_EXPORT_XLSX };

/* The file's bytes, the caller's only until it returns. */
typedef void lf_export_fn(int err, const void *data, size_t len, void *arg);

/* All that the filter takes, newest first, LF_EXPORT_MAX at most. */
int lf_events_export(struct lf_monitor *monitor,
		     const struct lf_event_filter *filter,
		     enum lf_export_form form, lf_export_fn *done, void *arg);

#endif
