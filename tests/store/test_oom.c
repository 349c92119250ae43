/*
 * tests/store/test_oom.c - every allocation of the store fails once.
 *
 * One life asks for one thing at a time, so that the writer's allocations
 * come in a known order too.
 */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/log.h"
#include "tests/oom.h"

#include "core/banned.h"

struct life {
	uv_loop_t loop;
	struct lf_store *store;
	struct lf_store_watch *watch;
	int err, answers;
};

static char dir[] = "/tmp/lf-store-oom-XXXXXX";
static char path[64], copy[64];

static void note(struct life *l, int err)
{
	l->answers++;
	if (err && !l->err)
		l->err = err;
}

static void on_number(int err, int64_t number, void *arg)
{
	note(arg, err);
}

static void on_kv(int err, const struct lf_store_kv *rows, size_t n, void *arg)
{
	note(arg, err);
}

static void on_log(int err, const struct lf_store_entry *e, size_t n, void *arg)
{
	note(arg, err);
}

static void on_rows(int err, struct lf_store_rows *rows, void *arg)
{
	note(arg, err);
}

/* A call that was refused, or the answer of one that was taken. */
static int settle(struct life *l, int err)
{
	uv_run(&l->loop, UV_RUN_DEFAULT);
	return err ? err : l->err;
}

static int use_keys(struct life *l)
{
	struct lf_store *s = l->store;
	int err;

	err = settle(l, lf_store_put(s, "b", "k1", "v", 1, -1, on_number, l));
	if (!err)
		err = settle(l, lf_store_put(s, "b", "k2", "v", 1, -1,
					     on_number, l));
	if (!err)
		err = settle(l, lf_store_get(s, "b", "k1", on_kv, l));
	if (!err)
		err = settle(l, lf_store_scan(s, "b", "", on_kv, l));
	if (!err)
		err = settle(l,
			     lf_store_watch(&l->watch, s, "b", "", on_kv, l));
	return err;
}

static int use_log(struct life *l)
{
	struct lf_store *s = l->store;
	int err;

	err = settle(
		l, lf_store_append(s, "room", "id", "v", 1, -1, on_number, l));
	if (!err)
		err = settle(l, lf_store_read(s, "room", 1, 9, on_log, l));
	return err;
}

static int use_tx(struct life *l)
{
	struct lf_store_tx *tx;
	int err;

	err = lf_store_tx_new(&tx, l->store);
	if (err)
		return err;
	err = lf_store_tx_put(tx, "b", "k1", "v", 1, -1);
	if (!err)
		err = lf_store_tx_append(tx, "room", "id", "v", 1, -1);
	if (err) {
		lf_store_tx_free(tx);
		return err;
	}
	return settle(l, lf_store_tx_commit(tx, on_number, l));
}

static int use_tables(struct life *l)
{
	const struct lf_store_arg arg = {
		.type = LF_ARG_TEXT, .data = "x", .len = 1};
	char text[64];
	int err;

	err = lf_store_migrate(l->store, "room", 1,
			       "CREATE TABLE IF NOT EXISTS t (a TEXT)", text,
			       sizeof(text));
	if (!err)
		err = lf_store_define(l->store, "q", "SELECT 1, $1");
	if (!err)
		err = settle(
			l, lf_store_query(l->store, "q", &arg, 1, on_rows, l));
	return err;
}

static int one_life(void *arg)
{
	struct life l = {0};
	char text[256];
	int err;

	uv_loop_init(&l.loop);
	err = lf_store_open(&l.store, &l.loop, path, text, sizeof(text));
	if (!err)
		err = use_keys(&l);
	if (!err)
		err = use_log(&l);
	if (!err)
		err = use_tx(&l);
	if (!err)
		err = use_tables(&l);
	if (!err)
		err = settle(&l, lf_store_backup(l.store, copy, on_number, &l));
	lf_store_watch_free(l.watch);
	lf_store_close(l.store, NULL, NULL);
	uv_run(&l.loop, UV_RUN_DEFAULT);
	assert_int_equal(0, uv_loop_close(&l.loop));
	return err;
}

static void ignore(enum lf_log_level level, const char *room, const char *text,
		   void *arg)
{
}

static void the_store_survives_every_failed_allocation(void **state)
{
	lf_log_set_sink(ignore, NULL);
	assert_in_range(lf_oom_sweep(one_life, NULL), 30, 200);
	lf_log_set_sink(NULL, NULL);
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/store.db", dir);
	snprintf(copy, sizeof(copy), "%s/copy.db", dir);
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
		cmocka_unit_test(the_store_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
