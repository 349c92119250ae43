/*
 * chat/callback.c - customers who want to be called: taken when stored, kept
 * by due time until they are carried out (S172, S149).
 */
#include "chat/rest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat/schema.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/listen.h"
#include "store/store.h"

#include "core/banned.h"

#define CALLBACKS_MAX 100000
#define SECONDS_UNTIL 100000000000 /* smaller dates are seconds */

struct callback {
	struct lf_list node; /* by due time */
	struct lf_chat *chat;
	struct lf_web_call *call; /* waits for the commit; NULL: gone */
	struct lf_chat_callback view;
	char *texts[7]; /* skillset, phone, country, area, name, email, id */
};

enum { SKILLSET, PHONE, COUNTRY, AREA, NAME, EMAIL, IDENTITY, N_TEXTS };

static void callback_free(struct callback *cb)
{
	size_t i;

	if (!cb)
		return;
	lf_list_del(&cb->node);
	for (i = 0; i < N_TEXTS; i++)
		free(cb->texts[i]);
	free(cb);
}

static const char *text_of(const struct callback *cb, size_t i)
{
	return cb->texts[i] ? cb->texts[i] : "";
}

static void make_view(struct callback *cb)
{
	cb->view.skillset = text_of(cb, SKILLSET);
	cb->view.phone = text_of(cb, PHONE);
	cb->view.country = text_of(cb, COUNTRY);
	cb->view.area = text_of(cb, AREA);
	cb->view.name = text_of(cb, NAME);
	cb->view.email = text_of(cb, EMAIL);
}

static void insert(struct lf_chat *chat, struct callback *cb)
{
	struct lf_list *at = chat->callbacks.prev;

	while (at != &chat->callbacks &&
	       LF_CONTAINER_OF(at, struct callback, node)->view.due_ms >
		       cb->view.due_ms)
		at = at->prev;
	lf_list_add_tail(at->next, &cb->node);
	chat->n_callbacks++;
}

static void drop(struct callback *cb)
{
	struct lf_chat *chat = cb->chat;

	lf_chat_identity_count(chat->engine, cb->texts[IDENTITY], 0, -1);
	chat->n_callbacks--;
	callback_free(cb);
}

void lf_chat_callbacks_done(struct lf_chat *chat)
{
	while (!lf_list_is_empty(&chat->callbacks))
		callback_free(LF_CONTAINER_OF(chat->callbacks.next,
					      struct callback, node));
}

/* ---- a request ---- */

static void on_gone(void *arg)
{
	struct callback *cb = arg;

	cb->call = NULL;
}

static void on_stored(int err, struct lf_store_rows *rows, void *arg)
{
	struct callback *cb = arg;
	struct lf_chat *chat = cb->chat;
	struct lf_web_call *call = cb->call;
	struct lf_buf body = {0};

	chat->pending--;
	cb->call = NULL;
	if (err)
		drop(cb);
	if (call && err) {
		lf_chat_answer_error(chat, call, "callBack", LF_CHAT_INTERNAL);
	} else if (call) {
		lf_buf_adds(&body,
			    "{\"status\":\"Your request has been received\"}");
		lf_chat_answer(chat, call, 200, &body);
	}
	lf_buf_done(&body);
	lf_chat_check_closed(chat);
}

static int64_t due_of(const json_t *request, int64_t now_ms)
{
	int64_t date =
		(int64_t)json_number_value(json_object_get(request, "date"));

	if (date < SECONDS_UNTIL)
		date *= 1000;
	return date > now_ms ? date : now_ms;
}

static struct callback *callback_new(struct lf_chat *chat,
				     const json_t *request)
{
	static const char *const names[] = {"skillset", "phone", "countryCode",
					    "areaCode", "name",  "email"};
	struct callback *cb = calloc(1, sizeof(*cb));
	int err = 0;
	size_t i;

	if (!cb)
		return NULL;
	cb->chat = chat;
	lf_list_init(&cb->node);
	cb->view.made_ms = lf_wall_ms();
	cb->view.due_ms = due_of(request, cb->view.made_ms);
	for (i = 0; !err && i < IDENTITY; i++)
		err = lf_chat_set_text(
			&cb->texts[i],
			json_string_value(json_object_get(request, names[i])));
	cb->texts[IDENTITY] = lf_chat_identity_of(cb->texts[EMAIL]);
	if (err ||
	    lf_chat_identity_count(chat->engine, cb->texts[IDENTITY], 0, 1)) {
		callback_free(cb);
		return NULL;
	}
	make_view(cb);
	return cb;
}

static int save(struct callback *cb)
{
	struct lf_store_arg args[3 + N_TEXTS] = {
		lf_store_int(cb->view.id),
		lf_store_int(cb->view.due_ms),
		lf_store_int(cb->view.made_ms),
	};
	size_t i;

	for (i = 0; i < N_TEXTS; i++)
		args[3 + i] = lf_store_text(cb->texts[i]);
	return lf_store_query(cb->chat->parts.store, "chat.callback.add", args,
			      3 + N_TEXTS, on_stored, cb);
}

static enum lf_chat_error check(struct lf_chat *chat, const json_t *request)
{
	const struct lf_chat_config *config = chat->engine->config;
	const struct lf_chat_skillset *s;
	char *identity;
	unsigned n;

