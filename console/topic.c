/*
 * console/topic.c - subscriptions: which colleagues a console watches.
 *
 * A subscription by group or to all follows the directory; one by name stays
 * as it is until sub.update. Watching is what makes the board ask the feeds.
 */
#include "console/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

#include "core/banned.h"

#define PAGE_DEFAULT 200
#define PAGE_MAX 2000
#define GROUPS_MAX 50

static void free_rows(struct lf_list *rows)
{
	LF_LIST_FOREACH_SAFE (node, rows)
		lf_row_free(LF_CONTAINER_OF(node, struct lf_row, queue));
}

void lf_sub_free(struct lf_sub *sub)
{
	free_rows(&sub->pages);
	free_rows(&sub->dirty);
	free_rows(&sub->waiting);
	free_rows(&sub->clean);
	lf_list_del(&sub->node);
	sub->session->n_subs--;
	sub->session->console->stats.subscriptions--;
	json_decref(sub->groups);
	free(sub);
}

static int sub_new(struct lf_sub **ret, struct lf_session *session)
{
	struct lf_sub *sub = calloc(1, sizeof(*sub));

	if (!sub)
		return -ENOMEM;
	sub->session = session;
	sub->id = ++session->next_sub;
	lf_list_init(&sub->pages);
	lf_list_init(&sub->dirty);
	lf_list_init(&sub->waiting);
	lf_list_init(&sub->clean);
	lf_list_add_tail(&session->subs, &sub->node);
	session->n_subs++;
	session->console->stats.subscriptions++;
	*ret = sub;
	return 0;
}

void lf_sub_restart(struct lf_sub *sub)
{
	struct lf_list all;

	lf_list_init(&all);
	lf_list_splice_tail(&all, &sub->pages);
	lf_list_splice_tail(&all, &sub->clean);
	lf_list_splice_tail(&all, &sub->waiting);
	lf_list_splice_tail(&all, &sub->dirty);
	LF_LIST_FOREACH_SAFE (node, &all) {
		struct lf_row *row =
			LF_CONTAINER_OF(node, struct lf_row, queue);

		if (row->dirty & LF_ROW_GONE) {
			lf_row_free(row);
			continue;
		}
		row->dirty = 0;
		row->is_queued = false;
		row->is_paged = true;
	}
	lf_list_splice_tail(&sub->pages, &all);
	sub->is_restarted = true; /* an empty one says so, too */
}

/* ---- rows by name, by group ---- */

static bool matches(const struct lf_sub *sub, const struct lf_user *user)
{
	const json_t *group;
	size_t i;

	if (sub->is_all)
		return true;
	json_array_foreach (sub->groups, i, group) {
		if (lf_user_in_group(user, json_string_value(group)))
			return true;
	}
	return false;
}

static struct lf_row *find_row(const struct lf_sub *sub, const char *user_id)
{
	struct lf_shown *shown =
		lf_map_find(&sub->session->console->shown, user_id);

	if (!shown)
		return NULL;
	LF_LIST_FOREACH (node, &shown->rows) {
		struct lf_row *row =
			LF_CONTAINER_OF(node, struct lf_row, person);

		if (row->sub == sub)
			return row;
	}
	return NULL;
}

/* Into the snapshot, or as a delta with the whole row. */
static int add_row(struct lf_sub *sub, const char *user_id, bool is_named,
		   bool is_paged)
{
	const struct lf_limits *limits = &sub->session->console->limits;
	struct lf_row *row;
	int err;

	if (sub->session->rows >= limits->max_rows)
		return -ENOSPC;
	err = lf_row_new(&row, sub, user_id);
	if (err)
		return err;
	row->is_named = is_named;
	row->is_paged = is_paged;
	lf_list_add_tail(is_paged ? &sub->pages : &sub->clean, &row->queue);
	if (!is_paged) {
		row->slot = (uint32_t)sub->session->console->slot - 1;
		lf_row_mark(row, LF_ROW_FULL);
	}
	return 0;
}

/* Names may repeat, and may be unknown: those are told to the client. */
static int add_named(struct lf_sub *sub, const json_t *users, bool is_paged,
		     struct lf_buf *unknown)
{
	const struct lf_directory *dir = sub->session->console->parts.directory;
	struct lf_row *row;
	const json_t *item;
	size_t i;
	int err;

	json_array_foreach (users, i, item) {
		const char *id = json_string_value(item);

		if (!id)
			return -EINVAL;
		if (!lf_user_find(dir, id)) {
			lf_buf_addc(unknown, unknown->len ? ',' : '[');
			lf_buf_add_json(unknown, id);
			continue;
		}
		row = find_row(sub, id);
		if (row && !(row->dirty & LF_ROW_GONE)) {
			row->is_named = true;
			continue;
		}
		if (row) /* about to leave: it stays after all */
			lf_row_free(row);
		err = add_row(sub, id, true, is_paged);
		if (err)
			return err;
	}
	return 0;
}

