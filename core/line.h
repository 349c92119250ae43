/* core/line.h - cuts a byte stream into lines, bounded. */
#ifndef LF_CORE_LINE_H
#define LF_CORE_LINE_H

#include <stddef.h>

#include "core/buf.h"

struct lf_lines {
	struct lf_buf buf; /* the unfinished line */
	size_t max;        /* longest line, without its end */
};

/* A line without LF or CR LF; not NUL-terminated. Non-zero stops the feed. */
typedef int lf_line_fn(const char *line, size_t len, void *arg);

void lf_lines_init(struct lf_lines *lines, size_t max);
void lf_lines_done(struct lf_lines *lines);

/*
 * Empty lines are skipped. -E2BIG: a line is over the maximum; -ENOMEM; or
 * what `fn` returned. `lines` must outlive the call, also when fn closes.
 */
int lf_lines_feed(struct lf_lines *lines, const char *data, size_t len,
		  lf_line_fn *fn, void *arg);

#endif
