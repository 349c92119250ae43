/*
 * presence/watch.c - a line: its URI, its packages, its one report.
 *
 * Presence and dialog documents of one line arrive apart. Each is kept as it
 * was said, and what goes to the board is composed anew: the telephone from
 * the dialogs (they know ringing from busy), the person from the presence.
 */
#include "presence/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "directory/user.h"
#include "presence/board.h"
#include "presence/brief.h"
#include "presence/document.h"
#include "presence/fold.h"
#include "presence/report.h"
#include "presence/roster.h"
#include "sip/subscribe.h"

#include "core/banned.h"

struct part {
	struct lf_leg leg;
	struct lf_watch *watch;
	struct lf_brief said;
	struct lf_document *document; /* what it remembers between NOTIFYs */
};

struct lf_watch {
	struct lf_line_feed *feed;
	struct lf_person *person;
	char *uri;      /* NULL: the user has no line here */
	bool is_listed; /* the list speaks for it, the parts are off */
	uint8_t n_parts;
	struct part parts[]; /* and then, with a roster, a seat */
};

static struct part *part_of(struct lf_leg *leg)
{
	return LF_CONTAINER_OF(leg, struct part, leg);
}

static struct lf_roster_seat *seat_of(struct lf_watch *watch)
{
	return (struct lf_roster_seat *)(void *)&watch->parts[watch->n_parts];
}

/* ---- one report ---- */

static uint8_t layers_of(const struct lf_line_feed *feed)
{
	return feed->has_presence_server ? LF_KNOWS_LINE | LF_KNOWS_RICH
					 : LF_KNOWS_LINE;
}

static void send_report(struct lf_watch *watch, struct lf_report *report)
{
	struct lf_line_feed *feed = watch->feed;

	report->layers = layers_of(feed);
	if (!feed->has_presence_server) /* S12: telephony presence only */
		report->knows &= (uint8_t)~LF_KNOWS_RICH;
	report->at_ms = lf_mono_ms();
	lf_board_report(feed->board, watch->person, feed->index, report);
}

static void report_cond(struct lf_watch *watch, enum lf_cond cond,
			const char *hint)
{
	struct lf_report report;

	memset(&report, 0, sizeof(report));
	report.cond = (uint8_t)cond;
	lf_text_copy(report.hint, sizeof(report.hint), hint ? hint : "");
	send_report(watch, &report);
}

/* Of several that have no value: what may pass before what will not. */
static bool is_hopeful(uint8_t cond, uint8_t than)
{
	static const uint8_t rank[] = {
		[LF_COND_OK] = 0,
		[LF_COND_REQUESTING] = 1,
		[LF_COND_STALE] = 2,
		[LF_COND_ERROR] = 3,
		[LF_COND_ACCESS_DENIED] = 4,
		[LF_COND_NOT_FOUND] = 5,
		[LF_COND_NOT_CONFIGURED] = 6,
		[LF_COND_NOT_REQUESTED] = 7,
	};

	return rank[cond] < rank[than];
}

static void compose(struct lf_watch *watch)
{
	struct lf_report all, one;
	const char *hint = NULL;
	uint8_t cond = LF_COND_NOT_REQUESTED, i;

	memset(&all, 0, sizeof(all));
	for (i = 0; i < watch->n_parts; i++) {
		struct part *part = &watch->parts[i];
		bool is_extra = part->leg.package == LF_SUMMARY;

		if (part->leg.state == LF_LEG_OFF)
			continue;
		if (part->leg.cond == LF_COND_OK) {
			lf_brief_get(&part->said, &one);
			lf_fold(&all, &one);
		}
		if (!is_extra && is_hopeful(part->leg.cond, cond)) {
			cond = part->leg.cond;
			hint = part->leg.hint;
		}
	}
	if (cond == LF_COND_OK) {
		all.cond = LF_COND_OK;
		send_report(watch, &all);
	} else {
		report_cond(watch, (enum lf_cond)cond, hint);
	}
}

/* ---- what a leg tells ---- */

static void on_new_dialog(struct lf_leg *leg)
{
	lf_document_free(part_of(leg)->document);
	part_of(leg)->document = NULL;
}

