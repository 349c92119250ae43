/* admin/bundle.c - see bundle.h. */
#include "admin/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "admin/metrics.h"
#include "admin/server.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "directory/setting.h"
#include "monitor/export.h"
#include "monitor/history.h"
#include "monitor/metric.h"
#include "presence/simple.h"

#include "core/banned.h"

#define BLOCK 512

struct bundle {
	struct lf_server *server;
	struct lf_buf tar;
	lf_bundle_fn *done;
	void *arg;
};

/* ---- ustar ---- */

static void put_octal(char *field, size_t size, uint64_t value)
{
	snprintf(field, size, "%0*llo", (int)size - 1,
		 (unsigned long long)value);
}

void lf_tar_add(struct lf_buf *tar, const char *name, const void *data,
		size_t len)
{
	static const char zeros[BLOCK];
	char head[BLOCK] = {0};
	unsigned sum = 0;

	snprintf(head, 100, "%s", name);
	put_octal(head + 100, 8, 0600);
	put_octal(head + 108, 8, 0);
	put_octal(head + 116, 8, 0);
	put_octal(head + 124, 12, len);
	put_octal(head + 136, 12, (uint64_t)(lf_wall_ms() / 1000));
	memset(head + 148, ' ', 8);
	head[156] = '0';
	memcpy(head + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)head[i];
	snprintf(head + 148, 8, "%06o", sum);
	lf_buf_add(tar, head, BLOCK);
	lf_buf_add(tar, data, len);
	lf_buf_add(tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

void lf_tar_end(struct lf_buf *tar)
{
	static const char zeros[2 * BLOCK];

	lf_buf_add(tar, zeros, sizeof(zeros));
}

/* ---- the files ---- */

static void add_file(struct bundle *b, const char *name, struct lf_buf *text)
{
	char path[64];

	snprintf(path, sizeof(path), "lampfield/%s", name);
	if (lf_buf_error(text))
		b->tar.failed = true;
	else
		lf_tar_add(&b->tar, path, lf_buf_str(text), text->len);
	lf_buf_reset(text);
}

static void write_version(const struct bundle *b, struct lf_buf *out)
{
	char now[LF_RFC3339_SIZE];
	struct utsname u;

	lf_buf_addf(out, "lampfieldd %s\nmade %s\nup %lld s\n", PACKAGE_VERSION,
		    lf_rfc3339(now, lf_wall_ms()),
		    (long long)(lf_mono_ms() - b->server->started_ms) / 1000);
	if (!uname(&u))
		lf_buf_addf(out, "%s %s %s\n", u.sysname, u.release, u.machine);
}

/* An SNMP community is a password that does not know it. */
static bool is_as_good_as_secret(const struct lf_setting_view *view)
{
	return !view->is_default && !strcmp(view->name, "trap.community");
}

/* Values of secrets never leave lf_setting_next(). */
static void write_settings(const struct bundle *b, struct lf_buf *out)
{
	struct lf_setting_view view;
	size_t i = 0;

	while (lf_setting_next(b->server->settings, "", &i, &view))
		lf_buf_addf(out, "%s%s = %s\n", view.is_default ? "#" : "",
			    view.name,
			    is_as_good_as_secret(&view) ? "(set)" : view.value);
}

/* lampfield.conf holds paths and addresses, no secret. */
static void write_conf(const struct bundle *b, struct lf_buf *out)
{
	const struct lf_conf_key *key = lf_server_conf;
	const char *text;

	for (; key->section; key++) {
		switch (key->type) {
		case LF_CONF_TEXT:
			text = lf_conf_text(b->server->conf, key->section,
					    key->name);
			lf_buf_addf(out, "[%s] %s = %s\n", key->section,
				    key->name, text ? text : "");
			break;
		case LF_CONF_INT:
			lf_buf_addf(out, "[%s] %s = %lld\n", key->section,
				    key->name,
				    (long long)lf_conf_int(b->server->conf,
							   key->section,
							   key->name));
			break;
		case LF_CONF_BOOL:
		case LF_CONF_LIST:
			break;
		}
	}
}

static void write_alarms(const struct bundle *b, struct lf_buf *out)
{
	char name[LF_EVENT_NAME_SIZE], since[LF_RFC3339_SIZE];
	struct lf_alarm alarm;

	for (size_t i = 0; !lf_alarm_at(b->server->monitor, i, &alarm); i++)
		lf_buf_addf(out, "%s %s %s %s: %s\n",
			    lf_rfc3339(since, alarm.since_ms),
			    lf_severity_name(alarm.info->severity),
			    lf_event_name(name, alarm.info), alarm.subject,
			    alarm.text);
}

static void write_feeds(const struct bundle *b, struct lf_buf *out)
{
	struct lf_simple_status s;

	for (size_t i = 0; !lf_simple_status(b->server->simple, i, &s); i++)
		lf_buf_addf(out,
			    "%s server=%s transport=%s dialect=%s package=%s "
			    "state=%s watches=%zu active=%zu failed=%zu "
			    "why=%s hint=%s\n",
			    s.name, s.server, s.transport, s.dialect, s.package,
			    lf_feed_state_name(s.state), s.watches, s.active,
			    s.failed, s.why, s.hint);
}

static void write_metrics(const struct bundle *b, struct lf_buf *out)
{
	struct lf_metrics metrics = {.out = out};

	lf_metrics_write(b->server, &metrics);
}

static void on_events(int err, const void *data, size_t len, void *arg)
{
	static const struct {
		const char *name;
		void (*write)(const struct bundle *b, struct lf_buf *out);
	} files[] = {
		{"version.txt", write_version},
		{"settings.txt", write_settings},
		{"lampfield.conf", write_conf},
		{"alarms.txt", write_alarms},
		{"feeds.txt", write_feeds},
		{"metrics.txt", write_metrics},
	};
	struct bundle *b = arg;
	struct lf_buf text = {0};

	for (size_t i = 0; !err && i < sizeof(files) / sizeof(*files); i++) {
		files[i].write(b, &text);
		add_file(b, files[i].name, &text);
	}
	if (!err) {
		lf_tar_add(&b->tar, "lampfield/events.csv", data, len);
		lf_log_recent(&text);
		add_file(b, "log.txt", &text);
		lf_tar_end(&b->tar);
		err = lf_buf_error(&b->tar);
	}
	b->done(err, &b->tar, b->arg);
	lf_buf_done(&text);
	lf_buf_done(&b->tar);
	free(b);
}

int lf_bundle_make(struct lf_server *server, lf_bundle_fn *done, void *arg)
{
	const struct lf_event_filter newest = {
		.from_ms = lf_wall_ms() - 7LL * 24 * 3600 * 1000};
	struct bundle *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->server = server;
	b->done = done;
	b->arg = arg;
	err = lf_events_export(server->monitor, &newest, LF_EXPORT_CSV,
			       on_events, b);
	if (err)
		free(b);
	return err;
}
