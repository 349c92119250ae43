/*
 * sim/dialect.c - the documents that PBXs really send, written from their
 * descriptions and captures, never from our parser.
 */
#include "sim/phone.h"

#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"

#include "core/banned.h"

static const char *const state_names[PHONE_STATES] = {
	"offline", "idle", "ringing", "busy", "held",
};
static const char *const dialect_names[DIALECTS] = {
	"plain", "cucm", "cup", "asterisk", "freeswitch",
};

const char *phone_state_name(enum phone_state state)
{
	return state_names[state];
}

const char *dialect_name(enum dialect dialect)
{
	return dialect_names[dialect];
}

static int find(const char *const *names, int n, const char *word)
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(names[i], word))
			return i;
	}
	return -EINVAL;
}

int phone_state_parse(enum phone_state *ret, const char *word)
{
	int i = find(state_names, PHONE_STATES, word);

	if (i < 0)
		return i;
	*ret = (enum phone_state)i;
	return 0;
}

int dialect_parse(enum dialect *ret, const char *word)
{
	int i = find(dialect_names, DIALECTS, word);

	if (i < 0)
		return i;
	*ret = (enum dialect)i;
	return 0;
}

static bool has_call(const struct phone *p)
{
	return p->state == PHONE_BUSY || p->state == PHONE_HELD;
}

static const char *basic(bool is_open)
{
	return is_open ? "open" : "closed";
}

static void write_note(const struct phone *p, const char *element,
		       struct lf_buf *out)
{
	if (*p->stamp)
		lf_buf_addf(out, "<%s>%s</%s>", element, p->stamp, element);
}

/* RFC 3863, 4479, 4480: a tuple, and a person with activities. */
static void write_plain(const struct phone *p, const char *domain,
			struct lf_buf *out)
{
	char when[LF_RFC3339_SIZE];

	lf_buf_addf(out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
		    "xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
		    "xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" "
		    "entity=\"sip:%s@%s\"><tuple id=\"t%s\"><status><basic>%s"
		    "</basic></status><contact>sip:%s@%s</contact>",
		    p->ext, domain, p->ext, basic(p->state != PHONE_OFFLINE),
		    p->ext, domain);
	write_note(p, "note", out);
	lf_buf_addf(out,
		    "<timestamp>%s</timestamp></tuple><dm:person id=\"p%s\">"
		    "<rpid:activities>",
		    lf_rfc3339(when, lf_wall_ms()), p->ext);
	if (has_call(p))
		lf_buf_adds(out, "<rpid:on-the-phone/>");
	if (p->state == PHONE_RINGING)
		lf_buf_adds(out, "<alerting xmlns=\"urn:cisco:params:xml:ns:"
				 "pidf:rpid\"/>");
	if (p->is_dnd)
		lf_buf_adds(out, "<rpid:dnd/>");
	lf_buf_adds(out, "</rpid:activities></dm:person></presence>\n");
}

static void write_cucm_activities(const struct phone *p, struct lf_buf *out)
{
	lf_buf_adds(out, "<e:activities>");
	if (has_call(p))
		lf_buf_adds(out, "<e:on-the-phone/>");
	else if (p->state == PHONE_RINGING)
		lf_buf_adds(out, "<ce:alerting/>");
	else if (p->state == PHONE_IDLE && !p->is_dnd)
		lf_buf_adds(out, "<ce:available/>");
	if (p->is_dnd)
		lf_buf_adds(out, "<ce:dnd/>");
	lf_buf_adds(out, "</e:activities>");
}

/* The pre-standard RPID namespace; activities both in person and in tuple. */
static void write_cucm(const struct phone *p, const char *domain,
		       struct lf_buf *out)
{
	const char *word = basic(p->state != PHONE_OFFLINE);
	char when[LF_RFC3339_SIZE];

	lf_buf_addf(out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
		    "xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
		    "xmlns:e=\"urn:ietf:params:xml:ns:pidf:status:rpid\" "
		    "xmlns:ce=\"urn:cisco:params:xml:ns:pidf:rpid\" "
		    "entity=\"sip:%s@%s\"><dm:person><status><basic>%s</basic>"
		    "</status>",
		    p->ext, domain, word);
	write_cucm_activities(p, out);
	lf_buf_addf(out,
		    "</dm:person><tuple id=\"cmp-%s-9\"><status><basic>%s"
		    "</basic>",
		    p->ext, word);
	write_cucm_activities(p, out);
	lf_buf_addf(out,
		    "</status><contact priority=\"0.8\">sip:%s@%s</contact>",
		    p->ext, domain);
	write_note(p, "note", out);
	lf_buf_addf(out, "<timestamp>%s</timestamp></tuple></presence>\n",
		    lf_rfc3339(when, lf_wall_ms()));
}

/* The person is in Cisco's own namespace, one tuple per device. */
static void write_cup(const struct phone *p, const char *domain,
		      struct lf_buf *out)
{
	const char *state = p->is_dnd                   ? "dnd"
			    : p->state == PHONE_OFFLINE ? "unavailable"
			    : has_call(p)               ? "on-the-phone"
							: "available";

	lf_buf_addf(out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
		    "xmlns:c=\"urn:cisco:params:xml:ns:pidf:rpid\" "
		    "xmlns:ci=\"urn:ietf:params:xml:ns:pidf:cipid\" "
		    "entity=\"sip:%s@%s\"><c:person><c:activities><c:%s/>",
		    p->ext, domain, state);
	if (p->state == PHONE_RINGING)
		lf_buf_adds(out, "<c:alerting/>");
	lf_buf_addf(out,
		    "</c:activities></c:person><ci:display-name>%s"
		    "</ci:display-name><tuple id=\"cisco-upc\"><status><basic>"
		    "%s</basic></status></tuple>",
		    p->ext, basic(p->state != PHONE_OFFLINE));
	write_note(p, "note", out);
	lf_buf_adds(out, "</presence>\n");
}

