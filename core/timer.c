/*
 * core/timer.c - a binary heap of timers over one uv_timer.
 *
 * The heap starts at index 1, so that heap_i 0 can mean "not running". The
 * libuv timer is only touched when the earliest due time moves forward; when
 * it moves back the handle fires once for nothing, which is cheaper.
 */
#include "core/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/clock.h"

#include "core/banned.h"

#define FIRST_CAP 64

struct lf_timers {
	uv_timer_t handle;
	struct lf_timer **heap; /* heap[0] is unused */
	uint32_t count, cap;
	int64_t armed_ms; /* what the handle waits for; INT64_MAX: nothing */
	int64_t sweep_ms; /* the sweep we are in; INT64_MIN: none */
};

static void on_due(uv_timer_t *handle);

static void place(struct lf_timers *timers, uint32_t i, struct lf_timer *timer)
{
	timers->heap[i] = timer;
	timer->heap_i = i;
}

static void sift_up(struct lf_timers *timers, uint32_t i)
{
	struct lf_timer *timer = timers->heap[i];

	while (i > 1 && timers->heap[i / 2]->due_ms > timer->due_ms) {
		place(timers, i, timers->heap[i / 2]);
		i /= 2;
	}
	place(timers, i, timer);
}

static void sift_down(struct lf_timers *timers, uint32_t i)
{
	struct lf_timer *timer = timers->heap[i];
	uint32_t child;

	for (; i <= timers->count / 2; i = child) {
		child = i * 2;
		if (child < timers->count &&
		    timers->heap[child + 1]->due_ms <
			    timers->heap[child]->due_ms)
			child++;
		if (timers->heap[child]->due_ms >= timer->due_ms)
			break;
		place(timers, i, timers->heap[child]);
	}
	place(timers, i, timer);
}

/* The due time at `i` changed, in either direction. */
static void sift(struct lf_timers *timers, uint32_t i)
{
	struct lf_timer *timer = timers->heap[i];

	sift_up(timers, i);
	sift_down(timers, timer->heap_i);
}

static void arm(struct lf_timers *timers)
{
	int64_t due_ms, wait_ms;

	if (!timers->count) {
		uv_timer_stop(&timers->handle);
		timers->armed_ms = INT64_MAX;
		return;
	}
	due_ms = timers->heap[1]->due_ms;
	if (due_ms >= timers->armed_ms)
		return;
	timers->armed_ms = due_ms;
	wait_ms = due_ms - lf_mono_ms();
	uv_timer_start(&timers->handle, on_due,
		       wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

static void sweep(struct lf_timers *timers)
{
	struct lf_timer *timer;

	timers->sweep_ms = lf_mono_ms();
	while (timers->count && timers->heap[1]->due_ms <= timers->sweep_ms) {
		timer = timers->heap[1];
		lf_timer_stop(timers, timer);
		timer->fn(timer, timer->arg); /* may free the timer */
	}
	timers->sweep_ms = INT64_MIN;
	if (!uv_is_closing((uv_handle_t *)&timers->handle))
		arm(timers);
}

static void on_due(uv_timer_t *handle)
{
	struct lf_timers *timers = handle->data;

	timers->armed_ms = INT64_MAX;
	sweep(timers);
}

void lf_timers_run(struct lf_timers *timers)
{
	if (timers->sweep_ms == INT64_MIN && timers->count)
		sweep(timers);
}

int lf_timers_new(struct lf_timers **ret, uv_loop_t *loop)
{
	struct lf_timers *timers = calloc(1, sizeof(*timers));
	int err;

	if (!timers)
		return -ENOMEM;
	err = uv_timer_init(loop, &timers->handle);
	if (err) {
		free(timers);
		return err;
	}
	timers->handle.data = timers;
	timers->armed_ms = INT64_MAX;
	timers->sweep_ms = INT64_MIN;
	*ret = timers;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct lf_timers *timers = handle->data;

	free(timers->heap);
	free(timers);
}

void lf_timers_close(struct lf_timers *timers)
{
	uint32_t i;

	if (!timers)
		return;
	for (i = 1; i <= timers->count; i++)
		timers->heap[i]->heap_i = 0;
	timers->count = 0;
	uv_close((uv_handle_t *)&timers->handle, on_closed);
}

uv_loop_t *lf_timers_loop(struct lf_timers *timers)
{
	return timers->handle.loop;
}

void lf_timer_init(struct lf_timer *timer, lf_timer_fn *fn, void *arg)
{
	memset(timer, 0, sizeof(*timer));
	timer->fn = fn;
	timer->arg = arg;
}

static int make_room(struct lf_timers *timers)
{
	uint32_t cap = timers->cap ? timers->cap * 2 : FIRST_CAP;
	struct lf_timer **heap;

	if (timers->count + 1 < timers->cap)
		return 0;
	heap = realloc(timers->heap, cap * sizeof(struct lf_timer *));
	if (!heap)
		return -ENOMEM;
	timers->heap = heap;
	timers->cap = cap;
	return 0;
}

int lf_timer_start(struct lf_timers *timers, struct lf_timer *timer,
		   int64_t delay_ms)
{
	int64_t due_ms = lf_mono_ms() + (delay_ms > 0 ? delay_ms : 0);
	int err;

	/* A timer that restarts itself at once must not hold the loop. */
	if (due_ms <= timers->sweep_ms)
		due_ms = timers->sweep_ms + 1;
	if (!timer->heap_i) {
		err = make_room(timers);
		if (err)
			return err;
		place(timers, ++timers->count, timer);
	}
	timer->due_ms = due_ms;
	sift(timers, timer->heap_i);
	if (timers->sweep_ms == INT64_MIN) /* on_due arms when it is done */
		arm(timers);
	return 0;
}

void lf_timer_stop(struct lf_timers *timers, struct lf_timer *timer)
{
	uint32_t i = timer->heap_i;
	struct lf_timer *last;

	/* Not running: `timers` may be gone already, so it is not touched. */
	if (!i)
		return;
	last = timers->heap[timers->count--];
	timer->heap_i = 0;
	if (last != timer) {
		place(timers, i, last);
		sift(timers, i);
	}
	if (!timers->count && timers->sweep_ms == INT64_MIN)
		arm(timers); /* an idle handle must not keep the loop alive */
}

bool lf_timer_is_running(const struct lf_timer *timer)
{
	return timer->heap_i != 0;
}

/* splitmix64: spreading load needs no secrecy. */
static uint64_t cheap_random(void)
{
	static _Thread_local uint64_t state;
	uint64_t x;

	if (!state && getrandom(&state, sizeof(state), 0) != sizeof(state))
		state = (uint64_t)lf_mono_ms();
	x = state += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

int64_t lf_jitter_ms(int64_t base_ms, unsigned percent)
{
	int64_t reach;

	if (base_ms <= 0)
		return 0;
	reach = base_ms / 100 * percent + base_ms % 100 * percent / 100;
	if (reach > base_ms)
		reach = base_ms;
	return base_ms - reach +
	       (int64_t)(cheap_random() % (uint64_t)(2 * reach + 1));
}
