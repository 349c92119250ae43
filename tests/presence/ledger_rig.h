/*
 * tests/presence/ledger_rig.h - a ledger of small things, over a store that
 * answers when the test says so.
 */
#ifndef LF_TESTS_PRESENCE_LEDGER_RIG_H
#define LF_TESTS_PRESENCE_LEDGER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "presence/ledger.h"
#include "tests/fake_store.h"
#include "tests/fake_timers.h"

#define BUCKET "things"
#define PAGE_0 "00000000"
#define PAGE_1 "00000001"
#define THINGS (8192 * LF_LEDGER_PAGE + 1) /* one more than fit */

struct thing {
	struct lf_ledger_entry entry;
	char text[32];
};

/* A run of the program: what it keeps, and what it was told. */
extern struct run {
	struct lf_timers *timers;
	struct lf_ledger *ledger;
	struct thing *things;
	size_t count;
	const char *unwanted; /* not kept when it is read */
	char read[4096];      /* in the order of reading */
	unsigned ready;
	unsigned asked_when_ready;
	unsigned errors; /* that were logged */
} run;

extern const struct lf_ledger_ops run_ops;

int run_setup(void **state);
int run_teardown(void **state);
void run_begin(void);
void run_begin_and_read(void); /* and what was read is saved again */
void run_end(void);
void run_crash(void);            /* kill -9 */
void run_save(void);             /* time passes, and the store answers */
void run_save_three_pages(void); /* a whole run */

struct thing *run_add(const char *text); /* NULL: it was refused */
void run_add_many(unsigned n);           /* "t0", "t1", ... */
struct thing *run_find(const char *text);
uint32_t run_place_of(const char *text);

#endif
