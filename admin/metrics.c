/* admin/metrics.c - see metrics.h. */
#include "admin/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admin/server.h"
#include "chat/chat.h"
#include "console/console.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/listen.h"
#include "core/log_file.h"
#include "core/secret.h"
#include "core/text.h"
#include "directory/setting.h"
#include "directory/user.h"
#include "monitor/history.h"
#include "monitor/metric.h"
#include "monitor/notify.h"
#include "monitor/probe.h"
#include "presence/agent.h"
#include "presence/board.h"
#include "presence/simple.h"
#include "sip/sip.h"
#include "store/store.h"

#include "core/banned.h"

static void gauge(struct lf_metrics *m, const char *name, const char *help,
		  double value)
{
	lf_metric_family(m, name, LF_GAUGE, NULL, help);
	lf_metric_sample(m, NULL, NULL, value);
}

static void counter(struct lf_metrics *m, const char *name, const char *help,
		    double value)
{
	lf_metric_family(m, name, LF_COUNTER, NULL, help);
	lf_metric_sample(m, NULL, NULL, value);
}

static void bytes(struct lf_metrics *m, const char *name, const char *help,
		  double value)
{
	lf_metric_family(m, name, LF_GAUGE, "bytes", help);
	lf_metric_sample(m, NULL, NULL, value);
}

/* ---- one room each ---- */

static void write_server(struct lf_server *server, struct lf_metrics *m)
{
	struct lf_probe_sample s;

	lf_probe_sample(server->monitor, &s);
	lf_metric_family(m, "build_info", LF_GAUGE, NULL, "The version.");
	lf_metric_sample(m, "version", PACKAGE_VERSION, 1);
	lf_metric_family(m, "uptime_seconds", LF_GAUGE, "seconds",
			 "Time since the start.");
	lf_metric_sample(m, NULL, NULL,
			 (double)(lf_mono_ms() - server->started_ms) / 1000);
	lf_metric_family(m, "loop_delay_seconds", LF_HISTOGRAM, "seconds",
			 "How late the event loop came to its timer.");
	lf_metric_histogram(m, &s.loop_late);
	bytes(m, "resident_memory_bytes", "Memory we use.",
	      (double)s.own_memory);
	bytes(m, "machine_memory_free_bytes", "Memory that is available.",
	      (double)s.memory_free);
	bytes(m, "disk_free_bytes", "Free space on the database's disk.",
	      (double)s.disk_free);
	bytes(m, "disk_size_bytes", "Size of the database's disk.",
	      (double)s.disk_size);
	bytes(m, "database_size_bytes", "Size of the database.",
	      (double)s.database_size);
	counter(m, "log_lines_lost", "Lines that log-file could not take.",
		(double)lf_log_file_lost());
	gauge(m, "machine_cpu_percent", "Load of all processors.",
	      s.cpu_percent);
}

static void write_store(struct lf_server *server, struct lf_metrics *m)
{
	struct lf_store_stats s;

	lf_store_stats(server->store, &s);
	counter(m, "store_operations", "Operations on the store.",
		(double)s.operations);
	counter(m, "store_commits", "Transactions committed.",
		(double)s.commits);
	counter(m, "store_failed", "Operations that failed.", (double)s.failed);
	gauge(m, "store_queued", "Bytes waiting for the store.",
	      (double)s.queued);
	lf_metric_family(m, "store_commit_seconds", LF_HISTOGRAM, "seconds",
			 "Duration of commits.");
	lf_metric_histogram(m, &s.commit_times);
	lf_metric_family(m, "store_last_commit_seconds", LF_GAUGE, "seconds",
			 "Duration of the last commit.");
	lf_metric_sample(m, NULL, NULL, (double)s.last_commit_us / 1e6);
}

static void write_sip(struct lf_server *server, struct lf_metrics *m)
{
	struct lf_sip_stats s;

	lf_sip_stats(server->sip, &s);
	counter(m, "sip_requests_received", "SIP requests received.",
		(double)s.requests_in);
	counter(m, "sip_requests_sent", "SIP requests sent.",
		(double)s.requests_out);
	counter(m, "sip_notifies_received", "NOTIFYs received.",
		(double)s.notifies_in);
	counter(m, "sip_notifies_sent", "NOTIFYs sent.",
		(double)s.notifies_out);
	counter(m, "sip_timeouts", "SIP requests without an answer.",
		(double)s.timeouts);
	counter(m, "sip_strangers", "Requests refused: source not known.",
		(double)s.strangers);
	counter(m, "sip_malformed", "Messages that were no SIP.",
		(double)s.malformed);
	counter(m, "sip_auth_failed", "Digest logins refused.",
		(double)s.auth_failed);
	gauge(m, "sip_in_flight", "Requests waiting for an answer.",
	      (double)s.in_flight);
	gauge(m, "sip_queued", "Requests held back by pacing.",
	      (double)s.queued);
}

