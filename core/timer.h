/*
 * core/timer.h - many timers on one uv_timer.
 *
 * A hundred thousand refresh timers cost 40 bytes each and one libuv handle
 * together. A timer lives in its owner, fires once, and must be stopped
 * before its memory goes.
 */
#ifndef LF_CORE_TIMER_H
#define LF_CORE_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct lf_timers; /* opaque: see timer.c */
struct lf_timer;

typedef void lf_timer_fn(struct lf_timer *timer, void *arg);

struct lf_timer {
	lf_timer_fn *fn;
	void *arg;
	int64_t due_ms;  /* lf_mono_ms() */
	uint32_t heap_i; /* 0: not running */
};

int lf_timers_new(struct lf_timers **ret, uv_loop_t *loop);
/* Stops everything; the handle closes in the loop's next turn. NULL is fine. */
void lf_timers_close(struct lf_timers *timers);
/*
 * Runs what is due now, without waiting for the loop to come round: for who
 * ends a turn and wants its consequences in it. Nothing inside a timer's call.
 */
void lf_timers_run(struct lf_timers *timers);
uv_loop_t *lf_timers_loop(struct lf_timers *timers);

void lf_timer_init(struct lf_timer *timer, lf_timer_fn *fn, void *arg);

/*
 * Starts, or restarts, a timer. -ENOMEM only when it was not running. A delay
 * of 0 fires in the loop's next turn, never from inside this call.
 */
int lf_timer_start(struct lf_timers *timers, struct lf_timer *timer,
		   int64_t delay_ms);
void lf_timer_stop(struct lf_timers *timers, struct lf_timer *timer);
bool lf_timer_is_running(const struct lf_timer *timer);

/* base_ms plus or minus up to `percent`, so that nothing renews in step. */
int64_t lf_jitter_ms(int64_t base_ms, unsigned percent);

#endif
