/*
 * directory/setting_name.c - names and families of settings: which definition
 * a name means, and which name was meant by one that means none.
 */
#include "directory/setting_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

#include "core/banned.h"

#define INSTANCE_MAX 32

static bool is_instance(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_",
			    name[i]))
			return false;
	return len > 0 && len <= INSTANCE_MAX;
}

/* "feed.*.server" of "feed.pbx1.server", the label being the instance. */
static bool family_name(char *out, const char *name, const char *label,
			size_t len)
{
	return snprintf(out, LF_SETTING_NAME_MAX, "%.*s*%s",
			(int)(label - name), name,
			label + len) < LF_SETTING_NAME_MAX;
}

const struct lf_setting_def *
lf_setting_def_of(const struct lf_settings *s, const char *name,
		  char instance[LF_SETTING_NAME_MAX])
{
	const struct lf_setting_def *def;
	char family[LF_SETTING_NAME_MAX];
	const char *label = name, *end;

	if (instance)
		*instance = '\0';
	if (strlen(name) >= LF_SETTING_NAME_MAX || strchr(name, '*'))
		return NULL;
	def = lf_map_find(&s->defs, name);
	for (; !def && *label; label = *end ? end + 1 : end) {
		end = strchrnul(label, '.');
		if (!is_instance(label, (size_t)(end - label)) ||
		    !family_name(family, name, label, (size_t)(end - label)))
			continue;
		def = lf_map_find(&s->defs, family);
		if (def && instance)
			lf_text_copy_n(instance, LF_SETTING_NAME_MAX, label,
				       (size_t)(end - label));
	}
	return def;
}

bool lf_setting_instance_name(char out[LF_SETTING_NAME_MAX], const char *family,
			      const char *instance)
{
	const char *star = strchr(family, '*');

	assert(star);
	return snprintf(out, LF_SETTING_NAME_MAX, "%.*s%s%s",
			(int)(star - family), family, instance,
			star + 1) < LF_SETTING_NAME_MAX;
}

/* The label of `name` that stands where the family has its '*'; "" if none. */
static void label_for(char *out, const char *family, const char *name)
{
	size_t at = strcspn(family, "*"), len;

	*out = '\0';
	if (!family[at] || strncmp(family, name, at))
		return;
	len = strcspn(name + at, ".");
	if (is_instance(name + at, len))
		lf_text_copy_n(out, LF_SETTING_NAME_MAX, name + at, len);
}

bool lf_setting_suggest(const struct lf_settings *s, const char *name,
			char out[LF_SETTING_NAME_MAX])
{
	const struct lf_setting_def *def;
	char candidate[LF_SETTING_NAME_MAX], label[LF_SETTING_NAME_MAX];
	const char *pair[2] = {out, candidate}, *best;

	*out = '\0';
	if (strlen(name) >= LF_SETTING_NAME_MAX)
		return false;
	LF_MAP_FOREACH (def, &s->defs) {
		lf_text_copy(candidate, sizeof(candidate), def->name);
		label_for(label, def->name, name);
		if (*label)
			lf_setting_instance_name(candidate, def->name, label);
		best = lf_text_nearest(name, *out ? pair : pair + 1,
				       *out ? 2 : 1);
		if (best == candidate)
			lf_text_copy(out, LF_SETTING_NAME_MAX, candidate);
	}
	return *out;
}

bool lf_setting_same_family(const char *a, const char *b)
{
	size_t len = strcspn(a, "*");

	return a[len] && !strncmp(a, b, len + 1);
}
