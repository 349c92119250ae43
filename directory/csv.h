/*
 * directory/csv.h - rows of cells out of a CSV file (RFC 4180), in place.
 *
 * Cells may be quoted, a quote inside is doubled; lines end with LF, CR LF or
 * CR; empty lines are skipped; a byte order mark is too.
 */
#ifndef LF_DIRECTORY_CSV_H
#define LF_DIRECTORY_CSV_H

#include <stddef.h>

struct lf_buf;

struct lf_csv {
	char *at, *end;
	char delimiter;
	unsigned line; /* the one that `at` is in, from 1 */
};

/*
 * `data` must have room for one byte more than `len`. The delimiter is the
 * first of ';', ',' or TAB that the first line has outside quotes.
 */
void lf_csv_init(struct lf_csv *csv, char *data, size_t len);

/*
 * The next row's cells, NUL-terminated, pointing into the data; `*ret_line` is
 * where it began. 1; 0 at the end; -EPROTO: a quote that does not end or is
 * followed by more text, or a NUL; -E2BIG: more than `max` cells.
 */
int lf_csv_row(struct lf_csv *csv, char **cells, size_t max, size_t *ret_n,
	       unsigned *ret_line);

/* One cell, quoted where it must be. */
void lf_csv_write(struct lf_buf *buf, const char *cell);

#endif
