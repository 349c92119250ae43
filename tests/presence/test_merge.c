/*
 * tests/presence/test_merge.c - the lamp against an oracle that says the rules
 * of merge.h in another way: which of two sources beats the other, and who is
 * beaten by nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "presence/merge.h"
#include "presence/report.h"

#include "core/banned.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define ALL                                                                    \
	(LF_KNOWS_LINE | LF_KNOWS_DND | LF_KNOWS_FWD | LF_KNOWS_RICH |         \
	 LF_KNOWS_VOICEMAIL)

static const struct lf_policy policy = {LF_FEED_SIP, "8200", "sip:8000@vm"};

/* ---- the oracle ---- */

static bool has(const struct lf_input *in, unsigned what)
{
	const struct lf_report *r = in->report;

	return r->cond == LF_COND_OK && (r->knows & what) == what &&
	       !(what == LF_KNOWS_LINE && r->line == LF_TEL_UNKNOWN) &&
	       !(what == LF_KNOWS_RICH && r->rich == LF_RICH_UNKNOWN);
}

static bool beats(const struct lf_input *a, const struct lf_input *b,
		  unsigned what, enum lf_feed_kind winning)
{
	if (what == LF_KNOWS_RICH &&
	    (a->kind == winning) != (b->kind == winning))
		return a->kind == winning;
	if (a->kind != b->kind)
		return a->kind < b->kind;
	if (a->is_preferred != b->is_preferred)
		return a->is_preferred;
	return a->feed < b->feed;
}

/* The one that has it and is beaten by none that has it. */
static const struct lf_input *owner(const struct lf_input *in, size_t n,
				    unsigned what, enum lf_feed_kind winning)
{
	for (size_t i = 0; i < n; i++) {
		bool is_beaten = !has(&in[i], what);

		for (size_t j = 0; j < n; j++)
			is_beaten = is_beaten ||
				    (has(&in[j], what) &&
				     beats(&in[j], &in[i], what, winning));
		if (!is_beaten)
			return &in[i];
	}
	return NULL;
}

static bool is_of_layer(const struct lf_input *in, unsigned layer)
{
	return in->report->cond == LF_COND_NOT_REQUESTED ||
	       (in->report->layers & layer) || (in->report->knows & layer);
}

static void expect_absence(const struct lf_input *in, size_t n, unsigned layer,
			   enum lf_feed_kind winning, uint8_t *cond,
			   uint8_t *feed)
{
	static const unsigned groups[] = {
		1 << LF_COND_REQUESTING | 1 << LF_COND_STALE |
			1 << LF_COND_ERROR,
		1 << LF_COND_OK,
		1 << LF_COND_ACCESS_DENIED | 1 << LF_COND_NOT_FOUND,
		1 << LF_COND_NOT_CONFIGURED,
		1 << LF_COND_NOT_REQUESTED,
	};
	const struct lf_input *best = NULL;

	for (size_t g = 0; g < LEN(groups) && !best; g++) {
		for (size_t i = 0; i < n; i++) {
			if ((groups[g] & 1u << in[i].report->cond) &&
			    is_of_layer(&in[i], layer) &&
			    (!best || beats(&in[i], best, layer, winning)))
				best = &in[i];
		}
	}
	*cond = best ? best->report->cond : LF_COND_NOT_CONFIGURED;
	*feed = best ? best->feed : LF_FEED_NONE;
}

/* The targets that the tests use; "8200" and the pilot are the policy's. */
static enum lf_tel_rule expect_forward(const char *to)
{
	if (!strcmp(to, "8200") || !strcmp(to, "tel:82-00"))
		return LF_RULE_FWD_USER_VM;
	return !strcmp(to, "8000") ? LF_RULE_FWD_PILOT : LF_RULE_FWD_NUMBER;
}

static void expect_tel(const struct lf_input *in, size_t n, struct lf_lamp *l,
		       enum lf_tel_rule *rule)
{
	const struct lf_input *line = owner(in, n, LF_KNOWS_LINE, 0);
	const struct lf_input *dnd = owner(in, n, LF_KNOWS_DND, 0);
	const struct lf_input *fwd = owner(in, n, LF_KNOWS_FWD, 0);
	const struct lf_input *mail = owner(in, n, LF_KNOWS_VOICEMAIL, 0);
	const struct lf_input *decides = line;

