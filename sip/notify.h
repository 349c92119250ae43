/*
 * sip/notify.h - we are the notifier (RFC 6665): others subscribe to us.
 *
 *     handler of SUBSCRIBE (lf_sip_on_request)
 *       -> lf_sip_notifier_accept()   200 with Expires and our tag
 *       -> lf_sip_notifier_send()     NOTIFY; one in flight, the latest waits
 *     on_refresh()                    a SUBSCRIBE inside the dialog
 *     on_gone()                       the watcher is no more
 *
 * Which lane a NOTIFY takes (sofia's transaction, or a thinner one of ours)
 * is decided below this header (ARCHITECTURE section 5).
 */
#ifndef LF_SIP_NOTIFY_H
#define LF_SIP_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/subscribe.h"

struct lf_sip_notifier; /* opaque: see notify.c */
struct lf_sip_request;

struct lf_sip_notifier_ops {
	/*
	 * SUBSCRIBE in the dialog; expires_s 0 asks to end, LF_SIP_ABSENT
	 * leaves it to you. Answer it with lf_sip_notifier_answer(), then
	 * send the state.
	 */
	void (*on_refresh)(struct lf_sip_notifier *n,
			   struct lf_sip_request *req, uint32_t expires_s,
			   void *arg);
	/* A NOTIFY's final answer; 408 for silence. */
	void (*on_result)(struct lf_sip_notifier *n, int status, void *arg);
};

struct lf_sip_notify_out {
	enum lf_sip_substate state;
	enum lf_sip_reason reason;         /* with TERMINATED */
	uint32_t expires_s, retry_after_s; /* or LF_SIP_ABSENT */
	const char *content_type;          /* NULL: no body */
	const char *body;
	size_t len;
	bool without_expires; /* as CUCM does; for simulators */
};

/*
 * Consumes the request when it returns 0. -EPROTO: no Event or no Contact;
 * answer it with 400.
 */
int lf_sip_notifier_accept(struct lf_sip_notifier **ret,
			   struct lf_sip_request *req, int status,
			   uint32_t expires_s,
			   const struct lf_sip_notifier_ops *ops, void *arg);
void lf_sip_notifier_answer(struct lf_sip_notifier *n,
			    struct lf_sip_request *req, int status,
			    const char *phrase, uint32_t expires_s);
/*
 * Copies. While one is in flight the newest replaces the one that waits.
 * -EPIPE: LF_SUB_TERMINATED was sent before.
 */
int lf_sip_notifier_send(struct lf_sip_notifier *n,
			 const struct lf_sip_notify_out *out);
const char *lf_sip_notifier_event(const struct lf_sip_notifier *n);
/*
 * Silent, local; but a NOTIFY already given to lf_sip_notifier_send() still
 * leaves. NULL is fine.
 */
void lf_sip_notifier_free(struct lf_sip_notifier *n);

#endif
