/*
 * presence/agent.c - the presence server: which SUBSCRIBE is for whom, and the
 * settings. What follows is agent_sub.c's for one address, agent_list.c's for
 * a list, publish.c's for PUBLISH.
 */
#include "presence/agent.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "directory/user.h"
#include "presence/agent_internal.h"
#include "presence/publish.h"
#include "sip/notify.h"
#include "sip/sip.h"

#include "core/banned.h"

#define ALLOW_EVENTS "presence, dialog, message-summary"
#define TRUSTED_MAX 64

static const struct lf_package packages[] = {
	{.name = "presence",
	 .accepts = {"application/pidf+xml", "application/cpim-pidf+xml",
		     "application/xpidf+xml"},
	 .formats = {LF_FORMAT_PIDF, LF_FORMAT_PIDF, LF_FORMAT_XPIDF}},
	{.name = "dialog",
	 .accepts = {"application/dialog-info+xml"},
	 .formats = {LF_FORMAT_DIALOG_INFO}},
	{.name = "message-summary",
	 .accepts = {"application/simple-message-summary"},
	 .formats = {LF_FORMAT_SUMMARY}},
};

#define N_PACKAGES (sizeof(packages) / sizeof(packages[0]))

/* ---- reading a SUBSCRIBE ---- */

const struct lf_package *lf_agent_package(const char *event)
{
	size_t len = event ? strcspn(event, "; \t") : 0;

	for (size_t i = 0; i < N_PACKAGES; i++)
		if (len == strlen(packages[i].name) &&
		    !strncasecmp(event, packages[i].name, len))
			return &packages[i];
	return NULL;
}

/* One media range of Accept, without parameters, against a type. */
static bool is_accepted(const char *range, size_t len, const char *type)
{
	return (len == 3 && !memcmp(range, "*/*", 3)) ||
	       (len == 13 && !strncasecmp(range, "application/*", 13)) ||
	       (len == strlen(type) && !strncasecmp(range, type, len));
}

/* The first of ours that is among theirs; none asked for: the default. */
static int find_format(enum lf_format *ret, const struct lf_package *package,
		       const char *accept)
{
	*ret = package->formats[0];
	if (!accept || !*accept)
		return 0;
	for (size_t i = 0; i < 4 && package->accepts[i]; i++) {
		const char *range = accept;

		while (*range) {
			size_t len;

			range += strspn(range, ", \t");
			len = strcspn(range, ",; \t");
			if (len &&
			    is_accepted(range, len, package->accepts[i])) {
				*ret = package->formats[i];
				return 0;
			}
			range += strcspn(range, ",");
		}
	}
	return -ENOENT;
}

static uint32_t asked_expires(struct lf_sip_request *req)
{
	const char *text = lf_sip_request_header(req, "Expires");
	int64_t value;

	if (!text || lf_text_int(&value, text, 0, UINT32_MAX))
		return LF_SIP_ABSENT;
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX - 1;
}

static void refuse(struct lf_agent *agent, struct lf_sip_request *req,
		   int status, const char *phrase,
		   const struct lf_sip_header *extra)
{
	agent->stats.refused++;
	lf_sip_reply(req, status, phrase, extra);
}

static void refuse_event(struct lf_agent *agent, struct lf_sip_request *req)
{
	const struct lf_sip_header extra[] = {{"Allow-Events", ALLOW_EVENTS},
					      {NULL}};

	refuse(agent, req, 489, "Bad Event", extra);
}

static void refuse_error(struct lf_agent *agent, struct lf_sip_request *req,
			 int err)
{
	if (err == -ENOENT)
		refuse(agent, req, 404, "Not Found", NULL);
	else if (err == -EPROTO || err == -EINVAL || err == -E2BIG)
		refuse(agent, req, 400, "Bad Request", NULL);
	else
		refuse(agent, req, 500, "Server Internal Error", NULL);
}

