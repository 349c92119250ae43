/*
 * directory/record.c - one user: the names and checks of its fields, its one
 * block of memory, its JSON in the store.
 *
 * A draft is a struct lf_user whose texts belong to somebody else; packing it
 * makes the record that the directory keeps.
 */
#include "directory/user.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/text.h"
#include "directory/internal.h"

#include "core/banned.h"

enum rule { RULE_NONE, RULE_TEXT, RULE_NUMBER, RULE_URI };

static const struct field {
	const char *name;
	size_t offset; /* of its text in struct lf_user */
	enum rule rule;
} fields[LF_USER_FIELDS] = {
#define TEXT(member, rule)                                                     \
	{                                                                      \
#member, offsetof(struct lf_user, member), rule                \
	}
	[LF_USER_ID] = TEXT(id, RULE_NONE),
	[LF_USER_USERNAME] = TEXT(username, RULE_TEXT),
	[LF_USER_FIRST_NAME] = TEXT(first_name, RULE_TEXT),
	[LF_USER_LAST_NAME] = TEXT(last_name, RULE_TEXT),
	[LF_USER_EXT] = TEXT(ext, RULE_NUMBER),
	[LF_USER_SIP_URI] = TEXT(sip_uri, RULE_URI),
	[LF_USER_MS_URI] = TEXT(ms_uri, RULE_URI),
	[LF_USER_WEBEX_URI] = TEXT(webex_uri, RULE_URI),
	[LF_USER_VOICEMAIL] = TEXT(voicemail, RULE_NUMBER),
	[LF_USER_DEPARTMENT] = TEXT(department, RULE_TEXT),
	[LF_USER_GROUPS] = TEXT(groups, RULE_TEXT),
	[LF_USER_EMAIL] = TEXT(email, RULE_URI),
	[LF_USER_AD_USERNAME] = TEXT(ad_username, RULE_TEXT),
	[LF_USER_AD_DOMAIN] = TEXT(ad_domain, RULE_TEXT),
	[LF_USER_DEVICE] = TEXT(device, RULE_TEXT),
	[LF_USER_LICENCE] = {"licence"},
	[LF_USER_ADMIN] = {"admin"},
	[LF_USER_PASSWORD] = {"password"},
#undef TEXT
};

static const char *const licences[] = {
	[LF_LICENCE_NONE] = "none",
	[LF_LICENCE_BOE] = "BOE",
	[LF_LICENCE_BAP] = "BAP",
	[LF_LICENCE_BAE] = "BAE",
};

const struct lf_user lf_user_blank = {
	.id = "",
	.username = "",
	.first_name = "",
	.last_name = "",
	.ext = "",
	.sip_uri = "",
	.ms_uri = "",
	.webex_uri = "",
	.voicemail = "",
	.department = "",
	.groups = "",
	.email = "",
	.ad_username = "",
	.ad_domain = "",
	.device = "",
	.scram = "",
};

/* The texts are the struct's first members, one after the other. */
#define TEXTS (offsetof(struct lf_user, licence) / sizeof(const char *))

static const char **texts_of(struct lf_user *user)
{
	return &user->id;
}

static const char *const *texts_in(const struct lf_user *user)
{
	return &user->id;
}

static const char **text_at(struct lf_user *user, enum lf_user_field field)
{
	return texts_of(user) + fields[field].offset / sizeof(const char *);
}

const char *lf_user_field_name(enum lf_user_field field)
{
	return fields[field].name;
}

