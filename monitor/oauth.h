/*
 * monitor/oauth.h - a token for the mail server by OAuth2 client credentials,
 * as Office 365 wants it (S242, S243). Kept until shortly before its end.
 */
#ifndef LF_MONITOR_OAUTH_H
#define LF_MONITOR_OAUTH_H

struct lf_monitor;
struct lf_oauth; /* opaque: see oauth.c */

/* `why` says what to do when err is not 0. May be called at once. */
typedef void lf_oauth_fn(int err, const char *token, const char *why,
			 void *arg);

int lf_oauth_new(struct lf_oauth **ret, struct lf_monitor *monitor);
void lf_oauth_free(struct lf_oauth *oauth);
void lf_oauth_token(struct lf_oauth *oauth, lf_oauth_fn *done, void *arg);
/* The settings have changed: ask for a new one next time. */
void lf_oauth_forget(struct lf_oauth *oauth);

#endif
