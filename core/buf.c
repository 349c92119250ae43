/*
 * core/buf.c - a byte buffer that grows by doubling.
 *
 * Every writer of bytes in the program uses it; the escapes for JSON and XML
 * are here so that nobody writes text into either by hand.
 */
#include "core/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"

#include "core/banned.h"

#define FIRST_CAP 128

void lf_buf_init(struct lf_buf *buf)
{
	memset(buf, 0, sizeof(*buf));
}

void lf_buf_done(struct lf_buf *buf)
{
	free(buf->data);
	lf_buf_init(buf);
}

void lf_buf_reset(struct lf_buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Room for `len` more bytes and the NUL. */
static bool reserve(struct lf_buf *buf, size_t len)
{
	size_t need, cap = buf->cap ? buf->cap : FIRST_CAP;
	char *data;

	if (buf->failed)
		return false;
	if (len < buf->cap - buf->len) /* cap > len, or both are 0 */
		return true;
	if (len >= SIZE_MAX / 2 - buf->len)
		goto fail;
	need = buf->len + len + 1;
	while (cap < need)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (!data)
		goto fail;
	buf->data = data;
	buf->cap = cap;
	return true;
fail:
	buf->failed = true;
	return false;
}

void lf_buf_add(struct lf_buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void lf_buf_adds(struct lf_buf *buf, const char *text)
{
	lf_buf_add(buf, text, strlen(text));
}

void lf_buf_addc(struct lf_buf *buf, char c)
{
	lf_buf_add(buf, &c, 1);
}

void lf_buf_addf(struct lf_buf *buf, const char *fmt, ...)
{
	va_list ap;
	int n;

	/* Most lines fit what is there: format in place, grow only if not. */
	if (!reserve(buf, 0))
		return;
	va_start(ap, fmt);
	n = vsnprintf(buf->data + buf->len, buf->cap - buf->len, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= buf->cap - buf->len &&
	    reserve(buf, (size_t)n)) {
		va_start(ap, fmt);
		n = vsnprintf(buf->data + buf->len, buf->cap - buf->len, fmt,
			      ap);
		va_end(ap);
	}
	if (n < 0)
		buf->failed = true;
	if (!buf->failed)
		buf->len += (size_t)n;
	buf->data[buf->len] = '\0';
}

static void add_json_escape(struct lf_buf *buf, unsigned char c)
{
	switch (c) {
	case '"':
		lf_buf_add(buf, "\\\"", 2);
		break;
	case '\\':
		lf_buf_add(buf, "\\\\", 2);
		break;
	case '\n':
		lf_buf_add(buf, "\\n", 2);
		break;
	case '\r':
		lf_buf_add(buf, "\\r", 2);
		break;
	case '\t':
		lf_buf_add(buf, "\\t", 2);
		break;
	default:
		lf_buf_addf(buf, "\\u%04x", c);
	}
}

void lf_buf_add_json(struct lf_buf *buf, const char *text)
{
	const char *run = text, *end = text + strlen(text);
	uint32_t c;
	size_t n;

	lf_buf_addc(buf, '"');
	while (text < end) {
		n = lf_utf8_next(&c, text, (size_t)(end - text));
		if (n && c >= 0x20 && c != '"' && c != '\\') {
			text += n;
			continue;
		}
		lf_buf_add(buf, run, (size_t)(text - run));
		if (n)
			add_json_escape(buf, (unsigned char)c);
		else
			lf_buf_add(buf, "\xef\xbf\xbd", 3); /* U+FFFD */
		text++;
		run = text;
	}
	lf_buf_add(buf, run, (size_t)(text - run));
	lf_buf_addc(buf, '"');
}

/*
 * What a character becomes in XML, NULL if it stays. XML 1.0, 2.2: most
 * control characters cannot be written at all, not even escaped.
 */
static const char *xml_escape(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		if (c < 0x20 || c == 0xfffe || c == 0xffff)
			return "\xef\xbf\xbd";
		return NULL;
	}
}

void lf_buf_add_xml(struct lf_buf *buf, const char *text)
{
	const char *escape, *run = text, *end = text + strlen(text);
	uint32_t c;
	size_t n;

	while (text < end) {
		n = lf_utf8_next(&c, text, (size_t)(end - text));
		escape = n ? xml_escape(c) : "\xef\xbf\xbd";
		if (escape) {
			lf_buf_add(buf, run, (size_t)(text - run));
			lf_buf_adds(buf, escape);
			run = text + (n ? n : 1);
		}
		text += n ? n : 1;
	}
	lf_buf_add(buf, run, (size_t)(text - run));
}

void lf_buf_consume(struct lf_buf *buf, size_t len)
{
	if (len >= buf->len)
		len = buf->len;
	if (!len)
		return;
	buf->len -= len;
	memmove(buf->data, buf->data + len, buf->len + 1);
}

int lf_buf_error(const struct lf_buf *buf)
{
	return buf->failed ? -ENOMEM : 0;
}

const char *lf_buf_str(const struct lf_buf *buf)
{
	return buf->data ? buf->data : "";
}

char *lf_buf_take(struct lf_buf *buf)
{
	char *data;

	/* Never NULL for an empty text: NULL means that memory ran out. */
	lf_buf_add(buf, "", 0);
	data = buf->failed ? NULL : buf->data;
	if (!data)
		free(buf->data);
	lf_buf_init(buf);
	return data;
}
