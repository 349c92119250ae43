/*
 * tests/presence/test_write.c - what is written is well-formed, says nothing
 * that a watcher must not see, and is read back by our own parsers.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/xml.h"
#include "presence/dialog_info.h"
#include "presence/document.h"
#include "presence/lamp.h"
#include "presence/pidf.h"
#include "presence/report.h"
#include "presence/resource_lists.h"
#include "presence/summary.h"
#include "presence/write.h"

#include "core/banned.h"

#define NASTY "<b>\"R&D\"</b> 'x'"

static const struct lf_lamp quiet = {
	.tel = LF_TEL_IDLE,
	.line = LF_TEL_IDLE,
	.rich = LF_RICH_UNKNOWN,
	.fwd_to = "",
	.message = "",
	.peer = "",
};

static const char *written(lf_write_fn *write, const struct lf_lamp *lamp,
			   enum lf_level level)
{
	static struct lf_buf out;

	lf_buf_reset(&out);
	write(&out, &(const struct lf_writing){.uri = "sip:anna@corp.example",
					       .lamp = lamp,
					       .level = level,
					       .version = 7,
					       .hide_digits = 3});
	assert_int_equal(0, lf_buf_error(&out));
	return lf_buf_str(&out);
}

static struct lf_report read_pidf(const char *text)
{
	struct lf_report report = {0};

	assert_int_equal(
		0, lf_pidf_read(&report, LF_DIALECT_AUTO, text, strlen(text)));
	return report;
}

static void a_presence_document_is_read_back(void **state)
{
	static const struct {
		uint8_t tel, rich, line, read_rich;
		bool is_dnd;
	} cases[] = {
		{LF_TEL_IDLE, LF_RICH_AVAILABLE, LF_TEL_IDLE, LF_RICH_AVAILABLE,
		 false},
		{LF_TEL_RINGING, LF_RICH_UNKNOWN, LF_TEL_RINGING,
		 LF_RICH_AVAILABLE, false},
		{LF_TEL_BUSY, LF_RICH_UNKNOWN, LF_TEL_BUSY, LF_RICH_UNKNOWN,
		 false},
		{LF_TEL_IDLE, LF_RICH_ON_PHONE, LF_TEL_BUSY, LF_RICH_ON_PHONE,
		 false},
		{LF_TEL_IDLE, LF_RICH_BUSY, LF_TEL_BUSY, LF_RICH_BUSY, false},
		{LF_TEL_IDLE, LF_RICH_AWAY, LF_TEL_IDLE, LF_RICH_AWAY, false},
		{LF_TEL_DND, LF_RICH_UNKNOWN, LF_TEL_BUSY, LF_RICH_DND, true},
		{LF_TEL_OFFLINE, LF_RICH_OFFLINE, LF_TEL_OFFLINE,
		 LF_RICH_OFFLINE, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lf_lamp lamp = quiet;
		struct lf_report report;

		lamp.tel = cases[i].tel;
		lamp.rich = cases[i].rich;
		report =
			read_pidf(written(lf_pidf_write, &lamp, LF_LEVEL_FULL));
		assert_int_equal(cases[i].line, report.line);
		if (cases[i].read_rich != LF_RICH_UNKNOWN)
			assert_int_equal(cases[i].read_rich, report.rich);
		assert_int_equal(cases[i].is_dnd, report.is_dnd);
	}
}

static void an_unknown_lamp_says_neither_open_nor_closed(void **state)
{
	struct lf_lamp lamp = quiet;
	struct lf_report report;
	const char *text;

	lamp.tel = lamp.line = LF_TEL_UNKNOWN;
	text = written(lf_pidf_write, &lamp, LF_LEVEL_FULL);
	assert_null(strstr(text, "<basic>"));
	report = read_pidf(text);
	assert_false(report.knows & LF_KNOWS_RICH);
	assert_false(report.knows & LF_KNOWS_LINE);
}

static void texts_are_escaped_and_come_back(void **state)
{
	struct lf_lamp lamp = quiet;
	struct lf_report report;

	lamp.rich = LF_RICH_AWAY;
	lamp.message = NASTY;
	report = read_pidf(written(lf_pidf_write, &lamp, LF_LEVEL_FULL));
	assert_string_equal(NASTY, report.message);
}

static void a_forward_hides_its_last_digits(void **state)
{
	struct lf_lamp lamp = quiet;
	const char *text;
	char out[16];

	lamp.tel = LF_TEL_FWD_NUMBER;
	lamp.fwd_to = "0405551234";
	text = written(lf_pidf_write, &lamp, LF_LEVEL_FULL);
	assert_non_null(strstr(text, "0405551***"));
	assert_null(strstr(text, "1234"));
	assert_string_equal("**", lf_number_hide(out, sizeof(out), "12", 3));
	assert_string_equal("12", lf_number_hide(out, sizeof(out), "12", 0));
}

static void no_document_shows_where_calls_go(void **state)
{
	static lf_write_fn *const writers[] = {lf_pidf_write, lf_xpidf_write,
					       lf_dialog_info_write,
					       lf_summary_write};
	struct lf_lamp lamp = quiet;

	lamp.tel = LF_TEL_FWD_NUMBER;
	lamp.line = LF_TEL_RINGING;
	lamp.fwd_to = "0405551234";
	for (size_t i = 0; i < sizeof(writers) / sizeof(*writers); i++)
		for (int level = 0; level < LF_LEVELS; level++) {
			const char *text = written(writers[i], &lamp,
						   (enum lf_level)level);

			assert_null(strstr(text, "1234"));
			if (level != LF_LEVEL_FULL)
				assert_null(strstr(text, "0405"));
		}
}

static void less_is_shown_to_whom_less_is_shown(void **state)
{
	struct lf_lamp lamp = quiet;
	struct lf_report report;
	const char *text;

	lamp.tel = lamp.line = LF_TEL_RINGING;
	lamp.rich = LF_RICH_BUSY;
	lamp.message = "secret";
	lamp.peer = "777";
	lamp.fwd_to = "888";
	lamp.since_ms = 1700000000000;
	lamp.voicemails_new = 3;
	text = written(lf_pidf_write, &lamp, LF_LEVEL_BASIC);
	assert_null(strstr(text, "secret"));
	assert_null(strstr(text, "timestamp"));
	report = read_pidf(text);
	assert_int_equal(LF_RICH_AVAILABLE, report.rich);
	assert_int_equal(LF_TEL_IDLE, report.line);
	text = written(lf_pidf_write, &lamp, LF_LEVEL_NOTHING);
	assert_null(strstr(text, "open"));
	assert_null(strstr(text, "secret"));

	/* Reachable or not, in every package: a call is more than that. */
	text = written(lf_dialog_info_write, &lamp, LF_LEVEL_BASIC);
	assert_null(strstr(text, "<dialog "));
	text = written(lf_xpidf_write, &lamp, LF_LEVEL_BASIC);
	assert_non_null(strstr(text, "online"));
	text = written(lf_xpidf_write, &lamp, LF_LEVEL_NOTHING);
	assert_non_null(strstr(text, "unknown"));
	text = written(lf_dialog_info_write, &lamp, LF_LEVEL_NOTHING);
	assert_null(strstr(text, "<dialog "));
	text = written(lf_summary_write, &lamp, LF_LEVEL_BASIC);
	assert_non_null(strstr(text, "Messages-Waiting: no"));
}

