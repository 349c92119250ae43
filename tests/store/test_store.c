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

static void on_rows(int err, struct lf_store_rows *rows, void *arg)
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
	lf_log_set_level(LF_NOTICE);
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

static struct answer del(struct fixture *f, const char *key, int64_t expect)
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

static struct answer scan(struct fixture *f, const char *prefix)
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

static void a_revision_grows_even_over_a_deletion(void **state)
{
	struct fixture *f = *state;
	int64_t first = put(f, "k", "1", LF_STORE_ANY).number;
	int64_t second = put(f, "k", "2", LF_STORE_ANY).number;
	int64_t deleted = del(f, "k", LF_STORE_ANY).number;
	int64_t third = put(f, "k", "3", LF_STORE_ABSENT).number;

	assert_true(first < second && second < deleted && deleted < third);
	close_store(f);
	open_store(f);
	assert_true(third < put(f, "k", "4", third).number);
}

static void a_put_that_expects_another_revision_is_stale(void **state)
{
	struct fixture *f = *state;
	int64_t rev = put(f, "k", "1", LF_STORE_ABSENT).number;
	struct answer a = put(f, "k", "2", LF_STORE_ABSENT);

	assert_int_equal(-ESTALE, a.err);
	assert_int_equal(rev, a.number);
	assert_int_equal(-ESTALE, put(f, "k", "2", rev + 1).err);
	assert_int_equal(-ESTALE, put(f, "new", "2", rev).err);
	assert_string_equal("k=1 ", scan(f, "").text);
	assert_int_equal(0, put(f, "k", "2", rev).err);
	assert_string_equal("k=2 ", get(f, "k").text);
}

static void a_deletion_checks_its_revision_too(void **state)
{
	struct fixture *f = *state;
	int64_t rev = put(f, "k", "1", LF_STORE_ANY).number;
	struct answer a = del(f, "k", rev + 1);

	assert_int_equal(-ESTALE, a.err);
	assert_int_equal(rev, a.number);
	assert_int_equal(0, del(f, "k", rev).err);
	assert_int_equal(0, get(f, "k").n);
}

static void deleting_what_is_not_there_is_no_error(void **state)
{
	struct answer a = del(*state, "nobody", LF_STORE_ANY);

	assert_int_equal(0, a.err);
	assert_int_equal(0, a.number);
}

static void an_empty_value_is_a_value(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(0, put(f, "k", "", LF_STORE_ANY).err);
	assert_string_equal("k= ", get(f, "k").text);
}

static void a_scan_is_sorted_by_bytes_and_keeps_to_its_prefix(void **state)
{
	struct fixture *f = *state;

	put(f, "b", "", LF_STORE_ANY);
	put(f, "a/\xff", "", LF_STORE_ANY);
	put(f, "a/2", "", LF_STORE_ANY);
	put(f, "a/10", "", LF_STORE_ANY);
	put(f, "a0", "", LF_STORE_ANY);
	put(f, "A/1", "", LF_STORE_ANY);
	put(f, "\xff", "", LF_STORE_ANY);
	assert_string_equal("a/10= a/2= a/\xff= ", scan(f, "a/").text);
	assert_string_equal("A/1= a/10= a/2= a/\xff= a0= b= \xff= ",
			    scan(f, "").text);
	assert_string_equal("\xff= ", scan(f, "\xff").text);
	assert_int_equal(0, scan(f, "c").n);
}

static void
a_large_value_comes_back_whole_and_a_larger_one_is_refused(void **state)
{
	struct fixture *f = *state;
	const size_t max = LF_STORE_MAX_VALUE;
	char *big = malloc(max + 1);
	struct answer a = {0};

	memset(big, 'x', max + 1);
	assert_int_equal(-E2BIG, lf_store_put(f->store, "b", "k", big, max + 1,
					      LF_STORE_ANY, on_number, &a));
	assert_int_equal(0, lf_store_put(f->store, "b", "k", big, max,
					 LF_STORE_ANY, on_number, &a));
	assert_int_equal(0, lf_store_get(f->store, "b", "k", on_kv, &a));
	free(big);
	run(f);
	assert_int_equal(2, a.calls);
	assert_int_equal(0, a.err);
	assert_int_equal(1, a.n);
	assert_int_equal('x', a.text[sizeof(a.text) - 2]);
}

