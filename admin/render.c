/* admin/render.c - answer lines to aligned tables, ladders or JSON. */
#include "admin/render.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

#define MAX_COLUMNS 24
#define MAX_WIDTH 60

struct lf_render {
	FILE *out;
	bool is_json, is_ladder, is_top, is_live, is_redrawn;
	json_t *columns, *rows, *said;
};

struct lf_render *lf_render_new(const char *command, bool is_json, FILE *out)
{
	struct lf_render *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->out = out;
	r->is_json = is_json;
	r->is_ladder = !strcmp(command, "trace");
	r->is_top = !strcmp(command, "top");
	r->is_live = r->is_top || !strcmp(command, "watch");
	r->is_redrawn = r->is_live && isatty(fileno(out));
	r->rows = json_array();
	r->said = json_array();
	if (!r->rows || !r->said) {
		lf_render_free(r);
		return NULL;
	}
	return r;
}

void lf_render_free(struct lf_render *r)
{
	if (!r)
		return;
	json_decref(r->columns);
	json_decref(r->rows);
	json_decref(r->said);
	free(r);
}

/* A cell as text; numbers are written out into `number`. */
static const char *cell(const json_t *row, const char *column, char number[32])
{
	const json_t *value = json_object_get(row, column);

	if (json_is_integer(value)) {
		snprintf(number, 32, "%lld",
			 (long long)json_integer_value(value));
		return number;
	}
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	return value ? json_string_value(value) : "";
}

static void print_cell(FILE *out, const char *text, size_t width, bool is_last)
{
	size_t chars = lf_text_chars(text);

	fputs(text, out);
	while (!is_last && chars++ < width)
		fputc(' ', out);
	fputs(is_last ? "\n" : "  ", out);
}

static void measure(const struct lf_render *r, size_t *width)
{
	size_t c, i, n;
	json_t *column, *row;
	char number[32];

	json_array_foreach (r->columns, c, column) {
		if (c == MAX_COLUMNS)
			return;
		width[c] = lf_text_chars(json_string_value(column));
		json_array_foreach (r->rows, i, row) {
			n = lf_text_chars(
				cell(row, json_string_value(column), number));
			if (n > width[c])
				width[c] = n;
		}
		if (width[c] > MAX_WIDTH)
			width[c] = MAX_WIDTH;
	}
}

static void print_table(const struct lf_render *r)
{
	size_t width[MAX_COLUMNS] = {0}, c, i, n = json_array_size(r->columns);
	json_t *column, *row;
	char number[32];

	if (n > MAX_COLUMNS)
		n = MAX_COLUMNS;
	measure(r, width);
	for (c = 0; c < n; c++)
		print_cell(r->out,
			   json_string_value(json_array_get(r->columns, c)),
			   width[c], c + 1 == n);
	json_array_foreach (r->rows, i, row) {
		for (c = 0; c < n; c++) {
			column = json_array_get(r->columns, c);
			print_cell(r->out,
				   cell(row, json_string_value(column), number),
				   width[c], c + 1 == n);
		}
	}
}

/* One message: when, which way, with whom, and the text below, set in. */
static void print_ladder(const struct lf_render *r)
{
	const char *text, *end;
	json_t *row;
	char number[32];
	size_t i;

	json_array_foreach (r->rows, i, row) {
		fprintf(r->out, "%s  %s  %s\n", cell(row, "when", number),
			cell(row, "direction", number),
			cell(row, "peer", number));
		for (text = cell(row, "text", number); *text; text = end) {
			end = text + strcspn(text, "\n");
			fprintf(r->out, "    %.*s\n",
				(int)strcspn(text, "\r\n"), text);
			end += *end ? 1 : 0;
		}
		fputc('\n', r->out);
	}
}

