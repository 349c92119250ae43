/* tests/core/test_timer.c - timers fire in order, once, and never from inside a
 * call. */
#include "core/timer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"

#include "core/banned.h"

static struct lf_timers *timers;
static uv_loop_t loop;
static int fired[64], n_fired;

static int open_loop(void **state)
{
	n_fired = 0;
	return uv_loop_init(&loop) || lf_timers_new(&timers, &loop);
}

static int close_loop(void **state)
{
	lf_timers_close(timers);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop); /* -EBUSY if a handle stayed */
}

static void note(struct lf_timer *timer, void *arg)
{
	assert_false(lf_timer_is_running(timer));
	fired[n_fired++] = *(int *)arg;
}

static void timer_fires_in_order_of_due_time(void **state)
{
	static int numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};
	static const int order[] = {5, 2, 7, 0, 3, 6, 1, 4};
	struct lf_timer t[8];
	int i;

	assert_ptr_equal(&loop, lf_timers_loop(timers));
	for (i = 0; i < 8; i++) {
		lf_timer_init(&t[order[i]], note, &numbers[order[i]]);
		assert_int_equal(
			0, lf_timer_start(timers, &t[order[i]], 3 * order[i]));
		assert_true(lf_timer_is_running(&t[order[i]]));
	}
	assert_int_equal(0, n_fired);
	uv_run(&loop, UV_RUN_DEFAULT); /* ends: an idle handle holds nothing */
	assert_int_equal(8, n_fired);
	for (i = 0; i < 8; i++)
		assert_int_equal(i, fired[i]);
}

static void timer_never_fires_before_its_time(void **state)
{
	int64_t start_ms = lf_mono_ms();
	struct lf_timer t;
	int one = 1;

	lf_timer_init(&t, note, &one);
	assert_int_equal(0, lf_timer_start(timers, &t, 7));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(1, n_fired);
	assert_true(lf_mono_ms() - start_ms >= 7);
}

static void timer_stopped_does_not_fire(void **state)
{
	int one = 1, two = 2;
	struct lf_timer a, b;

	lf_timer_init(&a, note, &one);
	lf_timer_init(&b, note, &two);
	lf_timer_stop(timers, &a);
	assert_int_equal(0, lf_timer_start(timers, &a, 0));
	assert_int_equal(0, lf_timer_start(timers, &b, 1));
	lf_timer_stop(timers, &a);
	lf_timer_stop(timers, &a);
	assert_false(lf_timer_is_running(&a));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(1, n_fired);
	assert_int_equal(2, fired[0]);
	assert_int_equal(0, lf_timer_start(timers, &a, 60000));
	assert_true(uv_loop_alive(&loop));
	lf_timer_stop(timers, &a);
	assert_false(uv_loop_alive(&loop));
}

static void timer_started_again_moves(void **state)
{
	int one = 1, two = 2;
	struct lf_timer a, b;

	lf_timer_init(&a, note, &one);
	lf_timer_init(&b, note, &two);
	assert_int_equal(0, lf_timer_start(timers, &a, 60000));
	assert_int_equal(0, lf_timer_start(timers, &b, 2));
	assert_int_equal(0, lf_timer_start(timers, &a, 1));
	assert_int_equal(0, lf_timer_start(timers, &b, 3));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(2, n_fired);
	assert_int_equal(1, fired[0]);
	assert_int_equal(2, fired[1]);
}

static void again(struct lf_timer *timer, void *arg)
{
	if (++n_fired < 5)
		assert_int_equal(0, lf_timer_start(timers, timer, 0));
}

static void count_turn(uv_prepare_t *prepare)
{
	++*(int *)prepare->data;
}

