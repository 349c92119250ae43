/*
 * presence/document.c - which parser a body needs, and the walk through the
 * parts of a list. Most subscriptions carry presence and need no state.
 */
#include "presence/document.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/map.h"
#include "presence/dialog_info.h"
#include "presence/multipart.h"
#include "presence/report.h"
#include "presence/rlmi.h"
#include "presence/summary.h"
#include "presence/version.h"

#include "core/banned.h"

#define RESOURCES_MAX 10000

/* The dialogs of one resource of a list. */
struct resource {
	struct lf_dialogs *dialogs;
	char uri[];
};

struct lf_document {
	struct lf_dialogs *dialogs; /* of the line itself */
	struct lf_map resources;
	struct lf_version list_version;
};

/* One body on its way through the parts. */
struct reading {
	struct lf_document **state;
	enum lf_dialect dialect;
	lf_document_fn *fn;
	void *arg;
	struct lf_part *parts; /* of the multipart around it */
	size_t n_parts;
	unsigned depth;
	int err; /* of parts, if it concerns the whole */
};

static int read_body(struct reading *r, const char *uri, const char *type,
		     const char *body, size_t len);

static struct lf_document *state_of(struct reading *r)
{
	if (!*r->state) {
		*r->state = calloc(1, sizeof(**r->state));
		if (*r->state)
			(*r->state)->list_version.last = -1;
	}
	return *r->state;
}

static int resource_of(struct resource **ret, struct lf_document *state,
		       const char *uri)
{
	struct resource *res = lf_map_find(&state->resources, uri);
	size_t len = strlen(uri) + 1;

	*ret = res;
	if (res)
		return 0;
	if (state->resources.count >= RESOURCES_MAX)
		return -E2BIG;
	res = calloc(1, sizeof(*res) + len);
	if (!res)
		return -ENOMEM;
	memcpy(res->uri, uri, len);
	if (lf_map_add(&state->resources, res->uri, res)) {
		free(res);
		return -ENOMEM;
	}
	*ret = res;
	return 0;
}

static int read_dialogs(struct reading *r, const char *uri,
			struct lf_report *report, const char *body, size_t len)
{
	struct lf_document *state = state_of(r);
	struct resource *res;
	int err;

	if (!state)
		return -ENOMEM;
	if (!uri)
		return lf_dialog_info_read(&state->dialogs, report, body, len);
	err = resource_of(&res, state, uri);
	return err ? err
		   : lf_dialog_info_read(&res->dialogs, report, body, len);
}

/* ---- lists ---- */

/*
 * Each part belongs to one instance. Were it given out again, lists that point
 * at each other's parts would multiply with every level.
 */
static const struct lf_part *take_part(struct reading *r, const char *cid)
{
	for (size_t i = 0; *cid && i < r->n_parts; i++) {
		if (!r->parts[i].is_taken &&
		    !strcmp(r->parts[i].content_id, cid)) {
			r->parts[i].is_taken = true;
			return &r->parts[i];
		}
	}
	return NULL;
}

/* RFC 4662, 5.5: what a resource without a document is. */
static void tell_without_document(struct reading *r,
				  const struct lf_rlmi_entry *entry)
{
	struct lf_report report;

	memset(&report, 0, sizeof(report));
	report.cond = LF_COND_REQUESTING;
	if (!strcmp(entry->state, "terminated"))
		report.cond = !strcmp(entry->reason, "noresource")
				      ? LF_COND_NOT_FOUND
			      : !strcmp(entry->reason, "rejected")
				      ? LF_COND_ACCESS_DENIED
				      : LF_COND_ERROR;
	r->fn(entry->uri, &report, r->arg);
}