	l->line = line ? line->report->line : LF_TEL_UNKNOWN;
	l->peer = line ? line->report->peer : "";
	l->is_dnd = dnd && dnd->report->is_dnd;
	l->fwd_to = fwd ? fwd->report->fwd_to : "";
	l->voicemails_new = mail ? mail->report->voicemails_new : 0;
	l->voicemails_old = mail ? mail->report->voicemails_old : 0;
	l->tel = l->line;
	*rule = line ? LF_RULE_LINE : LF_RULE_NO_SOURCE;
	if (*l->fwd_to) {
		decides = fwd;
		*rule = expect_forward(l->fwd_to);
		l->tel = *rule == LF_RULE_FWD_NUMBER ? LF_TEL_FWD_NUMBER
						     : LF_TEL_FWD_VOICEMAIL;
	}
	if (l->is_dnd) {
		decides = dnd;
		*rule = LF_RULE_DND;
		l->tel = LF_TEL_DND;
	}
	l->tel_cond = LF_COND_OK;
	if (decides)
		l->tel_feed = decides->feed;
	else
		expect_absence(in, n, LF_KNOWS_LINE, 0, &l->tel_cond,
			       &l->tel_feed);
}

static void expect_rich(const struct lf_input *in, size_t n,
			const struct lf_policy *p, struct lf_lamp *l,
			enum lf_rich_rule *rule)
{
	const struct lf_input *rich = owner(in, n, LF_KNOWS_RICH, p->winning);

	l->rich = rich ? rich->report->rich : LF_RICH_UNKNOWN;
	l->is_idle = rich && rich->report->is_idle;
	l->message = rich ? rich->report->message : "";
	l->rich_cond = LF_COND_OK;
	*rule = !rich                      ? LF_RULE_RICH_NONE
		: rich->kind == p->winning ? LF_RULE_RICH_WINNER
					   : LF_RULE_RICH_FALLBACK;
	if (rich)
		l->rich_feed = rich->feed;
	else
		expect_absence(in, n, LF_KNOWS_RICH, p->winning, &l->rich_cond,
			       &l->rich_feed);
}

static enum lf_verdict expect_verdict(const struct lf_input *in, size_t n,
				      size_t i, unsigned what,
				      enum lf_feed_kind winning)
{
	unsigned layer = what == LF_KNOWS_RICH ? LF_KNOWS_RICH : LF_KNOWS_LINE;

	if (owner(in, n, what, winning) == &in[i])
		return LF_VERDICT_DECIDED;
	if (has(&in[i], what))
		return LF_VERDICT_OUTRANKED;
	return in[i].report->cond != LF_COND_OK && is_of_layer(&in[i], layer)
		       ? LF_VERDICT_CONDITION
		       : LF_VERDICT_NOTHING;
}

static void check_verdicts(const struct lf_input *in, size_t n,
			   const struct lf_policy *p, const struct lf_trace *t)
{
	for (size_t i = 0; i < n; i++) {
		const struct lf_trace_input *v = &t->inputs[i];

		assert_int_equal(expect_verdict(in, n, i, LF_KNOWS_LINE, 0),
				 v->line);
		assert_int_equal(expect_verdict(in, n, i, LF_KNOWS_DND, 0),
				 v->dnd);
		assert_int_equal(expect_verdict(in, n, i, LF_KNOWS_FWD, 0),
				 v->fwd);
		assert_int_equal(
			expect_verdict(in, n, i, LF_KNOWS_RICH, p->winning),
			v->rich);
	}
}

static void check(const struct lf_input *in, size_t n,
		  const struct lf_policy *p)
{
	struct lf_lamp want, got;
	enum lf_rich_rule rich_rule;
	enum lf_tel_rule tel_rule;
	struct lf_trace t;

	memset(&want, 0, sizeof(want));
	expect_tel(in, n, &want, &tel_rule);
	expect_rich(in, n, p, &want, &rich_rule);
	memset(&got, 0x5a, sizeof(got));
	memset(&t, 0x5a, sizeof(t));
	lf_merge(in, n, p, &got, &t);
	assert_int_equal(n, t.n);
	assert_int_equal(tel_rule, t.tel_rule);
	assert_int_equal(rich_rule, t.rich_rule);
	assert_true(lf_lamp_equal(&want, &got));
	check_verdicts(in, n, p, &t);
}

