/* tests/core/test_log.c - what is written, what is left out, what is blanked.
 */
#include "core/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "core/banned.h"

static char last[4096];
static enum lf_log_level last_level;
static int n_lines;

static void keep(enum lf_log_level level, const char *room, const char *text,
		 void *arg)
{
	assert_ptr_equal(last, arg);
	snprintf(last, sizeof(last), "%s|%s", room, text);
	last_level = level;
	n_lines++;
	errno = EIO;
}

static int open_sink(void **state)
{
	n_lines = 0;
	lf_log_set_level(LF_INFO);
	lf_log_set_sink(keep, last);
	return 0;
}

static int close_sink(void **state)
{
	lf_log_set_sink(NULL, NULL);
	return 0;
}

static void log_gives_level_room_and_text(void **state)
{
	lf_log(LF_WARN, "sip", "peer %s answers %d", "10.0.0.1:5060", 503);
	assert_string_equal("sip|peer 10.0.0.1:5060 answers 503", last);
	assert_int_equal(LF_WARN, last_level);
	assert_int_equal(1, n_lines);
}

static void log_leaves_out_what_is_below_its_level(void **state)
{
	lf_log(LF_DEBUG, "sip", "no");
	assert_int_equal(0, n_lines);
	lf_log_set_level(LF_ERROR);
	assert_int_equal(LF_ERROR, lf_log_level());
	lf_log(LF_WARN, "sip", "no");
	lf_log(LF_ERROR, "sip", "yes");
	assert_int_equal(1, n_lines);
	lf_log_set_level(LF_DEBUG);
	lf_log(LF_DEBUG, "sip", "yes");
	assert_int_equal(2, n_lines);
}

static void log_blanks_forged_lines(void **state)
{
	lf_log(LF_INFO, "chat", "%s",
	       "a\r\n<0>core: forged\x1b[31m\x7f M\xc3\xbc");
	assert_string_equal("chat|a  <0>core: forged [31m  M\xc3\xbc", last);
}

static void log_bounds_a_line(void **state)
{
	static char large[10000];

	memset(large, 'x', sizeof(large) - 1);
	lf_log(LF_INFO, "sip", "%s", large);
	assert_true(strlen(last) < 2100);
	assert_string_equal("...", last + strlen(last) - 3);
}

static void log_keeps_errno(void **state)
{
	errno = ENOENT;
	lf_log(LF_INFO, "core", "%m");
	assert_int_equal(ENOENT, errno);
	assert_string_equal("core|No such file or directory", last);
}

static void log_knows_its_levels_by_name(void **state)
{
	static const char *const bad[] = {"", "loud", "err", "info "};
	enum lf_log_level level;
	size_t i;
	int l;

	for (l = 0; l < LF_LOG_LEVELS; l++) {
		assert_int_equal(
			0, lf_log_level_parse(
				   &level,
				   lf_log_level_name((enum lf_log_level)l)));
		assert_int_equal(l, level);
	}
	assert_int_equal(0, lf_log_level_parse(&level, "DEBUG"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EINVAL, lf_log_level_parse(&level, bad[i]));
}

static void log_limit_allows_a_burst_and_counts_the_rest(void **state)
{
	struct lf_log_limit limit = {0};
	int i, allowed = 0;

	for (i = 0; i < 10; i++)
		allowed += lf_log_allow(&limit, 3);
	assert_int_equal(3, allowed);
	assert_int_equal(7, limit.dropped);
	assert_int_equal(0, n_lines);

	limit.window_ms -= 60000; /* a minute later */
	assert_true(lf_log_allow(&limit, 3));
	assert_string_equal("log|7 lines like the next one were left out",
			    last);
	assert_int_equal(0, limit.dropped);
	limit.window_ms -= 60000;
	assert_true(lf_log_allow(&limit, 3));
	assert_int_equal(1, n_lines);
}

/* What one line looks like on stderr. */
static void read_stderr(char *out, size_t size, const char *room,
			const char *text)
{
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	lf_log_set_sink(NULL, NULL);
	assert_int_equal(0, pipe(fds));
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	lf_log(LF_WARN, room, "%s", text);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = read(fds[0], out, size - 1);
	assert_true(n > 0);
	out[n] = '\0';
	close(fds[0]);
	close(fds[1]);
	close(saved);
}

static void log_writes_one_line_to_stderr(void **state)
{
	static char large[10000];
	char out[4096];

	unsetenv("JOURNAL_STREAM");
	read_stderr(out, sizeof(out), "core", "hello");
	assert_non_null(strstr(out, "Z warn   core: hello\n"));
	setenv("JOURNAL_STREAM", "8:1", 1);
	read_stderr(out, sizeof(out), "core", "hello");
	assert_string_equal("<4>core: hello\n", out);
	memset(large, 'x', sizeof(large) - 1);
	read_stderr(out, sizeof(out), "core", large);
	assert_int_equal('\n', out[strlen(out) - 1]);
	/* And with a room's name as no room has. */
	large[200] = '\0';
	read_stderr(out, sizeof(out), large, large + 201);
	assert_int_equal('\n', out[strlen(out) - 1]);
	unsetenv("JOURNAL_STREAM");
}

static void log_masks_the_end_of_a_number_and_all_of_a_secret(void **state)
{
	static const struct {
		const char *text, *shown;
	} numbers[] = {
		{"+49 30 1234567", "+49 30 1234***"},
		{"49 30 12-34", "49 30 1*-**"},
		{"12", "**"},
		{"", ""},
		{"anna", "anna"},
		{"sip:4711@10.0.0.1:5060", "sip:4***@10.0.0.1:5060"},
		{"sip:10.0.0.1:5060", "sip:10.0.0.1:5060"},
		{"tel:4711;phone-context=+49", "tel:4***;phone-context=+49"},
	};
	char out[LF_LOG_MASK_SIZE], large[500] = "sip:";

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		assert_string_equal(
			numbers[i].shown,
			lf_log_mask(out, LF_LOG_NUMBER, numbers[i].text));
	memset(large + 4, '1', sizeof(large) - 5);
	large[490] = '@';
	lf_log_mask(out, LF_LOG_NUMBER, large);
	assert_string_equal("1***", out + strlen(out) - 4);

	lf_log_set_level(LF_DEBUG);
	assert_string_equal("4711", lf_log_mask(out, LF_LOG_NUMBER, "4711"));
	assert_string_equal("***", lf_log_mask(out, LF_LOG_SECRET, "4711"));
	assert_string_equal("***", lf_log_mask(out, LF_LOG_SECRET, ""));
}

#define with_sink(test)                                                        \
	cmocka_unit_test_setup_teardown(test, open_sink, close_sink)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_sink(log_gives_level_room_and_text),
		with_sink(log_leaves_out_what_is_below_its_level),
		with_sink(log_blanks_forged_lines),
		with_sink(log_bounds_a_line),
		with_sink(log_keeps_errno),
		with_sink(log_knows_its_levels_by_name),
		with_sink(log_limit_allows_a_burst_and_counts_the_rest),
		with_sink(log_masks_the_end_of_a_number_and_all_of_a_secret),
		with_sink(log_writes_one_line_to_stderr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
