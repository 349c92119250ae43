/*
 * directory/setting_set.c - changing settings: all or nothing.
 *
 *     check all -> one transaction with its audit -> apply -> listeners
 */
#include "directory/setting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "directory/internal.h"
#include "directory/setting_internal.h"
#include "store/store.h"

#include "core/banned.h"

struct item {
	const struct lf_setting_def *def;
	char *name;
	char *value; /* NULL: the default */
	bool is_change;
};

struct change {
	struct lf_settings *s;
	lf_setting_done_fn *done;
	void *arg;
	size_t n;
	struct item items[];
};

static void change_free(struct change *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (c->items[i].value)
			lf_setting_value_free(c->items[i].def,
					      c->items[i].value);
		free(c->items[i].name);
	}
	free(c);
}

/* ---- checking ---- */

static int refuse_unknown(const struct lf_settings *s, const char *name,
			  char *text)
{
	char near[LF_SETTING_NAME_MAX];

	if (lf_setting_suggest(s, name, near))
		snprintf(text, LF_SETTING_ERROR_SIZE,
			 "there is no setting \"%.128s\"; did you mean "
			 "\"%s\"?",
			 name, near);
	else
		snprintf(text, LF_SETTING_ERROR_SIZE,
			 "there is no setting \"%.128s\"", name);
	return -EINVAL;
}

static bool is_named_before(const struct change *c, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (!strcmp(c->items[j].name, c->items[i].name))
			return true;
	return false;
}

static bool is_new_value(const struct lf_settings *s, const struct item *item)
{
	const struct lf_setting *e = lf_map_find(&s->by_name, item->name);
	const char *old = e ? e->value : NULL;

	/* What is being stored right now is not in memory yet. */
	if (s->sets_under_way)
		return true;
	return !old != !item->value || (old && strcmp(old, item->value));
}

static int check_item(struct change *c, size_t i, const struct lf_assignment *a,
		      char *text)
{
	struct item *item = &c->items[i];
	char why[LF_SETTING_ERROR_SIZE / 2] = "";
	int err;

	item->name = strdup(a->name);
	if (!item->name)
		return -ENOMEM;
	item->def = lf_setting_def_of(c->s, a->name, NULL);
	if (!item->def)
		return refuse_unknown(c->s, a->name, text);
	if (is_named_before(c, i)) {
		snprintf(text, LF_SETTING_ERROR_SIZE, "%s is named twice",
			 a->name);
		return -EINVAL;
	}
	if (a->value) {
		err = lf_setting_check(item->def, a->value, &item->value, why,
				       sizeof(why));
		if (err) {
			snprintf(text, LF_SETTING_ERROR_SIZE, "%s %s", a->name,
				 why);
			return err;
		}
	}
	item->is_change = is_new_value(c->s, item);
	return 0;
}

static int change_new(struct change **ret, struct lf_settings *s,
		      const struct lf_assignment *list, size_t n, char *text)
{
	struct change *c = calloc(1, sizeof(*c) + n * sizeof(c->items[0]));
	size_t i;
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->s = s;
	for (i = 0; i < n && !err; i++) {
		c->n = i + 1;
		err = check_item(c, i, &list[i], text);
	}
	if (err)
		change_free(c);
	else
		*ret = c;
	return err;
}

/* ---- listeners ---- */

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

static bool tells(const struct lf_setting_listener *l, const struct change *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->items[i].is_change &&
		    !strncmp(c->items[i].name, l->prefix, strlen(l->prefix)))
			return true;
	return false;
}

/* ---- storing, then applying ---- */

static int tx_value(struct lf_store_tx *tx, const struct lf_settings *s,
		    const struct item *item)
{
	char *sealed = NULL;
	const char *stored = item->value;
	int err = 0;

	if (!item->value)
		return lf_store_tx_del(tx, "setting", item->name, LF_STORE_ANY);
	if (item->def->type == LF_SET_SECRET && *item->value) {
		err = s->vault ? lf_vault_seal(s->vault, &sealed, item->value)
			       : -ENOKEY;
		stored = sealed;
	}
	if (!err)
		err = lf_store_tx_put(tx, "setting", item->name, stored,
				      strlen(stored), LF_STORE_ANY);
	free(sealed);
	return err;
}

static int tx_audit(struct lf_store_tx *tx, const struct lf_settings *s,
		    const struct item *item, const char *by)
{
	const struct lf_setting *e = lf_map_find(&s->by_name, item->name);
	const char *def = lf_setting_default(item->def);
	const char *old = e && e->value ? e->value : def;
	const char *now = item->value ? item->value : def;
	char what[LF_SETTING_NAME_MAX + 8], detail[LF_SETTING_ERROR_SIZE];

	snprintf(what, sizeof(what), "%s %s", item->value ? "set" : "reset",
		 item->name);
	if (item->def->type == LF_SET_SECRET)
		snprintf(detail, sizeof(detail), "(secret)");
	else
		snprintf(detail, sizeof(detail), "\"%.200s\" -> \"%.200s\"",
			 old, now);
	return lf_audit_tx(tx, by, what, detail);
}

static int apply(struct change *c)
{
	struct item *item;
	int err = 0, one;
	size_t i;

	for (i = 0; i < c->n; i++) {
		item = &c->items[i];
		if (!item->is_change)
			continue;
		one = lf_setting_assign(c->s, item->name, item->value);
		item->value = NULL;
		if (one)
			err = one;
	}
	for (i = 0; i < c->s->n_listeners; i++)
		if (tells(&c->s->listeners[i], c))
			c->s->listeners[i].fn(c->s->listeners[i].arg);
	return err;
}

static void on_stored(int err, int64_t rev, void *arg)
{
	struct change *c = arg;
	struct lf_settings *s = c->s;

	s->sets_under_way--;
	if (!s->is_closed) {
		if (err)
			c->done(-EAGAIN, "cannot be saved now, try again later",
				c->arg);
		else if ((err = apply(c)) != 0)
			c->done(err, "saved, but out of memory: restart",
				c->arg);
		else
			c->done(0, "", c->arg);
	}
	change_free(c);
	lf_settings_unref(s);
}

static int store(struct change *c, const char *by, size_t *ret_changes)
{
	struct lf_store_tx *tx;
	size_t i, changes = 0;
	int err = lf_store_tx_new(&tx, c->s->store);

	if (err)
		return err;
	for (i = 0; i < c->n && !err; i++) {
		if (!c->items[i].is_change)
			continue;
		changes++;
		err = tx_value(tx, c->s, &c->items[i]);
		if (!err)
			err = tx_audit(tx, c->s, &c->items[i], by);
	}
	*ret_changes = changes;
	if (err || !changes) {
		lf_store_tx_free(tx);
		return err;
	}
	return lf_store_tx_commit(tx, on_stored, c);
}

int lf_settings_set(struct lf_settings *s, const struct lf_assignment *list,
		    size_t n, const char *by, lf_setting_done_fn *done,
		    void *arg)
{
	char text[LF_SETTING_ERROR_SIZE] = "";
	struct change *c;
	size_t changes;
	int err;

	err = change_new(&c, s, list, n, text);
	if (err == -EINVAL)
		done(err, text, arg);
	if (err)
		return err == -EINVAL ? 0 : err;
	c->done = done;
	c->arg = arg;

	err = store(c, by, &changes);
	if (!err && changes) {
		s->sets_under_way++;
		s->refs++;
		return 0;
	}
	change_free(c);
	if (err == -ENOKEY)
		done(-EINVAL, "a secret needs the key file, and there is none",
		     arg);
	else if (!err)
		done(0, "", arg);
	return err == -ENOKEY ? 0 : err;
}
