/*
 * Tests of presence/leg.c, peer.c and watch.c: every rung of the ladder, from
 * a person wanted to the lamp, against a SIP that the test plays.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "presence/lamp.h"
#include "sip/subscribe.h"
#include "sip/trunk.h"
#include "tests/presence/rig.h"
#include "tests/presence/say.h"

#include "core/banned.h"

#define URI "sip:200@10.0.0.9"

static struct lf_sip_sub *sub(void)
{
	struct lf_sip_sub *found = fake_sip_find(URI, NULL);

	assert_non_null(found);
	return found;
}

static void respond(int status)
{
	fake_sip_respond(sub(), status, LF_SIP_ABSENT);
}

/* Wanted, accepted, and idle. */
static void settled(struct rig *rig)
{
	rig_want(rig, "u1");
	fake_sip_respond(sub(), 200, 3600);
	say_line(sub(), 0, "terminated");
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
	fake_sip_reset();
}

static unsigned asked(void)
{
	return fake_sip_counts().subscribes;
}

static void answer_with(int status, uint32_t min_expires_s,
			uint32_t retry_after_s)
{
	const struct lf_sip_response response = {
		.status = status,
		.phrase = "Test",
		.expires_s = LF_SIP_ABSENT,
		.min_expires_s = min_expires_s,
		.retry_after_s = retry_after_s,
	};

	fake_sip_respond_with(sub(), &response);
}

/* ---- from want to lamp ---- */

static void a_wanted_line_is_subscribed_and_requesting(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	assert_int_equal(1, asked());
	assert_string_equal("dialog", fake_sip_event(sub()));
	assert_int_equal(3600, fake_sip_expires(sub()));
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
}

static void a_document_lights_the_lamp(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	fake_sip_respond(sub(), 200, 3600);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	say_line(sub(), 0, "early");
	rig_shows(rig, "u1", LF_TEL_RINGING, LF_COND_OK);
	say_line(sub(), 1, "confirmed");
	rig_shows(rig, "u1", LF_TEL_BUSY, LF_COND_OK);
	say_line(sub(), 2, "terminated");
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

static void a_notify_may_come_before_the_200(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	say_line(sub(), 0, "confirmed");
	rig_shows(rig, "u1", LF_TEL_BUSY, LF_COND_OK);
	fake_sip_respond(sub(), 200, 3600);
	fake_time_pass(60000); /* no timer N */
	rig_shows(rig, "u1", LF_TEL_BUSY, LF_COND_OK);
	assert_int_equal(0, fake_sip_counts().resets);
}

static void nobody_looking_any_more_ends_the_subscription(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	rig_unwant(rig, "u1");
	fake_time_pass(61000);
	assert_int_equal(0, fake_sip_count());
	assert_int_equal(1, fake_sip_counts().freed);
}

static void a_user_without_a_line_is_not_configured(void **state)
{
	struct rig *rig = *state;

	fake_user_put("u9", "", "nobody@corp.example", "");
	rig_want(rig, "u9");
	assert_int_equal(0, fake_sip_count());
	rig_shows(rig, "u9", LF_TEL_UNKNOWN, LF_COND_NOT_CONFIGURED);
}

static void a_new_extension_is_watched_anew(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_user_put("u1", "299", "", "");
	assert_null(fake_sip_find(URI, NULL));
	assert_non_null(fake_sip_find("sip:299@10.0.0.9", NULL));
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
}

static void an_unrelated_change_of_the_user_asks_nothing(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_user_put("u1", "200", "", "7200");
	assert_int_equal(0, asked());
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

/* ---- refreshing ---- */

static void it_is_refreshed_between_half_and_nine_tenths(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_time_pass(1800 * 1000 - 1);
	assert_int_equal(0, asked());
	fake_time_pass(1440 * 1000);
	assert_int_equal(1, asked());
	assert_int_equal(0, fake_sip_counts().initial);
}

static void the_servers_shorter_expiry_is_obeyed(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	fake_sip_respond(sub(), 200, 100);
	say_line_expires(sub(), 0, "terminated", 100);
	fake_sip_reset();
	fake_time_pass(49 * 1000);
	assert_int_equal(0, asked());
	fake_time_pass(41 * 1000);
	assert_int_equal(1, asked());
}

static void without_a_first_notify_it_is_asked_again(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	fake_sip_respond(sub(), 200, 3600);
	fake_time_pass(31999);
	assert_int_equal(1, asked());
	fake_time_pass(1);
	assert_int_equal(2, asked());
	assert_int_equal(2, fake_sip_counts().initial);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	fake_sip_respond(sub(), 200, 3600);
	fake_time_pass(32000);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
}

static void a_refresh_that_fails_once_keeps_the_lamp(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	rig_refresh_due(rig);
	respond(503);
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
	fake_time_pass(2000);
	respond(503);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
}

/* ---- refusals ---- */

static void not_found_is_shown_and_asked_slowly(void **state)
{
	static const int statuses[] = {404, 480, 604};
	struct rig *rig = *state;
	size_t i;

	rig_want(rig, "u1");
	for (i = 0; i < 3; i++) {
		respond(statuses[i]);
		rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_NOT_FOUND);
		fake_sip_reset();
		fake_time_pass((300 << i) * 1000 - 1);
		assert_int_equal(0, asked());
		fake_time_pass(1);
		assert_int_equal(1, asked());
	}
}

static void access_denied_is_shown_and_asked_slowly(void **state)
{
	static const int statuses[] = {401, 403, 407, 603};
	struct rig *rig = *state;
	size_t i;

	rig_want(rig, "u1");
	for (i = 0; i < 4; i++) {
		respond(statuses[i]);
		rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ACCESS_DENIED);
		fake_sip_reset();
		fake_time_pass(299999);
		assert_int_equal(0, asked());
		fake_time_pass(3600000);
		assert_int_equal(1, asked());
	}
}

