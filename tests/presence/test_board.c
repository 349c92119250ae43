/* Tests of presence/board.c: who is wanted, what moved, who is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/timer.h"
#include "presence/board.h"
#include "presence/feed.h"
#include "presence/merge.h"
#include "presence/report.h"
#include "tests/fake_directory.h"
#include "tests/fake_timers.h"

#include "core/banned.h"

/* A feed that only counts. */
struct probe {
	unsigned watched, unwatched, updated;
	struct lf_person *person;
	int err;
};

struct rig {
	struct lf_timers *timers;
	struct lf_board *board;
	struct probe feeds[3];
	int index[3], n_feeds;
	unsigned changes;
	struct lf_change last;
	struct lf_lamp lamp;
};

static int probe_watch(void *feed, struct lf_person *person, void **ret_watch)
{
	struct probe *probe = feed;

	probe->watched++;
	probe->person = person;
	*ret_watch = probe;
	return probe->err;
}

static void probe_unwatch(void *feed, struct lf_person *person, void *watch)
{
	struct probe *probe = feed;

	assert_ptr_equal(feed, watch);
	probe->unwatched++;
	probe->person = NULL;
}

static void probe_update(void *feed, struct lf_person *person, void *watch)
{
	((struct probe *)feed)->updated++;
}

static const struct lf_feed_ops probe_ops = {probe_watch, probe_unwatch,
					     probe_update};

static void on_change(const struct lf_change *change, void *arg)
{
	struct rig *rig = arg;

	rig->changes++;
	rig->last = *change;
	rig->lamp = *change->lamp;
}

static void add_feed(struct rig *rig, enum lf_feed_kind kind)
{
	int i = rig->n_feeds++;

	rig->index[i] = lf_board_add_feed(rig->board, &probe_ops, "probe", kind,
					  &rig->feeds[i]);
	assert_int_equal(i, rig->index[i]);
}

static int setup(void **state)
{
	static struct rig rig;

	memset(&rig, 0, sizeof(rig));
	fake_time_reset();
	fake_directory_reset();
	fake_user_put("u1", "200", "anna@corp.example", "7200");
	assert_int_equal(0, lf_timers_new(&rig.timers, NULL));
	assert_int_equal(0, lf_board_new(&rig.board, rig.timers,
					 fake_directory(), fake_settings()));
	assert_int_equal(0, lf_board_add_sink(rig.board, on_change, &rig));
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	int i;

	for (i = 0; i < rig->n_feeds; i++)
		if (rig->index[i] >= 0)
			lf_board_remove_feed(rig->board, rig->index[i]);
	lf_board_free(rig->board);
	assert_int_equal(0, fake_time_running());
	lf_timers_close(rig->timers);
	fake_directory_reset();
	return 0;
}

static struct lf_report line(enum lf_tel tel)
{
	struct lf_report report = {
		.knows = LF_KNOWS_LINE,
		.layers = LF_KNOWS_LINE,
		.line = (uint8_t)tel,
		.at_ms = lf_mono_ms(),
	};

	return report;
}

static struct lf_report silent(enum lf_cond cond)
{
	struct lf_report report = line(LF_TEL_IDLE);

	report.cond = (uint8_t)cond;
	return report;
}

static int say(struct rig *rig, int feed, struct lf_report report)
{
	return lf_board_report(rig->board, rig->feeds[feed].person,
			       rig->index[feed], &report);
}

static void wants(struct rig *rig)
{
	assert_int_equal(0, lf_board_want(rig->board, "u1"));
}

/* ---- who is wanted ---- */

static void someone_nobody_wants_is_not_requested(void **state)
{
	struct rig *rig = *state;
	const struct lf_lamp *lamp = lf_board_lamp(rig->board, "u1");

	assert_int_equal(LF_COND_NOT_REQUESTED, lamp->tel_cond);
	assert_int_equal(LF_COND_NOT_REQUESTED, lamp->rich_cond);
	assert_string_equal("", lamp->message);
	assert_int_equal(LF_FEED_NONE, lamp->tel_feed);
}

static void nobody_can_want_a_user_who_does_not_exist(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(-ENOENT, lf_board_want(rig->board, "u9"));
	lf_board_unwant(rig->board, "u9");
}

