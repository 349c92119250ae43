/*
 * directory/setting.c - the settings catalogue: definitions, values, lists.
 *
 * Values that differ from the default are in the store's bucket "setting";
 * here every setting that can be shown has an entry, sorted by name.
 */
#include "directory/setting.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/secret.h"
#include "core/text.h"
#include "directory/setting_internal.h"
#include "store/store.h"

#include "core/banned.h"

#define INSTANCE_MAX 32
#define CANDIDATES_MAX 512

const char *lf_setting_default(const struct lf_setting_def *def)
{
	return def->def ? def->def : "";
}

void lf_setting_value_free(const struct lf_setting_def *def, char *value)
{
	if (value && def->type == LF_SET_SECRET)
		lf_secret_wipe(value, strlen(value));
	free(value);
}

/* ---- names and definitions ---- */

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

static bool instance_name(char *out, const char *family, const char *instance)
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
	size_t at = strcspn(family, "*");
	size_t len = 0;

	if (family[at] && !strncmp(family, name, at))
		len = strcspn(name + at, ".");
	if (!is_instance(name + at, len))
		len = 0;
	lf_text_copy_n(out, LF_SETTING_NAME_MAX, name + (len ? at : 0), len);
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
			instance_name(candidate, def->name, label);
		best = lf_text_nearest(name, *out ? pair : pair + 1,
				       *out ? 2 : 1);
		if (best == candidate)
			lf_text_copy(out, LF_SETTING_NAME_MAX, candidate);
	}
	return *out;
}

/* ---- entries ---- */

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

static void set_value(struct lf_setting *e, char *value)
{
	lf_setting_value_free(e->def, e->value);
	e->value = value;
	e->number = lf_setting_number(
		e->def, value ? value : lf_setting_default(e->def));
}

static int add_entry(struct lf_settings *s, const struct lf_setting_def *def,
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

static bool same_family(const char *a, const char *b)
{
	size_t len = strcspn(a, "*");

	return a[len] && !strncmp(a, b, len + 1);
}

/* An instance is shown with all its settings as soon as it has one. */
static int add_instance(struct lf_settings *s, const char *family,
			const char *instance)
{
	const struct lf_setting_def *def;
	char name[LF_SETTING_NAME_MAX];
	int err;

	LF_MAP_FOREACH (def, &s->defs) {
		if (!same_family(family, def->name) ||
		    !instance_name(name, def->name, instance))
			continue;
		err = add_entry(s, def, name, instance);
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
		    same_family(family, s->order[i]->def->name) &&
		    !strcmp(s->order[i]->instance, one->instance))
			return;
	lf_text_copy(instance, sizeof(instance), one->instance);
	for (i = s->n; i-- > 0;)
		if (s->order[i]->instance &&
		    same_family(family, s->order[i]->def->name) &&
		    !strcmp(s->order[i]->instance, instance))
			drop_entry(s, s->order[i]);
}

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

/* ---- reading ---- */

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

const char *lf_setting_of(const struct lf_settings *s, const char *family,
			  const char *instance)
{
	const struct lf_setting_def *def = lf_map_find(&s->defs, family);
	char name[LF_SETTING_NAME_MAX];
	const struct lf_setting *e = NULL;

	assert(def);
	if (instance_name(name, family, instance))
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

int lf_settings_on_change(struct lf_settings *s, const char *prefix,
			  lf_setting_change_fn *fn, void *arg)
{
	struct lf_setting_listener *more;

	more = realloc(s->listeners, (s->n_listeners + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->listeners = more;
	more[s->n_listeners++] = (struct lf_setting_listener){prefix, fn, arg};
	return 0;
}

/* ---- life ---- */

/* A table with a wrong default is our bug, but one to be told by name. */
static int add_def(struct lf_settings *s, const struct lf_setting_def *def)
{
	char why[LF_SETTING_ERROR_SIZE] = "is there twice";
	char *value;
	int err;

	err = lf_setting_check(def, lf_setting_default(def), &value, why,
			       sizeof(why));
	if (!err) {
		lf_setting_value_free(def, value);
		err = lf_map_add(&s->defs, def->name, (void *)(uintptr_t)def);
	}
	if (!err && !strchr(def->name, '*'))
		err = add_entry(s, def, def->name, "");
	if (err && err != -ENOMEM)
		lf_log(LF_ERROR, "directory", "default of setting %s: %s",
		       def->name, why);
	return err;
}

static int add_tables(struct lf_settings *s,
		      const struct lf_setting_def *const *tables)
{
	const struct lf_setting_def *def;
	int err;

	for (; *tables; tables++) {
		for (def = *tables; def->name; def++) {
			err = add_def(s, def);
			if (err)
				return err;
		}
	}
	return 0;
}

/* What an older program stored may not be right any more. */
static int load_row(struct lf_settings *s, const struct lf_store_kv *row)
{
	const struct lf_setting_def *def = lf_setting_def_of(s, row->key, NULL);
	char why[LF_SETTING_ERROR_SIZE] = "is unknown";
	char *stored = strndup(row->value, row->len), *plain = NULL, *value;
	int err = stored ? 0 : -ENOMEM;

	if (!err && !def)
		err = -EINVAL;
	if (!err && def->type == LF_SET_SECRET && *stored) {
		err = s->vault ? lf_vault_unseal(s->vault, &plain, stored)
			       : -EBADMSG;
		snprintf(why, sizeof(why), "was sealed with another key file");
	}
	if (!err)
		err = lf_setting_check(def, plain ? plain : stored, &value, why,
				       sizeof(why));
	if (!err)
		err = lf_setting_assign(s, row->key, value);
	if (plain)
		lf_secret_wipe(plain, strlen(plain));
	free(plain);
	free(stored);
	if (!err || err == -ENOMEM)
		return err;
	lf_log(LF_WARN, "directory", "stored setting %s %s; not used", row->key,
	       why);
	return 0;
}

static void on_values(int err, const struct lf_store_kv *rows, size_t n,
		      void *arg)
{
	struct lf_settings *s = arg;
	size_t i;

	for (i = 0; i < n && !err; i++)
		err = load_row(s, &rows[i]);
	if (!s->is_closed)
		s->ready(err, s->ready_arg);
	lf_settings_unref(s);
}

int lf_settings_open(struct lf_settings **ret, struct lf_store *store,
		     struct lf_vault *vault,
		     const struct lf_setting_def *const *tables,
		     void (*ready)(int err, void *arg), void *arg)
{
	struct lf_settings *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->store = store;
	s->vault = vault;
	s->ready = ready;
	s->ready_arg = arg;
	s->refs = 1;
	err = add_tables(s, tables);
	if (!err)
		err = lf_store_scan(store, "setting", "", on_values, s);
	if (err) {
		lf_settings_unref(s);
		return err;
	}
	s->refs++;
	*ret = s;
	return 0;
}

void lf_settings_close(struct lf_settings *s)
{
	if (!s)
		return;
	s->is_closed = true;
	lf_settings_unref(s);
}

void lf_settings_unref(struct lf_settings *s)
{
	size_t i;

	if (--s->refs > 0)
		return;
	for (i = 0; i < s->n; i++) {
		lf_setting_value_free(s->order[i]->def, s->order[i]->value);
		free(s->order[i]);
	}
	lf_map_done(&s->by_name);
	lf_map_done(&s->defs);
	free(s->order);
	free(s->listeners);
	free(s);
}
