/*
 * directory/setting_internal.h - what the files of the settings share.
 *
 *     setting.c         from the tables and the store, until the end
 *     setting_name.c    names, families, instances
 *     setting_value.c   the values in memory
 *     setting_read.c    asking for them
 *     setting_check.c   what a value may be
 *     setting_set.c     changing them
 */
#ifndef LF_DIRECTORY_SETTING_INTERNAL_H
#define LF_DIRECTORY_SETTING_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/map.h"
#include "directory/setting.h"

#define LF_SETTING_NAME_MAX 128 /* with its NUL */

/* A setting that can be shown: each plain one, and all of an instance's. */
struct lf_setting {
	const struct lf_setting_def *def;
	char *value;          /* NULL: the default */
	int64_t number;       /* of a BOOL or INT, default or not */
	const char *instance; /* NULL: no family; follows the name */
	char name[];
};

struct lf_setting_listener {
	const char *prefix;
	lf_setting_change_fn *fn;
	void *arg;
};

struct lf_settings {
	struct lf_store *store;
	struct lf_vault *vault;
	struct lf_map defs;    /* by name, '*' and all */
	struct lf_map by_name; /* of struct lf_setting */
	struct lf_setting **order;
	size_t n, cap;
	struct lf_setting_listener *listeners;
	size_t n_listeners;
	unsigned refs, sets_under_way;
	bool is_closed;
	void (*ready)(int err, void *arg);
	void *ready_arg;
};

/* ---- setting.c ---- */

void lf_settings_unref(struct lf_settings *s);

/* ---- setting_name.c ---- */

/* The definition of a full name; NULL if no table has it. `instance` may be
 * NULL, else it is "" for a plain setting. */
const struct lf_setting_def *
lf_setting_def_of(const struct lf_settings *s, const char *name,
		  char instance[LF_SETTING_NAME_MAX]);
/* The nearest name that would be right, in `out`; false: none is near. */
bool lf_setting_suggest(const struct lf_settings *s, const char *name,
			char out[LF_SETTING_NAME_MAX]);
/* "feed.pbx1.server"; false: it is too long. */
bool lf_setting_instance_name(char out[LF_SETTING_NAME_MAX], const char *family,
			      const char *instance);
/* "feed.*.server" and "feed.*.port" are; what has no '*' is of none. */
bool lf_setting_same_family(const char *a, const char *b);

/* ---- setting_value.c ---- */

/* With its default. `instance` "" for a plain one. -EEXIST, -ENOMEM. */
int lf_setting_add(struct lf_settings *s, const struct lf_setting_def *def,
		   const char *name, const char *instance);
/* Takes `value` over (NULL: default). -ENOMEM for a new instance only. */
int lf_setting_assign(struct lf_settings *s, const char *name, char *value);
/* Wipes it if it is a secret. NULL is fine. */
void lf_setting_value_free(const struct lf_setting_def *def, char *value);

/* ---- setting_read.c ---- */

const char *lf_setting_default(const struct lf_setting_def *def);

/* ---- setting_check.c ---- */

/*
 * Checks a value and gives its one spelling, malloc'ed. -EINVAL: `why`
 * continues the sentence that the name began.
 */
int lf_setting_check(const struct lf_setting_def *def, const char *value,
		     char **ret, char *why, size_t size);
int64_t lf_setting_number(const struct lf_setting_def *def, const char *value);

#endif
