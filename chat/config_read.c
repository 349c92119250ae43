/*
 * chat/config_read.c - the configuration from the settings catalogue and the
 * users. What cannot be used (JSON that is none) is logged and left out.
 */
#include "chat/config_reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"
#include "directory/setting.h"

#include "core/banned.h"

const char *lf_chat_read_keep(struct lf_chat_reading *r, const char *text)
{
	const char *copy = lf_chat_config_text(r->config, text ? text : "");

	if (!copy)
		r->has_failed = true;
	return copy ? copy : "";
}

const char *lf_chat_read_text(struct lf_chat_reading *r, const char *family,
			      const char *instance)
{
	return lf_chat_read_keep(r,
				 lf_setting_of(r->settings, family, instance));
}

int64_t lf_chat_read_int(struct lf_chat_reading *r, const char *family,
			 const char *instance)
{
	int64_t n = 0;

	if (lf_text_int(&n, lf_setting_of(r->settings, family, instance),
			INT64_MIN, INT64_MAX))
		n = 0;
	return n;
}

bool lf_chat_read_bool(struct lf_chat_reading *r, const char *family,
		       const char *instance)
{
	return lf_text_equal(lf_setting_of(r->settings, family, instance),
			     "yes");
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

const json_t *lf_chat_read_json(struct lf_chat_reading *r, const char *name,
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

/* ---- single values ---- */

static void read_numbers(struct lf_chat_reading *r)
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

static void read_switches(struct lf_chat_reading *r)
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

static const char *single(struct lf_chat_reading *r, const char *name)
{
	return lf_chat_read_keep(r, lf_setting_text(r->settings, name));
}

static void read_texts(struct lf_chat_reading *r)
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
	c->phrases = lf_chat_read_json(
		r, "chat.autoPhrases",
		lf_setting_text(r->settings, "chat.autoPhrases"), JSON_OBJECT);
	c->urls = lf_chat_read_json(
		r, "chat.pagePushUrls",
		lf_setting_text(r->settings, "chat.pagePushUrls"), JSON_OBJECT);
}

static void read_thresholds(struct lf_chat_reading *r)
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
	struct lf_chat_reading r = {.settings = settings,
				    .directory = directory};

	r.config = lf_chat_config_new();
	if (!r.config)
		return -ENOMEM;
	read_numbers(&r);
	read_switches(&r);
	read_texts(&r);
	read_thresholds(&r);
	lf_chat_read_tables(&r);
	if (r.has_failed || lf_chat_config_index(r.config)) {
		lf_chat_config_free(r.config);
		return -ENOMEM;
	}
	*ret = r.config;
	return 0;
}