static void xpidf_is_read_back(void **state)
{
	struct lf_lamp lamp = quiet;

	lamp.rich = LF_RICH_ON_PHONE;
	assert_int_equal(
		LF_TEL_BUSY,
		read_pidf(written(lf_xpidf_write, &lamp, LF_LEVEL_FULL)).line);
	lamp.rich = LF_RICH_OFFLINE;
	lamp.tel = LF_TEL_OFFLINE;
	assert_int_equal(
		LF_RICH_OFFLINE,
		read_pidf(written(lf_xpidf_write, &lamp, LF_LEVEL_FULL)).rich);
}

static uint8_t read_line(const char *text, char *peer)
{
	struct lf_dialogs *dialogs = NULL;
	struct lf_report report = {0};

	assert_int_equal(
		0, lf_dialog_info_read(&dialogs, &report, text, strlen(text)));
	lf_dialogs_free(dialogs);
	memcpy(peer, report.peer, LF_REPORT_NUMBER);
	return report.line;
}

static void dialog_info_is_read_back(void **state)
{
	struct lf_lamp lamp = quiet;
	char peer[LF_REPORT_NUMBER];
	const char *text;

	text = written(lf_dialog_info_write, &lamp, LF_LEVEL_FULL);
	assert_non_null(strstr(text, "version=\"7\""));
	assert_non_null(strstr(text, "state=\"full\""));
	assert_int_equal(LF_TEL_IDLE, read_line(text, peer));

	lamp.tel = lamp.line = LF_TEL_RINGING;
	lamp.peer = "777";
	text = written(lf_dialog_info_write, &lamp, LF_LEVEL_FULL);
	assert_int_equal(LF_TEL_RINGING, read_line(text, peer));
	assert_string_equal("777", peer);
	assert_non_null(strstr(text, "sip:777@corp.example"));

	/* Do-not-disturb covers the lamp; the key still shows the line. */
	lamp.tel = LF_TEL_DND;
	lamp.line = LF_TEL_BUSY;
	text = written(lf_dialog_info_write, &lamp, LF_LEVEL_FULL);
	assert_int_equal(LF_TEL_BUSY, read_line(text, peer));
}

