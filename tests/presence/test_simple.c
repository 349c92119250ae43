/*
 * Tests of presence/simple.c: from the settings to feeds, over a real store
 * and directory, with a SIP and a clock that the test plays.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/directory/rig.h"

#include "core/log.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/timer.h"
#include "directory/setting.h"
#include "presence/board.h"
#include "presence/simple.h"
#include "tests/fake_sip.h"
#include "tests/fake_timers.h"
#include "tests/presence/say.h"

#include "core/banned.h"

struct bench {
	struct rig *rig;
	struct lf_vault *vault;
	struct lf_settings *settings;
	struct lf_timers *timers;
	struct lf_board *board;
	struct lf_simple *simple;
	struct lf_simple_status status;
	char user[32];
};

static const struct lf_setting_def *const tables[] = {
	lf_presence_settings, lf_directory_settings, NULL};

static void mute(enum lf_log_level level, const char *room, const char *text,
		 void *arg)
{
}

static void on_settings(int err, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static void on_simple(void *arg)
{
	((struct rig *)arg)->is_done = true;
}

static void start(struct bench *b)
{
	struct rig *rig = b->rig;

	assert_int_equal(0, lf_settings_open(&b->settings, rig->store, b->vault,
					     tables, on_settings, rig));
	rig_wait(rig);
	assert_int_equal(0, rig->err);
	assert_int_equal(
		0, lf_board_new(&b->board, b->timers, rig->dir, b->settings));
	assert_int_equal(0, lf_simple_open(&b->simple, b->timers, NULL,
					   b->board, b->settings, rig->store,
					   on_simple, rig));
	rig_wait(rig);
}

static void stop(struct bench *b)
{
	lf_simple_close(b->simple);
	lf_board_free(b->board);
	lf_settings_close(b->settings);
}

static void restart(struct bench *b)
{
	stop(b);
	rig_restart(b->rig);
	start(b);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char path[128];
	void *rig;

	assert_non_null(b);
	lf_log_set_sink(mute, NULL);
	fake_time_reset();
	fake_sip_reset();
	assert_int_equal(0, rig_setup(&rig));
	b->rig = rig;
	snprintf(path, sizeof(path), "%s/key", b->rig->folder);
	assert_int_equal(0, lf_vault_open(&b->vault, path));
	assert_int_equal(0, lf_timers_new(&b->timers, NULL));
	assert_int_equal(
		0, rig_put(b->rig, NULL,
			   "username=rossi|ext=200|sip_uri=anna@corp.example"));
	lf_text_copy(b->user, sizeof(b->user), b->rig->id);
	start(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	void *rig = b->rig;

	stop(b);
	assert_int_equal(0, fake_sip_count());
	assert_int_equal(0, fake_sip_trunks());
	assert_int_equal(0, fake_time_running());
	lf_timers_close(b->timers);
	lf_vault_free(b->vault);
	rig_teardown(&rig);
	free(b);
	lf_log_set_sink(NULL, NULL);
	return 0;
}

static void on_set(int err, const char *text, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static int set(struct bench *b, const char *name, const char *value)
{
	const struct lf_assignment one = {name, value};

	assert_int_equal(0, lf_settings_set(b->settings, &one, 1, "tester",
					    on_set, b->rig));
	rig_wait(b->rig);
	fake_time_pass(0);
	return b->rig->err;
}

static void add_pbx(struct bench *b, const char *name)
{
	char setting[64];

	snprintf(setting, sizeof(setting), "feed.%s.server", name);
	assert_int_equal(0, set(b, setting, "10.0.0.9:5070"));
	snprintf(setting, sizeof(setting), "feed.%s.dialect", name);
	assert_int_equal(0, set(b, setting, "asterisk"));
}

static enum lf_feed_state state_of(struct bench *b, size_t i)
{
	assert_int_equal(0, lf_simple_status(b->simple, i, &b->status));
	return b->status.state;
}

static void trunk(size_t i, enum lf_sip_trunk_state state)
{
	fake_sip_trunk_set(fake_sip_trunk_at(i), state, "the test says so");
}

static void confirmed(struct bench *b)
{
	struct lf_sip_sub *sub;

	trunk(0, LF_TRUNK_UP);
	assert_int_equal(0, lf_board_want(b->board, b->user));
	sub = fake_sip_last();
	assert_non_null(sub);
	fake_sip_respond(sub, 200, 3600);
	say_line(sub, 0, "terminated");
	assert_int_equal(LF_COND_OK,
			 lf_board_lamp(b->board, b->user)->tel_cond);
}

/* ---- what is configured ---- */

