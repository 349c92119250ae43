/*
 * presence/agent_settings.c - the settings of the presence server, and what is
 * done when they change.
 */
#include "presence/agent_internal.h"

#include <string.h>

#include "core/log.h"
#include "core/text.h"
#include "presence/members.h"
#include "sip/sip.h"

#include "core/banned.h"

#define TRUSTED_MAX 64
#define TRUSTED_SIZE 4608 /* of such a list */
#define SERVER(key) "presence-server." key

const struct lf_setting_def lf_agent_settings[] = {
	{SERVER("enable"), LF_SET_BOOL, "yes", 0, 0, NULL, NULL,
	 "Whether phones and other servers may subscribe to lamps here and "
	 "publish their own.",
	 NULL},
	{SERVER("trusted"), LF_SET_LIST, "", 0, 1024, NULL, NULL,
	 "Addresses and networks that may subscribe and publish for anybody, "
	 "without a password, such as a PBX.",
	 NULL},
	{SERVER("trusted-certificates"), LF_SET_LIST, "", 0, 4096, NULL, NULL,
	 "Names in certificates of peers that may do the same when they come "
	 "over TLS: hosts, addresses, SIP URIs, or sha256: and a fingerprint.",
	 NULL},
	{SERVER("realm"), LF_SET_TEXT, "lampfield", 0, 127, NULL, NULL,
	 "The realm in digest challenges; phones show it.", NULL},
	{SERVER("register"), LF_SET_BOOL, "yes", 0, 0, NULL, NULL,
	 "Answer REGISTER with 200, for softphones that publish only when "
	 "they are registered. Calls are not routed here.",
	 NULL},
	{SERVER("expires-min"), LF_SET_INT, "60", 1, 86400, NULL, "s",
	 "Subscriptions and publications shorter than this are refused.", NULL},
	{SERVER("expires-max"), LF_SET_INT, "3600", 60, 86400, NULL, "s",
	 "Longer ones are shortened to this.", NULL},
	{SERVER("max-watchers"), LF_SET_INT, "100000", 1, 250000, NULL, NULL,
	 "Subscriptions served at a time; further ones are refused.", NULL},
	{SERVER("notify-interval"), LF_SET_INT, "0", 0, 60000, NULL, "ms",
	 "Least time between two NOTIFYs of a subscription; the latest state "
	 "wins.",
	 NULL},
	{SERVER("partial-dialog"), LF_SET_LIST, "", 0, 1024, NULL, NULL,
	 "Watchers of dialog that are told only what changed: names, "
	 "name@domain, or addresses.",
	 NULL},
	{SERVER("show"), LF_SET_ENUM, "full", 0, 0, "full|basic|nothing", NULL,
	 "What watchers see of a person without a privacy setting: "
	 "everything, reachable or not, or nothing.",
	 "S274"},
	{SERVER("hide-digits"), LF_SET_INT, "3", 0, 32, NULL, NULL,
	 "Digits at the end of a forward's target that watchers do not see.",
	 "S116"},
	{"privacy.*.show", LF_SET_ENUM, "server", 0, 0,
	 "server|full|basic|nothing", NULL,
	 "What watchers see of this user (by user name).", "S274"},
	{"privacy.*.allow", LF_SET_LIST, "", 0, 1024, NULL, NULL,
	 "Watchers who see everything of this user all the same: names, or "
	 "name@domain.",
	 "S274"},
	{"list.*.group", LF_SET_TEXT, "", 0, 128, NULL, NULL,
	 "A department or group whose users are on the list sip:NAME@..., with "
	 "those of its document (lampctl list).",
	 "S10"},
	{"sip-user.*.password", LF_SET_SECRET, "", 0, 128, NULL, NULL,
	 "The password this user's phone answers a digest challenge with.",
	 NULL},
	{NULL},
};

/* ---- reading them ---- */

/* Who may ask without a password: hands the items of a setting to set(). */
static void read_trusted(struct lf_agent *agent, const char *setting,
			 int set(struct lf_sip *sip, const char *const *items),
			 const char *what)
{
	const char *list = lf_setting_text(agent->parts.settings, setting);
	const char *items[TRUSTED_MAX + 1] = {NULL};
	char copy[TRUSTED_SIZE], *rest = copy, *item;
	size_t n = 0;

	lf_text_copy(copy, sizeof(copy), list);
	while ((item = strsep(&rest, ",")) != NULL && n < TRUSTED_MAX) {
		item = lf_text_trim(item);
		if (*item)
			items[n++] = item;
	}
	if (set(agent->parts.sip, items))
		lf_log(LF_ERROR, "presence",
		       "%s: \"%s\" is no list of %s; the old one stays",
		       setting, list, what);
}

/* Nobody may see anything any more. */
static void end_all(struct lf_agent *agent)
{
	LF_LIST_FOREACH_SAFE (node, &agent->subs)
		lf_agent_sub_end(
			LF_CONTAINER_OF(node, struct lf_agent_sub, node),
			LF_REASON_REJECTED);
}

static void on_settings(void *arg)
{
	struct lf_agent *agent = arg;
	const struct lf_settings *s = agent->parts.settings;
	bool was_enabled = agent->is_enabled;
	unsigned hide_digits;

	agent->is_enabled = lf_setting_bool(s, "presence-server.enable");
	agent->is_registrar = lf_setting_bool(s, "presence-server.register");
	agent->least_s =
		(uint32_t)lf_setting_int(s, "presence-server.expires-min");
	agent->most_s =
		(uint32_t)lf_setting_int(s, "presence-server.expires-max");
	if (agent->least_s > agent->most_s)
		agent->least_s = agent->most_s;
	agent->max_watchers =
		(size_t)lf_setting_int(s, "presence-server.max-watchers");
	agent->interval_ms =
		lf_setting_int(s, "presence-server.notify-interval");
	hide_digits =
		(unsigned)lf_setting_int(s, "presence-server.hide-digits");
	if (hide_digits != agent->desk.hide_digits)
		lf_desk_forget(&agent->desk);
	agent->desk.hide_digits = hide_digits;
	agent->has_privacy = lf_setting_instance(s, "privacy.*", 0) != NULL;
	agent->has_groups = lf_setting_instance(s, "list.*", 0) != NULL;
	read_trusted(agent, "presence-server.trusted", lf_sip_set_trusted,
		     "addresses and networks");
	read_trusted(agent, "presence-server.trusted-certificates",
		     lf_sip_set_trusted_certificates, "names");
	if (was_enabled && !agent->is_enabled)
		end_all(agent);
	LF_LIST_FOREACH_SAFE (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		lf_agent_sub_level(sub);
		if (!sub->list && !sub->package->is_winfo &&
		    !lf_agent_is_too_soon(sub))
			lf_agent_sub_update(sub);
	}
}

void lf_agent_read_settings(struct lf_agent *agent)
{
	on_settings(agent);
}

static void on_groups(void *arg)
{
	on_settings(arg);
	lf_members_moved(arg);
}

static void on_realm(void *arg)
{
	lf_agent_open_access(arg);
	on_settings(arg);
}

int lf_agent_follow_settings(struct lf_agent *agent)
{
	struct lf_settings *s = agent->parts.settings;
	int err = lf_settings_on_change(s, "presence-server.", on_realm, agent);

	if (!err)
		err = lf_settings_on_change(s, "privacy.", on_settings, agent);
	if (!err)
		err = lf_settings_on_change(s, "list.", on_groups, agent);
	return err;
}
