/* tests/directory/test_audit.c - the audit says who changed what. */
#include "tests/directory/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/audit.h"

#include "core/banned.h"

static char seen[1024];

static void on_read(int err, const struct lf_audit_entry *entries, size_t n,
		    void *arg)
{
	struct rig *rig = arg;
	size_t i, len = 0;

	seen[0] = '\0';
	for (i = 0; i < n; i++) {
		assert_true(entries[i].wall_ms > 0);
		len += (size_t)snprintf(seen + len, sizeof(seen) - len,
					"%d %s|%s|%s\n", (int)entries[i].seq,
					entries[i].by, entries[i].what,
					entries[i].detail);
	}
	rig->err = err;
	rig->is_done = true;
}

static void read_audit(struct rig *rig, unsigned max)
{
	assert_int_equal(0, lf_audit_read(rig->store, max, on_read, rig));
	rig_wait(rig);
	assert_int_equal(0, rig->err);
}

static void the_newest_come_oldest_first(void **state)
{
	struct rig *rig = *state;

	read_audit(rig, 10);
	assert_string_equal("", seen);
	lf_audit(rig->store, "u1", "one", "\"a\"\n");
	lf_audit(rig->store, NULL, "two", NULL);
	lf_audit(rig->store, "u2", "three", "c");
	read_audit(rig, 2);
	assert_string_equal("2 |two|\n3 u2|three|c\n", seen);
	rig_restart(rig);
	read_audit(rig, 10);
	assert_string_equal("1 u1|one|\"a\"\n\n2 |two|\n3 u2|three|c\n", seen);
}

static void changes_of_users_are_in_it_without_passwords(void **state)
{
	struct rig *rig = *state;

	rig_put(rig, NULL, "username=rossi|password=geheim|admin=yes");
	rig_put(rig, "u1", "ext=7");
	rig_put(rig, "u1", "ext=7");
	rig_put(rig, "u1", "ext=x");
	rig_delete(rig, "u1");
	read_audit(rig, 10);
	assert_string_equal(
		"1 tester|add user u1|username=rossi, password, admin=yes\n"
		"2 tester|change user u1|ext=7\n"
		"3 tester|delete user u1|rossi\n",
		seen);
}

static void a_foreign_entry_does_not_stop_the_reading(void **state)
{
	struct rig *rig = *state;

	lf_store_append(rig->store, "audit", "x", "{]", 2, LF_STORE_ANY, NULL,
			NULL);
	lf_audit(rig->store, "u1", "one", "");
	read_audit(rig, 10);
	assert_string_equal("1 ||\n2 u1|one|\n", seen);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_newest_come_oldest_first),
		TEST(changes_of_users_are_in_it_without_passwords),
		TEST(a_foreign_entry_does_not_stop_the_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
