/*
 * presence/pidf_facts.h - what a presence document may say, between pidf.c,
 * which gathers it wherever this writer has put it, and pidf_weigh.c, which
 * says what it means. For these two only.
 */
#ifndef LF_PRESENCE_PIDF_FACTS_H
#define LF_PRESENCE_PIDF_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "presence/pidf.h"
#include "presence/report.h"

/* RFC 4480, 3.2 and Cisco's own words; all that moves a lamp. */
enum lf_activity {
	ON_PHONE = 1 << 0,
	ALERTING = 1 << 1,
	BUSY = 1 << 2,    /* also for the telephone */
	ENGAGED = 1 << 3, /* busy as a person, the telephone may be free */
	DND = 1 << 4,
	AWAY = 1 << 5,
	AVAILABLE = 1 << 6,
	OFFLINE = 1 << 7,
	TERMINATED = 1 << 8, /* Cisco: the alerting is over */
	ABSENT = 1 << 9,     /* permanent-absence: away, phone by basic */
};

/* Everything that a document may say, before it is weighed. */
struct lf_facts {
	unsigned person, tuple; /* enum lf_activity */
	unsigned open, closed;  /* tuples */
	bool person_closed, person_open;
	bool is_idle, has_person, is_asterisk, is_freeswitch;
	char person_note[LF_REPORT_TEXT], tuple_note[LF_REPORT_TEXT];
	char top_note[LF_REPORT_TEXT];
	char word[LF_REPORT_TEXT]; /* what the lamp has no value for */
	char caller[LF_REPORT_NUMBER];
	int64_t since_ms;
};

/* The report that follows, but for what a note of this dialect adds. */
void lf_facts_weigh(struct lf_report *ret, const struct lf_facts *facts);
/* Who wrote it, if that is not known already. */
enum lf_dialect lf_facts_writer(const struct lf_facts *facts,
				enum lf_dialect dialect);

#endif
