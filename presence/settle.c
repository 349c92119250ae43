/*
 * presence/settle.c - from what the feeds say of a person to a lamp that moved:
 * merge anew, compare with the lamp shown, tell the sinks.
 */
#include "presence/board_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "directory/user.h"
#include "presence/merge.h"

#include "core/banned.h"

const struct lf_lamp lf_lamp_unwatched = {
	.tel_cond = LF_COND_NOT_REQUESTED,
	.rich_cond = LF_COND_NOT_REQUESTED,
	.tel_feed = LF_FEED_NONE,
	.rich_feed = LF_FEED_NONE,
	.fwd_to = "",
	.message = "",
	.peer = "",
};

static size_t gather(struct lf_board *board, const struct lf_person *person,
		     struct lf_input inputs[LF_FEEDS_MAX])
{
	size_t i, n = 0;

	for (i = 0; i < person->n_claims; i++) {
		if (!board->feeds[i].ops)
			continue;
		lf_brief_get(&person->claims[i].brief, &board->scratch[i]);
		inputs[n].report = &board->scratch[i];
		inputs[n].feed = (uint8_t)i;
		inputs[n].kind = (uint8_t)board->feeds[i].kind;
		inputs[n].is_preferred = (int)i == board->preferred;
		n++;
	}
	return n;
}

static void merge(struct lf_board *board, const struct lf_person *person,
		  const struct lf_input *inputs, size_t n, struct lf_lamp *lamp,
		  struct lf_trace *trace)
{
	const struct lf_policy policy = {
		.winning = board->winning,
		.voicemail = person->user->voicemail,
		.pilot = board->pilot,
	};

	lf_merge(inputs, n, &policy, lamp, trace);
}

static unsigned compare(const struct lf_lamp *a, const struct lf_lamp *b)
{
	unsigned moved = 0;

	if (a->tel != b->tel || a->line != b->line || a->is_dnd != b->is_dnd ||
	    a->tel_cond != b->tel_cond || a->tel_feed != b->tel_feed)
		moved |= LF_MOVED_TEL;
	if (a->rich != b->rich || a->is_idle != b->is_idle ||
	    a->rich_cond != b->rich_cond || a->rich_feed != b->rich_feed)
		moved |= LF_MOVED_RICH;
	if (strcmp(a->message, b->message))
		moved |= LF_MOVED_RICH | LF_MOVED_MESSAGE;
	if (strcmp(a->fwd_to, b->fwd_to))
		moved |= LF_MOVED_FWD;
	if (strcmp(a->peer, b->peer))
		moved |= LF_MOVED_PEER;
	if (a->voicemails_new != b->voicemails_new ||
	    a->voicemails_old != b->voicemails_old)
		moved |= LF_MOVED_VOICEMAIL;
	return moved;
}

/* The source knows best since when; never a time that is still to come. */
static int64_t since_of(const struct lf_person *person, uint8_t feed)
{
	int64_t now_ms = lf_wall_ms(), since_ms = 0;

	if (feed < person->n_claims)
		since_ms = person->claims[feed].brief.since_ms;
	return since_ms > 0 && since_ms <= now_ms ? since_ms : now_ms;
}

static int64_t since(const struct lf_person *person, const struct lf_lamp *next)
{
	const struct lf_lamp *was = &person->lamp;

	if (was->tel != next->tel || was->tel_cond != next->tel_cond)
		return since_of(person, next->tel_feed);
	if (was->rich != next->rich || was->rich_cond != next->rich_cond)
		return since_of(person, next->rich_feed);
	return was->since_ms;
}

/*
 * The merge's texts lie in the scratch: the person keeps copies. Without
 * memory the lamp goes on without texts: a lamp that shows less is better
 * than one that shows yesterday.
 */
static void keep_lamp(struct lf_person *person, struct lf_lamp *lamp)
{
	const char **const texts[] = {&lamp->fwd_to, &lamp->message,
				      &lamp->peer};
	size_t i, len, total = 0;
	char *block = NULL, *at;

	for (i = 0; i < 3; i++)
		total += strlen(*texts[i]) + 1;
	if (total > 3)
		block = malloc(total);
	for (i = 0, at = block; i < 3; i++) {
		if (!block) { /* all are empty, or there is no memory */
			*texts[i] = "";
			continue;
		}
		len = strlen(*texts[i]) + 1;
		*texts[i] = memcpy(at, *texts[i], len);
		at += len;
	}
	free(person->texts);
	person->texts = block;
	person->lamp = *lamp;
}

static void tell(struct lf_board *board, const struct lf_change *change)
{
	size_t i;

	board->changes++;
	for (i = 0; i < LF_SINKS_MAX; i++)
		if (board->sinks[i].fn)
			board->sinks[i].fn(change, board->sinks[i].arg);
}

void lf_person_settle(struct lf_person *person)
{
	struct lf_board *board = person->board;
	struct lf_input inputs[LF_FEEDS_MAX];
	struct lf_lamp next;
	size_t n;
	unsigned moved;

	if (person->is_settling)
		return;
	n = gather(board, person, inputs);
	merge(board, person, inputs, n, &next, NULL);
	moved = compare(&person->lamp, &next);
	if (!moved)
		return;
	next.since_ms = since(person, &next);
	keep_lamp(person, &next);
	tell(board, &(struct lf_change){person->user, &person->lamp, moved,
					lf_mono_us()});
}

void lf_board_settle_all(struct lf_board *board)
{
	struct lf_person *person;

	LF_MAP_FOREACH (person, &board->persons)
		lf_person_settle(person);
}

void lf_person_tell_gone(struct lf_person *person)
{
	unsigned moved = compare(&person->lamp, &lf_lamp_unwatched);

	if (moved)
		tell(person->board,
		     &(struct lf_change){person->user, &lf_lamp_unwatched,
					 moved, lf_mono_us()});
}

size_t lf_board_why(struct lf_board *board, const char *user_id,
		    struct lf_input *inputs, size_t max,
		    struct lf_lamp *ret_lamp, struct lf_trace *ret_trace)
{
	struct lf_person *person = lf_map_find(&board->persons, user_id);
	struct lf_input all[LF_FEEDS_MAX];
	size_t n;

	if (!person)
		return 0;
	n = gather(board, person, all);
	merge(board, person, all, n, ret_lamp, ret_trace);
	ret_lamp->since_ms = person->lamp.since_ms;
	if (n > max)
		n = max;
	memcpy(inputs, all, n * sizeof(*all));
	return n;
}
