/*
 * directory/import_match.c - whom the rows of an import are about: users we
 * have, by id or username, or new ones; nobody twice.
 */
#include "directory/import_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#include "core/banned.h"

/* ---- pairs ---- */

static struct lf_user *match(const struct lf_import *im,
			     const struct lf_import_row *row)
{
	const struct lf_index *index = im->job.dir->index;
	const char *id = lf_import_cell(im, row, LF_USER_ID);
	const char *username = lf_import_cell(im, row, LF_USER_USERNAME);
	struct lf_user *user = NULL;

	if (*id)
		user = lf_index_find(&index[LF_BY_ID], LF_BY_ID, id);
	if (!user && *username)
		user = lf_index_find(&index[LF_BY_USERNAME], LF_BY_USERNAME,
				     username);
	return user;
}

/* Until it is stored, a new record's revision is the line it came from. */
static int make_pair(struct lf_import *im, const struct lf_import_row *row,
		     struct lf_user_pair *pair)
{
	struct lf_user draft = lf_user_blank;
	char id[24];
	int err;

	pair->was = match(im, row);
	if (pair->was)
		draft = *pair->was;
	err = lf_import_set(im, row, &draft);
	if (err)
		return err;
	if (!*draft.username)
		return lf_import_refuse(im, row->line,
					"a user needs a username");
	if (!pair->was) {
		snprintf(id, sizeof(id), "u%llu",
			 (unsigned long long)++im->job.dir->last_id);
		draft.id = id;
		im->added++;
	}
	if (row->scram)
		draft.scram = row->scram;
	draft.rev = row->line;
	pair->now = lf_user_pack(&draft);
	return pair->now ? 0 : -ENOMEM;
}

static int make_pairs(struct lf_import *im)
{
	size_t i;
	int err = 0;

	im->pairs = calloc(im->n_rows + 1, sizeof(*im->pairs));
	if (!im->pairs)
		return -ENOMEM;
	for (i = 0; i < im->n_rows && !err; i++) {
		im->n_pairs = i + 1;
		err = make_pair(im, &im->rows[i], &im->pairs[i]);
	}
	if (err)
		return err;
	if (lf_directory_count(im->job.dir) + im->added > LF_USERS_MAX)
		return lf_import_refuse(im, 1, "more than %d users",
					LF_USERS_MAX);
	return 0;
}

/* ---- no username twice ---- */

static int twice(struct lf_import *im, const struct lf_user *a,
		 const struct lf_user *b, const char *what)
{
	int64_t first = a->rev < b->rev ? a->rev : b->rev;
	int64_t again = a->rev < b->rev ? b->rev : a->rev;

	return lf_import_refuse(im, (unsigned)again,
				"the same %s as in line %u", what,
				(unsigned)first);
}

static int check_neighbours(struct lf_import *im, const struct lf_index *by_id,
			    const struct lf_index *by_username)
{
	struct lf_user *const *ids = by_id->rows;
	struct lf_user *const *names = by_username->rows;
	size_t i;

	for (i = 1; i < im->n_pairs; i++) {
		if (!strcmp(ids[i - 1]->id, ids[i]->id))
			return twice(im, ids[i - 1], ids[i], "user");
		if (lf_text_equal(names[i - 1]->username, names[i]->username))
			return twice(im, names[i - 1], names[i], "username");
	}
	return 0;
}

/* Who is in the file himself may give his username away. */
static int check_others(struct lf_import *im, const struct lf_index *by_id)
{
	const struct lf_user *other, *now;
	size_t i;

	for (i = 0; i < im->n_pairs; i++) {
		now = im->pairs[i].now;
		other = lf_user_by_username(im->job.dir, now->username);
		if (other && other != im->pairs[i].was &&
		    !lf_index_find(by_id, LF_BY_ID, other->id))
			return lf_import_refuse(
				im, (unsigned)now->rev,
				"%s has the username %s already", other->id,
				now->username);
	}
	return 0;
}

static int check_unique(struct lf_import *im)
{
	struct lf_index by_id = {0}, by_username = {0};
	size_t i;
	int err;

	err = lf_index_reserve(&by_id, im->n_pairs);
	if (!err)
		err = lf_index_reserve(&by_username, im->n_pairs);
	for (i = 0; i < im->n_pairs && !err; i++) {
		lf_index_append(&by_id, LF_BY_ID, im->pairs[i].now);
		lf_index_append(&by_username, LF_BY_USERNAME, im->pairs[i].now);
	}
	if (!err) {
		lf_index_sort(&by_id, LF_BY_ID);
		lf_index_sort(&by_username, LF_BY_USERNAME);
		err = check_neighbours(im, &by_id, &by_username);
	}
	if (!err)
		err = check_others(im, &by_id);
	lf_index_done(&by_id);
	lf_index_done(&by_username);
	return err;
}

/* ---- the whole ---- */

static void drop_unchanged(struct lf_import *im)
{
	size_t i, kept = 0;

	for (i = 0; i < im->n_pairs; i++) {
		struct lf_user_pair *pair = &im->pairs[i];

		if (pair->was && lf_user_same(pair->was, pair->now))
			free(pair->now);
		else
			im->pairs[kept++] = *pair;
	}
	im->n_pairs = kept;
}

int lf_import_match(struct lf_import *im)
{
	int err = make_pairs(im);

	if (!err)
		err = check_unique(im);
	if (!err)
		drop_unchanged(im);
	return err;
}
