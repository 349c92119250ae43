/*
 * tests/presence/agent_rig.h - the presence server over fakes of everything
 * below: a board with one feed that knows what the test says; users u1..u3,
 * anna (200), bruno (201), carla (202) at corp.example; a trusted watcher.
 *
 * Every NOTIFY is read: in no dialog may CSeq or a document's version repeat
 * or go back, whatever a test does, restarts included.
 */
#ifndef LF_TESTS_PRESENCE_AGENT_RIG_H
#define LF_TESTS_PRESENCE_AGENT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "presence/agent.h"
#include "presence/board.h"
#include "tests/fake_directory.h"
#include "tests/fake_notify.h"
#include "tests/fake_store.h"
#include "tests/fake_timers.h"

#define ANNA "sip:anna@corp.example"
#define BRUNO "sip:bruno@corp.example"

struct agent_rig {
	struct lf_timers *timers;
	struct lf_board *board;
	struct lf_agent *agent;
	int feed;
	struct lf_person *persons[4]; /* watched; by the digit of their id */
	uint8_t tel[4];               /* what the PBX says: enum lf_tel */
	uint8_t rich[4];
	bool is_silent; /* the PBX has not answered yet */
	unsigned logged;
};

int agent_setup(void **state);
int agent_teardown(void **state);
/* In pieces, for the out-of-memory sweep. */
int agent_begin(struct agent_rig *rig);
void agent_end(struct agent_rig *rig);

/* Do not read the NOTIFYs: the test turns time back. */
void agent_forgive(bool does);

/* Stopped and started again; or killed, with what the store did not answer. */
void agent_restart(struct agent_rig *rig);
void agent_kill(struct agent_rig *rig);
/* The store answers, the feeds too: everybody was told. */
void agent_wake(struct agent_rig *rig);

/* The PBX says; the turn ends. */
void agent_line(struct agent_rig *rig, const char *user_id, uint8_t tel);
void agent_rich(struct agent_rig *rig, const char *user_id, uint8_t rich);
void agent_set(const char *name, const char *value); /* a setting */
/* A list is put: addresses with spaces between; NULL: it is removed. It is
 * followed when time passes. */
void agent_list(struct agent_rig *rig, const char *name, const char *uris);

/* SUBSCRIBE that is accepted: its dialog. The NOTIFY is in flight. */
struct lf_sip_notifier *agent_watch(const char *uri, const char *event,
				    const char *headers);
/* The same, and the NOTIFY was answered. */
struct lf_sip_notifier *agent_watch_well(const char *uri, const char *event);
int agent_ask(const char *uri, const char *headers); /* the status */
struct lf_agent_stats agent_stats(const struct agent_rig *rig);
bool agent_says(const struct lf_sip_notifier *n, const char *text);
long agent_version(const struct lf_sip_notifier *n); /* -1: none */

#endif
