/*
 * sim/pbx.h - a PBX with phones: answers SUBSCRIBE for presence and dialog,
 * sends NOTIFYs when a phone moves, lives through a working day, and fails on
 * request. On core/ and sip/ only; knows nothing of the code under test.
 */
#ifndef LF_SIM_PBX_H
#define LF_SIM_PBX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "sim/phone.h"

struct lf_timers;
struct pbx; /* opaque: see pbx.c */

struct pbx_opts {
	const char *address;
	uint16_t port;         /* 0: the kernel picks */
	const char *tls_dir;   /* NULL: UDP and TCP only */
	unsigned first, count; /* extensions first, first+1, ... */
	enum dialect dialect;
	unsigned expires_s; /* longest subscription granted */
	bool is_open_day;   /* phones move on their own */
	unsigned speed;     /* so many times faster than life */
	unsigned seed;
};

int pbx_new(struct pbx **ret, struct lf_timers *timers,
	    const struct pbx_opts *opts);
void pbx_close(struct pbx *pbx); /* the loop then runs empty */
uint16_t pbx_port(const struct pbx *pbx);
uint16_t pbx_tls_port(const struct pbx *pbx); /* 0: none */

struct phone *pbx_phone(struct pbx *pbx, const char *ext); /* or NULL */
struct phone *pbx_phone_at(struct pbx *pbx, size_t i);     /* or NULL */

/* The phone has moved: everybody who subscribed is told. */
void pbx_moved(struct pbx *pbx, struct phone *phone);

struct pbx_faults {
	int refuse_status;     /* 0: none; the answer to each SUBSCRIBE */
	unsigned refuse_count; /* how many more; 0: all */
	unsigned late_ms;      /* NOTIFYs wait this long */
	bool is_duplicate;     /* each NOTIFY is sent twice */
	bool is_replay;        /* and once more with an older version */
};
struct pbx_faults *pbx_faults(struct pbx *pbx);

/* Forgets every subscription and drops every connection, as a restart. */
int pbx_restart(struct pbx *pbx);
/* Takes packets and answers nothing for so long, then is a restarted PBX. */
int pbx_silence(struct pbx *pbx, unsigned seconds);

struct pbx_counts {
	size_t phones, subscriptions;
	uint64_t subscribes, refreshes, refused, notifies, answered, failed;
};
void pbx_counts(const struct pbx *pbx, struct pbx_counts *out);

#endif
