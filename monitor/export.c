/*
 * monitor/export.c - reads the log page by page, then writes the file in a
 * worker thread: CSV (RFC 4180) or a spreadsheet.
 */
#include "monitor/export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>
#include <xlsxwriter.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "store/store.h"

#include "core/banned.h"

struct job {
	uv_work_t work;
	struct lf_monitor *monitor;
	enum lf_export_form form;
	struct lf_event_filter filter;
	char application[32], category[32], text[256];
	struct lf_event_note *notes;
	size_t n, cap;
	struct lf_buf out;
	int err;
	lf_export_fn *done;
	void *arg;
};

static const char *const heads[] = {"number",  "first",       "last",
				    "count",   "severity",    "event",
				    "name",    "application", "category",
				    "subject", "text",        "what to do"};

#define N_HEADS (sizeof(heads) / sizeof(*heads))

/* ---- CSV ---- */

/*
 * Quoted where it must be. A text that a spreadsheet would take for a formula
 * gets an apostrophe: subjects come from strangers.
 */
static void add_cell(struct lf_buf *out, const char *text)
{
	const char *guard = *text && strchr("=+-@\t\r", *text) ? "'" : "";

	if (!*guard && !strpbrk(text, ",\"\r\n")) {
		lf_buf_adds(out, text);
		return;
	}
	lf_buf_addf(out, "\"%s", guard);
	for (; *text; text++) {
		if (*text == '"')
			lf_buf_addc(out, '"');
		lf_buf_addc(out, *text);
	}
	lf_buf_addc(out, '"');
}

static void add_csv_row(struct lf_buf *out, const struct lf_event_note *note)
{
	const struct lf_event_info *info = lf_event_find((int)note->event);
	char name[LF_EVENT_NAME_SIZE], first[LF_RFC3339_SIZE],
		last[LF_RFC3339_SIZE];

	lf_buf_addf(out, "%lld,%s,%s,%lld,%s,%d,%s,%s,%s,", (long long)note->id,
		    lf_rfc3339(first, note->first_ms),
		    lf_rfc3339(last, note->last_ms), (long long)note->count,
		    lf_severity_name(info->severity), (int)info->id,
		    lf_event_name(name, info), info->application,
		    info->category);
	add_cell(out, note->subject);
	lf_buf_addc(out, ',');
	add_cell(out, note->text);
	lf_buf_addc(out, ',');
	add_cell(out, info->remedy);
	lf_buf_adds(out, "\r\n");
}

static int write_csv(struct job *job)
{
	for (size_t i = 0; i < N_HEADS; i++)
		lf_buf_addf(&job->out, "%s%s", i ? "," : "", heads[i]);
	lf_buf_adds(&job->out, "\r\n");
	for (size_t i = 0; i < job->n; i++)
		add_csv_row(&job->out, &job->notes[i]);
	return lf_buf_error(&job->out);
}

/* ---- the spreadsheet ---- */

static void add_time(lxw_worksheet *sheet, lxw_row_t row, lxw_col_t column,
		     int64_t wall_ms, lxw_format *format)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	lxw_datetime when = {0};
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	when.year = tm.tm_year + 1900;
	when.month = tm.tm_mon + 1;
	when.day = tm.tm_mday;
	when.hour = tm.tm_hour;
	when.min = tm.tm_min;
	when.sec = tm.tm_sec;
	worksheet_write_datetime(sheet, row, column, &when, format);
}

static void add_sheet_row(lxw_worksheet *sheet, lxw_row_t row,
			  const struct lf_event_note *note, lxw_format *time)
{
	const struct lf_event_info *info = lf_event_find((int)note->event);
	char name[LF_EVENT_NAME_SIZE];

	worksheet_write_number(sheet, row, 0, (double)note->id, NULL);
	add_time(sheet, row, 1, note->first_ms, time);
	add_time(sheet, row, 2, note->last_ms, time);
	worksheet_write_number(sheet, row, 3, (double)note->count, NULL);
	worksheet_write_string(sheet, row, 4, lf_severity_name(info->severity),
			       NULL);
	worksheet_write_number(sheet, row, 5, info->id, NULL);
	worksheet_write_string(sheet, row, 6, lf_event_name(name, info), NULL);
	worksheet_write_string(sheet, row, 7, info->application, NULL);
	worksheet_write_string(sheet, row, 8, info->category, NULL);
	worksheet_write_string(sheet, row, 9, note->subject, NULL);
	worksheet_write_string(sheet, row, 10, note->text, NULL);
	worksheet_write_string(sheet, row, 11, info->remedy, NULL);
}

