/*
 * tests/console/test_slow.c - readers that do not read, and time that passes.
 * The connection is a wire, whose backlog is what the test says.
 */
#include "tests/console/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"

#include "core/banned.h"

static size_t count(const struct wire *wire, const char *word)
{
	const char *at = lf_buf_str(&wire->out);
	size_t n = 0;

	while ((at = strstr(at, word))) {
		at++;
		n++;
	}
	return n;
}

static void wire_login(struct wire *wire, const char *username)
{
	char token[LF_CONSOLE_TOKEN_SIZE], line[256];

	assert_int_equal(0, lf_console_token(wire->desk->console,
					     desk_id(wire->desk, username),
					     token));
	snprintf(line, sizeof(line),
		 "{\"id\":1,\"method\":\"login\",\"params\":{\"auth\":"
		 "\"token\",\"token\":\"%s\",\"features\":[\"resume\"]}}",
		 token);
	wire_say(wire, line);
	assert_int_equal(1, count(wire, "\"session\""));
}

static void wire_watch_all(struct wire *wire)
{
	wire_say(wire, "{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":"
		       "\"lamps\",\"filter\":{\"all\":true}}}");
	assert_int_equal(1, count(wire, "\"snap\""));
	lf_buf_reset(&wire->out);
}

static void a_slow_reader_gets_the_newest_state_only(void **state)
{
	struct desk *desk = *state;
	struct wire *slow = wire_open(desk);

	wire_login(slow, "rossi");
	wire_watch_all(slow);
	slow->backlog = LF_BULK_STOP;
	for (int i = 0; i < 1000; i++) {
		desk_report(desk, "bianchi", i % 2 ? LF_TEL_BUSY : LF_TEL_IDLE,
			    LF_RICH_AWAY, "", "");
		wire_turn(desk);
	}
	assert_int_equal(0, slow->out.len);
	assert_true(slow->wants_drain);
	slow->backlog = 0;
	lf_conn_drained(slow->conn);
	wire_turn(desk);
	assert_int_equal(1, count(slow, "\"method\":\"lamp\""));
	assert_int_equal(1, count(slow, "\"tel\":\"busy\""));
	assert_int_equal(1, count(slow, "\"seq\":1"));
	wire_free(slow);
}

