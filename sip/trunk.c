/*
 * sip/trunk.c - a configured peer: what is known of it, and who may speak for
 * it. Where it is: resolve.c; whether it is alive: probe.c; what is asked of
 * it: ask.c.
 */
#include "sip/trunk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/secret.h"
#include "core/text.h"
#include "sip/peer.h"

#include "core/banned.h"

#define DEFAULT_PROBE_MS 5000
#define DEFAULT_MAX_IN_FLIGHT 500

/* ---- who may speak ---- */

static bool allows(const struct lf_sip_trunk *trunk,
		   const struct sockaddr *source)
{
	for (size_t i = 0; i < trunk->address_count; i++)
		if (lf_net_same_host((const void *)&trunk->addresses[i],
				     source))
			return true;
	return lf_cidr_list_has(&trunk->allow, source);
}

struct lf_sip_trunk *lf_sip_trunk_at(const struct lf_sip *sip,
				     const struct sockaddr *source)
{
	LF_LIST_FOREACH (node, &sip->trunks) {
		struct lf_sip_trunk *trunk =
			LF_CONTAINER_OF(node, struct lf_sip_trunk, node);

		if (allows(trunk, source))
			return trunk;
	}
	return NULL;
}

void lf_sip_trunks_load(const struct lf_sip *sip, size_t *ret_in_flight,
			size_t *ret_queued)
{
	*ret_in_flight = *ret_queued = 0;
	LF_LIST_FOREACH (node, &sip->trunks) {
		const struct lf_sip_trunk *trunk =
			LF_CONTAINER_OF(node, struct lf_sip_trunk, node);

		*ret_in_flight += trunk->stats.in_flight;
		*ret_queued += trunk->stats.queued;
	}
}

/* ---- shared texts ---- */

const char *lf_sip_peer_word(struct lf_sip_trunk *trunk, const char *text)
{
	for (int i = 0; i < LF_PEER_WORDS; i++) {
		if (!trunk->words[i])
			trunk->words[i] = strdup(text);
		if (!trunk->words[i] || !strcmp(trunk->words[i], text))
			return trunk->words[i];
	}
	return NULL;
}

/* ---- life ---- */

/* "user@domain", with or without a scheme; its parts end up in the trunk. */
static int take_uri(struct lf_sip_trunk *trunk,
		    const struct lf_sip_trunk_opts *opts)
{
	const char *uri = opts->uri ? opts->uri : "lampfield@invalid";
	const char *at;

	if (lf_text_starts(uri, "sip:"))
		uri += 4;
	at = strchr(uri, '@');
	if (!at || !at[1] || strpbrk(uri, "<> \t\r\n\"") ||
	    !lf_text_copy_n(trunk->user, sizeof(trunk->user), uri,
			    (size_t)(at - uri)))
		return -EINVAL;
	if (asprintf(&trunk->from, "<sip:%s>", uri) < 0) {
		trunk->from = NULL;
		return -ENOMEM;
	}
	trunk->auth_id = strdup(opts->auth_id && *opts->auth_id ? opts->auth_id
								: trunk->user);
	return trunk->auth_id ? 0 : -ENOMEM;
}

static int copy_opts(struct lf_sip_trunk *trunk,
		     const struct lf_sip_trunk_opts *opts)
{
	bool is_tls = opts->transport == LF_SIP_TLS;
	int err = take_uri(trunk, opts);

	if (err)
		return err;
	if (!opts->host || !*opts->host || strpbrk(opts->host, " \t\r\n;<>"))
		return -EINVAL;
	trunk->transport = opts->transport;
	trunk->port = opts->port ? opts->port : is_tls ? 5061 : 5060;
	trunk->probe_ms = opts->probe_ms ? opts->probe_ms : DEFAULT_PROBE_MS;
	trunk->max_in_flight = opts->max_in_flight ? opts->max_in_flight
						   : DEFAULT_MAX_IN_FLIGHT;
	trunk->host = strdup(opts->host);
	trunk->name = strdup(opts->name ? opts->name : opts->host);
	if (opts->password && *opts->password)
		trunk->password = strdup(opts->password);
	if (!trunk->host || !trunk->name ||
	    (opts->password && *opts->password && !trunk->password))
		return -ENOMEM;
	return lf_cidr_list_parse(&trunk->allow, opts->allow);
}

int lf_sip_trunk_new(struct lf_sip_trunk **ret, struct lf_sip *sip,
		     const struct lf_sip_trunk_opts *opts,
		     lf_sip_trunk_fn *on_state, void *arg)
{
	struct lf_sip_trunk *trunk = calloc(1, sizeof(*trunk));
	int err;

	if (!trunk)
		return -ENOMEM;
	trunk->sip = sip;
	trunk->on_state = on_state;
	trunk->arg = arg;
	lf_list_init(&trunk->leaving);
	lf_sip_asks_init(trunk);
	lf_sip_probe_init(trunk);
	lf_list_add_tail(&sip->trunks, &trunk->node);
	lf_text_copy(trunk->why, sizeof(trunk->why), "nothing heard yet");

	err = copy_opts(trunk, opts);
	if (err)
		goto fail;
	err = lf_sip_peer_resolve(trunk);
	if (err == -EALREADY)
		err = lf_timer_start(sip->timers, &trunk->probe_timer, 0);
	if (err)
		goto fail;
	*ret = trunk;
	return 0;
fail:
	lf_sip_trunk_free(trunk);
	return err;
}

static void forget_password(struct lf_sip_trunk *trunk)
{
	if (trunk->password)
		lf_secret_wipe(trunk->password, strlen(trunk->password));
	free(trunk->password);
	lf_digest_client_done(&trunk->digest);
}

void lf_sip_trunk_free(struct lf_sip_trunk *trunk)
{
	if (!trunk)
		return;
	assert(trunk->sub_count == 0);
	lf_list_del(&trunk->node);
	lf_sip_leaving_free(trunk);
	lf_sip_asks_free(trunk);
	lf_sip_probe_done(trunk);
	lf_sip_resolve_done(trunk);
	forget_password(trunk);
	for (int i = 0; i < LF_PEER_WORDS; i++)
		free(trunk->words[i]);
	lf_cidr_list_done(&trunk->allow);
	free(trunk->auth_id);
	free(trunk->from);
	free(trunk->name);
	free(trunk->host);
	free(trunk);
}

enum lf_sip_trunk_state lf_sip_trunk_state(const struct lf_sip_trunk *trunk)
{
	return trunk->state;
}

const char *lf_sip_trunk_why(const struct lf_sip_trunk *trunk)
{
	return trunk->why;
}

const char *lf_sip_trunk_route(const struct lf_sip_trunk *trunk)
{
	return trunk->route;
}

int lf_sip_trunk_has_credentials(const struct lf_sip_trunk *trunk)
{
	return trunk->password && trunk->has_challenged &&
	       trunk->has_accepted && !trunk->has_rejected;
}

void lf_sip_trunk_stats(const struct lf_sip_trunk *trunk,
			struct lf_sip_trunk_stats *out)
{
	*out = trunk->stats;
	out->is_unresolved =
		trunk->state == LF_TRUNK_DOWN && !trunk->address_count;
}
