/*
 * presence/presentity.c - what the board says becomes documents here, once per
 * change and format, for however many watchers.
 */
#include "presence/presentity.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "directory/user.h"
#include "presence/board.h"
#include "sip/notify.h"

#include "core/banned.h"

static const struct {
	const char *type;
	lf_write_fn *write;
	unsigned moved;
} formats[LF_FORMATS + 1] = {
	[LF_FORMAT_PIDF] = {"application/pidf+xml", lf_pidf_write,
			    LF_MOVED_TEL | LF_MOVED_RICH | LF_MOVED_FWD},
	[LF_FORMAT_XPIDF] = {"application/xpidf+xml", lf_xpidf_write,
			     LF_MOVED_TEL | LF_MOVED_RICH | LF_MOVED_FWD},
	[LF_FORMAT_DIALOG_INFO] = {"application/dialog-info+xml",
				   lf_dialog_info_write,
				   LF_MOVED_TEL | LF_MOVED_PEER},
	[LF_FORMAT_SUMMARY] = {"application/simple-message-summary",
			       lf_summary_write, LF_MOVED_VOICEMAIL},
	[LF_FORMAT_DIALOG_PARTIAL] = {"application/dialog-info+xml",
				      lf_dialog_info_write,
				      LF_MOVED_TEL | LF_MOVED_PEER},
};

const char *lf_format_type(enum lf_format format)
{
	return formats[format].type;
}

unsigned lf_format_moved(enum lf_format format)
{
	return formats[format].moved;
}

/* ---- documents ---- */

static void forget_bodies(struct lf_presentity *p, unsigned moved)
{
	for (int f = 0; f < LF_FORMATS; f++)
		if (formats[f].moved & moved)
			for (int l = 0; l < LF_LEVELS; l++)
				p->bodies[f][l] =
					lf_sip_body_unref(p->bodies[f][l]);
}

/* A call keeps its name while it lasts, and the next has another. */
static void follow_call(struct lf_presentity *p, const struct lf_lamp *lamp)
{
	enum lf_tel line = lf_dialog_info_line(lamp);
	bool has_call = line == LF_TEL_RINGING || line == LF_TEL_BUSY;

	if (has_call != (p->call & 1))
		p->call++;
}

void lf_presentity_look(struct lf_writing *ret, struct lf_presentity *p,
			enum lf_level level)
{
	*ret = (struct lf_writing){
		.uri = p->uri,
		.lamp = lf_board_lamp(p->desk->board, p->user->id),
		.level = level,
		.hide_digits = p->desk->hide_digits,
	};
	follow_call(p, ret->lamp);
	ret->call = p->call / 2 + 1;
}

static void write_document(struct lf_presentity *p, enum lf_format format,
			   enum lf_level level, bool is_part,
			   struct lf_buf *out)
{
	struct lf_writing w;

	lf_presentity_look(&w, p, level);
	w.version = p->version;
	w.is_part = is_part;
	if (format == LF_FORMAT_DIALOG_INFO)
		p->version++;
	formats[format].write(out, &w);
}

void lf_presentity_write(struct lf_presentity *p, enum lf_format format,
			 enum lf_level level, struct lf_buf *out)
{
	write_document(p, format, level, true, out);
}

int lf_presentity_body(struct lf_sip_body **ret, struct lf_presentity *p,
		       enum lf_format format, enum lf_level level, bool is_new)
{
	struct lf_sip_body **body = &p->bodies[format][level];
	struct lf_buf text = {0};
	int err;

	if (is_new && format == LF_FORMAT_DIALOG_INFO)
		*body = lf_sip_body_unref(*body);
	if (*body) {
		*ret = *body;
		return 0;
	}
	write_document(p, format, level, false, &text);
	err = lf_buf_error(&text);
	if (!err)
		err = lf_sip_body_new(body, formats[format].type,
				      lf_buf_str(&text), text.len);
	lf_buf_done(&text);
	if (!err)
		*ret = *body;
	return err;
}

