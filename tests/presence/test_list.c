/*
 * tests/presence/test_list.c - bodies of a NOTIFY as a whole: which parser,
 * and lists of resources with a document each (RFC 4662).
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
#include "presence/document.h"
#include "presence/multipart.h"
#include "presence/report.h"

#include "core/banned.h"

#define PIDF "application/pidf+xml"
#define DIALOG "application/dialog-info+xml"
#define RELATED "multipart/related;type=\"application/rlmi+xml\";boundary=\"B\""

#define PART(id, type, body)                                                   \
	"--B\r\nContent-ID: <" id ">\r\nContent-Type: " type "\r\n\r\n" body   \
	"\r\n"
#define RLMI(version, full, resources)                                         \
	PART("top", "application/rlmi+xml;charset=\"UTF-8\"",                  \
	     "<list xmlns='urn:ietf:params:xml:ns:rlmi' uri='sip:all@h' "      \
	     "version='" version "' fullState='" full "'>" resources           \
	     "</list>")
#define ENTRY(uri, attributes)                                                 \
	"<resource uri='" uri "'><instance id='1' " attributes "/></resource>"
#define ACTIVE(uri, cid) ENTRY(uri, "state='active' cid='" cid "'")
#define OPEN                                                                   \
	"<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple id='t'>"         \
	"<status><basic>open</basic></status></tuple></presence>"
#define CALL(version, full, state)                                             \
	"<dialog-info version='" version "' state='" full "'><dialog id='1'>"  \
	"<state>" state "</state></dialog></dialog-info>"

/* What was told: "uri line cond;" for each. */
struct told {
	struct lf_document *state;
	char text[4096];
	size_t n;
};

static void on_report(const char *uri, const struct lf_report *r, void *arg)
{
	struct told *t = arg;
	size_t at = strlen(t->text);

	snprintf(t->text + at, sizeof(t->text) - at, "%s %s;", uri ?: "-",
		 r->cond ? lf_cond_name(r->cond) : lf_tel_name(r->line));
	t->n++;
}

static int read_as(struct told *t, const char *type, const char *body)
{
	t->text[0] = '\0';
	t->n = 0;
	return lf_document_read(&t->state, LF_DIALECT_AUTO, type, body,
				strlen(body), on_report, t);
}

static void check(struct told *t, const char *type, const char *body, int err,
		  const char *told)
{
	int got = read_as(t, type, body);

	assert_string_equal(told, t->text);
	assert_int_equal(err, got);
}

static void check_once(const char *type, const char *body, int err,
		       const char *told)
{
	struct told t = {0};

	check(&t, type, body, err, told);
	lf_document_free(t.state);
}

static void the_content_type_chooses_the_parser(void **state)
{
	check_once(PIDF, OPEN, 0, "- idle;");
	check_once("Application/PIDF+XML; charset=utf-8", OPEN, 0, "- idle;");
	check_once("application/cpim-pidf+xml", OPEN, 0, "- idle;");
	check_once("application/xpidf+xml",
		   "<presence><atom><address><status status='closed'/>"
		   "</address></atom></presence>",
		   0, "- offline;");
	check_once(DIALOG, CALL("1", "full", "early"), 0, "- ringing;");
	check_once("application/simple-message-summary",
		   "Messages-Waiting: yes\r\n", 0, "- unknown;");
	check_once("application/pidf+xmlx", OPEN, -EPROTO, "");
	check_once("text/plain", OPEN, -EPROTO, "");
	check_once("", OPEN, -EPROTO, "");
	check_once(PIDF, "", -EPROTO, "");
	check_once(DIALOG, OPEN, -EPROTO, "");
}

static void dialogs_are_remembered_between_bodies(void **state)
{
	struct told t = {0};

	check(&t, DIALOG, CALL("1", "partial", "early"), -EAGAIN, "");
	check(&t, DIALOG, CALL("1", "full", "early"), 0, "- ringing;");
	check(&t, DIALOG, CALL("2", "partial", "confirmed"), 0, "- busy;");
	check(&t, DIALOG, CALL("2", "full", "early"), -ESTALE, "");
	lf_document_free(t.state);
	lf_document_free(NULL);
}

static void a_list_has_a_document_for_each_resource(void **state)
{
	check_once(
		RELATED,
		RLMI("0", "true", ACTIVE("sip:a@h", "a") ACTIVE("sip:b@h", "b"))
			PART("b", DIALOG, CALL("1", "full", "early"))
				PART("a", PIDF, OPEN) "--B--\r\n",
		0, "sip:a@h idle;sip:b@h ringing;");
}

