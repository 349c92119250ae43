/* tests/console/desk.c - see desk.h. */
#include "tests/console/desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/line.h"
#include "core/listen.h"
#include "core/log.h"
#include "core/secret.h"
#include "core/stream.h"
#include "core/timer.h"
#include "directory/access.h"
#include "directory/note.h"
#include "presence/board.h"
#include "presence/feed.h"
#include "presence/report.h"
#include "presence/simple.h"

#include "core/banned.h"

/* ---- the feed the test plays ---- */

static int watch(void *feed, struct lf_person *person, void **ret_watch)
{
	struct desk *desk = feed;

	if (desk->n_watched < DESK_PERSONS)
		desk->watched[desk->n_watched++] = person;
	return 0;
}

static void unwatch(void *feed, struct lf_person *person, void *watch)
{
	struct desk *desk = feed;
	size_t i;

	for (i = 0; i < desk->n_watched; i++)
		if (desk->watched[i] == person)
			desk->watched[i--] = desk->watched[--desk->n_watched];
}

static void update(void *feed, struct lf_person *person, void *watch)
{
}

static const struct lf_feed_ops feed_ops = {watch, unwatch, update};

static struct lf_person *find_watched(struct desk *desk, const char *username)
{
	for (size_t i = 0; i < desk->n_watched; i++)
		if (!strcmp(lf_person_user(desk->watched[i])->username,
			    username))
			return desk->watched[i];
	return NULL;
}

bool desk_is_watched(struct desk *desk, const char *username)
{
	return find_watched(desk, username);
}

int desk_try_report(struct desk *desk, const char *username, enum lf_tel line,
		    enum lf_rich rich, const char *fwd_to, const char *message)
{
	struct lf_person *person = find_watched(desk, username);
	struct lf_report report = {
		.knows = LF_KNOWS_LINE | LF_KNOWS_RICH | LF_KNOWS_FWD,
		.layers = LF_KNOWS_LINE | LF_KNOWS_RICH,
		.cond = LF_COND_OK,
		.line = (uint8_t)line,
		.rich = (uint8_t)rich,
		.at_ms = lf_mono_ms(),
		.since_ms = 1000,
	};

	if (!person)
		return -ENOENT;
	snprintf(report.fwd_to, sizeof(report.fwd_to), "%s", fwd_to);
	snprintf(report.message, sizeof(report.message), "%s", message);
	snprintf(report.peer, sizeof(report.peer), "%s",
		 desk->peer ? desk->peer : "");
	return lf_board_report(desk->board, person, desk->feed, &report);
}

void desk_report(struct desk *desk, const char *username, enum lf_tel line,
		 enum lf_rich rich, const char *fwd_to, const char *message)
{
	assert_int_equal(0, desk_try_report(desk, username, line, rich, fwd_to,
					    message));
}

/* ---- the server ---- */

static void on_ready(int err, void *arg)
{
	struct desk *desk = arg;

	assert_int_equal(0, err);
	desk->rig->is_done = true;
}

static void on_set(int err, const char *text, void *arg)
{
	struct desk *desk = arg;

	desk->set_err = err;
	desk->is_set = true;
}

void desk_set(struct desk *desk, const char *name, const char *value)
{
	const struct lf_assignment one = {name, value};

	desk->is_set = false;
	assert_int_equal(0, lf_settings_set(desk->settings, &one, 1, "tester",
					    on_set, desk));
	while (!desk->is_set)
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
	assert_int_equal(0, desk->set_err);
}

const char *desk_id(struct desk *desk, const char *username)
{
	const struct lf_user *user =
		lf_user_by_username(desk->rig->dir, username);

	assert_non_null(user);
	return user->id;
}

static void add_users(struct desk *desk)
{
	static const char *const users[] = {
		"username=rossi|first_name=Carla|last_name=Rossi|ext=2101|"
		"groups=sales|department=Reception|licence=BAE|"
		"password=secret",
		"username=bianchi|first_name=Anna|last_name=Bianchi|ext=2102|"
		"groups=sales|licence=BAP|password=secret",
		"username=verdi|first_name=Ugo|last_name=Verdi|ext=2103|"
		"licence=BOE|password=secret",
		"username=guest|ext=2104|password=secret",
		"username=nophone|licence=BAE|password=secret",
	};

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		assert_int_equal(0, rig_put(desk->rig, NULL, users[i]));
}

