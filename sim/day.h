/* sim/day.h - what phones do all day, when nobody tells them. */
#ifndef LF_SIM_DAY_H
#define LF_SIM_DAY_H

struct day; /* opaque: see day.c */
struct lf_timers;
struct pbx;

/*
 * Each phone then moves by itself: calls come and are answered or missed,
 * some go on hold, people turn do-not-disturb on, plug phones out and in. The
 * same seed gives the same decisions. speed: times faster than life.
 */
struct day *day_new(struct pbx *pbx, struct lf_timers *timers, unsigned speed,
		    unsigned seed); /* NULL: out of memory */
void day_free(struct day *day);     /* NULL is fine */

#endif