void lf_presentity_skip_to(struct lf_presentity *p, uint32_t version)
{
	if (p->version >= version)
		return;
	p->version = p->counted_at = version;
	forget_bodies(p, ~0u);
}

void lf_desk_forget(struct lf_desk *desk)
{
	struct lf_presentity *p;

	LF_MAP_FOREACH (p, &desk->by_uri)
		forget_bodies(p, ~0u);
}

/* ---- changes ---- */

static void release(struct lf_presentity *p);

static void tell_seats(struct lf_presentity *p, unsigned moved)
{
	struct lf_list all;

	/* Whoever is told may leave, or others may: walk over a copy. */
	p->holds++;
	lf_list_init(&all);
	lf_list_splice_tail(&all, &p->seats);
	while (!lf_list_is_empty(&all)) {
		struct lf_seat *seat =
			LF_CONTAINER_OF(all.next, struct lf_seat, node);

		lf_list_del(&seat->node);
		lf_list_add_tail(&p->seats, &seat->node);
		seat->moved(seat, moved);
	}
	p->holds--;
	release(p);
}

/* One turn's changes of a person are one NOTIFY. */
static void on_turn(struct lf_timer *timer, void *arg)
{
	struct lf_desk *desk = arg;
	struct lf_presentity *p;
	unsigned moved;

	while (!lf_list_is_empty(&desk->waiting)) {
		p = LF_CONTAINER_OF(desk->waiting.next, struct lf_presentity,
				    waiting);
		lf_list_del(&p->waiting);
		moved = p->moved;
		p->moved = 0;
		if (moved & LF_MOVED_TEL)
			follow_call(p, lf_board_lamp(desk->board, p->user->id));
		forget_bodies(p, moved);
		tell_seats(p, moved);
	}
}

static void on_change(const struct lf_change *change, void *arg)
{
	struct lf_desk *desk = arg;
	struct lf_presentity *p = lf_map_find(&desk->by_user, change->user->id);

	for (; p; p = p->next) {
		p->moved |= change->moved;
		if (lf_list_is_empty(&p->waiting))
			lf_list_add_tail(&desk->waiting, &p->waiting);
	}
	if (!lf_list_is_empty(&desk->waiting) &&
	    !lf_timer_is_running(&desk->turn))
		lf_timer_start(desk->timers, &desk->turn, 0);
}

/* ---- who is who ---- */

const struct lf_user *lf_desk_user(const struct lf_desk *desk, const char *uri)
{
	const struct lf_user *user;
	char name[LF_PRESENTITY_URI];

	if (lf_text_starts(uri, "sip:"))
		uri += 4;
	else if (lf_text_starts(uri, "sips:"))
		uri += 5;
	if (!lf_text_copy(name, sizeof(name), uri) || !*name)
		return NULL;
	user = lf_user_resolve(desk->directory, name);
	if (user)
		return user;
	name[strcspn(name, "@")] = '\0';
	user = *name ? lf_user_by_ext(desk->directory, name) : NULL;
	return user || !*name ? user
			      : lf_user_by_username(desk->directory, name);
}

static int link_user(struct lf_desk *desk, struct lf_presentity *p)
{
	struct lf_presentity *first = lf_map_find(&desk->by_user, p->user->id);

	if (!first)
		return lf_map_add(&desk->by_user, p->user->id, p);
	p->next = first->next;
	first->next = p;
	return 0;
}

static void unlink_user(struct lf_desk *desk, struct lf_presentity *p)
{
	struct lf_presentity *first = lf_map_find(&desk->by_user, p->user->id);

	if (first == p) {
		lf_map_del(&desk->by_user, p->user->id);
		if (p->next) /* a slot was just freed: this cannot fail */
			lf_map_add(&desk->by_user, p->user->id, p->next);
		return;
	}
	while (first && first->next != p)
		first = first->next;
	if (first)
		first->next = p->next;
}