static int add_matching(struct lf_sub *sub)
{
	const struct lf_directory *dir = sub->session->console->parts.directory;
	const bool has_names = sub->n_rows > 0;
	const struct lf_user *user;
	size_t i = 0;
	int err = 0;

	if (!sub->is_all && !json_array_size(sub->groups))
		return 0;
	while (!err && (user = lf_user_next(dir, &i)))
		if (matches(sub, user) &&
		    !(has_names && find_row(sub, user->id)))
			err = add_row(sub, user->id, false, true);
	return err;
}

void lf_sub_follow(struct lf_sub *sub, const struct lf_user *was,
		   const struct lf_user *now)
{
	const char *id = now ? now->id : was->id;
	struct lf_row *row = find_row(sub, id);
	bool belongs = now && matches(sub, now);

	if (row && (!now || (!belongs && !row->is_named))) {
		row->is_paged = false;
		lf_row_mark(row, LF_ROW_GONE);
	} else if (row && row->dirty & LF_ROW_GONE) {
		row->dirty = 0; /* back before anybody was told */
		lf_row_mark(row, LF_ROW_FULL);
	} else if (!row && belongs && add_row(sub, id, false, false)) {
		lf_log(LF_WARN, LF_ROOM, "%s: no room for user %s",
		       sub->session->peer, id);
	}
}

/* ---- methods ---- */

static bool are_texts(const json_t *array)
{
	const json_t *item;
	size_t i;

	if (!array)
		return true;
	json_array_foreach (array, i, item) {
		if (!json_is_string(item))
			return false;
	}
	return json_is_array(array);
}

static enum lf_fault read_topic(const struct lf_call *call, uint8_t *ret)
{
	static const char *const to_come[] = {
		"calls",  "parked",    "queues",  "queue_calls", "agents",
		"system", "dashboard", "history", "mwi",         "calendar",
	};
	const char *topic = lf_json_str(call->params, "topic", "", NULL);

	if (!strcmp(topic, "lamps") || !strcmp(topic, "notes")) {
		*ret = topic[0] == 'l' ? LF_TOPIC_LAMPS : LF_TOPIC_NOTES;
		if (*ret == LF_TOPIC_NOTES &&
		    call->session->licence < LF_LICENCE_BAP)
			return LF_FAULT_FORBIDDEN;
		return LF_FAULT_NONE;
	}
	for (size_t i = 0; i < sizeof(to_come) / sizeof(to_come[0]); i++)
		if (!strcmp(topic, to_come[i]))
			return LF_FAULT_UNSUPPORTED;
	return LF_FAULT_PARAMS;
}

/* NULL, or the parameter that is wrong. */
static const char *read_filter(struct lf_sub *sub, const json_t *params)
{
	const json_t *filter = json_object_get(params, "filter");
	json_t *groups = json_object_get(filter, "groups");
	int64_t page = lf_json_int(params, "page", PAGE_DEFAULT, NULL);
	int bad = 0;

	sub->is_all = lf_json_bool(filter, "all", 0, &bad);
	if (!json_is_object(filter) || bad)
		return "filter";
	if (!are_texts(groups) || json_array_size(groups) > GROUPS_MAX)
		return "filter.groups";
	if (!are_texts(json_object_get(filter, "users")))
		return "filter.users";
	sub->groups = json_incref(groups);
	sub->page = page < 1 ? 1 : page > PAGE_MAX ? PAGE_MAX : (unsigned)page;
	if (lf_row_fields_parse(&sub->fields, json_object_get(params, "fields"),
				sub->topic))
		return "fields";
	/* S118: for supervisors, and when the administrator says so. */
	if (sub->session->licence < LF_LICENCE_BAE)
		sub->fields &= ~(uint32_t)LF_ROW_PEER;
	return NULL;
}

static void refuse_limit(struct lf_call *call, const char *what, unsigned max)
{
	char data[96];

	snprintf(data, sizeof(data), "{\"what\":\"%s\",\"max\":%u}", what, max);
	lf_conn_error(call->conn, call->id, LF_FAULT_LIMIT, data);
}

static void refuse(struct lf_call *call, int err)
{
	if (err == -ENOSPC)
		refuse_limit(call, "rows", call->console->limits.max_rows);
	else if (err == -EINVAL)
		lf_conn_error_field(call->conn, call->id, "add");
	else
		lf_conn_error(call->conn, call->id, LF_FAULT_INTERNAL, NULL);
}

