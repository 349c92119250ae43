/*
 * directory/setting_value.c - the values in memory: an entry for every setting
 * that can be shown, sorted by name, those of an instance while one is set.
 */
#include "directory/setting_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

void lf_setting_value_free(const struct lf_setting_def *def, char *value)
{
	if (value && def->type == LF_SET_SECRET)
		lf_secret_wipe(value, strlen(value));
	free(value);
}

/* ---- in order ---- */

/* By label: a '.' comes before all, so that an instance's settings stand
 * together and "pbx" comes before "pbx-2". */
static int compare_names(const char *a, const char *b)
{
	int x, y;

	for (; *a && *a == *b; a++)
		b++;
	x = *a == '.' ? 1 : (unsigned char)*a;
	y = *b == '.' ? 1 : (unsigned char)*b;
	return x - y;
}

static size_t rank(const struct lf_settings *s, const char *name)
{
	size_t low = 0, high = s->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (compare_names(s->order[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int reserve(struct lf_settings *s)
{
	size_t cap = s->cap * 2 + 64;
	struct lf_setting **order;

	if (s->n < s->cap)
		return 0;
	order = realloc(s->order, cap * sizeof(*order));
	if (!order)
		return -ENOMEM;
	s->order = order;
	s->cap = cap;
	return 0;
}

/* ---- one entry ---- */

static void set_value(struct lf_setting *e, char *value)
{
	lf_setting_value_free(e->def, e->value);
	e->value = value;
	e->number = lf_setting_number(
		e->def, value ? value : lf_setting_default(e->def));
}

int lf_setting_add(struct lf_settings *s, const struct lf_setting_def *def,
		   const char *name, const char *instance)
{
	size_t name_size = strlen(name) + 1, size = strlen(instance) + 1;
	struct lf_setting *e;
	size_t at;
	int err;

	e = calloc(1, sizeof(*e) + name_size + size);
	if (!e)
		return -ENOMEM;
	e->def = def;
	memcpy(e->name, name, name_size);
	memcpy(e->name + name_size, instance, size);
	e->instance = *instance ? e->name + name_size : NULL;
	set_value(e, NULL);

	err = reserve(s);
	if (!err)
		err = lf_map_add(&s->by_name, e->name, e);
	if (err) {
		free(e);
		return err;
	}
	at = rank(s, name);
	memmove(s->order + at + 1, s->order + at,
		(s->n - at) * sizeof(*s->order));
	s->order[at] = e;
	s->n++;
	return 0;
}

static void drop_entry(struct lf_settings *s, struct lf_setting *e)
{
	size_t at = rank(s, e->name);

	lf_map_del(&s->by_name, e->name);
	s->n--;
	memmove(s->order + at, s->order + at + 1,
		(s->n - at) * sizeof(*s->order));
	lf_setting_value_free(e->def, e->value);
	free(e);
}

/* ---- an instance ---- */

/* An instance is shown with all its settings as soon as it has one. */
static int add_instance(struct lf_settings *s, const char *family,
			const char *instance)
{
	const struct lf_setting_def *def;
	char name[LF_SETTING_NAME_MAX];
	int err;

	LF_MAP_FOREACH (def, &s->defs) {
		if (!lf_setting_same_family(family, def->name) ||
		    !lf_setting_instance_name(name, def->name, instance))
			continue;
		err = lf_setting_add(s, def, name, instance);
		if (err && err != -EEXIST)
			return err;
	}
	return 0;
}

/* When its last value went back to the default, it is gone. */
static void drop_instance_if_unset(struct lf_settings *s,
				   const struct lf_setting *one)
{
	const char *family = one->def->name;
	char instance[LF_SETTING_NAME_MAX];
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->order[i]->value && s->order[i]->instance &&
		    lf_setting_same_family(family, s->order[i]->def->name) &&
		    !strcmp(s->order[i]->instance, one->instance))
			return;
	lf_text_copy(instance, sizeof(instance), one->instance);
	for (i = s->n; i-- > 0;)
		if (s->order[i]->instance &&
		    lf_setting_same_family(family, s->order[i]->def->name) &&
		    !strcmp(s->order[i]->instance, instance))
			drop_entry(s, s->order[i]);
}

/* ---- a value ---- */

int lf_setting_assign(struct lf_settings *s, const char *name, char *value)
{
	char instance[LF_SETTING_NAME_MAX];
	const struct lf_setting_def *def = lf_setting_def_of(s, name, instance);
	struct lf_setting *e = lf_map_find(&s->by_name, name);
	int err;

	if (!e && value) {
		err = add_instance(s, def->name, instance);
		e = lf_map_find(&s->by_name, name);
		if (err || !e) {
			lf_setting_value_free(def, value);
			return err ? err : -ENOMEM;
		}
	}
	if (e)
		set_value(e, value);
	if (e && e->instance && !value)
		drop_instance_if_unset(s, e);
	return 0;
}
