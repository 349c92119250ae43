/* tests/oom.c - the out-of-memory sweep, by the linker's --wrap. */
#include "tests/oom.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/banned.h"

#define TOO_MANY 100000 /* a sweep that does not end is a test's bug */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

static unsigned seen, fail_at; /* fail_at 0: nothing fails */
static bool fails_on, has_failed;

static bool is_to_fail(void)
{
	if (!fail_at)
		return false;
	seen++;
	if (seen != fail_at && !(fails_on && seen > fail_at))
		return false;
	has_failed = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_to_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_to_fail() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_to_fail() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return is_to_fail() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return is_to_fail() ? NULL : __real_strndup(text, len);
}

bool lf_oom_has_failed(void)
{
	return has_failed;
}

static unsigned sweep(lf_oom_fn *run, void *arg)
{
	unsigned n;
	int err;

	for (n = 1; n < TOO_MANY; n++) {
		seen = 0;
		has_failed = false;
		fail_at = n;
		err = run(arg);
		fail_at = 0;
		if (!has_failed) {
			assert_int_equal(0, err);
			return n - 1;
		}
		if (err != -ENOMEM)
			print_error("allocation %u failed, yet: %d\n", n, err);
		assert_int_equal(-ENOMEM, err);
	}
	fail_msg("the sweep does not end");
	return 0;
}

unsigned lf_oom_sweep(lf_oom_fn *run, void *arg)
{
	unsigned n;

	/* What is made once per process is no part of the sweep. */
	has_failed = false;
	assert_int_equal(0, run(arg));
	fails_on = true;
	n = sweep(run, arg);
	fails_on = false;
	/* A run that leaves larger tables behind allocates otherwise the next
	 * time, so this need not end at the same number. */
	sweep(run, arg);
	return n;
}
