/* tests/console/test_notes.c - notes on colleagues (S50), and the directory
 * as operators search it. */
#include "tests/console/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

#include "core/banned.h"

static struct client *enter(struct desk *desk, const char *username)
{
	struct client *client = client_open(desk, false);

	client_login(client, username, NULL);
	return client;
}

static void set(struct client *client, const char *more, const char *expected)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "{\"id\":3,\"method\":\"notes.set\",\"params\":{\"u\":\"%s\"%s"
		 "}}",
		 desk_id(client->desk, "verdi"), more);
	client_ask(client, line, expected);
}

static void sub(struct client *client, const char *topic, const char *expected)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":\"%s\","
		 "\"filter\":{\"users\":[\"%s\"]}}}",
		 topic, desk_id(client->desk, "verdi"));
	client_ask(client, line, expected);
}

static void a_note_is_seen_by_all_at_once(void **state)
{
	struct client *rossi = enter(*state, "rossi");
	struct client *bianchi = enter(*state, "bianchi");

	sub(bianchi, "lamps", "{\"result\":{\"snap\":[{\"!note\":0}]}}");
	client_send(rossi, "{\"id\":1,\"method\":\"ping\"}");
	client_expect(rossi, "{\"id\":1}");
	set(rossi, ",\"text\":\"Back at 3 pm\"",
	    "{\"id\":3,\"result\":{\"rev\":\"*\"}}");
	client_expect(bianchi,
		      "{\"method\":\"lamp\",\"params\":{\"d\":[{\"note\":{"
		      "\"text\":\"Back at 3 pm\",\"by\":\"*\",\"at\":\"*\","
		      "\"rev\":\"*\"},\"!tel\":0}]}}");
	set(rossi, ",\"text\":\"\"", "{\"id\":3,\"result\":{\"rev\":\"*\"}}");
	client_expect(bianchi, "{\"params\":{\"d\":[{\"note\":null}]}}");
	client_close(rossi);
	client_close(bianchi);
}

static void notes_alone_watch_nobody(void **state)
{
	struct client *client = enter(*state, "rossi");

	set(client, ",\"text\":\"x\"", "{\"result\":{}}");
	sub(client, "notes",
	    "{\"result\":{\"snap\":[{\"u\":\"*\",\"note\":{\"text\":\"x\"},"
	    "\"!tel\":0}]}}");
	assert_false(desk_is_watched(*state, "verdi"));
	set(client, ",\"text\":\"y\"", "{\"result\":{}}");
	client_expect(client, "{\"method\":\"note\",\"params\":{\"s\":1,\"d\":["
			      "{\"note\":{\"text\":\"y\"}}]}}");
	client_close(client);
}

static void the_second_writer_is_told(void **state)
{
	struct client *client = enter(*state, "rossi");

	set(client, ",\"text\":\"first\",\"base\":0", "{\"result\":{}}");
	set(client, ",\"text\":\"second\",\"base\":0",
	    "{\"error\":{\"code\":1202,\"name\":\"conflict\",\"data\":{"
	    "\"current\":{\"text\":\"first\",\"rev\":\"*\"}}}}");
	client_close(client);
}

static void an_operation_is_done_once(void **state)
{
	struct client *client = enter(*state, "rossi");

	set(client, ",\"text\":\"a\",\"base\":0,\"op\":\"n-1\"",
	    "{\"result\":{\"rev\":\"*\"}}");
	/* Again: base 0 would be a conflict if it were done again. */
	set(client, ",\"text\":\"a\",\"base\":0,\"op\":\"n-1\"",
	    "{\"result\":{\"rev\":\"*\"}}");
	set(client, ",\"text\":\"b\",\"base\":0,\"op\":\"n-2\"",
	    "{\"error\":{\"code\":1202}}");
	set(client, ",\"text\":\"b\",\"base\":0,\"op\":\"n-2\"",
	    "{\"error\":{\"code\":1202,\"data\":{\"current\":\"*\"}}}");
	set(client, ",\"text\":\"b\",\"op\":\"\"",
	    "{\"error\":{\"code\":-32602,\"data\":{\"field\":\"op\"}}}");
	client_close(client);
}

static void two_at_once_are_both_answered(void **state)
{
	struct client *client = enter(*state, "rossi");
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"id\":3,\"method\":\"notes.set\",\"params\":{\"u\":\"%s\","
		 "\"text\":\"a\",\"base\":0,\"op\":\"n-1\"}}",
		 desk_id(*state, "verdi"));
	client_send(client, line);
	line[6] = '4';
	client_ask(client, line, "{\"id\":4,\"result\":{\"rev\":\"*\"}}");
	client_expect(client, "{\"id\":3,\"result\":{\"rev\":\"*\"}}");
	client_close(client);
}

static void a_note_in_work_survives_its_author(void **state)
{
	struct client *client = enter(*state, "rossi");
	struct desk *desk = *state;
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"id\":3,\"method\":\"notes.set\",\"params\":{\"u\":\"%s\","
		 "\"text\":\"a\",\"op\":\"n-1\"}}\n"
		 "{\"id\":4,\"method\":\"logout\"}",
		 desk_id(desk, "verdi"));
	client_ask(client, line, "{\"id\":4,\"result\":{}}");
	client_expect_closed(client);
	client_close(client);
}