static void without_settings_there_is_no_feed(void **state)
{
	struct bench *b = *state;

	assert_int_equal(-ENOENT, lf_simple_status(b->simple, 0, &b->status));
	assert_int_equal(0, lf_board_want(b->board, b->user));
	assert_int_equal(LF_COND_NOT_CONFIGURED,
			 lf_board_lamp(b->board, b->user)->tel_cond);
}

static void a_server_makes_a_trunk_with_its_port(void **state)
{
	struct bench *b = *state;

	add_pbx(b, "pbx1");
	assert_int_equal(1, fake_sip_trunks());
	assert_string_equal("10.0.0.9",
			    fake_sip_trunk_host(fake_sip_trunk_at(0)));
	assert_int_equal(5070, fake_sip_trunk_port(fake_sip_trunk_at(0)));
	state_of(b, 0);
	assert_string_equal("pbx1", b->status.name);
	assert_string_equal("udp", b->status.transport);
	assert_string_equal("asterisk", b->status.dialect);
}

static void an_ipv6_server_keeps_its_colons(void **state)
{
	struct bench *b = *state;

	assert_int_equal(0, set(b, "feed.pbx1.server", "[2001:db8::9]:5070"));
	assert_string_equal("2001:db8::9",
			    fake_sip_trunk_host(fake_sip_trunk_at(0)));
	assert_int_equal(5070, fake_sip_trunk_port(fake_sip_trunk_at(0)));
	assert_int_equal(0, set(b, "feed.pbx1.server", "[2001:db8::9]"));
	assert_string_equal("2001:db8::9",
			    fake_sip_trunk_host(fake_sip_trunk_at(0)));
	assert_int_equal(0, fake_sip_trunk_port(fake_sip_trunk_at(0)));
}

static void what_is_out_of_range_is_refused_and_nothing_changes(void **state)
{
	struct bench *b = *state;

	add_pbx(b, "pbx1");
	assert_int_equal(-EINVAL, set(b, "feed.pbx1.expires", "5"));
	assert_int_equal(-EINVAL, set(b, "feed.pbx1.protocol", "sctp"));
	assert_int_equal(-EINVAL, set(b, "feed.pbx1.stale-after", "0"));
	assert_int_equal(-EINVAL, set(b, "feed.pbx1.sever", "10.0.0.1"));
	assert_int_equal(1, fake_sip_trunks());
}

/* ---- S52, S53 ---- */

static void each_state_of_a_feed_has_its_name_and_remedy(void **state)
{
	struct bench *b = *state;

	assert_int_equal(0, set(b, "feed.pbx1.uri", "lamp@10.0.0.9"));
	assert_int_equal(LF_FEED_NOT_CONFIGURED, state_of(b, 0));
	add_pbx(b, "pbx1");
	assert_int_equal(LF_FEED_CONNECTION_ERROR, state_of(b, 0));
	trunk(0, LF_TRUNK_UP);
	assert_int_equal(LF_FEED_UP, state_of(b, 0));
	assert_string_equal("UpAndRunning", lf_feed_state_name(LF_FEED_UP));
	assert_string_equal("the test says so", b->status.why);
	trunk(0, LF_TRUNK_DOWN);
	assert_int_equal(LF_FEED_CONNECTION_ERROR, state_of(b, 0));
	trunk(0, LF_TRUNK_FORBIDDEN);
	assert_int_equal(LF_FEED_FORBIDDEN, state_of(b, 0));
	assert_non_null(
		strstr(lf_feed_state_remedy(LF_FEED_FORBIDDEN), "credentials"));
	assert_int_equal(0, set(b, "feed.pbx1.enable", "no"));
	assert_int_equal(LF_FEED_DISABLED, state_of(b, 0));
	assert_int_equal(0, fake_sip_trunks());
}

