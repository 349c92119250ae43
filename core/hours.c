/* core/hours.c - see hours.h. */
#include "core/hours.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/banned.h"

#define DAY_S 86400
#define WEEK_SPANS 15 /* that may touch each other before it is always */

struct span {
	unsigned days; /* bit 0: Sunday */
	int from_min, to_min;
};

/* ---- what people write ---- */

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* 0 Sunday to 6; -1. */
static int take_day(const char **at)
{
	static const char *const names[] = {"sun", "mon", "tue", "wed",
					    "thu", "fri", "sat"};

	for (int i = 0; i < 7; i++) {
		if (!strncasecmp(*at, names[i], 3)) {
			*at += 3;
			return i;
		}
	}
	return -1;
}

/* "mon", "fri-sun", or nothing for every day. */
static bool take_days(const char **at, unsigned *ret)
{
	int day, last;

	*ret = 0x7f;
	if (!isalpha((unsigned char)**at))
		return true;
	day = last = take_day(at);
	if (day >= 0 && **at == '-') {
		(*at)++;
		last = take_day(at);
	}
	if (day < 0 || last < 0)
		return false;
	for (*ret = 1u << day; day != last; *ret |= 1u << day)
		day = (day + 1) % 7;
	*at = skip_blanks(*at);
	return true;
}

static bool take_time(const char **at, int *ret_min)
{
	const char *c = *at;

	for (int i = 0; i < 5; i++) {
		if (i == 2 ? c[i] != ':' : !isdigit((unsigned char)c[i]))
			return false;
	}
	*ret_min = ((c[0] - '0') * 10 + c[1] - '0') * 60 + (c[3] - '0') * 10 +
		   c[4] - '0';
	*at += 5;
	return c[3] < '6' && *ret_min <= 24 * 60;
}

/* The next span; 0 at the end, -EINVAL. */
static int take_span(const char **at, struct span *ret)
{
	*at = skip_blanks(*at);
	if (!**at)
		return 0;
	if (!take_days(at, &ret->days) || !take_time(at, &ret->from_min))
		return -EINVAL;
	*at = skip_blanks(*at);
	if (*(*at)++ != '-')
		return -EINVAL;
	*at = skip_blanks(*at);
	if (!take_time(at, &ret->to_min) || ret->from_min == ret->to_min ||
	    ret->from_min == 24 * 60)
		return -EINVAL;
	*at = skip_blanks(*at);
	if (**at == ',')
		(*at)++;
	else if (**at)
		return -EINVAL;
	return 1;
}

int lf_hours_check(const char *text)
{
	struct span span;
	int more;

	do
		more = take_span(&text, &span);
	while (more > 0);
	return more;
}

/* ---- moments ---- */

static int64_t offset_at(int64_t utc_s)
{
	time_t t = (time_t)utc_s;
	struct tm tm;

	return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

/* When the clock on the wall shows this, counted as if it were UTC. */
static int64_t moment_of(int64_t shown_s)
{
	int64_t before = offset_at(shown_s - DAY_S);
	int64_t after = offset_at(shown_s + DAY_S);

	if (offset_at(shown_s - before) != before &&
	    offset_at(shown_s - after) == after)
		return shown_s - after;
	return shown_s - before;
}

/* The span that began on the local day `midnight_s` (as if it were UTC). */
static bool includes(const struct span *span, int64_t midnight_s, int64_t now_s,
		     int64_t *ret_end_s)
{
	int64_t weekday = (midnight_s / DAY_S + 4) % 7; /* 1970: a Thursday */
	int64_t from_s = midnight_s + span->from_min * 60;
	int64_t to_s = midnight_s + span->to_min * 60;

	if (!(span->days & (1u << weekday)))
		return false;
	if (to_s < from_s)
		to_s += DAY_S;
	*ret_end_s = moment_of(to_s);
	return moment_of(from_s) <= now_s && now_s < *ret_end_s;
}

/* Of the spans that include this moment, the end of the longest; or 0. */
static int64_t end_of(const char *text, int64_t now_s)
{
	int64_t shown_s = now_s + offset_at(now_s);
	int64_t today_s = shown_s - shown_s % DAY_S, end_s, latest_s = 0;
	struct span span;

	while (take_span(&text, &span) > 0) {
		for (int ago = 0; ago < 2; ago++) {
			if (includes(&span, today_s - ago * DAY_S, now_s,
				     &end_s) &&
			    end_s > latest_s)
				latest_s = end_s;
		}
	}
	return latest_s;
}

bool lf_hours_include(const char *text, int64_t wall_ms, int64_t *ret_end_ms)
{
	int64_t end_s, last_s = 0;

	if (!*text || lf_hours_check(text) || wall_ms < 0)
		return false;
	tzset(); /* the machine's zone may have been set since */
	end_s = end_of(text, wall_ms / 1000);
	if (!end_s)
		return false;
	for (int i = 0; i < WEEK_SPANS && end_s; i++) {
		last_s = end_s;
		end_s = end_of(text, last_s);
	}
	if (ret_end_ms)
		*ret_end_ms = last_s * 1000;
	return true;
}
