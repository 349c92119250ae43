/*
 * presence/merge.h - all reports about a person, made into one lamp, and the
 * reason why. Pure: no clock, no allocation, no I/O (S35-S42).
 *
 *  1. Telephony: CTI before SIP; among SIP feeds the preferred one, then the
 *     order of the configuration (S40, S41). Each of line, do-not-disturb and
 *     forward comes from the first source that is OK and knows it.
 *  2. DND over forwarded over ringing, busy, idle; the line stays visible in
 *     lamp.line (S39).
 *  3. A forward target equal to the user's voicemail number or the pilot is
 *     voicemail, any other is a number (S36, S88).
 *  4. Rich: the winning technology first; if it has no value, the next one in
 *     the order of enum lf_feed_kind (S42).
 *  5. No value anywhere: unknown, with the condition of the best source: a
 *     temporary condition (requesting, stale, error), then OK without a value,
 *     then a final one (access denied, not found), then not configured, then
 *     not requested.
 */
#ifndef LF_PRESENCE_MERGE_H
#define LF_PRESENCE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/lamp.h"

struct lf_report;

#define LF_MERGE_MAX 16 /* inputs */

struct lf_input {
	const struct lf_report *report; /* cond NOT_REQUESTED until it speaks */
	uint8_t feed;                   /* index at the board */
	uint8_t kind;                   /* enum lf_feed_kind */
	bool is_preferred;              /* S41 */
};

struct lf_policy {
	enum lf_feed_kind winning; /* S42; default LF_FEED_SIP */
	const char *voicemail;     /* the user's number; "" for none */
	const char *pilot;         /* S47; "" for none */
};

/* Why an input did or did not decide an attribute. */
enum lf_verdict {
	LF_VERDICT_NOTHING,   /* does not know this attribute */
	LF_VERDICT_DECIDED,   /* its value is shown */
	LF_VERDICT_OUTRANKED, /* knew it; a source above it decided */
	LF_VERDICT_CONDITION, /* its condition is not ok */
};

enum lf_tel_rule {
	LF_RULE_NO_SOURCE,
	LF_RULE_LINE,        /* the line itself */
	LF_RULE_DND,         /* do-not-disturb covers all else */
	LF_RULE_FWD_NUMBER,  /* forwarded, to a number */
	LF_RULE_FWD_USER_VM, /* ..., to the user's voicemail number */
	LF_RULE_FWD_PILOT,   /* ..., to the voicemail pilot */
};

enum lf_rich_rule {
	LF_RULE_RICH_NONE,
	LF_RULE_RICH_WINNER,   /* the winning technology has a value */
	LF_RULE_RICH_FALLBACK, /* it has none: the next one's */
};

struct lf_trace {
	size_t n;
	struct lf_trace_input {
		uint8_t line, dnd, fwd, rich; /* enum lf_verdict */
	} inputs[LF_MERGE_MAX];
	enum lf_tel_rule tel_rule;
	enum lf_rich_rule rich_rule;
};

/* lamp's texts point into the reports. `trace` may be NULL. More than
 * LF_MERGE_MAX inputs: the rest is ignored. since_ms is left 0. */
void lf_merge(const struct lf_input *inputs, size_t n,
	      const struct lf_policy *policy, struct lf_lamp *ret_lamp,
	      struct lf_trace *ret_trace);

const char *lf_verdict_text(enum lf_verdict verdict);
const char *lf_tel_rule_text(enum lf_tel_rule rule);
const char *lf_rich_rule_text(enum lf_rich_rule rule);

/* Digits of both, without separators and a leading "sip:"/"tel:" or domain. */
bool lf_number_equal(const char *a, const char *b);

#endif
