/* monitor/document.c - the catalogue as MIB, page and translators' keys. */
#include "monitor/document.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "monitor/event.h"

#include "core/banned.h"

#define ENTERPRISES ".1.3.6.1.4.1."

/*
 * Spelled out from iso, and with a convention of its own: managers without
 * the standard modules (Debian ships none) still load it.
 */
static const char mib_head[] =
	"LAMPFIELD-MIB DEFINITIONS ::= BEGIN\n"
	"\n"
	"-- Written by Lampfield from its catalogue of events: lampctl mib\n"
	"\n"
	"IMPORTS\n"
	"    MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, Counter64\n"
	"        FROM SNMPv2-SMI\n"
	"    TEXTUAL-CONVENTION\n"
	"        FROM SNMPv2-TC\n"
	"    MODULE-COMPLIANCE, OBJECT-GROUP, NOTIFICATION-GROUP\n"
	"        FROM SNMPv2-CONF;\n"
	"\n"
	"lampfield MODULE-IDENTITY\n"
	"    LAST-UPDATED \"202611220000Z\"\n"
	"    ORGANIZATION \"Lampfield\"\n"
	"    CONTACT-INFO \"The administrator of this server\"\n"
	"    DESCRIPTION  \"What Lampfield tells SNMP managers. It sends "
	"notifications\n"
	"        only and answers no queries.\"\n"
	"    REVISION     \"202611220000Z\"\n"
	"    DESCRIPTION  \"First version.\"\n"
	"    ::= { iso org(3) dod(6) internet(1) private(4) enterprises(1) ";

static const char mib_types[] =
	" }\n"
	"\n"
	"EventWords ::= TEXTUAL-CONVENTION\n"
	"    DISPLAY-HINT \"255t\"\n"
	"    STATUS       current\n"
	"    DESCRIPTION  \"Text in UTF-8, without control characters.\"\n"
	"    SYNTAX       OCTET STRING (SIZE (0..255))\n"
	"\n"
	"types OBJECT IDENTIFIER ::= { lampfield 1 }\n"
	"suiteEventNotifs OBJECT IDENTIFIER ::= { lampfield 2 }\n"
	"suiteEventNotifsPrefix OBJECT IDENTIFIER ::= { suiteEventNotifs 0 }\n"
	"conformance OBJECT IDENTIFIER ::= { lampfield 3 }\n"
	"\n"
	"eventText OBJECT-TYPE\n"
	"    SYNTAX      EventWords\n"
	"    MAX-ACCESS  accessible-for-notify\n"
	"    STATUS      current\n"
	"    DESCRIPTION \"What happened, for people.\"\n"
	"    ::= { types 1 }\n"
	"\n"
	"eventSeverity OBJECT-TYPE\n"
	"    SYNTAX      INTEGER { information(1), warning(2), error(3) }\n"
	"    MAX-ACCESS  accessible-for-notify\n"
	"    STATUS      current\n"
	"    DESCRIPTION \"How bad it is.\"\n"
	"    ::= { types 2 }\n"
	"\n"
	"eventSubject OBJECT-TYPE\n"
	"    SYNTAX      EventWords (SIZE (0..127))\n"
	"    MAX-ACCESS  accessible-for-notify\n"
	"    STATUS      current\n"
	"    DESCRIPTION \"What it is about: the name of a feed, a file; empty "
	"for the\n"
	"        whole server. An alarm and the event that clears it have the "
	"same.\"\n"
	"    ::= { types 3 }\n"
	"\n"
	"eventNumber OBJECT-TYPE\n"
	"    SYNTAX      Counter64\n"
	"    MAX-ACCESS  accessible-for-notify\n"
	"    STATUS      current\n"
	"    DESCRIPTION \"The event's own number in the log of this "
	"server.\"\n"
	"    ::= { types 4 }\n"
	"\n"
	"eventRemedy OBJECT-TYPE\n"
	"    SYNTAX      EventWords\n"
	"    MAX-ACCESS  accessible-for-notify\n"
	"    STATUS      current\n"
	"    DESCRIPTION \"What to do.\"\n"
	"    ::= { types 5 }\n"
	"\n"
	"eventNode OBJECT-TYPE\n"
	"    SYNTAX      EventWords\n"
	"    MAX-ACCESS  accessible-for-notify\n"
	"    STATUS      current\n"
	"    DESCRIPTION \"The name of the server.\"\n"
	"    ::= { types 6 }\n";

#define MIB_OBJECTS                                                            \
	"eventText, eventSeverity, eventSubject, eventNumber,\n"               \
	"                  eventRemedy, eventNode"

static const char mib_tail[] =
	"    STATUS      current\n"
	"    DESCRIPTION \"All notifications.\"\n"
	"    ::= { conformance 2 }\n"
	"\n"
	"lampfieldObjects OBJECT-GROUP\n"
	"    OBJECTS     { " MIB_OBJECTS " }\n"
	"    STATUS      current\n"
	"    DESCRIPTION \"What a notification carries.\"\n"
	"    ::= { conformance 1 }\n"
	"\n"
	"lampfieldCompliance MODULE-COMPLIANCE\n"
	"    STATUS      current\n"
	"    DESCRIPTION \"A server sends all of them.\"\n"
	"    MODULE\n"
	"        MANDATORY-GROUPS { lampfieldObjects, lampfieldNotifications "
	"}\n"
	"    ::= { conformance 3 }\n"
	"\n"
	"END\n";

