/*
 * console/fanout.c - from one change to all who watch.
 *
 *     board, notes, directory --> mark: fields of rows, rows of subscriptions
 *     end of the loop's turn  --> flush: one event per subscription
 *
 * A row that waits collects fields, so what is pending is bounded by the rows
 * and not by the rate of changes. A row is sent once in a slot of 100 ms; its
 * first change goes out at once.
 */
#include "console/internal.h"

#include <string.h>

#include "core/clock.h"
#include "core/secret.h"
#include "directory/note.h"
#include "presence/board.h"

#include "core/banned.h"

/* ---- marking ---- */

void lf_session_wake(struct lf_session *session)
{
	if (!lf_list_is_empty(&session->dirty_node))
		return;
	lf_list_add_tail(&session->console->dirty, &session->dirty_node);
	lf_console_wake(session->console);
}

static void wait_for_slot(struct lf_console *console)
{
	if (lf_timer_is_running(&console->slot_timer))
		return;
	/* Without the timer they go out with the next change. */
	lf_timer_start(console->parts.timers, &console->slot_timer,
		       LF_SLOT_MS - lf_mono_ms() % LF_SLOT_MS);
}

void lf_row_mark(struct lf_row *row, uint32_t fields)
{
	struct lf_sub *sub = row->sub;
	struct lf_console *console = sub->session->console;

	fields &= sub->fields | LF_ROW_FULL | LF_ROW_GONE;
	if (!fields || row->is_paged)
		return; /* nothing it shows, or its page is still to come */
	row->dirty |= fields;
	if (row->is_queued) {
		console->stats.conflated++;
		return;
	}
	row->is_queued = true;
	lf_list_del(&row->queue);
	if (row->slot == (uint32_t)console->slot) {
		lf_list_add_tail(&sub->waiting, &row->queue);
		wait_for_slot(console);
		return;
	}
	lf_list_add_tail(&sub->dirty, &row->queue);
	lf_session_wake(sub->session);
}

static void mark_at(struct lf_shown *shown, uint32_t fields, int64_t now_ms)
{
	lf_shown_forget(shown);
	shown->console->slot = now_ms / LF_SLOT_MS;
	LF_LIST_FOREACH (node, &shown->rows)
		lf_row_mark(LF_CONTAINER_OF(node, struct lf_row, person),
			    fields);
}

void lf_shown_mark(struct lf_shown *shown, uint32_t fields)
{
	mark_at(shown, fields, lf_mono_ms());
}

static void end_waiting(struct lf_session *session)
{
	LF_LIST_FOREACH (node, &session->subs) {
		struct lf_sub *sub = LF_CONTAINER_OF(node, struct lf_sub, node);

		if (lf_list_is_empty(&sub->waiting))
			continue;
		lf_list_splice_tail(&sub->dirty, &sub->waiting);
		lf_session_wake(session);
	}
}

void lf_fanout_slot(struct lf_timer *timer, void *arg)
{
	struct lf_console *console = arg;

	LF_LIST_FOREACH (node, &console->all)
		end_waiting(LF_CONTAINER_OF(node, struct lf_session, node));
}

void lf_fanout_lamp(const struct lf_change *change, void *arg)
{
	struct lf_console *console = arg;
	struct lf_shown *shown = lf_map_find(&console->shown, change->user->id);
	uint32_t moved;

	if (!shown || !shown->lamp_rows)
		return;
	moved = lf_shown_update(shown, change);
	if (moved)
		mark_at(shown, moved, change->at_us / 1000);
	if (moved && !console->moved_us && !lf_list_is_empty(&console->dirty))
		console->moved_us = change->at_us;
}

void lf_fanout_chat(struct lf_console *console, const char *username)
{
	const struct lf_user *user =
		lf_user_by_username(console->parts.directory, username);
	struct lf_shown *shown =
		user ? lf_map_find(&console->shown, user->id) : NULL;
	uint32_t moved;

	if (!shown || !shown->lamp_rows)
		return;
	moved = lf_shown_update_chat(shown);
	if (moved)
		lf_shown_mark(shown, moved);
}

