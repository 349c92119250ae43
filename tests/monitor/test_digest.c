/*
 * tests/monitor/test_digest.c - quiet hours and digests. The clock on the wall
 * is the test's; nothing is sent, the spool says what would be.
 */
#include "tests/monitor/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/secret.h"
#include "directory/setting.h"
#include "monitor/internal.h"
#include "monitor/notify.h"

#include "core/banned.h"

int64_t __wrap_lf_wall_ms(void);
static int64_t now_ms;

int64_t __wrap_lf_wall_ms(void)
{
	return now_ms;
}

static void it_is(const char *moment)
{
	assert_int_equal(0, lf_rfc3339_parse(&now_ms, moment));
}

static struct lf_notify_stats stats(struct rig *rig)
{
	struct lf_notify_stats s;

	lf_notify_stats(rig->monitor, &s);
	return s;
}

/* Until so many are held and so many wait for the mail server. */
static void wait_until(struct rig *rig, size_t held, size_t waiting)
{
	while (stats(rig).held != held ||
	       stats(rig).waiting[LF_CHANNEL_MAIL] != waiting)
		assert_true(uv_run(&rig->loop, UV_RUN_ONCE));
}

/* ---- what waits in the spool ---- */

static struct {
	char to[64], head[1024], body[4096];
} mails[8];

static void decode(char *out, size_t size, const char *at)
{
	char line[80];
	size_t n, len = 0;

	for (; *at; at += n + 2) {
		n = strcspn(at, "\r");
		assert_true(n < sizeof(line));
		memcpy(line, at, n);
		line[n] = '\0';
		assert_int_equal(0, lf_base64_decode(out + len, size - len - 1,
						     &n, line));
		len += n;
		n = strlen(line);
	}
	out[len] = '\0';
}

static void on_mails(int err, struct lf_store_rows *rows, void *arg)
{
	struct rig *rig = arg;
	const char *message, *text;

	assert_int_equal(0, err);
	rig->n = lf_store_rows_count(rows);
	assert_true(rig->n <= sizeof(mails) / sizeof(*mails));
	for (size_t i = 0; i < rig->n; i++) {
		message = lf_store_rows_text(rows, i, 1, NULL);
		text = strstr(message, "\r\n\r\n");
		assert_non_null(text);
		snprintf(mails[i].to, sizeof(mails[i].to), "%s",
			 lf_store_rows_text(rows, i, 0, NULL));
		snprintf(mails[i].head, sizeof(mails[i].head), "%.*s",
			 (int)(text - message), message);
		decode(mails[i].body, sizeof(mails[i].body), text + 4);
	}
	rig->is_done = true;
}

static size_t read_mails(struct rig *rig)
{
	assert_int_equal(0, lf_store_query(rig->store, "test.mails", NULL, 0,
					   on_mails, rig));
	rig_wait(rig);
	return rig->n;
}

static void assert_has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, text);
}

/* ---- the tests ---- */

static void define(struct rig *rig)
{
	assert_int_equal(0, lf_store_define(rig->store, "test.mails",
					    "SELECT recipient, message FROM "
					    "monitor_mail ORDER BY id"));
}

/* Nights in Rome; 20 January 2026, 23:00 there. */
static int in_the_night(void **state)
{
	struct rig *rig;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	it_is("2026-01-20T22:00:00Z");
	assert_int_equal(0, rig_setup(state));
	rig = *state;
	define(rig);
	rig_set(rig, "mail.quiet-hours", "22:00-07:00");
	rig_set(rig, "mail.server", "127.0.0.1:1");
	rig_set(rig, "mail.from", "lf@example.org");
	rig_set(rig, "mail.recipients", "a@example.org,b@example.org");
	rig_set(rig, "mail.enable", "yes");
	return 0;
}

/* The settings' change is the server's moment to look at the clock. */
static void look_at_the_clock(struct rig *rig)
{
	static int turn;

	rig_set(rig, "mail.timeout", turn++ % 2 ? "30" : "31");
}

static void warn(struct rig *rig, const char *subject)
{
	lf_event_raise(rig->monitor, LF_EVENT_DNS_FAILING, subject, "silent");
}

static void what_is_urgent_does_not_wait(void **state)
{
	struct rig *rig = *state;

	warn(rig, "pbx1");
	wait_until(rig, 2, 0);
	lf_event_raise(rig->monitor, LF_EVENT_FEED_DOWN, "pbx2", "down");
	lf_event_raise(rig->monitor, LF_EVENT_FEED_UP, "pbx2", "up");
	wait_until(rig, 2, 4);
	rig_set(rig, "mail.urgent", "warning");
	warn(rig, "pbx3");
	wait_until(rig, 2, 6);
	assert_int_equal(6, read_mails(rig));
	assert_has(mails[0].head, "error: feed-down pbx2");
	assert_has(mails[2].head, "ended: feed-up pbx2");
	assert_has(mails[4].head, "warning: dns-failing pbx3");
}

