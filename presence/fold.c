/* presence/fold.c - the documents of one line, made into one report. */
#include "presence/fold.h"

#include "core/text.h"
#include "presence/report.h"

#include "core/banned.h"

/* A line's calls decide, unless they say "none" of a phone that is not there */
static void fold_line(struct lf_report *to, const struct lf_report *from)
{
	bool is_better =
		!(to->knows & LF_KNOWS_LINE) || from->line == LF_TEL_RINGING ||
		from->line == LF_TEL_BUSY || to->line != LF_TEL_OFFLINE;

	if (!(from->knows & LF_KNOWS_LINE) || !is_better)
		return;
	to->line = from->line;
	if (from->peer[0])
		lf_text_copy(to->peer, sizeof(to->peer), from->peer);
	if (from->line != LF_TEL_RINGING && from->line != LF_TEL_BUSY)
		to->peer[0] = '\0';
}

void lf_fold(struct lf_report *to, const struct lf_report *from)
{
	uint8_t news = from->knows & (uint8_t)~to->knows;

	fold_line(to, from);
	if (news & LF_KNOWS_DND)
		to->is_dnd = from->is_dnd;
	if (news & LF_KNOWS_FWD)
		lf_text_copy(to->fwd_to, sizeof(to->fwd_to), from->fwd_to);
	if (news & LF_KNOWS_RICH) {
		to->rich = from->rich;
		to->is_idle = from->is_idle;
		lf_text_copy(to->message, sizeof(to->message), from->message);
	}
	if (news & LF_KNOWS_VOICEMAIL) {
		to->voicemails_new = from->voicemails_new;
		to->voicemails_old = from->voicemails_old;
	}
	if (!to->since_ms)
		to->since_ms = from->since_ms;
	if (!to->hint[0])
		lf_text_copy(to->hint, sizeof(to->hint), from->hint);
	to->knows |= from->knows;
}