/* ---- the tables ---- */

static const char *const targets[] = {"", "0401234", "8200", "8000"};

/* 0: off; then every line, dnd and forward; then every condition with values
 * that must not be shown. */
#define STATES (1 + 5 * 3 * 5 + 7)

static bool make_state(struct lf_report *r, unsigned i)
{
	static const uint8_t lines[] = {LF_TEL_UNKNOWN, LF_TEL_IDLE,
					LF_TEL_RINGING, LF_TEL_BUSY,
					LF_TEL_OFFLINE};

	memset(r, 0, sizeof(*r));
	r->layers = LF_KNOWS_LINE;
	if (i-- == 0)
		return false;
	if (i >= 75) {
		r->cond = (uint8_t)(i - 75 + 1);
		r->knows = ALL;
		r->line = LF_TEL_BUSY;
		r->rich = LF_RICH_BUSY;
		r->is_dnd = true;
		memcpy(r->fwd_to, "8200", 5);
		return true;
	}
	r->line = lines[i % 5];
	r->knows = r->line ? LF_KNOWS_LINE : 0;
	i /= 5;
	r->knows |= i % 3 ? LF_KNOWS_DND : 0;
	r->is_dnd = i % 3 == 2;
	i /= 3;
	r->knows |= i ? LF_KNOWS_FWD : 0;
	if (i)
		memcpy(r->fwd_to, targets[i - 1], strlen(targets[i - 1]) + 1);
	return true;
}

/* CTI, two SIP feeds, and which of these is preferred. */
static void check_telephony(const unsigned states[3], int preferred)
{
	static const uint8_t kinds[] = {LF_FEED_CTI, LF_FEED_SIP, LF_FEED_SIP};
	struct lf_report reports[3];
	struct lf_input in[3];
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		if (!make_state(&reports[i], states[i]))
			continue;
		in[n++] = (struct lf_input){&reports[i], (uint8_t)i, kinds[i],
					    preferred == (int)i};
	}
	check(in, n, &policy);
}

static void every_mix_of_telephony_follows_the_rules(void **state)
{
	for (unsigned cti = 0; cti < STATES; cti++) {
		for (unsigned sip = 0; sip < STATES; sip++) {
			/* The second feed: no forward, each condition. */
			for (unsigned two = 0; two < STATES;
			     two += two == 15 ? 61 : 1) {
				const unsigned states[] = {cti, sip, two};

				for (int preferred = 0; preferred < 3;
				     preferred++)
					check_telephony(states, preferred);
			}
		}
	}
}

static void every_mix_of_technologies_follows_the_rules(void **state)
{
	static const uint8_t kinds[] = {LF_FEED_SIP, LF_FEED_SIP, LF_FEED_TEAMS,
					LF_FEED_WEBEX, LF_FEED_LYNC};
	static const uint8_t conds[] = {LF_COND_OK, LF_COND_OK, LF_COND_ERROR,
					LF_COND_NOT_FOUND};
	struct lf_policy p = policy;
	struct lf_report reports[5];
	struct lf_input in[5];

	for (unsigned mix = 0; mix < 3125 * LF_FEED_KINDS; mix++) {
		unsigned rest = mix / LF_FEED_KINDS;
		size_t n = 0;

		p.winning = mix % LF_FEED_KINDS;
		for (size_t i = 0; i < 5; i++, rest /= 5) {
			struct lf_report *r = &reports[n];

			if (rest % 5 == 4)
				continue;
			memset(r, 0, sizeof(*r));
			r->layers = r->knows = LF_KNOWS_RICH;
			r->cond = conds[rest % 5];
			r->rich = (uint8_t)(rest % 5 ? i + 1 : 0);
			in[n] = (struct lf_input){r, (uint8_t)i, kinds[i],
						  i == 1};
			n++;
		}
		check(in, n, &p);
	}
}

/* ---- anything at all, in any order ---- */

static uint32_t seed;

