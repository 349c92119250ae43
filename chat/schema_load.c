/*
 * chat/schema_load.c - reads the schema files and compiles them.
 *
 * They come with the program, so a mistake in one stops the start and says
 * where it is.
 */
#include "chat/schema.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat/schema_internal.h"
#include "core/map.h"

#include "core/banned.h"

#define MAX_DEPTH 32

struct lf_schemas {
	struct lf_map by_name;
};

static int compile(struct lf_schema **ret, const json_t *json, unsigned depth);

static void schema_free(struct lf_schema *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n_properties; i++) {
		free(s->properties[i].name);
		schema_free(s->properties[i].schema);
	}
	for (i = 0; i < s->n_required; i++)
		free(s->required[i]);
	for (i = 0; i < s->n_any; i++)
		schema_free(s->any[i]);
	free(s->properties);
	free(s->required);
	free(s->any);
	schema_free(s->items);
	schema_free(s->others);
	json_decref(s->constant);
	json_decref(s->choices);
	if (s->has_pattern)
		regfree(&s->pattern);
	free(s->name);
	free(s);
}

/* ---- keywords ---- */

static int read_type(struct lf_schema *s, const json_t *json, unsigned depth)
{
	static const struct {
		const char *name;
		unsigned type;
	} types[] = {
		{"object", LF_SCHEMA_OBJECT}, {"array", LF_SCHEMA_ARRAY},
		{"string", LF_SCHEMA_STRING}, {"integer", LF_SCHEMA_INTEGER},
		{"number", LF_SCHEMA_NUMBER}, {"boolean", LF_SCHEMA_BOOLEAN},
		{"null", LF_SCHEMA_NULL},
	};
	const char *name = json_string_value(json);
	size_t i;

	for (i = 0; name && i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].name, name))
			s->types = types[i].type;
	return s->types ? 0 : -EINVAL;
}

static int read_properties(struct lf_schema *s, const json_t *json,
			   unsigned depth)
{
	json_t *object = (json_t *)(uintptr_t)json, *value;
	const char *key;
	int err;

	s->properties =
		calloc(json_object_size(json) + 1, sizeof(*s->properties));
	if (!s->properties)
		return -ENOMEM;
	json_object_foreach (object, key, value) {
		struct lf_schema_property *p =
			&s->properties[s->n_properties++];

		p->name = strdup(key);
		err = p->name ? compile(&p->schema, value, depth) : -ENOMEM;
		if (err)
			return err;
	}
	return json_is_object(json) ? 0 : -EINVAL;
}

static int read_required(struct lf_schema *s, const json_t *json,
			 unsigned depth)
{
	const json_t *name;
	size_t i;

	s->required = calloc(json_array_size(json) + 1, sizeof(*s->required));
	if (!s->required)
		return -ENOMEM;
	json_array_foreach (json, i, name) {
		if (!json_is_string(name))
			return -EINVAL;
		s->required[i] = strdup(json_string_value(name));
		if (!s->required[i])
			return -ENOMEM;
		s->n_required++;
	}
	return json_is_array(json) ? 0 : -EINVAL;
}

static int read_others(struct lf_schema *s, const json_t *json, unsigned depth)
{
	if (json_is_boolean(json)) {
		s->is_closed = json_is_false(json);
		return 0;
	}
	return compile(&s->others, json, depth);
}

static int read_const(struct lf_schema *s, const json_t *json, unsigned depth)
{
	s->constant = json_incref((json_t *)(uintptr_t)json);
	return 0;
}

static int read_enum(struct lf_schema *s, const json_t *json, unsigned depth)
{
	s->choices = json_incref((json_t *)(uintptr_t)json);
	return json_is_array(json) ? 0 : -EINVAL;
}

static int read_any(struct lf_schema *s, const json_t *json, unsigned depth)
{
	const json_t *value;
	size_t i;
	int err;

	s->any = calloc(json_array_size(json) + 1, sizeof(struct lf_schema *));
	if (!s->any)
		return -ENOMEM;
	json_array_foreach (json, i, value) {
		err = compile(&s->any[i], value, depth);
		if (err)
			return err;
		s->n_any++;
	}
	return s->n_any ? 0 : -EINVAL;
}

static int read_items(struct lf_schema *s, const json_t *json, unsigned depth)
{
	return compile(&s->items, json, depth);
}