static void what_is_wrong_with_a_note_is_named(void **state)
{
	struct client *client = enter(*state, "rossi");
	struct lf_buf text = {0};

	set(client, "", "{\"error\":{\"data\":{\"field\":\"text\"}}}");
	set(client, ",\"text\":\"x\",\"base\":\"y\"",
	    "{\"error\":{\"data\":{\"field\":\"base\"}}}");
	lf_buf_adds(&text, ",\"text\":\"");
	for (int i = 0; i < 501; i++)
		lf_buf_addc(&text, 'x');
	lf_buf_addc(&text, '"');
	set(client, text.data, "{\"error\":{\"data\":{\"field\":\"text\"}}}");
	lf_buf_done(&text);
	client_ask(client,
		   "{\"id\":3,\"method\":\"notes.set\",\"params\":{\"u\":"
		   "\"u999\",\"text\":\"x\"}}",
		   "{\"error\":{\"code\":1204}}");
	client_close(client);
}

static void notes_need_a_licence(void **state)
{
	struct client *client = enter(*state, "verdi");

	set(client, ",\"text\":\"x\"",
	    "{\"error\":{\"code\":1200,\"name\":\"forbidden\"}}");
	sub(client, "notes", "{\"error\":{\"code\":1200}}");
	client_close(client);
}

/* ---- the directory ---- */

static void a_search_finds_and_counts(void **state)
{
	struct client *client = enter(*state, "verdi");

	client_ask(client,
		   "{\"id\":10,\"method\":\"dir.search\",\"params\":{\"q\":"
		   "\"ross\",\"limit\":2}}",
		   "{\"id\":10,\"result\":{\"rows\":[{\"d\":\"*\",\"name\":"
		   "\"Carla Rossi\",\"ext\":\"2101\",\"dept\":\"Reception\","
		   "\"lamp\":true}],\"total\":1,\"truncated\":false}}");
	client_ask(client,
		   "{\"id\":11,\"method\":\"dir.search\",\"params\":{\"q\":"
		   "\"21\",\"limit\":1,\"offset\":1}}",
		   "{\"result\":{\"rows\":[\"*\"],\"total\":4,\"truncated\":"
		   "true}}");
	client_ask(client,
		   "{\"id\":12,\"method\":\"dir.search\",\"params\":{\"q\":"
		   "\"21\",\"offset\":9}}",
		   "{\"result\":{\"rows\":[],\"total\":4,\"truncated\":false}"
		   "}");
	client_ask(client,
		   "{\"id\":13,\"method\":\"dir.search\",\"params\":{}}",
		   "{\"error\":{\"data\":{\"field\":\"q\"}}}");
	client_close(client);
}

static void search_max_is_a_setting(void **state)
{
	struct client *client = enter(*state, "verdi");

	desk_set(*state, "console.search-max", "2");
	client_ask(client,
		   "{\"id\":10,\"method\":\"dir.search\",\"params\":{\"q\":"
		   "\"21\",\"limit\":100}}",
		   "{\"result\":{\"rows\":[\"*\",\"*\"],\"total\":4,"
		   "\"truncated\":true}}");
	client_close(client);
}

static void searches_are_throttled(void **state)
{
	struct client *client = enter(*state, "verdi");
	int i;

	for (i = 0; i < 30; i++)
		client_send(client, "{\"id\":10,\"method\":\"dir.search\","
				    "\"params\":{\"q\":\"x\"}}");
	for (i = 0; i < 10; i++)
		client_expect(client, "{\"result\":{\"total\":0}}");
	for (; i < 29; i++)
		json_decref(client_read(client));
	client_expect(client, "{\"error\":{\"code\":1002}}");
	client_close(client);
}

static void one_person_is_found_by_id_and_number(void **state)
{
	struct client *client = enter(*state, "verdi");
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"id\":1,\"method\":\"dir.get\",\"params\":{\"id\":\"%s\"}}",
		 desk_id(*state, "rossi"));
	client_ask(client, line,
		   "{\"result\":{\"d\":\"*\",\"name\":\"Carla Rossi\","
		   "\"first\":\"Carla\",\"last\":\"Rossi\",\"groups\":"
		   "\"sales\"}}");
	client_ask(client,
		   "{\"id\":1,\"method\":\"dir.get\",\"params\":{\"id\":"
		   "\"u999\"}}",
		   "{\"error\":{\"code\":1204}}");
	client_ask(client,
		   "{\"id\":1,\"method\":\"dir.lookup\",\"params\":{\"num\":"
		   "\"2102\"}}",
		   "{\"result\":{\"row\":{\"name\":\"Anna Bianchi\"}}}");
	client_ask(client,
		   "{\"id\":1,\"method\":\"dir.lookup\",\"params\":{\"num\":"
		   "\"+39055555020\"}}",
		   "{\"result\":{\"row\":null}}");
	client_close(client);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_note_is_seen_by_all_at_once),
		TEST(notes_alone_watch_nobody),
		TEST(the_second_writer_is_told),
		TEST(an_operation_is_done_once),
		TEST(two_at_once_are_both_answered),
		TEST(a_note_in_work_survives_its_author),
		TEST(what_is_wrong_with_a_note_is_named),
		TEST(notes_need_a_licence),
		TEST(a_search_finds_and_counts),
		TEST(search_max_is_a_setting),
		TEST(searches_are_throttled),
		TEST(one_person_is_found_by_id_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
