/* tests/directory/test_setting.c - settings: checked, kept, told, audited. */
#include "tests/directory/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/secret.h"
#include "core/text.h"
#include "directory/audit.h"
#include "directory/setting.h"

#include "core/banned.h"

static const struct lf_setting_def table[] = {
	{"console.search-max", LF_SET_INT, "200", 1, 500, NULL, "rows"},
	{"console.plain", LF_SET_BOOL, "yes"},
	{"presence.winner", LF_SET_ENUM, "sip", 0, 0, "sip|teams|webex"},
	{"mail.server", LF_SET_ADDRESS, ""},
	{"mail.from", LF_SET_TEXT, "", 0, 8},
	{"mail.password", LF_SET_SECRET, ""},
	{NULL},
};
static const struct lf_setting_def feeds[] = {
	{"feed.*.server", LF_SET_ADDRESS, ""},
	{"feed.*.kind", LF_SET_ENUM, "auto", 0, 0, "auto|cucm|asterisk"},
	{"feed.*.pace", LF_SET_INT, "500", 1, 1000},
	{"feed.*.password", LF_SET_SECRET, ""},
	{NULL},
};
static const struct lf_setting_def *const tables[] = {
	table, feeds, lf_directory_settings, NULL};

struct bench {
	struct rig *rig;
	struct lf_vault *vault;
	struct lf_settings *s;
};

