/*
 * chat/load.c - tables and statements, and everything back after a restart:
 * number, agents, contacts, what was said, callbacks.
 *
 * The store answers in the order of the questions, so the contacts are there
 * before their posts, which are asked for last and page by page.
 */
#include "chat/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

static const char tables[] =
	"CREATE TABLE chat_post (guid BIGINT NOT NULL, seq BIGINT NOT NULL,"
	" wall_ms BIGINT NOT NULL, kind BIGINT NOT NULL, agent TEXT,"
	" name TEXT NOT NULL, body TEXT NOT NULL, destination TEXT,"
	" sent BIGINT NOT NULL, PRIMARY KEY (guid, seq));"
	"CREATE TABLE chat_past (guid BIGINT PRIMARY KEY, identity TEXT,"
	" email TEXT, start_ms BIGINT NOT NULL, end_ms BIGINT NOT NULL,"
	" has_whispers BIGINT NOT NULL, is_kept BIGINT NOT NULL,"
	" agent TEXT, reason BIGINT, note TEXT, posts TEXT NOT NULL);"
	"CREATE INDEX chat_past_identity ON chat_past (identity, start_ms);"
	"CREATE INDEX chat_past_end ON chat_past (end_ms);"
	"CREATE TABLE chat_callback (id BIGINT PRIMARY KEY, due_ms BIGINT"
	" NOT NULL, made_ms BIGINT NOT NULL, is_done BIGINT NOT NULL,"
	" skillset TEXT NOT NULL, phone TEXT NOT NULL, country TEXT NOT NULL,"
	" area TEXT, name TEXT, email TEXT, identity TEXT);";

/*
 * What is said lives here until its room is closed and its transcript is
 * stored. `sent`: the newest post that had gone to the customer then. All
 * rooms grow at one end: by (guid, seq) each post would change a page of its
 * own, twenty times the bytes that are said.
 */
static const char posts_in_order[] =
	"ALTER TABLE chat_post RENAME TO chat_post_1;"
	"CREATE TABLE chat_post (id BIGINT PRIMARY KEY,"
	" guid BIGINT NOT NULL, seq BIGINT NOT NULL,"
	" wall_ms BIGINT NOT NULL, kind BIGINT NOT NULL, agent TEXT,"
	" name TEXT NOT NULL, body TEXT NOT NULL, destination TEXT,"
	" sent BIGINT NOT NULL);"
	"INSERT INTO chat_post SELECT ROW_NUMBER() OVER (ORDER BY guid, seq),"
	" guid, seq, wall_ms, kind, agent, name, body, destination, sent"
	" FROM chat_post_1;"
	"DROP TABLE chat_post_1;";

static const char *const migrations[] = {tables, posts_in_order};

