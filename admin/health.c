/* admin/health.c - see health.h. */
#include "admin/health.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/server.h"
#include "core/certificate.h"
#include "core/clock.h"
#include "core/list.h"
#include "core/text.h"
#include "core/timer.h"
#include "directory/setting.h"
#include "monitor/event.h"
#include "monitor/history.h"
#include "presence/simple.h"
#include "store/store.h"

#include "core/banned.h"

#define LOOK_MS 1000
#define CERTIFICATE_LOOKS 60 /* a look at the files each minute */
#define DAY_MS (24LL * 3600 * 1000)
/* In the store while the server runs: found at a start, the last run died. */
#define BUCKET "monitor"
#define KEY "running"

/* A feed, and since when it is as it is. */
struct feed {
	struct lf_list node;
	char name[64];
	enum lf_feed_state state;
	int64_t since_ms;
	bool is_seen;
};

struct lf_health {
	struct lf_server *server;
	struct lf_timer look;
	struct lf_list feeds;
	bool has_started;
	unsigned looks;
	unsigned asked; /* answers that are still to come */
	bool is_closed;
};

/* ---- feeds ---- */

static struct feed *find_feed(struct lf_health *health, const char *name)
{
	struct feed *feed;

	LF_LIST_FOREACH (node, &health->feeds) {
		feed = LF_CONTAINER_OF(node, struct feed, node);
		if (!strcmp(feed->name, name))
			return feed;
	}
	feed = calloc(1, sizeof(*feed));
	if (!feed)
		return NULL;
	lf_text_copy(feed->name, sizeof(feed->name), name);
	feed->since_ms = lf_mono_ms();
	lf_list_add_tail(&health->feeds, &feed->node);
	return feed;
}

static void raise_once(struct lf_server *server, enum lf_event event,
		       const struct lf_simple_status *s)
{
	if (!lf_alarm_is_on(server->monitor, event, s->name))
		lf_event_raise(server->monitor, event, s->name, "%s: %s: %s",
			       s->server, lf_feed_state_name(s->state),
			       *s->why ? s->why
				       : lf_feed_state_remedy(s->state));
}

static void look_at_feed(struct lf_health *health,
			 const struct lf_simple_status *s)
{
	struct lf_server *server = health->server;
	struct feed *feed = find_feed(health, s->name);
	int64_t patience_ms;

	if (!feed)
		return;
	patience_ms =
		lf_setting_int(server->settings, "monitor.failing-after") *
		1000;
	feed->is_seen = true;
	if (feed->state != s->state) {
		feed->state = s->state;
		feed->since_ms = lf_mono_ms();
	}
	if (s->state != LF_FEED_CONNECTION_ERROR)
		lf_event_raise(server->monitor, LF_EVENT_FEED_UP, s->name,
			       "%s: %s", s->server,
			       lf_feed_state_name(s->state));
	if (s->state != LF_FEED_FORBIDDEN)
		lf_event_raise(server->monitor, LF_EVENT_FEED_ALLOWED, s->name,
			       "%s: %s", s->server,
			       lf_feed_state_name(s->state));
	if (!s->is_unresolved)
		lf_event_raise(server->monitor, LF_EVENT_DNS_WORKING, s->name,
			       "%s has an address.", s->server);
	if (lf_mono_ms() - feed->since_ms < patience_ms)
		return;
	if (s->is_unresolved)
		raise_once(server, LF_EVENT_DNS_FAILING, s);
	if (s->state == LF_FEED_CONNECTION_ERROR)
		raise_once(server, LF_EVENT_FEED_DOWN, s);
	if (s->state == LF_FEED_FORBIDDEN)
		raise_once(server, LF_EVENT_FEED_FORBIDDEN, s);
}

/* A feed that was taken out of the configuration troubles nobody. */
static void forget_unseen(struct lf_health *health)
{
	struct lf_monitor *monitor = health->server->monitor;

	LF_LIST_FOREACH_SAFE (node, &health->feeds) {
		struct feed *feed = LF_CONTAINER_OF(node, struct feed, node);

		if (feed->is_seen) {
			feed->is_seen = false;
			continue;
		}
		lf_event_raise(monitor, LF_EVENT_FEED_UP, feed->name,
			       "The feed was removed.");
		lf_event_raise(monitor, LF_EVENT_FEED_ALLOWED, feed->name,
			       "The feed was removed.");
		lf_event_raise(monitor, LF_EVENT_DNS_WORKING, feed->name,
			       "The feed was removed.");
		lf_list_del(&feed->node);
		free(feed);
	}
}

/* Alarms of the last run may name feeds that are gone. */
static void remember_alarmed(struct lf_health *health)
{
	struct lf_alarm alarm;

	for (size_t i = 0; !lf_alarm_at(health->server->monitor, i, &alarm);
	     i++) {
		if (alarm.info->id == LF_EVENT_FEED_DOWN ||
		    alarm.info->id == LF_EVENT_FEED_FORBIDDEN ||
		    alarm.info->id == LF_EVENT_DNS_FAILING)
			find_feed(health, alarm.subject);
	}
}

/* ---- certificates ---- */

