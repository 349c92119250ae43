/* tests/directory/test_user.c - users are kept, found and changed. */
#include "tests/directory/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static void a_new_user_is_found_by_every_key(void **state)
{
	struct rig *rig = *state;
	const struct lf_user *user;

	assert_int_equal(0, rig_put(rig, NULL,
				    "username=rossi|first_name=Carla|"
				    "last_name=Rossi|ext=2101|"
				    "sip_uri=sip:carla@corp.example|"
				    "licence=bae|admin=yes"));
	assert_string_equal("u1", rig->id);
	user = lf_user_find(rig->dir, "u1");
	assert_non_null(user);
	assert_string_equal("carla@corp.example", user->sip_uri);
	assert_int_equal(LF_LICENCE_BAE, user->licence);
	assert_true(user->is_admin);
	assert_string_equal("", user->department);
	assert_true(user->rev > 0);
	assert_ptr_equal(user, lf_user_by_username(rig->dir, "ROSSI"));
	assert_ptr_equal(user, lf_user_by_ext(rig->dir, "2101"));
	assert_ptr_equal(user, lf_user_resolve(rig->dir, "u1"));
	assert_ptr_equal(user, lf_user_resolve(rig->dir, "Rossi"));
	assert_ptr_equal(user, lf_user_resolve(rig->dir, "2101"));
	assert_ptr_equal(user,
			 lf_user_resolve(rig->dir, "sip:Carla@corp.example"));
	assert_null(lf_user_resolve(rig->dir, ""));
	assert_null(lf_user_resolve(rig->dir, "nobody"));
	assert_int_equal(1, lf_directory_count(rig->dir));
}

static void a_restart_keeps_all(void **state)
{
	struct rig *rig = *state;
	const struct lf_user *user;

	assert_int_equal(0, rig_put(rig, NULL,
				    "username=ö\"|last_name=Özil|ext=+49*1#|"
				    "department=Sales, EMEA|groups=a,b|"
				    "licence=BOE"));
	assert_int_equal(0, rig_put(rig, NULL, "username=two"));
	rig_restart(rig);
	assert_int_equal(2, lf_directory_count(rig->dir));
	user = lf_user_find(rig->dir, "u1");
	assert_non_null(user);
	assert_string_equal("ö\"", user->username);
	assert_string_equal("Özil", user->last_name);
	assert_string_equal("+49*1#", user->ext);
	assert_string_equal("Sales, EMEA", user->department);
	assert_int_equal(LF_LICENCE_BOE, user->licence);
	assert_false(user->is_admin);
}

static void an_id_is_never_given_twice(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(0, rig_put(rig, NULL, "username=a"));
	assert_int_equal(0, rig_put(rig, NULL, "username=b"));
	assert_int_equal(0, rig_delete(rig, "u2"));
	assert_null(lf_user_find(rig->dir, "u2"));
	rig_restart(rig);
	assert_null(lf_user_find(rig->dir, "u2"));
	assert_int_equal(0, rig_put(rig, NULL, "username=c"));
	assert_string_equal("u3", rig->id);
}

static void a_change_keeps_the_other_fields(void **state)
{
	struct rig *rig = *state;
	const struct lf_user *user;
	int64_t rev;

	rig_put(rig, NULL, "username=a|ext=1|licence=BAP");
	rev = lf_user_find(rig->dir, "u1")->rev;
	assert_int_equal(0, rig_put(rig, "u1", "ext=2|username=a2"));
	user = lf_user_find(rig->dir, "u1");
	assert_string_equal("2", user->ext);
	assert_int_equal(LF_LICENCE_BAP, user->licence);
	assert_true(user->rev > rev);
	assert_null(lf_user_by_ext(rig->dir, "1"));
	assert_null(lf_user_by_username(rig->dir, "a"));
	assert_ptr_equal(user, lf_user_by_username(rig->dir, "a2"));
	assert_int_equal(0, rig_put(rig, "u1", "ext="));
	assert_null(lf_user_by_ext(rig->dir, "2"));
}

static void bad_fields_are_refused_in_words(void **state)
{
	struct rig *rig = *state;
	char longer[200];

	assert_int_equal(-EINVAL, rig_put(rig, NULL, "ext=1"));
	assert_string_equal("a user needs a username", rig->text);
	assert_int_equal(-EINVAL, rig_put(rig, NULL, "username= "));
	assert_string_equal("username cannot be empty", rig->text);
	assert_int_equal(-EINVAL, rig_put(rig, NULL, "username=a|ext=12a"));
	assert_string_equal("ext takes digits, +, * and # only", rig->text);
	assert_int_equal(-EINVAL, rig_put(rig, NULL, "username=a|licence=BOX"));
	assert_string_equal("licence is none, BOE, BAP or BAE", rig->text);
	assert_int_equal(-EINVAL, rig_put(rig, NULL, "username=a|admin=si"));
	assert_int_equal(-EINVAL, rig_put(rig, NULL, "username=a\x01"));
	assert_int_equal(-EINVAL, rig_put(rig, NULL, "username=\xff"));
	assert_int_equal(-EINVAL, rig_put(rig, NULL, "username=a|id=u7"));
	assert_int_equal(-EINVAL,
			 rig_put(rig, NULL, "username=a|sip_uri=<a@b>"));
	snprintf(longer, sizeof(longer), "username=a|department=%0129d", 1);
	assert_int_equal(-EINVAL, rig_put(rig, NULL, longer));
	assert_string_equal("department is longer than 128 bytes", rig->text);
	assert_int_equal(-ENOENT, rig_put(rig, "u9", "ext=1"));
	assert_int_equal(-ENOENT, rig_delete(rig, "u9"));
	assert_int_equal(0, lf_directory_count(rig->dir));
}

