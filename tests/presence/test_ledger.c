/*
 * tests/presence/test_ledger.c - places and pages, a new start, and damage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/presence/ledger_rig.h"

#include "core/banned.h"

/* ---- records and pages ---- */

static void records_keep_their_place_from_run_to_run(void **state)
{
	uint32_t before[40];

	run_begin_and_read();
	run_add_many(40);
	lf_ledger_remove(run.ledger, &run_find("t3")->entry);
	lf_ledger_remove(run.ledger, &run_find("t35")->entry);
	for (unsigned i = 0; i < 40; i++)
		before[i] = run.things[i].entry.place;
	run_end();
	run_begin_and_read();
	assert_int_equal(38, run.count);
	for (unsigned i = 0, j = 0; i < 40; i++)
		if (i != 3 && i != 35)
			assert_int_equal(before[i],
					 run.things[j++].entry.place);
}

static void they_are_read_in_the_order_of_their_places(void **state)
{
	run_begin_and_read();
	run_add_many(LF_LEDGER_PAGE);
	run_add("next page");
	lf_ledger_remove(run.ledger, &run_find("t1")->entry);
	run_add("gap");
	for (unsigned i = 3; i < LF_LEDGER_PAGE; i++)
		lf_ledger_remove(run.ledger, &run.things[i].entry);
	run_end();
	run_begin_and_read();
	assert_string_equal("t0 gap t2 next page ", run.read);
}

static void a_free_place_is_taken_before_a_new_page(void **state)
{
	uint32_t place;

	run_begin_and_read();
	run_add_many(3 * LF_LEDGER_PAGE);
	place = run_place_of("t40");
	lf_ledger_remove(run.ledger, &run_find("t40")->entry);
	assert_int_equal(0, run_find("t40")->entry.place);
	assert_int_equal(place, run_add("new")->entry.place);
	assert_int_equal(3 * LF_LEDGER_PAGE + 1, run_add("newer")->entry.place);
}

static void a_second_of_changes_is_one_write_a_page(void **state)
{
	run_begin_and_read();
	run_add_many(LF_LEDGER_PAGE);
	for (unsigned i = 0; i < LF_LEDGER_PAGE; i++)
		lf_ledger_touch(run.ledger, &run.things[i].entry);
	fake_time_pass(LF_LEDGER_MS - 1);
	assert_int_equal(0, fake_store_asked());
	fake_time_pass(1);
	assert_int_equal(1, fake_store_asked());
	fake_store_answer();
	fake_time_pass(60000);
	assert_int_equal(0, fake_store_asked());
	assert_int_equal(1, fake_store_keys(BUCKET));
}

static void only_a_marked_page_is_written(void **state)
{
	run_begin_and_read();
	run_add_many(3 * LF_LEDGER_PAGE);
	run_save();
	snprintf(run_find("t40")->text, 32, "changed");
	lf_ledger_touch(run.ledger, &run_find("changed")->entry);
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(1, fake_store_asked());
	fake_store_answer();
	assert_non_null(
		strstr(fake_store_value(BUCKET, "00000001", NULL), "changed"));
}

static void an_empty_page_is_deleted(void **state)
{
	run_begin_and_read();
	run_add_many(LF_LEDGER_PAGE + 1);
	run_save();
	assert_int_equal(2, fake_store_keys(BUCKET));
	lf_ledger_remove(run.ledger, &run.things[LF_LEDGER_PAGE].entry);
	run_save();
	assert_int_equal(1, fake_store_keys(BUCKET));
	assert_null(fake_store_value(BUCKET, "00000001", NULL));
}

static void many_pages_are_written_a_few_at_a_time(void **state)
{
	run_begin_and_read();
	run_add_many(20 * LF_LEDGER_PAGE);
	fake_time_pass(LF_LEDGER_MS);
	assert_in_range(fake_store_asked(), 1, 10);
	fake_time_pass(100);
	assert_int_equal(20, fake_store_asked());
	fake_store_answer();
	assert_int_equal(20, fake_store_keys(BUCKET));
}

