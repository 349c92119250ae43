/*
 * tests/fake_notify.h - drives tests/fake_notify.c, which implements
 * sip/notify.h and the requests of sip/sip.h without a socket.
 *
 *     fake_ask("SUBSCRIBE", "sip:anna@lamp", "Event: dialog\n", NULL);
 *     fake_reply()->status                     what was answered
 *     n = fake_reply()->notifier;              its dialog, if one began
 *     fake_notifies(n), fake_last(n)->body     what it was sent
 *     fake_answer(n, 200);                     the watcher's answer
 *
 * It keeps what the headers promise, and asserts what they demand: every
 * request is answered once, CSeq grows.
 */
#ifndef LF_TESTS_FAKE_NOTIFY_H
#define LF_TESTS_FAKE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/notify.h"
#include "sip/sip.h"

struct lf_sip *fake_sip_endpoint(void);
/* No handler, no reply; every notifier must be gone. */
void fake_notify_reset(void);

/* ---- requests ---- */
struct fake_reply {
	int status;
	uint32_t expires_s; /* of one that notify.h gave; or LF_SIP_ABSENT */
	char headers[512];  /* "Name: value\n" of lf_sip_reply() */
	struct lf_sip_notifier *notifier; /* NULL: no dialog */
};

/* Who asks from now on: "sip:bob@corp.example", and the user whose password
 * it knew (NULL: a trusted peer). */
void fake_ask_as(const char *from, const char *user);
/* `headers`: lines ending in \n. The answer is in fake_reply(). */
void fake_ask(const char *method, const char *uri, const char *headers,
	      const char *body);
/* The same request comes again. */
void fake_ask_again(void);
/* SUBSCRIBE in the dialog. */
void fake_refresh(struct lf_sip_notifier *n, uint32_t expires_s);
const struct fake_reply *fake_reply(void);
/* The value of a header of the last reply; "" if it has none. */
const char *fake_reply_header(const char *name);
const char *fake_trusted(void); /* joined by "," */
/* The next lf_sip_set_trusted() refuses. */
void fake_refuse_trusted(void);

/* ---- NOTIFYs ---- */
#define FAKE_BODY 4096

struct fake_notify {
	uint32_t cseq, expires_s;
	enum lf_sip_substate state;
	enum lf_sip_reason reason;
	char type[128], body[FAKE_BODY];
};

size_t fake_notifiers(void); /* that exist now, with those that leave */
struct lf_sip_notifier *fake_notifier_at(size_t i); /* oldest first */
/* That were really sent: the ones replaced while they waited do not count. */
unsigned fake_notifies(const struct lf_sip_notifier *n);
const struct fake_notify *fake_last(const struct lf_sip_notifier *n);
/* The one in flight is answered; `n` may be gone then. */
void fake_answer(struct lf_sip_notifier *n, int status);
/* All that are in flight, and those that follow, are answered so. */
void fake_answer_all(int status);
/* The next `n` sends return this error. */
void fake_fail_sends(unsigned n, int err);
void fake_set_room(struct lf_sip_notifier *n, size_t bytes);
/* Each NOTIFY that is sent, to whomever. */
typedef void fake_notify_fn(const struct lf_sip_notifier *n,
			    const struct fake_notify *notify);
void fake_on_notify(fake_notify_fn *fn);
const char *fake_call_id(const struct lf_sip_notifier *n);

#endif
