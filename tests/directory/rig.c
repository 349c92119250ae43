/* tests/directory/rig.c - see rig.h. */
#include "tests/directory/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"

#include "core/banned.h"

void rig_wait(struct rig *rig)
{
	while (!rig->is_done)
		assert_true(uv_run(&rig->loop, UV_RUN_ONCE) || rig->is_done);
	rig->is_done = false;
}

static void on_ready(int err, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static void on_closed(void *arg)
{
	struct rig *rig = arg;

	rig->is_done = true;
}

void rig_open(struct rig *rig)
{
	char text[256];

	assert_int_equal(0, lf_store_open(&rig->store, &rig->loop, rig->path,
					  text, sizeof(text)));
}

void rig_open_users(struct rig *rig)
{
	assert_int_equal(
		0, lf_directory_open(&rig->dir, rig->store, on_ready, rig));
	rig_wait(rig);
	assert_int_equal(0, rig->err);
}

void rig_close_users(struct rig *rig)
{
	lf_directory_close(rig->dir);
	rig->dir = NULL;
}

void rig_close(struct rig *rig)
{
	rig_close_users(rig);
	if (!rig->store)
		return;
	rig->is_done = false;
	lf_store_close(rig->store, on_closed, rig);
	rig->store = NULL;
	rig_wait(rig);
	assert_int_equal(0, uv_run(&rig->loop, UV_RUN_DEFAULT));
}

void rig_restart(struct rig *rig)
{
	rig_close(rig);
	rig_open(rig);
	rig_open_users(rig);
}

int rig_setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	snprintf(rig->folder, sizeof(rig->folder), "/tmp/lf-directory-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->path, sizeof(rig->path), "%s/store", rig->folder);
	assert_int_equal(0, uv_loop_init(&rig->loop));
	rig_open(rig);
	rig_open_users(rig);
	*state = rig;
	return 0;
}

int rig_teardown(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal",
					       ".lock"};
	struct rig *rig = *state;
	char path[128];
	size_t i;

	rig_close(rig);
	assert_int_equal(0, uv_loop_close(&rig->loop));
	for (i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", rig->path, suffixes[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/key", rig->folder);
	unlink(path);
	assert_int_equal(0, rmdir(rig->folder));
	free(rig);
	return 0;
}

void rig_on_user(int err, const char *id, const char *text, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	lf_text_copy(rig->id, sizeof(rig->id), id);
	lf_text_copy(rig->text, sizeof(rig->text), text);
	rig->is_done = true;
}

void rig_on_import(int err, size_t added, size_t changed, const char *text,
		   void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->added = added;
	rig->changed = changed;
	lf_text_copy(rig->text, sizeof(rig->text), text);
	rig->is_done = true;
}

void rig_put_later(struct rig *rig, const char *id, const char *assignments,
		   lf_user_done_fn *done, void *arg)
{
	enum lf_user_field fields[LF_USER_FIELDS];
	const char *values[LF_USER_FIELDS];
	char *copy = strdup(assignments), *rest = copy, *name, *value;
	size_t n = 0;

	while ((value = strsep(&rest, "|")) != NULL) {
		name = strsep(&value, "=");
		assert_int_equal(0, lf_user_field_parse(&fields[n], name));
		values[n++] = value;
	}
	assert_int_equal(0, lf_user_put(rig->dir, id, fields, values, n,
					"tester", done, arg));
	free(copy);
}

int rig_put(struct rig *rig, const char *id, const char *assignments)
{
	rig_put_later(rig, id, assignments, rig_on_user, rig);
	rig_wait(rig);
	return rig->err;
}

int rig_delete(struct rig *rig, const char *id)
{
	assert_int_equal(
		0, lf_user_delete(rig->dir, id, "tester", rig_on_user, rig));
	rig_wait(rig);
	return rig->err;
}

int rig_import(struct rig *rig, const char *csv)
{
	assert_int_equal(0, lf_users_import(rig->dir, csv, strlen(csv),
					    "tester", rig_on_import, rig));
	rig_wait(rig);
	return rig->err;
}
