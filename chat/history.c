/*
 * chat/history.c - the past of a customer: how many chats, what was said.
 */
#include "chat/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/json.h"
#include "store/store.h"

#include "core/banned.h"

#define PAST_MAX 100

struct asked {
	struct lf_chat *chat;
	uint64_t peer;
	int64_t guid;
};

static struct asked *asked_new(struct lf_chat *chat, uint64_t peer,
			       int64_t guid)
{
	struct asked *asked = malloc(sizeof(*asked));

	if (!asked)
		return NULL;
	*asked = (struct asked){chat, peer, guid};
	chat->pending++;
	return asked;
}

static struct lf_chat *asked_free(struct asked *asked)
{
	struct lf_chat *chat = asked->chat;

	chat->pending--;
	free(asked);
	return chat;
}

/* ---- as text ---- */

static void add_time(struct lf_buf *out, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "[%Y-%m-%d %H:%M:%S] ", &tm))
		lf_buf_adds(out, text);
}

/* A line per message: "[2026-01-20 09:30:00] name: text". */
void lf_chat_render(struct lf_buf *out, const json_t *posts, bool with_whispers,
		    bool with_times)
{
	const json_t *post;
	size_t i;

	json_array_foreach (posts, i, post) {
		const char *name = lf_json_str(post, "name", "", NULL);
		const char *text = lf_json_str(post, "text", "", NULL);

		if (!with_whispers &&
		    lf_json_int(post, "kind", 0, NULL) == LF_CHAT_WHISPER)
			continue;
		if (out->len)
			lf_buf_addc(out, '\n');
		if (with_times)
			add_time(out, lf_json_int(post, "at", 0, NULL));
		lf_buf_adds(out, name);
		lf_buf_adds(out, ": ");
		lf_buf_adds(out, text);
	}
}

/* ---- for agents ---- */

static char *render_row(const struct lf_chat *chat, struct lf_store_rows *rows,
			size_t i)
{
	struct lf_buf out = {0};
	size_t len;
	const char *text = lf_store_rows_text(rows, i, 2, &len);
	json_t *posts = text ? json_loadb(text, len, 0, NULL) : NULL;

	lf_chat_render(&out, posts, true,
		       chat->engine->config->save_timestamps);
	json_decref(posts);
	if (lf_buf_error(&out)) {
		lf_buf_done(&out);
		return NULL;
	}
	if (!out.data)
		return strdup("");
	return lf_buf_take(&out);
}

static void tell(struct lf_chat *chat, struct lf_chat_peer *peer, int64_t guid,
		 struct lf_store_rows *rows)
{
	struct lf_chat_past past[PAST_MAX];
	char *texts[PAST_MAX];
	size_t i, n = lf_store_rows_count(rows);

	if (n > PAST_MAX)
		n = PAST_MAX;
	for (i = 0; i < n; i++) {
		texts[i] = render_row(chat, rows, i);
		past[i].start_ms = lf_store_rows_int(rows, i, 0);
		past[i].has_whispers = lf_store_rows_int(rows, i, 1) != 0;
		past[i].transcript = texts[i] ? texts[i] : "";
	}
	lf_chat_history_found(chat->engine, peer, guid, past, n);
	for (i = 0; i < n; i++)
		free(texts[i]);
}

static void on_history(int err, struct lf_store_rows *rows, void *arg)
{
	struct asked *asked = arg;
	int64_t guid = asked->guid;
	struct lf_chat_peer *peer =
		lf_chat_session_peer(asked->chat, asked->peer);
	struct lf_chat *chat = asked_free(asked);

	if (peer && !chat->is_closing) {
		lf_chat_now(chat);
		if (err)
			lf_chat_refuse(chat->engine, peer, "customerHistory",
				       LF_CHAT_INTERNAL);
		else
			tell(chat, peer, guid, rows);
		lf_chat_flush(chat);
	}
	lf_chat_check_closed(chat);
}

void lf_chat_find_history(struct lf_chat *chat, uint64_t peer, int64_t guid,
			  const char *identity, unsigned amount)
{
	struct asked *asked = asked_new(chat, peer, guid);
	struct lf_store_arg args[] = {
		lf_store_text(identity),
		lf_store_int(guid),
		lf_store_int(amount),
	};
	int err = -ENOMEM;

	if (asked)
		err = lf_store_query(chat->parts.store, "chat.past.of", args, 3,
				     on_history, asked);
	if (!err)
		return;
	if (asked)
		asked_free(asked);
	lf_chat_refuse(chat->engine, lf_chat_session_peer(chat, peer),
		       "customerHistory", LF_CHAT_INTERNAL);
}

static void on_count(int err, struct lf_store_rows *rows, void *arg)
{
	struct asked *asked = arg;
	int64_t guid = asked->guid;
	struct lf_chat *chat = asked_free(asked);

	if (!err && lf_store_rows_count(rows))
		lf_chat_previous_counted(
			chat->engine, guid,
			(uint64_t)lf_store_rows_int(rows, 0, 0));
	lf_chat_check_closed(chat);
}

void lf_chat_count_previous(struct lf_chat *chat, int64_t guid,
			    const char *identity)
{
	struct asked *asked = asked_new(chat, 0, guid);
	struct lf_store_arg arg = lf_store_text(identity);

	if (asked && lf_store_query(chat->parts.store, "chat.past.count", &arg,
				    1, on_count, asked))
		asked_free(asked);
}
