/*
 * tests/presence/rig.h - a board with one SIP feed, "pbx1" at 10.0.0.9, on
 * fakes of everything below; users u1..u3 at 200..202.
 */
#ifndef LF_TESTS_PRESENCE_RIG_H
#define LF_TESTS_PRESENCE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "presence/board.h"
#include "presence/simple.h"
#include "tests/fake_directory.h"
#include "tests/fake_sip.h"
#include "tests/fake_timers.h"

struct rig {
	struct lf_timers *timers;
	struct lf_board *board;
	struct lf_simple *simple;
	bool is_ready;
};

/* The trunk is up, the dialect is asterisk's, and the canary sings hourly. */
int rig_setup(void **state);
int rig_teardown(void **state);

void rig_want(struct rig *rig, const char *user_id);
void rig_unwant(struct rig *rig, const char *user_id);
const struct lf_lamp *rig_lamp(struct rig *rig, const char *user_id);
void rig_shows(struct rig *rig, const char *user_id, enum lf_tel tel,
	       enum lf_cond cond);
/* Then all feeds' trunks come up. */
void rig_set(struct rig *rig, const char *name, const char *value);
void rig_trunk(struct rig *rig, enum lf_sip_trunk_state state);
/* Time passes until somebody asks. */
void rig_refresh_due(struct rig *rig);

#endif
