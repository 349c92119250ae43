/*
 * chat/config.c - memory and lookups of the configuration.
 */
#include "chat/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/text.h"

#include "core/banned.h"

struct lf_chat_text_node {
	struct lf_chat_text_node *next;
	char text[];
};

struct lf_chat_json_node {
	struct lf_chat_json_node *next;
	json_t *json;
};

/* Kept in step with lf_chat_settings[]; a test compares the two. */
static const struct lf_chat_config defaults = {
	.chats_per_customer = 5,
	.callbacks_per_customer = 3,
	.max_transfers = 1,
	.max_conference = 2,
	.keep_alive_s = 30,
	.response_to_customer_s = 30,
	.response_to_agent_s = 60,
	.consult_timeout_s = 30,
	.idle_customer_s = 180,
	.reconnect_s = 150,
	.ping_timeout_s = 90,
	.agent_reconnect_s = 150,
	.unbound_s = 60,
	.save_timestamps = true,
	.save_history = true,
	.email_log = true,
	.transfer_to_skillset = true,
	.transfer_to_agent = true,
	.agent_label = "Agent",
	.customer_label = "Customer",
	.thresholds = {{20, 1}, {20, 3}, {20, 2}, {5, 4}, {1, 5}},
	.tell_consult = true,
	.filter_url = "",
	.filter_ca = "",
	.mail_from = "",
	.mail_subject = "Your chat transcript",
	.filter_timeout_s = 10,
	.max_message = 262144,
	.max_body = 16384,
	.cors = "",
	.connects_per_minute = 6000,
	.messages_per_second = 100,
};

struct lf_chat_config *lf_chat_config_new(void)
{
	struct lf_chat_config *config = malloc(sizeof(*config));

	if (config)
		*config = defaults;
	return config;
}

void lf_chat_config_free(struct lf_chat_config *config)
{
	struct lf_chat_text_node *text, *next_text;
	struct lf_chat_json_node *json, *next_json;

	if (!config)
		return;
	for (text = config->texts; text; text = next_text) {
		next_text = text->next;
		free(text);
	}
	for (json = config->jsons; json; json = next_json) {
		next_json = json->next;
		json_decref(json->json);
		free(json);
	}
	free(config->skillsets);
	free(config->agents);
	free(config->comforts);
	free(config->url_groups);
	free(config->reasons);
	free(config->pops);
	lf_map_done(&config->skillset_by_name);
	lf_map_done(&config->agent_by_id);
	free(config);
}

const char *lf_chat_config_text(struct lf_chat_config *config, const char *text)
{
	size_t size = strlen(text) + 1;
	struct lf_chat_text_node *node = malloc(sizeof(*node) + size);

	if (!node)
		return NULL;
	memcpy(node->text, text, size);
	node->next = config->texts;
	config->texts = node;
	return node->text;
}

const json_t *lf_chat_config_json(struct lf_chat_config *config,
				  const char *text, json_type type)
{
	struct lf_chat_json_node *node;
	json_t *json = json_loads(text, 0, NULL);

	if (!json)
		return NULL;
	node = json_typeof(json) == type ? malloc(sizeof(*node)) : NULL;
	if (!node) {
		json_decref(json);
		return NULL;
	}
	node->json = json;
	node->next = config->jsons;
	config->jsons = node;
	return json;
}

static int add_once(struct lf_map *map, const char *key, void *value)
{
	int err = lf_map_add(map, key, value);

	return err == -EEXIST ? 0 : err;
}

int lf_chat_config_index(struct lf_chat_config *config)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < config->n_skillsets; i++)
		err = add_once(&config->skillset_by_name,
			       config->skillsets[i].name,
			       &config->skillsets[i]);
	for (i = 0; !err && i < config->n_agents; i++)
		err = add_once(&config->agent_by_id, config->agents[i].id,
			       &config->agents[i]);
	return err;
}

const struct lf_chat_skillset *
lf_chat_config_skillset(const struct lf_chat_config *config, const char *name)
{
	return lf_map_find(&config->skillset_by_name, name);
}

const struct lf_chat_skillset *
lf_chat_config_destination(const struct lf_chat_config *config,
			   const char *word)
{
	int64_t id;
	size_t i;

	if (!lf_text_int(&id, word, 1, INT32_MAX)) {
		for (i = 0; i < config->n_skillsets; i++)
			if (config->skillsets[i].queue_id == id)
				return &config->skillsets[i];
		for (i = 0; i < config->n_skillsets; i++)
			if (config->skillsets[i].ccms_id == id)
				return &config->skillsets[i];
	}
	return lf_chat_config_skillset(config, word);
}

const struct lf_chat_agent_def *
lf_chat_config_agent(const struct lf_chat_config *config, const char *id)
{
	return lf_map_find(&config->agent_by_id, id);
}

const struct lf_chat_comfort_group *
lf_chat_config_comfort(const struct lf_chat_config *config, const char *name)
{
	size_t i;

	for (i = 0; *name && i < config->n_comforts; i++)
		if (!strcmp(config->comforts[i].name, name))
			return &config->comforts[i];
	return NULL;
}

static bool list_has(const char *list, const char *word,
		     int (*compare)(const char *a, const char *b, size_t n))
{
	size_t len = strlen(word), n;
	const char *end;

	for (; *list; list = *end ? end + 1 : end) {
		end = strchrnul(list, ',');
		list += strspn(list, " \t");
		n = end > list ? (size_t)(end - list) : 0;
		while (n && (list[n - 1] == ' ' || list[n - 1] == '\t'))
			n--;
		if (n == len && n && !compare(list, word, len))
			return true;
	}
	return false;
}

bool lf_chat_list_has(const char *list, const char *word)
{
	return list_has(list, word, strncmp);
}

bool lf_chat_list_has_host(const char *list, const char *host)
{
	return list_has(list, host, strncasecmp);
}

bool lf_chat_skillset_is_open(const struct lf_chat_skillset *skillset)
{
	return skillset && !skillset->is_outbound && skillset->in_service &&
	       *skillset->route_point;
}

bool lf_chat_reason_fits(const struct lf_chat_reason *reason,
			 const char *skillset)
{
	return !*reason->skillsets ||
	       lf_chat_list_has(reason->skillsets, skillset);
}

bool lf_chat_config_may_push(const struct lf_chat_config *config,
			     const char *skillset, const char *url)
{
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(config, skillset);

	if (!config->restrict_push)
		return true;
	return (config->urls && json_object_get(config->urls, url)) ||
	       (s && s->urls && json_object_get(s->urls, url));
}
