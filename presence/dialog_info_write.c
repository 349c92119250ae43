/*
 * presence/dialog_info_write.c - a lamp as a dialog-info document (RFC 4235),
 * for lamp keys. It is made from the line's state, so a call has no Call-ID
 * and no tags. The state is full, which is right after any gap, or partial for
 * who is known to have seen the last (agent_partial.c).
 */
#include "presence/write.h"

#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "presence/lamp.h"

#include "core/banned.h"

static void add_identity(struct lf_buf *out, const char *who, const char *uri)
{
	lf_buf_addf(out, "<%s><identity>", who);
	lf_buf_add_xml(out, uri);
	lf_buf_adds(out, "</identity><target uri=\"");
	lf_buf_add_xml(out, uri);
	lf_buf_addf(out, "\"/></%s>", who);
}

/* The host of the presentity's URI serves for a bare number. */
static void add_peer(struct lf_buf *out, const struct lf_writing *w)
{
	const char *at = strchr(w->uri, '@');
	struct lf_buf uri = {0};

	lf_buf_addf(&uri, "sip:%s%s", w->lamp->peer,
		    strchr(w->lamp->peer, '@') || !at ? "" : at);
	if (!lf_buf_error(&uri))
		add_identity(out, "remote", lf_buf_str(&uri));
	lf_buf_done(&uri);
}

/* The line under a forward or do-not-disturb is the one that rings. */
enum lf_tel lf_dialog_info_line(const struct lf_lamp *lamp)
{
	return lamp->tel == LF_TEL_RINGING || lamp->tel == LF_TEL_BUSY
		       ? (enum lf_tel)lamp->tel
		       : (enum lf_tel)lamp->line;
}

static void add_dialog(struct lf_buf *out, const struct lf_writing *w)
{
	bool is_ringing = lf_dialog_info_line(w->lamp) == LF_TEL_RINGING;

	lf_buf_addf(out, "<dialog id=\"call%u\"%s><state>%s</state>", w->call,
		    is_ringing ? " direction=\"recipient\"" : "",
		    is_ringing ? "early" : "confirmed");
	add_identity(out, "local", w->uri);
	if (*w->lamp->peer)
		add_peer(out, w);
	lf_buf_adds(out, "</dialog>");
}

void lf_dialog_info_write(struct lf_buf *out, const struct lf_writing *w)
{
	enum lf_tel line = lf_dialog_info_line(w->lamp);

	lf_buf_addf(out,
		    "<?xml version=\"1.0\"?>\n<dialog-info "
		    "xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "
		    "version=\"%u\" state=\"%s\" entity=\"",
		    w->version, w->is_partial ? "partial" : "full");
	lf_buf_add_xml(out, w->uri);
	lf_buf_adds(out, "\">");
	if (w->is_partial && w->ended)
		lf_buf_addf(out,
			    "<dialog id=\"call%u\"><state>terminated</state>"
			    "</dialog>",
			    w->ended);
	/* That there is a call is more than reachable or not. */
	if (w->level == LF_LEVEL_FULL &&
	    (line == LF_TEL_RINGING || line == LF_TEL_BUSY))
		add_dialog(out, w);
	lf_buf_adds(out, "</dialog-info>\n");
}
