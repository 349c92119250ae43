/*
 * tests/chat/rig.h - an engine with a clock of its own and sockets that are
 * lists of texts. Every text that leaves is checked against its schema.
 */
#ifndef LF_TESTS_CHAT_RIG_H
#define LF_TESTS_CHAT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chat/engine_internal.h"
#include "chat/schema.h"

#define RIG_SOCKETS 64

struct rig;

struct socket {
	struct lf_chat_peer peer;
	struct rig *rig;
	json_t *got; /* messages that were not looked at yet */
	int code;    /* closed with; 0: open */
	int64_t guid;
	char key[LF_CHAT_KEY_SIZE];
};

struct rig {
	struct lf_schemas *schemas;
	struct lf_chat_engine *engine;
	struct socket *sockets[RIG_SOCKETS];
	size_t n_sockets;
	uint64_t serial;
	struct lf_timer *timers[1024];
	size_t n_timers;
	int64_t mono_ms;
	unsigned saves, drops, transcribed, mails, notes, sents;
	size_t rows;         /* posts on disk */
	uint64_t asked_peer; /* find_history */
	bool is_good;        /* what check_login answers */
	unsigned keys;
	json_t *last; /* what rig_got() gave out */
};

/* Skillsets WC_Sales (queue 13) and WC_Support (14); agents "anna", "bert",
 * "carl" serve WC_Sales, "bert" WC_Support too; "vera" supervises all. */
int rig_setup(void **state);
int rig_teardown(void **state);
void rig_init(struct rig *rig);
void rig_done(struct rig *rig);
/* To be changed in place by a test. */
struct lf_chat_config *rig_config(struct rig *rig);
/* A new process: sockets are gone, everything else is read back. */
void rig_restart(struct rig *rig);

struct socket *rig_connect(struct rig *rig, bool is_agent);
/* After it was hung up: its memory. */
void rig_forget(struct socket *s);
/* `code` as the peer's close code; 0: lost. */
void rig_hang_up(struct socket *s, int code);
/* {"apiVersion":..., "body":{"method":M, REST}} */
void rig_say(struct socket *s, const char *method, const char *rest, ...)
	__attribute__((format(printf, 3, 4)));
void rig_say_raw(struct socket *s, const char *text);
/* The next message must be this; its body, valid until the next call. */
json_t *rig_got(struct socket *s, const char *type, const char *method);
#define RIG_NOTE(s, method) rig_got(s, "notification", method)
void rig_error(struct socket *s, int code);
void rig_quiet(struct socket *s); /* nothing has come */
void rig_drain(struct socket *s);
const char *rig_text(const json_t *body, const char *name);
int64_t rig_int(const json_t *body, const char *name);
bool rig_yes(const json_t *body, const char *name);

/* Time passes, timers fire. */
void rig_wait(struct rig *rig, int64_t ms);
void rig_flush(struct rig *rig);
void rig_begin(struct rig *rig); /* an event comes now; after it: rig_flush() */

/* The common beginnings. */
struct socket *rig_customer(struct rig *rig, const char *skillset);
struct socket *rig_customer_as(struct rig *rig, const char *skillset,
			       const char *email);
struct socket *rig_agent(struct rig *rig, const char *id);
void rig_ready(struct socket *agent);
/* A customer in a room of `agent`; all sockets drained. */
struct socket *rig_chat(struct rig *rig, struct socket *agent);
void rig_resume(struct socket *s, const struct socket *old);
struct socket *rig_ready_agent(struct rig *rig, const char *id); /* drained */
/* `id` comes into the room as one whom `a` consults; all drained. */
struct socket *rig_consultant(struct rig *rig, struct socket *a,
			      struct socket *c, const char *id);

/* What agents do in the room of `c`. */
void rig_talk(struct socket *agent, const struct socket *c, const char *text,
	      const char *kind);
void rig_join(struct socket *agent, const struct socket *c, const char *type);
/* operationRequest, and its success */
bool rig_operate(struct socket *s, const struct socket *c, const char *type,
		 const char *to);

#endif
