/*
 * presence/simple_conf.c - one "feed.*" of the settings, understood.
 *
 * The settings have checked types and ranges; here they become what a trunk
 * and its watches need: host and port, a list of addresses, packages.
 */
#include "presence/simple_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "core/text.h"
#include "directory/setting.h"
#include "presence/leg.h"

#include "core/banned.h"

struct reading {
	const struct lf_settings *settings;
	const char *name;
	int err;
};

static const char *text_of(const struct reading *r, const char *family)
{
	return lf_setting_of(r->settings, family, r->name);
}

static char *copy(struct reading *r, const char *text)
{
	char *out = strdup(text);

	if (!out)
		r->err = -ENOMEM;
	return out;
}

static bool yes(const struct reading *r, const char *family)
{
	return lf_text_equal(text_of(r, family), "yes");
}

static int64_t number(const struct reading *r, const char *family)
{
	int64_t n = 0;

	lf_text_int(&n, text_of(r, family), 0, INT32_MAX);
	return n;
}

/* "host", "host:port", "[v6]:port", "[v6]", or a bare v6. */
static void split_server(struct reading *r, struct lf_simple_conf *conf)
{
	const char *text = conf->server, *end, *port = NULL;
	int64_t n = 0;

	end = text + strlen(text);
	if (*text == '[' && strchr(text, ']')) {
		end = strchr(++text, ']');
		port = end[1] == ':' ? end + 2 : NULL;
	} else if (strchr(text, ':') &&
		   strchr(text, ':') == strrchr(text, ':')) {
		end = strchr(text, ':');
		port = end + 1;
	}
	if (port && !lf_text_int(&n, port, 1, 65535))
		conf->port = (uint16_t)n;
	conf->host = strndup(text, (size_t)(end - text));
	if (!conf->host)
		r->err = -ENOMEM;
}

static void split_allow(struct reading *r, struct lf_simple_conf *conf)
{
	size_t n = 0;
	char *at, *comma;

	conf->allow = calloc(LF_ALLOW_MAX + 1, sizeof(*conf->allow));
	if (!conf->allow || !conf->allow_text) {
		r->err = -ENOMEM;
		return;
	}
	for (at = conf->allow_text; at && n < LF_ALLOW_MAX; at = comma) {
		comma = strchr(at, ',');
		if (comma)
			*comma++ = '\0';
		at = lf_text_trim(at);
		if (*at)
			conf->allow[n++] = at;
	}
}

/* What each dialect tells most of. */
static uint8_t best_packages(const char *dialect, bool has_presence_server)
{
	if (lf_text_equal(dialect, "asterisk"))
		return 1 << LF_DIALOG;
	if (lf_text_equal(dialect, "freeswitch") ||
	    lf_text_equal(dialect, "kamailio"))
		return has_presence_server ? 1 << LF_PRESENCE | 1 << LF_DIALOG
					   : 1 << LF_DIALOG;
	return 1 << LF_PRESENCE;
}

