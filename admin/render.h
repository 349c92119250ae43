/*
 * admin/render.h - the server's answer lines as tables for people, or as they
 * are for programs. Part of lampctl.
 */
#ifndef LF_ADMIN_RENDER_H
#define LF_ADMIN_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct lf_render; /* opaque: see render.c */

#define LF_RENDER_DONE 1   /* the command worked */
#define LF_RENDER_FAILED 2 /* it did not; said on stderr */

/* On a terminal `watch` draws one table anew; elsewhere a row per change. */
struct lf_render *lf_render_new(const char *command, bool is_json, FILE *out);
void lf_render_free(struct lf_render *render);

/* One line of the answer; 0 while more follows. */
int lf_render_line(struct lf_render *render, const char *line, size_t len);

#endif