static void a_denied_refresh_darkens_the_lamp(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	rig_refresh_due(rig);
	respond(403);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ACCESS_DENIED);
}

static void errors_are_retried_ever_more_rarely(void **state)
{
	struct rig *rig = *state;
	int64_t wait_ms = 2000;
	int i;

	rig_want(rig, "u1");
	for (i = 0; i < 12; i++) {
		respond(i % 2 ? 503 : 408);
		rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
		fake_sip_reset();
		fake_time_pass(wait_ms - 1);
		assert_int_equal(0, asked());
		fake_time_pass(1);
		assert_int_equal(1, asked());
		wait_ms = wait_ms * 2 > 300000 ? 300000 : wait_ms * 2;
	}
}

static void retry_after_is_obeyed_and_bounded(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	answer_with(503, LF_SIP_ABSENT, 40);
	fake_sip_reset();
	fake_time_pass(39999);
	assert_int_equal(0, asked());
	fake_time_pass(5000);
	assert_int_equal(1, asked());
	answer_with(503, LF_SIP_ABSENT, 4000000);
	fake_sip_reset();
	fake_time_pass(4000 * 1000);
	assert_int_equal(1, asked());
}

static void too_brief_is_asked_again_with_their_minimum(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	answer_with(423, 7200, LF_SIP_ABSENT);
	assert_int_equal(2, asked());
	assert_int_equal(7200, fake_sip_expires(sub()));
	/* and the next line knows already */
	rig_want(rig, "u2");
	assert_int_equal(7200, fake_sip_expires(fake_sip_last()));
}

static void a_senseless_minimum_is_no_endless_loop(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	answer_with(423, 60, LF_SIP_ABSENT);
	fake_time_pass(299999);
	assert_int_equal(1, asked());
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
}

