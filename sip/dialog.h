/* sip/dialog.h - a dialog as text, to go on with it after a restart. For the
 * files of sip/ only. */
#ifndef LF_SIP_DIALOG_H
#define LF_SIP_DIALOG_H

#include "sip/internal.h"

#define LF_CALL_ID_SIZE 25

/* 24 random digits: nobody can guess a dialog of ours. */
void lf_sip_call_id_new(char out[LF_CALL_ID_SIZE]);

struct lf_buf;

/* Appends one line without its end. */
int lf_sip_dialog_save(nta_leg_t *leg, const char *call_id, uint32_t cseq_ahead,
		       uint32_t notify_cseq, struct lf_buf *out);

struct lf_sip_dialog_opts {
	nta_agent_t *agent;
	const char *from, *to; /* "<sip:...>" */
	nta_request_f *fn;
	void *arg;
};

/* -EINVAL: the text is damaged. `call_id` and the rest only on success. */
int lf_sip_dialog_restore(nta_leg_t **ret, const char *saved,
			  const struct lf_sip_dialog_opts *opts,
			  char call_id[LF_CALL_ID_SIZE],
			  uint32_t *ret_notify_cseq);

#endif
