/*
 * tests/store/test_sqlite.c - what only the engine in a file can get wrong.
 *
 * Every refusal names the file and says what to do, and leaves the file as it
 * was.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/banned.h"

static char dir[] = "/tmp/lf-sqlite-XXXXXX";
static char path[64];
static uv_loop_t loop;
static char text[256];

static int open_store(struct lf_store **ret)
{
	return lf_store_open(ret, &loop, path, text, sizeof(text));
}

static void close_store(struct lf_store *store)
{
	lf_store_close(store, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void on_put(int err, int64_t rev, void *arg)
{
	assert_int_equal(0, err);
}

/* A store of some forty pages. */
static void make_file(void)
{
	static const char value[4000];
	struct lf_store *store;
	char key[16];

	unlink(path);
	assert_int_equal(0, open_store(&store));
	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		lf_store_put(store, "b", key, value, sizeof(value), -1, on_put,
			     NULL);
	}
	close_store(store);
}

static void overwrite(off_t from, size_t len)
{
	static const char garbage[16384] = {'L', 'a', 'm', 'p'};
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(len, pwrite(fd, garbage, len, from));
	close(fd);
}

static void assert_refused(int expect_err, const char *expect_text)
{
	struct lf_store *store = NULL;

	text[0] = '\0';
	assert_int_equal(expect_err, open_store(&store));
	assert_null(store);
	assert_non_null(strstr(text, dir));
	if (!strstr(text, expect_text))
		fail_msg("said: %s", text);
}

static void the_file_is_for_its_owner_only(void **state)
{
	struct stat status;

	make_file();
	assert_int_equal(0, stat(path, &status));
	assert_int_equal(0600, status.st_mode & 0777);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
	make_file();
	overwrite(0, 4096);
	assert_refused(-EIO, "restore a backup");
}

static void a_damaged_page_is_found_at_the_start(void **state)
{
	make_file();
	overwrite(3 * 4096, 16384);
	assert_refused(-EIO, "restore a backup");
}

static void a_file_cut_short_is_found_at_the_start(void **state)
{
	make_file();
	assert_int_equal(0, truncate(path, 5 * 4096));
	assert_refused(-EIO, "restore a backup");
}

static void a_folder_that_is_not_there_is_named(void **state)
{
	struct lf_store *store;

	assert_int_equal(-ENOENT,
			 lf_store_open(&store, &loop, "/nowhere/store.db", text,
				       sizeof(text)));
	assert_non_null(strstr(text, "cannot create /nowhere/store.db"));
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/store.db", dir);
	return uv_loop_init(&loop);
}

static int remove_dir(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return uv_loop_close(&loop) || system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_for_its_owner_only),
		cmocka_unit_test(a_file_that_is_no_database_is_refused),
		cmocka_unit_test(a_damaged_page_is_found_at_the_start),
		cmocka_unit_test(a_file_cut_short_is_found_at_the_start),
		cmocka_unit_test(a_folder_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
