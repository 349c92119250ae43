/*
 * monitor/search.c - reading the event log. Each question has a statement
 * that walks an index from the newest row down and stops at a full page:
 *
 *     nothing asked for         the rows themselves
 *     some kinds of events      one walk for each kind, then merged
 *     words of the text         the least promising is never scanned: a walk
 *                               along the first word's rows
 */
#include "monitor/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

#define COLUMNS                                                                \
	"e.id, e.event, e.subject, e.text, e.count, e.first_ms, e.last_ms"
/*
 * Ids grow with time: these bounds spare a walk to the wanted days. Over a
 * clock that was set back they may leave rows out, so only dates use them.
 */
#define END "9223372036854775807"
#define WITHIN(id)                                                             \
	" " id " < $1 AND e.first_ms >= $2 AND e.first_ms < $3"                \
	" AND " id " >= CASE WHEN $2 = 0 THEN 0 ELSE COALESCE("                \
	"(SELECT f.id FROM monitor_event f WHERE f.first_ms >= $2"             \
	" ORDER BY f.first_ms, f.id LIMIT 1), " END ") END"                    \
	" AND " id " <= CASE WHEN $3 = " END " THEN " END " ELSE COALESCE("    \
	"(SELECT t.id FROM monitor_event t WHERE t.first_ms < $3"              \
	" ORDER BY t.first_ms DESC, t.id DESC LIMIT 1), 0) END"
#define HAS_WORD(n)                                                            \
	" AND ($" n " = '' OR EXISTS (SELECT 1 FROM monitor_word x"            \
	" WHERE x.word = $" n " AND x.event = w.event))"

static const struct {
	const char *name, *sql;
} statements[] = {
	{"monitor.find-all",
	 "SELECT " COLUMNS " FROM monitor_event e WHERE" WITHIN(
		 "e.id") " ORDER BY e.id DESC LIMIT $4"},
	{"monitor.find-kind",
	 "SELECT " COLUMNS
	 " FROM monitor_event e WHERE e.event = $5 AND" WITHIN(
		 "e.id") " ORDER BY e.id DESC LIMIT $4"},
	{"monitor.find-words",
	 "SELECT " COLUMNS " FROM monitor_word w JOIN monitor_event e"
	 " ON e.id = w.event WHERE w.word = $9 AND" WITHIN(
		 "w.event") " AND ($5 = 0 OR e.event = $5) AND e.severity >= $6"
			    " AND ($7 = '' OR e.application = $7)"
			    " AND ($8 = '' OR e.category = $8)" HAS_WORD("10")
				    HAS_WORD("11")
					    HAS_WORD("12") " ORDER BY w.event "
							   "DESC LIMIT $4"},
	/* How many rows a word has, as far as it matters. */
	{"monitor.weigh",
	 "SELECT (SELECT count(*) FROM (SELECT 1 FROM monitor_word"
	 " WHERE word = $1 LIMIT 10000) a),"
	 " (SELECT count(*) FROM (SELECT 1 FROM monitor_word"
	 " WHERE word = $2 LIMIT 10000) b),"
	 " (SELECT count(*) FROM (SELECT 1 FROM monitor_word"
	 " WHERE word = $3 LIMIT 10000) c),"
	 " (SELECT count(*) FROM (SELECT 1 FROM monitor_word"
	 " WHERE word = $4 LIMIT 10000) d)"},
};

struct search {
	struct lf_monitor *monitor;
	struct lf_event_note *notes;
	size_t n, cap;
	unsigned max, pending;
	int err;
	lf_events_fn *done;
	void *arg;

	/* the filter, copied */
	int64_t before_id, from_ms, to_ms;
	enum lf_event event;
	enum lf_severity at_least;
	char application[32], category[32];
	char words[LF_EVENTS_WORDS][LF_WORD_SIZE];
};

int lf_search_define(struct lf_monitor *monitor)
{
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(*statements);
	     i++)
		err = lf_store_define(monitor->store, statements[i].name,
				      statements[i].sql);
	return err;
}

/* ---- words ---- */

static bool is_word_char(unsigned char c)
{
	return isalnum(c) || c >= 0x80 || (c && strchr("._-@", c));
}

