/* tests/core/test_conf.c - what is read, and how an error helps. */
#include "core/conf.h"

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

static const struct lf_conf_key schema[] = {
	{"console", "listen", LF_CONF_LIST, "0.0.0.0:51234"},
	{"console", "max-desks", LF_CONF_INT, "200", 1, 10000},
	{"console", "banner", LF_CONF_TEXT},
	{"store", "path", LF_CONF_TEXT, "/var/lib/lampfield/lampfield.db"},
	{"store", "sync", LF_CONF_BOOL, "yes"},
	{"store", "age-days", LF_CONF_INT, NULL, -5, 5},
	{NULL},
};

static char err_text[LF_CONF_ERROR_SIZE];

static struct lf_conf *parse(const char *text)
{
	struct lf_conf *conf = NULL;
	int err = lf_conf_parse(&conf, "t.conf", text, strlen(text), schema,
				err_text);

	assert_string_equal("", err_text);
	assert_int_equal(0, err);
	return conf;
}

static void refuse(const char *text, const char *expected)
{
	struct lf_conf *conf = NULL;

	assert_int_equal(-EINVAL,
			 lf_conf_parse(&conf, "t.conf", text, strlen(text),
				       schema, err_text));
	assert_null(conf);
	assert_string_equal(expected, err_text);
}

static void conf_empty_file_has_the_defaults(void **state)
{
	struct lf_conf *conf = parse("");

	assert_string_equal("0.0.0.0:51234",
			    lf_conf_item(conf, "console", "listen", 0));
	assert_null(lf_conf_item(conf, "console", "listen", 1));
	assert_int_equal(200, lf_conf_int(conf, "console", "max-desks"));
	assert_null(lf_conf_text(conf, "console", "banner"));
	assert_int_equal(1, lf_conf_bool(conf, "store", "sync"));
	assert_int_equal(0, lf_conf_int(conf, "store", "age-days"));
	lf_conf_free(conf);
}

static void conf_reads_each_type(void **state)
{
	struct lf_conf *conf = parse("\xef\xbb\xbf# a comment\r\n"
				     "\n"
				     "[console]\r\n"
				     "  listen = [::]:1 , 127.0.0.1:2\t\r\n"
				     "max-desks=10000\n"
				     "banner = a = b # no comment\n"
				     "[ store ]\n"
				     "sync = OFF\n"
				     "age-days = -5\n"
				     "path =");

	assert_string_equal("[::]:1",
			    lf_conf_item(conf, "console", "listen", 0));
	assert_string_equal("127.0.0.1:2",
			    lf_conf_item(conf, "console", "listen", 1));
	assert_null(lf_conf_item(conf, "console", "listen", 2));
	assert_int_equal(10000, lf_conf_int(conf, "console", "max-desks"));
	assert_string_equal("a = b # no comment",
			    lf_conf_text(conf, "console", "banner"));
	assert_int_equal(0, lf_conf_bool(conf, "store", "sync"));
	assert_int_equal(-5, lf_conf_int(conf, "store", "age-days"));
	assert_string_equal("", lf_conf_text(conf, "store", "path"));
	lf_conf_free(conf);
}

static void conf_section_may_come_twice_and_list_may_be_empty(void **state)
{
	struct lf_conf *conf = parse("[console]\nlisten =\n[store]\nsync=1\n"
				     "[console]\nmax-desks = 7\n");

	assert_null(lf_conf_item(conf, "console", "listen", 0));
	assert_int_equal(7, lf_conf_int(conf, "console", "max-desks"));
	lf_conf_free(conf);
}

static void conf_error_names_line_and_nearest_key(void **state)
{
	refuse("[console]\n\nlisen = 1\n",
	       "t.conf:3: no key 'lisen' in [console]; did you mean 'listen'?");
	refuse("[console]\nmax_desks = 1\n",
	       "t.conf:2: no key 'max_desks' in [console]; "
	       "did you mean 'max-desks'?");
	refuse("[console]\nbanana = 1\n",
	       "t.conf:2: no key 'banana' in [console]");
	refuse("[console]\npath = x\n",
	       "t.conf:2: no key 'path' in [console]; it belongs into [store]");
	refuse("[konsole]\n",
	       "t.conf:1: no section [konsole]; did you mean [console]?");
	refuse("[x]\n", "t.conf:1: no section [x]");
}

