/*
 * chat/schema.h - the JSON schemas of the chat protocol, compiled once, and
 * the check that every message goes through.
 *
 * Of draft-07 it knows the keywords that those files use: type properties
 * required additionalProperties const enum anyOf items minItems maxItems
 * minLength maxLength minimum maximum pattern. Any other one (but $schema,
 * $id, title, $comment) is refused when loading, so that nothing is promised
 * and not checked.
 */
#ifndef LF_CHAT_SCHEMA_H
#define LF_CHAT_SCHEMA_H

#include <jansson.h>
#include <stddef.h>

struct lf_schema; /* opaque: see schema.c */
struct lf_schemas;

/* All FOLDER/SUB/NAME.json. `err_text` names the file and what is wrong. */
int lf_schemas_load(struct lf_schemas **ret, const char *folder, char *err_text,
		    size_t err_size);
void lf_schemas_free(struct lf_schemas *schemas); /* NULL is fine */

/* "customer/newMessage.request"; NULL if there is no such file. */
const struct lf_schema *lf_schemas_find(const struct lf_schemas *schemas,
					const char *name);
size_t lf_schemas_count(const struct lf_schemas *schemas);

/* 0 or -EPROTO. */
int lf_schema_check(const struct lf_schema *schema, const json_t *value);

#endif
