/*
 * monitor/digest.c - see digest.h.
 *
 *     hold -> row -> (quiet hours over?) -> one recipient's rows -> one mail
 *                                                  ^  next one  <-'
 *
 * Whether it is time is asked every few seconds of the clock on the wall, so
 * that neither a clock that is set nor summer time holds anything too long.
 * The mail and the end of its rows are one batch of the store: a kill at any
 * moment loses none of them.
 */
#include "monitor/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/hours.h"
#include "core/log.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "monitor/notify_internal.h"
#include "monitor/smtp.h"
#include "monitor/spool.h"
#include "store/store.h"

#include "core/banned.h"

#define TICK_MS 5000
#define LISTED_MAX 1000 /* events in one mail: no mail server takes more */

struct lf_digest {
	struct lf_monitor *monitor;
	struct lf_smtp *smtp;
	struct lf_spool *spool;
	struct lf_timer tick;
	size_t held;
	int64_t last_id;
	int64_t since_ms; /* monotonic: when the first of them came */
	bool is_busy;
	int64_t up_to; /* the last id that goes this time */
};

struct holding {
	struct lf_digest *digest;
	char to[LF_MAIL_ADDRESS_SIZE];
	struct lf_event_note note;
};

static const char schema[] =
	"CREATE TABLE monitor_held (id INTEGER PRIMARY KEY,"
	" recipient TEXT NOT NULL, number BIGINT NOT NULL,"
	" event INTEGER NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,"
	" first_ms BIGINT NOT NULL);"
	"CREATE INDEX monitor_held_recipient ON monitor_held (recipient, id);";

#define FIRST_RECIPIENT                                                        \
	"(SELECT recipient FROM monitor_held ORDER BY id LIMIT 1)"

static const struct {
	const char *name, *sql;
} statements[] = {
	{"monitor.held-add",
	 "INSERT INTO monitor_held VALUES ($1, $2, $3, $4, $5, $6, $7)"},
	/* What came again since has its count in the log. */
	{"monitor.held-next",
	 "SELECT h.id, h.recipient, h.event, h.subject, h.text, h.first_ms,"
	 " COALESCE(e.count, 1), (SELECT count(*) FROM monitor_held"
	 " WHERE id <= $1 AND recipient = " FIRST_RECIPIENT ")"
	 " FROM monitor_held h LEFT JOIN monitor_event e ON e.id = h.number"
	 " WHERE h.id <= $1 AND h.recipient = " FIRST_RECIPIENT
	 " ORDER BY h.id LIMIT $2"},
	{"monitor.held-del",
	 "DELETE FROM monitor_held WHERE recipient = $1 AND id <= $2"
	 " AND EXISTS (SELECT 1 FROM monitor_mail WHERE id = $3)"},
	{"monitor.held-count",
	 "SELECT COALESCE(max(id), 0), count(*) FROM monitor_held"},
};

static void ask_next(struct lf_digest *d);

/* ---- when ---- */

static int64_t interval_ms(const struct lf_digest *d)
{
	return 60000 *
	       lf_setting_int(d->monitor->settings, "mail.digest-interval");
}

static bool is_quiet(const struct lf_digest *d, int64_t *ret_end_ms)
{
	return lf_hours_include(
		lf_setting_text(d->monitor->settings, "mail.quiet-hours"),
		lf_wall_ms(), ret_end_ms);
}

bool lf_digest_wants(const struct lf_digest *d,
		     const struct lf_event_info *info)
{
	enum lf_severity urgent = LF_SEVERITY_ERROR;

	lf_severity_parse(&urgent,
			  lf_setting_text(d->monitor->settings, "mail.urgent"));
	return lf_event_weight(info) < urgent &&
	       (interval_ms(d) || is_quiet(d, NULL));
}

static bool is_due(const struct lf_digest *d)
{
	return !is_quiet(d, NULL) &&
	       lf_mono_ms() - d->since_ms >= interval_ms(d);
}

size_t lf_digest_held(const struct lf_digest *d)
{
	return d->held;
}

int64_t lf_digest_until(const struct lf_digest *d)
{
	int64_t end_ms, left_ms = d->since_ms + interval_ms(d) - lf_mono_ms();

	if (!d->held)
		return 0;
	if (is_quiet(d, &end_ms))
		return end_ms;
	return lf_wall_ms() + (left_ms > 0 ? left_ms : 0);
}