static void names_are_bounded(void **state)
{
	struct fixture *f = *state;
	char name[LF_STORE_MAX_NAME + 2];
	struct answer a = {0};

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(-E2BIG, lf_store_put(f->store, "b", name, "", 0,
					      LF_STORE_ANY, on_number, &a));
	assert_int_equal(-E2BIG, lf_store_append(f->store, name, "id", "", 0,
						 LF_STORE_ANY, on_number, &a));
	assert_int_equal(-E2BIG, lf_store_get(f->store, name, "k", on_kv, &a));
	assert_int_equal(-E2BIG, lf_store_scan(f->store, "b", name, on_kv, &a));
	assert_int_equal(-EINVAL, lf_store_put(f->store, "", "k", "", 0,
					       LF_STORE_ANY, on_number, &a));
	assert_int_equal(-EINVAL, lf_store_put(f->store, "b", "", "", 0,
					       LF_STORE_ANY, on_number, &a));
	assert_int_equal(-EINVAL, lf_store_put(f->store, "b", "k", "", 0, -2,
					       on_number, &a));
	run(f);
	assert_int_equal(0, a.calls);

	name[LF_STORE_MAX_NAME] = '\0';
	assert_int_equal(0, put(f, name, "v", LF_STORE_ANY).err);
	assert_int_equal(1, scan(f, name).n);
}

static void an_answer_is_bounded(void **state)
{
	struct fixture *f = *state;
	char *big = calloc(1, LF_STORE_MAX_VALUE);
	struct answer a = {0};

	for (int i = 0; i < 5; i++) {
		char key[2] = {(char)('0' + i), '\0'};

		assert_int_equal(0, lf_store_put(f->store, "b", key, big,
						 LF_STORE_MAX_VALUE,
						 LF_STORE_ANY, on_number, &a));
	}
	free(big);
	run(f);
	assert_int_equal(0, a.err);
	assert_int_equal(-E2BIG, scan(f, "").err);
	assert_int_equal(1, scan(f, "3").n);
}

static void what_may_wait_is_bounded(void **state)
{
	struct fixture *f = *state;
	char *big = calloc(1, LF_STORE_MAX_VALUE);
	struct answer a = {0};
	int err = 0, accepted;

	for (accepted = 0; !err && accepted < 100; accepted++)
		err = lf_store_put(f->store, "b", "k", big, LF_STORE_MAX_VALUE,
				   LF_STORE_ANY, on_number, &a);
	free(big);
	assert_int_equal(-EAGAIN, err);
	assert_int_equal(LF_STORE_MAX_QUEUED / LF_STORE_MAX_VALUE, accepted);
	run(f);
	assert_int_equal(accepted - 1, a.calls);
	assert_int_equal(0, put(f, "k", "", LF_STORE_ANY).err);
}

/* ---- logs ---- */

static void the_same_id_twice_is_one_entry(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	append(f, "id1", "hello", 0);
	append(f, "id2", "world", 1);
	a = append(f, "id1", "hello", 0); /* its answer was lost, say */
	assert_int_equal(0, a.err);
	assert_int_equal(1, a.number);
	a = append(f, "id1", "hello", LF_STORE_ANY);
	assert_int_equal(0, a.err);
	assert_int_equal(1, a.number);
	assert_string_equal("1:id1=hello 2:id2=world ",
			    read_log(f, 1, 10).text);
}

static void of_two_appends_that_expect_the_same_one_is_stale(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0}, b = {0};

	assert_int_equal(0, lf_store_append(f->store, "room", "a", "A", 1, 0,
					    on_number, &a));
	assert_int_equal(0, lf_store_append(f->store, "room", "b", "B", 1, 0,
					    on_number, &b));
	run(f);
	assert_int_equal(0, a.err);
	assert_int_equal(1, a.number);
	assert_int_equal(-ESTALE, b.err);
	assert_int_equal(1, b.number);
	assert_string_equal("1:a=A ", read_log(f, 1, 10).text);
}

static void a_stale_append_to_a_new_log_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct answer a = append(f, "id", "x", 7);

	assert_int_equal(-ESTALE, a.err);
	assert_int_equal(0, a.number);
	assert_int_equal(1, append(f, "id", "x", 0).number);
}

static void logs_do_not_share_ids_or_sequences(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};

	append(f, "id", "x", 0);
	assert_int_equal(0, lf_store_append(f->store, "other", "id", "y", 1, 0,
					    on_number, &a));
	run(f);
	assert_int_equal(0, a.err);
	assert_int_equal(1, a.number);
	assert_string_equal("1:id=x ", read_log(f, 1, 10).text);
}

