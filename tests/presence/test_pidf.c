/*
 * tests/presence/test_pidf.c - what real PBXs write, and what we make of it:
 * a fixture of tests/data/documents and one row each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cucm_repeats_activities_in_person_and_tuple),
		cmocka_unit_test(cup_composes_a_person_and_devices),
		cmocka_unit_test(asterisk_tells_ringing_from_busy_in_a_note),
		cmocka_unit_test(freeswitch_has_the_state_in_the_persons_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
