/* chat/rest.h - what the REST and SOAP files share. */
#ifndef LF_CHAT_REST_H
#define LF_CHAT_REST_H

#include "chat/internal.h"

struct lf_web_call;

/* The answer in JSON, not to be stored, with the CORS headers. */
void lf_chat_answer(struct lf_chat *chat, struct lf_web_call *call, int status,
		    const struct lf_buf *body);
/* The error envelope; 400, 429 or 500 by its code. */
void lf_chat_answer_error(struct lf_chat *chat, struct lf_web_call *call,
			  const char *method, enum lf_chat_error code);

/* callback.c: the body was checked to be an object. */
void lf_chat_callback_call(struct lf_chat *chat, struct lf_web_call *call,
			   const json_t *body);
int lf_chat_soap_open(struct lf_chat *chat);

#endif
