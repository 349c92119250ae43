/* directory/csv.c - see csv.h. Never writes behind what it has read. */
#include "directory/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/buf.h"

#include "core/banned.h"

static char find_delimiter(const char *at, const char *end)
{
	bool is_quoted = false;

	for (; at < end && (is_quoted || (*at != '\n' && *at != '\r')); at++) {
		if (*at == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted &&
			 (*at == ';' || *at == ',' || *at == '\t'))
			return *at;
	}
	return ',';
}

void lf_csv_init(struct lf_csv *csv, char *data, size_t len)
{
	if (len >= 3 && !memcmp(data, "\xef\xbb\xbf", 3)) {
		data += 3;
		len -= 3;
	}
	csv->at = data;
	csv->end = data + len;
	csv->delimiter = find_delimiter(data, csv->end);
	csv->line = 1;
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* At a CR, LF or CR LF: steps over it. */
static void skip_line_end(struct lf_csv *csv)
{
	if (*csv->at == '\r' && csv->end - csv->at > 1 && csv->at[1] == '\n')
		csv->at++;
	csv->at++;
	csv->line++;
}

/* Gives the cell's end; csv->at is behind its closing quote. */
static int read_quoted(struct lf_csv *csv, char **ret_end)
{
	bool is_closed = false;
	char *to = csv->at;

	for (csv->at++; csv->at < csv->end; csv->at++) {
		if (!*csv->at)
			return -EPROTO;
		if (*csv->at == '"') {
			csv->at++;
			is_closed = csv->at == csv->end || *csv->at != '"';
			if (is_closed)
				break;
		}
		if (*csv->at == '\n')
			csv->line++;
		*to++ = *csv->at;
	}
	*ret_end = to;
	if (!is_closed || (csv->at < csv->end && *csv->at != csv->delimiter &&
			   !is_line_end(*csv->at)))
		return -EPROTO;
	return 0;
}

static int read_plain(struct lf_csv *csv, char **ret_end)
{
	while (csv->at < csv->end && *csv->at != csv->delimiter &&
	       !is_line_end(*csv->at)) {
		if (!*csv->at)
			return -EPROTO;
		csv->at++;
	}
	*ret_end = csv->at;
	return 0;
}

/* Gives 1 if another cell follows in this row. */
static int read_cell(struct lf_csv *csv, char **ret)
{
	char *cell = csv->at, *end;
	int err, has_more = 0;

	if (csv->at < csv->end && *csv->at == '"')
		err = read_quoted(csv, &end);
	else
		err = read_plain(csv, &end);
	if (err)
		return err;
	if (csv->at < csv->end && *csv->at == csv->delimiter) {
		csv->at++;
		has_more = 1;
	} else if (csv->at < csv->end) {
		skip_line_end(csv);
	}
	*end = '\0'; /* behind: what stood here has been read */
	*ret = cell;
	return has_more;
}

int lf_csv_row(struct lf_csv *csv, char **cells, size_t max, size_t *ret_n,
	       unsigned *ret_line)
{
	size_t n = 0;
	int more = 1;

	while (csv->at < csv->end && is_line_end(*csv->at))
		skip_line_end(csv);
	*ret_line = csv->line;
	if (csv->at == csv->end)
		return 0;
	while (more > 0) {
		if (n == max)
			return -E2BIG;
		more = read_cell(csv, &cells[n++]);
	}
	*ret_n = n;
	return more < 0 ? more : 1;
}

void lf_csv_write(struct lf_buf *buf, const char *cell)
{
	bool is_padded = *cell == ' ' || *cell == '\t';

	if (!is_padded && !cell[strcspn(cell, "\",;\t\r\n")]) {
		lf_buf_adds(buf, cell);
		return;
	}
	lf_buf_addc(buf, '"');
	for (; *cell; cell++) {
		if (*cell == '"')
			lf_buf_addc(buf, '"');
		lf_buf_addc(buf, *cell);
	}
	lf_buf_addc(buf, '"');
}