static void a_log_is_read_from_either_end(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(0, read_log(f, 1, 10).n);
	append(f, "a", "", LF_STORE_ANY);
	append(f, "b", "", LF_STORE_ANY);
	append(f, "c", "", LF_STORE_ANY);
	assert_string_equal("1:a= 2:b= ", read_log(f, 0, 2).text);
	assert_string_equal("2:b= 3:c= ", read_log(f, 2, 2).text);
	assert_string_equal("2:b= 3:c= ", read_log(f, -1, 2).text);
	assert_string_equal("1:a= 2:b= 3:c= ", read_log(f, -1, 9).text);
	assert_int_equal(0, read_log(f, 4, 10).n);
	assert_int_equal(0, read_log(f, 1, 0).n);
}

/* ---- order ---- */

struct order {
	int next, wrong;
};

static void on_in_order(int err, int64_t number, void *arg)
{
	struct order *o = arg;

	if (err || number != ++o->next)
		o->wrong++;
}

static void answers_come_in_the_order_of_the_questions(void **state)
{
	struct fixture *f = *state;
	struct order o = {0};
	char id[16];

	for (int i = 1; i <= 500; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		assert_int_equal(0, lf_store_append(f->store, "room", id, "", 0,
						    i - 1, on_in_order, &o));
		if (i % 50 == 0) /* so that several batches are under way */
			uv_run(&f->loop, UV_RUN_NOWAIT);
	}
	run(f);
	assert_int_equal(500, o.next);
	assert_int_equal(0, o.wrong);
}

static void a_read_sees_every_write_asked_for_before_it(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0}, before = {0}, after = {0};

	lf_store_put(f->store, "b", "k", "1", 1, LF_STORE_ANY, on_number, &a);
	lf_store_get(f->store, "b", "k", on_kv, &before);
	lf_store_put(f->store, "b", "k", "2", 1, LF_STORE_ANY, on_number, &a);
	lf_store_get(f->store, "b", "k", on_kv, &after);
	run(f);
	assert_string_equal("k=1 ", before.text);
	assert_string_equal("k=2 ", after.text);
}

static void one_turns_operations_are_one_commit(void **state)
{
	struct fixture *f = *state;
	struct lf_store_stats before, after;
	struct answer a = {0};

	lf_store_stats(f->store, &before);
	for (int i = 0; i < 100; i++) {
		char id[16];

		snprintf(id, sizeof(id), "id%d", i);
		lf_store_append(f->store, "room", id, "", 0, LF_STORE_ANY,
				on_number, &a);
	}
	lf_store_stats(f->store, &after);
	assert_int_equal(100, after.queued);
	run(f);
	lf_store_stats(f->store, &after);
	assert_int_equal(100, a.calls);
	assert_int_equal(100, after.operations - before.operations);
	assert_int_equal(1, after.commits - before.commits);
	assert_int_equal(after.commits,
			 lf_histogram_count(&after.commit_times));
	assert_int_equal(0, after.queued);
}

static void a_failing_operation_leaves_its_neighbours_alone(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0}, stale = {0}, b = {0};
	struct lf_store_stats stats;

	lf_store_put(f->store, "b", "a", "1", 1, LF_STORE_ANY, on_number, &a);
	lf_store_put(f->store, "b", "a", "2", 1, 999, on_number, &stale);
	lf_store_put(f->store, "b", "b", "3", 1, LF_STORE_ANY, on_number, &b);
	run(f);
	assert_int_equal(-ESTALE, stale.err);
	assert_string_equal("a=1 b=3 ", scan(f, "").text);
	lf_store_stats(f->store, &stats);
	assert_int_equal(1, stats.failed);
}

/* A callback asks again from a prepare handle of its own turn. */
static void ask_from_prepare(uv_prepare_t *prepare)
{
	struct fixture *f = prepare->data;
	static struct answer a;

	uv_prepare_stop(prepare);
	lf_store_put(f->store, "b", "k", "v", 1, LF_STORE_ANY, on_number, &a);
}

static void
what_is_asked_just_before_the_loop_sleeps_is_not_left_lying(void **state)
{
	struct fixture *f = *state;
	uv_prepare_t prepare;

	uv_prepare_init(&f->loop, &prepare);
	prepare.data = f;
	uv_prepare_start(&prepare, ask_from_prepare);
	run(f);
	uv_close((uv_handle_t *)&prepare, NULL);
	assert_string_equal("k=v ", get(f, "k").text);
}

/* ---- transactions ---- */

static struct answer commit(struct fixture *f, struct lf_store_tx *tx)
{
	struct answer a = {0};

