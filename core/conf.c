/*
 * core/conf.c - lampfield.conf: sections and keys needed to boot.
 *
 * Values lie in an array that mirrors the schema, so a key is found once by
 * name and never parsed again. Every refusal says where and what would do.
 */
#include "core/conf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/text.h"

#include "core/banned.h"

#define MAX_NAMES 256 /* keys that are compared for "did you mean" */

struct value {
	char *text; /* NULL: unset */
	int64_t number;
	char *items; /* LF_CONF_LIST: NUL-separated */
	size_t n_items;
	unsigned line; /* 0: the default */
};

struct lf_conf {
	const struct lf_conf_key *schema;
	size_t n_keys;
	struct value values[];
};

/* One file being read. */
struct reading {
	struct lf_conf *conf;
	const char *name;
	unsigned line;
	const char *section; /* the schema's string; NULL before the first */
	char *err_text;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct reading *r,
							const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(r->err_text, LF_CONF_ERROR_SIZE, "%s:%u: ", r->name,
		     r->line);
	if (n < 0 || n >= LF_CONF_ERROR_SIZE)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(r->err_text + n, LF_CONF_ERROR_SIZE - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(struct reading *r)
{
	snprintf(r->err_text, LF_CONF_ERROR_SIZE, "%s: out of memory", r->name);
	return -ENOMEM;
}

/* ---- what the schema knows ---- */

static const struct lf_conf_key *find_key(const struct lf_conf *conf,
					  const char *section, const char *name)
{
	const struct lf_conf_key *key;

	for (key = conf->schema; key->section; key++)
		if (!strcmp(key->section, section) && !strcmp(key->name, name))
			return key;
	return NULL;
}

/* Names of the section's keys, or of all sections. */
static size_t list_names(const char *names[MAX_NAMES],
			 const struct lf_conf *conf, const char *section)
{
	const struct lf_conf_key *key;
	size_t n = 0;

	for (key = conf->schema; key->section && n < MAX_NAMES; key++)
		if (!section)
			names[n++] = key->section;
		else if (!strcmp(key->section, section))
			names[n++] = key->name;
	return n;
}

/* A known key of that name in another section: a heading was forgotten. */
static const char *section_of(const struct lf_conf *conf, const char *name)
{
	const struct lf_conf_key *key;

	for (key = conf->schema; key->section; key++)
		if (!strcmp(key->name, name))
			return key->section;
	return NULL;
}

static int refuse_section(struct reading *r, const char *name)
{
	const char *names[MAX_NAMES];
	const char *near =
		lf_text_nearest(name, names, list_names(names, r->conf, NULL));

	if (near)
		return refuse(r, "no section [%.64s]; did you mean [%s]?", name,
			      near);
	return refuse(r, "no section [%.64s]", name);
}

static int refuse_key(struct reading *r, const char *name)
{
	const char *names[MAX_NAMES];
	const char *near, *other = section_of(r->conf, name);

	if (other)
		return refuse(r, "no key '%s' in [%s]; it belongs into [%s]",
			      name, r->section, other);
	near = lf_text_nearest(name, names,
			       list_names(names, r->conf, r->section));
	if (near)
		return refuse(r, "no key '%.64s' in [%s]; did you mean '%s'?",
			      name, r->section, near);
	return refuse(r, "no key '%.64s' in [%s]", name, r->section);
}

/* ---- values by type ---- */

static int set_int(struct reading *r, const struct lf_conf_key *key,
		   struct value *value)
{
	if (!lf_text_int(&value->number, value->text, key->min, key->max))
		return 0;
	return refuse(r,
		      "'%s' must be a number from %" PRId64 " to %" PRId64
		      ", not '%.64s'",
		      key->name, key->min, key->max, value->text);
}

static int set_bool(struct reading *r, const struct lf_conf_key *key,
		    struct value *value)
{
	static const char *const words[] = {"no",  "yes", "false", "true",
					    "off", "on",  "0",     "1"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!lf_text_equal(value->text, words[i]))
			continue;
		value->number = i & 1;
		return 0;
	}
	return refuse(r, "'%s' must be yes or no, not '%.64s'", key->name,
		      value->text);
}

static int set_list(struct reading *r, const struct lf_conf_key *key,
		    struct value *value)
{
	char *copy, *item, *rest;
	struct lf_buf buf = {0};
	int err = 0;

