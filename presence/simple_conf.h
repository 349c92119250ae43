/*
 * presence/simple_conf.h - one "feed.*" of the settings, read and understood.
 * Inside presence/ only.
 */
#ifndef LF_PRESENCE_SIMPLE_CONF_H
#define LF_PRESENCE_SIMPLE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "presence/pidf.h"
#include "sip/sip.h"

struct lf_settings;

#define LF_ALLOW_MAX 64

struct lf_simple_conf {
	char *name, *server; /* as written */
	char *host;          /* of server; "" if not configured */
	uint16_t port;       /* 0: the protocol's */
	enum lf_sip_transport transport;
	char *uri, *auth_id, *password, *domain, *list_uri;
	char *dialect_name, *package_name;
	char *allow_text; /* cut into the next one */
	char **allow;     /* ends with NULL */
	enum lf_dialect dialect;
	uint8_t packages; /* 1 << enum lf_package */
	bool may_turn;    /* the other package when one is refused */
	bool is_enabled, has_presence_server;
	unsigned max_in_flight;
	int64_t probe_ms;
	/* these two change without a new start */
	uint32_t expires_s;
	int64_t stale_after_ms;
};

int lf_simple_conf_read(struct lf_simple_conf *ret,
			const struct lf_settings *settings, const char *name);
/* The password is wiped. */
void lf_simple_conf_done(struct lf_simple_conf *conf);
bool lf_simple_conf_is_same(const struct lf_simple_conf *a,
			    const struct lf_simple_conf *b);

#endif
