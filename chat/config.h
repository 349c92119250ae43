/*
 * chat/config.h - what the administrator decided, as one plain value.
 *
 * It is built anew after each change of a setting or a user and swapped in at
 * once; nobody keeps a pointer into it longer than one event.
 */
#ifndef LF_CHAT_CONFIG_H
#define LF_CHAT_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/map.h"

struct lf_directory;
struct lf_settings;

#define LF_CHAT_NAME_MAX 64 /* code points of a skillset or an agent ID */

enum lf_chat_strategy { LF_CHAT_LONGEST_IDLE, LF_CHAT_FEWEST_CHATS };

struct lf_chat_skillset {
	const char *name, *display_name, *route_point, *welcome;
	const char *in_chat_comfort; /* name of a comfort group; "" for none */
	const char *comfort_groups, *url_groups; /* comma separated */
	bool is_outbound, in_service, has_external_ewt;
	int64_t queue_id, ccms_id;
	unsigned max_queued, priority, ewt_samples, ewt_default_s;
	enum lf_chat_strategy strategy;
	const json_t *phrases; /* object: name -> text; may be NULL */
	const json_t *urls;    /* object: url -> description; may be NULL */
};

enum lf_chat_offer_mode {
	LF_CHAT_OFFER_EXTERNAL,
	LF_CHAT_OFFER_AUTOJOIN,
	LF_CHAT_OFFER_EXT
};

struct lf_chat_agent_def {
	const char *id; /* the user's name in the directory */
	const char *first_name, *last_name;
	const char *skillsets;  /* comma separated */
	const char *supervisor; /* an agent's ID, or "" */
	bool may_observe, may_barge, may_transfer_to_skillset;
	bool is_ready_on_login, is_enabled;
	unsigned max_contacts;
	enum lf_chat_offer_mode offer_mode;
};

struct lf_chat_comfort_group {
	const char *name;
	unsigned delay_s;
	const json_t *messages; /* array of texts */
};

struct lf_chat_url_group {
	const char *tag, *description;
	unsigned hold_s, sequence;
	const json_t *urls; /* array of texts */
};

struct lf_chat_reason {
	int64_t code;
	const char *text, *skillsets; /* "": all */
};

struct lf_chat_screen_pop {
	const char *name, *target;
	bool is_application, is_forced;
};

struct lf_chat_threshold {
	int64_t threshold, priority;
};

struct lf_chat_config {
	/* limits */
	unsigned chats_per_customer, callbacks_per_customer;
	unsigned max_transfers, max_conference;
	bool reject_when_no_agents;

	/* timers, in seconds */
	unsigned keep_alive_s, response_to_customer_s, response_to_agent_s;
	unsigned consult_timeout_s, idle_customer_s, reconnect_s;
	unsigned ping_timeout_s, agent_reconnect_s, offer_timeout_s;
	unsigned wrap_up_s, unbound_s;
	bool check_idle_customer, save_timestamps, save_history, email_log;

	/* agent aids */
	bool restrict_push, reason_required;
	bool transfer_to_skillset, transfer_to_agent;
	const char *agent_label, *customer_label;
	const json_t *phrases, *urls; /* of "all" */

	/* supervision; the order of the agentData notification */
	struct lf_chat_threshold thresholds[5];
	bool tell_observe, tell_consult;

	/* transcripts */
	const char *filter_url, *filter_ca, *mail_from, *mail_subject;
	unsigned filter_timeout_s, retention_days;
	bool filter_stores_on_failure, save_pushes, acknowledge_customers;
	bool busy_phone_is_not_ready;

	/* transport */
	size_t max_message, max_body;
	const char *cors;
	bool check_origin;
	unsigned connects_per_minute, messages_per_second;

	struct lf_chat_skillset *skillsets;
	size_t n_skillsets;
	struct lf_chat_agent_def *agents;
	size_t n_agents;
	struct lf_chat_comfort_group *comforts;
	size_t n_comforts;
	struct lf_chat_url_group *url_groups;
	size_t n_url_groups;
	struct lf_chat_reason *reasons;
	size_t n_reasons;
	struct lf_chat_screen_pop *pops;
	size_t n_pops;

	struct lf_map skillset_by_name, agent_by_id; /* filled by _index() */
	struct lf_chat_text_node *texts;
	struct lf_chat_json_node *jsons;
};

/* Every default of the settings catalogue, and no lists. */
struct lf_chat_config *lf_chat_config_new(void);
void lf_chat_config_free(struct lf_chat_config *config); /* NULL is fine */

/* A copy that lives as long as the config; NULL: no memory. */
const char *lf_chat_config_text(struct lf_chat_config *config,
				const char *text);
/* Of JSON text; NULL if it is "" or is no JSON of this type. */
const json_t *lf_chat_config_json(struct lf_chat_config *config,
				  const char *text, json_type type);
/* After the lists are complete. A name that is there twice: the first. */
int lf_chat_config_index(struct lf_chat_config *config);

/* From the catalogue and the users. -ENOMEM. */
int lf_chat_config_read(struct lf_chat_config **ret,
			const struct lf_settings *settings,
			const struct lf_directory *directory);

const struct lf_chat_skillset *
lf_chat_config_skillset(const struct lf_chat_config *config, const char *name);
/* By queueId, else queueCCMSId, else name: what operationRequest names. */
const struct lf_chat_skillset *
lf_chat_config_destination(const struct lf_chat_config *config,
			   const char *word);
const struct lf_chat_agent_def *
lf_chat_config_agent(const struct lf_chat_config *config, const char *id);
const struct lf_chat_comfort_group *
lf_chat_config_comfort(const struct lf_chat_config *config, const char *name);

/* Is `word` one of the comma separated `list`? Blanks around do not count. */
bool lf_chat_list_has(const char *list, const char *word);
/* The same without regard to ASCII case. */
bool lf_chat_list_has_host(const char *list, const char *host);
/* May chats be queued here? */
bool lf_chat_skillset_is_open(const struct lf_chat_skillset *skillset);
bool lf_chat_reason_fits(const struct lf_chat_reason *reason,
			 const char *skillset);
/* Is this URL in one of the lists agents may push from? */
bool lf_chat_config_may_push(const struct lf_chat_config *config,
			     const char *skillset, const char *url);

#endif
