/*
 * console/lamp.c - what consoles were shown of a person, and the rows that show
 * it. A row's text is row.c's.
 */
#include "console/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "presence/board.h"

#include "core/banned.h"

#define NO_LINE 255 /* the phone does what `tel` says */

static const char *const field_names[] = {
	"ext", "name", "tel",   "line", "rich", "idle", "msg",  "fwd",
	"dnd", "note", "since", "src",  "cond", "peer", "chat",
};
#define FIELDS (sizeof(field_names) / sizeof(field_names[0]))

/* A name we do not know is of a version to come: left out, not refused. */
int lf_row_fields_parse(uint32_t *ret, const json_t *fields,
			enum lf_topic topic)
{
	const json_t *item;
	uint32_t mask = 0;
	size_t i, f;

	if (fields && !json_is_array(fields))
		return -EINVAL;
	json_array_foreach (fields, i, item) {
		if (!json_is_string(item))
			return -EINVAL;
		for (f = 0; f < FIELDS; f++)
			if (!strcmp(field_names[f], json_string_value(item)))
				mask |= 1U << f;
	}
	if (!fields)
		mask = LF_ROW_DEFAULT;
	if (topic == LF_TOPIC_NOTES)
		mask = (mask & (LF_ROW_EXT | LF_ROW_NAME)) | LF_ROW_NOTE;
	*ret = mask;
	return 0;
}

/* ---- the shown ---- */

static const struct lf_lamp *lamp_of(const struct lf_shown *shown)
{
	return lf_board_lamp(shown->console->parts.board, shown->user_id);
}

static uint32_t note_values(struct lf_shown *shown, const struct lf_lamp *lamp)
{
	const uint8_t line = lamp->line == lamp->tel ? NO_LINE : lamp->line;
	uint32_t moved = 0;

	/* Not a loop: each has its own place, and this runs per change. */
	moved |= shown->tel != lamp->tel ? LF_ROW_TEL : 0;
	moved |= shown->line != line ? LF_ROW_LINE : 0;
	moved |= shown->rich != lamp->rich ? LF_ROW_RICH : 0;
	moved |= shown->is_idle != lamp->is_idle ? LF_ROW_IDLE : 0;
	moved |= shown->is_dnd != lamp->is_dnd ? LF_ROW_DND : 0;
	moved |= shown->since_ms != lamp->since_ms ? LF_ROW_SINCE : 0;
	moved |= shown->cond != lamp->tel_cond ? LF_ROW_COND : 0;
	moved |= shown->rich_cond != lamp->rich_cond ? LF_ROW_COND : 0;
	moved |= shown->src != lamp->tel_feed ? LF_ROW_SRC : 0;
	moved |= shown->rich_src != lamp->rich_feed ? LF_ROW_SRC : 0;

	shown->tel = lamp->tel;
	shown->line = line;
	shown->rich = lamp->rich;
	shown->is_idle = lamp->is_idle;
	shown->is_dnd = lamp->is_dnd;
	shown->since_ms = lamp->since_ms;
	shown->cond = lamp->tel_cond;
	shown->rich_cond = lamp->rich_cond;
	shown->src = lamp->tel_feed;
	shown->rich_src = lamp->rich_feed;
	return moved;
}

uint32_t lf_shown_update(struct lf_shown *shown, const struct lf_change *c)
{
	uint32_t moved = note_values(shown, c->lamp);

	if (c->moved & LF_MOVED_MESSAGE)
		moved |= LF_ROW_MSG;
	if (c->moved & LF_MOVED_FWD)
		moved |= LF_ROW_FWD;
	if (c->moved & LF_MOVED_PEER)
		moved |= LF_ROW_PEER;
	return moved;
}

uint32_t lf_shown_update_chat(struct lf_shown *shown)
{
	const struct lf_console_parts *parts = &shown->console->parts;
	const struct lf_user *user =
		lf_user_find(parts->directory, shown->user_id);
	uint8_t state = LF_CONSOLE_CHAT_OUT;
	size_t contacts = 0;

	if (user && parts->chat)
		state = (uint8_t)parts->chat->state(user->username, &contacts,
						    parts->chat_arg);
	if (shown->chat == state && shown->chat_contacts == contacts)
		return 0;
	shown->chat = state;
	shown->chat_contacts = (uint32_t)contacts;
	return LF_ROW_CHAT;
}

void lf_shown_forget(struct lf_shown *shown)
{
	free(shown->full);
	shown->full = NULL;
	for (size_t i = 0; i < LF_FRAGS; i++)
		shown->frags[i].mask = 0;
}

static void shown_free(struct lf_shown *shown)
{
	lf_map_del(&shown->console->shown, shown->user_id);
	lf_shown_forget(shown);
	free(shown);
}

static int shown_get(struct lf_shown **ret, struct lf_console *console,
		     const char *user_id)
{
	struct lf_shown *shown = lf_map_find(&console->shown, user_id);
	size_t len = strlen(user_id) + 1;
	int err;

	if (shown) {
		*ret = shown;
		return 0;
	}
	shown = calloc(1, sizeof(*shown) + len);
	if (!shown)
		return -ENOMEM;
	shown->console = console;
	lf_list_init(&shown->rows);
	memcpy(shown->user_id, user_id, len);
	err = lf_map_add(&console->shown, shown->user_id, shown);
	if (err) {
		free(shown);
		return err;
	}
	*ret = shown;
	return 0;
}

/* ---- the rows ---- */

static int want(struct lf_shown *shown)
{
	int err = 0;

	if (!shown->lamp_rows)
		err = lf_board_want(shown->console->parts.board,
				    shown->user_id);
	if (err)
		return err;
	if (!shown->lamp_rows++) {
		note_values(shown, lamp_of(shown));
		lf_shown_update_chat(shown);
		lf_shown_forget(shown);
	}
	return 0;
}

static void unwant(struct lf_shown *shown)
{
	if (!--shown->lamp_rows)
		lf_board_unwant(shown->console->parts.board, shown->user_id);
}

int lf_row_new(struct lf_row **ret, struct lf_sub *sub, const char *user_id)
{
	struct lf_console *console = sub->session->console;
	struct lf_row *row = calloc(1, sizeof(*row));
	struct lf_shown *shown;
	int err;

	if (!row)
		return -ENOMEM;
	err = shown_get(&shown, console, user_id);
	if (err)
		goto fail;
	if (sub->topic == LF_TOPIC_LAMPS)
		err = want(shown);
	if (err) {
		if (lf_list_is_empty(&shown->rows))
			shown_free(shown);
		goto fail;
	}
	row->shown = shown;
	row->sub = sub;
	lf_list_init(&row->queue);
	lf_list_add_tail(&shown->rows, &row->person);
	sub->n_rows++;
	sub->session->rows++;
	console->stats.rows++;
	*ret = row;
	return 0;
fail:
	free(row);
	return err;
}

void lf_row_free(struct lf_row *row)
{
	struct lf_shown *shown = row->shown;

	lf_list_del(&row->queue);
	lf_list_del(&row->person);
	row->sub->n_rows--;
	row->sub->session->rows--;
	shown->console->stats.rows--;
	if (row->sub->topic == LF_TOPIC_LAMPS)
		unwant(shown);
	if (lf_list_is_empty(&shown->rows))
		shown_free(shown);
	free(row);
}
