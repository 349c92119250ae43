/*
 * chat/outbox.c - effects in order: what must be stored goes to the store,
 * and everything else waits until that, and all before it, is committed.
 *
 *     event -> batch {saves, texts} -> ... commits ... -> texts are sent
 *
 * When the store fails, saves are tried again with what is true by then, and
 * the engine accepts nothing more that must be stored.
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
#define SWEEP_MS 500
#define GUID_BLOCK 64

/* What one event caused: sent when nothing of it waits any more. */
struct batch {
	struct lf_list node, effects;
	unsigned pending;
};

enum save_kind {
	SAVE_CONTACT,
	SAVE_POST,
	SAVE_AGENT,
	SAVE_GUID,
	DROP_CONTACT,
	DROP_POSTS,
	DROP_AGENT,
	SAVE_REASON
};

struct save {
	struct lf_list node; /* while it waits for another try */
	struct lf_chat *chat;
	struct batch *batch;
	enum save_kind kind;
	int64_t guid, seq, begun_us;
	int code;
	char *id, *note;
};

static void save_free(struct save *save)
{
	free(save->id);
	free(save->note);
	free(save);
}

/* ---- out ---- */

static void drop_unkept(struct lf_chat *chat, int64_t guid)
{
	struct lf_store_arg arg = {.type = LF_ARG_INT, .i = guid};

	lf_store_query(chat->parts.store, "chat.past.unkept", &arg, 1, NULL,
		       NULL);
}

static void apply(struct lf_chat *chat, struct lf_chat_effect *effect)
{
	switch (effect->kind) {
	case LF_CHAT_SEND:
		if (lf_chat_session_send(chat, effect->peer, effect->text) &&
		    effect->seq)
			lf_chat_post_sent(chat->engine, effect->guid,
					  effect->seq);
		break;
	case LF_CHAT_CLOSE:
		lf_chat_session_close(chat, effect->peer, effect->code);
		break;
	case LF_CHAT_TRANSCRIBE:
		lf_chat_transcribe(chat, effect->guid);
		break;
	case LF_CHAT_MAIL:
		lf_chat_mail_later(chat, effect->guid);
		break;
	case LF_CHAT_DROP: /* after the mail that may need it */
		drop_unkept(chat, effect->guid);
		break;
	case LF_CHAT_SAVE_POST:
	case LF_CHAT_DROP_AGENT:
	case LF_CHAT_NOTE:
		break; /* were saves */
	}
	lf_chat_effect_free(effect);
}

static void release(struct lf_chat *chat)
{
	while (!lf_list_is_empty(&chat->batches)) {
		struct batch *batch =
			LF_CONTAINER_OF(chat->batches.next, struct batch, node);

		if (batch->pending)
			break;
		lf_list_del(&batch->node);
		while (!lf_list_is_empty(&batch->effects))
			apply(chat,
			      LF_CONTAINER_OF(batch->effects.next,
					      struct lf_chat_effect, node));
		free(batch);
	}
	if (!lf_list_is_empty(&chat->engine->sent_dirty) &&
	    !lf_timer_is_running(&chat->sweep))
		lf_timer_start(chat->parts.timers, &chat->sweep, SWEEP_MS);
	lf_chat_check_closed(chat);
}

/* ---- saves ---- */

static void put_aside(struct save *save, int err)
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

static void finish(struct save *save, int err)
{
	struct lf_chat *chat = save->chat;

	/* A post that is there already was committed by an earlier try. */
	if (err && !(err == -EEXIST && save->kind == SAVE_POST)) {
		put_aside(save, err);
		return;
	}
	if (save->kind == SAVE_POST)
		lf_histogram_add(&chat->stored_times,
				 (double)(lf_mono_us() - save->begun_us) / 1e6);
	save->batch->pending--;
	save_free(save);
	release(chat);
}

static void on_put(int err, int64_t rev, void *arg)
{
	finish(arg, err);
}

static void on_query(int err, struct lf_store_rows *rows, void *arg)
{
	finish(arg, err);
}

static struct lf_store_arg text_arg(const char *text)
{
	if (!text)
		return (struct lf_store_arg){.type = LF_ARG_NULL};
	return (struct lf_store_arg){
		.type = LF_ARG_TEXT, .data = text, .len = strlen(text)};
}

static struct lf_store_arg int_arg(int64_t i)
{
	return (struct lf_store_arg){.type = LF_ARG_INT, .i = i};
}

static int put_contact(struct save *save)
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

static int put_agent(struct save *save)
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

