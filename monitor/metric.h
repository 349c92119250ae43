/*
 * monitor/metric.h - figures for Prometheus (OpenMetrics) and `lampctl top`.
 *
 * Nothing is kept here: whoever is asked walks over the rooms and writes what
 * they count. A family is begun once and has any number of samples; names are
 * without the prefix "lampfield_" and without "_total".
 */
#ifndef LF_MONITOR_METRIC_H
#define LF_MONITOR_METRIC_H

#include <stddef.h>
#include <stdint.h>

struct lf_buf;
struct lf_histogram;
enum lf_metric_type { LF_GAUGE, LF_COUNTER, LF_HISTOGRAM };

struct lf_metrics {
	struct lf_buf *out;
	int is_openmetrics; /* or Prometheus' older text form */
	const char *name;   /* the family that has begun */
	enum lf_metric_type type;
};

void lf_metric_family(struct lf_metrics *m, const char *name,
		      enum lf_metric_type type, const char *unit,
		      const char *help);
/* One label or none: label NULL. Any value will do. */
void lf_metric_sample(struct lf_metrics *m, const char *label,
		      const char *label_value, double value);
void lf_metric_histogram(struct lf_metrics *m, const struct lf_histogram *h);
void lf_metrics_end(struct lf_metrics *m);

#endif
