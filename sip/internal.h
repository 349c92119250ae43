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
#include "core/map.h"
#include "sip/loop.h"
#include "sip/net.h"
#include "sip/sip.h"
#include "sip/trunk.h"

#define LF_SIP_HANDLERS 8
#define LF_SIP_TRANSPORTS 3
#define LF_SIP_LOG_BURST 20 /* lines a minute that outsiders can provoke */
#define LF_SIP_URI_MAX 512  /* bytes of any URI we keep */

#define LF_MAX(a, b) ((a) > (b) ? (a) : (b))
#define LF_MIN(a, b) ((a) < (b) ? (a) : (b))
/* Seconds from a header; no value may look like LF_SIP_ABSENT. */
#define LF_SIP_SECONDS(s) ((uint32_t)LF_MIN((s), UINT32_MAX - 1))

/* URL_STRING_MAKE() casts const away. */
static inline const url_string_t *lf_sip_url(const char *text)
{
	return (const void *)text;
}

struct lf_sip_handler {
	char method[16];
	lf_sip_request_fn *fn;
	void *arg;
	bool is_repeatable; /* it may see the same request twice */
};

struct lf_sip {
	struct lf_sip_loop loop;
	struct lf_timers *timers;
	nta_agent_t *agent;
	struct lf_list trunks, notifiers, requests;
	struct lf_list leaving; /* notifiers that nobody owns any more */
	struct lf_map dialogs;  /* our tag -> notifier */
	struct lf_map subs;     /* our tag -> subscription */
	uint64_t tag_key[2];
	struct lf_sip_replies *replies; /* one for each UDP socket */
	struct lf_sip_express *express; /* NULL: none */
	uint16_t express_port;
	unsigned tcp_attempts;       /* under way: tcp_lane.c */
	struct lf_sip_request *open; /* repeatable, and not answered yet */
	struct lf_sip_handler handlers[LF_SIP_HANDLERS];
	size_t handler_count;
	char allow[160];   /* "Allow: ..." with its CR LF */
	char options[512]; /* what OPTIONS is told besides */
	struct lf_cidr_list trusted;
	struct lf_tls_clients *clients; /* of our TLS port; NULL: it has none */
	uint16_t ports[LF_SIP_TRANSPORTS];
	char *address, *public_address, *user_agent;
	unsigned timeout_ms;
	size_t max_message;
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

/* ---- notify_read.c ---- */
#define LF_SIP_TYPE_MAX 256 /* bytes of a Content-Type with parameters */

struct lf_sip_notify;
/* The texts in `out` live as long as the request and `type` do. */
void lf_sip_notify_read(struct lf_sip_notify *out, const sip_t *request,
			char type[LF_SIP_TYPE_MAX]);

/* ---- inbound.c ---- */
/* Sofia's callback for every message that no leg or transaction claims. */
int lf_sip_on_message(struct lf_sip *sip, nta_agent_t *agent, msg_t *msg,
		      sip_t *parsed);
bool lf_sip_is_too_large(const struct lf_sip *sip, const sip_t *request);

/* ---- request.c ---- */
/* Takes the transaction. `user` is copied; NULL: a trusted peer. */
int lf_sip_request_new(struct lf_sip_request **ret, struct lf_sip *sip,
		       nta_incoming_t *irq, const char *user);
const sip_t *lf_sip_request_sip(const struct lf_sip_request *req);
struct lf_sip *lf_sip_request_endpoint(const struct lf_sip_request *req);
/* The endpoint closes: every request that is still out loses it. */
void lf_sip_requests_orphan(struct lf_sip *sip);

/* One without a transaction, for who can answer it twice. Takes `msg`. */
int lf_sip_request_plain(struct lf_sip_request **ret, struct lf_sip *sip,
			 msg_t *msg);
/* Its handler has returned: what is not answered by now needs a transaction. */
void lf_sip_request_settle(struct lf_sip_request *req);
void lf_sip_request_drop(struct lf_sip_request *req); /* without an answer */

/* From the socket; of a message that is still there. */
const struct sockaddr *
lf_sip_request_addr(const struct lf_sip_request *req,
		    enum lf_sip_transport *ret_transport);

struct lf_sip_answer {
	int status;
	const char *phrase; /* NULL: the usual one */
	const char *tag;    /* ours; NULL: any */
	const char *lines;  /* more headers, each with its CR LF; NULL: none */
	bool is_strangers;  /* not traced: they must not push a peer's out */
};
void lf_sip_request_answer(struct lf_sip_request *req,
			   const struct lf_sip_answer *answer);

/* ---- reply.c ---- */
struct lf_sip_replies; /* of this turn, from one socket */

int lf_sip_replies_open(struct lf_sip *sip);
void lf_sip_replies_flush(struct lf_sip *sip);
void lf_sip_replies_free(struct lf_sip *sip);
/* Without a transaction; the message is gone afterwards. */
void lf_sip_reply_plain(struct lf_sip *sip, msg_t *msg,
			const struct lf_sip_answer *answer);
/* A header's value as it came, when it is alone in one line; else NULL. */
const char *lf_sip_raw_value(const msg_header_t *h, size_t *ret_len);

/* ---- notified.c ---- */
/* Takes a request that belongs to a subscription of ours; else false. */
bool lf_sip_notified(struct lf_sip *sip, msg_t *msg, const sip_t *request);

/* ---- trunk.c ---- */
struct lf_sip_trunk *lf_sip_trunk_at(const struct lf_sip *sip,
				     const struct sockaddr *source);
void lf_sip_trunk_heard(struct lf_sip_trunk *trunk);
void lf_sip_trunks_load(const struct lf_sip *sip, size_t *ret_in_flight,
			size_t *ret_queued);

/* ---- notify.c ---- */
struct lf_sip_notifier;
void lf_sip_notifiers_free(struct lf_sip *sip); /* those that are leaving */
/* The watcher whose dialog this request belongs to, or began. */
struct lf_sip_notifier *lf_sip_notifier_find(const struct lf_sip *sip,
					     const sip_t *request);
void lf_sip_notifier_request(struct lf_sip_notifier *n,
			     struct lf_sip_request *req);

/* ---- trace.c ---- */
int lf_sip_ring_new(struct lf_sip_ring **ret, size_t bytes);
void lf_sip_ring_free(struct lf_sip_ring *ring);
/* Each is a no-op without a ring. */
void lf_sip_trace_text(struct lf_sip *sip, bool is_out,
		       const struct sockaddr *peer, const char *call_id,
		       size_t call_id_len, const char *text, size_t len);
void lf_sip_trace_msg(struct lf_sip *sip, bool is_out, msg_t *msg,
		      const tport_t *tport);
void lf_sip_trace_response_out(struct lf_sip *sip, nta_incoming_t *irq);
void lf_sip_trace_request_out(struct lf_sip *sip, nta_outgoing_t *orq);
void lf_sip_trace_response_in(struct lf_sip *sip, nta_outgoing_t *orq);

#endif
