/* tests/core/test_map.c - finds what was put in, and only that, through any
 * history. */
#include "core/map.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/banned.h"

#define MANY 5000

static char names[MANY][16];

static void name_all(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		snprintf(names[i], sizeof(names[i]), "sip:%d", i);
}

static void map_empty_finds_nothing(void **state)
{
	struct lf_map map = {0};
	size_t i = 0;

	assert_null(lf_map_find(&map, "a"));
	assert_null(lf_map_del(&map, "a"));
	assert_null(lf_map_next(&map, &i));
	lf_map_done(&map);
}

static void map_finds_by_content_not_by_pointer(void **state)
{
	struct lf_map map;
	char key[] = "sip:200@a";
	int one, two;

	lf_map_init(&map);
	assert_int_equal(0, lf_map_add(&map, "sip:200@a", &one));
	assert_int_equal(0, lf_map_add(&map, "", &two));
	assert_ptr_equal(&one, lf_map_find(&map, key));
	assert_ptr_equal(&two, lf_map_find(&map, ""));
	assert_null(lf_map_find(&map, "sip:200@A"));
	assert_int_equal(2, map.count);
	lf_map_done(&map);
}

static void map_refuses_a_second_value_for_a_key(void **state)
{
	struct lf_map map = {0};
	int one, two;

	assert_int_equal(0, lf_map_add(&map, "a", &one));
	assert_int_equal(-EEXIST, lf_map_add(&map, "a", &two));
	assert_ptr_equal(&one, lf_map_find(&map, "a"));
	assert_ptr_equal(&one, lf_map_del(&map, "a"));
	assert_null(lf_map_del(&map, "a"));
	assert_int_equal(0, lf_map_add(&map, "a", &two));
	assert_ptr_equal(&two, lf_map_find(&map, "a"));
	lf_map_done(&map);
}

static void map_keeps_many_through_growth(void **state)
{
	struct lf_map map = {0};
	size_t seen = 0;
	char *value;
	int i;

	name_all();
	for (i = 0; i < MANY; i++)
		assert_int_equal(0, lf_map_add(&map, names[i], names[i]));
	for (i = 0; i < MANY; i++)
		assert_ptr_equal(names[i], lf_map_find(&map, names[i]));
	LF_MAP_FOREACH (value, &map) {
		assert_true(value >= names[0] && value <= names[MANY - 1]);
		seen++;
	}
	assert_int_equal(MANY, seen);
	lf_map_done(&map);
}

static void map_allows_deleting_while_walking(void **state)
{
	struct lf_map map = {0};
	size_t seen = 0;
	char *value;
	int i;

	name_all();
	for (i = 0; i < MANY; i++)
		assert_int_equal(0, lf_map_add(&map, names[i], names[i]));
	LF_MAP_FOREACH (value, &map) {
		assert_ptr_equal(value, lf_map_del(&map, value));
		seen++;
	}
	assert_int_equal(MANY, seen);
	assert_int_equal(0, map.count);
	lf_map_done(&map);
}

static void map_agrees_with_a_plain_array(void **state)
{
	static bool is_in[MANY];
	struct lf_map map = {0};
	uint32_t x = 1;
	size_t count = 0;
	int step, i;

	name_all();
	for (step = 0; step < 200000; step++) {
		x = x * 1664525U + 1013904223U;
		i = (int)(x >> 8) % 300;
		if (x >> 31) {
			assert_int_equal(is_in[i] ? -EEXIST : 0,
					 lf_map_add(&map, names[i], names[i]));
			count += !is_in[i];
			is_in[i] = true;
		} else {
			assert_ptr_equal(is_in[i] ? names[i] : NULL,
					 lf_map_del(&map, names[i]));
			count -= is_in[i];
			is_in[i] = false;
		}
		assert_int_equal(count, map.count);
	}
	for (i = 0; i < 300; i++)
		assert_ptr_equal(is_in[i] ? names[i] : NULL,
				 lf_map_find(&map, names[i]));
	/* Deleted slots are used again: the map did not creep up. */
	assert_true(map.cap <= 1024);
	lf_map_done(&map);
}

static void map_may_lose_the_key_after_deleting(void **state)
{
	struct lf_map map = {0};
	char *key;
	int i;

	/* The slot still holds the old pointer; ASan sees if it is followed. */
	for (i = 0; i < 100; i++) {
		key = strdup("gone");
		assert_non_null(key);
		assert_int_equal(0, lf_map_add(&map, key, key));
		assert_int_equal(0, lf_map_add(&map, names[i], names[i]));
		assert_ptr_equal(key, lf_map_del(&map, "gone"));
		free(key);
	}
	assert_null(lf_map_find(&map, "gone"));
	lf_map_done(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_empty_finds_nothing),
		cmocka_unit_test(map_finds_by_content_not_by_pointer),
		cmocka_unit_test(map_refuses_a_second_value_for_a_key),
		cmocka_unit_test(map_keeps_many_through_growth),
		cmocka_unit_test(map_allows_deleting_while_walking),
		cmocka_unit_test(map_agrees_with_a_plain_array),
		cmocka_unit_test(map_may_lose_the_key_after_deleting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