static unsigned roll(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void make_anything(struct lf_report *r)
{
	const char *to = targets[roll(LEN(targets))];

	memset(r, 0, sizeof(*r));
	r->knows = (uint8_t)roll(ALL + 1);
	r->cond = (uint8_t)(roll(2) ? LF_COND_OK
				    : roll(LF_COND_NOT_REQUESTED + 1));
	r->layers = (uint8_t)roll(ALL + 1);
	r->line = (uint8_t)(roll(5) ? roll(LF_TEL_BUSY + 1) : LF_TEL_OFFLINE);
	r->rich = (uint8_t)roll(LF_RICH_OFFLINE + 1);
	r->is_dnd = roll(2);
	r->is_idle = roll(2);
	r->voicemails_new = (uint16_t)roll(5);
	memcpy(r->fwd_to, to, strlen(to) + 1);
	r->peer[0] = (char)('a' + roll(26));
	r->message[0] = (char)('a' + roll(26));
}

static size_t make_inputs(struct lf_input *in, struct lf_report *reports)
{
	size_t n = roll(LF_MERGE_MAX + 1);

	for (size_t i = 0; i < n; i++) {
		make_anything(&reports[i]);
		in[i] = (struct lf_input){&reports[i], (uint8_t)i,
					  (uint8_t)roll(LF_FEED_KINDS),
					  !roll(3)};
	}
	return n;
}

static void shuffle(struct lf_input *in, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = roll((unsigned)i);
		struct lf_input other = in[i - 1];

		in[i - 1] = in[j];
		in[j] = other;
	}
}

static void the_order_of_inputs_changes_nothing(void **state)
{
	struct lf_report reports[LF_MERGE_MAX];
	struct lf_input in[LF_MERGE_MAX];
	struct lf_policy p = policy;
	struct lf_lamp a, b;

	seed = 1;
	for (int round = 0; round < 20000; round++) {
		size_t n = make_inputs(in, reports);

		p.winning = roll(LF_FEED_KINDS);
		lf_merge(in, n, &p, &a, NULL);
		shuffle(in, n);
		lf_merge(in, n, &p, &b, NULL);
		assert_true(lf_lamp_equal(&a, &b));
		check(in, n, &p);
	}
}

static void count_verdict(uint8_t verdict, const struct lf_input *in,
			  unsigned *decided)
{
	*decided += verdict == LF_VERDICT_DECIDED;
	if (verdict == LF_VERDICT_DECIDED || verdict == LF_VERDICT_OUTRANKED)
		assert_int_equal(LF_COND_OK, in->report->cond);
}

static void one_source_that_is_ok_decides_each_attribute(void **state)
{
	struct lf_report reports[LF_MERGE_MAX];
	struct lf_input in[LF_MERGE_MAX];
	struct lf_lamp lamp;
	struct lf_trace t;

	seed = 2;
	for (int round = 0; round < 20000; round++) {
		size_t n = make_inputs(in, reports);
		unsigned line = 0, dnd = 0, fwd = 0, rich = 0;

		lf_merge(in, n, &policy, &lamp, &t);
		for (size_t i = 0; i < n; i++) {
			count_verdict(t.inputs[i].line, &in[i], &line);
			count_verdict(t.inputs[i].dnd, &in[i], &dnd);
			count_verdict(t.inputs[i].fwd, &in[i], &fwd);
			count_verdict(t.inputs[i].rich, &in[i], &rich);
		}
		assert_int_equal(lamp.line != LF_TEL_UNKNOWN, line);
		assert_int_equal(lamp.rich != LF_RICH_UNKNOWN, rich);
		assert_true(dnd == 1 || (dnd == 0 && !lamp.is_dnd));
		assert_true(fwd == 1 || (fwd == 0 && !*lamp.fwd_to));
		assert_true(lamp.tel == LF_TEL_UNKNOWN ||
			    lamp.tel_cond == LF_COND_OK);
		assert_true(lamp.rich == LF_RICH_UNKNOWN ||
			    lamp.rich_cond == LF_COND_OK);
	}
}

