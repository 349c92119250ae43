/*
 * sip/sub.h - one subscription of ours, as subscribe.c (when we ask) and
 * notified.c (when we are told) see it. For these two only.
 */
#ifndef LF_SIP_SUB_H
#define LF_SIP_SUB_H

#include "sip/peer.h"
#include "sip/subscribe.h"

#define LF_SUB_HEARD 4

struct lf_sip_sub {
	struct lf_list node; /* leaving, in its trunk */
	struct lf_sip_trunk *trunk;
	const struct lf_sip_sub_ops *ops; /* NULL: leaving */
	void *arg;
	struct lf_sip_ask *ask;      /* the answer that is outstanding */
	const char *event, *accept;  /* the trunk's */
	uint32_t asked_s;            /* Expires of the last SUBSCRIBE */
	struct lf_sip_dialog dialog; /* its tag is the key in lf_sip.subs */
	uint32_t notify_cseq;
	uint32_t heard[LF_SUB_HEARD]; /* NOTIFYs we said 200 to: hashes */
	bool is_list : 1;
	bool has_dialog : 1; /* the peer keeps a subscription for us */
	bool has_notify : 1; /* notify_cseq is set */
	bool was_swept : 1;  /* leaving, and seen by one sweep */
	uint8_t n_heard;
	char uri[];
};

void lf_sip_sub_end_dialog(struct lf_sip_sub *sub);
/* Nobody's any more, and gone at the peer or given up. */
void lf_sip_sub_destroy(struct lf_sip_sub *sub);

#endif
