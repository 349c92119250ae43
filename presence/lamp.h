/*
 * presence/lamp.h - what everybody sees of a person (S33-S40).
 *
 * Two layers, kept apart: the telephone and the person. Each has a condition
 * that says how much it is worth; a value other than "unknown" goes with the
 * condition LF_COND_OK only. What people see in one word is computed from
 * both by lf_lamp_display().
 */
#ifndef LF_PRESENCE_LAMP_H
#define LF_PRESENCE_LAMP_H

#include <stdbool.h>
#include <stdint.h>

enum lf_tel {
	LF_TEL_UNKNOWN,
	LF_TEL_IDLE,
	LF_TEL_RINGING,
	LF_TEL_BUSY,
	LF_TEL_DND,
	LF_TEL_FWD_VOICEMAIL,
	LF_TEL_FWD_NUMBER,
	LF_TEL_OFFLINE,
};

enum lf_rich {
	LF_RICH_UNKNOWN,
	LF_RICH_AVAILABLE,
	LF_RICH_AWAY,
	LF_RICH_BUSY,
	LF_RICH_ON_PHONE,
	LF_RICH_DND,
	LF_RICH_OFFLINE,
};

/* S37, S38; "stale": the source fell silent, the last value is not shown. */
enum lf_cond {
	LF_COND_OK,
	LF_COND_REQUESTING,
	LF_COND_STALE,
	LF_COND_ERROR,
	LF_COND_ACCESS_DENIED,
	LF_COND_NOT_FOUND,
	LF_COND_NOT_CONFIGURED,
	LF_COND_NOT_REQUESTED,
};

/* What kind of source a value came from; also the precedence (S40, S42). */
enum lf_feed_kind {
	LF_FEED_CTI,
	LF_FEED_SIP,
	LF_FEED_TEAMS,
	LF_FEED_WEBEX,
	LF_FEED_LYNC,
	LF_FEED_KINDS
};

/* S35: the single word. */
enum lf_display {
	LF_SHOW_UNKNOWN,
	LF_SHOW_AVAILABLE,
	LF_SHOW_RINGING,
	LF_SHOW_BUSY,
	LF_SHOW_ON_PHONE,
	LF_SHOW_AWAY,
	LF_SHOW_DND,
	LF_SHOW_FWD_VOICEMAIL,
	LF_SHOW_FWD_NUMBER,
	LF_SHOW_OFFLINE,
};

#define LF_FEED_NONE 255

struct lf_lamp {
	uint8_t tel;       /* enum lf_tel */
	uint8_t line;      /* enum lf_tel of the phone under dnd or forward */
	uint8_t tel_cond;  /* enum lf_cond */
	uint8_t rich;      /* enum lf_rich */
	uint8_t rich_cond; /* enum lf_cond */
	uint8_t tel_feed, rich_feed; /* index at the board, or LF_FEED_NONE */
	bool is_dnd, is_idle;        /* idle: present, but not at the keys */
	uint16_t voicemails_new, voicemails_old;
	int64_t since_ms; /* wall clock: when tel or rich last moved */
	/* Never NULL. Owned by the board, until the next change. */
	const char *fwd_to;  /* forward target as the feed says it */
	const char *message; /* custom status text */
	const char *peer;    /* remote party of the call */
};

const char *lf_tel_name(enum lf_tel tel);    /* "fwd_voicemail" */
const char *lf_rich_name(enum lf_rich rich); /* "on_phone" */
const char *lf_cond_name(enum lf_cond cond); /* "access_denied" */
const char *lf_cond_text(enum lf_cond cond); /* S37, S38: for people */
const char *lf_feed_kind_name(enum lf_feed_kind kind);  /* "cti", "sip" */
const char *lf_display_name(enum lf_display display);   /* "available" */
const char *lf_display_text(enum lf_display display);   /* S35: for people */
int lf_tel_parse(enum lf_tel *ret, const char *name);   /* -EINVAL */
int lf_rich_parse(enum lf_rich *ret, const char *name); /* -EINVAL */

enum lf_display lf_lamp_display(const struct lf_lamp *lamp);
/* Equal in all that anybody is shown (`since_ms` aside). */
bool lf_lamp_equal(const struct lf_lamp *a, const struct lf_lamp *b);

#endif