	assert_int_equal(0, lf_store_tx_commit(tx, on_number, &a));
	run(f);
	assert_int_equal(1, a.calls);
	return a;
}

static struct lf_store_tx *new_tx(struct fixture *f)
{
	struct lf_store_tx *tx;

	assert_int_equal(0, lf_store_tx_new(&tx, f->store));
	return tx;
}

static void a_transaction_does_all_its_parts(void **state)
{
	struct fixture *f = *state;
	struct lf_store_tx *tx = new_tx(f);

	put(f, "old", "1", LF_STORE_ANY);
	lf_store_tx_put(tx, "b", "new", "2", 1, LF_STORE_ABSENT);
	lf_store_tx_del(tx, "b", "old", LF_STORE_ANY);
	lf_store_tx_append(tx, "room", "id", "3", 1, 0);
	assert_int_equal(0, commit(f, tx).err);
	assert_string_equal("new=2 ", scan(f, "").text);
	assert_string_equal("1:id=3 ", read_log(f, 1, 10).text);
}

static void a_transaction_that_fails_does_none_and_names_the_part(void **state)
{
	struct fixture *f = *state;
	struct lf_store_tx *tx = new_tx(f);
	struct answer a;

	put(f, "old", "1", LF_STORE_ANY);
	lf_store_tx_put(tx, "b", "new", "2", 1, LF_STORE_ABSENT);
	lf_store_tx_append(tx, "room", "id", "3", 1, 0);
	lf_store_tx_del(tx, "b", "old", 999);
	lf_store_tx_put(tx, "b", "late", "4", 1, LF_STORE_ANY);
	a = commit(f, tx);
	assert_int_equal(-ESTALE, a.err);
	assert_int_equal(2, a.number);
	assert_string_equal("old=1 ", scan(f, "").text);
	assert_int_equal(0, read_log(f, 1, 10).n);
}

static void
a_transaction_sees_its_own_parts_and_an_empty_one_is_fine(void **state)
{
	struct fixture *f = *state;
	struct lf_store_tx *tx = new_tx(f);

	assert_int_equal(0, commit(f, new_tx(f)).err);
	lf_store_tx_append(tx, "room", "a", "", 0, 0);
	lf_store_tx_append(tx, "room", "b", "", 0, 1);
	assert_int_equal(0, commit(f, tx).err);
	assert_string_equal("1:a= 2:b= ", read_log(f, 1, 10).text);
}

static void a_transaction_given_up_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct lf_store_tx *tx = new_tx(f);

	assert_int_equal(-EINVAL, lf_store_tx_put(tx, "b", "", "", 0, 0));
	lf_store_tx_put(tx, "b", "k", "v", 1, LF_STORE_ANY);
	lf_store_tx_free(tx);
	lf_store_tx_free(NULL);
	assert_int_equal(0, scan(f, "").n);
}

/* ---- watches ---- */

static struct lf_store_watch *watch(struct fixture *f, const char *prefix,
				    struct answer *a)
{
	struct lf_store_watch *w;

	assert_int_equal(0,
			 lf_store_watch(&w, f->store, "b", prefix, on_kv, a));
	return w;
}

static void a_watch_gives_a_snapshot_and_then_each_change(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};
	struct lf_store_watch *w;

	put(f, "u/1", "a", LF_STORE_ANY);
	put(f, "u/2", "b", LF_STORE_ANY);
	put(f, "x", "c", LF_STORE_ANY);
	w = watch(f, "u/", &a);
	run(f);
	assert_int_equal(1, a.calls);
	put(f, "u/3", "d", LF_STORE_ANY);
	put(f, "x", "e", LF_STORE_ANY);
	put(f, "u/1", "f", LF_STORE_ABSENT); /* stale: no change */
	del(f, "u/2", LF_STORE_ANY);
	del(f, "u/9", LF_STORE_ANY); /* was not there: no change */
	assert_string_equal("u/1=a u/2=b u/3=d u/2= ", a.text);
	assert_int_equal(3, a.calls);
	lf_store_watch_free(w);
	put(f, "u/4", "g", LF_STORE_ANY);
	assert_int_equal(3, a.calls);
}

static void a_watch_of_nothing_still_gives_its_snapshot(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};
	struct lf_store_watch *w = watch(f, "", &a);

	run(f);
	assert_int_equal(1, a.calls);
	assert_int_equal(0, a.n);
	lf_store_watch_free(w);
}

