/*
 * presence/merge.c - all reports about a person, made into one lamp, and the
 * reason why. The board calls it for every report; `why` calls it again.
 *
 * The inputs are ranked once for each layer; every attribute then goes to the
 * first source in that order which knows it. Ranking by what an input *is*,
 * never by where it stands in the array, makes the order of arrival
 * irrelevant.
 */
#include "presence/merge.h"

#include <ctype.h>
#include <string.h>

#include "core/text.h"
#include "presence/report.h"

#include "core/banned.h"

static const struct lf_policy no_policy = {LF_FEED_SIP, "", ""};

struct merging {
	const struct lf_input *inputs;
	size_t n;
	const struct lf_policy *policy;
	uint8_t order[LF_MERGE_MAX]; /* of the layer that is being merged */
	struct lf_trace *trace;
};

static const struct lf_report *report_of(const struct merging *m, int i)
{
	return m->inputs[i].report;
}

static unsigned tel_rank(const struct merging *m, const struct lf_input *in)
{
	return (unsigned)in->kind << 16 | (unsigned)!in->is_preferred << 8 |
	       in->feed;
}

static unsigned rich_rank(const struct merging *m, const struct lf_input *in)
{
	return (unsigned)(in->kind != m->policy->winning) << 24 |
	       tel_rank(m, in);
}

static void sort_inputs(struct merging *m,
			unsigned (*rank)(const struct merging *,
					 const struct lf_input *))
{
	unsigned ranks[LF_MERGE_MAX], r;
	size_t i, j;

	for (i = 0; i < m->n; i++) {
		r = rank(m, &m->inputs[i]);
		for (j = i; j > 0 && ranks[j - 1] > r; j--) {
			ranks[j] = ranks[j - 1];
			m->order[j] = m->order[j - 1];
		}
		ranks[j] = r;
		m->order[j] = (uint8_t)i;
	}
}

/* Of a layer: a report that has not spoken yet may turn out to serve it. */
static bool serves(const struct lf_report *r, unsigned layer)
{
	return (r->layers | r->knows) & layer ||
	       r->cond == LF_COND_NOT_REQUESTED;
}

static bool knows(const struct lf_report *r, unsigned what)
{
	if (r->cond != LF_COND_OK || !(r->knows & what))
		return false;
	if (what == LF_KNOWS_LINE)
		return r->line != LF_TEL_UNKNOWN;
	if (what == LF_KNOWS_RICH)
		return r->rich != LF_RICH_UNKNOWN;
	return true;
}

static uint8_t *verdict_of(struct lf_trace_input *in, unsigned what)
{
	switch (what) {
	case LF_KNOWS_LINE:
		return &in->line;
	case LF_KNOWS_DND:
		return &in->dnd;
	case LF_KNOWS_FWD:
		return &in->fwd;
	default:
		return &in->rich;
	}
}

static void note_verdicts(struct merging *m, unsigned what, int decided)
{
	unsigned layer = what == LF_KNOWS_RICH ? LF_KNOWS_RICH : LF_KNOWS_LINE;
	enum lf_verdict v;
	int i;

	for (i = 0; i < (int)m->n; i++) {
		if (i == decided)
			v = LF_VERDICT_DECIDED;
		else if (knows(report_of(m, i), what))
			v = LF_VERDICT_OUTRANKED;
		else if (report_of(m, i)->cond != LF_COND_OK &&
			 serves(report_of(m, i), layer))
			v = LF_VERDICT_CONDITION;
		else
			v = LF_VERDICT_NOTHING;
		*verdict_of(&m->trace->inputs[i], what) = (uint8_t)v;
	}
}

/* The first input in order that knows it; -1: none. */
static int decide(struct merging *m, unsigned what)
{
	int found = -1;
	size_t k;

	for (k = 0; k < m->n && found < 0; k++)
		if (knows(report_of(m, m->order[k]), what))
			found = m->order[k];
	if (m->trace && what != LF_KNOWS_VOICEMAIL)
		note_verdicts(m, what, found);
	return found;
}

