/*
 * core/ws_offer.c - which WebSockets are offered, and to whom: by path,
 * subprotocol and the origin of the page that asks.
 */
#include "core/web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#include "core/banned.h"

/* ---- what is offered ---- */

static void free_texts(char **texts)
{
	for (char **t = texts; t && *t; t++)
		free(*t);
	free(texts);
}

static void socket_free(struct lf_ws_socket *s)
{
	free_texts(s->origins);
	free(s->path);
	free(s->subprotocol);
	free(s);
}

static char **copy_texts(const char *const *texts)
{
	size_t n = 0;
	char **copy;

	while (texts[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(texts[i]);
		if (!copy[i]) {
			free_texts(copy);
			return NULL;
		}
	}
	return copy;
}

int lf_web_socket(struct lf_web *web, const struct lf_ws_opts *opts,
		  const struct lf_ws_ops *ops, void *arg)
{
	struct lf_ws_socket *s;

	/* The ports already know their subprotocols. */
	if (web->protocols)
		return -EBUSY;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->ops = ops;
	s->arg = arg;
	s->max_message = opts->max_message;
	s->path = strdup(opts->path);
	if (opts->subprotocol)
		s->subprotocol = strdup(opts->subprotocol);
	if (opts->origins)
		s->origins = copy_texts(opts->origins);
	if (!s->path || (opts->subprotocol && !s->subprotocol) ||
	    (opts->origins && !s->origins)) {
		socket_free(s);
		return -ENOMEM;
	}
	lf_list_add_tail(&web->sockets, &s->node);
	return 0;
}

void lf_ws_free_sockets(struct lf_web *web)
{
	LF_LIST_FOREACH_SAFE (node, &web->sockets)
		socket_free(LF_CONTAINER_OF(node, struct lf_ws_socket, node));
	lf_list_init(&web->sockets);
}

/* Did an earlier socket name it already? */
static bool is_repeated(const struct lf_web *web, const struct lf_ws_socket *s)
{
	LF_LIST_FOREACH (node, &web->sockets) {
		const struct lf_ws_socket *other =
			LF_CONTAINER_OF(node, struct lf_ws_socket, node);

		if (other == s)
			return false;
		if (other->subprotocol &&
		    strcmp(other->subprotocol, s->subprotocol) == 0)
			return true;
	}
	return false;
}

const char *lf_ws_subprotocol(const struct lf_web *web, size_t i)
{
	LF_LIST_FOREACH (node, &web->sockets) {
		const struct lf_ws_socket *s =
			LF_CONTAINER_OF(node, struct lf_ws_socket, node);

		if (s->subprotocol && !is_repeated(web, s) && i-- == 0)
			return s->subprotocol;
	}
	return NULL;
}

/* ---- who may connect ---- */

const struct lf_ws_socket *
lf_ws_find_socket(const struct lf_web *web, struct lws *wsi, bool *ret_has_path)
{
	const char *agreed = lws_get_protocol(wsi)->name;
	bool has_offer = lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0;
	char path[256];

	*ret_has_path = false;
	if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) <= 0)
		return NULL;
	LF_LIST_FOREACH (node, &web->sockets) {
		const struct lf_ws_socket *s =
			LF_CONTAINER_OF(node, struct lf_ws_socket, node);

		if (strcmp(s->path, path) != 0)
			continue;
		*ret_has_path = true;
		if (s->subprotocol
			    ? has_offer && !strcmp(s->subprotocol, agreed)
			    : !has_offer)
			return s;
	}
	return NULL;
}

/*
 * Browsers always tell the page's origin, other programs need not (RFC 6455,
 * 10.2): without one there is no page whose cookies could be borrowed.
 */
static bool is_origin_welcome(const struct lf_ws_socket *s, struct lws *wsi)
{
	struct lf_list texts;
	const char *origin, *host, *at;
	bool is_welcome = false;

	lf_list_init(&texts);
	origin = lf_web_copy_header(wsi, &texts, "origin");
	host = lf_web_copy_header(wsi, &texts, "host");
	if (!origin) {
		is_welcome = lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0;
	} else if (!s->origins) {
		at = strstr(origin, "://");
		is_welcome = at && host && lf_text_equal(at + 3, host);
	}
	for (char **o = s->origins; origin && o && *o; o++)
		if (strcmp(*o, "*") == 0 || lf_text_equal(*o, origin))
			is_welcome = true;
	lf_web_free_texts(&texts);
	return is_welcome;
}

int lf_ws_on_filter(struct lf_web *web, struct lws *wsi)
{
	bool has_path;
	const struct lf_ws_socket *s = lf_ws_find_socket(web, wsi, &has_path);
	unsigned status;

	if (web->is_closing)
		return -1;
	if (s && is_origin_welcome(s, wsi))
		return 0;
	status = s ? 403 : has_path ? 400 : 404;
	lws_return_http_status(wsi, status, NULL);
	return -1;
}
