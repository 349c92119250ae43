/*
 * presence/saved.c - dialogs of the last run, until somebody takes them; and
 * those of this run, on their way to the store. A value is the presentity's
 * URI, a newline, and what lf_sip_sub_save() wrote.
 */
#include "presence/saved.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/log.h"
#include "core/map.h"
#include "core/text.h"
#include "sip/subscribe.h"
#include "store/store.h"

#include "core/banned.h"

#define BUCKET "dialog"
#define LEFT_MAX 200000 /* of the last run */

struct left {
	char *uri, *line; /* both inside `key`'s memory */
	char key[];
};

struct lf_saved {
	struct lf_store *store;
	void (*ready)(void *arg);
	void *arg;
	struct lf_map left;
	bool is_scanning, is_closed;
};

static void free_saved(struct lf_saved *saved)
{
	struct left *left;

	LF_MAP_FOREACH (left, &saved->left)
		free(left);
	lf_map_done(&saved->left);
	free(saved);
}

static void keep(struct lf_saved *saved, const struct lf_store_kv *row)
{
	size_t key_len = strlen(row->key) + 1;
	const char *line =
		row->value ? memchr(row->value, '\n', row->len) : NULL;
	struct left *left;

	if (!line || saved->left.count >= LEFT_MAX)
		return;
	left = malloc(sizeof(*left) + key_len + row->len + 1);
	if (!left)
		return;
	memcpy(left->key, row->key, key_len);
	left->uri = left->key + key_len;
	memcpy(left->uri, row->value, row->len);
	left->uri[row->len] = '\0';
	left->line = strchr(left->uri, '\n');
	if (left->line)
		*left->line++ = '\0';
	if (!left->line || lf_map_add(&saved->left, left->key, left))
		free(left);
}

static void on_scan(int err, const struct lf_store_kv *rows, size_t n,
		    void *arg)
{
	struct lf_saved *saved = arg;
	size_t i;

	saved->is_scanning = false;
	if (saved->is_closed) {
		free_saved(saved);
		return;
	}
	if (err)
		lf_log(LF_WARN, "presence",
		       "the saved dialogs cannot be read: %s", strerror(-err));
	for (i = 0; !err && i < n; i++)
		keep(saved, &rows[i]);
	saved->ready(saved->arg);
}

int lf_saved_open(struct lf_saved **ret, struct lf_store *store,
		  void (*ready)(void *arg), void *arg)
{
	struct lf_saved *saved = calloc(1, sizeof(*saved));
	int err;

	if (!saved)
		return -ENOMEM;
	saved->store = store;
	saved->ready = ready;
	saved->arg = arg;
	saved->is_scanning = true;
	err = lf_store_scan(store, BUCKET, "", on_scan, saved);
	if (err) {
		free(saved);
		return err;
	}
	*ret = saved;
	return 0;
}

void lf_saved_close(struct lf_saved *saved)
{
	if (!saved)
		return;
	saved->is_closed = true;
	if (!saved->is_scanning)
		free_saved(saved);
}

char *lf_saved_take(struct lf_saved *saved, const char *key)
{
	struct left *left = lf_map_del(&saved->left, key);
	char *line;

	if (!left)
		return NULL;
	line = strdup(left->line);
	free(left);
	return line;
}

void lf_saved_put(struct lf_saved *saved, const char *key, const char *uri,
		  const char *line)
{
	struct lf_buf value = {0};

	lf_buf_addf(&value, "%s\n%s", uri, line);
	/* What is not saved costs a restart one new dialog, nothing more. */
	if (!lf_buf_error(&value))
		lf_store_put(saved->store, BUCKET, key, value.data, value.len,
			     LF_STORE_ANY, NULL, NULL);
	lf_buf_done(&value);
}

void lf_saved_del(struct lf_saved *saved, const char *key)
{
	lf_store_del(saved->store, BUCKET, key, LF_STORE_ANY, NULL, NULL);
}

/* A subscription that is made only to be given up: that ends the dialog. */
static void end_dialog(const struct left *left, struct lf_sip_trunk *trunk)
{
	static const struct lf_sip_sub_ops ops;
	const char *event = strrchr(left->key, '/');
	const struct lf_sip_sub_opts opts = {
		.uri = left->uri,
		.event = event ? event + 1 : "presence",
		.saved = left->line,
	};
	struct lf_sip_sub *sub;

	if (!lf_sip_sub_new(&sub, trunk, &opts, &ops, NULL))
		lf_sip_sub_free(sub);
}

size_t lf_saved_end(struct lf_saved *saved, const char *feed,
		    struct lf_sip_trunk *trunk, size_t max)
{
	size_t n = 0, len = strlen(feed);
	struct left *left;

	LF_MAP_FOREACH (left, &saved->left) {
		if (n == max)
			break;
		if (strncmp(left->key, feed, len) || left->key[len] != '/')
			continue;
		if (trunk)
			end_dialog(left, trunk);
		lf_saved_del(saved, left->key);
		lf_map_del(&saved->left, left->key);
		free(left);
		n++;
	}
	return n;
}

size_t lf_saved_left(const struct lf_saved *saved)
{
	return saved->left.count;
}
