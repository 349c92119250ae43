/*
 * sip/resolve.c - where a peer is: the addresses of its name, asked for on the
 * loop's workers, and the words for the one in use.
 */
#include "sip/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

#define RESOLVE_AGAIN_MS 2000

struct lf_sip_resolving {
	uv_getaddrinfo_t req;
	struct lf_sip_trunk *trunk; /* NULL: it is gone */
};

static void take_addresses(struct lf_sip_trunk *trunk,
			   const struct addrinfo *list)
{
	size_t n = 0;

	for (; list && n < LF_PEER_ADDRESSES; list = list->ai_next) {
		char text[64];

		lf_net_format(text, sizeof(text), list->ai_addr, NULL);
		if (!lf_net_parse(&trunk->addresses[n], text, trunk->port))
			n++;
	}
	if (n == 0)
		return;
	trunk->address_count = n;
	trunk->address_i %= n;
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
			struct addrinfo *list)
{
	struct lf_sip_resolving *resolving =
		LF_CONTAINER_OF(req, struct lf_sip_resolving, req);
	struct lf_sip_trunk *trunk = resolving->trunk;
	char why[128];

	if (trunk) {
		trunk->resolving = NULL;
		take_addresses(trunk, list);
	}
	uv_freeaddrinfo(list);
	free(resolving);
	if (!trunk)
		return;
	if (trunk->address_count > 0) {
		lf_sip_peer_probe(trunk);
		return;
	}
	snprintf(why, sizeof(why), "cannot resolve %s: %s", trunk->host,
		 uv_strerror(status));
	lf_sip_peer_probe_in(trunk, RESOLVE_AGAIN_MS);
	lf_sip_peer_set_state(trunk, LF_TRUNK_DOWN, why);
}

int lf_sip_peer_resolve(struct lf_sip_trunk *trunk)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct lf_sip_resolving *resolving;
	struct sockaddr_storage literal;
	int err;

	if (!lf_net_parse(&literal, trunk->host, trunk->port)) {
		trunk->addresses[0] = literal;
		trunk->address_count = 1;
		return -EALREADY;
	}
	resolving = calloc(1, sizeof(*resolving));
	if (!resolving)
		return -ENOMEM;
	err = uv_getaddrinfo(lf_timers_loop(trunk->sip->timers),
			     &resolving->req, on_resolved, trunk->host, NULL,
			     &hints);
	if (err) {
		free(resolving);
		return err;
	}
	resolving->trunk = trunk;
	trunk->resolving = resolving;
	return 0;
}

void lf_sip_peer_use_address(struct lf_sip_trunk *trunk)
{
	const struct sockaddr *peer =
		(const struct sockaddr *)&trunk->addresses[trunk->address_i];
	char address[64], host[72];
	uint16_t port;

	lf_net_format(address, sizeof(address), peer, &port);
	lf_net_uri_host(host, sizeof(host), address);
	snprintf(trunk->route, sizeof(trunk->route), "sip:%s:%u;transport=%s",
		 host, port, lf_sip_transport_name(trunk->transport));
	lf_sip_contact(trunk->sip, trunk->contact, sizeof(trunk->contact),
		       trunk->user, trunk->transport, peer);
}

void lf_sip_resolve_done(struct lf_sip_trunk *trunk)
{
	if (!trunk->resolving)
		return;
	trunk->resolving->trunk = NULL;
	uv_cancel((uv_req_t *)&trunk->resolving->req);
}
