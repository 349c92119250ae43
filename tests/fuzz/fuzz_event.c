/*
 * tests/fuzz/fuzz_event.c - the texts of events: feeds, mail servers and PBXs
 * have their words in them. Subject, a NUL, text. No byte of them may break
 * out of a mail, a JSON document or a word of the search.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "monitor/notify_internal.h"

#include "core/banned.h"

#define WORDS 36

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* Lines of printable ASCII, none long, each ended with CRLF; these headers
 * and no others, then one empty line. */
static void check_mail(const struct lf_buf *mail, const char *extra)
{
	static const char *const names[] = {
		"From:",           "To:",
		"Subject:",        "Date:",
		"Message-ID:",     "X-Lampfield-",
		"Auto-Submitted:", "MIME-Version:",
		"Content-Type:",   "Content-Transfer-Encoding:"};
	const char *at = mail->data, *end;
	size_t header = 0;
	bool in_head = true;

	for (; *at; at = end + 2) {
		end = strstr(at, "\r\n");
		require(end && end - at <= 250);
		for (const char *c = at; c < end; c++)
			require(*c >= 0x20 && *c <= 0x7e);
		if (end == at)
			in_head = false;
		else if (in_head && *at != ' ')
			require(header < 10 &&
				lf_text_starts(at, names[header++]));
	}
	require(!in_head && header == 10);
	require(strstr(mail->data, extra));
}

static void check_mails(const struct lf_event_note *note)
{
	const struct lf_event_info *info = lf_event_find((int)note->event);
	const struct lf_digest_sum sum = {2, 1, 1, 9, 0, LF_SEVERITY_ERROR};
	struct lf_buf mail = {0}, text = {0};

	lf_message_write(&mail, "n", "a@b", "c@d", info, note);
	require(!lf_buf_error(&mail));
	check_mail(&mail, "\r\nX-Lampfield-Event: 2001\r\n");
	lf_buf_reset(&mail);
	lf_message_digest_add(&text, info, note);
	lf_message_digest(&mail, "n", "a@b", "c@d", &sum, &text);
	require(!lf_buf_error(&mail));
	check_mail(&mail, "\r\nX-Lampfield-Digest: 2\r\n");
	lf_buf_done(&mail);
}

static void check_json(const struct lf_event_note *note)
{
	static char node[] = "n";
	const struct lf_monitor monitor = {.node = node};
	struct lf_buf json = {0};
	json_t *parsed;

	lf_event_json(&json, &monitor, lf_event_find((int)note->event), note);
	require(!lf_json_parse(&parsed, lf_buf_str(&json), json.len));
	require(json_object_size(parsed) == 12);
	json_decref(parsed);
	lf_buf_done(&json);
}

static void check_words(const char *text)
{
	char words[WORDS][LF_WORD_SIZE];
	size_t n = lf_event_words(words, WORDS, text);

	require(n <= WORDS);
	for (size_t i = 0; i < n; i++) {
		require(*words[i] && strlen(words[i]) < LF_WORD_SIZE);
		for (size_t k = 0; k < i; k++)
			require(strcmp(words[i], words[k]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_event_note note = {
		.event = LF_EVENT_FEED_DOWN, .id = 1, .count = 1};
	size_t len = strnlen((const char *)data, size);

	lf_text_copy_n(note.subject, sizeof(note.subject), (const char *)data,
		       len);
	if (len < size)
		lf_text_copy_n(note.text, sizeof(note.text),
			       (const char *)data + len + 1, size - len - 1);
	check_mails(&note);
	check_json(&note);
	check_words(note.text);
	return 0;
}
