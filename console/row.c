/*
 * console/row.c - a row as JSON.
 *
 * Its text depends on the person and on the fields only, so all consoles share
 * it: within one flush by (person, fields), whole rows of snapshots until the
 * person changes or nobody has logged in for a while.
 */
#include "console/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "directory/note.h"
#include "presence/board.h"

#include "core/banned.h"

#define NUMBER_SIZE 80
#define FULL_MS 5000 /* how long whole rows wait for the next login */

/* "sip:0445512345@pbx" with 3 digits masked is "0445512***" (S116). */
static void show_number(char out[NUMBER_SIZE], const char *number,
			unsigned mask)
{
	const char *colon = strchr(number, ':');
	size_t i;

	if (colon)
		number = colon + 1;
	lf_text_copy_n(out, NUMBER_SIZE, number, strcspn(number, "@;"));
	for (i = strlen(out); i > 0 && mask > 0; i--) {
		if (!isdigit((unsigned char)out[i - 1]))
			continue;
		out[i - 1] = '*';
		mask--;
	}
}

static void add_fwd(struct lf_buf *buf, const struct lf_shown *shown,
		    const struct lf_lamp *lamp)
{
	char number[NUMBER_SIZE];

	show_number(number, lamp->fwd_to, shown->console->limits.mask_digits);
	lf_buf_adds(buf, ",\"fwd\":{\"to\":");
	lf_buf_add_json(buf, number);
	lf_line_text(buf, "type", "always");
	lf_buf_addc(buf, '}');
}

static void add_note(struct lf_buf *buf, const struct lf_note *note)
{
	lf_buf_adds(buf, ",\"note\":{\"text\":");
	lf_buf_add_json(buf, note->text);
	lf_line_text(buf, "by", note->by);
	lf_line_time(buf, "at", note->wall_ms);
	lf_line_int(buf, "rev", note->rev);
	lf_buf_addc(buf, '}');
}

static void add_src(struct lf_buf *buf, const struct lf_shown *shown,
		    const char *key, uint8_t feed)
{
	const struct lf_board *board = shown->console->parts.board;
	enum lf_feed_kind kind;

	if (feed == LF_FEED_NONE)
		return;
	kind = lf_board_feed_kind(board, feed);
	if (kind < LF_FEED_KINDS)
		lf_line_text(buf, key, lf_feed_kind_name(kind));
}

static void add_user(struct lf_buf *buf, const struct lf_shown *shown,
		     unsigned mask)
{
	const struct lf_user *user =
		lf_user_find(shown->console->parts.directory, shown->user_id);
	char name[2 * LF_USER_TEXT_MAX + 2];

	if (!user)
		return;
	if (mask & LF_ROW_EXT)
		lf_line_text(buf, "ext", user->ext);
	if (mask & LF_ROW_NAME)
		lf_line_text(buf, "name",
			     lf_user_name(user, name, sizeof(name)));
}

/*
 * A member: in a whole row a value that is the usual one is left out, in a
 * delta it is written, as null when there is none (RFC 7396).
 */
static void add_null(struct lf_buf *buf, const char *key, unsigned mask)
{
	if (mask & LF_ROW_FULL)
		return;
	lf_buf_add(buf, ",\"", 2);
	lf_buf_adds(buf, key);
	lf_buf_add(buf, "\":null", 6);
}

static void add_flag(struct lf_buf *buf, const char *key, bool is_set,
		     unsigned mask)
{
	if (!is_set && (mask & LF_ROW_FULL))
		return;
	lf_buf_add(buf, ",\"", 2);
	lf_buf_adds(buf, key);
	lf_buf_adds(buf, is_set ? "\":true" : "\":false");
}

static void add_cond(struct lf_buf *buf, const struct lf_lamp *lamp,
		     unsigned mask)
{
	bool is_full = mask & LF_ROW_FULL;

	if (!is_full || lamp->tel_cond != LF_COND_OK)
		lf_line_text(buf, "cond", lf_cond_name(lamp->tel_cond));
	if (!is_full || (lamp->rich_cond != LF_COND_OK &&
			 lamp->rich_cond != lamp->tel_cond &&
			 lamp->rich_cond != LF_COND_NOT_CONFIGURED))
		lf_line_text(buf, "rich_cond", lf_cond_name(lamp->rich_cond));
}

static void add_tel(struct lf_buf *buf, const struct lf_shown *shown,
		    const struct lf_lamp *lamp, unsigned mask)
{
	if (mask & LF_ROW_TEL)
		lf_line_text(buf, "tel", lf_tel_name(lamp->tel));
	if (mask & LF_ROW_LINE && lamp->line != lamp->tel)
		lf_line_text(buf, "line", lf_tel_name(lamp->line));
	else if (mask & LF_ROW_LINE)
		add_null(buf, "line", mask);
	if (mask & LF_ROW_DND)
		add_flag(buf, "dnd", lamp->is_dnd, mask);
	if (mask & LF_ROW_FWD && *lamp->fwd_to)
		add_fwd(buf, shown, lamp);
	else if (mask & LF_ROW_FWD)
		add_null(buf, "fwd", mask);
	if (mask & LF_ROW_PEER && *lamp->peer &&
	    shown->console->limits.shows_peer)
		lf_line_text(buf, "peer", lamp->peer);
	else if (mask & LF_ROW_PEER)
		add_null(buf, "peer", mask);
}

