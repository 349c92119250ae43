/*
 * directory/note.c - one note per colleague, last author wins if he saw the
 * one before.
 *
 * The store is watched, so a note written by another node is told like one
 * of ours (S51). A change of ours comes twice, from its answer and from the
 * watch; the revision says which is news.
 */
#include "directory/note.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "core/map.h"
#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

#define BUCKET "note"
#define WHO_MAX 64 /* bytes of a user's id */

/* One block: the note and its texts. */
struct entry {
	struct lf_note note;
	char texts[];
};

struct listener {
	lf_note_change_fn *fn;
	void *arg;
};

struct lf_notes {
	struct lf_store *store;
	struct lf_store_watch *watch;
	struct lf_map by_user;
	struct listener *listeners;
	size_t n_listeners;
	unsigned refs;
	bool is_closed;
};

struct writing {
	struct lf_notes *notes;
	lf_note_done_fn *done;
	void *arg;
	struct entry *entry;
};

static void notes_unref(struct lf_notes *notes)
{
	struct entry *e;

	if (--notes->refs > 0)
		return;
	LF_MAP_FOREACH (e, &notes->by_user)
		free(e);
	lf_map_done(&notes->by_user);
	free(notes->listeners);
	free(notes);
}

/* ---- what is known ---- */

const struct lf_note *lf_note_find(const struct lf_notes *notes,
				   const char *user_id)
{
	const struct entry *e = lf_map_find(&notes->by_user, user_id);

	return e && *e->note.text ? &e->note : NULL;
}

static struct entry *entry_new(const struct lf_note *note)
{
	size_t id_size = strlen(note->user_id) + 1;
	size_t text_size = strlen(note->text) + 1;
	size_t by_size = strlen(note->by) + 1;
	struct entry *e = malloc(sizeof(*e) + id_size + text_size + by_size);

	if (!e)
		return NULL;
	e->note = *note;
	e->note.user_id = memcpy(e->texts, note->user_id, id_size);
	e->note.text = memcpy(e->texts + id_size, note->text, text_size);
	e->note.by = memcpy(e->texts + id_size + text_size, note->by, by_size);
	return e;
}

/*
 * Takes the entry over. A deleted note stays as an entry without a text: its
 * revision is what tells an old change from a new one.
 */
static int learn(struct lf_notes *notes, struct entry *e)
{
	struct entry *old = lf_map_find(&notes->by_user, e->note.user_id);
	size_t i;
	int err;

	if (old && old->note.rev >= e->note.rev) {
		free(e);
		return 0;
	}
	if (old)
		lf_map_del(&notes->by_user, e->note.user_id);
	err = lf_map_add(&notes->by_user, e->note.user_id, e);
	free(old);
	if (err) {
		free(e);
		return err;
	}
	for (i = 0; i < notes->n_listeners && !notes->is_closed; i++)
		notes->listeners[i].fn(&e->note, notes->listeners[i].arg);
	return 0;
}

