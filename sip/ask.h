/*
 * sip/ask.h - one request of ours to a trunk's peer: waits for its turn, is
 * sent, answers digest challenges, ends with one final status. For the files
 * of sip/ only.
 */
#ifndef LF_SIP_ASK_H
#define LF_SIP_ASK_H

#include "sip/internal.h"

struct lf_sip_ask;

struct lf_sip_ask_ops {
	sip_method_t method;
	const char *method_name;
	bool is_urgent; /* a probe: not paced, and sent to a dead peer too */
	/* Everything but credentials; lf_sip_dialog_write() is most of it. */
	int (*build)(void *arg, msg_t *msg, sip_t *sip);
	/*
	 * `answer` is NULL when nobody answered: 408 for silence, 503 for a
	 * failed transport. The ask is gone afterwards.
	 */
	void (*done)(void *arg, int status, const sip_t *answer);
};

int lf_sip_ask(struct lf_sip_ask **ret, struct lf_sip_trunk *trunk,
	       const struct lf_sip_ask_ops *ops, void *arg);
bool lf_sip_ask_is_sent(const struct lf_sip_ask *ask);
/* No done() any more. What is on its way keeps its place in the pacing. */
void lf_sip_ask_forget(struct lf_sip_ask *ask);

/* ---- for trunk.c ---- */
/* Sends as many as the pacing allows. */
void lf_sip_asks_pump(struct lf_sip_trunk *trunk);
void lf_sip_asks_init(struct lf_sip_trunk *trunk);
void lf_sip_asks_free(struct lf_sip_trunk *trunk);

#endif
