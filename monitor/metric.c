/* monitor/metric.c - see metric.h. */
#include "monitor/metric.h"

#include <string.h>

#include "core/buf.h"
#include "core/histogram.h"

#include "core/banned.h"

#define PREFIX "lampfield_"

void lf_metric_family(struct lf_metrics *m, const char *name,
		      enum lf_metric_type type, const char *unit,
		      const char *help)
{
	static const char *const types[] = {"gauge", "counter", "histogram"};
	const char *end =
		type == LF_COUNTER && !m->is_openmetrics ? "_total" : "";

	m->name = name;
	m->type = type;
	lf_buf_addf(m->out, "# HELP " PREFIX "%s%s %s\n", name, end, help);
	lf_buf_addf(m->out, "# TYPE " PREFIX "%s%s %s\n", name, end,
		    types[type]);
	if (m->is_openmetrics && unit)
		lf_buf_addf(m->out, "# UNIT " PREFIX "%s %s\n", name, unit);
}

static void add_label(struct lf_buf *out, const char *name, const char *value)
{
	lf_buf_addf(out, "{%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			lf_buf_adds(out, "\\n");
		else if (*value == '"' || *value == '\\')
			lf_buf_addf(out, "\\%c", *value);
		else
			lf_buf_addc(out, *value);
	}
	lf_buf_adds(out, "\"}");
}

void lf_metric_sample(struct lf_metrics *m, const char *label,
		      const char *label_value, double value)
{
	lf_buf_addf(m->out, PREFIX "%s%s", m->name,
		    m->type == LF_COUNTER ? "_total" : "");
	if (label)
		add_label(m->out, label, label_value);
	lf_buf_addf(m->out, " %.17g\n", value);
}

void lf_metric_histogram(struct lf_metrics *m, const struct lf_histogram *h)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < LF_HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->count[i];
		lf_buf_addf(m->out, PREFIX "%s_bucket{le=\"%g\"} %llu\n",
			    m->name, lf_histogram_bounds[i],
			    (unsigned long long)seen);
	}
	seen += h->count[LF_HISTOGRAM_BUCKETS - 1];
	lf_buf_addf(m->out,
		    PREFIX "%s_bucket{le=\"+Inf\"} %llu\n" PREFIX
			   "%s_sum %.17g\n" PREFIX "%s_count %llu\n",
		    m->name, (unsigned long long)seen, m->name, h->sum, m->name,
		    (unsigned long long)seen);
}

void lf_metrics_end(struct lf_metrics *m)
{
	if (m->is_openmetrics)
		lf_buf_adds(m->out, "# EOF\n");
}
