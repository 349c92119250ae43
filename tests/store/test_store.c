/*
 * tests/store/test_store.c - what store.h promises, for any engine.
 *
 * Written against the header alone, so that a second engine runs it too: it
 * needs only another path in setup().
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"

#include "core/banned.h"

struct fixture {
	uv_loop_t loop;
	struct lf_store *store;
	char dir[32], path[64], other[64];
};

/* What the last callback was given; `calls` counts them. */
struct answer {
	int calls, err;
	int64_t number;
	size_t n;
	char text[512]; /* "key=value@n ..." in the order given */
};

static void on_number(int err, int64_t number, void *arg)
{
	struct answer *a = arg;

	a->calls++;
	a->err = err;
	a->number = number;
}

__attribute__((format(printf, 2, 3))) static void note(struct answer *a,
						       const char *fmt, ...)
{
	size_t used = strlen(a->text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->text + used, sizeof(a->text) - used, fmt, args);
	va_end(args);
}

static void on_kv(int err, const struct lf_store_kv *rows, size_t n, void *arg)
{
	struct answer *a = arg;

	a->calls++;
	a->err = err;
	a->n = n;
	a->number = n ? rows[n - 1].rev : 0;
	for (size_t i = 0; i < n; i++)
		note(a, "%s=%.*s ", rows[i].key, (int)rows[i].len,
		     rows[i].value ? (const char *)rows[i].value : "");
}

static void on_log(int err, const struct lf_store_entry *e, size_t n, void *arg)
{
	struct answer *a = arg;

	a->calls++;
	a->err = err;
	a->n = n;
	for (size_t i = 0; i < n; i++)
		note(a, "%lld:%s=%.*s ", (long long)e[i].seq, e[i].id,
		     (int)e[i].len, (const char *)e[i].value);
}

static __attribute__((unused)) void on_rows(int err, struct lf_store_rows *rows,
					    void *arg)
{
	struct answer *a = arg;

	a->calls++;
	a->err = err;
	a->n = lf_store_rows_count(rows);
	for (size_t i = 0; i < a->n; i++) {
		const char *text = lf_store_rows_text(rows, i, 0, NULL);

		note(a, "%s,%lld ", text ? text : "NULL",
		     (long long)lf_store_rows_int(rows, i, 1));
	}
}

/* ---- arrange ---- */

static void count_closed(void *arg)
{
	++*(int *)arg;
}

static void run(struct fixture *f)
{
	uv_run(&f->loop, UV_RUN_DEFAULT);
}

static void open_store(struct fixture *f)
{
	char text[256];
	int err;

	err = lf_store_open(&f->store, &f->loop, f->path, text, sizeof(text));
	if (err)
		fail_msg("%d: %s", err, text);
}

static void close_store(struct fixture *f)
{
	int closed = 0;

	lf_store_close(f->store, count_closed, &closed);
	run(f);
	assert_int_equal(1, closed);
	f->store = NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memcpy(f->dir, "/tmp/lf-store-XXXXXX", 21);
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/store.db", f->dir);
	snprintf(f->other, sizeof(f->other), "%s/copy.db", f->dir);
	uv_loop_init(&f->loop);
	lf_log_set_level(LF_ERROR);
	open_store(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[64];
	int err;

	if (f->store)
		close_store(f);
	err = uv_loop_close(&f->loop);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	if (system(command))
		err = -1;
	free(f);
	return err;
}

/* ---- one operation, and the loop until it is answered ---- */

static struct answer put(struct fixture *f, const char *key, const char *value,
			 int64_t expect)
{
	struct answer a = {0};

	assert_int_equal(0, lf_store_put(f->store, "b", key, value,
					 strlen(value), expect, on_number, &a));
	run(f);
	assert_int_equal(1, a.calls);
	return a;
}

static __attribute__((unused)) struct answer
del(struct fixture *f, const char *key, int64_t expect)
{
	struct answer a = {0};

	assert_int_equal(
		0, lf_store_del(f->store, "b", key, expect, on_number, &a));
	run(f);
	assert_int_equal(1, a.calls);
	return a;
}

static struct answer get(struct fixture *f, const char *key)
{
	struct answer a = {0};

	assert_int_equal(0, lf_store_get(f->store, "b", key, on_kv, &a));
	run(f);
	assert_int_equal(1, a.calls);
	return a;
}

static __attribute__((unused)) struct answer scan(struct fixture *f,
						  const char *prefix)
{
	struct answer a = {0};

	assert_int_equal(0, lf_store_scan(f->store, "b", prefix, on_kv, &a));
	run(f);
	assert_int_equal(1, a.calls);
	return a;
}

static struct answer append(struct fixture *f, const char *id,
			    const char *value, int64_t expect)
{
	struct answer a = {0};

	assert_int_equal(0,
			 lf_store_append(f->store, "room", id, value,
					 strlen(value), expect, on_number, &a));
	run(f);
	assert_int_equal(1, a.calls);
	return a;
}

static struct answer read_log(struct fixture *f, int64_t from, unsigned max)
{
	struct answer a = {0};

	assert_int_equal(
		0, lf_store_read(f->store, "room", from, max, on_log, &a));
	run(f);
	assert_int_equal(1, a.calls);
	return a;
}

/* ---- keys ---- */

static void a_value_put_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct answer a = put(f, "k", "one", LF_STORE_ANY);

	assert_int_equal(0, a.err);
	assert_true(a.number > 0);
	assert_string_equal("k=one ", get(f, "k").text);
	assert_int_equal(a.number, get(f, "k").number);
}

static void a_key_never_put_is_no_error_and_no_row(void **state)
{
	struct answer a = get(*state, "nobody");

	assert_int_equal(0, a.err);
	assert_int_equal(0, a.n);
}

static void an_appended_entry_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct answer a = append(f, "id1", "hello", 0);

	assert_int_equal(0, a.err);
	assert_int_equal(1, a.number);
	assert_string_equal("1:id1=hello ", read_log(f, 1, 10).text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_value_put_is_read_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_key_never_put_is_no_error_and_no_row, setup,
			teardown),
		cmocka_unit_test_setup_teardown(an_appended_entry_is_read_back,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