static void the_first_want_asks_every_feed_and_the_second_none(void **state)
{
	struct rig *rig = *state;

	add_feed(rig, LF_FEED_SIP);
	add_feed(rig, LF_FEED_TEAMS);
	wants(rig);
	wants(rig);
	assert_int_equal(1, rig->feeds[0].watched);
	assert_int_equal(1, rig->feeds[1].watched);
}

static void a_person_is_kept_for_a_minute_after_the_last_one_left(void **state)
{
	struct rig *rig = *state;

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	wants(rig);
	lf_board_unwant(rig->board, "u1");
	fake_time_pass(LF_LINGER_MS * 2);
	assert_int_equal(0, rig->feeds[0].unwatched);
	lf_board_unwant(rig->board, "u1");
	fake_time_pass(LF_LINGER_MS - 1);
	assert_int_equal(0, rig->feeds[0].unwatched);
	fake_time_pass(1);
	assert_int_equal(1, rig->feeds[0].unwatched);
	assert_int_equal(LF_COND_NOT_REQUESTED,
			 lf_board_lamp(rig->board, "u1")->tel_cond);
}

static void a_want_within_the_minute_keeps_the_watch(void **state)
{
	struct rig *rig = *state;

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	lf_board_unwant(rig->board, "u1");
	fake_time_pass(LF_LINGER_MS / 2);
	wants(rig);
	fake_time_pass(LF_LINGER_MS);
	assert_int_equal(1, rig->feeds[0].watched);
	assert_int_equal(0, rig->feeds[0].unwatched);
}

static void a_new_feed_is_offered_the_persons_already_wanted(void **state)
{
	struct rig *rig = *state;

	wants(rig);
	add_feed(rig, LF_FEED_SIP);
	assert_int_equal(0, rig->feeds[0].watched);
	fake_time_pass(0);
	assert_int_equal(1, rig->feeds[0].watched);
	assert_int_equal(0, say(rig, 0, line(LF_TEL_IDLE)));
	assert_int_equal(LF_TEL_IDLE, lf_board_lamp(rig->board, "u1")->tel);
}

static void a_feed_that_cannot_begin_shows_an_error(void **state)
{
	struct rig *rig = *state;

	rig->feeds[0].err = -ENOMEM;
	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	assert_int_equal(LF_COND_ERROR,
			 lf_board_lamp(rig->board, "u1")->tel_cond);
}

/* ---- what moved ---- */

static void a_change_is_told_once_and_a_repeat_never(void **state)
{
	struct rig *rig = *state;
	unsigned before;

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	before = rig->changes;
	assert_int_equal(0, say(rig, 0, line(LF_TEL_BUSY)));
	assert_int_equal(before + 1, rig->changes);
	assert_true(rig->last.moved & LF_MOVED_TEL);
	assert_string_equal("u1", rig->last.user->id);
	assert_int_equal(LF_TEL_BUSY, rig->lamp.tel);
	fake_time_pass(5000);
	assert_int_equal(0, say(rig, 0, line(LF_TEL_BUSY)));
	assert_int_equal(before + 1, rig->changes);
}

static void what_nobody_is_shown_is_no_change(void **state)
{
	struct rig *rig = *state;
	struct lf_report report = line(LF_TEL_BUSY);
	unsigned before;

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	assert_int_equal(0, say(rig, 0, report));
	before = rig->changes;
	memcpy(report.hint, "from another device", 20);
	report.since_ms = 1;
	assert_int_equal(0, say(rig, 0, report));
	assert_int_equal(before, rig->changes);
}

static void an_older_report_never_wins(void **state)
{
	struct rig *rig = *state;
	struct lf_report old = line(LF_TEL_IDLE);

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	fake_time_pass(1);
	assert_int_equal(0, say(rig, 0, line(LF_TEL_BUSY)));
	assert_int_equal(-ESTALE, say(rig, 0, old));
	assert_int_equal(LF_TEL_BUSY, lf_board_lamp(rig->board, "u1")->tel);
}