static void a_refused_package_is_replaced_by_the_other(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	rig_want(rig, "u2");
	respond(489);
	/* both lines turn, and u2 never had to ask in vain */
	assert_string_equal("presence", fake_sip_event(sub()));
	assert_non_null(fake_sip_find("sip:201@10.0.0.9", "presence"));
	assert_null(fake_sip_find(NULL, "dialog"));
	fake_sip_respond(sub(), 200, 3600);
	say_open(sub());
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
	/* remembered for the feed */
	rig_want(rig, "u3");
	assert_non_null(fake_sip_find("sip:202@10.0.0.9", "presence"));
	assert_null(fake_sip_find("sip:202@10.0.0.9", "dialog"));
}

static void a_server_without_any_package_is_an_error(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	respond(489);
	respond(489);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
	fake_sip_reset();
	fake_time_pass(299999);
	assert_int_equal(0, asked());
}

/* ---- terminated ---- */

static void deactivated_and_timeout_ask_again_at_once(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_time_pass(11000);
	fake_sip_reset();
	fake_sip_terminate(sub(), LF_REASON_DEACTIVATED, LF_SIP_ABSENT);
	assert_int_equal(1, asked());
	assert_int_equal(1, fake_sip_counts().initial);
}

static void a_server_that_deactivates_at_once_is_not_flooded(void **state)
{
	struct rig *rig = *state;
	unsigned i;

	rig_want(rig, "u1");
	for (i = 0; i < 60; i++) {
		if (lf_sip_sub_is_waiting(sub())) {
			fake_sip_respond(sub(), 200, 3600);
			fake_sip_terminate(sub(), LF_REASON_TIMEOUT,
					   LF_SIP_ABSENT);
		}
		fake_time_pass(1000);
	}
	assert_in_range(asked(), 2, 8);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
}

static void probation_and_giveup_wait_as_long_as_they_say(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_sip_terminate(sub(), LF_REASON_PROBATION, 77);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
	fake_time_pass(76999);
	assert_int_equal(0, asked());
	fake_time_pass(8000);
	assert_int_equal(1, asked());
}

static void rejected_is_denied_and_noresource_not_found(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_sip_terminate(sub(), LF_REASON_REJECTED, LF_SIP_ABSENT);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ACCESS_DENIED);
	assert_int_equal(0, asked());
	fake_time_pass(300000);
	assert_int_equal(1, asked());
	fake_sip_respond(sub(), 200, 3600);
	say_line(sub(), 0, "terminated");
	fake_sip_terminate(sub(), LF_REASON_NORESOURCE, LF_SIP_ABSENT);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_NOT_FOUND);
}

