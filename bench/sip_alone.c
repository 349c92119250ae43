/*
 * bench/sip_alone.c - subscribes to phones and forgets what it hears: what
 * sofia-sip costs in our loop, with its own legs and transactions, and nothing
 * else of ours.
 *
 *     sip_alone HOST PORT FIRST COUNT SECONDS
 *
 * Prints "ready" when every phone has sent its first NOTIFY.
 */
#include <stdio.h>
#include <stdlib.h>

#define NTA_AGENT_MAGIC_T void
#define NTA_OUTGOING_MAGIC_T void
#define NTA_LEG_MAGIC_T void
#define NTA_INCOMING_MAGIC_T void

#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_tag_io.h>
#include <sofia-sip/tport_tag.h>

#include "sip/loop.h"

#include "core/banned.h"

#define UDP_BUFFER (16 << 20) /* as sip/sip.c */

static struct {
	nta_agent_t *agent;
	const char *route;
	unsigned long heard, wanted;
} bench;

static int on_stranger(void *arg, nta_agent_t *agent, msg_t *msg, sip_t *sip)
{
	nta_msg_discard(agent, msg);
	return 0;
}

static int on_notify(void *arg, nta_leg_t *leg, nta_incoming_t *irq,
		     const sip_t *request)
{
	if (++bench.heard == bench.wanted) {
		puts("ready");
		fflush(stdout);
	}
	return 200;
}

static int on_answer(void *leg, nta_outgoing_t *orq, const sip_t *answer)
{
	int status = nta_outgoing_status(orq);

	if (status < 200)
		return 0;
	if (status >= 300)
		fprintf(stderr, "sip_alone: %d\n", status);
	else
		nta_leg_rtag(leg, answer->sip_to->a_tag);
	nta_outgoing_destroy(orq);
	return 0;
}

static int subscribe(const char *host, unsigned long ext)
{
	char uri[128], to[140];
	nta_leg_t *leg;

	snprintf(uri, sizeof(uri), "sip:%lu@%s", ext, host);
	snprintf(to, sizeof(to), "<%s>", uri);
	leg = nta_leg_tcreate(bench.agent, on_notify, NULL,
			      SIPTAG_FROM_STR("<sip:w@127.0.0.1>"),
			      SIPTAG_TO_STR(to), TAG_END());
	if (!leg || !nta_leg_tag(leg, NULL))
		return 1;
	return !nta_outgoing_tcreate(
		leg, on_answer, leg, (const void *)bench.route,
		SIP_METHOD_SUBSCRIBE, (const void *)uri,
		SIPTAG_CONTACT(nta_agent_contact(bench.agent)),
		SIPTAG_EVENT_STR("presence"), SIPTAG_EXPIRES_STR("3600"),
		SIPTAG_ACCEPT_STR("application/pidf+xml"), TAG_END());
}

static void on_turn(void *arg)
{
}

static void on_end(uv_timer_t *timer)
{
	exit(0);
}

int main(int argc, char **argv)
{
	struct lf_sip_loop sofia;
	unsigned long i, first;
	uv_timer_t end;
	char route[128];

	if (argc != 6) {
		fputs("usage: sip_alone HOST PORT FIRST COUNT SECONDS\n",
		      stderr);
		return 2;
	}
	snprintf(route, sizeof(route), "sip:%s:%s;transport=udp", argv[1],
		 argv[2]);
	bench.route = route;
	first = strtoul(argv[3], NULL, 10);
	bench.wanted = strtoul(argv[4], NULL, 10);
	if (lf_sip_loop_open(&sofia, uv_default_loop(), on_turn, NULL))
		return 1;
	bench.agent = nta_agent_create(
		sofia.root, (const void *)"sip:127.0.0.1:*;transport=udp",
		on_stranger, NULL, NTATAG_UA(1), NTATAG_UDP_MTU(8000),
		TPTAG_UDP_RMEM(UDP_BUFFER), TAG_END());
	if (!bench.agent)
		return 1;
	uv_timer_init(uv_default_loop(), &end);
	uv_timer_start(&end, on_end, strtoul(argv[5], NULL, 10) * 1000, 0);
	for (i = 0; i < bench.wanted; i++) {
		if (subscribe(argv[1], first + i))
			return 1;
	}
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
