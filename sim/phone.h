/* sim/phone.h - a phone of the simulated PBX, and how dialects show it. */
#ifndef LF_SIM_PHONE_H
#define LF_SIM_PHONE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"

struct lf_buf;

enum phone_state {
	PHONE_OFFLINE,
	PHONE_IDLE,
	PHONE_RINGING,
	PHONE_BUSY,
	PHONE_HELD,
	PHONE_STATES
};

enum dialect {
	DIALECT_PLAIN,      /* RFC 3863 with RPID */
	DIALECT_CUCM,       /* Cisco Unified Communications Manager */
	DIALECT_CUP,        /* Cisco IM and Presence */
	DIALECT_ASTERISK,   /* res_pjsip hints */
	DIALECT_FREESWITCH, /* mod_sofia */
	DIALECTS
};

struct phone {
	char ext[32];
	enum phone_state state;
	bool is_dnd;
	char peer[32];  /* the other end of its call, "" for none */
	char stamp[32]; /* free text that goes into the note, "" for none */
	unsigned calls; /* made so far: dialog ids are never reused */
	struct lf_list subs;
	void *pbx;
};

const char *phone_state_name(enum phone_state state);
int phone_state_parse(enum phone_state *ret, const char *word);
const char *dialect_name(enum dialect dialect);
int dialect_parse(enum dialect *ret, const char *word);

/* What this PBX would send in a NOTIFY; `domain` is its own host:port. */
void phone_write_pidf(const struct phone *phone, enum dialect dialect,
		      const char *domain, struct lf_buf *out);
void phone_write_dialog_info(const struct phone *phone, enum dialect dialect,
			     const char *domain, unsigned version,
			     struct lf_buf *out);

#endif
