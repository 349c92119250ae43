/* presence/summary.c - application/simple-message-summary, line by line. */
#include "presence/summary.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "presence/report.h"

#include "core/banned.h"

#define LINE_SIZE 256

struct summary {
	bool has_waiting, is_waiting, has_counts;
	unsigned long new, old;
};

/* "2/8 (0/2)": new and old, urgent ones in parentheses. */
static void read_counts(struct summary *s, const char *value)
{
	unsigned long new, old;
	char *end;

	/* strtoul() would take a sign. */
	if (!isdigit((unsigned char)*value))
		return;
	new = strtoul(value, &end, 10);
	if (*end != '/' || !isdigit((unsigned char)end[1]))
		return;
	old = strtoul(end + 1, NULL, 10);
	s->new = new;
	s->old = old;
	s->has_counts = true;
}

static void read_line(struct summary *s, char *line)
{
	char *value = strchr(line, ':');

	if (!value)
		return;
	*value++ = '\0';
	line = lf_text_trim(line);
	value = lf_text_trim(value);
	if (lf_text_equal(line, "Messages-Waiting")) {
		s->is_waiting = lf_text_equal(value, "yes");
		s->has_waiting = s->is_waiting || lf_text_equal(value, "no");
	} else if (lf_text_equal(line, "Voice-Message")) {
		read_counts(s, value);
	}
}

static uint16_t cut(unsigned long n)
{
	return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

int lf_summary_read(struct lf_report *ret, const char *data, size_t len)
{
	const char *end = data + len, *next;
	struct summary s = {0};
	char line[LINE_SIZE];

	for (; data < end; data = next) {
		next = memchr(data, '\n', (size_t)(end - data));
		next = next ? next + 1 : end;
		lf_text_copy_n(line, sizeof(line), data, (size_t)(next - data));
		read_line(&s, line);
	}
	if (!s.has_waiting)
		return -EPROTO;
	/* Without counts, "yes" is at least one. */
	ret->voicemails_new = s.has_counts ? cut(s.new) : s.is_waiting;
	ret->voicemails_old = cut(s.old);
	ret->knows = LF_KNOWS_VOICEMAIL;
	return 0;
}