static void on_added(int err, const char *id, const char *text, void *arg)
{
	struct desk *desk = arg;

	assert_int_equal(0, err);
	if (!--desk->to_add)
		desk->rig->is_done = true;
}

/* All at once, so that the store commits them together. */
void desk_add_many(struct desk *desk, unsigned n)
{
	char text[64];

	desk->to_add = n;
	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "username=x%u|ext=%u|groups=many",
			 i, 5000 + i);
		rig_put_later(desk->rig, NULL, text, on_added, desk);
	}
	rig_wait(desk->rig);
}

static void open_parts(struct desk *desk)
{
	static const struct lf_setting_def *const tables[] = {
		lf_console_settings, lf_presence_settings,
		lf_directory_settings, NULL};
	struct rig *rig = desk->rig;
	char key[128];

	snprintf(key, sizeof(key), "%s/key", rig->folder);
	assert_int_equal(0, lf_vault_open(&desk->vault, key));
	assert_int_equal(0,
			 lf_settings_open(&desk->settings, rig->store,
					  desk->vault, tables, on_ready, desk));
	rig_wait(rig);
	add_users(desk);
	assert_int_equal(0, lf_notes_open(&desk->notes, rig->store));
	assert_int_equal(0, lf_access_new(&desk->access, rig->dir));
	assert_int_equal(0, lf_timers_new(&desk->timers, &rig->loop));
	assert_int_equal(0, lf_board_new(&desk->board, desk->timers, rig->dir,
					 desk->settings));
	desk->feed = lf_board_add_feed(desk->board, &feed_ops, "pbx1",
				       LF_FEED_SIP, desk);
	assert_true(desk->feed >= 0);
}

static size_t links(size_t i, const char **ret_name, const char **ret_state,
		    void *arg)
{
	*ret_name = "pbx1";
	*ret_state = "up";
	return i == 0;
}

/* ---- the chat the test plays ---- */

static enum lf_console_chat_state chat_state(const char *username,
					     size_t *ret_contacts, void *arg)
{
	const struct desk *desk = arg;

	if (!desk->chat_user || strcmp(desk->chat_user, username) != 0)
		return LF_CONSOLE_CHAT_OUT;
	*ret_contacts = desk->chat_contacts;
	return desk->chat_state;
}

static int chat_set_ready(const char *username, bool is_ready, void *arg)
{
	struct desk *desk = arg;

	if (!desk->chat_user || strcmp(desk->chat_user, username) != 0)
		return -ENOENT;
	desk_chat(desk, desk->chat_user,
		  is_ready ? LF_CONSOLE_CHAT_READY : LF_CONSOLE_CHAT_NOT_READY,
		  desk->chat_contacts);
	return 0;
}

static const struct lf_console_chat_ops chat_ops = {
	.state = chat_state,
	.set_ready = chat_set_ready,
};

void desk_chat(struct desk *desk, const char *username,
	       enum lf_console_chat_state state, size_t contacts)
{
	const char *was = desk->chat_user;

	desk->chat_user = username;
	desk->chat_state = state;
	desk->chat_contacts = contacts;
	if (was)
		lf_console_chat_changed(desk->console, was);
	if (username)
		lf_console_chat_changed(desk->console, username);
}

static void on_licence(const char *kind, bool is_enough, void *arg)
{
	struct desk *desk = arg;

	snprintf(desk->licence, sizeof(desk->licence), "%s %s", kind,
		 is_enough ? "enough" : "none left");
}

