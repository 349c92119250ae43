/*
 * directory/import_read.c - the rows of an import: its columns by name, each
 * cell checked, passwords hashed, which is why it runs in a worker thread.
 */
#include "directory/import_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "directory/csv.h"

#include "core/banned.h"

/* ---- the header ---- */

static int unknown_column(struct lf_import *im, unsigned line, const char *name)
{
	const char *names[LF_USER_FIELDS], *near;
	int i;

	for (i = 0; i < LF_USER_FIELDS; i++)
		names[i] = lf_user_field_name((enum lf_user_field)i);
	near = lf_text_nearest(name, names, LF_USER_FIELDS);
	return lf_import_refuse(im, line, "there is no column \"%.64s\"%s%s%s",
				name, near ? "; did you mean \"" : "",
				near ? near : "", near ? "\"?" : "");
}

static int read_header(struct lf_import *im, char **cells, size_t n,
		       unsigned line)
{
	enum lf_user_field field;
	char *name;
	size_t i;

	for (i = 0; i < LF_USER_FIELDS; i++)
		im->column_of[i] = LF_NO_COLUMN;
	for (i = 0; i < n; i++) {
		name = lf_text_trim(cells[i]);
		if (lf_user_field_parse(&field, name))
			return unknown_column(im, line, name);
		if (im->column_of[field] != LF_NO_COLUMN)
			return lf_import_refuse(im, line,
						"column %s is there twice",
						lf_user_field_name(field));
		im->column_of[field] = (int)i;
		im->columns[i] = field;
	}
	im->n_columns = n;
	if (im->column_of[LF_USER_ID] == LF_NO_COLUMN &&
	    im->column_of[LF_USER_USERNAME] == LF_NO_COLUMN)
		return lf_import_refuse(im, line,
					"there is no column username");
	return 0;
}

/* ---- a row ---- */

const char *lf_import_cell(const struct lf_import *im,
			   const struct lf_import_row *row,
			   enum lf_user_field field)
{
	int column = im->column_of[field];

	return column == LF_NO_COLUMN ? "" : row->cells[column];
}

static int hash(struct lf_import_row *row, const char *password)
{
	struct lf_scram scram;
	int err;

	row->scram = malloc(LF_SCRAM_TEXT_SIZE);
	if (!row->scram)
		return -ENOMEM;
	err = lf_scram_make(&scram, password);
	if (!err)
		lf_scram_format(row->scram, &scram);
	return err;
}

int lf_import_set(struct lf_import *im, const struct lf_import_row *row,
		  struct lf_user *draft)
{
	char why[LF_DIR_ERROR_SIZE] = "";
	enum lf_user_field field;
	size_t i;
	int err = 0;

	for (i = 0; i < im->n_columns && !err; i++) {
		field = im->columns[i];
		if (field == LF_USER_PASSWORD)
			err = lf_user_check_password(row->cells[i], why);
		else if (field != LF_USER_ID &&
			 (field != LF_USER_USERNAME || *row->cells[i]))
			err = lf_user_set(draft, field, row->cells[i], why);
	}
	return err ? lf_import_refuse(im, row->line, "%s", why) : 0;
}

static int reserve_row(struct lf_import *im)
{
	size_t cap = im->cap_rows ? 2 * im->cap_rows : 256;
	struct lf_import_row *more;

	if (im->n_rows < im->cap_rows)
		return 0;
	more = realloc(im->rows, cap * sizeof(*more));
	if (!more)
		return -ENOMEM;
	im->rows = more;
	im->cap_rows = cap;
	return 0;
}

/* By itself; which user it is about is for the loop to see. */
static int check_row(struct lf_import *im, struct lf_import_row *row)
{
	struct lf_user scratch = lf_user_blank;
	const char *password = lf_import_cell(im, row, LF_USER_PASSWORD);
	int err = lf_import_set(im, row, &scratch);

	return !err && *password ? hash(row, password) : err;
}

static int add_row(struct lf_import *im, char **cells, size_t n, unsigned line)
{
	struct lf_import_row *row;
	size_t i;

	if (n != im->n_columns)
		return lf_import_refuse(im, line,
					"%zu cells where the header has %zu", n,
					im->n_columns);
	if (im->n_rows == LF_USERS_MAX)
		return lf_import_refuse(im, line, "more than %d users",
					LF_USERS_MAX);
	if (reserve_row(im))
		return -ENOMEM;
	row = &im->rows[im->n_rows++];
	row->line = line;
	row->scram = NULL;
	for (i = 0; i < n; i++)
		row->cells[i] = im->columns[i] == LF_USER_PASSWORD
					? cells[i]
					: lf_text_trim(cells[i]);
	return check_row(im, row);
}

/* ---- the file ---- */

int lf_import_read(struct lf_import *im)
{
	char *cells[LF_USER_FIELDS];
	struct lf_csv csv;
	unsigned line;
	size_t n;
	int more, err = 0;

	lf_csv_init(&csv, im->csv, im->len);
	more = lf_csv_row(&csv, cells, LF_USER_FIELDS, &n, &line);
	if (!more)
		return lf_import_refuse(im, line, "the file is empty");
	if (more > 0)
		err = read_header(im, cells, n, line);
	while (!err && more > 0) {
		more = lf_csv_row(&csv, cells, LF_USER_FIELDS, &n, &line);
		if (more > 0)
			err = add_row(im, cells, n, line);
	}
	if (more == -EPROTO)
		err = lf_import_refuse(im, line,
				       "quotes that do not match, or a NUL");
	if (more == -E2BIG)
		err = lf_import_refuse(im, line, "too many columns");
	return err;
}
