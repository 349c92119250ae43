/*
 * chat/chat.c - the room put together: opened on the parts below, its
 * settings followed, closed when the last thing it waits for has ended.
 */
#include "chat/chat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat/internal.h"
#include "chat/schema.h"
#include "core/clock.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/secret.h"
#include "directory/user.h"

#include "core/banned.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

void lf_chat_now(struct lf_chat *chat)
{
	chat->engine->mono_ms = lf_mono_ms();
	chat->engine->wall_ms = lf_wall_ms();
}

/* ---- what the engine asks for ---- */

static void set_timer(void *arg, struct lf_timer *timer, int64_t delay_ms)
{
	struct lf_chat *chat = arg;

	if (delay_ms < 0)
		lf_timer_stop(chat->parts.timers, timer);
	else if (lf_timer_start(chat->parts.timers, timer, delay_ms))
		chat->engine->is_out_of_memory = true;
}

static void check_login(void *arg, uint64_t peer, const char *id,
			const char *password, json_t *body)
{
	lf_chat_session_login(arg, peer, id, password, body);
}

static void find_history(void *arg, uint64_t peer, int64_t guid,
			 const char *identity, unsigned amount)
{
	lf_chat_find_history(arg, peer, guid, identity, amount);
}

static void count_previous(void *arg, int64_t guid, const char *identity)
{
	lf_chat_count_previous(arg, guid, identity);
}

/* 22 of 62 characters are 130 bits; bytes that would favour some are thrown
 * away. */
static void random_key(void *arg, char out[LF_CHAT_KEY_SIZE])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789";
	uint8_t bytes[64];
	size_t n = 0, i;

	while (n < LF_CHAT_KEY_SIZE - 1) {
		lf_random(bytes, sizeof(bytes));
		for (i = 0; i < sizeof(bytes) && n < LF_CHAT_KEY_SIZE - 1; i++)
			if (bytes[i] < 248)
				out[n++] = letters[bytes[i] % 62];
	}
	out[n] = '\0';
	lf_secret_wipe(bytes, sizeof(bytes));
}

static void agent_moved(void *arg, const char *id)
{
	struct lf_chat *chat = arg;

	if (chat->parts.on_agent_change && !chat->is_closing)
		chat->parts.on_agent_change(id,
					    chat->parts.on_agent_change_arg);
}

static void wake(void *arg, int64_t *ret_mono_ms, int64_t *ret_wall_ms)
{
	struct lf_chat *chat = arg;

	*ret_mono_ms = lf_mono_ms();
	*ret_wall_ms = lf_wall_ms();
	if (lf_timer_start(chat->parts.timers, &chat->flush, 0))
		chat->engine->is_out_of_memory = true;
}

static const struct lf_chat_ops ops = {
	.timer = set_timer,
	.check_login = check_login,
	.find_history = find_history,
	.count_previous = count_previous,
	.random_key = random_key,
	.agent_moved = agent_moved,
	.wake = wake,
};

/* ---- settings ---- */

static void reread(struct lf_timer *timer, void *arg)
{
	struct lf_chat *chat = arg;
	struct lf_chat_config *config;

	if (chat->is_closing)
		return;
	if (lf_chat_config_read(&config, chat->parts.settings,
				chat->parts.directory)) {
		lf_log(LF_ERROR, "chat",
		       "out of memory: the new settings are "
		       "not used");
		return;
	}
	lf_chat_now(chat);
	lf_chat_engine_configure(chat->engine, config);
	lf_chat_sessions_configure(chat);
	lf_chat_flush(chat);
	lf_chat_phones_look(chat);
}

static void on_setting(void *arg)
{
	struct lf_chat *chat = arg;

	reread(&chat->reread, chat);
}

/* An import changes many users in one turn: they are read once. */
static void on_user(const struct lf_user *was, const struct lf_user *now,
		    void *arg)
{
	struct lf_chat *chat = arg;

	if (!chat->is_closing)
		lf_timer_start(chat->parts.timers, &chat->reread, 0);
}

static void on_expire(struct lf_timer *timer, void *arg)
{
	struct lf_chat *chat = arg;

	lf_chat_expire(chat);
	lf_timer_start(chat->parts.timers, timer, DAY_MS / 24);
}

static int follow(struct lf_chat *chat)
{
	int err;

	lf_timer_init(&chat->reread, reread, chat);
	lf_timer_init(&chat->expire, on_expire, chat);
	err = lf_timer_start(chat->parts.timers, &chat->expire, DAY_MS / 24);
	if (!err)
		err = lf_settings_on_change(chat->parts.settings, "chat.",
					    on_setting, chat);
	if (!err)
		err = lf_directory_on_change(chat->parts.directory, on_user,
					     chat);
	return err;
}

/* ---- open and close ---- */

static void chat_free(struct lf_chat *chat)
{
	if (chat->engine) {
		lf_chat_phones_done(chat);
		lf_chat_outbox_done(chat);
		lf_chat_transcripts_done(chat);
		lf_chat_callbacks_done(chat);
		lf_timer_stop(chat->parts.timers, &chat->reread);
		lf_timer_stop(chat->parts.timers, &chat->expire);
		lf_chat_engine_free(chat->engine);
	}
	lf_fetcher_close(chat->fetch, NULL, NULL);
	lf_chat_sessions_done(chat);
	lf_schemas_free(chat->schemas);
	free(chat->spool);
	free(chat);
}