static enum lf_dialect parse_dialect(const char *word)
{
	static const char *const words[] = {
		[LF_DIALECT_AUTO] = "auto",
		[LF_DIALECT_CUCM] = "cucm",
		[LF_DIALECT_CUP] = "cup",
		[LF_DIALECT_ASTERISK] = "asterisk",
		[LF_DIALECT_FREESWITCH] = "freeswitch",
		[LF_DIALECT_KAMAILIO] = "kamailio",
		[LF_DIALECT_PLAIN] = "plain",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (lf_text_equal(word, words[i]))
			return (enum lf_dialect)i;
	return LF_DIALECT_AUTO;
}

static void choose_packages(struct reading *r, struct lf_simple_conf *conf)
{
	const char *package = text_of(r, "feed.*.package");

	if (lf_text_equal(package, "presence"))
		conf->packages = 1 << LF_PRESENCE;
	else if (lf_text_equal(package, "dialog"))
		conf->packages = 1 << LF_DIALOG;
	else if (lf_text_equal(package, "both"))
		conf->packages = 1 << LF_PRESENCE | 1 << LF_DIALOG;
	else
		conf->may_turn = true;
	if (conf->may_turn)
		conf->packages = best_packages(text_of(r, "feed.*.dialect"),
					       conf->has_presence_server);
	if (yes(r, "feed.*.message-summary"))
		conf->packages |= 1 << LF_SUMMARY;
}

/* S18, S19: the credentials may be dummies, so there is one. */
static void default_names(struct reading *r, struct lf_simple_conf *conf)
{
	if (conf->domain && !conf->domain[0]) {
		free(conf->domain);
		conf->domain = copy(r, conf->server);
	}
	if (conf->uri && !conf->uri[0]) {
		free(conf->uri);
		if (asprintf(&conf->uri, "lampfield@%s", conf->domain) < 0) {
			conf->uri = NULL;
			r->err = -ENOMEM;
		}
	}
}

static void read_texts(struct reading *r, struct lf_simple_conf *conf)
{
	conf->name = copy(r, r->name);
	conf->server = copy(r, text_of(r, "feed.*.server"));
	conf->uri = copy(r, text_of(r, "feed.*.uri"));
	conf->auth_id = copy(r, text_of(r, "feed.*.auth-id"));
	conf->password = copy(r, text_of(r, "feed.*.password"));
	conf->domain = copy(r, text_of(r, "feed.*.domain"));
	conf->list_uri = copy(r, text_of(r, "feed.*.list-uri"));
	conf->dialect_name = copy(r, text_of(r, "feed.*.dialect"));
	conf->package_name = copy(r, text_of(r, "feed.*.package"));
	conf->allow_text = copy(r, text_of(r, "feed.*.allow"));
}

int lf_simple_conf_read(struct lf_simple_conf *ret,
			const struct lf_settings *settings, const char *name)
{
	struct reading r = {settings, name, 0};
	struct lf_simple_conf conf;

	memset(&conf, 0, sizeof(conf));
	read_texts(&r, &conf);
	if (!r.err)
		split_server(&r, &conf);
	if (!r.err)
		split_allow(&r, &conf);
	if (!r.err)
		default_names(&r, &conf);
	if (r.err) {
		lf_simple_conf_done(&conf);
		return r.err;
	}
	lf_sip_transport_parse(&conf.transport, text_of(&r, "feed.*.protocol"));
	conf.is_enabled = yes(&r, "feed.*.enable");
	conf.has_presence_server = yes(&r, "feed.*.has-presence-server");
	conf.max_in_flight = (unsigned)number(&r, "feed.*.max-in-flight");
	conf.probe_ms = number(&r, "feed.*.probe-interval") * 1000;
	conf.expires_s = (uint32_t)number(&r, "feed.*.expires");
	conf.stale_after_ms = number(&r, "feed.*.stale-after") * 1000;
	conf.dialect = parse_dialect(conf.dialect_name);
	choose_packages(&r, &conf);
	*ret = conf;
	return 0;
}

void lf_simple_conf_done(struct lf_simple_conf *conf)
{
	if (conf->password)
		lf_secret_wipe(conf->password, strlen(conf->password));
	free(conf->name);
	free(conf->server);
	free(conf->host);
	free(conf->uri);
	free(conf->auth_id);
	free(conf->password);
	free(conf->domain);
	free(conf->list_uri);
	free(conf->dialect_name);
	free(conf->package_name);
	free(conf->allow_text);
	free(conf->allow);
	memset(conf, 0, sizeof(*conf));
}

static bool same_allow(char *const *a, char *const *b)
{
	while (*a && *b && !strcmp(*a, *b)) {
		a++;
		b++;
	}
	return !*a && !*b;
}

bool lf_simple_conf_is_same(const struct lf_simple_conf *a,
			    const struct lf_simple_conf *b)
{
	return !strcmp(a->server, b->server) && !strcmp(a->uri, b->uri) &&
	       !strcmp(a->auth_id, b->auth_id) &&
	       !strcmp(a->password, b->password) &&
	       !strcmp(a->domain, b->domain) &&
	       !strcmp(a->list_uri, b->list_uri) &&
	       !strcmp(a->dialect_name, b->dialect_name) &&
	       !strcmp(a->package_name, b->package_name) &&
	       same_allow(a->allow, b->allow) && a->transport == b->transport &&
	       a->packages == b->packages && a->is_enabled == b->is_enabled &&
	       a->has_presence_server == b->has_presence_server &&
	       a->max_in_flight == b->max_in_flight &&
	       a->probe_ms == b->probe_ms;
}
