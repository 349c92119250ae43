/*
 * presence/agent_list.c - one subscription for a whole department.
 *
 *     a member moves --> marked, and the batch timer runs
 *     200 ms later   --> one NOTIFY with all that are marked, or as many as
 *                        fit; the others follow
 */
#include "presence/agent_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "directory/user.h"
#include "presence/agent_internal.h"
#include "presence/multipart.h"
#include "presence/resource_lists.h"
#include "sip/notify.h"
#include "sip/sip.h"

#include "core/banned.h"

#define BYTES_UDP 7000 /* of documents in one NOTIFY */
#define BYTES_STREAM 60000

struct member {
	struct lf_seat seat;
	struct lf_agent_list *list;
	uint8_t level;
	bool is_marked;
	char *uri;
};

struct lf_agent_list {
	struct lf_agent_sub *sub;
	struct lf_timer batch;
	char *uri;
	bool is_full; /* the next document is */
	size_t count, next;
	struct member members[];
};

/* ---- marks ---- */

static void wait_for_batch(struct lf_agent_list *list)
{
	struct lf_timers *timers = list->sub->agent->parts.timers;

	if (!lf_timer_is_running(&list->batch))
		lf_timer_start(timers, &list->batch, LF_LIST_BATCH_MS);
}

static void on_batch(struct lf_timer *timer, void *arg)
{
	struct lf_agent_list *list = arg;

	if (list->sub->agent->is_asleep)
		wait_for_batch(list); /* nobody knows anything yet */
	else
		lf_agent_sub_update(list->sub);
}

static void on_moved(struct lf_seat *seat, unsigned moved)
{
	struct member *m = LF_CONTAINER_OF(seat, struct member, seat);

	if (moved &&
	    !(moved & lf_format_moved((enum lf_format)m->list->sub->format)))
		return;
	m->is_marked = true;
	wait_for_batch(m->list);
}

void lf_agent_list_renew(struct lf_agent_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		list->members[i].is_marked = true;
	list->is_full = true;
	list->next = 0;
}

void lf_agent_list_levels(struct lf_agent_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct member *m = &list->members[i];
		enum lf_level level;

		if (!m->seat.presentity)
			continue;
		level = lf_agent_level(list->sub, m->seat.presentity->user);
		if (level == m->level)
			continue;
		m->level = (uint8_t)level;
		m->is_marked = true;
		wait_for_batch(list);
	}
}

/* ---- documents ---- */

static void add_member(struct lf_rlmi *rlmi, struct member *m)
{
	enum lf_format format = (enum lf_format)m->list->sub->format;
	struct lf_buf text = {0};

	if (!m->seat.presentity) {
		lf_rlmi_add_gone(rlmi, m->uri, "noresource");
		return;
	}
	lf_presentity_write(m->seat.presentity, format, (enum lf_level)m->level,
			    &text);
	lf_rlmi_add(rlmi, m->uri, lf_format_type(format), lf_buf_str(&text),
		    text.len);
	lf_buf_done(&text);
}

/* In turn, so that a busy member does not starve the others. */
static size_t add_members(struct lf_agent_list *list, struct lf_rlmi *rlmi)
{
	const char *transport = lf_sip_notifier_transport(list->sub->notifier);
	bool is_stream = !strcmp(transport, "tcp") || !strcmp(transport, "tls");
	size_t room = is_stream ? BYTES_STREAM : BYTES_UDP, left = 0;
	size_t start = list->next;

	for (size_t n = 0; n < list->count; n++) {
		size_t i = (start + n) % list->count;
		struct member *m = &list->members[i];

		if (!m->is_marked) {
			if (list->is_full)
				lf_rlmi_add_unknown(rlmi, m->uri);
			continue;
		}
		if (rlmi->list.len + rlmi->parts.len > room) {
			left++;
			if (list->is_full)
				lf_rlmi_add_unknown(rlmi, m->uri);
			continue;
		}
		add_member(rlmi, m);
		m->is_marked = false;
		list->next = i + 1;
	}
	return left;
}

static bool has_news(const struct lf_agent_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->members[i].is_marked)
			return true;
	return list->is_full;
}

int lf_agent_list_body(struct lf_sip_body **ret, struct lf_agent_list *list)
{
	char type[LF_RLMI_TYPE_SIZE];
	struct lf_buf text = {0};
	struct lf_rlmi rlmi;
	size_t left;
	int err;

	if (!has_news(list))
		return -EALREADY;
	lf_rlmi_begin(&rlmi, list->uri, list->sub->version++, list->is_full);
	left = add_members(list, &rlmi);
	list->is_full = false;
	err = lf_rlmi_end(&rlmi, &text, type);
	if (!err)
		err = lf_sip_body_new(ret, type, lf_buf_str(&text), text.len);
	lf_buf_done(&text);
	if (left)
		wait_for_batch(list);
	if (err)
		lf_agent_list_renew(list);
	return err;
}

/* ---- which list ---- */

