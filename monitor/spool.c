/*
 * monitor/spool.c - see spool.h. Killed at any moment, nothing is lost; a mail
 * is doubled only when the end came between the server's 250 and our commit.
 *
 *     add -> row -> head of the spool -> SMTP -> delete -> next head
 *                        ^     no answer, 4xx, login: 30 s, same head
 *                        |     5xx to recipient or message: set aside
 *
 * While the store takes nothing (a full disk is worth a mail!) mails wait in
 * memory, bounded, and are sent from there.
 */
#include "monitor/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "monitor/notify.h"
#include "monitor/smtp.h"
#include "store/store.h"

#include "core/banned.h"

#define UNSAVED_MAX 200
#define STORE_RETRY_MS 5000
#define DAY_MS (24LL * 3600 * 1000)

struct unsaved {
	struct lf_list node;
	char to[LF_MAIL_ADDRESS_SIZE];
	char *message;
};

struct lf_spool {
	struct lf_monitor *monitor;
	struct lf_smtp *smtp;
	struct lf_timer retry, redelete;
	struct lf_list unsaved;
	size_t n_unsaved;
	int64_t last_id;
	size_t waiting;
	uint64_t sent, failed;
	bool is_known; /* what waits from the last run has been counted */
	bool is_busy;

	/* what is being sent */
	int64_t id; /* 0: the first of the unsaved */
	char to[LF_MAIL_ADDRESS_SIZE];
	char *message;
};

static const char schema[] =
	"CREATE TABLE monitor_mail (id INTEGER PRIMARY KEY,"
	" recipient TEXT NOT NULL, message TEXT NOT NULL,"
	" created_ms BIGINT NOT NULL, refused TEXT);"
	"CREATE INDEX monitor_mail_waiting ON monitor_mail (refused, id);";

static const struct {
	const char *name, *sql;
} statements[] = {
	{"monitor.mail-add",
	 "INSERT INTO monitor_mail VALUES ($1, $2, $3, $4, NULL)"},
	{"monitor.mail-head", "SELECT id, recipient, message FROM monitor_mail"
			      " WHERE refused IS NULL ORDER BY id LIMIT 1"},
	{"monitor.mail-del", "DELETE FROM monitor_mail WHERE id = $1"},
	{"monitor.mail-refuse",
	 "UPDATE monitor_mail SET refused = $2 WHERE id = $1"},
	{"monitor.mail-forget",
	 "DELETE FROM monitor_mail"
	 " WHERE refused IS NOT NULL AND created_ms < $1"},
	{"monitor.mail-count",
	 "SELECT COALESCE(max(id), 0), (SELECT count(*) FROM monitor_mail"
	 " WHERE refused IS NULL) FROM monitor_mail"},
};

static void next(struct lf_spool *spool);

/* ---- the end of one mail ---- */

static void drop_current(struct lf_spool *spool)
{
	struct unsaved *u;

	free(spool->message);
	spool->message = NULL;
	if (spool->waiting)
		spool->waiting--;
	if (spool->id || lf_list_is_empty(&spool->unsaved))
		return;
	u = LF_CONTAINER_OF(spool->unsaved.next, struct unsaved, node);
	lf_list_del(&u->node);
	spool->n_unsaved--;
	free(u->message);
	free(u);
}

static int64_t room(const struct lf_spool *spool)
{
	return lf_setting_int(spool->monitor->settings, "mail.spool-max");
}

static void tell_free(struct lf_spool *spool)
{
	int64_t max = room(spool);

	if ((int64_t)spool->waiting <= max - max / 10)
		lf_event_raise(spool->monitor, LF_EVENT_MAIL_SPOOL_FREE, "",
			       "%zu mails wait.", spool->waiting);
}

static void on_deleted(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_spool *spool = arg;
	struct lf_monitor *monitor = spool->monitor;

	if (monitor->is_closing) {
		lf_monitor_unref(monitor);
		return;
	}
	if (err == -EAGAIN) {
		/* Sent, so it must not be sent again: delete before all else */
		lf_timer_start(monitor->timers, &spool->redelete,
			       STORE_RETRY_MS);
		lf_monitor_unref(monitor);
		return;
	}
	drop_current(spool);
	spool->is_busy = false;
	tell_free(spool);
	next(spool);
	lf_monitor_unref(monitor);
}

static void delete_current(struct lf_spool *spool)
{
	const struct lf_store_arg id = lf_store_int(spool->id);

	lf_monitor_ref(spool->monitor);
	if (!spool->id)
		on_deleted(0, NULL, spool);
	else if (lf_store_query(spool->monitor->store, "monitor.mail-del", &id,
				1, on_deleted, spool))
		on_deleted(-EAGAIN, NULL, spool);
}

static void on_redelete(struct lf_timer *timer, void *arg)
{
	delete_current(arg);
}