static void start_tick(struct lf_digest *d)
{
	if (d->held && !d->monitor->is_closing &&
	    !lf_timer_is_running(&d->tick))
		lf_timer_start(d->monitor->timers, &d->tick, TICK_MS);
}

/* ---- one recipient's mail ---- */

static void end_sending(struct lf_digest *d)
{
	d->is_busy = false;
	start_tick(d);
}

/* Two answers are waited for: to the mail, and to the end of its rows. */
struct mailing {
	struct lf_digest *digest;
	size_t n;
	int err;
	unsigned pending;
};

static void conclude(struct mailing *m, int err)
{
	struct lf_digest *d = m->digest;

	if (err)
		m->err = err;
	if (--m->pending)
		return;
	if (!m->err)
		d->held -= m->n < d->held ? m->n : d->held;
	if (m->err || d->monitor->is_closing)
		end_sending(d);
	else
		ask_next(d);
	free(m);
}

static void on_spooled(int err, void *arg)
{
	conclude(arg, err);
}

static void on_gone(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_monitor *monitor = ((struct mailing *)arg)->digest->monitor;

	conclude(arg, err);
	lf_monitor_unref(monitor);
}

/* What the store does not take now goes with a later one. */
static int put_mail(struct lf_digest *d, const char *to, const char *message,
		    size_t n)
{
	struct mailing *m = calloc(1, sizeof(*m));
	struct lf_store_arg args[3];

	if (!m)
		return -ENOMEM;
	*m = (struct mailing){.digest = d, .n = n, .pending = 2};
	args[0] = lf_store_text(to);
	args[1] = lf_store_int(d->up_to);
	args[2] = lf_store_int(
		lf_spool_add(d->spool, to, message, on_spooled, m));
	lf_monitor_ref(d->monitor);
	if (lf_store_query(d->monitor->store, "monitor.held-del", args, 3,
			   on_gone, m))
		on_gone(-EAGAIN, NULL, m);
	return 0;
}

static void add_row(struct lf_buf *text, struct lf_digest_sum *sum,
		    struct lf_store_rows *rows, size_t i)
{
	const struct lf_event_info *info =
		lf_event_find((int)lf_store_rows_int(rows, i, 2));
	struct lf_event_note note = {
		.first_ms = lf_store_rows_int(rows, i, 5),
		.count = lf_store_rows_int(rows, i, 6),
	};

	if (!info)
		return; /* of another version of ours */
	lf_text_copy(note.subject, sizeof(note.subject),
		     lf_store_rows_text(rows, i, 3, NULL));
	lf_text_copy(note.text, sizeof(note.text),
		     lf_store_rows_text(rows, i, 4, NULL));
	lf_message_digest_add(text, info, &note);
	if (info->severity > sum->worst)
		sum->worst = info->severity;
}

static int write_mail(struct lf_buf *out, struct lf_digest *d, const char *to,
		      struct lf_store_rows *rows)
{
	size_t listed = lf_store_rows_count(rows);
	struct lf_digest_sum sum = {
		.n = lf_store_rows_int(rows, 0, 7),
		.listed = (int64_t)listed,
		.first_id = lf_store_rows_int(rows, 0, 0),
		.last_id = d->up_to,
		.wall_ms = lf_wall_ms(),
		.worst = LF_SEVERITY_INFORMATION,
	};
	struct lf_buf text = {0};

	for (size_t i = 0; i < listed; i++)
		add_row(&text, &sum, rows, i);
	lf_message_digest(out, d->monitor->node,
			  lf_setting_text(d->monitor->settings, "mail.from"),
			  to, &sum, &text);
	return lf_buf_error(out);
}

static int take_recipient(struct lf_digest *d, struct lf_store_rows *rows)
{
	char to[LF_MAIL_ADDRESS_SIZE];
	struct lf_buf message = {0};
	int err;

	lf_text_copy(to, sizeof(to), lf_store_rows_text(rows, 0, 1, NULL));
	err = write_mail(&message, d, to, rows);
	if (!err)
		err = put_mail(d, to, lf_buf_str(&message),
			       (size_t)lf_store_rows_int(rows, 0, 7));
	lf_buf_done(&message);
	return err;
}

static void on_next(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_digest *d = arg;
	struct lf_monitor *monitor = d->monitor;

	if (err || monitor->is_closing || !lf_store_rows_count(rows) ||
	    take_recipient(d, rows))
		end_sending(d);
	lf_monitor_unref(monitor);
}

