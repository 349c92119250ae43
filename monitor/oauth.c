/* monitor/oauth.c - see oauth.h. */
#include "monitor/oauth.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/fetch.h"
#include "core/json.h"
#include "core/secret.h"
#include "monitor/internal.h"

#include "core/banned.h"

#define SPARE_MS 60000

struct lf_oauth {
	struct lf_monitor *monitor;
	char *token;
	int64_t until_ms;
};

struct asking {
	struct lf_oauth *oauth;
	lf_oauth_fn *done;
	void *arg;
};

int lf_oauth_new(struct lf_oauth **ret, struct lf_monitor *monitor)
{
	struct lf_oauth *oauth = calloc(1, sizeof(*oauth));

	if (!oauth)
		return -ENOMEM;
	oauth->monitor = monitor;
	*ret = oauth;
	return 0;
}

void lf_oauth_forget(struct lf_oauth *oauth)
{
	if (oauth->token)
		lf_secret_wipe(oauth->token, strlen(oauth->token));
	free(oauth->token);
	oauth->token = NULL;
}

void lf_oauth_free(struct lf_oauth *oauth)
{
	if (!oauth)
		return;
	lf_oauth_forget(oauth);
	free(oauth);
}

static void add_field(struct lf_buf *out, const char *name, const char *value)
{
	lf_buf_addf(out, "%s%s=", out->len ? "&" : "", name);
	for (; *value; value++) {
		if (isalnum((unsigned char)*value) || strchr("-._~", *value))
			lf_buf_addc(out, *value);
		else
			lf_buf_addf(out, "%%%02X", (unsigned char)*value);
	}
}

static int keep_token(struct lf_oauth *oauth, const struct lf_fetch_answer *a)
{
	const char *token;
	json_t *json;
	int err;

	if (a->err)
		return a->err;
	err = lf_json_parse(&json, a->body, a->len);
	if (err)
		return err;
	token = lf_json_str(json, "access_token", "", NULL);
	if (a->status != 200 || !*token) {
		json_decref(json);
		return -EACCES;
	}
	lf_oauth_forget(oauth);
	oauth->token = strdup(token);
	oauth->until_ms = lf_mono_ms() - SPARE_MS +
			  1000 * lf_json_int(json, "expires_in", 300, NULL);
	json_decref(json);
	return oauth->token ? 0 : -ENOMEM;
}

static void on_answer(const struct lf_fetch_answer *answer, void *arg)
{
	struct asking *asking = arg;
	int err = keep_token(asking->oauth, answer);
	char why[512];

	snprintf(why, sizeof(why), "OAuth2 token: %s %d %.300s",
		 err == -EACCES ? "refused:" : strerror(-err), answer->status,
		 answer->err ? answer->text : answer->body);
	asking->done(err, asking->oauth->token, why, asking->arg);
	free(asking);
}

static int ask(struct asking *asking)
{
	static const char *const headers[] = {
		"Content-Type: application/x-www-form-urlencoded", NULL};
	struct lf_monitor *monitor = asking->oauth->monitor;
	const struct lf_settings *s = monitor->settings;
	struct lf_buf form = {0};
	char url[512];
	struct lf_fetch_opts opts = {
		.url = url,
		.headers = headers,
		.proxy = lf_setting_text(s, "mail.proxy"),
		.ca_file = lf_setting_text(s, "mail.ca-file"),
	};
	int err;

	snprintf(url, sizeof(url), "%s/%s/oauth2/v2.0/token",
		 lf_setting_text(s, "mail.oauth2-url"),
		 lf_setting_text(s, "mail.oauth2-tenant"));
	add_field(&form, "grant_type", "client_credentials");
	add_field(&form, "client_id",
		  lf_setting_text(s, "mail.oauth2-client-id"));
	add_field(&form, "client_secret",
		  lf_setting_text(s, "mail.oauth2-client-secret"));
	add_field(&form, "scope", lf_setting_text(s, "mail.oauth2-scope"));
	opts.body = form.data;
	opts.body_len = form.len;
	err = lf_buf_error(&form);
	if (!err)
		err = lf_fetch_start(NULL, monitor->fetcher, &opts, on_answer,
				     asking);
	if (form.data)
		lf_secret_wipe(form.data, form.len);
	lf_buf_done(&form);
	return err;
}

void lf_oauth_token(struct lf_oauth *oauth, lf_oauth_fn *done, void *arg)
{
	struct asking *asking;
	int err = -ENOMEM;

	if (oauth->token && lf_mono_ms() < oauth->until_ms) {
		done(0, oauth->token, "", arg);
		return;
	}
	asking = calloc(1, sizeof(*asking));
	if (asking) {
		*asking = (struct asking){oauth, done, arg};
		err = ask(asking);
	}
	if (!err)
		return;
	free(asking);
	done(err, NULL, "OAuth2 token: mail.oauth2-url is no web address", arg);
}