static void a_record_may_hold_any_bytes(void **state)
{
	run_begin_and_read();
	run_add("two\nlines 7\n");
	run_add("second");
	run_end();
	run_begin_and_read();
	assert_string_equal("two\nlines 7\n second ", run.read);
}

static void who_has_no_place_may_be_touched_and_removed(void **state)
{
	struct thing stray = {.text = "stray"};

	run_begin_and_read();
	lf_ledger_touch(run.ledger, &stray.entry);
	lf_ledger_remove(run.ledger, &stray.entry);
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(0, fake_store_asked());
}

static void without_a_store_all_is_kept_in_memory_only(void **state)
{
	assert_int_equal(0, lf_ledger_open(&run.ledger, run.timers, NULL,
					   BUCKET, &run_ops, NULL));
	run_add_many(100);
	lf_ledger_touch(run.ledger, &run_find("t7")->entry);
	lf_ledger_remove(run.ledger, &run_find("t7")->entry);
	assert_int_equal(0, fake_time_running());
	lf_ledger_close(run.ledger);
	run.ledger = NULL;
}

static void when_it_is_full_the_next_is_refused(void **state)
{
	struct thing *last, *more;

	assert_int_equal(0, lf_ledger_open(&run.ledger, run.timers, NULL,
					   BUCKET, &run_ops, NULL));
	run_add_many(THINGS - 1);
	last = &run.things[THINGS - 2];
	more = &run.things[THINGS - 1];
	assert_int_equal(-ENOMEM, lf_ledger_add(run.ledger, &more->entry));
	assert_int_equal(0, more->entry.place);
	lf_ledger_remove(run.ledger, &last->entry);
	assert_int_equal(0, lf_ledger_add(run.ledger, &more->entry));
	assert_int_equal(THINGS - 1, more->entry.place);
	lf_ledger_close(run.ledger);
	run.ledger = NULL;
}

/* ---- a new start ---- */

static void what_is_not_kept_is_gone_at_the_next_start(void **state)
{
	run_begin_and_read();
	run_add_many(3);
	run_end();
	run.unwanted = "t1";
	run_begin_and_read();
	run.unwanted = NULL;
	run_crash();
	run_begin_and_read();
	assert_string_equal("t0 t2 ", run.read);
}

/* Their owners have promised more by then: the promise is on disk. */
static void it_is_ready_when_all_is_saved_again(void **state)
{
	run_begin_and_read();
	run_add_many(40);
	run_end();
	run_begin();
	fake_store_answer();
	assert_int_equal(40, run.count);
	assert_int_equal(2, fake_store_asked());
	assert_int_equal(0, run.ready);
	fake_store_answer();
	assert_int_equal(1, run.ready);
	assert_int_equal(0, run.asked_when_ready);
	run_save();
	assert_int_equal(1, run.ready);
}

static void an_empty_store_is_ready_at_once(void **state)
{
	run_begin();
	fake_store_answer();
	assert_int_equal(1, run.ready);
}

