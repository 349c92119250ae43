/*
 * directory/note.h - free text on a colleague, set by any operator and seen
 * by all at once (S50, S51).
 */
#ifndef LF_DIRECTORY_NOTE_H
#define LF_DIRECTORY_NOTE_H

#include <stdint.h>

struct lf_notes; /* opaque: see note.c */
struct lf_store;

#define LF_NOTE_CHARS 500

struct lf_note {
	const char *user_id;
	const char *text; /* "" when deleted */
	const char *by;   /* user id of the author */
	int64_t wall_ms;
	int64_t rev;
};

typedef void lf_note_change_fn(const struct lf_note *note, void *arg);

int lf_notes_open(struct lf_notes **ret, struct lf_store *store);
void lf_notes_close(struct lf_notes *notes);
int lf_notes_on_change(struct lf_notes *notes, lf_note_change_fn *fn,
		       void *arg);

const struct lf_note *lf_note_find(const struct lf_notes *notes,
				   const char *user_id); /* NULL: none */

/*
 * base_rev: the revision the author saw (0: none existed), LF_STORE_ANY for
 * whatever is there. done(): 0; -ESTALE, somebody was faster; -EINVAL, too
 * long or not UTF-8, told before the call returns; -EAGAIN. `rev` is the
 * new revision, or with -ESTALE the one to look at first. After
 * lf_notes_close() nothing is called.
 */
typedef void lf_note_done_fn(int err, int64_t rev, void *arg);
int lf_note_set(struct lf_notes *notes, const char *user_id, const char *text,
		const char *by, int64_t base_rev, lf_note_done_fn *done,
		void *arg);

#endif
