/*
 * core/web_text.c - what a request says of itself: headers and parameters,
 * copied out of libwebsockets, which forgets them. For web*.c and ws*.c.
 */
#include "core/web.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static struct lf_web_text *text_new(size_t len)
{
	struct lf_web_text *t = malloc(sizeof(*t) + len + 1);

	if (t)
		t->text[0] = '\0';
	return t;
}

/* The token of a header that libwebsockets knows by number, or -1. */
static int find_token(const char *colon_name)
{
	for (int i = 0; i < WSI_TOKEN_COUNT; i++) {
		const unsigned char *known =
			lws_token_to_string((enum lws_token_indexes)i);

		if (known && strcmp((const char *)known, colon_name) == 0)
			return i;
	}
	return -1;
}

const char *lf_web_copy_header(struct lws *wsi, struct lf_list *texts,
			       const char *name)
{
	char colon_name[LF_WEB_NAME_MAX + 2];
	size_t n = strlen(name);
	struct lf_web_text *t;
	int token, len, got;

	if (n > LF_WEB_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++)
		colon_name[i] = (char)tolower((unsigned char)name[i]);
	colon_name[n] = ':';
	colon_name[n + 1] = '\0';

	token = find_token(colon_name);
	len = token >= 0
		      ? lws_hdr_total_length(wsi, (enum lws_token_indexes)token)
		      : lws_hdr_custom_length(wsi, colon_name, (int)n + 1);
	if (len < 0 || (token >= 0 && len == 0))
		return NULL;
	t = text_new((size_t)len);
	if (!t)
		return NULL;
	got = token >= 0 ? lws_hdr_copy(wsi, t->text, len + 1,
					(enum lws_token_indexes)token)
			 : lws_hdr_custom_copy(wsi, t->text, len + 1,
					       colon_name, (int)n + 1);
	if (got < 0)
		t->text[0] = '\0';
	lf_list_add_tail(texts, &t->node);
	return t->text;
}

const char *lf_web_copy_query(struct lws *wsi, struct lf_list *texts,
			      const char *name)
{
	size_t n = strlen(name);
	int len;

	for (int i = 0;; i++) {
		struct lf_web_text *t;

		len = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
		if (len <= 0)
			return NULL;
		t = text_new((size_t)len);
		if (!t)
			return NULL;
		if (lws_hdr_copy_fragment(wsi, t->text, len + 1,
					  WSI_TOKEN_HTTP_URI_ARGS, i) >= 0 &&
		    strncmp(t->text, name, n) == 0 &&
		    (t->text[n] == '=' || t->text[n] == '\0')) {
			lf_list_add_tail(texts, &t->node);
			return t->text + n + (t->text[n] == '=');
		}
		free(t);
	}
}

void lf_web_free_texts(struct lf_list *texts)
{
	LF_LIST_FOREACH_SAFE (node, texts)
		free(LF_CONTAINER_OF(node, struct lf_web_text, node));
	lf_list_init(texts);
}

void lf_web_format_peer(char out[LF_ADDRESS_SIZE], struct lws *wsi)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	int fd = lws_get_socket_fd(wsi);

	getpeername(fd, (struct sockaddr *)&peer, &len);
	lf_address_peer(out, fd, &peer);
}
