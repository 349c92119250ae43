/* presence/dialog_info.c - dialog-info documents to the state of a line. */
#include "presence/dialog_info.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "core/xml.h"
#include "presence/report.h"
#include "presence/uri.h"
#include "presence/version.h"

#include "core/banned.h"

#define ID_SIZE 96
#define ENDED_MAX 4

/* RFC 4235, 3.7.1, in order of what it means for the lamp. */
enum state { TERMINATED, TRYING, EARLY, CONFIRMED };

struct dialog {
	char id[ID_SIZE];
	char call_id[ID_SIZE]; /* "" where the writer has none */
	char peer[LF_REPORT_NUMBER];
	enum state state;
	bool is_ours; /* direction="initiator" */
};

struct lf_dialogs {
	struct lf_version version; /* of the last document */
	size_t n, n_ended;
	bool is_cut; /* there are more live dialogs than fit */
	/* Dialogs that are over, hashed: an ended dialog stays ended. */
	uint64_t ended[ENDED_MAX];
	struct dialog live[];
};

void lf_dialogs_free(struct lf_dialogs *dialogs)
{
	free(dialogs);
}

static enum state state_of(const struct lf_xml_node *node)
{
	char text[32];

	lf_xml_text(lf_xml_child(node, "state"), text, sizeof(text));
	if (lf_text_equal(text, "terminated"))
		return TERMINATED;
	if (lf_text_equal(text, "trying") || lf_text_equal(text, "proceeding"))
		return TRYING;
	if (lf_text_equal(text, "early"))
		return EARLY;
	return CONFIRMED; /* an unknown word is a call all the same */
}

static void read_peer(struct dialog *d, const struct lf_xml_node *node)
{
	const struct lf_xml_node *remote = lf_xml_child(node, "remote");
	char uri[256];

	lf_xml_text(lf_xml_child(remote, "identity"), uri, sizeof(uri));
	if (!*uri && remote)
		lf_text_copy(uri, sizeof(uri),
			     lf_xml_attr(lf_xml_child(remote, "target"), "uri")
				     ?: "");
	lf_uri_copy_user(d->peer, sizeof(d->peer), uri);
}

static void read_dialog(struct dialog *d, const struct lf_xml_node *node)
{
	memset(d, 0, sizeof(*d));
	lf_text_copy(d->call_id, sizeof(d->call_id),
		     lf_xml_attr(node, "call-id") ?: "");
	lf_text_copy(d->id, sizeof(d->id),
		     lf_xml_attr(node, "id") ?: d->call_id);
	d->is_ours = lf_text_equal(lf_xml_attr(node, "direction"), "initiator");
	d->state = state_of(node);
	read_peer(d, node);
}

/*
 * By its id, and by its Call-ID where both have one: an id should be unique
 * (RFC 4235, 4.1.1), but there are writers that give one to all calls of a
 * line. The same writer may know the Call-ID only of some documents.
 */
static bool is_same(const struct dialog *a, const struct dialog *b)
{
	return !strcmp(a->id, b->id) && (!*a->call_id || !*b->call_id ||
					 !strcmp(a->call_id, b->call_id));
}

static struct dialog *find(struct lf_dialogs *all, const struct dialog *d)
{
	for (size_t i = 0; i < all->n; i++) {
		if (is_same(&all->live[i], d))
			return &all->live[i];
	}
	return NULL;
}

/*
 * FNV-1a; never 0, which is an unused place. The branches of a forked call
 * share a Call-ID and end one by one, so the id is part of it; an id alone may
 * be the same for every call of a line (Asterisk's is the extension).
 */
static uint64_t hash(const struct dialog *d)
{
	const char *const texts[] = {d->call_id, d->id};
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < 2; i++) {
		for (const char *c = texts[i]; *c; c++)
			h = (h ^ (unsigned char)*c) * 1099511628211u;
	}
	return h ? h : 1;
}

static bool has_ended(const struct lf_dialogs *all, const struct dialog *d)
{
	uint64_t h = hash(d);

	for (size_t i = 0; *d->call_id && i < ENDED_MAX; i++) {
		if (all->ended[i] == h)
			return true;
	}
	return false;
}

/* In order: among equals the eldest is shown, and goes on to be. */
static void drop(struct lf_dialogs *all, struct dialog *old)
{
	all->n--;
	memmove(old, old + 1,
		(size_t)(&all->live[all->n] - old) * sizeof(*old));
}

static void end(struct lf_dialogs *all, const struct dialog *d)
{
	struct dialog *old;

	if (*d->call_id && !has_ended(all, d))
		all->ended[all->n_ended++ % ENDED_MAX] = hash(d);
	while ((old = find(all, d)) != NULL)
		drop(all, old);
}

