/* directory/audit.c - who changed what, in the store's log "audit". */
#include "directory/audit.h"

#include <errno.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/log.h"
#include "core/secret.h"
#include "core/text.h"
#include "directory/internal.h"
#include "store/store.h"

#include "core/banned.h"

#define LOG_NAME "audit"
#define ID_BYTES 12
#define DETAIL_MAX 4096

static void write_entry(struct lf_buf *buf, const char *by, const char *what,
			const char *detail)
{
	char cut[DETAIL_MAX];

	lf_text_copy(cut, sizeof(cut), detail ? detail : "");
	lf_buf_adds(buf, "{\"by\":");
	lf_buf_add_json(buf, by ? by : "");
	lf_buf_adds(buf, ",\"what\":");
	lf_buf_add_json(buf, what);
	lf_buf_adds(buf, ",\"detail\":");
	lf_buf_add_json(buf, cut);
	lf_buf_addc(buf, '}');
}

static void on_appended(int err, int64_t seq, void *arg)
{
	if (err)
		lf_log(LF_ERROR, "directory",
		       "an audit entry was not saved: %s", uv_strerror(err));
}

void lf_audit(struct lf_store *store, const char *by, const char *what,
	      const char *detail)
{
	char id[2 * ID_BYTES + 1];
	struct lf_buf buf = {0};
	int err;

	write_entry(&buf, by, what, detail);
	err = lf_buf_error(&buf);
	if (!err)
		err = lf_store_append(store, LOG_NAME,
				      lf_random_hex(id, ID_BYTES), buf.data,
				      buf.len, LF_STORE_ANY, on_appended, NULL);
	if (err)
		on_appended(err, 0, NULL);
	lf_buf_done(&buf);
}

int lf_audit_tx(struct lf_store_tx *tx, const char *by, const char *what,
		const char *detail)
{
	char id[2 * ID_BYTES + 1];
	struct lf_buf buf = {0};
	int err;

	write_entry(&buf, by, what, detail);
	err = lf_buf_error(&buf);
	if (!err)
		err = lf_store_tx_append(tx, LOG_NAME,
					 lf_random_hex(id, ID_BYTES), buf.data,
					 buf.len, LF_STORE_ANY);
	lf_buf_done(&buf);
	return err;
}

/* ---- reading ---- */

struct reading {
	lf_audit_fn *done;
	void *arg;
};

static int parse_all(const struct lf_store_entry *from, size_t n, json_t **docs,
		     struct lf_audit_entry *to)
{
	size_t i;
	int err;

	for (i = 0; i < n; i++) {
		err = lf_json_parse(&docs[i], from[i].value, from[i].len);
		if (err == -ENOMEM)
			return err;
		to[i].seq = from[i].seq;
		to[i].wall_ms = from[i].wall_ms;
		to[i].by = lf_json_str(docs[i], "by", "", NULL);
		to[i].what = lf_json_str(docs[i], "what", "", NULL);
		to[i].detail = lf_json_str(docs[i], "detail", "", NULL);
	}
	return 0;
}

static void on_read(int err, const struct lf_store_entry *entries, size_t n,
		    void *arg)
{
	struct reading *reading = arg;
	struct lf_audit_entry *list = calloc(n + 1, sizeof(*list));
	json_t **docs = calloc(n + 1, sizeof(json_t *));
	size_t i;

	if (!err)
		err = list && docs ? parse_all(entries, n, docs, list)
				   : -ENOMEM;
	reading->done(err, err ? NULL : list, err ? 0 : n, reading->arg);
	for (i = 0; docs && i < n; i++)
		json_decref(docs[i]);
	free(docs);
	free(list);
	free(reading);
}

int lf_audit_read(struct lf_store *store, unsigned max, lf_audit_fn *done,
		  void *arg)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	int err;

	if (!reading)
		return -ENOMEM;
	reading->done = done;
	reading->arg = arg;
	err = lf_store_read(store, LOG_NAME, -1, max, on_read, reading);
	if (err)
		free(reading);
	return err;
}
