/*
 * directory/setting.h - the settings catalogue: everything an administrator
 * changes while the server runs (S29, S97, S119).
 *
 * A room brings a table of definitions; values live in the store, typed and
 * checked, and a change is applied at once, all or nothing, and audited. A
 * name with '*' is a family, one setting per instance: "feed.*.server" holds
 * "feed.pbx1.server". An instance exists while any of its settings is set.
 */
#ifndef LF_DIRECTORY_SETTING_H
#define LF_DIRECTORY_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_settings; /* opaque: see setting_internal.h */
struct lf_store;
struct lf_vault;

enum lf_setting_type {
	LF_SET_BOOL,    /* yes, no */
	LF_SET_INT,     /* within min..max */
	LF_SET_TEXT,    /* at most max bytes */
	LF_SET_ENUM,    /* one of `choices`, separated by '|' */
	LF_SET_ADDRESS, /* host, host:port, [v6]:port */
	LF_SET_NUMBER,  /* a phone number: digits, + * # */
	LF_SET_LIST,    /* comma separated texts */
	LF_SET_HOURS,   /* weekly hours, see core/hours.h */
	LF_SET_SECRET,  /* sealed in the store, never shown */
};

struct lf_setting_def {
	const char *name; /* NULL ends a table */
	enum lf_setting_type type;
	const char *def; /* in text form; "" for none */
	int64_t min, max;
	const char *choices;
	const char *unit;   /* "s", "ms", "days", NULL */
	const char *help;   /* one sentence */
	const char *source; /* "S114" */
};

/* This room's own: "voicemail.pilot" (S47). */
extern const struct lf_setting_def lf_directory_settings[];

/* Names in `err_text` what is wrong and what would be right. */
#define LF_SETTING_ERROR_SIZE 512

/*
 * `tables` ends with NULL. A definition with a bad default is logged and
 * refused with -EINVAL, one that is there twice with -EEXIST. `ready` is
 * called once, from the loop. A stored value that does not fit any more is
 * logged and not used. `vault` may be NULL; no secret can be set then.
 */
int lf_settings_open(struct lf_settings **ret, struct lf_store *store,
		     struct lf_vault *vault,
		     const struct lf_setting_def *const *tables,
		     void (*ready)(int err, void *arg), void *arg);
void lf_settings_close(struct lf_settings *settings);

/*
 * Asking for a name that no table has, or with another type, asserts. A text
 * lives until its next change.
 */
bool lf_setting_bool(const struct lf_settings *s, const char *name);
int64_t lf_setting_int(const struct lf_settings *s, const char *name);
/* TEXT, ENUM, ADDRESS, NUMBER, LIST; a SECRET in clear: wipe what you copy. */
const char *lf_setting_text(const struct lf_settings *s, const char *name);
bool lf_setting_is_default(const struct lf_settings *s, const char *name);

/* Of a family: "feed.*.server" and "pbx1", without writing the name out. */
const char *lf_setting_of(const struct lf_settings *s, const char *family,
			  const char *instance);
/* The i-th instance of "feed.*", sorted; NULL past the end. It is gone when
 * the last of its settings went back to the default. */
const char *lf_setting_instance(const struct lf_settings *s,
				const char *family_prefix, size_t i);

/* One assignment; value NULL means "use default". */
struct lf_assignment {
	const char *name, *value;
};

/*
 * Refuses by calling done(-EINVAL, text): unknown name (with the nearest),
 * wrong type, out of range, or a check refused. Otherwise stored, audited,
 * listeners called, then done(0, ...); -EAGAIN: cannot be saved now. A
 * refusal is told before the call returns; after lf_settings_close() nothing
 * is called. A call that returns non-zero (-ENOMEM) does not call back.
 */
typedef void lf_setting_done_fn(int err, const char *text, void *arg);
int lf_settings_set(struct lf_settings *s, const struct lf_assignment *list,
		    size_t n, const char *by, lf_setting_done_fn *done,
		    void *arg);

/* Called once per accepted change whose names include this prefix (which must
 * outlive the settings). */
typedef void lf_setting_change_fn(void *arg);
int lf_settings_on_change(struct lf_settings *s, const char *prefix,
			  lf_setting_change_fn *fn, void *arg);

/* For `lampctl get`, the API and the docs. Secrets show as "(set)" or "". */
struct lf_setting_view {
	const char *name, *value;
	const struct lf_setting_def *def;
	bool is_default;
};
/* `prefix` "" for all; families list their instances. False past the end. */
bool lf_setting_next(const struct lf_settings *s, const char *prefix, size_t *i,
		     struct lf_setting_view *ret);

#endif
