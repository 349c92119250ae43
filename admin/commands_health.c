/* admin/commands_health.c - top, health, exports and the support bundle. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/bundle.h"
#include "admin/commands.h"
#include "admin/control.h"
#include "admin/metrics.h"
#include "admin/server.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/secret.h"
#include "core/timer.h"
#include "monitor/export.h"
#include "monitor/history.h"
#include "monitor/metric.h"
#include "monitor/probe.h"

#include "core/banned.h"

/* ---- files: lampctl writes their bytes to standard output ---- */

static void send_file(struct lf_call *call, const void *data, size_t len)
{
	char *code = malloc(LF_BASE64_SIZE(len));

	if (!code) {
		lf_call_end(call, "Out of memory.");
		return;
	}
	lf_base64(code, data ? data : "", len);
	lf_call_row(call, json_pack("{s:s}", "base64", code));
	free(code);
	lf_call_end(call, NULL);
}

static void on_exported(int err, const void *data, size_t len, void *arg)
{
	if (err)
		lf_call_end(arg, strerror(-err));
	else
		send_file(arg, data, len);
}

static void run_export(struct lf_call *call, struct lf_server *server)
{
	const char *form = lf_call_arg(call, "form");
	struct lf_event_filter filter;
	int64_t max;
	const char *wrong = lf_call_event_filter(&filter, &max, call);
	int err;

	if (!wrong && (!form || (strcmp(form, "csv") && strcmp(form, "xlsx"))))
		wrong = "Export csv or xlsx.";
	if (wrong) {
		lf_call_end(call, wrong);
		return;
	}
	err = lf_events_export(server->monitor, &filter,
			       strcmp(form, "csv") ? LF_EXPORT_XLSX
						   : LF_EXPORT_CSV,
			       on_exported, call);
	if (err)
		lf_call_end(call, strerror(-err));
}

static void on_bundle(int err, const struct lf_buf *tar, void *arg)
{
	if (err)
		lf_call_end(arg, strerror(-err));
	else
		send_file(arg, tar->data, tar->len);
}

static void run_bundle(struct lf_call *call, struct lf_server *server)
{
	int err = lf_bundle_make(server, on_bundle, call);

	if (err)
		lf_call_end(call, strerror(-err));
}

/* ---- health: an exit status for scripts ---- */

static void run_health(struct lf_call *call, struct lf_server *server)
{
	struct lf_probe_sample s;
	struct lf_alarm alarm;
	size_t errors = 0, warnings = 0;
	char text[128];

	lf_probe_sample(server->monitor, &s);
	for (size_t i = 0; !lf_alarm_at(server->monitor, i, &alarm); i++) {
		if (alarm.is_disabled)
			continue;
		if (alarm.info->severity == LF_SEVERITY_ERROR)
			errors++;
		else
			warnings++;
		lf_call_say(call, "%s: %s%s%s",
			    lf_severity_name(alarm.info->severity),
			    alarm.subject, *alarm.subject ? ": " : "",
			    alarm.text);
	}
	lf_call_say(call,
		    "up %lld s; loop delay at most %g s for 99 %%; memory %llu "
		    "MB; disk free %llu of %llu MB; database %llu MB",
		    (long long)(lf_mono_ms() - server->started_ms) / 1000,
		    lf_histogram_at(&s.loop_late, 99),
		    (unsigned long long)s.own_memory >> 20,
		    (unsigned long long)s.disk_free >> 20,
		    (unsigned long long)s.disk_size >> 20,
		    (unsigned long long)s.database_size >> 20);
	snprintf(text, sizeof(text), "%zu errors, %zu warnings", errors,
		 warnings);
	lf_call_say(call, "%s", text);
	lf_call_end(call, errors ? text : NULL);
}

/* ---- top: all figures, each second ---- */

struct top {
	struct lf_call *call;
	struct lf_server *server;
	struct lf_timer timer;
	struct lf_list node;
};

/* "lampfield_users 7" to {"id":"users","figure":"users","value":"7"}. */
static void show_line(struct lf_call *call, char *line)
{
	static const char prefix[] = "lampfield_";
	char *value = strrchr(line, ' ');

	if (!value || *line == '#' || strstr(line, "_bucket{") ||
	    strncmp(line, prefix, strlen(prefix)))
		return;
	*value++ = '\0';
	line += strlen(prefix);
	lf_call_row(call, json_pack("{s:s, s:s, s:s}", "id", line, "figure",
				    line, "value", value));
}

static void on_top(struct lf_timer *timer, void *arg)
{
	struct top *top = arg;
	struct lf_buf text = {0};
	struct lf_metrics metrics = {.out = &text};
	char *rest, *line;

	lf_metrics_write(top->server, &metrics);
	rest = text.data;
	while (!lf_buf_error(&text) && (line = strsep(&rest, "\n")))
		show_line(top->call, line);
	lf_buf_done(&text);
	lf_timer_start(top->server->timers, timer, 1000);
}

static void end_top(struct top *top)
{
	lf_timer_stop(top->server->timers, &top->timer);
	lf_list_del(&top->node);
	lf_call_end(top->call, NULL);
	free(top);
}

static void on_top_gone(void *arg)
{
	end_top(arg);
}

static void run_top(struct lf_call *call, struct lf_server *server)
{
	struct top *top = calloc(1, sizeof(*top));

	if (!top) {
		lf_call_end(call, "Out of memory.");
		return;
	}
	top->call = call;
	top->server = server;
	lf_list_add_tail(&server->tops, &top->node);
	lf_timer_init(&top->timer, on_top, top);
	lf_call_columns(call, "figure value");
	lf_call_on_gone(call, on_top_gone, top);
	on_top(&top->timer, top);
}

void lf_tops_close(struct lf_server *server)
{
	LF_LIST_FOREACH_SAFE (node, &server->tops)
		end_top(LF_CONTAINER_OF(node, struct top, node));
}

const struct lf_command lf_health_commands[] = {
	{"health", run_health},
	{"top", run_top},
	{"events export", run_export},
	{"support-bundle", run_bundle},
	{NULL},
};
