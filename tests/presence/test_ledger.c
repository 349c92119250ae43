/*
 * tests/presence/test_ledger.c - pages of records over a store that answers
 * when the test says so.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/log.h"
#include "core/timer.h"
#include "presence/ledger.h"
#include "tests/fake_store.h"
#include "tests/fake_timers.h"
#include "tests/oom.h"

#include "core/banned.h"

#define BUCKET "things"
#define THINGS (8192 * LF_LEDGER_PAGE + 1)

struct thing {
	struct lf_ledger_entry entry;
	char text[32];
};

/* A run of the program: what it keeps, and what it was told. */
static struct run {
	struct lf_timers *timers;
	struct lf_ledger *ledger;
	struct thing *things;
	size_t count;
	const char *unwanted; /* not kept when it is read */
	char read[4096];      /* in the order of reading */
	unsigned ready;
	unsigned asked_when_ready;
} run;

static unsigned errors;

static void count_errors(enum lf_log_level level, const char *room,
			 const char *text, void *arg)
{
	errors += level == LF_ERROR;
}

static void write_thing(struct lf_ledger_entry *entry, struct lf_buf *out,
			void *arg)
{
	lf_buf_adds(out, ((const struct thing *)entry)->text);
}

static struct thing *add(const char *text)
{
	struct thing *thing = &run.things[run.count++];

	assert_true(run.count <= THINGS);
	snprintf(thing->text, sizeof(thing->text), "%s", text);
	thing->entry.place = 0;
	return lf_ledger_add(run.ledger, &thing->entry) ? NULL : thing;
}

static void read_thing(const char *record, size_t len, void *arg)
{
	char text[32];
	size_t end = strlen(run.read);

	snprintf(text, sizeof(text), "%.*s", (int)len, record);
	snprintf(run.read + end, sizeof(run.read) - end, "%s ", text);
	if (!run.unwanted || strcmp(run.unwanted, text))
		add(text);
}

static void on_ready(void *arg)
{
	run.ready++;
	run.asked_when_ready = (unsigned)fake_store_asked();
}

static const struct lf_ledger_ops ops = {write_thing, read_thing, on_ready};

static void begin(void)
{
	run.count = 0;
	run.ready = 0;
	run.read[0] = '\0';
	assert_int_equal(0, lf_ledger_open(&run.ledger, run.timers,
					   fake_store(), BUCKET, &ops, NULL));
}

/* As after a start: everything that is there was read and saved again. */
static void begin_and_read(void)
{
	begin();
	fake_store_answer();
	fake_store_answer();
	assert_int_equal(1, run.ready);
}

static void save(void)
{
	fake_time_pass(LF_LEDGER_MS + 100);
	fake_store_answer();
}

static void end(void)
{
	lf_ledger_close(run.ledger);
	fake_store_answer();
	run.ledger = NULL;
}

static void crash(void)
{
	fake_store_kill();
	lf_ledger_close(run.ledger);
	run.ledger = NULL;
	fake_store_revive();
}

static struct thing *find(const char *text)
{
	for (size_t i = 0; i < run.count; i++)
		if (!strcmp(run.things[i].text, text))
			return &run.things[i];
	return NULL;
}

static uint32_t place_of(const char *text)
{
	assert_non_null(find(text));
	return find(text)->entry.place;
}

static void add_many(unsigned n)
{
	char text[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "t%u", i);
		assert_non_null(add(text));
	}
}

static int setup(void **state)
{
	struct thing *things = run.things;

	fake_time_reset();
	fake_store_reset();
	memset(&run, 0, sizeof(run));
	errors = 0;
	run.things = things ? things : calloc(THINGS, sizeof(*things));
	assert_non_null(run.things);
	lf_log_set_sink(count_errors, NULL);
	return lf_timers_new(&run.timers, NULL);
}

static int teardown(void **state)
{
	if (run.ledger)
		end();
	assert_int_equal(0, fake_store_asked());
	assert_int_equal(0, fake_time_running());
	fake_store_reset();
	lf_timers_close(run.timers);
	lf_log_set_sink(NULL, NULL);
	return 0;
}

/* ---- records and pages ---- */

