/*
 * sip/dialog.h - a dialog in which we ask: who, numbered how, by which way.
 * For the files of sip/ only.
 *
 * Ours and not sofia's, whose legs cost 1.7 KB each and give every NOTIFY a
 * transaction that stays for half a minute.
 */
#ifndef LF_SIP_DIALOG_H
#define LF_SIP_DIALOG_H

#include "sip/internal.h"

#define LF_CALL_ID_SIZE 25
#define LF_DIALOG_TAG_SIZE 17

struct lf_buf;

/* Zeroed: none. */
struct lf_sip_dialog {
	uint32_t cseq;                 /* of our last request */
	char call_id[LF_CALL_ID_SIZE]; /* stays readable after the end */
	char tag[LF_DIALOG_TAG_SIZE];  /* ours; "": no dialog */
	char *peer; /* its tag, target and route set, each with its NUL; NULL:
		     * nobody has answered */
};

/* Random names of its own: nobody can guess a dialog of ours. */
void lf_sip_dialog_begin(struct lf_sip_dialog *d);
void lf_sip_dialog_end(struct lf_sip_dialog *d);

/* The peer's; "" while it is not known. */
const char *lf_sip_dialog_peer_tag(const struct lf_sip_dialog *d);
/* A request of the peer's belongs here, be it the first. */
bool lf_sip_dialog_is(const struct lf_sip_dialog *d, const sip_t *request);
/*
 * Takes in what the peer said: the first message names its tag and the route
 * set, each may move the target. -ENOMEM, -E2BIG: all is as before.
 */
int lf_sip_dialog_learn(struct lf_sip_dialog *d, const sip_t *message);

/* What a request inside it, or one that begins it, is made from. */
struct lf_sip_dialog_ask {
	sip_method_t method;
	const char *method_name;
	const char *from, *to; /* "<sip:...>" */
	const char *uri;       /* to send to while no target is known */
};
/* The next request: its line, From, To, Call-ID, CSeq, Route. */
int lf_sip_dialog_write(struct lf_sip_dialog *d, msg_t *msg, sip_t *sip,
			const struct lf_sip_dialog_ask *ask);

/* Appends it as one line without its end; see dialog.c. */
int lf_sip_dialog_save(const struct lf_sip_dialog *d, uint32_t cseq_ahead,
		       uint32_t notify_cseq, struct lf_buf *out);
/* -EINVAL: the text is damaged. `d` is zeroed, and set on success only. */
int lf_sip_dialog_restore(struct lf_sip_dialog *d, const char *saved,
			  uint32_t *ret_notify_cseq);

#endif
