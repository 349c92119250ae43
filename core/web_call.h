/*
 * core/web_call.h - one HTTP request until its answer is written, as the
 * files see it that carry it:
 *
 *     web.c        request -> (body) -> the route's function
 *     web_route.c  which function that is
 *     web_hold.c   keeps the client while the answer takes its time
 *     web_answer.c lf_web_answer() -> headers -> body, as the client reads
 */
#ifndef LF_CORE_WEB_CALL_H
#define LF_CORE_WEB_CALL_H

#include "core/buf.h"
#include "core/web.h"

struct lf_web_call {
	struct lf_web *web;
	struct lws *wsi;
	struct lf_chore holding;
	struct lf_web_watch *watch; /* NULL: reading, or no memory for one */
	lf_web_fn *fn;              /* NULL: we refuse with `refusal` */
	void *fn_arg;
	const char *method;
	char *path;
	size_t body_len; /* promised by the client */
	struct lf_buf body, out;
	struct lf_buf headers; /* "name:value", NUL after each */
	struct lf_list texts;
	char peer[LF_ADDRESS_SIZE];
	void (*on_gone)(void *arg);
	void *gone_arg;
	size_t out_off;
	int status, refusal;
	bool is_answered, is_dispatched, is_held, has_sent_headers;
	bool had_its_turn;
};

/* ---- web_route.c; sets fn, or returns the status to refuse with */
int lf_web_choose_route(struct lf_web_call *call);

/* ---- web_hold.c */
void lf_web_hold_init(struct lf_web_call *call);
/* From the end of the turn on, until lf_web_go_on(). */
void lf_web_hold(struct lf_web_call *call);
/* There is something to write; held again while the client does not read. */
void lf_web_go_on(struct lf_web_call *call);
void lf_web_hold_done(struct lf_web_call *call);

#endif
