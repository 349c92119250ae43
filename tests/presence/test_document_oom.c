/*
 * tests/presence/test_document_oom.c - documents are read or refused as a
 * whole, whichever allocation fails.
 */
#include <errno.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlmemory.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "presence/dialog_info.h"
#include "presence/document.h"
#include "presence/report.h"
#include "tests/oom.h"

#include "core/banned.h"

#define PRESENCE                                                               \
	"<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple id='t'><status>" \
	"<basic>open</basic></status><note>here</note></tuple></presence>"
#define CALL(version, full, state)                                             \
	"<dialog-info version='" version "' state='" full "'><dialog id='1'>"  \
	"<state>" state "</state><remote><identity>sip:7@h</identity>"         \
	"</remote></dialog></dialog-info>"

/*
 * libxml2 can do without some of what it asks for, when nothing may be
 * missing; and it does not always say what it failed of.
 */
static int answer(int err)
{
	return (!err || err == -EPROTO) && lf_oom_has_failed() ? -ENOMEM : err;
}

static int run_pidf(void *arg)
{
	static const char text[] = PRESENCE;
	struct lf_report r, before;
	int err;

	memset(&r, 0, sizeof(r));
	before = r;
	err = lf_pidf_read(&r, LF_DIALECT_AUTO, text, sizeof(text) - 1);
	if (err) {
		assert_memory_equal(&before, &r, sizeof(r));
	} else {
		assert_int_equal(LF_TEL_IDLE, r.line);
		assert_string_equal("here", r.message);
	}
	return answer(err);
}

static void a_presence_document_without_memory(void **state)
{
	assert_true(lf_oom_sweep(run_pidf, NULL) > 2);
}

static int read_call(struct lf_dialogs **all, const char *text,
		     enum lf_tel line)
{
	struct lf_report r;
	int err;

	memset(&r, 0, sizeof(r));
	err = lf_dialog_info_read(all, &r, text, strlen(text));
	if (!err)
		assert_int_equal(line, r.line);
	return err;
}

/* What failed leaves the table as it was: the same document is no repeat. */
static int run_dialogs(void *arg)
{
	static const char ringing[] = CALL("1", "full", "early");
	static const char busy[] = CALL("2", "partial", "confirmed");
	struct lf_dialogs *all = NULL;
	int err;

	err = read_call(&all, ringing, LF_TEL_RINGING);
	if (!err) {
		err = read_call(&all, busy, LF_TEL_BUSY);
		if (err && read_call(&all, busy, LF_TEL_BUSY))
			assert_true(lf_oom_has_failed());
	}
	lf_dialogs_free(all);
	return answer(err);
}

static void dialogs_without_memory(void **state)
{
	assert_true(lf_oom_sweep(run_dialogs, NULL) > 4);
}

static void on_report(const char *uri, const struct lf_report *r, void *arg)
{
	++*(unsigned *)arg;
}

static int run_list(void *arg)
{
	static const char type[] = "multipart/related;boundary=B";
	static const char body[] =
		"--B\r\nContent-Type: application/rlmi+xml\r\n\r\n"
		"<list version='0' fullState='true'>"
		"<resource uri='sip:a@h'><instance state='active' cid='a'/>"
		"</resource>"
		"<resource uri='sip:b@h'><instance state='active' cid='b'/>"
		"</resource></list>\r\n"
		"--B\r\nContent-ID: <a>\r\nContent-Type: application/pidf+xml"
		"\r\n\r\n" PRESENCE "\r\n"
		"--B\r\nContent-ID: <b>\r\nContent-Type: application/"
		"dialog-info+xml\r\n\r\n" CALL("1", "full",
					       "early") "\r\n"
							"--B--\r\n";
	struct lf_document *state = NULL;
	unsigned told = 0;
	int err;

	err = lf_document_read(&state, LF_DIALECT_AUTO, type, body,
			       sizeof(body) - 1, on_report, &told);
	lf_document_free(state);
	if (!err)
		assert_int_equal(2, told);
	return answer(err);
}

static void a_list_without_memory(void **state)
{
	assert_true(lf_oom_sweep(run_list, NULL) > 10);
}

static void quiet(void *arg, const char *fmt, ...)
{
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_presence_document_without_memory),
		cmocka_unit_test(dialogs_without_memory),
		cmocka_unit_test(a_list_without_memory),
	};

	xmlMemSetup(free, malloc, realloc, strdup);
	xmlSetGenericErrorFunc(NULL, quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