/* Rule 5: what is worth telling when there is no value; lower is better. */
static int cond_class(uint8_t cond)
{
	switch (cond) {
	case LF_COND_REQUESTING:
	case LF_COND_STALE:
	case LF_COND_ERROR:
		return 0;
	case LF_COND_OK:
		return 1;
	case LF_COND_ACCESS_DENIED:
	case LF_COND_NOT_FOUND:
		return 2;
	case LF_COND_NOT_CONFIGURED:
		return 3;
	default:
		return 4;
	}
}

static void explain_absence(const struct merging *m, unsigned layer,
			    uint8_t *ret_cond, uint8_t *ret_feed)
{
	const struct lf_input *in;
	int best = 5, class;
	size_t k;

	*ret_cond = LF_COND_NOT_CONFIGURED;
	*ret_feed = LF_FEED_NONE;
	for (k = 0; k < m->n; k++) {
		in = &m->inputs[m->order[k]];
		class = cond_class(in->report->cond);
		if (class >= best || !serves(in->report, layer))
			continue;
		best = class;
		*ret_cond = in->report->cond;
		*ret_feed = in->feed;
	}
}

static enum lf_tel_rule forward_rule(const struct lf_policy *policy,
				     const char *to)
{
	if (policy->voicemail && lf_number_equal(to, policy->voicemail))
		return LF_RULE_FWD_USER_VM;
	if (policy->pilot && lf_number_equal(to, policy->pilot))
		return LF_RULE_FWD_PILOT;
	return LF_RULE_FWD_NUMBER;
}

/* Gathers line, dnd and forward; returns the input that decides, or -1. */
static int overlay(struct merging *m, struct lf_lamp *lamp,
		   enum lf_tel_rule *ret_rule)
{
	int line = decide(m, LF_KNOWS_LINE);
	int dnd = decide(m, LF_KNOWS_DND);
	int fwd = decide(m, LF_KNOWS_FWD);

	if (line >= 0) {
		lamp->line = report_of(m, line)->line;
		lamp->peer = report_of(m, line)->peer;
	}
	if (dnd >= 0)
		lamp->is_dnd = report_of(m, dnd)->is_dnd;
	if (fwd >= 0)
		lamp->fwd_to = report_of(m, fwd)->fwd_to;

	if (lamp->is_dnd) {
		*ret_rule = LF_RULE_DND;
		lamp->tel = LF_TEL_DND;
		return dnd;
	}
	if (lamp->fwd_to[0]) {
		*ret_rule = forward_rule(m->policy, lamp->fwd_to);
		lamp->tel = *ret_rule == LF_RULE_FWD_NUMBER
				    ? LF_TEL_FWD_NUMBER
				    : LF_TEL_FWD_VOICEMAIL;
		return fwd;
	}
	*ret_rule = line >= 0 ? LF_RULE_LINE : LF_RULE_NO_SOURCE;
	lamp->tel = lamp->line;
	return line;
}

static void merge_tel(struct merging *m, struct lf_lamp *lamp)
{
	enum lf_tel_rule rule;
	int decided, mail;

	sort_inputs(m, tel_rank);
	decided = overlay(m, lamp, &rule);
	if (m->trace)
		m->trace->tel_rule = rule;
	if (decided < 0)
		explain_absence(m, LF_KNOWS_LINE, &lamp->tel_cond,
				&lamp->tel_feed);
	else
		lamp->tel_feed = m->inputs[decided].feed;

	mail = decide(m, LF_KNOWS_VOICEMAIL);
	if (mail >= 0) {
		lamp->voicemails_new = report_of(m, mail)->voicemails_new;
		lamp->voicemails_old = report_of(m, mail)->voicemails_old;
	}
}

static enum lf_rich_rule rich_rule_of(const struct merging *m, int decided)
{
	if (decided < 0)
		return LF_RULE_RICH_NONE;
	return m->inputs[decided].kind == m->policy->winning
		       ? LF_RULE_RICH_WINNER
		       : LF_RULE_RICH_FALLBACK;
}

