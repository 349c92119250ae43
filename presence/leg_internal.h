/* presence/leg_internal.h - what the files of a leg share: leg.c, leg_ask.c and
 * leg_told.c. Nobody else includes it. */
#ifndef LF_PRESENCE_LEG_INTERNAL_H
#define LF_PRESENCE_LEG_INTERNAL_H

#include "presence/leg.h"

struct lf_sip_sub_ops;

/* ---- leg.c ---- */
/* Tells the owner if that is news. */
void lf_leg_set_cond(struct lf_leg *leg, enum lf_cond cond, const char *hint);
void lf_leg_save(struct lf_leg *leg);
void lf_leg_unsave(struct lf_leg *leg);
/* The next SUBSCRIBE begins a new dialog, and needs its first NOTIFY. */
void lf_leg_forget_dialog(struct lf_leg *leg);

/* ---- leg_ask.c ---- */
void lf_leg_ask(struct lf_leg *leg);
/* The first failure after a good while may be repaired at once. */
void lf_leg_ask_soon(struct lf_leg *leg);
void lf_leg_start_timer(struct lf_leg *leg, int64_t delay_ms);
/* Counts; each of the next three waits the longer. */
void lf_leg_failed(struct lf_leg *leg);
void lf_leg_back_off(struct lf_leg *leg);
void lf_leg_retry_slowly(struct lf_leg *leg);
/* Theirs, within reason; never earlier than they say. */
void lf_leg_retry_after(struct lf_leg *leg, uint32_t after_s);

/* ---- leg_told.c ---- */
extern const struct lf_sip_sub_ops lf_leg_sub_ops;

#endif
