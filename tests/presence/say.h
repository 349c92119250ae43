/* tests/presence/say.h - documents that a peer might send in a NOTIFY. */
#ifndef LF_TESTS_PRESENCE_SAY_H
#define LF_TESTS_PRESENCE_SAY_H

#include <stdint.h>

struct lf_sip_sub;

/* dialog-info with one dialog, "terminated", "early" or "confirmed". */
void say_line(struct lf_sip_sub *sub, unsigned version, const char *state);
void say_line_expires(struct lf_sip_sub *sub, unsigned version,
		      const char *state, uint32_t expires_s);
void say_partial(struct lf_sip_sub *sub, unsigned version, const char *state);
/* PIDF */
void say_open(struct lf_sip_sub *sub);
void say_closed(struct lf_sip_sub *sub);

#endif