void lf_fanout_note(const struct lf_note *note, void *arg)
{
	struct lf_console *console = arg;
	struct lf_shown *shown = lf_map_find(&console->shown, note->user_id);

	if (shown)
		lf_shown_mark(shown, LF_ROW_NOTE);
}

/* ---- flushing ---- */

static void add_row(struct lf_buf *buf, struct lf_row *row, uint32_t mask)
{
	size_t len;
	const char *json = lf_row_json(row->shown, mask, &len);

	if (buf->data[buf->len - 1] != '[')
		lf_buf_addc(buf, ',');
	if (json)
		lf_buf_add(buf, json, len);
	else
		buf->failed = true;
}

/* The row is sent: to rest, or away. */
static void settle(struct lf_row *row)
{
	struct lf_sub *sub = row->sub;
	bool is_gone = row->dirty & LF_ROW_GONE;

	row->slot = (uint32_t)sub->session->console->slot;
	row->dirty = 0;
	row->is_queued = row->is_paged = false;
	lf_list_del(&row->queue);
	lf_list_add_tail(&sub->clean, &row->queue);
	if (is_gone)
		lf_row_free(row);
}

bool lf_sub_page(struct lf_sub *sub, struct lf_buf *buf)
{
	const size_t start = buf->len;
	unsigned n = 0;

	lf_buf_addc(buf, '[');
	while (!lf_list_is_empty(&sub->pages) && n++ < sub->page &&
	       buf->len - start < LF_EVENT_BYTES && !lf_buf_error(buf)) {
		struct lf_row *row =
			LF_CONTAINER_OF(sub->pages.next, struct lf_row, queue);

		add_row(buf, row, sub->fields | LF_ROW_FULL);
		settle(row);
	}
	lf_buf_addc(buf, ']');
	return !lf_list_is_empty(&sub->pages);
}

static int send_page(struct lf_sub *sub)
{
	struct lf_buf *buf = lf_session_event(sub->session, "snap");
	bool has_more;

	lf_buf_adds(buf, "{\"sub\":");
	lf_line_number(buf, sub->id);
	lf_buf_adds(buf, ",\"rows\":");
	has_more = lf_sub_page(sub, buf);
	lf_buf_adds(buf, has_more ? ",\"more\":true}" : ",\"more\":false}");
	sub->is_restarted = sub->is_restarted && has_more;
	return lf_session_event_end(sub->session);
}

static int send_deltas(struct lf_sub *sub)
{
	struct lf_buf *buf = lf_session_event(
		sub->session, sub->topic == LF_TOPIC_LAMPS ? "lamp" : "note");
	const size_t start = buf->len;

	lf_buf_adds(buf, "{\"s\":");
	lf_line_number(buf, sub->id);
	lf_buf_adds(buf, ",\"d\":[");
	while (!lf_list_is_empty(&sub->dirty) &&
	       buf->len - start < LF_EVENT_BYTES && !lf_buf_error(buf)) {
		struct lf_row *row =
			LF_CONTAINER_OF(sub->dirty.next, struct lf_row, queue);
		uint32_t mask = row->dirty;

		if (mask & LF_ROW_GONE)
			mask = LF_ROW_GONE;
		else if (mask & LF_ROW_FULL)
			mask = sub->fields | LF_ROW_FULL;
		add_row(buf, row, mask);
		settle(row);
	}
	lf_buf_adds(buf, "]}");
	return lf_session_event_end(sub->session);
}

/* One event of the subscription's next; 0 when there is nothing left. */
static int send_next(struct lf_sub *sub)
{
	/* Deltas wait behind the last page: snapshot and deltas are one. */
	if (sub->is_restarted || !lf_list_is_empty(&sub->pages))
		return send_page(sub) ? -1 : 1;
	if (!lf_list_is_empty(&sub->dirty))
		return send_deltas(sub) ? -1 : 1;
	return 0;
}