static void conf_error_says_what_would_do(void **state)
{
	refuse("listen = 1\n",
	       "t.conf:1: 'listen' stands before any [section]");
	refuse("[console\n", "t.conf:1: a section is written [name]");
	refuse("[", "t.conf:1: a section is written [name]");
	refuse("[console]\nlisten\n",
	       "t.conf:2: expected 'key = value', not 'listen'");
	refuse("[console]\nmax-desks = 10001\n",
	       "t.conf:2: 'max-desks' must be a number from 1 to 10000, "
	       "not '10001'");
	refuse("[console]\nmax-desks =\n",
	       "t.conf:2: 'max-desks' must be a number from 1 to 10000, "
	       "not ''");
	refuse("[store]\nsync = maybe\n",
	       "t.conf:2: 'sync' must be yes or no, not 'maybe'");
	refuse("[console]\nlisten = a,,b\n",
	       "t.conf:2: 'listen' has an empty item");
	refuse("[store]\nsync = yes\n\nsync = no\n",
	       "t.conf:4: 'sync' was already set in line 2");
	refuse("[store]\npath = \xff\n", "t.conf:2: not UTF-8");
}

static void conf_error_is_bounded(void **state)
{
	static char text[5000];
	struct lf_conf *conf;

	memset(text, 'k', sizeof(text) - 1);
	memcpy(text, "[console]\n", 10);
	text[sizeof(text) - 2] = '=';
	assert_int_equal(-EINVAL, lf_conf_parse(&conf, text, text, strlen(text),
						schema, err_text));
	assert_true(strlen(err_text) < LF_CONF_ERROR_SIZE);
}

static void conf_refuses_binary_and_huge_files(void **state)
{
	struct lf_conf *conf = NULL;
	char *huge = malloc(LF_CONF_MAX_BYTES + 1);

	assert_non_null(huge);
	memset(huge, '\n', LF_CONF_MAX_BYTES + 1);
	assert_int_equal(0, lf_conf_parse(&conf, "t", huge, LF_CONF_MAX_BYTES,
					  schema, err_text));
	lf_conf_free(conf);
	conf = NULL;
	assert_int_equal(-E2BIG,
			 lf_conf_parse(&conf, "t", huge, LF_CONF_MAX_BYTES + 1,
				       schema, err_text));
	assert_string_equal("t: too large", err_text);
	assert_int_equal(-EINVAL, lf_conf_parse(&conf, "t", "a\0b", 3, schema,
						err_text));
	assert_string_equal("t: not a text file", err_text);
	assert_null(conf);
	free(huge);
}

static void conf_reads_a_file(void **state)
{
	char path[] = "/tmp/lf-conf-XXXXXX";
	struct lf_conf *conf = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(21, write(fd, "[store]\npath = /x/db\n", 21));
	close(fd);
	assert_int_equal(0, lf_conf_read(&conf, path, schema, err_text));
	assert_string_equal("/x/db", lf_conf_text(conf, "store", "path"));
	lf_conf_free(conf);
	conf = NULL;
	assert_int_equal(0, unlink(path));
	assert_int_equal(-ENOENT, lf_conf_read(&conf, path, schema, err_text));
	assert_non_null(strstr(err_text, path));
	assert_non_null(strstr(err_text, "No such file"));
	assert_int_equal(-EISDIR,
			 lf_conf_read(&conf, "/tmp", schema, err_text));
	assert_null(conf);
	lf_conf_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_empty_file_has_the_defaults),
		cmocka_unit_test(conf_reads_each_type),
		cmocka_unit_test(
			conf_section_may_come_twice_and_list_may_be_empty),
		cmocka_unit_test(conf_error_names_line_and_nearest_key),
		cmocka_unit_test(conf_error_says_what_would_do),
		cmocka_unit_test(conf_error_is_bounded),
		cmocka_unit_test(conf_refuses_binary_and_huge_files),
		cmocka_unit_test(conf_reads_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