static void on_subscribe(struct lf_sip_request *req, void *arg)
{
	struct lf_agent *agent = arg;
	const struct lf_package *package =
		lf_agent_package(lf_sip_request_header(req, "Event"));
	struct lf_agent_sub *sub;
	enum lf_format format;
	uint32_t expires_s;
	int err;

	agent->stats.subscribes++;
	if (!agent->is_enabled) {
		refuse(agent, req, 403, "Forbidden", NULL);
		return;
	}
	if (!package) {
		refuse_event(agent, req);
		return;
	}
	if (find_format(&format, package,
			lf_sip_request_header(req, "Accept"))) {
		refuse(agent, req, 406, "Not Acceptable", NULL);
		return;
	}
	if (lf_agent_expires(agent, req, asked_expires(req), &expires_s))
		return;
	err = lf_agent_sub_new(&sub, agent, package, format,
			       lf_sip_request_from(req));
	if (!err) {
		err = lf_agent_sub_begin(sub, req, lf_sip_request_uri(req),
					 expires_s);
		if (err)
			lf_agent_sub_free(sub);
	}
	if (err)
		refuse_error(agent, req, err);
}

/* ---- REGISTER: softphones want one before they publish ---- */

static void on_register(struct lf_sip_request *req, void *arg)
{
	struct lf_agent *agent = arg;
	const char *contact = lf_sip_request_header(req, "Contact");
	const char *expires = lf_sip_request_header(req, "Expires");
	const struct lf_sip_header extra[] = {
		{contact ? "Contact" : NULL, contact},
		{expires ? "Expires" : NULL, expires},
		{NULL}};

	if (!agent->is_enabled || !agent->is_registrar)
		refuse(agent, req, 405, "Method Not Allowed", NULL);
	else
		lf_sip_reply(req, 200, "OK", extra);
}

/* ---- settings ---- */

/* Addresses and networks that may ask without a password. */
static void read_trusted(struct lf_agent *agent)
{
	const char *list = lf_setting_text(agent->parts.settings,
					   "presence-server.trusted");
	const char *items[TRUSTED_MAX + 1] = {NULL};
	char copy[2048], *rest = copy, *item;
	size_t n = 0;

	lf_text_copy(copy, sizeof(copy), list);
	while ((item = strsep(&rest, ",")) != NULL && n < TRUSTED_MAX) {
		item = lf_text_trim(item);
		if (*item)
			items[n++] = item;
	}
	if (lf_sip_set_trusted(agent->parts.sip, items))
		lf_log(LF_ERROR, "presence",
		       "presence-server.trusted: \"%s\" is no list of "
		       "addresses and networks; the old one stays",
		       list);
}

static void on_settings(void *arg)
{
	struct lf_agent *agent = arg;
	const struct lf_settings *s = agent->parts.settings;
	unsigned hide_digits;

	agent->is_enabled = lf_setting_bool(s, "presence-server.enable");
	agent->is_registrar = lf_setting_bool(s, "presence-server.register");
	agent->least_s =
		(uint32_t)lf_setting_int(s, "presence-server.expires-min");
	agent->most_s =
		(uint32_t)lf_setting_int(s, "presence-server.expires-max");
	if (agent->least_s > agent->most_s)
		agent->least_s = agent->most_s;
	agent->interval_ms =
		lf_setting_int(s, "presence-server.notify-interval");
	hide_digits =
		(unsigned)lf_setting_int(s, "presence-server.hide-digits");
	if (hide_digits != agent->desk.hide_digits)
		lf_desk_forget(&agent->desk);
	agent->desk.hide_digits = hide_digits;
	agent->has_privacy = lf_setting_instance(s, "privacy.*", 0) != NULL;
	read_trusted(agent);
	LF_LIST_FOREACH_SAFE (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		sub->level = (uint8_t)lf_agent_level(
			agent, sub->seat.presentity->user, sub->watcher);
		lf_agent_sub_update(sub);
	}
}