static void a_watch_misses_nothing_and_doubles_nothing(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0}, put_answer = {0};
	struct lf_store_watch *w;

	/* One turn: a put before the watch, one after it, one more later. */
	lf_store_put(f->store, "b", "k1", "", 0, -1, on_number, &put_answer);
	w = watch(f, "", &a);
	lf_store_put(f->store, "b", "k2", "", 0, -1, on_number, &put_answer);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	lf_store_put(f->store, "b", "k3", "", 0, -1, on_number, &put_answer);
	run(f);
	assert_string_equal("k1= k2= k3= ", a.text);
	assert_int_equal(3, a.calls);
	lf_store_watch_free(w);
}

static void a_watch_sees_the_parts_of_a_transaction(void **state)
{
	struct fixture *f = *state;
	struct lf_store_tx *tx = new_tx(f);
	struct answer a = {0};
	struct lf_store_watch *w = watch(f, "", &a);

	run(f);
	lf_store_tx_put(tx, "b", "k1", "1", 1, LF_STORE_ANY);
	lf_store_tx_del(tx, "b", "k1", LF_STORE_ANY);
	lf_store_tx_put(tx, "b", "k2", "2", 1, LF_STORE_ANY);
	commit(f, tx);
	assert_string_equal("k1=1 k1= k2=2 ", a.text);

	tx = new_tx(f);
	lf_store_tx_put(tx, "b", "k3", "3", 1, LF_STORE_ANY);
	lf_store_tx_put(tx, "b", "k2", "3", 1, LF_STORE_ABSENT);
	commit(f, tx);
	assert_string_equal("k1=1 k1= k2=2 ", a.text);
	lf_store_watch_free(w);
}

struct leaver {
	struct lf_store_watch *self, *other;
	int calls;
};

static void on_change_leave(int err, const struct lf_store_kv *rows, size_t n,
			    void *arg)
{
	struct leaver *l = arg;

	l->calls++;
	if (!n)
		return; /* the snapshot */
	lf_store_watch_free(l->self);
	lf_store_watch_free(l->other);
}

static void
a_watch_may_be_freed_by_a_callback_or_before_its_snapshot(void **state)
{
	struct fixture *f = *state;
	struct leaver l = {0};
	struct answer a = {0}, early = {0};

	lf_store_watch(&l.self, f->store, "b", "", on_change_leave, &l);
	l.other = watch(f, "", &a);
	lf_store_watch_free(watch(f, "", &early));
	run(f);
	assert_int_equal(0, early.calls);
	put(f, "k", "v", LF_STORE_ANY);
	put(f, "k", "w", LF_STORE_ANY);
	assert_int_equal(2, l.calls);
	assert_int_equal(1, a.calls);
}

static void a_watch_may_outlive_its_store(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};
	struct lf_store_watch *w = watch(f, "", &a);

	close_store(f);
	lf_store_watch_free(w);
}

/* ---- tables ---- */

static const struct lf_store_arg int_7 = {.type = LF_ARG_INT, .i = 7};

static struct lf_store_arg text_arg(const char *text)
{
	return (struct lf_store_arg){
		.type = LF_ARG_TEXT, .data = text, .len = strlen(text)};
}

static struct answer query(struct fixture *f, const char *name,
			   const struct lf_store_arg *args, size_t n)
{
	struct answer a = {0};

	assert_int_equal(0,
			 lf_store_query(f->store, name, args, n, on_rows, &a));
	run(f);
	assert_int_equal(1, a.calls);
	return a;
}

static int migrate(struct fixture *f, unsigned number, const char *sql,
		   char *text, size_t size)
{
	return lf_store_migrate(f->store, "room", number, sql, text, size);
}

static void make_table(struct fixture *f)
{
	char text[256];

	assert_int_equal(0, migrate(f, 1,
				    "CREATE TABLE person (name TEXT PRIMARY "
				    "KEY, age BIGINT CHECK (age > 0));"
				    "CREATE INDEX person_age ON person (age)",
				    text, sizeof(text)));
	assert_int_equal(0, lf_store_define(f->store, "add",
					    "INSERT INTO person (age, name) "
					    "VALUES ($2, $1)"));
	assert_int_equal(0, lf_store_define(f->store, "all",
					    "SELECT name, age FROM person "
					    "ORDER BY name"));
}

static void a_statement_takes_its_arguments_by_number(void **state)
{
	struct fixture *f = *state;
	struct lf_store_arg args[] = {text_arg("Ann"), int_7};

	make_table(f);
	assert_int_equal(0, query(f, "add", args, 2).err);
	args[0] = text_arg("Bob");
	args[1].type = LF_ARG_NULL;
	assert_int_equal(0, query(f, "add", args, 2).err);
	assert_string_equal("Ann,7 Bob,0 ", query(f, "all", NULL, 0).text);
}

