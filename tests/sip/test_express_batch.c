/*
 * tests/sip/test_express_batch.c - the express lane when the socket is full,
 * when notifiers go while a NOTIFY is in flight, and when memory runs out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "tests/oom.h"
#include "tests/sip/express_rig.h"

#include "core/banned.h"

#define BATCH 256 /* of express.c */

/* ---- a socket that does not take it ---- */

static void check_full_socket(int err)
{
	scene_subscribe_many(3);
	sending.err = err;
	scene_notify_all("state");
	assert_int_equal(0, scene_count_arrived());
	sending.err = 0;
	for (int i = 0; i < 3; i++)
		scene_expect("NOTIFY");
	assert_false(scene_take());
}

static void a_full_socket_is_tried_again_when_it_has_room(void **state)
{
	check_full_socket(EAGAIN);
}

static void a_full_device_is_tried_again(void **state)
{
	check_full_socket(ENOBUFS);
}

static void one_that_cannot_be_sent_is_left_to_the_ladder(void **state)
{
	scene_subscribe_many(3);
	sending.err = ENETUNREACH;
	sending.is_once = true;
	scene_notify_all("state");
	assert_int_equal(
		2, scene_count_arrived()); /* the others are not held up */
	scene_pass(600);
	assert_int_equal(3, scene_count_arrived());
}

static void a_call_that_takes_a_few_is_followed_by_more(void **state)
{
	scene_subscribe_many(150);
	sending.most = 7;
	scene_notify_all("state");
	RUN_UNTIL(&scene.bench, sending.calls >= 150 / 7);
	bench_turns(&scene.bench, 3);
	assert_int_equal(150, scene_count_arrived());
}

static void many_of_a_turn_leave_together(void **state)
{
	scene_subscribe_many(200);
	sending.calls = 0;
	scene_notify_all("state");
	assert_int_equal(200, scene_count_arrived());
	assert_in_range(sending.calls, 1, 4); /* 64 a call */
}

/* What found no room in the batch is brought back by the wheel. */
static void more_than_the_batch_holds_comes_with_the_wheel(void **state)
{
	unsigned seen = 0;

	scene_subscribe_many(WATCHERS);
	sending.err = EAGAIN;
	scene_notify_all("state");
	sending.err = 0;
	RUN_UNTIL(&scene.bench, (seen += scene_count_arrived()) >= BATCH);
	bench_turns(&scene.bench, 3);
	seen += scene_count_arrived();
	assert_int_equal(BATCH, seen);
	scene_pass(
		600); /* the others for the first time, these for the second */
	RUN_UNTIL(&scene.bench,
		  (seen += scene_count_arrived()) >= BATCH + WATCHERS);
	assert_int_equal(BATCH + WATCHERS, seen);
}

static void what_waits_for_the_socket_is_there_once(void **state)
{
	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY");
	sending.err = EAGAIN;
	scene_pass(600);
	scene_pass(1000);
	scene_pass(2000); /* three are due, and none was sent */
	sending.err = 0;
	scene_expect("NOTIFY");
	bench_turns(&scene.bench, 3);
	assert_false(scene_take());
}

static void one_answered_while_it_waits_is_not_sent(void **state)
{
	scene_subscribe_many(2);
	scene_notify_all("state");
	scene_expect("NOTIFY");
	memcpy(scene.first, scene.text, sizeof(scene.first));
	scene_expect("NOTIFY");
	sending.err = EAGAIN;
	scene_pass(600);
	memcpy(scene.text, scene.first, sizeof(scene.text));
	scene_answer("200 OK");
	RUN_UNTIL(&scene.bench, scene.results == 1);
	sending.err = 0;
	scene_expect("NOTIFY");
	assert_string_not_equal(scene.first, scene.text);
	bench_turns(&scene.bench, 3);
	assert_false(scene_take());
}

/* One has left; the places of the others in the batch are new. */
static void one_answered_behind_another_that_left_is_not_sent(void **state)
{
	char branches[3][64];

	scene_subscribe_many(3);
	scene_notify_all("state");
	for (int i = 0; i < 3; i++) {
		scene_expect("NOTIFY");
		snprintf(branches[i], sizeof(branches[i]), "%s",
			 scene_branch());
	}
	sending.most = 1;
	sending.then_err = EAGAIN;
	scene_pass(600);
	scene_expect("NOTIFY");
	assert_string_equal(branches[0], scene_branch());
	scene_answer_with("200 OK", branches[2]);
	RUN_UNTIL(&scene.bench, scene.results == 1);
	sending.err = sending.then_err = 0;
	scene_expect("NOTIFY");
	assert_string_equal(branches[1], scene_branch());
	bench_turns(&scene.bench, 3);
	assert_false(scene_take());
}

static void what_waits_leaves_before_we_close(void **state)
{
	assert_int_equal(0, scene_notify_state(scene_subscribe(""),
					       LF_SUB_ACTIVE, "bye"));
	lf_sip_notifier_free(scene.all[0]);
	scene.all[0] = NULL;
	bench_sip_close(&scene.bench, scene.sip);
	assert_true(scene_take());
	assert_non_null(strstr(scene.text, "bye"));
	scene.sip = bench_sip(&scene.bench, "127.0.0.1");
}