/* A phone subscribes in the first millisecond. */
static void who_comes_before_the_reading_takes_nobodys_place(void **state)
{
	run_begin_and_read();
	run_add_many(33);
	run_end();
	run_begin();
	run_add("early");
	fake_store_answer();
	fake_store_answer();
	assert_int_equal(34, run.count);
	for (size_t i = 0; i < run.count; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(run.things[i].entry.place,
					     run.things[j].entry.place);
	lf_ledger_remove(run.ledger, &run_find("early")->entry);
	run_end();
	run_begin_and_read();
	assert_int_equal(33, run.count);
}

static void a_store_that_refuses_the_reading_is_said(void **state)
{
	fake_store_refuse(1, -EAGAIN);
	assert_int_equal(-EAGAIN,
			 lf_ledger_open(&run.ledger, run.timers, fake_store(),
					BUCKET, &run_ops, NULL));
	assert_null(run.ledger);
}

/* ---- damage ---- */

static void check_damage(const char *value, size_t len, size_t kept)
{
	run_save_three_pages();
	fake_store_set(BUCKET, PAGE_1, value, len);
	run.errors = 0;
	run_begin_and_read();
	assert_int_equal(2 * LF_LEDGER_PAGE + kept, run.count);
	assert_int_equal(1, run.errors);
	assert_int_equal(1, run_place_of("t0"));
	assert_int_equal(2 * LF_LEDGER_PAGE + 1, run_place_of("t64"));
	run_end();
	/* And from then on it is whole again. */
	run_begin_and_read();
	assert_int_equal(2 * LF_LEDGER_PAGE + kept, run.count);
	assert_int_equal(1, run.errors);
	run_end();
	fake_store_reset();
}

static void a_damaged_page_loses_only_itself(void **state)
{
	static const struct {
		const char *value;
		size_t len, kept;
	} bad[] = {
		{"garbage", 7, 0},
		{"garbage\nand more\n", 17, 0},
		{"", 0, 0},
		{"\n", 1, 0},
		{"2\nt32\n", 6, 1}, /* a wrong length */
		{"-1\nt32", 6, 0},
		{"99999999999999999999\nt32", 24, 0},
		{"9999999\nt32", 11, 0},
		{"3\nt3", 4, 0},
		{"3\nt32", 5, 1},
		{"3\nt323", 6, 1},
		{"3\nt32\0\0\0", 8, 1},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		check_damage(bad[i].value, bad[i].len, bad[i].kept);
}

static void a_page_cut_or_grown_is_noticed(void **state)
{
	const char *stored;
	char whole[4096];
	size_t len;

	run_save_three_pages();
	stored = fake_store_value(BUCKET, PAGE_0, &len);
	memcpy(whole, stored, len);
	whole[len++] = '0';
	fake_store_reset();
	fake_store_set(BUCKET, PAGE_0, whole, len);
	run_begin_and_read();
	assert_int_equal(1, run.errors);
	assert_int_equal(LF_LEDGER_PAGE, run.count);
	run_end();
	len--;
	for (size_t cut = 0; cut < len; cut++) {
		fake_store_reset();
		fake_store_set(BUCKET, PAGE_0, whole, cut);
		run.errors = 0;
		run_begin_and_read();
		assert_int_equal(1, run.errors);
		assert_in_range(run.count, 0, LF_LEDGER_PAGE - 1);
		run_end();
	}
}

static void a_key_that_is_no_page_is_not_read(void **state)
{
	fake_store_set(BUCKET, "ffffffff", "1\nx", 3);
	fake_store_set(BUCKET, "00002000", "1\nx", 3);
	fake_store_set(BUCKET, "100000000", "1\nx", 3);
	run_begin_and_read();
	assert_int_equal(0, run.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, run_setup, run_teardown)
		T(records_keep_their_place_from_run_to_run),
		T(they_are_read_in_the_order_of_their_places),
		T(a_free_place_is_taken_before_a_new_page),
		T(a_second_of_changes_is_one_write_a_page),
		T(only_a_marked_page_is_written),
		T(an_empty_page_is_deleted),
		T(many_pages_are_written_a_few_at_a_time),
		T(a_record_may_hold_any_bytes),
		T(who_has_no_place_may_be_touched_and_removed),
		T(without_a_store_all_is_kept_in_memory_only),
		T(when_it_is_full_the_next_is_refused),
		T(what_is_not_kept_is_gone_at_the_next_start),
		T(it_is_ready_when_all_is_saved_again),
		T(an_empty_store_is_ready_at_once),
		T(who_comes_before_the_reading_takes_nobodys_place),
		T(a_store_that_refuses_the_reading_is_said),
		T(a_damaged_page_loses_only_itself),
		T(a_page_cut_or_grown_is_noticed),
		T(a_key_that_is_no_page_is_not_read),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(run.things);
	return failed;
}