int lf_user_field_parse(enum lf_user_field *ret, const char *name)
{
	int i;

	for (i = 0; i < LF_USER_FIELDS; i++) {
		if (lf_text_equal(fields[i].name, name)) {
			*ret = (enum lf_user_field)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *lf_licence_kind_name(enum lf_licence_kind kind)
{
	return licences[kind];
}

const char *lf_user_get(const struct lf_user *user, enum lf_user_field field)
{
	switch (field) {
	case LF_USER_LICENCE:
		return lf_licence_kind_name(user->licence);
	case LF_USER_ADMIN:
		return user->is_admin ? "yes" : "no";
	case LF_USER_PASSWORD:
	case LF_USER_FIELDS:
		return "";
	default:
		return texts_in(
			user)[fields[field].offset / sizeof(const char *)];
	}
}

char *lf_user_name(const struct lf_user *user, char *out, size_t size)
{
	char both[2 * LF_USER_TEXT_MAX + 2];

	if (!*user->first_name && !*user->last_name) {
		lf_text_copy(out, size, user->username);
		return out;
	}
	snprintf(both, sizeof(both), "%s%s%s", user->first_name,
		 *user->first_name && *user->last_name ? " " : "",
		 user->last_name);
	lf_text_copy(out, size, both);
	return out;
}

bool lf_user_in_group(const struct lf_user *user, const char *group)
{
	const char *at = user->groups, *end;
	char one[LF_USER_TEXT_MAX + 1];

	if (!*group)
		return false;
	if (lf_text_equal(user->department, group))
		return true;
	for (; *at; at = *end ? end + 1 : end) {
		end = strchrnul(at, ',');
		lf_text_copy_n(one, sizeof(one), at, (size_t)(end - at));
		if (lf_text_equal(lf_text_trim(one), group))
			return true;
	}
	return false;
}

uint64_t lf_user_number(const char *id)
{
	int64_t n;

	if (id[0] != 'u' || id[1] == '0' ||
	    lf_text_int(&n, id + 1, 1, INT64_MAX))
		return 0;
	return (uint64_t)n;
}

/* ---- checks ---- */

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static const char *complaint(enum rule rule, const char *value)
{
	size_t len = strlen(value);

	if (len > LF_USER_TEXT_MAX)
		return "is longer than 128 bytes";
	if (!lf_text_is_utf8(value, len))
		return "is not UTF-8";
	if (has_control(value))
		return "has a control character in it";
	if (rule == RULE_NUMBER && value[strspn(value, "0123456789+*#")])
		return "takes digits, +, * and # only";
	if (rule == RULE_URI && value[strcspn(value, " <>\"")])
		return "cannot have blanks, quotes or angle brackets";
	return NULL;
}

static int set_licence(struct lf_user *draft, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(licences) / sizeof(*licences); i++) {
		if (lf_text_equal(value, *value ? licences[i] : "")) {
			draft->licence = (enum lf_licence_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_admin(struct lf_user *draft, const char *value)
{
	bool is_yes = lf_text_equal(value, "yes") ||
		      lf_text_equal(value, "true") || !strcmp(value, "1");

	if (!is_yes && *value && !lf_text_equal(value, "no") &&
	    !lf_text_equal(value, "false") && strcmp(value, "0"))
		return -EINVAL;
	draft->is_admin = is_yes;
	return 0;
}

static int refuse(char *err_text, enum lf_user_field field, const char *why)
{
	snprintf(err_text, LF_DIR_ERROR_SIZE, "%s %s", fields[field].name, why);
	return -EINVAL;
}

static int set_text(struct lf_user *draft, enum lf_user_field field,
		    char *value, char err_text[LF_DIR_ERROR_SIZE])
{
	const char *why = complaint(fields[field].rule, value);

	if (why)
		return refuse(err_text, field, why);
	if (field == LF_USER_SIP_URI && lf_text_starts(value, "sip:"))
		value += 4;
	if (field == LF_USER_USERNAME && !*value)
		return refuse(err_text, field, "cannot be empty");
	*text_at(draft, field) = value;
	return 0;
}

int lf_user_set(struct lf_user *draft, enum lf_user_field field, char *value,
		char err_text[LF_DIR_ERROR_SIZE])
{
	value = lf_text_trim(value);
	switch (field) {
	case LF_USER_LICENCE:
		if (set_licence(draft, value))
			return refuse(err_text, field,
				      "is none, BOE, BAP or BAE");
		return 0;
	case LF_USER_ADMIN:
		if (set_admin(draft, value))
			return refuse(err_text, field, "is yes or no");
		return 0;
	case LF_USER_ID:
	case LF_USER_PASSWORD:
	case LF_USER_FIELDS:
		return refuse(err_text, LF_USER_ID, "cannot be changed");
	default:
		return set_text(draft, field, value, err_text);
	}
}

int lf_user_check_password(const char *password,
			   char err_text[LF_DIR_ERROR_SIZE])
{
	const char *why = complaint(RULE_TEXT, password);

	return why ? refuse(err_text, LF_USER_PASSWORD, why) : 0;
}

/* ---- memory ---- */

/* An equal text that the record has already: people use one address for
 * SIP, mail and Microsoft. */
static const char *packed_before(struct lf_user *user, size_t i,
				 const char *text)
{
	const char *const *have = texts_in(user);

	while (i-- > 0)
		if (!strcmp(have[i], text))
			return have[i];
	return NULL;
}

static size_t texts_size(const struct lf_user *draft)
{
	const char *const *texts = texts_in(draft);
	struct lf_user seen = *draft;
	size_t i, size = 0;

	for (i = 0; i < TEXTS; i++)
		if (*texts[i] && !packed_before(&seen, i, texts[i]))
			size += strlen(texts[i]) + 1;
	return size;
}

struct lf_user *lf_user_pack(const struct lf_user *draft)
{
	struct lf_user *user = malloc(sizeof(*user) + texts_size(draft));
	const char *const *from = texts_in(draft);
	const char *same;
	char *at;
	size_t i, len;

	if (!user)
		return NULL;
	*user = *draft;
	at = (char *)(user + 1);
	for (i = 0; i < TEXTS; i++) {
		same = *from[i] ? packed_before(user, i, from[i]) : "";
		if (!same) {
			len = strlen(from[i]) + 1;
			same = memcpy(at, from[i], len);
			at += len;
		}
		texts_of(user)[i] = same;
	}
	return user;
}

bool lf_user_same(const struct lf_user *a, const struct lf_user *b)
{
	size_t i;

	for (i = 0; i < TEXTS; i++)
		if (strcmp(texts_in(a)[i], texts_in(b)[i]))
			return false;
	return a->licence == b->licence && a->is_admin == b->is_admin;
}

/* ---- JSON ---- */

static void write_member(struct lf_buf *buf, const char *name, const char *text)
{
	if (!*text)
		return;
	if (buf->len > 1)
		lf_buf_addc(buf, ',');
	lf_buf_addc(buf, '"');
	lf_buf_adds(buf, name);
	lf_buf_adds(buf, "\":");
	lf_buf_add_json(buf, text);
}

/* `buf` is empty; the id is the key and not written. */
void lf_user_write(struct lf_buf *buf, const struct lf_user *user)
{
	int i;

	lf_buf_addc(buf, '{');
	for (i = LF_USER_USERNAME; i < LF_USER_LICENCE; i++)
		write_member(buf, fields[i].name,
			     lf_user_get(user, (enum lf_user_field)i));
	write_member(buf, "scram", user->scram);
	if (user->licence != LF_LICENCE_NONE)
		write_member(buf, "licence",
			     lf_licence_kind_name(user->licence));
	if (user->is_admin)
		write_member(buf, "admin", "yes");
	lf_buf_addc(buf, '}');
}

static int read_members(struct lf_user *draft, const json_t *json)
{
	int i, bad = 0;

	for (i = LF_USER_USERNAME; i < LF_USER_LICENCE; i++)
		*text_at(draft, (enum lf_user_field)i) =
			lf_json_str(json, fields[i].name, "", &bad);
	draft->scram = lf_json_str(json, "scram", "", &bad);
	if (set_licence(draft, lf_json_str(json, "licence", "", &bad)) ||
	    set_admin(draft, lf_json_str(json, "admin", "", &bad)))
		return -EPROTO;
	return bad || !*draft->username ? -EPROTO : 0;
}

int lf_user_read(struct lf_user **ret, const char *id, const char *json,
		 size_t len, int64_t rev)
{
	struct lf_user draft = lf_user_blank;
	struct lf_user *user;
	json_t *root;
	int err;

	if (!lf_user_number(id))
		return -EPROTO;
	err = lf_json_parse(&root, json, len);
	if (err)
		return err == -ENOMEM ? err : -EPROTO;
	draft.id = id;
	draft.rev = rev;
	err = read_members(&draft, root);
	if (!err) {
		user = lf_user_pack(&draft);
		err = user ? 0 : -ENOMEM;
		if (!err)
			*ret = user;
	}
	json_decref(root);
	return err;
}
