/*
 * presence/lamp.c - names and texts of a lamp's values, and the single word
 * that people see. Used by everybody who shows or stores one.
 */
#include "presence/lamp.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/banned.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *const tel_names[] = {
	[LF_TEL_UNKNOWN] = "unknown",
	[LF_TEL_IDLE] = "idle",
	[LF_TEL_RINGING] = "ringing",
	[LF_TEL_BUSY] = "busy",
	[LF_TEL_DND] = "dnd",
	[LF_TEL_FWD_VOICEMAIL] = "fwd_voicemail",
	[LF_TEL_FWD_NUMBER] = "fwd_number",
	[LF_TEL_OFFLINE] = "offline",
};

static const char *const rich_names[] = {
	[LF_RICH_UNKNOWN] = "unknown",   [LF_RICH_AVAILABLE] = "available",
	[LF_RICH_AWAY] = "away",         [LF_RICH_BUSY] = "busy",
	[LF_RICH_ON_PHONE] = "on_phone", [LF_RICH_DND] = "dnd",
	[LF_RICH_OFFLINE] = "offline",
};

static const struct {
	const char *name, *text;
} conds[] = {
	[LF_COND_OK] = {"ok", "OK"},
	[LF_COND_REQUESTING] = {"requesting", "Requesting"},
	[LF_COND_STALE] = {"stale", "No news from the server"},
	[LF_COND_ERROR] = {"error", "Error"},
	[LF_COND_ACCESS_DENIED] = {"access_denied", "Access denied"},
	[LF_COND_NOT_FOUND] = {"not_found", "Not found"},
	[LF_COND_NOT_CONFIGURED] = {"not_configured", "Server not configured"},
	[LF_COND_NOT_REQUESTED] = {"not_requested", "Not requested by anyone"},
};

static const char *const kind_names[] = {
	[LF_FEED_CTI] = "cti",     [LF_FEED_SIP] = "sip",
	[LF_FEED_TEAMS] = "teams", [LF_FEED_WEBEX] = "webex",
	[LF_FEED_LYNC] = "lync",
};

static const struct {
	const char *name, *text;
} displays[] = {
	[LF_SHOW_UNKNOWN] = {"unknown", "Unknown"},
	[LF_SHOW_AVAILABLE] = {"available", "Available"},
	[LF_SHOW_RINGING] = {"ringing", "Ringing"},
	[LF_SHOW_BUSY] = {"busy", "Busy"},
	[LF_SHOW_ON_PHONE] = {"on_phone", "On the phone"},
	[LF_SHOW_AWAY] = {"away", "Away"},
	[LF_SHOW_DND] = {"dnd", "Do not disturb"},
	[LF_SHOW_FWD_VOICEMAIL] = {"fwd_voicemail", "Forwarded to voice mail"},
	[LF_SHOW_FWD_NUMBER] = {"fwd_number", "Forwarded to phone number"},
	[LF_SHOW_OFFLINE] = {"offline", "Offline"},
};

const char *lf_tel_name(enum lf_tel tel)
{
	return tel < LEN(tel_names) ? tel_names[tel] : "unknown";
}

const char *lf_rich_name(enum lf_rich rich)
{
	return rich < LEN(rich_names) ? rich_names[rich] : "unknown";
}

const char *lf_cond_name(enum lf_cond cond)
{
	return cond < LEN(conds) ? conds[cond].name : "error";
}

const char *lf_cond_text(enum lf_cond cond)
{
	return cond < LEN(conds) ? conds[cond].text : "Error";
}

const char *lf_feed_kind_name(enum lf_feed_kind kind)
{
	return kind < LEN(kind_names) ? kind_names[kind] : "unknown";
}

const char *lf_display_name(enum lf_display display)
{
	return display < LEN(displays) ? displays[display].name : "unknown";
}

const char *lf_display_text(enum lf_display display)
{
	return display < LEN(displays) ? displays[display].text : "Unknown";
}

int lf_tel_parse(enum lf_tel *ret, const char *name)
{
	size_t i;

	for (i = 0; i < LEN(tel_names); i++)
		if (!strcmp(tel_names[i], name)) {
			*ret = (enum lf_tel)i;
			return 0;
		}
	return -EINVAL;
}