static void a_resource_without_document_has_a_condition(void **state)
{
	check_once(
		RELATED,
		RLMI("0", "true",
		     ENTRY("sip:a@h", "state='pending'") ENTRY(
			     "sip:b@h",
			     "state='terminated' "
			     "reason='noresource'") ENTRY("sip:c@h",
							  "state='terminated' "
							  "reason='rejected'")
			     ENTRY("sip:d@h", "state='terminated'")
				     ENTRY("sip:e@h",
					   "state='active'") "<resource "
							     "uri='sip:f@h'/"
							     ">") "--B--\r\n",
		0,
		"sip:a@h requesting;sip:b@h not_found;"
		"sip:c@h access_denied;sip:d@h error;");
}

/* What is over is over, even with a last document. */
static void a_terminated_resource_does_not_show_its_document(void **state)
{
	check_once(RELATED,
		   RLMI("0", "true",
			ENTRY("sip:a@h", "state='terminated' cid='a' "
					 "reason='noresource'"))
			   PART("a", PIDF, OPEN) "--B--",
		   0, "sip:a@h not_found;");
}

static void a_bad_part_does_not_darken_the_others(void **state)
{
	check_once(RELATED,
		   RLMI("0", "true",
			ACTIVE("sip:a@h", "a") ACTIVE("sip:b@h", "missing")
				ACTIVE("sip:c@h", "c") ACTIVE("sip:d@h", "d"))
			   PART("a", PIDF, "<presence")
				   PART("c", "text/plain", "hello")
					   PART("d", PIDF, OPEN) "--B--",
		   0, "sip:d@h idle;");
}

static void lists_in_lists_are_read(void **state)
{
	check_once(RELATED,
		   RLMI("0", "true",
			ACTIVE("sip:team@h", "team") ACTIVE("sip:z@h", "z"))
			   PART("z", PIDF,
				OPEN) "--B\r\nContent-ID: <team>\r\n"
				      "Content-Type: multipart/related;\r\n"
				      "\ttype=\"application/rlmi+xml\";\r\n"
				      "  boundary=\"Binner\"\r\n\r\n"
				      "--Binner\r\nContent-Type: "
				      "application/rlmi+xml\r\n"
				      "\r\n<list version='7' "
				      "fullState='true'>" ACTIVE(
					      "sip:a@h",
					      "a") "</list>\r\n"
						   "--Binner\r\nContent-ID: "
						   "<a>\r\nContent-Type: " PIDF
						   "\r\n\r\n" OPEN
						   "\r\n--Binner--\r\n\r\n--B--"
						   "\r\n",
		   0, "sip:a@h idle;sip:z@h idle;");
}

static void versions_of_a_list_are_kept(void **state)
{
#define LIST(version, full)                                                    \
	RLMI(version, full, ACTIVE("sip:a@h", "a"))                            \
	PART("a", PIDF, OPEN) "--B--"
	struct told t = {0};

	check(&t, RELATED, LIST("3", "true"), 0, "sip:a@h idle;");
	check(&t, RELATED, LIST("3", "true"), -ESTALE, "");
	check(&t, RELATED, LIST("4", "false"), 0, "sip:a@h idle;");
	check(&t, RELATED, LIST("6", "false"), -EAGAIN, "");
	check(&t, RELATED, LIST("9", "true"), 0, "sip:a@h idle;");
	check(&t, RELATED, LIST("0", "true"), 0, "sip:a@h idle;");
	check(&t, RELATED, LIST("1", "false"), 0, "sip:a@h idle;");
	check(&t, RELATED, LIST("5", "true"), 0, "sip:a@h idle;");
	check(&t, RELATED, LIST("2", "false"), -EAGAIN, "");
	check(&t, RELATED, LIST("3", "true"), 0, "sip:a@h idle;");
	check(&t, RELATED, LIST("x", "true"), 0, "sip:a@h idle;");
	lf_document_free(t.state);
}