static void add_unknown(struct lf_buf *buf, const struct lf_buf *unknown)
{
	if (!unknown->len)
		return;
	lf_buf_adds(buf, ",\"unknown\":");
	lf_buf_add(buf, unknown->data, unknown->len);
	lf_buf_addc(buf, ']');
}

static void answer_sub(struct lf_call *call, struct lf_sub *sub,
		       const struct lf_buf *unknown)
{
	struct lf_buf *buf = lf_conn_reply(call->conn, call->id);
	bool has_more;

	lf_buf_adds(buf, "{\"sub\":");
	lf_line_number(buf, sub->id);
	lf_line_int(buf, "rows", (int64_t)sub->n_rows);
	lf_buf_adds(buf, ",\"snap\":");
	has_more = lf_sub_page(sub, buf);
	lf_buf_adds(buf, has_more ? ",\"more\":true" : ",\"more\":false");
	add_unknown(buf, unknown);
	lf_buf_addc(buf, '}');
	lf_conn_reply_end(call->conn, call->session->seq);
	if (has_more)
		lf_session_wake(call->session);
}

static void subscribe(struct lf_call *call, struct lf_sub *sub)
{
	const char *bad = read_filter(sub, call->params);
	const json_t *users = json_object_get(
		json_object_get(call->params, "filter"), "users");
	struct lf_buf unknown = {0};
	int err = 0;

	if (!bad)
		err = add_named(sub, users, true, &unknown);
	if (!bad && !err)
		err = add_matching(sub);
	if (!bad && !err) {
		answer_sub(call, sub, &unknown);
	} else {
		lf_sub_free(sub);
		if (bad)
			lf_conn_error_field(call->conn, call->id, bad);
		else
			refuse(call, err);
	}
	lf_buf_done(&unknown);
}

void lf_method_sub(struct lf_call *call)
{
	const unsigned max = call->console->limits.max_subs;
	enum lf_fault fault;
	struct lf_sub *sub;
	uint8_t topic;

	fault = read_topic(call, &topic);
	if (fault == LF_FAULT_PARAMS) {
		lf_conn_error_field(call->conn, call->id, "topic");
	} else if (fault) {
		lf_conn_error(call->conn, call->id, fault, NULL);
	} else if (call->session->n_subs >= max) {
		refuse_limit(call, "subscriptions", max);
	} else if (sub_new(&sub, call->session)) {
		lf_conn_error(call->conn, call->id, LF_FAULT_INTERNAL, NULL);
	} else {
		sub->topic = topic;
		subscribe(call, sub);
	}
}

static struct lf_sub *find_sub(struct lf_call *call)
{
	int64_t id = lf_json_int(call->params, "sub", 0, NULL);

	LF_LIST_FOREACH (node, &call->session->subs) {
		struct lf_sub *sub = LF_CONTAINER_OF(node, struct lf_sub, node);

		if (sub->id == id)
			return sub;
	}
	lf_conn_error(call->conn, call->id, LF_FAULT_NOT_FOUND, NULL);
	return NULL;
}

void lf_method_unsub(struct lf_call *call)
{
	struct lf_sub *sub = find_sub(call);

	if (!sub)
		return;
	lf_sub_free(sub);
	lf_buf_adds(lf_conn_reply(call->conn, call->id), "{}");
	lf_conn_reply_end(call->conn, -1);
}

static void remove_named(struct lf_sub *sub, const json_t *users)
{
	const json_t *item;
	struct lf_row *row;
	size_t i;

	json_array_foreach (users, i, item) {
		row = find_row(sub, json_string_value(item));
		if (row)
			lf_row_free(row);
	}
}

void lf_method_sub_update(struct lf_call *call)
{
	const json_t *add = json_object_get(call->params, "add");
	const json_t *remove = json_object_get(call->params, "remove");
	struct lf_sub *sub = find_sub(call);
	struct lf_buf unknown = {0}, *buf;
	int err;

	if (!sub)
		return;
	if (!are_texts(add) || !are_texts(remove)) {
		lf_conn_error_field(call->conn, call->id,
				    are_texts(add) ? "remove" : "add");
		return;
	}
	remove_named(sub, remove);
	err = add_named(sub, add, false, &unknown);
	if (err) {
		refuse(call, err);
	} else {
		buf = lf_conn_reply(call->conn, call->id);
		lf_buf_adds(buf, "{\"rows\":");
		lf_line_number(buf, (int64_t)sub->n_rows);
		add_unknown(buf, &unknown);
		lf_buf_addc(buf, '}');
		lf_conn_reply_end(call->conn, -1);
	}
	lf_buf_done(&unknown);
}
