/*
 * presence/board.c - persons, what each feed says of them, and their lamps.
 *
 * A person exists while somebody wants it and 60 s longer. Whatever happens
 * (a report, a feed that leaves, another voicemail number) ends in settle():
 * merge anew, compare with the lamp shown, tell the sinks if it moved.
 *
 * The directory and the settings have no way to unlisten: a board goes in the
 * same turn as they do.
 */
#include "presence/board.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/map.h"
#include "core/text.h"
#include "core/timer.h"
#include "directory/setting.h"
#include "directory/user.h"
#include "presence/brief.h"
#include "presence/feed.h"
#include "presence/merge.h"
#include "presence/report.h"

#include "core/banned.h"

struct feed {
	const struct lf_feed_ops *ops; /* NULL: a free place */
	void *self;
	char *name;
	enum lf_feed_kind kind;
};

struct sink {
	lf_board_sink_fn *fn; /* NULL: a free place */
	void *arg;
};

/* One feed's side of one person. */
struct claim {
	void *watch;
	struct lf_brief brief;
	bool is_watched;
};

struct lf_person {
	struct lf_board *board;
	const struct lf_user *user;
	struct claim *claims; /* by feed index */
	uint8_t n_claims;
	bool is_settling; /* starts or ends to be watched: one change, later */
	uint32_t wants;
	struct lf_timer linger;
	struct lf_lamp lamp;
	char *texts; /* of the lamp: fwd_to, message, peer; NULL: all "" */
	char id[];   /* key in the map; the user may be replaced */
};

struct lf_board {
	struct lf_timers *timers;
	struct lf_directory *directory;
	struct lf_settings *settings;
	struct lf_map persons;
	struct feed feeds[LF_FEEDS_MAX];
	struct sink sinks[LF_SINKS_MAX];
	struct lf_timer offer; /* new feeds to persons already wanted */
	int preferred;
	enum lf_feed_kind winning;
	char pilot[LF_REPORT_NUMBER];
	size_t wanted;
	uint64_t reports, changes;
	struct lf_report scratch[LF_FEEDS_MAX]; /* what a merge reads */
};

static const struct lf_lamp unwatched = {
	.tel_cond = LF_COND_NOT_REQUESTED,
	.rich_cond = LF_COND_NOT_REQUESTED,
	.tel_feed = LF_FEED_NONE,
	.rich_feed = LF_FEED_NONE,
	.fwd_to = "",
	.message = "",
	.peer = "",
};

/* ---- merging ---- */

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

static void settle(struct lf_person *person)
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

static void settle_all(struct lf_board *board)
{
	struct lf_person *person;

	LF_MAP_FOREACH (person, &board->persons)
		settle(person);
}

/* ---- watching ---- */

static int make_claims(struct lf_person *person, size_t n)
{
	struct claim *claims;

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

static void forget_claim(struct claim *claim)
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

static void begin_watch(struct lf_person *person, size_t i)
{
	struct feed *feed = &person->board->feeds[i];
	void *watch = NULL;
	int err;

	if (make_claims(person, i + 1))
		return;
	forget_claim(&person->claims[i]);
	person->claims[i].is_watched = true;
	err = feed->ops->watch(feed->self, person, &watch);
	if (err) {
		person->claims[i].is_watched = false;
		watch_failed(person, i, err);
		return;
	}
	person->claims[i].watch = watch;
}

static void end_watch(struct lf_person *person, size_t i)
{
	struct feed *feed = &person->board->feeds[i];

	if (i >= person->n_claims)
		return;
	if (person->claims[i].is_watched)
		feed->ops->unwatch(feed->self, person, person->claims[i].watch);
	forget_claim(&person->claims[i]);
}

static void free_person(struct lf_person *person)
{
	size_t i;

	if (!person)
		return;
	lf_timer_stop(person->board->timers, &person->linger);
	for (i = 0; i < person->n_claims; i++)
		forget_claim(&person->claims[i]);
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
		end_watch(person, i);
	lf_map_del(&board->persons, person->id);
	if (person->wants)
		board->wanted--;
	if (compare(&person->lamp, &unwatched))
		tell(board,
		     &(struct lf_change){person->user, &unwatched,
					 compare(&person->lamp, &unwatched),
					 lf_mono_us()});
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
	person->lamp = unwatched;
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
			begin_watch(person, i);
	person->is_settling = false;
	settle(person);
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

	return person ? &person->lamp : &unwatched;
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

/* ---- feeds ---- */

/* A feed's first watch() comes after add_feed() told it its index. */
static void on_offer(struct lf_timer *timer, void *arg)
{
	struct lf_board *board = arg;
	struct lf_person *person;
	size_t i;

	LF_MAP_FOREACH (person, &board->persons)
		for (i = 0; i < LF_FEEDS_MAX; i++)
			if (board->feeds[i].ops &&
			    (i >= person->n_claims ||
			     !person->claims[i].is_watched))
				begin_watch(person, i);
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
	struct feed *f;

	assert(feed >= 0 && feed < LF_FEEDS_MAX && board->feeds[feed].ops);
	f = &board->feeds[feed];
	LF_MAP_FOREACH (person, &board->persons)
		end_watch(person, (size_t)feed);
	free(f->name);
	memset(f, 0, sizeof(*f));
	if (board->preferred == feed)
		board->preferred = -1;
	settle_all(board);
}

void lf_board_prefer(struct lf_board *board, int feed)
{
	if (board->preferred == feed)
		return;
	board->preferred = feed;
	settle_all(board);
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
	struct claim *claim;
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
	settle(person);
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

const struct lf_user *lf_person_user(const struct lf_person *person)
{
	return person->user;
}

void *lf_person_watch(const struct lf_person *person, int feed)
{
	assert(feed >= 0);
	return feed < person->n_claims ? person->claims[feed].watch : NULL;
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
	settle(person);
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
	settle_all(board);
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
	lf_timer_init(&board->offer, on_offer, board);
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

/* ---- looking in ---- */

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

void lf_board_stats(const struct lf_board *board, struct lf_board_stats *out)
{
	out->persons = board->persons.count;
	out->wanted = board->wanted;
	out->reports = board->reports;
	out->changes = board->changes;
}
