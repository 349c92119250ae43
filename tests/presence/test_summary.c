/* tests/presence/test_summary.c - waiting voice mail (RFC 3842). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "presence/report.h"
#include "presence/summary.h"

#include "core/banned.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void counts_are_read(void **state)
{
	static const struct {
		const char *text;
		int new, old;
	} rows[] = {
		{"Messages-Waiting: yes\r\nMessage-Account: sip:a@h\r\n"
		 "Voice-Message: 2/8 (0/2)\r\n",
		 2, 8},
		{"messages-waiting:YES\nvoice-message:2/8", 2, 8},
		{"Voice-Message: 2/8\r\nMessages-Waiting: yes", 2, 8},
		{"Messages-Waiting: no\r\nVoice-Message: 0/3\r\n", 0, 3},
		{"Messages-Waiting : yes \r\n", 1, 0},
		{"Messages-Waiting: no", 0, 0},
		{"Messages-Waiting: yes\r\nVoice-Message: 70000/99999999999999"
		 "999999999\r\n",
		 65535, 65535},
		{"Messages-Waiting: yes\r\nVoice-Message: x/2\r\n", 1, 0},
		{"Messages-Waiting: yes\r\nVoice-Message: -1/2\r\n", 1, 0},
		{"Messages-Waiting: yes\r\nVoice-Message: 3/-2\r\n", 1, 0},
		{"Messages-Waiting: yes\r\nVoice-Message: 3\r\n", 1, 0},
		{"Messages-Waiting: yes\r\nFax-Message: 9/9\r\n", 1, 0},
		{"Messages-Waiting: yes\r\n\r\nDate: today\r\n", 1, 0},
	};
	struct lf_report r;

	for (size_t i = 0; i < LEN(rows); i++) {
		memset(&r, 0, sizeof(r));
		assert_int_equal(0, lf_summary_read(&r, rows[i].text,
						    strlen(rows[i].text)));
		assert_int_equal(LF_KNOWS_VOICEMAIL, r.knows);
		if (r.voicemails_new != rows[i].new ||
		    r.voicemails_old != rows[i].old)
			fail_msg("row %zu: %d/%d", i, r.voicemails_new,
				 r.voicemails_old);
	}
}

static void without_the_first_line_it_is_no_summary(void **state)
{
	static const char *const bad[] = {
		"",
		"\r\n",
		"Voice-Message: 2/8\r\n",
		"Messages-Waiting: perhaps\r\n",
		"Messages-Waiting\r\n",
		"<presence/>",
	};
	struct lf_report r, before;

	memset(&r, 0x5a, sizeof(r));
	before = r;
	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(-EPROTO,
				 lf_summary_read(&r, bad[i], strlen(bad[i])));
		assert_memory_equal(&before, &r, sizeof(r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_read),
		cmocka_unit_test(without_the_first_line_it_is_no_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
