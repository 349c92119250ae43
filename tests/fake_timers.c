/* tests/fake_timers.c - see tests/fake_timers.h. */
#include "tests/fake_timers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/timer.h"

#include "core/banned.h"

struct lf_timers {
	int unused;
};

static struct lf_timer **running; /* heap_i is the place, from 1 */
static size_t count, cap;
static int64_t mono_ms = FAKE_MONO_MS, step_ms;

int64_t __wrap_lf_mono_ms(void);
int64_t __wrap_lf_wall_ms(void);

int64_t __wrap_lf_mono_ms(void)
{
	return mono_ms;
}

int64_t __wrap_lf_wall_ms(void)
{
	return FAKE_WALL_MS + mono_ms - FAKE_MONO_MS + step_ms;
}

void fake_time_reset(void)
{
	mono_ms = FAKE_MONO_MS;
	step_ms = 0;
}

void fake_wall_step(int64_t ms)
{
	step_ms += ms;
}

size_t fake_time_running(void)
{
	return count;
}

static struct lf_timer *earliest(void)
{
	struct lf_timer *first = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (!first || running[i]->due_ms < first->due_ms)
			first = running[i];
	return first;
}

bool fake_time_is_due(int64_t ms)
{
	return count && earliest()->due_ms <= mono_ms + ms;
}

void fake_time_pass(int64_t ms)
{
	int64_t until_ms = mono_ms + ms;
	struct lf_timer *timer;

	while ((timer = earliest()) != NULL && timer->due_ms <= until_ms) {
		if (timer->due_ms > mono_ms)
			mono_ms = timer->due_ms;
		lf_timer_stop(NULL, timer);
		timer->fn(timer, timer->arg);
	}
	mono_ms = until_ms;
}

int lf_timers_new(struct lf_timers **ret, uv_loop_t *loop)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void lf_timers_close(struct lf_timers *timers)
{
	free(timers);
	if (!count) {
		free(running);
		running = NULL;
		cap = 0;
	}
}

uv_loop_t *lf_timers_loop(struct lf_timers *timers)
{
	return NULL;
}

void lf_timer_init(struct lf_timer *timer, lf_timer_fn *fn, void *arg)
{
	*timer = (struct lf_timer){.fn = fn, .arg = arg};
}

int lf_timer_start(struct lf_timers *timers, struct lf_timer *timer,
		   int64_t delay_ms)
{
	struct lf_timer **more;

	assert(timers);
	lf_timer_stop(timers, timer);
	timer->due_ms = mono_ms + (delay_ms > 0 ? delay_ms : 0);
	if (count == cap) {
		more = realloc(running,
			       (cap * 2 + 64) * sizeof(struct lf_timer *));
		if (!more)
			return -ENOMEM;
		running = more;
		cap = cap * 2 + 64;
	}
	running[count++] = timer;
	timer->heap_i = (uint32_t)count;
	return 0;
}

void lf_timer_stop(struct lf_timers *timers, struct lf_timer *timer)
{
	size_t i = timer->heap_i;

	if (!i)
		return;
	running[i - 1] = running[--count];
	running[i - 1]->heap_i = (uint32_t)i;
	timer->heap_i = 0;
}

bool lf_timer_is_running(const struct lf_timer *timer)
{
	return timer->heap_i != 0;
}

int64_t lf_jitter_ms(int64_t base_ms, unsigned percent)
{
	return base_ms;
}
