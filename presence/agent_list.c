/*
 * presence/agent_list.c - one subscription for a whole department.
 *
 *     a member moves --> marked, and the batch timer runs
 *     200 ms later   --> one NOTIFY with all that are marked, or as many as
 *                        travel well in one
 *     it is answered --> the others follow
 */
#include "presence/agent_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/hash.h"
#include "core/map.h"
#include "core/text.h"
#include "presence/agent_internal.h"
#include "presence/members.h"
#include "presence/resource_lists.h"
#include "sip/notify.h"

#include "core/banned.h"

#define ROOM_MOST 60000 /* of a NOTIFY that nothing can follow */

struct member {
	struct lf_seat seat;
	struct lf_agent_list *list;
	uint8_t level;
	bool is_marked;
	struct lf_resource is;
	char *texts; /* of `is` */
};

struct lf_agent_list {
	struct lf_agent_sub *sub;
	struct lf_timer batch;
	char *uri;
	uint64_t print; /* of the lines it was made from */
	bool is_kept;   /* by administrators */
	bool is_full;   /* the next document is */
	bool has_more;  /* the last document left some out */
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

static enum lf_level level_of(const struct member *m)
{
	return lf_agent_level(m->list->sub, m->seat.presentity->user);
}

void lf_agent_list_levels(struct lf_agent_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct member *m = &list->members[i];
		enum lf_level level;

		if (!m->seat.presentity)
			continue;
		level = level_of(m);
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
		lf_rlmi_add_gone(rlmi, &m->is, "noresource");
		return;
	}
	lf_presentity_write(m->seat.presentity, format, (enum lf_level)m->level,
			    &text);
	lf_rlmi_add(rlmi, &m->is, lf_format_type(format), lf_buf_str(&text),
		    text.len);
	lf_buf_done(&text);
}

/* Bytes of a table of contents without any state. */
static size_t measure_table(const struct lf_agent_list *list)
{
	struct lf_rlmi table = {0};
	size_t len;

	for (size_t i = 0; i < list->count; i++)
		lf_rlmi_add_unknown(&table, &list->members[i].is);
	len = table.list.len;
	lf_buf_done(&table.list);
	return len;
}

/*
 * Everybody is in the table, and state is added while there is room for it and
 * for the rest of the table. A table that fills the room alone goes alone: it
 * may have to travel in fragments, and what is small does not have to.
 */
static void add_all(struct lf_agent_list *list, struct lf_rlmi *rlmi,
		    size_t room)
{
	size_t rest = measure_table(list);

	list->has_more = false;
	for (size_t i = 0; i < list->count; i++) {
		struct member *m = &list->members[i];
		size_t before = rlmi->list.len;

		lf_rlmi_add_unknown(rlmi, &m->is);
		rest -= rlmi->list.len - before;
		if (list->has_more)
			continue;
		lf_rlmi_undo(rlmi);
		add_member(rlmi, m);
		m->is_marked = lf_rlmi_size(rlmi) + rest > room;
		if (!m->is_marked)
			continue;
		lf_rlmi_undo(rlmi);
		lf_rlmi_add_unknown(rlmi, &m->is);
		list->has_more = true;
		list->next = i;
	}
}

/* In turn, so that a busy member does not starve the others; one at least. */
static void add_marked(struct lf_agent_list *list, struct lf_rlmi *rlmi,
		       size_t room)
{
	size_t start = list->next, added = 0;

	list->has_more = false;
	for (size_t n = 0; n < list->count && !list->has_more; n++) {
		size_t i = (start + n) % list->count;
		struct member *m = &list->members[i];

		if (!m->is_marked)
			continue;
		add_member(rlmi, m);
		if (added++ && lf_rlmi_size(rlmi) > room) {
			lf_rlmi_undo(rlmi);
			list->has_more = true;
			list->next = i;
		} else {
			m->is_marked = false;
			list->next = i + 1;
		}
	}
}

static bool has_news(const struct lf_agent_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->members[i].is_marked)
			return true;
	return list->is_full;
}

int lf_agent_list_body(struct lf_sip_body **ret, struct lf_agent_list *list,
		       bool is_only)
{
	size_t room =
		is_only ? ROOM_MOST : lf_sip_notifier_room(list->sub->notifier);
	char type[LF_RLMI_TYPE_SIZE];
	struct lf_buf text = {0};
	struct lf_rlmi rlmi;
	int err;

	if (!has_news(list))
		return -EALREADY;
	lf_rlmi_begin(&rlmi, list->uri, list->sub->version++, list->is_full);
	if (list->is_full)
		add_all(list, &rlmi, room);
	else
		add_marked(list, &rlmi, room);
	list->is_full = false;
	err = lf_rlmi_end(&rlmi, &text, type);
	if (!err)
		err = lf_sip_body_new(ret, type, lf_buf_str(&text), text.len);
	lf_buf_done(&text);
	if (err) {
		lf_agent_list_renew(list);
		wait_for_batch(list);
	}
	return err;
}