/* The others are told; the caller asks for full state. */
static void a_lost_document_of_a_resource_is_noticed(void **state)
{
	struct told t = {0};

	check(&t, RELATED,
	      RLMI("0", "true", ACTIVE("sip:a@h", "a"))
		      PART("a", DIALOG, CALL("1", "full", "early")) "--B--",
	      0, "sip:a@h ringing;");
	check(&t, RELATED,
	      RLMI("1", "false", ACTIVE("sip:a@h", "a") ACTIVE("sip:b@h", "b"))
		      PART("a", DIALOG, CALL("3", "partial", "confirmed"))
			      PART("b", PIDF, OPEN) "--B--",
	      -EAGAIN, "sip:b@h idle;");
	lf_document_free(t.state);
}

static void bodies_that_are_not_quite_multipart(void **state)
{
	static const char list[] = RLMI("0", "true", ACTIVE("sip:a@h", "a"))
		PART("a", PIDF, OPEN) "--B--";

	check_once("multipart/related", list, -EPROTO, "");
	check_once("multipart/related;boundary=", list, -EPROTO, "");
	check_once("multipart/related;boundary=C", list, -EPROTO, "");
	check_once("multipart/related; boundary=B; x", list, 0,
		   "sip:a@h idle;");
	check_once(RELATED, "", -EPROTO, "");
	check_once(RELATED, "--B--", -EPROTO, "");
	check_once(RELATED, PART("a", "application/rlmi+xml", "<x/>"), -EPROTO,
		   "");
	/* Cut off, with a preamble, and lines that end in LF only. */
	check_once(
		RELATED,
		"preamble --B\nContent-Type:x\n--B\nContent-type: "
		"application/rlmi+xml\n\n<list>" ACTIVE(
			"sip:a@h",
			"a") "</list>\n--B \nCONTENT-ID:<a>\nContent-Type:" PIDF
			     "\n\n" OPEN,
		0, "sip:a@h idle;");
	/* No list: alternatives of one document. */
	check_once("multipart/mixed;boundary=B",
		   PART("x", "text/plain", "hi") PART("y", PIDF, OPEN) "--B--",
		   0, "- idle;");
}

static void parts_are_bounded(void **state)
{
	size_t size = 64 * LF_PARTS_MAX, at = 0;
	char *body = malloc(size);

	assert_non_null(body);
	for (int i = 0; i < LF_PARTS_MAX + 1; i++)
		at += (size_t)snprintf(body + at, size - at,
				       "--B\r\nContent-Type: x\r\n\r\n\r\n");
	check_once(RELATED, body, -E2BIG, "");
	free(body);
}

/* "--1", "--2", ... inside each other. */
static void nesting_is_bounded(void **state)
{
	char body[4096], *at = body;

	for (int i = 1; i < 20; i++)
		at += snprintf(at, sizeof(body) - (size_t)(at - body),
			       "--%d\r\nContent-Type: multipart/mixed;"
			       "boundary=%d\r\n\r\n",
			       i, i + 1);
	check_once("multipart/mixed;boundary=1", body, -E2BIG, "");
}

/* Every instance points at the same list, which points at itself. */
static void lists_that_point_at_themselves_do_not_multiply(void **state)
{
	char body[16384], *at = body;
	struct told t = {0};

	at += snprintf(body, sizeof(body),
		       "--B\r\nContent-ID: <l>\r\nContent-Type: "
		       "application/rlmi+xml\r\n\r\n<list>");
	for (int i = 0; i < 100; i++)
		at += snprintf(at, sizeof(body) - (size_t)(at - body),
			       ACTIVE("sip:a@h", "l") ACTIVE("sip:b@h", "a"));
	snprintf(at, sizeof(body) - (size_t)(at - body),
		 "</list>\r\n" PART("a", PIDF, OPEN) "--B--");
	check(&t, RELATED, body, 0, "sip:b@h idle;");
	lf_document_free(t.state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_content_type_chooses_the_parser),
		cmocka_unit_test(dialogs_are_remembered_between_bodies),
		cmocka_unit_test(a_list_has_a_document_for_each_resource),
		cmocka_unit_test(a_resource_without_document_has_a_condition),
		cmocka_unit_test(
			a_terminated_resource_does_not_show_its_document),
		cmocka_unit_test(a_bad_part_does_not_darken_the_others),
		cmocka_unit_test(lists_in_lists_are_read),
		cmocka_unit_test(versions_of_a_list_are_kept),
		cmocka_unit_test(a_lost_document_of_a_resource_is_noticed),
		cmocka_unit_test(bodies_that_are_not_quite_multipart),
		cmocka_unit_test(parts_are_bounded),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(
			lists_that_point_at_themselves_do_not_multiply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
