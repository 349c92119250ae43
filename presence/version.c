/* presence/version.c - which document may follow which. */
#include "presence/version.h"

#include <errno.h>

#include "core/banned.h"

/* Writers that always say 0 exist, and 0 is where a new count begins. */
static bool is_beginning(int64_t next, bool is_full)
{
	return is_full && next == 0;
}

int lf_version_check(struct lf_version *version, int64_t next, bool is_full)
{
	if (version->is_lost)
		return is_full ? 0 : -EAGAIN;
	if (next < 0 || version->last < 0 || is_beginning(next, is_full))
		return 0;
	if (next == version->last)
		return -ESTALE;
	if (next == version->last + 1 || (is_full && next > version->last))
		return 0;
	version->is_lost = true;
	return -EAGAIN;
}

void lf_version_set(struct lf_version *version, int64_t next)
{
	version->last = next;
	version->is_lost = false;
}
