/* presence/members.c - who is on a list, now and after a change. */
#include "presence/members.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "directory/setting.h"
#include "directory/user.h"
#include "presence/agent_internal.h"
#include "presence/agent_list.h"
#include "presence/lists.h"
#include "presence/multipart.h"
#include "presence/resource_lists.h"
#include "sip/sip.h"

#include "core/banned.h"

/* ---- lines ---- */

int lf_members_add(const struct lf_resource *r, void *arg)
{
	struct lf_buf *lines = arg;

	if (strpbrk(r->uri, " \t\r\n") || strlen(r->uri) >= LF_RESOURCE_URI)
		return -EPROTO;
	lf_buf_adds(lines, r->uri);
	lf_buf_addc(lines, ' ');
	for (const char *p = r->name; *p; p++)
		lf_buf_addc(lines, *p == '\n' || *p == '\r' ? ' ' : *p);
	lf_buf_addc(lines, '\n');
	return lf_buf_error(lines);
}

const char *lf_members_next(const char *line, struct lf_resource *ret,
			    char scratch[LF_MEMBER_SIZE])
{
	size_t len = strcspn(line, "\n");
	char *space;

	if (!line[len])
		return NULL;
	lf_text_copy_n(scratch, LF_MEMBER_SIZE, line, len);
	space = strchr(scratch, ' ');
	ret->uri = scratch;
	ret->name = space ? space + 1 : "";
	if (space)
		*space = '\0';
	return line + len + 1;
}

