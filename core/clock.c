/* core/clock.c - the two clocks, and RFC 3339 between people and programs. */
#include "core/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/banned.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t lf_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t lf_mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t lf_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

/* The number with its zeros, and the character after it. */
static char *put(char *to, int value, int digits, char after)
{
	to[digits] = after;
	for (int i = digits; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + digits + 1;
}

char *lf_rfc3339(char out[LF_RFC3339_SIZE], int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	int ms = (int)(wall_ms % 1000);
	struct tm tm;
	char *p = out;

	if (ms < 0) {
		ms += 1000;
		s--;
	}
	gmtime_r(&s, &tm);
	p = put(p, tm.tm_year + 1900, 4, '-');
	p = put(p, tm.tm_mon + 1, 2, '-');
	p = put(p, tm.tm_mday, 2, 'T');
	p = put(p, tm.tm_hour, 2, ':');
	p = put(p, tm.tm_min, 2, ':');
	p = put(p, tm.tm_sec, 2, '.');
	p = put(p, ms, 3, 'Z');
	*p = '\0';
	return out;
}

/* Exactly n digits within [min, max], then the character `after`. */
static bool take(const char **text, int n, int min, int max, char after,
		 int *ret)
{
	int value = 0;

	for (; n > 0; n--, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		value = value * 10 + (**text - '0');
	}
	if (value < min || value > max || (after && *(*text)++ != after))
		return false;
	*ret = value;
	return true;
}

/* The offset after the time: Z, or +hh:mm; seconds east of UTC. */
static int parse_offset(int *ret_s, const char *text)
{
	char sign = *text++;
	int h, m;

	*ret_s = 0;
	if ((sign == 'Z' || sign == 'z') && !*text)
		return 0;
	if ((sign != '+' && sign != '-') || !take(&text, 2, 0, 23, ':', &h) ||
	    !take(&text, 2, 0, 59, '\0', &m) || *text)
		return -EINVAL;
	*ret_s = (h * 60 + m) * 60 * (sign == '-' ? -1 : 1);
	return 0;
}

/* A fraction of any length; what is finer than milliseconds is dropped. */
static const char *parse_fraction(int *ret_ms, const char *text)
{
	int scale = 100;

	*ret_ms = 0;
	if (*text != '.')
		return text;
	for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10)
		*ret_ms += (*text - '0') * scale;
	return text;
}

/* By hand: every presence document has a timestamp, and sscanf is slow. */
int lf_rfc3339_parse(int64_t *ret_wall_ms, const char *text)
{
	struct tm tm = {0};
	int ms, offset_s;

	if (!take(&text, 4, 0, 9999, '-', &tm.tm_year) ||
	    !take(&text, 2, 1, 12, '-', &tm.tm_mon) ||
	    !take(&text, 2, 1, 31, '\0', &tm.tm_mday))
		return -EINVAL;
	if (*text != 'T' && *text != 't' && *text != ' ')
		return -EINVAL;
	text++;
	if (!take(&text, 2, 0, 23, ':', &tm.tm_hour) ||
	    !take(&text, 2, 0, 59, ':', &tm.tm_min) ||
	    !take(&text, 2, 0, 60, '\0', &tm.tm_sec))
		return -EINVAL;
	text = parse_fraction(&ms, text);
	if (parse_offset(&offset_s, text))
		return -EINVAL;

	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_wall_ms = ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
	return 0;
}
