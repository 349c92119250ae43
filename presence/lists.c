/*
 * presence/lists.c - documents in the store, and their entries in memory. The
 * store is watched, so a list that another node keeps is learned like one of
 * ours; a document is read when it comes, not when somebody subscribes.
 */
#include "presence/lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/log.h"
#include "core/map.h"
#include "core/text.h"
#include "directory/audit.h"
#include "presence/members.h"
#include "presence/resource_lists.h"
#include "store/store.h"

#include "core/banned.h"

#define BUCKET "list"

struct entry {
	struct lf_list_doc doc;
	char *lines;
	char texts[]; /* name and text */
};

struct lf_lists {
	struct lf_store *store;
	struct lf_store_watch *watch;
	struct lf_map by_name;
	lf_lists_fn *on_change;
	void *arg;
	unsigned refs;
	bool is_ready, is_closed;
};

static void entry_free(struct entry *e)
{
	if (e)
		free(e->lines);
	free(e);
}

static void lists_unref(struct lf_lists *lists)
{
	struct entry *e;

	if (--lists->refs > 0)
		return;
	LF_MAP_FOREACH (e, &lists->by_name)
		entry_free(e);
	lf_map_done(&lists->by_name);
	free(lists);
}

/* ---- what is known ---- */

const struct lf_list_doc *lf_list_find(const struct lf_lists *lists,
				       const char *name)
{
	const struct entry *e = lf_map_find(&lists->by_name, name);

	return e ? &e->doc : NULL;
}

const struct lf_list_doc *lf_list_next(const struct lf_lists *lists, size_t *i)
{
	const struct entry *e = lf_map_next(&lists->by_name, i);

	return e ? &e->doc : NULL;
}

bool lf_lists_is_ready(const struct lf_lists *lists)
{
	return lists->is_ready;
}

/* ---- from the store ---- */

static int entry_new(struct entry **ret, const struct lf_store_kv *row)
{
	size_t name_size = strlen(row->key) + 1;
	struct entry *e = calloc(1, sizeof(*e) + name_size + row->len + 1);
	struct lf_buf lines = {0};
	int err;

	if (!e)
		return -ENOMEM;
	e->doc.name = memcpy(e->texts, row->key, name_size);
	e->doc.text = memcpy(e->texts + name_size, row->value ?: "", row->len);
	err = lf_resource_lists_read(e->doc.text, row->len, lf_members_add,
				     &lines);
	if (!err)
		err = lf_buf_error(&lines);
	if (!err) {
		e->lines = lf_buf_take(&lines);
		e->doc.lines = e->lines ?: "";
		*ret = e;
		return 0;
	}
	lf_buf_done(&lines);
	entry_free(e);
	return err;
}

static int learn(struct lf_lists *lists, const struct lf_store_kv *row)
{
	struct entry *e = NULL;
	int err = 0;

	if (row->value) {
		err = entry_new(&e, row);
		if (err)
			return err; /* the old one stays */
	}
	entry_free(lf_map_del(&lists->by_name, row->key));
	if (e)
		err = lf_map_add(&lists->by_name, e->doc.name, e);
	if (err)
		entry_free(e);
	return err;
}

static void on_rows(int err, const struct lf_store_kv *rows, size_t n,
		    void *arg)
{
	struct lf_lists *lists = arg;

	if (lists->is_closed)
		return;
	if (err)
		lf_log(LF_ERROR, "presence", "cannot read the lists: %s",
		       strerror(-err));
	for (size_t i = 0; i < n; i++) {
		err = learn(lists, &rows[i]);
		if (err)
			lf_log(LF_ERROR, "presence",
			       "the list %s cannot be read: %s", rows[i].key,
			       strerror(-err));
	}
	lists->is_ready = true;
	lists->on_change(lists->arg);
}

