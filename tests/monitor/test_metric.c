/* tests/monitor/test_metric.c - figures in both text forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/histogram.h"
#include "monitor/metric.h"

#include "core/banned.h"

static void a_counter_is_named_as_each_form_wants_it(void **state)
{
	struct lf_buf out = {0};
	struct lf_metrics m = {.out = &out};

	lf_metric_family(&m, "events", LF_COUNTER, NULL, "Events.");
	lf_metric_sample(&m, NULL, NULL, 7);
	lf_metrics_end(&m);
	assert_string_equal("# HELP lampfield_events_total Events.\n"
			    "# TYPE lampfield_events_total counter\n"
			    "lampfield_events_total 7\n",
			    out.data);
	lf_buf_reset(&out);
	m.is_openmetrics = 1;
	lf_metric_family(&m, "events", LF_COUNTER, NULL, "Events.");
	lf_metric_sample(&m, NULL, NULL, 7);
	lf_metrics_end(&m);
	assert_string_equal("# HELP lampfield_events Events.\n"
			    "# TYPE lampfield_events counter\n"
			    "lampfield_events_total 7\n"
			    "# EOF\n",
			    out.data);
	lf_buf_done(&out);
}

static void any_label_value_stays_one_line(void **state)
{
	struct lf_buf out = {0};
	struct lf_metrics m = {.out = &out};

	m.name = "feed_up";
	lf_metric_sample(&m, "feed", "a\"b\\c\nd", 1);
	assert_string_equal("lampfield_feed_up{feed=\"a\\\"b\\\\c\\nd\"} 1\n",
			    out.data);
	lf_buf_done(&out);
}

static void a_histogram_counts_upwards(void **state)
{
	struct lf_histogram h = {0};
	struct lf_buf out = {0};
	struct lf_metrics m = {.out = &out, .name = "d"};

	assert_true(lf_histogram_at(&h, 99) == 0);
	for (int i = 0; i < 99; i++)
		lf_histogram_add(&h, 0.0005);
	lf_histogram_add(&h, 0.3);
	assert_true(lf_histogram_at(&h, 99) == 0.001);
	assert_true(lf_histogram_at(&h, 100) == 0.5);
	lf_histogram_add(&h, 100);
	lf_histogram_add(&h, -1);
	lf_metric_histogram(&m, &h);
	assert_non_null(strstr(out.data, "d_bucket{le=\"0.001\"} 100\n"));
	assert_non_null(strstr(out.data, "d_bucket{le=\"0.5\"} 101\n"));
	assert_non_null(strstr(out.data, "d_bucket{le=\"5\"} 101\n"));
	assert_non_null(strstr(out.data, "d_bucket{le=\"+Inf\"} 102\n"));
	assert_non_null(strstr(out.data, "d_count 102\n"));
	lf_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_is_named_as_each_form_wants_it),
		cmocka_unit_test(any_label_value_stays_one_line),
		cmocka_unit_test(a_histogram_counts_upwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
