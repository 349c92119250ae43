/*
 * core/line.c - cuts a byte stream into lines, bounded.
 *
 * A line that arrives whole is handed on where it lies; only an unfinished
 * one is copied.
 */
#include "core/line.h"

#include <errno.h>
#include <string.h>

#include "core/banned.h"

#define KEEP_BYTES 4096 /* an idle stream holds on to no more than this */

void lf_lines_init(struct lf_lines *lines, size_t max)
{
	lf_buf_init(&lines->buf);
	lines->max = max;
}

void lf_lines_done(struct lf_lines *lines)
{
	lf_buf_done(&lines->buf);
}

static int hand_on(const struct lf_lines *lines, const char *line, size_t len,
		   lf_line_fn *fn, void *arg)
{
	if (len && line[len - 1] == '\r')
		len--;
	if (len > lines->max)
		return -E2BIG;
	return len ? fn(line, len, arg) : 0;
}

static void empty(struct lf_buf *buf)
{
	if (buf->cap > KEEP_BYTES)
		lf_buf_done(buf);
	else
		lf_buf_reset(buf);
}

/* `len` more bytes of the unfinished line. The one over may be a CR. */
static int keep(struct lf_lines *lines, const char *data, size_t len)
{
	if (lines->buf.len + len > lines->max + 1)
		return -E2BIG;
	lf_buf_add(&lines->buf, data, len);
	return lf_buf_error(&lines->buf);
}

static int finish(struct lf_lines *lines, const char *data, size_t len,
		  lf_line_fn *fn, void *arg)
{
	int err;

	if (!lines->buf.len)
		return hand_on(lines, data, len, fn, arg);
	err = keep(lines, data, len);
	if (!err)
		err = hand_on(lines, lines->buf.data, lines->buf.len, fn, arg);
	empty(&lines->buf);
	return err;
}

int lf_lines_feed(struct lf_lines *lines, const char *data, size_t len,
		  lf_line_fn *fn, void *arg)
{
	const char *end = data + len, *lf;
	int err;

	for (; data < end; data = lf + 1) {
		lf = memchr(data, '\n', (size_t)(end - data));
		if (!lf)
			return keep(lines, data, (size_t)(end - data));
		err = finish(lines, data, (size_t)(lf - data), fn, arg);
		if (err)
			return err;
	}
	return 0;
}
