/* tests/monitor/test_trap.c - an administrator's test of the SNMP managers. */
#include "tests/monitor/rig.h"

#include <errno.h>

#include "monitor/notify.h"

#include "core/banned.h"

/* The discard port of this machine: nobody has to answer a trap. */
#define HERE "127.0.0.1:9"

static void on_tested(int err, const char *text, void *arg)
{
	bool *is_done = arg;

	*is_done = true;
}

static int start_test(struct rig *rig, bool *is_done)
{
	return lf_notify_test(rig->monitor, LF_CHANNEL_TRAP, on_tested,
			      is_done);
}

static void wait_for(struct rig *rig, const bool *is_done)
{
	while (!*is_done)
		uv_run(&rig->loop, UV_RUN_ONCE);
}

static void a_test_has_the_snmp_library_to_itself(void **state)
{
	bool first = false, second = false;
	struct rig *rig = *state;

	rig_set(rig, "trap.managers", HERE);
	assert_int_equal(0, start_test(rig, &first));
	assert_int_equal(-EBUSY, start_test(rig, &second));
	wait_for(rig, &first);
	assert_int_equal(0, start_test(rig, &second));
	wait_for(rig, &second);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_test_has_the_snmp_library_to_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
