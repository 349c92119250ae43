/*
 * tests/core/test_log_file.c - lines in a file: how it is bounded, and what a
 * full disk costs.
 */
#include "core/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"

#include "core/banned.h"

static char folder[64], path[96];
static int saved_stderr;

static const char *name_of(char out[128], const char *end)
{
	snprintf(out, 128, "%s%s", path, end);
	return out;
}

/* The text of `path` with `end` behind it; "-" when it is missing. */
static const char *text_of(const char *end)
{
	static char text[4096];
	char name[128];
	int fd = open(name_of(name, end), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return "-";
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static void put(const char *line)
{
	lf_log_file_write(line, strlen(line));
}

static int make_folder(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	saved_stderr = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
	snprintf(folder, sizeof(folder), "/tmp/lf-log-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	signal(SIGXFSZ, SIG_IGN);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const ends[] = {"", ".1", ".2", ".3", ".mine"};
	char name[128];

	lf_log_file_open(NULL, 0, 0);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		unlink(name_of(name, ends[i]));
	return rmdir(folder);
}

static void log_file_gets_every_line_with_its_date(void **state)
{
	assert_int_equal(0, lf_log_file_open(path, 1000, 1));
	setenv("JOURNAL_STREAM", "8:1", 1);
	lf_log(LF_WARN, "sip", "hello");
	unsetenv("JOURNAL_STREAM");
	assert_non_null(strstr(text_of(""), "Z warn   sip: hello\n"));
	lf_log_file_open(NULL, 0, 0);
	assert_false(lf_log_file_is_open());
	lf_log(LF_WARN, "sip", "no more");
	assert_null(strstr(text_of(""), "no more"));
}

static void log_file_goes_on_where_it_ended(void **state)
{
	assert_int_equal(0, lf_log_file_open(path, 20, 1));
	put("aaaaaaaaa\n");
	assert_int_equal(0, lf_log_file_open(path, 20, 1));
	put("bbbbbbbbb\n");
	assert_string_equal("aaaaaaaaa\nbbbbbbbbb\n", text_of(""));
	put("c\n");
	assert_string_equal("c\n", text_of(""));
	assert_string_equal("aaaaaaaaa\nbbbbbbbbb\n", text_of(".1"));
}

static void log_file_keeps_as_many_as_it_is_told(void **state)
{
	assert_int_equal(0, lf_log_file_open(path, 10, 2));
	put("aaaaaaaa\n");
	put("bbbbbbbb\n");
	put("cccccccc\n");
	put("dddddddd\n");
	assert_string_equal("dddddddd\n", text_of(""));
	assert_string_equal("cccccccc\n", text_of(".1"));
	assert_string_equal("bbbbbbbb\n", text_of(".2"));
	assert_string_equal("-", text_of(".3"));
	assert_int_equal(0, lf_log_file_lost());
}

static void log_file_without_others_starts_anew(void **state)
{
	assert_int_equal(0, lf_log_file_open(path, 10, 0));
	put("aaaaaaaa\n");
	put("bbbbbbbb\n");
	assert_string_equal("bbbbbbbb\n", text_of(""));
	assert_string_equal("-", text_of(".1"));
}

static void log_file_takes_a_line_larger_than_itself(void **state)
{
	assert_int_equal(0, lf_log_file_open(path, 4, 1));
	put("aaaaaaaa\n");
	put("b\n");
	assert_string_equal("b\n", text_of(""));
	assert_string_equal("aaaaaaaa\n", text_of(".1"));
}

static void log_file_is_opened_again_after_a_rename(void **state)
{
	char name[128];

	assert_int_equal(0, lf_log_file_open(path, 1000, 1));
	put("a\n");
	assert_int_equal(0, rename(path, name_of(name, ".mine")));
	put("b\n");
	assert_int_equal(0, lf_log_file_reopen());
	put("c\n");
	assert_string_equal("a\nb\n", text_of(".mine"));
	assert_string_equal("c\n", text_of(""));
}

static void log_file_that_cannot_be_opened_again_goes_on(void **state)
{
	char name[128];

	assert_int_equal(0, lf_log_file_open(path, 1000, 1));
	assert_int_equal(0, rename(path, name_of(name, ".mine")));
	assert_int_equal(0, mkdir(path, 0700));
	assert_int_equal(-EISDIR, lf_log_file_reopen());
	put("a\n");
	assert_string_equal("a\n", text_of(".mine"));
	assert_int_equal(0, rmdir(path));
}

static void log_file_on_a_full_disk_counts_whole_lines(void **state)
{
	struct rlimit was, full = {.rlim_cur = 14};

	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &was));
	full.rlim_max = was.rlim_max;
	assert_int_equal(0, lf_log_file_open(path, 1000, 1));
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &full));
	put("aaaaaaaa\n");
	put("bbbbbbbb\n"); /* five bytes of it fit */
	lf_log(LF_ERROR, "core", "nor does this");
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &was));
	assert_string_equal("aaaaaaaa\n", text_of(""));
	assert_int_equal(2, lf_log_file_lost());

	put("cccccccc\n");
	assert_non_null(strstr(
		text_of(""), "Z error  log: 2 lines could not be written here\n"
			     "cccccccc\n"));
	put("d\n");
	assert_int_equal(2, lf_log_file_lost());
}

static void log_file_that_cannot_be_renamed_stays_bounded(void **state)
{
	char name[128];

	assert_int_equal(0, mkdir(name_of(name, ".1"), 0700));
	assert_int_equal(0, lf_log_file_open(path, 10, 1));
	put("aaaaaaaa\n");
	put("bbbbbbbb\n");
	put("cccccccc\n");
	assert_string_equal("aaaaaaaa\n", text_of(""));
	assert_int_equal(2, lf_log_file_lost());
	assert_int_equal(0, rmdir(name));
	assert_int_equal(0, lf_log_file_reopen()); /* tries at once */
	put("dddddddd\n");
	assert_string_equal("dddddddd\n", text_of(""));
}

static void log_file_is_a_regular_file_or_none(void **state)
{
	char large[5000];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(0, mkfifo(path, 0600));
	assert_true(lf_log_file_open(path, 1000, 1) < 0);
	assert_int_equal(-EINVAL, lf_log_file_open("/dev/null", 1000, 1));
	assert_int_equal(-EISDIR, lf_log_file_open(folder, 1000, 1));
	assert_int_equal(-ENOENT, lf_log_file_open("/nowhere/at/all", 1000, 1));
	assert_int_equal(-ENAMETOOLONG, lf_log_file_open(large, 1000, 1));
	assert_false(lf_log_file_is_open());
	assert_int_equal(0, lf_log_file_reopen());
}

#define in_folder(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(log_file_gets_every_line_with_its_date),
		in_folder(log_file_goes_on_where_it_ended),
		in_folder(log_file_keeps_as_many_as_it_is_told),
		in_folder(log_file_without_others_starts_anew),
		in_folder(log_file_takes_a_line_larger_than_itself),
		in_folder(log_file_is_opened_again_after_a_rename),
		in_folder(log_file_that_cannot_be_opened_again_goes_on),
		in_folder(log_file_on_a_full_disk_counts_whole_lines),
		in_folder(log_file_that_cannot_be_renamed_stays_bounded),
		in_folder(log_file_is_a_regular_file_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
