/* presence/pidf_weigh.c - what the facts of a presence document mean. */
#include "presence/pidf_facts.h"

#include "core/text.h"

#include "core/banned.h"

static bool is_closed(const struct lf_facts *f)
{
	if (f->open)
		return false;
	return f->closed || (f->person_closed && !f->person_open);
}

static enum lf_tel line_of(const struct lf_facts *f)
{
	unsigned all = f->person | f->tuple;

	if (all & (ON_PHONE | BUSY))
		return LF_TEL_BUSY;
	if ((all & ALERTING) && !(all & TERMINATED))
		return LF_TEL_RINGING;
	if (is_closed(f) || (f->person & (OFFLINE | AVAILABLE)) == OFFLINE)
		return LF_TEL_OFFLINE;
	if (f->open || f->person_open || (all & (AVAILABLE | TERMINATED)))
		return LF_TEL_IDLE;
	return LF_TEL_UNKNOWN;
}

static enum lf_rich rich_of(const struct lf_facts *f)
{
	const unsigned moods = ~(unsigned)(ALERTING | TERMINATED);
	unsigned act = f->person & moods ? f->person : f->tuple;

	if (act & DND)
		return LF_RICH_DND;
	if (act & ON_PHONE)
		return LF_RICH_ON_PHONE;
	if (act & (BUSY | ENGAGED))
		return LF_RICH_BUSY;
	if (act & (AWAY | ABSENT))
		return LF_RICH_AWAY;
	if (act & AVAILABLE)
		return LF_RICH_AVAILABLE;
	if ((f->person & OFFLINE) || is_closed(f))
		return LF_RICH_OFFLINE;
	if (f->open || f->person_open)
		return LF_RICH_AVAILABLE;
	return LF_RICH_UNKNOWN;
}

void lf_facts_weigh(struct lf_report *r, const struct lf_facts *f)
{
	const char *note = *f->person_note  ? f->person_note
			   : *f->tuple_note ? f->tuple_note
			   : *f->top_note   ? f->top_note
					    : f->word;
	unsigned all = f->person | f->tuple;

	r->line = (uint8_t)line_of(f);
	r->rich = (uint8_t)rich_of(f);
	r->is_dnd = all & DND;
	r->is_idle = f->is_idle;
	r->since_ms = f->since_ms;
	r->knows = 0;
	if (r->line != LF_TEL_UNKNOWN)
		r->knows |= LF_KNOWS_LINE;
	if (r->rich != LF_RICH_UNKNOWN)
		r->knows |= LF_KNOWS_RICH;
	/* Whoever says nothing else does not say "may be disturbed" either. */
	if (r->knows)
		r->knows |= LF_KNOWS_DND;
	lf_text_copy(r->message, sizeof(r->message), note);
	if (r->line == LF_TEL_RINGING)
		lf_text_copy(r->peer, sizeof(r->peer), f->caller);
	if ((all & DND) && (all & ON_PHONE)) /* S26 */
		lf_text_copy(r->hint, sizeof(r->hint),
			     "do-not-disturb and on-the-phone together: is "
			     "\"Use DND status when user is on the phone\" on "
			     "at the presence server?");
}

/*
 * Asterisk without its supplement writes no person and no activities: then a
 * line in use is "open" like any other, and only the note tells.
 */
enum lf_dialect lf_facts_writer(const struct lf_facts *f,
				enum lf_dialect dialect)
{
	if (dialect != LF_DIALECT_AUTO)
		return dialect;
	if (f->is_freeswitch)
		return LF_DIALECT_FREESWITCH;
	if (f->is_asterisk || (!f->has_person && !f->tuple))
		return LF_DIALECT_ASTERISK;
	return LF_DIALECT_PLAIN;
}