static void what_waited_is_one_mail_for_each_recipient(void **state)
{
	struct rig *rig = *state;

	rig_set(rig, "event.1003.recipients", "b@example.org");
	warn(rig, "pbx1");
	warn(rig, "pbx1");
	warn(rig, "pbx2");
	lf_event_raise(rig->monitor, LF_EVENT_SERVER_DIED, "", "gone");
	wait_until(rig, 5, 0);
	assert_int_equal(5, stats(rig).held);
	it_is("2026-01-21T05:59:59Z");
	look_at_the_clock(rig);
	assert_int_equal(now_ms + 1000, stats(rig).held_until_ms);
	assert_int_equal(0, read_mails(rig));
	lf_history_flush(rig->monitor); /* counts are written once a second */
	it_is("2026-01-21T06:00:00Z");
	look_at_the_clock(rig);
	wait_until(rig, 0, 2);
	assert_int_equal(2, read_mails(rig));
	assert_string_equal("a@example.org", mails[0].to);
	assert_has(mails[0].head, "To: a@example.org\r\n"
				  "Subject: [test] 2 events held back, up to "
				  "warning\r\n"
				  "Date: Wed, 21 Jan 2026 06:00:00 +0000\r\n");
	assert_has(mails[0].head, "\r\nX-Lampfield-Digest: 2\r\n");
	assert_has(mails[0].body, "2026-01-20T22:00:00.000Z  warning: "
				  "dns-failing pbx1 (2 times)\r\n    silent");
	assert_has(mails[0].body, "dns-failing pbx2\r\n");
	assert_string_equal("b@example.org", mails[1].to);
	assert_has(mails[1].head, "[test] 3 events held back");
	assert_has(mails[1].body, "warning: server-died\r\n    gone");
}

static void
a_night_lasts_until_the_clock_on_the_wall_shows_its_end(void **state)
{
	struct rig *rig = *state;

	it_is("2026-10-24T21:00:00Z"); /* summer time ends in this night */
	warn(rig, "pbx1");
	wait_until(rig, 2, 0);
	it_is("2026-10-25T05:59:59Z");
	look_at_the_clock(rig);
	assert_int_equal(0, read_mails(rig));
	it_is("2026-10-25T06:00:00Z");
	look_at_the_clock(rig);
	wait_until(rig, 0, 2);
}

static void a_restart_forgets_nothing(void **state)
{
	struct rig *rig = *state;

	warn(rig, "pbx1");
	wait_until(rig, 2, 0);
	rig_restart(rig);
	define(rig);
	assert_int_equal(2, stats(rig).held);
	warn(rig, "pbx2");
	it_is("2026-01-21T07:00:00Z");
	look_at_the_clock(rig);
	wait_until(rig, 0, 2);
	assert_int_equal(2, read_mails(rig));
	assert_has(mails[0].head, "2 events held back");
}

static void by_day_events_are_gathered_for_as_long_as_is_set(void **state)
{
	struct rig *rig = *state;

	it_is("2026-01-21T12:00:00Z");
	warn(rig, "pbx1");
	wait_until(rig, 0, 2); /* each at once: no interval is set */
	rig_set(rig, "mail.digest-interval", "30");
	warn(rig, "pbx2");
	wait_until(rig, 2, 2);
	assert_in_range(stats(rig).held_until_ms, now_ms + 29 * 60000,
			now_ms + 30 * 60000);
	look_at_the_clock(rig);
	assert_int_equal(2, read_mails(rig));
	rig_set(rig, "mail.digest-interval", "0");
	wait_until(rig, 0, 4);
	read_mails(rig);
	assert_has(mails[2].head, "1 event held back");
}

static void what_is_held_counts_for_the_spools_bound(void **state)
{
	struct rig *rig = *state;

	rig_set(rig, "mail.spool-max", "10");
	for (int i = 0; i < 8; i++) {
		char subject[16];

		snprintf(subject, sizeof(subject), "pbx%d", i);
		warn(rig, subject);
	}
	wait_until(rig, 10, 0);
	assert_has(rig_alarms(rig), "mail-spool-full");
}

static void on_refused(int err, const char *text, void *arg)
{
	assert_int_equal(-EINVAL, err);
	assert_has(text, "mail.quiet-hours");
	assert_has(text, "22:00-07:00");
	*(bool *)arg = true;
}

static void hours_that_cannot_be_read_are_refused(void **state)
{
	struct rig *rig = *state;
	const struct lf_assignment wrong = {"mail.quiet-hours", "10pm-7am"};
	bool is_refused = false;

	assert_int_equal(0, lf_settings_set(rig->settings, &wrong, 1, "test",
					    on_refused, &is_refused));
	assert_true(is_refused);
	assert_string_equal("22:00-07:00",
			    lf_setting_text(rig->settings, "mail.quiet-hours"));
}

static void ignore(enum lf_log_level level, const char *room, const char *text,
		   void *arg)
{
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, in_the_night, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_urgent_does_not_wait),
		TEST(what_waited_is_one_mail_for_each_recipient),
		TEST(a_night_lasts_until_the_clock_on_the_wall_shows_its_end),
		TEST(a_restart_forgets_nothing),
		TEST(by_day_events_are_gathered_for_as_long_as_is_set),
		TEST(what_is_held_counts_for_the_spools_bound),
		TEST(hours_that_cannot_be_read_are_refused),
	};

	lf_log_set_sink(ignore, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
