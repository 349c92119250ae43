/*
 * presence/pidf.c - presence documents: gathers all facts, wherever this writer
 * has put them. What they mean is pidf_weigh.c's.
 */
#include "presence/pidf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "core/xml.h"
#include "presence/note.h"
#include "presence/pidf_facts.h"
#include "presence/uri.h"

#include "core/banned.h"

#define PROLOG_MAX 512 /* bytes before a DOCTYPE */

static const struct word {
	const char *name;
	unsigned activity;
	bool is_told; /* the word says more than the lamp's value */
} words[] = {
	{"on-the-phone", ON_PHONE},
	{"alerting", ALERTING},
	{"busy", BUSY},
	{"performance", BUSY, true},
	{"presentation", BUSY, true},
	{"steering", BUSY, true},
	{"worship", BUSY, true},
	{"spectator", BUSY, true},
	{"meeting", ENGAGED, true},
	{"appointment", ENGAGED, true},
	{"in-transit", ENGAGED, true},
	{"travel", ENGAGED, true},
	{"working", ENGAGED, true},
	{"looking-for-work", ENGAGED, true},
	{"shopping", ENGAGED, true},
	{"dnd", DND},
	{"do-not-disturb", DND},
	{"away", AWAY},
	{"breakfast", AWAY, true},
	{"lunch", AWAY, true},
	{"dinner", AWAY, true},
	{"meal", AWAY, true},
	{"holiday", AWAY, true},
	{"vacation", AWAY, true},
	{"sleeping", AWAY, true},
	{"tv", AWAY, true},
	{"playing", AWAY, true},
	{"permanent-absence", ABSENT},
	{"available", AVAILABLE},
	{"unavailable", OFFLINE},
	{"offline", OFFLINE},
	{"terminated", TERMINATED},
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Presence words may stand in any of these families; others are foreign. */
static bool is_ours(const struct lf_xml_node *node)
{
	const char *ns = lf_xml_ns(node);

	return lf_text_starts(ns, "urn:ietf:params:xml:ns:pidf") ||
	       lf_text_starts(ns, "urn:cisco:params:xml:ns:pidf");
}

/*
 * The elements around them, in XPIDF without a namespace. Somebody else's
 * "tuple" or "status" is not ours to understand.
 */
static bool is_presence(const struct lf_xml_node *node, const char *name)
{
	const char *ns = lf_xml_ns(node);

	return lf_xml_is(node, name) &&
	       (!*ns || is_ours(node) ||
		lf_text_starts(ns, "urn:ietf:params:xml:ns:cpim-pidf"));
}

static const struct word *find_word(const struct lf_xml_node *node)
{
	const char *name = lf_xml_name(node);

	if (!is_ours(node))
		return NULL;
	for (size_t i = 0; i < LEN(words); i++)
		if (lf_text_equal(words[i].name, name))
			return &words[i];
	return NULL;
}

/* Cisco: <ce:alerting identity="sip:3100@host"/> */
static void gather_caller(struct lf_facts *f, const struct lf_xml_node *node)
{
	const char *uri = lf_xml_attr(node, "identity");

	if (uri && !*f->caller)
		lf_uri_copy_user(f->caller, sizeof(f->caller), uri);
}

static void keep_note(const struct lf_xml_node *node, char *out)
{
	if (!*out)
		lf_xml_text(node, out, LF_REPORT_TEXT);
}

static void gather_input(struct lf_facts *f, const struct lf_xml_node *node)
{
	char text[16];

	f->is_idle =
		f->is_idle ||
		lf_text_equal(lf_xml_text(node, text, sizeof(text)), "idle");
}

/* "meeting", "in transit": for people, who may want more than "busy". */
static void keep_word(struct lf_facts *f, const char *name)
{
	if (*f->word)
		return;
	lf_text_copy(f->word, sizeof(f->word), name);
	for (char *c = f->word; *c; c++)
		*c = *c == '-' ? ' ' : *c;
}

static unsigned gather_activity(struct lf_facts *f,
				const struct lf_xml_node *node)
{
	const struct word *word = find_word(node);

	if (!word)
		return 0;
	if (word->is_told)
		keep_word(f, word->name);
	if (word->activity == ALERTING)
		gather_caller(f, node);
	return word->activity;
}

/* RFC 4480, 3.2: what is no activity of the list has its text in "other". */
static unsigned gather_activities(struct lf_facts *f,
				  const struct lf_xml_node *parent, char *note)
{
	const struct lf_xml_node *child;
	unsigned all = 0;

	for (child = lf_xml_first(parent); child; child = lf_xml_next(child)) {
		if (lf_xml_is(child, "user-input") && is_ours(child))
			gather_input(f, child); /* CUP */
		else if (is_presence(child, "note"))
			keep_note(child, note);
		else if (lf_xml_is(child, "other") && is_ours(child))
			keep_note(child, f->word);
		else
			all |= gather_activity(f, child);
	}
	return all;
}

/* 1: open, -1: closed, 0: neither, such as baresip's "unknown". */
static int gather_status(struct lf_facts *f, const struct lf_xml_node *status,
			 unsigned *activities, char *note)
{
	const struct lf_xml_node *child;
	char text[16];
	int basic = 0;

	for (child = lf_xml_first(status); child; child = lf_xml_next(child)) {
		if (is_presence(child, "basic")) {
			lf_xml_text(child, text, sizeof(text));
			basic = lf_text_equal(text, "open")     ? 1
				: lf_text_equal(text, "closed") ? -1
								: 0;
		} else if (lf_xml_is(child, "activities") && is_ours(child)) {
			*activities |= gather_activities(f, child, note);
		} else {
			/* Asterisk: <status><ep:busy/></status> */
			*activities |= gather_activity(f, child);
		}
	}
	return basic;
}

static void gather_time(struct lf_facts *f, const struct lf_xml_node *node)
{
	char text[64];
	int64_t wall_ms;

	lf_xml_text(node, text, sizeof(text));
	if (!lf_rfc3339_parse(&wall_ms, text) && wall_ms > f->since_ms)
		f->since_ms = wall_ms;
}

static void gather_tuple(struct lf_facts *f, const struct lf_xml_node *tuple)
{
	const struct lf_xml_node *child;
	unsigned all = 0;
	int basic = 0;

	for (child = lf_xml_first(tuple); child; child = lf_xml_next(child)) {
		if (is_presence(child, "status"))
			basic = gather_status(f, child, &all, f->tuple_note)
					?: basic;
		else if (lf_xml_is(child, "activities") && is_ours(child))
			all |= gather_activities(f, child, f->tuple_note);
		else if (is_presence(child, "note"))
			keep_note(child, f->tuple_note);
		else if (is_presence(child, "timestamp"))
			gather_time(f, child);
		else if (lf_xml_is(child, "user-input") && is_ours(child))
			gather_input(f, child);
	}
	/* A device that is off does not speak for the others. */
	if (all & OFFLINE)
		basic = -1;
	f->tuple |= all;
	f->open += basic > 0;
	f->closed += basic < 0;
}

static void gather_person(struct lf_facts *f, const struct lf_xml_node *person)
{
	const struct lf_xml_node *child;
	int basic;

	for (child = lf_xml_first(person); child; child = lf_xml_next(child)) {
		if (is_presence(child, "status")) {
			basic = gather_status(f, child, &f->person,
					      f->person_note);
			f->person_open = f->person_open || basic > 0;
			f->person_closed = f->person_closed || basic < 0;
		} else if (lf_xml_is(child, "activities") && is_ours(child)) {
			f->person |=
				gather_activities(f, child, f->person_note);
		} else if (is_presence(child, "note")) {
			keep_note(child, f->person_note);
		} else if (is_presence(child, "timestamp")) {
			gather_time(f, child);
		} else if (lf_xml_is(child, "user-input") && is_ours(child)) {
			gather_input(f, child);
		}
	}
	f->has_person = true;
	if (lf_text_equal(lf_xml_ns(person),
			  "urn:ietf:params:xml:ns:pidf:person"))
		f->is_asterisk = true;
	/* FreeSWITCH writes the same one for everybody. */
	if (lf_text_equal(lf_xml_attr(person, "id"), "p06360c4a"))
		f->is_freeswitch = true;
}

/* XPIDF (draft-rosenberg-impp-pidf-00): atom, address, status, msnsubstatus */
static void gather_atom(struct lf_facts *f, const struct lf_xml_node *atom)
{
	const struct lf_xml_node *address = lf_xml_child(atom, "address");
	const char *status =
		lf_xml_attr(lf_xml_child(address, "status"), "status");
	const char *sub =
		lf_xml_attr(lf_xml_child(address, "msnsubstatus"), "substatus");

	if (lf_text_equal(status, "closed"))
		f->closed++;
	else if (status)
		f->open++;
	if (lf_text_equal(status, "inuse") || lf_text_equal(sub, "onthephone"))
		f->tuple |= ON_PHONE;
	else if (lf_text_equal(sub, "busy"))
		f->tuple |= BUSY;
	else if (lf_text_equal(sub, "away") || lf_text_equal(sub, "idle") ||
		 lf_text_equal(sub, "berightback") ||
		 lf_text_equal(sub, "outtolunch"))
		f->tuple |= AWAY;
}

static void gather(struct lf_facts *f, const struct lf_xml_node *root)
{
	const struct lf_xml_node *child;
	const char *entity = lf_xml_attr(root, "entity");

	for (child = lf_xml_first(root); child; child = lf_xml_next(child)) {
		if (is_presence(child, "tuple") || is_presence(child, "device"))
			gather_tuple(f, child);
		else if (is_presence(child, "person"))
			gather_person(f, child);
		else if (is_presence(child, "note"))
			keep_note(child, f->top_note);
		else if (is_presence(child, "atom") &&
			 lf_xml_child(child, "address"))
			gather_atom(f, child);
		else if (is_presence(child, "presentity"))
			f->is_freeswitch = true;
	}
	if (entity && lf_text_starts(entity, "pres:"))
		f->is_freeswitch = true;
}

/*
 * XPIDF comes with a DOCTYPE, which core/xml.h refuses for good reasons. One
 * that declares nothing says nothing: go on behind it.
 */
static void skip_doctype(const char **data, size_t *len)
{
	const char *start = memmem(*data, *len, "<!DOCTYPE presence ", 19);
	const char *end = *data + *len;

	if (!start || start - *data > PROLOG_MAX)
		return;
	for (; start < end && *start != '>'; start++) {
		if (*start == '[')
			return;
	}
	*len = (size_t)(end - start);
	*data = start;
}

int lf_pidf_read(struct lf_report *ret, enum lf_dialect dialect,
		 const char *data, size_t len)
{
	const struct lf_xml_node *root;
	struct lf_facts f;
	struct lf_xml *xml;
	int err;

	skip_doctype(&data, &len);
	err = lf_xml_parse(&xml, data, len);
	if (err)
		return err;
	root = lf_xml_root(xml);
	if (!lf_xml_is(root, "presence")) {
		lf_xml_free(xml);
		return -EPROTO;
	}
	memset(&f, 0, sizeof(f));
	gather(&f, root);
	lf_xml_free(xml);
	lf_facts_weigh(ret, &f);
	lf_note_apply(ret, lf_facts_writer(&f, dialect));
	return 0;
}