static void drain(struct lf_session *session)
{
	int err = 1;

	LF_LIST_FOREACH (node, &session->subs) {
		struct lf_sub *sub = LF_CONTAINER_OF(node, struct lf_sub, node);

		do {
			/* Asked each time: then it is told when to go on. */
			if (!session->conn ||
			    !lf_conn_takes_bulk(session->conn))
				return;
			err = send_next(sub);
		} while (err > 0);
		if (err < 0)
			break;
	}
	/* Rows were lost for want of memory: start anew, later. */
	if (err < 0)
		lf_conn_bye(session->conn, "error", LF_RETRY_SLOW_MS,
			    LF_CLOSE_SLOW);
}

static unsigned drain_all(struct lf_console *console)
{
	struct lf_list now;
	unsigned n = 0;

	lf_list_init(&now);
	lf_list_splice_tail(&now, &console->dirty);
	while (!lf_list_is_empty(&now)) {
		struct lf_session *session = LF_CONTAINER_OF(
			now.next, struct lf_session, dirty_node);

		lf_list_del(&session->dirty_node);
		n += session->conn != NULL;
		drain(session);
	}
	return n;
}

void lf_fanout_rested(struct lf_timer *timer, void *console)
{
	lf_console_wake(console);
}

static void note_time(struct lf_console *console)
{
	if (console->moved_us)
		lf_histogram_add(&console->stats.lamp_times,
				 (double)(lf_mono_us() - console->moved_us) /
					 1e6);
	console->moved_us = 0;
}

void lf_console_flush(struct lf_console *console)
{
	const int64_t now_ms = lf_mono_ms();
	unsigned n;

	if (lf_list_is_empty(&console->dirty)) {
		console->moved_us = 0; /* those who watched have gone */
		return;
	}
	if (now_ms < console->rest_until_ms &&
	    (lf_timer_is_running(&console->rest_timer) ||
	     !lf_timer_start(console->parts.timers, &console->rest_timer,
			     console->rest_until_ms - now_ms)))
		return;
	console->flush++;
	console->slot = now_ms / LF_SLOT_MS;
	lf_buf_reset(&console->frags);
	n = drain_all(console);
	note_time(console);
	console->rest_until_ms = now_ms + n * LF_REST_US / 1000;
}

/* ---- the directory and the settings ---- */

static void evict_deleted(struct lf_console *console, const char *user_id)
{
	struct lf_session *session = lf_map_find(&console->by_user, user_id);
	struct lf_conn *conn = session ? session->conn : NULL;

	if (session)
		lf_session_free(session);
	if (conn)
		lf_conn_bye(conn, "user_deleted", 0, LF_CLOSE_POLICY);
}

void lf_fanout_user(const struct lf_user *was, const struct lf_user *now,
		    void *arg)
{
	struct lf_console *console = arg;
	const char *id = now ? now->id : was->id;
	struct lf_shown *shown;

	if (!now)
		evict_deleted(console, id);
	LF_LIST_FOREACH (s, &console->all) {
		struct lf_session *session =
			LF_CONTAINER_OF(s, struct lf_session, node);

		LF_LIST_FOREACH (node, &session->subs)
			lf_sub_follow(
				LF_CONTAINER_OF(node, struct lf_sub, node), was,
				now);
	}
	shown = lf_map_find(&console->shown, id);
	if (shown && now)
		lf_shown_mark(shown, LF_ROW_EXT | LF_ROW_NAME);
}

void lf_fanout_settings(void *arg)
{
	struct lf_console *console = arg;
	struct lf_limits was = console->limits;
	struct lf_shown *shown;
	uint32_t moved = 0;

	lf_limits_read(&console->limits, console->parts.settings);
	if (was.mask_digits != console->limits.mask_digits)
		moved |= LF_ROW_FWD;
	if (was.shows_peer != console->limits.shows_peer)
		moved |= LF_ROW_PEER;
	if (moved)
		LF_MAP_FOREACH (shown, &console->shown)
			lf_shown_mark(shown, moved);
	lf_console_relisten(console);
}
