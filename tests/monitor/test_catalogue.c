/* tests/monitor/test_catalogue.c - code, MIB, page and keys say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/json.h"
#include "monitor/document.h"
#include "monitor/event.h"

#include "core/banned.h"

static void read_file(struct lf_buf *out, const char *name)
{
	const char *folder = getenv("srcdir");
	char path[512], piece[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/docs/%s", folder ? folder : ".", name);
	f = fopen(path, "r");
	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		lf_buf_add(out, piece, n);
	fclose(f);
}

static void assert_is_file(struct lf_buf *made, const char *name)
{
	struct lf_buf file = {0};

	read_file(&file, name);
	if (strcmp(lf_buf_str(made), lf_buf_str(&file)))
		fail_msg("docs/%s is not what the code says: run `make "
			 "update-events`",
			 name);
	lf_buf_done(&file);
	lf_buf_done(made);
}

static void the_files_of_the_docs_are_what_the_code_says(void **state)
{
	struct lf_buf out = {0};

	lf_document_markdown(&out);
	assert_is_file(&out, "events.md");
	assert_int_equal(0, lf_document_mib(&out, LF_MIB_DEFAULT_BASE));
	assert_is_file(&out, "monitoring/LAMPFIELD-MIB.txt");
	lf_document_keys(&out);
	assert_is_file(&out, "monitoring/events.en.json");
}

/* Released numbers: a line here is never changed, only added. */
static void ids_are_for_ever(void **state)
{
	static const struct {
		int id;
		const char *name;
	} known[] = {
		{1001, "server-started"},    {1010, "heartbeat"},
		{1101, "disk-low"},          {1201, "store-failing"},
		{1301, "clock-stepped"},     {1401, "certificate-expires"},
		{1501, "mail-failing"},      {1511, "trap-failing"},
		{1541, "notification-test"}, {2001, "feed-down"},
		{2002, "feed-up"},           {3001, "link-down"},
		{4001, "login-braked"},      {5001, "chat-unattended"},
		{6001, "token-needs-human"}, {7001, "licence-expires"},
	};
	char name[LF_EVENT_NAME_SIZE];

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		assert_non_null(lf_event_find(known[i].id));
		assert_string_equal(
			known[i].name,
			lf_event_name(name, lf_event_find(known[i].id)));
	}
}

static void every_entry_is_complete_and_in_order(void **state)
{
	const struct lf_event_info *info, *other;
	int last = 0;

	for (size_t i = 0; (info = lf_event_at(i)); i++) {
		assert_true((int)info->id > last);
		last = (int)info->id;
		assert_true(strlen(info->text) > 10);
		assert_true(strlen(info->text) < 256);
		assert_true(*info->remedy && strlen(info->remedy) < 256);
		for (const char *c = info->text; *c; c++)
			assert_in_range(*c, 0x20, 0x7e);
		if (!info->clears)
			continue;
		other = lf_event_find((int)info->clears);
		assert_non_null(other);
		assert_true(lf_event_is_alarm(other));
		assert_false(lf_event_is_alarm(info));
		assert_int_equal(LF_SEVERITY_INFORMATION, info->severity);
		assert_string_equal(other->category, info->category);
	}
}

static void an_event_is_found_by_number_and_by_name(void **state)
{
	char name[LF_EVENT_NAME_SIZE];

	assert_int_equal(LF_EVENT_FEED_DOWN, lf_event_parse("2001")->id);
	assert_int_equal(LF_EVENT_FEED_DOWN, lf_event_parse("feed-down")->id);
	assert_int_equal(LF_EVENT_FEED_DOWN, lf_event_parse("FEED_DOWN")->id);
	assert_null(lf_event_parse("2999"));
	assert_null(lf_event_parse(""));
	assert_null(lf_event_parse("nonsense"));
	assert_null(lf_event_find(0));
	assert_null(lf_event_find(-1));
	assert_string_equal("feedDown",
			    lf_event_mib_name(name, lf_event_find(2001)));
}

static void the_mib_needs_a_base_below_enterprises(void **state)
{
	static const char *const wrong[] = {
		"",
		".1.3.6.1.4.1.",
		".1.3.6.1.4.1",
		".1.3.6.1.2.1.5",
		".1.3.6.1.4.1.5.",
		".1.3.6.1.4.1..5",
		".1.3.6.1.4.1.5 } x {",
	};
	struct lf_buf out = {0};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(-EINVAL, lf_document_mib(&out, wrong[i]));
	lf_buf_reset(&out);
	assert_int_equal(0, lf_document_mib(&out, "1.3.6.1.4.1.8072.5"));
	assert_non_null(strstr(out.data, "enterprises(1) 8072 5 }"));
	lf_buf_done(&out);
}

static void the_keys_are_json_with_two_texts_an_event(void **state)
{
	struct lf_buf out = {0};
	size_t n = 0;
	json_t *json;

	while (lf_event_at(n))
		n++;
	lf_document_keys(&out);
	assert_int_equal(0, lf_json_parse(&json, out.data, out.len));
	assert_int_equal(2 * n, json_object_size(json));
	json_decref(json);
	lf_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_files_of_the_docs_are_what_the_code_says),
		cmocka_unit_test(ids_are_for_ever),
		cmocka_unit_test(every_entry_is_complete_and_in_order),
		cmocka_unit_test(an_event_is_found_by_number_and_by_name),
		cmocka_unit_test(the_mib_needs_a_base_below_enterprises),
		cmocka_unit_test(the_keys_are_json_with_two_texts_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
