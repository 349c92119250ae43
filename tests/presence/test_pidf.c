/*
 * tests/presence/test_pidf.c - what real PBXs write, and what we make of it:
 * a fixture of tests/data/documents and one row each.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/text.h"
#include "presence/pidf.h"
#include "presence/report.h"

#include "core/banned.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define DOCUMENT_MAX 8192
#define SINCE 1768901400000 /* 2026-01-20T09:30:00Z */

struct row {
	const char *file;
	enum lf_dialect dialect;
	enum lf_tel line;
	enum lf_rich rich;
	bool is_dnd, is_idle;
	const char *message, *peer; /* NULL: "" */
	int64_t since_ms;
};

static size_t read_file(char *out, size_t size, const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/documents/%s.xml",
		 srcdir ? srcdir : ".", name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	len = fread(out, 1, size, f);
	fclose(f);
	return len;
}

static void check_row(const struct row *row, enum lf_dialect dialect)
{
	char text[DOCUMENT_MAX];
	size_t len = read_file(text, sizeof(text), row->file);
	struct lf_report r;
	uint8_t knows = 0;
	int err;

	memset(&r, 0, sizeof(r));
	err = lf_pidf_read(&r, dialect, text, len);
	if (err)
		fail_msg("%s: %s", row->file, strerror(-err));
	if (r.line != row->line || r.rich != row->rich)
		fail_msg("%s (dialect %d): line %s, rich %s", row->file,
			 dialect, lf_tel_name(r.line), lf_rich_name(r.rich));
	knows |= row->line ? LF_KNOWS_LINE : 0;
	knows |= row->rich ? LF_KNOWS_RICH : 0;
	knows |= row->line || row->rich ? LF_KNOWS_DND : 0;
	if (r.knows != knows || r.is_dnd != row->is_dnd ||
	    r.is_idle != row->is_idle || r.since_ms != row->since_ms)
		fail_msg("%s (dialect %d): knows %x, dnd %d, idle %d, since "
			 "%lld",
			 row->file, dialect, r.knows, r.is_dnd, r.is_idle,
			 (long long)r.since_ms);
	if (strcmp(r.message, row->message ? row->message : "") ||
	    strcmp(r.peer, row->peer ? row->peer : ""))
		fail_msg("%s (dialect %d): message \"%s\", peer \"%s\"",
			 row->file, dialect, r.message, r.peer);
	assert_int_equal(LF_COND_OK, r.cond);
}

/* Told by the document alone, and told by the administrator. */
static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check_row(&rows[i], LF_DIALECT_AUTO);
		check_row(&rows[i], rows[i].dialect);
	}
}

static void cucm_repeats_activities_in_person_and_tuple(void **state)
{
	static const struct row rows[] = {
		{"cucm/on-the-phone", LF_DIALECT_CUCM, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE, .since_ms = SINCE},
		{"cucm/alerting", LF_DIALECT_CUCM, LF_TEL_RINGING,
		 LF_RICH_AVAILABLE, .since_ms = SINCE, .peer = "3100"},
		{"cucm/alerting-over", LF_DIALECT_CUCM, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE, .since_ms = SINCE},
		{"cucm/available", LF_DIALECT_CUCM, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE, .since_ms = SINCE},
		{"cucm/empty", LF_DIALECT_CUCM, LF_TEL_IDLE, LF_RICH_AVAILABLE,
		 .since_ms = SINCE},
		{"cucm/dnd", LF_DIALECT_CUCM, LF_TEL_IDLE, LF_RICH_DND,
		 .is_dnd = true, .since_ms = SINCE},
		{"cucm/dnd-in-call", LF_DIALECT_CUCM, LF_TEL_BUSY, LF_RICH_DND,
		 .is_dnd = true, .since_ms = SINCE},
		{"cucm/dnd-busy", LF_DIALECT_CUCM, LF_TEL_BUSY, LF_RICH_DND,
		 .is_dnd = true, .since_ms = SINCE},
		{"cucm/unregistered", LF_DIALECT_CUCM, LF_TEL_OFFLINE,
		 LF_RICH_OFFLINE, .since_ms = SINCE},
	};

	check_rows(rows, LEN(rows));
}

