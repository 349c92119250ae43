/*
 * tests/fake_store.h - drives tests/fake_store.c: the keys of store/store.h in
 * memory. What is asked waits until the test lets the store answer, so that a
 * test can act in between, let it fail, or kill the program.
 */
#ifndef LF_TESTS_FAKE_STORE_H
#define LF_TESTS_FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct lf_store *fake_store(void); /* the only one */
void fake_store_reset(void);       /* empty, and nothing is asked */

/* Does and answers what was asked until now, in order. */
void fake_store_answer(void);
size_t fake_store_asked(void); /* not answered yet */
/* kill -9: what was not answered never happens, and so is what the program
 * asks while the test clears it away; until fake_store_revive(). */
void fake_store_kill(void);
void fake_store_revive(void);

/* The next `n` puts and dels are answered with `err`, and change nothing. */
void fake_store_fail(unsigned n, int err);
/* The next `n` calls return `err`, and never call back. */
void fake_store_refuse(unsigned n, int err);
unsigned fake_store_writes(void); /* puts and dels that were answered with 0 */

/* What is stored; NULL: nothing. */
const char *fake_store_value(const char *bucket, const char *key,
			     size_t *ret_len);
void fake_store_set(const char *bucket, const char *key, const char *value,
		    size_t len);
size_t fake_store_keys(const char *bucket);

#endif
