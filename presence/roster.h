/*
 * presence/roster.h - a resource list (RFC 4662): one subscription for all
 * the lines it holds. Inside presence/ only.
 *
 * A line that the list does not hold, or whose list cannot be had, is watched
 * by a subscription of its own (watch.c).
 */
#ifndef LF_PRESENCE_ROSTER_H
#define LF_PRESENCE_ROSTER_H

#include "core/list.h"

struct lf_line_feed;
struct lf_report;
struct lf_roster; /* opaque: see roster.c */
struct lf_roster_entry;

/* A watch's place in the roster; lives in the watch. */
struct lf_roster_seat {
	struct lf_list node;
	struct lf_roster_entry *entry; /* NULL: not seated */
	/* From the list; NULL: not there, or no list: look for yourself. */
	void (*on_report)(const struct lf_report *report, void *arg);
	void *arg;
};

int lf_roster_new(struct lf_roster **ret, struct lf_line_feed *feed,
		  const char *list_uri);
void lf_roster_free(struct lf_roster *roster); /* NULL is fine */

/* on_report() is called at once. */
int lf_roster_sit(struct lf_roster *roster, struct lf_roster_seat *seat,
		  const char *uri);
void lf_roster_rise(struct lf_roster *roster, struct lf_roster_seat *seat);

#endif
