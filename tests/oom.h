/*
 * tests/oom.h - the out-of-memory sweep.
 *
 * Link a test with tests/oom.c and $(OOM_LINK): every malloc, calloc,
 * realloc, strdup and strndup of our code (not of shared libraries) then goes
 * through here. A library with a hook can be made to follow, since the names
 * mean ours in the test's own code too:
 *
 *     json_set_alloc_funcs(malloc, free);
 *     xmlMemSetup(free, malloc, realloc, strdup);
 *
 * Leaks and half-built objects are for the sanitizer to see.
 */
#ifndef LF_TESTS_OOM_H
#define LF_TESTS_OOM_H

#include <stdbool.h>

/*
 * One complete life: make, use, free. 0 if it went well; -ENOMEM if memory
 * ran out, with everything freed and nothing half done.
 */
typedef int lf_oom_fn(void *arg);

/*
 * Calls `run` with its 1st allocation failing, then the 2nd, ... until nothing
 * is left to fail and it returns 0; and all over with each failure lasting to
 * the end of the run. A run that meets a failure must return -ENOMEM. Returns
 * the number of allocations swept, so that a test can see there were some.
 */
unsigned lf_oom_sweep(lf_oom_fn *run, void *arg);

/*
 * Did an allocation of this run fail? For a library that can do without some:
 * check that nothing is missing, then return -ENOMEM for it.
 */
bool lf_oom_has_failed(void);

#endif