size_t lf_members_count(const struct lf_members *members)
{
	const char *at = lf_buf_str(&members->lines);
	size_t n = 0;

	for (; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	return n;
}

/* ---- which list ---- */

static int add_user(struct lf_buf *lines, const struct lf_user *user,
		    const char *host)
{
	char uri[2 * LF_RESOURCE_URI], name[LF_RESOURCE_NAME];
	const struct lf_resource r = {uri,
				      lf_user_name(user, name, sizeof(name))};

	if (*user->sip_uri)
		snprintf(uri, sizeof(uri), "sip:%s", user->sip_uri);
	else if (*user->ext)
		snprintf(uri, sizeof(uri), "sip:%s@%s", user->ext, host);
	else
		return -ENOENT;
	return lf_members_add(&r, lines);
}

static void add_group(const struct lf_agent *agent, struct lf_members *members,
		      const char *group, const char *host)
{
	size_t i = 0, n = lf_members_count(members);
	const struct lf_user *user;

	while ((user = lf_user_next(agent->parts.directory, &i)) &&
	       n < LF_RESOURCES_MAX)
		if (lf_user_in_group(user, group) &&
		    !add_user(&members->lines, user, host))
			n++;
}

int lf_members_kept(struct lf_members *ret, const struct lf_agent *agent,
		    const char *uri)
{
	const char *colon = strchr(uri, ':'), *at = strchr(uri, '@');
	const struct lf_list_doc *doc;
	char name[LF_LIST_NAME], host[LF_RESOURCE_URI];
	const char *group;

	if (!colon || !at || at < colon ||
	    !lf_text_copy_n(name, sizeof(name), colon + 1,
			    (size_t)(at - colon - 1)) ||
	    !lf_text_copy_n(host, sizeof(host), at + 1, strcspn(at + 1, ";?>")))
		return -ENOENT;
	doc = lf_list_find(agent->lists, name);
	group = agent->has_groups ? lf_setting_of(agent->parts.settings,
						  "list.*.group", name)
				  : "";
	if (!doc && !*group)
		return -ENOENT;
	*ret = (struct lf_members){.is_kept = true};
	if (doc)
		lf_buf_adds(&ret->lines, doc->lines);
	if (*group)
		add_group(agent, ret, group, host);
	return lf_buf_error(&ret->lines);
}

int lf_members_asked(struct lf_members *ret, struct lf_agent *agent,
		     struct lf_sip_request *req)
{
	const char *type, *body;
	size_t len;
	int err;

	body = lf_sip_request_body(req, &len);
	type = len ? lf_sip_request_header(req, "Content-Type") : NULL;
	if (!type || !lf_content_is(type, "application/resource-lists+xml"))
		return lf_members_kept(ret, agent, lf_sip_request_uri(req));
	*ret = (struct lf_members){0};
	err = lf_resource_lists_read(body, len, lf_members_add, &ret->lines);
	return err ? err : lf_buf_error(&ret->lines);
}

void lf_members_done(struct lf_members *members)
{
	lf_buf_done(&members->lines);
}

/* ---- looking in ---- */

static bool is_list_of(const struct lf_agent_sub *sub, const char *name)
{
	const char *uri = sub->list ? lf_agent_list_uri(sub->list) : "";
	const char *user = strchr(uri, ':');
	size_t len = strlen(name);

	return user && !strncmp(user + 1, name, len) && user[1 + len] == '@';
}

static void show(const struct lf_agent *agent, const char *name,
		 lf_agent_list_fn *fn, void *arg)
{
	const char *group =
		lf_setting_of(agent->parts.settings, "list.*.group", name);
	struct lf_agent_list_view v = {
		.name = name,
		.group = group ? group : "",
		.has_document = lf_list_find(agent->lists, name) != NULL,
	};
	struct lf_members members = {.is_kept = false};
	char uri[LF_LIST_NAME + 16];

	snprintf(uri, sizeof(uri), "sip:%s@localhost", name);
	if (!lf_members_kept(&members, agent, uri))
		v.entries = lf_members_count(&members);
	lf_members_done(&members);
	LF_LIST_FOREACH (node, &agent->subs) {
		v.watchers += is_list_of(
			LF_CONTAINER_OF(node, struct lf_agent_sub, node), name);
	}
	fn(&v, arg);
}

void lf_agent_lists_each(const struct lf_agent *agent, lf_agent_list_fn *fn,
			 void *arg)
{
	const struct lf_list_doc *doc;
	const char *name;
	size_t i = 0;

	while ((doc = lf_list_next(agent->lists, &i)))
		show(agent, doc->name, fn, arg);
	for (i = 0;
	     (name = lf_setting_instance(agent->parts.settings, "list.*", i));
	     i++)
		if (!lf_list_find(agent->lists, name))
			show(agent, name, fn, arg);
}

struct lf_lists *lf_agent_lists(const struct lf_agent *agent)
{
	return agent->lists;
}

const struct lf_user *lf_agent_user(const struct lf_agent *agent,
				    const char *uri)
{
	return lf_desk_user(&agent->desk, uri);
}

/* ---- changes ---- */

static void on_follow(struct lf_timer *timer, void *arg)
{
	struct lf_agent *agent = arg;

	LF_LIST_FOREACH_SAFE (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (sub->list)
			lf_agent_list_follow(sub);
	}
}

void lf_members_moved(struct lf_agent *agent)
{
	if (agent->list_count && !lf_timer_is_running(&agent->follow))
		lf_timer_start(agent->parts.timers, &agent->follow,
			       LF_LIST_BATCH_MS);
}

static void on_lists(void *arg)
{
	lf_members_moved(arg);
}

static void on_user(const struct lf_user *was, const struct lf_user *now,
		    void *arg)
{
	lf_members_moved(arg);
}

int lf_members_open(struct lf_agent *agent)
{
	int err = lf_lists_open(&agent->lists, agent->parts.store, on_lists,
				agent);

	lf_timer_init(&agent->follow, on_follow, agent);
	return err ? err
		   : lf_directory_on_change(agent->parts.directory, on_user,
					    agent);
}

void lf_members_close(struct lf_agent *agent)
{
	lf_timer_stop(agent->parts.timers, &agent->follow);
	lf_lists_close(agent->lists);
}