static void look_at_certificate(struct lf_server *server, const char *path)
{
	int64_t days =
		lf_setting_int(server->settings, "monitor.certificate-days");
	int64_t end_ms, left_ms;
	char when[LF_RFC3339_SIZE];
	int err = lf_certificate_end(&end_ms, path);

	if (err) {
		if (!lf_alarm_is_on(server->monitor,
				    LF_EVENT_CERTIFICATE_EXPIRED, path))
			lf_event_raise(
				server->monitor, LF_EVENT_CERTIFICATE_EXPIRED,
				path, "It cannot be read: %s.", strerror(-err));
		return;
	}
	left_ms = end_ms - lf_wall_ms();
	lf_rfc3339(when, end_ms);
	if (left_ms > 0)
		lf_event_raise(server->monitor, LF_EVENT_CERTIFICATE_VALID,
			       path, "It is good until %s.", when);
	else if (!lf_alarm_is_on(server->monitor, LF_EVENT_CERTIFICATE_EXPIRED,
				 path))
		lf_event_raise(server->monitor, LF_EVENT_CERTIFICATE_EXPIRED,
			       path, "It ended at %s.", when);
	if (left_ms > days * DAY_MS || left_ms <= 0)
		lf_event_raise(server->monitor, LF_EVENT_CERTIFICATE_GOOD, path,
			       "It is good until %s.", when);
	else if (!lf_alarm_is_on(server->monitor, LF_EVENT_CERTIFICATE_EXPIRES,
				 path))
		lf_event_raise(server->monitor, LF_EVENT_CERTIFICATE_EXPIRES,
			       path, "It ends at %s.", when);
}

static void look_at_certificates(struct lf_server *server)
{
	const char *folder = lf_conf_text(server->conf, "sip", "tls-folder");
	char path[1024];

	look_at_certificate(server,
			    lf_conf_text(server->conf, "tls", "certificate"));
	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/agent.pem", folder);
	look_at_certificate(server, path);
}

static void on_look(struct lf_timer *timer, void *arg)
{
	struct lf_health *health = arg;
	struct lf_simple_status s;

	if (health->looks++ % CERTIFICATE_LOOKS == 0)
		look_at_certificates(health->server);

	for (size_t i = 0; !lf_simple_status(health->server->simple, i, &s);
	     i++)
		look_at_feed(health, &s);
	forget_unseen(health);
	lf_timer_start(health->server->timers, timer, LOOK_MS);
}

void lf_health_look(struct lf_health *health)
{
	if (health)
		look_at_certificates(health->server);
}

/* ---- starts and ends ---- */

static void free_if_done(struct lf_health *health)
{
	if (health->is_closed && !health->asked)
		free(health);
}

static void on_marked(int err, int64_t rev, void *arg)
{
	struct lf_health *health = arg;

	health->asked--;
	free_if_done(health);
}

static void on_last_run(int err, const struct lf_store_kv *rows, size_t n,
			void *arg)
{
	struct lf_health *health = arg;
	struct lf_server *server = health->server;

	health->asked--;
	if (!health->is_closed) {
		if (n)
			lf_event_raise(
				server->monitor, LF_EVENT_SERVER_DIED, "",
				"The run that began at %.*s did not "
				"end as it was told.",
				(int)rows->len, (const char *)rows->value);
		lf_event_raise(server->monitor, LF_EVENT_SERVER_STARTED, "",
			       "lampfieldd %s has started.", PACKAGE_VERSION);
		health->has_started = true;
	}
	if (!health->is_closed) {
		char now[LF_RFC3339_SIZE];

		lf_rfc3339(now, lf_wall_ms());
		if (!lf_store_put(server->store, BUCKET, KEY, now, strlen(now),
				  LF_STORE_ANY, on_marked, health))
			health->asked++;
	}
	free_if_done(health);
}

int lf_health_open(struct lf_health **ret, struct lf_server *server)
{
	struct lf_health *health = calloc(1, sizeof(*health));
	int err = -ENOMEM;

	if (!health)
		return err;
	health->server = server;
	lf_list_init(&health->feeds);
	lf_timer_init(&health->look, on_look, health);
	remember_alarmed(health);
	err = lf_timer_start(server->timers, &health->look, LOOK_MS);
	if (!err)
		err = lf_store_get(server->store, BUCKET, KEY, on_last_run,
				   health);
	if (err) {
		lf_health_close(health);
		return err;
	}
	health->asked = 1;
	*ret = health;
	return 0;
}

void lf_health_close(struct lf_health *health)
{
	if (!health)
		return;
	if (health->has_started) {
		lf_event_raise(health->server->monitor, LF_EVENT_SERVER_STOPPED,
			       "", "lampfieldd stops.");
		lf_store_del(health->server->store, BUCKET, KEY, LF_STORE_ANY,
			     NULL, NULL);
	}
	lf_timer_stop(health->server->timers, &health->look);
	LF_LIST_FOREACH_SAFE (node, &health->feeds)
		free(LF_CONTAINER_OF(node, struct feed, node));
	lf_list_init(&health->feeds);
	health->is_closed = true;
	free_if_done(health);
}
