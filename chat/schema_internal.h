/* chat/schema_internal.h - a compiled schema; schema.c and schema_load.c. */
#ifndef LF_CHAT_SCHEMA_INTERNAL_H
#define LF_CHAT_SCHEMA_INTERNAL_H

#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	LF_SCHEMA_OBJECT = 1,
	LF_SCHEMA_ARRAY = 2,
	LF_SCHEMA_STRING = 4,
	LF_SCHEMA_INTEGER = 8,
	LF_SCHEMA_NUMBER = 16,
	LF_SCHEMA_BOOLEAN = 32,
	LF_SCHEMA_NULL = 64
};

struct lf_schema_property {
	char *name;
	struct lf_schema *schema;
};

struct lf_schema {
	char *name;     /* of a file's schema: "customer/ping.request" */
	unsigned types; /* 0: any */
	json_t *constant, *choices;
	struct lf_schema_property *properties;
	size_t n_properties;
	char **required;
	size_t n_required;
	bool is_closed;           /* additionalProperties: false */
	struct lf_schema *others; /* additionalProperties: {...} */
	struct lf_schema **any;
	size_t n_any;
	struct lf_schema *items;
	size_t min_items, max_items, min_length, max_length;
	int64_t minimum, maximum;
	bool has_pattern;
	regex_t pattern;
};

#endif
