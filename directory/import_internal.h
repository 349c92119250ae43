/*
 * directory/import_internal.h - an import, as its files share it: import_read.c
 * makes rows of its bytes, import_match.c pairs of its rows, and import.c
 * stores the pairs.
 */
#ifndef LF_DIRECTORY_IMPORT_INTERNAL_H
#define LF_DIRECTORY_IMPORT_INTERNAL_H

#include <stddef.h>

#include "directory/internal.h"
#include "directory/user.h"

#define LF_NO_COLUMN (-1)

struct lf_import_row {
	unsigned line;
	char *scram; /* NULL: no new password */
	char *cells[LF_USER_FIELDS];
};

struct lf_import {
	struct lf_job job;
	lf_import_fn *done;
	void *arg;
	char *by;
	char *csv; /* the cells point into it */
	size_t len;

	enum lf_user_field columns[LF_USER_FIELDS];
	int column_of[LF_USER_FIELDS]; /* LF_NO_COLUMN: none */
	size_t n_columns;
	struct lf_import_row *rows;
	size_t n_rows, cap_rows;

	struct lf_user_pair *pairs; /* of a row; then only of the changed */
	size_t n_pairs, added;
	size_t n_asked, n_read; /* of the new revisions */
	int read_err;

	int err; /* of the worker */
	char text[LF_DIR_ERROR_SIZE];
};

/* "line 7: ..." into im->text; gives -EINVAL. */
__attribute__((format(printf, 3, 4))) int
lf_import_refuse(struct lf_import *im, unsigned line, const char *fmt, ...);

/* ---- import_read.c: in a worker thread ---- */

/* Cuts the file into rows, each checked, its password hashed. */
int lf_import_read(struct lf_import *im);
/* Trimmed, unless it is a password; "": there is none. */
const char *lf_import_cell(const struct lf_import *im,
			   const struct lf_import_row *row,
			   enum lf_user_field field);
/* Into a draft; the id and the password have ways of their own. */
int lf_import_set(struct lf_import *im, const struct lf_import_row *row,
		  struct lf_user *draft);

/* ---- import_match.c: on the loop ---- */

/* The pairs: of whom the rows are, and what they become; only those who
 * change. */
int lf_import_match(struct lf_import *im);

#endif
