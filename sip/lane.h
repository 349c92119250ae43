/*
 * sip/lane.h - inside a notifier, and the seam where a thinner lane for its
 * NOTIFYs is plugged in (ARCHITECTURE, section 5). For the files of sip/ only.
 *
 *     notify.c decides when: one in flight, the latest waits
 *     a lane decides how:    sofia's transaction, or one of its own
 */
#ifndef LF_SIP_LANE_H
#define LF_SIP_LANE_H

#include "sip/internal.h"
#include "sip/notify.h"

/* One NOTIFY, copied; type and body are inside. */
struct lf_sip_notify_text {
	struct lf_sip_notify_out out;
	char bytes[];
};

struct lf_sip_notifier {
	struct lf_list node; /* in lf_sip.notifiers, or .leaving */
	struct lf_sip *sip;
	const struct lf_sip_notifier_ops *ops; /* NULL: freed by its owner */
	void *arg;
	nta_leg_t *leg;
	const struct lf_sip_lane *lane; /* of the one in flight; NULL: none */
	void *flight;                   /* the lane's */
	struct lf_sip_notify_text *waiting;
	struct sockaddr *source; /* where the SUBSCRIBE came from */
	enum lf_sip_transport transport;
	uint32_t refresh_cseq;
	bool is_terminated; /* the last NOTIFY was given to us */
	const char *event;  /* with its id; inside `texts` */
	char texts[];       /* our Contact, then the event */
};

struct lf_sip_lane {
	const char *name;
	/*
	 * -ENOTSUP: this watcher is not for this lane, the next is asked. After
	 * 0 lf_sip_notifier_done() is called once, later, unless forgotten.
	 */
	int (*send)(struct lf_sip_notifier *n,
		    const struct lf_sip_notify_text *text);
	/* Goes on retransmitting, if it can, but tells nobody. */
	void (*forget)(struct lf_sip_notifier *n);
};

extern const struct lf_sip_lane lf_sip_nta_lane;

/* From a lane: the final status, 408 for silence. May free `n`. */
void lf_sip_notifier_done(struct lf_sip_notifier *n, int status);

/* "active;expires=3600" */
void lf_sip_notify_state(char *out, size_t size,
			 const struct lf_sip_notify_out *what);

#endif
