/* tests/console/test_lamps.c - colleagues' lamps: a snapshot, then what moves.
 */
#include "tests/console/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stream.h"
#include "directory/note.h"
#include "presence/board.h"

#include "core/banned.h"

#define SUB_ALL                                                                \
	"{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":\"lamps\","        \
	"\"filter\":{\"all\":true}}}"

/* Someone logged in over plain TCP. */
static struct client *enter(struct desk *desk, const char *username)
{
	struct client *client = client_open(desk, false);

	client_login(client, username, NULL);
	return client;
}

/* Watches the listed users, with `extra` members in the parameters. */
static void watch(struct client *client, const char *names, const char *extra,
		  const char *expected)
{
	char line[1024], users[512] = "", *copy = strdup(names), *save, *name;
	size_t len = 0;

	for (name = strtok_r(copy, " ", &save); name;
	     name = strtok_r(NULL, " ", &save))
		len += (size_t)snprintf(users + len, sizeof(users) - len,
					"%s\"%s\"", len ? "," : "",
					desk_id(client->desk, name));
	free(copy);
	snprintf(line, sizeof(line),
		 "{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":\"lamps\","
		 "\"filter\":{\"users\":[%s]}%s}}",
		 users, extra);
	client_ask(client, line, expected);
}

static void a_snapshot_shows_every_colleague(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");

	client_ask(client, SUB_ALL,
		   "{\"id\":2,\"seq\":0,\"result\":{\"sub\":1,\"rows\":5,"
		   "\"more\":false,\"snap\":["
		   "{\"u\":\"*\",\"ext\":\"2104\"},"
		   "{\"u\":\"*\",\"ext\":\"\"},"
		   "{\"u\":\"*\",\"ext\":\"2102\"},"
		   "{\"u\":\"*\",\"ext\":\"2101\"},"
		   "{\"u\":\"*\",\"ext\":\"2103\"}]}}");
	client_close(client);
}