/* Ringing and in-use are "open"; only the note and the supplement tell. */
static void write_asterisk(const struct phone *p, const char *domain,
			   struct lf_buf *out)
{
	static const char *const notes[PHONE_STATES] = {
		"Unavailable", "Ready", "Ringing", "On the phone", "On hold",
	};
	bool is_open = p->state == PHONE_IDLE || p->state == PHONE_RINGING ||
		       p->state == PHONE_BUSY;
	const char *activity = p->state == PHONE_IDLE      ? ""
			       : p->state == PHONE_OFFLINE ? "<ep:away/>"
							   : "<ep:busy/>";

	lf_buf_addf(out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<presence entity=\"sip:%s@%s\" "
		    "xmlns=\"urn:ietf:params:xml:ns:pidf\" "
		    "xmlns:pp=\"urn:ietf:params:xml:ns:pidf:person\" "
		    "xmlns:ep=\"urn:ietf:params:xml:ns:pidf:rpid:rpid-person\">"
		    "<note>%s</note><tuple id=\"%s\"><status><basic>%s</basic>"
		    "</status><contact priority=\"1\">sip:%s@%s</contact>"
		    "</tuple><pp:person><status>%s</status></pp:person>"
		    "</presence>\n",
		    p->ext, domain, *p->stamp ? p->stamp : notes[p->state],
		    p->ext, basic(is_open), p->ext, domain, activity);
}

/* The state is in the person's note; activities may be empty. */
static void write_freeswitch(const struct phone *p, const char *domain,
			     struct lf_buf *out)
{
	static const char *const words[PHONE_STATES] = {
		"Unregistered", "Available", "Ring ", "Talk ", "Hold ",
	};
	const char *note = p->is_dnd ? "Do Not Disturb" : words[p->state];

	lf_buf_addf(out,
		    "<?xml version='1.0' encoding='UTF-8'?>\n"
		    "<presence xmlns='urn:ietf:params:xml:ns:pidf' "
		    "xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' "
		    "xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' "
		    "entity='pres:%s@%s'><presentity uri='%s@%s'/>"
		    "<atom id='1002'/><tuple id='t6a5ed77e'><status><basic>%s"
		    "</basic></status></tuple><dm:person id='p06360c4a'>"
		    "<rpid:activities>%s</rpid:activities><dm:note>%s%s"
		    "</dm:note></dm:person></presence>\n",
		    p->ext, domain, p->ext, domain,
		    basic(p->state != PHONE_OFFLINE),
		    has_call(p) ? "<rpid:on-the-phone/>" : "",
		    *p->stamp ? p->stamp : note,
		    *p->stamp || p->is_dnd ? "" : p->peer);
}

void phone_write_pidf(const struct phone *phone, enum dialect dialect,
		      const char *domain, struct lf_buf *out)
{
	static void (*const writers[DIALECTS])(
		const struct phone *, const char *, struct lf_buf *) = {
		write_plain,    write_cucm,       write_cup,
		write_asterisk, write_freeswitch,
	};

	writers[dialect](phone, domain, out);
}

/* Asterisk: the id is the extension, no tags, "terminated" means idle. */
static void write_asterisk_dialog(const struct phone *p, struct lf_buf *out)
{
	const char *state = p->state == PHONE_RINGING ? "early"
			    : has_call(p)             ? "confirmed"
						      : "terminated";

	lf_buf_addf(out, "<dialog id=\"%s\"%s><state>%s</state>", p->ext,
		    p->state == PHONE_RINGING ? " direction=\"recipient\"" : "",
		    state);
	if (p->state == PHONE_HELD)
		lf_buf_addf(out,
			    "<local><target uri=\"sip:%s\"><param "
			    "pname=\"+sip.rendering\" pvalue=\"no\"/></target>"
			    "</local>",
			    p->ext);
	lf_buf_adds(out, "</dialog>");
}

static void write_dialog(const struct phone *p, const char *domain,
			 struct lf_buf *out)
{
	if (p->state != PHONE_RINGING && !has_call(p))
		return;
	lf_buf_addf(out,
		    "<dialog id=\"%s-%u\" call-id=\"%s-%u@%s\" "
		    "local-tag=\"l%u\" remote-tag=\"r%u\" "
		    "direction=\"recipient\"><state>%s</state><local>"
		    "<identity>sip:%s@%s</identity><target uri=\"sip:%s@%s\">"
		    "<param pname=\"+sip.rendering\" pvalue=\"%s\"/></target>"
		    "</local><remote><identity display=\"%s\">sip:%s@%s"
		    "</identity></remote></dialog>",
		    p->ext, p->calls, p->ext, p->calls, domain, p->calls,
		    p->calls, p->state == PHONE_RINGING ? "early" : "confirmed",
		    p->ext, domain, p->ext, domain,
		    p->state == PHONE_HELD ? "no" : "yes", p->peer, p->peer,
		    domain);
}

void phone_write_dialog_info(const struct phone *phone, enum dialect dialect,
			     const char *domain, unsigned version,
			     struct lf_buf *out)
{
	lf_buf_addf(out,
		    "<?xml version=\"1.0\"?>\n<dialog-info "
		    "xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "
		    "version=\"%u\" state=\"full\" entity=\"sip:%s@%s\">",
		    version, phone->ext, domain);
	if (dialect == DIALECT_ASTERISK)
		write_asterisk_dialog(phone, out);
	else
		write_dialog(phone, domain, out);
	lf_buf_adds(out, "</dialog-info>\n");
}