/* What was set aside is kept as long as the event that tells it. */
static void forget_refused(struct lf_spool *spool)
{
	struct lf_monitor *monitor = spool->monitor;
	int64_t days = lf_setting_int(monitor->settings, "monitor.retention");
	const struct lf_store_arg before =
		lf_store_int(lf_wall_ms() - days * DAY_MS);

	lf_store_query(monitor->store, "monitor.mail-forget", &before, 1, NULL,
		       NULL);
}

static void set_aside(struct lf_spool *spool, const char *why)
{
	const struct lf_store_arg args[] = {lf_store_int(spool->id),
					    lf_store_text(why)};

	spool->failed++;
	lf_event_raise(spool->monitor, LF_EVENT_MAIL_REJECTED, spool->to, "%s",
		       why);
	forget_refused(spool);
	lf_monitor_ref(spool->monitor);
	if (!spool->id)
		on_deleted(0, NULL, spool);
	else if (lf_store_query(spool->monitor->store, "monitor.mail-refuse",
				args, 2, on_deleted, spool))
		on_deleted(-EAGAIN, NULL, spool);
}

static void try_later(struct lf_spool *spool, const char *why)
{
	struct lf_monitor *monitor = spool->monitor;

	free(spool->message);
	spool->message = NULL;
	spool->is_busy = false;
	if (monitor->is_closing)
		return;
	lf_timer_start(monitor->timers, &spool->retry,
		       1000 * lf_setting_int(monitor->settings,
					     "mail.retry-interval"));
	lf_event_raise(monitor, LF_EVENT_MAIL_FAILING, "", "%s: %s",
		       lf_smtp_server(spool->smtp), why);
}

static void on_sent(const struct lf_smtp_end *end, void *arg)
{
	struct lf_spool *spool = arg;

	if (!end->err) {
		spool->sent++;
		lf_event_raise(spool->monitor, LF_EVENT_MAIL_WORKING, "",
			       "%s takes our mail.",
			       lf_smtp_server(spool->smtp));
		delete_current(spool);
	} else if (end->is_for_good) {
		set_aside(spool, end->words);
	} else {
		try_later(spool, end->words);
	}
}

/* ---- sending ---- */

static void start_current(struct lf_spool *spool)
{
	if (spool->message)
		lf_smtp_send(spool->smtp, spool->to, spool->message,
			     strlen(spool->message), on_sent, spool);
	else
		try_later(spool, strerror(ENOMEM));
}

static void take_unsaved(struct lf_spool *spool)
{
	const struct unsaved *u;

	if (lf_list_is_empty(&spool->unsaved)) {
		spool->is_busy = false;
		return;
	}
	u = LF_CONTAINER_OF(spool->unsaved.next, struct unsaved, node);
	spool->id = 0;
	lf_text_copy(spool->to, sizeof(spool->to), u->to);
	spool->message = strdup(u->message);
	start_current(spool);
}

static void on_head(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_spool *spool = arg;
	struct lf_monitor *monitor = spool->monitor;
	const char *message;
	size_t len;

	if (monitor->is_closing) {
		lf_monitor_unref(monitor);
		return;
	}
	if (err)
		lf_timer_start(monitor->timers, &spool->retry, STORE_RETRY_MS);
	if (err || !lf_store_rows_count(rows)) {
		take_unsaved(spool);
	} else {
		spool->id = lf_store_rows_int(rows, 0, 0);
		lf_text_copy(spool->to, sizeof(spool->to),
			     lf_store_rows_text(rows, 0, 1, NULL));
		message = lf_store_rows_text(rows, 0, 2, &len);
		spool->message = strndup(message, len);
		start_current(spool);
	}
	lf_monitor_unref(monitor);
}

static void next(struct lf_spool *spool)
{
	struct lf_monitor *monitor = spool->monitor;

	if (spool->is_busy || !spool->is_known || monitor->is_closing ||
	    !spool->waiting || !lf_smtp_is_configured(spool->smtp) ||
	    lf_timer_is_running(&spool->retry))
		return;
	spool->is_busy = true;
	lf_monitor_ref(monitor);
	if (lf_store_query(monitor->store, "monitor.mail-head", NULL, 0,
			   on_head, spool))
		on_head(-EAGAIN, NULL, spool);
}

static void on_retry(struct lf_timer *timer, void *arg)
{
	next(arg);
}

void lf_spool_wake(struct lf_spool *spool)
{
	lf_timer_stop(spool->monitor->timers, &spool->retry);
	next(spool);
}

/* ---- adding ---- */

struct adding {
	struct lf_spool *spool;
	char to[LF_MAIL_ADDRESS_SIZE];
	char *message;
	lf_spool_fn *done;
	void *arg;
};

static void lose(struct lf_spool *spool, const char *to)
{
	spool->failed++;
	lf_log(LF_ERROR, "monitor", "a mail to %s is lost", to);
}

