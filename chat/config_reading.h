/* chat/config_reading.h - what config_read.c and config_tables.c share. */
#ifndef LF_CHAT_CONFIG_READING_H
#define LF_CHAT_CONFIG_READING_H

#include "chat/config.h"

/* What is being read; the first failed allocation is remembered. */
struct lf_chat_reading {
	struct lf_chat_config *config;
	const struct lf_settings *settings;
	const struct lf_directory *directory;
	bool has_failed;
};

/* Values live as long as the configuration; a family is written as in
 * "chat.agent.*.maxContacts". */
const char *lf_chat_read_keep(struct lf_chat_reading *r, const char *text);
const char *lf_chat_read_text(struct lf_chat_reading *r, const char *family,
			      const char *instance);
int64_t lf_chat_read_int(struct lf_chat_reading *r, const char *family,
			 const char *instance);
bool lf_chat_read_bool(struct lf_chat_reading *r, const char *family,
		       const char *instance);
const json_t *lf_chat_read_json(struct lf_chat_reading *r, const char *name,
				const char *text, json_type type);

/* All families at once. */
void lf_chat_read_tables(struct lf_chat_reading *r);

#endif
