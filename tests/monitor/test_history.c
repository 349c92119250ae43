/* tests/monitor/test_history.c - alarms and the event log. */
#include "tests/monitor/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/timer.h"
#include "monitor/internal.h"

#include "core/banned.h"

static const struct lf_event_filter everything = {0};

static void what_happened_is_in_the_log_newest_first(void **state)
{
	struct rig *rig = *state;

	lf_event_raise(rig->monitor, LF_EVENT_SERVER_STARTED, "", "one");
	lf_event_raise(rig->monitor, LF_EVENT_CLOCK_STEPPED, "", "by %d s", 7);
	assert_int_equal(0, rig_read(rig, &everything, 10));
	assert_string_equal("2 clock-stepped  x1 by 7 s\n"
			    "1 server-started  x1 one\n",
			    rig->text);
	rig_restart(rig);
	lf_event_raise(rig->monitor, LF_EVENT_SERVER_STARTED, "", "again");
	assert_int_equal(0, rig_read(rig, &everything, 1));
	assert_string_equal("3 server-started  x1 again\n", rig->text);
}

static void an_alarm_lasts_until_it_is_cleared(void **state)
{
	struct rig *rig = *state;

	lf_event_raise(rig->monitor, LF_EVENT_FEED_UP, "pbx1", "never down");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_DOWN, "pbx1", "silent");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_DOWN, "pbx2", "refused");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_DOWN, "pbx1", "still");
	assert_string_equal("feed-down pbx1 x2 still\n"
			    "feed-down pbx2 x1 refused\n",
			    rig_alarms(rig));
	rig_restart(rig);
	assert_string_equal("feed-down pbx1 x1 silent\n"
			    "feed-down pbx2 x1 refused\n",
			    rig_alarms(rig));
	lf_event_raise(rig->monitor, LF_EVENT_FEED_UP, "pbx1", "back");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_UP, "pbx1", "back");
	assert_string_equal("feed-down pbx2 x1 refused\n", rig_alarms(rig));
	assert_int_equal(0, rig_read(rig, &everything, 10));
	assert_string_equal("3 feed-up pbx1 x1 back\n"
			    "2 feed-down pbx2 x1 refused\n"
			    "1 feed-down pbx1 x2 silent\n",
			    rig->text);
	rig_restart(rig);
	assert_string_equal("feed-down pbx2 x1 refused\n", rig_alarms(rig));
}

static void a_disabled_alarm_is_marked(void **state)
{
	struct rig *rig = *state;

	rig_set(rig, "monitor.disabled", "1101, feed-down");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_DOWN, "a", "x");
	lf_event_raise(rig->monitor, LF_EVENT_MEMORY_LOW, "", "y");
	assert_string_equal("feed-down a x1 x (disabled)\n"
			    "memory-low  x1 y\n",
			    rig_alarms(rig));
}

static void a_storm_is_one_row_with_a_count(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 100000; i++)
		lf_event_raise(rig->monitor, LF_EVENT_LOGIN_BRAKED, "10.1.1.1",
			       "attempt %d", i);
	assert_int_equal(0, rig_read(rig, &everything, 10));
	assert_string_equal("1 login-braked 10.1.1.1 x100000 attempt 0\n",
			    rig->text);
	rig_restart(rig);
	assert_int_equal(0, rig_read(rig, &everything, 10));
	assert_string_equal("1 login-braked 10.1.1.1 x100000 attempt 0\n",
			    rig->text);
}

static void a_storm_of_many_subjects_is_bounded_and_counted(void **state)
{
	struct rig *rig = *state;
	char subject[32];

	for (int i = 0; i < 5000; i++) {
		snprintf(subject, sizeof(subject), "10.1.%d.%d", i / 250,
			 i % 250);
		lf_event_raise(rig->monitor, LF_EVENT_LOGIN_BRAKED, subject,
			       "wrong");
	}
	assert_int_equal(0, rig_read(rig, &everything, 1000));
	assert_int_equal(101, rig->n);
	assert_non_null(strstr(rig->text, " x4900 More of this"));
}