static int put_post(struct save *save)
{
	struct lf_chat *chat = save->chat;
	const struct lf_chat_contact *c =
		lf_chat_contact_find(chat->engine, save->guid);
	const struct lf_chat_post *p = c ? lf_chat_post_at(c, save->seq) : NULL;

	if (!p)
		return -ENOENT;
	struct lf_store_arg args[] = {
		int_arg(c->guid),     int_arg(p->seq),
		int_arg(p->wall_ms),  int_arg(p->kind),
		text_arg(p->agent),   text_arg(p->name),
		text_arg(p->text),    text_arg(p->destination),
		int_arg(c->sent_seq),
	};

	return lf_store_query(chat->parts.store, "chat.post.add", args,
			      sizeof(args) / sizeof(*args), on_query, save);
}

static int put_reason(struct save *save)
{
	struct lf_store_arg args[] = {
		int_arg(save->guid),
		save->code < 0 ? text_arg(NULL) : int_arg(save->code),
		text_arg(save->id),
		text_arg(save->note),
	};

	return lf_store_query(save->chat->parts.store, "chat.past.reason", args,
			      4, on_query, save);
}

static int put_guid(struct save *save)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, save->guid);
	return lf_store_put(save->chat->parts.store, "chat", "guid", text,
			    strlen(text), LF_STORE_ANY, on_put, save);
}

static int drop_posts(struct save *save)
{
	struct lf_store_arg arg = int_arg(save->guid);

	return lf_store_query(save->chat->parts.store, "chat.post.drop", &arg,
			      1, on_query, save);
}

static void submit(struct save *save)
{
	int err = -EINVAL;

	switch (save->kind) {
	case SAVE_CONTACT:
	case DROP_CONTACT:
		err = put_contact(save);
		break;
	case SAVE_POST:
		err = put_post(save);
		break;
	case SAVE_AGENT:
	case DROP_AGENT:
		err = put_agent(save);
		break;
	case SAVE_GUID:
		err = put_guid(save);
		break;
	case DROP_POSTS:
		err = drop_posts(save);
		break;
	case SAVE_REASON:
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
		struct save *save =
			LF_CONTAINER_OF(saves.next, struct save, node);

		lf_list_del(&save->node);
		submit(save);
	}
	/* Until one of them has failed again, the store is believed in. */
	lf_chat_now(chat);
	lf_chat_route(chat->engine);
	lf_chat_flush(chat);
	release(chat); /* a save whose contact is gone has nothing to wait for
			*/
}

static void add_save(struct lf_chat *chat, struct batch *batch,
		     const struct save *what)
{
	struct save *save = calloc(1, sizeof(*save));

	if (!save)
		goto fail;
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

static void add_drop(struct lf_chat *chat, struct batch *batch, int64_t guid)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, guid);
	add_save(
		chat, batch,
		&(struct save){.kind = DROP_CONTACT, .guid = guid, .id = text});
	add_save(chat, batch, &(struct save){.kind = DROP_POSTS, .guid = guid});
}

/* Saves leave the list, the rest waits in it. */
static void submit_effects(struct lf_chat *chat, struct batch *batch)
{
	LF_LIST_FOREACH_SAFE (node, &batch->effects) {
		struct lf_chat_effect *e =
			LF_CONTAINER_OF(node, struct lf_chat_effect, node);

		switch (e->kind) {
		case LF_CHAT_SAVE_POST:
			add_save(chat, batch,
				 &(struct save){.kind = SAVE_POST,
						.guid = e->guid,
						.seq = e->seq});
			break;
		case LF_CHAT_DROP:
			add_drop(chat, batch, e->guid);
			continue;
		case LF_CHAT_DROP_AGENT:
			lf_chat_phones_look(chat);
			add_save(chat, batch,
				 &(struct save){.kind = DROP_AGENT,
						.id = e->id});
			break;
		case LF_CHAT_NOTE:
			add_save(chat, batch,
				 &(struct save){.kind = SAVE_REASON,
						.guid = e->guid,
						.code = e->code,
						.id = e->id,
						.note = e->note});
			break;
		case LF_CHAT_SEND:
		case LF_CHAT_CLOSE:
		case LF_CHAT_TRANSCRIBE:
		case LF_CHAT_MAIL:
			continue;
		}
		lf_chat_effect_free(e);
	}
}

