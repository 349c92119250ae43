/* admin/commands_monitor.c - events, alarms and the MIB. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/server.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/text.h"
#include "directory/setting.h"
#include "monitor/document.h"
#include "monitor/history.h"
#include "monitor/notify.h"

#include "core/banned.h"

#define PAGE 50
#define EVENTS_TEST_MAX 10000

/* ---- events ---- */

/* "2026-01-20" is its first moment in UTC. -EINVAL. */
static int parse_when(int64_t *ret, const char *text)
{
	char full[LF_RFC3339_SIZE + 8];

	if (!text)
		return 0;
	snprintf(full, sizeof(full), strchr(text, 'T') ? "%s" : "%sT00:00:00Z",
		 text);
	return lf_rfc3339_parse(ret, full);
}

static int parse_kind(struct lf_event_filter *f, struct lf_call *call)
{
	const char *severity = lf_call_arg(call, "severity");
	const char *event = lf_call_arg(call, "event");
	const struct lf_event_info *info;

	if (severity && lf_severity_parse(&f->at_least, severity))
		return -EINVAL;
	if (!event)
		return 0;
	info = lf_event_parse(event);
	if (!info)
		return -EINVAL;
	f->event = info->id;
	return 0;
}

const char *lf_call_event_filter(struct lf_event_filter *f, int64_t *max,
				 struct lf_call *call)
{
	const char *before = lf_call_arg(call, "before");
	const char *limit = lf_call_arg(call, "max");

	*f = (struct lf_event_filter){
		.application = lf_call_arg(call, "application"),
		.category = lf_call_arg(call, "category"),
		.text = lf_call_arg(call, "text"),
	};
	if (parse_when(&f->from_ms, lf_call_arg(call, "from")) ||
	    parse_when(&f->to_ms, lf_call_arg(call, "to")))
		return "A time is 2026-01-20 or 2026-01-20T09:30:00Z.";
	if (parse_kind(f, call))
		return "A severity is information, warning or error; an event "
		       "is a number or a name of `lampctl events catalogue`.";
	if (before && lf_text_int(&f->before_id, before, 1, INT64_MAX))
		return "before= takes the number of an event.";
	if (limit && lf_text_int(max, limit, 1, LF_EVENTS_MAX))
		return "max= is 1 to 1000.";
	return NULL;
}

static json_t *event_row(const struct lf_event_row *row)
{
	char name[LF_EVENT_NAME_SIZE], first[LF_RFC3339_SIZE],
		last[LF_RFC3339_SIZE];

	return json_pack(
		"{s:I, s:s, s:s, s:I, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}",
		"id", (json_int_t)row->id, "when",
		lf_rfc3339(first, row->first_ms), "last",
		lf_rfc3339(last, row->last_ms), "count", (json_int_t)row->count,
		"severity", lf_severity_name(row->info->severity), "event",
		(int)row->info->id, "name", lf_event_name(name, row->info),
		"application", row->info->application, "category",
		row->info->category, "subject", row->subject, "text", row->text,
		"remedy", row->info->remedy);
}

static void on_events(int err, const struct lf_event_row *rows, size_t n,
		      void *arg)
{
	struct lf_call *call = arg;

	lf_call_columns(call,
			"id when count severity application name subject text");
	for (size_t i = 0; i < n; i++)
		lf_call_row(call, event_row(&rows[i]));
	lf_call_end(call, err ? strerror(-err) : NULL);
}

static void run_events(struct lf_call *call, struct lf_server *server)
{
	struct lf_event_filter filter;
	int64_t max = PAGE;
	const char *wrong = lf_call_event_filter(&filter, &max, call);
	int err;

	if (wrong) {
		lf_call_end(call, wrong);
		return;
	}
	err = lf_events_read(server->monitor, &filter, (unsigned)max, on_events,
			     call);
	if (err)
		lf_call_end(call, err == -E2BIG
					  ? "A text filter is four words at "
					    "most."
					  : strerror(-err));
}

static void run_catalogue(struct lf_call *call, struct lf_server *server)
{
	const struct lf_event_info *info;
	char name[LF_EVENT_NAME_SIZE];

	lf_call_columns(call, "event name severity application category text");
	for (size_t i = 0; (info = lf_event_at(i)); i++)
		lf_call_row(
			call,
			json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i}",
				  "event", (int)info->id, "name",
				  lf_event_name(name, info), "severity",
				  lf_severity_name(info->severity),
				  "application", info->application, "category",
				  info->category, "text", info->text, "remedy",
				  info->remedy, "clears", (int)info->clears));
	lf_call_end(call, NULL);
}

/* Through the whole of it: log, folding, channels. */
static void run_events_test(struct lf_call *call, struct lf_server *server)
{
	const char *word = lf_call_arg(call, "count");
	int64_t count = 1;
	char subject[32];

	if (word && lf_text_int(&count, word, 1, EVENTS_TEST_MAX)) {
		lf_call_end(call, "Raise 1 to 10000 test events at once.");
		return;
	}
	for (int64_t i = 1; i <= count; i++) {
		snprintf(subject, sizeof(subject), "test %lld", (long long)i);
		lf_event_raise(server->monitor, LF_EVENT_NOTIFICATION_TEST,
			       subject, "Test %lld of %lld, by %s.",
			       (long long)i, (long long)count,
			       lf_call_by(call));
	}
	lf_call_end(call, NULL);
}

