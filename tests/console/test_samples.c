/*
 * tests/console/test_samples.c - plays tests/data/console/: the samples of
 * docs/console-protocol.md, one script a section.
 *
 *     connect plain|tls        a new client takes over
 *     login USER               by a token
 *     set NAME VALUE           a setting
 *     report USER LINE RICH [FORWARD]
 *     > LINE                   the client says
 *     < JSON                   the next line holds at least this
 *     ? JSON                   one of the next lines does, in any order
 *     closed                   the server ends the connection
 *
 * @rossi@ is that user's id, "*" any value, "!key" a member that is not there.
 */
#include "tests/console/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"

#include "core/banned.h"

#define LINE_SIZE 4096

struct play {
	struct desk *desk;
	struct client *client;
	json_t *early; /* lines read while another one was looked for */
};

/* "@rossi@" becomes the id. */
static char *with_ids(struct desk *desk, const char *text)
{
	struct lf_buf out = {0};
	char name[32];
	size_t n;

	while (*text) {
		n = strcspn(text, "@");
		lf_buf_add(&out, text, n);
		text += n;
		if (!*text)
			break;
		n = strcspn(++text, "@");
		lf_text_copy_n(name, sizeof(name), text, n);
		lf_buf_adds(&out, desk_id(desk, name));
		text += n + 1;
	}
	return lf_buf_take(&out);
}

static void leave(struct play *play)
{
	if (play->client)
		client_close(play->client);
	play->client = NULL;
}

static void do_report(struct play *play, char *args)
{
	char user[32], line[32], rich[32], forward[64] = "";
	enum lf_tel tel;
	enum lf_rich mood;

	assert_in_range(
		sscanf(args, "%31s %31s %31s %63s", user, line, rich, forward),
		3, 4);
	assert_int_equal(0, lf_tel_parse(&tel, line));
	assert_int_equal(0, lf_rich_parse(&mood, rich));
	desk_report(play->desk, user, tel, mood, forward, "");
}

static void do_set(struct play *play, char *args)
{
	char *value = strchr(args, ' ');

	assert_non_null(value);
	*value++ = '\0';
	desk_set(play->desk, args, value);
}

/* Looks in what came early, then in what comes. */
static void expect_soon(struct play *play, const char *expected)
{
	json_t *want = json_loads(expected, 0, NULL), *got;
	size_t i;

	assert_non_null(want);
	for (i = 0;; i++) {
		if (i == json_array_size(play->early))
			json_array_append_new(play->early,
					      client_read(play->client));
		got = json_array_get(play->early, i);
		if (json_holds(want, got))
			break;
		if (i > 3)
			fail_msg("never came: %s", expected);
	}
	json_array_remove(play->early, i);
	json_decref(want);
}

static void do_json(struct play *play, char verb, const char *arg)
{
	char *text = with_ids(play->desk, arg);

	assert_non_null(text);
	if (verb == '>')
		client_send(play->client, text);
	else if (verb == '<')
		client_expect(play->client, text);
	else
		expect_soon(play, text);
	free(text);
}

static void play_line(struct play *play, char *line)
{
	char *arg = line + strcspn(line, " ");

	if (*arg)
		*arg++ = '\0';
	if (!strcmp(line, ">") || !strcmp(line, "<") || !strcmp(line, "?")) {
		do_json(play, line[0], arg);
	} else if (!strcmp(line, "connect")) {
		leave(play);
		play->client = client_open_raw(play->desk, !strcmp(arg, "tls"));
	} else if (!strcmp(line, "login")) {
		client_login(play->client, arg, NULL);
	} else if (!strcmp(line, "set")) {
		do_set(play, arg);
	} else if (!strcmp(line, "report")) {
		do_report(play, arg);
	} else if (!strcmp(line, "closed")) {
		client_expect_closed(play->client);
	} else {
		fail_msg("what is \"%s\"?", line);
	}
}

static void play_file(struct desk *desk, const char *name)
{
	const char *srcdir = getenv("srcdir");
	struct play play = {.desk = desk, .early = json_array()};
	char path[512], line[LINE_SIZE];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/console/%s",
		 srcdir ? srcdir : ".", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot open %s", path);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#')
			play_line(&play, line);
	}
	fclose(f);
	assert_int_equal(0, json_array_size(play.early));
	json_decref(play.early);
	leave(&play);
}

static void login_as_documented(void **state)
{
	play_file(*state, "login.txt");
}

static void lamps_as_documented(void **state)
{
	play_file(*state, "lamps.txt");
}

static void commands_as_documented(void **state)
{
	play_file(*state, "commands.txt");
}

static void envelope_as_documented(void **state)
{
	play_file(*state, "envelope.txt");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(login_as_documented),
		TEST(lamps_as_documented),
		TEST(commands_as_documented),
		TEST(envelope_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