static void submit_dirty(struct lf_chat *chat, struct batch *batch)
{
	struct lf_chat_engine *e = chat->engine;

	while (!lf_list_is_empty(&e->dirty_agents)) {
		struct lf_chat_agent *a = LF_CONTAINER_OF(
			e->dirty_agents.next, struct lf_chat_agent, dirty);

		lf_list_del(&a->dirty);
		a->is_dirty = false;
		lf_chat_phones_look(chat);
		add_save(chat, batch,
			 &(struct save){.kind = SAVE_AGENT, .id = a->id});
	}
	while (!lf_list_is_empty(&e->dirty_contacts)) {
		struct lf_chat_contact *c = LF_CONTAINER_OF(
			e->dirty_contacts.next, struct lf_chat_contact, dirty);

		lf_list_del(&c->dirty);
		c->is_dirty = false;
		add_save(chat, batch,
			 &(struct save){.kind = SAVE_CONTACT,
					.guid = c->guid,
					.id = c->guid_text});
	}
	e->is_guid_dirty = false;
	if (e->last_guid <= chat->reserved_guid)
		return;
	/* Numbers are reserved in blocks: never used twice, few writes. */
	chat->reserved_guid = e->last_guid + GUID_BLOCK;
	add_save(
		chat, batch,
		&(struct save){.kind = SAVE_GUID, .guid = chat->reserved_guid});
}

/* Whoever may have missed something comes back and gets the whole state. */
static void check_memory(struct lf_chat *chat)
{
	if (!chat->engine->is_out_of_memory)
		return;
	chat->engine->is_out_of_memory = false;
	lf_log(LF_ERROR, "chat", "out of memory: everybody must reconnect");
	for (size_t i = 0; i < chat->n_slots; i++)
		if (chat->slots[i])
			lf_chat_session_close(
				chat,
				((struct lf_chat_peer *)(void *)chat->slots[i])
					->id,
				1011);
}

static bool has_news(const struct lf_chat_engine *e)
{
	return !lf_list_is_empty(&e->effects) ||
	       !lf_list_is_empty(&e->dirty_contacts) ||
	       !lf_list_is_empty(&e->dirty_agents) || e->is_guid_dirty;
}

void lf_chat_flush(struct lf_chat *chat)
{
	struct lf_chat_engine *e = chat->engine;
	struct batch *batch;

	lf_chat_settle(e);
	while (has_news(e)) {
		batch = calloc(1, sizeof(*batch));
		if (!batch) {
			e->is_out_of_memory = true;
			break;
		}
		lf_list_init(&batch->effects);
		lf_list_splice_tail(&batch->effects, &e->effects);
		lf_list_add_tail(&chat->batches, &batch->node);
		batch->pending = 1; /* until all its saves are counted */
		submit_effects(chat, batch);
		submit_dirty(chat, batch);
		batch->pending--;
		release(chat);
	}
	check_memory(chat);
}

/* ---- timers ---- */

static void on_flush(struct lf_timer *timer, void *arg)
{
	lf_chat_flush(arg);
}

/*
 * What went to customers is stored with the next post; in quiet rooms, here.
 * After a crash, what is not stored as sent is sent again.
 */
static void on_sweep(struct lf_timer *timer, void *arg)
{
	struct lf_chat *chat = arg;
	struct lf_list *list = &chat->engine->sent_dirty;

	lf_chat_now(chat);
	LF_LIST_FOREACH_SAFE (node, list) {
		struct lf_chat_contact *c = LF_CONTAINER_OF(
			node, struct lf_chat_contact, sent_dirty);
		const struct lf_chat_post *p = lf_chat_post_at(c, c->last_seq);

		if (p && chat->engine->wall_ms - p->wall_ms < SWEEP_MS &&
		    chat->engine->wall_ms >= p->wall_ms)
			continue;
		lf_list_del(node);
		c->is_sent_dirty = false;
		lf_chat_contact_dirty(c);
	}
	if (!lf_list_is_empty(list))
		lf_timer_start(chat->parts.timers, timer, SWEEP_MS);
	lf_chat_flush(chat);
}

void lf_chat_outbox_init(struct lf_chat *chat)
{
	lf_list_init(&chat->batches);
	lf_list_init(&chat->retries);
	lf_timer_init(&chat->flush, on_flush, chat);
	lf_timer_init(&chat->retry, on_retry, chat);
	lf_timer_init(&chat->sweep, on_sweep, chat);
}

/* When closing: what the store would not take is given up. */
void lf_chat_outbox_abandon(struct lf_chat *chat)
{
	if (!lf_list_is_empty(&chat->retries))
		lf_log(LF_ERROR, "chat",
		       "stopping with changes that could not be saved");
	while (!lf_list_is_empty(&chat->retries)) {
		struct save *save =
			LF_CONTAINER_OF(chat->retries.next, struct save, node);

		lf_list_del(&save->node);
		save->batch->pending--;
		save_free(save);
	}
}

void lf_chat_outbox_done(struct lf_chat *chat)
{
	struct lf_timers *timers = chat->parts.timers;

	lf_timer_stop(timers, &chat->flush);
	lf_timer_stop(timers, &chat->retry);
	lf_timer_stop(timers, &chat->sweep);
}
