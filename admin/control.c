/* admin/control.c - lampctl's end in the server: lines to commands. */
#include "admin/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/server.h"
#include "core/buf.h"
#include "core/line.h"
#include "core/list.h"
#include "core/log.h"
#include "core/stream.h"
#include "core/text.h"

#include "core/banned.h"

struct lf_control {
	struct lf_server *server;
	struct lf_listener *listener;
	const struct lf_command *const *tables;
	struct lf_list clients;
};

struct client {
	struct lf_list node;
	struct lf_control *control;
	struct lf_stream *stream;
	struct lf_lines lines;
	struct lf_list calls;
	bool is_feeding, is_gone; /* inside lf_lines_feed(); to be freed */
};

struct lf_call {
	struct lf_list node;   /* in client->calls */
	struct client *client; /* NULL: lampctl has gone */
	json_t *request;
	char by[64];
	void (*gone)(void *arg);
	void *gone_arg;
};

static void write_line(struct lf_call *call, struct lf_buf *line)
{
	lf_buf_addc(line, '\n');
	if (call->client && !lf_buf_error(line))
		lf_stream_write(call->client->stream, line->data, line->len);
	lf_buf_done(line);
}

static void write_json(struct lf_call *call, const char *key, json_t *value)
{
	struct lf_buf line = {0};

	if (!value)
		return;
	lf_buf_addf(&line, "{\"%s\":", key);
	lf_json_write(&line, value);
	lf_buf_addc(&line, '}');
	write_line(call, &line);
	json_decref(value);
}

const json_t *lf_call_args(const struct lf_call *call)
{
	return json_object_get(call->request, "args");
}

const char *lf_call_arg(const struct lf_call *call, const char *name)
{
	return json_string_value(json_object_get(lf_call_args(call), name));
}

const char *lf_call_by(const struct lf_call *call)
{
	return call->by;
}

void lf_call_columns(struct lf_call *call, const char *names)
{
	json_t *list = json_array();
	const char *end;

	for (; list && *names; names = *end ? end + 1 : end) {
		end = names + strcspn(names, " ");
		json_array_append_new(
			list, json_stringn(names, (size_t)(end - names)));
	}
	write_json(call, "columns", list);
}

void lf_call_row(struct lf_call *call, json_t *row)
{
	write_json(call, "row", row);
}

void lf_call_say(struct lf_call *call, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_json(call, "say", json_string(text));
}

void lf_call_progress(struct lf_call *call, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_json(call, "progress", json_string(text));
}

void lf_call_end(struct lf_call *call, const char *error)
{
	struct lf_buf line = {0};

	lf_buf_addf(&line, "{\"end\":%s", error ? "false,\"error\":" : "true");
	if (error)
		lf_buf_add_json(&line, error);
	lf_buf_addc(&line, '}');
	write_line(call, &line);

	lf_list_del(&call->node);
	json_decref(call->request);
	free(call);
}

void lf_call_on_gone(struct lf_call *call, void (*gone)(void *arg), void *arg)
{
	call->gone = gone;
	call->gone_arg = arg;
}

static const struct lf_command *find_command(struct lf_control *control,
					     const char *name)
{
	for (size_t t = 0; control->tables[t]; t++) {
		const struct lf_command *c = control->tables[t];

		for (; c->name; c++) {
			if (!strcmp(c->name, name))
				return c;
		}
	}
	return NULL;
}

static int on_line(const char *line, size_t len, void *arg)
{
	struct client *client = arg;
	const struct lf_command *command;
	const char *by;
	struct lf_call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	if (lf_json_parse(&call->request, line, len)) {
		free(call);
		return -EPROTO;
	}
	call->client = client;
	lf_list_add_tail(&client->calls, &call->node);
	by = json_string_value(json_object_get(call->request, "by"));
	snprintf(call->by, sizeof(call->by), "lampctl:%s", by ? by : "?");

	command = find_command(client->control,
			       lf_json_str(call->request, "cmd", "", NULL));
	if (command)
		command->run(call, client->control->server);
	else
		lf_call_end(call, "The server does not know this command; is "
				  "lampctl newer than lampfieldd?");
	return client->is_gone ? -ESHUTDOWN : 0;
}

static void client_free(struct client *client)
{
	LF_LIST_FOREACH_SAFE (node, &client->calls) {
		struct lf_call *call =
			LF_CONTAINER_OF(node, struct lf_call, node);

		lf_list_del(&call->node);
		call->client = NULL;
		if (call->gone)
			call->gone(call->gone_arg);
	}
	lf_list_del(&client->node);
	if (client->is_feeding) {
		client->is_gone = true;
		return;
	}
	lf_lines_done(&client->lines);
	free(client);
}

static void on_data(struct lf_stream *stream, const char *data, size_t len,
		    void *arg)
{
	struct client *client = arg;
	int err;

	client->is_feeding = true;
	err = lf_lines_feed(&client->lines, data, len, on_line, client);
	client->is_feeding = false;
	if (client->is_gone) {
		client_free(client);
	} else if (err) {
		lf_log(LF_WARN, "admin", "control socket: %s", strerror(-err));
		lf_stream_close(stream);
		client_free(client);
	}
}

static void on_close(struct lf_stream *stream, int err, void *arg)
{
	client_free(arg);
}

static const struct lf_stream_ops client_ops = {
	.on_data = on_data,
	.on_close = on_close,
};

static void on_accept(struct lf_stream *stream, void *arg)
{
	struct lf_control *control = arg;
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		lf_stream_close(stream);
		return;
	}
	client->control = control;
	client->stream = stream;
	lf_list_init(&client->calls);
	lf_lines_init(&client->lines, LF_CONTROL_MAX_LINE);
	lf_list_add_tail(&control->clients, &client->node);
	lf_stream_set(stream, &client_ops, client);
}

int lf_control_open(struct lf_control **ret, struct lf_server *server,
		    const char *path, const struct lf_command *const *tables)
{
	const struct lf_listen_opts opts = {.unix_path = path};
	struct lf_control *control = calloc(1, sizeof(*control));
	int err;

	if (!control)
		return -ENOMEM;
	control->server = server;
	control->tables = tables;
	lf_list_init(&control->clients);
	err = lf_listener_open(&control->listener, server->loop, &opts,
			       on_accept, control);
	if (err) {
		free(control);
		return err;
	}
	*ret = control;
	return 0;
}

void lf_control_close(struct lf_control *control)
{
	if (!control)
		return;
	LF_LIST_FOREACH_SAFE (node, &control->clients) {
		struct client *client =
			LF_CONTAINER_OF(node, struct client, node);

		lf_stream_close(client->stream);
		client_free(client);
	}
	lf_listener_close(control->listener);
	free(control);
}