static void a_stale_report_is_never_idle_whatever_it_says(void **state)
{
	static const enum lf_cond dark[] = {
		LF_COND_REQUESTING, LF_COND_STALE,         LF_COND_ERROR,
		LF_COND_NOT_FOUND,  LF_COND_ACCESS_DENIED,
	};
	struct rig *rig = *state;
	size_t i;

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	for (i = 0; i < sizeof(dark) / sizeof(dark[0]); i++) {
		assert_int_equal(0, say(rig, 0, line(LF_TEL_IDLE)));
		assert_int_equal(LF_TEL_IDLE, rig->lamp.tel);
		assert_int_equal(0, say(rig, 0, silent(dark[i])));
		assert_int_equal(LF_TEL_UNKNOWN, rig->lamp.tel);
		assert_int_equal(dark[i], rig->lamp.tel_cond);
	}
}

static void texts_live_as_long_as_the_lamp(void **state)
{
	struct rig *rig = *state;
	struct lf_report report = line(LF_TEL_BUSY);

	report.knows |= LF_KNOWS_FWD | LF_KNOWS_RICH;
	report.layers |= LF_KNOWS_RICH;
	report.rich = LF_RICH_BUSY;
	memcpy(report.peer, "0551234", 8);
	memcpy(report.message, "In a meeting", 13);
	memcpy(report.fwd_to, "7200", 5);
	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	assert_int_equal(0, say(rig, 0, report));
	memset(&report, 'x', sizeof(report));
	assert_string_equal("0551234", lf_board_lamp(rig->board, "u1")->peer);
	assert_string_equal("In a meeting",
			    lf_board_lamp(rig->board, "u1")->message);
	assert_string_equal("7200", lf_board_lamp(rig->board, "u1")->fwd_to);
	assert_true(rig->last.moved & LF_MOVED_PEER);
	assert_true(rig->last.moved & LF_MOVED_FWD);
	assert_true(rig->last.moved & LF_MOVED_RICH);
}

static void since_is_the_sources_if_it_is_not_in_the_future(void **state)
{
	struct rig *rig = *state;
	struct lf_report report = line(LF_TEL_BUSY);

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	report.since_ms = lf_wall_ms() - 60000;
	assert_int_equal(0, say(rig, 0, report));
	assert_int_equal(lf_wall_ms() - 60000, rig->lamp.since_ms);
	report = line(LF_TEL_IDLE);
	report.since_ms = lf_wall_ms() + 60000;
	assert_int_equal(0, say(rig, 0, report));
	assert_int_equal(lf_wall_ms(), rig->lamp.since_ms);
}

/* ---- feeds against each other ---- */

static void a_cti_report_wins_and_leaves_its_place_when_it_goes(void **state)
{
	struct rig *rig = *state;

	add_feed(rig, LF_FEED_SIP);
	add_feed(rig, LF_FEED_CTI);
	wants(rig);
	say(rig, 0, line(LF_TEL_IDLE));
	say(rig, 1, line(LF_TEL_BUSY));
	assert_int_equal(LF_TEL_BUSY, rig->lamp.tel);
	lf_board_remove_feed(rig->board, rig->index[1]);
	rig->index[1] = -1;
	assert_int_equal(1, rig->feeds[1].unwatched);
	assert_int_equal(LF_TEL_IDLE, lf_board_lamp(rig->board, "u1")->tel);
}

static void the_preferred_sip_feed_wins(void **state)
{
	struct rig *rig = *state;

	add_feed(rig, LF_FEED_SIP);
	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	say(rig, 0, line(LF_TEL_IDLE));
	say(rig, 1, line(LF_TEL_BUSY));
	assert_int_equal(LF_TEL_IDLE, lf_board_lamp(rig->board, "u1")->tel);
	lf_board_prefer(rig->board, rig->index[1]);
	assert_int_equal(LF_TEL_BUSY, lf_board_lamp(rig->board, "u1")->tel);
}

static void say_rich(struct rig *rig, int feed, enum lf_rich rich)
{
	struct lf_report report = {.knows = LF_KNOWS_RICH,
				   .layers = LF_KNOWS_RICH,
				   .rich = (uint8_t)rich,
				   .at_ms = lf_mono_ms()};

	assert_int_equal(0, say(rig, feed, report));
}

static void another_winning_technology_shows_at_once(void **state)
{
	struct rig *rig = *state;

	add_feed(rig, LF_FEED_SIP);
	add_feed(rig, LF_FEED_TEAMS);
	wants(rig);
	say_rich(rig, 0, LF_RICH_AVAILABLE);
	say_rich(rig, 1, LF_RICH_BUSY);
	assert_int_equal(LF_RICH_AVAILABLE, rig->lamp.rich);
	fake_setting_put("presence.winning-technology", "MSTeams");
	assert_int_equal(LF_RICH_BUSY, rig->lamp.rich);
}

