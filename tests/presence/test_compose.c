/* tests/presence/test_compose.c - several publishers, one person. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "presence/compose.h"
#include "presence/report.h"

#include "core/banned.h"

/* By rank: presence-feeds, "the most restrictive of". */
static const uint8_t richest[] = {LF_RICH_OFFLINE,  LF_RICH_AVAILABLE,
				  LF_RICH_AWAY,     LF_RICH_BUSY,
				  LF_RICH_ON_PHONE, LF_RICH_DND};

static void the_most_restrictive_wins_in_any_order(void **state)
{
	const size_t n = sizeof(richest);

	for (size_t a = 0; a < n; a++) {
		for (size_t b = 0; b < n; b++) {
			const struct lf_report one = {.knows = LF_KNOWS_RICH,
						      .rich = richest[a]};
			const struct lf_report two = {.knows = LF_KNOWS_RICH,
						      .rich = richest[b]};
			struct lf_report sum = {0};

			lf_compose(&sum, &one);
			lf_compose(&sum, &two);
			assert_int_equal(richest[a > b ? a : b], sum.rich);
		}
	}
}

static void a_message_goes_with_the_state_that_wins(void **state)
{
	const struct lf_report away = {.knows = LF_KNOWS_RICH,
				       .rich = LF_RICH_AWAY,
				       .message = "lunch"};
	const struct lf_report busy = {.knows = LF_KNOWS_RICH,
				       .rich = LF_RICH_BUSY,
				       .message = "board"};
	struct lf_report sum = {0};

	lf_compose(&sum, &busy);
	lf_compose(&sum, &away);
	assert_string_equal("board", sum.message);
}

static void what_nobody_knows_stays_unknown(void **state)
{
	const struct lf_report dialog = {
		.knows = LF_KNOWS_LINE, .line = LF_TEL_RINGING, .peer = "777"};
	const struct lf_report no_dnd = {.knows = LF_KNOWS_DND};
	struct lf_report sum = {0};

	lf_compose(&sum, &dialog);
	lf_compose(&sum, &no_dnd);
	assert_int_equal(LF_KNOWS_LINE, sum.knows);
	assert_string_equal("777", sum.peer);
}

static void one_call_makes_the_line_busy(void **state)
{
	const struct lf_report busy = {.knows = LF_KNOWS_LINE,
				       .line = LF_TEL_BUSY};
	const struct lf_report idle = {.knows = LF_KNOWS_LINE,
				       .line = LF_TEL_IDLE};
	struct lf_report sum = {0};

	lf_compose(&sum, &busy);
	lf_compose(&sum, &idle);
	assert_int_equal(LF_TEL_BUSY, sum.line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_restrictive_wins_in_any_order),
		cmocka_unit_test(a_message_goes_with_the_state_that_wins),
		cmocka_unit_test(what_nobody_knows_stays_unknown),
		cmocka_unit_test(one_call_makes_the_line_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
