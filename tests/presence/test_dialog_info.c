/*
 * tests/presence/test_dialog_info.c - the calls of a line, document after
 * document, and what must not happen between them.
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

#include "presence/dialog_info.h"
#include "presence/report.h"

#include "core/banned.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* One dialog: id, call-id, direction, state, remote identity. */
#define DIALOG(id, call, direction, state, remote)                             \
	"<dialog id='" id "' call-id='" call "' direction='" direction         \
	"'><state>" state "</state><remote><identity>" remote                  \
	"</identity></remote></dialog>"
#define CALL(id, state)                                                        \
	DIALOG(id, id "@pbx", "recipient", state, "sip:" id "@pbx.example")

/* A document of a sequence, and what follows from it. */
struct step {
	const char *version; /* NULL: has none */
	const char *state;   /* NULL: has none */
	const char *dialogs;
	int err;
	enum lf_tel line; /* without an error */
	const char *peer; /* NULL: "" */
};

static int read_text(struct lf_dialogs **all, struct lf_report *r,
		     const char *text)
{
	return lf_dialog_info_read(all, r, text, strlen(text));
}

static int read_step(struct lf_dialogs **all, struct lf_report *r,
		     const struct step *step)
{
	char text[4096], version[64] = "", state[64] = "";

	if (step->version)
		snprintf(version, sizeof(version), " version='%s'",
			 step->version);
	if (step->state)
		snprintf(state, sizeof(state), " state='%s'", step->state);
	snprintf(text, sizeof(text),
		 "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info'%s%s "
		 "entity='sip:200@pbx.example'>%s</dialog-info>",
		 version, state, step->dialogs);
	return read_text(all, r, text);
}

static void check_step(struct lf_dialogs **all, size_t i,
		       const struct step *step)
{
	struct lf_report r, before;
	int err;

	memset(&r, 0, sizeof(r));
	before = r;
	err = read_step(all, &r, step);
	if (err != step->err)
		fail_msg("step %zu: result %d", i, err);
	if (err) {
		assert_memory_equal(&before, &r, sizeof(r));
		return;
	}
	if (r.line != step->line || strcmp(r.peer, step->peer ?: ""))
		fail_msg("step %zu: %s, peer \"%s\"", i, lf_tel_name(r.line),
			 r.peer);
	assert_int_equal(LF_KNOWS_LINE, r.knows);
}

static void check_steps(const struct step *steps, size_t n)
{
	struct lf_dialogs *all = NULL;

	for (size_t i = 0; i < n; i++)
		check_step(&all, i, &steps[i]);
	lf_dialogs_free(all);
}

