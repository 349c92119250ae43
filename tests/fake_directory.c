/* tests/fake_directory.c - see tests/fake_directory.h. */
#include "tests/fake_directory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "directory/audit.h"
#include "presence/agent.h"
#include "presence/simple.h"

#include "core/banned.h"

#define VALUES 64
#define LISTENERS 8
#define TEXT 128

struct record {
	struct lf_user user;
	char id[16], ext[TEXT], sip_uri[TEXT], voicemail[TEXT];
};

struct user_listener {
	lf_user_change_fn *fn;
	void *arg;
};

struct listener {
	const char *prefix;
	lf_setting_change_fn *fn;
	void *arg;
};

static struct record **records;
static size_t n_records;
static struct user_listener user_listeners[LISTENERS];
static size_t n_user_listeners;
static struct listener listeners[LISTENERS];
static size_t n_listeners;
static struct value {
	char name[TEXT], value[TEXT];
} values[VALUES]; /* sorted by name */
static size_t n_values;
static int any;

struct lf_directory *fake_directory(void)
{
	return (struct lf_directory *)&any;
}

struct lf_settings *fake_settings(void)
{
	return (struct lf_settings *)&any;
}

void fake_directory_reset(void)
{
	while (n_records)
		free(records[--n_records]);
	free(records);
	records = NULL;
	n_values = 0;
	fake_directory_unlisten();
}

void fake_directory_unlisten(void)
{
	n_user_listeners = 0;
	n_listeners = 0;
}

/* ---- users ---- */

static struct record **find(const char *id)
{
	size_t i;

	for (i = 0; i < n_records; i++)
		if (!strcmp(records[i]->id, id))
			return &records[i];
	return NULL;
}

static struct record *make(const char *id, const char *ext, const char *sip_uri,
			   const char *voicemail)
{
	struct record *r = calloc(1, sizeof(*r));

	assert(r);
	snprintf(r->id, sizeof(r->id), "%s", id);
	snprintf(r->ext, TEXT, "%s", ext ? ext : "");
	snprintf(r->sip_uri, TEXT, "%s", sip_uri ? sip_uri : "");
	snprintf(r->voicemail, TEXT, "%s", voicemail ? voicemail : "");
	r->user = (struct lf_user){
		.id = r->id,
		.username = r->id,
		.ext = r->ext,
		.sip_uri = r->sip_uri,
		.voicemail = r->voicemail,
		.first_name = "",
		.last_name = "",
		.ms_uri = "",
		.webex_uri = "",
	};
	return r;
}

static void tell_users(const struct lf_user *was, const struct lf_user *now)
{
	for (size_t i = 0; i < n_user_listeners; i++)
		user_listeners[i].fn(was, now, user_listeners[i].arg);
}

void fake_user_put(const char *id, const char *ext, const char *sip_uri,
		   const char *voicemail)
{
	struct record *now = make(id, ext, sip_uri, voicemail), *was = NULL;
	struct record **place = find(id);

	if (place) {
		was = *place;
	} else {
		records = realloc(records,
				  (n_records + 1) * sizeof(struct record *));
		assert(records);
		place = &records[n_records++];
	}
	*place = now;
	tell_users(was ? &was->user : NULL, &now->user);
	free(was);
}

void fake_user_delete(const char *id)
{
	struct record **place = find(id), *was;

	assert(place);
	was = *place;
	*place = records[--n_records];
	tell_users(&was->user, NULL);
	free(was);
}

const struct lf_user *lf_user_find(const struct lf_directory *dir,
				   const char *id)
{
	struct record **place = find(id);

	return place ? &(*place)->user : NULL;
}

const struct lf_user *lf_user_by_username(const struct lf_directory *dir,
					  const char *username)
{
	return lf_user_find(dir, username);
}

const struct lf_user *lf_user_by_ext(const struct lf_directory *dir,
				     const char *ext)
{
	for (size_t i = 0; i < n_records; i++)
		if (*ext && !strcmp(records[i]->ext, ext))
			return &records[i]->user;
	return NULL;
}

