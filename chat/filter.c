/* chat/filter.c - the transcript filter service (S208). */
#include "chat/internal.h"

#include <errno.h>

#include "core/banned.h"

/* NEEDSWORK: waits for core/fetch.h; until then it fails like an outage. */
int lf_chat_filter(struct lf_chat *chat, const json_t *texts,
		   lf_chat_filter_fn *done, void *arg)
{
	return -ENOSYS;
}
