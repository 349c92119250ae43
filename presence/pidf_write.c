/*
 * presence/pidf_write.c - a lamp as a presence document (RFC 3863) with the
 * activities of RFC 4480, and as the older XPIDF.
 *
 * It is kept small: with its NOTIFY's head it must fit a UDP packet. What RFC
 * 4480 has no word for (ringing, do-not-disturb) is said in Cisco's, beside a
 * word that everybody knows.
 */
#include "presence/write.h"

#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/text.h"
#include "presence/lamp.h"

#include "core/banned.h"

#define CISCO "xmlns:ce=\"urn:cisco:params:xml:ns:pidf:rpid\""

/* By enum lf_display. */
static const struct shown {
	const char *basic; /* NULL: not said */
	const char *activity;
	const char *xpidf, *substatus;
} shown[] = {
	[LF_SHOW_UNKNOWN] = {NULL, "<r:unknown/>", "open", "unknown"},
	[LF_SHOW_AVAILABLE] = {"open", NULL, "open", "online"},
	[LF_SHOW_RINGING] = {"open", "<ce:alerting " CISCO "/>", "inuse",
			     "onthephone"},
	[LF_SHOW_BUSY] = {"open", "<r:busy/>", "open", "busy"},
	[LF_SHOW_ON_PHONE] = {"open", "<r:on-the-phone/>", "inuse",
			      "onthephone"},
	[LF_SHOW_AWAY] = {"open", "<r:away/>", "open", "away"},
	[LF_SHOW_DND] = {"open", "<r:busy/><ce:dnd " CISCO "/>", "open",
			 "busy"},
	[LF_SHOW_FWD_VOICEMAIL] = {"open", "<r:away/>", "open", "away"},
	[LF_SHOW_FWD_NUMBER] = {"open", NULL, "open", "online"},
	[LF_SHOW_OFFLINE] = {"closed", NULL, "closed", "offline"},
};

char *lf_number_hide(char *out, size_t size, const char *number,
		     unsigned digits)
{
	size_t len;

	lf_text_copy(out, size, number);
	len = strlen(out);
	while (digits-- > 0 && len > 0)
		out[--len] = '*';
	return out;
}

/* What a watcher is shown; BASIC keeps reachable or not. */
static enum lf_display display_of(const struct lf_writing *w)
{
	enum lf_display display = lf_lamp_display(w->lamp);

	if (w->level == LF_LEVEL_NOTHING)
		return LF_SHOW_UNKNOWN;
	if (w->level == LF_LEVEL_FULL || display == LF_SHOW_UNKNOWN ||
	    display == LF_SHOW_OFFLINE)
		return display;
	return LF_SHOW_AVAILABLE;
}

static void add_note(struct lf_buf *out, const struct lf_writing *w,
		     enum lf_display display)
{
	char target[64];

	if (w->level != LF_LEVEL_FULL)
		return;
	if (*w->lamp->message) {
		lf_buf_adds(out, "<dm:note>");
		lf_buf_add_xml(out, w->lamp->message);
		lf_buf_adds(out, "</dm:note>");
	} else if (display == LF_SHOW_FWD_NUMBER) {
		lf_buf_adds(out, "<dm:note>Forwarded to ");
		lf_buf_add_xml(out,
			       lf_number_hide(target, sizeof(target),
					      w->lamp->fwd_to, w->hide_digits));
		lf_buf_adds(out, "</dm:note>");
	} else if (display != LF_SHOW_AVAILABLE) {
		lf_buf_addf(out, "<dm:note>%s</dm:note>",
			    lf_display_text(display));
	}
}

static void add_tuple(struct lf_buf *out, const struct lf_writing *w,
		      const struct shown *s)
{
	char when[LF_RFC3339_SIZE];

	lf_buf_adds(out, "<tuple id=\"lamp\"><status>");
	if (s->basic)
		lf_buf_addf(out, "<basic>%s</basic>", s->basic);
	lf_buf_adds(out, "</status>");
	if (!w->is_part) {
		lf_buf_adds(out, "<contact priority=\"0.8\">");
		lf_buf_add_xml(out, w->uri);
		lf_buf_adds(out, "</contact>");
	}
	if (w->lamp->since_ms && w->level == LF_LEVEL_FULL && !w->is_part)
		lf_buf_addf(out, "<timestamp>%s</timestamp>",
			    lf_rfc3339(when, w->lamp->since_ms));
	lf_buf_adds(out, "</tuple>");
}

void lf_pidf_write(struct lf_buf *out, const struct lf_writing *w)
{
	enum lf_display display = display_of(w);
	const struct shown *s = &shown[display];

	lf_buf_adds(out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
		    "xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
		    "xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"");
	lf_buf_add_xml(out, w->uri);
	lf_buf_adds(out, "\">");
	add_tuple(out, w, s);
	lf_buf_adds(out, "<dm:person id=\"p\"><r:activities>");
	if (s->activity)
		lf_buf_adds(out, s->activity);
	lf_buf_adds(out, "</r:activities>");
	if (w->lamp->is_idle && w->level == LF_LEVEL_FULL)
		lf_buf_adds(out, "<r:user-input>idle</r:user-input>");
	add_note(out, w, display);
	lf_buf_adds(out, "</dm:person></presence>\n");
}

void lf_xpidf_write(struct lf_buf *out, const struct lf_writing *w)
{
	const struct shown *s = &shown[display_of(w)];

	/* No DOCTYPE: a careful reader refuses one. */
	lf_buf_adds(out, "<?xml version=\"1.0\"?>\n<presence>"
			 "<presentity uri=\"");
	lf_buf_add_xml(out, w->uri);
	lf_buf_adds(out, ";method=SUBSCRIBE\"/><atom id=\"1\"><address uri=\"");
	lf_buf_add_xml(out, w->uri);
	lf_buf_addf(out,
		    "\" priority=\"0.8\"><status status=\"%s\"/>"
		    "<msnsubstatus substatus=\"%s\"/></address></atom>"
		    "</presence>\n",
		    s->xpidf, s->substatus);
}