static void open_console(struct desk *desk)
{
	const struct lf_console_parts parts = {
		.timers = desk->timers,
		.board = desk->board,
		.directory = desk->rig->dir,
		.notes = desk->notes,
		.settings = desk->settings,
		.access = desk->access,
		.links = links,
		.on_licence = on_licence,
		.on_licence_arg = desk,
		.chat = &chat_ops,
		.chat_arg = desk,
	};
	struct lf_console_opts opts = {
		.node = "n1",
		.plain_address = "127.0.0.1",
		.tls_address = "127.0.0.1",
	};

	certs_make(&desk->certs);
	assert_int_equal(0, lf_tls_server(&desk->tls, desk->certs.cert,
					  desk->certs.key));
	assert_int_equal(0, lf_tls_client(&desk->client_tls, desk->certs.cert));
	assert_int_equal(0, lf_web_new(&desk->web, &desk->rig->loop));
	opts.tls = desk->tls;
	opts.web = desk->web;
	assert_int_equal(0, lf_console_open(&desk->console, &parts, &opts));
	assert_int_equal(0, lf_web_listen(desk->web, "127.0.0.1", 0, NULL, NULL,
					  &desk->web_port));
}

int desk_setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	void *rig;

	assert_non_null(desk);
	lf_log_set_level(LF_ERROR);
	assert_int_equal(0, rig_setup(&rig));
	desk->rig = rig;
	open_parts(desk);
	open_console(desk);
	*state = desk;
	return 0;
}

static void on_closed(void *arg)
{
	struct desk *desk = arg;

	desk->is_closed = true;
}

static void wait_closed(struct desk *desk)
{
	while (!desk->is_closed)
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
	desk->is_closed = false;
}

void desk_close_console(struct desk *desk)
{
	lf_console_close(desk->console, on_closed, desk);
	desk->console = NULL;
	wait_closed(desk);
}

int desk_teardown(void **state)
{
	struct desk *desk = *state;
	void *rig = desk->rig;

	if (desk->console)
		desk_close_console(desk);
	lf_web_close(desk->web, on_closed, desk);
	wait_closed(desk);
	lf_access_free(desk->access);
	lf_board_remove_feed(desk->board, desk->feed);
	lf_board_free(desk->board);
	lf_notes_close(desk->notes);
	lf_settings_close(desk->settings);
	lf_vault_free(desk->vault);
	lf_timers_close(desk->timers);
	lf_tls_unref(desk->tls);
	lf_tls_unref(desk->client_tls);
	certs_remove(&desk->certs);
	rig_teardown(&rig);
	free(desk);
	return 0;
}

/* ---- a client ---- */

static int keep_line(const char *line, size_t len, void *arg)
{
	struct client *client = arg;

	client->queue = realloc(client->queue,
				(client->n + 1) * sizeof(*client->queue));
	assert_non_null(client->queue);
	client->queue[client->n++] = strndup(line, len);
	return 0;
}

static void on_client_open(struct lf_stream *stream, void *arg)
{
	struct client *client = arg;

	client->is_open = true;
}

static void on_client_data(struct lf_stream *stream, const char *data,
			   size_t len, void *arg)
{
	struct client *client = arg;

	assert_int_equal(
		0, lf_lines_feed(client->lines, data, len, keep_line, client));
}

static void on_client_close(struct lf_stream *stream, int err, void *arg)
{
	struct client *client = arg;

	client->stream = NULL;
	client->is_closed = true;
}

struct client *client_open_raw(struct desk *desk, bool is_tls)
{
	static const struct lf_stream_ops ops = {
		.on_open = on_client_open,
		.on_data = on_client_data,
		.on_close = on_client_close,
	};
	struct client *client = calloc(1, sizeof(*client));

	assert_non_null(client);
	client->desk = desk;
	client->lines = malloc(sizeof(*client->lines));
	lf_lines_init(client->lines, 256 * 1024);
	assert_int_equal(0,
			 lf_stream_connect(
				 &client->stream, &desk->rig->loop, "127.0.0.1",
				 is_tls ? lf_console_tls_port(desk->console)
					: lf_console_plain_port(desk->console),
				 is_tls ? desk->client_tls : NULL, "localhost",
				 &ops, client));
	while (!client->is_open)
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
	return client;
}

struct client *client_open(struct desk *desk, bool is_tls)
{
	struct client *client = client_open_raw(desk, is_tls);

	client_expect(client, "{\"method\":\"hello\"}");
	return client;
}

void client_close(struct client *client)
{
	if (client->stream)
		lf_stream_close(client->stream);
	while (client->n)
		free(client->queue[--client->n]);
	free(client->queue);
	lf_lines_done(client->lines);
	free(client->lines);
	free(client);
}

