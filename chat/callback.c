/* chat/callback.c - customers who want to be called (S172). */
#include "chat/internal.h"

#include "core/banned.h"

int lf_chat_callbacks_load(struct lf_chat *chat)
{
	return 0;
}
