/*
 * tests/directory/test_directory_oom.c - whichever allocation fails, what was
 * answered with success is there and what was not is not.
 */
#include "tests/directory/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"
#include "directory/access.h"
#include "directory/audit.h"
#include "directory/note.h"
#include "directory/setting.h"
#include "tests/oom.h"

#include "core/banned.h"

static const struct lf_setting_def table[] = {
	{"mail.server", LF_SET_ADDRESS, ""},
	{"feed.*.pace", LF_SET_INT, "5", 1, 1000000},
	{"feed.*.kind", LF_SET_TEXT, ""},
	{NULL},
};
static const struct lf_setting_def *const tables[] = {table, NULL};

struct run {
	struct rig *rig;
	struct lf_settings *settings;
	struct lf_notes *notes;
	struct lf_access *access;
	int round;
};

static void on_ready(int err, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static void on_set(int err, const char *text, void *arg)
{
	on_ready(err, arg);
}

static void on_note(int err, int64_t rev, void *arg)
{
	on_ready(err, arg);
}

/* The answer to a call: its own error, or what it calls back with. */
static int answer_to(struct rig *rig, int err)
{
	if (err)
		return err;
	rig_wait(rig);
	return rig->err;
}

/* Leaves no more users than it found: the next run has as much to load. */
static int change_users(struct run *run)
{
	static const enum lf_user_field fields[] = {LF_USER_EXT,
						    LF_USER_LAST_NAME};
	struct lf_directory *dir = run->rig->dir;
	char id[32], ext[32];
	const char *const values[] = {ext, "Rossi"};
	int err;

	snprintf(ext, sizeof(ext), "7%d", run->round);
	lf_text_copy(id, sizeof(id), lf_user_by_username(dir, "a")->id);
	err = answer_to(run->rig, lf_user_put(dir, id, fields, values, 2, "x",
					      rig_on_user, run->rig));
	assert_int_equal(!err, lf_user_by_ext(dir, ext) != NULL);
	if (err)
		return err;
	lf_text_copy(id, sizeof(id), lf_user_by_username(dir, "b")->id);
	err = answer_to(run->rig,
			lf_user_delete(dir, id, "x", rig_on_user, run->rig));
	assert_int_equal(err ? 2 : 1, lf_directory_count(dir));
	assert_int_equal(!err, lf_user_find(dir, id) == NULL);
	return err;
}

static int import(struct run *run)
{
	char csv[64];
	int n = snprintf(csv, sizeof(csv), "username,ext\na,%d\nb,%d\n",
			 run->round, run->round);
	int err;

	err = answer_to(run->rig,
			lf_users_import(run->rig->dir, csv, (size_t)n, "x",
					rig_on_import, run->rig));
	if (!err)
		assert_int_equal(
			run->round,
			strtol(lf_user_by_username(run->rig->dir, "b")->ext,
			       NULL, 10));
	return err;
}

static int set(struct run *run)
{
	static const char name[] = "feed.x.pace";
	char value[32];
	const struct lf_assignment one = {name, value};
	const struct lf_assignment back = {name, NULL};
	int err;

	snprintf(value, sizeof(value), "%d", run->round + 5);
	err = answer_to(run->rig, lf_settings_set(run->settings, &one, 1, "x",
						  on_set, run->rig));
	if (err)
		return err;
	assert_int_equal(run->round + 5, lf_setting_int(run->settings, name));
	return answer_to(run->rig, lf_settings_set(run->settings, &back, 1, "x",
						   on_set, run->rig));
}

static int write_note(struct run *run)
{
	char text[32];
	int err;

	snprintf(text, sizeof(text), "note %d", run->round);
	err = answer_to(run->rig, lf_note_set(run->notes, "u1", text, "u2",
					      LF_STORE_ANY, on_note, run->rig));
	if (!err)
		assert_string_equal(text, lf_note_find(run->notes, "u1")->text);
	return err;
}

static int log_in(struct run *run)
{
	struct lf_scram_talk *talk;
	const struct lf_user *user;
	char out[512], final[600];
	int err;

	err = lf_scram_begin(&talk, run->access, "n,,n=a,r=x", "b", out,
			     sizeof(out), NULL);
	if (err)
		return err;
	out[strcspn(out, ",")] = '\0';
	snprintf(final, sizeof(final),
		 "c=biws,%s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		 out);
	err = lf_scram_finish(talk, final, out, sizeof(out), &user);
	lf_scram_free(talk);
	return err == -EACCES ? 0 : err;
}

static int open_all(struct run *run)
{
	struct rig *rig = run->rig;
	int err;

	err = answer_to(
		rig, lf_directory_open(&rig->dir, rig->store, on_ready, rig));
	if (!err)
		err = answer_to(rig,
				lf_settings_open(&run->settings, rig->store,
						 NULL, tables, on_ready, rig));
	if (!err)
		err = lf_notes_open(&run->notes, rig->store);
	if (!err)
		err = lf_access_new(&run->access, rig->dir);
	return err;
}

static int life(void *arg)
{
	struct run *run = arg;
	int err;

	run->round++;
	err = open_all(run);
	if (!err)
		err = import(run);
	if (!err)
		err = change_users(run);
	if (!err)
		err = set(run);
	if (!err)
		err = write_note(run);
	if (!err)
		err = log_in(run);
	lf_access_free(run->access);
	lf_notes_close(run->notes);
	lf_settings_close(run->settings);
	rig_close_users(run->rig);
	uv_run(&run->rig->loop, UV_RUN_DEFAULT);
	run->access = NULL;
	run->notes = NULL;
	run->settings = NULL;
	run->rig->is_done = false;
	/* "Try later" is how the store's lack of memory looks from outside;
	 * an audit row or a failed login may have been lost without a word. */
	return lf_oom_has_failed() ? -ENOMEM : err;
}

static void be_quiet(enum lf_log_level level, const char *room,
		     const char *text, void *arg)
{
}

static void nothing_is_lost_or_half_done_without_memory(void **state)
{
	struct run run = {.rig = *state};

	rig_close_users(run.rig);
	/* jansson keeps its own memory: it calls a token that it cannot store
	 * an invalid one, which we cannot tell from a spoilt record. */
	lf_log_set_sink(be_quiet, NULL);
	assert_true(lf_oom_sweep(life, &run) > 50);
	lf_log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_is_lost_or_half_done_without_memory, rig_setup,
			rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
