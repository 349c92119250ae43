/*
 * chat/config_tables.c - what the configuration has several of: skillsets,
 * agents, comfort, pages, closed reasons, screen pops. Each is a family of
 * settings (chat.skillset.NAME.*) and becomes a row of a table.
 */
#include "chat/config_reading.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"
#include "directory/setting.h"
#include "directory/user.h"

#include "core/banned.h"

static bool is_choice(struct lf_chat_reading *r, const char *family,
		      const char *instance, const char *choice)
{
	return lf_text_equal(lf_setting_of(r->settings, family, instance),
			     choice);
}

static size_t count(const struct lf_chat_reading *r, const char *family)
{
	size_t n = 0;

	while (lf_setting_instance(r->settings, family, n))
		n++;
	return n;
}

static void *table(struct lf_chat_reading *r, size_t n, size_t size)
{
	void *rows = calloc(n + 1, size);

	if (!rows)
		r->has_failed = true;
	return rows;
}

/* ---- skillsets ---- */

/* A number that stays the same when other skillsets come and go. */
static int64_t made_number(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return (int64_t)(hash & 0x7fffffff) | 1;
}

static void read_skillset(struct lf_chat_reading *r, struct lf_chat_skillset *s,
			  const char *i)
{
	s->name = lf_chat_read_keep(r, i);
	s->display_name =
		lf_chat_read_text(r, "chat.skillset.*.displayName", i);
	if (!*s->display_name)
		s->display_name = s->name;
	s->route_point = lf_chat_read_text(r, "chat.skillset.*.routePoint", i);
	s->welcome = lf_chat_read_text(r, "chat.skillset.*.welcomeMessage", i);
	s->in_chat_comfort =
		lf_chat_read_text(r, "chat.skillset.*.inChatComfortGroup", i);
	s->comfort_groups =
		lf_chat_read_text(r, "chat.skillset.*.comfortGroups", i);
	s->url_groups =
		lf_chat_read_text(r, "chat.skillset.*.webOnHoldUrlGroups", i);
	s->is_outbound = is_choice(r, "chat.skillset.*.kind", i, "outbound");
	s->in_service = lf_chat_read_bool(r, "chat.skillset.*.inService", i);
	s->has_external_ewt =
		is_choice(r, "chat.skillset.*.ewtSource", i, "external");
	s->queue_id = lf_chat_read_int(r, "chat.skillset.*.queueId", i);
	if (!s->queue_id)
		s->queue_id = made_number(i);
	s->ccms_id = lf_chat_read_int(r, "chat.skillset.*.queueCCMSId", i);
	s->max_queued = (unsigned)lf_chat_read_int(
		r, "chat.skillset.*.maxQueuedChats", i);
	s->priority =
		(unsigned)lf_chat_read_int(r, "chat.skillset.*.priority", i);
	s->ewt_samples =
		(unsigned)lf_chat_read_int(r, "chat.skillset.*.ewtSamples", i);
	s->ewt_default_s = (unsigned)lf_chat_read_int(
		r, "chat.skillset.*.ewtDefaultAnswerSeconds", i);
	if (is_choice(r, "chat.skillset.*.strategy", i, "fewest-chats"))
		s->strategy = LF_CHAT_FEWEST_CHATS;
	s->phrases = lf_chat_read_json(
		r, "chat.skillset.*.autoPhrases",
		lf_setting_of(r->settings, "chat.skillset.*.autoPhrases", i),
		JSON_OBJECT);
	s->urls = lf_chat_read_json(
		r, "chat.skillset.*.pagePushUrls",
		lf_setting_of(r->settings, "chat.skillset.*.pagePushUrls", i),
		JSON_OBJECT);
}

static void read_skillsets(struct lf_chat_reading *r)
{
	struct lf_chat_config *c = r->config;
	const char *i;

	c->skillsets =
		table(r, count(r, "chat.skillset.*"), sizeof(*c->skillsets));
	while (!r->has_failed &&
	       (i = lf_setting_instance(r->settings, "chat.skillset.*",
					c->n_skillsets)))
		read_skillset(r, &c->skillsets[c->n_skillsets++], i);
}

/* ---- agents ---- */

static void read_agent(struct lf_chat_reading *r, struct lf_chat_agent_def *a,
		       const struct lf_user *user, const char *i)
{
	int64_t max = lf_chat_read_int(r, "chat.agent.*.maxContacts", i);

	a->id = lf_chat_read_keep(r, user->username);
	a->first_name = lf_chat_read_keep(r, user->first_name);
	a->last_name = lf_chat_read_keep(r, user->last_name);
	a->skillsets = lf_chat_read_text(r, "chat.agent.*.skillsets", i);
	a->supervisor = lf_chat_read_text(r, "chat.agent.*.supervisor", i);
	a->may_observe =
		lf_chat_read_bool(r, "chat.agent.*.privilegeObserve", i);
	a->may_barge = lf_chat_read_bool(r, "chat.agent.*.privilegeBarge", i);
	a->may_transfer_to_skillset = lf_chat_read_bool(
		r, "chat.agent.*.privilegeTransferToSkillset", i);
	a->is_ready_on_login =
		lf_chat_read_bool(r, "chat.agent.*.autoReadyOnLogin", i);
	a->is_enabled = lf_chat_read_bool(r, "chat.agent.*.enabled", i);
	a->max_contacts =
		(unsigned)(max ? max
			       : lf_setting_int(r->settings,
						"chat.maxContactsPerAgent"));
	if (is_choice(r, "chat.agent.*.offerMode", i, "autoJoin"))
		a->offer_mode = LF_CHAT_OFFER_AUTOJOIN;
	else if (is_choice(r, "chat.agent.*.offerMode", i, "ext"))
		a->offer_mode = LF_CHAT_OFFER_EXT;
}