static void add_rich(struct lf_buf *buf, const struct lf_lamp *lamp,
		     unsigned mask)
{
	if (mask & LF_ROW_RICH &&
	    (lamp->rich != LF_RICH_UNKNOWN || !(mask & LF_ROW_FULL)))
		lf_line_text(buf, "rich", lf_rich_name(lamp->rich));
	if (mask & LF_ROW_IDLE)
		add_flag(buf, "idle", lamp->is_idle, mask);
	if (mask & LF_ROW_MSG && *lamp->message)
		lf_line_text(buf, "msg", lamp->message);
	else if (mask & LF_ROW_MSG)
		add_null(buf, "msg", mask);
}

static void add_trace(struct lf_buf *buf, const struct lf_shown *shown,
		      const struct lf_lamp *lamp, unsigned mask)
{
	if (mask & LF_ROW_SINCE && lamp->since_ms)
		lf_line_time(buf, "since", lamp->since_ms);
	if (mask & LF_ROW_SRC) {
		add_src(buf, shown, "src", lamp->tel_feed);
		if (lamp->rich_feed != lamp->tel_feed)
			add_src(buf, shown, "rich_src", lamp->rich_feed);
	}
	if (mask & LF_ROW_COND)
		add_cond(buf, lamp, mask);
}

/* Somebody who is not logged in there has no state, be it once more. */
static void add_chat(struct lf_buf *buf, const struct lf_shown *shown,
		     unsigned mask)
{
	static const char *const names[] = {
		[LF_CONSOLE_CHAT_READY] = "ready",
		[LF_CONSOLE_CHAT_NOT_READY] = "not_ready",
		[LF_CONSOLE_CHAT_BUSY] = "busy",
	};

	if (shown->chat == LF_CONSOLE_CHAT_OUT) {
		add_null(buf, "chat", mask);
		return;
	}
	lf_buf_adds(buf, ",\"chat\":{\"state\":");
	lf_buf_add_json(buf, names[shown->chat]);
	lf_line_int(buf, "n", (int64_t)shown->chat_contacts);
	lf_buf_addc(buf, '}');
}

static void add_row(struct lf_buf *buf, const struct lf_shown *shown,
		    unsigned mask)
{
	const struct lf_lamp *lamp =
		lf_board_lamp(shown->console->parts.board, shown->user_id);
	const struct lf_note *note;

	lf_buf_add(buf, "{\"u\":", 5);
	lf_buf_add_json(buf, shown->user_id);
	if (mask & LF_ROW_GONE) {
		lf_buf_adds(buf, ",\"gone\":true}");
		return;
	}
	if (mask & (LF_ROW_EXT | LF_ROW_NAME))
		add_user(buf, shown, mask);
	add_tel(buf, shown, lamp, mask);
	add_rich(buf, lamp, mask);
	if (mask & LF_ROW_NOTE) {
		note = lf_note_find(shown->console->parts.notes,
				    shown->user_id);
		if (note && *note->text)
			add_note(buf, note);
		else
			add_null(buf, "note", mask);
	}
	add_trace(buf, shown, lamp, mask);
	if (mask & LF_ROW_CHAT)
		add_chat(buf, shown, mask);
	lf_buf_addc(buf, '}');
}

/* ---- what is shared ---- */

/* A whole row stays: the next console that logs in wants the same. */
static const char *keep_full(struct lf_shown *shown, struct lf_buf *arena,
			     size_t off, uint32_t mask)
{
	size_t len = arena->len - off;
	char *copy = malloc(len);

	if (!copy)
		return arena->data + off;
	memcpy(copy, arena->data + off, len);
	arena->len = off;
	free(shown->full);
	shown->console->full_until_ms = lf_mono_ms() + FULL_MS;
	shown->full = copy;
	shown->full_len = (uint32_t)len;
	shown->full_mask = mask;
	return copy;
}

const char *lf_row_json(struct lf_shown *shown, uint32_t mask, size_t *ret_len)
{
	struct lf_console *console = shown->console;
	struct lf_buf *arena = &console->frags;
	struct lf_frag *frag = &shown->frags[0];
	size_t i, off = arena->len;

	if (shown->full && shown->full_mask == mask) {
		*ret_len = shown->full_len;
		return shown->full;
	}
	for (i = 0; i < LF_FRAGS; i++) {
		frag = &shown->frags[i];
		if (frag->flush == console->flush && frag->mask == mask) {
			*ret_len = frag->len;
			return arena->data + frag->off;
		}
	}
	add_row(arena, shown, mask);
	if (lf_buf_error(arena)) {
		/* It must not fail for ever: forget what was shared, begin
		 * anew. */
		lf_buf_reset(arena);
		console->flush++;
		return NULL;
	}
	*ret_len = arena->len - off;
	if (mask & LF_ROW_FULL)
		return keep_full(shown, arena, off, mask);

	/* The newest pushes the older one back. */
	shown->frags[1] = shown->frags[0];
	shown->frags[0] = (struct lf_frag){console->flush, mask, (uint32_t)off,
					   (uint32_t)*ret_len};
	return arena->data + off;
}

void lf_rows_expire(struct lf_console *console, int64_t now_ms)
{
	struct lf_shown *shown;

	if (!console->full_until_ms || now_ms < console->full_until_ms)
		return;
	console->full_until_ms = 0;
	LF_MAP_FOREACH (shown, &console->shown)
		lf_shown_forget(shown);
}
