/* sip/peer.h - inside a trunk: for the files of sip/ that make it up, ask.c and
 * subscribe.c. */
#ifndef LF_SIP_PEER_H
#define LF_SIP_PEER_H

#include "core/timer.h"
#include "sip/ask.h"
#include "sip/dialog.h"
#include "sip/digest.h"
#include "sip/internal.h"
#include "sip/trunk.h"

#define LF_PEER_ADDRESSES 8
#define LF_PEER_WORDS 32 /* event and accept texts, shared by its subs */

struct lf_sip_resolving;

struct lf_sip_trunk {
	struct lf_list node; /* in lf_sip.trunks */
	struct lf_sip *sip;
	char *name, *host, *auth_id, *password;
	char *from; /* "<sip:user@domain>" */
	char user[64];
	enum lf_sip_transport transport;
	uint16_t port;
	struct lf_cidr_list allow;

	struct sockaddr_storage addresses[LF_PEER_ADDRESSES];
	size_t address_count, address_i; /* the one in use */
	struct lf_sip_resolving *resolving;
	char route[128];   /* "sip:192.0.2.1:5060;transport=udp" */
	char contact[256]; /* as it can reach us */

	enum lf_sip_trunk_state state;
	char why[128];
	lf_sip_trunk_fn *on_state;
	void *arg;
	unsigned probe_ms;
	struct lf_timer probe_timer, kick_timer;
	struct lf_sip_ask *probe;
	struct lf_sip_dialog probe_dialog;

	tport_t *tport; /* the connection we watch; NULL: none */
	int tport_pending;

	struct lf_digest_client digest;
	bool has_challenged, has_accepted, has_rejected;

	struct lf_list queue, sent; /* asks */
	struct lf_list leaving;     /* subs that unsubscribe by themselves */
	unsigned max_in_flight, sub_count;
	struct lf_sip_trunk_stats stats;
	char *words[LF_PEER_WORDS];
};

/* The trunk's own copy of a text that many subscriptions share. */
const char *lf_sip_peer_word(struct lf_sip_trunk *trunk, const char *text);

/* ---- resolve.c ---- */
/* -EALREADY: the host is an address, there is nothing to ask. */
int lf_sip_peer_resolve(struct lf_sip_trunk *trunk);
void lf_sip_resolve_done(struct lf_sip_trunk *trunk);
/* Our own words for the address in use: where to send, how to be reached. */
void lf_sip_peer_use_address(struct lf_sip_trunk *trunk);

/* ---- probe.c ---- */
void lf_sip_probe_init(struct lf_sip_trunk *trunk);
void lf_sip_probe_done(struct lf_sip_trunk *trunk);
void lf_sip_peer_probe(struct lf_sip_trunk *trunk);
void lf_sip_peer_probe_in(struct lf_sip_trunk *trunk, int64_t delay_ms);
/* May free the trunk. */
void lf_sip_peer_set_state(struct lf_sip_trunk *trunk,
			   enum lf_sip_trunk_state state, const char *why);
/* An answer arrived (or 408, 503 without one): alive, suspect or down. */
void lf_sip_peer_answered(struct lf_sip_trunk *trunk, nta_outgoing_t *orq,
			  int status, const sip_t *answer);
/* -EACCES when TLS showed a certificate for somebody else. */
int lf_sip_peer_check_name(struct lf_sip_trunk *trunk, nta_outgoing_t *orq);
bool lf_sip_peer_may_send(const struct lf_sip_trunk *trunk);

/* ---- subscribe.c ---- */
/* Drops those that have waited for their last NOTIFY long enough. */
void lf_sip_leaving_sweep(struct lf_sip_trunk *trunk);
void lf_sip_leaving_free(struct lf_sip_trunk *trunk);

#endif