int lf_rich_parse(enum lf_rich *ret, const char *name)
{
	size_t i;

	for (i = 0; i < LEN(rich_names); i++)
		if (!strcmp(rich_names[i], name)) {
			*ret = (enum lf_rich)i;
			return 0;
		}
	return -EINVAL;
}

static enum lf_display tel_word(uint8_t tel)
{
	static const enum lf_display words[] = {
		[LF_TEL_UNKNOWN] = LF_SHOW_UNKNOWN,
		[LF_TEL_IDLE] = LF_SHOW_AVAILABLE,
		[LF_TEL_RINGING] = LF_SHOW_RINGING,
		[LF_TEL_BUSY] = LF_SHOW_BUSY,
		[LF_TEL_DND] = LF_SHOW_DND,
		[LF_TEL_FWD_VOICEMAIL] = LF_SHOW_FWD_VOICEMAIL,
		[LF_TEL_FWD_NUMBER] = LF_SHOW_FWD_NUMBER,
		[LF_TEL_OFFLINE] = LF_SHOW_OFFLINE,
	};

	return tel < LEN(words) ? words[tel] : LF_SHOW_UNKNOWN;
}

static enum lf_display rich_word(uint8_t rich)
{
	static const enum lf_display words[] = {
		[LF_RICH_UNKNOWN] = LF_SHOW_UNKNOWN,
		[LF_RICH_AVAILABLE] = LF_SHOW_AVAILABLE,
		[LF_RICH_AWAY] = LF_SHOW_AWAY,
		[LF_RICH_BUSY] = LF_SHOW_BUSY,
		[LF_RICH_ON_PHONE] = LF_SHOW_ON_PHONE,
		[LF_RICH_DND] = LF_SHOW_DND,
		[LF_RICH_OFFLINE] = LF_SHOW_OFFLINE,
	};

	return rich < LEN(words) ? words[rich] : LF_SHOW_UNKNOWN;
}

/* How much a word keeps a caller away; the stronger one is shown. */
static int strength(enum lf_display word)
{
	static const uint8_t strengths[] = {
		[LF_SHOW_UNKNOWN] = 0,       [LF_SHOW_OFFLINE] = 1,
		[LF_SHOW_AVAILABLE] = 2,     [LF_SHOW_AWAY] = 3,
		[LF_SHOW_BUSY] = 4,          [LF_SHOW_ON_PHONE] = 5,
		[LF_SHOW_RINGING] = 6,       [LF_SHOW_FWD_NUMBER] = 7,
		[LF_SHOW_FWD_VOICEMAIL] = 7, [LF_SHOW_DND] = 8,
	};

	return strengths[word];
}

static bool is_temporary(uint8_t cond)
{
	return cond == LF_COND_REQUESTING || cond == LF_COND_STALE ||
	       cond == LF_COND_ERROR;
}

enum lf_display lf_lamp_display(const struct lf_lamp *lamp)
{
	enum lf_display tel = tel_word(lamp->tel);
	enum lf_display rich = rich_word(lamp->rich);

	/*
	 * The phone may be in a call, we just cannot see it: a person who is
	 * "available" elsewhere must not turn that lamp to free.
	 */
	if (rich == LF_SHOW_AVAILABLE && is_temporary(lamp->tel_cond))
		return tel;
	return strength(rich) > strength(tel) ? rich : tel;
}

bool lf_lamp_equal(const struct lf_lamp *a, const struct lf_lamp *b)
{
	return a->tel == b->tel && a->line == b->line &&
	       a->tel_cond == b->tel_cond && a->rich == b->rich &&
	       a->rich_cond == b->rich_cond && a->tel_feed == b->tel_feed &&
	       a->rich_feed == b->rich_feed && a->is_dnd == b->is_dnd &&
	       a->is_idle == b->is_idle &&
	       a->voicemails_new == b->voicemails_new &&
	       a->voicemails_old == b->voicemails_old &&
	       !strcmp(a->fwd_to, b->fwd_to) &&
	       !strcmp(a->message, b->message) && !strcmp(a->peer, b->peer);
}
