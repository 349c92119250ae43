/*
 * presence/agent.c - the presence server: what a SUBSCRIBE asks for. What
 * follows is agent_sub.c's for one address, agent_list.c's for a list,
 * publish.c's for PUBLISH.
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
#include "presence/agent_list.h"
#include "presence/lists.h"
#include "presence/members.h"
#include "presence/publish.h"
#include "sip/notify.h"
#include "sip/sip.h"

#include "core/banned.h"

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
	{.name = "presence.winfo",
	 .accepts = {"application/watcherinfo+xml"},
	 .is_winfo = true},
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

/* Who asks about watchers, and may not. */
static int check_winfo(struct lf_agent *agent, struct lf_sip_request *req)
{
	const struct lf_user *user =
		lf_desk_user(&agent->desk, lf_sip_request_uri(req));

	if (!user)
		return -ENOENT;
	return lf_agent_is_self(agent, user, req) ? 0 : -EACCES;
}

static int subscribe(struct lf_agent *agent, struct lf_sip_request *req,
		     const struct lf_package *package, enum lf_format format,
		     uint32_t expires_s, const struct lf_members *members)
{
	struct lf_agent_asker asker;
	struct lf_agent_sub *sub;
	int err = package->is_winfo ? check_winfo(agent, req) : 0;

	if (err)
		return err;
	lf_agent_ask(agent, &asker, req);
	if (format == LF_FORMAT_DIALOG_INFO && !members &&
	    lf_agent_wants_parts(agent, &asker, req))
		format = LF_FORMAT_DIALOG_PARTIAL;
	err = lf_agent_sub_new(&sub, agent, package, format, &asker);
	if (err)
		return err;
	err = lf_agent_sub_sit(sub, lf_sip_request_uri(req), members);
	if (!err)
		err = lf_agent_sub_begin(sub, req, expires_s);
	if (err)
		lf_agent_sub_free(sub);
	return err;
}

static void subscribe_any(struct lf_agent *agent, struct lf_sip_request *req,
			  const struct lf_package *package,
			  enum lf_format format, uint32_t expires_s)
{
	struct lf_members members = {.is_kept = false};
	int err = package->is_winfo ? -ENOENT
				    : lf_members_asked(&members, agent, req);
	bool is_list = !err;

	if (!is_list || !lf_agent_refuse_list(agent, req)) {
		if (is_list || err == -ENOENT)
			err = subscribe(agent, req, package, format, expires_s,
					is_list ? &members : NULL);
		if (err)
			lf_agent_refuse_error(agent, req, err);
	}
	lf_members_done(&members);
}

static void on_subscribe(struct lf_sip_request *req, void *arg)
{
	struct lf_agent *agent = arg;
	const struct lf_package *package =
		lf_agent_package(lf_sip_request_header(req, "Event"));
	enum lf_format format;
	uint32_t expires_s;

	agent->stats.subscribes++;
	if (!agent->is_enabled)
		lf_agent_refuse(agent, req, 403, "Forbidden", NULL);
	else if (lf_agent_refuse_require(agent, req))
		return;
	else if (!package)
		lf_agent_refuse_event(agent, req);
	else if (find_format(&format, package,
			     lf_sip_request_header(req, "Accept")))
		lf_agent_refuse(agent, req, 406, "Not Acceptable", NULL);
	else if (agent->sub_count >= agent->max_watchers)
		lf_agent_refuse(agent, req, 503, "Too Many Subscriptions",
				NULL);
	else if (!lf_agent_expires(agent, req, lf_agent_asked(req), &expires_s))
		subscribe_any(agent, req, package, format, expires_s);
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
		lf_agent_refuse(agent, req, 405, "Method Not Allowed", NULL);
	else
		lf_sip_reply(req, 200, "OK", extra);
}

/* ---- life ---- */

static int handle_requests(struct lf_agent *agent)
{
	static const struct lf_sip_header options[] = {
		{"Accept", "application/pidf+xml, application/dialog-info+xml, "
			   "application/simple-message-summary, "
			   "application/resource-lists+xml"},
		{"Allow-Events", LF_ALLOW_EVENTS},
		{"Supported", "eventlist, recipient-list-subscribe"},
		{NULL}};
	struct lf_sip *sip = agent->parts.sip;
	int err;

	err = lf_sip_tell_options(sip, options);
	if (!err)
		err = lf_sip_on_repeatable(sip, "SUBSCRIBE", on_subscribe,
					   agent);
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
	lf_agent_winfo_init(agent);
	lf_agent_access_init(agent);
	err = lf_desk_open(&agent->desk, parts->timers, parts->board,
			   parts->directory);
	if (err) {
		free(agent);
		return err;
	}
	lf_agent_read_settings(agent);
	/* Before the subscriptions: they may be to lists. */
	err = lf_members_open(agent);
	if (!err)
		err = lf_publish_open(&agent->publish, agent);
	if (!err)
		err = lf_agent_save_open(agent);
	if (!err)
		err = lf_agent_open_access(agent);
	if (!err)
		err = lf_agent_follow_access(agent);
	if (!err)
		err = lf_agent_follow_settings(agent);
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
	lf_timer_stop(agent->parts.timers, &agent->winfo_turn);
	lf_timer_stop(agent->parts.timers, &agent->access_turn);
	lf_agent_save_close(agent);
	free_subs(&agent->subs);
	free_subs(&agent->ending);
	lf_publish_close(agent->publish);
	lf_members_close(agent);
	lf_desk_close(&agent->desk);
	free(agent);
}

/* ---- looking in ---- */

void lf_agent_stats(const struct lf_agent *agent, struct lf_agent_stats *out)
{
	*out = agent->stats;
	out->watchers = agent->sub_count;
	out->lists = agent->list_count;
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
		.uri = lf_agent_sub_uri(sub),
		.user_id = sub->list ? "" : sub->seat.presentity->user->id,
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
	const struct lf_user *user =
		user_id ? lf_user_find(agent->parts.directory, user_id) : NULL;

	LF_LIST_FOREACH (node, &agent->subs) {
		const struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (!user_id || lf_agent_sub_shows(sub, user))
			show_watcher(sub, fn, arg);
	}
}

void lf_agent_publications(const struct lf_agent *agent,
			   lf_agent_publication_fn *fn, void *arg)
{
	lf_publish_each(agent->publish, fn, arg);
}
