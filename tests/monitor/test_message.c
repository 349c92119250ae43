/* tests/monitor/test_message.c - events as mails: nothing breaks out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/secret.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "monitor/notify_internal.h"

#include "core/banned.h"

static void write_mail(struct lf_buf *out, const char *subject,
		       const char *text)
{
	struct lf_event_note note = {.event = LF_EVENT_FEED_DOWN,
				     .id = 17,
				     .count = 1,
				     .first_ms = 1768901400000};

	lf_text_copy(note.subject, sizeof(note.subject), subject);
	lf_text_copy(note.text, sizeof(note.text), text);
	lf_message_write(out, "node1", "lf@example.org", "a@example.org",
			 lf_event_find(LF_EVENT_FEED_DOWN), &note);
	assert_int_equal(0, lf_buf_error(out));
}

static void the_headers_are_those_of_the_event(void **state)
{
	struct lf_buf out = {0};

	write_mail(&out, "pbx1", "silent");
	assert_non_null(strstr(out.data, "From: Lampfield <lf@example.org>\r\n"
					 "To: a@example.org\r\n"
					 "Subject: [node1] error: feed-down "
					 "pbx1\r\n"
					 "Date: Tue, 20 Jan 2026 09:30:00 "
					 "+0000\r\n"));
	assert_non_null(strstr(out.data, "Message-ID: <event-17.1768901400000@"
					 "node1>\r\n"));
	lf_buf_done(&out);
}

/* Every line short, every line ended with CRLF, one empty line. */
static void assert_is_well_formed(const char *mail)
{
	const char *end, *body = strstr(mail, "\r\n\r\n");

	assert_non_null(body);
	for (; *mail; mail = end + 2) {
		end = strstr(mail, "\r\n");
		assert_non_null(end);
		assert_true(end - mail <= 78);
		for (const char *c = mail; c < end; c++)
			assert_in_range((unsigned char)*c, 0x20, 0x7e);
	}
}

static void any_text_gives_a_well_formed_mail(void **state)
{
	char large[LF_EVENT_TEXT_MAX], subject[LF_EVENT_SUBJECT_MAX];
	struct lf_buf out = {0};

	write_mail(&out, "M\xc3\xbcll & K\xc3\xb6", "\xe2\x82\xac 5\n.\nend");
	assert_non_null(strstr(out.data, "Subject: =?utf-8?B?"));
	assert_is_well_formed(out.data);
	lf_buf_reset(&out);
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	for (size_t i = 0; i + 3 < sizeof(subject); i += 3)
		memcpy(subject + i, "\xe2\x82\xac", 4);
	write_mail(&out, subject, large);
	assert_is_well_formed(out.data);
	lf_buf_reset(&out);
	write_mail(&out, "", "");
	assert_is_well_formed(out.data);
	lf_buf_done(&out);
}

static void an_address_cannot_carry_a_command(void **state)
{
	static const char *const wrong[] = {
		"",      "a",       "@b",
		"a@",    "a b@c",   "a@b\r\nRCPT TO:<x@y>",
		"<a@b>", "a@b,c@d", "\"a\"@b",
		"a@b>",  "a:b@c",   "\xc3\xbc@b",
	};

	assert_true(lf_message_is_address("first.last+tag@sub.example.org"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(lf_message_is_address(wrong[i]));
}

static void a_list_has_whole_words_only(void **state)
{
	assert_true(lf_list_has("mail", "mail"));
	assert_true(lf_list_has("trap, mail ,x", "mail"));
	assert_true(lf_list_has(" MAIL", "mail"));
	assert_false(lf_list_has("", "mail"));
	assert_false(lf_list_has("email", "mail"));
	assert_false(lf_list_has("mails,trap", "mail"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_headers_are_those_of_the_event),
		cmocka_unit_test(any_text_gives_a_well_formed_mail),
		cmocka_unit_test(an_address_cannot_carry_a_command),
		cmocka_unit_test(a_list_has_whole_words_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