static void a_summary_is_read_back(void **state)
{
	struct lf_lamp lamp = quiet;
	struct lf_report report = {0};
	const char *text;

	lamp.voicemails_new = 2;
	lamp.voicemails_old = 5;
	text = written(lf_summary_write, &lamp, LF_LEVEL_FULL);
	assert_int_equal(0, lf_summary_read(&report, text, strlen(text)));
	assert_int_equal(2, report.voicemails_new);
	assert_int_equal(5, report.voicemails_old);
}

static unsigned told;

static void on_resource(const char *uri, const struct lf_report *report,
			void *arg)
{
	told++;
	if (!strcmp(uri, "sip:a&b@corp.example"))
		assert_int_equal(LF_COND_OK, report->cond);
	else
		assert_int_equal(LF_COND_NOT_FOUND, report->cond);
}

static void a_list_is_read_back(void **state)
{
	const char *pidf = written(lf_pidf_write, &quiet, LF_LEVEL_FULL);
	struct lf_document *document = NULL;
	const struct lf_resource anna = {"sip:a&b@corp.example", "A <Meier>"};
	const struct lf_resource unknown = {"sip:y@corp.example", ""};
	char type[LF_RLMI_TYPE_SIZE];
	struct lf_buf out = {0};
	struct lf_rlmi rlmi;
	size_t size;

	lf_rlmi_begin(&rlmi, "sip:sales@corp.example", 3, true);
	lf_rlmi_add(&rlmi, &anna, "application/pidf+xml", pidf, strlen(pidf));
	lf_rlmi_add_gone(&rlmi, &(struct lf_resource){"sip:x@corp.example", ""},
			 "noresource");
	lf_rlmi_add(&rlmi, &unknown, "application/pidf+xml", pidf,
		    strlen(pidf));
	lf_rlmi_undo(&rlmi);
	lf_rlmi_add_unknown(&rlmi, &unknown);
	size = lf_rlmi_size(&rlmi);
	assert_int_equal(0, lf_rlmi_end(&rlmi, &out, type));
	assert_non_null(strstr(out.data, "<name>A &lt;Meier&gt;</name>"));
	size -= strlen("Content-Type: \r\nContent-Length: 1234\r\n\r\n") +
		strlen(type) + out.len;
	assert_in_range(size, 0, 20);
	told = 0;
	assert_int_equal(0, lf_document_read(&document, LF_DIALECT_AUTO, type,
					     out.data, out.len, on_resource,
					     NULL));
	assert_int_equal(2, told);
	lf_document_free(document);
	lf_buf_done(&out);
}

static int count_entry(const struct lf_resource *r, void *arg)
{
	unsigned *n = arg;

	(*n)++;
	return 0;
}

static void carried_lists_are_bounded(void **state)
{
	struct lf_buf text = {0};
	unsigned n = 0;
	static const char nested[] =
		"<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'>"
		"<list><entry uri='sip:a@b'/><entry/><external/><list>"
		"<entry uri='sip:c@d'><display-name>C</display-name></entry>"
		"</list></list></resource-lists>";

	assert_int_equal(0, lf_resource_lists_read(nested, sizeof(nested) - 1,
						   count_entry, &n));
	assert_int_equal(2, n);
	assert_int_equal(-EPROTO, lf_resource_lists_read("<lists/>", 8,
							 count_entry, &n));
	assert_int_equal(-EPROTO,
			 lf_resource_lists_read("hello", 5, count_entry, &n));
	lf_buf_adds(&text, "<resource-lists><list>");
	for (int i = 0; i < LF_RESOURCES_MAX + 1; i++)
		lf_buf_addf(&text, "<entry uri='sip:%d@b'/>", i);
	lf_buf_adds(&text, "</list></resource-lists>");
	assert_int_equal(-E2BIG, lf_resource_lists_read(text.data, text.len,
							count_entry, &n));
	lf_buf_done(&text);
}

#define LISTS(inside)                                                          \
	"<?xml version='1.0'?>\n"                                              \
	"<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists' "       \
	"xmlns:x='urn:x'>\n" inside "\n</resource-lists>"

