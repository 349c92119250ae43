/* presence/multipart.c - cuts a multipart body at its boundary. */
#include "presence/multipart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/text.h"

#include "core/banned.h"

#define BOUNDARY_SIZE 80 /* RFC 2046, 5.1.1: 70 characters, "--" and NUL */

bool lf_content_is(const char *content_type, const char *type)
{
	size_t len = strlen(type);

	return lf_text_starts(content_type, type) &&
	       strchr("; \t", content_type[len]);
}

/* Value of a parameter, quoted or not. */
static int find_parameter(char *out, size_t size, const char *text,
			  const char *name)
{
	size_t len = strlen(name);

	for (text = strchr(text, ';'); text; text = strchr(text, ';')) {
		text += 1 + strspn(text + 1, " \t");
		if (strncasecmp(text, name, len) || text[len] != '=')
			continue;
		text += len + 1;
		if (*text == '"') {
			text++;
			len = strcspn(text, "\"");
		} else {
			len = strcspn(text, "; \t");
		}
		return len && lf_text_copy_n(out, size, text, len) ? 0
								   : -EPROTO;
	}
	return -EPROTO;
}

/* What may follow the boundary on its line: "--" and white space. */
static bool is_line_over(const char *at, const char *end)
{
	if (end - at >= 2 && at[0] == '-' && at[1] == '-')
		at += 2;
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	return at == end || *at == '\n';
}

/* Where a delimiter line begins, at or after `at`; NULL if there is none. */
static const char *find_delimiter(const char *at, const char *end,
				  const char *start, const char *delimiter)
{
	size_t len = strlen(delimiter);
	const char *hit;

	while ((size_t)(end - at) >= len &&
	       (hit = memmem(at, (size_t)(end - at), delimiter, len))) {
		if ((hit == start || hit[-1] == '\n') &&
		    is_line_over(hit + len, end))
			return hit;
		at = hit + 1;
	}
	return NULL;
}

static void take_header(struct lf_part *part, char *line)
{
	char *value = strchr(line, ':'), *id;
	size_t len;

	if (!value)
		return;
	*value++ = '\0';
	line = lf_text_trim(line);
	value = lf_text_trim(value);
	if (lf_text_equal(line, "Content-Type")) {
		lf_text_copy(part->content_type, sizeof(part->content_type),
			     value);
	} else if (lf_text_equal(line, "Content-ID")) {
		id = *value == '<' ? value + 1 : value;
		len = strcspn(id, ">");
		lf_text_copy_n(part->content_id, sizeof(part->content_id), id,
			       len);
	}
}

/* The end of a header with its continuation lines. */
static const char *header_end(const char *at, const char *end)
{
	const char *next;

	do {
		next = memchr(at, '\n', (size_t)(end - at));
		at = next ? next + 1 : end;
	} while (at < end && (*at == ' ' || *at == '\t'));
	return at;
}

/* Copies a header onto one line. */
static void unfold(char *out, size_t size, const char *at, const char *end)
{
	lf_text_copy_n(out, size, at, (size_t)(end - at));
	for (; *out; out++)
		*out = *out == '\r' || *out == '\n' ? ' ' : *out;
}

/* Headers up to the empty line; the rest is the body. */
static void take_part(struct lf_part *part, const char *at, const char *end)
{
	const char *next;
	char line[512];

	memset(part, 0, sizeof(*part));
	for (; at < end; at = next) {
		if (*at == '\n' || (end - at >= 2 && !memcmp(at, "\r\n", 2))) {
			at += *at == '\n' ? 1 : 2;
			break;
		}
		next = header_end(at, end);
		unfold(line, sizeof(line), at, next);
		take_header(part, line);
	}
	/* The line end before a delimiter belongs to the delimiter. */
	if (end > at && end[-1] == '\n')
		end--;
	if (end > at && end[-1] == '\r')
		end--;
	part->body = at;
	part->len = (size_t)(end - at);
}

int lf_multipart_split(struct lf_part *parts, size_t max, size_t *ret_n,
		       const char *content_type, const char *body, size_t len)
{
	const char *end = body + len, *at, *next;
	char boundary[BOUNDARY_SIZE], delimiter[BOUNDARY_SIZE + 2];
	size_t n = 0;

	if (find_parameter(boundary, sizeof(boundary), content_type,
			   "boundary"))
		return -EPROTO;
	snprintf(delimiter, sizeof(delimiter), "--%s", boundary);
	at = find_delimiter(body, end, body, delimiter);
	if (!at)
		return -EPROTO;
	for (;;) {
		at += strlen(delimiter);
		if (end - at >= 2 && at[0] == '-' && at[1] == '-')
			break;
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			break;
		at++;
		next = find_delimiter(at, end, body, delimiter);
		if (n == max)
			return -E2BIG;
		take_part(&parts[n++], at, next ? next : end);
		if (!next)
			break; /* cut off: what is there counts */
		at = next;
	}
	*ret_n = n;
	return 0;
}
