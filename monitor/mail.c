/*
 * monitor/mail.c - which events become mails, and to whom (S262).
 *
 *     event -> one message -> a spool row for each recipient -> smtp.c
 *          -> held back -> one digest -^    when it may wait (digest.c)
 */
#include "monitor/notify_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/log.h"
#include "core/text.h"
#include "monitor/digest.h"
#include "monitor/internal.h"
#include "monitor/smtp.h"
#include "monitor/spool.h"

#include "core/banned.h"

struct lf_mail {
	struct lf_monitor *monitor;
	struct lf_smtp *smtp;
	struct lf_spool *spool;
	struct lf_digest *digest;
};

static const char *text_of(const struct lf_mail *mail, const char *name)
{
	return lf_setting_text(mail->monitor->settings, name);
}

/* The i-th address of a list; false past the end. */
static bool recipient(char out[LF_MAIL_ADDRESS_SIZE], const char *list,
		      size_t *at)
{
	size_t len;

	while (list[*at]) {
		len = strcspn(list + *at, ",");
		lf_text_copy_n(out, LF_MAIL_ADDRESS_SIZE, list + *at, len);
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
	char one[LF_MAIL_ADDRESS_SIZE];
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

static void add_now(struct lf_mail *mail, const char *list,
		    const struct lf_event_info *info,
		    const struct lf_event_note *note)
{
	char to[LF_MAIL_ADDRESS_SIZE];
	struct lf_buf message = {0};
	size_t at = 0;

	write_message(&message, mail, list, info, note);
	while (!lf_buf_error(&message) && recipient(to, list, &at)) {
		if (!lf_spool_has_room(mail->spool,
				       lf_digest_held(mail->digest)))
			break;
		lf_spool_add(mail->spool, to, lf_buf_str(&message), NULL, NULL);
	}
	lf_buf_done(&message);
}

static void hold_back(struct lf_mail *mail, const char *list,
		      const struct lf_event_note *note)
{
	char to[LF_MAIL_ADDRESS_SIZE];
	size_t at = 0;

	while (recipient(to, list, &at)) {
		if (!lf_spool_has_room(mail->spool,
				       lf_digest_held(mail->digest)))
			break;
		lf_digest_hold(mail->digest, to, note);
	}
}

void lf_mail_add(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note)
{
	struct lf_mail *mail = monitor->mail;
	const char *list =
		lf_event_setting(monitor, "event.*.recipients", info);

	if (!mail || !lf_smtp_is_configured(mail->smtp))
		return;
	if (!*list)
		list = text_of(mail, "mail.recipients");
	if (!*list || is_about_mail(info->id) || is_about_mail(info->clears))
		return;
	if (lf_digest_wants(mail->digest, info))
		hold_back(mail, list, note);
	else
		add_now(mail, list, info, note);
}

/* ---- "test connection" (S240) ---- */

struct testing {
	struct lf_mail *mail;
	char to[LF_MAIL_ADDRESS_SIZE];
	struct lf_buf message;
	lf_notify_test_fn *done;
	void *arg;
};

static void on_test(const struct lf_smtp_end *end, void *arg)
{
	struct testing *t = arg;
	struct lf_monitor *monitor = t->mail->monitor;
	const char *server = lf_smtp_server(t->mail->smtp);
	char text[1024];

	if (end->err)
		snprintf(text, sizeof(text), "%s failed at the step %s", server,
			 end->words);
	else
		snprintf(text, sizeof(text),
			 "%s has taken a mail to %s; its words: %s", server,
			 t->to, end->words);
	t->done(end->err, text, t->arg);
	lf_buf_done(&t->message);
	free(t);
	lf_monitor_unref(monitor);
}

int lf_mail_test(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note, lf_notify_test_fn *done,
		 void *arg)
{
	struct lf_mail *mail = monitor->mail;
	const char *list = text_of(mail, "mail.recipients");
	struct testing *t;
	size_t at = 0;
	int err = -ENOENT;

	if (!lf_smtp_has_server(mail->smtp) || !*list)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->mail = mail;
	t->done = done;
	t->arg = arg;
	if (!recipient(t->to, list, &at))
		goto fail;
	write_message(&t->message, mail, list, info, note);
	err = lf_buf_error(&t->message);
	if (err)
		goto fail;
	lf_monitor_ref(monitor);
	lf_smtp_send(mail->smtp, t->to, t->message.data, t->message.len,
		     on_test, t);
	return 0;
fail:
	lf_buf_done(&t->message);
	free(t);
	return err;
}

/* ---- opening and closing ---- */

static void on_settings(void *arg)
{
	struct lf_monitor *monitor = arg;

	if (monitor->is_closing || !monitor->mail)
		return;
	lf_smtp_forget(monitor->mail->smtp);
	lf_spool_wake(monitor->mail->spool);
	lf_digest_wake(monitor->mail->digest);
}

/* What it has made when it fails goes with the monitor. */
int lf_mail_open(struct lf_monitor *monitor)
{
	struct lf_mail *mail = calloc(1, sizeof(*mail));
	int err;

	if (!mail)
		return -ENOMEM;
	mail->monitor = monitor;
	monitor->mail = mail;
	err = lf_smtp_new(&mail->smtp, monitor);
	if (!err)
		err = lf_spool_open(&mail->spool, monitor, mail->smtp);
	if (!err)
		err = lf_digest_open(&mail->digest, monitor, mail->smtp,
				     mail->spool);
	if (!err)
		err = lf_settings_on_change(monitor->settings, "mail.",
					    on_settings, monitor);
	return err;
}

void lf_mail_stats(const struct lf_monitor *monitor,
		   struct lf_notify_stats *ret)
{
	lf_spool_stats(monitor->mail->spool, ret);
	ret->held = lf_digest_held(monitor->mail->digest);
	ret->held_until_ms = lf_digest_until(monitor->mail->digest);
}

void lf_mail_close(struct lf_monitor *monitor)
{
	if (!monitor->mail)
		return;
	lf_digest_close(monitor->mail->digest);
	lf_spool_close(monitor->mail->spool);
}

void lf_mail_done(struct lf_monitor *monitor)
{
	struct lf_mail *mail = monitor->mail;

	if (!mail)
		return;
	lf_digest_free(mail->digest);
	lf_spool_free(mail->spool);
	lf_smtp_free(mail->smtp);
	free(mail);
	monitor->mail = NULL;
}