static void a_constraint_refuses_one_statement_only(void **state)
{
	struct fixture *f = *state;
	struct lf_store_arg args[] = {text_arg("Ann"), int_7};
	struct answer first = {0}, second = {0}, third = {0}, bad = {0};

	make_table(f);
	lf_store_query(f->store, "add", args, 2, on_rows, &first);
	lf_store_query(f->store, "add", args, 2, on_rows, &second);
	args[0] = text_arg("Bob");
	lf_store_query(f->store, "add", args, 2, on_rows, &third);
	args[0] = text_arg("Cid");
	args[1].i = -1;
	lf_store_query(f->store, "add", args, 2, on_rows, &bad);
	run(f);
	assert_int_equal(0, first.err);
	assert_int_equal(-EEXIST, second.err);
	assert_int_equal(0, third.err);
	assert_int_equal(-EINVAL, bad.err);
	assert_string_equal("Ann,7 Bob,7 ", query(f, "all", NULL, 0).text);
}

static void wrong_names_and_arguments_are_answered_invalid(void **state)
{
	struct fixture *f = *state;
	struct lf_store_arg args[3] = {text_arg("Ann"), int_7, int_7};

	make_table(f);
	assert_int_equal(-EINVAL, query(f, "nothing", NULL, 0).err);
	assert_int_equal(-EINVAL, query(f, "add", args, 1).err);
	assert_int_equal(-EINVAL, query(f, "add", args, 3).err);
}

static void ignore_log(enum lf_log_level level, const char *room,
		       const char *text, void *arg)
{
	++*(int *)arg;
}

static void a_bad_statement_is_refused_when_defined(void **state)
{
	static const char *const bad[] = {
		"SELECT * FROM nowhere",
		"SELEC 1",
		"",
		"SELECT 1; SELECT 2",
		"SELECT name FROM person WHERE age = $2",
		"SELECT name FROM person WHERE age = ?",
		"SELECT name FROM person WHERE age = $65",
		"COMMIT",
		"DELETE FROM store_kv",
	};
	struct fixture *f = *state;
	int lines = 0;

	make_table(f);
	lf_log_set_sink(ignore_log, &lines);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EINVAL,
				 lf_store_define(f->store, "bad", bad[i]));
	lf_log_set_sink(NULL, NULL);
	assert_int_equal(sizeof(bad) / sizeof(bad[0]), lines);
	assert_int_equal(-EEXIST, lf_store_define(f->store, "all", "SELECT 1"));
	assert_int_equal(0, lf_store_define(f->store, "bad", "SELECT 1"));
}

static void a_migration_runs_once_and_in_order(void **state)
{
	struct fixture *f = *state;
	char text[256] = "";

	make_table(f);
	assert_int_equal(0, migrate(f, 1, "not run again", text, sizeof(text)));
	assert_int_equal(-EINVAL, migrate(f, 3, "CREATE TABLE t (a TEXT)", text,
					  sizeof(text)));
	assert_non_null(strstr(text, "number 2 is missing"));
	assert_int_equal(-EINVAL,
			 migrate(f, 0, "CREATE TABLE t (a TEXT)", text, 256));
	close_store(f);
	open_store(f);
	assert_int_equal(0, migrate(f, 1, "not run again", text, sizeof(text)));
	assert_int_equal(0, migrate(f, 2, "CREATE TABLE t (a TEXT)", text,
				    sizeof(text)));
	assert_int_equal(0, lf_store_define(f->store, "t", "SELECT a FROM t"));
}

static void a_migration_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	char text[256] = "";

	assert_int_equal(-EINVAL,
			 migrate(f, 1, "CREATE TABLE t (a TEXT); nonsense",
				 text, sizeof(text)));
	assert_non_null(strstr(text, "room: migration 1: "));
	assert_non_null(strstr(text, "nonsense"));
	assert_int_equal(-EINVAL,
			 migrate(f, 1, "CREATE TABLE t (a TEXT); COMMIT", text,
				 sizeof(text)));
	assert_int_equal(-EINVAL, migrate(f, 1, "DROP TABLE store_kv", text,
					  sizeof(text)));
	assert_int_equal(0, migrate(f, 1, "CREATE TABLE t (a TEXT)", text,
				    sizeof(text)));
	assert_int_equal(0, put(f, "k", "v", LF_STORE_ANY).err);
}