static void cup_composes_a_person_and_devices(void **state)
{
	static const struct row rows[] = {
		{"cup/available", LF_DIALECT_CUP, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"cup/available-on-phone", LF_DIALECT_CUP, LF_TEL_BUSY,
		 LF_RICH_AVAILABLE},
		{"cup/away-idle", LF_DIALECT_CUP, LF_TEL_IDLE, LF_RICH_AWAY,
		 .is_idle = true, .message = "back at noon"},
		{"cup/dnd", LF_DIALECT_CUP, LF_TEL_IDLE, LF_RICH_DND,
		 .is_dnd = true},
		{"cup/do-not-disturb", LF_DIALECT_CUP, LF_TEL_IDLE, LF_RICH_DND,
		 .is_dnd = true},
		{"cup/dnd-on-phone", LF_DIALECT_CUP, LF_TEL_BUSY, LF_RICH_DND,
		 .is_dnd = true},
		{"cup/busy", LF_DIALECT_CUP, LF_TEL_BUSY, LF_RICH_BUSY},
		{"cup/meeting", LF_DIALECT_CUP, LF_TEL_IDLE, LF_RICH_BUSY,
		 .message = "meeting"},
		{"cup/on-the-phone", LF_DIALECT_CUP, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
		{"cup/vacation", LF_DIALECT_CUP, LF_TEL_IDLE, LF_RICH_AWAY,
		 .message = "vacation"},
		{"cup/one-device-off", LF_DIALECT_CUP, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"cup/unavailable", LF_DIALECT_CUP, LF_TEL_OFFLINE,
		 LF_RICH_OFFLINE},
		{"cup/unknown", LF_DIALECT_CUP, LF_TEL_IDLE, LF_RICH_AVAILABLE},
	};

	check_rows(rows, LEN(rows));
}

static void asterisk_tells_ringing_from_busy_in_a_note(void **state)
{
	static const struct row rows[] = {
		{"asterisk/ready", LF_DIALECT_ASTERISK, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"asterisk/ready-plain", LF_DIALECT_ASTERISK, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"asterisk/ringing", LF_DIALECT_ASTERISK, LF_TEL_RINGING,
		 LF_RICH_AVAILABLE},
		{"asterisk/ringing-plain", LF_DIALECT_ASTERISK, LF_TEL_RINGING,
		 LF_RICH_AVAILABLE},
		{"asterisk/in-use", LF_DIALECT_ASTERISK, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
		{"asterisk/in-use-plain", LF_DIALECT_ASTERISK, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
		{"asterisk/busy", LF_DIALECT_ASTERISK, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
		{"asterisk/busy-plain", LF_DIALECT_ASTERISK, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
		{"asterisk/hold", LF_DIALECT_ASTERISK, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
		{"asterisk/hold-plain", LF_DIALECT_ASTERISK, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
		{"asterisk/unavailable", LF_DIALECT_ASTERISK, LF_TEL_OFFLINE,
		 LF_RICH_OFFLINE},
		{"asterisk/unavailable-plain", LF_DIALECT_ASTERISK,
		 LF_TEL_OFFLINE, LF_RICH_OFFLINE},
		{"asterisk/chan-sip", LF_DIALECT_ASTERISK, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
	};

	check_rows(rows, LEN(rows));
}

static void freeswitch_has_the_state_in_the_persons_note(void **state)
{
	static const struct row rows[] = {
		{"freeswitch/available", LF_DIALECT_FREESWITCH, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"freeswitch/registered", LF_DIALECT_FREESWITCH, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"freeswitch/unregistered", LF_DIALECT_FREESWITCH,
		 LF_TEL_OFFLINE, LF_RICH_OFFLINE},
		{"freeswitch/talk", LF_DIALECT_FREESWITCH, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE, .peer = "07766088671"},
		{"freeswitch/talk-no-activity", LF_DIALECT_FREESWITCH,
		 LF_TEL_BUSY, LF_RICH_ON_PHONE, .peer = "07766088671"},
		{"freeswitch/hold", LF_DIALECT_FREESWITCH, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE, .peer = "1001"},
		{"freeswitch/ring", LF_DIALECT_FREESWITCH, LF_TEL_RINGING,
		 LF_RICH_AVAILABLE, .peer = "1001"},
		{"freeswitch/ring-alone", LF_DIALECT_FREESWITCH, LF_TEL_RINGING,
		 LF_RICH_AVAILABLE},
		{"freeswitch/dnd", LF_DIALECT_FREESWITCH, LF_TEL_BUSY,
		 LF_RICH_DND, .is_dnd = true},
		{"freeswitch/own-words", LF_DIALECT_FREESWITCH, LF_TEL_IDLE,
		 LF_RICH_AWAY, .message = "Gone fishing"},
		{"freeswitch/old-entity", LF_DIALECT_FREESWITCH, LF_TEL_RINGING,
		 LF_RICH_AVAILABLE, .peer = "1001"},
		{"freeswitch/encoding", LF_DIALECT_FREESWITCH, LF_TEL_IDLE,
		 LF_RICH_AWAY, .message = "Zurück um 12"},
		{"freeswitch/blank-lines", LF_DIALECT_FREESWITCH, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE, .peer = "07766088671"},
		{"freeswitch/xpidf-online", LF_DIALECT_FREESWITCH, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"freeswitch/xpidf-phone", LF_DIALECT_FREESWITCH, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
		{"freeswitch/xpidf-busy", LF_DIALECT_FREESWITCH, LF_TEL_BUSY,
		 LF_RICH_BUSY},
		{"freeswitch/xpidf-away", LF_DIALECT_FREESWITCH, LF_TEL_IDLE,
		 LF_RICH_AWAY},
		{"freeswitch/xpidf-closed", LF_DIALECT_FREESWITCH,
		 LF_TEL_OFFLINE, LF_RICH_OFFLINE},
		{"freeswitch/xpidf-inuse", LF_DIALECT_FREESWITCH, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE},
	};

	check_rows(rows, LEN(rows));
}

static void plain_documents_of_softphones(void **state)
{
	static const struct row rows[] = {
		{"plain/baresip-unknown", LF_DIALECT_PLAIN, LF_TEL_UNKNOWN,
		 LF_RICH_UNKNOWN},
		{"plain/baresip-open", LF_DIALECT_PLAIN, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"plain/baresip-closed", LF_DIALECT_PLAIN, LF_TEL_OFFLINE,
		 LF_RICH_OFFLINE},
		{"plain/linphone-online", LF_DIALECT_PLAIN, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE, .since_ms = SINCE},
		{"plain/linphone-away", LF_DIALECT_PLAIN, LF_TEL_IDLE,
		 LF_RICH_AWAY, .since_ms = SINCE},
		{"plain/twinkle-open", LF_DIALECT_PLAIN, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"plain/twinkle-closed", LF_DIALECT_PLAIN, LF_TEL_OFFLINE,
		 LF_RICH_OFFLINE},
		{"plain/foreign", LF_DIALECT_PLAIN, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"plain/cpim", LF_DIALECT_PLAIN, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"plain/nothing", LF_DIALECT_PLAIN, LF_TEL_UNKNOWN,
		 LF_RICH_UNKNOWN},
		{"plain/other", LF_DIALECT_PLAIN, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE, .message = "At the dentist"},
		{"plain/activity-note", LF_DIALECT_PLAIN, LF_TEL_IDLE,
		 LF_RICH_AWAY, .is_idle = true, .message = "back on Monday"},
		{"plain/away-closed", LF_DIALECT_PLAIN, LF_TEL_OFFLINE,
		 LF_RICH_AWAY},
	};

	check_rows(rows, LEN(rows));
}

static void several_persons_and_tuples_are_composed(void **state)
{
	static const struct row rows[] = {
		{"kamailio/two-publishers", LF_DIALECT_KAMAILIO, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE, .message = "with Carla"},
		{"kamailio/all-closed", LF_DIALECT_KAMAILIO, LF_TEL_OFFLINE,
		 LF_RICH_OFFLINE},
		{"kamailio/one-open", LF_DIALECT_KAMAILIO, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"kamailio/person-beats-tuple", LF_DIALECT_KAMAILIO,
		 LF_TEL_BUSY, LF_RICH_AWAY},
		{"kamailio/one-off", LF_DIALECT_KAMAILIO, LF_TEL_IDLE,
		 LF_RICH_AVAILABLE},
		{"kamailio/device", LF_DIALECT_KAMAILIO, LF_TEL_BUSY,
		 LF_RICH_ON_PHONE, .is_idle = true},
		{"kamailio/two-tuples", LF_DIALECT_KAMAILIO, LF_TEL_IDLE,
		 LF_RICH_BUSY, .message = "meeting"},
	};

	check_rows(rows, LEN(rows));
}

/* Every activity of RFC 4480 and Cisco's, with the tuple open and closed. */
struct activity {
	const char *name;
	enum lf_rich rich;
	enum lf_tel line; /* UNKNOWN: by basic */
};

static const struct activity activities[] = {
	{"on-the-phone", LF_RICH_ON_PHONE, LF_TEL_BUSY},
	{"alerting", LF_RICH_UNKNOWN, LF_TEL_RINGING},
	{"busy", LF_RICH_BUSY, LF_TEL_BUSY},
	{"performance", LF_RICH_BUSY, LF_TEL_BUSY},
	{"presentation", LF_RICH_BUSY, LF_TEL_BUSY},
	{"steering", LF_RICH_BUSY, LF_TEL_BUSY},
	{"worship", LF_RICH_BUSY, LF_TEL_BUSY},
	{"spectator", LF_RICH_BUSY, LF_TEL_BUSY},
	{"meeting", LF_RICH_BUSY, LF_TEL_UNKNOWN},
	{"appointment", LF_RICH_BUSY, LF_TEL_UNKNOWN},
	{"in-transit", LF_RICH_BUSY, LF_TEL_UNKNOWN},
	{"travel", LF_RICH_BUSY, LF_TEL_UNKNOWN},
	{"working", LF_RICH_BUSY, LF_TEL_UNKNOWN},
	{"looking-for-work", LF_RICH_BUSY, LF_TEL_UNKNOWN},
	{"shopping", LF_RICH_BUSY, LF_TEL_UNKNOWN},
	{"dnd", LF_RICH_DND, LF_TEL_UNKNOWN},
	{"do-not-disturb", LF_RICH_DND, LF_TEL_UNKNOWN},
	{"away", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"breakfast", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"lunch", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"dinner", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"meal", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"holiday", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"vacation", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"sleeping", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"tv", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"playing", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"permanent-absence", LF_RICH_AWAY, LF_TEL_UNKNOWN},
	{"available", LF_RICH_AVAILABLE, LF_TEL_UNKNOWN},
	{"unavailable", LF_RICH_OFFLINE, LF_TEL_OFFLINE},
	{"offline", LF_RICH_OFFLINE, LF_TEL_OFFLINE},
	{"other", LF_RICH_UNKNOWN, LF_TEL_UNKNOWN},
	{"unknown", LF_RICH_UNKNOWN, LF_TEL_UNKNOWN},
	{"yodeling", LF_RICH_UNKNOWN, LF_TEL_UNKNOWN},
};

static const char *const namespaces[] = {
	"urn:ietf:params:xml:ns:pidf:rpid",
	"urn:ietf:params:xml:ns:pidf:status:rpid",
	"urn:cisco:params:xml:ns:pidf:rpid",
	"urn:cisco:params:xml:ns:pidf:ext",
	"http://corp.example/rpid", /* nobody's */
};

/* Where activities may stand, with their name and the tuple's basic. */
static const struct place {
	const char *head, *middle, *tail;
} places[] = {
	{"<d:person id='p'><a:activities>",
	 "</a:activities></d:person><tuple id='t'><status><basic>",
	 "</basic></status></tuple>"},
	{"<d:person><status><a:activities>",
	 "</a:activities></status></d:person><tuple id='t'><status><basic>",
	 "</basic></status></tuple>"},
	{"<tuple id='t'><status><a:activities>", "</a:activities><basic>",
	 "</basic></status></tuple>"},
	{"<tuple id='t'><a:activities>", "</a:activities><status><basic>",
	 "</basic></status></tuple>"},
};

static void read_activity(struct lf_report *r, const char *ns,
			  const struct place *place, const char *name,
			  const char *basic)
{
	char text[1024];
	int len;

	len = snprintf(text, sizeof(text),
		       "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:d="
		       "'urn:ietf:params:xml:ns:pidf:data-model' xmlns:a='%s' "
		       "entity='sip:200@pbx.example'>%s<a:%s/>%s%s%s"
		       "</presence>",
		       ns, place->head, name, place->middle, basic,
		       place->tail);
	memset(r, 0, sizeof(*r));
	assert_int_equal(0,
			 lf_pidf_read(r, LF_DIALECT_AUTO, text, (size_t)len));
}

static void check_activity(const struct activity *a, const char *ns,
			   const struct place *place, bool is_open)
{
	bool is_foreign = lf_text_starts(ns, "http:");
	enum lf_tel line = is_foreign ? LF_TEL_UNKNOWN : a->line;
	enum lf_rich rich = is_foreign ? LF_RICH_UNKNOWN : a->rich;
	struct lf_report r;

	if (!line)
		line = is_open ? LF_TEL_IDLE : LF_TEL_OFFLINE;
	if (!rich)
		rich = is_open ? LF_RICH_AVAILABLE : LF_RICH_OFFLINE;
	read_activity(&r, ns, place, a->name, is_open ? "open" : "closed");
	if (r.line != line || r.rich != rich ||
	    r.is_dnd != (rich == LF_RICH_DND))
		fail_msg("%s in %s (open %d): line %s, rich %s, dnd %d",
			 a->name, ns, is_open, lf_tel_name(r.line),
			 lf_rich_name(r.rich), r.is_dnd);
}

static void every_activity_moves_the_lamp_as_the_table_says(void **state)
{
	for (size_t i = 0; i < LEN(activities); i++) {
		for (size_t n = 0; n < LEN(namespaces); n++) {
			for (size_t p = 0; p < LEN(places); p++) {
				check_activity(&activities[i], namespaces[n],
					       &places[p], true);
				check_activity(&activities[i], namespaces[n],
					       &places[p], false);
			}
		}
	}
}

/* Nothing about the telephone: what another feed knows of it stands. */
static void an_activity_alone_does_not_make_a_line_idle(void **state)
{
	static const struct place place = {"<d:person id='p'><a:activities>",
					   "</a:activities></d:person>", ""};
	struct lf_report r;

	for (size_t i = 0; i < LEN(activities); i++) {
		read_activity(&r, namespaces[0], &place, activities[i].name,
			      "");
		if (strcmp(activities[i].name, "available"))
			assert_int_equal(activities[i].line, r.line);
		assert_int_equal(activities[i].rich, r.rich);
	}
}

static void dnd_on_the_phone_gives_a_hint(void **state)
{
	static const struct place place = {
		"<d:person id='p'><a:activities>",
		"<a:on-the-phone/></a:activities></d:person>", ""};
	struct lf_report r;

	read_activity(&r, namespaces[0], &place, "dnd", "");
	assert_non_null(strstr(r.hint, "Use DND status when user is on"));
	read_activity(&r, namespaces[0], &place, "busy", "");
	assert_string_equal("", r.hint);
}

static void what_is_no_presence_document_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"open",
		"<presence",
		"<dialog-info/>",
		"<!DOCTYPE presence [<!ENTITY a 'b'>]><presence/>",
		"<!DOCTYPE presence SYSTEM 'x'",
		"<!DOCTYPE presence SYSTEM 'x'>",
	};
	struct lf_report r, before;

	memset(&r, 0x5a, sizeof(r));
	before = r;
	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(-EPROTO, lf_pidf_read(&r, LF_DIALECT_AUTO,
						       bad[i], strlen(bad[i])));
		assert_memory_equal(&before, &r, sizeof(r));
	}
}

static void long_texts_are_cut_between_characters(void **state)
{
	char text[2048];
	struct lf_report r;
	size_t len;

	len = (size_t)snprintf(text, sizeof(text),
			       "<presence xmlns='urn:ietf:params:xml:ns:pidf'>"
			       "<note>x");
	for (int i = 0; i < 400; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"\xc3\xbc");
	len += (size_t)snprintf(text + len, sizeof(text) - len,
				"</note></presence>");
	memset(&r, 0, sizeof(r));
	assert_int_equal(0, lf_pidf_read(&r, LF_DIALECT_AUTO, text, len));
	assert_true(strlen(r.message) >= LF_REPORT_TEXT - 2);
	assert_true(lf_text_is_utf8(r.message, strlen(r.message)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cucm_repeats_activities_in_person_and_tuple),
		cmocka_unit_test(cup_composes_a_person_and_devices),
		cmocka_unit_test(asterisk_tells_ringing_from_busy_in_a_note),
		cmocka_unit_test(freeswitch_has_the_state_in_the_persons_note),
		cmocka_unit_test(plain_documents_of_softphones),
		cmocka_unit_test(several_persons_and_tuples_are_composed),
		cmocka_unit_test(
			every_activity_moves_the_lamp_as_the_table_says),
		cmocka_unit_test(an_activity_alone_does_not_make_a_line_idle),
		cmocka_unit_test(dnd_on_the_phone_gives_a_hint),
		cmocka_unit_test(what_is_no_presence_document_is_refused),
		cmocka_unit_test(long_texts_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
