/*
 * sip/lane.h - inside a notifier, and the lanes its NOTIFYs leave by
 * (docs/architecture.md). For the files of sip/ only.
 *
 *     notify.c decides when: one in flight, the latest waits
 *     watcher.c knows the dialog, head.c writes its part of a NOTIFY
 *     a lane decides how:    a thin transaction of ours, straight to a UDP
 *                            watcher (express.c); sofia's over TCP, for what
 *                            is too large for that (tcp_lane.c); sofia's
 *                            over whatever there is (lane.c)
 */
#ifndef LF_SIP_LANE_H
#define LF_SIP_LANE_H

#include "sip/internal.h"
#include "sip/notify.h"

#define LF_TAG_SIZE 17        /* 16 hexadecimal digits */
#define LF_SIP_UDP_MAX 1300   /* RFC 3261, 18.1.1: more is not for UDP */
#define LF_SIP_TCP_ROOM 60000 /* of a body, where it may be large */

struct lf_sip_body {
	unsigned refs;
	size_t len;
	char bytes[]; /* Content-Type, Content-Length, empty line, bytes */
};

/* One NOTIFY that is to be sent, or waits. */
struct lf_sip_news {
	struct lf_sip_body *body; /* NULL: none */
	uint32_t expires_s, retry_after_s;
	uint8_t state, reason;
	bool without_expires;
};

/* A piece of the head. */
struct lf_sip_slice {
	uint16_t at, len;
};

/* Does a watcher on UDP take TCP for what is large? */
enum lf_tcp { LF_TCP_UNKNOWN, LF_TCP_TAKEN, LF_TCP_REFUSED };

/* They are asked in this order. */
enum lf_lane_index { LF_LANE_EXPRESS, LF_LANE_TCP, LF_LANE_NTA, LF_LANES };

struct lf_sip_notifier {
	struct lf_list node; /* in lf_sip.notifiers, or .leaving */
	struct lf_sip *sip;
	const struct lf_sip_notifier_ops *ops; /* NULL: freed by its owner */
	void *arg;
	const struct lf_sip_lane *lane; /* of the one in flight; NULL: none */
	void *flight;                   /* the lane's */
	struct lf_sip_news *waiting;

	/* The dialog: our tag is its key in lf_sip.dialogs. */
	char tag[LF_TAG_SIZE];
	uint8_t transport;      /* enum lf_sip_transport, of the SUBSCRIBE */
	bool is_terminated : 1; /* the last NOTIFY was given to us */
	bool is_direct : 1;     /* UDP, and its Contact is where it came from */
	bool is_answered : 1;   /* the last SUBSCRIBE was */
	bool has_route : 1;
	uint8_t was : 2; /* which way the last NOTIFY went: enum lf_lane_index
			  */
	uint8_t tcp : 2; /* enum lf_tcp */
	uint16_t answer_status;
	uint32_t answer_expires_s;
	uint32_t cseq;         /* of our last NOTIFY */
	uint32_t refresh_cseq; /* of the last SUBSCRIBE */
	union lf_sip_address source, target;
	/*
	 * The NOTIFY's head, rendered once:
	 *     start   "NOTIFY target SIP/2.0\r\n"
	 *     via     "Via: ...;branch="
	 *     dialog  "\r\n"-ended lines that never change: From, To, Call-ID,
	 *             Event, Require, Route
	 *     rest    Max-Forwards, Contact, User-Agent
	 */
	char *head;
	struct lf_sip_slice start, via, dialog, rest;
	struct lf_sip_slice uri, call_id, remote_tag, contact;
	char *event;
};

struct lf_sip_lane {
	const char *name;
	/*
	 * -ENOTSUP: this watcher is not for this lane, the next is asked. After
	 * 0 lf_sip_notifier_done() is called once, later, unless forgotten.
	 */
	int (*send)(struct lf_sip_notifier *n, const struct lf_sip_news *news);
	/* Goes on retransmitting, if it can, but tells nobody. */
	void (*forget)(struct lf_sip_notifier *n);
};

extern const struct lf_sip_lane lf_sip_nta_lane;
extern const struct lf_sip_lane lf_sip_tcp_lane;
extern const struct lf_sip_lane lf_sip_express_lane;

/* From a lane: the final status, 408 for silence. May free `n`. */
void lf_sip_notifier_done(struct lf_sip_notifier *n, int status);
/* From a lane that cannot after all; it must refuse the next time. May free
 * `n`. */
void lf_sip_notifier_again(struct lf_sip_notifier *n,
			   const struct lf_sip_news *news);

/* ---- lane.c ---- */
/* The request for sofia, which adds its own Via. NULL: no memory. */
msg_t *lf_sip_lane_message(const struct lf_sip_notifier *n,
			   const struct lf_sip_news *news);
/* What is left for a lf_sip_body in a datagram. */
size_t lf_sip_datagram_room(const struct lf_sip_notifier *n);

/* ---- watcher.c: the dialog ---- */

/* Our tag for a SUBSCRIBE that begins a dialog: the same for each copy. */
void lf_sip_watcher_tag(const struct lf_sip *sip, const sip_t *request,
			char out[LF_TAG_SIZE]);
/* Fills the dialog from the SUBSCRIBE. -EPROTO: no Contact, no Event. */
int lf_sip_watcher_begin(struct lf_sip_notifier *n,
			 const struct lf_sip_request *req);
/* RFC 6665, 4.4.1: a SUBSCRIBE in the dialog moves its target. */
int lf_sip_watcher_refresh(struct lf_sip_notifier *n,
			   const struct lf_sip_request *req);
/* The lines of our answer to a SUBSCRIBE; in one of success our Contact. */
void lf_sip_watcher_answer(const struct lf_sip_notifier *n, bool is_success,
			   uint32_t expires_s, char *out, size_t size);
/* The request is of this dialog. */
bool lf_sip_watcher_is(const struct lf_sip_notifier *n, const sip_t *request);
void lf_sip_watcher_done(struct lf_sip_notifier *n);
/* From the text of lf_sip_notifier_save(). -EINVAL: damaged. */
int lf_sip_watcher_restore(struct lf_sip_notifier *n, const char *saved,
			   size_t len);

/* ---- head.c: its text in a NOTIFY ---- */
#define LF_SIP_HEAD_MAX 4096

/* What a head is made from; texts without line ends. */
struct lf_sip_head_parts {
	const char *uri; /* the target */
	const char *dialog;
	size_t dialog_len;
	const char *event;
};
/* Replaces `n->head`, whose texts the parts may be. -E2BIG, -ENOMEM. */
int lf_sip_head_render(struct lf_sip_notifier *n,
		       const struct lf_sip_head_parts *parts);

/* CSeq and Subscription-State lines; returns their length. */
#define LF_SIP_STATE_MAX 160
size_t lf_sip_news_lines(char out[LF_SIP_STATE_MAX], uint32_t cseq,
			 const struct lf_sip_news *news);

/* ---- express.c ---- */
int lf_sip_express_open(struct lf_sip *sip);
void lf_sip_express_flush(struct lf_sip *sip); /* at the end of a turn */
void lf_sip_express_close(struct lf_sip *sip); /* before the loop closes */
void lf_sip_express_free(struct lf_sip *sip);
/* An answer of nobody else's: perhaps to a NOTIFY of the express lane. */
void lf_sip_express_stray(struct lf_sip *sip, int status, const char *branch);

#endif
