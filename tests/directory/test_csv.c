/* tests/directory/test_csv.c - rows and cells; users out of files and back. */
#include "tests/directory/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "directory/csv.h"

#include "core/banned.h"

/* "[a|b]" for each row with its line, then the error if there is one. */
static const char *cut(const char *text, size_t len)
{
	static char out[512];
	char *data = malloc(len + 1), *cells[4];
	struct lf_csv csv;
	size_t n, i, at = 0;
	unsigned line;
	int more;

	memcpy(data, text, len);
	lf_csv_init(&csv, data, len);
	out[0] = '\0';
	while ((more = lf_csv_row(&csv, cells, 4, &n, &line)) > 0) {
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%u[", line);
		for (i = 0; i < n; i++)
			at += (size_t)snprintf(out + at, sizeof(out) - at,
					       "%s%s", i ? "|" : "", cells[i]);
		at += (size_t)snprintf(out + at, sizeof(out) - at, "]");
	}
	if (more < 0)
		snprintf(out + at, sizeof(out) - at, "!%s",
			 more == -EPROTO ? "proto" : "big");
	free(data);
	return out;
}

#define CUT(text) cut(text, sizeof(text) - 1)

static void rows_and_cells(void **state)
{
	assert_string_equal("", CUT(""));
	assert_string_equal("", CUT("\n\r\n"));
	assert_string_equal("1[a|b]2[c|]", CUT("a,b\nc,"));
	assert_string_equal("1[a|b]3[c|d]", CUT("a;b\r\n\r\nc;d\r\n"));
	assert_string_equal("1[a|b]2[c|d]", CUT("\xef\xbb\xbf"
						"a\tb\rc\td"));
	assert_string_equal("1[a|x,\"y\"\nz]3[c| d ]",
			    CUT("a,\"x,\"\"y\"\"\nz\"\nc, d "));
	assert_string_equal("1[|]", CUT("\"\",\"\""));
	assert_string_equal("1[a;b|c]", CUT("\"a;b\",c"));
	assert_string_equal("1[5\" x|b]", CUT("5\" x,b"));
	assert_string_equal("!proto", CUT("\"a"));
	assert_string_equal("!proto", CUT("\"a\"\""));
	assert_string_equal("!proto", CUT("\"a\"b,c"));
	assert_string_equal("1[a]!proto", CUT("a\n\"b\0\""));
	assert_string_equal("!proto", CUT("a\0b"));
	assert_string_equal("1[a]!big", CUT("a\n1,2,3,4,5"));
}

static void an_import_adds_and_changes(void **state)
{
	struct rig *rig = *state;
	const struct lf_user *user;

	rig_put(rig, NULL, "username=rossi|ext=1|department=Sales");
	assert_int_equal(0, rig_import(rig, "username;Last_Name;ext\r\n"
					    "ROSSI;Rossi;2101\r\n"
					    "verdi;\"Verdi; jun.\";2102\r\n"
					    "\r\n"
					    " bianchi ; Bianchi ;\r\n"));
	assert_int_equal(2, rig->added);
	assert_int_equal(1, rig->changed);
	assert_string_equal("2 added, 1 changed", rig->text);
	user = lf_user_find(rig->dir, "u1");
	assert_string_equal("ROSSI", user->username);
	assert_string_equal("2101", user->ext);
	assert_string_equal("Sales", user->department);
	assert_string_equal("Verdi; jun.",
			    lf_user_by_username(rig->dir, "verdi")->last_name);
	assert_string_equal("u3", lf_user_by_username(rig->dir, "bianchi")->id);

	/* The revisions are the store's: a change is accepted. */
	assert_int_equal(0, rig_put(rig, "u1", "ext=7"));
	assert_int_equal(0, rig_put(rig, "u3", "ext=8"));
	rig_restart(rig);
	assert_int_equal(3, lf_directory_count(rig->dir));
	assert_string_equal("7", lf_user_find(rig->dir, "u1")->ext);
	rig_put(rig, NULL, "username=new");
	assert_string_equal("u4", rig->id);
}

static void an_import_is_all_or_nothing_and_names_the_line(void **state)
{
	struct rig *rig = *state;

	rig_put(rig, NULL, "username=rossi|ext=1");
	rig_put(rig, NULL, "username=taken");
	assert_int_equal(-EINVAL, rig_import(rig, "username,ext\na,5\nb,x\n"));
	assert_string_equal("line 3: ext takes digits, +, * and # only",
			    rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "username,ext\na,5,6\n"));
	assert_string_equal("line 2: 3 cells where the header has 2",
			    rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "username,exd\na,5\n"));
	assert_string_equal("line 1: there is no column \"exd\"; did you mean "
			    "\"ext\"?",
			    rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "ext\n5\n"));
	assert_string_equal("line 1: there is no column username", rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "username,username\na,b\n"));
	assert_int_equal(-EINVAL, rig_import(rig, ""));
	assert_string_equal("line 1: the file is empty", rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "username\na\nb\nA\n"));
	assert_string_equal("line 4: the same username as in line 2",
			    rig->text);
	assert_int_equal(-EINVAL,
			 rig_import(rig, "id,username\nu1,a\n,b\nu1,c\n"));
	assert_string_equal("line 4: the same user as in line 2", rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "id,username\nu1,TAKEN\n"));
	assert_string_equal("line 2: u2 has the username TAKEN already",
			    rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "id,ext\nu9,4\n"));
	assert_string_equal("line 2: a user needs a username", rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "username,ext\na,5\n\"b,6"));
	assert_string_equal("line 3: quotes that do not match, or a NUL",
			    rig->text);
	assert_int_equal(-EINVAL, rig_import(rig, "username\n\xff\n"));
	assert_int_equal(2, lf_directory_count(rig->dir));
	assert_string_equal("1", lf_user_find(rig->dir, "u1")->ext);
}

