/*
 * bench/sip_alone.c - subscribes to phones and forgets what it hears: what
 * sofia-sip in our loop costs without presence, store and consoles.
 *
 *     sip_alone HOST PORT FIRST COUNT SECONDS
 *
 * Prints "ready" when every phone has sent its first NOTIFY.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/timer.h"
#include "sip/subscribe.h"
#include "sip/trunk.h"

#include "core/banned.h"

static unsigned long heard, wanted;

static void on_response(struct lf_sip_sub *sub,
			const struct lf_sip_response *response, void *arg)
{
	if (response->status >= 300)
		fprintf(stderr, "sip_alone: %d %s\n", response->status,
			response->phrase);
}

static void on_notify(struct lf_sip_sub *sub,
		      const struct lf_sip_notify *notify, void *arg)
{
	if (++heard == wanted) {
		puts("ready");
		fflush(stdout);
	}
}

static const struct lf_sip_sub_ops ops = {on_response, on_notify};

static void on_end(struct lf_timer *timer, void *arg)
{
	exit(0);
}

static int subscribe(struct lf_sip_trunk *trunk, const char *host,
		     unsigned long ext)
{
	struct lf_sip_sub *sub;
	char uri[128];
	const struct lf_sip_sub_opts opts = {
		.uri = uri,
		.event = "presence",
		.accept = "application/pidf+xml",
	};

	snprintf(uri, sizeof(uri), "sip:%lu@%s", ext, host);
	if (lf_sip_sub_new(&sub, trunk, &opts, &ops, NULL))
		return 1;
	return lf_sip_subscribe(sub, 3600);
}

int main(int argc, char **argv)
{
	const struct lf_sip_opts opts = {.address = "127.0.0.1"};
	struct lf_sip_trunk_opts peer = {.name = "pbx", .uri = "w@127.0.0.1"};
	struct lf_sip_trunk *trunk;
	struct lf_timers *timers;
	struct lf_timer end;
	struct lf_sip *sip;
	unsigned long i, first;

	if (argc != 6) {
		fputs("usage: sip_alone HOST PORT FIRST COUNT SECONDS\n",
		      stderr);
		return 2;
	}
	peer.host = argv[1];
	peer.port = (uint16_t)strtoul(argv[2], NULL, 10);
	first = strtoul(argv[3], NULL, 10);
	wanted = strtoul(argv[4], NULL, 10);
	if (lf_timers_new(&timers, uv_default_loop()) ||
	    lf_sip_new(&sip, timers, &opts) ||
	    lf_sip_trunk_new(&trunk, sip, &peer, NULL, NULL))
		return 1;
	lf_timer_init(&end, on_end, NULL);
	lf_timer_start(timers, &end,
		       (int64_t)strtoul(argv[5], NULL, 10) * 1000);
	for (i = 0; i < wanted; i++) {
		if (subscribe(trunk, argv[1], first + i))
			return 1;
	}
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
