/* tests/directory/test_note.c - notes are kept, shared and not overwritten. */
#include "tests/directory/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/note.h"

#include "core/banned.h"

struct desk {
	struct rig *rig;
	struct lf_notes *notes;
	int64_t rev;
	char log[256];
};

static void on_change(const struct lf_note *note, void *arg)
{
	struct desk *d = arg;
	size_t len = strlen(d->log);

	snprintf(d->log + len, sizeof(d->log) - len, "%s:%s/%s ", note->user_id,
		 note->text, note->by);
}

static void on_barrier(int err, const struct lf_store_kv *rows, size_t n,
		       void *arg)
{
	struct rig *rig = arg;

	rig->is_done = true;
}

/* The store answers in order: when this is told, all before it was. */
static void settle(struct desk *d)
{
	lf_store_get(d->rig->store, "none", "none", on_barrier, d->rig);
	rig_wait(d->rig);
}

static void open_notes(struct desk *d)
{
	assert_int_equal(0, lf_notes_open(&d->notes, d->rig->store));
	assert_int_equal(0, lf_notes_on_change(d->notes, on_change, d));
	settle(d);
}

static int setup(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));
	void *rig;

	assert_int_equal(0, rig_setup(&rig));
	d->rig = rig;
	open_notes(d);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct desk *d = *state;
	void *rig = d->rig;

	lf_notes_close(d->notes);
	rig_teardown(&rig);
	free(d);
	return 0;
}

static void on_set(int err, int64_t rev, void *arg)
{
	struct desk *d = arg;

	d->rig->err = err;
	d->rev = rev;
	d->rig->is_done = true;
}

static int set(struct desk *d, const char *user, const char *text,
	       int64_t base_rev)
{
	assert_int_equal(0, lf_note_set(d->notes, user, text, "u9", base_rev,
					on_set, d));
	rig_wait(d->rig);
	settle(d);
	return d->rig->err;
}

static void a_note_is_told_once_and_survives_a_restart(void **state)
{
	struct desk *d = *state;
	const struct lf_note *note;

	assert_null(lf_note_find(d->notes, "u1"));
	assert_int_equal(0, set(d, "u1", "Back at \"3\"", 0));
	assert_string_equal("u1:Back at \"3\"/u9 ", d->log);
	lf_notes_close(d->notes);
	rig_restart(d->rig);
	open_notes(d);
	note = lf_note_find(d->notes, "u1");
	assert_non_null(note);
	assert_string_equal("Back at \"3\"", note->text);
	assert_string_equal("u9", note->by);
	assert_int_equal(d->rev, note->rev);
	assert_true(note->wall_ms > 0);
}

static void who_did_not_see_the_last_note_does_not_overwrite_it(void **state)
{
	struct desk *d = *state;
	int64_t first;

	assert_int_equal(0, set(d, "u1", "one", 0));
	first = d->rev;
	assert_int_equal(0, set(d, "u1", "two", first));
	assert_int_equal(-ESTALE, set(d, "u1", "three", first));
	assert_int_equal(lf_note_find(d->notes, "u1")->rev, d->rev);
	assert_int_equal(-ESTALE, set(d, "u1", "three", 0));
	assert_string_equal("two", lf_note_find(d->notes, "u1")->text);
	assert_int_equal(0, set(d, "u1", "four", LF_STORE_ANY));
	assert_string_equal("four", lf_note_find(d->notes, "u1")->text);
}

static void an_empty_text_deletes_and_can_be_written_again(void **state)
{
	struct desk *d = *state;

	assert_int_equal(0, set(d, "u1", "one", 0));
	assert_int_equal(0, set(d, "u1", "", d->rev));
	assert_null(lf_note_find(d->notes, "u1"));
	assert_int_equal(0, set(d, "u1", "", 0));
	assert_int_equal(0, set(d, "u2", "", LF_STORE_ANY));
	assert_string_equal("u1:one/u9 u1:/u9 ", d->log);
	assert_int_equal(0, set(d, "u1", "again", 0));
	assert_string_equal("again", lf_note_find(d->notes, "u1")->text);
}

static void five_hundred_characters_fit_and_no_more(void **state)
{
	struct desk *d = *state;
	char text[2 * LF_NOTE_CHARS + 3] = "";
	size_t i;

	for (i = 0; i < LF_NOTE_CHARS; i++)
		memcpy(text + 2 * i, "\xc3\xa4", 3);
	assert_int_equal(0, set(d, "u1", text, 0));
	memcpy(text + 2 * LF_NOTE_CHARS, "a", 2);
	assert_int_equal(-EINVAL, set(d, "u1", text, d->rev));
	assert_int_equal(-EINVAL, set(d, "u1", "\xc3(", d->rev));
	assert_int_equal(-EINVAL, set(d, "", "x", 0));
	assert_int_equal(2 * LF_NOTE_CHARS,
			 strlen(lf_note_find(d->notes, "u1")->text));
}

static void a_note_of_another_node_is_told_too(void **state)
{
	struct desk *d = *state;
	static const char json[] = "{\"text\":\"hi\",\"by\":\"u5\",\"at\":7}";

	lf_store_put(d->rig->store, "note", "u1", json, strlen(json),
		     LF_STORE_ANY, NULL, NULL);
	settle(d);
	assert_string_equal("u1:hi/u5 ", d->log);
	lf_store_put(d->rig->store, "note", "u1", "[]", 2, LF_STORE_ANY, NULL,
		     NULL);
	settle(d);
	assert_string_equal("hi", lf_note_find(d->notes, "u1")->text);
}

static void closing_with_a_note_under_way_is_quiet(void **state)
{
	struct desk *d = *state;

	lf_note_set(d->notes, "u1", "x", "u9", 0, on_set, d);
	lf_notes_close(d->notes);
	settle(d);
	assert_string_equal("", d->log);
	open_notes(d);
	assert_string_equal("x", lf_note_find(d->notes, "u1")->text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_note_is_told_once_and_survives_a_restart),
		TEST(who_did_not_see_the_last_note_does_not_overwrite_it),
		TEST(an_empty_text_deletes_and_can_be_written_again),
		TEST(five_hundred_characters_fit_and_no_more),
		TEST(a_note_of_another_node_is_told_too),
		TEST(closing_with_a_note_under_way_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
