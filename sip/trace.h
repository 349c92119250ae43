/*
 * sip/trace.h - the last SIP messages, in one bounded ring, for people who
 * ask why. Passwords and digests are masked before they enter the ring.
 */
#ifndef LF_SIP_TRACE_H
#define LF_SIP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_sip;

#define LF_SIP_TRACE_TEXT 4096 /* a longer message is cut, and says so */

struct lf_sip_trace {
	int64_t wall_ms;
	bool is_out;
	const char *peer; /* "udp 10.0.0.1:5060" */
	const char *text; /* start line, headers, body */
};

typedef void lf_sip_trace_fn(const struct lf_sip_trace *message, void *arg);

/* The newest `max` messages of a dialog, oldest first; returns how many. */
size_t lf_sip_trace(struct lf_sip *sip, const char *call_id, size_t max,
		    lf_sip_trace_fn *fn, void *arg);

#endif