static int make_engine(struct lf_chat *chat, const struct lf_chat_opts *opts)
{
	const char *folder =
		opts->schema_folder ? opts->schema_folder : SCHEMA_FOLDER;
	struct lf_chat_config *config;
	char text[512];
	int err;

	err = lf_schemas_load(&chat->schemas, folder, text, sizeof(text));
	if (err) {
		lf_log(LF_ERROR, "chat", "%s", text);
		return err == -ENOENT ? -EINVAL : err;
	}
	err = lf_chat_config_read(&config, chat->parts.settings,
				  chat->parts.directory);
	if (err)
		return err;
	err = lf_chat_engine_new(&chat->engine, &ops, chat, chat->schemas,
				 config);
	if (err) {
		lf_chat_config_free(config);
		lf_log(LF_ERROR, "chat", "%s: a schema is missing", folder);
		return err == -ENOENT ? -EINVAL : err;
	}
	lf_chat_now(chat);
	return 0;
}

int lf_chat_open(struct lf_chat **ret, const struct lf_chat_parts *parts,
		 const struct lf_chat_opts *opts,
		 void (*ready)(int err, void *arg), void *arg)
{
	struct lf_chat *chat = calloc(1, sizeof(*chat));
	int err;

	if (!chat)
		return -ENOMEM;
	chat->parts = *parts;
	chat->ready = ready;
	chat->ready_arg = arg;
	lf_list_init(&chat->sessions);
	lf_list_init(&chat->callbacks);
	lf_list_init(&chat->jobs);
	lf_chat_outbox_init(chat);
	err = lf_fetcher_open(&chat->fetch, lf_timers_loop(parts->timers));
	if (!err)
		err = lf_chat_set_text(&chat->spool, opts->spool_folder);
	if (!err)
		err = make_engine(chat, opts);
	if (!err)
		err = lf_chat_phones_open(chat);
	if (!err)
		err = lf_chat_define(chat);
	if (!err)
		err = lf_chat_sessions_open(chat);
	if (!err)
		err = lf_chat_rest_open(chat);
	if (!err)
		err = follow(chat);
	if (!err)
		err = lf_chat_load(chat);
	if (err) {
		chat_free(chat);
		return err;
	}
	*ret = chat;
	return 0;
}

static void on_closed(struct lf_timer *timer, void *arg)
{
	struct lf_chat *chat = arg;
	void (*closed)(void *) = chat->closed;
	void *closed_arg = chat->closed_arg;

	if (chat->pending || chat->n_sessions ||
	    !lf_list_is_empty(&chat->batches))
		return;
	chat_free(chat);
	if (closed)
		closed(closed_arg);
}

/* From a turn of its own: whoever tells us is still busy with us. */
void lf_chat_check_closed(struct lf_chat *chat)
{
	if (!chat->is_closing || lf_timer_is_running(&chat->retry))
		return;
	lf_chat_saves_abandon(chat);
	if (!chat->pending && !chat->n_sessions)
		lf_timer_start(chat->parts.timers, &chat->flush, 0);
}

void lf_chat_close(struct lf_chat *chat, void (*closed)(void *arg), void *arg)
{
	if (!chat || chat->is_closing)
		return;
	chat->is_closing = true;
	chat->closed = closed;
	chat->closed_arg = arg;
	lf_timer_stop(chat->parts.timers, &chat->retry);
	lf_timer_stop(chat->parts.timers, &chat->sweep);
	lf_timer_stop(chat->parts.timers, &chat->flush);
	lf_chat_flush(chat);
	lf_timer_init(&chat->flush, on_closed, chat);
	lf_chat_sessions_close(chat);
	lf_chat_check_closed(chat);
}

int lf_chat_set_ready(struct lf_chat *chat, const char *username, bool is_ready)
{
	int err;

	if (chat->is_closing)
		return -ENOENT;
	lf_chat_now(chat);
	err = lf_chat_agent_set_ready(chat->engine, username, is_ready);
	lf_chat_flush(chat);
	return err;
}

enum lf_chat_agent_state lf_chat_agent_state(const struct lf_chat *chat,
					     const char *username,
					     size_t *ret_rooms)
{
	const struct lf_chat_agent *a =
		chat->is_closing ? NULL
				 : lf_chat_agent_find(chat->engine, username);

	*ret_rooms = 0;
	if (!a)
		return LF_CHAT_AGENT_OUT;
	LF_LIST_FOREACH (node, &a->members)
		++*ret_rooms;
	if (!a->peer || !a->is_ready)
		return LF_CHAT_AGENT_NOT_READY;
	return lf_chat_agent_has_room(a) ? LF_CHAT_AGENT_READY
					 : LF_CHAT_AGENT_BUSY;
}

void lf_chat_stats(const struct lf_chat *chat, struct lf_chat_stats *out)
{
	const struct lf_chat_engine *e = chat->engine;

	*out = (struct lf_chat_stats){
		.sockets = chat->n_sessions,
		.contacts = e->n_contacts,
		.agents = e->n_agents,
		.messages_in = e->posts_in,
		.messages_out = e->posts_out,
		.refused = e->refused,
		.slow_closed = chat->slow_closed,
		.stored_times = chat->stored_times,
	};
	LF_LIST_FOREACH (node, &e->contacts) {
		const struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);

		out->queued += c->state == LF_CHAT_QUEUED;
		out->rooms += c->state == LF_CHAT_ACTIVE;
	}
	LF_LIST_FOREACH (node, &e->agents)
		out->ready_agents +=
			LF_CONTAINER_OF(node, struct lf_chat_agent, node)
				->is_ready;
}
