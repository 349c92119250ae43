/*
 * presence/ledger.c - pages of records. A record stays at its place from run
 * to run, so that a page is replaced as a whole and never depends on another.
 *
 * A page is its records, each as "length\n" and its bytes; length 0: free.
 */
#include "presence/ledger.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/log.h"
#include "core/text.h"
#include "core/timer.h"
#include "store/store.h"

#include "core/banned.h"

#define RECORD_MAX (300 << 10) /* so that a page is a value of the store */
#define PAGES_MAX 8192
#define AT_ONCE 8 /* pages of a turn: half a millisecond */
#define PAUSE_MS 5

struct page {
	struct lf_ledger *ledger;
	struct lf_ledger_entry *entries[LF_LEDGER_PAGE];
	uint32_t number;
	uint16_t count;
	bool is_marked, is_writing;
};

struct lf_ledger {
	struct lf_timers *timers;
	struct lf_store *store;
	struct lf_ledger_ops ops;
	void *arg;
	struct page **pages;
	uint32_t page_count;
	uint32_t first_free; /* no page before it has room */
	uint32_t reading;    /* 1 + the place being read; 0: none */
	unsigned writing;    /* puts without an answer */
	bool is_closed, is_ready, is_read;
	struct lf_timer timer;
	char bucket[32];
};

/* ---- writing ---- */

static void ledger_free(struct lf_ledger *ledger)
{
	for (uint32_t i = 0; i < ledger->page_count; i++)
		free(ledger->pages[i]);
	free(ledger->pages);
	free(ledger);
}

static void say_ready(struct lf_ledger *ledger)
{
	if (ledger->is_ready || ledger->is_closed || !ledger->is_read)
		return;
	ledger->is_ready = true;
	ledger->ops.ready(ledger->arg);
}

static void wait_to_write(struct lf_ledger *ledger)
{
	if (!ledger->is_closed && !lf_timer_is_running(&ledger->timer))
		lf_timer_start(ledger->timers, &ledger->timer, LF_LEDGER_MS);
}

static void on_written(int err, int64_t rev, void *arg)
{
	struct page *page = arg;
	struct lf_ledger *ledger = page->ledger;

	page->is_writing = false;
	ledger->writing--;
	if (err) {
		lf_log(LF_ERROR, "presence", "cannot save %s: %s",
		       ledger->bucket, strerror(-err));
		page->is_marked = true;
		wait_to_write(ledger);
	}
	if (!ledger->writing && ledger->is_closed)
		ledger_free(ledger);
	else if (!ledger->writing)
		say_ready(ledger);
}

static void write_record(struct lf_buf *out, const char *data, size_t len)
{
	lf_buf_addf(out, "%zu\n", len);
	lf_buf_add(out, data, len);
}

static void render(struct page *page, struct lf_buf *out)
{
	struct lf_buf record = {0};

	for (int i = 0; i < LF_LEDGER_PAGE; i++) {
		lf_buf_reset(&record);
		if (page->entries[i])
			page->ledger->ops.write(page->entries[i], &record,
						page->ledger->arg);
		if (lf_buf_error(&record))
			break;
		if (record.len > RECORD_MAX) {
			lf_log(LF_ERROR, "presence",
			       "%s: %zu bytes are too many to save",
			       page->ledger->bucket, record.len);
			lf_buf_reset(&record);
		}
		write_record(out, lf_buf_str(&record), record.len);
	}
	/* Later, with memory: a record left out would be one that is gone. */
	if (lf_buf_error(&record))
		out->failed = true;
	lf_buf_done(&record);
}

static void write_page(struct page *page)
{
	struct lf_ledger *ledger = page->ledger;
	struct lf_buf out = {0};
	char key[16];
	int err;

	snprintf(key, sizeof(key), "%08x", page->number);
	if (page->count) {
		render(page, &out);
		err = lf_buf_error(&out);
		if (!err)
			err = lf_store_put(ledger->store, ledger->bucket, key,
					   out.data, out.len, LF_STORE_ANY,
					   on_written, page);
	} else {
		err = lf_store_del(ledger->store, ledger->bucket, key,
				   LF_STORE_ANY, on_written, page);
	}
	lf_buf_done(&out);
	if (err) {
		wait_to_write(ledger);
		return;
	}
	page->is_marked = false;
	page->is_writing = true;
	ledger->writing++;
}

/*
 * At most `max`; true: more are left. One write of a page at a time, but the
 * last: nobody is there to say what changed meanwhile when it is answered.
 */
static bool write_marked(struct lf_ledger *ledger, unsigned max)
{
	for (uint32_t i = 0; i < ledger->page_count; i++) {
		struct page *page = ledger->pages[i];

		if (!page || !page->is_marked)
			continue;
		if (page->is_writing && !ledger->is_closed)
			wait_to_write(ledger);
		else if (max-- == 0)
			return true;
		else
			write_page(page);
	}
	return false;
}

static void on_timer(struct lf_timer *timer, void *arg)
{
	struct lf_ledger *ledger = arg;

	if (write_marked(ledger, AT_ONCE))
		lf_timer_start(ledger->timers, timer, PAUSE_MS);
}

static void mark(struct page *page)
{
	if (!page->ledger->store)
		return;
	page->is_marked = true;
	wait_to_write(page->ledger);
}

/* ---- places ---- */

/* The page of that number, made if it is not there; NULL: no memory. */
static struct page *page_at(struct lf_ledger *ledger, uint32_t number)
{
	struct page **pages;
	struct page *page;