/* ---- who is freed ---- */

static void a_freed_one_goes_on_without_us(void **state)
{
	scene_notify(scene_subscribe(""), "state");
	scene_expect("NOTIFY");
	lf_sip_notifier_free(scene.all[0]);
	scene.all[0] = NULL;
	scene_pass(600);
	assert_int_equal(1, scene_count_arrived());
	scene_answer("200 OK");
	scene_let_it_read();
	scene_pass(1100);
	assert_int_equal(0, scene_count_arrived());
	assert_int_equal(0, scene.results);
}

static void a_freed_one_that_is_never_answered_ends(void **state)
{
	scene_notify(scene_subscribe(""), "state");
	lf_sip_notifier_free(scene.all[0]);
	scene.all[0] = NULL;
	scene_pass(LIFE_MS);
	scene_pass(LIFE_MS);
	scene_count_arrived();
	scene_pass(LIFE_MS);
	assert_int_equal(0, scene_count_arrived());
}

static void a_farewell_leaves_after_its_owner_did(void **state)
{
	struct lf_sip_notifier *n = scene_subscribe("");

	scene_notify(n, "first");
	assert_int_equal(0, scene_notify_state(n, LF_SUB_TERMINATED, "last"));
	lf_sip_notifier_free(n);
	scene.all[0] = NULL;
	scene_expect("NOTIFY");
	scene_answer("200 OK");
	scene_expect("NOTIFY");
	assert_non_null(strstr(scene.text, "last"));
	scene_answer("200 OK");
	scene_let_it_read();
	assert_int_equal(0, scene.results);
}

static void one_may_be_freed_in_its_own_callback(void **state)
{
	scene.frees = true;
	scene_subscribe_many(4);
	scene_notify_all("state");
	scene_notify(scene.all[1], "waits");
	scene_notify(scene.all[3], "waits");
	for (int i = 0; i < 2; i++) { /* two are answered */
		scene_expect("NOTIFY");
		scene_answer("200 OK");
	}
	RUN_UNTIL(&scene.bench, scene.results == 2);
	scene_pass(LIFE_MS);
	scene_pass(LIFE_MS); /* two are lost */
	assert_int_equal(4, scene.results);
	for (int i = 0; i < 4; i++)
		assert_null(scene.all[i]);
	scene_pass(LIFE_MS);
	assert_int_equal(4, scene.results);
}

static void all_lost_in_one_tick_may_be_freed_in_it(void **state)
{
	scene.frees = true;
	scene_subscribe_many(100);
	scene_notify_all("state");
	scene_pass(LIFE_MS);
	scene_pass(LIFE_MS);
	assert_int_equal(100, scene.results);
}

/* ---- out of memory ---- */

static void live(struct lf_sip_notifier *n)
{
	struct lf_buf saved = {0};

	if (!scene_notify_state(n, LF_SUB_ACTIVE, "first"))
		scene_notify_state(n, LF_SUB_TERMINATED, "last"); /* waits */
	for (int i = 0; i < 2; i++) {
		scene_let_it_read();
		while (scene_take() && strncmp(scene.text, "NOTIFY", 6))
			;
		if (!strncmp(scene.text, "NOTIFY", 6))
			scene_answer("200 OK");
	}
	scene_let_it_read();
	assert_false(lf_sip_notifier_is_busy(n));
	lf_sip_notifier_save(n, 1000, &saved);
	lf_sip_notifier_free(n);
	if (!lf_buf_error(&saved) &&
	    !lf_sip_notifier_restore(&n, scene.sip, saved.data, saved.len,
				     &scene_ops, &scene.all[0]))
		lf_sip_notifier_free(n);
	lf_buf_done(&saved);
}

static int one_life(void *arg)
{
	scene.count = 0;
	scene_ask("");
	scene_let_it_read();
	if (scene.count)
		live(scene.all[0]);
	scene.count = 0;
	scene_count_arrived();
	return lf_oom_has_failed() ? -ENOMEM : 0;
}

static void it_survives_every_failed_allocation(void **state)
{
	assert_in_range(lf_oom_sweep(one_life, NULL), 10, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		T(a_full_socket_is_tried_again_when_it_has_room),
		T(a_full_device_is_tried_again),
		T(one_that_cannot_be_sent_is_left_to_the_ladder),
		T(a_call_that_takes_a_few_is_followed_by_more),
		T(many_of_a_turn_leave_together),
		T(more_than_the_batch_holds_comes_with_the_wheel),
		T(what_waits_for_the_socket_is_there_once),
		T(one_answered_while_it_waits_is_not_sent),
		T(one_answered_behind_another_that_left_is_not_sent),
		T(what_waits_leaves_before_we_close),
		T(a_freed_one_goes_on_without_us),
		T(a_freed_one_that_is_never_answered_ends),
		T(a_farewell_leaves_after_its_owner_did),
		T(one_may_be_freed_in_its_own_callback),
		T(all_lost_in_one_tick_may_be_freed_in_it),
		T(it_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
