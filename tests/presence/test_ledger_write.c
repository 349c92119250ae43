/*
 * tests/presence/test_ledger_write.c - what happens while a ledger writes: a
 * change, an error, its end, a kill, and no memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/oom.h"
#include "tests/presence/ledger_rig.h"

#include "core/banned.h"

/* ---- while writing ---- */

static void what_changes_while_it_is_written_is_written_again(void **state)
{
	run_begin_and_read();
	run_add_many(2);
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(1, fake_store_asked());
	lf_ledger_remove(run.ledger, &run_find("t0")->entry);
	fake_time_pass(5 * LF_LEDGER_MS);
	assert_int_equal(1, fake_store_asked()); /* never two of a page */
	fake_store_answer();
	run_save();
	run_crash();
	run_begin_and_read();
	assert_string_equal("t1 ", run.read);
}

static void a_page_emptied_while_it_is_written_is_deleted(void **state)
{
	run_begin_and_read();
	run_add("only");
	fake_time_pass(LF_LEDGER_MS);
	lf_ledger_remove(run.ledger, &run_find("only")->entry);
	fake_store_answer();
	assert_int_equal(1, fake_store_keys(BUCKET));
	run_save();
	assert_int_equal(0, fake_store_keys(BUCKET));
}

static void a_write_that_failed_is_said_and_tried_again(void **state)
{
	run_begin_and_read();
	run_add_many(1);
	fake_store_fail(3, -EAGAIN);
	for (unsigned i = 1; i <= 3; i++) {
		run_save();
		assert_int_equal(i, run.errors);
		assert_int_equal(0, fake_store_keys(BUCKET));
	}
	run_save();
	assert_int_equal(3, run.errors);
	assert_int_equal(1, fake_store_keys(BUCKET));
}

static void a_store_that_refuses_is_asked_again(void **state)
{
	run_begin_and_read();
	run_add_many(LF_LEDGER_PAGE + 1);
	fake_store_refuse(3, -EAGAIN); /* both pages, then one */
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(0, fake_store_asked());
	run_save();
	assert_int_equal(1, fake_store_keys(BUCKET));
	run_save();
	assert_int_equal(2, fake_store_keys(BUCKET));
}

static void a_delete_that_failed_is_tried_again(void **state)
{
	run_begin_and_read();
	run_add("only");
	run_save();
	lf_ledger_remove(run.ledger, &run_find("only")->entry);
	fake_store_fail(1, -EAGAIN);
	run_save();
	assert_int_equal(1, fake_store_keys(BUCKET));
	run_save();
	assert_int_equal(0, fake_store_keys(BUCKET));
}

/* ---- closing ---- */

static void closing_writes_what_is_marked(void **state)
{
	run_begin_and_read();
	run_add_many(20 * LF_LEDGER_PAGE);
	run_end();
	assert_int_equal(20, fake_store_keys(BUCKET));
}

static void closing_while_it_writes_frees_it_after_the_answer(void **state)
{
	run_begin_and_read();
	run_add_many(1);
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(1, fake_store_asked());
	lf_ledger_close(run.ledger);
	run.ledger = NULL;
	assert_int_equal(1, fake_store_asked());
	fake_store_answer(); /* the sanitizer sees that it is freed, once */
	assert_int_equal(1, fake_store_keys(BUCKET));
}

/* The page is on its way, and has changed since: both must reach the disk. */
static void closing_does_not_lose_what_changed_while_it_wrote(void **state)
{
	run_begin_and_read();
	run_add_many(2);
	fake_time_pass(LF_LEDGER_MS);
	lf_ledger_remove(run.ledger, &run_find("t0")->entry);
	lf_ledger_close(run.ledger);
	while (fake_store_asked())
		fake_store_answer();
	run_begin_and_read();
	assert_string_equal("t1 ", run.read);
}

static void closing_before_it_was_read_keeps_what_is_stored(void **state)
{
	run_save_three_pages();
	run_begin();
	lf_ledger_close(run.ledger);
	fake_store_answer();
	assert_int_equal(0, run.ready);
	assert_int_equal(0, run.count);
	run_begin_and_read();
	assert_int_equal(3 * LF_LEDGER_PAGE, run.count);
}

static void a_write_that_fails_after_closing_is_said(void **state)
{
	run_begin_and_read();
	run_add_many(1);
	fake_store_fail(1, -EAGAIN);
	run_end();
	assert_int_equal(1, run.errors);
}

/* ---- kill -9 ---- */

static void a_kill_leaves_each_page_old_or_new(void **state)
{
	run_begin_and_read();
	run_add_many(3 * LF_LEDGER_PAGE);
	run_save();
	for (size_t i = 0; i < run.count; i++) {
		run.things[i].text[0] = 'n';
		lf_ledger_touch(run.ledger, &run.things[i].entry);
	}
	fake_store_fail(1, -EAGAIN); /* the first page stays old */
	run_save();
	run_crash();
	run_begin_and_read();
	assert_int_equal(3 * LF_LEDGER_PAGE, run.count);
	for (size_t i = 0; i < run.count; i++) {
		assert_int_equal(i + 1, run.things[i].entry.place);
		assert_int_equal(i < LF_LEDGER_PAGE ? 't' : 'n',
				 run.things[i].text[0]);
	}
}

/* ---- out of memory ---- */

static unsigned count_stored(void)
{
	static const char *const keys[] = {PAGE_0, PAGE_1};
	unsigned n = 0;

	for (size_t i = 0; i < 2; i++) {
		const char *at = fake_store_value(BUCKET, keys[i], NULL);

		while (at && (at = strchr(at, 't')) != NULL) {
			n++;
			at++;
		}
	}
	return n;
}

/* Nothing leaks; if memory comes back, whoever has a place is saved. */
static int one_life(void *arg)
{
	unsigned kept = 0;
	void *volatile probe; /* or the compiler leaves it out */
	int err;

	fake_store_reset();
	run.count = 0;
	err = lf_ledger_open(&run.ledger, run.timers, fake_store(), BUCKET,
			     &run_ops, NULL);
	if (err)
		return err;
	fake_store_answer();
	for (unsigned i = 0; i < LF_LEDGER_PAGE + 1; i++)
		kept += run_add("t") != NULL;
	for (int i = 0; i < 3; i++)
		run_save();
	probe = malloc(1);
	if (probe)
		assert_int_equal(kept, count_stored());
	free(probe);
	run_end();
	return lf_oom_has_failed() ? -ENOMEM : 0;
}

static void it_survives_every_failed_allocation(void **state)
{
	assert_in_range(lf_oom_sweep(one_life, NULL), 8, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, run_setup, run_teardown)
		T(what_changes_while_it_is_written_is_written_again),
		T(a_page_emptied_while_it_is_written_is_deleted),
		T(a_write_that_failed_is_said_and_tried_again),
		T(a_store_that_refuses_is_asked_again),
		T(a_delete_that_failed_is_tried_again),
		T(closing_writes_what_is_marked),
		T(closing_while_it_writes_frees_it_after_the_answer),
		T(closing_does_not_lose_what_changed_while_it_wrote),
		T(closing_before_it_was_read_keeps_what_is_stored),
		T(a_write_that_fails_after_closing_is_said),
		T(a_kill_leaves_each_page_old_or_new),
		T(it_survives_every_failed_allocation),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(run.things);
	return failed;
}
