/*
 * presence/leg.h - one subscription at one peer, kept alive: the ladder that
 * leg.c begins with. Inside presence/ only.
 *
 *     owner (watch.c, roster.c)  --lf_leg_start()-->  leg  --> sip/subscribe.h
 *       <-- on_document(), on_change(), on_refused() --
 *     peer.c: is the trunk up, has the peer forgotten us, has it gone silent
 */
#ifndef LF_PRESENCE_LEG_H
#define LF_PRESENCE_LEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/timer.h"
#include "presence/lamp.h"

struct lf_buf;
struct lf_leg;
struct lf_peer;
struct lf_sip_notify;
struct lf_sip_sub;

enum lf_package { LF_PRESENCE, LF_DIALOG, LF_SUMMARY, LF_PACKAGES };

const char *lf_package_event(enum lf_package package); /* "presence" */

enum lf_leg_state {
	LF_LEG_OFF,
	LF_LEG_HELD,   /* the trunk is not up: nothing is sent */
	LF_LEG_ASKING, /* SUBSCRIBE is out, or waits for the pacing */
	LF_LEG_AWAIT,  /* accepted; the NOTIFY that confirms it is due */
	LF_LEG_ACTIVE,
	LF_LEG_RETRY, /* failed; asks again later */
	LF_LEG_FIXED, /* "invariant": the state will not change */
};

struct lf_leg_ops {
	/*
	 * A NOTIFY's document (len may be 0): keep what it says. -EAGAIN: one
	 * was lost, the full state is needed; -ESTALE: older than what
	 * is known; -EPROTO: not understood.
	 */
	int (*on_document)(struct lf_leg *leg,
			   const struct lf_sip_notify *notify);
	/* The next document begins anew: versions of the last dialog are
	 * void. What it said is still what is known. */
	void (*on_new_dialog)(struct lf_leg *leg);
	/* leg->cond, leg->hint, or what was kept, may have changed. */
	void (*on_change)(struct lf_leg *leg);
	/* 489: which package instead? Negative: none, this one again later. */
	int (*on_refused)(struct lf_leg *leg);
	/* Who it is about, for the saved dialog's key: a user's id. */
	const char *(*subject)(struct lf_leg *leg);
};

/* Lives in its owner. */
struct lf_leg {
	struct lf_list node; /* of peer->legs, while not OFF */
	struct lf_peer *peer;
	const struct lf_leg_ops *ops;
	struct lf_sip_sub *sub;
	struct lf_timer timer; /* by state: refresh, first NOTIFY, retry */
	int64_t asked_ms;
	const char *uri; /* the owner's */
	char *hint;      /* why cond is what it is; NULL: nothing to say */
	uint32_t granted_s, asked_s;
	uint32_t saved_cseq; /* up to here the store knows; 0: not saved */
	uint16_t epoch;      /* of the peer when it last said 2xx */
	uint8_t package, state, cond, failures;
	bool must_hear;   /* only a NOTIFY makes the value trustworthy */
	bool is_notified; /* since asked_ms */
	bool in_dialog;   /* the last SUBSCRIBE was */
};

void lf_leg_init(struct lf_leg *leg, struct lf_peer *peer,
		 const struct lf_leg_ops *ops);
/* A saved dialog of this subject and package is continued. `uri` must live
 * until it is stopped. */
int lf_leg_start(struct lf_leg *leg, enum lf_package package, const char *uri,
		 bool is_list);
/* Ends the dialog; no callback after this. */
void lf_leg_stop(struct lf_leg *leg);
/* As stop, but the dialog lives on at the peer, saved for the next start. */
void lf_leg_leave(struct lf_leg *leg);

/* Asks now unless an answer is outstanding. must_hear: see above. */
void lf_leg_refresh(struct lf_leg *leg, bool must_hear);
/* Its value is no longer worth showing (cond other than OK). */
void lf_leg_darken(struct lf_leg *leg, enum lf_cond cond, const char *hint);

const char *lf_leg_state_name(const struct lf_leg *leg);

#endif