static void records_keep_their_place_from_run_to_run(void **state)
{
	uint32_t before[40];

	begin_and_read();
	add_many(40);
	lf_ledger_remove(run.ledger, &find("t3")->entry);
	lf_ledger_remove(run.ledger, &find("t35")->entry);
	for (unsigned i = 0; i < 40; i++)
		before[i] = run.things[i].entry.place;
	end();
	begin_and_read();
	assert_int_equal(38, run.count);
	for (unsigned i = 0, j = 0; i < 40; i++)
		if (i != 3 && i != 35)
			assert_int_equal(before[i],
					 run.things[j++].entry.place);
}

static void they_are_read_in_the_order_of_their_places(void **state)
{
	begin_and_read();
	add_many(LF_LEDGER_PAGE);
	add("next page");
	lf_ledger_remove(run.ledger, &find("t1")->entry);
	add("gap");
	for (unsigned i = 3; i < LF_LEDGER_PAGE; i++)
		lf_ledger_remove(run.ledger, &run.things[i].entry);
	end();
	begin_and_read();
	assert_string_equal("t0 gap t2 next page ", run.read);
}

static void a_free_place_is_taken_before_a_new_page(void **state)
{
	uint32_t place;

	begin_and_read();
	add_many(3 * LF_LEDGER_PAGE);
	place = place_of("t40");
	lf_ledger_remove(run.ledger, &find("t40")->entry);
	assert_int_equal(0, find("t40")->entry.place);
	assert_int_equal(place, add("new")->entry.place);
	assert_int_equal(3 * LF_LEDGER_PAGE + 1, add("newer")->entry.place);
}

static void a_second_of_changes_is_one_write_a_page(void **state)
{
	begin_and_read();
	add_many(LF_LEDGER_PAGE);
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
	begin_and_read();
	add_many(3 * LF_LEDGER_PAGE);
	save();
	snprintf(find("t40")->text, 32, "changed");
	lf_ledger_touch(run.ledger, &find("changed")->entry);
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(1, fake_store_asked());
	fake_store_answer();
	assert_non_null(
		strstr(fake_store_value(BUCKET, "00000001", NULL), "changed"));
}

static void an_empty_page_is_deleted(void **state)
{
	begin_and_read();
	add_many(LF_LEDGER_PAGE + 1);
	save();
	assert_int_equal(2, fake_store_keys(BUCKET));
	lf_ledger_remove(run.ledger, &run.things[LF_LEDGER_PAGE].entry);
	save();
	assert_int_equal(1, fake_store_keys(BUCKET));
	assert_null(fake_store_value(BUCKET, "00000001", NULL));
}

static void many_pages_are_written_a_few_at_a_time(void **state)
{
	begin_and_read();
	add_many(20 * LF_LEDGER_PAGE);
	fake_time_pass(LF_LEDGER_MS);
	assert_in_range(fake_store_asked(), 1, 10);
	fake_time_pass(100);
	assert_int_equal(20, fake_store_asked());
	fake_store_answer();
	assert_int_equal(20, fake_store_keys(BUCKET));
}

static void a_record_may_hold_any_bytes(void **state)
{
	begin_and_read();
	add("two\nlines 7\n");
	add("second");
	end();
	begin_and_read();
	assert_string_equal("two\nlines 7\n second ", run.read);
}

static void who_has_no_place_may_be_touched_and_removed(void **state)
{
	struct thing stray = {.text = "stray"};

	begin_and_read();
	lf_ledger_touch(run.ledger, &stray.entry);
	lf_ledger_remove(run.ledger, &stray.entry);
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(0, fake_store_asked());
}

static void without_a_store_all_is_kept_in_memory_only(void **state)
{
	assert_int_equal(0, lf_ledger_open(&run.ledger, run.timers, NULL,
					   BUCKET, &ops, NULL));
	add_many(100);
	lf_ledger_touch(run.ledger, &find("t7")->entry);
	lf_ledger_remove(run.ledger, &find("t7")->entry);
	assert_int_equal(0, fake_time_running());
	lf_ledger_close(run.ledger);
	run.ledger = NULL;
}