static const struct {
	const char *name, *sql;
} statements[] = {
	{"chat.post.add",
	 "INSERT INTO chat_post (guid, seq, wall_ms, kind, agent, name, body,"
	 " destination, sent, id)"
	 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"},
	{"chat.post.sent", "UPDATE chat_post SET sent = $2 WHERE id = $1"},
	{"chat.post.page",
	 "SELECT id, guid, seq, wall_ms, kind, agent, name, body, destination,"
	 " sent FROM chat_post WHERE id > $1 ORDER BY id LIMIT 500"},
	{"chat.post.drop",
	 "DELETE FROM chat_post WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8,"
	 " $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
	 " $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)"},
	{"chat.past.add",
	 "INSERT INTO chat_past (guid, identity, email, start_ms, end_ms,"
	 " has_whispers, is_kept, agent, reason, note, posts)"
	 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"},
	{"chat.past.reason",
	 "UPDATE chat_past SET reason = $2, agent = $3, note = $4"
	 " WHERE guid = $1"},
	{"chat.past.count", "SELECT COUNT(*) FROM chat_past"
			    " WHERE identity = $1 AND is_kept = 1"},
	{"chat.past.of", "SELECT start_ms, has_whispers, posts FROM chat_past"
			 " WHERE identity = $1 AND is_kept = 1 AND guid <> $2"
			 " ORDER BY start_ms DESC, guid DESC LIMIT $3"},
	{"chat.past.one", "SELECT email, posts FROM chat_past WHERE guid = $1"},
	{"chat.past.expire", "DELETE FROM chat_past WHERE end_ms < $1"},
	{"chat.past.unkept",
	 "DELETE FROM chat_past WHERE guid = $1 AND is_kept = 0"},
	{"chat.callback.add",
	 "INSERT INTO chat_callback (id, due_ms, made_ms, is_done, skillset,"
	 " phone, country, area, name, email, identity)"
	 " VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $10)"},
	{"chat.callback.open",
	 "SELECT id, due_ms, made_ms, skillset, phone, country, area, name,"
	 " email, identity FROM chat_callback WHERE is_done = 0"
	 " ORDER BY due_ms, id"},
	{"chat.callback.last",
	 "SELECT COALESCE(MAX(id), 0) FROM chat_callback"},
	{"chat.callback.done",
	 "UPDATE chat_callback SET is_done = 1 WHERE id = $1"},
};

int lf_chat_define(struct lf_chat *chat)
{
	char text[256];
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(migrations) / sizeof(*migrations); i++)
		err = lf_store_migrate(chat->parts.store, "chat",
				       (unsigned)i + 1, migrations[i], text,
				       sizeof(text));
	if (err)
		lf_log(LF_ERROR, "chat", "%s", text);
	for (i = 0; !err && i < sizeof(statements) / sizeof(*statements); i++)
		err = lf_store_define(chat->parts.store, statements[i].name,
				      statements[i].sql);
	return err;
}

/* ---- answers ---- */

static void fail(struct lf_chat *chat, int err)
{
	if (err && !chat->load_err)
		chat->load_err = err;
}

static void on_guid(int err, const struct lf_store_kv *rows, size_t n,
		    void *arg)
{
	struct lf_chat *chat = arg;
	char text[24];
	int64_t guid = 0;

	fail(chat, err);
	if (err || !n)
		return;
	lf_text_copy_n(text, sizeof(text), rows[0].value, rows[0].len);
	if (lf_text_int(&guid, text, 0, LF_CHAT_GUID_MAX))
		fail(chat, -EPROTO);
	chat->engine->last_guid = guid;
	chat->reserved_guid = guid;
}

static void on_agents(int err, const struct lf_store_kv *rows, size_t n,
		      void *arg)
{
	struct lf_chat *chat = arg;
	size_t i;

	fail(chat, err);
	for (i = 0; !err && i < n; i++)
		if (lf_chat_agent_restore(chat->engine, rows[i].value,
					  rows[i].len))
			lf_log(LF_ERROR, "chat", "agent %s cannot be read back",
			       rows[i].key);
}

static char *copy_cell(const struct lf_store_rows *rows, size_t row,
		       size_t column, bool *failed)
{
	size_t len;
	const char *text = lf_store_rows_text(rows, row, column, &len);
	char *copy = text ? strndup(text, len) : NULL;

	if (text && !copy)
		*failed = true;
	return copy;
}

/* Columns as chat.post.page has them, from `seq` on. */
static int add_post(struct lf_chat_contact *c, int64_t row,
		    const struct lf_store_rows *rows, size_t i)
{
	struct lf_chat_post *p = calloc(1, sizeof(*p));
	bool failed = false;
	int err = -ENOMEM;

	if (!p)
		return err;
	p->row = row;
	p->seq = lf_store_rows_int(rows, i, 2);
	p->wall_ms = lf_store_rows_int(rows, i, 3);
	p->kind = (enum lf_chat_kind)lf_store_rows_int(rows, i, 4);
	p->agent = copy_cell(rows, i, 5, &failed);
	p->name = copy_cell(rows, i, 6, &failed);
	p->text = copy_cell(rows, i, 7, &failed);
	p->destination = copy_cell(rows, i, 8, &failed);
	if (!failed)
		err = lf_chat_post_restore(c, p, lf_store_rows_int(rows, i, 9));
	if (err)
		lf_chat_post_free(p);
	return err;
}

static void loaded(struct lf_chat *chat)
{
	chat->pending--;
	if (chat->is_closing) {
		lf_chat_check_closed(chat);
		return;
	}
	if (!chat->load_err) {
		chat->is_loaded = true;
		lf_chat_now(chat);
		lf_chat_restored(chat->engine);
		lf_chat_flush(chat);
		if (chat->engine->n_contacts)
			lf_log(LF_NOTICE, "chat", "%zu contacts are back",
			       chat->engine->n_contacts);
	}
	chat->ready(chat->load_err, chat->ready_arg);
}

/*
 * Posts of a page to their contacts. What has none was about to be dropped
 * when we stopped; unless its contact is one that cannot be read.
 */
static int take_posts(struct lf_chat *chat, const struct lf_store_rows *rows,
		      size_t n)
{
	struct lf_chat_engine *e = chat->engine;
	int64_t *lost = calloc(n + 1, sizeof(*lost));
	size_t i, n_lost = 0;
	int err = lost ? 0 : -ENOMEM;

	for (i = 0; !err && i < n; i++) {
		struct lf_chat_contact *c =
			lf_chat_contact_find(e, lf_store_rows_int(rows, i, 1));

		e->last_row = lf_store_rows_int(rows, i, 0);
		if (c && !c->is_transcribed)
			err = add_post(c, e->last_row, rows, i);
		else if (c || !chat->has_unread)
			lost[n_lost++] = e->last_row;
	}
	lf_chat_rows_drop(e, lost, n_lost);
	return err;
}

static void ask_posts(struct lf_chat *chat);

static void on_posts(int err, struct lf_store_rows *rows, void *arg)
{
	struct lf_chat *chat = arg;
	size_t n = err ? 0 : lf_store_rows_count(rows);

	if (!err)
		err = take_posts(chat, rows, n);
	fail(chat, err);
	if (err || !n)
		loaded(chat);
	else
		ask_posts(chat);
}

static void ask_posts(struct lf_chat *chat)
{
	struct lf_store_arg arg = {.type = LF_ARG_INT,
				   .i = chat->engine->last_row};
	int err = lf_store_query(chat->parts.store, "chat.post.page", &arg, 1,
				 on_posts, chat);

	if (err) {
		fail(chat, err);
		loaded(chat);
	}
}

/* One unreadable contact must not keep all others out. */
static void on_contacts(int err, const struct lf_store_kv *rows, size_t n,
			void *arg)
{
	struct lf_chat *chat = arg;
	size_t i;

	fail(chat, err);
	for (i = 0; !err && i < n; i++) {
		if (!lf_chat_contact_restore(chat->engine, rows[i].value,
					     rows[i].len))
			continue;
		chat->has_unread = true;
		lf_log(LF_ERROR, "chat", "contact %s cannot be read back",
		       rows[i].key);
	}
	ask_posts(chat);
}

int lf_chat_load(struct lf_chat *chat)
{
	struct lf_store *store = chat->parts.store;
	int err;

	err = lf_store_get(store, "chat", "guid", on_guid, chat);
	if (!err)
		err = lf_store_scan(store, "chat.agent", "", on_agents, chat);
	if (!err)
		err = lf_chat_callbacks_load(chat);
	if (!err)
		err = lf_store_scan(store, "chat.contact", "", on_contacts,
				    chat);
	if (!err)
		chat->pending++;
	return err;
}
