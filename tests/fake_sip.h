/*
 * tests/fake_sip.h - drives tests/fake_sip.c, which implements sip/trunk.h and
 * sip/subscribe.h without a socket, for the unit tests of presence/.
 *
 *     lf_watch_...(trunk)                      the code under test subscribes
 *     sub = fake_sip_find("sip:200@pbx", "presence");
 *     fake_sip_respond(sub, 200, 3600);        on_response()
 *     fake_sip_notify(sub, "application/pidf+xml", body);  on_notify()
 *     fake_sip_trunk_set(trunk, LF_TRUNK_DOWN, "no answer for 8 s");
 *
 * A trunk may be made with a NULL lf_sip. All state is in this file, so a test
 * begins with fake_sip_reset().
 */
#ifndef LF_TESTS_FAKE_SIP_H
#define LF_TESTS_FAKE_SIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/subscribe.h"
#include "sip/trunk.h"

void fake_sip_reset(void); /* counters only; subs and trunks stay */

/* Subscriptions that exist now, oldest first; NULL past the end. */
size_t fake_sip_count(void);
struct lf_sip_sub *fake_sip_at(size_t i);
/* The newest one for uri and event (either may be NULL: any); or NULL. */
struct lf_sip_sub *fake_sip_find(const char *uri, const char *event);
/* The one lf_sip_subscribe() was called on last; NULL if it is gone. */
struct lf_sip_sub *fake_sip_last(void);

const char *fake_sip_uri(const struct lf_sip_sub *sub);
const char *fake_sip_event(const struct lf_sip_sub *sub);
const char *fake_sip_accept(const struct lf_sip_sub *sub);
bool fake_sip_is_list(const struct lf_sip_sub *sub);
struct lf_sip_trunk *fake_sip_trunk_of(const struct lf_sip_sub *sub);
uint32_t fake_sip_expires(const struct lf_sip_sub *sub); /* last asked for */
unsigned fake_sip_asked(const struct lf_sip_sub *sub);   /* how often */

/* Since fake_sip_reset(). */
struct fake_sip_counts {
	unsigned subscribes; /* lf_sip_subscribe() that returned 0 */
	unsigned initial;    /* of them: without a dialog */
	unsigned
		unsubscribes; /* of them: expires 0, plus frees with a dialog */
	unsigned freed, left, resets;
};
struct fake_sip_counts fake_sip_counts(void);

/* The next lf_sip_sub_new() or lf_sip_subscribe() returns this error, once. */
void fake_sip_fail_next(int err);

/*
 * The peer speaks. They assert what the header promises: an answer only while
 * one is outstanding, no NOTIFY without a question. A 2xx with expires > 0
 * makes a dialog; a NOTIFY makes one too, "terminated" and 481 end it. The
 * sub may be gone afterwards.
 */
void fake_sip_respond(struct lf_sip_sub *sub, int status, uint32_t expires_s);
void fake_sip_respond_with(struct lf_sip_sub *sub,
			   const struct lf_sip_response *response);
void fake_sip_notify(struct lf_sip_sub *sub, const char *content_type,
		     const char *body); /* active; NULL, NULL: no body */
void fake_sip_terminate(struct lf_sip_sub *sub, enum lf_sip_reason reason,
			uint32_t retry_after_s);
/* cseq 0: the next number. */
void fake_sip_notify_with(struct lf_sip_sub *sub,
			  const struct lf_sip_notify *notify);

/* A new trunk is UNKNOWN. */
void fake_sip_trunk_set(struct lf_sip_trunk *trunk,
			enum lf_sip_trunk_state state, const char *why);
void fake_sip_trunk_set_credentials(struct lf_sip_trunk *trunk, bool has);
size_t fake_sip_trunks(void);                     /* that exist now */
struct lf_sip_trunk *fake_sip_trunk_at(size_t i); /* oldest first, or NULL */
const char *fake_sip_trunk_host(const struct lf_sip_trunk *trunk);
uint16_t fake_sip_trunk_port(const struct lf_sip_trunk *trunk);

#endif