/* ---- alarms ---- */

static json_t *alarm_row(const struct lf_alarm *alarm)
{
	char name[LF_EVENT_NAME_SIZE], since[LF_RFC3339_SIZE];

	return json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:s, s:I, s:b}", "since",
		lf_rfc3339(since, alarm->since_ms), "severity",
		lf_severity_name(alarm->info->severity), "event",
		(int)alarm->info->id, "name", lf_event_name(name, alarm->info),
		"subject", alarm->subject, "text", alarm->text, "count",
		(json_int_t)alarm->count, "remedy", alarm->info->remedy, "id",
		(json_int_t)alarm->event_id, "disabled", alarm->is_disabled);
}

static void run_alarms(struct lf_call *call, struct lf_server *server)
{
	struct lf_alarm alarm;
	size_t i;

	lf_call_columns(call, "since severity name subject text disabled");
	for (i = 0; !lf_alarm_at(server->monitor, i, &alarm); i++)
		lf_call_row(call, alarm_row(&alarm));
	for (i = 0; !lf_alarm_at(server->monitor, i, &alarm); i++)
		lf_call_say(call, "%s%s%s: %s", alarm.subject,
			    *alarm.subject ? ": " : "", alarm.text,
			    alarm.info->remedy);
	if (!i)
		lf_call_say(call, "No alarm.");
	lf_call_end(call, NULL);
}

/* ---- notifications ---- */

static const char *const channel_switch[LF_CHANNELS] = {
	[LF_CHANNEL_MAIL] = "mail.enable",
	[LF_CHANNEL_TRAP] = "trap.enable",
	[LF_CHANNEL_WEBHOOK] = "webhook.enable",
	[LF_CHANNEL_PROCESS] = "process.enable",
};

static void run_notify(struct lf_call *call, struct lf_server *server)
{
	char engine[LF_TRAP_ENGINE_SIZE], until[LF_RFC3339_SIZE];
	struct lf_notify_stats stats;

	lf_notify_stats(server->monitor, &stats);
	lf_call_columns(call, "channel enabled waiting sent failed");
	for (int c = 0; c < LF_CHANNELS; c++)
		lf_call_row(call,
			    json_pack("{s:s, s:b, s:I, s:I, s:I}", "channel",
				      lf_channel_name((enum lf_channel)c),
				      "enabled",
				      (int)lf_setting_bool(server->settings,
							   channel_switch[c]),
				      "waiting", (json_int_t)stats.waiting[c],
				      "sent", (json_int_t)stats.sent[c],
				      "failed", (json_int_t)stats.failed[c]));
	lf_call_say(call, "SNMPv3 engine id: 0x%s",
		    lf_trap_engine(server->monitor, engine));
	if (stats.held)
		lf_call_say(call,
			    "Held back until %s, then one mail for each "
			    "recipient (mail.quiet-hours, "
			    "mail.digest-interval): %zu",
			    lf_rfc3339(until, stats.held_until_ms), stats.held);
	lf_call_end(call, NULL);
}

static void on_tested(int err, const char *text, void *arg)
{
	struct lf_call *call = arg;

	if (!err)
		lf_call_say(call, "%s", text);
	lf_call_end(call, err ? text : NULL);
}

static void run_notify_test(struct lf_call *call, struct lf_server *server)
{
	const char *word = lf_call_arg(call, "channel");
	int c, err = -EINVAL;

	for (c = 0; c < LF_CHANNELS; c++) {
		if (lf_text_equal(word, lf_channel_name((enum lf_channel)c)))
			break;
	}
	if (c < LF_CHANNELS)
		err = lf_notify_test(server->monitor, (enum lf_channel)c,
				     on_tested, call);
	if (err == -EINVAL)
		lf_call_end(call, "Test mail, trap, webhook or process.");
	else if (err == -ENOENT)
		lf_call_end(call, "It is not configured: see `lampctl get "
				  "mail.`, trap., webhook. or process.");
	else if (err)
		lf_call_end(call, strerror(-err));
}

static void run_mib(struct lf_call *call, struct lf_server *server)
{
	struct lf_buf mib = {0};
	int err = lf_document_mib(
		&mib, lf_setting_text(server->settings, "trap.base-oid"));

	if (!err)
		lf_call_row(call, json_pack("{s:s}", "raw", lf_buf_str(&mib)));
	lf_buf_done(&mib);
	lf_call_end(call, err ? "trap.base-oid is not below .1.3.6.1.4.1 "
				"(enterprises)."
			      : NULL);
}

const struct lf_command lf_monitor_commands[] = {
	{"events", run_events},
	{"events catalogue", run_catalogue},
	{"events test", run_events_test},
	{"alarms", run_alarms},
	{"notify", run_notify},
	{"notify test", run_notify_test},
	{"mib", run_mib},
	{NULL},
};
