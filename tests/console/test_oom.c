/* tests/console/test_oom.c - a console's life with each allocation failing. */
#include "tests/console/wire.h"
#include "tests/oom.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/board.h"

#include "core/banned.h"

static void say_login(struct wire *wire, const char *token)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"id\":1,\"method\":\"login\",\"params\":{\"auth\":"
		 "\"token\",\"token\":\"%s\",\"features\":[\"resume\"]}}",
		 token);
	wire_say(wire, line);
}

static void use(struct wire *wire, const char *token)
{
	struct desk *desk = wire->desk;

	say_login(wire, token);
	wire_say(wire, "{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":"
		       "\"lamps\",\"filter\":{\"groups\":[\"sales\"],"
		       "\"users\":[\"u5\",\"u4\",\"u999\"]},\"page\":1}}");
	wire_turn(desk);
	/* A delta that no slot delays. */
	wire_say(wire, "{\"id\":6,\"method\":\"sub.update\",\"params\":{"
		       "\"sub\":1,\"add\":[\"u3\"]}}");
	wire_turn(desk);
	wire_say(wire, "{\"id\":3,\"method\":\"dir.search\",\"params\":{\"q\":"
		       "\"ross\"}}");
	wire_say(wire, "{\"id\":4,\"method\":\"unsub\",\"params\":{\"sub\":1}"
		       "}");
	wire_say(wire, "{\"id\":5,\"method\":\"logout\"}");
	wire_turn(desk);
}

/* Whatever failed, nothing is left of it when the console has gone. */
static int live(void *arg)
{
	struct desk *desk = arg;
	char token[LF_CONSOLE_TOKEN_SIZE];
	struct lf_console_stats stats;
	struct wire wire;

	if (lf_console_token(desk->console, "u1", token))
		return -ENOMEM;
	if (wire_connect(&wire, desk) == 0)
		use(&wire, token);
	wire_done(&wire);
	wire_turn(desk);
	/* A session that lost its connection would wait for a resume. */
	lf_console_tick(desk->console, INT64_MAX / 2);
	wire_turn(desk);

	lf_console_stats(desk->console, &stats);
	assert_int_equal(0, stats.connections);
	assert_int_equal(0, stats.sessions);
	assert_int_equal(0, stats.subscriptions);
	assert_int_equal(0, stats.rows);
	assert_int_equal(0, desk->console->shown.count);
	return lf_oom_has_failed() ? -ENOMEM : 0;
}

static void drop_line(enum lf_log_level level, const char *room,
		      const char *text, void *arg)
{
}

static void want_all(struct desk *desk, bool wants)
{
	static const char *const ids[] = {"u1", "u2", "u3", "u4", "u5"};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (wants)
			assert_int_equal(0, lf_board_want(desk->board, ids[i]));
		else
			lf_board_unwant(desk->board, ids[i]);
}

/* The test wants all persons too, so that each run finds the same board. */
static void without_memory_nothing_is_left_half_done(void **state)
{
	struct desk *desk = *state;
	struct lf_board_stats board;

	json_set_alloc_funcs(malloc, free);
	lf_log_set_sink(drop_line, NULL);
	want_all(desk, true);
	assert_int_equal(0, live(desk));
	assert_true(lf_oom_sweep(live, desk) > 50);
	lf_log_set_sink(NULL, NULL);
	want_all(desk, false);
	lf_board_stats(desk->board, &board);
	assert_int_equal(0, board.wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			without_memory_nothing_is_left_half_done, desk_setup,
			desk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
