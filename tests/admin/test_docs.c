/*
 * tests/admin/test_docs.c - what the programs know, the manual pages tell:
 * keys, settings, commands and options, each where one looks it up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/server.h"
#include "core/buf.h"
#include "core/conf.h"
#include "core/text.h"
#include "directory/setting.h"

#include "core/banned.h"

static char *read_all(FILE *f)
{
	struct lf_buf buf = {0};
	char piece[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		lf_buf_add(&buf, piece, n);
	assert_int_equal(0, lf_buf_error(&buf));
	return lf_buf_take(&buf);
}

static char *read_page(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[512];
	FILE *f;
	char *text;

	snprintf(path, sizeof(path), "%s/docs/man/%s", srcdir ? srcdir : ".",
		 name);
	f = fopen(path, "r");
	text = read_all(f);
	fclose(f);
	return text;
}

static char *read_help(const char *program)
{
	char command[128];
	FILE *f;
	char *text;

	snprintf(command, sizeof(command), "%s --help", program);
	f = popen(command, "r");
	text = read_all(f);
	assert_int_equal(0, pclose(f));
	return text;
}

/* A line of the page that is `fmt`, or goes on after a space. */
__attribute__((format(printf, 2, 3))) static const char *
line_of(const char *page, const char *fmt, ...)
{
	char line[160];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	len = strlen(line);
	for (const char *p = strstr(page, line); p; p = strstr(p + 1, line)) {
		bool is_begin = p == page || p[-1] == '\n';

		if (is_begin && (p[len] == '\n' || p[len] == ' '))
			return p;
	}
	return NULL;
}

static void every_key_is_in_its_section(void **state)
{
	char *page = read_page("lampfield.conf.5");
	const struct lf_conf_key *key = lf_server_conf;
	int missing = 0;

	for (; key->section; key++) {
		const char *part = line_of(page, ".Ss [%s]", key->section);
		const char *end = part ? strstr(part + 1, "\n.Ss ") : NULL;
		const char *item =
			part ? line_of(part, ".It Ic %s", key->name) : NULL;

		if (item && (!end || item < end))
			continue;
		missing++;
		print_error("[%s] %s is not in lampfield.conf(5)\n",
			    key->section, key->name);
	}
	free(page);
	assert_int_equal(0, missing);
}

static void every_default_is_told(void **state)
{
	char *page = read_page("lampfield.conf.5");
	const struct lf_conf_key *key = lf_server_conf;
	int missing = 0;

	for (; key->section; key++) {
		const char *part = line_of(page, ".Ss [%s]", key->section);
		const char *item =
			part ? line_of(part, ".It Ic %s", key->name) : NULL;
		const char *end = item ? strstr(item + 1, "\n.It ") : NULL;
		const char *def =
			item && key->def ? strstr(item, key->def) : item;

		/* Where it was installed is for configure to say. */
		if ((def && (!end || def < end)) ||
		    lf_text_starts(key->def, PKGDATADIR))
			continue;
		missing++;
		print_error("[%s] %s: the default %s is not told\n",
			    key->section, key->name, key->def);
	}
	free(page);
	assert_int_equal(0, missing);
}

/* "feed.*.uri" is of the family "feed.*", "monitor.retention" of "monitor". */
static void family_of(char *family, size_t size, const char *name)
{
	const char *rest = strchr(name, '.');

	assert_non_null(rest);
	if (!strncmp(rest, ".*", 2))
		rest += 2;
	lf_text_copy_n(family, size, name, (size_t)(rest - name));
}

static void every_family_of_settings_is_told(void **state)
{
	char *page = read_page("lampctl.1"), family[64], before[64] = "";
	int missing = 0;

	for (int t = 0; lf_server_settings[t]; t++) {
		const struct lf_setting_def *def = lf_server_settings[t];

		for (; def->name; def++) {
			family_of(family, sizeof(family), def->name);
			if (!strcmp(family, before) ||
			    line_of(page, ".It Cm %s", family))
				continue;
			lf_text_copy(before, sizeof(before), family);
			missing++;
			print_error("%s: no family %s in lampctl(1)\n",
				    def->name, family);
		}
	}
	free(page);
	assert_int_equal(0, missing);
}

/* Of "  user add FIELD=VALUE..." the words "user add". */
static bool command_name(char *name, size_t size, const char *line)
{
	size_t n = 0;

	if (!lf_text_starts(line, "  ") || line[2] < 'a' || line[2] > 'z')
		return false;
	for (line += 2; (*line >= 'a' && *line <= 'z') || *line == '-';) {
		size_t len = strcspn(line, " \n");

		if (strcspn(line, "|[=.") < len)
			break; /* a choice, not a name */
		n += (size_t)snprintf(name + n, size - n, "%s%.*s",
				      n ? " " : "", (int)len, line);
		line += len;
		line += *line == ' ';
	}
	return n > 0;
}

static void check_commands(const char *program, const char *page_name)
{
	char *help = read_help(program), *page = read_page(page_name);
	char *rest = help, *line, name[64], before[64] = "";
	int missing = 0, n = 0;

	while ((line = strsep(&rest, "\n"))) {
		if (!command_name(name, sizeof(name), line))
			continue;
		n++;
		assert_string_not_equal(before, name); /* told once */
		lf_text_copy(before, sizeof(before), name);
		if (line_of(page, ".It Ic %s", name))
			continue;
		missing++;
		print_error("%s is not in %s\n", name, page_name);
	}
	free(help);
	free(page);
	assert_true(n > 5);
	assert_int_equal(0, missing);
}

static void every_command_is_in_its_page(void **state)
{
	check_commands("admin/lampctl", "lampctl.1");
	check_commands("sim/lampsim", "lampsim.1");
}

static void check_options(const char *program, const char *page_name)
{
	char *help = read_help(program), *page = read_page(page_name);
	char *rest = help, *line;
	int missing = 0, n = 0;

	while ((line = strsep(&rest, "\n"))) {
		char letter, name[32];

		if (sscanf(line, "  -%c, --%31[a-z-]", &letter, name) != 2)
			continue;
		n++;
		/* What every program has need not be told by each page. */
		if (line_of(page, ".It Fl %c , -%s", letter, name) ||
		    letter == 'h' || letter == 'V')
			continue;
		missing++;
		print_error("--%s is not in %s\n", name, page_name);
	}
	free(help);
	free(page);
	assert_true(n > 3);
	assert_int_equal(0, missing);
}

static void every_option_is_in_its_page(void **state)
{
	check_options("admin/lampfieldd", "lampfieldd.8");
	check_options("admin/lampctl", "lampctl.1");
	check_options("sim/lampsim", "lampsim.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_in_its_section),
		cmocka_unit_test(every_default_is_told),
		cmocka_unit_test(every_family_of_settings_is_told),
		cmocka_unit_test(every_command_is_in_its_page),
		cmocka_unit_test(every_option_is_in_its_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