static void a_voicemail_number_changes_the_lamp_at_once(void **state)
{
	struct rig *rig = *state;
	struct lf_report report = line(LF_TEL_IDLE);

	report.knows |= LF_KNOWS_FWD;
	memcpy(report.fwd_to, "9000", 5);
	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	say(rig, 0, report);
	assert_int_equal(LF_TEL_FWD_NUMBER, rig->lamp.tel);
	fake_setting_put("voicemail.pilot", "9000");
	assert_int_equal(LF_TEL_FWD_VOICEMAIL, rig->lamp.tel);
	fake_setting_put("voicemail.pilot", NULL);
	assert_int_equal(LF_TEL_FWD_NUMBER, rig->lamp.tel);
	fake_user_put("u1", "200", "anna@corp.example", "9000");
	assert_int_equal(LF_TEL_FWD_VOICEMAIL, rig->lamp.tel);
	assert_int_equal(1, rig->feeds[0].updated);
}

static void a_deleted_user_is_dropped_with_all_watches(void **state)
{
	struct rig *rig = *state;
	struct lf_board_stats stats;

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	say(rig, 0, line(LF_TEL_IDLE));
	fake_user_delete("u1");
	assert_int_equal(1, rig->feeds[0].unwatched);
	assert_int_equal(LF_COND_NOT_REQUESTED, rig->lamp.tel_cond);
	lf_board_stats(rig->board, &stats);
	assert_int_equal(0, stats.persons);
	assert_int_equal(0, stats.wanted);
	lf_board_unwant(rig->board, "u1");
}

static void why_names_the_feed_that_decided(void **state)
{
	struct rig *rig = *state;
	struct lf_input inputs[LF_FEEDS_MAX];
	struct lf_trace trace;
	struct lf_lamp lamp;

	assert_int_equal(0, lf_board_why(rig->board, "u1", inputs, LF_FEEDS_MAX,
					 &lamp, &trace));
	add_feed(rig, LF_FEED_SIP);
	add_feed(rig, LF_FEED_CTI);
	wants(rig);
	say(rig, 0, line(LF_TEL_IDLE));
	say(rig, 1, line(LF_TEL_BUSY));
	assert_int_equal(2, lf_board_why(rig->board, "u1", inputs, LF_FEEDS_MAX,
					 &lamp, &trace));
	assert_int_equal(LF_TEL_IDLE, inputs[0].report->line);
	assert_int_equal(LF_VERDICT_OUTRANKED, trace.inputs[0].line);
	assert_int_equal(LF_VERDICT_DECIDED, trace.inputs[1].line);
	assert_int_equal(rig->index[1], lamp.tel_feed);
}

static void a_removed_sink_hears_nothing(void **state)
{
	struct rig *rig = *state;
	unsigned before;

	add_feed(rig, LF_FEED_SIP);
	wants(rig);
	before = rig->changes;
	lf_board_remove_sink(rig->board, on_change, rig);
	say(rig, 0, line(LF_TEL_BUSY));
	assert_int_equal(before, rig->changes);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(someone_nobody_wants_is_not_requested),
		T(nobody_can_want_a_user_who_does_not_exist),
		T(the_first_want_asks_every_feed_and_the_second_none),
		T(a_person_is_kept_for_a_minute_after_the_last_one_left),
		T(a_want_within_the_minute_keeps_the_watch),
		T(a_new_feed_is_offered_the_persons_already_wanted),
		T(a_feed_that_cannot_begin_shows_an_error),
		T(a_change_is_told_once_and_a_repeat_never),
		T(what_nobody_is_shown_is_no_change),
		T(an_older_report_never_wins),
		T(a_stale_report_is_never_idle_whatever_it_says),
		T(texts_live_as_long_as_the_lamp),
		T(since_is_the_sources_if_it_is_not_in_the_future),
		T(a_cti_report_wins_and_leaves_its_place_when_it_goes),
		T(the_preferred_sip_feed_wins),
		T(another_winning_technology_shows_at_once),
		T(a_voicemail_number_changes_the_lamp_at_once),
		T(a_deleted_user_is_dropped_with_all_watches),
		T(why_names_the_feed_that_decided),
		T(a_removed_sink_hears_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
