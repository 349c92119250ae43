/*
 * core/buf.h - a byte buffer that grows.
 *
 * Out of memory is sticky: after a failed append every later one is ignored
 * and lf_buf_error() says -ENOMEM, so a writer checks once, at the end.
 * The bytes are always followed by a NUL that is not counted in `len`.
 */
#ifndef LF_CORE_BUF_H
#define LF_CORE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct lf_buf {
	char *data; /* NULL until the first append */
	size_t len, cap;
	bool failed;
};

void lf_buf_init(struct lf_buf *buf); /* a zeroed buffer is fine too */
void lf_buf_done(struct lf_buf *buf);
void lf_buf_reset(struct lf_buf *buf); /* empty, but keeps its memory */

void lf_buf_add(struct lf_buf *buf, const void *data, size_t len);
void lf_buf_adds(struct lf_buf *buf, const char *text);
void lf_buf_addc(struct lf_buf *buf, char c);
void lf_buf_addf(struct lf_buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void lf_buf_add_json(struct lf_buf *buf, const char *text);
/* Text for XML content or an attribute value (& < > " ' escaped). */
void lf_buf_add_xml(struct lf_buf *buf, const char *text);

/* Removes the first `len` bytes. */
void lf_buf_consume(struct lf_buf *buf, size_t len);

int lf_buf_error(const struct lf_buf *buf);       /* 0 or -ENOMEM */
const char *lf_buf_str(const struct lf_buf *buf); /* "" when empty */

/* The bytes become the caller's (free()); the buffer is empty after. */
char *lf_buf_take(struct lf_buf *buf);

#endif
