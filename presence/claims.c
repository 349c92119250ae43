/*
 * presence/claims.c - each feed's side of each person: that it watches, and the
 * newest it has said.
 */
#include "presence/board_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "presence/feed.h"

#include "core/banned.h"

/* ---- watching ---- */

static int make_claims(struct lf_person *person, size_t n)
{
	struct lf_claim *claims;

	if (n <= person->n_claims)
		return 0;
	claims = realloc(person->claims, n * sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	memset(claims + person->n_claims, 0,
	       (n - person->n_claims) * sizeof(*claims));
	person->claims = claims;
	person->n_claims = (uint8_t)n;
	return 0;
}

void lf_claim_forget(struct lf_claim *claim)
{
	lf_brief_done(&claim->brief);
	memset(claim, 0, sizeof(*claim));
	claim->brief.cond = LF_COND_NOT_REQUESTED;
}

/* A feed that cannot even begin has an error, and says so by itself. */
static void watch_failed(struct lf_person *person, size_t feed, int err)
{
	struct lf_report report = {
		.cond = LF_COND_ERROR,
		.layers = LF_KNOWS_LINE | LF_KNOWS_RICH,
		.at_ms = lf_mono_ms(),
	};

	lf_text_copy(report.hint, sizeof(report.hint), strerror(-err));
	lf_brief_set(&person->claims[feed].brief, &report);
	lf_log(LF_ERROR, "presence", "%s: cannot watch user %s: %s",
	       person->board->feeds[feed].name, person->id, strerror(-err));
}

void lf_claim_begin(struct lf_person *person, size_t i)
{
	struct lf_board_feed *feed = &person->board->feeds[i];
	void *watch = NULL;
	int err;

	if (make_claims(person, i + 1))
		return;
	lf_claim_forget(&person->claims[i]);
	person->claims[i].is_watched = true;
	err = feed->ops->watch(feed->self, person, &watch);
	if (err) {
		person->claims[i].is_watched = false;
		watch_failed(person, i, err);
		return;
	}
	person->claims[i].watch = watch;
}

void lf_claim_end(struct lf_person *person, size_t i)
{
	struct lf_board_feed *feed = &person->board->feeds[i];

	if (i >= person->n_claims)
		return;
	if (person->claims[i].is_watched)
		feed->ops->unwatch(feed->self, person, person->claims[i].watch);
	lf_claim_forget(&person->claims[i]);
}

/* ---- feeds ---- */

/* A feed's first watch() comes after add_feed() told it its index. */
void lf_board_offer(struct lf_timer *timer, void *arg)
{
	struct lf_board *board = arg;
	struct lf_person *person;
	size_t i;

	LF_MAP_FOREACH (person, &board->persons)
		for (i = 0; i < LF_FEEDS_MAX; i++)
			if (board->feeds[i].ops &&
			    (i >= person->n_claims ||
			     !person->claims[i].is_watched))
				lf_claim_begin(person, i);
}

int lf_board_add_feed(struct lf_board *board, const struct lf_feed_ops *ops,
		      const char *name, enum lf_feed_kind kind, void *feed)
{
	size_t i = 0;

	while (i < LF_FEEDS_MAX && board->feeds[i].ops)
		i++;
	if (i == LF_FEEDS_MAX)
		return -ENOSPC;
	if (lf_timer_start(board->timers, &board->offer, 0))
		return -ENOMEM;
	board->feeds[i].name = strdup(name);
	if (!board->feeds[i].name)
		return -ENOMEM;
	board->feeds[i].ops = ops;
	board->feeds[i].kind = kind;
	board->feeds[i].self = feed;
	return (int)i;
}

void lf_board_remove_feed(struct lf_board *board, int feed)
{
	struct lf_person *person;
	struct lf_board_feed *f;

	assert(feed >= 0 && feed < LF_FEEDS_MAX && board->feeds[feed].ops);
	f = &board->feeds[feed];
	LF_MAP_FOREACH (person, &board->persons)
		lf_claim_end(person, (size_t)feed);
	free(f->name);
	memset(f, 0, sizeof(*f));
	if (board->preferred == feed)
		board->preferred = -1;
	lf_board_settle_all(board);
}

void lf_board_prefer(struct lf_board *board, int feed)
{
	if (board->preferred == feed)
		return;
	board->preferred = feed;
	lf_board_settle_all(board);
}

const char *lf_board_feed_name(const struct lf_board *board, int feed)
{
	if (feed < 0 || feed >= LF_FEEDS_MAX || !board->feeds[feed].name)
		return "";
	return board->feeds[feed].name;
}

enum lf_feed_kind lf_board_feed_kind(const struct lf_board *board, int feed)
{
	if (feed < 0 || feed >= LF_FEEDS_MAX || !board->feeds[feed].name)
		return LF_FEED_KINDS;
	return board->feeds[feed].kind;
}

int lf_board_report(struct lf_board *board, struct lf_person *person, int feed,
		    const struct lf_report *report)
{
	struct lf_claim *claim;
	int err;

	assert(feed >= 0 && feed < person->n_claims);
	claim = &person->claims[feed];
	board->reports++;
	/* A document that was overtaken: its successor is on the board. */
	if (report->at_ms < claim->brief.at_ms)
		return -ESTALE;
	if (lf_brief_is(&claim->brief, report)) {
		claim->brief.at_ms = report->at_ms;
		return 0;
	}
	err = lf_brief_set(&claim->brief, report);
	lf_person_settle(person);
	return err;
}

struct lf_person *lf_board_watched(const struct lf_board *board, int feed,
				   const char *user_id)
{
	struct lf_person *person = lf_map_find(&board->persons, user_id);

	return person && feed < person->n_claims &&
			       person->claims[feed].is_watched
		       ? person
		       : NULL;
}

void *lf_person_watch(const struct lf_person *person, int feed)
{
	assert(feed >= 0);
	return feed < person->n_claims ? person->claims[feed].watch : NULL;
}
