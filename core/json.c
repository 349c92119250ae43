/*
 * core/json.c - the one way in for JSON from outside.
 *
 * jansson recurses as deep as its input says (up to 2048), so the depth is
 * bounded by a scan of the bytes first; what jansson cannot refuse by itself
 * (long keys, real numbers) is looked at afterwards.
 */
#include "core/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

#include "core/banned.h"

#define NUL "u0000" /* as it stands behind a backslash */
#define REPLACEMENT "ufffd"

/* What jansson must not meet, or cannot take. */
struct scan {
	size_t depth, deepest;
	bool has_nul; /* "\u0000" in some string */
};

/* Brackets inside strings do not count; wrong nesting is jansson's affair. */
static struct scan scan(const char *data, size_t len)
{
	struct scan s = {0};
	bool in_string = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (in_string && data[i] == '\\') {
			i++;
			s.has_nul |= len - i > 4 && !memcmp(data + i, NUL, 5);
		} else if (data[i] == '"') {
			in_string = !in_string;
		} else if (in_string) {
			continue;
		} else if (data[i] == '{' || data[i] == '[') {
			s.depth++;
		} else if ((data[i] == '}' || data[i] == ']') && s.depth) {
			s.depth--;
		}
		if (s.depth > s.deepest)
			s.deepest = s.depth;
	}
	return s;
}

/* A copy with U+FFFD for each U+0000, which no C string can carry. */
static char *without_nul(const char *data, size_t len)
{
	char *copy = malloc(len + 1);
	size_t i;

	if (!copy)
		return NULL;
	memcpy(copy, data, len);
	for (i = 0; i + 1 < len; i++) {
		if (copy[i] != '\\')
			continue;
		i++;
		if (len - i > 4 && !memcmp(copy + i, NUL, 5))
			memcpy(copy + i, REPLACEMENT, 5);
	}
	return copy;
}

/* Recursion is bounded by scan(). */
static int check_value(json_t *value)
{
	const char *key;
	json_t *child;
	size_t i;
	int err;

	if (json_is_real(value))
		return -EPROTO;
	json_array_foreach (value, i, child) {
		err = check_value(child);
		if (err)
			return err;
	}
	json_object_foreach (value, key, child) {
		if (strlen(key) > LF_JSON_MAX_KEY)
			return -E2BIG;
		err = check_value(child);
		if (err)
			return err;
	}
	return 0;
}

/* jansson refuses U+0000 by itself. */
static int parse(json_t **ret, const char *data, size_t len)
{
	json_error_t error;
	json_t *json = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);

	if (!json) /* jansson has no words for most failed allocations */
		return error.text[0] ? -EPROTO : -ENOMEM;
	if (!json_is_object(json)) {
		json_decref(json);
		return -EPROTO;
	}
	*ret = json;
	return 0;
}

int lf_json_parse_lenient(json_t **ret, const char *data, size_t len)
{
	struct scan s = scan(data, len);
	char *copy;
	int err;

	if (s.deepest > LF_JSON_MAX_DEPTH)
		return -E2BIG;
	if (!s.has_nul)
		return parse(ret, data, len);
	copy = without_nul(data, len);
	if (!copy)
		return -ENOMEM;
	err = parse(ret, copy, len);
	free(copy);
	return err;
}

int lf_json_parse(json_t **ret, const char *data, size_t len)
{
	json_t *json;
	int err;

	if (scan(data, len).deepest > LF_JSON_MAX_DEPTH)
		return -E2BIG;
	err = parse(&json, data, len);
	if (err)
		return err;
	err = check_value(json);
	if (err) {
		json_decref(json);
		return err;
	}
	*ret = json;
	return 0;
}

static int on_bytes(const char *data, size_t len, void *arg)
{
	struct lf_buf *buf = arg;

	lf_buf_add(buf, data, len);
	return lf_buf_error(buf) ? -1 : 0;
}

void lf_json_write(struct lf_buf *buf, const json_t *json)
{
	if (json_dump_callback(json, on_bytes, buf,
			       JSON_COMPACT | JSON_ENCODE_ANY))
		buf->failed = true;
}

static void set_bad(int *bad)
{
	if (bad)
		*bad = 1;
}

const char *lf_json_str(const json_t *object, const char *key, const char *def,
			int *bad)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return def;
	if (json_is_string(value))
		return json_string_value(value);
	set_bad(bad);
	return def;
}

int64_t lf_json_int(const json_t *object, const char *key, int64_t def,
		    int *bad)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return def;
	if (json_is_integer(value))
		return json_integer_value(value);
	set_bad(bad);
	return def;
}

int lf_json_bool(const json_t *object, const char *key, int def, int *bad)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return def;
	if (json_is_boolean(value))
		return json_is_true(value);
	set_bad(bad);
	return def;
}
