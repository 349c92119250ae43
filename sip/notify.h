/*
 * sip/notify.h - we are the notifier (RFC 6665): others subscribe to us.
 *
 *     handler of SUBSCRIBE (lf_sip_on_request)
 *       -> lf_sip_notifier_accept()   200 with Expires and our tag
 *       -> lf_sip_notifier_send()     NOTIFY; one in flight, the latest waits
 *     on_refresh()                    a SUBSCRIBE inside the dialog
 *     on_result()                     a NOTIFY's answer; 408 for none
 *
 * Which lane a NOTIFY takes (sofia's transaction, or a thinner one of ours)
 * is decided below this header (docs/architecture.md).
 */
#ifndef LF_SIP_NOTIFY_H
#define LF_SIP_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/subscribe.h"

struct lf_buf;
struct lf_sip;
struct lf_sip_body;     /* opaque: see body.c */
struct lf_sip_notifier; /* opaque: see notify.c */
struct lf_sip_request;

/*
 * What many NOTIFYs say: rendered once, shared, copied only into datagrams.
 * One reference belongs to who made it.
 */
int lf_sip_body_new(struct lf_sip_body **ret, const char *content_type,
		    const char *data, size_t len);
struct lf_sip_body *lf_sip_body_ref(struct lf_sip_body *body);
struct lf_sip_body *lf_sip_body_unref(struct lf_sip_body *body); /* NULL */

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
	/* "eventlist": goes with the 200 and each NOTIFY; NULL: nothing. */
	const char *require;
	/*
	 * A SUBSCRIBE of this dialog: does the watcher send it, or somebody who
	 * knows its tags? To him there is no such dialog (481), and nothing
	 * moves. NULL: whoever may ask.
	 */
	bool (*is_watcher)(const struct lf_sip_notifier *n,
			   const struct lf_sip_request *req, void *arg);
};

struct lf_sip_notify_out {
	enum lf_sip_substate state;
	enum lf_sip_reason reason;         /* with TERMINATED */
	uint32_t expires_s, retry_after_s; /* or LF_SIP_ABSENT */
	const char *content_type;          /* NULL: no body */
	const char *body;
	size_t len;
	struct lf_sip_body *shared; /* instead of these three */
	bool without_expires;       /* as CUCM does; for simulators */
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
bool lf_sip_notifier_is_busy(const struct lf_sip_notifier *n); /* in flight */
const char *lf_sip_notifier_event(const struct lf_sip_notifier *n);
/* Where the watcher is: "sip:w@192.0.2.7:5060". */
const char *lf_sip_notifier_target(const struct lf_sip_notifier *n);
/* How the last NOTIFY went: "express", "udp", "tcp", "tls". */
const char *lf_sip_notifier_transport(const struct lf_sip_notifier *n);
/*
 * Bytes of Content-Type, Content-Length and body that travel well: what fits a
 * datagram, or more where there is TCP. A larger one goes over TCP all the
 * same if the watcher takes that, else in fragments.
 */
size_t lf_sip_notifier_room(const struct lf_sip_notifier *n);

/*
 * The dialog as bytes, to go on with after a restart. The CSeq in it is
 * `cseq_ahead` higher than the last one used: save again after that many
 * NOTIFYs, so that it never goes back (RFC 3261, 12.2.1.1).
 */
int lf_sip_notifier_save(const struct lf_sip_notifier *n, uint32_t cseq_ahead,
			 struct lf_buf *out);
uint32_t lf_sip_notifier_cseq(const struct lf_sip_notifier *n);
/* -EINVAL: damaged; -EEXIST: it is there already. */
int lf_sip_notifier_restore(struct lf_sip_notifier **ret, struct lf_sip *sip,
			    const char *saved, size_t len,
			    const struct lf_sip_notifier_ops *ops, void *arg);
/*
 * Silent, local; but a NOTIFY already given to lf_sip_notifier_send() still
 * leaves. NULL is fine.
 */
void lf_sip_notifier_free(struct lf_sip_notifier *n);

#endif
