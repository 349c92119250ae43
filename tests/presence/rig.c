/* tests/presence/rig.c - see rig.h. */
#include "tests/presence/rig.h"

#include <string.h>

#include "core/log.h"
#include "core/timer.h"

#include "core/banned.h"

static struct rig the_rig;

static void mute(enum lf_log_level level, const char *room, const char *text,
		 void *arg)
{
}

static void on_ready(void *arg)
{
	((struct rig *)arg)->is_ready = true;
}

int rig_setup(void **state)
{
	struct rig *rig = &the_rig;

	memset(rig, 0, sizeof(*rig));
	lf_log_set_sink(mute, NULL);
	fake_time_reset();
	fake_sip_reset();
	fake_directory_reset();
	fake_user_put("u1", "200", "anna@corp.example", "");
	fake_user_put("u2", "201", "bruno@corp.example", "");
	fake_user_put("u3", "202", "", "");
	fake_setting_put("feed.pbx1.server", "10.0.0.9");
	fake_setting_put("feed.pbx1.dialect", "asterisk");
	fake_setting_put("feed.pbx1.probe-interval", "3600");
	assert_int_equal(0, lf_timers_new(&rig->timers, NULL));
	assert_int_equal(0, lf_board_new(&rig->board, rig->timers,
					 fake_directory(), fake_settings()));
	assert_int_equal(0, lf_simple_open(&rig->simple, rig->timers, NULL,
					   rig->board, fake_settings(), NULL,
					   on_ready, rig));
	fake_time_pass(0);
	assert_true(rig->is_ready);
	rig_trunk(rig, LF_TRUNK_UP);
	*state = rig;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *rig = *state;

	lf_simple_close(rig->simple);
	lf_board_free(rig->board);
	assert_int_equal(0, fake_sip_count());
	assert_int_equal(0, fake_sip_trunks());
	assert_int_equal(0, fake_time_running());
	lf_timers_close(rig->timers);
	fake_directory_reset();
	lf_log_set_sink(NULL, NULL);
	return 0;
}

void rig_want(struct rig *rig, const char *user_id)
{
	assert_int_equal(0, lf_board_want(rig->board, user_id));
}

void rig_unwant(struct rig *rig, const char *user_id)
{
	lf_board_unwant(rig->board, user_id);
}

const struct lf_lamp *rig_lamp(struct rig *rig, const char *user_id)
{
	return lf_board_lamp(rig->board, user_id);
}

void rig_shows(struct rig *rig, const char *user_id, enum lf_tel tel,
	       enum lf_cond cond)
{
	const struct lf_lamp *lamp = rig_lamp(rig, user_id);

	assert_string_equal(lf_cond_name(cond),
			    lf_cond_name((enum lf_cond)lamp->tel_cond));
	assert_string_equal(lf_tel_name(tel),
			    lf_tel_name((enum lf_tel)lamp->tel));
}

void rig_trunk(struct rig *rig, enum lf_sip_trunk_state state)
{
	struct lf_sip_trunk *trunk;
	size_t i;

	for (i = 0; (trunk = fake_sip_trunk_at(i)) != NULL; i++)
		fake_sip_trunk_set(trunk, state, "the test says so");
}

void rig_set(struct rig *rig, const char *name, const char *value)
{
	fake_setting_put(name, value);
	fake_time_pass(0);
	rig_trunk(rig, LF_TRUNK_UP);
}

void rig_refresh_due(struct rig *rig)
{
	unsigned before = fake_sip_counts().subscribes, i;

	for (i = 0; i < 3600 && fake_sip_counts().subscribes == before; i++)
		fake_time_pass(1000);
	assert_int_equal(before + 1, fake_sip_counts().subscribes);
}
