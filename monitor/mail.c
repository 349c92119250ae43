/*
 * monitor/mail.c - the mail spool (S244): rows in the store, one recipient
 * each, sent one by one in their order and deleted when the server has taken
 * them. Killed at any moment, nothing is lost; a mail is doubled only when
 * the end came between the server's 250 and our commit.
 *
 *     add -> row -> head of the spool -> SMTP -> delete -> next head
 *                        ^     no answer, 4xx, login: 30 s, same head
 *                        |     5xx to recipient or message: set aside
 *
 * While the store takes nothing (a full disk is worth a mail!) mails wait in
 * memory, bounded, and are sent from there.
 */
#include "monitor/notify_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "monitor/oauth.h"
#include "store/store.h"

#include "core/banned.h"

#define UNSAVED_MAX 200
#define STORE_RETRY_MS 5000
#define ADDRESS_SIZE 256
#define TEXT_SIZE 512

struct unsaved {
	struct lf_list node;
	char to[ADDRESS_SIZE];
	char *message;
};

struct lf_mail {
	struct lf_monitor *monitor;
	struct lf_timer retry, redelete;
	struct lf_list unsaved;
	size_t n_unsaved;
	struct lf_fetch *fetch;
	struct lf_oauth *oauth;
	int64_t last_id;
	size_t waiting;
	uint64_t sent, failed;
	bool is_known; /* what waits from the last run has been counted */
	bool is_busy;

	/* what is being sent */
	int64_t id; /* 0: the first of the unsaved */
	char to[ADDRESS_SIZE];
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
	{"monitor.mail-count",
	 "SELECT COALESCE(max(id), 0), (SELECT count(*) FROM monitor_mail"
	 " WHERE refused IS NULL) FROM monitor_mail"},
};

static void next(struct lf_mail *mail);

static const char *text_of(const struct lf_mail *mail, const char *name)
{
	return lf_setting_text(mail->monitor->settings, name);
}

/* S244: never configured, never generated. */
static bool is_configured(const struct lf_mail *mail)
{
	return lf_setting_bool(mail->monitor->settings, "mail.enable") &&
	       *text_of(mail, "mail.server") && *text_of(mail, "mail.from");
}

/* ---- where to, and how ---- */

struct route {
	char url[512];
	struct lf_fetch_opts opts;
};

static const char *host_end(const char *server)
{
	const char *bracket = strchr(server, ']');
	const char *colon = strrchr(server, ':');

	if (bracket)
		colon = strchr(bracket, ':');
	return colon ? colon : server + strlen(server);
}

/* Safest first (S241): a password never goes over a line in clear unless the
 * administrator said so. */
static void fill_route(struct lf_mail *mail, struct route *r)
{
	const char *server = text_of(mail, "mail.server");
	const char *security = text_of(mail, "mail.security");
	const char *end = host_end(server), *port = *end ? end + 1 : "";
	bool is_tls = !strcmp(security, "tls") ||
		      (!strcmp(security, "auto") && !strcmp(port, "465"));
	bool is_starttls = !strcmp(security, "starttls");

	if (!*port)
		port = is_tls ? "465" : is_starttls ? "587" : "25";
	snprintf(r->url, sizeof(r->url), "%s://%.*s:%s",
		 is_tls ? "smtps" : "smtp", (int)(end - server), server, port);
	r->opts = (struct lf_fetch_opts){
		.url = r->url,
		.user = text_of(mail, "mail.auth-user"),
		.password = text_of(mail, "mail.auth-password"),
		.proxy = text_of(mail, "mail.proxy"),
		.ca_file = text_of(mail, "mail.ca-file"),
		.mail_from = text_of(mail, "mail.from"),
		.timeout_ms =
			1000 * (unsigned)lf_setting_int(mail->monitor->settings,
							"mail.timeout"),
	};
	if (is_starttls || *r->opts.user)
		r->opts.tls = LF_FETCH_TLS_REQUIRE;
	if (!strcmp(security, "none"))
		r->opts.tls = LF_FETCH_TLS_NONE;
}

static bool uses_oauth(const struct lf_mail *mail)
{
	return !strcmp(text_of(mail, "mail.auth"), "oauth2");
}

static void use_token(struct lf_mail *mail, struct route *r, const char *token)
{
	r->opts.bearer = token;
	r->opts.password = NULL;
	if (!*r->opts.user)
		r->opts.user = r->opts.mail_from;
	if (r->opts.tls == LF_FETCH_TLS_TRY)
		r->opts.tls = LF_FETCH_TLS_REQUIRE;
}