static enum lf_tel line_of(const struct dialog *d)
{
	if (!d)
		return LF_TEL_IDLE;
	if (d->state == CONFIRMED || d->is_ours)
		return LF_TEL_BUSY;
	return LF_TEL_RINGING;
}

static bool is_above(const struct dialog *a, const struct dialog *b)
{
	if (line_of(a) != line_of(b))
		return line_of(a) > line_of(b);
	return a->state > b->state;
}

/* A full table keeps what matters most: that is what the line shows. */
static void add(struct lf_dialogs *all, const struct dialog *d)
{
	struct dialog *least = &all->live[0];

	if (all->n == LF_DIALOGS_MAX) {
		all->is_cut = true;
		for (size_t i = 1; i < all->n; i++) {
			if (!is_above(&all->live[i], least))
				least = &all->live[i];
		}
		if (!is_above(d, least))
			return;
		drop(all, least);
	}
	all->live[all->n++] = *d;
}

static void put(struct lf_dialogs *all, const struct dialog *d)
{
	struct dialog *old = find(all, d);

	if (d->state == TERMINATED)
		end(all, d);
	else if (has_ended(all, d))
		return;
	else if (old)
		*old = *d;
	else
		add(all, d);
}

/* The version attribute; -1 if it is missing or no number. */
static int64_t version_of(const struct lf_xml_node *root)
{
	const char *text = lf_xml_attr(root, "version");
	int64_t version;

	if (!text || lf_text_int(&version, text, 0, UINT32_MAX))
		return -1;
	return version;
}

/* A table with room for all that may be live after this document. */
static struct lf_dialogs *copy_for(const struct lf_dialogs *old, bool is_full)
{
	struct lf_dialogs *all =
		calloc(1, sizeof(*all) + LF_DIALOGS_MAX * sizeof(all->live[0]));

	if (!all || !old)
		return all;
	all->n_ended = old->n_ended;
	memcpy(all->ended, old->ended, sizeof(all->ended));
	if (!is_full) {
		all->n = old->n;
		all->is_cut = old->is_cut;
		memcpy(all->live, old->live, old->n * sizeof(old->live[0]));
	}
	return all;
}

/* Most lines have no call most of the time: keep what is used. */
static struct lf_dialogs *shrink(struct lf_dialogs *all)
{
	struct lf_dialogs *less =
		realloc(all, sizeof(*all) + all->n * sizeof(all->live[0]));

	return less ? less : all;
}

static const struct dialog *best_of(const struct lf_dialogs *all)
{
	const struct dialog *best = NULL;

	for (size_t n = 0; n < all->n; n++) {
		if (!best || is_above(&all->live[n], best))
			best = &all->live[n];
	}
	return best;
}

/*
 * Once there were more dialogs than fit, those that were left out may be all
 * that is left: an emptier table proves nothing, unless it is busy anyway.
 */
static bool is_doubtful(const struct lf_dialogs *all)
{
	return all->is_cut && all->n < LF_DIALOGS_MAX &&
	       line_of(best_of(all)) != LF_TEL_BUSY;
}

static void tell(const struct lf_dialogs *all, struct lf_report *ret)
{
	const struct dialog *best = best_of(all);

	ret->knows = LF_KNOWS_LINE;
	ret->line = (uint8_t)line_of(best);
	lf_text_copy(ret->peer, sizeof(ret->peer), best ? best->peer : "");
}

static int fold_in(struct lf_dialogs **dialogs, struct lf_report *ret,
		   const struct lf_xml_node *root)
{
	const char *state = lf_xml_attr(root, "state");
	bool is_full = !lf_text_equal(state, "partial");
	int64_t version = version_of(root);
	struct lf_version none = LF_VERSION_NONE;
	const struct lf_xml_node *node;
	struct lf_dialogs *all;
	struct dialog d;
	int err = lf_version_check(*dialogs ? &(*dialogs)->version : &none,
				   version, is_full);

	if (err)
		return err;
	all = copy_for(*dialogs, is_full);
	if (!all)
		return -ENOMEM;
	for (node = lf_xml_first(root); node; node = lf_xml_next(node)) {
		if (lf_xml_is(node, "dialog")) {
			read_dialog(&d, node);
			put(all, &d);
		}
	}
	if (!is_full && is_doubtful(all)) {
		free(all);
		return -EAGAIN;
	}
	lf_version_set(&all->version, version);
	tell(all, ret);
	free(*dialogs);
	*dialogs = shrink(all);
	return 0;
}

int lf_dialog_info_read(struct lf_dialogs **dialogs, struct lf_report *ret,
			const char *data, size_t len)
{
	struct lf_xml *xml;
	int err = lf_xml_parse(&xml, data, len);

	if (err)
		return err;
	err = lf_xml_is(lf_xml_root(xml), "dialog-info")
		      ? fold_in(dialogs, ret, lf_xml_root(xml))
		      : -EPROTO;
	lf_xml_free(xml);
	return err;
}