static void a_username_is_taken_once_whatever_its_case(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(0, rig_put(rig, NULL, "username=Rossi"));
	assert_int_equal(-EEXIST, rig_put(rig, NULL, "username=rOSSI"));
	assert_int_equal(0, rig_put(rig, NULL, "username=verdi"));
	assert_int_equal(-EEXIST, rig_put(rig, rig->id, "username=rossi"));
	assert_int_equal(0, rig_put(rig, "u1", "username=ROSSI"));
}

struct answers {
	struct rig *rig;
	int expected, errs[4];
};

static void on_answer(int err, const char *id, const char *text, void *arg)
{
	struct answers *answers = arg;

	answers->errs[--answers->expected] = err;
	answers->rig->is_done = !answers->expected;
}

static void of_two_who_want_a_username_at_once_one_gets_it(void **state)
{
	struct rig *rig = *state;
	struct answers answers = {rig, 2};

	rig_put_later(rig, NULL, "username=a|password=x", on_answer, &answers);
	rig_put_later(rig, NULL, "username=A", on_answer, &answers);
	rig_wait(rig);
	assert_int_equal(1, lf_directory_count(rig->dir));
	assert_int_equal(0, answers.errs[1]);
	assert_int_equal(-EEXIST, answers.errs[0]);
}

struct seen {
	char log[256];
};

static void on_change(const struct lf_user *was, const struct lf_user *now,
		      void *arg)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->log);

	snprintf(seen->log + len, sizeof(seen->log) - len, "%s>%s ",
		 was ? was->ext : "-", now ? now->ext : "-");
}

static void listeners_see_each_change_once_and_no_repeat(void **state)
{
	struct rig *rig = *state;
	struct seen seen = {""};

	assert_int_equal(0, lf_directory_on_change(rig->dir, on_change, &seen));
	rig_put(rig, NULL, "username=a|ext=1");
	rig_put(rig, "u1", "ext=2");
	rig_put(rig, "u1", "ext=2");
	rig_put(rig, "u1", "ext=x");
	rig_delete(rig, "u1");
	assert_string_equal("->1 1>2 2>- ", seen.log);
}

static void users_are_listed_by_last_name_then_first(void **state)
{
	static const char *const names[] = {
		"username=1|last_name=Zorn|first_name=A",
		"username=2|last_name=Özil|first_name=B",
		"username=3|last_name=peters|first_name=Z",
		"username=4|last_name=Peters|first_name=Émile",
		"username=5|last_name=Peters|first_name=Dora",
		"username=6",
	};
	struct rig *rig = *state;
	const struct lf_user *user;
	char order[16] = "";
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(0, rig_put(rig, NULL, names[i]));
	for (i = 0; (user = lf_user_next(rig->dir, &i)) != NULL;)
		order[i - 1] = user->username[0];
	assert_string_equal("625431", order);
	rig_restart(rig);
	for (i = 0; (user = lf_user_next(rig->dir, &i)) != NULL;)
		assert_int_equal(order[i - 1], user->username[0]);
}

static void of_a_shared_extension_the_oldest_user_answers(void **state)
{
	struct rig *rig = *state;

	rig_put(rig, NULL, "username=b|ext=7|device=SEP1");
	rig_put(rig, NULL, "username=a|ext=7|device=SEP2");
	assert_string_equal("u1", lf_user_by_ext(rig->dir, "7")->id);
	rig_delete(rig, "u1");
	assert_string_equal("u2", lf_user_by_ext(rig->dir, "7")->id);
}

