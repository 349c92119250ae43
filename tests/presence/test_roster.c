/* Tests of presence/roster.c: one list for all, and who is not on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "sip/subscribe.h"
#include "tests/presence/rig.h"

#include "core/banned.h"

#define LIST "sip:all@10.0.0.9"

struct line {
	const char *uri;   /* NULL: the end */
	const char *state; /* of the call; NULL: active, without a document */
};

static int setup(void **state)
{
	rig_setup(state);
	rig_set(*state, "feed.pbx1.list-uri", "all@10.0.0.9");
	fake_sip_reset();
	return 0;
}

static struct lf_sip_sub *list(void)
{
	return fake_sip_find(LIST, NULL);
}

static struct lf_sip_sub *single(const char *uri)
{
	return fake_sip_find(uri, "dialog");
}

static void add_part(struct lf_buf *out, const struct line *line,
		     unsigned version, unsigned i)
{
	lf_buf_addf(out,
		    "\r\n--b\r\nContent-Type: application/dialog-info+xml\r\n"
		    "Content-ID: <p%u@x>\r\n\r\n"
		    "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "
		    "version=\"%u\" state=\"full\" entity=\"%s\">"
		    "<dialog id=\"d\"><state>%s</state></dialog></dialog-info>",
		    i, version, line->uri, line->state);
}

static void say_list(unsigned version, bool is_full, const struct line *lines)
{
	struct lf_buf body = {0};
	unsigned i;

	lf_buf_addf(&body,
		    "--b\r\nContent-Type: application/rlmi+xml\r\n"
		    "Content-ID: <root@x>\r\n\r\n"
		    "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"" LIST
		    "\" version=\"%u\" fullState=\"%s\">",
		    version, is_full ? "true" : "false");
	for (i = 0; lines[i].uri; i++) {
		lf_buf_addf(&body,
			    "<resource uri=\"%s\"><instance id=\"i\" "
			    "state=\"active\"",
			    lines[i].uri);
		if (lines[i].state)
			lf_buf_addf(&body, " cid=\"p%u@x\"", i);
		lf_buf_adds(&body, "/></resource>");
	}
	lf_buf_adds(&body, "</list>");
	for (i = 0; lines[i].uri; i++)
		if (lines[i].state)
			add_part(&body, &lines[i], version, i);
	lf_buf_adds(&body, "\r\n--b--\r\n");
	assert_int_equal(0, lf_buf_error(&body));
	fake_sip_notify(list(),
			"multipart/related;type=\"application/rlmi+xml\";"
			"boundary=b",
			lf_buf_str(&body));
	lf_buf_done(&body);
}

static void confirmed(struct rig *rig)
{
	const struct line lines[] = {{"sip:200@10.0.0.9;user=phone", "early"},
				     {"sip:201@10.0.0.9", "terminated"},
				     {NULL}};

	rig_want(rig, "u1");
	rig_want(rig, "u2");
	assert_int_equal(1, fake_sip_count());
	fake_sip_respond(list(), 200, 3600);
	say_list(0, true, lines);
	rig_shows(rig, "u1", LF_TEL_RINGING, LF_COND_OK);
	rig_shows(rig, "u2", LF_TEL_IDLE, LF_COND_OK);
	fake_sip_reset();
}

static void one_subscription_serves_all_lines_on_the_list(void **state)
{
	struct rig *rig = *state;

	rig_want(rig, "u1");
	assert_true(fake_sip_is_list(list()));
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	rig_unwant(rig, "u1");
	confirmed(rig);
	assert_int_equal(1, fake_sip_count());
}

static void who_is_not_on_the_list_is_watched_alone(void **state)
{
	struct rig *rig = *state;

	confirmed(rig);
	rig_want(rig, "u3");
	assert_non_null(single("sip:202@10.0.0.9"));
	assert_null(single("sip:200@10.0.0.9"));
}

static void a_late_want_is_answered_from_the_list_at_once(void **state)
{
	struct rig *rig = *state;
	const struct line lines[] = {{"sip:200@10.0.0.9", "early"},
				     {"sip:201@10.0.0.9", "confirmed"},
				     {NULL}};

	rig_want(rig, "u1");
	fake_sip_respond(list(), 200, 3600);
	say_list(0, true, lines);
	rig_want(rig, "u2");
	rig_shows(rig, "u2", LF_TEL_BUSY, LF_COND_OK);
	assert_int_equal(1, fake_sip_count());
}

