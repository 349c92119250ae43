/*
 * core/histogram.h - how long things take, counted in fixed steps: cheap
 * enough for every message. /metrics shows them (monitor/metric.h).
 */
#ifndef LF_CORE_HISTOGRAM_H
#define LF_CORE_HISTOGRAM_H

#include <stdint.h>

/* Upper bounds in seconds: 1, 2, 5 ms ... 5 s, and all above. */
#define LF_HISTOGRAM_BUCKETS 13
extern const double lf_histogram_bounds[LF_HISTOGRAM_BUCKETS - 1];

struct lf_histogram {
	uint64_t count[LF_HISTOGRAM_BUCKETS]; /* not cumulated */
	double sum;
};

void lf_histogram_add(struct lf_histogram *h, double seconds);
uint64_t lf_histogram_count(const struct lf_histogram *h);
/* The bound below which `percent` of all are; 0 when there are none. */
double lf_histogram_at(const struct lf_histogram *h, unsigned percent);

#endif
