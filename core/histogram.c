/* core/histogram.c - see histogram.h. */
#include "core/histogram.h"

#include <math.h>
#include <stddef.h>

#include "core/banned.h"

const double lf_histogram_bounds[LF_HISTOGRAM_BUCKETS - 1] = {
	0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5};

void lf_histogram_add(struct lf_histogram *h, double seconds)
{
	size_t i = 0;

	while (i < LF_HISTOGRAM_BUCKETS - 1 && seconds > lf_histogram_bounds[i])
		i++;
	h->count[i]++;
	h->sum += seconds > 0 ? seconds : 0;
}

uint64_t lf_histogram_count(const struct lf_histogram *h)
{
	uint64_t all = 0;

	for (size_t i = 0; i < LF_HISTOGRAM_BUCKETS; i++)
		all += h->count[i];
	return all;
}

double lf_histogram_at(const struct lf_histogram *h, unsigned percent)
{
	const uint64_t all = lf_histogram_count(h);
	uint64_t seen = 0;

	for (size_t i = 0; all && i < LF_HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->count[i];
		if (seen * 100 >= all * percent)
			return lf_histogram_bounds[i];
	}
	return all ? INFINITY : 0;
}
