/*
 * sip/trunk.h - a configured peer: a PBX or presence server (S15-S24).
 *
 * A trunk knows where the peer is, who we are there, from which addresses it
 * may speak to us, whether it is alive (OPTIONS), and how much we may ask of
 * it at once: requests over the limit wait in a queue, first come first
 * served, and while the peer is down nothing but probes is sent.
 */
#ifndef LF_SIP_TRUNK_H
#define LF_SIP_TRUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/sip.h"

struct lf_sip_trunk; /* opaque: see trunk.c */

enum lf_sip_trunk_state {
	LF_TRUNK_UNKNOWN, /* nothing heard yet, the first probe is out */
	LF_TRUNK_UP,
	LF_TRUNK_DOWN,      /* no answer, or the transport failed */
	LF_TRUNK_FORBIDDEN, /* 401/407 we cannot answer, or 403, to OPTIONS */
};

struct lf_sip_trunk_opts {
	const char *name;
	const char *host; /* literal IP or name */
	uint16_t port;    /* 0: 5060, 5061 with TLS (S16) */
	enum lf_sip_transport transport;
	const char *uri;          /* us: "user@domain" (S18) */
	const char *auth_id;      /* NULL: first part of uri (S19) */
	const char *password;     /* NULL or "": none, a trusted trunk (S20) */
	const char *const *allow; /* NULL-ended "10.0.0.0/8" or addresses; the
				     peer's own addresses always may */
	unsigned max_in_flight;   /* 0: 500 */
	unsigned probe_ms;        /* between OPTIONS; 0: 5000 */
};

/*
 * Called on every change of state. Coming UP after DOWN means that NOTIFYs
 * may have been lost: whoever subscribes asks again.
 */
typedef void lf_sip_trunk_fn(struct lf_sip_trunk *trunk,
			     enum lf_sip_trunk_state state, const char *why,
			     void *arg);

int lf_sip_trunk_new(struct lf_sip_trunk **ret, struct lf_sip *sip,
		     const struct lf_sip_trunk_opts *opts,
		     lf_sip_trunk_fn *on_state, void *arg);
/* Its subscriptions must be gone first. */
void lf_sip_trunk_free(struct lf_sip_trunk *trunk);

enum lf_sip_trunk_state lf_sip_trunk_state(const struct lf_sip_trunk *trunk);
/* What the last probe said: "200 OK", "no answer for 8 s"; for people. */
const char *lf_sip_trunk_why(const struct lf_sip_trunk *trunk);
/* "sip:192.0.2.1:5060;transport=udp": the address in use, for logs. */
const char *lf_sip_trunk_route(const struct lf_sip_trunk *trunk);
/* A password was set, the peer challenged, and it was accepted so far. */
int lf_sip_trunk_has_credentials(const struct lf_sip_trunk *trunk);

struct lf_sip_trunk_stats {
	uint64_t sent, answered, timeouts;
	size_t in_flight, queued, max_in_flight_seen;
	bool is_unresolved;    /* its name has no address */
	int64_t last_heard_ms; /* lf_mono_ms(); 0: never */
};
void lf_sip_trunk_stats(const struct lf_sip_trunk *trunk,
			struct lf_sip_trunk_stats *out);

#endif
