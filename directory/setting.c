/*
 * directory/setting.c - the settings' life: the rooms' tables, then what the
 * store's bucket "setting" holds, the values that differ from the default.
 */
#include "directory/setting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/secret.h"
#include "directory/setting_internal.h"
#include "store/store.h"

#include "core/banned.h"

/* ---- the tables ---- */

/* A wrong table is our bug, but one to be told by name. */
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
		err = lf_setting_add(s, def, def->name, "");
	if (err && err != -ENOMEM)
		lf_log(LF_ERROR, "directory", "definition of setting %s: %s",
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

/* ---- the store ---- */

static int unseal(struct lf_settings *s, char **ret, const char *sealed,
		  char *why, size_t size)
{
	snprintf(why, size, "was sealed with another key file");
	return s->vault ? lf_vault_unseal(s->vault, ret, sealed) : -EBADMSG;
}

static int load_value(struct lf_settings *s, const struct lf_store_kv *row,
		      char *why, size_t size)
{
	const struct lf_setting_def *def = lf_setting_def_of(s, row->key, NULL);
	char *stored, *plain = NULL, *value;
	int err = 0;

	if (!def) {
		snprintf(why, size, "is unknown");
		return -EINVAL;
	}
	stored = strndup(row->value, row->len);
	if (!stored)
		return -ENOMEM;
	if (def->type == LF_SET_SECRET && *stored)
		err = unseal(s, &plain, stored, why, size);
	if (!err)
		err = lf_setting_check(def, plain ? plain : stored, &value, why,
				       size);
	if (!err)
		err = lf_setting_assign(s, row->key, value);
	lf_setting_value_free(def, plain);
	free(stored);
	return err;
}

/* What an older program stored may not be right any more. */
static int load_row(struct lf_settings *s, const struct lf_store_kv *row)
{
	char why[LF_SETTING_ERROR_SIZE] = "";
	int err = load_value(s, row, why, sizeof(why));

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

/* ---- life ---- */

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
