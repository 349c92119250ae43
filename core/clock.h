/*
 * core/clock.h - the two clocks.
 *
 * Every interval is measured on the monotonic clock; the wall clock is only
 * for what people read. A wall clock step must change nothing (S27).
 */
#ifndef LF_CORE_CLOCK_H
#define LF_CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t lf_mono_ms(void); /* CLOCK_MONOTONIC */
int64_t lf_mono_us(void); /* the same in microseconds */
int64_t lf_wall_ms(void); /* milliseconds since 1970, UTC */

#define LF_RFC3339_SIZE 25 /* 2026-01-20T09:30:00.000Z and its NUL */

/* RFC 3339, UTC, milliseconds. Returns `out`. */
char *lf_rfc3339(char out[LF_RFC3339_SIZE], int64_t wall_ms);

/* -EINVAL if it is no RFC 3339 date-time (any offset is understood). */
int lf_rfc3339_parse(int64_t *ret_wall_ms, const char *text);

#endif
