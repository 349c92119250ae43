/*
 * monitor/monitor.c - opening and closing the room, and the path that one
 * event takes through it.
 */
#include "monitor/monitor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "monitor/notify_internal.h"
#include "store/store.h"

#include "core/banned.h"

void lf_monitor_ref(struct lf_monitor *monitor)
{
	monitor->refs++;
}

void lf_monitor_unref(struct lf_monitor *monitor)
{
	void (*closed)(void *arg) = monitor->closed;
	void *arg = monitor->closed_arg;

	if (--monitor->refs)
		return;
	lf_mail_done(monitor);
	lf_trap_done(monitor);
	lf_webhook_done(monitor);
	lf_process_done(monitor);
	lf_probe_done(monitor);
	lf_history_done(monitor);
	lf_alarm_done(monitor);
	free(monitor->store_path);
	free(monitor->node);
	free(monitor);
	if (closed)
		closed(arg);
}

void lf_event_key(char out[LF_EVENT_KEY_SIZE], enum lf_event event,
		  const char *subject)
{
	unsigned id = (unsigned)event;
	char digits[12];
	size_t n = 0;

	/* Not by snprintf(): in a storm that would be half of all the work. */
	do
		digits[n++] = (char)('0' + id % 10);
	while (id /= 10);
	while (n)
		*out++ = digits[--n];
	*out++ = '/';
	lf_text_copy(out, LF_EVENT_SUBJECT_MAX, subject);
}

bool lf_event_is_listed(const struct lf_monitor *monitor, const char *setting,
			const struct lf_event_info *info)
{
	const char *item = lf_setting_text(monitor->settings, setting), *end;
	char word[LF_EVENT_NAME_SIZE];

	for (; *item; item = *end ? end + 1 : end) {
		end = item + strcspn(item, ",");
		lf_text_copy_n(word, sizeof(word), item, (size_t)(end - item));
		if (lf_event_parse(lf_text_trim(word)) == info)
			return true;
	}
	return false;
}

/* ---- one event ---- */

static enum lf_log_level log_level(const struct lf_event_info *info)
{
	if (info->severity == LF_SEVERITY_INFORMATION)
		return LF_INFO;
	return info->severity == LF_SEVERITY_WARNING ? LF_WARN : LF_ERROR;
}

static void log_event(const struct lf_event_info *info,
		      const struct lf_event_note *note)
{
	char name[LF_EVENT_NAME_SIZE];

	lf_log(log_level(info), info->application, "event %d %s%s%s: %s",
	       (int)info->id, lf_event_name(name, info),
	       *note->subject ? " " : "", note->subject, note->text);
}

/* Any bytes come in; text without control characters stays. */
static void clean_copy(char *out, size_t size, const char *text)
{
	size_t len;

	lf_text_copy(out, size, text);
	for (char *c = out; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	len = strlen(out);
	if (lf_text_is_utf8(out, len))
		return;
	for (char *c = out; *c; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
}

static void take(struct lf_monitor *monitor, const struct lf_event_info *info,
		 struct lf_event_note *note)
{
	enum lf_alarm_step step = lf_alarm_take(monitor, info, note);

	if (step == LF_ALARM_WAS_NOT)
		return;
	monitor->raised++;
	if (!lf_history_add(monitor, note))
		return;
	if (step == LF_ALARM_BEGAN)
		lf_alarm_link(monitor, note);
	log_event(info, note);
	lf_notify_event(monitor, info, note);
}

void lf_event_raise(struct lf_monitor *monitor, enum lf_event event,
		    const char *subject, const char *fmt, ...)
{
	const struct lf_event_info *info = lf_event_find((int)event);
	struct lf_event_note note = {.event = event, .count = 1};
	char text[LF_EVENT_TEXT_MAX];
	va_list ap;

	if (!info)
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	clean_copy(note.text, sizeof(note.text), text);
	clean_copy(note.subject, sizeof(note.subject), subject ? subject : "");
	note.first_ms = note.last_ms = lf_wall_ms();
	if (!monitor || monitor->is_closing)
		log_event(info, &note);
	else
		take(monitor, info, &note);
}

/* ---- opening and closing ---- */

static void on_alarms(int err, void *arg)
{
	struct lf_monitor *monitor = arg;

	if (!monitor->is_closing)
		monitor->ready(err ? err : monitor->open_err,
			       monitor->ready_arg);
	lf_monitor_unref(monitor);
}

static int open_channels(struct lf_monitor *monitor)
{
	int err = lf_fetcher_open(&monitor->fetcher,
				  lf_store_loop(monitor->store));

	if (!err)
		err = lf_mail_open(monitor);
	if (!err)
		err = lf_trap_open(monitor);
	if (!err)
		err = lf_webhook_open(monitor);
	if (!err)
		err = lf_process_open(monitor);
	if (!err)
		err = lf_probe_open(monitor);
	return err;
}

static void on_history(int err, void *arg)
{
	struct lf_monitor *monitor = arg;

	if (!err && !monitor->is_closing)
		err = open_channels(monitor);
	if (!err && !monitor->is_closing) {
		err = lf_alarm_load(monitor, on_alarms, monitor);
		if (!err)
			return;
	}
	on_alarms(err, monitor);
}

int lf_monitor_open(struct lf_monitor **ret, const struct lf_monitor_opts *opts,
		    void (*ready)(int err, void *arg), void *arg)
{
	struct lf_monitor *monitor = calloc(1, sizeof(*monitor));
	char host[256] = "";
	int err = -ENOMEM;

	if (!monitor)
		return err;
	monitor->refs = 1;
	monitor->timers = opts->timers;
	monitor->store = opts->store;
	monitor->settings = opts->settings;
	monitor->ready = ready;
	monitor->ready_arg = arg;
	lf_list_init(&monitor->alarm_order);
	lf_list_init(&monitor->history.rows);
	lf_list_init(&monitor->history.parked);
	monitor->store_path = strdup(opts->store_path);
	if (opts->node)
		lf_text_copy(host, sizeof(host), opts->node);
	else if (gethostname(host, sizeof(host) - 1))
		lf_text_copy(host, sizeof(host), "localhost");
	monitor->node = strdup(host);
	if (!monitor->store_path || !monitor->node)
		goto fail;
	lf_monitor_ref(monitor);
	err = lf_history_open(monitor, on_history, monitor);
	if (err) {
		monitor->refs--;
		goto fail;
	}
	*ret = monitor;
	return 0;
fail:
	lf_monitor_close(monitor, NULL, NULL);
	return err;
}

static void on_fetcher_closed(void *arg)
{
	lf_monitor_unref(arg);
}

void lf_monitor_close(struct lf_monitor *monitor, void (*closed)(void *arg),
		      void *arg)
{
	lf_history_close(monitor);
	monitor->is_closing = true;
	monitor->closed = closed;
	monitor->closed_arg = arg;
	lf_mail_close(monitor);
	lf_trap_close(monitor);
	lf_webhook_close(monitor);
	lf_process_close(monitor);
	lf_probe_close(monitor);
	if (monitor->fetcher) {
		lf_monitor_ref(monitor);
		lf_fetcher_close(monitor->fetcher, on_fetcher_closed, monitor);
	}
	lf_monitor_unref(monitor);
}
