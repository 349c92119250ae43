/* tests/presence/ledger_rig.c - see ledger_rig.h. */
#include "tests/presence/ledger_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/log.h"
#include "core/timer.h"

#include "core/banned.h"

struct run run;

static void count_errors(enum lf_log_level level, const char *room,
			 const char *text, void *arg)
{
	run.errors += level == LF_ERROR;
}

static void write_thing(struct lf_ledger_entry *entry, struct lf_buf *out,
			void *arg)
{
	lf_buf_adds(out, ((const struct thing *)entry)->text);
}

struct thing *run_add(const char *text)
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
		run_add(text);
}

static void on_ready(void *arg)
{
	run.ready++;
	run.asked_when_ready = (unsigned)fake_store_asked();
}

const struct lf_ledger_ops run_ops = {write_thing, read_thing, on_ready};

void run_begin(void)
{
	run.count = 0;
	run.ready = 0;
	run.read[0] = '\0';
	assert_int_equal(0,
			 lf_ledger_open(&run.ledger, run.timers, fake_store(),
					BUCKET, &run_ops, NULL));
}

/* As after a start: everything that is there was read and saved again. */
void run_begin_and_read(void)
{
	run_begin();
	fake_store_answer();
	fake_store_answer();
	assert_int_equal(1, run.ready);
}

void run_save(void)
{
	fake_time_pass(LF_LEDGER_MS + 100);
	fake_store_answer();
}

void run_end(void)
{
	lf_ledger_close(run.ledger);
	fake_store_answer();
	run.ledger = NULL;
}

void run_crash(void)
{
	fake_store_kill();
	lf_ledger_close(run.ledger);
	run.ledger = NULL;
	fake_store_revive();
}

struct thing *run_find(const char *text)
{
	for (size_t i = 0; i < run.count; i++)
		if (!strcmp(run.things[i].text, text))
			return &run.things[i];
	return NULL;
}

uint32_t run_place_of(const char *text)
{
	assert_non_null(run_find(text));
	return run_find(text)->entry.place;
}

void run_add_many(unsigned n)
{
	char text[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "t%u", i);
		assert_non_null(run_add(text));
	}
}

int run_setup(void **state)
{
	struct thing *things = run.things;

	fake_time_reset();
	fake_store_reset();
	memset(&run, 0, sizeof(run));
	run.things = things ? things : calloc(THINGS, sizeof(*things));
	assert_non_null(run.things);
	lf_log_set_sink(count_errors, NULL);
	return lf_timers_new(&run.timers, NULL);
}

int run_teardown(void **state)
{
	if (run.ledger)
		run_end();
	assert_int_equal(0, fake_store_asked());
	assert_int_equal(0, fake_time_running());
	fake_store_reset();
	lf_timers_close(run.timers);
	lf_log_set_sink(NULL, NULL);
	return 0;
}

void run_save_three_pages(void)
{
	run_begin_and_read();
	run_add_many(3 * LF_LEDGER_PAGE);
	run_end();
}
