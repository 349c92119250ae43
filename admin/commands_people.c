/* admin/commands_people.c - users and their notes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/server.h"
#include "core/buf.h"
#include "core/text.h"
#include "directory/note.h"
#include "directory/user.h"
#include "presence/board.h"
#include "store/store.h"

#include "core/banned.h"

/* S58: each filter is part of the shown text; absent ones match. */
static bool matches(struct lf_call *call, const json_t *row, const char *column)
{
	const char *filter = lf_call_arg(call, column);
	const char *value = json_string_value(json_object_get(row, column));

	return !filter || (value && lf_text_contains(value, filter));
}

static void run_users(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user;
	size_t i = 0;
	json_t *row;

	lf_call_columns(call, "id user ext lamp rich telephony note");
	while ((user = lf_user_next(server->directory, &i))) {
		row = lf_lamp_row(server, user);
		if (row && matches(call, row, "user") &&
		    matches(call, row, "rich") &&
		    matches(call, row, "telephony"))
			lf_call_row(call, row);
		else
			json_decref(row);
	}
	lf_call_end(call, NULL);
}

static void run_user_show(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user = lf_call_user(call, server);

	if (!user)
		return;
	lf_call_columns(call, "field value");
	for (int f = 0; f < LF_USER_FIELDS; f++) {
		if (f != LF_USER_PASSWORD)
			lf_call_row(call,
				    json_pack("{s:s, s:s}", "field",
					      lf_user_field_name(f), "value",
					      lf_user_get(user, f)));
	}
	lf_call_end(call, NULL);
}

static void on_user_done(int err, const char *id, const char *text, void *arg)
{
	struct lf_call *call = arg;

	if (!err && id)
		lf_call_row(call, json_pack("{s:s}", "id", id));
	lf_call_end(call, err ? text : NULL);
}

/* {"fields":{"ext":"2101"}}, and "user" for a change. */
static void put_user(struct lf_call *call, struct lf_server *server,
		     const char *id)
{
	json_t *object = json_object_get(lf_call_args(call), "fields");
	enum lf_user_field fields[LF_USER_FIELDS];
	const char *values[LF_USER_FIELDS], *key;
	char text[256];
	size_t n = 0;
	json_t *value;
	int err;

	json_object_foreach (object, key, value) {
		if (n == LF_USER_FIELDS ||
		    lf_user_field_parse(&fields[n], key)) {
			snprintf(text, sizeof(text),
				 "A user has no field %.64s; `lampctl user "
				 "show USER` lists the fields.",
				 key);
			lf_call_end(call, text);
			return;
		}
		values[n] = json_string_value(value);
		values[n] = values[n] ? values[n] : "";
		n++;
	}
	lf_call_columns(call, "id");
	err = lf_user_put(server->directory, id, fields, values, n,
			  lf_call_by(call), on_user_done, call);
	if (err)
		lf_call_end(call, strerror(-err));
}

static void run_user_add(struct lf_call *call, struct lf_server *server)
{
	put_user(call, server, NULL);
}

static void run_user_set(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user = lf_call_user(call, server);

	if (user)
		put_user(call, server, user->id);
}

static void run_user_del(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user = lf_call_user(call, server);
	int err;

	if (!user)
		return;
	lf_call_columns(call, "id");
	err = lf_user_delete(server->directory, user->id, lf_call_by(call),
			     on_user_done, call);
	if (err)
		lf_call_end(call, strerror(-err));
}

static void on_import(int err, size_t added, size_t changed, const char *text,
		      void *arg)
{
	struct lf_call *call = arg;

	if (!err)
		lf_call_say(call, "%zu users added, %zu changed", added,
			    changed);
	lf_call_end(call, err ? text : NULL);
}

static void run_user_import(struct lf_call *call, struct lf_server *server)
{
	const char *csv = lf_call_arg(call, "csv");
	int err;

	if (!csv) {
		lf_call_end(call, "No CSV text came along.");
		return;
	}
	err = lf_users_import(server->directory, csv, strlen(csv),
			      lf_call_by(call), on_import, call);
	if (err)
		lf_call_end(call, strerror(-err));
}

static void run_user_export(struct lf_call *call, struct lf_server *server)
{
	struct lf_buf csv = {0};

	lf_users_export(server->directory, &csv);
	if (!lf_buf_error(&csv))
		lf_call_row(call, json_pack("{s:s}", "csv", lf_buf_str(&csv)));
	lf_call_end(call, lf_buf_error(&csv) ? "Out of memory." : NULL);
	lf_buf_done(&csv);
}

static void on_note(int err, int64_t rev, void *arg)
{
	lf_call_end(arg, err ? strerror(-err) : NULL);
}

static void run_note(struct lf_call *call, struct lf_server *server)
{
	const struct lf_user *user = lf_call_user(call, server);
	const char *text;
	int err;

	if (!user)
		return; /* and the call is gone */
	text = lf_call_arg(call, "text");
	err = lf_note_set(server->notes, user->id, text ? text : "",
			  lf_call_by(call), LF_STORE_ANY, on_note, call);
	if (err)
		lf_call_end(call, strerror(-err));
}

const struct lf_command lf_people_commands[] = {
	{"users", run_users},
	{"user show", run_user_show},
	{"user add", run_user_add},
	{"user set", run_user_set},
	{"user del", run_user_del},
	{"user import", run_user_import},
	{"user export", run_user_export},
	{"note", run_note},
	{NULL},
};