	if (lf_schema_check(
		    lf_schemas_find(chat->schemas, "rest/callBack.request"),
		    request))
		return LF_CHAT_INVALID;
	s = lf_chat_config_skillset(config,
				    lf_json_str(request, "skillset", "", NULL));
	if (!s || !s->is_outbound || !s->in_service)
		return LF_CHAT_NO_SKILLSET;
	identity = lf_chat_identity_of(
		json_string_value(json_object_get(request, "email")));
	n = lf_chat_identity_callbacks(chat->engine, identity);
	free(identity);
	if (config->callbacks_per_customer &&
	    n >= config->callbacks_per_customer)
		return LF_CHAT_CALLBACKS;
	return chat->n_callbacks < CALLBACKS_MAX ? LF_CHAT_OK
						 : LF_CHAT_INTERNAL;
}

static void take(struct lf_chat *chat, struct lf_web_call *call,
		 const json_t *request)
{
	enum lf_chat_error error = check(chat, request);
	struct callback *cb = error ? NULL : callback_new(chat, request);

	if (!error && !cb)
		error = LF_CHAT_INTERNAL;
	if (error) {
		lf_chat_answer_error(chat, call, "callBack", error);
		return;
	}
	cb->view.id = ++chat->last_callback;
	insert(chat, cb);
	if (save(cb)) {
		drop(cb);
		lf_chat_answer_error(chat, call, "callBack", LF_CHAT_INTERNAL);
		return;
	}
	chat->pending++;
	cb->call = call;
	lf_web_on_gone(call, on_gone, cb);
}

static void tell_skillsets(struct lf_chat *chat, struct lf_web_call *call)
{
	const struct lf_chat_config *config = chat->engine->config;
	struct lf_buf body = {0};
	size_t i;

	lf_buf_addc(&body, '{');
	for (i = 0; i < config->n_skillsets; i++)
		if (config->skillsets[i].is_outbound)
			lf_chat_add_text(&body, config->skillsets[i].name,
					 config->skillsets[i].display_name);
	lf_buf_addc(&body, '}');
	lf_chat_answer(chat, call, 200, &body);
	lf_buf_done(&body);
}

void lf_chat_callback_call(struct lf_chat *chat, struct lf_web_call *call,
			   const json_t *request)
{
	const char *method =
		json_string_value(json_object_get(request, "method"));

	if (method && !strcmp(method, "getSkillsets"))
		tell_skillsets(chat, call);
	else if (method && !strcmp(method, "callBack"))
		take(chat, call, request);
	else
		lf_chat_answer_error(chat, call, "error", LF_CHAT_INVALID);
}

/* ---- those that are open ---- */

bool lf_chat_callback_next(const struct lf_chat *chat, size_t *i,
			   struct lf_chat_callback *ret)
{
	size_t n = 0;

	LF_LIST_FOREACH (node, &chat->callbacks) {
		if (n++ < *i)
			continue;
		*ret = LF_CONTAINER_OF(node, struct callback, node)->view;
		++*i;
		return true;
	}
	return false;
}

int lf_chat_callback_finish(struct lf_chat *chat, int64_t id)
{
	struct lf_store_arg arg = lf_store_int(id);

	LF_LIST_FOREACH_SAFE (node, &chat->callbacks) {
		struct callback *cb =
			LF_CONTAINER_OF(node, struct callback, node);
		int err;

		if (cb->view.id != id)
			continue;
		if (cb->call)
			return -EAGAIN; /* not stored yet */
		err = lf_store_query(chat->parts.store, "chat.callback.done",
				     &arg, 1, NULL, NULL);
		if (!err)
			drop(cb);
		return err;
	}
	return -ENOENT;
}

/* ---- restart ---- */

static int restore(struct lf_chat *chat, const struct lf_store_rows *rows,
		   size_t row)
{
	struct callback *cb = calloc(1, sizeof(*cb));
	size_t i, len;
	const char *text;

	if (!cb)
		return -ENOMEM;
	cb->chat = chat;
	lf_list_init(&cb->node);
	cb->view.id = lf_store_rows_int(rows, row, 0);
	cb->view.due_ms = lf_store_rows_int(rows, row, 1);
	cb->view.made_ms = lf_store_rows_int(rows, row, 2);
	for (i = 0; i < N_TEXTS; i++) {
		text = lf_store_rows_text(rows, row, 3 + i, &len);
		cb->texts[i] = text ? strndup(text, len) : NULL;
		if (text && !cb->texts[i])
			goto fail;
	}
	if (lf_chat_identity_count(chat->engine, cb->texts[IDENTITY], 0, 1))
		goto fail;
	make_view(cb);
	insert(chat, cb);
	return 0;
fail:
	callback_free(cb);
	return -ENOMEM;
}

static void on_open_ones(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_chat *chat = arg;
	size_t i;

	for (i = 0; !err && i < lf_store_rows_count(rows); i++)
		err = restore(chat, rows, i);
	if (err && !chat->load_err)
		chat->load_err = err;
}

static void on_last(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_chat *chat = arg;

	if (!err && lf_store_rows_count(rows))
		chat->last_callback = lf_store_rows_int(rows, 0, 0);
	else if (!chat->load_err)
		chat->load_err = err;
}

int lf_chat_callbacks_load(struct lf_chat *chat)
{
	int err = lf_store_query(chat->parts.store, "chat.callback.open", NULL,
				 0, on_open_ones, chat);

	if (!err)
		err = lf_store_query(chat->parts.store, "chat.callback.last",
				     NULL, 0, on_last, chat);
	return err;
}