	if (!*value->text)
		return 0;
	copy = rest = strdup(value->text);
	if (!copy)
		return no_memory(r);
	while ((item = strsep(&rest, ",")) && !err) {
		item = lf_text_trim(item);
		if (!*item)
			err = refuse(r, "'%s' has an empty item", key->name);
		lf_buf_add(&buf, item, strlen(item) + 1);
		value->n_items++;
	}
	free(copy);
	if (!err && lf_buf_error(&buf))
		err = no_memory(r);
	value->items = err ? NULL : lf_buf_take(&buf);
	lf_buf_done(&buf);
	return err;
}

static int set_value(struct reading *r, const struct lf_conf_key *key,
		     const char *text)
{
	struct value *value = &r->conf->values[key - r->conf->schema];

	if (value->line)
		return refuse(r, "'%s' was already set in line %u", key->name,
			      value->line);
	value->text = strdup(text);
	if (!value->text)
		return no_memory(r);
	value->line = r->line;
	switch (key->type) {
	case LF_CONF_INT:
		return set_int(r, key, value);
	case LF_CONF_BOOL:
		return set_bool(r, key, value);
	case LF_CONF_LIST:
		return set_list(r, key, value);
	case LF_CONF_TEXT:
		break;
	}
	return 0;
}

/* ---- lines ---- */

static int read_section(struct reading *r, char *text)
{
	const struct lf_conf_key *key;
	size_t len = strlen(text);

	if (text[len - 1] != ']')
		return refuse(r, "a section is written [name]");
	text[len - 1] = '\0';
	text = lf_text_trim(text + 1);
	for (key = r->conf->schema; key->section; key++) {
		if (strcmp(key->section, text))
			continue;
		r->section = key->section;
		return 0;
	}
	return refuse_section(r, text);
}

static int read_line(struct reading *r, char *text)
{
	const struct lf_conf_key *key;
	char *value;

	text = lf_text_trim(text);
	if (!*text || *text == '#')
		return 0;
	if (*text == '[')
		return read_section(r, text);
	value = strchr(text, '=');
	if (!value)
		return refuse(r, "expected 'key = value', not '%.64s'", text);
	*value++ = '\0';
	text = lf_text_trim(text);
	if (!r->section)
		return refuse(r, "'%.64s' stands before any [section]", text);
	key = find_key(r->conf, r->section, text);
	if (!key)
		return refuse_key(r, text);
	return set_value(r, key, lf_text_trim(value));
}

/* `text` is ours to cut up. */
static int read_lines(struct reading *r, char *text)
{
	char *line;
	int err;

	if (!strncmp(text, "\xef\xbb\xbf", 3)) /* an editor's byte order mark */
		text += 3;
	while ((line = strsep(&text, "\n"))) {
		r->line++;
		if (!lf_text_is_utf8(line, strlen(line)))
			return refuse(r, "not UTF-8");
		err = read_line(r, line);
		if (err)
			return err;
	}
	return 0;
}

static int fill_defaults(struct reading *r)
{
	const struct lf_conf_key *key;
	int err;

	r->line = 0;
	for (key = r->conf->schema; key->section; key++) {
		if (!key->def || r->conf->values[key - r->conf->schema].text)
			continue;
		err = set_value(r, key, key->def);
		assert(err != -EINVAL); /* the schema contradicts itself */
		if (err)
			return err;
	}
	return 0;
}

static struct lf_conf *new_conf(const struct lf_conf_key *schema)
{
	struct lf_conf *conf;
	size_t n = 0;

	while (schema[n].section)
		n++;
	conf = calloc(1, sizeof(*conf) + n * sizeof(conf->values[0]));
	if (!conf)
		return NULL;
	conf->schema = schema;
	conf->n_keys = n;
	return conf;
}

int lf_conf_parse(struct lf_conf **ret, const char *name, const char *text,
		  size_t len, const struct lf_conf_key *schema,
		  char err_text[LF_CONF_ERROR_SIZE])
{
	struct reading r = {.name = name, .err_text = err_text};
	char *copy = NULL;
	int err;

	err_text[0] = '\0';
	if (len > LF_CONF_MAX_BYTES || memchr(text, '\0', len)) {
		snprintf(err_text, LF_CONF_ERROR_SIZE, "%s: %s", name,
			 len > LF_CONF_MAX_BYTES ? "too large"
						 : "not a text file");
		return len > LF_CONF_MAX_BYTES ? -E2BIG : -EINVAL;
	}
	r.conf = new_conf(schema);
	copy = strndup(text, len);
	if (!r.conf || !copy) {
		err = no_memory(&r);
		goto done;
	}
	err = read_lines(&r, copy);
	if (!err)
		err = fill_defaults(&r);
	if (err)
		goto done;
	*ret = r.conf;
	r.conf = NULL;
done:
	free(copy);
	lf_conf_free(r.conf);
	return err;
}

/* One byte over the bound is enough to know. */
static int read_file(struct lf_buf *buf, int fd)
{
	char part[16384];
	ssize_t n;

	while (buf->len <= LF_CONF_MAX_BYTES) {
		n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		lf_buf_add(buf, part, (size_t)n);
		if (lf_buf_error(buf))
			return -ENOMEM;
	}
	return 0;
}

int lf_conf_read(struct lf_conf **ret, const char *path,
		 const struct lf_conf_key *schema,
		 char err_text[LF_CONF_ERROR_SIZE])
{
	struct lf_buf buf = {0};
	int err, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	err = fd < 0 ? -errno : read_file(&buf, fd);
	if (fd >= 0)
		close(fd);
	if (err)
		snprintf(err_text, LF_CONF_ERROR_SIZE, "%s: %s", path,
			 strerror(-err));
	else
		err = lf_conf_parse(ret, path, lf_buf_str(&buf), buf.len,
				    schema, err_text);
	lf_buf_done(&buf);
	return err;
}

void lf_conf_free(struct lf_conf *conf)
{
	size_t i;

	if (!conf)
		return;
	for (i = 0; i < conf->n_keys; i++) {
		free(conf->values[i].text);
		free(conf->values[i].items);
	}
	free(conf);
}

/* ---- asking ---- */

static const struct value *get(const struct lf_conf *conf, const char *section,
			       const char *name)
{
	const struct lf_conf_key *key = find_key(conf, section, name);

	assert(key);
	return &conf->values[key - conf->schema];
}

const char *lf_conf_text(const struct lf_conf *conf, const char *section,
			 const char *name)
{
	return get(conf, section, name)->text;
}

int64_t lf_conf_int(const struct lf_conf *conf, const char *section,
		    const char *name)
{
	return get(conf, section, name)->number;
}

int lf_conf_bool(const struct lf_conf *conf, const char *section,
		 const char *name)
{
	return get(conf, section, name)->number != 0;
}

const char *lf_conf_item(const struct lf_conf *conf, const char *section,
			 const char *name, size_t i)
{
	const struct value *value = get(conf, section, name);
	const char *item = value->items;

	if (i >= value->n_items)
		return NULL;
	while (i--)
		item += strlen(item) + 1;
	return item;
}
