/*
 * monitor/smtp.h - one mail to the mail server, as the settings say: how the
 * line is protected, with which login, through which proxy (S240-S243).
 */
#ifndef LF_MONITOR_SMTP_H
#define LF_MONITOR_SMTP_H

#include <stdbool.h>
#include <stddef.h>

struct lf_monitor;
struct lf_smtp; /* opaque: see smtp.c */

struct lf_smtp_end {
	int err;           /* 0: the server has taken it */
	bool is_for_good;  /* it refused this recipient or this message */
	const char *words; /* the server's, or "step: what went wrong" */
};

/* Once for each mail, maybe from inside lf_smtp_send(). */
typedef void lf_smtp_fn(const struct lf_smtp_end *end, void *arg);

int lf_smtp_new(struct lf_smtp **ret, struct lf_monitor *monitor);
void lf_smtp_free(struct lf_smtp *smtp); /* NULL is fine */
/* The settings have changed: a token of before is not used again. */
void lf_smtp_forget(struct lf_smtp *smtp);

/* Is there a server, and an address to send from? */
bool lf_smtp_has_server(const struct lf_smtp *smtp);
/* Also switched on. S244: never configured, never generated. */
bool lf_smtp_is_configured(const struct lf_smtp *smtp);
const char *lf_smtp_server(const struct lf_smtp *smtp); /* as it was set */

/* `to` and `message` stay where they are until `done`. */
void lf_smtp_send(struct lf_smtp *smtp, const char *to, const char *message,
		  size_t len, lf_smtp_fn *done, void *arg);

#endif
