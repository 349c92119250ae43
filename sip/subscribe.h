/*
 * sip/subscribe.h - we are the subscriber (RFC 6665; RFC 3265 peers too).
 *
 *     lf_sip_subscribe()  --SUBSCRIBE-->        (waits for the trunk's pacing)
 *     on_response()       <--200 / 4xx--
 *     on_notify()         <--NOTIFY----         (may come before the 200)
 *                          --200------>
 *
 * Handled inside: transactions, digest, route sets, CSeq, 481 to NOTIFYs of
 * other forks and of dialogs we do not know, retransmissions. When to ask
 * again is the caller's policy (presence/watch.c).
 */
#ifndef LF_SIP_SUBSCRIBE_H
#define LF_SIP_SUBSCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_buf;
struct lf_sip_sub; /* opaque: see subscribe.c */
struct lf_sip_trunk;

#define LF_SIP_ABSENT UINT32_MAX /* the header was not there */

struct lf_sip_response {
	int status; /* 200..699; 408 for silence, 503 for a failed transport */
	const char *phrase;
	uint32_t expires_s, min_expires_s, retry_after_s; /* or ABSENT */
};

enum lf_sip_substate { LF_SUB_ACTIVE, LF_SUB_PENDING, LF_SUB_TERMINATED };

/* RFC 6665, 4.2.2 */
enum lf_sip_reason {
	LF_REASON_NONE,
	LF_REASON_DEACTIVATED,
	LF_REASON_PROBATION,
	LF_REASON_REJECTED,
	LF_REASON_TIMEOUT,
	LF_REASON_GIVEUP,
	LF_REASON_NORESOURCE,
	LF_REASON_INVARIANT,
};

struct lf_sip_notify {
	enum lf_sip_substate state;
	enum lf_sip_reason reason;
	uint32_t expires_s, retry_after_s; /* or LF_SIP_ABSENT */
	uint32_t cseq;                     /* strictly grows in a dialog */
	const char *content_type; /* with parameters; "" without a body */
	const char *body;
	size_t len;
};

struct lf_sip_sub_ops {
	/* The answer to the last lf_sip_subscribe(). */
	void (*on_response)(struct lf_sip_sub *sub,
			    const struct lf_sip_response *response, void *arg);
	void (*on_notify)(struct lf_sip_sub *sub,
			  const struct lf_sip_notify *notify, void *arg);
};

struct lf_sip_sub_opts {
	const char *uri;   /* the presentity: "sip:200@pbx.example" */
	const char *event; /* "presence", "dialog", "message-summary" */
	const char *accept;
	bool is_list;      /* Supported: eventlist (RFC 4662) */
	const char *saved; /* from lf_sip_sub_save(): go on with that dialog */
};

/* All texts are copied. -EINVAL: no SIP URI, or `saved` is damaged. */
int lf_sip_sub_new(struct lf_sip_sub **ret, struct lf_sip_trunk *trunk,
		   const struct lf_sip_sub_opts *opts,
		   const struct lf_sip_sub_ops *ops, void *arg);

/*
 * Asks, or asks again in the dialog if there is one; expires 0 ends it (or
 * fetches once, without a dialog). -EALREADY while an answer is outstanding.
 */
int lf_sip_subscribe(struct lf_sip_sub *sub, uint32_t expires_s);

bool lf_sip_sub_has_dialog(const struct lf_sip_sub *sub);
bool lf_sip_sub_is_waiting(const struct lf_sip_sub *sub); /* for an answer */

/* Forgets the dialog: the next lf_sip_subscribe() starts a new one. */
void lf_sip_sub_reset(struct lf_sip_sub *sub);

/*
 * The dialog as one line of text, so that a restart can go on with it. The
 * CSeq in it is `cseq_ahead` higher than the last one used: save again after
 * that many requests (RFC 3261, 12.2.1.1: CSeq must never go back).
 */
int lf_sip_sub_save(const struct lf_sip_sub *sub, uint32_t cseq_ahead,
		    struct lf_buf *out);
uint32_t lf_sip_sub_cseq(const struct lf_sip_sub *sub);

/*
 * Silent: no callback after this. A dialog that is still alive at the peer
 * is ended with SUBSCRIBE Expires: 0 in the background.
 */
void lf_sip_sub_free(struct lf_sip_sub *sub); /* NULL is fine */
/* As free, but leaves the peer's side alone (it was saved for a restart). */
void lf_sip_sub_leave(struct lf_sip_sub *sub);

const char *lf_sip_sub_call_id(const struct lf_sip_sub *sub); /* for traces */

#endif