int lf_notes_on_change(struct lf_notes *notes, lf_note_change_fn *fn, void *arg)
{
	struct listener *more;

	more = realloc(notes->listeners,
		       (notes->n_listeners + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	notes->listeners = more;
	more[notes->n_listeners++] = (struct listener){fn, arg};
	return 0;
}

/* ---- from the store ---- */

static int read_row(struct entry **ret, const struct lf_store_kv *row)
{
	struct lf_note note = {.user_id = row->key, .rev = row->rev};
	json_t *json = NULL;
	int err = 0, bad = 0;

	note.text = note.by = "";
	if (row->value)
		err = lf_json_parse(&json, row->value, row->len);
	if (err)
		return err;
	if (json) {
		note.text = lf_json_str(json, "text", "", &bad);
		note.by = lf_json_str(json, "by", "", &bad);
		note.wall_ms = lf_json_int(json, "at", 0, &bad);
	}
	*ret = entry_new(&note);
	json_decref(json);
	return *ret ? 0 : -ENOMEM;
}

static void on_rows(int err, const struct lf_store_kv *rows, size_t n,
		    void *arg)
{
	struct lf_notes *notes = arg;
	struct entry *e;
	size_t i;

	if (err)
		lf_log(LF_ERROR, "directory", "cannot read the notes: %s",
		       uv_strerror(err));
	notes->refs++;
	for (i = 0; i < n && !notes->is_closed; i++) {
		e = lf_map_find(&notes->by_user, rows[i].key);
		if (e && e->note.rev >= rows[i].rev)
			continue;
		err = read_row(&e, &rows[i]);
		if (!err)
			err = learn(notes, e);
		if (err)
			lf_log(LF_ERROR, "directory",
			       "the note on %s cannot be read: %s", rows[i].key,
			       uv_strerror(err));
	}
	notes_unref(notes);
}

int lf_notes_open(struct lf_notes **ret, struct lf_store *store)
{
	struct lf_notes *notes = calloc(1, sizeof(*notes));
	int err;

	if (!notes)
		return -ENOMEM;
	notes->store = store;
	notes->refs = 1;
	lf_map_init(&notes->by_user);
	err = lf_store_watch(&notes->watch, store, BUCKET, "", on_rows, notes);
	if (err) {
		notes_unref(notes);
		return err;
	}
	*ret = notes;
	return 0;
}

void lf_notes_close(struct lf_notes *notes)
{
	if (!notes)
		return;
	notes->is_closed = true;
	lf_store_watch_free(notes->watch);
	notes_unref(notes);
}

/* ---- to the store ---- */

static void on_written(int err, int64_t rev, void *arg)
{
	struct writing *w = arg;
	struct lf_notes *notes = w->notes;

	/* Revision 0: there was no note, and now there is none. */
	if (!err && rev) {
		w->entry->note.rev = rev;
		err = learn(notes, w->entry);
		w->entry = NULL;
	} else if (err && err != -ESTALE && err != -ENOMEM) {
		err = -EAGAIN;
	}
	if (!notes->is_closed)
		w->done(err, rev, w->arg);
	free(w->entry);
	free(w);
	notes_unref(notes);
}

static bool is_fit(const char *text)
{
	size_t len = strnlen(text, 4 * LF_NOTE_CHARS + 1);

	return len <= 4 * LF_NOTE_CHARS && lf_text_is_utf8(text, len) &&
	       lf_text_chars(text) <= LF_NOTE_CHARS;
}

static int submit(struct writing *w, int64_t base_rev)
{
	const struct lf_note *note = &w->entry->note;
	struct lf_store *store = w->notes->store;
	struct lf_buf json = {0};
	int err;

	if (!*note->text)
		return lf_store_del(store, BUCKET, note->user_id, base_rev,
				    on_written, w);
	lf_buf_adds(&json, "{\"text\":");
	lf_buf_add_json(&json, note->text);
	lf_buf_adds(&json, ",\"by\":");
	lf_buf_add_json(&json, note->by);
	lf_buf_addf(&json, ",\"at\":%lld}", (long long)note->wall_ms);
	err = lf_buf_error(&json);
	if (!err)
		err = lf_store_put(store, BUCKET, note->user_id, json.data,
				   json.len, base_rev, on_written, w);
	lf_buf_done(&json);
	return err;
}

int lf_note_set(struct lf_notes *notes, const char *user_id, const char *text,
		const char *by, int64_t base_rev, lf_note_done_fn *done,
		void *arg)
{
	const struct lf_note note = {user_id, text, by, lf_wall_ms(), 0};
	struct writing *w;
	int err;

	if (!is_fit(text) || !*user_id || strlen(user_id) > WHO_MAX ||
	    strlen(by) > WHO_MAX) {
		done(-EINVAL, 0, arg);
		return 0;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->notes = notes;
	w->done = done;
	w->arg = arg;
	w->entry = entry_new(&note);
	err = w->entry ? submit(w, base_rev) : -ENOMEM;
	if (err) {
		free(w->entry);
		free(w);
		return err;
	}
	notes->refs++;
	return 0;
}