static void merge_rich(struct merging *m, struct lf_lamp *lamp)
{
	int decided;

	sort_inputs(m, rich_rank);
	decided = decide(m, LF_KNOWS_RICH);
	if (m->trace)
		m->trace->rich_rule = rich_rule_of(m, decided);
	if (decided < 0) {
		explain_absence(m, LF_KNOWS_RICH, &lamp->rich_cond,
				&lamp->rich_feed);
		return;
	}
	lamp->rich = report_of(m, decided)->rich;
	lamp->is_idle = report_of(m, decided)->is_idle;
	lamp->message = report_of(m, decided)->message;
	lamp->rich_feed = m->inputs[decided].feed;
}

void lf_merge(const struct lf_input *inputs, size_t n,
	      const struct lf_policy *policy, struct lf_lamp *ret_lamp,
	      struct lf_trace *ret_trace)
{
	struct merging m = {.inputs = inputs,
			    .n = n < LF_MERGE_MAX ? n : LF_MERGE_MAX,
			    .policy = policy ? policy : &no_policy,
			    .trace = ret_trace};

	memset(ret_lamp, 0, sizeof(*ret_lamp));
	ret_lamp->fwd_to = ret_lamp->message = ret_lamp->peer = "";
	if (ret_trace) {
		memset(ret_trace, 0, sizeof(*ret_trace));
		ret_trace->n = m.n;
	}
	merge_tel(&m, ret_lamp);
	merge_rich(&m, ret_lamp);
}

const char *lf_verdict_text(enum lf_verdict verdict)
{
	switch (verdict) {
	case LF_VERDICT_NOTHING:
		return "has nothing to say about it";
	case LF_VERDICT_DECIDED:
		return "decides";
	case LF_VERDICT_OUTRANKED:
		return "outranked";
	case LF_VERDICT_CONDITION:
		return "its condition is not OK";
	}
	return "";
}

const char *lf_tel_rule_text(enum lf_tel_rule rule)
{
	switch (rule) {
	case LF_RULE_NO_SOURCE:
		return "no source has a value";
	case LF_RULE_LINE:
		return "the state of the line";
	case LF_RULE_DND:
		return "do not disturb covers all else";
	case LF_RULE_FWD_NUMBER:
		return "forwarded to a number";
	case LF_RULE_FWD_USER_VM:
		return "forwarded to the user's voicemail number";
	case LF_RULE_FWD_PILOT:
		return "forwarded to the voicemail pilot";
	}
	return "";
}

const char *lf_rich_rule_text(enum lf_rich_rule rule)
{
	switch (rule) {
	case LF_RULE_RICH_NONE:
		return "no source has a value";
	case LF_RULE_RICH_WINNER:
		return "the winning technology";
	case LF_RULE_RICH_FALLBACK:
		return "the winning technology has no value: the next one";
	}
	return "";
}

/* Skips a display name and a scheme: what is left starts with the number. */
static const char *user_part(const char *uri)
{
	static const char *const schemes[] = {"sip:", "sips:", "tel:"};
	const char *angle = strchr(uri, '<');
	size_t i;

	if (angle)
		uri = angle + 1;
	while (*uri == ' ' || *uri == '\t')
		uri++;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (lf_text_starts(uri, schemes[i]))
			return uri + strlen(schemes[i]);
	return uri;
}

/* The next character that counts, in lower case; 0 at the end. */
static int next_significant(const char **p)
{
	int c;

	while (**p && strchr(" \t-.()/+", **p))
		++*p;
	if (!**p || strchr("@;>?,:", **p))
		return 0;
	c = tolower((unsigned char)**p);
	++*p;
	return c;
}

bool lf_number_equal(const char *a, const char *b)
{
	int ca, cb;
	bool any = false;

	a = user_part(a);
	b = user_part(b);
	for (;; any = true) {
		ca = next_significant(&a);
		cb = next_significant(&b);
		if (ca != cb)
			return false;
		if (!ca)
			return any;
	}
}