static void a_call_rings_is_answered_and_ends(void **state)
{
	static const struct step steps[] = {
		{"0", "full", "", 0, LF_TEL_IDLE},
		{"1", "partial", CALL("7", "trying"), 0, LF_TEL_RINGING, "7"},
		{"2", "partial", CALL("7", "early"), 0, LF_TEL_RINGING, "7"},
		{"3", "partial", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"},
		{"4", "partial", "", 0, LF_TEL_BUSY, "7"},
		{"5", "partial", CALL("7", "terminated"), 0, LF_TEL_IDLE},
	};

	check_steps(steps, LEN(steps));
}

static void whoever_calls_is_busy_before_the_answer(void **state)
{
	static const struct step steps[] = {
		{"1", "full",
		 DIALOG("a", "a", "initiator", "trying", "sip:1@h"), 0,
		 LF_TEL_BUSY, "1"},
		{"2", "full",
		 DIALOG("a", "a", "initiator", "proceeding", "sip:1@h"), 0,
		 LF_TEL_BUSY, "1"},
		{"3", "full", DIALOG("a", "a", "initiator", "early", "sip:1@h"),
		 0, LF_TEL_BUSY, "1"},
	};

	check_steps(steps, LEN(steps));
}

static void a_repeated_document_is_stale(void **state)
{
	static const struct step steps[] = {
		{"5", "full", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"},
		{"5", "full", "", -ESTALE},
		{"5", "partial", CALL("7", "terminated"), -ESTALE},
		{"6", "partial", "", 0, LF_TEL_BUSY, "7"},
	};

	check_steps(steps, LEN(steps));
}

/* What came before it is not taken for what came after: it is asked. */
static void a_number_that_fell_asks_for_full_state(void **state)
{
	static const struct step full[] = {
		{"50", "full", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"},
		{"4", "full", "", -EAGAIN},
		{"5", "partial", CALL("8", "early"), -EAGAIN},
		{"6", "full", "", 0, LF_TEL_IDLE},
		{"7", "partial", CALL("9", "early"), 0, LF_TEL_RINGING, "9"},
	};
	static const struct step partial[] = {
		{"50", "full", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"},
		{"1", "partial", CALL("7", "terminated"), -EAGAIN},
		{"51", "partial", CALL("7", "terminated"), -EAGAIN},
		{"2", "full", "", 0, LF_TEL_IDLE},
	};

	check_steps(full, LEN(full));
	check_steps(partial, LEN(partial));
}

static void full_state_with_version_0_begins_anew(void **state)
{
	static const struct step steps[] = {
		{"50", "full", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"},
		{"0", "full", "", 0, LF_TEL_IDLE},
		{"1", "partial", CALL("8", "early"), 0, LF_TEL_RINGING, "8"},
	};

	check_steps(steps, LEN(steps));
}

static void a_lost_partial_document_asks_for_full_state(void **state)
{
	static const struct step steps[] = {
		{"1", "partial", CALL("7", "early"), -EAGAIN},
		{"1", "full", "", 0, LF_TEL_IDLE},
		{"3", "partial", CALL("7", "early"), -EAGAIN},
		{"4", "partial", CALL("7", "early"), -EAGAIN},
		{"9", "full", CALL("8", "early"), 0, LF_TEL_RINGING, "8"},
		{"10", "partial", CALL("8", "confirmed"), 0, LF_TEL_BUSY, "8"},
	};

	check_steps(steps, LEN(steps));
}

/* Grandstream, and whoever leaves it out. */
static void writers_that_do_not_count_are_believed(void **state)
{
	static const struct step zero[] = {
		{"0", "full", CALL("7", "early"), 0, LF_TEL_RINGING, "7"},
		{"0", "full", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"},
		{"0", "full", "", 0, LF_TEL_IDLE},
	};
	static const struct step none[] = {
		{NULL, NULL, CALL("7", "early"), 0, LF_TEL_RINGING, "7"},
		{NULL, "partial", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"},
		{"x", "full", "", 0, LF_TEL_IDLE},
		{"-3", "full", CALL("9", "early"), 0, LF_TEL_RINGING, "9"},
		{"99999999999999999999", "full", "", 0, LF_TEL_IDLE},
	};

	check_steps(zero, LEN(zero));
	check_steps(none, LEN(none));
}

static void an_ended_dialog_stays_ended(void **state)
{
	static const struct step steps[] = {
		{"0", "full", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"},
		{"0", "full", CALL("7", "terminated"), 0, LF_TEL_IDLE},
		{"0", "full", CALL("7", "confirmed"), 0, LF_TEL_IDLE},
		{"0", "full", CALL("7", "early") CALL("8", "early"), 0,
		 LF_TEL_RINGING, "8"},
	};

	check_steps(steps, LEN(steps));
}

/* Branches of one call share its Call-ID; one loses, the other answers. */
static void a_branch_that_ends_does_not_end_its_call(void **state)
{
	static const struct step steps[] = {
		{"1", "full",
		 DIALOG("a", "c", "recipient", "early", "sip:1@h")
			 DIALOG("b", "c", "recipient", "early", "sip:1@h"),
		 0, LF_TEL_RINGING, "1"},
		{"2", "partial",
		 DIALOG("a", "c", "recipient", "terminated", "sip:1@h"), 0,
		 LF_TEL_RINGING, "1"},
		{"3", "partial",
		 DIALOG("b", "c", "recipient", "confirmed", "sip:1@h"), 0,
		 LF_TEL_BUSY, "1"},
	};

	check_steps(steps, LEN(steps));
}

/* Asterisk: the id is the extension, there is no Call-ID, idle is an end. */
static void an_asterisk_line_can_be_called_again(void **state)
{
#define HINT(state) "<dialog id='200'><state>" state "</state></dialog>"
	static const struct step steps[] = {
		{"0", "full", HINT("terminated"), 0, LF_TEL_IDLE},
		{"1", "full", HINT("early"), 0, LF_TEL_RINGING},
		{"2", "full", HINT("confirmed"), 0, LF_TEL_BUSY},
		{"3", "full", HINT("terminated"), 0, LF_TEL_IDLE},
		{"4", "full", HINT("early"), 0, LF_TEL_RINGING},
	};

	check_steps(steps, LEN(steps));
}

/* An id for all calls of a line: the Call-IDs tell them apart. */
static void calls_that_share_an_id_are_kept_apart(void **state)
{
#define SHARED(call, state, remote)                                            \
	DIALOG("200", call, "recipient", state, remote)
	static const struct step steps[] = {
		{"1", "full",
		 SHARED("a", "confirmed", "1") SHARED("b", "early", "2"), 0,
		 LF_TEL_BUSY, "1"},
		{"2", "partial", SHARED("b", "terminated", "2"), 0, LF_TEL_BUSY,
		 "1"},
		{"3", "partial", SHARED("c", "early", "3"), 0, LF_TEL_BUSY,
		 "1"},
		{"4", "partial", SHARED("a", "terminated", "1"), 0,
		 LF_TEL_RINGING, "3"},
		{"5", "partial", SHARED("d", "early", "4"), 0, LF_TEL_RINGING,
		 "3"},
		/* Without a Call-ID it speaks of all of them. */
		{"6", "partial", HINT("terminated"), 0, LF_TEL_IDLE},
	};

	check_steps(steps, LEN(steps));
}

static void duplicate_ids_are_one_dialog(void **state)
{
	static const struct step steps[] = {
		{"1", "full", CALL("7", "early") CALL("7", "confirmed"), 0,
		 LF_TEL_BUSY, "7"},
		{"2", "partial", CALL("7", "terminated"), 0, LF_TEL_IDLE},
		{"3", "full", CALL("8", "confirmed") CALL("8", "terminated"), 0,
		 LF_TEL_IDLE},
		{"4", "full",
		 "<dialog><state>confirmed</state></dialog>"
		 "<dialog call-id='x'><state>early</state></dialog>",
		 0, LF_TEL_BUSY},
	};

	check_steps(steps, LEN(steps));
}

static void an_unknown_state_is_a_call_all_the_same(void **state)
{
	static const struct step steps[] = {
		{"1", "full", CALL("7", "parked"), 0, LF_TEL_BUSY, "7"},
		{"2", "full", "<dialog id='a'/>", 0, LF_TEL_BUSY},
		{"3", "full", "<dialog id='a'><state/></dialog>", 0,
		 LF_TEL_BUSY},
		{"4", "full", CALL("7", "TERMINATED"), 0, LF_TEL_IDLE},
	};

	check_steps(steps, LEN(steps));
}

static void the_most_significant_dialog_is_shown(void **state)
{
	static const struct step steps[] = {
		{"1", "full", CALL("1", "early") CALL("2", "confirmed"), 0,
		 LF_TEL_BUSY, "2"},
		{"2", "full", CALL("2", "confirmed") CALL("1", "early"), 0,
		 LF_TEL_BUSY, "2"},
		{"3", "full", CALL("1", "trying") CALL("2", "early"), 0,
		 LF_TEL_RINGING, "2"},
		{"4", "partial", CALL("2", "terminated"), 0, LF_TEL_RINGING,
		 "1"},
	};

	check_steps(steps, LEN(steps));
}

static void a_held_call_is_busy(void **state)
{
	static const struct step steps[] = {
		{"1", "full",
		 "<dialog id='a'><state>confirmed</state><local><target "
		 "uri='sip:200@h'><param pname='+sip.rendering' pval='no'/>"
		 "</target></local><remote><identity display='Carla'>"
		 "sip:31@h</identity></remote></dialog>",
		 0, LF_TEL_BUSY, "31"},
	};

	check_steps(steps, LEN(steps));
}

static void addresses_come_in_many_shapes(void **state)
{
	static const struct {
		const char *identity, *peer;
	} rows[] = {
		{"sip:777@pbx.example:5060;transport=tcp", "777"},
		{"sips:777@pbx.example", "777"},
		{"moh@192.0.2.1:5060", "moh"}, /* sipX */
		{"777", "777"},
		{"tel:+39061234;phone-context=x", "+39061234"},
		{"&lt;sip:777@h&gt;", "777"},
		{"\"Ann\" &lt;sip:777@h&gt;", "777"},
		{"pres:777@h", "777"},
		{"sip:pbx.example", "pbx.example"},
		{"", ""},
	};
	char dialog[512];

	for (size_t i = 0; i < LEN(rows); i++) {
		const struct step step = {"1", "full",      dialog,
					  0,   LF_TEL_BUSY, rows[i].peer};

		snprintf(dialog, sizeof(dialog),
			 DIALOG("a", "a", "recipient", "confirmed", "%s"),
			 rows[i].identity);
		check_steps(&step, 1);
	}
}

static void without_an_identity_the_target_is_the_peer(void **state)
{
	static const struct step steps[] = {
		{"1", "full",
		 "<dialog id='a'><state>early</state><remote>"
		 "<target uri='sip:31@192.0.2.9'/></remote></dialog>",
		 0, LF_TEL_RINGING, "31"},
	};

	check_steps(steps, LEN(steps));
}

static void the_least_significant_dialogs_are_cut(void **state)
{
	struct lf_dialogs *all = NULL;
	char many[4096] = "", *at = many;
	const struct step steps[] = {
		{"1", "full", many, 0, LF_TEL_RINGING, "0"},
		{"2", "partial", CALL("x", "confirmed"), 0, LF_TEL_BUSY, "x"},
		{"3", "partial", CALL("0", "terminated"), 0, LF_TEL_BUSY, "x"},
		/* One of those left out may have been answered meanwhile. */
		{"4", "partial", CALL("x", "terminated"), -EAGAIN},
		{"5", "full", CALL("20", "confirmed"), 0, LF_TEL_BUSY, "20"},
		{"6", "partial", CALL("20", "terminated"), 0, LF_TEL_IDLE},
	};

	for (int i = 0; i < LF_DIALOGS_MAX + 5; i++)
		at += snprintf(at, sizeof(many) - (size_t)(at - many),
			       "<dialog id='%d' call-id='%d@pbx'><state>early"
			       "</state><remote><identity>%d</identity>"
			       "</remote></dialog>",
			       i, i, i);
	for (size_t i = 0; i < LEN(steps); i++)
		check_step(&all, i, &steps[i]);
	lf_dialogs_free(all);
}

static void a_call_beyond_the_bound_never_shows_idle(void **state)
{
	struct lf_dialogs *all = NULL;
	char live[4096] = "", *a = live, over[4096] = "", *b = over;
	const struct step steps[] = {
		{"1", "full", live, 0, LF_TEL_BUSY},
		{"2", "partial", over, -EAGAIN},
	};

	for (int i = 0; i <= LF_DIALOGS_MAX; i++)
		a += snprintf(a, sizeof(live) - (size_t)(a - live),
			      "<dialog id='%d'><state>confirmed</state>"
			      "</dialog>",
			      i);
	for (int i = 0; i < LF_DIALOGS_MAX; i++)
		b += snprintf(b, sizeof(over) - (size_t)(b - over),
			      "<dialog id='%d'><state>terminated</state>"
			      "</dialog>",
			      i);
	for (size_t i = 0; i < LEN(steps); i++)
		check_step(&all, i, &steps[i]);
	lf_dialogs_free(all);
}

static void what_pbxs_write_before_the_document_is_skipped(void **state)
{
	static const char text[] =
		"\r\n\r\n  <?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n"
		"<d:dialog-info xmlns:d=\"urn:ietf:params:xml:ns:dialog-info\" "
		"xmlns:sa=\"urn:x:sa\" version=\"1\" state=\"full\" "
		"entity=\"pres:200@h\"><d:dialog id=\"a\">"
		"<sa:exclusive>true</sa:exclusive><d:state>early</d:state>"
		"<d:remote><d:identity display=\"J\xf6rg\">sip:J\xf6rg@h"
		"</d:identity></d:remote></d:dialog></d:dialog-info>";
	struct lf_dialogs *all = NULL;
	struct lf_report r;

	memset(&r, 0, sizeof(r));
	assert_int_equal(0, read_text(&all, &r, text));
	assert_int_equal(LF_TEL_RINGING, r.line);
	assert_string_equal("J\xc3\xb6rg", r.peer);
	lf_dialogs_free(all);
}

static void what_is_no_dialog_info_leaves_the_table_alone(void **state)
{
	static const char *const bad[] = {"", "<presence/>", "<dialog-info",
					  "<dialog-info><dialog></dialog-info>",
					  "<!DOCTYPE a><dialog-info/>"};
	static const struct step before = {
		"1", "full", CALL("7", "confirmed"), 0, LF_TEL_BUSY, "7"};
	static const struct step after = {"2", "partial",   "",
					  0,   LF_TEL_BUSY, "7"};
	struct lf_dialogs *all = NULL;
	struct lf_report r;

	check_step(&all, 0, &before);
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(-EPROTO, read_text(&all, &r, bad[i]));
	check_step(&all, 1, &after);
	lf_dialogs_free(all);
}

static void read_fixture(char *out, size_t size, const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/documents/dialog/%s.xml",
		 srcdir ? srcdir : ".", name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void every_vendor_is_understood(void **state)
{
	static const struct {
		const char *file;
		enum lf_tel line;
		const char *peer;
	} rows[] = {
		{"polycom", LF_TEL_BUSY, "31"},
		{"yealink", LF_TEL_RINGING, "31"},
		{"grandstream", LF_TEL_RINGING, "31"},
		{"snom", LF_TEL_BUSY, "31"},
		{"spa", LF_TEL_BUSY, ""},
		{"broadworks", LF_TEL_BUSY, "31"},
		{"sipx", LF_TEL_BUSY, "moh"},
		{"kamailio", LF_TEL_BUSY, "44"},
		{"kamailio-bare", LF_TEL_BUSY, ""},
		{"freeswitch", LF_TEL_BUSY, "31"},
		{"asterisk-hold", LF_TEL_BUSY, ""},
		{"asterisk-idle", LF_TEL_IDLE, ""},
		{"no-attributes", LF_TEL_BUSY, ""},
	};
	char text[4096];

	for (size_t i = 0; i < LEN(rows); i++) {
		struct lf_dialogs *all = NULL;
		struct lf_report r;

		memset(&r, 0, sizeof(r));
		read_fixture(text, sizeof(text), rows[i].file);
		assert_int_equal(0, read_text(&all, &r, text));
		if (r.line != rows[i].line || strcmp(r.peer, rows[i].peer))
			fail_msg("%s: %s, peer \"%s\"", rows[i].file,
				 lf_tel_name(r.line), r.peer);
		lf_dialogs_free(all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_rings_is_answered_and_ends),
		cmocka_unit_test(whoever_calls_is_busy_before_the_answer),
		cmocka_unit_test(a_repeated_document_is_stale),
		cmocka_unit_test(a_number_that_fell_asks_for_full_state),
		cmocka_unit_test(full_state_with_version_0_begins_anew),
		cmocka_unit_test(a_lost_partial_document_asks_for_full_state),
		cmocka_unit_test(writers_that_do_not_count_are_believed),
		cmocka_unit_test(an_ended_dialog_stays_ended),
		cmocka_unit_test(a_branch_that_ends_does_not_end_its_call),
		cmocka_unit_test(an_asterisk_line_can_be_called_again),
		cmocka_unit_test(calls_that_share_an_id_are_kept_apart),
		cmocka_unit_test(duplicate_ids_are_one_dialog),
		cmocka_unit_test(an_unknown_state_is_a_call_all_the_same),
		cmocka_unit_test(the_most_significant_dialog_is_shown),
		cmocka_unit_test(a_held_call_is_busy),
		cmocka_unit_test(addresses_come_in_many_shapes),
		cmocka_unit_test(without_an_identity_the_target_is_the_peer),
		cmocka_unit_test(the_least_significant_dialogs_are_cut),
		cmocka_unit_test(a_call_beyond_the_bound_never_shows_idle),
		cmocka_unit_test(
			what_pbxs_write_before_the_document_is_skipped),
		cmocka_unit_test(what_is_no_dialog_info_leaves_the_table_alone),
		cmocka_unit_test(every_vendor_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
