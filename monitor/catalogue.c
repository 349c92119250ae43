/* monitor/catalogue.c - events.def as a table. */
#include "monitor/event.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/text.h"

#include "core/banned.h"

static const struct lf_event_info events[] = {
#define LF_EVENT(name, number, app, cat, sev, clear, says, todo)               \
	{.id = LF_EVENT_##name,                                                \
	 .token = #name,                                                       \
	 .application = app,                                                   \
	 .category = cat,                                                      \
	 .severity = LF_SEVERITY_##sev,                                        \
	 .clears = LF_EVENT_##clear,                                           \
	 .text = says,                                                         \
	 .remedy = todo},
#include "monitor/events.def"
#undef LF_EVENT
};

#define N_EVENTS (sizeof(events) / sizeof(*events))

const struct lf_event_info *lf_event_at(size_t i)
{
	return i < N_EVENTS ? &events[i] : NULL;
}

const struct lf_event_info *lf_event_find(int id)
{
	size_t low = 0, high = N_EVENTS, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if ((int)events[middle].id == id)
			return &events[middle];
		if ((int)events[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct lf_event_info *lf_event_parse(const char *word)
{
	char name[LF_EVENT_NAME_SIZE];
	int64_t id;

	if (!lf_text_int(&id, word, 1, 1 << 30))
		return lf_event_find((int)id);
	for (size_t i = 0; i < N_EVENTS; i++) {
		if (lf_text_equal(word, events[i].token) ||
		    lf_text_equal(word, lf_event_name(name, &events[i])))
			return &events[i];
	}
	return NULL;
}

bool lf_event_is_alarm(const struct lf_event_info *info)
{
	for (size_t i = 0; i < N_EVENTS; i++) {
		if (events[i].clears == info->id)
			return true;
	}
	return false;
}

static const char *const severities[] = {
	[LF_SEVERITY_INFORMATION] = "information",
	[LF_SEVERITY_WARNING] = "warning",
	[LF_SEVERITY_ERROR] = "error",
};

const char *lf_severity_name(enum lf_severity severity)
{
	return severities[severity];
}

int lf_severity_parse(enum lf_severity *ret, const char *word)
{
	for (int i = LF_SEVERITY_INFORMATION; i <= LF_SEVERITY_ERROR; i++) {
		if (!lf_text_equal(word, severities[i]))
			continue;
		*ret = (enum lf_severity)i;
		return 0;
	}
	return -EINVAL;
}

char *lf_event_name(char out[LF_EVENT_NAME_SIZE],
		    const struct lf_event_info *info)
{
	char *c;

	lf_text_copy(out, LF_EVENT_NAME_SIZE, info->token);
	for (c = out; *c; c++)
		*c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	return out;
}

char *lf_event_mib_name(char out[LF_EVENT_NAME_SIZE],
			const struct lf_event_info *info)
{
	const char *from = info->token;
	char *to = out;

	for (; *from && to < out + LF_EVENT_NAME_SIZE - 1; from++) {
		if (*from == '_')
			*to++ = *++from;
		else
			*to++ = (char)tolower((unsigned char)*from);
	}
	*to = '\0';
	return out;
}
