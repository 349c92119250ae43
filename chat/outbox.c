/*
 * chat/outbox.c - effects in order: what must be stored goes to the store,
 * and everything else waits until that, and all before it, is committed.
 *
 *     event -> batch {saves, texts} -> ... commits ... -> texts are sent
 */
#include "chat/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "store/store.h"

#include "core/banned.h"

#define SWEEP_MS 100
#define SENT_MS 500
#define GUID_BLOCK 64

/* ---- out ---- */

static void drop_unkept(struct lf_chat *chat, int64_t guid)
{
	struct lf_store_arg arg = lf_store_int(guid);

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
	case LF_CHAT_SAVE_SENT:
	case LF_CHAT_DROP_POSTS:
	case LF_CHAT_DROP_AGENT:
	case LF_CHAT_NOTE:
		break; /* were saves */
	}
	lf_chat_effect_free(effect);
}

void lf_chat_release(struct lf_chat *chat)
{
	while (!lf_list_is_empty(&chat->batches)) {
		struct lf_chat_batch *batch = LF_CONTAINER_OF(
			chat->batches.next, struct lf_chat_batch, node);

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

static void save_contact(struct lf_chat *chat, struct lf_chat_batch *batch,
			 int64_t guid)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, guid);
	lf_chat_save(chat, batch,
		     &(struct lf_chat_save){.kind = LF_SAVE_CONTACT,
					    .guid = guid,
					    .id = text});
}

static void save_rows_gone(struct lf_chat *chat, struct lf_chat_batch *batch,
			   struct lf_chat_effect *e)
{
	lf_chat_save(chat, batch,
		     &(struct lf_chat_save){.kind = LF_SAVE_POSTS_GONE,
					    .rows = e->rows,
					    .n_rows = e->n_rows});
	e->rows = NULL;
}

/* False: it is no save, or more than a save, and waits in the list. */
static bool submit_effect(struct lf_chat *chat, struct lf_chat_batch *batch,
			  struct lf_chat_effect *e)
{
	struct lf_chat_save save = {
		.guid = e->guid,
		.seq = e->seq,
		.code = e->code,
		.id = e->id,
		.note = e->note,
	};

	switch (e->kind) {
	case LF_CHAT_SAVE_POST:
		save.kind = LF_SAVE_POST;
		break;
	case LF_CHAT_SAVE_SENT:
		save.kind = LF_SAVE_SENT;
		break;
	case LF_CHAT_DROP_POSTS:
		save_rows_gone(chat, batch, e);
		return true;
	case LF_CHAT_DROP:
		save_contact(chat, batch, e->guid);
		return false;
	case LF_CHAT_DROP_AGENT:
		lf_chat_phones_look(chat);
		save.kind = LF_SAVE_AGENT;
		break;
	case LF_CHAT_NOTE:
		save.kind = LF_SAVE_REASON;
		break;
	case LF_CHAT_SEND:
	case LF_CHAT_CLOSE:
	case LF_CHAT_TRANSCRIBE:
	case LF_CHAT_MAIL:
		return false;
	}
	lf_chat_save(chat, batch, &save);
	return true;
}

static void submit_effects(struct lf_chat *chat, struct lf_chat_batch *batch)
{
	LF_LIST_FOREACH_SAFE (node, &batch->effects) {
		struct lf_chat_effect *e =
			LF_CONTAINER_OF(node, struct lf_chat_effect, node);

		if (submit_effect(chat, batch, e))
			lf_chat_effect_free(e);
	}
}

static void submit_dirty(struct lf_chat *chat, struct lf_chat_batch *batch)
{
	struct lf_chat_engine *e = chat->engine;

	while (!lf_list_is_empty(&e->dirty_agents)) {
		struct lf_chat_agent *a = LF_CONTAINER_OF(
			e->dirty_agents.next, struct lf_chat_agent, dirty);

		lf_list_del(&a->dirty);
		a->is_dirty = false;
		lf_chat_phones_look(chat);
		lf_chat_save(chat, batch,
			     &(struct lf_chat_save){.kind = LF_SAVE_AGENT,
						    .id = a->id});
	}
	while (!lf_list_is_empty(&e->dirty_contacts)) {
		struct lf_chat_contact *c = LF_CONTAINER_OF(
			e->dirty_contacts.next, struct lf_chat_contact, dirty);

		lf_list_del(&c->dirty);
		c->is_dirty = false;
		save_contact(chat, batch, c->guid);
	}
	e->is_guid_dirty = false;
	if (e->last_guid <= chat->reserved_guid)
		return;
	/* Numbers are reserved in blocks: never used twice, few writes. */
	chat->reserved_guid = e->last_guid + GUID_BLOCK;
	lf_chat_save(chat, batch,
		     &(struct lf_chat_save){.kind = LF_SAVE_GUID,
					    .guid = chat->reserved_guid});
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
	struct lf_chat_batch *batch;

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
		lf_chat_release(chat);
	}
	check_memory(chat);
}

/* ---- timers ---- */

static void on_flush(struct lf_timer *timer, void *arg)
{
	lf_chat_flush(arg);
}

/*
 * What went to customers is stored with the room's next post; in quiet rooms,
 * here, a few at a time. After a crash, what is not stored as sent is sent
 * again.
 */
static void on_sweep(struct lf_timer *timer, void *arg)
{
	struct lf_chat *chat = arg;

	lf_chat_now(chat);
	lf_chat_save_sent(chat->engine, SENT_MS);
	if (!lf_list_is_empty(&chat->engine->sent_dirty))
		lf_timer_start(chat->parts.timers, timer, SWEEP_MS);
	lf_chat_flush(chat);
}

void lf_chat_outbox_init(struct lf_chat *chat)
{
	lf_list_init(&chat->batches);
	lf_timer_init(&chat->flush, on_flush, chat);
	lf_chat_saves_init(chat);
	lf_timer_init(&chat->sweep, on_sweep, chat);
}

void lf_chat_outbox_done(struct lf_chat *chat)
{
	struct lf_timers *timers = chat->parts.timers;

	lf_timer_stop(timers, &chat->flush);
	lf_timer_stop(timers, &chat->retry);
	lf_timer_stop(timers, &chat->sweep);
}