void client_write(struct client *client, const char *data, size_t len)
{
	assert_non_null(client->stream);
	assert_int_equal(0, lf_stream_write(client->stream, data, len));
}

void client_send(struct client *client, const char *line)
{
	client_write(client, line, strlen(line));
	client_write(client, "\n", 1);
}

json_t *client_read(struct client *client)
{
	json_t *json;

	while (client->at == client->n && !client->is_closed)
		uv_run(&client->desk->rig->loop, UV_RUN_ONCE);
	if (client->at == client->n)
		fail_msg("the server closed the connection");
	json = json_loads(client->queue[client->at++], 0, NULL);
	assert_non_null(json);
	return json;
}

static bool array_holds(const json_t *expected, const json_t *actual)
{
	size_t i;

	if (!json_is_array(actual) ||
	    json_array_size(expected) != json_array_size(actual))
		return false;
	for (i = 0; i < json_array_size(expected); i++)
		if (!json_holds(json_array_get(expected, i),
				json_array_get(actual, i)))
			return false;
	return true;
}

bool json_holds(const json_t *expected, const json_t *actual)
{
	const char *key;
	void *iter;

	if (json_is_string(expected) &&
	    !strcmp(json_string_value(expected), "*"))
		return actual;
	if (json_is_array(expected))
		return array_holds(expected, actual);
	if (!json_is_object(expected))
		return json_equal(expected, actual);
	if (!json_is_object(actual))
		return false;
	/* "!key": must not be there. */
	for (iter = json_object_iter((json_t *)(uintptr_t)expected); iter;
	     iter = json_object_iter_next((json_t *)(uintptr_t)expected,
					  iter)) {
		key = json_object_iter_key(iter);
		if (key[0] == '!' ? json_object_get(actual, key + 1) != NULL
				  : !json_holds(json_object_iter_value(iter),
						json_object_get(actual, key)))
			return false;
	}
	return true;
}

void client_expect(struct client *client, const char *expected)
{
	json_error_t error;
	json_t *want = json_loads(expected, 0, &error);
	json_t *got = client_read(client);
	char *text;

	if (!want)
		fail_msg("%s in: %s", error.text, expected);
	if (!json_holds(want, got)) {
		text = json_dumps(got, JSON_COMPACT);
		fail_msg("expected %s\n     got %s", expected, text);
	}
	json_decref(want);
	json_decref(got);
}

void client_ask(struct client *client, const char *line, const char *expected)
{
	client_send(client, line);
	client_expect(client, expected);
}

char *client_ask_text(struct client *client, const char *line, const char *path)
{
	json_t *got, *at;
	char *text, *copy = strdup(path), *save, *key;

	client_send(client, line);
	at = got = client_read(client);
	for (key = strtok_r(copy, ".", &save); key;
	     key = strtok_r(NULL, ".", &save))
		at = json_object_get(at, key);
	if (!json_is_string(at))
		fail_msg("no %s in %s", path, json_dumps(got, JSON_COMPACT));
	text = strdup(json_string_value(at));
	json_decref(got);
	free(copy);
	return text;
}

void client_expect_closed(struct client *client)
{
	while (!client->is_closed)
		uv_run(&client->desk->rig->loop, UV_RUN_ONCE);
}

void client_settle(struct client *client)
{
	json_t *line;
	bool is_answer;

	client_send(client, "{\"id\":\"settle\",\"method\":\"ping\"}");
	do {
		line = client_read(client);
		is_answer = json_object_get(line, "result");
		json_decref(line);
	} while (!is_answer);
}

void client_login(struct client *client, const char *username,
		  const char *features)
{
	char token[LF_CONSOLE_TOKEN_SIZE], line[512];
	struct desk *desk = client->desk;

	assert_int_equal(0, lf_console_token(desk->console,
					     desk_id(desk, username), token));
	snprintf(line, sizeof(line),
		 "{\"id\":\"login\",\"method\":\"login\",\"params\":{\"proto\":"
		 "1,\"auth\":\"token\",\"token\":\"%s\",\"features\":%s}}",
		 token, features ? features : "[]");
	client_ask(client, line,
		   "{\"id\":\"login\",\"result\":{\"session\":\"*\"}}");
}