	if (number >= PAGES_MAX)
		return NULL;
	if (number >= ledger->page_count) {
		pages = realloc(ledger->pages, (number + 1) * sizeof(*pages));
		if (!pages)
			return NULL;
		ledger->pages = pages;
		while (ledger->page_count <= number)
			pages[ledger->page_count++] = NULL;
	}
	if (ledger->pages[number])
		return ledger->pages[number];
	page = calloc(1, sizeof(*page));
	if (!page)
		return NULL;
	page->ledger = ledger;
	page->number = number;
	ledger->pages[number] = page;
	return page;
}

static struct page *page_with_room(struct lf_ledger *ledger)
{
	struct page *page;

	for (;; ledger->first_free++) {
		page = page_at(ledger, ledger->first_free);
		if (!page || page->count < LF_LEDGER_PAGE)
			return page;
	}
}

int lf_ledger_add(struct lf_ledger *ledger, struct lf_ledger_entry *entry)
{
	struct page *page = NULL;
	uint32_t i = 0;

	if (ledger->reading) {
		page = page_at(ledger, (ledger->reading - 1) / LF_LEDGER_PAGE);
		i = (ledger->reading - 1) % LF_LEDGER_PAGE;
	}
	/* Somebody may have come before its page was read, and sit there. */
	if (!page || page->entries[i]) {
		page = page_with_room(ledger);
		for (i = 0; page && page->entries[i];)
			i++;
	}
	if (!page)
		return -ENOMEM;
	page->entries[i] = entry;
	page->count++;
	entry->place = page->number * LF_LEDGER_PAGE + i + 1;
	mark(page);
	return 0;
}

static struct page *page_of(struct lf_ledger *ledger,
			    const struct lf_ledger_entry *entry)
{
	return ledger->pages[(entry->place - 1) / LF_LEDGER_PAGE];
}

void lf_ledger_touch(struct lf_ledger *ledger, struct lf_ledger_entry *entry)
{
	if (entry->place)
		mark(page_of(ledger, entry));
}

void lf_ledger_remove(struct lf_ledger *ledger, struct lf_ledger_entry *entry)
{
	struct page *page;

	if (!entry->place)
		return;
	page = page_of(ledger, entry);
	page->entries[(entry->place - 1) % LF_LEDGER_PAGE] = NULL;
	page->count--;
	entry->place = 0;
	if (page->number < ledger->first_free)
		ledger->first_free = page->number;
	mark(page);
}

/* ---- reading ---- */

/* The bytes of the record at `*data`, which moves to them; or -EINVAL. */
static int64_t read_length(const char **data, const char *end)
{
	const char *line = NULL;
	char digits[8];
	int64_t size;

	if (*data < end)
		line = memchr(*data, '\n', (size_t)(end - *data));
	if (!line ||
	    !lf_text_copy_n(digits, sizeof(digits), *data,
			    (size_t)(line - *data)) ||
	    lf_text_int(&size, digits, 0, end - line - 1))
		return -EINVAL;
	*data = line + 1;
	return size;
}

static void read_page(struct lf_ledger *ledger, uint32_t number,
		      const char *data, size_t len)
{
	const char *end = data + len;
	int64_t size = 0;

	for (uint32_t i = 0; i < LF_LEDGER_PAGE && size >= 0; i++) {
		size = read_length(&data, end);
		ledger->reading = number * LF_LEDGER_PAGE + i + 1;
		if (size > 0)
			ledger->ops.read(data, (size_t)size, ledger->arg);
		data += size > 0 ? size : 0;
	}
	ledger->reading = 0;
	if (size < 0 || data != end)
		lf_log(LF_ERROR, "presence",
		       "%s: page %u is damaged; what follows in it is lost",
		       ledger->bucket, number);
}

static void on_pages(int err, const struct lf_store_kv *rows, size_t n,
		     void *arg)
{
	struct lf_ledger *ledger = arg;

	ledger->writing--; /* the scan counted as one */
	if (ledger->is_closed) {
		if (!ledger->writing)
			ledger_free(ledger);
		return;
	}
	if (err)
		lf_log(LF_ERROR, "presence", "cannot read %s: %s",
		       ledger->bucket, strerror(-err));
	for (size_t i = 0; i < n; i++) {
		unsigned long number = strtoul(rows[i].key, NULL, 16);
		struct page *page = number < PAGES_MAX
					    ? page_at(ledger, (uint32_t)number)
					    : NULL;

		if (!page)
			continue;
		read_page(ledger, page->number, rows[i].value, rows[i].len);
		page->is_marked = true; /* also to clear what was not kept */
	}
	ledger->is_read = true;
	write_marked(ledger, UINT_MAX);
	if (!ledger->writing)
		say_ready(ledger);
}

/* ---- life ---- */

int lf_ledger_open(struct lf_ledger **ret, struct lf_timers *timers,
		   struct lf_store *store, const char *bucket,
		   const struct lf_ledger_ops *ops, void *arg)
{
	struct lf_ledger *ledger = calloc(1, sizeof(*ledger));
	int err;

	if (!ledger)
		return -ENOMEM;
	ledger->timers = timers;
	ledger->store = store;
	ledger->ops = *ops;
	ledger->arg = arg;
	lf_text_copy(ledger->bucket, sizeof(ledger->bucket), bucket);
	lf_timer_init(&ledger->timer, on_timer, ledger);
	if (!store) {
		ledger->is_read = ledger->is_ready = true;
		*ret = ledger;
		return 0;
	}
	ledger->writing = 1;
	err = lf_store_scan(store, bucket, "", on_pages, ledger);
	if (err) {
		free(ledger);
		return err;
	}
	*ret = ledger;
	return 0;
}

void lf_ledger_close(struct lf_ledger *ledger)
{
	if (!ledger)
		return;
	ledger->is_closed = true;
	lf_timer_stop(ledger->timers, &ledger->timer);
	if (ledger->is_read)
		write_marked(ledger, UINT_MAX);
	if (!ledger->writing)
		ledger_free(ledger);
}
