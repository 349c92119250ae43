/*
 * chat/phone.c - agents' telephones: while the setting says so, the lamp of
 * everybody who is logged in is watched, and a busy one gets no offers.
 */
#include "chat/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "directory/user.h"
#include "presence/board.h"

#include "core/banned.h"

struct phone {
	struct lf_list node;
	char *agent, *user_id;
};

static void phone_free(struct lf_chat *chat, struct phone *phone)
{
	lf_list_del(&phone->node);
	if (phone->user_id)
		lf_board_unwant(chat->parts.board, phone->user_id);
	free(phone->agent);
	free(phone->user_id);
	free(phone);
}

static bool is_busy(const struct lf_lamp *lamp)
{
	return lamp->tel == LF_TEL_RINGING || lamp->tel == LF_TEL_BUSY ||
	       lamp->tel == LF_TEL_DND;
}

static struct phone *find(struct lf_chat *chat, const char *agent)
{
	LF_LIST_FOREACH (node, &chat->phones) {
		struct phone *phone = LF_CONTAINER_OF(node, struct phone, node);

		if (!strcmp(phone->agent, agent))
			return phone;
	}
	return NULL;
}

static int follow(struct lf_chat *chat, const char *agent)
{
	const struct lf_user *user =
		lf_user_by_username(chat->parts.directory, agent);
	struct phone *phone;
	int err;

	if (!user || find(chat, agent))
		return 0;
	phone = calloc(1, sizeof(*phone));
	if (!phone)
		return -ENOMEM;
	lf_list_add_tail(&chat->phones, &phone->node);
	err = lf_chat_set_text(&phone->agent, agent);
	if (!err)
		err = lf_board_want(chat->parts.board, user->id);
	if (!err && lf_chat_set_text(&phone->user_id, user->id)) {
		lf_board_unwant(chat->parts.board, user->id);
		err = -ENOMEM;
	}
	if (err)
		phone_free(chat, phone);
	return err;
}

/* Who is logged in is followed, who is not any more is left alone. */
static void sync_phones(struct lf_chat *chat)
{
	struct lf_chat_engine *e = chat->engine;
	bool is_on = e->config->busy_phone_is_not_ready;

	LF_LIST_FOREACH_SAFE (node, &chat->phones) {
		struct phone *phone = LF_CONTAINER_OF(node, struct phone, node);

		if (!is_on || !lf_chat_agent_find(e, phone->agent))
			phone_free(chat, phone);
	}
	LF_LIST_FOREACH (node, &e->agents)
		if (is_on &&
		    follow(chat,
			   LF_CONTAINER_OF(node, struct lf_chat_agent, node)
				   ->id))
			lf_log(LF_WARN, "chat",
			       "an agent's telephone cannot be watched");
}

static void on_look(struct lf_timer *timer, void *arg)
{
	struct lf_chat *chat = arg;

	if (chat->is_closing)
		return;
	sync_phones(chat);
	lf_chat_now(chat);
	LF_LIST_FOREACH (node, &chat->phones) {
		const struct phone *phone =
			LF_CONTAINER_OF(node, struct phone, node);

		lf_chat_agent_busy(chat->engine, phone->agent,
				   is_busy(lf_board_lamp(chat->parts.board,
							 phone->user_id)));
	}
	lf_chat_flush(chat);
}

void lf_chat_phones_look(struct lf_chat *chat)
{
	if (chat->parts.board && !chat->is_closing)
		lf_timer_start(chat->parts.timers, &chat->look, 0);
}

/* From within the board: only noted. */
static void on_change(const struct lf_change *change, void *arg)
{
	struct lf_chat *chat = arg;

	if (change->moved & LF_MOVED_TEL && !lf_list_is_empty(&chat->phones))
		lf_chat_phones_look(chat);
}

int lf_chat_phones_open(struct lf_chat *chat)
{
	lf_list_init(&chat->phones);
	lf_timer_init(&chat->look, on_look, chat);
	if (!chat->parts.board)
		return 0;
	return lf_board_add_sink(chat->parts.board, on_change, chat);
}

void lf_chat_phones_done(struct lf_chat *chat)
{
	lf_timer_stop(chat->parts.timers, &chat->look);
	if (!chat->parts.board || !chat->phones.next)
		return;
	while (!lf_list_is_empty(&chat->phones))
		phone_free(chat, LF_CONTAINER_OF(chat->phones.next,
						 struct phone, node));
	lf_board_remove_sink(chat->parts.board, on_change, chat);
}
