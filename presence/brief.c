/* presence/brief.c - reports, kept small; see presence/brief.h. */
#include "presence/brief.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "presence/report.h"

#include "core/banned.h"

#define TEXTS 4

/* What a report says beside its condition counts only when that is OK. */
static bool is_ok(const struct lf_report *report)
{
	return report->cond == LF_COND_OK;
}

static void texts_of(const struct lf_report *report, const char *out[TEXTS])
{
	bool ok = is_ok(report);

	out[0] = ok && (report->knows & LF_KNOWS_FWD) ? report->fwd_to : "";
	out[1] = ok && (report->knows & LF_KNOWS_RICH) ? report->message : "";
	out[2] = ok && (report->knows & LF_KNOWS_LINE) ? report->peer : "";
	out[3] = report->hint;
}

static bool same_texts(const char *kept, const char *const texts[TEXTS])
{
	size_t i;

	for (i = 0; i < TEXTS; i++) {
		if (strcmp(kept ? kept : "", texts[i]))
			return false;
		if (kept)
			kept += strlen(kept) + 1;
	}
	return true;
}

static int keep_texts(struct lf_brief *brief, const char *const texts[TEXTS])
{
	size_t i, len, total = 0;
	char *at;

	if (same_texts(brief->texts, texts))
		return 0;
	for (i = 0; i < TEXTS; i++)
		total += strlen(texts[i]) + 1;
	free(brief->texts);
	brief->texts = NULL;
	if (total == TEXTS)
		return 0;
	at = brief->texts = malloc(total);
	if (!at)
		return -ENOMEM;
	for (i = 0; i < TEXTS; i++, at += len) {
		len = strlen(texts[i]) + 1;
		memcpy(at, texts[i], len);
	}
	return 0;
}

static void set_values(struct lf_brief *brief, const struct lf_report *report)
{
	uint8_t knows = is_ok(report) ? report->knows : 0;
	bool line = knows & LF_KNOWS_LINE, rich = knows & LF_KNOWS_RICH;
	bool voicemail = knows & LF_KNOWS_VOICEMAIL;

	brief->knows = knows;
	brief->cond = report->cond;
	brief->layers = report->layers;
	brief->line = line ? report->line : LF_TEL_UNKNOWN;
	brief->rich = rich ? report->rich : LF_RICH_UNKNOWN;
	brief->is_idle = rich && report->is_idle;
	brief->is_dnd = (knows & LF_KNOWS_DND) && report->is_dnd;
	brief->voicemails_new = voicemail ? report->voicemails_new : 0;
	brief->voicemails_old = voicemail ? report->voicemails_old : 0;
	brief->since_ms = report->since_ms;
}

int lf_brief_set(struct lf_brief *brief, const struct lf_report *report)
{
	const char *texts[TEXTS];
	int err;

	set_values(brief, report);
	brief->at_ms = report->at_ms;
	texts_of(report, texts);
	err = keep_texts(brief, texts);
	if (err && texts[0][0])
		brief->knows &= (uint8_t)~LF_KNOWS_FWD;
	return err;
}

bool lf_brief_is(const struct lf_brief *brief, const struct lf_report *report)
{
	struct lf_brief other = {0};
	const char *texts[TEXTS];

	set_values(&other, report);
	texts_of(report, texts);
	return brief->knows == other.knows && brief->cond == other.cond &&
	       brief->layers == other.layers && brief->line == other.line &&
	       brief->rich == other.rich && brief->is_dnd == other.is_dnd &&
	       brief->is_idle == other.is_idle &&
	       brief->since_ms == other.since_ms &&
	       brief->voicemails_new == other.voicemails_new &&
	       brief->voicemails_old == other.voicemails_old &&
	       same_texts(brief->texts, texts);
}

void lf_brief_get(const struct lf_brief *brief, struct lf_report *ret)
{
	const char *text = brief->texts ? brief->texts : "\0\0\0";

	ret->knows = brief->knows;
	ret->cond = brief->cond;
	ret->layers = brief->layers;
	ret->line = brief->line;
	ret->rich = brief->rich;
	ret->is_dnd = brief->is_dnd;
	ret->is_idle = brief->is_idle;
	ret->voicemails_new = brief->voicemails_new;
	ret->voicemails_old = brief->voicemails_old;
	ret->at_ms = brief->at_ms;
	ret->since_ms = brief->since_ms;
	lf_text_copy(ret->fwd_to, sizeof(ret->fwd_to), text);
	text += strlen(text) + 1;
	lf_text_copy(ret->message, sizeof(ret->message), text);
	text += strlen(text) + 1;
	lf_text_copy(ret->peer, sizeof(ret->peer), text);
	text += strlen(text) + 1;
	lf_text_copy(ret->hint, sizeof(ret->hint), text);
}

void lf_brief_done(struct lf_brief *brief)
{
	free(brief->texts);
	memset(brief, 0, sizeof(*brief));
}
