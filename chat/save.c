/*
 * chat/save.c - one change on its way to the store: written with what is true
 * when it goes, and tried again until it is there.
 *
 * Called by outbox.c, whose batches wait for their saves. When the store
 * fails, the engine accepts nothing more that must be stored.
 */
#include "chat/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "store/store.h"

#include "core/banned.h"

#define RETRY_MS 1000
#define ROWS_AT_ONCE 32 /* as chat.post.drop has arguments */

static void save_free(struct lf_chat_save *save)
{
	free(save->id);
	free(save->note);
	free(save->rows);
	free(save);
}

static void put_aside(struct lf_chat_save *save, int err)
{
	struct lf_chat *chat = save->chat;

	if (!chat->engine->is_store_down)
		lf_log(LF_ERROR, "chat",
		       "cannot save (%s): nothing new is "
		       "accepted until it works again",
		       strerror(-err));
	chat->engine->is_store_down = true;
	lf_list_add_tail(&chat->retries, &save->node);
	if (!chat->is_closing && !lf_timer_is_running(&chat->retry))
		lf_timer_start(chat->parts.timers, &chat->retry, RETRY_MS);
}

static void finish(struct lf_chat_save *save, int err)
{
	struct lf_chat *chat = save->chat;

	/* A post that is there already was committed by an earlier try. */
	if (err && !(err == -EEXIST && save->kind == LF_SAVE_POST)) {
		put_aside(save, err);
		return;
	}
	if (save->kind == LF_SAVE_POST)
		lf_histogram_add(&chat->stored_times,
				 (double)(lf_mono_us() - save->begun_us) / 1e6);
	save->batch->pending--;
	save_free(save);
	lf_chat_release(chat);
}

static void on_put(int err, int64_t rev, void *arg)
{
	finish(arg, err);
}

static void on_query(int err, struct lf_store_rows *rows, void *arg)
{
	finish(arg, err);
}

static int put_contact(struct lf_chat_save *save)
{
	struct lf_chat *chat = save->chat;
	const struct lf_chat_contact *c =
		lf_chat_contact_find(chat->engine, save->guid);
	struct lf_buf text = {0};
	int err;

	if (!c) /* dropped meanwhile */
		return lf_store_del(chat->parts.store, "chat.contact", save->id,
				    LF_STORE_ANY, on_put, save);
	lf_chat_contact_write(c, &text);
	err = lf_buf_error(&text);
	if (!err)
		err = lf_store_put(chat->parts.store, "chat.contact", save->id,
				   text.data, text.len, LF_STORE_ANY, on_put,
				   save);
	lf_buf_done(&text);
	return err;
}

static int put_agent(struct lf_chat_save *save)
{
	struct lf_chat *chat = save->chat;
	const struct lf_chat_agent *a =
		lf_chat_agent_find(chat->engine, save->id);
	struct lf_buf text = {0};
	int err;

	if (!a)
		return lf_store_del(chat->parts.store, "chat.agent", save->id,
				    LF_STORE_ANY, on_put, save);
	lf_chat_agent_write(a, &text);
	err = lf_buf_error(&text);
	if (!err)
		err = lf_store_put(chat->parts.store, "chat.agent", save->id,
				   text.data, text.len, LF_STORE_ANY, on_put,
				   save);
	lf_buf_done(&text);
	return err;
}

static int put_post(struct lf_chat_save *save)
{
	struct lf_chat *chat = save->chat;
	struct lf_chat_contact *c =
		lf_chat_contact_find(chat->engine, save->guid);
	const struct lf_chat_post *p = c ? lf_chat_post_at(c, save->seq) : NULL;

	if (!p || !p->row)
		return -ENOENT;
	struct lf_store_arg args[] = {
		lf_store_int(c->guid),     lf_store_int(p->seq),
		lf_store_int(p->wall_ms),  lf_store_int(p->kind),
		lf_store_text(p->agent),   lf_store_text(p->name),
		lf_store_text(p->text),    lf_store_text(p->destination),
		lf_store_int(c->sent_seq), lf_store_int(p->row),
	};

	lf_list_del(&c->sent_dirty);
	return lf_store_query(chat->parts.store, "chat.post.add", args,
			      sizeof(args) / sizeof(*args), on_query, save);
}

/* With the room's last post, whose page is fresh: the contact is much more. */
static int put_sent(struct lf_chat_save *save)
{
	struct lf_chat *chat = save->chat;
	const struct lf_chat_contact *c =
		lf_chat_contact_find(chat->engine, save->guid);
	const struct lf_chat_post *p =
		c ? lf_chat_post_at(c, c->last_seq) : NULL;

	if (!p || !p->row)
		return -ENOENT;
	struct lf_store_arg args[] = {lf_store_int(p->row),
				      lf_store_int(c->sent_seq)};

	return lf_store_query(chat->parts.store, "chat.post.sent", args, 2,
			      on_query, save);
}