/* "active" without a document, as in partial state, is no change. */
static int on_entry(const struct lf_rlmi_entry *entry, void *arg)
{
	struct reading *r = arg;
	bool is_over = !strcmp(entry->state, "terminated");
	const struct lf_part *part = is_over ? NULL : take_part(r, entry->cid);
	int err = 0;

	if (part)
		err = read_body(r, entry->uri, part->content_type, part->body,
				part->len);
	else if (is_over || !strcmp(entry->state, "pending"))
		tell_without_document(r, entry);
	/* One bad document must not darken the rest of the list. */
	if (!r->err && (err == -EAGAIN || err == -ENOMEM))
		r->err = err;
	return 0;
}

static int read_list(struct reading *r, const struct lf_part *list)
{
	struct lf_document *state = state_of(r);
	bool is_full;
	int64_t version;
	int err;

	if (!state)
		return -ENOMEM;
	err = lf_rlmi_read(list->body, list->len, &version, &is_full, NULL,
			   NULL);
	/* A list inside a list has a version of its own; it is not ours. */
	if (!err && r->depth == 1)
		err = lf_version_check(&state->list_version, version, is_full);
	if (err)
		return err;
	if (r->depth == 1)
		lf_version_set(&state->list_version, version);
	err = lf_rlmi_read(list->body, list->len, &version, &is_full, on_entry,
			   r);
	return err ? err : r->err;
}

static int read_parts(struct reading *r, const char *uri)
{
	int err = -EPROTO, one;
	size_t i;

	for (i = 0; i < r->n_parts; i++) {
		if (lf_content_is(r->parts[i].content_type,
				  "application/rlmi+xml"))
			return read_list(r, &r->parts[i]);
	}
	/* No list: alternatives of one document; the first that is read. */
	for (i = 0; i < r->n_parts && err; i++) {
		one = read_body(r, uri, r->parts[i].content_type,
				r->parts[i].body, r->parts[i].len);
		err = i == 0 || !one ? one : err;
	}
	return err;
}

static int read_multipart(struct reading *r, const char *uri, const char *type,
			  const char *body, size_t len)
{
	struct reading inner = *r;
	struct lf_part *parts;
	int err;

	if (r->depth == LF_PARTS_DEPTH)
		return -E2BIG;
	parts = calloc(LF_PARTS_MAX, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	err = lf_multipart_split(parts, LF_PARTS_MAX, &inner.n_parts, type,
				 body, len);
	inner.parts = parts;
	inner.depth++;
	if (!err)
		err = read_parts(&inner, uri);
	free(parts);
	return err;
}

static int read_body(struct reading *r, const char *uri, const char *type,
		     const char *body, size_t len)
{
	struct lf_report report;
	int err = -EPROTO;

	if (lf_content_is(type, "multipart/related") ||
	    lf_content_is(type, "multipart/mixed") ||
	    lf_content_is(type, "multipart/alternative"))
		return read_multipart(r, uri, type, body, len);

	memset(&report, 0, sizeof(report));
	if (lf_content_is(type, "application/pidf+xml") ||
	    lf_content_is(type, "application/cpim-pidf+xml") ||
	    lf_content_is(type, "application/xpidf+xml"))
		err = lf_pidf_read(&report, r->dialect, body, len);
	else if (lf_content_is(type, "application/dialog-info+xml"))
		err = read_dialogs(r, uri, &report, body, len);
	else if (lf_content_is(type, "application/simple-message-summary"))
		err = lf_summary_read(&report, body, len);
	if (!err)
		r->fn(uri, &report, r->arg);
	return err;
}

int lf_document_read(struct lf_document **state, enum lf_dialect dialect,
		     const char *content_type, const char *body, size_t len,
		     lf_document_fn *fn, void *arg)
{
	struct reading r = {
		.state = state, .dialect = dialect, .fn = fn, .arg = arg};

	return read_body(&r, NULL, content_type, body, len);
}

void lf_document_free(struct lf_document *state)
{
	struct resource *res;

	if (!state)
		return;
	LF_MAP_FOREACH (res, &state->resources) {
		lf_dialogs_free(res->dialogs);
		free(res);
	}
	lf_map_done(&state->resources);
	lf_dialogs_free(state->dialogs);
	free(state);
}