static int read_pattern(struct lf_schema *s, const json_t *json, unsigned depth)
{
	if (!json_is_string(json) ||
	    regcomp(&s->pattern, json_string_value(json),
		    REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	s->has_pattern = true;
	return 0;
}

static int read_size(size_t *ret, const json_t *json)
{
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return -EINVAL;
	*ret = (size_t)json_integer_value(json);
	return 0;
}

static int read_bound(struct lf_schema *s, const char *key, const json_t *json)
{
	if (!strcmp(key, "minItems"))
		return read_size(&s->min_items, json);
	if (!strcmp(key, "maxItems"))
		return read_size(&s->max_items, json);
	if (!strcmp(key, "minLength"))
		return read_size(&s->min_length, json);
	if (!strcmp(key, "maxLength"))
		return read_size(&s->max_length, json);
	if (!json_is_integer(json))
		return -EINVAL;
	if (!strcmp(key, "minimum"))
		s->minimum = json_integer_value(json);
	else if (!strcmp(key, "maximum"))
		s->maximum = json_integer_value(json);
	else
		return -EINVAL;
	return 0;
}

static int read_keyword(struct lf_schema *s, const char *key,
			const json_t *json, unsigned depth)
{
	static const struct {
		const char *key;
		int (*read)(struct lf_schema *s, const json_t *json,
			    unsigned depth);
	} keywords[] = {
		{"type", read_type},
		{"properties", read_properties},
		{"required", read_required},
		{"additionalProperties", read_others},
		{"const", read_const},
		{"enum", read_enum},
		{"anyOf", read_any},
		{"items", read_items},
		{"pattern", read_pattern},
	};
	static const char *const silent[] = {"$schema", "$id", "title",
					     "$comment"};
	size_t i;

	for (i = 0; i < sizeof(silent) / sizeof(*silent); i++)
		if (!strcmp(silent[i], key))
			return 0;
	for (i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (!strcmp(keywords[i].key, key))
			return keywords[i].read(s, json, depth + 1);
	return read_bound(s, key, json);
}

static int compile(struct lf_schema **ret, const json_t *json, unsigned depth)
{
	json_t *object = (json_t *)(uintptr_t)json, *value;
	struct lf_schema *s;
	const char *key;
	int err = 0;

	if (!json_is_object(json) || depth > MAX_DEPTH)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->max_items = s->max_length = SIZE_MAX;
	s->minimum = INT64_MIN;
	s->maximum = INT64_MAX;
	json_object_foreach (object, key, value) {
		err = read_keyword(s, key, value, depth);
		if (err) {
			schema_free(s);
			return err;
		}
	}
	*ret = s;
	return 0;
}

/* ---- files ---- */

static int load_file(struct lf_schemas *schemas, const char *path,
		     const char *sub, const char *file, char *err_text,
		     size_t err_size)
{
	struct lf_schema *s = NULL;
	json_error_t error = {0};
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	int err;

	if (!json) {
		snprintf(err_text, err_size, "%s: %s", path, error.text);
		return -EINVAL;
	}
	err = compile(&s, json, 0);
	json_decref(json);
	if (!err && asprintf(&s->name, "%s/%.*s", sub, (int)strlen(file) - 5,
			     file) < 0) {
		s->name = NULL;
		err = -ENOMEM;
	}
	if (!err)
		err = lf_map_add(&schemas->by_name, s->name, s);
	if (err) {
		snprintf(err_text, err_size, "%s: %s", path,
			 err == -EINVAL ? "not a schema of the kind we know"
					: strerror(-err));
		schema_free(s);
	}
	return err;
}

static bool ends_json(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".json");
}

static int load_folder(struct lf_schemas *schemas, const char *folder,
		       const char *sub, char *err_text, size_t err_size)
{
	char path[4096];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", folder, sub);
	dir = opendir(path);
	if (!dir) {
		err = -errno;
		snprintf(err_text, err_size, "%s: %s", path, strerror(-err));
		return err;
	}
	while (!err && (entry = readdir(dir)) != NULL) {
		if (!ends_json(entry->d_name))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s/%s", folder, sub,
			     entry->d_name) >= (int)sizeof(path))
			err = -ENAMETOOLONG;
		else
			err = load_file(schemas, path, sub, entry->d_name,
					err_text, err_size);
	}
	closedir(dir);
	return err;
}

int lf_schemas_load(struct lf_schemas **ret, const char *folder, char *err_text,
		    size_t err_size)
{
	static const char *const subs[] = {"agent", "customer", "ext", "rest"};
	struct lf_schemas *schemas = calloc(1, sizeof(*schemas));
	size_t i;
	int err = 0;

	snprintf(err_text, err_size, "out of memory");
	if (!schemas)
		return -ENOMEM;
	for (i = 0; !err && i < sizeof(subs) / sizeof(*subs); i++)
		err = load_folder(schemas, folder, subs[i], err_text, err_size);
	if (err) {
		lf_schemas_free(schemas);
		return err;
	}
	*ret = schemas;
	return 0;
}

void lf_schemas_free(struct lf_schemas *schemas)
{
	struct lf_schema *s;

	if (!schemas)
		return;
	LF_MAP_FOREACH (s, &schemas->by_name)
		schema_free(s);
	lf_map_done(&schemas->by_name);
	free(schemas);
}

const struct lf_schema *lf_schemas_find(const struct lf_schemas *schemas,
					const char *name)
{
	return lf_map_find(&schemas->by_name, name);
}

size_t lf_schemas_count(const struct lf_schemas *schemas)
{
	return schemas->by_name.count;
}
