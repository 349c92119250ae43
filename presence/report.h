/*
 * presence/report.h - what one feed claims about one person: parsed, bounded,
 * a plain value. A parser fills it, the board keeps the newest per feed.
 */
#ifndef LF_PRESENCE_REPORT_H
#define LF_PRESENCE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "presence/lamp.h"

#define LF_REPORT_TEXT 160 /* bytes of a custom message */
#define LF_REPORT_NUMBER 64

/* What a report knows. What it does not know, another feed may. */
enum lf_knows {
	LF_KNOWS_LINE = 1 << 0, /* idle, ringing, busy, offline */
	LF_KNOWS_DND = 1 << 1,
	LF_KNOWS_FWD = 1 << 2,
	LF_KNOWS_RICH = 1 << 3,
	LF_KNOWS_VOICEMAIL = 1 << 4,
};

struct lf_report {
	uint8_t knows; /* enum lf_knows, with LF_COND_OK only */
	uint8_t cond;  /* enum lf_cond: of this feed for this person */
	/* A feed serves these layers, whether or not it has a value now:
	 * LF_KNOWS_LINE for telephony, LF_KNOWS_RICH for rich presence. */
	uint8_t layers;
	uint8_t line; /* enum lf_tel: IDLE RINGING BUSY OFFLINE UNKNOWN */
	uint8_t rich; /* enum lf_rich */
	bool is_dnd, is_idle;
	uint16_t voicemails_new, voicemails_old;
	int64_t at_ms;    /* lf_mono_ms() of its arrival */
	int64_t since_ms; /* wall clock, from the document; 0: not said */
	char fwd_to[LF_REPORT_NUMBER]; /* "" with LF_KNOWS_FWD: not forwarded */
	char message[LF_REPORT_TEXT];
	char peer[LF_REPORT_NUMBER];
	char hint[LF_REPORT_TEXT]; /* for `why`: "403 Forbidden", ... */
};

#endif