static void a_change_arrives_as_what_moved_only(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");

	watch(client, "bianchi", "",
	      "{\"result\":{\"snap\":[{\"u\":\"*\",\"tel\":\"unknown\"}]}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AVAILABLE, "", "");
	client_expect(client,
		      "{\"method\":\"lamp\",\"seq\":1,\"params\":{\"s\":1,"
		      "\"d\":[{\"u\":\"*\",\"tel\":\"busy\",\"rich\":"
		      "\"available\",\"cond\":\"ok\",\"!name\":0,"
		      "\"since\":\"1970-01-01T00:00:01.000Z\",\"!ext\":0,"
		      "\"!fwd\":0,\"!note\":0}]}}");
	desk_report(desk, "bianchi", LF_TEL_IDLE, LF_RICH_AVAILABLE, "", "");
	client_expect(client, "{\"method\":\"lamp\",\"seq\":2,\"params\":"
			      "{\"s\":1,\"d\":[{\"u\":\"*\",\"tel\":\"idle\","
			      "\"!rich\":0,\"!cond\":0,\"!src\":0}]}}");
	client_close(client);
}

static void the_time_to_the_consoles_is_counted_once_a_flush(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");
	struct lf_console_stats stats;

	watch(client, "bianchi verdi", "", "{\"result\":{}}");
	lf_console_stats(desk->console, &stats);
	assert_int_equal(0, lf_histogram_count(&stats.lamp_times));
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	desk_report(desk, "verdi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	client_expect(client, "{\"method\":\"lamp\"}");
	lf_console_stats(desk->console, &stats);
	assert_int_equal(1, lf_histogram_count(&stats.lamp_times));
	assert_true(stats.lamp_times.sum < 60); /* the stamp is of our clock */
	client_close(client);
}

static void a_value_that_goes_is_null(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");

	watch(client, "bianchi", "", "{\"result\":{}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AWAY,
		    "sip:0445512345@pbx", "Lunch");
	client_expect(client,
		      "{\"params\":{\"d\":[{\"tel\":\"fwd_number\",\"line\":"
		      "\"busy\",\"fwd\":{\"to\":\"0445512***\",\"type\":"
		      "\"always\"},\"msg\":\"Lunch\"}]}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	client_expect(client, "{\"params\":{\"d\":[{\"tel\":\"busy\",\"line\":"
			      "null,\"fwd\":null,\"msg\":null}]}}");
	client_close(client);
}

static void the_mask_of_forward_targets_is_a_setting(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");

	watch(client, "bianchi", "", "{\"result\":{}}");
	desk_report(desk, "bianchi", LF_TEL_IDLE, LF_RICH_AWAY, "0445512345",
		    "");
	client_expect(client, "{\"params\":{\"d\":[{\"fwd\":{\"to\":"
			      "\"0445512***\"}}]}}");
	desk_set(desk, "console.mask-digits", "0");
	client_expect(client, "{\"params\":{\"d\":[{\"fwd\":{\"to\":"
			      "\"0445512345\"},\"!tel\":0}]}}");
	client_close(client);
}

/* Whole rows are kept for the next login: they must not be of yesterday. */
static void a_later_snapshot_is_of_now(void **state)
{
	struct desk *desk = *state;
	struct client *rossi = enter(desk, "rossi"), *verdi;

	watch(rossi, "bianchi", "",
	      "{\"result\":{\"snap\":[{\"tel\":\"unknown\"}]}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	verdi = enter(desk, "verdi");
	watch(verdi, "bianchi", "",
	      "{\"result\":{\"snap\":[{\"tel\":\"busy\"}]}}");
	client_close(rossi);
	client_close(verdi);
}

static void the_remote_party_is_for_whom_the_administrator_says(void **state)
{
	struct desk *desk = *state;
	struct client *rossi = enter(desk, "rossi");
	struct client *verdi = enter(desk, "verdi");

	desk->peer = "0445987654";
	watch(rossi, "bianchi", ",\"fields\":[\"peer\"]", "{\"result\":{}}");
	watch(verdi, "bianchi", ",\"fields\":[\"peer\",\"tel\"]",
	      "{\"result\":{}}");
	desk_set(desk, "console.show-peer", "yes");
	client_expect(rossi, "{\"params\":{\"d\":[{\"peer\":null}]}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	client_expect(rossi,
		      "{\"params\":{\"d\":[{\"peer\":\"0445987654\"}]}}");
	client_expect(verdi, "{\"params\":{\"d\":[{\"tel\":\"busy\",\"!peer\":"
			     "0}]}}");
	desk_set(desk, "console.show-peer", "no");
	client_expect(rossi, "{\"params\":{\"d\":[{\"peer\":null}]}}");
	client_close(rossi);
	client_close(verdi);
}

static void only_the_fields_asked_for_are_sent(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");

	watch(client, "bianchi", ",\"fields\":[\"name\",\"rich\",\"later\"]",
	      "{\"result\":{\"snap\":[{\"name\":\"Anna Bianchi\",\"!tel\":0,"
	      "\"!ext\":0,\"!cond\":0}]}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_UNKNOWN, "", "");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	client_expect(client, "{\"params\":{\"d\":[{\"rich\":\"away\",\"!tel\":"
			      "0,\"!since\":0}]},\"seq\":1}");
	client_close(client);
}

static void two_changes_of_a_turn_are_one_delta(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");
	struct lf_console_stats stats;

	watch(client, "bianchi verdi", "", "{\"result\":{}}");
	desk_report(desk, "bianchi", LF_TEL_RINGING, LF_RICH_AWAY, "", "");
	desk_report(desk, "verdi", LF_TEL_IDLE, LF_RICH_AWAY, "", "");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	client_expect(client, "{\"seq\":1,\"params\":{\"d\":[{\"tel\":\"busy\"}"
			      ",{\"tel\":\"idle\"}]}}");
	lf_console_stats(desk->console, &stats);
	assert_int_equal(1, stats.events_out);
	assert_int_equal(1, stats.conflated);
	client_close(client);
}

/* Ten a second: however often the row moves within a slot, one delta waits. */
static void a_row_that_flutters_is_sent_once_in_a_slot(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");
	struct lf_console_stats stats;
	int i, turns;

	watch(client, "bianchi", "", "{\"result\":{}}");
	for (i = 0; i < 1000; i++) {
		desk_report(desk, "bianchi", i % 2 ? LF_TEL_BUSY : LF_TEL_IDLE,
			    LF_RICH_AWAY, "", "");
		for (turns = 0; turns < 2; turns++)
			uv_run(&desk->rig->loop, UV_RUN_NOWAIT);
	}
	client_settle(client);
	lf_console_stats(desk->console, &stats);
	assert_in_range(stats.events_out, 1, 500);
	client_close(client);
}

static void pages_and_deltas_make_one_story(void **state)
{
	struct desk *desk = *state;
	struct client *client;

	client = enter(desk, "rossi");
	client_send(client,
		    "{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":"
		    "\"lamps\",\"filter\":{\"all\":true},\"page\":2,\"fields\":"
		    "[\"ext\",\"tel\"]}}");
	client_expect(client, "{\"seq\":0,\"result\":{\"more\":true,\"snap\":["
			      "{\"ext\":\"2104\"},{\"ext\":\"\"}]}}");
	/* Shown already, and still to come. */
	desk_report(desk, "guest", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	desk_report(desk, "verdi", LF_TEL_RINGING, LF_RICH_AWAY, "", "");
	client_expect(client, "{\"method\":\"snap\",\"seq\":1,\"params\":{"
			      "\"sub\":1,\"more\":true,\"rows\":[\"*\",\"*\"]}"
			      "}");
	client_expect(client, "{\"method\":\"snap\",\"seq\":2,\"params\":{"
			      "\"more\":false,\"rows\":[{\"ext\":\"2103\"}]}}");
	client_close(client);
}

static void watching_begins_and_ends_with_the_rows(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");
	struct lf_console_stats stats;
	struct lf_board_stats board;

	assert_false(desk_is_watched(desk, "bianchi"));
	watch(client, "bianchi", "", "{\"result\":{\"sub\":1}}");
	watch(client, "bianchi verdi", "", "{\"result\":{\"sub\":2}}");
	assert_true(desk_is_watched(desk, "bianchi"));
	lf_board_stats(desk->board, &board);
	assert_int_equal(2, board.wanted);
	client_ask(client,
		   "{\"id\":3,\"method\":\"unsub\",\"params\":{\"sub\":2}}",
		   "{\"id\":3,\"result\":{}}");
	lf_board_stats(desk->board, &board);
	assert_int_equal(1, board.wanted);
	client_ask(client,
		   "{\"id\":4,\"method\":\"unsub\",\"params\":{\"sub\":2}}",
		   "{\"id\":4,\"error\":{\"code\":1204,\"name\":\"not_found\"}"
		   "}");
	client_close(client);
	do {
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
		lf_console_stats(desk->console, &stats);
	} while (stats.connections);
	lf_board_stats(desk->board, &board);
	assert_int_equal(0, board.wanted);
	assert_int_equal(0, stats.rows);
	assert_int_equal(0, stats.subscriptions);
}

static void update(struct client *client, const char *what, const char *name,
		   const char *expected)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"id\":3,\"method\":\"sub.update\",\"params\":{\"sub\":1,"
		 "\"%s\":[\"%s\"]}}",
		 what,
		 strcmp(name, "nobody") ? desk_id(client->desk, name) : name);
	client_ask(client, line, expected);
}

static void a_window_scrolls(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");

	watch(client, "bianchi", "", "{\"result\":{\"rows\":1}}");
	update(client, "add", "verdi", "{\"result\":{\"rows\":2}}");
	client_expect(client, "{\"method\":\"lamp\",\"params\":{\"d\":[{"
			      "\"ext\":\"2103\",\"tel\":\"unknown\"}]}}");
	update(client, "remove", "bianchi", "{\"result\":{\"rows\":1}}");
	update(client, "add", "nobody",
	       "{\"result\":{\"rows\":1,\"unknown\":[\"nobody\"]}}");
	update(client, "add", "verdi", "{\"result\":{\"rows\":1}}");
	client_settle(client);
	client_close(client);
}

static void a_group_follows_the_directory(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");

	client_ask(client,
		   "{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":"
		   "\"lamps\",\"filter\":{\"groups\":[\"sales\"]},\"fields\":"
		   "[\"ext\",\"name\"]}}",
		   "{\"result\":{\"rows\":2}}");
	rig_put(desk->rig, NULL, "username=new|ext=2199|groups=sales");
	client_expect(client, "{\"method\":\"lamp\",\"params\":{\"d\":[{"
			      "\"ext\":\"2199\"}]}}");
	rig_put(desk->rig, desk_id(desk, "new"), "last_name=Nuovo");
	client_expect(client, "{\"params\":{\"d\":[{\"name\":\"Nuovo\"}]}}");
	rig_put(desk->rig, desk_id(desk, "new"), "groups=");
	client_expect(client, "{\"params\":{\"d\":[{\"u\":\"*\",\"gone\":true,"
			      "\"!ext\":0}]}}");
	rig_delete(desk->rig, desk_id(desk, "bianchi"));
	client_expect(client, "{\"params\":{\"d\":[{\"gone\":true}]}}");
	client_close(client);
}

static void limits_are_settings(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");

	desk_set(desk, "console.max-rows", "3");
	client_ask(client, SUB_ALL,
		   "{\"error\":{\"code\":1201,\"name\":\"limit\",\"data\":{"
		   "\"what\":\"rows\",\"max\":3}}}");
	desk_set(desk, "console.max-subscriptions", "1");
	watch(client, "bianchi", "", "{\"result\":{\"rows\":1}}");
	watch(client, "bianchi", "",
	      "{\"error\":{\"code\":1201,\"data\":{\"what\":\"subscriptions\","
	      "\"max\":1}}}");
	client_close(client);
}

static void a_wrong_subscription_says_what_is_wrong(void **state)
{
	static const struct {
		const char *params, *expected;
	} wrong[] = {
		{"{\"topic\":\"weather\",\"filter\":{}}",
		 "{\"error\":{\"code\":-32602,\"data\":{\"field\":\"topic\"}}"
		 "}"},
		{"{\"topic\":\"queues\",\"filter\":{}}",
		 "{\"error\":{\"code\":1101}}"},
		{"{\"topic\":\"lamps\"}", "{\"error\":{\"code\":-32602,"
					  "\"data\":{\"field\":\"filter\"}}}"},
		{"{\"topic\":\"lamps\",\"filter\":{\"groups\":\"sales\"}}",
		 "{\"error\":{\"data\":{\"field\":\"filter.groups\"}}}"},
		{"{\"topic\":\"lamps\",\"filter\":{\"users\":[1]}}",
		 "{\"error\":{\"data\":{\"field\":\"filter.users\"}}}"},
		{"{\"topic\":\"lamps\",\"filter\":{},\"fields\":[1]}",
		 "{\"error\":{\"data\":{\"field\":\"fields\"}}}"},
	};
	struct desk *desk = *state;
	struct client *client = enter(desk, "rossi");
	struct lf_console_stats stats;
	char line[256];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line),
			 "{\"id\":1,\"method\":\"sub\",\"params\":%s}",
			 wrong[i].params);
		client_ask(client, line, wrong[i].expected);
	}
	lf_console_stats(desk->console, &stats);
	assert_int_equal(0, stats.subscriptions);
	client_close(client);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_snapshot_shows_every_colleague),
		TEST(a_change_arrives_as_what_moved_only),
		TEST(the_time_to_the_consoles_is_counted_once_a_flush),
		TEST(a_value_that_goes_is_null),
		TEST(the_mask_of_forward_targets_is_a_setting),
		TEST(a_later_snapshot_is_of_now),
		TEST(the_remote_party_is_for_whom_the_administrator_says),
		TEST(only_the_fields_asked_for_are_sent),
		TEST(two_changes_of_a_turn_are_one_delta),
		TEST(a_row_that_flutters_is_sent_once_in_a_slot),
		TEST(pages_and_deltas_make_one_story),
		TEST(watching_begins_and_ends_with_the_rows),
		TEST(a_window_scrolls),
		TEST(a_group_follows_the_directory),
		TEST(limits_are_settings),
		TEST(a_wrong_subscription_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