static void write_presence(struct lf_server *server, struct lf_metrics *m)
{
	struct lf_board_stats board;
	struct lf_agent_stats agent;

	lf_board_stats(server->board, &board);
	gauge(m, "users", "Users in the directory.",
	      (double)lf_directory_count(server->directory));
	gauge(m, "persons_watched", "Persons that are watched.",
	      (double)board.persons);
	gauge(m, "persons_wanted", "Persons somebody looks at now.",
	      (double)board.wanted);
	counter(m, "reports", "Reports from feeds.", (double)board.reports);
	counter(m, "lamp_changes", "Lamps that moved.", (double)board.changes);
	if (!server->agent)
		return;
	lf_agent_stats(server->agent, &agent);
	gauge(m, "agent_watchers", "Phones and servers that watch us.",
	      (double)agent.watchers);
	gauge(m, "agent_publications", "States published to us.",
	      (double)agent.publications);
	counter(m, "agent_notifies", "NOTIFYs to watchers.",
		(double)agent.notifies);
	counter(m, "agent_lost", "Watchers that went away unannounced.",
		(double)agent.lost);
}

/* Sums over feeds would hide the one that is down: a sample for each. */
static void write_feeds(struct lf_server *server, struct lf_metrics *m)
{
	static const struct {
		const char *name, *help;
	} gauges[] = {
		{"feed_watches", "Lines watched at the feed."},
		{"feed_active", "Watches that are active."},
		{"feed_requesting", "Watches not answered yet."},
		{"feed_failed", "Watches that failed."},
		{"feed_in_flight", "Requests waiting for the feed."},
		{"feed_queued", "Requests held back for the feed."},
	};
	struct lf_simple_status s;

	lf_metric_family(m, "feed_up", LF_GAUGE, NULL,
			 "1: the feed answers; 0: it does not.");
	for (size_t i = 0; !lf_simple_status(server->simple, i, &s); i++)
		lf_metric_sample(m, "feed", s.name, s.state >= LF_FEED_UP);
	for (size_t g = 0; g < sizeof(gauges) / sizeof(*gauges); g++) {
		lf_metric_family(m, gauges[g].name, LF_GAUGE, NULL,
				 gauges[g].help);
		for (size_t i = 0; !lf_simple_status(server->simple, i, &s);
		     i++) {
			const size_t values[] = {s.watches,    s.active,
						 s.requesting, s.failed,
						 s.in_flight,  s.queued};

			lf_metric_sample(m, "feed", s.name, (double)values[g]);
		}
	}
}

static void write_console(struct lf_server *server, struct lf_metrics *m)
{
	struct lf_console_stats s;

	lf_console_stats(server->console, &s);
	gauge(m, "console_connections", "Console connections.",
	      (double)s.connections);
	gauge(m, "console_sessions", "Operators logged in.",
	      (double)s.sessions);
	gauge(m, "console_subscriptions", "Topics consoles follow.",
	      (double)s.subscriptions);
	gauge(m, "console_rows", "Rows that consoles see.", (double)s.rows);
	counter(m, "console_lines", "Lines received from consoles.",
		(double)s.lines_in);
	counter(m, "console_events", "Events sent to consoles.",
		(double)s.events_out);
	counter(m, "console_conflated", "Events replaced by newer ones.",
		(double)s.conflated);
	counter(m, "console_slow_closed", "Consoles closed as too slow.",
		(double)s.slow_closed);
	lf_metric_family(m, "lamp_to_console_seconds", LF_HISTOGRAM, "seconds",
			 "From a lamp's move until consoles are written to.");
	lf_metric_histogram(m, &s.lamp_times);
}

static void write_chat(struct lf_server *server, struct lf_metrics *m)
{
	struct lf_chat_stats s;

	if (!server->chat)
		return;
	lf_chat_stats(server->chat, &s);
	gauge(m, "chat_sockets", "Connections of customers and agents.",
	      (double)s.sockets);
	gauge(m, "chat_contacts", "Contacts that are open.",
	      (double)s.contacts);
	gauge(m, "chat_queued", "Contacts that wait for an agent.",
	      (double)s.queued);
	gauge(m, "chat_rooms", "Contacts with an agent.", (double)s.rooms);
	gauge(m, "chat_agents", "Agents logged in.", (double)s.agents);
	gauge(m, "chat_agents_ready", "Agents that take contacts.",
	      (double)s.ready_agents);
	counter(m, "chat_messages_received", "Messages received.",
		(double)s.messages_in);
	counter(m, "chat_messages_sent", "Messages sent.",
		(double)s.messages_out);
	counter(m, "chat_refused", "Requests refused.", (double)s.refused);
	counter(m, "chat_slow_closed", "Connections closed as too slow.",
		(double)s.slow_closed);
	lf_metric_family(m, "chat_stored_seconds", LF_HISTOGRAM, "seconds",
			 "From a message received until it is committed.");
	lf_metric_histogram(m, &s.stored_times);
}

