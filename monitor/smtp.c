/* monitor/smtp.c - see smtp.h. The conversation itself is core/fetch.c's. */
#include "monitor/smtp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fetch.h"
#include "monitor/internal.h"
#include "monitor/oauth.h"

#include "core/banned.h"

#define WORDS_SIZE 512

struct lf_smtp {
	struct lf_monitor *monitor;
	struct lf_oauth *oauth;
};

struct sending {
	struct lf_smtp *smtp;
	const char *to, *message;
	size_t len;
	lf_smtp_fn *done;
	void *arg;
};

struct route {
	char url[512];
	struct lf_fetch_opts opts;
};

static const char *text_of(const struct lf_smtp *smtp, const char *name)
{
	return lf_setting_text(smtp->monitor->settings, name);
}

int lf_smtp_new(struct lf_smtp **ret, struct lf_monitor *monitor)
{
	struct lf_smtp *smtp = calloc(1, sizeof(*smtp));
	int err;

	if (!smtp)
		return -ENOMEM;
	smtp->monitor = monitor;
	err = lf_oauth_new(&smtp->oauth, monitor);
	if (err) {
		free(smtp);
		return err;
	}
	*ret = smtp;
	return 0;
}

void lf_smtp_free(struct lf_smtp *smtp)
{
	if (!smtp)
		return;
	lf_oauth_free(smtp->oauth);
	free(smtp);
}

void lf_smtp_forget(struct lf_smtp *smtp)
{
	lf_oauth_forget(smtp->oauth);
}

bool lf_smtp_has_server(const struct lf_smtp *smtp)
{
	return *text_of(smtp, "mail.server") && *text_of(smtp, "mail.from");
}

bool lf_smtp_is_configured(const struct lf_smtp *smtp)
{
	return lf_setting_bool(smtp->monitor->settings, "mail.enable") &&
	       lf_smtp_has_server(smtp);
}

const char *lf_smtp_server(const struct lf_smtp *smtp)
{
	return text_of(smtp, "mail.server");
}

/* ---- where to, and how ---- */

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
static void fill_route(struct lf_smtp *smtp, struct route *r)
{
	const char *server = text_of(smtp, "mail.server");
	const char *security = text_of(smtp, "mail.security");
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
		.user = text_of(smtp, "mail.auth-user"),
		.password = text_of(smtp, "mail.auth-password"),
		.proxy = text_of(smtp, "mail.proxy"),
		.ca_file = text_of(smtp, "mail.ca-file"),
		.mail_from = text_of(smtp, "mail.from"),
		.timeout_ms =
			1000 * (unsigned)lf_setting_int(smtp->monitor->settings,
							"mail.timeout"),
	};
	if (is_starttls || *r->opts.user)
		r->opts.tls = LF_FETCH_TLS_REQUIRE;
	if (!strcmp(security, "none"))
		r->opts.tls = LF_FETCH_TLS_NONE;
}

static void use_token(struct route *r, const char *token)
{
	r->opts.bearer = token;
	r->opts.password = NULL;
	if (!*r->opts.user)
		r->opts.user = r->opts.mail_from;
	if (r->opts.tls == LF_FETCH_TLS_TRY)
		r->opts.tls = LF_FETCH_TLS_REQUIRE;
}

/* ---- sending ---- */

static void end_sending(struct sending *s, const struct lf_smtp_end *end)
{
	s->done(end, s->arg);
	free(s);
}

static void fail_sending(struct sending *s, int err, const char *words)
{
	const struct lf_smtp_end end = {.err = err, .words = words};

	end_sending(s, &end);
}

static bool is_refused_for_good(const struct lf_fetch_answer *a)
{
	return a->err == -EPROTO && a->status >= 500 && a->status < 600 &&
	       (!strcmp(a->step, "recipient") || !strcmp(a->step, "message"));
}

static void on_answer(const struct lf_fetch_answer *answer, void *arg)
{
	char words[WORDS_SIZE];
	struct lf_smtp_end end = {
		.err = answer->err,
		.is_for_good = is_refused_for_good(answer),
		.words = answer->text,
	};

	if (answer->err) {
		snprintf(words, sizeof(words), "%s: %s", answer->step,
			 *answer->text ? answer->text : strerror(-answer->err));
		end.words = words;
	}
	end_sending(arg, &end);
}

static void start(struct sending *s, const char *token)
{
	struct route r;
	int err;

	fill_route(s->smtp, &r);
	if (token)
		use_token(&r, token);
	r.opts.mail_to = s->to;
	r.opts.body = s->message;
	r.opts.body_len = s->len;
	err = lf_fetch_start(NULL, s->smtp->monitor->fetcher, &r.opts,
			     on_answer, s);
	if (err)
		fail_sending(s, err, strerror(-err));
}

static void on_token(int err, const char *token, const char *why, void *arg)
{
	if (err)
		fail_sending(arg, err, why);
	else
		start(arg, token);
}

void lf_smtp_send(struct lf_smtp *smtp, const char *to, const char *message,
		  size_t len, lf_smtp_fn *done, void *arg)
{
	const struct lf_smtp_end no_memory = {.err = -ENOMEM,
					      .words = strerror(ENOMEM)};
	struct sending *s = calloc(1, sizeof(*s));

	if (!s) {
		done(&no_memory, arg);
		return;
	}
	*s = (struct sending){smtp, to, message, len, done, arg};
	if (!strcmp(text_of(smtp, "mail.auth"), "oauth2"))
		lf_oauth_token(smtp->oauth, on_token, s);
	else
		start(s, NULL);
}
