/* sip/internal.h - what the files of sip/ share. Nobody else includes it. */
#ifndef LF_SIP_INTERNAL_H
#define LF_SIP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NTA_AGENT_MAGIC_T struct lf_sip
#define NTA_OUTGOING_MAGIC_T void
#define NTA_LEG_MAGIC_T void
#define NTA_INCOMING_MAGIC_T void
#define TP_CLIENT_T struct lf_sip_trunk

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/tport.h>

#include "core/list.h"
#include "core/log.h"
#include "sip/loop.h"
#include "sip/net.h"
#include "sip/sip.h"
#include "sip/trunk.h"

#define LF_SIP_HANDLERS 8
#define LF_SIP_TRANSPORTS 3
#define LF_SIP_URI_MAX 512 /* bytes of any URI we keep */

#define LF_MIN(a, b) ((a) < (b) ? (a) : (b))
/* Seconds from a header; no value may look like LF_SIP_ABSENT. */
#define LF_SIP_SECONDS(s) ((uint32_t)LF_MIN((s), UINT32_MAX - 1))

struct lf_sip_handler {
	char method[16];
	lf_sip_request_fn *fn;
	void *arg;
};

struct lf_sip {
	struct lf_sip_loop loop;
	struct lf_timers *timers;
	nta_agent_t *agent;
	struct lf_list trunks, notifiers, requests;
	struct lf_list leaving; /* notifiers that nobody owns any more */
	const struct lf_sip_lane *express; /* asked first; NULL: none */
	struct lf_sip_handler handlers[LF_SIP_HANDLERS];
	size_t handler_count;
	char allow[128]; /* methods, for Allow */
	struct lf_cidr_list trusted;
	uint16_t ports[LF_SIP_TRANSPORTS];
	char *address, *public_address, *user_agent;
	unsigned timeout_ms;
	struct lf_sip_stats stats;
	struct lf_sip_ring *ring;      /* NULL: no trace */
	struct lf_sip_guard *guard;    /* NULL: strangers get 403 */
	struct lf_log_limit log_limit; /* for what strangers provoke */
	void (*closed)(void *arg);
	void *closed_arg;
};

/* ---- sip.c ---- */
/* "<sip:user@host:port;transport=tcp>", as `peer` can reach us. */
void lf_sip_contact(const struct lf_sip *sip, char *out, size_t size,
		    const char *user, enum lf_sip_transport transport,
		    const struct sockaddr *peer);
/* Who sent it, from the socket and not from what it says. */
void lf_sip_source_of(const struct lf_sip *sip, msg_t *msg,
		      struct lf_sip_source *out);
enum lf_sip_transport lf_sip_transport_of(const tport_t *tport);

/* ---- request.c ---- */
/* Takes the transaction. `user` is copied; NULL: a trusted peer. */
int lf_sip_request_new(struct lf_sip_request **ret, struct lf_sip *sip,
		       nta_incoming_t *irq, const char *user);
nta_incoming_t *lf_sip_request_irq(const struct lf_sip_request *req);
const sip_t *lf_sip_request_sip(const struct lf_sip_request *req);
struct lf_sip *lf_sip_request_endpoint(const struct lf_sip_request *req);
void lf_sip_request_free(struct lf_sip_request *req); /* unanswered: 500 */
/* The endpoint closes: every request that is still out loses it. */
void lf_sip_requests_orphan(struct lf_sip *sip);

/* ---- trunk.c ---- */
struct lf_sip_trunk *lf_sip_trunk_at(const struct lf_sip *sip,
				     const struct sockaddr *source);
void lf_sip_trunk_heard(struct lf_sip_trunk *trunk);
void lf_sip_trunks_load(const struct lf_sip *sip, size_t *ret_in_flight,
			size_t *ret_queued);

/* ---- notify.c ---- */
void lf_sip_notifiers_free(struct lf_sip *sip); /* those that are leaving */

/* ---- trace.c ---- */
int lf_sip_ring_new(struct lf_sip_ring **ret, size_t bytes);
void lf_sip_ring_free(struct lf_sip_ring *ring);
/* Each is a no-op without a ring. */
void lf_sip_trace_msg(struct lf_sip *sip, bool is_out, msg_t *msg,
		      const tport_t *tport);
void lf_sip_trace_response_out(struct lf_sip *sip, nta_incoming_t *irq);
void lf_sip_trace_request_in(struct lf_sip *sip, nta_incoming_t *irq);
void lf_sip_trace_request_out(struct lf_sip *sip, nta_outgoing_t *orq);
void lf_sip_trace_response_in(struct lf_sip *sip, nta_outgoing_t *orq);

#endif