static void write_monitor(struct lf_server *server, struct lf_metrics *m)
{
	struct lf_notify_stats s;
	struct lf_alarm alarm;
	size_t on[LF_SEVERITY_ERROR + 1] = {0};

	for (size_t i = 0; !lf_alarm_at(server->monitor, i, &alarm); i++)
		on[alarm.info->severity] += !alarm.is_disabled;
	lf_metric_family(m, "alarms", LF_GAUGE, NULL, "Alarms that are on.");
	for (int i = LF_SEVERITY_WARNING; i <= LF_SEVERITY_ERROR; i++)
		lf_metric_sample(m, "severity",
				 lf_severity_name((enum lf_severity)i),
				 (double)on[i]);
	counter(m, "events", "Events raised.",
		(double)lf_event_count(server->monitor));
	lf_notify_stats(server->monitor, &s);
	lf_metric_family(m, "notifications_waiting", LF_GAUGE, NULL,
			 "Notifications not delivered yet.");
	for (int c = 0; c < LF_CHANNELS; c++)
		lf_metric_sample(m, "channel",
				 lf_channel_name((enum lf_channel)c),
				 (double)s.waiting[c]);
	lf_metric_family(m, "notifications_sent", LF_COUNTER, NULL,
			 "Notifications delivered.");
	for (int c = 0; c < LF_CHANNELS; c++)
		lf_metric_sample(m, "channel",
				 lf_channel_name((enum lf_channel)c),
				 (double)s.sent[c]);
	lf_metric_family(m, "notifications_failed", LF_COUNTER, NULL,
			 "Notifications given up.");
	for (int c = 0; c < LF_CHANNELS; c++)
		lf_metric_sample(m, "channel",
				 lf_channel_name((enum lf_channel)c),
				 (double)s.failed[c]);
}

void lf_metrics_write(struct lf_server *server, struct lf_metrics *m)
{
	write_server(server, m);
	write_store(server, m);
	write_sip(server, m);
	write_presence(server, m);
	write_feeds(server, m);
	write_console(server, m);
	write_chat(server, m);
	write_monitor(server, m);
	lf_metrics_end(m);
}

/* ---- /metrics ---- */

static bool is_local(const char *peer)
{
	return lf_text_starts(peer, "127.") || lf_text_starts(peer, "[::1]");
}

static bool has_token(struct lf_server *server, const struct lf_web_call *call)
{
	const char *token = lf_setting_text(server->settings, "metrics.token");
	const char *given = lf_web_header(call, "authorization");
	uint8_t a[LF_SHA256_SIZE], b[LF_SHA256_SIZE];

	if (!*token || !given || !lf_text_starts(given, "Bearer "))
		return false;
	given += strlen("Bearer ");
	lf_sha256(a, token, strlen(token));
	lf_sha256(b, given, strlen(given));
	return lf_secret_equal(a, b, sizeof(a));
}

static void on_get(struct lf_web_call *call, void *arg)
{
	struct lf_server *server = arg;
	const char *accept = lf_web_header(call, "accept");
	struct lf_buf out = {0};
	struct lf_metrics m = {.out = &out};

	if (!is_local(lf_web_peer(call)) && !has_token(server, call)) {
		lf_web_answer(call, 403, "text/plain", "metrics.token\n", 14);
		return;
	}
	m.is_openmetrics =
		accept && strstr(accept, "application/openmetrics-text");
	lf_metrics_write(server, &m);
	if (lf_buf_error(&out))
		lf_web_answer(call, 503, "text/plain", "", 0);
	else
		lf_web_answer(
			call, 200,
			m.is_openmetrics
				? "application/openmetrics-text; "
				  "version=1.0.0; charset=utf-8"
				: "text/plain; version=0.0.4; charset=utf-8",
			out.data, out.len);
	lf_buf_done(&out);
}

int lf_metrics_serve(struct lf_server *server)
{
	return lf_web_route(server->web, "GET", "/metrics", 0, on_get, server);
}
