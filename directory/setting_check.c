/* directory/setting_check.c - what a setting's value may be. */
#include "directory/setting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/hours.h"
#include "core/text.h"
#include "directory/setting_internal.h"

#include "core/banned.h"

#define TEXT_MAX 1024 /* where a definition gives no maximum */

static const char *const yes[] = {"yes", "true", "on", "1"};
static const char *const no[] = {"no", "false", "off", "0"};

static bool is_one_of(const char *value, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (lf_text_equal(value, words[i]))
			return true;
	return false;
}

static int parse_bool(int64_t *ret, const char *value)
{
	*ret = is_one_of(value, yes, 4);
	return *ret || is_one_of(value, no, 4) ? 0 : -EINVAL;
}

static int check_int(const struct lf_setting_def *def, const char *value,
		     char *why, size_t size)
{
	int64_t n;

	if (!lf_text_int(&n, value, def->min, def->max))
		return 0;
	snprintf(why, size, "is a number from %" PRId64 " to %" PRId64 "%s%s",
		 def->min, def->max, def->unit ? " " : "",
		 def->unit ? def->unit : "");
	return -EINVAL;
}

/* The choice as the table spells it. */
static bool find_choice(const char *choices, char *value)
{
	const char *at = choices, *end;
	size_t len = strlen(value);

	for (; *at; at = *end ? end + 1 : end) {
		end = strchrnul(at, '|');
		if ((size_t)(end - at) == len && len &&
		    lf_text_starts(at, value)) {
			memcpy(value, at, len);
			return true;
		}
	}
	return false;
}

static bool is_host(const char *host)
{
	return *host && !host[strspn(host, "abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789.-_")];
}

static bool is_v6(const char *text)
{
	struct in6_addr addr;

	return inet_pton(AF_INET6, text, &addr) == 1;
}

static bool is_port(const char *text)
{
	int64_t n;

	return !lf_text_int(&n, text, 1, 65535);
}

static bool is_address(const char *value)
{
	char copy[272], *rest = copy, *host;

	if (is_v6(value))
		return true;
	if (!lf_text_copy(copy, sizeof(copy), value))
		return false;
	if (*copy == '[') {
		rest = copy + 1;
		host = strsep(&rest, "]");
		return rest && is_v6(host) &&
		       (!*rest || (*rest == ':' && is_port(rest + 1)));
	}
	host = strsep(&rest, ":");
	return is_host(host) && (!rest || is_port(rest));
}

static const char *text_complaint(const char *value)
{
	size_t len = strlen(value), i;

	if (!lf_text_is_utf8(value, len))
		return "is not UTF-8";
	for (i = 0; i < len; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return "has a control character in it";
	return NULL;
}

static int check_text(const struct lf_setting_def *def, const char *value,
		      char *why, size_t size)
{
	size_t max = def->max > 0 ? (size_t)def->max : TEXT_MAX;
	const char *complaint = text_complaint(value);

	if (strlen(value) > max)
		snprintf(why, size, "has at most %zu bytes", max);
	else if (complaint)
		snprintf(why, size, "%s", complaint);
	else if (def->type == LF_SET_ADDRESS && *value && !is_address(value))
		snprintf(why, size, "is a host, host:port or [IPv6]:port");
	else if (def->type == LF_SET_NUMBER &&
		 value[strspn(value, "0123456789+*#")])
		snprintf(why, size, "takes digits, +, * and # only");
	else if (def->type == LF_SET_HOURS && lf_hours_check(value))
		snprintf(why, size,
			 "is like 22:00-07:00, or mon-fri 19:00-07:00, sat-sun "
			 "00:00-24:00");
	else
		return 0;
	return -EINVAL;
}

static int check(const struct lf_setting_def *def, char *value, char *why,
		 size_t size)
{
	int64_t is_yes;

	switch (def->type) {
	case LF_SET_BOOL:
		if (!parse_bool(&is_yes, value)) {
			/* "no" fits where "0" did: room for "yes" is made. */
			memcpy(value, is_yes ? "yes" : "no",
			       is_yes ? sizeof("yes") : sizeof("no"));
			return 0;
		}
		snprintf(why, size, "is yes or no");
		return -EINVAL;
	case LF_SET_INT:
		return check_int(def, value, why, size);
	case LF_SET_ENUM:
		if (find_choice(def->choices, value) ||
		    (!*value && !*lf_setting_default(def)))
			return 0;
		snprintf(why, size, "is one of %s", def->choices);
		return -EINVAL;
	default:
		return check_text(def, value, why, size);
	}
}

int lf_setting_check(const struct lf_setting_def *def, const char *value,
		     char **ret, char *why, size_t size)
{
	size_t len = strlen(value);
	char *copy = calloc(1, len + sizeof("yes")), *trimmed;
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, len);
	/* A blank at the end of a password may be meant. */
	if (def->type != LF_SET_SECRET) {
		trimmed = lf_text_trim(copy);
		memmove(copy, trimmed, strlen(trimmed) + 1);
	}
	err = check(def, copy, why, size);
	if (err)
		lf_setting_value_free(def, copy);
	else
		*ret = copy;
	return err;
}

int64_t lf_setting_number(const struct lf_setting_def *def, const char *value)
{
	int64_t n = 0;

	if (def->type == LF_SET_BOOL)
		parse_bool(&n, value);
	else if (def->type == LF_SET_INT)
		lf_text_int(&n, value, def->min, def->max);
	return n;
}