static void a_source_that_is_not_ok_yields_no_value(void **state)
{
	struct lf_report reports[LF_MERGE_MAX];
	struct lf_input in[LF_MERGE_MAX];
	struct lf_lamp lamp;

	seed = 3;
	for (int round = 0; round < 5000; round++) {
		size_t n = make_inputs(in, reports);

		for (size_t i = 0; i < n; i++)
			reports[i].cond = (uint8_t)(1 + roll(7));
		lf_merge(in, n, &policy, &lamp, NULL);
		assert_int_equal(LF_TEL_UNKNOWN, lamp.tel);
		assert_int_equal(LF_TEL_UNKNOWN, lamp.line);
		assert_int_equal(LF_RICH_UNKNOWN, lamp.rich);
		assert_false(lamp.is_dnd || lamp.is_idle || *lamp.fwd_to ||
			     *lamp.peer || *lamp.message);
		assert_int_equal(0, lamp.voicemails_new);
		assert_int_not_equal(LF_COND_OK, lamp.tel_cond);
	}
}

/* ---- the requirements, row by row ---- */

#define ON(line_)                                                              \
	{                                                                      \
		.knows = LF_KNOWS_LINE, .line = LF_TEL_##line_                 \
	}
#define RICH(rich_)                                                            \
	{                                                                      \
		.knows = LF_KNOWS_RICH, .rich = LF_RICH_##rich_                \
	}
#define FWD(line_, to)                                                         \
	{                                                                      \
		.knows = LF_KNOWS_LINE | LF_KNOWS_FWD, .line = LF_TEL_##line_, \
		.fwd_to = to                                                   \
	}
#define COND(cond_)                                                            \
	{                                                                      \
		.cond = LF_COND_##cond_,                                       \
		.layers = LF_KNOWS_LINE | LF_KNOWS_RICH                        \
	}
#define NONE                                                                   \
	{                                                                      \
		.cond = LF_COND_NOT_CONFIGURED                                 \
	}

/* CTI, the preferred SIP feed, another one, and Teams. */
struct row {
	const char *name;
	struct lf_report cti, sip, other, teams;
	enum lf_feed_kind winning;
	enum lf_tel tel;
	enum lf_rich rich;
	enum lf_cond cond; /* of telephony */
	enum lf_display display;
};

#define W LF_FEED_SIP