static void ask_next(struct lf_digest *d)
{
	const struct lf_store_arg args[] = {lf_store_int(d->up_to),
					    lf_store_int(LISTED_MAX)};

	lf_monitor_ref(d->monitor);
	if (lf_store_query(d->monitor->store, "monitor.held-next", args, 2,
			   on_next, d))
		on_next(-EAGAIN, NULL, d);
}

void lf_digest_wake(struct lf_digest *d)
{
	if (d->is_busy || !d->held || !is_due(d) ||
	    !lf_smtp_is_configured(d->smtp)) {
		start_tick(d);
		return;
	}
	d->is_busy = true;
	d->up_to = d->last_id;
	d->since_ms = lf_mono_ms();
	ask_next(d);
}

static void on_tick(struct lf_timer *timer, void *arg)
{
	lf_digest_wake(arg);
}

/* ---- holding back ---- */

/* Better too early than not at all. */
static void send_now(const struct holding *h)
{
	struct lf_digest *d = h->digest;
	const struct lf_event_info *info = lf_event_find((int)h->note.event);
	struct lf_buf message = {0};

	lf_message_write(&message, d->monitor->node,
			 lf_setting_text(d->monitor->settings, "mail.from"),
			 h->to, info, &h->note);
	if (!lf_buf_error(&message))
		lf_spool_add(d->spool, h->to, lf_buf_str(&message), NULL, NULL);
	lf_buf_done(&message);
}

static void on_held(int err, struct lf_store_rows *rows, void *arg)
{
	struct holding *h = arg;
	struct lf_monitor *monitor = h->digest->monitor;

	if (err) {
		h->digest->held--;
		send_now(h);
	}
	free(h);
	lf_monitor_unref(monitor);
}

void lf_digest_hold(struct lf_digest *d, const char *to,
		    const struct lf_event_note *note)
{
	struct holding *h = calloc(1, sizeof(*h));
	const struct lf_store_arg args[] = {
		lf_store_int(++d->last_id),   lf_store_text(to),
		lf_store_int(note->id),       lf_store_int(note->event),
		lf_store_text(note->subject), lf_store_text(note->text),
		lf_store_int(note->first_ms),
	};

	if (!h) {
		lf_log(LF_ERROR, "monitor", "a mail to %s is lost", to);
		return;
	}
	h->digest = d;
	lf_text_copy(h->to, sizeof(h->to), to);
	h->note = *note;
	if (!d->held++)
		d->since_ms = lf_mono_ms();
	start_tick(d);
	lf_monitor_ref(d->monitor);
	if (lf_store_query(d->monitor->store, "monitor.held-add", args, 7,
			   on_held, h))
		on_held(-EAGAIN, NULL, h);
}

/* ---- opening and closing ---- */

static void on_count(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_digest *d = arg;
	struct lf_monitor *monitor = d->monitor;

	if (err) {
		monitor->open_err = err;
	} else {
		d->last_id += lf_store_rows_int(rows, 0, 0);
		d->held += (size_t)lf_store_rows_int(rows, 0, 1);
	}
	if (!monitor->is_closing)
		start_tick(d);
	lf_monitor_unref(monitor);
}

static int prepare(struct lf_store *store)
{
	char text[256] = "";
	int err = lf_store_migrate(store, "monitor", 3, schema, text,
				   sizeof(text));

	if (err)
		lf_log(LF_ERROR, "monitor", "held mails: %s", text);
	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(*statements);
	     i++)
		err = lf_store_define(store, statements[i].name,
				      statements[i].sql);
	return err;
}

int lf_digest_open(struct lf_digest **ret, struct lf_monitor *monitor,
		   struct lf_smtp *smtp, struct lf_spool *spool)
{
	struct lf_digest *d;
	int err = prepare(monitor->store);

	if (err)
		return err;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->monitor = monitor;
	d->smtp = smtp;
	d->spool = spool;
	d->since_ms = lf_mono_ms();
	lf_timer_init(&d->tick, on_tick, d);
	err = lf_store_query(monitor->store, "monitor.held-count", NULL, 0,
			     on_count, d);
	if (err) {
		free(d);
		return err;
	}
	lf_monitor_ref(monitor);
	*ret = d;
	return 0;
}

void lf_digest_close(struct lf_digest *d)
{
	if (d)
		lf_timer_stop(d->monitor->timers, &d->tick);
}

void lf_digest_free(struct lf_digest *d)
{
	free(d);
}