static int put_reason(struct lf_chat_save *save)
{
	struct lf_store_arg args[] = {
		lf_store_int(save->guid),
		save->code < 0 ? lf_store_text(NULL) : lf_store_int(save->code),
		lf_store_text(save->id),
		lf_store_text(save->note),
	};

	return lf_store_query(save->chat->parts.store, "chat.past.reason", args,
			      4, on_query, save);
}

static int put_guid(struct lf_chat_save *save)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, save->guid);
	return lf_store_put(save->chat->parts.store, "chat", "guid", text,
			    strlen(text), LF_STORE_ANY, on_put, save);
}

static void submit(struct lf_chat_save *save);

static size_t rows_now(const struct lf_chat_save *save)
{
	return save->n_rows < ROWS_AT_ONCE ? save->n_rows : ROWS_AT_ONCE;
}

static void on_rows_gone(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_chat_save *save = arg;

	if (!err)
		save->n_rows -= rows_now(save);
	if (!err && save->n_rows)
		submit(save);
	else
		finish(save, err);
}

/* From the end, some at a time; a number may be named twice. */
static int drop_rows(struct lf_chat_save *save)
{
	struct lf_store_arg args[ROWS_AT_ONCE];
	size_t i, n = rows_now(save);
	const int64_t *rows = save->rows + save->n_rows - n;

	for (i = 0; i < ROWS_AT_ONCE; i++)
		args[i] = lf_store_int(rows[i < n ? i : 0]);
	return lf_store_query(save->chat->parts.store, "chat.post.drop", args,
			      ROWS_AT_ONCE, on_rows_gone, save);
}

static void submit(struct lf_chat_save *save)
{
	int err = -EINVAL;

	switch (save->kind) {
	case LF_SAVE_CONTACT:
		err = put_contact(save);
		break;
	case LF_SAVE_POST:
		err = put_post(save);
		break;
	case LF_SAVE_SENT:
		err = put_sent(save);
		break;
	case LF_SAVE_AGENT:
		err = put_agent(save);
		break;
	case LF_SAVE_GUID:
		err = put_guid(save);
		break;
	case LF_SAVE_POSTS_GONE:
		err = drop_rows(save);
		break;
	case LF_SAVE_REASON:
		err = put_reason(save);
		break;
	}
	if (err == -ENOENT) { /* its contact has gone: nothing to keep */
		save->batch->pending--;
		save_free(save);
	} else if (err) {
		put_aside(save, err);
	}
}

static void on_retry(struct lf_timer *timer, void *arg)
{
	struct lf_chat *chat = arg;
	struct lf_list saves;

	lf_list_init(&saves);
	lf_list_splice_tail(&saves, &chat->retries);
	chat->engine->is_store_down = false;
	while (!lf_list_is_empty(&saves)) {
		struct lf_chat_save *save =
			LF_CONTAINER_OF(saves.next, struct lf_chat_save, node);

		lf_list_del(&save->node);
		submit(save);
	}
	/* Until one of them has failed again, the store is believed in. */
	lf_chat_now(chat);
	lf_chat_route(chat->engine);
	lf_chat_flush(chat);
	lf_chat_release(
		chat); /* a save whose contact is gone has nothing to wait for
			*/
}

void lf_chat_save(struct lf_chat *chat, struct lf_chat_batch *batch,
		  const struct lf_chat_save *what)
{
	struct lf_chat_save *save = calloc(1, sizeof(*save));

	if (!save) {
		free(what->rows);
		goto fail;
	}
	*save = *what;
	save->id = save->note = NULL;
	if (lf_chat_set_text(&save->id, what->id) ||
	    lf_chat_set_text(&save->note, what->note))
		goto fail;
	lf_list_init(&save->node);
	save->chat = chat;
	save->batch = batch;
	save->begun_us = lf_mono_us();
	batch->pending++;
	submit(save);
	return;
fail:
	if (save)
		save_free(save);
	chat->engine->is_out_of_memory = true;
}

void lf_chat_saves_init(struct lf_chat *chat)
{
	lf_list_init(&chat->retries);
	lf_timer_init(&chat->retry, on_retry, chat);
}

/* When closing: what the store would not take is given up. */
void lf_chat_saves_abandon(struct lf_chat *chat)
{
	if (!lf_list_is_empty(&chat->retries))
		lf_log(LF_ERROR, "chat",
		       "stopping with changes that could not be saved");
	while (!lf_list_is_empty(&chat->retries)) {
		struct lf_chat_save *save = LF_CONTAINER_OF(
			chat->retries.next, struct lf_chat_save, node);

		lf_list_del(&save->node);
		save->batch->pending--;
		save_free(save);
	}
}