static void write_file(FILE *out, const char *code)
{
	size_t size = strlen(code), len;
	char *data = malloc(size + 1);

	if (!data || lf_base64_decode(data, size + 1, &len, code))
		fputs("lampctl: the server's file is damaged\n", stderr);
	else
		fwrite(data, 1, len, out);
	free(data);
}

static void print_all(struct lf_render *r)
{
	json_t *text;
	size_t i;

	const json_t *first = json_array_get(r->rows, 0);
	const char *raw = json_string_value(json_object_get(first, "raw"));

	if (!raw)
		raw = json_string_value(json_object_get(first, "csv"));
	const char *code = json_string_value(json_object_get(first, "base64"));

	if (raw)
		fputs(raw, r->out);
	else if (code)
		write_file(r->out, code);
	else if (r->is_ladder)
		print_ladder(r);
	else if (json_array_size(r->rows))
		print_table(r);
	json_array_foreach (r->said, i, text)
		fprintf(r->out, "%s\n", json_string_value(text));
	fflush(r->out);
}

/* A live row takes the place of the older one of the same user. */
static void keep_row(struct lf_render *r, json_t *row)
{
	const char *id = json_string_value(json_object_get(row, "id"));
	const char *other;
	json_t *old;
	size_t i;

	if (r->is_live && id) {
		json_array_foreach (r->rows, i, old) {
			other = json_string_value(json_object_get(old, "id"));
			if (other && !strcmp(id, other)) {
				json_array_set(r->rows, i, row);
				return;
			}
		}
	}
	json_array_append(r->rows, row);
}

static void show_live(struct lf_render *r, json_t *row)
{
	char number[32];

	/* One drawing for each round of figures, not for each figure. */
	if (r->is_top && r->is_redrawn &&
	    strcmp(cell(row, "id", number),
		   cell(json_array_get(r->rows, 0), "id", number)))
		return;
	if (r->is_redrawn) {
		fputs("\033[H\033[2J", r->out);
		print_table(r);
	} else if (r->is_top) {
		fprintf(r->out, "%s %s\n", cell(row, "figure", number),
			cell(row, "value", number));
	} else {
		fprintf(r->out, "%s  %s  lamp=%s telephony=%s rich=%s\n",
			cell(row, "user", number), cell(row, "ext", number),
			cell(row, "lamp", number),
			cell(row, "telephony", number),
			cell(row, "rich", number));
	}
	fflush(r->out);
}

static int end(struct lf_render *r, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	bool ok = json_is_true(json_object_get(answer, "end"));

	if (!r->is_json && !r->is_live && ok)
		print_all(r);
	if (!ok)
		fprintf(stderr, "lampctl: %s\n", error ? error : "failed");
	return ok ? LF_RENDER_DONE : LF_RENDER_FAILED;
}

int lf_render_line(struct lf_render *r, const char *line, size_t len)
{
	json_t *answer, *row, *said;
	const char *progress;
	int result = 0;

	if (lf_json_parse(&answer, line, len)) {
		fputs("lampctl: the server's answer is no JSON\n", stderr);
		return LF_RENDER_FAILED;
	}
	if (r->is_json && !json_object_get(answer, "columns"))
		fprintf(r->out, "%.*s\n", (int)len, line);
	if (r->is_json)
		fflush(r->out);
	row = json_object_get(answer, "row");
	said = json_object_get(answer, "say");
	progress = json_string_value(json_object_get(answer, "progress"));
	if (progress && isatty(STDERR_FILENO))
		fprintf(stderr, "%s\n", progress);
	if (json_object_get(answer, "end")) {
		result = end(r, answer);
	} else if (json_is_array(json_object_get(answer, "columns"))) {
		json_decref(r->columns);
		r->columns = json_incref(json_object_get(answer, "columns"));
	} else if (row && !r->is_json) {
		keep_row(r, row);
		if (r->is_live)
			show_live(r, row);
	} else if (json_is_string(said)) {
		json_array_append(r->said, said);
	}
	json_decref(answer);
	return result;
}
