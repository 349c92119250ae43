/* tests/core/test_json.c - what passes, what is refused, and defaults. */
#include "core/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"

#include "core/banned.h"

static int parse_len(const char *text, size_t len)
{
	json_t *json = NULL;
	int err = lf_json_parse(&json, text, len);

	assert_true(err ? !json : json_is_object(json));
	json_decref(json);
	return err;
}

static int parse(const char *text)
{
	return parse_len(text, strlen(text));
}

static void json_object_passes(void **state)
{
	assert_int_equal(0, parse("{}"));
	assert_int_equal(0, parse(" {\"a\":[1,-2,true,null,\"\\u00e9\"]}\r\n"));
	assert_int_equal(0, parse("{\"n\":9223372036854775807}"));
	assert_int_equal(0, parse("{\"a\":{\"b\":\"]]]}}}[[[{{{\\\"{\"}}"));
}

static void json_refuses_what_is_no_object(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"1",
		"\"a\"",
		"null",
		"{",
		"{}x",
		"{}{}",
		"{\"a\"}",
		"{\"a\":}",
		"{'a':1}",
		"{\"a\":1,}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\xaf\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\\u0000\":1}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"{\"a\":9223372036854775808}",
		"{\"a\":NaN}",
		"{\"a\":\"open",
		"{\"a\":\"open\\",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EPROTO, parse(bad[i]));
	assert_int_equal(-EPROTO, parse_len("{\"a\":\"\0\"}", 9));
	assert_int_equal(-EPROTO, parse_len("{}\0", 3));
}

static void json_refuses_real_numbers_anywhere(void **state)
{
	assert_int_equal(-EPROTO, parse("{\"a\":1.5}"));
	assert_int_equal(-EPROTO, parse("{\"a\":1.0}"));
	assert_int_equal(-EPROTO, parse("{\"a\":1e3}"));
	assert_int_equal(-EPROTO, parse("{\"a\":[{\"b\":[0.0]}]}"));
}

static int parse_nested(unsigned depth)
{
	struct lf_buf buf = {0};
	unsigned i;
	int err;

	lf_buf_adds(&buf, "{\"a\":");
	for (i = 1; i < depth; i++)
		lf_buf_addc(&buf, '[');
	for (i = 1; i < depth; i++)
		lf_buf_addc(&buf, ']');
	lf_buf_adds(&buf, depth == 1 ? "1}" : "}");
	assert_int_equal(0, lf_buf_error(&buf));
	err = parse_len(buf.data, buf.len);
	lf_buf_done(&buf);
	return err;
}

static void json_bounds_the_depth(void **state)
{
	assert_int_equal(0, parse_nested(1));
	assert_int_equal(0, parse_nested(LF_JSON_MAX_DEPTH));
	assert_int_equal(-E2BIG, parse_nested(LF_JSON_MAX_DEPTH + 1));
	assert_int_equal(-E2BIG, parse_nested(100000));
}

static void json_bounds_keys(void **state)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"a\":{\"%064d\":1}}", 1);
	assert_int_equal(0, parse(text));
	snprintf(text, sizeof(text), "{\"a\":[{\"%065d\":1}]}", 1);
	assert_int_equal(-E2BIG, parse(text));
}

static void json_writes_the_compact_form(void **state)
{
	static const char text[] =
		"{\"a\":[1,true,null,\"M\xc3\xbc\\n\\\"\"],\"b\":{}}";
	struct lf_buf buf = {0};
	json_t *json;

	assert_int_equal(0, lf_json_parse(&json, text, strlen(text)));
	lf_buf_adds(&buf, ">");
	lf_json_write(&buf, json);
	assert_string_equal(text, lf_buf_str(&buf) + 1);
	assert_int_equal(0, lf_buf_error(&buf));
	json_decref(json);
	lf_buf_done(&buf);
}

static void json_members_have_defaults_and_types(void **state)
{
	static const char text[] =
		"{\"s\":\"x\",\"i\":-7,\"t\":true,\"f\":false,\"z\":null}";
	json_t *o;
	int bad = 0;

	assert_int_equal(0, lf_json_parse(&o, text, strlen(text)));
	assert_string_equal("x", lf_json_str(o, "s", "d", &bad));
	assert_string_equal("d", lf_json_str(o, "none", "d", &bad));
	assert_int_equal(-7, lf_json_int(o, "i", 1, &bad));
	assert_int_equal(1, lf_json_int(o, "none", 1, &bad));
	assert_int_equal(1, lf_json_bool(o, "t", 0, &bad));
	assert_int_equal(0, lf_json_bool(o, "f", 1, &bad));
	assert_int_equal(1, lf_json_bool(o, "none", 1, &bad));
	assert_int_equal(0, bad);

	assert_null(lf_json_str(o, "i", NULL, &bad));
	assert_int_equal(1, bad);
	bad = 0;
	assert_int_equal(3, lf_json_int(o, "s", 3, &bad));
	assert_int_equal(1, bad);
	bad = 0;
	assert_int_equal(1, lf_json_bool(o, "i", 1, &bad));
	assert_int_equal(1, bad);
	bad = 0;
	assert_string_equal("d", lf_json_str(o, "z", "d", &bad));
	assert_int_equal(1, bad);
	assert_int_equal(3, lf_json_int(o, "s", 3, NULL));
	json_decref(o);
}

static void json_reads_nul_as_a_replacement_where_it_is_lenient(void **state)
{
	static const char text[] = "{\"a\":\"x\\u0000\\u0000y\",\"b\":"
				   "\"\\\\u0000\",\"\\u0000\":1}";
	json_t *o = NULL;
	size_t len;

	assert_int_equal(-EPROTO, parse(text));
	assert_int_equal(0, lf_json_parse_lenient(&o, text, strlen(text)));
	assert_string_equal("x\xef\xbf\xbd\xef\xbf\xbdy",
			    lf_json_str(o, "a", NULL, NULL));
	assert_string_equal("\\u0000", lf_json_str(o, "b", NULL, NULL));
	assert_int_equal(1, lf_json_int(o, "\xef\xbf\xbd", 0, NULL));
	json_decref(o);
	/* Cut anywhere, it is no JSON and nothing is read behind its end. */
	for (len = 0; len < strlen(text); len++) {
		char *cut = test_malloc(len + 1);

		memcpy(cut, text, len);
		assert_int_equal(-EPROTO, lf_json_parse_lenient(&o, cut, len));
		test_free(cut);
	}
	/* The byte itself is none of JSON. */
	assert_int_equal(-EPROTO,
			 lf_json_parse_lenient(&o, "{\"a\":\"\0\"}", 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_object_passes),
		cmocka_unit_test(json_refuses_what_is_no_object),
		cmocka_unit_test(json_refuses_real_numbers_anywhere),
		cmocka_unit_test(json_bounds_the_depth),
		cmocka_unit_test(
			json_reads_nul_as_a_replacement_where_it_is_lenient),
		cmocka_unit_test(json_bounds_keys),
		cmocka_unit_test(json_writes_the_compact_form),
		cmocka_unit_test(json_members_have_defaults_and_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