static void
credentials_that_nobody_asked_for_are_a_harmless_warning(void **state)
{
	struct bench *b = *state;

	add_pbx(b, "pbx1");
	assert_int_equal(0, set(b, "feed.pbx1.password", "s3cret"));
	trunk(0, LF_TRUNK_UP);
	assert_int_equal(LF_FEED_UP_UNKNOWN_CREDENTIALS, state_of(b, 0));
	assert_non_null(strstr(b->status.hint, "safe to ignore"));
	fake_sip_trunk_set_credentials(fake_sip_trunk_at(0), true);
	assert_int_equal(LF_FEED_UP, state_of(b, 0));
}

static void the_status_counts_its_watches(void **state)
{
	struct bench *b = *state;
	struct lf_simple_line line;

	add_pbx(b, "pbx1");
	confirmed(b);
	state_of(b, 0);
	assert_int_equal(1, b->status.watches);
	assert_int_equal(1, b->status.active);
	assert_int_equal(0, b->status.requesting);
	assert_int_equal(0, b->status.failed);
	fake_time_pass(2000);
	assert_int_equal(0, lf_simple_line(b->simple, b->user, 0, &line));
	assert_string_equal("pbx1", line.feed);
	assert_string_equal("sip:200@10.0.0.9:5070", line.uri);
	assert_string_equal("dialog", line.event);
	assert_string_equal("active", line.state);
	assert_non_null(line.call_id);
	assert_int_equal(2000, line.age_ms);
	assert_true(line.next_ms > 0);
	assert_int_equal(-ENOENT, lf_simple_line(b->simple, b->user, 1, &line));
}

/* ---- reload ---- */

static void a_change_renews_only_the_feed_it_is_about(void **state)
{
	struct bench *b = *state;
	struct lf_sip_trunk *first;

	add_pbx(b, "pbx1");
	add_pbx(b, "pbx2");
	first = fake_sip_trunk_at(0);
	confirmed(b);
	fake_sip_reset();
	assert_int_equal(0, set(b, "feed.pbx2.server", "10.0.0.10"));
	assert_ptr_equal(first, fake_sip_trunk_at(0));
	assert_int_equal(LF_COND_OK,
			 lf_board_lamp(b->board, b->user)->tel_cond);
	assert_string_equal("10.0.0.10",
			    fake_sip_trunk_host(fake_sip_trunk_at(1)));
	trunk(1, LF_TRUNK_UP);
	assert_non_null(fake_sip_find("sip:200@10.0.0.10", "dialog"));
}

static void a_new_expiry_needs_no_new_subscription(void **state)
{
	struct bench *b = *state;
	struct lf_sip_sub *sub;

	add_pbx(b, "pbx1");
	confirmed(b);
	sub = fake_sip_last();
	fake_sip_reset();
	assert_int_equal(0, set(b, "feed.pbx1.expires", "600"));
	assert_int_equal(0, fake_sip_counts().subscribes);
	fake_time_pass(3600 * 1000);
	assert_ptr_equal(sub, fake_sip_last());
	assert_int_equal(600, fake_sip_expires(sub));
}

static void a_feed_that_leaves_takes_its_lamps_along(void **state)
{
	struct bench *b = *state;

	add_pbx(b, "pbx1");
	confirmed(b);
	assert_int_equal(0, set(b, "feed.pbx1.dialect", NULL));
	assert_int_equal(0, set(b, "feed.pbx1.server", NULL));
	assert_int_equal(0, fake_sip_trunks());
	assert_int_equal(LF_TEL_UNKNOWN, lf_board_lamp(b->board, b->user)->tel);
	assert_int_equal(-ENOENT, lf_simple_status(b->simple, 0, &b->status));
}

static void the_preferred_feed_decides(void **state)
{
	struct bench *b = *state;

	add_pbx(b, "pbx1");
	add_pbx(b, "pbx2");
	confirmed(b);
	trunk(1, LF_TRUNK_UP);
	fake_sip_respond(fake_sip_last(), 200, 3600);
	say_line(fake_sip_last(), 0, "confirmed");
	assert_int_equal(LF_TEL_IDLE, lf_board_lamp(b->board, b->user)->tel);
	assert_int_equal(0, set(b, "presence.preferred-feed", "pbx2"));
	assert_int_equal(LF_TEL_BUSY, lf_board_lamp(b->board, b->user)->tel);
	assert_int_equal(0, set(b, "presence.preferred-feed", "nobody"));
	assert_int_equal(LF_TEL_IDLE, lf_board_lamp(b->board, b->user)->tel);
}

