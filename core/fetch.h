/*
 * core/fetch.h - requests to other servers: HTTP and SMTP. The home of
 * libcurl: none of its types leaves fetch.c and fetcher.c.
 *
 * Runs on the loop; connections are kept and used again. Certificates are
 * always verified, and nothing older than TLS 1.2 is spoken (S241).
 */
#ifndef LF_CORE_FETCH_H
#define LF_CORE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct lf_fetcher; /* opaque: see fetch.c */
struct lf_fetch;   /* one request until its answer */

enum lf_fetch_tls {
	LF_FETCH_TLS_TRY,     /* SMTP: STARTTLS where it is offered */
	LF_FETCH_TLS_REQUIRE, /* SMTP: STARTTLS or nothing */
	LF_FETCH_TLS_NONE,    /* SMTP: in clear */
};

/* Everything is copied. */
struct lf_fetch_opts {
	const char *url;            /* http:, https:, smtp:, smtps: */
	const char *method;         /* HTTP; NULL: GET, or POST with a body */
	const char *const *headers; /* HTTP: "Name: value", NULL-ended */
	const void *body;           /* SMTP: the message, lines end in CRLF */
	size_t body_len;
	const char *user, *password; /* NULL: no login */
	const char *bearer;          /* OAuth2 token in place of a password */
	const char *proxy;           /* URL; NULL or "": none */
	const char *ca_file;         /* PEM; NULL or "": the system's */
	const char *mail_from, *mail_to;
	enum lf_fetch_tls tls;
	unsigned timeout_ms; /* of the whole; 0: 30 s */
	size_t max_answer;   /* bytes of the body; 0: 1 MB */
};

struct lf_fetch_answer {
	/* 0: answered with `status`. Otherwise there was no answer:
	 * -EHOSTUNREACH, -ECONNREFUSED, -ETIMEDOUT, -EACCES (login refused),
	 * -EBADMSG (TLS), -E2BIG, -EPROTO (refused, or cut in the middle) */
	int err;
	int status;       /* HTTP's, or SMTP's last reply; 0: none */
	const char *step; /* SMTP: what was being done; "connection", "TLS",
			     "login", "sender", "recipient", "message" */
	const char *text; /* the server's last words, or why; "" */
	const char *body;
	size_t len;
};

/* Once for each request, from the loop, never from inside lf_fetch_start(). */
typedef void lf_fetch_fn(const struct lf_fetch_answer *answer, void *arg);

int lf_fetcher_open(struct lf_fetcher **ret, uv_loop_t *loop);
/* What is under way is answered with -ECANCELED first. NULL is fine. */
void lf_fetcher_close(struct lf_fetcher *fetcher, void (*closed)(void *arg),
		      void *arg);

/* -EINVAL: no URL of ours; -ESHUTDOWN; -ENOMEM. ret may be NULL. */
int lf_fetch_start(struct lf_fetch **ret, struct lf_fetcher *fetcher,
		   const struct lf_fetch_opts *opts, lf_fetch_fn *done,
		   void *arg);
/* It will not call back. */
void lf_fetch_cancel(struct lf_fetch *fetch);

#endif
