/* presence/note.c - the words that Asterisk and FreeSWITCH use. */
#include "presence/note.h"

#include <string.h>

#include "core/text.h"
#include "presence/report.h"

#include "core/banned.h"

struct word {
	const char *text;
	bool has_peer; /* and then a space and the other party */
	enum lf_tel line;
	enum lf_rich rich;
};

static const struct word asterisk_words[] = {
	{"Ready", false, LF_TEL_IDLE, LF_RICH_AVAILABLE},
	{"Ringing", false, LF_TEL_RINGING, LF_RICH_AVAILABLE},
	{"On the phone", false, LF_TEL_BUSY, LF_RICH_ON_PHONE},
	{"On hold", false, LF_TEL_BUSY, LF_RICH_ON_PHONE},
	{"Unavailable", false, LF_TEL_OFFLINE, LF_RICH_OFFLINE},
	{NULL},
};

static const struct word freeswitch_words[] = {
	{"Available", false, LF_TEL_IDLE, LF_RICH_AVAILABLE},
	{"Registered", false, LF_TEL_IDLE, LF_RICH_AVAILABLE},
	{"Unregistered", false, LF_TEL_OFFLINE, LF_RICH_OFFLINE},
	{"Ring", true, LF_TEL_RINGING, LF_RICH_AVAILABLE},
	{"Ringing", false, LF_TEL_RINGING, LF_RICH_AVAILABLE},
	{"Talk", true, LF_TEL_BUSY, LF_RICH_ON_PHONE},
	{"Hold", true, LF_TEL_BUSY, LF_RICH_ON_PHONE},
	{"On the phone", false, LF_TEL_BUSY, LF_RICH_ON_PHONE},
	{NULL},
};

/* What follows the word in the note, "" for nothing; NULL: another word. */
static const char *rest_of(const char *note, const struct word *word)
{
	if (!lf_text_starts(note, word->text))
		return NULL;
	note += strlen(word->text);
	if (!*note)
		return note;
	return word->has_peer && *note == ' ' ? note + 1 : NULL;
}

static bool take_word(struct lf_report *r, const struct word *word)
{
	const char *rest = rest_of(r->message, word);

	if (!rest)
		return false;
	r->line = (uint8_t)word->line;
	if (!r->is_dnd)
		r->rich = (uint8_t)word->rich;
	r->knows |= LF_KNOWS_LINE | LF_KNOWS_DND | LF_KNOWS_RICH;
	if (*rest)
		lf_text_copy(r->peer, sizeof(r->peer), rest);
	r->message[0] = '\0';
	return true;
}

static bool take_dnd(struct lf_report *r)
{
	if (!lf_text_equal(r->message, "Do Not Disturb"))
		return false;
	r->is_dnd = true;
	r->rich = LF_RICH_DND;
	r->knows |= LF_KNOWS_DND | LF_KNOWS_RICH;
	r->message[0] = '\0';
	return true;
}

void lf_note_apply(struct lf_report *report, enum lf_dialect writer)
{
	const struct word *word = writer == LF_DIALECT_ASTERISK ? asterisk_words
				  : writer == LF_DIALECT_FREESWITCH
					  ? freeswitch_words
					  : NULL;

	if (writer == LF_DIALECT_FREESWITCH && take_dnd(report))
		return;
	while (word && word->text && !take_word(report, word))
		word++;
}