static int add_address(const char *uri, void *arg)
{
	struct lf_buf *lines = arg;

	if (strpbrk(uri, "\r\n") || strlen(uri) >= LF_PRESENTITY_URI)
		return -EPROTO;
	lf_buf_addf(lines, "%s\n", uri);
	return 0;
}

static int add_members_of(struct lf_buf *lines, const char *list)
{
	char item[LF_PRESENTITY_URI];
	int err = 0;

	while (*list && !err) {
		size_t len;

		list += strspn(list, ", ");
		len = strcspn(list, ",");
		if (len && lf_text_copy_n(item, sizeof(item), list, len))
			err = add_address(lf_text_trim(item), lines);
		list += len;
	}
	return err;
}

static void add_group(struct lf_agent *agent, struct lf_buf *lines,
		      const char *group, const char *host)
{
	const struct lf_user *user;
	size_t i = 0, n = 0;

	while ((user = lf_user_next(agent->parts.directory, &i)) &&
	       n < LF_RESOURCES_MAX) {
		if (!lf_user_in_group(user, group))
			continue;
		if (*user->sip_uri)
			lf_buf_addf(lines, "sip:%s\n", user->sip_uri);
		else if (*user->ext)
			lf_buf_addf(lines, "sip:%s@%s\n", user->ext, host);
		else
			continue;
		n++;
	}
}

/* "sip:sales@host" is the list "sales". */
static int find_stored(struct lf_agent *agent, const char *uri,
		       struct lf_buf *lines)
{
	const struct lf_settings *s = agent->parts.settings;
	const char *colon = strchr(uri, ':'), *at = strchr(uri, '@');
	const char *members, *group;
	char name[64];

	if (!agent->has_lists || !colon || !at || at < colon ||
	    !lf_text_copy_n(name, sizeof(name), colon + 1,
			    (size_t)(at - colon - 1)))
		return -ENOENT;
	members = lf_setting_of(s, "list.*.members", name);
	group = lf_setting_of(s, "list.*.group", name);
	if (!*members && !*group)
		return -ENOENT;
	if (*group)
		add_group(agent, lines, group, at + 1);
	return add_members_of(lines, members);
}

int lf_agent_list_find(struct lf_agent *agent, struct lf_sip_request *req,
		       struct lf_buf *ret_lines)
{
	const char *type, *body;
	size_t len;
	int err;

	body = lf_sip_request_body(req, &len);
	type = len ? lf_sip_request_header(req, "Content-Type") : NULL;
	if (type && lf_content_is(type, "application/resource-lists+xml"))
		err = lf_resource_lists_read(body, len, add_address, ret_lines);
	else
		err = find_stored(agent, lf_sip_request_uri(req), ret_lines);
	return err ? err : lf_buf_error(ret_lines);
}

/* ---- life ---- */

static size_t count_lines(const char *lines)
{
	size_t n = 0;

	for (; (lines = strchr(lines, '\n')) != NULL; lines++)
		n++;
	return n;
}

static int sit(struct member *m, struct lf_agent_list *list, const char *uri,
	       size_t len)
{
	int err;

	m->list = list;
	m->seat.moved = on_moved;
	m->is_marked = true;
	lf_list_init(&m->seat.node);
	m->uri = strndup(uri, len);
	if (!m->uri)
		return -ENOMEM;
	err = lf_seat_take(&m->seat, &list->sub->agent->desk, m->uri);
	if (!err)
		m->level = (uint8_t)lf_agent_level(list->sub,
						   m->seat.presentity->user);
	/* An unknown address is told as such, it does not end the list. */
	return err == -ENOMEM ? err : 0;
}

int lf_agent_list_new(struct lf_agent_list **ret, struct lf_agent_sub *sub,
		      const char *uri, const char *lines)
{
	size_t n = count_lines(lines);
	struct lf_agent_list *list;
	int err = 0;

	if (n > LF_RESOURCES_MAX)
		return -E2BIG;
	list = calloc(1, sizeof(*list) + n * sizeof(list->members[0]));
	if (!list)
		return -ENOMEM;
	list->sub = sub;
	list->is_full = true;
	lf_timer_init(&list->batch, on_batch, list);
	list->uri = strdup(uri);
	if (!list->uri)
		err = -ENOMEM;
	for (; list->count < n && !err; list->count++) {
		size_t len = strcspn(lines, "\n");

		err = sit(&list->members[list->count], list, lines, len);
		lines += len + 1;
	}
	if (err) {
		lf_agent_list_free(list);
		return err;
	}
	*ret = list;
	return 0;
}

void lf_agent_list_free(struct lf_agent_list *list)
{
	if (!list)
		return;
	lf_timer_stop(list->sub->agent->parts.timers, &list->batch);
	for (size_t i = 0; i < list->count; i++) {
		lf_seat_leave(&list->members[i].seat);
		free(list->members[i].uri);
	}
	free(list->uri);
	free(list);
}

const char *lf_agent_list_uri(const struct lf_agent_list *list)
{
	return list->uri;
}

void lf_agent_list_lines(const struct lf_agent_list *list, struct lf_buf *out)
{
	for (size_t i = 0; i < list->count; i++)
		lf_buf_addf(out, "%s\n", list->members[i].uri);
}