/* What went wrong, in one sentence. */
static void explain(char out[TEXT_SIZE], const struct lf_fetch_answer *a)
{
	snprintf(out, TEXT_SIZE, "%s: %s", a->step,
		 *a->text ? a->text : strerror(-a->err));
}

/* ---- the end of one mail ---- */

static void drop_current(struct lf_mail *mail)
{
	struct unsaved *u;

	free(mail->message);
	mail->message = NULL;
	if (mail->waiting)
		mail->waiting--;
	if (mail->id || lf_list_is_empty(&mail->unsaved))
		return;
	u = LF_CONTAINER_OF(mail->unsaved.next, struct unsaved, node);
	lf_list_del(&u->node);
	mail->n_unsaved--;
	free(u->message);
	free(u);
}

static void tell_spool_free(struct lf_mail *mail)
{
	int64_t max = lf_setting_int(mail->monitor->settings, "mail.spool-max");

	if ((int64_t)mail->waiting <= max - max / 10)
		lf_event_raise(mail->monitor, LF_EVENT_MAIL_SPOOL_FREE, "",
			       "%zu mails wait.", mail->waiting);
}

static void on_deleted(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_mail *mail = arg;
	struct lf_monitor *monitor = mail->monitor;

	if (monitor->is_closing) {
		lf_monitor_unref(monitor);
		return;
	}
	if (err == -EAGAIN) {
		/* Sent, so it must not be sent again: delete before all else */
		lf_timer_start(monitor->timers, &mail->redelete,
			       STORE_RETRY_MS);
		lf_monitor_unref(monitor);
		return;
	}
	drop_current(mail);
	mail->is_busy = false;
	tell_spool_free(mail);
	next(mail);
	lf_monitor_unref(monitor);
}

static void delete_current(struct lf_mail *mail)
{
	const struct lf_store_arg id = lf_arg_int(mail->id);

	lf_monitor_ref(mail->monitor);
	if (!mail->id)
		on_deleted(0, NULL, mail);
	else if (lf_store_query(mail->monitor->store, "monitor.mail-del", &id,
				1, on_deleted, mail))
		on_deleted(-EAGAIN, NULL, mail);
}

static void on_redelete(struct lf_timer *timer, void *arg)
{
	delete_current(arg);
}

static void set_aside(struct lf_mail *mail, const char *why)
{
	const struct lf_store_arg args[] = {lf_arg_int(mail->id),
					    lf_arg_text(why)};

	mail->failed++;
	lf_event_raise(mail->monitor, LF_EVENT_MAIL_REJECTED, mail->to, "%s",
		       why);
	lf_monitor_ref(mail->monitor);
	if (!mail->id)
		on_deleted(0, NULL, mail);
	else if (lf_store_query(mail->monitor->store, "monitor.mail-refuse",
				args, 2, on_deleted, mail))
		on_deleted(-EAGAIN, NULL, mail);
}

static void try_later(struct lf_mail *mail, const char *why)
{
	struct lf_monitor *monitor = mail->monitor;

	free(mail->message);
	mail->message = NULL;
	mail->is_busy = false;
	if (monitor->is_closing)
		return;
	lf_timer_start(monitor->timers, &mail->retry,
		       1000 * lf_setting_int(monitor->settings,
					     "mail.retry-interval"));
	lf_event_raise(monitor, LF_EVENT_MAIL_FAILING, "", "%s: %s",
		       text_of(mail, "mail.server"), why);
}

static bool is_refused_for_good(const struct lf_fetch_answer *a)
{
	return a->err == -EPROTO && a->status >= 500 && a->status < 600 &&
	       (!strcmp(a->step, "recipient") || !strcmp(a->step, "message"));
}

static void on_sent(const struct lf_fetch_answer *answer, void *arg)
{
	struct lf_mail *mail = arg;
	char why[TEXT_SIZE];

	mail->fetch = NULL;
	explain(why, answer);
	if (!answer->err) {
		mail->sent++;
		lf_event_raise(mail->monitor, LF_EVENT_MAIL_WORKING, "",
			       "%s takes our mail.",
			       text_of(mail, "mail.server"));
		delete_current(mail);
	} else if (is_refused_for_good(answer)) {
		set_aside(mail, why);
	} else {
		try_later(mail, why);
	}
}