static void on_realm(void *arg)
{
	lf_agent_open_access(arg);
	on_settings(arg);
}

static int listen_to_settings(struct lf_agent *agent)
{
	struct lf_settings *s = agent->parts.settings;
	int err = lf_settings_on_change(s, "presence-server.", on_realm, agent);

	if (!err)
		err = lf_settings_on_change(s, "privacy.", on_settings, agent);
	return err;
}

/* ---- life ---- */

static int handle_requests(struct lf_agent *agent)
{
	struct lf_sip *sip = agent->parts.sip;
	int err;

	err = lf_sip_on_repeatable(sip, "SUBSCRIBE", on_subscribe, agent);
	if (!err)
		err = lf_sip_on_repeatable(sip, "PUBLISH", lf_publish_request,
					   agent->publish);
	if (!err)
		err = lf_sip_on_repeatable(sip, "REGISTER", on_register, agent);
	return err;
}

int lf_agent_open(struct lf_agent **ret, const struct lf_agent_parts *parts)
{
	struct lf_agent *agent = calloc(1, sizeof(*agent));
	int err;

	if (!agent)
		return -ENOMEM;
	agent->parts = *parts;
	lf_list_init(&agent->subs);
	lf_list_init(&agent->ending);
	err = lf_desk_open(&agent->desk, parts->timers, parts->board,
			   parts->directory);
	if (err) {
		free(agent);
		return err;
	}
	on_settings(agent);
	err = lf_publish_open(&agent->publish, agent);
	if (!err)
		err = lf_agent_save_open(agent);
	if (!err)
		err = lf_agent_open_access(agent);
	if (!err)
		err = listen_to_settings(agent);
	if (!err)
		err = handle_requests(agent);
	if (err) {
		lf_agent_close(agent);
		return err;
	}
	*ret = agent;
	return 0;
}

static void free_subs(struct lf_list *head)
{
	LF_LIST_FOREACH_SAFE (node, head)
		lf_agent_sub_free(
			LF_CONTAINER_OF(node, struct lf_agent_sub, node));
}

void lf_agent_close(struct lf_agent *agent)
{
	if (!agent)
		return;
	lf_agent_save_close(agent);
	free_subs(&agent->subs);
	free_subs(&agent->ending);
	lf_publish_close(agent->publish);
	lf_desk_close(&agent->desk);
	free(agent);
}

/* ---- looking in ---- */

void lf_agent_stats(const struct lf_agent *agent, struct lf_agent_stats *out)
{
	*out = agent->stats;
	out->watchers = agent->sub_count;
	out->publications = lf_publish_count(agent->publish);
}

static void show_watcher(const struct lf_agent_sub *sub,
			 lf_agent_watcher_fn *fn, void *arg)
{
	static const char *const levels[] = {"full", "basic", "nothing"};
	int64_t left_ms = sub->ends_ms - lf_mono_ms();
	const struct lf_agent_watcher w = {
		.id = sub->id,
		.watcher = sub->watcher,
		.uri = sub->seat.presentity->uri,
		.user_id = sub->seat.presentity->user->id,
		.event = lf_sip_notifier_event(sub->notifier),
		.transport = lf_sip_notifier_transport(sub->notifier),
		.target = lf_sip_notifier_target(sub->notifier),
		.shown = levels[sub->level],
		.expires_s = left_ms / 1000,
	};

	fn(&w, arg);
}

void lf_agent_watchers(const struct lf_agent *agent, const char *user_id,
		       lf_agent_watcher_fn *fn, void *arg)
{
	LF_LIST_FOREACH (node, &agent->subs) {
		const struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (!user_id ||
		    !strcmp(user_id, sub->seat.presentity->user->id))
			show_watcher(sub, fn, arg);
	}
}

void lf_agent_publications(const struct lf_agent *agent,
			   lf_agent_publication_fn *fn, void *arg)
{
	lf_publish_each(agent->publish, fn, arg);
}