/* SMI strings have no quote; the catalogue's text is ASCII. */
static void add_mib_text(struct lf_buf *out, const char *text)
{
	for (; *text; text++)
		lf_buf_addc(out, *text == '"' ? '\'' : *text);
}

static void add_notification(struct lf_buf *out,
			     const struct lf_event_info *info)
{
	char name[LF_EVENT_NAME_SIZE];

	lf_buf_addf(out, "\n%s NOTIFICATION-TYPE\n",
		    lf_event_mib_name(name, info));
	lf_buf_adds(out, "    OBJECTS     { " MIB_OBJECTS " }\n"
			 "    STATUS      current\n"
			 "    DESCRIPTION \"");
	add_mib_text(out, info->text);
	lf_buf_addf(out, "\n        Severity: %s. What to do: ",
		    lf_severity_name(info->severity));
	add_mib_text(out, info->remedy);
	if (info->clears)
		lf_buf_addf(
			out, "\n        Clears %s.",
			lf_event_mib_name(name, lf_event_find(info->clears)));
	lf_buf_addf(out, "\"\n    ::= { suiteEventNotifsPrefix %d }\n",
		    (int)info->id);
}

/* "39801" or "39801 5": the sub-identifiers below enterprises. */
static int add_base(struct lf_buf *out, const char *base)
{
	bool is_start = true;

	if (strncmp(base, ENTERPRISES, strlen(ENTERPRISES)) &&
	    strncmp(base, &ENTERPRISES[1], strlen(ENTERPRISES) - 1))
		return -EINVAL;
	base = strstr(base, ".4.1.") + strlen(".4.1.");
	for (; *base; base++) {
		if (isdigit((unsigned char)*base)) {
			lf_buf_addc(out, *base);
			is_start = false;
		} else if (*base == '.' && !is_start && base[1]) {
			lf_buf_addc(out, ' ');
			is_start = true;
		} else {
			return -EINVAL;
		}
	}
	return is_start ? -EINVAL : 0;
}

int lf_document_mib(struct lf_buf *out, const char *base_oid)
{
	const struct lf_event_info *info;
	char name[LF_EVENT_NAME_SIZE];
	int err;

	lf_buf_adds(out, mib_head);
	err = add_base(out, base_oid);
	if (err)
		return err;
	lf_buf_adds(out, mib_types);
	for (size_t i = 0; (info = lf_event_at(i)); i++)
		add_notification(out, info);
	lf_buf_adds(out, "\nlampfieldNotifications NOTIFICATION-GROUP\n"
			 "    NOTIFICATIONS {");
	for (size_t i = 0; (info = lf_event_at(i)); i++)
		lf_buf_addf(out, "%s\n        %s", i ? "," : "",
			    lf_event_mib_name(name, info));
	lf_buf_adds(out, " }\n");
	lf_buf_adds(out, mib_tail);
	return lf_buf_error(out);
}

void lf_document_markdown(struct lf_buf *out)
{
	const struct lf_event_info *info;
	const char *application = "";
	char name[LF_EVENT_NAME_SIZE];

	lf_buf_adds(out,
		    "# Events\n\n"
		    "Every event that Lampfield can raise. Written from "
		    "`monitor/events.def`; do not edit.\n"
		    "An event's number is for ever: it ends the OID of its "
		    "SNMP trap, `.1.3.6.1.4.1.39801.2.0.NUMBER`.\n"
		    "How they reach you: [monitoring](monitoring.md).\n");
	for (size_t i = 0; (info = lf_event_at(i)); i++) {
		if (strcmp(application, info->application))
			lf_buf_addf(out,
				    "\n## %s\n\n| number | name | severity | "
				    "category | what it means | what to do |\n"
				    "|---|---|---|---|---|---|\n",
				    info->application);
		application = info->application;
		lf_buf_addf(out, "| %d | %s | %s | %s | %s", (int)info->id,
			    lf_event_name(name, info),
			    lf_severity_name(info->severity), info->category,
			    info->text);
		if (info->clears)
			lf_buf_addf(out, " Clears %s.",
				    lf_event_name(name,
						  lf_event_find(info->clears)));
		lf_buf_addf(out, " | %s |\n", info->remedy);
	}
}

void lf_document_keys(struct lf_buf *out)
{
	const struct lf_event_info *info;

	lf_buf_adds(out, "{");
	for (size_t i = 0; (info = lf_event_at(i)); i++) {
		lf_buf_addf(out, "%s\n  \"event.%d.text\": ", i ? "," : "",
			    (int)info->id);
		lf_buf_add_json(out, info->text);
		lf_buf_addf(out, ",\n  \"event.%d.remedy\": ", (int)info->id);
		lf_buf_add_json(out, info->remedy);
	}
	lf_buf_adds(out, "\n}\n");
}
