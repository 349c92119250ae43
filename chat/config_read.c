/*
 * chat/config_read.c - the configuration from the settings catalogue and the
 * users. What cannot be used (JSON that is none) is logged and left out.
 */
#include "chat/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"
#include "directory/setting.h"
#include "directory/user.h"

#include "core/banned.h"

/* What is being read; the first failed allocation is remembered. */
struct reading {
	struct lf_chat_config *config;
	const struct lf_settings *settings;
	const struct lf_directory *directory;
	bool has_failed;
};

static const char *keep(struct reading *r, const char *text)
{
	const char *copy = lf_chat_config_text(r->config, text ? text : "");

	if (!copy)
		r->has_failed = true;
	return copy ? copy : "";
}

static const char *text_of(struct reading *r, const char *family,
			   const char *instance)
{
	return keep(r, lf_setting_of(r->settings, family, instance));
}

static int64_t int_of(struct reading *r, const char *family,
		      const char *instance)
{
	int64_t n = 0;

	if (lf_text_int(&n, lf_setting_of(r->settings, family, instance),
			INT64_MIN, INT64_MAX))
		n = 0;
	return n;
}

static bool bool_of(struct reading *r, const char *family, const char *instance)
{
	return lf_text_equal(lf_setting_of(r->settings, family, instance),
			     "yes");
}

static bool is_choice(struct reading *r, const char *family,
		      const char *instance, const char *choice)
{
	return lf_text_equal(lf_setting_of(r->settings, family, instance),
			     choice);
}

static bool are_texts(const json_t *json)
{
	json_t *object = (json_t *)(uintptr_t)json, *value;
	const char *key;
	size_t i;

	json_array_foreach (object, i, value)
		if (!json_string_length(value))
			return false;
	json_object_foreach (object, key, value)
		if (!*key || !json_is_string(value))
			return false;
	return true;
}

static const json_t *json_of(struct reading *r, const char *name,
			     const char *text, json_type type)
{
	const json_t *json;

	if (!*text)
		return NULL;
	json = lf_chat_config_json(r->config, text, type);
	if (json && are_texts(json))
		return json;
	lf_log(LF_WARN, "chat", "setting %s is not used: no JSON %s of texts",
	       name, type == JSON_ARRAY ? "array" : "object");
	return NULL;
}

static size_t count(const struct reading *r, const char *family)
{
	size_t n = 0;

	while (lf_setting_instance(r->settings, family, n))
		n++;
	return n;
}

static void *table(struct reading *r, size_t n, size_t size)
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

static void read_skillset(struct reading *r, struct lf_chat_skillset *s,
			  const char *i)
{
	s->name = keep(r, i);
	s->display_name = text_of(r, "chat.skillset.*.displayName", i);
	if (!*s->display_name)
		s->display_name = s->name;
	s->route_point = text_of(r, "chat.skillset.*.routePoint", i);
	s->welcome = text_of(r, "chat.skillset.*.welcomeMessage", i);
	s->in_chat_comfort =
		text_of(r, "chat.skillset.*.inChatComfortGroup", i);
	s->comfort_groups = text_of(r, "chat.skillset.*.comfortGroups", i);
	s->url_groups = text_of(r, "chat.skillset.*.webOnHoldUrlGroups", i);
	s->is_outbound = is_choice(r, "chat.skillset.*.kind", i, "outbound");
	s->in_service = bool_of(r, "chat.skillset.*.inService", i);
	s->has_external_ewt =
		is_choice(r, "chat.skillset.*.ewtSource", i, "external");
	s->queue_id = int_of(r, "chat.skillset.*.queueId", i);
	if (!s->queue_id)
		s->queue_id = made_number(i);
	s->ccms_id = int_of(r, "chat.skillset.*.queueCCMSId", i);
	s->max_queued =
		(unsigned)int_of(r, "chat.skillset.*.maxQueuedChats", i);
	s->priority = (unsigned)int_of(r, "chat.skillset.*.priority", i);
	s->ewt_samples = (unsigned)int_of(r, "chat.skillset.*.ewtSamples", i);
	s->ewt_default_s = (unsigned)int_of(
		r, "chat.skillset.*.ewtDefaultAnswerSeconds", i);
	if (is_choice(r, "chat.skillset.*.strategy", i, "fewest-chats"))
		s->strategy = LF_CHAT_FEWEST_CHATS;
	s->phrases = json_of(
		r, "chat.skillset.*.autoPhrases",
		lf_setting_of(r->settings, "chat.skillset.*.autoPhrases", i),
		JSON_OBJECT);
	s->urls = json_of(
		r, "chat.skillset.*.pagePushUrls",
		lf_setting_of(r->settings, "chat.skillset.*.pagePushUrls", i),
		JSON_OBJECT);
}

static void read_skillsets(struct reading *r)
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