static void read_agents(struct lf_chat_reading *r)
{
	struct lf_chat_config *c = r->config;
	const struct lf_user *user;
	const char *instance;
	size_t i = 0;

	c->agents = table(r, count(r, "chat.agent.*"), sizeof(*c->agents));
	while (!r->has_failed && (instance = lf_setting_instance(
					  r->settings, "chat.agent.*", i++))) {
		user = lf_user_resolve(r->directory, instance);
		if (user)
			read_agent(r, &c->agents[c->n_agents++], user,
				   instance);
	}
}

/* ---- content ---- */

static const char *name_or_label(struct lf_chat_reading *r, const char *family,
				 const char *i)
{
	const char *name = lf_chat_read_text(r, family, i);

	return *name ? name : lf_chat_read_keep(r, i);
}

static void read_comforts(struct lf_chat_reading *r)
{
	struct lf_chat_config *c = r->config;
	const char *i;

	c->comforts =
		table(r, count(r, "chat.comfort.*"), sizeof(*c->comforts));
	while (!r->has_failed &&
	       (i = lf_setting_instance(r->settings, "chat.comfort.*",
					c->n_comforts))) {
		struct lf_chat_comfort_group *g = &c->comforts[c->n_comforts++];

		g->name = name_or_label(r, "chat.comfort.*.groupName", i);
		g->delay_s = (unsigned)lf_chat_read_int(
			r, "chat.comfort.*.delay", i);
		g->messages = lf_chat_read_json(
			r, "chat.comfort.*.messages",
			lf_setting_of(r->settings, "chat.comfort.*.messages",
				      i),
			JSON_ARRAY);
	}
}

static int by_sequence(const void *a, const void *b)
{
	const struct lf_chat_url_group *x = a, *y = b;

	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return strcmp(x->tag, y->tag);
}

static void read_url_groups(struct lf_chat_reading *r)
{
	struct lf_chat_config *c = r->config;
	const char *i;

	c->url_groups =
		table(r, count(r, "chat.urlGroup.*"), sizeof(*c->url_groups));
	while (!r->has_failed &&
	       (i = lf_setting_instance(r->settings, "chat.urlGroup.*",
					c->n_url_groups))) {
		struct lf_chat_url_group *g = &c->url_groups[c->n_url_groups++];

		g->tag = name_or_label(r, "chat.urlGroup.*.tag", i);
		g->description =
			lf_chat_read_text(r, "chat.urlGroup.*.description", i);
		g->hold_s = (unsigned)lf_chat_read_int(
			r, "chat.urlGroup.*.holdTime", i);
		g->sequence = (unsigned)lf_chat_read_int(
			r, "chat.urlGroup.*.sequence", i);
		g->urls = lf_chat_read_json(
			r, "chat.urlGroup.*.urls",
			lf_setting_of(r->settings, "chat.urlGroup.*.urls", i),
			JSON_ARRAY);
	}
	if (c->n_url_groups > 1)
		qsort(c->url_groups, c->n_url_groups, sizeof(*c->url_groups),
		      by_sequence);
}

static void read_reasons(struct lf_chat_reading *r)
{
	struct lf_chat_config *c = r->config;
	const char *label;
	size_t i = 0;

	c->reasons =
		table(r, count(r, "chat.closedReason.*"), sizeof(*c->reasons));
	while (!r->has_failed &&
	       (label = lf_setting_instance(r->settings, "chat.closedReason.*",
					    i++))) {
		struct lf_chat_reason *reason = &c->reasons[c->n_reasons];

		if (lf_text_int(&reason->code, label, 0, INT32_MAX)) {
			lf_log(LF_WARN, "chat",
			       "closed reason %s is not used: its label must "
			       "be its code, a number",
			       label);
			continue;
		}
		reason->text =
			name_or_label(r, "chat.closedReason.*.text", label);
		reason->skillsets = lf_chat_read_text(
			r, "chat.closedReason.*.skillsets", label);
		c->n_reasons++;
	}
}

static void read_pops(struct lf_chat_reading *r)
{
	struct lf_chat_config *c = r->config;
	const char *i;
	size_t n = 0;

	c->pops = table(r, count(r, "chat.screenPop.*"), sizeof(*c->pops));
	while (!r->has_failed &&
	       (i = lf_setting_instance(r->settings, "chat.screenPop.*",
					n++))) {
		struct lf_chat_screen_pop *pop = &c->pops[c->n_pops];

		pop->target =
			lf_chat_read_text(r, "chat.screenPop.*.target", i);
		if (!*pop->target)
			continue;
		pop->name = name_or_label(r, "chat.screenPop.*.name", i);
		pop->is_application = is_choice(
			r, "chat.screenPop.*.launchType", i, "application");
		pop->is_forced =
			lf_chat_read_bool(r, "chat.screenPop.*.forceLaunch", i);
		c->n_pops++;
	}
}

void lf_chat_read_tables(struct lf_chat_reading *r)
{
	read_skillsets(r);
	read_agents(r);
	read_comforts(r);
	read_url_groups(r);
	read_reasons(r);
	read_pops(r);
}
