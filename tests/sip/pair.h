/*
 * tests/sip/pair.h - two endpoints on one loop: `watcher` subscribes through
 * `trunk`, `server` accepts everything and notifies.
 */
#ifndef LF_TESTS_SIP_PAIR_H
#define LF_TESTS_SIP_PAIR_H

#include "sip/notify.h"
#include "tests/sip/harness.h"

struct pair {
	struct bench bench;
	struct lf_sip *watcher, *server;
	struct lf_sip_trunk *trunk, *back;
	struct lf_sip_sub *sub;
	struct lf_sip_notifier *notifier; /* the newest; in `all` too */
	enum lf_sip_trunk_state state;
	char why[128];

	unsigned responses, notifies, results, refreshes, subscribes;
	int status, result;
	uint32_t refresh_s;
	struct lf_sip_notify notify;
	char body[8192], type[128], user[64];
	bool is_holding;      /* the server does not answer SUBSCRIBE */
	const char *greeting; /* sent as the first NOTIFY of each */
	size_t greeting_len;
	struct lf_sip_notifier *all[512];
	unsigned all_count;
	struct lf_sip_request *held[512];
	unsigned held_count;
};

struct pair_opts {
	enum lf_sip_transport transport;
	const char *address;  /* NULL: 127.0.0.1 */
	const char *tls_dir;  /* of both */
	const char *password; /* the watcher's; the server knows "secret" */
	bool has_users;       /* the server has no trunk, but digest */
	unsigned max_in_flight;
};

void pair_open(struct pair *p, const struct pair_opts *opts);
void pair_close(struct pair *p);
void pair_free_notifiers(struct pair *p);
void pair_subscribe(struct pair *p, uint32_t expires_s); /* to the answer */
/* Sends from the notifier and waits for delivery and result. */
void pair_notify(struct pair *p, enum lf_sip_substate state, const char *body);

extern const struct lf_sip_sub_ops pair_sub_ops;
extern const struct lf_sip_sub_opts pair_sub_opts;

#endif
