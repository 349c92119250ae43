/*
 * tests/console/test_chat.c - the operator sees who is in the web chat, and
 * an agent says from the console: ready, or not.
 */
#include "tests/console/desk.h"

#include "core/banned.h"

#define SUB(FIELDS)                                                            \
	"{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":\"lamps\","        \
	"\"filter\":{\"groups\":[\"sales\"]}" FIELDS "}}"

static struct client *enter(struct desk *desk, const char *username)
{
	struct client *client = client_open(desk, false);

	client_login(client, username, NULL);
	return client;
}

static void a_row_shows_the_agent_of_the_chat(void **state)
{
	struct desk *desk = *state;
	struct client *client;

	desk_chat(desk, "rossi", LF_CONSOLE_CHAT_READY, 2);
	client = enter(desk, "verdi");
	client_ask(client, SUB(""),
		   "{\"result\":{\"snap\":[{\"ext\":\"2102\",\"!chat\":0},"
		   "{\"ext\":\"2101\",\"chat\":{\"state\":\"ready\","
		   "\"n\":2}}]}}");
	client_close(client);
}

static void what_moves_in_the_chat_arrives_alone(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "verdi");

	client_ask(client, SUB(""), "{\"result\":{\"rows\":2}}");
	desk_chat(desk, "bianchi", LF_CONSOLE_CHAT_NOT_READY, 0);
	client_expect(client,
		      "{\"method\":\"lamp\",\"params\":{\"d\":[{\"u\":\"*\","
		      "\"chat\":{\"state\":\"not_ready\",\"n\":0},\"!tel\":0,"
		      "\"!cond\":0}]}}");
	desk_chat(desk, "bianchi", LF_CONSOLE_CHAT_BUSY, 5);
	client_expect(client, "{\"params\":{\"d\":[{\"chat\":{\"state\":"
			      "\"busy\",\"n\":5}}]}}");
	desk_chat(desk, NULL, LF_CONSOLE_CHAT_OUT, 0);
	client_expect(client, "{\"params\":{\"d\":[{\"chat\":null}]}}");
	client_close(client);
}

static void what_does_not_move_is_not_sent(void **state)
{
	struct desk *desk = *state;
	struct client *client;
	struct lf_console_stats before, after;

	desk_chat(desk, "rossi", LF_CONSOLE_CHAT_READY, 1);
	client = enter(desk, "verdi");
	client_ask(client, SUB(""), "{\"result\":{\"rows\":2}}");
	lf_console_stats(desk->console, &before);
	desk_chat(desk, "rossi", LF_CONSOLE_CHAT_READY, 1);
	lf_console_chat_changed(desk->console, "nobody");
	client_settle(client);
	lf_console_stats(desk->console, &after);
	assert_int_equal(before.events_out, after.events_out);
	client_close(client);
}

static void who_does_not_ask_for_it_gets_none(void **state)
{
	struct desk *desk = *state;
	struct client *client = enter(desk, "verdi");

	client_ask(client, SUB(",\"fields\":[\"tel\"]"),
		   "{\"result\":{\"rows\":2}}");
	desk_chat(desk, "rossi", LF_CONSOLE_CHAT_READY, 1);
	desk_report(desk, "rossi", LF_TEL_BUSY, LF_RICH_AWAY, "", "");
	client_expect(client, "{\"params\":{\"d\":[{\"tel\":\"busy\","
			      "\"!chat\":0}]}}");
	client_close(client);
}

static void an_agent_is_ready_from_the_console(void **state)
{
	struct desk *desk = *state;
	struct client *client;

	desk_chat(desk, "rossi", LF_CONSOLE_CHAT_NOT_READY, 0);
	client = enter(desk, "rossi");
	client_ask(client, "{\"id\":3,\"method\":\"chat.ready\"}",
		   "{\"id\":3,\"result\":{}}");
	assert_int_equal(LF_CONSOLE_CHAT_READY, desk->chat_state);
	client_ask(client, "{\"id\":4,\"method\":\"chat.not_ready\"}",
		   "{\"id\":4,\"result\":{}}");
	assert_int_equal(LF_CONSOLE_CHAT_NOT_READY, desk->chat_state);
	client_close(client);
}

static void who_is_not_in_the_chat_cannot_be_ready(void **state)
{
	struct desk *desk = *state;
	struct client *client = client_open(desk, false);

	client_ask(client, "{\"id\":1,\"method\":\"chat.ready\"}",
		   "{\"id\":1,\"error\":{\"name\":\"not_logged_in\"}}");
	client_login(client, "verdi", NULL);
	client_ask(client, "{\"id\":3,\"method\":\"chat.ready\"}",
		   "{\"id\":3,\"error\":{\"name\":\"not_found\"}}");
	client_close(client);
}

#define DESK(TEST)                                                             \
	cmocka_unit_test_setup_teardown(TEST, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK(a_row_shows_the_agent_of_the_chat),
		DESK(what_moves_in_the_chat_arrives_alone),
		DESK(what_does_not_move_is_not_sent),
		DESK(who_does_not_ask_for_it_gets_none),
		DESK(an_agent_is_ready_from_the_console),
		DESK(who_is_not_in_the_chat_cannot_be_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
