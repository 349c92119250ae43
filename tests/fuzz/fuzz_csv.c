/*
 * tests/fuzz/fuzz_csv.c - a CSV file from a stranger. What is read, written
 * again and read once more is the same.
 */
#include "directory/csv.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every row on a line of its own; `ret_err` is how the reading ended. */
static void copy_rows(struct lf_buf *out, const char *data, size_t size,
		      int *ret_err)
{
	char *copy = malloc(size + 1), *cells[16];
	struct lf_csv csv;
	unsigned line;
	size_t n, i;

	assert(copy);
	if (size)
		memcpy(copy, data, size);
	lf_csv_init(&csv, copy, size);
	while ((*ret_err = lf_csv_row(&csv, cells, 16, &n, &line)) > 0) {
		for (i = 0; i < n; i++) {
			if (i)
				lf_buf_addc(out, ',');
			/* A lone empty cell would be an empty line. */
			if (n == 1 && !*cells[0])
				lf_buf_adds(out, "\"\"");
			else
				lf_csv_write(out, cells[i]);
		}
		lf_buf_addc(out, '\n');
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_buf once = {0}, twice = {0};
	int err;

	/* The first line decides on the delimiter. */
	lf_buf_adds(&once, "a,b\n");
	copy_rows(&once, (const char *)data, size, &err);
	copy_rows(&twice, once.data, once.len, &err);
	assert(!err);
	assert(twice.len == once.len);
	assert(!memcmp(once.data, twice.data, once.len));
	lf_buf_done(&once);
	lf_buf_done(&twice);
	return 0;
}
