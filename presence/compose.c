/* presence/compose.c - presence-feeds.md, section 1: the most restrictive wins.
 */
#include "presence/compose.h"

#include "core/text.h"
#include "presence/report.h"

#include "core/banned.h"

static int rank_of_rich(uint8_t rich)
{
	static const uint8_t order[] = {LF_RICH_UNKNOWN,   LF_RICH_OFFLINE,
					LF_RICH_AVAILABLE, LF_RICH_AWAY,
					LF_RICH_BUSY,      LF_RICH_ON_PHONE,
					LF_RICH_DND};

	for (int i = 0; i < (int)sizeof(order); i++)
		if (order[i] == rich)
			return i;
	return 0;
}

static int rank_of_line(uint8_t line)
{
	switch (line) {
	case LF_TEL_BUSY:
		return 4;
	case LF_TEL_RINGING:
		return 3;
	case LF_TEL_IDLE:
		return 2;
	case LF_TEL_OFFLINE:
		return 1;
	default:
		return 0;
	}
}

static void compose_rich(struct lf_report *sum, const struct lf_report *one)
{
	if (!(one->knows & LF_KNOWS_RICH))
		return;
	if ((sum->knows & LF_KNOWS_RICH) &&
	    rank_of_rich(one->rich) <= rank_of_rich(sum->rich))
		return;
	sum->knows |= LF_KNOWS_RICH;
	sum->rich = one->rich;
	sum->is_idle = one->is_idle;
	lf_text_copy(sum->message, sizeof(sum->message), one->message);
}

static void compose_line(struct lf_report *sum, const struct lf_report *one)
{
	if (!(one->knows & LF_KNOWS_LINE))
		return;
	if ((sum->knows & LF_KNOWS_LINE) &&
	    rank_of_line(one->line) <= rank_of_line(sum->line))
		return;
	sum->knows |= LF_KNOWS_LINE;
	sum->line = one->line;
	lf_text_copy(sum->peer, sizeof(sum->peer), one->peer);
}

void lf_compose(struct lf_report *sum, const struct lf_report *one)
{
	compose_rich(sum, one);
	compose_line(sum, one);
	if ((one->knows & LF_KNOWS_DND) && one->is_dnd) {
		sum->knows |= LF_KNOWS_DND;
		sum->is_dnd = true;
	}
	if ((one->knows & LF_KNOWS_VOICEMAIL) &&
	    !(sum->knows & LF_KNOWS_VOICEMAIL)) {
		sum->knows |= LF_KNOWS_VOICEMAIL;
		sum->voicemails_new = one->voicemails_new;
		sum->voicemails_old = one->voicemails_old;
	}
}