static const struct row rows[] = {
	{"S35 available", NONE, ON(IDLE), NONE, NONE, W, LF_TEL_IDLE,
	 LF_RICH_UNKNOWN, LF_COND_OK, LF_SHOW_AVAILABLE},
	{"S35 busy", NONE, ON(BUSY), NONE, NONE, W, LF_TEL_BUSY,
	 LF_RICH_UNKNOWN, LF_COND_OK, LF_SHOW_BUSY},
	{"S35 offline", NONE, ON(OFFLINE), NONE, NONE, W, LF_TEL_OFFLINE,
	 LF_RICH_UNKNOWN, LF_COND_OK, LF_SHOW_OFFLINE},
	{"S35 offline phone, available person", NONE, ON(OFFLINE), NONE,
	 RICH(AVAILABLE), W, LF_TEL_OFFLINE, LF_RICH_AVAILABLE, LF_COND_OK,
	 LF_SHOW_AVAILABLE},
	{"S36, S88 user's voicemail", FWD(IDLE, "8200"), NONE, NONE, NONE, W,
	 LF_TEL_FWD_VOICEMAIL, LF_RICH_UNKNOWN, LF_COND_OK,
	 LF_SHOW_FWD_VOICEMAIL},
	{"S36, S88 written otherwise", FWD(IDLE, "sip:82-00@pbx.example"), NONE,
	 NONE, NONE, W, LF_TEL_FWD_VOICEMAIL, LF_RICH_UNKNOWN, LF_COND_OK,
	 LF_SHOW_FWD_VOICEMAIL},
	{"S36, S88 pilot", FWD(IDLE, "8000"), NONE, NONE, NONE, W,
	 LF_TEL_FWD_VOICEMAIL, LF_RICH_UNKNOWN, LF_COND_OK,
	 LF_SHOW_FWD_VOICEMAIL},
	{"S36 any other number", FWD(IDLE, "82001"), NONE, NONE, NONE, W,
	 LF_TEL_FWD_NUMBER, LF_RICH_UNKNOWN, LF_COND_OK, LF_SHOW_FWD_NUMBER},
	{"S37 denied", NONE, COND(ACCESS_DENIED), NONE, NONE, W, LF_TEL_UNKNOWN,
	 LF_RICH_UNKNOWN, LF_COND_ACCESS_DENIED, LF_SHOW_UNKNOWN},
	{"S37 a temporary error before a final one", NONE, COND(NOT_FOUND),
	 COND(ERROR), NONE, W, LF_TEL_UNKNOWN, LF_RICH_UNKNOWN, LF_COND_ERROR,
	 LF_SHOW_UNKNOWN},
	{"S38 requesting", NONE, COND(REQUESTING), NONE, NONE, W,
	 LF_TEL_UNKNOWN, LF_RICH_UNKNOWN, LF_COND_REQUESTING, LF_SHOW_UNKNOWN},
	{"S38 nobody asks", COND(NOT_REQUESTED), COND(NOT_REQUESTED),
	 COND(NOT_REQUESTED), COND(NOT_REQUESTED), W, LF_TEL_UNKNOWN,
	 LF_RICH_UNKNOWN, LF_COND_NOT_REQUESTED, LF_SHOW_UNKNOWN},
	{"S38 no server", NONE, NONE, NONE, NONE, W, LF_TEL_UNKNOWN,
	 LF_RICH_UNKNOWN, LF_COND_NOT_CONFIGURED, LF_SHOW_UNKNOWN},
	{"stale is not idle, whatever Teams says", NONE, COND(STALE), NONE,
	 RICH(AVAILABLE), W, LF_TEL_UNKNOWN, LF_RICH_AVAILABLE, LF_COND_STALE,
	 LF_SHOW_UNKNOWN},
	{"S39 dnd covers forwarded",
	 FWD(BUSY, "0401234"),
	 {.knows = LF_KNOWS_DND, .is_dnd = true},
	 NONE,
	 NONE,
	 W,
	 LF_TEL_DND,
	 LF_RICH_UNKNOWN,
	 LF_COND_OK,
	 LF_SHOW_DND},
	{"S39 forwarded covers busy", FWD(BUSY, "0401234"), NONE, NONE, NONE, W,
	 LF_TEL_FWD_NUMBER, LF_RICH_UNKNOWN, LF_COND_OK, LF_SHOW_FWD_NUMBER},
	{"S39 forwarded covers a person on the phone", FWD(BUSY, "0401234"),
	 NONE, NONE, RICH(ON_PHONE), W, LF_TEL_FWD_NUMBER, LF_RICH_ON_PHONE,
	 LF_COND_OK, LF_SHOW_FWD_NUMBER},
	{"S40 CTI wins", ON(IDLE), ON(BUSY), NONE, NONE, W, LF_TEL_IDLE,
	 LF_RICH_UNKNOWN, LF_COND_OK, LF_SHOW_AVAILABLE},
	{"S40 a broken CTI link does not", COND(ERROR), ON(BUSY), NONE, NONE, W,
	 LF_TEL_BUSY, LF_RICH_UNKNOWN, LF_COND_OK, LF_SHOW_BUSY},
	{"S41 the preferred server decides", NONE, ON(IDLE), ON(BUSY), NONE, W,
	 LF_TEL_IDLE, LF_RICH_UNKNOWN, LF_COND_OK, LF_SHOW_AVAILABLE},
	{"S41 the other one if it knows nothing", NONE, COND(NOT_FOUND),
	 ON(BUSY), NONE, W, LF_TEL_BUSY, LF_RICH_UNKNOWN, LF_COND_OK,
	 LF_SHOW_BUSY},
	{"S42 SipSimple wins", NONE, RICH(AVAILABLE), NONE, RICH(DND), W,
	 LF_TEL_UNKNOWN, LF_RICH_AVAILABLE, LF_COND_NOT_CONFIGURED,
	 LF_SHOW_AVAILABLE},
	{"S42 MSTeams wins", NONE, RICH(AVAILABLE), NONE, RICH(DND),
	 LF_FEED_TEAMS, LF_TEL_UNKNOWN, LF_RICH_DND, LF_COND_NOT_CONFIGURED,
	 LF_SHOW_DND},
	{"S42 the winner has no value",
	 NONE,
	 RICH(AWAY),
	 NONE,
	 {.cond = LF_COND_ERROR, .layers = LF_KNOWS_RICH},
	 LF_FEED_TEAMS,
	 LF_TEL_UNKNOWN,
	 LF_RICH_AWAY,
	 LF_COND_NOT_CONFIGURED,
	 LF_SHOW_AWAY},
};

