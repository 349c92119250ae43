/*
 * sim/command.h - what a person or a test tells the PBX, a line at a time.
 * Each line is answered with "ok", or "error: ..." after what it prints.
 */
#ifndef LF_SIM_COMMAND_H
#define LF_SIM_COMMAND_H

#include <stdio.h>

struct commander; /* opaque: see command.c */
struct lf_timers;
struct pbx;

struct commander *commander_new(struct pbx *pbx, struct lf_timers *timers,
				FILE *out);
void commander_free(struct commander *c);

/* Non-zero: "quit". The line is changed. */
int command_run(struct commander *c, char *line);
void command_help(FILE *out);

#endif
