/* Tests of presence/ when memory runs out: no leak, and no lamp that lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/log.h"
#include "core/timer.h"
#include "presence/board.h"
#include "presence/simple.h"
#include "sip/subscribe.h"
#include "tests/fake_directory.h"
#include "tests/fake_sip.h"
#include "tests/fake_timers.h"
#include "tests/oom.h"
#include "tests/presence/say.h"

#include "core/banned.h"

struct life {
	struct lf_timers *timers;
	struct lf_board *board;
	struct lf_simple *simple;
};

static int begin(struct life *l)
{
	int err = lf_timers_new(&l->timers, NULL);

	if (!err)
		err = lf_board_new(&l->board, l->timers, fake_directory(),
				   fake_settings());
	if (!err)
		err = lf_simple_open(&l->simple, l->timers, NULL, l->board,
				     fake_settings(), NULL, NULL, NULL);
	return err;
}

static int look(struct life *l)
{
	struct lf_sip_trunk *trunk;
	struct lf_sip_sub *sub;
	int err;

	fake_time_pass(0);
	trunk = fake_sip_trunk_at(0);
	if (trunk)
		fake_sip_trunk_set(trunk, LF_TRUNK_UP, "up");
	err = lf_board_want(l->board, "u1");
	sub = fake_sip_find(NULL, "dialog");
	if (err || !sub)
		return err;
	fake_sip_respond(sub, 200, 3600);
	say_line(sub, 0, "confirmed");
	return 0;
}

static int one_life(void *arg)
{
	struct life l = {0};
	int err;

	fake_directory_unlisten();
	err = begin(&l);
	if (!err)
		err = look(&l);
	if (!err)
		assert_int_not_equal(LF_TEL_IDLE,
				     lf_board_lamp(l.board, "u1")->tel);
	lf_simple_close(l.simple);
	lf_board_free(l.board);
	lf_timers_close(l.timers);
	return err ? err : lf_oom_has_failed() ? -ENOMEM : 0;
}

static void ignore(enum lf_log_level level, const char *room, const char *text,
		   void *arg)
{
}

static void a_watch_survives_every_failed_allocation(void **state)
{
	lf_log_set_sink(ignore, NULL);
	fake_user_put("u1", "200", "anna@corp.example", "");
	fake_setting_put("feed.pbx1.server", "10.0.0.9");
	fake_setting_put("feed.pbx1.package", "both");
	assert_in_range(lf_oom_sweep(one_life, NULL), 20, 500);
	fake_directory_reset();
	lf_log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watch_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
