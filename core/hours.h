/*
 * core/hours.h - weekly hours in local time, as people write them:
 *
 *     22:00-07:00
 *     mon-fri 19:00-07:30, sat-sun 00:00-24:00
 *
 * A span belongs to the day on which it begins, and to every day when none is
 * named. It ends where the clock on the wall shows its end: over a change to
 * or from summer time it is an hour shorter or longer. Of a time that comes
 * twice the first is meant; of one that is left out, an hour later. The zone
 * is the process's (TZ, else the machine's).
 */
#ifndef LF_CORE_HOURS_H
#define LF_CORE_HOURS_H

#include <stdbool.h>
#include <stdint.h>

/* -EINVAL: no hours. "" is fine, and never. */
int lf_hours_check(const char *text);

/*
 * Is this moment within the hours? *ret_end_ms, which may be NULL, is when
 * they will be over; spans that touch are one. False for what is no hours.
 */
bool lf_hours_include(const char *text, int64_t wall_ms, int64_t *ret_end_ms);

#endif
