/*
 * console/throttle.c - a token bucket that is one number: the time until
 * which the tokens taken so far are paid for.
 */
#include "console/internal.h"

#include "core/banned.h"

int64_t lf_bucket_take(struct lf_bucket *bucket, unsigned rate, unsigned burst,
		       int64_t now_ms)
{
	/* Times `rate`, so that a token is a whole number. */
	const int64_t now = now_ms * rate, debt = (int64_t)burst * 1000;

	if (bucket->paid_until < now)
		bucket->paid_until = now;
	if (bucket->paid_until + 1000 > now + debt)
		return (bucket->paid_until + 1000 - now - debt) / rate + 1;
	bucket->paid_until += 1000;
	return 0;
}