int lf_lists_open(struct lf_lists **ret, struct lf_store *store,
		  lf_lists_fn *on_change, void *arg)
{
	struct lf_lists *lists = calloc(1, sizeof(*lists));
	int err = 0;

	if (!lists)
		return -ENOMEM;
	lists->store = store;
	lists->refs = 1;
	lists->on_change = on_change;
	lists->arg = arg;
	lists->is_ready = !store;
	if (store)
		err = lf_store_watch(&lists->watch, store, BUCKET, "", on_rows,
				     lists);
	if (err) {
		lists_unref(lists);
		return err;
	}
	*ret = lists;
	return 0;
}

void lf_lists_close(struct lf_lists *lists)
{
	if (!lists)
		return;
	lists->is_closed = true;
	lf_store_watch_free(lists->watch);
	lists_unref(lists);
}

/* ---- to the store ---- */

struct writing {
	struct lf_lists *lists;
	lf_list_done_fn *done;
	void *arg;
	char what[LF_LIST_NAME + 16], by[64], detail[32];
};

static void on_written(int err, int64_t rev, void *arg)
{
	struct writing *w = arg;

	if (!err)
		lf_audit(w->lists->store, w->by, w->what, w->detail);
	if (!w->lists->is_closed)
		w->done(err ? -EAGAIN : 0,
			err ? "It cannot be saved now; `lampctl health` says "
			      "more."
			    : "",
			w->arg);
	lists_unref(w->lists);
	free(w);
}

static struct writing *writing_new(struct lf_lists *lists, const char *verb,
				   const char *name, const char *by,
				   lf_list_done_fn *done, void *arg)
{
	struct writing *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->lists = lists;
	w->done = done;
	w->arg = arg;
	snprintf(w->what, sizeof(w->what), "%s list %s", verb, name);
	lf_text_copy(w->by, sizeof(w->by), by);
	return w;
}

/* 0, or what lf_store_...() said. */
static int wait_for(struct writing *w, int err)
{
	if (err) {
		free(w);
		return err == -ENOMEM ? err : -EAGAIN;
	}
	w->lists->refs++;
	return 0;
}

static bool is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len > 0 && len < LF_LIST_NAME && !name[len];
}

static int count_entry(const struct lf_resource *r, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

int lf_list_put(struct lf_lists *lists, const char *name, const char *text,
		const char *by, lf_list_done_fn *done, void *arg)
{
	char err_text[LF_RESOURCE_ERROR_SIZE] =
		"A list's name is 1 to 63 letters, digits, '.', '_' and '-'.";
	unsigned count = 0;
	struct writing *w;
	int err = is_name(name) ? 0 : -EPROTO;

	if (!err)
		err = lf_resource_lists_check(text, strlen(text), count_entry,
					      &count, err_text);
	if (!err && lists->by_name.count >= LF_LISTS_MAX &&
	    !lf_list_find(lists, name)) {
		err = -E2BIG;
		snprintf(err_text, sizeof(err_text), "There are %d lists.",
			 LF_LISTS_MAX);
	}
	if (err == -ENOMEM || !lists->store)
		return err ? err : -EAGAIN;
	if (err) {
		done(-EINVAL, err_text, arg);
		return 0;
	}
	w = writing_new(lists, "put", name, by, done, arg);
	if (!w)
		return -ENOMEM;
	snprintf(w->detail, sizeof(w->detail), "%u entries", count);
	return wait_for(w, lf_store_put(lists->store, BUCKET, name, text,
					strlen(text), LF_STORE_ANY, on_written,
					w));
}

int lf_list_remove(struct lf_lists *lists, const char *name, const char *by,
		   lf_list_done_fn *done, void *arg)
{
	struct writing *w;

	if (!lf_list_find(lists, name)) {
		done(-ENOENT,
		     "There is no such list; `lampctl lists` shows "
		     "them.",
		     arg);
		return 0;
	}
	w = writing_new(lists, "remove", name, by, done, arg);
	if (!w)
		return -ENOMEM;
	return wait_for(w, lf_store_del(lists->store, BUCKET, name,
					LF_STORE_ANY, on_written, w));
}
