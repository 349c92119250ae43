/*
 * directory/setting_read.c - what the settings are now, for those who use them
 * and those who show them.
 */
#include "directory/setting.h"

#include <assert.h>
#include <string.h>

#include "directory/setting_internal.h"

#include "core/banned.h"

/* ---- by name ---- */

const char *lf_setting_default(const struct lf_setting_def *def)
{
	return def->def ? def->def : "";
}

static const struct lf_setting_def *known(const struct lf_settings *s,
					  const char *name)
{
	const struct lf_setting_def *def = lf_setting_def_of(s, name, NULL);

	assert(def);
	return def;
}

static int64_t number_of(const struct lf_settings *s, const char *name,
			 enum lf_setting_type type)
{
	const struct lf_setting *e = lf_map_find(&s->by_name, name);
	const struct lf_setting_def *def = e ? e->def : known(s, name);

	assert(def->type == type);
	return e ? e->number : lf_setting_number(def, lf_setting_default(def));
}

bool lf_setting_bool(const struct lf_settings *s, const char *name)
{
	return number_of(s, name, LF_SET_BOOL) != 0;
}

int64_t lf_setting_int(const struct lf_settings *s, const char *name)
{
	return number_of(s, name, LF_SET_INT);
}

const char *lf_setting_text(const struct lf_settings *s, const char *name)
{
	const struct lf_setting *e = lf_map_find(&s->by_name, name);
	const struct lf_setting_def *def = e ? e->def : known(s, name);

	assert(def->type != LF_SET_BOOL && def->type != LF_SET_INT);
	return e && e->value ? e->value : lf_setting_default(def);
}

bool lf_setting_is_default(const struct lf_settings *s, const char *name)
{
	const struct lf_setting *e = lf_map_find(&s->by_name, name);

	if (!e)
		known(s, name);
	return !e || !e->value;
}

/* ---- of instances ---- */

const char *lf_setting_of(const struct lf_settings *s, const char *family,
			  const char *instance)
{
	const struct lf_setting_def *def = lf_map_find(&s->defs, family);
	char name[LF_SETTING_NAME_MAX];
	const struct lf_setting *e = NULL;

	assert(def);
	if (lf_setting_instance_name(name, family, instance))
		e = lf_map_find(&s->by_name, name);
	return e && e->value ? e->value : lf_setting_default(def);
}

const char *lf_setting_instance(const struct lf_settings *s,
				const char *family_prefix, size_t i)
{
	size_t len = strcspn(family_prefix, "*"), at;
	const char *last = "";

	for (at = 0; at < s->n; at++) {
		const struct lf_setting *e = s->order[at];

		if (!e->instance || strcspn(e->def->name, "*") != len ||
		    strncmp(e->name, family_prefix, len) ||
		    !strcmp(e->instance, last))
			continue;
		if (i-- == 0)
			return e->instance;
		last = e->instance;
	}
	return NULL;
}

/* ---- all of them ---- */

bool lf_setting_next(const struct lf_settings *s, const char *prefix, size_t *i,
		     struct lf_setting_view *ret)
{
	const struct lf_setting *e;

	for (; *i < s->n; (*i)++) {
		e = s->order[*i];
		if (strncmp(e->name, prefix, strlen(prefix)))
			continue;
		ret->name = e->name;
		ret->def = e->def;
		ret->is_default = !e->value;
		ret->value = e->value ? e->value : lf_setting_default(e->def);
		if (e->def->type == LF_SET_SECRET && *ret->value)
			ret->value = "(set)";
		(*i)++;
		return true;
	}
	return false;
}