static void when_it_is_full_the_next_is_refused(void **state)
{
	struct thing *last, *more;

	assert_int_equal(0, lf_ledger_open(&run.ledger, run.timers, NULL,
					   BUCKET, &ops, NULL));
	add_many(THINGS - 1);
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
	begin_and_read();
	add_many(3);
	end();
	run.unwanted = "t1";
	begin_and_read();
	run.unwanted = NULL;
	crash();
	begin_and_read();
	assert_string_equal("t0 t2 ", run.read);
}

/* Their owners have promised more by then: the promise is on disk. */
static void it_is_ready_when_all_is_saved_again(void **state)
{
	begin_and_read();
	add_many(40);
	end();
	begin();
	fake_store_answer();
	assert_int_equal(40, run.count);
	assert_int_equal(2, fake_store_asked());
	assert_int_equal(0, run.ready);
	fake_store_answer();
	assert_int_equal(1, run.ready);
	assert_int_equal(0, run.asked_when_ready);
	save();
	assert_int_equal(1, run.ready);
}

static void an_empty_store_is_ready_at_once(void **state)
{
	begin();
	fake_store_answer();
	assert_int_equal(1, run.ready);
}

/* A phone subscribes in the first millisecond. */
static void who_comes_before_the_reading_takes_nobodys_place(void **state)
{
	begin_and_read();
	add_many(33);
	end();
	begin();
	add("early");
	fake_store_answer();
	fake_store_answer();
	assert_int_equal(34, run.count);
	for (size_t i = 0; i < run.count; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(run.things[i].entry.place,
					     run.things[j].entry.place);
	lf_ledger_remove(run.ledger, &find("early")->entry);
	end();
	begin_and_read();
	assert_int_equal(33, run.count);
}

static void a_store_that_refuses_the_reading_is_said(void **state)
{
	fake_store_refuse(1, -EAGAIN);
	assert_int_equal(-EAGAIN,
			 lf_ledger_open(&run.ledger, run.timers, fake_store(),
					BUCKET, &ops, NULL));
	assert_null(run.ledger);
}

/* ---- damage ---- */

static const char page_0[] = "00000000", page_1[] = "00000001";

static void save_three_pages(void)
{
	begin_and_read();
	add_many(3 * LF_LEDGER_PAGE);
	end();
}

static void check_damage(const char *value, size_t len, size_t kept)
{
	save_three_pages();
	fake_store_set(BUCKET, page_1, value, len);
	errors = 0;
	begin_and_read();
	assert_int_equal(2 * LF_LEDGER_PAGE + kept, run.count);
	assert_int_equal(1, errors);
	assert_int_equal(1, place_of("t0"));
	assert_int_equal(2 * LF_LEDGER_PAGE + 1, place_of("t64"));
	end();
	/* And from then on it is whole again. */
	begin_and_read();
	assert_int_equal(2 * LF_LEDGER_PAGE + kept, run.count);
	assert_int_equal(1, errors);
	end();
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

	save_three_pages();
	stored = fake_store_value(BUCKET, page_0, &len);
	memcpy(whole, stored, len);
	whole[len++] = '0';
	fake_store_reset();
	fake_store_set(BUCKET, page_0, whole, len);
	begin_and_read();
	assert_int_equal(1, errors);
	assert_int_equal(LF_LEDGER_PAGE, run.count);
	end();
	len--;
	for (size_t cut = 0; cut < len; cut++) {
		fake_store_reset();
		fake_store_set(BUCKET, page_0, whole, cut);
		errors = 0;
		begin_and_read();
		assert_int_equal(1, errors);
		assert_in_range(run.count, 0, LF_LEDGER_PAGE - 1);
		end();
	}
}

static void a_key_that_is_no_page_is_not_read(void **state)
{
	fake_store_set(BUCKET, "ffffffff", "1\nx", 3);
	fake_store_set(BUCKET, "00002000", "1\nx", 3);
	fake_store_set(BUCKET, "100000000", "1\nx", 3);
	begin_and_read();
	assert_int_equal(0, run.count);
}

/* ---- while writing ---- */

static void what_changes_while_it_is_written_is_written_again(void **state)
{
	begin_and_read();
	add_many(2);
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(1, fake_store_asked());
	lf_ledger_remove(run.ledger, &find("t0")->entry);
	fake_time_pass(5 * LF_LEDGER_MS);
	assert_int_equal(1, fake_store_asked()); /* never two of a page */
	fake_store_answer();
	save();
	crash();
	begin_and_read();
	assert_string_equal("t1 ", run.read);
}

static void a_page_emptied_while_it_is_written_is_deleted(void **state)
{
	begin_and_read();
	add("only");
	fake_time_pass(LF_LEDGER_MS);
	lf_ledger_remove(run.ledger, &find("only")->entry);
	fake_store_answer();
	assert_int_equal(1, fake_store_keys(BUCKET));
	save();
	assert_int_equal(0, fake_store_keys(BUCKET));
}

static void a_write_that_failed_is_said_and_tried_again(void **state)
{
	begin_and_read();
	add_many(1);
	fake_store_fail(3, -EAGAIN);
	for (unsigned i = 1; i <= 3; i++) {
		save();
		assert_int_equal(i, errors);
		assert_int_equal(0, fake_store_keys(BUCKET));
	}
	save();
	assert_int_equal(3, errors);
	assert_int_equal(1, fake_store_keys(BUCKET));
}

static void a_store_that_refuses_is_asked_again(void **state)
{
	begin_and_read();
	add_many(LF_LEDGER_PAGE + 1);
	fake_store_refuse(3, -EAGAIN); /* both pages, then one */
	fake_time_pass(LF_LEDGER_MS);
	assert_int_equal(0, fake_store_asked());
	save();
	assert_int_equal(1, fake_store_keys(BUCKET));
	save();
	assert_int_equal(2, fake_store_keys(BUCKET));
}

static void a_delete_that_failed_is_tried_again(void **state)
{
	begin_and_read();
	add("only");
	save();
	lf_ledger_remove(run.ledger, &find("only")->entry);
	fake_store_fail(1, -EAGAIN);
	save();
	assert_int_equal(1, fake_store_keys(BUCKET));
	save();
	assert_int_equal(0, fake_store_keys(BUCKET));
}

/* ---- closing ---- */

static void closing_writes_what_is_marked(void **state)
{
	begin_and_read();
	add_many(20 * LF_LEDGER_PAGE);
	end();
	assert_int_equal(20, fake_store_keys(BUCKET));
}

static void closing_while_it_writes_frees_it_after_the_answer(void **state)
{
	begin_and_read();
	add_many(1);
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
	begin_and_read();
	add_many(2);
	fake_time_pass(LF_LEDGER_MS);
	lf_ledger_remove(run.ledger, &find("t0")->entry);
	lf_ledger_close(run.ledger);
	while (fake_store_asked())
		fake_store_answer();
	begin_and_read();
	assert_string_equal("t1 ", run.read);
}

static void closing_before_it_was_read_keeps_what_is_stored(void **state)
{
	save_three_pages();
	begin();
	lf_ledger_close(run.ledger);
	fake_store_answer();
	assert_int_equal(0, run.ready);
	assert_int_equal(0, run.count);
	begin_and_read();
	assert_int_equal(3 * LF_LEDGER_PAGE, run.count);
}

static void a_write_that_fails_after_closing_is_said(void **state)
{
	begin_and_read();
	add_many(1);
	fake_store_fail(1, -EAGAIN);
	end();
	assert_int_equal(1, errors);
}

/* ---- kill -9 ---- */

static void a_kill_leaves_each_page_old_or_new(void **state)
{
	begin_and_read();
	add_many(3 * LF_LEDGER_PAGE);
	save();
	for (size_t i = 0; i < run.count; i++) {
		run.things[i].text[0] = 'n';
		lf_ledger_touch(run.ledger, &run.things[i].entry);
	}
	fake_store_fail(1, -EAGAIN); /* the first page stays old */
	save();
	crash();
	begin_and_read();
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
	static const char *const keys[] = {page_0, page_1};
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
			     &ops, NULL);
	if (err)
		return err;
	fake_store_answer();
	for (unsigned i = 0; i < LF_LEDGER_PAGE + 1; i++)
		kept += add("t") != NULL;
	for (int i = 0; i < 3; i++)
		save();
	probe = malloc(1);
	if (probe)
		assert_int_equal(kept, count_stored());
	free(probe);
	end();
	return lf_oom_has_failed() ? -ENOMEM : 0;
}

static void it_survives_every_failed_allocation(void **state)
{
	assert_in_range(lf_oom_sweep(one_life, NULL), 8, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