static void search_wants_every_word_somewhere(void **state)
{
	struct rig *rig = *state;
	const struct lf_user *found[2];

	rig_put(rig, NULL,
		"username=rossi|first_name=Carla|last_name=Rossi|ext=2101|"
		"department=Sales|email=carla@corp.example");
	rig_put(rig, NULL,
		"username=oez|first_name=Mesut|last_name=Özil|ext=2102|"
		"department=sales");
	rig_put(rig, NULL, "username=x|last_name=Young|ext=3101");

	assert_int_equal(2, lf_user_search(rig->dir, "sales", 0, found, 2));
	assert_string_equal("u2", found[0]->id);
	assert_string_equal("u1", found[1]->id);
	assert_int_equal(2, lf_user_search(rig->dir, "SALES", 1, found, 2));
	assert_string_equal("u1", found[0]->id);
	assert_int_equal(1,
			 lf_user_search(rig->dir, " car  210 ", 0, found, 2));
	assert_int_equal(1, lf_user_search(rig->dir, "ÖZ", 0, found, 2));
	assert_string_equal("u2", found[0]->id);
	assert_int_equal(0,
			 lf_user_search(rig->dir, "carla 2102", 0, found, 2));
	assert_int_equal(1, lf_user_search(rig->dir, "corp.EX", 0, found, 2));
	assert_int_equal(3, lf_user_search(rig->dir, "", 0, found, 2));
	assert_int_equal(3, lf_user_search(rig->dir, "", 9, found, 0));
}

static void names_and_groups(void **state)
{
	struct rig *rig = *state;
	const struct lf_user *user;
	char name[64];

	rig_put(rig, NULL, "username=rossi|groups=vip, Desk 2,|department=IT");
	user = lf_user_find(rig->dir, "u1");
	assert_string_equal("rossi", lf_user_name(user, name, sizeof(name)));
	assert_true(lf_user_in_group(user, "desk 2"));
	assert_true(lf_user_in_group(user, "VIP"));
	assert_true(lf_user_in_group(user, "it"));
	assert_false(lf_user_in_group(user, "desk"));
	assert_false(lf_user_in_group(user, ""));
	rig_put(rig, "u1", "last_name=Rossi");
	user = lf_user_find(rig->dir, "u1");
	assert_string_equal("Rossi", lf_user_name(user, name, sizeof(name)));
	rig_put(rig, "u1", "first_name=Carla");
	user = lf_user_find(rig->dir, "u1");
	assert_string_equal("Carla R", lf_user_name(user, name, 8));
}

static void a_password_is_stored_as_a_verifier_only(void **state)
{
	struct rig *rig = *state;
	const struct lf_user *user;

	assert_int_equal(0, rig_put(rig, NULL, "username=a|password=geheim"));
	user = lf_user_find(rig->dir, "u1");
	assert_non_null(strstr(user->scram, "SCRAM-SHA-256$"));
	assert_string_equal("", lf_user_get(user, LF_USER_PASSWORD));
	rig_put(rig, "u1", "password=");
	assert_string_equal("", lf_user_find(rig->dir, "u1")->scram);
}

static void closing_drops_what_waits(void **state)
{
	struct rig *rig = *state;
	struct answers none = {rig, 4};

	rig_put_later(rig, NULL, "username=a|password=x", on_answer, &none);
	rig_put_later(rig, NULL, "username=b", on_answer, &none);
	rig_put_later(rig, NULL, "username=c|password=y", on_answer, &none);
	rig_close(rig);
	assert_int_equal(4, none.expected);
}

static void a_spoilt_record_does_not_keep_the_others_away(void **state)
{
	struct rig *rig = *state;

	rig_put(rig, NULL, "username=a");
	lf_store_put(rig->store, "user", "u7", "{", 1, LF_STORE_ANY, NULL,
		     NULL);
	lf_store_put(rig->store, "user", "u8", "{\"username\":5}", 14,
		     LF_STORE_ANY, NULL, NULL);
	rig_restart(rig);
	assert_int_equal(1, lf_directory_count(rig->dir));
	rig_put(rig, NULL, "username=b");
	assert_string_equal("u9", rig->id);
}

static void a_change_behind_our_back_is_not_overwritten(void **state)
{
	struct rig *rig = *state;

	rig_put(rig, NULL, "username=a|ext=1");
	lf_store_put(rig->store, "user", "u1", "{\"username\":\"z\"}", 16,
		     LF_STORE_ANY, NULL, NULL);
	assert_int_equal(-ESTALE, rig_put(rig, "u1", "ext=2"));
	assert_string_equal("1", lf_user_find(rig->dir, "u1")->ext);
	assert_int_equal(-ESTALE, rig_delete(rig, "u1"));
	assert_int_equal(1, lf_directory_count(rig->dir));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_user_is_found_by_every_key),
		TEST(a_restart_keeps_all),
		TEST(an_id_is_never_given_twice),
		TEST(a_change_keeps_the_other_fields),
		TEST(bad_fields_are_refused_in_words),
		TEST(a_username_is_taken_once_whatever_its_case),
		TEST(of_two_who_want_a_username_at_once_one_gets_it),
		TEST(listeners_see_each_change_once_and_no_repeat),
		TEST(users_are_listed_by_last_name_then_first),
		TEST(of_a_shared_extension_the_oldest_user_answers),
		TEST(search_wants_every_word_somewhere),
		TEST(names_and_groups),
		TEST(a_password_is_stored_as_a_verifier_only),
		TEST(closing_drops_what_waits),
		TEST(a_spoilt_record_does_not_keep_the_others_away),
		TEST(a_change_behind_our_back_is_not_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