static void filters_leave_the_rest_out(void **state)
{
	struct lf_event_filter f = {0};
	struct rig *rig = *state;

	lf_event_raise(rig->monitor, LF_EVENT_SERVER_STARTED, "", "version 9");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_DOWN, "pbx1",
		       "Server 10.0.0.1:5060 is silent.");
	lf_event_raise(rig->monitor, LF_EVENT_DISK_LOW, "", "M\xc3\xbcll disk");
	f.at_least = LF_SEVERITY_ERROR;
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(2, rig->n);
	f = (struct lf_event_filter){.application = "presence"};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(1, rig->n);
	f = (struct lf_event_filter){.category = "resource"};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(1, rig->n);
	f = (struct lf_event_filter){.category = "no such"};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(0, rig->n);
	f = (struct lf_event_filter){.event = LF_EVENT_SERVER_STARTED};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(1, rig->n);
	f = (struct lf_event_filter){.text = "SILENT 10.0.0.1"};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_string_equal(
		"2 feed-down pbx1 x1 Server 10.0.0.1:5060 is silent.\n",
		rig->text);
	f.at_least = LF_SEVERITY_ERROR;
	f.application = "system";
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(0, rig->n);
	f = (struct lf_event_filter){.text = "version",
				     .at_least = LF_SEVERITY_ERROR};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(0, rig->n);
	f = (struct lf_event_filter){.text = "m\xc3\xbcll"};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(1, rig->n);
	f = (struct lf_event_filter){.text = "one two three four five"};
	assert_int_equal(-E2BIG, rig_read(rig, &f, 10));
	f = (struct lf_event_filter){.to_ms = 1000};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(0, rig->n);
	f = (struct lf_event_filter){.from_ms = lf_wall_ms() + 60000};
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(0, rig->n);
}

static void pages_follow_each_other_without_a_gap(void **state)
{
	struct lf_event_filter f = {0};
	struct rig *rig = *state;
	char subject[16];
	size_t n = 0;

	for (int i = 0; i < 25; i++) {
		snprintf(subject, sizeof(subject), "s%d", i);
		lf_event_raise(rig->monitor,
			       i % 2 ? LF_EVENT_FEED_DOWN : LF_EVENT_DISK_LOW,
			       subject, "x");
	}
	f.at_least = LF_SEVERITY_ERROR;
	do {
		assert_int_equal(0, rig_read(rig, &f, 10));
		n += rig->n;
		assert_true(!f.before_id || !rig->n ||
			    rig->last_id < f.before_id);
		f.before_id = rig->last_id;
	} while (rig->n == 10);
	assert_int_equal(25, n);
	assert_int_equal(1, f.before_id);
	assert_int_equal(-E2BIG, rig_read(rig, &f, 0));
	assert_int_equal(-E2BIG, rig_read(rig, &f, LF_EVENTS_MAX + 1));
}

static void any_bytes_become_text(void **state)
{
	struct rig *rig = *state;
	char large[2000];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	lf_event_raise(rig->monitor, LF_EVENT_DISK_LOW, "a\nb",
		       "\xff\x01\x1b[");
	lf_event_raise(rig->monitor, LF_EVENT_DISK_LOW, large, "%s", large);
	lf_event_raise(rig->monitor, LF_EVENT_DISK_LOW, NULL, "%s", "");
	lf_event_raise(rig->monitor, (enum lf_event)99, "", "unknown");
	lf_event_raise(NULL, LF_EVENT_CPU_FINE, "", "only logged");
	assert_int_equal(0, rig_read(rig, &everything, 10));
	assert_int_equal(3, rig->n);
	assert_non_null(strstr(rig->text, "1 disk-low a b x1 ?  [\n"));
}