static void read_agent(struct reading *r, struct lf_chat_agent_def *a,
		       const struct lf_user *user, const char *i)
{
	int64_t max = int_of(r, "chat.agent.*.maxContacts", i);

	a->id = keep(r, user->username);
	a->first_name = keep(r, user->first_name);
	a->last_name = keep(r, user->last_name);
	a->skillsets = text_of(r, "chat.agent.*.skillsets", i);
	a->supervisor = text_of(r, "chat.agent.*.supervisor", i);
	a->may_observe = bool_of(r, "chat.agent.*.privilegeObserve", i);
	a->may_barge = bool_of(r, "chat.agent.*.privilegeBarge", i);
	a->may_transfer_to_skillset =
		bool_of(r, "chat.agent.*.privilegeTransferToSkillset", i);
	a->is_ready_on_login = bool_of(r, "chat.agent.*.autoReadyOnLogin", i);
	a->is_enabled = bool_of(r, "chat.agent.*.enabled", i);
	a->max_contacts =
		(unsigned)(max ? max
			       : lf_setting_int(r->settings,
						"chat.maxContactsPerAgent"));
	if (is_choice(r, "chat.agent.*.offerMode", i, "autoJoin"))
		a->offer_mode = LF_CHAT_OFFER_AUTOJOIN;
	else if (is_choice(r, "chat.agent.*.offerMode", i, "ext"))
		a->offer_mode = LF_CHAT_OFFER_EXT;
}

static void read_agents(struct reading *r)
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

static const char *name_or_label(struct reading *r, const char *family,
				 const char *i)
{
	const char *name = text_of(r, family, i);

	return *name ? name : keep(r, i);
}

static void read_comforts(struct reading *r)
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
		g->delay_s = (unsigned)int_of(r, "chat.comfort.*.delay", i);
		g->messages =
			json_of(r, "chat.comfort.*.messages",
				lf_setting_of(r->settings,
					      "chat.comfort.*.messages", i),
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

static void read_url_groups(struct reading *r)
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
		g->description = text_of(r, "chat.urlGroup.*.description", i);
		g->hold_s = (unsigned)int_of(r, "chat.urlGroup.*.holdTime", i);
		g->sequence =
			(unsigned)int_of(r, "chat.urlGroup.*.sequence", i);
		g->urls = json_of(
			r, "chat.urlGroup.*.urls",
			lf_setting_of(r->settings, "chat.urlGroup.*.urls", i),
			JSON_ARRAY);
	}
	if (c->n_url_groups > 1)
		qsort(c->url_groups, c->n_url_groups, sizeof(*c->url_groups),
		      by_sequence);
}

static void read_reasons(struct reading *r)
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
		reason->skillsets =
			text_of(r, "chat.closedReason.*.skillsets", label);
		c->n_reasons++;
	}
}

static void read_pops(struct reading *r)
{
	struct lf_chat_config *c = r->config;
	const char *i;
	size_t n = 0;

	c->pops = table(r, count(r, "chat.screenPop.*"), sizeof(*c->pops));
	while (!r->has_failed &&
	       (i = lf_setting_instance(r->settings, "chat.screenPop.*",
					n++))) {
		struct lf_chat_screen_pop *pop = &c->pops[c->n_pops];

		pop->target = text_of(r, "chat.screenPop.*.target", i);
		if (!*pop->target)
			continue;
		pop->name = name_or_label(r, "chat.screenPop.*.name", i);
		pop->is_application = is_choice(
			r, "chat.screenPop.*.launchType", i, "application");
		pop->is_forced = bool_of(r, "chat.screenPop.*.forceLaunch", i);
		c->n_pops++;
	}
}

/* ---- single values ---- */