static void a_slow_reader_does_not_delay_the_others(void **state)
{
	struct desk *desk = *state;
	struct wire *slow = wire_open(desk), *quick = wire_open(desk);

	wire_login(slow, "rossi");
	wire_watch_all(slow);
	wire_login(quick, "bianchi");
	wire_watch_all(quick);
	slow->backlog = LF_BULK_STOP;
	desk_report(desk, "verdi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	wire_turn(desk);
	assert_int_equal(0, count(slow, "lamp"));
	assert_int_equal(1, count(quick, "\"tel\":\"busy\""));

	/* What the quick one shared in its time is not what is sent now. */
	desk_report(desk, "guest", LF_TEL_RINGING, LF_RICH_BUSY, "", "");
	wire_turn(desk);
	slow->backlog = 0;
	lf_conn_drained(slow->conn);
	wire_turn(desk);
	assert_int_equal(1, count(slow, desk_id(desk, "verdi")));
	assert_int_equal(1, count(slow, desk_id(desk, "guest")));
	assert_int_equal(1, count(slow, "\"tel\":\"busy\""));
	wire_free(slow);
	wire_free(quick);
}

static void an_answer_does_not_wait_behind_lamps(void **state)
{
	struct desk *desk = *state;
	struct wire *slow = wire_open(desk);

	wire_login(slow, "rossi");
	wire_watch_all(slow);
	slow->backlog = LF_BULK_STOP;
	desk_report(desk, "verdi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	wire_say(slow, "{\"id\":5,\"method\":\"ping\"}");
	wire_turn(desk);
	assert_string_equal("{\"id\":5,\"result\":{}}\n",
			    lf_buf_str(&slow->out));
	wire_free(slow);
}

static void who_has_too_much_queued_is_parted_from(void **state)
{
	struct desk *desk = *state;
	struct wire *slow = wire_open(desk);
	struct lf_console_stats stats;

	wire_login(slow, "rossi");
	wire_watch_all(slow);
	slow->backlog = LF_SLOW_BYTES + 1;
	wire_say(slow, "{\"id\":5,\"method\":\"ping\"}");
	assert_int_equal(1, count(slow, "{\"method\":\"bye\",\"params\":{"
					"\"reason\":\"slow\",\"retry_ms\":5000}"
					"}"));
	assert_true(slow->is_closed);
	assert_int_equal(LF_CLOSE_SLOW, slow->code);
	wire_turn(desk);
	lf_console_stats(desk->console, &stats);
	assert_int_equal(1, stats.slow_closed);
	assert_int_equal(0, stats.connections);
	assert_int_equal(1, stats.sessions); /* for the resume */
	wire_free(slow);
}

static void an_answer_that_nobody_takes_ends_it(void **state)
{
	struct desk *desk = *state;
	struct wire *slow = wire_open(desk);
	const int64_t now_ms = lf_mono_ms();

	wire_login(slow, "rossi");
	slow->backlog = 1000;
	wire_say(slow, "{\"id\":5,\"method\":\"ping\"}");
	lf_console_tick(desk->console, now_ms + 9000);
	assert_false(slow->is_closed);
	lf_console_tick(desk->console, now_ms + 12000);
	assert_true(slow->is_closed);
	assert_int_equal(1, count(slow, "\"slow\""));
	wire_free(slow);
}

static void an_answer_that_left_counts_no_more(void **state)
{
	struct desk *desk = *state;
	struct wire *wire = wire_open(desk);
	const int64_t now_ms = lf_mono_ms();

	wire_login(wire, "rossi");
	wire->backlog = 10;
	wire_say(wire, "{\"id\":5,\"method\":\"ping\"}");
	wire_say(wire, "{\"id\":6,\"method\":\"ping\"}");
	/* All but the end of the second has left: that one's time begins. */
	lf_console_tick(desk->console, now_ms + 9500);
	lf_console_tick(desk->console, now_ms + 12000);
	assert_false(wire->is_closed);
	lf_console_tick(desk->console, now_ms + 20000);
	assert_true(wire->is_closed);
	wire_free(wire);
}

static void silence_is_asked_about_and_then_ended(void **state)
{
	struct desk *desk = *state;
	struct wire *wire = wire_open(desk);
	const int64_t now_ms = lf_mono_ms();

	wire_login(wire, "rossi");
	lf_console_tick(desk->console, now_ms + 24000);
	assert_int_equal(0, count(wire, "ping"));
	lf_console_tick(desk->console, now_ms + 26000);
	lf_console_tick(desk->console, now_ms + 27000);
	assert_int_equal(1, count(wire, "{\"method\":\"ping\",\"params\":{}}"));
	assert_false(wire->is_closed);
	lf_console_tick(desk->console, now_ms + 76000);
	assert_true(wire->is_closed);
	wire_free(wire);
}

static void who_never_logs_in_is_closed(void **state)
{
	struct desk *desk = *state;
	struct wire *wire = wire_open(desk);

	lf_console_tick(desk->console, lf_mono_ms() + 31000);
	assert_true(wire->is_closed);
	assert_int_equal(1, count(wire, "login_timeout"));
	wire_free(wire);
}

static void a_long_snapshot_waits_and_deltas_wait_behind_it(void **state)
{
	struct desk *desk = *state;
	struct wire *wire = wire_open(desk);

	desk_add_many(desk, 100);
	wire_login(wire, "rossi");
	wire->backlog = LF_BULK_STOP;
	wire_say(wire, "{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":"
		       "\"lamps\",\"filter\":{\"all\":true},\"page\":10}}");
	wire_turn(desk);
	assert_int_equal(10, count(wire, "\"u\":"));
	/* One whose page is gone already, one whose page is the last. */
	desk_report(desk, "guest", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	desk_report(desk, "verdi", LF_TEL_RINGING, LF_RICH_AWAY, "", "");
	wire->backlog = 0;
	lf_conn_drained(wire->conn);
	wire_turn(desk);
	assert_int_equal(105 + 1, count(wire, "\"u\":"));
	assert_int_equal(1,
			 count(wire, "\"ext\":\"2103\",\"tel\":\"ringing\""));
	assert_int_equal(1, count(wire, "\"method\":\"lamp\""));
	assert_non_null(strstr(strstr(lf_buf_str(&wire->out), "\"more\":false"),
			       "\"busy\""));
	wire_free(wire);
}

/* However many consoles watch, and whatever fields: the same text for all. */
static void a_row_is_the_same_for_everybody(void **state)
{
	struct desk *desk = *state;
	struct wire *one = wire_open(desk), *two = wire_open(desk);

	wire_login(one, "rossi");
	wire_watch_all(one);
	wire_login(two, "bianchi");
	wire_watch_all(two);
	desk_report(desk, "verdi", LF_TEL_BUSY, LF_RICH_AWAY, "0445", "Hi");
	wire_turn(desk);
	assert_string_equal(lf_buf_str(&one->out), lf_buf_str(&two->out));
	wire_free(one);
	wire_free(two);
}

static void thirty_two_requests_in_work_pause_the_reading(void **state)
{
	struct desk *desk = *state;
	struct wire *wire = wire_open(desk);
	char line[256];

	wire_login(wire, "rossi");
	snprintf(line, sizeof(line),
		 "{\"id\":3,\"method\":\"notes.set\",\"params\":{\"u\":\"%s\","
		 "\"text\":\"a\"}}",
		 desk_id(desk, "verdi"));
	for (int i = 0; i < 31; i++)
		wire_say(wire, line);
	assert_false(wire->is_paused);
	wire_say(wire, line);
	assert_true(wire->is_paused);
	while (wire->is_paused)
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
	while (count(wire, "\"rev\"") < 32)
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
	wire_free(wire);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slow_reader_gets_the_newest_state_only),
		TEST(a_slow_reader_does_not_delay_the_others),
		TEST(an_answer_does_not_wait_behind_lamps),
		TEST(who_has_too_much_queued_is_parted_from),
		TEST(an_answer_that_nobody_takes_ends_it),
		TEST(an_answer_that_left_counts_no_more),
		TEST(silence_is_asked_about_and_then_ended),
		TEST(who_never_logs_in_is_closed),
		TEST(a_long_snapshot_waits_and_deltas_wait_behind_it),
		TEST(a_row_is_the_same_for_everybody),
		TEST(thirty_two_requests_in_work_pause_the_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
