/*
 * presence/board.c - persons, for as long as somebody wants them and 60 s
 * longer; and who is told of their lamps. What the feeds say of them is in
 * claims.c, what follows from it in settle.c.
 *
 * The directory and the settings have no way to unlisten: a board goes in the
 * same turn as they do.
 */
#include "presence/board.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "directory/setting.h"
#include "directory/user.h"
#include "presence/board_internal.h"
#include "presence/feed.h"

#include "core/banned.h"

/* ---- who is wanted ---- */

static void free_person(struct lf_person *person)
{
	size_t i;

	if (!person)
		return;
	lf_timer_stop(person->board->timers, &person->linger);
	for (i = 0; i < person->n_claims; i++)
		lf_claim_forget(&person->claims[i]);
	free(person->claims);
	free(person->texts);
	free(person);
}

/* Nobody wants it any more, or the user is gone. */
static void drop_person(struct lf_person *person)
{
	struct lf_board *board = person->board;
	size_t i;

	person->is_settling = true;
	for (i = 0; i < LF_FEEDS_MAX; i++)
		lf_claim_end(person, i);
	lf_map_del(&board->persons, person->id);
	if (person->wants)
		board->wanted--;
	lf_person_tell_gone(person);
	free_person(person);
}

static void on_linger(struct lf_timer *timer, void *arg)
{
	drop_person(arg);
}

static int new_person(struct lf_person **ret, struct lf_board *board,
		      const struct lf_user *user)
{
	size_t len = strlen(user->id) + 1;
	struct lf_person *person = calloc(1, sizeof(*person) + len);
	int err;

	if (!person)
		return -ENOMEM;
	person->board = board;
	person->user = user;
	person->lamp = lf_lamp_unwatched;
	memcpy(person->id, user->id, len);
	lf_timer_init(&person->linger, on_linger, person);
	err = lf_map_add(&board->persons, person->id, person);
	if (err) {
		free_person(person);
		return err;
	}
	*ret = person;
	return 0;
}

static void start_person(struct lf_person *person)
{
	size_t i;

	person->is_settling = true;
	for (i = 0; i < LF_FEEDS_MAX; i++)
		if (person->board->feeds[i].ops)
			lf_claim_begin(person, i);
	person->is_settling = false;
	lf_person_settle(person);
}

int lf_board_want(struct lf_board *board, const char *user_id)
{
	struct lf_person *person = lf_map_find(&board->persons, user_id);
	const struct lf_user *user;
	int err;

	if (person) {
		lf_timer_stop(board->timers, &person->linger);
		board->wanted += !person->wants++;
		return 0;
	}
	user = lf_user_find(board->directory, user_id);
	if (!user)
		return -ENOENT;
	err = new_person(&person, board, user);
	if (err)
		return err;
	person->wants = 1;
	board->wanted++;
	start_person(person);
	return 0;
}

void lf_board_unwant(struct lf_board *board, const char *user_id)
{
	struct lf_person *person = lf_map_find(&board->persons, user_id);

	if (!person || !person->wants || --person->wants)
		return;
	board->wanted--;
	if (lf_timer_start(board->timers, &person->linger, LF_LINGER_MS))
		drop_person(person); /* no memory to be patient */
}

const struct lf_lamp *lf_board_lamp(const struct lf_board *board,
				    const char *user_id)
{
	const struct lf_person *person = lf_map_find(&board->persons, user_id);

	return person ? &person->lamp : &lf_lamp_unwatched;
}

/* ---- sinks ---- */

int lf_board_add_sink(struct lf_board *board, lf_board_sink_fn *fn, void *arg)
{
	size_t i;

	for (i = 0; i < LF_SINKS_MAX; i++) {
		if (board->sinks[i].fn)
			continue;
		board->sinks[i].fn = fn;
		board->sinks[i].arg = arg;
		return 0;
	}
	return -ENOSPC;
}

void lf_board_remove_sink(struct lf_board *board, lf_board_sink_fn *fn,
			  void *arg)
{
	size_t i;

	for (i = 0; i < LF_SINKS_MAX; i++)
		if (board->sinks[i].fn == fn && board->sinks[i].arg == arg)
			board->sinks[i].fn = NULL;
}

const struct lf_user *lf_person_user(const struct lf_person *person)
{
	return person->user;
}

/* ---- directory and settings ---- */

static void on_user(const struct lf_user *was, const struct lf_user *now,
		    void *arg)
{
	struct lf_board *board = arg;
	struct lf_person *person;
	size_t i;

	person = lf_map_find(&board->persons, was ? was->id : now->id);
	if (!person)
		return;
	if (!now) {
		drop_person(person);
		return;
	}
	person->user = now;
	for (i = 0; i < person->n_claims; i++)
		if (person->claims[i].is_watched)
			board->feeds[i].ops->update(board->feeds[i].self,
						    person,
						    person->claims[i].watch);
	lf_person_settle(person);
}

/* In the order of the setting's choices. */
static enum lf_feed_kind winning_kind(const char *technology)
{
	static const struct {
		const char *name;
		enum lf_feed_kind kind;
	} kinds[] = {
		{"SipSimple", LF_FEED_SIP},
		{"MSTeams", LF_FEED_TEAMS},
		{"Webex", LF_FEED_WEBEX},
		{"Lync", LF_FEED_LYNC},
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (lf_text_equal(kinds[i].name, technology))
			return kinds[i].kind;
	return LF_FEED_SIP;
}

static void on_settings(void *arg)
{
	struct lf_board *board = arg;

	board->winning = winning_kind(lf_setting_text(
		board->settings, "presence.winning-technology"));
	lf_text_copy(board->pilot, sizeof(board->pilot),
		     lf_setting_text(board->settings, "voicemail.pilot"));
	lf_board_settle_all(board);
}

int lf_board_new(struct lf_board **ret, struct lf_timers *timers,
		 struct lf_directory *directory, struct lf_settings *settings)
{
	struct lf_board *board = calloc(1, sizeof(*board));
	int err;

	if (!board)
		return -ENOMEM;
	board->timers = timers;
	board->directory = directory;
	board->settings = settings;
	board->preferred = -1;
	lf_timer_init(&board->offer, lf_board_offer, board);
	on_settings(board);

	err = lf_settings_on_change(settings, "presence.", on_settings, board);
	if (!err)
		err = lf_settings_on_change(settings, "voicemail.", on_settings,
					    board);
	if (!err)
		err = lf_directory_on_change(directory, on_user, board);
	if (err) {
		free(board);
		return err;
	}
	*ret = board;
	return 0;
}

void lf_board_free(struct lf_board *board)
{
	struct lf_person *person;
	size_t i;

	if (!board)
		return;
	for (i = 0; i < LF_FEEDS_MAX; i++)
		assert(!board->feeds[i].ops);
	lf_timer_stop(board->timers, &board->offer);
	LF_MAP_FOREACH (person, &board->persons)
		free_person(person);
	lf_map_done(&board->persons);
	free(board);
}

void lf_board_stats(const struct lf_board *board, struct lf_board_stats *out)
{
	out->persons = board->persons.count;
	out->wanted = board->wanted;
	out->reports = board->reports;
	out->changes = board->changes;
}
