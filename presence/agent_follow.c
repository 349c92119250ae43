/*
 * presence/agent_follow.c - what the settings are now, and what is done when
 * they change. Apart from their table, which tests of other rooms need alone.
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