/* Each with its line, and what to do about it. */
static void what_is_wrong_with_a_kept_list_is_told(void **state)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{"", "line 1: this is no XML"},
		{"sip:anna@corp", "line 1: this is no XML"},
		{"\n\n<lists/>",
		 "line 3: the outermost element must be <resource-lists "
		 "xmlns=\"urn:ietf:params:xml:ns:resource-lists\">"},
		{"<resource-lists/>",
		 "line 1: the outermost element must be <resource-lists "
		 "xmlns=\"urn:ietf:params:xml:ns:resource-lists\">"},
		{LISTS("<list>\n<entry/></list>"),
		 "line 4: an <entry> needs a uri"},
		{LISTS("<list><entry uri='mailto:a@b'/></list>"),
		 "line 3: \"mailto:a@b\" is no SIP address"},
		{LISTS("<list><entry uri='sip:a b@c'/></list>"),
		 "line 3: \"sip:a b@c\" is no SIP address"},
		{LISTS("<list><entri uri='sip:a@b'/></list>"),
		 "line 3: a list has no <entri>"},
		{LISTS("<list>\n<list>\n<external anchor='http://x'/>"
		       "</list></list>"),
		 "line 5: <external> is a list on another server, which is "
		 "not fetched; write its entries"},
		{LISTS("<list><entry-ref ref='users/x'/></list>"),
		 "line 3: <entry-ref> is in a document of an XCAP server, "
		 "which is not fetched; write an <entry>"},
		{LISTS("<list>\n<entry uri='sip:a@b'></list>"),
		 "line 4: Opening and ending tag mismatch: entry line 4 and "
		 "list"},
		{"<!DOCTYPE a>\n<a/>", "line 1: a DOCTYPE is not read"},
	};
	char wrong[LF_RESOURCE_ERROR_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(-EPROTO,
				 lf_resource_lists_check(cases[i].text,
							 strlen(cases[i].text),
							 NULL, NULL, wrong));
		assert_string_equal(cases[i].told, wrong);
	}
}

static int say_entry(const struct lf_resource *r, void *arg)
{
	lf_buf_addf(arg, "%s=%s;", r->uri, r->name);
	return 0;
}

static void kept_lists_are_read_with_all_that_is_in_them(void **state)
{
	static const char text[] =
		LISTS("<list name='a'><display-name>All</display-name>"
		      "<entry uri='sip:a@b'><display-name> A &amp; B "
		      "</display-name></entry>"
		      "<x:more/><list><entry uri='sips:c@d'/></list></list>\n"
		      "<list name='b'><entry uri='SIP:e'/></list>");
	char wrong[LF_RESOURCE_ERROR_SIZE] = "";
	struct lf_buf said = {0};

	assert_int_equal(0, lf_resource_lists_check(text, sizeof(text) - 1,
						    say_entry, &said, wrong));
	assert_string_equal("sip:a@b=A & B;sips:c@d=;SIP:e=;", said.data);
	assert_string_equal("", wrong);
	lf_buf_done(&said);
}

static void watchers_are_listed(void **state)
{
	const struct lf_watcher_item item = {
		.id = 4,
		.uri = "sip:<w>@corp.example",
		.status = "active",
		.event = "subscribe",
		.age_s = 9,
		.expires_s = 60,
	};
	struct lf_buf out = {0};
	struct lf_xml *xml;
	const struct lf_xml_node *watcher;
	char text[64];

	lf_winfo_begin(&out, 0, true, "sip:anna@corp.example", "presence");
	lf_winfo_add(&out, &item);
	lf_winfo_end(&out);
	assert_int_equal(0, lf_xml_parse(&xml, out.data, out.len));
	watcher = lf_xml_child(lf_xml_child(lf_xml_root(xml), "watcher-list"),
			       "watcher");
	assert_string_equal("active", lf_xml_attr(watcher, "status"));
	assert_string_equal("sip:<w>@corp.example",
			    lf_xml_text(watcher, text, sizeof(text)));
	lf_xml_free(xml);
	lf_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_presence_document_is_read_back),
		cmocka_unit_test(an_unknown_lamp_says_neither_open_nor_closed),
		cmocka_unit_test(texts_are_escaped_and_come_back),
		cmocka_unit_test(a_forward_hides_its_last_digits),
		cmocka_unit_test(no_document_shows_where_calls_go),
		cmocka_unit_test(less_is_shown_to_whom_less_is_shown),
		cmocka_unit_test(xpidf_is_read_back),
		cmocka_unit_test(dialog_info_is_read_back),
		cmocka_unit_test(a_summary_is_read_back),
		cmocka_unit_test(a_list_is_read_back),
		cmocka_unit_test(carried_lists_are_bounded),
		cmocka_unit_test(what_is_wrong_with_a_kept_list_is_told),
		cmocka_unit_test(kept_lists_are_read_with_all_that_is_in_them),
		cmocka_unit_test(watchers_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