static void timer_with_delay_0_lets_the_loop_turn(void **state)
{
	uv_prepare_t prepare;
	struct lf_timer t;
	int turns = 0;

	uv_prepare_init(&loop, &prepare);
	prepare.data = &turns;
	uv_prepare_start(&prepare, count_turn);
	uv_unref((uv_handle_t *)&prepare);
	lf_timer_init(&t, again, NULL);
	assert_int_equal(0, lf_timer_start(timers, &t, 0));
	assert_int_equal(0, n_fired);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(5, n_fired);
	assert_true(turns >= 4);
	uv_close((uv_handle_t *)&prepare, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void stop_other(struct lf_timer *timer, void *arg)
{
	n_fired++;
	lf_timer_stop(timers, arg);
}

static void timer_may_stop_another_that_is_due(void **state)
{
	struct lf_timer a, b;

	lf_timer_init(&a, stop_other, &b);
	lf_timer_init(&b, stop_other, &a);
	assert_int_equal(0, lf_timer_start(timers, &a, 0));
	assert_int_equal(0, lf_timer_start(timers, &b, 0));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(1, n_fired);
}

static void free_self(struct lf_timer *timer, void *arg)
{
	n_fired++;
	free(timer);
}

static void timer_may_free_its_owner(void **state)
{
	struct lf_timer *t = malloc(sizeof(*t));

	assert_non_null(t);
	lf_timer_init(t, free_self, NULL);
	assert_int_equal(0, lf_timer_start(timers, t, 0));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(1, n_fired);
}

static void close_all(struct lf_timer *timer, void *arg)
{
	n_fired++;
	lf_timers_close(timers);
	timers = NULL;
}

static void timers_may_close_from_a_timer(void **state)
{
	struct lf_timer a, b;

	lf_timer_init(&a, close_all, NULL);
	lf_timer_init(&b, close_all, NULL);
	assert_int_equal(0, lf_timer_start(timers, &a, 0));
	assert_int_equal(0, lf_timer_start(timers, &b, 0));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(1, n_fired);
	assert_false(lf_timer_is_running(&a));
	assert_false(lf_timer_is_running(&b));
	lf_timer_stop(timers, &b); /* harmless: they are gone */
}

static int64_t last_due_ms;

static void check_order(struct lf_timer *timer, void *arg)
{
	assert_true(timer->due_ms >= last_due_ms);
	last_due_ms = timer->due_ms;
	n_fired++;
}

static void timer_heap_survives_a_random_history(void **state)
{
	static struct lf_timer t[2000];
	uint32_t x = 7;
	int i, running = 0;

	for (i = 0; i < 2000; i++)
		lf_timer_init(&t[i], check_order, NULL);
	for (i = 0; i < 50000; i++) {
		struct lf_timer *one;

		x = x * 1664525U + 1013904223U;
		one = &t[(x >> 8) % 2000];
		if (x >> 30)
			assert_int_equal(
				0, lf_timer_start(timers, one, (x >> 4) % 30));
		else
			lf_timer_stop(timers, one);
	}
	for (i = 0; i < 2000; i++)
		running += lf_timer_is_running(&t[i]);
	assert_true(running > 1000);
	last_due_ms = 0;
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(running, n_fired);
}

static void jitter_stays_within_its_share(void **state)
{
	int64_t ms, least_ms = INT64_MAX, most_ms = 0;
	int i;

	for (i = 0; i < 10000; i++) {
		ms = lf_jitter_ms(1000, 10);
		assert_true(ms >= 900 && ms <= 1100);
		least_ms = ms < least_ms ? ms : least_ms;
		most_ms = ms > most_ms ? ms : most_ms;
	}
	assert_true(least_ms < 920 && most_ms > 1080);
	assert_int_equal(1000, lf_jitter_ms(1000, 0));
	assert_int_equal(0, lf_jitter_ms(0, 50));
	assert_int_equal(0, lf_jitter_ms(-5, 50));
	for (i = 0; i < 1000; i++)
		assert_true(lf_jitter_ms(10, 500) >= 0);
}

#define with_loop(test)                                                        \
	cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_loop(timer_fires_in_order_of_due_time),
		with_loop(timer_never_fires_before_its_time),
		with_loop(timer_stopped_does_not_fire),
		with_loop(timer_started_again_moves),
		with_loop(timer_with_delay_0_lets_the_loop_turn),
		with_loop(timer_may_stop_another_that_is_due),
		with_loop(timer_may_free_its_owner),
		with_loop(timers_may_close_from_a_timer),
		with_loop(timer_heap_survives_a_random_history),
		cmocka_unit_test(jitter_stays_within_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