static bool has_word(char words[][LF_WORD_SIZE], size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i], word))
			return true;
	}
	return false;
}

size_t lf_event_words(char words[][LF_WORD_SIZE], size_t max, const char *text)
{
	const unsigned char *c = (const unsigned char *)text, *start;
	size_t n = 0, len;
	char word[LF_WORD_SIZE];

	while (*c && n < max) {
		while (*c && (!is_word_char(*c) || strchr("._-@", *c)))
			c++;
		for (start = c; is_word_char(*c);)
			c++;
		len = (size_t)(c - start);
		while (len && strchr("._-@", start[len - 1]))
			len--;
		if (!len)
			continue;
		lf_text_copy_n(word, sizeof(word), (const char *)start, len);
		for (char *w = word; *w; w++)
			*w = (char)tolower((unsigned char)*w);
		if (!has_word(words, n, word))
			lf_text_copy(words[n++], LF_WORD_SIZE, word);
	}
	return n;
}

/* ---- answers ---- */

static int by_id_down(const void *a, const void *b)
{
	const struct lf_event_note *x = a, *y = b;

	return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

static void finish(struct search *s)
{
	struct lf_event_row *rows = NULL;
	size_t n = s->n < s->max ? s->n : s->max;

	if (!s->err && n) {
		qsort(s->notes, s->n, sizeof(*s->notes), by_id_down);
		rows = calloc(n, sizeof(*rows));
		if (!rows)
			s->err = -ENOMEM;
	}
	for (size_t i = 0; !s->err && i < n; i++) {
		const struct lf_event_note *note = &s->notes[i];

		rows[i] = (struct lf_event_row){
			.id = note->id,
			.count = note->count,
			.first_ms = note->first_ms,
			.last_ms = note->last_ms,
			.info = lf_event_find((int)note->event),
			.subject = note->subject,
			.text = note->text,
		};
	}
	s->done(s->err, rows, s->err ? 0 : n, s->arg);
	free(rows);
	free(s->notes);
	lf_monitor_unref(s->monitor);
	free(s);
}

static int keep_row(struct search *s, struct lf_store_rows *rows, size_t i)
{
	struct lf_event_note *note;

	if (!lf_event_find((int)lf_store_rows_int(rows, i, 1)))
		return 0; /* of a newer version */
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;

		note = realloc(s->notes, cap * sizeof(*note));
		if (!note)
			return -ENOMEM;
		s->notes = note;
		s->cap = cap;
	}
	note = &s->notes[s->n++];
	note->id = lf_store_rows_int(rows, i, 0);
	note->event = (enum lf_event)lf_store_rows_int(rows, i, 1);
	lf_text_copy(note->subject, sizeof(note->subject),
		     lf_store_rows_text(rows, i, 2, NULL));
	lf_text_copy(note->text, sizeof(note->text),
		     lf_store_rows_text(rows, i, 3, NULL));
	note->count = lf_store_rows_int(rows, i, 4);
	note->first_ms = lf_store_rows_int(rows, i, 5);
	note->last_ms = lf_store_rows_int(rows, i, 6);
	return 0;
}

static void on_rows(int err, struct lf_store_rows *rows, void *arg)
{
	struct search *s = arg;
	size_t n = err ? 0 : lf_store_rows_count(rows);

	for (size_t i = 0; !err && i < n; i++)
		err = keep_row(s, rows, i);
	if (err)
		s->err = err;
	if (--s->pending == 0)
		finish(s);
}

/* ---- questions ---- */

static void ask(struct search *s, const char *statement, size_t n_args,
		enum lf_event event)
{
	const struct lf_store_arg args[] = {
		lf_store_int(s->before_id),    lf_store_int(s->from_ms),
		lf_store_int(s->to_ms),        lf_store_int(s->max),
		lf_store_int(event),           lf_store_int(s->at_least),
		lf_store_text(s->application), lf_store_text(s->category),
		lf_store_text(s->words[0]),    lf_store_text(s->words[1]),
		lf_store_text(s->words[2]),    lf_store_text(s->words[3]),
	};
	int err = lf_store_query(s->monitor->store, statement, args, n_args,
				 on_rows, s);