static void forget_document(struct part *part)
{
	lf_brief_done(&part->said);
	on_new_dialog(&part->leg);
}

struct reading {
	struct lf_report report;
	bool is_told;
};

static void on_report(const char *uri, const struct lf_report *report,
		      void *arg)
{
	struct reading *r = arg;

	if (uri)
		return; /* nobody asked for a list */
	r->report = *report;
	r->is_told = true;
}

static void on_change(struct lf_leg *leg)
{
	compose(part_of(leg)->watch);
}

static int on_document(struct lf_leg *leg, const struct lf_sip_notify *notify)
{
	struct part *part = part_of(leg);
	struct lf_line_feed *feed = part->watch->feed;
	struct reading r = {.is_told = false};
	int err;

	if (notify->len) {
		err = lf_document_read(&part->document, feed->dialect,
				       notify->content_type, notify->body,
				       notify->len, on_report, &r);
		if (err)
			return err;
		if (!r.is_told || r.report.cond != LF_COND_OK)
			return -EPROTO;
	}
	r.report.at_ms = lf_mono_ms();
	if (r.report.hint[0])
		lf_text_copy(feed->hint, sizeof(feed->hint), r.report.hint);
	return lf_brief_set(&part->said, &r.report);
}

static int on_refused(struct lf_leg *leg)
{
	struct part *part = part_of(leg);
	struct lf_line_feed *feed = part->watch->feed;
	int other = leg->package == LF_PRESENCE ? LF_DIALOG : LF_PRESENCE;

	if (!feed->may_turn || leg->package == LF_SUMMARY ||
	    feed->packages & 1 << other || feed->peer.refused & 1 << other)
		return -1;
	forget_document(part);
	return other;
}

static const char *subject(struct lf_leg *leg)
{
	return lf_watch_subject(part_of(leg)->watch);
}

static const struct lf_leg_ops leg_ops = {
	.on_document = on_document,
	.on_new_dialog = on_new_dialog,
	.on_change = on_change,
	.on_refused = on_refused,
	.subject = subject,
};

/* ---- its life ---- */

/* S11-S14: the SIP URI with a presence server, the extension without. */
static int make_uri(char **ret, const struct lf_line_feed *feed,
		    const struct lf_user *user)
{
	const char *scheme = "sip:";
	int n;

	*ret = NULL;
	if (feed->has_presence_server) {
		if (!user->sip_uri[0])
			return 0;
		if (lf_text_starts(user->sip_uri, "sip:") ||
		    lf_text_starts(user->sip_uri, "sips:"))
			scheme = "";
		n = asprintf(ret, "%s%s", scheme, user->sip_uri);
	} else {
		if (!user->ext[0])
			return 0;
		n = asprintf(ret, "sip:%s@%s", user->ext, feed->domain);
	}
	if (n >= 0)
		return 0;
	*ret = NULL;
	return -ENOMEM;
}

static enum lf_package first_choice(const struct lf_line_feed *feed,
				    enum lf_package package)
{
	enum lf_package other =
		package == LF_PRESENCE ? LF_DIALOG : LF_PRESENCE;

	if (package == LF_SUMMARY || !feed->may_turn ||
	    feed->packages & 1 << other)
		return package;
	if (feed->peer.refused & 1 << package &&
	    !(feed->peer.refused & 1 << other))
		return other;
	return package;
}

static void stop_parts(struct lf_watch *watch)
{
	uint8_t i;

	for (i = 0; i < watch->n_parts; i++) {
		lf_leg_stop(&watch->parts[i].leg);
		forget_document(&watch->parts[i]);
	}
}

static int start_parts(struct lf_watch *watch)
{
	struct lf_line_feed *feed = watch->feed;
	uint8_t package, i = 0;
	int err = 0;

	for (package = 0; package < LF_PACKAGES && !err; package++) {
		if (!(feed->packages & 1 << package))
			continue;
		err = lf_leg_start(&watch->parts[i++].leg,
				   first_choice(feed, package), watch->uri,
				   false);
	}
	if (err)
		stop_parts(watch);
	else
		compose(watch);
	return err;
}

