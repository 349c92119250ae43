/*
 * sip/sip.h - SIP on our loop: transports, trunks, dialogs, transactions.
 *
 * Sofia-sip lives below this line; none of its types crosses it. Everything
 * runs on the loop's thread, and texts handed to callbacks die with the call.
 *
 *     trunk.h     a configured peer: who it is, whether it is alive, pacing
 *     subscribe.h we subscribe (RFC 6665 subscriber)
 *     notify.h    others subscribe to us (RFC 6665 notifier)
 *     trace.h     the last messages of a dialog, for `lampctl trace`
 */
#ifndef LF_SIP_SIP_H
#define LF_SIP_SIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct lf_sip; /* the endpoint; opaque: see sip.c */
struct lf_sip_request;
struct lf_timers;

enum lf_sip_transport { LF_SIP_UDP, LF_SIP_TCP, LF_SIP_TLS };

const char *lf_sip_transport_name(enum lf_sip_transport transport); /* "udp" */
int lf_sip_transport_parse(enum lf_sip_transport *ret, const char *word);

struct lf_sip_opts {
	/* One IP for all; "0.0.0.0" and "::" listen everywhere. */
	const char *address;
	uint16_t port;              /* UDP and TCP; 0: the kernel picks */
	uint16_t tls_port;          /* 0 with tls_dir: the kernel picks */
	const char *tls_dir;        /* agent.pem, cafile.pem; NULL: no TLS */
	const char *public_address; /* for Contact and Via; NULL: by route */
	const char *user_agent;     /* NULL: "lampfield/<version>" */
	unsigned timeout_ms; /* non-INVITE timeout, 4000..64000; 0: 8000 */
	size_t max_message;  /* bytes; 0: 262144 */
	size_t trace_bytes;  /* ring of lf_sip_trace; 0: none */
	/* Who may ask besides the trunks' peers: addresses or "10.0.0.0/8",
	 * NULL-ended; NULL: nobody. Copied. */
	const char *const *trusted;
	/* NOTIFYs to UDP watchers leave from a socket of their own. */
	bool has_express_lane;
};

/* -EADDRINUSE and friends; the log has named the address. */
int lf_sip_new(struct lf_sip **ret, struct lf_timers *timers,
	       const struct lf_sip_opts *opts);
/* Stops at once: no callback after this returns; frees itself later. */
void lf_sip_close(struct lf_sip *sip, void (*closed)(void *arg), void *arg);
uint16_t lf_sip_port(const struct lf_sip *sip, enum lf_sip_transport transport);

/* Replaces lf_sip_opts.trusted. -EINVAL: the old ones stay. */
int lf_sip_set_trusted(struct lf_sip *sip, const char *const *trusted);
/*
 * Or who comes over TLS with a certificate of the CA in tls_dir for one of
 * these names (core/tls_clients.h), NULL-ended. A name that is new counts from
 * the peer's next connection on. -EINVAL: the old ones stay.
 */
int lf_sip_set_trusted_certificates(struct lf_sip *sip,
				    const char *const *names);

struct lf_sip_stats {
	uint64_t requests_in, requests_out, notifies_in, notifies_out;
	uint64_t timeouts, malformed;
	/* Refused with 403; asked for a password; gave a wrong one. */
	uint64_t strangers, challenged, auth_failed;
	size_t in_flight, queued; /* of all trunks */
};
void lf_sip_stats(const struct lf_sip *sip, struct lf_sip_stats *out);

/*
 * ---- what others ask of us, outside a dialog ----
 *
 * Only requests from a source that a trunk allows or `trusted` names, with a
 * trusted certificate, or of a user who passed the digest (lf_sip_set_users),
 * reach the handler. Strangers get one stateless 403, or a challenge where a
 * user could ask the same. OPTIONS is answered inside. Methods without a
 * handler get 405 with Allow.
 */
typedef void lf_sip_request_fn(struct lf_sip_request *req, void *arg);

struct lf_sip_header {
	const char *name, *value;
};

int lf_sip_on_request(struct lf_sip *sip, const char *method,
		      lf_sip_request_fn *fn, void *arg);

/*
 * The same, for who gives the same answer when the same request comes again:
 * then it costs no transaction. Who answers later than in the call has one.
 */
int lf_sip_on_repeatable(struct lf_sip *sip, const char *method,
			 lf_sip_request_fn *fn, void *arg);

/* Goes with the 200 to OPTIONS; ends with a NULL name. -E2BIG. */
int lf_sip_tell_options(struct lf_sip *sip, const struct lf_sip_header *extra);

struct lf_sip_source {
	char address[64]; /* literal, without port */
	uint16_t port;
	enum lf_sip_transport transport;
};

const char *lf_sip_request_method(const struct lf_sip_request *req);
void lf_sip_request_source(const struct lf_sip_request *req,
			   struct lf_sip_source *out);
/* "sip:user@host" forms, without parameters; "" if it is no SIP URI. */
const char *lf_sip_request_uri(const struct lf_sip_request *req);
const char *lf_sip_request_from(const struct lf_sip_request *req);
/* User name that passed digest authentication; NULL for a trusted peer. */
const char *lf_sip_request_user(const struct lf_sip_request *req);
/* For whom a trusted peer speaks (P-Asserted-Identity, RFC 3325), or From. Of
 * others it is a mere claim: see lf_sip_request_user(). */
const char *lf_sip_request_asserted(struct lf_sip_request *req);
/* Any header by name, joined by ", " if repeated; NULL if absent. */
const char *lf_sip_request_header(struct lf_sip_request *req, const char *name);
const char *lf_sip_request_body(const struct lf_sip_request *req,
				size_t *ret_len);

/* Answers, and frees the request. Extra headers end with a NULL name. */
void lf_sip_reply(struct lf_sip_request *req, int status, const char *phrase,
		  const struct lf_sip_header *extra);

/*
 * Digest (RFC 2617, RFC 8760: MD5 and SHA-256) for requests that come from no
 * trunk. lookup() returns 0 and fills HA1 = H(user:realm:password) in
 * hexadecimal for the algorithm, or -ENOENT. Without this call: 403.
 */
typedef int lf_sip_ha1_fn(const char *user, const char *realm, bool is_sha256,
			  char ret_ha1[65], void *arg);
int lf_sip_set_users(struct lf_sip *sip, const char *realm,
		     lf_sip_ha1_fn *lookup, void *arg);

#endif