static void on_ready(int err, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static void open_settings(struct bench *b)
{
	assert_int_equal(0, lf_settings_open(&b->s, b->rig->store, b->vault,
					     tables, on_ready, b->rig));
	rig_wait(b->rig);
	assert_int_equal(0, b->rig->err);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char path[128];
	void *rig;

	assert_int_equal(0, rig_setup(&rig));
	b->rig = rig;
	snprintf(path, sizeof(path), "%s/key", b->rig->folder);
	assert_int_equal(0, lf_vault_open(&b->vault, path));
	open_settings(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	void *rig = b->rig;

	lf_settings_close(b->s);
	lf_vault_free(b->vault);
	rig_teardown(&rig);
	free(b);
	return 0;
}

static void restart(struct bench *b)
{
	lf_settings_close(b->s);
	rig_restart(b->rig);
	open_settings(b);
}

static void on_set(int err, const char *text, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	lf_text_copy(rig->text, sizeof(rig->text), text);
	rig->is_done = true;
}

static int set_list(struct bench *b, const struct lf_assignment *list, size_t n)
{
	assert_int_equal(
		0, lf_settings_set(b->s, list, n, "admin", on_set, b->rig));
	rig_wait(b->rig);
	return b->rig->err;
}

static int set(struct bench *b, const char *name, const char *value)
{
	const struct lf_assignment one = {name, value};

	return set_list(b, &one, 1);
}

static void defaults_hold_until_somebody_changes_them(void **state)
{
	struct bench *b = *state;

	assert_int_equal(200, lf_setting_int(b->s, "console.search-max"));
	assert_true(lf_setting_bool(b->s, "console.plain"));
	assert_string_equal("sip", lf_setting_text(b->s, "presence.winner"));
	assert_string_equal("", lf_setting_text(b->s, "voicemail.pilot"));
	assert_true(lf_setting_is_default(b->s, "console.search-max"));

	assert_int_equal(0, set(b, "console.search-max", " 300"));
	assert_int_equal(0, set(b, "console.plain", "OFF"));
	assert_int_equal(0, set(b, "presence.winner", "Teams"));
	assert_int_equal(0, set(b, "voicemail.pilot", "+39*9#"));
	restart(b);
	assert_int_equal(300, lf_setting_int(b->s, "console.search-max"));
	assert_false(lf_setting_bool(b->s, "console.plain"));
	assert_string_equal("teams", lf_setting_text(b->s, "presence.winner"));
	assert_string_equal("+39*9#", lf_setting_text(b->s, "voicemail.pilot"));
	assert_false(lf_setting_is_default(b->s, "console.search-max"));

	assert_int_equal(0, set(b, "console.search-max", NULL));
	assert_int_equal(200, lf_setting_int(b->s, "console.search-max"));
	restart(b);
	assert_int_equal(200, lf_setting_int(b->s, "console.search-max"));
	assert_true(lf_setting_is_default(b->s, "console.search-max"));
}

static void a_wrong_value_is_answered_in_words(void **state)
{
	struct bench *b = *state;

	assert_int_equal(-EINVAL, set(b, "console.serch-max", "3"));
	assert_string_equal(
		"there is no setting \"console.serch-max\"; did you "
		"mean \"console.search-max\"?",
		b->rig->text);
	assert_int_equal(-EINVAL, set(b, "feed.pbx1.sever", "x"));
	assert_string_equal("there is no setting \"feed.pbx1.sever\"; did you "
			    "mean \"feed.pbx1.server\"?",
			    b->rig->text);
	assert_int_equal(-EINVAL, set(b, "zzz", "x"));
	assert_string_equal("there is no setting \"zzz\"", b->rig->text);
	assert_int_equal(-EINVAL, set(b, "console.search-max", "501"));
	assert_string_equal("console.search-max is a number from 1 to 500 rows",
			    b->rig->text);
	assert_int_equal(-EINVAL, set(b, "console.search-max", ""));
	assert_int_equal(-EINVAL, set(b, "console.plain", "maybe"));
	assert_string_equal("console.plain is yes or no", b->rig->text);
	assert_int_equal(-EINVAL, set(b, "presence.winner", "lync"));
	assert_string_equal("presence.winner is one of sip|teams|webex",
			    b->rig->text);
	assert_int_equal(-EINVAL, set(b, "presence.winner", "sip|teams"));
	assert_int_equal(-EINVAL, set(b, "mail.from", "123456789"));
	assert_int_equal(-EINVAL, set(b, "mail.from", "a\nb"));
	assert_int_equal(-EINVAL, set(b, "voicemail.pilot", "12a"));
	assert_int_equal(-EINVAL, set(b, "feed.*.server", "x"));
	assert_int_equal(-EINVAL, set(b, "feed..server", "x"));
	assert_int_equal(-EINVAL, set(b, "feed.a b.server", "x"));
	assert_null(lf_setting_instance(b->s, "feed.*", 0));
}

static void addresses_are_hosts_with_an_optional_port(void **state)
{
	static const char *const good[] = {"pbx",      "pbx.corp.example:5060",
					   "10.0.0.1", "[::1]",
					   "[::1]:1",  "fe80::1",
					   "",         "10.0.0.1:65535"};
	static const char *const bad[] = {
		"pbx:",  "pbx:0",  "pbx:65536", ":5060", "a b",     "[::1",
		"[pbx]", "[::1]5", "pbx:5060x", "a:b:c", "sip:pbx", "[::1]:"};
	struct bench *b = *state;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(0, set(b, "mail.server", good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(-EINVAL, set(b, "mail.server", bad[i]));
}

static void of_several_one_wrong_one_stops_all(void **state)
{
	const struct lf_assignment wrong[] = {{"console.search-max", "10"},
					      {"console.plain", "no"},
					      {"presence.winner", "x"}};
	const struct lf_assignment twice[] = {{"console.search-max", "10"},
					      {"console.search-max", "11"}};
	struct bench *b = *state;

	assert_int_equal(-EINVAL, set_list(b, wrong, 3));
	assert_int_equal(-EINVAL, set_list(b, twice, 2));
	assert_string_equal("console.search-max is named twice", b->rig->text);
	restart(b);
	assert_int_equal(200, lf_setting_int(b->s, "console.search-max"));
	assert_true(lf_setting_bool(b->s, "console.plain"));
	assert_int_equal(0, set_list(b, wrong, 2));
	assert_int_equal(10, lf_setting_int(b->s, "console.search-max"));
}

static void a_family_has_instances_while_one_value_is_set(void **state)
{
	const struct lf_assignment feeds_of_two[] = {
		{"feed.pbx-2.server", "b:5060"},
		{"feed.pbx.server", "a:5060"},
		{"feed.pbx.pace", "20"}};
	const struct lf_assignment gone[] = {{"feed.pbx.server", NULL},
					     {"feed.pbx.pace", NULL}};
	struct bench *b = *state;
	struct lf_setting_view view;
	char names[256] = "";
	size_t i = 0, len = 0;

	assert_int_equal(0, set_list(b, feeds_of_two, 3));
	restart(b);
	assert_string_equal("pbx", lf_setting_instance(b->s, "feed.*", 0));
	assert_string_equal("pbx-2", lf_setting_instance(b->s, "feed.", 1));
	assert_null(lf_setting_instance(b->s, "feed.*", 2));
	assert_string_equal("a:5060",
			    lf_setting_of(b->s, "feed.*.server", "pbx"));
	assert_string_equal("20", lf_setting_of(b->s, "feed.*.pace", "pbx"));
	assert_string_equal("500", lf_setting_of(b->s, "feed.*.pace", "pbx-2"));
	assert_int_equal(20, lf_setting_int(b->s, "feed.pbx.pace"));
	assert_int_equal(500, lf_setting_int(b->s, "feed.other.pace"));
	assert_string_equal("auto", lf_setting_text(b->s, "feed.pbx.kind"));

	while (lf_setting_next(b->s, "feed.pbx.", &i, &view))
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					"%s=%s%s ", view.name + 9, view.value,
					view.is_default ? "" : "!");
	assert_string_equal("kind=auto pace=20! password= server=a:5060! ",
			    names);

	assert_int_equal(0, set_list(b, gone, 2));
	assert_string_equal("pbx-2", lf_setting_instance(b->s, "feed.*", 0));
	assert_null(lf_setting_instance(b->s, "feed.*", 1));
	restart(b);
	assert_null(lf_setting_instance(b->s, "feed.*", 1));
}

static void on_raw(int err, const struct lf_store_kv *rows, size_t n, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	lf_text_copy_n(rig->text, sizeof(rig->text), n ? rows[0].value : "",
		       n ? rows[0].len : 0);
	rig->is_done = true;
}

static void a_secret_is_sealed_in_the_store_and_never_shown(void **state)
{
	struct bench *b = *state;
	struct lf_setting_view view;
	size_t i = 0;

	assert_int_equal(0, set(b, "mail.password", "tiger "));
	assert_int_equal(0, lf_store_get(b->rig->store, "setting",
					 "mail.password", on_raw, b->rig));
	rig_wait(b->rig);
	assert_non_null(strstr(b->rig->text, "v1:"));
	assert_null(strstr(b->rig->text, "tiger"));
	restart(b);
	assert_string_equal("tiger ", lf_setting_text(b->s, "mail.password"));
	assert_true(lf_setting_next(b->s, "mail.password", &i, &view));
	assert_string_equal("(set)", view.value);
	assert_int_equal(0, set(b, "mail.password", ""));
	i = 0;
	assert_true(lf_setting_next(b->s, "mail.password", &i, &view));
	assert_string_equal("", view.value);
}

static void count(void *arg)
{
	++*(int *)arg;
}

static void listeners_hear_of_their_prefix_once_a_change(void **state)
{
	const struct lf_assignment two[] = {{"console.search-max", "10"},
					    {"console.plain", "no"}};
	struct bench *b = *state;
	int console = 0, feed = 0, all = 0;

	lf_settings_on_change(b->s, "console.", count, &console);
	lf_settings_on_change(b->s, "feed.", count, &feed);
	lf_settings_on_change(b->s, "", count, &all);
	set_list(b, two, 2);
	assert_int_equal(1, console);
	set_list(b, two, 2); /* nothing new */
	set(b, "console.plain", "perhaps");
	set(b, "feed.x.pace", "3");
	assert_int_equal(1, console);
	assert_int_equal(1, feed);
	assert_int_equal(2, all);
}

static void on_audit(int err, const struct lf_audit_entry *entries, size_t n,
		     void *arg)
{
	struct rig *rig = arg;
	size_t i, len = 0;

	for (i = 0; i < n; i++)
		len += (size_t)snprintf(
			rig->text + len, sizeof(rig->text) - len, "%s|%s|%s;",
			entries[i].by, entries[i].what, entries[i].detail);
	rig->is_done = true;
}

static void each_change_leaves_one_audit_row_without_secrets(void **state)
{
	const struct lf_assignment three[] = {{"console.search-max", "10"},
					      {"console.plain", "yes"},
					      {"mail.password", "tiger"}};
	struct bench *b = *state;

	set_list(b, three, 3);
	set(b, "console.search-max", NULL);
	assert_int_equal(0, lf_audit_read(b->rig->store, 10, on_audit, b->rig));
	rig_wait(b->rig);
	assert_string_equal("admin|set console.search-max|\"200\" -> \"10\";"
			    "admin|set console.plain|\"yes\" -> \"yes\";"
			    "admin|set mail.password|(secret);"
			    "admin|reset console.search-max|\"10\" -> \"200\";",
			    b->rig->text);
}

static void drop_log(enum lf_log_level level, const char *room,
		     const char *text, void *arg)
{
	++*(int *)arg;
}

static void what_does_not_fit_any_more_is_told_and_not_used(void **state)
{
	struct bench *b = *state;
	int lines = 0;

	lf_store_put(b->rig->store, "setting", "console.search-max", "900", 3,
		     LF_STORE_ANY, NULL, NULL);
	lf_store_put(b->rig->store, "setting", "old.name", "1", 1, LF_STORE_ANY,
		     NULL, NULL);
	lf_store_put(b->rig->store, "setting", "mail.password", "v1:AAAA", 7,
		     LF_STORE_ANY, NULL, NULL);
	lf_log_set_sink(drop_log, &lines);
	restart(b);
	lf_log_set_sink(NULL, NULL);
	assert_int_equal(3, lines);
	assert_int_equal(200, lf_setting_int(b->s, "console.search-max"));
	assert_string_equal("", lf_setting_text(b->s, "mail.password"));
}

static void two_sets_at_once_end_with_the_later(void **state)
{
	const struct lf_assignment one = {"console.search-max", "10"};
	const struct lf_assignment back = {"console.search-max", NULL};
	struct bench *b = *state;

	lf_settings_set(b->s, &one, 1, "a", on_set, b->rig);
	lf_settings_set(b->s, &back, 1, "b", on_set, b->rig);
	rig_wait(b->rig);
	restart(b);
	assert_int_equal(200, lf_setting_int(b->s, "console.search-max"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_hold_until_somebody_changes_them),
		TEST(a_wrong_value_is_answered_in_words),
		TEST(addresses_are_hosts_with_an_optional_port),
		TEST(of_several_one_wrong_one_stops_all),
		TEST(a_family_has_instances_while_one_value_is_set),
		TEST(a_secret_is_sealed_in_the_store_and_never_shown),
		TEST(listeners_hear_of_their_prefix_once_a_change),
		TEST(each_change_leaves_one_audit_row_without_secrets),
		TEST(what_does_not_fit_any_more_is_told_and_not_used),
		TEST(two_sets_at_once_end_with_the_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