/* ---- the file ---- */

static void what_was_answered_is_there_after_reopening(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	int64_t rev = put(f, "k", "v", LF_STORE_ANY).number;

	append(f, "id", "x", 0);
	close_store(f);
	open_store(f);
	a = get(f, "k");
	assert_string_equal("k=v ", a.text);
	assert_int_equal(rev, a.number);
	assert_string_equal("1:id=x ", read_log(f, 1, 10).text);
	assert_int_equal(1, append(f, "id", "x", 0).number);
}

static void a_second_open_is_busy_and_says_so(void **state)
{
	struct fixture *f = *state;
	struct lf_store *second;
	char text[256];

	assert_int_equal(-EBUSY, lf_store_open(&second, &f->loop, f->path, text,
					       sizeof(text)));
	assert_non_null(strstr(text, f->path));
	assert_non_null(strstr(text, "another process"));
	assert_int_equal(0, put(f, "k", "v", LF_STORE_ANY).err);
}

static void a_second_process_is_busy_too(void **state)
{
	struct fixture *f = *state;
	struct lf_store *second;
	uv_loop_t loop;
	char text[256];
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		uv_loop_init(&loop);
		_exit(-lf_store_open(&second, &loop, f->path, text,
				     sizeof(text)));
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(EBUSY, WEXITSTATUS(status));
}

static void closing_answers_what_is_queued_and_refuses_what_comes(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};
	int closed = 0;

	lf_store_put(f->store, "b", "k", "v", 1, LF_STORE_ANY, on_number, &a);
	lf_store_close(f->store, count_closed, &closed);
	assert_int_equal(-ESHUTDOWN, lf_store_put(f->store, "b", "k", "w", 1,
						  LF_STORE_ANY, on_number, &a));
	run(f);
	assert_int_equal(1, closed);
	assert_int_equal(1, a.calls);
	assert_int_equal(0, a.err);
	open_store(f);
	assert_string_equal("k=v ", get(f, "k").text);
}

struct closer {
	struct lf_store *store;
	int closed;
};

static void on_number_close(int err, int64_t number, void *arg)
{
	struct closer *c = arg;

	lf_store_close(c->store, count_closed, &c->closed);
}

static void a_callback_may_close_the_store(void **state)
{
	struct fixture *f = *state;
	struct closer c = {f->store, 0};
	struct answer a = {0};

	lf_store_put(f->store, "b", "k", "v", 1, -1, on_number_close, &c);
	lf_store_put(f->store, "b", "k", "w", 1, -1, on_number, &a);
	run(f);
	f->store = NULL;
	assert_int_equal(1, c.closed);
	assert_int_equal(1, a.calls);
}

/* A file may not grow past what it is: a full disk for the unprivileged. */
static void limit_file_size(struct fixture *f, bool is_full)
{
	struct rlimit limit;

	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = is_full ? 4096 : limit.rlim_max;
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
}

static void a_full_disk_is_try_again_and_passes(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0}, b = {0}, read = {0};
	int lines = 0;

	signal(SIGXFSZ, SIG_IGN);
	append(f, "id1", "before", 0);
	lf_log_set_sink(ignore_log, &lines);
	limit_file_size(f, true);
	lf_store_append(f->store, "room", "id2", "x", 1, -1, on_number, &a);
	lf_store_read(f->store, "room", 1, 10, on_log, &read);
	lf_store_put(f->store, "b", "k", "v", 1, -1, on_number, &b);
	run(f);
	assert_int_equal(-EAGAIN, append(f, "id3", "y", -1).err);
	limit_file_size(f, false);

	assert_int_equal(-EAGAIN, a.err);
	assert_int_equal(-EAGAIN, b.err);
	assert_int_equal(0, read.err);
	assert_string_equal("1:id1=before ", read.text);

	assert_int_equal(2, append(f, "id2", "x", 1).number);
	lf_log_set_sink(NULL, NULL);
	assert_int_equal(2, lines); /* it failed; it works again */
	assert_int_equal(0, get(f, "k").n);
	close_store(f);
	open_store(f);
	assert_string_equal("1:id1=before 2:id2=x ", read_log(f, 1, 10).text);
}

/* ---- backup ---- */

