/*
 * sim/blackhole.h - a port that takes everything and answers nothing, which
 * is what a silent network looks like from the other end.
 */
#ifndef LF_SIM_BLACKHOLE_H
#define LF_SIM_BLACKHOLE_H

#include <stdint.h>
#include <uv.h>

struct blackhole; /* opaque: see blackhole.c */

int blackhole_open(struct blackhole **ret, uv_loop_t *loop, const char *address,
		   uint16_t port);
void blackhole_close(struct blackhole *hole, void (*closed)(void *arg),
		     void *arg);

#endif