static void invariant_keeps_the_value_and_never_asks(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_sip_terminate(sub(), LF_REASON_INVARIANT, LF_SIP_ABSENT);
	fake_time_pass(7200 * 1000);
	assert_int_equal(0, asked());
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

static void pending_is_requesting(void **state)
{
	struct rig *rig = *state;
	const struct lf_sip_notify notify = {
		.state = LF_SUB_PENDING,
		.expires_s = 3600,
		.retry_after_s = LF_SIP_ABSENT,
	};

	rig_want(rig, "u1");
	fake_sip_respond(sub(), 202, 3600);
	fake_sip_notify_with(sub(), &notify);
	fake_time_pass(60000);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	assert_int_equal(0, fake_sip_counts().resets);
}

/* ---- documents ---- */

static void a_version_gap_is_dark_until_the_full_state_comes(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	fake_sip_respond(sub(), 200, 3600);
	say_line(sub(), 4, "terminated");
	fake_time_pass(11000);
	fake_sip_reset();
	say_partial(sub(), 7, "confirmed");
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	assert_int_equal(1, asked());
	assert_int_equal(0, fake_sip_counts().initial);
	fake_sip_respond(sub(), 200, 3600);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	say_line(sub(), 8, "confirmed");
	rig_shows(rig, "u1", LF_TEL_BUSY, LF_COND_OK);
}

static void a_gap_during_a_refresh_waits_for_its_notify(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	fake_sip_respond(sub(), 200, 3600);
	say_line(sub(), 4, "terminated");
	rig_refresh_due(rig);
	fake_sip_reset();
	say_partial(sub(), 9, "confirmed");
	assert_int_equal(0, asked()); /* the answer is on its way */
	fake_sip_respond(sub(), 200, 3600);
	fake_time_pass(31999);
	assert_int_equal(0, asked());
	fake_time_pass(1);
	assert_int_equal(1, fake_sip_counts().initial);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
}

static void an_ended_dialog_stays_ended(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	fake_sip_respond(sub(), 200, 3600);
	say_line(sub(), 4, "confirmed");
	say_line(sub(), 5, "terminated");
	say_line(sub(), 5, "confirmed"); /* the same one again */
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

/* A server that counts anew: it is asked, and then believed. */
static void a_version_that_fell_is_dark_until_the_full_state_comes(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	say_line(sub(), 9, "confirmed");
	fake_time_pass(11000);
	fake_sip_reset();
	say_line(sub(), 3, "terminated");
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	assert_int_equal(1, asked());
	fake_sip_respond(sub(), 200, 3600);
	say_line(sub(), 4, "terminated");
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

static void versions_begin_anew_with_a_new_dialog(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	say_line(sub(), 9, "terminated");
	fake_time_pass(11000);
	fake_sip_terminate(sub(), LF_REASON_TIMEOUT, LF_SIP_ABSENT);
	fake_sip_respond(sub(), 200, 3600);
	say_line(sub(), 0, "confirmed");
	rig_shows(rig, "u1", LF_TEL_BUSY, LF_COND_OK);
}

static void what_cannot_be_read_is_an_error_and_not_the_last_value(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_sip_notify(sub(), "application/dialog-info+xml", "<dialog-info");
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
	say_line(sub(), 2, "confirmed");
	rig_shows(rig, "u1", LF_TEL_BUSY, LF_COND_OK);
}

static void an_empty_notify_changes_nothing(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	fake_sip_notify(sub(), NULL, NULL);
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

/* ---- the trunk ---- */

static void while_the_trunk_is_down_nothing_is_sent(void **state)
{
	struct rig *rig = *state;

	rig_trunk(rig, LF_TRUNK_DOWN);
	rig_want(rig, "u1");
	assert_int_equal(0, asked());
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_ERROR);
	fake_time_pass(3600 * 1000);
	assert_int_equal(0, asked());
	rig_trunk(rig, LF_TRUNK_UP);
	assert_int_equal(1, asked());
}

static void silence_makes_every_line_stale_and_never_idle(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	rig_trunk(rig, LF_TRUNK_DOWN);
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
	fake_time_pass(90000);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_STALE);
}

static void after_silence_every_line_asks_at_once(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	rig_want(rig, "u2");
	fake_sip_respond(fake_sip_last(), 200, 3600);
	say_line(fake_sip_last(), 0, "confirmed");
	rig_trunk(rig, LF_TRUNK_DOWN);
	fake_time_pass(100000);
	fake_sip_reset();
	rig_trunk(rig, LF_TRUNK_UP);
	assert_int_equal(2, asked());
	assert_int_equal(0, fake_sip_counts().initial);
	/* stale until the document, not until the 200 */
	fake_sip_respond(sub(), 200, 3600);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_STALE);
	say_line(sub(), 9, "terminated");
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

static void a_short_outage_keeps_the_lamp_until_the_answer(void **state)
{
	struct rig *rig = *state;

	settled(rig);
	rig_trunk(rig, LF_TRUNK_DOWN);
	fake_time_pass(30000);
	rig_trunk(rig, LF_TRUNK_UP);
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
	fake_sip_respond(sub(), 200, 3600);
	fake_time_pass(32000); /* accepted, but not confirmed */
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_STALE);
}

static void a_pardoned_feed_asks_again_for_those_denied(void **state)
{
	struct rig *rig = *state;

	rig_trunk(rig, LF_TRUNK_FORBIDDEN);
	rig_want(rig, "u1");
	assert_int_equal(1, asked()); /* each line learns its own verdict */
	respond(403);
	rig_trunk(rig, LF_TRUNK_UP);
	assert_int_equal(2, asked());
}

/* ---- a peer that restarted ---- */

static void one_line_in_turn_refreshes_early_as_a_canary(void **state)
{
	struct rig *rig = *state;

	rig_set(rig, "feed.pbx1.probe-interval", "5");
	settled(rig);
	fake_time_pass(5000);
	assert_int_equal(1, asked());
	assert_int_equal(0, fake_sip_counts().initial);
	fake_sip_respond(sub(), 200, 3600);
	fake_time_pass(60000); /* needs no NOTIFY */
	assert_int_equal(0, fake_sip_counts().resets);
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

static void a_dead_canary_makes_all_lines_ask(void **state)
{
	struct rig *rig = *state;
	struct lf_sip_sub *canary;

	rig_set(rig, "feed.pbx1.probe-interval", "5");
	settled(rig);
	rig_want(rig, "u2");
	fake_sip_respond(fake_sip_last(), 200, 3600);
	say_line(fake_sip_last(), 0, "confirmed");
	fake_sip_reset();
	fake_time_pass(5000);
	assert_int_equal(1, asked());
	canary = fake_sip_last();
	fake_sip_respond(canary, 481, LF_SIP_ABSENT);
	/* the canary in a new dialog, the other in its old one */
	assert_int_equal(3, asked());
	assert_int_equal(1, fake_sip_counts().initial);
}

static void forget_or_accept(struct lf_sip_sub *one)
{
	if (!lf_sip_sub_is_waiting(one))
		return;
	if (lf_sip_sub_has_dialog(one)) {
		fake_sip_respond(one, 481, LF_SIP_ABSENT);
	} else {
		fake_sip_respond(one, 200, 3600);
		say_line(one, 0, "terminated");
	}
}

static void a_server_that_forgets_always_is_not_flooded(void **state)
{
	struct rig *rig = *state;
	unsigned i;

	rig_set(rig, "feed.pbx1.probe-interval", "5");
	settled(rig);
	rig_want(rig, "u2");
	rig_want(rig, "u3");
	fake_sip_reset();
	for (i = 0; i < 600; i++) {
		forget_or_accept(fake_sip_at(0));
		forget_or_accept(fake_sip_at(1));
		forget_or_accept(fake_sip_at(2));
		fake_time_pass(1000);
	}
	/* ten minutes: a canary every 5 s and its repair, and few sweeps */
	assert_in_range(asked(), 1, 280);
}

/* ---- both packages ---- */

static void presence_and_dialog_make_one_report(void **state)
{
	struct rig *rig = *state;
	struct lf_sip_sub *presence, *dialog;

	rig_set(rig, "feed.pbx1.package", "both");
	rig_want(rig, "u1");
	presence = fake_sip_find(URI, "presence");
	dialog = fake_sip_find(URI, "dialog");
	fake_sip_respond(dialog, 200, 3600);
	fake_sip_respond(presence, 200, 3600);
	say_open(presence);
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
	say_line(dialog, 0, "early");
	rig_shows(rig, "u1", LF_TEL_RINGING, LF_COND_OK);
	say_line(dialog, 1, "terminated");
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
	say_closed(presence);
	rig_shows(rig, "u1", LF_TEL_OFFLINE, LF_COND_OK);
	say_line(dialog, 2, "early"); /* then the phone is there after all */
	rig_shows(rig, "u1", LF_TEL_RINGING, LF_COND_OK);
	say_line(dialog, 3, "terminated");
	fake_sip_terminate(presence, LF_REASON_REJECTED, LF_SIP_ABSENT);
	rig_shows(rig, "u1", LF_TEL_IDLE, LF_COND_OK);
}

static void with_a_presence_server_the_sip_uri_is_watched(void **state)
{
	struct rig *rig = *state;
	struct lf_sip_sub *presence;

	rig_set(rig, "feed.pbx1.has-presence-server", "yes");
	rig_set(rig, "feed.pbx1.dialect", "plain");
	rig_want(rig, "u1");
	presence = fake_sip_find("sip:anna@corp.example", "presence");
	assert_non_null(presence);
	fake_sip_respond(presence, 200, 3600);
	say_open(presence);
	assert_int_equal(LF_RICH_AVAILABLE, rig_lamp(rig, "u1")->rich);
}

static void without_a_presence_server_there_is_no_rich_presence(void **state)
{
	struct rig *rig = *state;

	rig_set(rig, "feed.pbx1.dialect", "plain");
	rig_want(rig, "u1");
	fake_sip_respond(sub(), 200, 3600);
	say_open(sub());
	assert_int_equal(LF_TEL_IDLE, rig_lamp(rig, "u1")->tel);
	assert_int_equal(LF_RICH_UNKNOWN, rig_lamp(rig, "u1")->rich);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_wanted_line_is_subscribed_and_requesting),
		T(a_document_lights_the_lamp),
		T(a_notify_may_come_before_the_200),
		T(nobody_looking_any_more_ends_the_subscription),
		T(a_user_without_a_line_is_not_configured),
		T(a_new_extension_is_watched_anew),
		T(an_unrelated_change_of_the_user_asks_nothing),
		T(it_is_refreshed_between_half_and_nine_tenths),
		T(the_servers_shorter_expiry_is_obeyed),
		T(without_a_first_notify_it_is_asked_again),
		T(a_refresh_that_fails_once_keeps_the_lamp),
		T(not_found_is_shown_and_asked_slowly),
		T(access_denied_is_shown_and_asked_slowly),
		T(a_denied_refresh_darkens_the_lamp),
		T(errors_are_retried_ever_more_rarely),
		T(retry_after_is_obeyed_and_bounded),
		T(too_brief_is_asked_again_with_their_minimum),
		T(a_senseless_minimum_is_no_endless_loop),
		T(a_refused_package_is_replaced_by_the_other),
		T(a_server_without_any_package_is_an_error),
		T(deactivated_and_timeout_ask_again_at_once),
		T(a_server_that_deactivates_at_once_is_not_flooded),
		T(probation_and_giveup_wait_as_long_as_they_say),
		T(rejected_is_denied_and_noresource_not_found),
		T(invariant_keeps_the_value_and_never_asks),
		T(pending_is_requesting),
		T(a_version_gap_is_dark_until_the_full_state_comes),
		T(a_gap_during_a_refresh_waits_for_its_notify),
		T(an_ended_dialog_stays_ended),
		T(a_version_that_fell_is_dark_until_the_full_state_comes),
		T(versions_begin_anew_with_a_new_dialog),
		T(what_cannot_be_read_is_an_error_and_not_the_last_value),
		T(an_empty_notify_changes_nothing),
		T(while_the_trunk_is_down_nothing_is_sent),
		T(silence_makes_every_line_stale_and_never_idle),
		T(after_silence_every_line_asks_at_once),
		T(a_short_outage_keeps_the_lamp_until_the_answer),
		T(a_pardoned_feed_asks_again_for_those_denied),
		T(one_line_in_turn_refreshes_early_as_a_canary),
		T(a_dead_canary_makes_all_lines_ask),
		T(a_server_that_forgets_always_is_not_flooded),
		T(presence_and_dialog_make_one_report),
		T(with_a_presence_server_the_sip_uri_is_watched),
		T(without_a_presence_server_there_is_no_rich_presence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