static void two_users_may_swap_their_names(void **state)
{
	struct rig *rig = *state;

	rig_put(rig, NULL, "username=a");
	rig_put(rig, NULL, "username=b");
	assert_int_equal(0, rig_import(rig, "id,username\nu1,b\nu2,a\n"));
	assert_string_equal("u2", lf_user_by_username(rig->dir, "a")->id);
	assert_string_equal("u1", lf_user_by_username(rig->dir, "b")->id);
	rig_restart(rig);
	assert_string_equal("u2", lf_user_by_username(rig->dir, "a")->id);
}

static void
a_password_column_sets_passwords_and_an_empty_cell_none(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(0, rig_import(rig, "username,password\n"
					    "a,geheim\nb,\n"));
	assert_non_null(strstr(lf_user_find(rig->dir, "u1")->scram, "SCRAM"));
	assert_string_equal("", lf_user_find(rig->dir, "u2")->scram);
	assert_int_equal(0, rig_import(rig, "username,password\na,\n"));
	assert_int_equal(0, rig->added + rig->changed);
	assert_non_null(strstr(lf_user_find(rig->dir, "u1")->scram, "SCRAM"));
}

static void what_was_exported_comes_back_the_same(void **state)
{
	struct rig *rig = *state;
	struct lf_buf one = {0}, two = {0};

	rig_put(rig, NULL,
		"username=a|last_name=O \"Q\", jr;|password=geheim|"
		"licence=BAP|admin=yes|ext=*1#");
	rig_put(rig, NULL, "username=\xc3\xb6|department=x");
	lf_users_export(rig->dir, &one);
	assert_null(strstr(one.data, "SCRAM"));
	assert_int_equal(0, rig_import(rig, one.data));
	assert_int_equal(0, rig->added + rig->changed);
	rig_delete(rig, "u1");
	assert_int_equal(0, rig_import(rig, one.data));
	assert_int_equal(1, rig->added);
	rig_delete(rig, "u2");
	rig_delete(rig, "u3");
	assert_int_equal(0, rig_import(rig, one.data));
	lf_users_export(rig->dir, &two);
	assert_non_null(strstr(two.data, "u4,a,,\"O \"\"Q\"\", jr;\",*1#,,,,"
					 ",,,,,,,BAP,yes\r\n"));
	lf_buf_done(&one);
	lf_buf_done(&two);
}

static void on_change(const struct lf_user *was, const struct lf_user *now,
		      void *arg)
{
	struct rig *rig = arg;

	assert_ptr_equal(now, lf_user_find(rig->dir, now->id));
	assert_string_equal(now->id, lf_user_resolve(rig->dir, now->ext)->id);
	if (was)
		assert_null(lf_user_by_ext(rig->dir, was->ext));
	rig->changed++;
}

static void many_at_once_are_all_found(void **state)
{
	struct rig *rig = *state;
	struct lf_buf csv = {0};
	const struct lf_user *user, *last = NULL;
	size_t i;
	int n;

	rig_put(rig, NULL, "username=user7|ext=99");
	lf_buf_adds(&csv, "username,last_name,ext\n");
	for (n = 0; n < 500; n++)
		lf_buf_addf(&csv, "user%d,%03d,%d\n", n, n * 7919 % 500, n);
	assert_int_equal(0, rig_import(rig, csv.data));
	assert_int_equal(499, rig->added);
	for (i = 0; (user = lf_user_next(rig->dir, &i)) != NULL; last = user) {
		if (last)
			assert_true(strcmp(last->last_name, user->last_name) <
				    0);
		assert_ptr_equal(user, lf_user_by_ext(rig->dir, user->ext));
		assert_ptr_equal(user, lf_user_find(rig->dir, user->id));
	}
	assert_int_equal(500, i);
	rig_restart(rig);
	assert_int_equal(500, lf_directory_count(rig->dir));
	lf_buf_done(&csv);
}

static void on_nothing(int err, size_t added, size_t changed, const char *text,
		       void *arg)
{
	*(size_t *)arg = added + changed;
}

static void listeners_of_an_import_see_the_new_state(void **state)
{
	struct rig *rig = *state;
	struct lf_buf csv = {0};
	size_t done = 0;
	int n, round;

	lf_directory_on_change(rig->dir, on_change, rig);
	for (round = 1; round <= 2; round++) {
		lf_buf_reset(&csv);
		lf_buf_adds(&csv, "username,ext\n");
		for (n = 0; n < 100; n++)
			lf_buf_addf(&csv, "user%d,%d%03d\n", n, round, n);
		rig->changed = 0;
		lf_users_import(rig->dir, csv.data, csv.len, "x", on_nothing,
				&done);
		while (!done)
			uv_run(&rig->loop, UV_RUN_ONCE);
		assert_int_equal(100, done);
		assert_int_equal(100, rig->changed);
		done = 0;
	}
	lf_buf_done(&csv);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_and_cells),
		TEST(an_import_adds_and_changes),
		TEST(an_import_is_all_or_nothing_and_names_the_line),
		TEST(two_users_may_swap_their_names),
		TEST(a_password_column_sets_passwords_and_an_empty_cell_none),
		TEST(what_was_exported_comes_back_the_same),
		TEST(many_at_once_are_all_found),
		TEST(listeners_of_an_import_see_the_new_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
