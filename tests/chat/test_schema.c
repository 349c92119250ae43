/* tests/chat/test_schema.c - every example of the protocol, as marked. */
#include "chat/schema.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/banned.h"

static char folder[4096], examples[4096];

static void read_folders(void)
{
	const char *srcdir = getenv("srcdir");

	snprintf(folder, sizeof(folder), "%s/chat/schemas",
		 srcdir ? srcdir : ".");
	snprintf(examples, sizeof(examples), "%s/tests/data/chat",
		 srcdir ? srcdir : ".");
}

static int setup(void **state)
{
	struct lf_schemas *schemas;
	char text[512] = "";

	read_folders();
	if (lf_schemas_load(&schemas, folder, text, sizeof(text)))
		fail_msg("%s", text);
	*state = schemas;
	return 0;
}

static int teardown(void **state)
{
	lf_schemas_free(*state);
	return 0;
}

/* "../schemas/customer/ping.request.json" -> "customer/ping.request" */
static const struct lf_schema *schema_of(const struct lf_schemas *schemas,
					 const json_t *example)
{
	const char *path =
		json_string_value(json_object_get(example, "schema"));
	char name[256];

	assert_memory_equal("../schemas/", path, 11);
	snprintf(name, sizeof(name), "%.*s", (int)strlen(path + 11) - 5,
		 path + 11);
	return lf_schemas_find(schemas, name);
}

static bool is_example(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".json");
}

static void every_example_validates_as_marked(void **state)
{
	char path[4096 + 256 + 2];
	unsigned good = 0, bad = 0;
	struct dirent *entry;
	DIR *dir = opendir(examples);

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		const struct lf_schema *schema;
		bool is_good, passes;
		json_t *json;

		if (!is_example(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", examples, entry->d_name);
		json = json_load_file(path, 0, NULL);
		assert_non_null(json);
		schema = schema_of(*state, json);
		assert_non_null(schema);
		is_good = !strcmp("valid", json_string_value(json_object_get(
						   json, "expect")));
		assert_int_equal(!is_good, !strncmp(entry->d_name, "bad-", 4));
		passes = !lf_schema_check(schema,
					  json_object_get(json, "message"));
		if (passes != is_good)
			fail_msg("%s", entry->d_name);
		good += is_good;
		bad += !is_good;
		json_decref(json);
	}
	closedir(dir);
	assert_int_equal(101, good);
	assert_int_equal(16, bad);
}

static void all_schemas_are_there(void **state)
{
	assert_int_equal(70, lf_schemas_count(*state));
	assert_null(lf_schemas_find(*state, "customer/nothing.request"));
}

/* 10000 emoji are 20000 UTF-16 units and 40000 bytes, and one message. */
static void lengths_are_code_points(void **state)
{
	const struct lf_schema *schema =
		lf_schemas_find(*state, "customer/newMessage.request");
	char *text = malloc(10001 * 4 + 1);
	json_t *json;
	size_t i;

	for (i = 0; i < 10001; i++)
		memcpy(text + i * 4, "\xf0\x9f\x98\x80", 4);
	text[10000 * 4] = '\0';
	json = json_pack("{s:s,s:{s:s,s:s}}", "type", "request", "body",
			 "method", "newMessage", "message", text);
	assert_int_equal(0, lf_schema_check(schema, json));
	json_decref(json);
	text[10000 * 4] = '\xf0';
	text[10001 * 4] = '\0';
	json = json_pack("{s:s,s:{s:s,s:s}}", "type", "request", "body",
			 "method", "newMessage", "message", text);
	assert_int_equal(-EPROTO, lf_schema_check(schema, json));
	json_decref(json);
	free(text);
}

static void an_integral_number_with_a_fraction_is_an_integer(void **state)
{
	const struct lf_schema *schema =
		lf_schemas_find(*state, "customer/ping.request");
	json_t *json = json_pack("{s:f,s:s,s:{s:s}}", "apiVersion", 1.0, "type",
				 "request", "body", "method", "ping");

	assert_int_equal(0, lf_schema_check(schema, json));
	json_object_set_new(json, "apiVersion", json_real(1.5));
	assert_int_equal(-EPROTO, lf_schema_check(schema, json));
	json_decref(json);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void a_schema_with_an_unknown_word_is_refused(void **state)
{
	static const char *const subs[] = {"agent", "customer", "ext", "rest"};
	char home[] = "/tmp/lf-schema-XXXXXX", path[256], text[512] = "";
	struct lf_schemas *schemas = NULL;
	size_t i;

	assert_non_null(mkdtemp(home));
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", home, subs[i]);
		assert_int_equal(0, mkdir(path, 0700));
	}
	snprintf(path, sizeof(path), "%s/agent/x.json", home);
	write_file(path, "{\"type\":\"object\",\"oneOf\":[{}]}");
	assert_int_equal(-EINVAL,
			 lf_schemas_load(&schemas, home, text, sizeof(text)));
	assert_non_null(strstr(text, "agent/x.json"));
	write_file(path, "{\"type\":");
	assert_int_equal(-EINVAL,
			 lf_schemas_load(&schemas, home, text, sizeof(text)));
	unlink(path);
	assert_int_equal(0,
			 lf_schemas_load(&schemas, home, text, sizeof(text)));
	lf_schemas_free(schemas);
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", home, subs[i]);
		rmdir(path);
	}
	assert_int_equal(-ENOENT,
			 lf_schemas_load(&schemas, home, text, sizeof(text)));
	snprintf(path, sizeof(path), "%s", home);
	rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_validates_as_marked),
		cmocka_unit_test(all_schemas_are_there),
		cmocka_unit_test(lengths_are_code_points),
		cmocka_unit_test(
			an_integral_number_with_a_fraction_is_an_integer),
		cmocka_unit_test(a_schema_with_an_unknown_word_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