static void a_backup_is_a_store_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0}, late = {0};
	struct stat status;

	for (int i = 0; i < 100; i++) {
		char key[16], value[4096];

		snprintf(key, sizeof(key), "k%02d", i);
		memset(value, 'v', sizeof(value));
		lf_store_put(f->store, "b", key, value, sizeof(value), -1,
			     on_number, &late);
	}
	append(f, "id", "x", 0);
	assert_int_equal(0, lf_store_backup(f->store, f->other, on_number, &a));
	lf_store_put(f->store, "b", "z", "", 0, -1, on_number, &late);
	run(f);
	assert_int_equal(1, a.calls);
	assert_int_equal(0, a.err);
	assert_int_equal(0, stat(f->other, &status));
	assert_int_equal(0600, status.st_mode & 0777);

	close_store(f);
	memcpy(f->path, f->other, sizeof(f->path));
	open_store(f);
	assert_int_equal(100, scan(f, "k").n);
	assert_string_equal("1:id=x ", read_log(f, 1, 10).text);
}

static void a_backup_replaces_the_last_one(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};

	lf_store_backup(f->store, f->other, on_number, &a);
	put(f, "k", "v", LF_STORE_ANY);
	lf_store_backup(f->store, f->other, on_number, &a);
	lf_store_close(f->store, NULL, NULL); /* waits for it */
	run(f);
	assert_int_equal(2, a.calls);
	assert_int_equal(0, a.err);
	memcpy(f->path, f->other, sizeof(f->path));
	open_store(f);
	assert_string_equal("k=v ", get(f, "k").text);
}

static void a_backup_to_nowhere_says_so(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};

	assert_int_equal(
		0, lf_store_backup(f->store, "/nowhere/at/all", on_number, &a));
	run(f);
	assert_int_equal(-ENOENT, a.err);
	assert_int_equal(0, put(f, "k", "v", LF_STORE_ANY).err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_put_is_read_back),
		TEST(a_key_never_put_is_no_error_and_no_row),
		TEST(an_appended_entry_is_read_back),
		TEST(a_revision_grows_even_over_a_deletion),
		TEST(a_put_that_expects_another_revision_is_stale),
		TEST(a_deletion_checks_its_revision_too),
		TEST(deleting_what_is_not_there_is_no_error),
		TEST(an_empty_value_is_a_value),
		TEST(a_scan_is_sorted_by_bytes_and_keeps_to_its_prefix),
		TEST(a_large_value_comes_back_whole_and_a_larger_one_is_refused),
		TEST(names_are_bounded),
		TEST(an_answer_is_bounded),
		TEST(what_may_wait_is_bounded),
		TEST(the_same_id_twice_is_one_entry),
		TEST(of_two_appends_that_expect_the_same_one_is_stale),
		TEST(a_stale_append_to_a_new_log_leaves_nothing),
		TEST(logs_do_not_share_ids_or_sequences),
		TEST(a_log_is_read_from_either_end),
		TEST(answers_come_in_the_order_of_the_questions),
		TEST(a_read_sees_every_write_asked_for_before_it),
		TEST(one_turns_operations_are_one_commit),
		TEST(a_failing_operation_leaves_its_neighbours_alone),
		TEST(what_is_asked_just_before_the_loop_sleeps_is_not_left_lying),
		TEST(a_transaction_does_all_its_parts),
		TEST(a_transaction_that_fails_does_none_and_names_the_part),
		TEST(a_transaction_sees_its_own_parts_and_an_empty_one_is_fine),
		TEST(a_transaction_given_up_does_nothing),
		TEST(a_watch_gives_a_snapshot_and_then_each_change),
		TEST(a_watch_of_nothing_still_gives_its_snapshot),
		TEST(a_watch_misses_nothing_and_doubles_nothing),
		TEST(a_watch_sees_the_parts_of_a_transaction),
		TEST(a_watch_may_be_freed_by_a_callback_or_before_its_snapshot),
		TEST(a_watch_may_outlive_its_store),
		TEST(a_statement_takes_its_arguments_by_number),
		TEST(a_constraint_refuses_one_statement_only),
		TEST(wrong_names_and_arguments_are_answered_invalid),
		TEST(a_bad_statement_is_refused_when_defined),
		TEST(a_migration_runs_once_and_in_order),
		TEST(a_migration_that_fails_leaves_nothing),
		TEST(what_was_answered_is_there_after_reopening),
		TEST(a_second_open_is_busy_and_says_so),
		TEST(a_second_process_is_busy_too),
		TEST(closing_answers_what_is_queued_and_refuses_what_comes),
		TEST(a_callback_may_close_the_store),
		TEST(a_full_disk_is_try_again_and_passes),
		TEST(a_backup_is_a_store_of_its_own),
		TEST(a_backup_replaces_the_last_one),
		TEST(a_backup_to_nowhere_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
