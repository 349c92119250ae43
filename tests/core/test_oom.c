/* tests/core/test_oom.c - core with each allocation failing in turn. */
#include "tests/oom.h"

#include <errno.h>
#include <jansson.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlmemory.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/conf.h"
#include "core/json.h"
#include "core/line.h"
#include "core/map.h"
#include "core/secret.h"
#include "core/timer.h"
#include "core/xml.h"

#include "core/banned.h"

static int use_buf(void *arg)
{
	struct lf_buf buf = {0};
	char *text;
	int i, err;

	for (i = 0; i < 200; i++) {
		lf_buf_addf(&buf, "%d ", i);
		lf_buf_add_json(&buf, "a\xff\n");
		lf_buf_add_xml(&buf, "<&>");
	}
	err = lf_buf_error(&buf);
	text = lf_buf_take(&buf);
	assert_true(err ? !text : text != NULL);
	free(text);
	return err;
}

static void buf_says_once_that_memory_ran_out(void **state)
{
	assert_true(lf_oom_sweep(use_buf, NULL) > 3);
}

static int use_map(void *arg)
{
	static char names[100][8];
	struct lf_map map = {0};
	int i, err = 0;

	for (i = 0; i < 100 && !err; i++) {
		snprintf(names[i], sizeof(names[i]), "%d", i);
		err = lf_map_add(&map, names[i], names[i]);
	}
	/* A refused add changed nothing: all before it are still there. */
	if (err)
		i--;
	assert_int_equal(i, map.count);
	while (i--)
		assert_ptr_equal(names[i], lf_map_find(&map, names[i]));
	lf_map_done(&map);
	return err;
}

static void map_keeps_what_it_has(void **state)
{
	assert_true(lf_oom_sweep(use_map, NULL) > 2);
}

static int start_all(struct lf_timers *timers, struct lf_timer t[200])
{
	int i, err = 0;

	for (i = 0; i < 200; i++)
		lf_timer_init(&t[i], NULL, NULL);
	for (i = 0; i < 200 && !err; i++) {
		err = lf_timer_start(timers, &t[i], 60000 + i);
		assert_true(lf_timer_is_running(&t[i]) == !err);
	}
	if (i > 1) /* a running timer moves without memory */
		assert_int_equal(0, lf_timer_start(timers, &t[0], 5));
	return err;
}

static int use_timer(void *arg)
{
	static struct lf_timer t[200];
	struct lf_timers *timers = NULL;
	uv_loop_t loop;
	int err;

	assert_int_equal(0, uv_loop_init(&loop));
	err = lf_timers_new(&timers, &loop);
	if (!err)
		err = start_all(timers, t);
	lf_timers_close(timers);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(0, uv_loop_close(&loop));
	return err;
}

static void timer_is_refused_or_runs(void **state)
{
	assert_true(lf_oom_sweep(use_timer, NULL) > 2);
}

static int hear(const char *line, size_t len, void *arg)
{
	return 0;
}

static int use_line(void *arg)
{
	static char large[1000];
	struct lf_lines lines;
	int i, err = 0;

	memset(large, 'x', sizeof(large));
	lf_lines_init(&lines, 5000);
	for (i = 0; i < 4 && !err; i++)
		err = lf_lines_feed(&lines, large, sizeof(large), hear, NULL);
	if (!err)
		err = lf_lines_feed(&lines, "\n", 1, hear, NULL);
	lf_lines_done(&lines);
	return err;
}

static void line_is_refused_or_whole(void **state)
{
	assert_true(lf_oom_sweep(use_line, NULL) > 1);
}

static int use_conf(void *arg)
{
	static const struct lf_conf_key schema[] = {
		{"a", "list", LF_CONF_LIST, "x, y"},
		{"a", "text", LF_CONF_TEXT, "default"},
		{"b", "list", LF_CONF_LIST},
		{"b", "n", LF_CONF_INT, "1", 0, 9},
		{NULL},
	};
	static const char text[] = "[a]\ntext = t\n[b]\nlist = p,q,r\n";
	char err_text[LF_CONF_ERROR_SIZE];
	struct lf_conf *conf = NULL;
	int err = lf_conf_parse(&conf, "t", text, sizeof(text) - 1, schema,
				err_text);

	assert_true(err ? !conf : conf != NULL);
	assert_string_equal(err ? "t: out of memory" : "", err_text);
	lf_conf_free(conf);
	return err;
}

