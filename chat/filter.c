/*
 * chat/filter.c - the transcript filter service (S208): an array of texts
 * goes out, as many must come back in the same order.
 */
#include "chat/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat/schema.h"
#include "core/fetch.h"
#include "core/json.h"

#include "core/banned.h"

/* A filter may make texts longer, but not without end. */
#define ANSWER_MAX (4 * (size_t)LF_CHAT_ROOM_BYTES)

struct asked {
	lf_chat_filter_fn *done;
	void *arg;
	size_t n;
};

static int read_answer(json_t **ret, const struct asked *asked,
		       const struct lf_fetch_answer *answer)
{
	const json_t *text;
	json_t *texts;
	size_t i;

	if (answer->err)
		return answer->err;
	if (answer->status != 200)
		return -EPROTO;
	texts = json_loadb(answer->body, answer->len, 0, NULL);
	if (!json_is_array(texts) || json_array_size(texts) != asked->n)
		goto fail;
	json_array_foreach (texts, i, text)
		if (!json_is_string(text))
			goto fail;
	*ret = texts;
	return 0;
fail:
	json_decref(texts);
	return -EPROTO;
}

static void on_answer(const struct lf_fetch_answer *answer, void *arg)
{
	struct asked *asked = arg;
	json_t *texts = NULL;
	int err = read_answer(&texts, asked, answer);

	asked->done(err, texts, asked->arg);
	json_decref(texts);
	free(asked);
}

int lf_chat_filter(struct lf_chat *chat, const json_t *texts,
		   lf_chat_filter_fn *done, void *arg)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      "Accept: application/json", NULL};
	const struct lf_chat_config *config = chat->engine->config;
	struct lf_fetch_opts opts = {
		.url = config->filter_url,
		.headers = headers,
		.ca_file = config->filter_ca,
		.timeout_ms = config->filter_timeout_s * 1000,
		.max_answer = ANSWER_MAX,
	};
	struct asked *asked = malloc(sizeof(*asked));
	struct lf_buf body = {0};
	int err = -ENOMEM;

	if (!asked)
		return err;
	*asked = (struct asked){done, arg, json_array_size(texts)};
	lf_json_write(&body, texts);
	opts.body = body.data;
	opts.body_len = body.len;
	if (!lf_buf_error(&body))
		err = lf_fetch_start(NULL, chat->fetch, &opts, on_answer,
				     asked);
	lf_buf_done(&body);
	if (err)
		free(asked);
	return err;
}
