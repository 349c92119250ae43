/*
 * tests/presence/test_ledger_kill.c - kill -9 while pages are written into a
 * real store: each page is found again as a whole, old or new.
 *
 *     child: writes "a" of everything, then "b", and is killed on the way
 *     parent: reads
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/timer.h"
#include "presence/ledger.h"
#include "store/store.h"

#include "core/banned.h"

#define KILLS 8
#define PAGES 40
#define RECORDS (PAGES * LF_LEDGER_PAGE)

static char dir[] = "/tmp/lf-ledger-XXXXXX";
static char path[64];

static struct run {
	uv_loop_t loop;
	struct lf_timers *timers;
	struct lf_store *store;
	struct lf_ledger *ledger;
	struct record {
		struct lf_ledger_entry entry;
		char text[64];
	} records[RECORDS];
	unsigned count;
	bool is_ready, is_closed;
} run;

static void write_record(struct lf_ledger_entry *entry, struct lf_buf *out,
			 void *arg)
{
	lf_buf_adds(out, ((const struct record *)entry)->text);
}

static void read_record(const char *data, size_t len, void *arg)
{
	struct record *r = &run.records[run.count++];

	snprintf(r->text, sizeof(r->text), "%.*s", (int)len, data);
	if (lf_ledger_add(run.ledger, &r->entry))
		abort();
}

static void on_ready(void *arg)
{
	run.is_ready = true;
}

static void on_closed(void *arg)
{
	run.is_closed = true;
}

static void begin(void)
{
	static const struct lf_ledger_ops ops = {write_record, read_record,
						 on_ready};
	char text[256];

	memset(&run, 0, sizeof(run));
	if (uv_loop_init(&run.loop) || lf_timers_new(&run.timers, &run.loop) ||
	    lf_store_open(&run.store, &run.loop, path, text, sizeof(text)) ||
	    lf_ledger_open(&run.ledger, run.timers, run.store, "things", &ops,
			   NULL))
		abort();
	while (!run.is_ready)
		uv_run(&run.loop, UV_RUN_ONCE);
}

static void end(void)
{
	lf_ledger_close(run.ledger);
	lf_timers_close(run.timers);
	lf_store_close(run.store, on_closed, NULL);
	while (!run.is_closed)
		uv_run(&run.loop, UV_RUN_ONCE);
	uv_run(&run.loop, UV_RUN_DEFAULT);
	uv_loop_close(&run.loop);
}

static void write_all(char generation)
{
	for (unsigned i = 0; i < RECORDS; i++) {
		struct record *r = &run.records[i];

		snprintf(r->text, sizeof(r->text), "%c %u", generation, i);
		if (r->entry.place)
			lf_ledger_touch(run.ledger, &r->entry);
		else if (lf_ledger_add(run.ledger, &r->entry))
			abort();
	}
}

static void live_and_die(int turns)
{
	begin();
	write_all('a');
	end();
	begin();
	write_all('b');
	lf_ledger_close(run.ledger); /* now, and not in a second */
	while (turns-- > 0)
		uv_run(&run.loop, UV_RUN_NOWAIT);
	raise(SIGKILL);
}

static void check_what_is_left(void)
{
	char want[64];

	begin();
	assert_int_equal(RECORDS, run.count);
	for (unsigned i = 0; i < RECORDS; i++) {
		const struct record *r = &run.records[i];
		char generation = run.records[i - i % LF_LEDGER_PAGE].text[0];

		assert_true(generation == 'a' || generation == 'b');
		snprintf(want, sizeof(want), "%c %u", generation, i);
		assert_string_equal(want, r->text);
		assert_int_equal(i + 1, r->entry.place);
	}
	end();
}

static void remove_files(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal",
					       ".lock"};
	char name[96];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

static void each_page_survives_a_kill_as_a_whole(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/store", dir);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			live_and_die(i * i);
		assert_int_equal(pid, waitpid(pid, &status, 0));
		assert_true(WIFSIGNALED(status));
		assert_int_equal(SIGKILL, WTERMSIG(status));
		check_what_is_left();
		remove_files();
	}
	assert_int_equal(0, rmdir(dir));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_page_survives_a_kill_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