static void check_row(const struct row *row)
{
	const struct lf_input in[] = {
		{&row->cti, 0, LF_FEED_CTI},
		{&row->other, 1, LF_FEED_SIP},
		{&row->sip, 2, LF_FEED_SIP, true},
		{&row->teams, 3, LF_FEED_TEAMS},
	};
	struct lf_policy p = policy;
	struct lf_lamp lamp;

	p.winning = row->winning;
	lf_merge(in, LEN(in), &p, &lamp, NULL);
	if (lamp.tel != row->tel || lamp.rich != row->rich ||
	    lamp.tel_cond != row->cond ||
	    lf_lamp_display(&lamp) != row->display)
		fail_msg("%s: %s, %s, %s, shown as %s", row->name,
			 lf_tel_name(lamp.tel), lf_rich_name(lamp.rich),
			 lf_cond_name(lamp.tel_cond),
			 lf_display_name(lf_lamp_display(&lamp)));
}

static void every_requirement_has_its_row(void **state)
{
	for (size_t i = 0; i < LEN(rows); i++)
		check_row(&rows[i]);
}

/* S39: "TAPI details always displayed". */
static void a_covered_line_stays_visible(void **state)
{
	const struct lf_report r = {.knows = LF_KNOWS_LINE | LF_KNOWS_DND |
					     LF_KNOWS_FWD,
				    .line = LF_TEL_RINGING,
				    .is_dnd = true,
				    .fwd_to = "0401234",
				    .peer = "777"};
	const struct lf_input in = {&r, 4, LF_FEED_CTI, false};
	struct lf_lamp lamp;

	lf_merge(&in, 1, &policy, &lamp, NULL);
	assert_int_equal(LF_TEL_DND, lamp.tel);
	assert_int_equal(LF_TEL_RINGING, lamp.line);
	assert_string_equal("777", lamp.peer);
	assert_string_equal("0401234", lamp.fwd_to);
	assert_int_equal(4, lamp.tel_feed);
}

static void numbers_are_equal_however_they_are_written(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_equal;
	} pairs[] = {
		{"8200", "8200", true},
		{"sip:8200@pbx.example;user=phone", "8200", true},
		{"\"Mail\" <sips:8200@h>", "tel:82-00", true},
		{"+39 (06) 12.34", "tel:+39061234", true},
		{"8200", "82001", false},
		{"8200", "820", false},
		{"", "", false},
		{"sip:@h", "", false},
		{"anna@h", "ANNA", true},
	};

	for (size_t i = 0; i < LEN(pairs); i++) {
		assert_int_equal(pairs[i].is_equal,
				 lf_number_equal(pairs[i].a, pairs[i].b));
		assert_int_equal(pairs[i].is_equal,
				 lf_number_equal(pairs[i].b, pairs[i].a));
	}
}

static void more_inputs_than_the_bound_are_ignored(void **state)
{
	struct lf_report idle = ON(IDLE), busy = ON(BUSY);
	struct lf_input in[LF_MERGE_MAX + 1];
	struct lf_trace t;
	struct lf_lamp lamp;

	for (size_t i = 0; i <= LF_MERGE_MAX; i++)
		in[i] = (struct lf_input){&idle, (uint8_t)i, LF_FEED_SIP};
	in[LF_MERGE_MAX] = (struct lf_input){&busy, 99, LF_FEED_CTI};
	lf_merge(in, LEN(in), NULL, &lamp, &t);
	assert_int_equal(LF_MERGE_MAX, t.n);
	assert_int_equal(LF_TEL_IDLE, lamp.tel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mix_of_telephony_follows_the_rules),
		cmocka_unit_test(every_mix_of_technologies_follows_the_rules),
		cmocka_unit_test(the_order_of_inputs_changes_nothing),
		cmocka_unit_test(one_source_that_is_ok_decides_each_attribute),
		cmocka_unit_test(a_source_that_is_not_ok_yields_no_value),
		cmocka_unit_test(every_requirement_has_its_row),
		cmocka_unit_test(a_covered_line_stays_visible),
		cmocka_unit_test(numbers_are_equal_however_they_are_written),
		cmocka_unit_test(more_inputs_than_the_bound_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