static void conf_is_all_or_nothing(void **state)
{
	assert_true(lf_oom_sweep(use_conf, NULL) > 8);
}

static int use_json(void *arg)
{
	static const char text[] =
		"{\"a\":[1,{\"b\":\"text\"}],\"c\":null,\"d\":{}}";
	struct lf_buf buf = {0};
	json_t *json = NULL;
	int err = lf_json_parse(&json, text, sizeof(text) - 1);

	/* jansson calls a token invalid that it found no memory for. */
	if (err)
		return err == -EPROTO && lf_oom_has_failed() ? -ENOMEM : err;
	lf_json_write(&buf, json);
	err = lf_buf_error(&buf);
	json_decref(json);
	lf_buf_done(&buf);
	return err;
}

static void json_is_refused_or_whole(void **state)
{
	json_set_alloc_funcs(malloc, free);
	assert_true(lf_oom_sweep(use_json, NULL) > 10);
}

static int use_xml(void *arg)
{
	const struct lf_xml_node *root;
	struct lf_xml *xml = NULL;
	int err = lf_xml_parse(&xml, arg, strlen(arg));
	char text[16];

	/* libxml2 does not always say what it failed of. */
	if (err)
		return err == -EPROTO && lf_oom_has_failed() ? -ENOMEM : err;
	root = lf_xml_root(xml);
	assert_string_equal("urn:a", lf_xml_ns(root));
	assert_string_equal("1&\xc3\xa9", lf_xml_attr(root, "b"));
	assert_string_equal(
		"\xc3\xa9t\xc3\xa9",
		lf_xml_text(lf_xml_first(root), text, sizeof(text)));
	assert_true(lf_xml_is(lf_xml_next(lf_xml_first(root)), "d"));
	lf_xml_free(xml);
	/* libxml2 can do without its copy of the version number. */
	return lf_oom_has_failed() ? -ENOMEM : 0;
}

static void quiet(void *arg, const char *fmt, ...)
{
}

static void xml_is_refused_or_whole(void **state)
{
	static char utf8[] = "<a xmlns='urn:a' b='1&amp;\xc3\xa9'>"
			     "<c>\xc3\xa9t\xc3\xa9</c><d/></a>";
	static char latin[] = "<?xml version='1.0' encoding='ISO-8859-1'?>"
			      "<a xmlns='urn:a' b='1&amp;\xe9'>"
			      "<c>\xe9t\xe9</c><d/></a>";

	xmlSetGenericErrorFunc(NULL, quiet);
	assert_true(lf_oom_sweep(use_xml, utf8) > 8);
	assert_true(lf_oom_sweep(use_xml, latin) > 8);
}

static int use_vault(void *arg)
{
	char *sealed = NULL, *plain = NULL;
	struct lf_vault *vault = NULL;
	int err = lf_vault_open(&vault, arg);

	if (!err)
		err = lf_vault_seal(vault, &sealed, "secret");
	if (!err)
		err = lf_vault_unseal(vault, &plain, sealed);
	if (!err)
		assert_string_equal("secret", plain);
	free(plain);
	free(sealed);
	lf_vault_free(vault);
	unlink(arg);
	return err;
}

static void vault_tells_memory_from_a_wrong_key(void **state)
{
	char folder[] = "/tmp/lf-oom-XXXXXX", key[64];

	assert_non_null(mkdtemp(folder));
	snprintf(key, sizeof(key), "%s/key", folder);
	assert_true(lf_oom_sweep(use_vault, key) >= 6);
	assert_int_equal(0, rmdir(folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_says_once_that_memory_ran_out),
		cmocka_unit_test(map_keeps_what_it_has),
		cmocka_unit_test(timer_is_refused_or_runs),
		cmocka_unit_test(line_is_refused_or_whole),
		cmocka_unit_test(conf_is_all_or_nothing),
		cmocka_unit_test(json_is_refused_or_whole),
		cmocka_unit_test(xml_is_refused_or_whole),
		cmocka_unit_test(vault_tells_memory_from_a_wrong_key),
	};

	/* Before libxml2's first allocation: it may only be changed then. */
	if (xmlMemSetup(free, malloc, realloc, strdup))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