/* The list knows this line, or it does not (any more). */
static void on_list(const struct lf_report *report, void *arg)
{
	struct lf_watch *watch = arg;
	struct lf_report copy;
	int err = 0;

	if (report) {
		if (!watch->is_listed)
			stop_parts(watch);
		watch->is_listed = true;
		copy = *report;
		send_report(watch, &copy);
		return;
	}
	if (watch->is_listed)
		err = start_parts(watch);
	watch->is_listed = false;
	if (err)
		report_cond(watch, LF_COND_ERROR, strerror(-err));
}

static int sit(struct lf_watch *watch)
{
	struct lf_roster_seat *seat = seat_of(watch);

	seat->on_report = on_list;
	seat->arg = watch;
	return lf_roster_sit(watch->feed->roster, seat, watch->uri);
}

static void end(struct lf_watch *watch)
{
	if (watch->feed->roster)
		lf_roster_rise(watch->feed->roster, seat_of(watch));
	stop_parts(watch);
	free(watch->uri);
	watch->uri = NULL;
}

static int begin(struct lf_watch *watch, char *uri)
{
	struct lf_roster *roster = watch->feed->roster;
	int err;

	watch->uri = uri;
	if (!uri) {
		report_cond(watch, LF_COND_NOT_CONFIGURED,
			    "User not configured or not enabled for this type "
			    "of presence"); /* S55 */
		return 0;
	}
	watch->is_listed = roster != NULL; /* until the list says otherwise */
	err = roster ? sit(watch) : start_parts(watch);
	if (err)
		end(watch);
	return err;
}

static uint8_t count_packages(uint8_t packages)
{
	return (uint8_t)__builtin_popcount(packages);
}

static int watch_open(void *arg, struct lf_person *person, void **ret_watch)
{
	struct lf_line_feed *feed = arg;
	uint8_t i, n = count_packages(feed->packages);
	struct lf_roster_seat *seat;
	struct lf_watch *watch;
	char *uri;
	int err;

	watch = calloc(1, sizeof(*watch) + n * sizeof(watch->parts[0]) +
				  (feed->roster ? sizeof(*seat) : 0));
	if (!watch)
		return -ENOMEM;
	watch->feed = feed;
	watch->person = person;
	watch->n_parts = n;
	for (i = 0; i < n; i++) {
		watch->parts[i].watch = watch;
		lf_leg_init(&watch->parts[i].leg, &feed->peer, &leg_ops);
	}
	err = make_uri(&uri, feed, lf_person_user(person));
	if (!err)
		err = begin(watch, uri);
	if (err) {
		free(watch);
		return err;
	}
	feed->watches++;
	*ret_watch = watch;
	return 0;
}

static void watch_close(void *arg, struct lf_person *person, void *watch_arg)
{
	struct lf_line_feed *feed = arg;
	struct lf_watch *watch = watch_arg;

	feed->watches--;
	end(watch);
	free(watch);
}

static void watch_update(void *arg, struct lf_person *person, void *watch_arg)
{
	struct lf_watch *watch = watch_arg;
	char *uri;
	int err;

	if (make_uri(&uri, watch->feed, lf_person_user(person)))
		return;
	if (lf_text_equal(uri, watch->uri)) {
		free(uri);
		return;
	}
	end(watch);
	err = begin(watch, uri);
	if (err)
		report_cond(watch, LF_COND_ERROR, strerror(-err));
}

const struct lf_feed_ops lf_watch_ops = {
	.watch = watch_open,
	.unwatch = watch_close,
	.update = watch_update,
};

const char *lf_watch_subject(const struct lf_watch *watch)
{
	return lf_person_user(watch->person)->id;
}

struct lf_watch *lf_watch_of(struct lf_leg *leg)
{
	return leg->ops == &leg_ops ? part_of(leg)->watch : NULL;
}

int64_t lf_watch_heard_ms(struct lf_leg *leg)
{
	return lf_watch_of(leg) ? part_of(leg)->said.at_ms : 0;
}
