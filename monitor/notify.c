/* monitor/notify.c - which channels an event takes. */
#include "monitor/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "monitor/notify_internal.h"

#include "core/banned.h"

static const struct {
	const char *name, *severity;
} channels[LF_CHANNELS] = {
	[LF_CHANNEL_MAIL] = {"mail", "mail.severity"},
	[LF_CHANNEL_TRAP] = {"trap", "trap.severity"},
	[LF_CHANNEL_WEBHOOK] = {"webhook", "webhook.severity"},
	[LF_CHANNEL_PROCESS] = {"process", "process.severity"},
};

const char *lf_channel_name(enum lf_channel channel)
{
	return channels[channel].name;
}

const char *lf_event_setting(const struct lf_monitor *monitor,
			     const char *family,
			     const struct lf_event_info *info)
{
	char name[LF_EVENT_NAME_SIZE];
	const char *value;

	snprintf(name, sizeof(name), "%d", (int)info->id);
	value = lf_setting_of(monitor->settings, family, name);
	if (*value)
		return value;
	return lf_setting_of(monitor->settings, family,
			     lf_event_name(name, info));
}

bool lf_list_has(const char *list, const char *word)
{
	size_t len;

	for (; *list; list += len + (list[len] == ',')) {
		while (*list == ' ' || *list == ',')
			list++;
		len = strcspn(list, ",");
		if (len >= strlen(word) &&
		    !strncasecmp(list, word, strlen(word)) &&
		    strspn(list + strlen(word), " ") == len - strlen(word))
			return true;
	}
	return false;
}

/* So it is told where its beginning was. */
enum lf_severity lf_event_weight(const struct lf_event_info *info)
{
	return info->clears ? lf_event_find((int)info->clears)->severity
			    : info->severity;
}

static bool takes(const struct lf_monitor *monitor, enum lf_channel channel,
		  const struct lf_event_info *info)
{
	const char *only = lf_event_setting(monitor, "event.*.notify", info);
	enum lf_severity least = LF_SEVERITY_WARNING;

	if (*only)
		return lf_list_has(only, channels[channel].name);
	if (info->id == LF_EVENT_HEARTBEAT)
		return channel == LF_CHANNEL_TRAP;
	lf_severity_parse(&least, lf_setting_text(monitor->settings,
						  channels[channel].severity));
	return lf_event_weight(info) >= least;
}

void lf_notify_event(struct lf_monitor *monitor,
		     const struct lf_event_info *info,
		     const struct lf_event_note *note)
{
	if (lf_event_is_listed(monitor, "monitor.disabled", info))
		return;
	if (info->clears &&
	    lf_event_is_listed(monitor, "monitor.disabled",
			       lf_event_find((int)info->clears)))
		return;
	if (takes(monitor, LF_CHANNEL_MAIL, info))
		lf_mail_add(monitor, info, note);
	if (takes(monitor, LF_CHANNEL_TRAP, info))
		lf_trap_add(monitor, info, note);
	if (takes(monitor, LF_CHANNEL_WEBHOOK, info))
		lf_webhook_add(monitor, info, note);
	if (takes(monitor, LF_CHANNEL_PROCESS, info))
		lf_process_add(monitor, info, note);
}

void lf_event_json(struct lf_buf *out, const struct lf_monitor *monitor,
		   const struct lf_event_info *info,
		   const struct lf_event_note *note)
{
	char name[LF_EVENT_NAME_SIZE], when[LF_RFC3339_SIZE];

	lf_buf_adds(out, "{\"node\":");
	lf_buf_add_json(out, monitor->node);
	lf_buf_addf(out,
		    ",\"id\":%lld,\"event\":%d,\"name\":\"%s\",\"severity\":"
		    "\"%s\",\"application\":\"%s\",\"category\":\"%s\","
		    "\"when\":\"%s\",\"clears\":%d,\"subject\":",
		    (long long)note->id, (int)info->id,
		    lf_event_name(name, info), lf_severity_name(info->severity),
		    info->application, info->category,
		    lf_rfc3339(when, note->first_ms), (int)info->clears);
	lf_buf_add_json(out, note->subject);
	lf_buf_adds(out, ",\"text\":");
	lf_buf_add_json(out, note->text);
	lf_buf_adds(out, ",\"remedy\":");
	lf_buf_add_json(out, info->remedy);
	lf_buf_addc(out, '}');
}

/* ---- tests by an administrator ---- */

int lf_notify_test(struct lf_monitor *monitor, enum lf_channel channel,
		   lf_notify_test_fn *done, void *arg)
{
	static lf_channel_test_fn *const tests[LF_CHANNELS] = {
		lf_mail_test, lf_trap_test, lf_webhook_test, lf_process_test};
	struct lf_event_note note = {
		.event = LF_EVENT_NOTIFICATION_TEST,
		.count = 1,
		.text = "A test, asked for by an administrator.",
	};

	note.first_ms = note.last_ms = lf_wall_ms();
	return tests[channel](monitor, lf_event_find((int)note.event), &note,
			      done, arg);
}

void lf_notify_stats(const struct lf_monitor *monitor,
		     struct lf_notify_stats *ret)
{
	*ret = (struct lf_notify_stats){0};
	lf_mail_stats(monitor, ret);
	lf_trap_stats(monitor, ret);
	lf_webhook_stats(monitor, ret);
	lf_process_stats(monitor, ret);
}
