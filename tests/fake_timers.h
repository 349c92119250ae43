/*
 * tests/fake_timers.h - drives tests/fake_timers.c, which implements
 * core/timer.h and both clocks without waiting.
 *
 * Link with -Wl,--wrap=lf_mono_ms,--wrap=lf_wall_ms ($(FAKE_CLOCK)). Time
 * moves only by fake_time_pass(); jitter is always its middle.
 */
#ifndef LF_TESTS_FAKE_TIMERS_H
#define LF_TESTS_FAKE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_MONO_MS INT64_C(1000000)
#define FAKE_WALL_MS INT64_C(1768900000000)

void fake_time_reset(void);
/* Timers of all struct lf_timers that fall due on the way fire in order. */
void fake_time_pass(int64_t ms);
void fake_wall_step(int64_t ms);   /* somebody sets the wall clock */
size_t fake_time_running(void);    /* timers */
bool fake_time_is_due(int64_t ms); /* one will fire within so long */

#endif