static void fill_sheet(lxw_workbook *book, const struct job *job)
{
	lxw_worksheet *sheet = workbook_add_worksheet(book, "Events");
	lxw_format *bold = workbook_add_format(book);
	lxw_format *time = workbook_add_format(book);

	format_set_bold(bold);
	format_set_num_format(time, "yyyy-mm-dd hh:mm:ss");
	worksheet_set_column(sheet, 1, 2, 19, NULL);
	worksheet_set_column(sheet, 9, 11, 40, NULL);
	worksheet_freeze_panes(sheet, 1, 0);
	for (size_t i = 0; i < N_HEADS; i++)
		worksheet_write_string(sheet, 0, (lxw_col_t)i, heads[i], bold);
	for (size_t i = 0; i < job->n; i++)
		add_sheet_row(sheet, (lxw_row_t)(i + 1), &job->notes[i], time);
	worksheet_autofilter(sheet, 0, 0, (lxw_row_t)job->n, N_HEADS - 1);
}

static int read_back(struct lf_buf *out, const char *path)
{
	FILE *f = fopen(path, "re");
	char piece[65536];
	size_t n;

	if (!f)
		return -errno;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		lf_buf_add(out, piece, n);
	fclose(f);
	return lf_buf_error(out);
}

static int write_xlsx(struct job *job)
{
	char path[] = "/tmp/lampfield-events-XXXXXX";
	lxw_workbook_options options = {.constant_memory = LXW_TRUE};
	lxw_workbook *book;
	int fd = mkstemp(path), err = -EIO;

	if (fd < 0)
		return -errno;
	close(fd);
	book = workbook_new_opt(path, &options);
	if (book) {
		fill_sheet(book, job);
		if (workbook_close(book) == LXW_NO_ERROR)
			err = read_back(&job->out, path);
	}
	unlink(path);
	return err;
}

/* ---- the way there ---- */

static void finish(struct job *job, int err)
{
	struct lf_monitor *monitor = job->monitor;

	job->done(err, job->out.data, job->out.len, job->arg);
	lf_buf_done(&job->out);
	free(job->notes);
	free(job);
	lf_monitor_unref(monitor);
}

static void run(uv_work_t *work)
{
	struct job *job = work->data;

	job->err =
		job->form == LF_EXPORT_CSV ? write_csv(job) : write_xlsx(job);
}

static void on_written(uv_work_t *work, int status)
{
	struct job *job = work->data;

	finish(job, status ? status : job->err);
}

static int keep(struct job *job, const struct lf_event_row *row)
{
	struct lf_event_note *note;

	if (job->n == job->cap) {
		size_t cap = job->cap ? 2 * job->cap : 1024;

		note = realloc(job->notes, cap * sizeof(*note));
		if (!note)
			return -ENOMEM;
		job->notes = note;
		job->cap = cap;
	}
	note = &job->notes[job->n++];
	*note = (struct lf_event_note){
		.id = row->id,
		.count = row->count,
		.first_ms = row->first_ms,
		.last_ms = row->last_ms,
		.event = row->info->id,
	};
	lf_text_copy(note->subject, sizeof(note->subject), row->subject);
	lf_text_copy(note->text, sizeof(note->text), row->text);
	return 0;
}

static void on_page(int err, const struct lf_event_row *rows, size_t n,
		    void *arg);

static void next_page(struct job *job)
{
	int err = lf_events_read(job->monitor, &job->filter, LF_EVENTS_MAX,
				 on_page, job);

	if (err)
		finish(job, err);
}

static void on_page(int err, const struct lf_event_row *rows, size_t n,
		    void *arg)
{
	struct job *job = arg;

	for (size_t i = 0; !err && i < n; i++)
		err = keep(job, &rows[i]);
	if (!err && job->monitor->is_closing)
		err = -ESHUTDOWN;
	if (err) {
		finish(job, err);
		return;
	}
	if (n == LF_EVENTS_MAX && job->n < LF_EXPORT_MAX) {
		job->filter.before_id = rows[n - 1].id;
		next_page(job);
		return;
	}
	job->work.data = job;
	err = uv_queue_work(lf_store_loop(job->monitor->store), &job->work, run,
			    on_written);
	if (err)
		finish(job, err);
}

static const char *copy(char *out, size_t size, const char *text)
{
	lf_text_copy(out, size, text ? text : "");
	return text ? out : NULL;
}

int lf_events_export(struct lf_monitor *monitor,
		     const struct lf_event_filter *filter,
		     enum lf_export_form form, lf_export_fn *done, void *arg)
{
	struct job *job = calloc(1, sizeof(*job));
	int err;

	if (!job)
		return -ENOMEM;
	job->monitor = monitor;
	job->form = form;
	job->filter = *filter;
	job->filter.application =
		copy(job->application, sizeof(job->application),
		     filter->application);
	job->filter.category =
		copy(job->category, sizeof(job->category), filter->category);
	job->filter.text = copy(job->text, sizeof(job->text), filter->text);
	job->done = done;
	job->arg = arg;
	err = lf_events_read(monitor, &job->filter, LF_EVENTS_MAX, on_page,
			     job);
	if (err)
		free(job);
	else
		lf_monitor_ref(monitor);
	return err;
}
