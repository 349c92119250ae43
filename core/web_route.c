/*
 * core/web_route.c - which function answers a request: by its path, then by
 * its method.
 */
#include "core/web_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

struct route {
	struct lf_list node;
	char *method, *path;
	size_t max_body;
	lf_web_fn *fn;
	void *arg;
};

static void route_free(struct route *r)
{
	free(r->method);
	free(r->path);
	free(r);
}

int lf_web_route(struct lf_web *web, const char *method, const char *path,
		 size_t max_body, lf_web_fn *fn, void *arg)
{
	struct route *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->method = strdup(method);
	r->path = strdup(path);
	r->max_body = max_body;
	r->fn = fn;
	r->arg = arg;
	if (!r->method || !r->path) {
		route_free(r);
		return -ENOMEM;
	}
	lf_list_add_tail(&web->routes, &r->node);
	return 0;
}

void lf_web_free_routes(struct lf_web *web)
{
	LF_LIST_FOREACH_SAFE (node, &web->routes)
		route_free(LF_CONTAINER_OF(node, struct route, node));
	lf_list_init(&web->routes);
}

/* How well a route fits: 0 not at all, more for a longer path. */
static size_t route_fit(const struct route *r, const char *path)
{
	size_t n = strlen(r->path);

	if (strcmp(r->path, path) == 0)
		return n + 1;
	return r->path[n - 1] == '/' && strncmp(r->path, path, n) == 0 ? n : 0;
}

static bool serves(const struct route *r, const char *method)
{
	return strcmp(r->method, method) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

/* The best path wins, then the method; *ret_fit tells that there was a path. */
static const struct route *find_route(const struct lf_web *web,
				      const char *method, const char *path,
				      size_t *ret_fit)
{
	const struct route *found = NULL;
	size_t best = 0;

	LF_LIST_FOREACH (node, &web->routes) {
		const struct route *r =
			LF_CONTAINER_OF(node, struct route, node);
		size_t fit = route_fit(r, path);

		if (fit == 0 || fit < best)
			continue;
		if (fit > best)
			found = NULL;
		best = fit;
		if (serves(r, method) && !found)
			found = r;
	}
	*ret_fit = best;
	return found;
}

/* RFC 9110, 15.5.6: a 405 must list what is allowed. */
static void add_allow(struct lf_web_call *call, size_t fit)
{
	bool is_first = true;

	lf_buf_adds(&call->headers, "allow:");
	LF_LIST_FOREACH (node, &call->web->routes) {
		const struct route *r =
			LF_CONTAINER_OF(node, struct route, node);

		if (route_fit(r, call->path) != fit)
			continue;
		lf_buf_addf(&call->headers, "%s%s", is_first ? "" : ", ",
			    r->method);
		is_first = false;
	}
	lf_buf_addc(&call->headers, '\0');
}

int lf_web_choose_route(struct lf_web_call *call)
{
	size_t fit;
	const struct route *r =
		find_route(call->web, call->method, call->path, &fit);

	if (r) {
		call->fn = r->fn;
		call->fn_arg = r->arg;
		return call->body_len > r->max_body ? 413 : 0;
	}
	if (fit == 0)
		return 404;
	add_allow(call, fit);
	return 405;
}
