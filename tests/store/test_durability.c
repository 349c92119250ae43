/*
 * tests/store/test_durability.c - what was answered survives a kill.
 *
 *     child: append ... answer -> its id into a pipe
 *     parent: SIGKILL at a random moment, open, compare
 *
 * The moment is a number of answers, not a time, so nothing here waits.
 */
#include "store/store.h"

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

#include "core/banned.h"

#define KILLS 20
#define OUTSTANDING 32
#define MAX_IDS 100000

static char dir[] = "/tmp/lf-durability-XXXXXX";
static char path[64];
static bool is_acked[MAX_IDS];

/* ---- the child: appends for ever ---- */

struct child {
	struct lf_store *store;
	int next_id, pipe;
};

struct request {
	struct child *child;
	int id;
};

static void append_one(struct request *r);

static void on_appended(int err, int64_t seq, void *arg)
{
	struct request *r = arg;

	if (err || write(r->child->pipe, &r->id, sizeof(r->id)) < 0)
		_exit(1);
	append_one(r);
}

static void append_one(struct request *r)
{
	char id[16];

	r->id = r->child->next_id++;
	snprintf(id, sizeof(id), "%d", r->id);
	if (lf_store_append(r->child->store, "log", id, id, strlen(id),
			    LF_STORE_ANY, on_appended, r))
		_exit(1);
}

static void run_child(int first_id, int fd)
{
	struct child child = {.next_id = first_id, .pipe = fd};
	struct request requests[OUTSTANDING];
	uv_loop_t loop;
	char text[256];

	uv_loop_init(&loop);
	if (lf_store_open(&child.store, &loop, path, text, sizeof(text)))
		_exit(1);
	for (int i = 0; i < OUTSTANDING; i++) {
		requests[i].child = &child;
		append_one(&requests[i]);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	_exit(1);
}

/* ---- the parent ---- */

/* Kills the child after `moment` answers; returns the largest id it used. */
static int run_until_killed(int first_id, int moment)
{
	int fds[2], id, largest = first_id, n = 0;
	pid_t pid;

	assert_int_equal(0, pipe(fds));
	pid = fork();
	if (!pid) {
		close(fds[0]);
		run_child(first_id, fds[1]);
	}
	close(fds[1]);
	while (read(fds[0], &id, sizeof(id)) == sizeof(id)) {
		assert_in_range(id, 0, MAX_IDS - 1);
		is_acked[id] = true;
		largest = id > largest ? id : largest;
		if (++n == moment)
			kill(pid, SIGKILL);
	}
	close(fds[0]);
	assert_true(n >= moment);
	assert_int_equal(pid, waitpid(pid, NULL, 0));
	return largest;
}

struct seen {
	int64_t next_seq;
	size_t n;
	bool is_there[MAX_IDS];
};

static void on_read(int err, const struct lf_store_entry *entries, size_t n,
		    void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(0, err);
	for (size_t i = 0; i < n; i++) {
		long id = strtol(entries[i].id, NULL, 10);

		assert_int_equal(seen->next_seq++, entries[i].seq);
		assert_in_range(id, 0, MAX_IDS - 1);
		assert_false(seen->is_there[id]);
		seen->is_there[id] = true;
	}
	seen->n = n;
}

static void check_everything_acknowledged_is_there(void)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct lf_store *store;
	uv_loop_t loop;
	char text[256];

	seen->next_seq = 1;
	uv_loop_init(&loop);
	assert_int_equal(
		0, lf_store_open(&store, &loop, path, text, sizeof(text)));
	assert_int_equal(
		0, lf_store_read(store, "log", 1, MAX_IDS, on_read, seen));
	uv_run(&loop, UV_RUN_DEFAULT);
	lf_store_close(store, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(0, uv_loop_close(&loop));
	for (int id = 0; id < MAX_IDS; id++)
		assert_true(seen->is_there[id] || !is_acked[id]);
	free(seen);
}

static void what_was_answered_survives_a_kill_at_any_moment(void **state)
{
	int first_id = 0;

	srandom((unsigned)getpid());
	for (int i = 0; i < KILLS; i++) {
		int moment = 1 + (int)(random() % 700);

		/* What the child asked and never had answered may be there
		 * or not; those ids are not used again. */
		first_id = run_until_killed(first_id, moment) + 2 * OUTSTANDING;
		check_everything_acknowledged_is_there();
	}
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/store.db", dir);
	return 0;
}

static int remove_dir(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_answered_survives_a_kill_at_any_moment),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
