/*
 * chat/identity.c - customers as far as their e-mail tells (S145), and how
 * many chats and callbacks each has.
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#include "core/banned.h"

struct lf_chat_identity {
	unsigned chats, callbacks;
	char text[];
};

/* Trimmed, ASCII in lower case; NULL: blank, or no memory. */
char *lf_chat_identity_of(const char *email)
{
	char *copy = email ? strdup(email) : NULL, *text, *identity, *at;

	if (!copy)
		return NULL;
	text = lf_text_trim(copy);
	for (at = text; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at += 'a' - 'A';
	identity = *text ? strdup(text) : NULL;
	free(copy);
	return identity;
}

static struct lf_chat_identity *add(struct lf_chat_engine *e, const char *text)
{
	size_t size = strlen(text) + 1;
	struct lf_chat_identity *identity = malloc(sizeof(*identity) + size);

	if (!identity)
		return NULL;
	*identity = (struct lf_chat_identity){0};
	memcpy(identity->text, text, size);
	if (lf_map_add(&e->identities, identity->text, identity)) {
		free(identity);
		return NULL;
	}
	return identity;
}

int lf_chat_identity_count(struct lf_chat_engine *e, const char *text,
			   int chats, int callbacks)
{
	struct lf_chat_identity *identity;

	if (!text)
		return 0;
	identity = lf_map_find(&e->identities, text);
	if (!identity && (chats > 0 || callbacks > 0))
		identity = add(e, text);
	if (!identity)
		return -ENOMEM;
	identity->chats += (unsigned)chats;
	identity->callbacks += (unsigned)callbacks;
	if (!identity->chats && !identity->callbacks) {
		lf_map_del(&e->identities, identity->text);
		free(identity);
	}
	return 0;
}

unsigned lf_chat_identity_chats(const struct lf_chat_engine *e,
				const char *text)
{
	const struct lf_chat_identity *identity =
		text ? lf_map_find(&e->identities, text) : NULL;

	return identity ? identity->chats : 0;
}

unsigned lf_chat_identity_callbacks(const struct lf_chat_engine *e,
				    const char *text)
{
	const struct lf_chat_identity *identity =
		text ? lf_map_find(&e->identities, text) : NULL;

	return identity ? identity->callbacks : 0;
}

void lf_chat_identities_done(struct lf_chat_engine *e)
{
	struct lf_chat_identity *identity;

	LF_MAP_FOREACH (identity, &e->identities)
		free(identity);
	lf_map_done(&e->identities);
}