static void keep_unsaved(struct lf_spool *spool, struct adding *a)
{
	struct unsaved *u;

	u = spool->n_unsaved < UNSAVED_MAX ? calloc(1, sizeof(*u)) : NULL;
	if (!u) {
		spool->waiting--;
		lose(spool, a->to);
		return;
	}
	lf_text_copy(u->to, sizeof(u->to), a->to);
	u->message = a->message;
	a->message = NULL;
	lf_list_add_tail(&spool->unsaved, &u->node);
	spool->n_unsaved++;
}

static void on_added(int err, struct lf_store_rows *rows, void *arg)
{
	struct adding *a = arg;
	struct lf_spool *spool = a->spool;
	struct lf_monitor *monitor = spool->monitor;

	if (err && a->done)
		spool->waiting--;
	else if (err)
		keep_unsaved(spool, a);
	if (a->done)
		a->done(err, a->arg);
	next(spool);
	free(a->message);
	free(a);
	lf_monitor_unref(monitor);
}

static struct adding *adding_new(struct lf_spool *spool, const char *to,
				 const char *message)
{
	struct adding *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->spool = spool;
	a->message = strdup(message);
	if (!a->message) {
		free(a);
		return NULL;
	}
	lf_text_copy(a->to, sizeof(a->to), to);
	return a;
}

int64_t lf_spool_add(struct lf_spool *spool, const char *to,
		     const char *message, lf_spool_fn *done, void *arg)
{
	struct adding *a = adding_new(spool, to, message);
	struct lf_store_arg args[4];

	if (!a) {
		if (done)
			done(-ENOMEM, arg);
		else
			lose(spool, to);
		return 0;
	}
	a->done = done;
	a->arg = arg;
	args[0] = lf_store_int(++spool->last_id);
	args[1] = lf_store_text(to);
	args[2] = lf_store_text(message);
	args[3] = lf_store_int(lf_wall_ms());
	spool->waiting++;
	lf_monitor_ref(spool->monitor);
	if (lf_store_query(spool->monitor->store, "monitor.mail-add", args, 4,
			   on_added, a))
		on_added(-EAGAIN, NULL, a);
	return spool->last_id;
}

bool lf_spool_has_room(struct lf_spool *spool, size_t more)
{
	if ((int64_t)(spool->waiting + more) < room(spool))
		return true;
	spool->failed++;
	lf_event_raise(spool->monitor, LF_EVENT_MAIL_SPOOL_FULL, "",
		       "%zu mails wait; new ones are not kept.",
		       spool->waiting + more);
	return false;
}

void lf_spool_stats(const struct lf_spool *spool, struct lf_notify_stats *ret)
{
	ret->waiting[LF_CHANNEL_MAIL] = spool->waiting;
	ret->sent[LF_CHANNEL_MAIL] = spool->sent;
	ret->failed[LF_CHANNEL_MAIL] = spool->failed;
}

/* ---- opening and closing ---- */

static void on_count(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_spool *spool = arg;
	struct lf_monitor *monitor = spool->monitor;

	if (err) {
		monitor->open_err = err;
	} else {
		spool->last_id += lf_store_rows_int(rows, 0, 0);
		spool->waiting += (size_t)lf_store_rows_int(rows, 0, 1);
	}
	spool->is_known = true;
	next(spool);
	lf_monitor_unref(monitor);
}

static int prepare(struct lf_store *store)
{
	char text[256] = "";
	int err = lf_store_migrate(store, "monitor", 2, schema, text,
				   sizeof(text));

	if (err)
		lf_log(LF_ERROR, "monitor", "mail spool: %s", text);
	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(*statements);
	     i++)
		err = lf_store_define(store, statements[i].name,
				      statements[i].sql);
	return err;
}

int lf_spool_open(struct lf_spool **ret, struct lf_monitor *monitor,
		  struct lf_smtp *smtp)
{
	struct lf_spool *spool;
	int err = prepare(monitor->store);

	if (err)
		return err;
	spool = calloc(1, sizeof(*spool));
	if (!spool)
		return -ENOMEM;
	spool->monitor = monitor;
	spool->smtp = smtp;
	lf_list_init(&spool->unsaved);
	lf_timer_init(&spool->retry, on_retry, spool);
	lf_timer_init(&spool->redelete, on_redelete, spool);
	err = lf_store_query(monitor->store, "monitor.mail-count", NULL, 0,
			     on_count, spool);
	if (err) {
		free(spool);
		return err;
	}
	lf_monitor_ref(monitor);
	*ret = spool;
	return 0;
}

void lf_spool_close(struct lf_spool *spool)
{
	if (!spool)
		return;
	lf_timer_stop(spool->monitor->timers, &spool->retry);
	lf_timer_stop(spool->monitor->timers, &spool->redelete);
}

void lf_spool_free(struct lf_spool *spool)
{
	if (!spool)
		return;
	LF_LIST_FOREACH_SAFE (node, &spool->unsaved) {
		struct unsaved *u = LF_CONTAINER_OF(node, struct unsaved, node);

		free(u->message);
		free(u);
	}
	free(spool->message);
	free(spool);
}
