/*
 * tests/sip/express_rig.h - the express lane over real sockets, under a clock
 * that only the test moves, with a sendmmsg() that refuses when it says so.
 * Link with -Wl,--wrap=lf_mono_ms,--wrap=sendmmsg and $(OOM_LINK).
 */
#ifndef LF_TESTS_SIP_EXPRESS_RIG_H
#define LF_TESTS_SIP_EXPRESS_RIG_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "sip/notify.h"
#include "tests/sip/harness.h"

#define WATCHERS 400
#define LIFE_MS 32000

extern int64_t now_ms; /* what lf_mono_ms() says */

/* What the socket does. */
extern struct sending {
	int err;       /* of each call, until it is 0 */
	int then_err;  /* after the next call that went well */
	unsigned most; /* datagrams of a call; 0: as many as are given */
	unsigned calls;
	bool is_once; /* the error */
} sending;

/* The server, and the phones on one socket. */
extern struct scene {
	struct bench bench;
	struct lf_sip *sip;
	struct lf_timer pulse;
	unsigned pulses;
	struct lf_sip_notifier *all[WATCHERS];
	unsigned count, results;
	int status;
	bool frees; /* the notifier in its own callback */
	int fd;
	uint16_t port;
	struct sockaddr_in from;
	char text[4096], first[4096];
} scene;

extern const struct lf_sip_notifier_ops scene_ops;

int scene_setup(void **state);
int scene_teardown(void **state);
/* The clock moves, and what is due then has happened. */
void scene_pass(int64_t ms);
/* Whatever has arrived was read: what is sent now comes after it. */
void scene_let_it_read(void);

/* A SUBSCRIBE; `params` follow the address in its Contact. */
void scene_ask(const char *params);
struct lf_sip_notifier *scene_subscribe(const char *params); /* to its 200 */
void scene_subscribe_many(unsigned n);

int scene_notify_state(struct lf_sip_notifier *n, enum lf_sip_substate state,
		       const char *body);
void scene_notify(struct lf_sip_notifier *n, const char *body);
void scene_notify_all(const char *body);

/* The next datagram that has arrived, into scene.text. */
bool scene_take(void);
void scene_expect(const char *start);
unsigned scene_count_arrived(void);
bool scene_is_express(void);           /* did it come from the lane's port? */
const char *scene_branch(void);        /* of the NOTIFY in scene.text */
void scene_say(const char *text);      /* to where the last one came from */
void scene_answer(const char *status); /* that NOTIFY */
void scene_answer_with(const char *status, const char *its_branch);

#endif