static void read_numbers(struct reading *r)
{
	static const struct {
		const char *name;
		size_t offset;
	} numbers[] = {
#define NUMBER(NAME, FIELD)                                                    \
	{"chat." NAME, offsetof(struct lf_chat_config, FIELD)}
		NUMBER("concurrentChatsLimitPerCustomer", chats_per_customer),
		NUMBER("requestedCallBacksLimitPerCustomer",
		       callbacks_per_customer),
		NUMBER("maxTransfersPerChat", max_transfers),
		NUMBER("maxConferenceAgents", max_conference),
		NUMBER("keepAliveTime_inSeconds", keep_alive_s),
		NUMBER("desirableResponseToCust_inSeconds",
		       response_to_customer_s),
		NUMBER("desirableResponseToAgent_inSeconds",
		       response_to_agent_s),
		NUMBER("consultRequestTimeout_inSeconds", consult_timeout_s),
		NUMBER("forceIdleCustomerCheckTimeout_inSeconds",
		       idle_customer_s),
		NUMBER("customerReconnectSeconds", reconnect_s),
		NUMBER("customerPingTimeoutSeconds", ping_timeout_s),
		NUMBER("agentReconnectSeconds", agent_reconnect_s),
		NUMBER("offerTimeoutSeconds", offer_timeout_s),
		NUMBER("wrapUpTimeoutSeconds", wrap_up_s),
		NUMBER("unboundSocketTimeoutSeconds", unbound_s),
		NUMBER("transcriptFilterTimeoutSeconds", filter_timeout_s),
		NUMBER("transcriptRetentionDays", retention_days),
		NUMBER("connectsPerMinutePerAddress", connects_per_minute),
		NUMBER("messagesPerSecondPerSocket", messages_per_second),
#undef NUMBER
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		*(unsigned *)(void *)((char *)r->config + numbers[i].offset) =
			(unsigned)lf_setting_int(r->settings, numbers[i].name);
	r->config->max_message = (size_t)lf_setting_int(
		r->settings, "chat.maxWebSocketMessageBytes");
	r->config->max_body =
		(size_t)lf_setting_int(r->settings, "chat.maxRestBodyBytes");
}

static void read_switches(struct reading *r)
{
	static const struct {
		const char *name;
		size_t offset;
	} switches[] = {
#define SWITCH(NAME, FIELD)                                                    \
	{"chat." NAME, offsetof(struct lf_chat_config, FIELD)}
		SWITCH("rejectWhenNoAgents", reject_when_no_agents),
		SWITCH("forceIdleCustomerCheck", check_idle_customer),
		SWITCH("saveTimestampOnMessages", save_timestamps),
		SWITCH("saveChatHistory", save_history),
		SWITCH("emailChatLogToCustomer", email_log),
		SWITCH("restrictPagePushToList", restrict_push),
		SWITCH("closedReasonRequired", reason_required),
		SWITCH("allowTransferToSkillset", transfer_to_skillset),
		SWITCH("allowTransferToAgent", transfer_to_agent),
		SWITCH("notifyCustomerOfObserve", tell_observe),
		SWITCH("notifyCustomerOfConsult", tell_consult),
		SWITCH("savePagePushInTranscript", save_pushes),
		SWITCH("sendCustomerAcknowledgements", acknowledge_customers),
		SWITCH("busyPhoneIsNotReady", busy_phone_is_not_ready),
		SWITCH("checkWebSocketOrigin", check_origin),
#undef SWITCH
	};
	size_t i;

	for (i = 0; i < sizeof(switches) / sizeof(*switches); i++)
		*(bool *)((char *)r->config + switches[i].offset) =
			lf_setting_bool(r->settings, switches[i].name);
	r->config->filter_stores_on_failure = lf_text_equal(
		lf_setting_text(r->settings, "chat.transcriptFilterOnFailure"),
		"store");
}

static const char *single(struct reading *r, const char *name)
{
	return keep(r, lf_setting_text(r->settings, name));
}

static void read_texts(struct reading *r)
{
	struct lf_chat_config *c = r->config;

	c->agent_label = single(r, "chat.agentLabel");
	if (!*c->agent_label)
		c->agent_label = "Agent";
	c->customer_label = single(r, "chat.customerLabel");
	if (!*c->customer_label)
		c->customer_label = "Customer";
	c->filter_url = single(r, "chat.transcriptFilterUrl");
	c->filter_ca = single(r, "chat.transcriptFilterCaFile");
	c->mail_from = single(r, "chat.transcriptMailFrom");
	c->mail_subject = single(r, "chat.transcriptMailSubject");
	c->cors = single(r, "chat.externalWebServerDomains");
	c->phrases = json_of(r, "chat.autoPhrases",
			     lf_setting_text(r->settings, "chat.autoPhrases"),
			     JSON_OBJECT);
	c->urls = json_of(r, "chat.pagePushUrls",
			  lf_setting_text(r->settings, "chat.pagePushUrls"),
			  JSON_OBJECT);
}

static void read_thresholds(struct reading *r)
{
	static const char *const names[] = {
		"conversationLength_inSeconds",
		"lastMessageOut_inSeconds",
		"lastMessageIn_inSeconds",
		"numberOfAgentMessages",
		"numberOfUnansweredCustomerMessages",
	};
	char name[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(name, sizeof(name), "chat.threshold.%s", names[i]);
		r->config->thresholds[i].threshold =
			lf_setting_int(r->settings, name);
		snprintf(name, sizeof(name), "chat.priority.%s", names[i]);
		r->config->thresholds[i].priority =
			lf_setting_int(r->settings, name);
	}
}

int lf_chat_config_read(struct lf_chat_config **ret,
			const struct lf_settings *settings,
			const struct lf_directory *directory)
{
	struct reading r = {.settings = settings, .directory = directory};

	r.config = lf_chat_config_new();
	if (!r.config)
		return -ENOMEM;
	read_numbers(&r);
	read_switches(&r);
	read_texts(&r);
	read_thresholds(&r);
	read_skillsets(&r);
	read_agents(&r);
	read_comforts(&r);
	read_url_groups(&r);
	read_reasons(&r);
	read_pops(&r);
	if (r.has_failed || lf_chat_config_index(r.config)) {
		lf_chat_config_free(r.config);
		return -ENOMEM;
	}
	*ret = r.config;
	return 0;
}