	if (err)
		s->err = err;
	else
		s->pending++;
}

static bool matches(const struct search *s, const struct lf_event_info *info)
{
	return (!s->event || info->id == s->event) &&
	       info->severity >= s->at_least &&
	       (!*s->application ||
		!strcmp(s->application, info->application)) &&
	       (!*s->category || !strcmp(s->category, info->category));
}

static void ask_kinds(struct search *s)
{
	const struct lf_event_info *info;
	bool is_all = true;
	size_t i;

	for (i = 0; (info = lf_event_at(i)); i++)
		is_all = is_all && matches(s, info);
	if (is_all) {
		ask(s, "monitor.find-all", 4, LF_EVENT_NONE);
		return;
	}
	for (i = 0; (info = lf_event_at(i)); i++) {
		if (matches(s, info))
			ask(s, "monitor.find-kind", 5, info->id);
	}
	/* Nothing matches: still an answer, and later. */
	if (!s->pending && !s->err)
		ask(s, "monitor.find-kind", 5, LF_EVENT_NONE);
}

/* The rarest word first: its rows are the ones walked along. */
static void on_weighed(int err, struct lf_store_rows *rows, void *arg)
{
	struct search *s = arg;
	char first[LF_WORD_SIZE];
	size_t best = 0;

	if (err)
		s->err = err;
	for (size_t i = 1; !err && i < LF_EVENTS_WORDS && *s->words[i]; i++) {
		if (lf_store_rows_int(rows, 0, i) <
		    lf_store_rows_int(rows, 0, best))
			best = i;
	}
	lf_text_copy(first, sizeof(first), s->words[best]);
	lf_text_copy(s->words[best], LF_WORD_SIZE, s->words[0]);
	lf_text_copy(s->words[0], LF_WORD_SIZE, first);
	if (!s->err)
		ask(s, "monitor.find-words", 12, s->event);
	if (--s->pending == 0)
		finish(s);
}

static void weigh_words(struct search *s)
{
	const struct lf_store_arg args[] = {
		lf_store_text(s->words[0]),
		lf_store_text(s->words[1]),
		lf_store_text(s->words[2]),
		lf_store_text(s->words[3]),
	};

	s->err = lf_store_query(s->monitor->store, "monitor.weigh", args,
				LF_EVENTS_WORDS, on_weighed, s);
	if (!s->err)
		s->pending++;
}

static int copy_filter(struct search *s, const struct lf_event_filter *f)
{
	char words[LF_EVENTS_WORDS + 1][LF_WORD_SIZE];
	size_t n = lf_event_words(words, LF_EVENTS_WORDS + 1,
				  f->text ? f->text : "");

	if (n > LF_EVENTS_WORDS)
		return -E2BIG;
	memcpy(s->words, words, n * sizeof(*words));
	s->before_id = f->before_id ? f->before_id : INT64_MAX;
	s->from_ms = f->from_ms;
	s->to_ms = f->to_ms ? f->to_ms : INT64_MAX;
	s->event = f->event;
	s->at_least = f->at_least;
	lf_text_copy(s->application, sizeof(s->application),
		     f->application ? f->application : "");
	lf_text_copy(s->category, sizeof(s->category),
		     f->category ? f->category : "");
	return 0;
}

int lf_events_read(struct lf_monitor *monitor,
		   const struct lf_event_filter *filter, unsigned max,
		   lf_events_fn *done, void *arg)
{
	struct search *s;
	int err;

	if (!max || max > LF_EVENTS_MAX)
		return -E2BIG;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->monitor = monitor;
	s->max = max;
	s->done = done;
	s->arg = arg;
	err = copy_filter(s, filter);
	if (err) {
		free(s);
		return err;
	}
	lf_monitor_ref(monitor);
	lf_history_flush(monitor);
	if (*s->words[0])
		weigh_words(s);
	else
		ask_kinds(s);
	if (s->pending)
		return 0; /* an error among them comes with the answer */
	err = s->err;
	lf_monitor_unref(monitor);
	free(s->notes);
	free(s);
	return err;
}