bool lf_agent_list_has_more(const struct lf_agent_list *list)
{
	return list->has_more;
}

/* ---- members ---- */

/* An unknown address is told as such, it does not end the list. */
static int take_seat(struct member *m)
{
	int err = lf_seat_take(&m->seat, &m->list->sub->agent->desk, m->is.uri);

	if (!err)
		m->level = (uint8_t)level_of(m);
	return err == -ENOMEM ? err : 0;
}

/* Once for each address: a second line of it says nothing new. */
static int add(struct lf_agent_list *list, struct lf_map *seen,
	       const struct lf_resource *r)
{
	struct member *m = &list->members[list->count];
	size_t uri_size = strlen(r->uri) + 1, name_size = strlen(r->name) + 1;
	int err;

	if (lf_map_find(seen, r->uri))
		return 0;
	m->texts = malloc(uri_size + name_size);
	if (!m->texts)
		return -ENOMEM;
	m->is.uri = memcpy(m->texts, r->uri, uri_size);
	m->is.name = memcpy(m->texts + uri_size, r->name, name_size);
	m->list = list;
	m->seat.moved = on_moved;
	m->is_marked = true;
	lf_list_init(&m->seat.node);
	list->count++;
	err = lf_map_add(seen, m->is.uri, m);
	return err ? err : take_seat(m);
}

static int add_lines(struct lf_agent_list *list, const char *lines)
{
	char scratch[LF_MEMBER_SIZE];
	struct lf_map seen = {0};
	struct lf_resource r;
	int err = 0;

	while (!err && (lines = lf_members_next(lines, &r, scratch)) != NULL)
		err = add(list, &seen, &r);
	lf_map_done(&seen);
	return err;
}

static uint64_t print_of(const struct lf_members *members)
{
	static const uint64_t key[2] = {0, 0}; /* compared with itself only */

	return lf_hash(key, lf_buf_str(&members->lines), members->lines.len);
}

/* A new one in its place; who stays on it is not forgotten meanwhile. */
static int replace(struct lf_agent_sub *sub, const struct lf_members *members)
{
	struct lf_agent_list *old = sub->list, *list;
	int err = lf_agent_list_new(&list, sub, old->uri, members);

	if (err)
		return err;
	sub->list = list;
	lf_agent_list_free(old);
	lf_agent_sub_update(sub);
	return 0;
}

/* Somebody may have become a user, or got another address. */
static void seat_strangers(struct lf_agent_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct member *m = &list->members[i];

		if (m->seat.presentity)
			continue;
		take_seat(m);
		if (!m->seat.presentity)
			continue;
		m->is_marked = true;
		wait_for_batch(list);
	}
}

void lf_agent_list_follow(struct lf_agent_sub *sub)
{
	struct lf_members members = {.is_kept = false};
	struct lf_agent_list *list = sub->list;
	int err = 0;

	if (list->is_kept)
		err = lf_members_kept(&members, sub->agent, list->uri);
	if (err == -ENOENT)
		lf_agent_sub_end(sub, LF_REASON_NORESOURCE);
	else if (members.is_kept && print_of(&members) != list->print)
		err = replace(sub, &members);
	else
		seat_strangers(list);
	lf_members_done(&members);
	if (err == -ENOMEM)
		lf_members_moved(sub->agent); /* once more, later */
}

/* ---- life ---- */

int lf_agent_list_new(struct lf_agent_list **ret, struct lf_agent_sub *sub,
		      const char *uri, const struct lf_members *members)
{
	const char *lines = lf_buf_str(&members->lines);
	size_t n = lf_members_count(members);
	struct lf_agent_list *list;
	int err;

	if (n > LF_RESOURCES_MAX)
		return -E2BIG;
	list = calloc(1, sizeof(*list) + n * sizeof(list->members[0]));
	if (!list)
		return -ENOMEM;
	list->sub = sub;
	list->is_full = true;
	list->is_kept = members->is_kept;
	list->print = print_of(members);
	lf_timer_init(&list->batch, on_batch, list);
	list->uri = strdup(uri);
	err = list->uri ? add_lines(list, lines) : -ENOMEM;
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
		free(list->members[i].texts);
	}
	free(list->uri);
	free(list);
}

bool lf_agent_list_has(const struct lf_agent_list *list,
		       const struct lf_user *user)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct lf_presentity *p =
			list->members[i].seat.presentity;

		if (p && p->user == user)
			return true;
	}
	return false;
}

const char *lf_agent_list_uri(const struct lf_agent_list *list)
{
	return list->uri;
}

void lf_agent_list_save(const struct lf_agent_list *list, struct lf_buf *out)
{
	if (list->is_kept)
		lf_buf_adds(out, LF_LIST_KEPT);
	for (size_t i = 0; i < list->count && !list->is_kept; i++)
		lf_members_add(&list->members[i].is, out);
}