static void presentity_free(struct lf_presentity *p)
{
	lf_map_del(&p->desk->by_uri, p->uri);
	lf_list_del(&p->waiting);
	forget_bodies(p, ~0u);
	free(p);
}

static int presentity_new(struct lf_presentity **ret, struct lf_desk *desk,
			  const char *uri)
{
	const struct lf_user *user = lf_desk_user(desk, uri);
	struct lf_presentity *p;
	size_t len = strlen(uri) + 1;
	int err;

	if (!user)
		return -ENOENT;
	if (len > LF_PRESENTITY_URI)
		return -EINVAL;
	p = calloc(1, sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	p->desk = desk;
	p->user = user;
	lf_list_init(&p->seats);
	lf_list_init(&p->waiting);
	memcpy(p->uri, uri, len);
	err = lf_map_add(&desk->by_uri, p->uri, p);
	if (err) {
		free(p);
		return err;
	}
	err = lf_board_want(desk->board, user->id);
	if (!err && (err = link_user(desk, p)) != 0)
		lf_board_unwant(desk->board, user->id);
	if (err) {
		presentity_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

/* A changed user has new memory; a deleted one has no more watchers. */
static void on_user(const struct lf_user *was, const struct lf_user *now,
		    void *arg)
{
	struct lf_desk *desk = arg;
	struct lf_presentity *p, *next;

	if (!was)
		return;
	p = lf_map_find(&desk->by_user, was->id);
	if (!p)
		return;
	lf_map_del(&desk->by_user, was->id);
	if (now) {
		lf_map_add(&desk->by_user, now->id, p);
		for (; p; p = p->next)
			p->user = now;
		return;
	}
	for (; p; p = next) {
		next = p->next;
		p->user = NULL;
		while (!lf_list_is_empty(&p->seats)) {
			struct lf_seat *seat = LF_CONTAINER_OF(
				p->seats.next, struct lf_seat, node);

			lf_list_del(&seat->node);
			seat->presentity = NULL;
			seat->moved(seat, 0);
		}
		presentity_free(p);
	}
}

/* The last to leave puts out the light. */
static void release(struct lf_presentity *p)
{
	if (p->holds || !lf_list_is_empty(&p->seats))
		return;
	unlink_user(p->desk, p);
	lf_board_unwant(p->desk->board, p->user->id);
	presentity_free(p);
}

/* ---- seats ---- */

int lf_seat_take(struct lf_seat *seat, struct lf_desk *desk, const char *uri)
{
	struct lf_presentity *p = lf_map_find(&desk->by_uri, uri);
	int err = p ? 0 : presentity_new(&p, desk, uri);

	if (err)
		return err;
	seat->presentity = p;
	lf_list_add_tail(&p->seats, &seat->node);
	return 0;
}

void lf_seat_leave(struct lf_seat *seat)
{
	struct lf_presentity *p = seat->presentity;

	if (!p)
		return;
	seat->presentity = NULL;
	lf_list_del(&seat->node);
	release(p);
}

/* ---- life ---- */

int lf_desk_open(struct lf_desk *desk, struct lf_timers *timers,
		 struct lf_board *board, struct lf_directory *directory)
{
	int err;

	desk->timers = timers;
	desk->board = board;
	desk->directory = directory;
	lf_list_init(&desk->waiting);
	lf_timer_init(&desk->turn, on_turn, desk);
	err = lf_directory_on_change(directory, on_user, desk);
	if (!err)
		err = lf_board_add_sink(board, on_change, desk);
	return err;
}

void lf_desk_close(struct lf_desk *desk)
{
	assert(!desk->by_uri.count);
	lf_timer_stop(desk->timers, &desk->turn);
	lf_board_remove_sink(desk->board, on_change, desk);
	lf_map_done(&desk->by_uri);
	lf_map_done(&desk->by_user);
}