/* ---- sending ---- */

static void send_current(struct lf_mail *mail, const char *token)
{
	struct route r;
	int err;

	fill_route(mail, &r);
	if (token)
		use_token(mail, &r, token);
	r.opts.mail_to = mail->to;
	r.opts.body = mail->message;
	r.opts.body_len = strlen(mail->message);
	err = lf_fetch_start(&mail->fetch, mail->monitor->fetcher, &r.opts,
			     on_sent, mail);
	if (err)
		try_later(mail, strerror(-err));
}

static void on_token(int err, const char *token, const char *why, void *arg)
{
	struct lf_mail *mail = arg;

	if (err)
		try_later(mail, why);
	else
		send_current(mail, token);
}

static void start_current(struct lf_mail *mail)
{
	if (!mail->message)
		try_later(mail, "out of memory");
	else if (uses_oauth(mail))
		lf_oauth_token(mail->oauth, on_token, mail);
	else
		send_current(mail, NULL);
}

static void take_unsaved(struct lf_mail *mail)
{
	const struct unsaved *u;

	if (lf_list_is_empty(&mail->unsaved)) {
		mail->is_busy = false;
		return;
	}
	u = LF_CONTAINER_OF(mail->unsaved.next, struct unsaved, node);
	mail->id = 0;
	lf_text_copy(mail->to, sizeof(mail->to), u->to);
	mail->message = strdup(u->message);
	start_current(mail);
}

static void on_head(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_mail *mail = arg;
	struct lf_monitor *monitor = mail->monitor;
	const char *message;
	size_t len;

	if (monitor->is_closing) {
		lf_monitor_unref(monitor);
		return;
	}
	if (err)
		lf_timer_start(monitor->timers, &mail->retry, STORE_RETRY_MS);
	if (err || !lf_store_rows_count(rows)) {
		take_unsaved(mail);
	} else {
		mail->id = lf_store_rows_int(rows, 0, 0);
		lf_text_copy(mail->to, sizeof(mail->to),
			     lf_store_rows_text(rows, 0, 1, NULL));
		message = lf_store_rows_text(rows, 0, 2, &len);
		mail->message = strndup(message, len);
		start_current(mail);
	}
	lf_monitor_unref(monitor);
}

static void next(struct lf_mail *mail)
{
	struct lf_monitor *monitor = mail->monitor;

	if (mail->is_busy || !mail->is_known || monitor->is_closing ||
	    !mail->waiting || !is_configured(mail) ||
	    lf_timer_is_running(&mail->retry))
		return;
	mail->is_busy = true;
	lf_monitor_ref(monitor);
	if (lf_store_query(monitor->store, "monitor.mail-head", NULL, 0,
			   on_head, mail))
		on_head(-EAGAIN, NULL, mail);
}

static void on_retry(struct lf_timer *timer, void *arg)
{
	next(arg);
}

/* ---- adding ---- */

struct adding {
	struct lf_mail *mail;
	char to[ADDRESS_SIZE];
	char *message;
};

static void keep_unsaved(struct lf_mail *mail, struct adding *a)
{
	struct unsaved *u;

	u = mail->n_unsaved < UNSAVED_MAX ? calloc(1, sizeof(*u)) : NULL;
	if (!u) {
		mail->failed++;
		mail->waiting--;
		lf_log(LF_ERROR, "monitor", "a mail to %s is lost", a->to);
		return;
	}
	lf_text_copy(u->to, sizeof(u->to), a->to);
	u->message = a->message;
	a->message = NULL;
	lf_list_add_tail(&mail->unsaved, &u->node);
	mail->n_unsaved++;
}

static void on_added(int err, struct lf_store_rows *rows, void *arg)
{
	struct adding *a = arg;
	struct lf_mail *mail = a->mail;
	struct lf_monitor *monitor = mail->monitor;

	if (err)
		keep_unsaved(mail, a);
	next(mail);
	free(a->message);
	free(a);
	lf_monitor_unref(monitor);
}

static void add_one(struct lf_mail *mail, const char *to, const char *message)
{
	struct adding *a = calloc(1, sizeof(*a));
	struct lf_store_arg args[4];

	if (!a)
		return;
	a->mail = mail;
	a->message = strdup(message);
	if (!a->message) {
		free(a);
		return;
	}
	lf_text_copy(a->to, sizeof(a->to), to);
	args[0] = lf_arg_int(++mail->last_id);
	args[1] = lf_arg_text(to);
	args[2] = lf_arg_text(message);
	args[3] = lf_arg_int(lf_wall_ms());
	mail->waiting++;
	lf_monitor_ref(mail->monitor);
	if (lf_store_query(mail->monitor->store, "monitor.mail-add", args, 4,
			   on_added, a))
		on_added(-EAGAIN, NULL, a);
}

