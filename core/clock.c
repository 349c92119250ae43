/* core/clock.c - the two clocks, and RFC 3339 between people and programs. */
#include "core/clock.h"

#include <errno.h>
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

int64_t lf_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

char *lf_rfc3339(char out[LF_RFC3339_SIZE], int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	int ms = (int)(wall_ms % 1000);
	struct tm tm;
	char text[64];

	if (ms < 0) {
		ms += 1000;
		s--;
	}
	gmtime_r(&s, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, ms);
	memcpy(out, text, LF_RFC3339_SIZE - 1);
	out[LF_RFC3339_SIZE - 1] = '\0';
	return out;
}

/* The offset after the time: Z, or +hh:mm; seconds east of UTC. */
static int parse_offset(int *ret_s, const char *text)
{
	int h, m, n = 0;
	char sign;

	*ret_s = 0;
	if ((text[0] == 'Z' || text[0] == 'z') && !text[1])
		return 0;
	if (sscanf(text, "%c%2d:%2d%n", &sign, &h, &m, &n) != 3 || text[n])
		return -EINVAL;
	if ((sign != '+' && sign != '-') || h < 0 || h > 23 || m < 0 || m > 59)
		return -EINVAL;
	*ret_s = (h * 60 + m) * (sign == '-' ? -60 : 60);
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

int lf_rfc3339_parse(int64_t *ret_wall_ms, const char *text)
{
	struct tm tm = {0};
	char t;
	int n = 0, ms, offset_s;

	if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &t, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
		   &n) != 7)
		return -EINVAL;
	if ((t != 'T' && t != 't' && t != ' ') || tm.tm_mon < 1 ||
	    tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 ||
	    tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return -EINVAL;
	text = parse_fraction(&ms, text + n);
	if (parse_offset(&offset_s, text))
		return -EINVAL;

	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_wall_ms = ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
	return 0;
}