/* ---- restart ---- */

static void a_restart_goes_on_with_the_dialogs(void **state)
{
	struct bench *b = *state;
	uint32_t cseq;

	add_pbx(b, "pbx1");
	confirmed(b);
	cseq = lf_sip_sub_cseq(fake_sip_last());
	restart(b);
	assert_int_equal(1, fake_sip_counts().left);
	fake_sip_reset();
	trunk(0, LF_TRUNK_UP);
	assert_int_equal(0, lf_board_want(b->board, b->user));
	assert_int_equal(1, fake_sip_counts().subscribes);
	assert_int_equal(0, fake_sip_counts().initial);
	assert_true(lf_sip_sub_cseq(fake_sip_last()) > cseq);
	fake_sip_respond(fake_sip_last(), 200, 3600);
	say_line(fake_sip_last(), 7, "confirmed");
	assert_int_equal(LF_TEL_BUSY, lf_board_lamp(b->board, b->user)->tel);
	fake_time_pass(120000);
	assert_int_equal(1, fake_sip_count());
}

static void dialogs_that_nobody_wants_again_are_ended(void **state)
{
	struct bench *b = *state;

	add_pbx(b, "pbx1");
	confirmed(b);
	restart(b);
	fake_sip_reset();
	trunk(0, LF_TRUNK_UP);
	fake_time_pass(59000);
	assert_int_equal(0, fake_sip_counts().unsubscribes);
	fake_time_pass(1000);
	assert_int_equal(1, fake_sip_counts().unsubscribes);
	restart(b);
	fake_sip_reset();
	trunk(0, LF_TRUNK_UP);
	fake_time_pass(120000);
	assert_int_equal(0, fake_sip_counts().unsubscribes);
}

static void a_dialog_that_is_over_is_not_taken_along(void **state)
{
	struct bench *b = *state;

	add_pbx(b, "pbx1");
	confirmed(b);
	fake_sip_terminate(fake_sip_last(), LF_REASON_REJECTED, LF_SIP_ABSENT);
	restart(b);
	fake_sip_reset();
	trunk(0, LF_TRUNK_UP);
	assert_int_equal(0, lf_board_want(b->board, b->user));
	assert_int_equal(1, fake_sip_counts().initial);
}

static void a_dialog_is_saved_again_before_its_cseq_runs_out(void **state)
{
	struct bench *b = *state;
	uint32_t cseq;
	unsigned i;

	add_pbx(b, "pbx1");
	confirmed(b);
	for (i = 0; i < 100; i++) {
		fake_time_pass(3000 * 1000);
		if (lf_sip_sub_is_waiting(fake_sip_last()))
			fake_sip_respond(fake_sip_last(), 200, 3600);
	}
	cseq = lf_sip_sub_cseq(fake_sip_last());
	assert_true(cseq > 65);
	restart(b);
	trunk(0, LF_TRUNK_UP);
	assert_int_equal(0, lf_board_want(b->board, b->user));
	assert_true(lf_sip_sub_cseq(fake_sip_last()) > cseq);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_settings_there_is_no_feed),
		T(a_server_makes_a_trunk_with_its_port),
		T(an_ipv6_server_keeps_its_colons),
		T(what_is_out_of_range_is_refused_and_nothing_changes),
		T(each_state_of_a_feed_has_its_name_and_remedy),
		T(credentials_that_nobody_asked_for_are_a_harmless_warning),
		T(the_status_counts_its_watches),
		T(a_change_renews_only_the_feed_it_is_about),
		T(a_new_expiry_needs_no_new_subscription),
		T(a_feed_that_leaves_takes_its_lamps_along),
		T(the_preferred_feed_decides),
		T(a_restart_goes_on_with_the_dialogs),
		T(dialogs_that_nobody_wants_again_are_ended),
		T(a_dialog_that_is_over_is_not_taken_along),
		T(a_dialog_is_saved_again_before_its_cseq_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