static bool has_room(struct lf_mail *mail)
{
	int64_t max = lf_setting_int(mail->monitor->settings, "mail.spool-max");

	if ((int64_t)mail->waiting < max)
		return true;
	mail->failed++;
	lf_event_raise(mail->monitor, LF_EVENT_MAIL_SPOOL_FULL, "",
		       "%zu mails wait; new ones are not kept.", mail->waiting);
	return false;
}

/* The i-th address of a list; false past the end. */
static bool recipient(char out[ADDRESS_SIZE], const char *list, size_t *at)
{
	size_t len;

	while (list[*at]) {
		len = strcspn(list + *at, ",");
		lf_text_copy_n(out, ADDRESS_SIZE, list + *at, len);
		*at += len + (list[*at + len] == ',');
		memmove(out, lf_text_trim(out), strlen(lf_text_trim(out)) + 1);
		if (lf_message_is_address(out))
			return true;
		if (*out)
			lf_log(LF_ERROR, "monitor", "%s is no mail address",
			       out);
	}
	return false;
}

static void write_message(struct lf_buf *out, const struct lf_mail *mail,
			  const char *list, const struct lf_event_info *info,
			  const struct lf_event_note *note)
{
	char one[ADDRESS_SIZE];
	struct lf_buf to = {0};
	size_t at = 0;

	while (recipient(one, list, &at))
		lf_buf_addf(&to, "%s%s", to.len ? ",\r\n " : "", one);
	lf_message_write(out, mail->monitor->node, text_of(mail, "mail.from"),
			 lf_buf_str(&to), info, note);
	if (lf_buf_error(&to))
		out->failed = true;
	lf_buf_done(&to);
}

/* A mail server's own troubles cannot be told by mail. */
static bool is_about_mail(enum lf_event event)
{
	return event == LF_EVENT_MAIL_FAILING ||
	       event == LF_EVENT_MAIL_SPOOL_FULL;
}

void lf_mail_add(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note)
{
	struct lf_mail *mail = monitor->mail;
	const char *list =
		lf_event_setting(monitor, "event.*.recipients", info);
	struct lf_buf message = {0};
	char to[ADDRESS_SIZE];
	size_t at = 0;

	if (!mail || !is_configured(mail))
		return;
	if (!*list)
		list = text_of(mail, "mail.recipients");
	if (!*list || is_about_mail(info->id) || is_about_mail(info->clears))
		return;
	write_message(&message, mail, list, info, note);
	while (!lf_buf_error(&message) && recipient(to, list, &at)) {
		if (!has_room(mail))
			break;
		add_one(mail, to, lf_buf_str(&message));
	}
	lf_buf_done(&message);
}

/* ---- "test connection" (S240) ---- */

struct testing {
	struct lf_mail *mail;
	char to[ADDRESS_SIZE];
	struct lf_buf message;
	lf_notify_test_fn *done;
	void *arg;
};

static void end_test(struct testing *t, int err, const char *text)
{
	struct lf_monitor *monitor = t->mail->monitor;

	t->done(err, text, t->arg);
	lf_buf_done(&t->message);
	free(t);
	lf_monitor_unref(monitor);
}

static void on_test(const struct lf_fetch_answer *answer, void *arg)
{
	struct testing *t = arg;
	char why[TEXT_SIZE], text[2 * TEXT_SIZE];

	explain(why, answer);
	if (answer->err)
		snprintf(text, sizeof(text), "%s failed at the step %s",
			 text_of(t->mail, "mail.server"), why);
	else
		snprintf(text, sizeof(text),
			 "%s has taken a mail to %s; its words: %s",
			 text_of(t->mail, "mail.server"), t->to, answer->text);
	end_test(t, answer->err, text);
}

static void send_test(struct testing *t, const char *token)
{
	struct route r;
	int err;

	fill_route(t->mail, &r);
	if (token)
		use_token(t->mail, &r, token);
	r.opts.mail_to = t->to;
	r.opts.body = t->message.data;
	r.opts.body_len = t->message.len;
	err = lf_fetch_start(NULL, t->mail->monitor->fetcher, &r.opts, on_test,
			     t);
	if (err)
		end_test(t, err, strerror(-err));
}