const struct lf_user *lf_user_resolve(const struct lf_directory *dir,
				      const char *key)
{
	const struct lf_user *user = lf_user_find(dir, key);

	for (size_t i = 0; i < n_records && !user; i++)
		if (lf_text_equal(records[i]->sip_uri, key))
			user = &records[i]->user;
	return user ? user : lf_user_by_ext(dir, key);
}

const struct lf_user *lf_user_next(const struct lf_directory *dir, size_t *i)
{
	return *i < n_records ? &records[(*i)++]->user : NULL;
}

/* Everybody is in the group "all". */
char *lf_user_name(const struct lf_user *user, char *out, size_t size)
{
	snprintf(out, size, "%s", user->username);
	return out;
}

bool lf_user_in_group(const struct lf_user *user, const char *group)
{
	return !strcmp(group, "all");
}

int lf_directory_on_change(struct lf_directory *dir, lf_user_change_fn *fn,
			   void *arg)
{
	assert(n_user_listeners < LISTENERS);
	user_listeners[n_user_listeners++] = (struct user_listener){fn, arg};
	return 0;
}

/* ---- settings ---- */

static void tell(const char *name)
{
	size_t i;

	for (i = 0; i < n_listeners; i++)
		if (!strncmp(name, listeners[i].prefix,
			     strlen(listeners[i].prefix)))
			listeners[i].fn(listeners[i].arg);
}

static struct value *find_value(const char *name)
{
	size_t i;

	for (i = 0; i < n_values; i++)
		if (!strcmp(values[i].name, name))
			return &values[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct value *)a)->name,
		      ((const struct value *)b)->name);
}

void fake_setting_put(const char *name, const char *value)
{
	struct value *v = find_value(name);

	if (value && !v) {
		assert(n_values < VALUES);
		v = &values[n_values++];
		snprintf(v->name, TEXT, "%s", name);
	}
	if (value)
		snprintf(v->value, TEXT, "%s", value);
	else if (v)
		*v = values[--n_values];
	qsort(values, n_values, sizeof(values[0]), by_name);
	tell(name);
}

static const char *default_of(const char *name)
{
	const struct lf_setting_def *const tables[] = {lf_presence_settings,
						       lf_agent_settings};
	const struct lf_setting_def *def;

	if (!strcmp(name, "voicemail.pilot"))
		return "";
	for (size_t i = 0; i < 2; i++)
		for (def = tables[i]; def->name; def++)
			if (!strcmp(def->name, name))
				return def->def;
	assert(!"no such setting");
	return NULL;
}

const char *lf_setting_text(const struct lf_settings *s, const char *name)
{
	struct value *v = find_value(name);

	return v ? v->value : default_of(name);
}

bool lf_setting_bool(const struct lf_settings *s, const char *name)
{
	return !strcmp(lf_setting_text(s, name), "yes");
}

int64_t lf_setting_int(const struct lf_settings *s, const char *name)
{
	return strtoll(lf_setting_text(s, name), NULL, 10);
}

const char *lf_setting_of(const struct lf_settings *s, const char *family,
			  const char *instance)
{
	const char *star = strchr(family, '*');
	char name[TEXT * 2];
	struct value *v;

	assert(star);
	snprintf(name, sizeof(name), "%.*s%s%s", (int)(star - family), family,
		 instance, star + 1);
	v = find_value(name);
	return v ? v->value : default_of(family);
}

const char *lf_setting_instance(const struct lf_settings *s,
				const char *family_prefix, size_t i)
{
	static char out[TEXT];
	size_t len = strcspn(family_prefix, "*"), n;
	char last[TEXT] = "";

	for (n = 0; n < n_values; n++) {
		if (strncmp(values[n].name, family_prefix, len))
			continue;
		snprintf(out, sizeof(out), "%s", values[n].name + len);
		out[strcspn(out, ".")] = '\0';
		if (!strcmp(out, last))
			continue;
		if (i-- == 0)
			return out;
		memcpy(last, out, sizeof(last));
	}
	return NULL;
}

int lf_settings_on_change(struct lf_settings *s, const char *prefix,
			  lf_setting_change_fn *fn, void *arg)
{
	assert(n_listeners < LISTENERS);
	listeners[n_listeners++] = (struct listener){prefix, fn, arg};
	return 0;
}

void lf_audit(struct lf_store *store, const char *by, const char *what,
	      const char *detail)
{
}