static void old_rows_go_with_their_words(void **state)
{
	const struct lf_event_filter f = {.text = "wrong"};
	struct rig *rig = *state;

	for (int i = 0; i < 3; i++) {
		lf_event_raise(rig->monitor, LF_EVENT_LOGIN_BRAKED,
			       i ? i > 1 ? "a" : "b" : "c", "wrong password");
	}
	lf_retention_expire(rig->monitor, lf_wall_ms() - 60000);
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(3, rig->n);
	lf_retention_expire(rig->monitor, lf_wall_ms() + 60000);
	rig_restart(rig);
	assert_int_equal(0, rig_read(rig, &everything, 10));
	assert_int_equal(0, rig->n);
	assert_int_equal(0, rig_read(rig, &f, 10));
	assert_int_equal(0, rig->n);
}

static void the_park_keeps_what_was_written_before_a_crash(void **state)
{
	struct lf_event_note note = {.id = 41,
				     .count = 3,
				     .event = LF_EVENT_DISK_LOW,
				     .first_ms = 5,
				     .last_ms = 6,
				     .subject = "s",
				     .text = "t \"q\""};
	struct rig *rig = *state;
	struct lf_park *park;
	char path[128];

	rig_close(rig);
	snprintf(path, sizeof(path), "%s.parked", rig->path);
	assert_int_equal(0, lf_park_open(&park, path, 4096));
	assert_int_equal(0, lf_park_add(park, &note));
	note.id = 42;
	assert_int_equal(0, lf_park_add(park, &note));
	while (lf_park_add(park, &note) == 0)
		;
	assert_int_equal(-ENOSPC, lf_park_add(park, &note));
	lf_park_close(park);

	rig_open(rig);
	lf_event_raise(rig->monitor, LF_EVENT_SERVER_STARTED, "", "next");
	do
		assert_int_equal(0, rig_read(rig, &everything, 10));
	while (rig->n < 3);
	assert_string_equal("43 server-started  x1 next\n"
			    "42 disk-low s x3 t \"q\"\n"
			    "41 disk-low s x3 t \"q\"\n",
			    rig->text);
}

static bool is_refusing;
static int64_t ahead_ms;

int __real_lf_store_query(struct lf_store *store, const char *name,
			  const struct lf_store_arg *args, size_t n,
			  lf_store_rows_fn *done, void *arg);
int __wrap_lf_store_query(struct lf_store *store, const char *name,
			  const struct lf_store_arg *args, size_t n,
			  lf_store_rows_fn *done, void *arg);
int64_t __real_lf_mono_ms(void);
int64_t __wrap_lf_mono_ms(void);

/* As it answers when too much waits already. */
int __wrap_lf_store_query(struct lf_store *store, const char *name,
			  const struct lf_store_arg *args, size_t n,
			  lf_store_rows_fn *done, void *arg)
{
	return is_refusing
		       ? -EAGAIN
		       : __real_lf_store_query(store, name, args, n, done, arg);
}

int64_t __wrap_lf_mono_ms(void)
{
	return __real_lf_mono_ms() + ahead_ms;
}

static void parking_may_raise_what_is_being_parked(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 2; i++)
		lf_event_raise(rig->monitor, LF_EVENT_EVENTS_PARKED, "", "old");
	is_refusing = true;
	ahead_ms += 61000; /* monitor.fold-window is over */
	lf_event_raise(rig->monitor, LF_EVENT_EVENTS_PARKED, "", "new");
	is_refusing = false;
	rig_restart(rig);
	do
		assert_int_equal(0, rig_read(rig, &everything, 10));
	while (rig->n < 3);
	assert_non_null(strstr(rig->text, "1 events-parked  x2 old\n"));
	assert_non_null(strstr(rig->text, "2 events-parked  x2 The database"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_happened_is_in_the_log_newest_first),
		TEST(an_alarm_lasts_until_it_is_cleared),
		TEST(a_disabled_alarm_is_marked),
		TEST(a_storm_is_one_row_with_a_count),
		TEST(a_storm_of_many_subjects_is_bounded_and_counted),
		TEST(filters_leave_the_rest_out),
		TEST(pages_follow_each_other_without_a_gap),
		TEST(any_bytes_become_text),
		TEST(old_rows_go_with_their_words),
		TEST(the_park_keeps_what_was_written_before_a_crash),
		TEST(parking_may_raise_what_is_being_parked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
