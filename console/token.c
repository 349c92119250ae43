/*
 * console/token.c - one-time logins: the web, where somebody has proved who
 * they are, hands its console a token that works once, within a minute.
 */
#include "console/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

#define TOKEN_MS 60000

struct lf_token {
	struct lf_list node; /* console->tokens, oldest first */
	int64_t until_ms;
	char text[LF_CONSOLE_TOKEN_SIZE];
	char user_id[32];
};

static void token_free(struct lf_token *token)
{
	lf_list_del(&token->node);
	lf_secret_wipe(token->text, sizeof(token->text));
	free(token);
}

int lf_console_token(struct lf_console *console, const char *user_id,
		     char out[LF_CONSOLE_TOKEN_SIZE])
{
	struct lf_token *token;

	if (!lf_user_find(console->parts.directory, user_id))
		return -ENOENT;
	token = calloc(1, sizeof(*token));
	if (!token)
		return -ENOMEM;
	lf_list_add_tail(&console->tokens, &token->node);
	token->until_ms = lf_mono_ms() + TOKEN_MS;
	if (!lf_text_copy(token->user_id, sizeof(token->user_id), user_id)) {
		token_free(token);
		return -EINVAL;
	}
	memcpy(token->text, "ct-", 3);
	lf_random_hex(token->text + 3, (LF_CONSOLE_TOKEN_SIZE - 4) / 2);
	memcpy(out, token->text, LF_CONSOLE_TOKEN_SIZE);
	return 0;
}

int lf_token_take(struct lf_console *console, const char *text,
		  const struct lf_user **ret_user)
{
	const int64_t now_ms = lf_mono_ms();

	if (strlen(text) != LF_CONSOLE_TOKEN_SIZE - 1)
		return -EACCES;
	LF_LIST_FOREACH (node, &console->tokens) {
		struct lf_token *token =
			LF_CONTAINER_OF(node, struct lf_token, node);

		if (!lf_secret_equal(token->text, text,
				     LF_CONSOLE_TOKEN_SIZE - 1))
			continue;
		if (token->until_ms >= now_ms)
			*ret_user = lf_user_find(console->parts.directory,
						 token->user_id);
		token_free(token);
		return *ret_user ? 0 : -EACCES;
	}
	return -EACCES;
}

void lf_tokens_expire(struct lf_console *console, int64_t now_ms)
{
	LF_LIST_FOREACH_SAFE (node, &console->tokens) {
		struct lf_token *token =
			LF_CONTAINER_OF(node, struct lf_token, node);

		if (token->until_ms >= now_ms)
			return;
		token_free(token);
	}
}

void lf_tokens_done(struct lf_console *console)
{
	lf_tokens_expire(console, INT64_MAX);
}