static void on_test_token(int err, const char *token, const char *why,
			  void *arg)
{
	if (err)
		end_test(arg, err, why);
	else
		send_test(arg, token);
}

int lf_mail_test(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note, lf_notify_test_fn *done,
		 void *arg)
{
	struct lf_mail *mail = monitor->mail;
	const char *list = text_of(mail, "mail.recipients");
	struct testing *t;
	size_t at = 0;

	if (!*text_of(mail, "mail.server") || !*text_of(mail, "mail.from") ||
	    !*list)
		return -ENOENT;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->mail = mail;
	t->done = done;
	t->arg = arg;
	write_message(&t->message, mail, list, info, note);
	if (lf_buf_error(&t->message) || !recipient(t->to, list, &at)) {
		lf_buf_done(&t->message);
		free(t);
		return -ENOENT;
	}
	lf_monitor_ref(monitor);
	if (uses_oauth(mail))
		lf_oauth_token(mail->oauth, on_test_token, t);
	else
		send_test(t, NULL);
	return 0;
}

/* ---- opening and closing ---- */

static void on_count(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_mail *mail = arg;
	struct lf_monitor *monitor = mail->monitor;

	if (!err) {
		mail->last_id += lf_store_rows_int(rows, 0, 0);
		mail->waiting += (size_t)lf_store_rows_int(rows, 0, 1);
	}
	mail->is_known = true;
	next(mail);
	lf_monitor_unref(monitor);
}

static void on_settings(void *arg)
{
	struct lf_monitor *monitor = arg;

	if (monitor->is_closing || !monitor->mail)
		return;
	lf_oauth_forget(monitor->mail->oauth);
	lf_timer_stop(monitor->timers, &monitor->mail->retry);
	next(monitor->mail);
}

static int prepare(struct lf_monitor *monitor)
{
	char text[256] = "";
	int err = lf_store_migrate(monitor->store, "monitor", 2, schema, text,
				   sizeof(text));

	if (err)
		lf_log(LF_ERROR, "monitor", "mail spool: %s", text);
	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(*statements);
	     i++)
		err = lf_store_define(monitor->store, statements[i].name,
				      statements[i].sql);
	return err;
}

int lf_mail_open(struct lf_monitor *monitor)
{
	struct lf_mail *mail;
	int err = prepare(monitor);

	if (err)
		return err;
	mail = calloc(1, sizeof(*mail));
	if (!mail)
		return -ENOMEM;
	mail->monitor = monitor;
	lf_list_init(&mail->unsaved);
	lf_timer_init(&mail->retry, on_retry, mail);
	lf_timer_init(&mail->redelete, on_redelete, mail);
	monitor->mail = mail;
	err = lf_oauth_new(&mail->oauth, monitor);
	if (!err)
		err = lf_settings_on_change(monitor->settings, "mail.",
					    on_settings, monitor);
	if (err)
		return err;
	lf_monitor_ref(monitor);
	err = lf_store_query(monitor->store, "monitor.mail-count", NULL, 0,
			     on_count, mail);
	if (err)
		lf_monitor_unref(monitor);
	return err;
}

void lf_mail_stats(const struct lf_monitor *monitor,
		   struct lf_notify_stats *ret)
{
	ret->waiting[LF_CHANNEL_MAIL] = monitor->mail->waiting;
	ret->sent[LF_CHANNEL_MAIL] = monitor->mail->sent;
	ret->failed[LF_CHANNEL_MAIL] = monitor->mail->failed;
}

void lf_mail_close(struct lf_monitor *monitor)
{
	struct lf_mail *mail = monitor->mail;

	if (!mail)
		return;
	lf_timer_stop(monitor->timers, &mail->retry);
	lf_timer_stop(monitor->timers, &mail->redelete);
}

void lf_mail_done(struct lf_monitor *monitor)
{
	struct lf_mail *mail = monitor->mail;

	if (!mail)
		return;
	LF_LIST_FOREACH_SAFE (node, &mail->unsaved) {
		struct unsaved *u = LF_CONTAINER_OF(node, struct unsaved, node);

		free(u->message);
		free(u);
	}
	lf_oauth_free(mail->oauth);
	free(mail->message);
	free(mail);
	monitor->mail = NULL;
}
