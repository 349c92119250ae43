/*
 * chat/schema.c - checks a value against a compiled schema.
 *
 * This is on every message's path: no allocation, no recursion deeper than
 * the schema, strings measured only where a bound could be broken.
 */
#include "chat/schema.h"

#include <errno.h>

#include "chat/schema_internal.h"
#include "core/text.h"

#include "core/banned.h"

static unsigned type_of(const json_t *value)
{
	double real;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return LF_SCHEMA_OBJECT;
	case JSON_ARRAY:
		return LF_SCHEMA_ARRAY;
	case JSON_STRING:
		return LF_SCHEMA_STRING;
	case JSON_INTEGER:
		return LF_SCHEMA_INTEGER | LF_SCHEMA_NUMBER;
	case JSON_REAL:
		/* draft-07: 1.0 is an integer. */
		real = json_real_value(value);
		if (real >= -9e15 && real <= 9e15 &&
		    real == (double)(int64_t)real)
			return LF_SCHEMA_INTEGER | LF_SCHEMA_NUMBER;
		return LF_SCHEMA_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return LF_SCHEMA_BOOLEAN;
	case JSON_NULL:
		break;
	}
	return LF_SCHEMA_NULL;
}

static bool is_same(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b))
		return json_number_value(a) == json_number_value(b);
	return json_equal(a, b);
}

static bool is_choice(const struct lf_schema *s, const json_t *value)
{
	const json_t *choice;
	size_t i;

	json_array_foreach (s->choices, i, choice)
		if (is_same(choice, value))
			return true;
	return false;
}

/* Lengths are code points; there are never more of them than bytes. */
static int check_string(const struct lf_schema *s, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t bytes = json_string_length(value), chars = bytes;

	if (bytes > s->max_length || s->min_length > 1)
		chars = lf_text_chars(text);
	if (chars < s->min_length || chars > s->max_length)
		return -EPROTO;
	if (s->has_pattern && regexec(&s->pattern, text, 0, NULL, 0))
		return -EPROTO;
	return 0;
}

static int check_number(const struct lf_schema *s, const json_t *value)
{
	if (json_is_integer(value))
		return json_integer_value(value) < s->minimum ||
				       json_integer_value(value) > s->maximum
			       ? -EPROTO
			       : 0;
	if (json_real_value(value) < (double)s->minimum ||
	    json_real_value(value) > (double)s->maximum)
		return -EPROTO;
	return 0;
}

static int check_array(const struct lf_schema *s, const json_t *value)
{
	const json_t *item;
	size_t i;

	if (json_array_size(value) < s->min_items ||
	    json_array_size(value) > s->max_items)
		return -EPROTO;
	if (!s->items)
		return 0;
	json_array_foreach (value, i, item)
		if (lf_schema_check(s->items, item))
			return -EPROTO;
	return 0;
}

static const struct lf_schema_property *find_property(const struct lf_schema *s,
						      const char *name)
{
	size_t i;

	for (i = 0; i < s->n_properties; i++)
		if (!strcmp(s->properties[i].name, name))
			return &s->properties[i];
	return NULL;
}

static int check_others(const struct lf_schema *s, json_t *value)
{
	const char *key;
	json_t *member;

	json_object_foreach (value, key, member) {
		if (find_property(s, key))
			continue;
		if (s->is_closed ||
		    (s->others && lf_schema_check(s->others, member)))
			return -EPROTO;
	}
	return 0;
}

static int check_object(const struct lf_schema *s, const json_t *value)
{
	const json_t *member;
	size_t i;

	for (i = 0; i < s->n_required; i++)
		if (!json_object_get(value, s->required[i]))
			return -EPROTO;
	for (i = 0; i < s->n_properties; i++) {
		member = json_object_get(value, s->properties[i].name);
		if (member && lf_schema_check(s->properties[i].schema, member))
			return -EPROTO;
	}
	if (!s->is_closed && !s->others)
		return 0;
	/* jansson iterates over objects that it may change */
	return check_others(s, (json_t *)(uintptr_t)value);
}

static int check_any(const struct lf_schema *s, const json_t *value)
{
	size_t i;

	for (i = 0; i < s->n_any; i++)
		if (!lf_schema_check(s->any[i], value))
			return 0;
	return -EPROTO;
}

int lf_schema_check(const struct lf_schema *s, const json_t *value)
{
	unsigned type = type_of(value);
	int err = 0;

	if (s->types && !(s->types & type))
		return -EPROTO;
	if (s->constant && !is_same(s->constant, value))
		return -EPROTO;
	if (s->choices && !is_choice(s, value))
		return -EPROTO;
	if (type & LF_SCHEMA_OBJECT)
		err = check_object(s, value);
	else if (type & LF_SCHEMA_STRING)
		err = check_string(s, value);
	else if (type & LF_SCHEMA_ARRAY)
		err = check_array(s, value);
	else if (type & LF_SCHEMA_NUMBER)
		err = check_number(s, value);
	if (!err && s->n_any)
		err = check_any(s, value);
	return err;
}