static void a_partial_list_changes_whom_it_names(void **state)
{
	struct rig *rig = *state;
	const struct line lines[] = {{"sip:201@10.0.0.9", "confirmed"}, {NULL}};

	confirmed(rig);
	say_list(1, false, lines);
	rig_shows(rig, "u1", LF_TEL_RINGING, LF_COND_OK);
	rig_shows(rig, "u2", LF_TEL_BUSY, LF_COND_OK);
}

static void a_lost_list_is_dark_until_the_full_one_comes(void **state)
{
	struct rig *rig = *state;
	const struct line lines[] = {{"sip:201@10.0.0.9", "confirmed"}, {NULL}};
	const struct line both[] = {{"sip:200@10.0.0.9", "confirmed"},
				    {"sip:201@10.0.0.9", "confirmed"},
				    {NULL}};

	confirmed(rig);
	fake_time_pass(20000);
	say_list(5, false, lines);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	assert_int_equal(1, fake_sip_counts().subscribes);
	fake_sip_respond(list(), 200, 3600);
	say_list(6, true, both);
	rig_shows(rig, "u1", LF_TEL_BUSY, LF_COND_OK);
	rig_shows(rig, "u2", LF_TEL_BUSY, LF_COND_OK);
}

static void who_leaves_the_list_is_watched_alone(void **state)
{
	struct rig *rig = *state;
	const struct line lines[] = {{"sip:201@10.0.0.9", "confirmed"}, {NULL}};

	confirmed(rig);
	say_list(1, true, lines);
	assert_non_null(single("sip:200@10.0.0.9"));
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_REQUESTING);
	rig_shows(rig, "u2", LF_TEL_BUSY, LF_COND_OK);
}

static void without_a_list_everybody_is_watched_alone(void **state)
{
	struct rig *rig = *state;
	const struct line lines[] = {{"sip:200@10.0.0.9", "early"},
				     {"sip:201@10.0.0.9", "terminated"},
				     {NULL}};

	rig_want(rig, "u1");
	rig_want(rig, "u2");
	fake_sip_respond(list(), 404, LF_SIP_ABSENT);
	assert_non_null(single("sip:200@10.0.0.9"));
	assert_non_null(single("sip:201@10.0.0.9"));
	/* and when the list is there after all, they are no longer needed */
	fake_time_pass(300000);
	fake_sip_respond(list(), 200, 3600);
	say_list(0, true, lines);
	assert_int_equal(1, fake_sip_count());
	rig_shows(rig, "u1", LF_TEL_RINGING, LF_COND_OK);
}

static void silence_makes_the_whole_list_stale(void **state)
{
	struct rig *rig = *state;

	confirmed(rig);
	rig_trunk(rig, LF_TRUNK_DOWN);
	fake_time_pass(90000);
	rig_shows(rig, "u1", LF_TEL_UNKNOWN, LF_COND_STALE);
	rig_shows(rig, "u2", LF_TEL_UNKNOWN, LF_COND_STALE);
	assert_int_equal(1, fake_sip_count());
}

static void the_list_ends_with_the_last_watch(void **state)
{
	struct rig *rig = *state;

	confirmed(rig);
	rig_unwant(rig, "u1");
	fake_time_pass(61000);
	assert_int_equal(1, fake_sip_count());
	rig_unwant(rig, "u2");
	fake_time_pass(61000);
	assert_int_equal(0, fake_sip_count());
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_subscription_serves_all_lines_on_the_list),
		T(who_is_not_on_the_list_is_watched_alone),
		T(a_late_want_is_answered_from_the_list_at_once),
		T(a_partial_list_changes_whom_it_names),
		T(a_lost_list_is_dark_until_the_full_one_comes),
		T(who_leaves_the_list_is_watched_alone),
		T(without_a_list_everybody_is_watched_alone),
		T(silence_makes_the_whole_list_stale),
		T(the_list_ends_with_the_last_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
