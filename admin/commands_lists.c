/*
 * admin/commands_lists.c - resource lists: one subscription for a whole
 * department.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/server.h"
#include "core/text.h"
#include "directory/user.h"
#include "presence/agent.h"
#include "presence/lists.h"
#include "presence/resource_lists.h"

#include "core/banned.h"

#define NAMED_MAX 5 /* strangers that are told by name */

/* A `list put` until the store has answered. */
struct put {
	struct lf_call *call;
	struct lf_server *server;
	char name[LF_LIST_NAME];
	unsigned entries, strangers;
	char named[NAMED_MAX][LF_RESOURCE_URI];
};

static void on_list(const struct lf_agent_list_view *v, void *arg)
{
	lf_call_row(arg,
		    json_pack("{s:s, s:I, s:b, s:s, s:I}", "list", v->name,
			      "entries", (json_int_t)v->entries, "document",
			      (int)v->has_document, "group", v->group,
			      "watchers", (json_int_t)v->watchers));
}

static void run_lists(struct lf_call *call, struct lf_server *server)
{
	lf_call_columns(call, "list entries document group watchers");
	lf_agent_lists_each(server->agent, on_list, call);
	lf_call_end(call, NULL);
}

static void run_show(struct lf_call *call, struct lf_server *server)
{
	const char *name = lf_call_arg(call, "name");
	const struct lf_list_doc *doc =
		lf_list_find(lf_agent_lists(server->agent), name ? name : "");

	if (doc)
		lf_call_row(call, json_pack("{s:s}", "raw", doc->text));
	lf_call_end(call, doc ? NULL
			      : "There is no such document; `lampctl lists` "
				"shows them.");
}

/* ---- put ---- */

static int on_entry(const struct lf_resource *r, void *arg)
{
	struct put *put = arg;

	put->entries++;
	if (lf_agent_user(put->server->agent, r->uri))
		return 0;
	if (put->strangers < NAMED_MAX)
		lf_text_copy(put->named[put->strangers], LF_RESOURCE_URI,
			     r->uri);
	put->strangers++;
	return 0;
}

static void say_result(const struct put *put)
{
	unsigned named =
		put->strangers < NAMED_MAX ? put->strangers : NAMED_MAX;

	lf_call_say(put->call, "%s has %u %s: subscribe to sip:%s@...",
		    put->name, put->entries,
		    put->entries == 1 ? "entry" : "entries", put->name);
	if (put->strangers)
		lf_call_say(put->call,
			    "%u of them are no users here, so watchers are "
			    "told \"noresource\":",
			    put->strangers);
	for (unsigned i = 0; i < named; i++)
		lf_call_say(put->call, "  %s", put->named[i]);
	if (named < put->strangers)
		lf_call_say(put->call, "  and %u more", put->strangers - named);
}

static void on_put(int err, const char *text, void *arg)
{
	struct put *put = arg;

	if (!err)
		say_result(put);
	lf_call_end(put->call, err ? text : NULL);
	free(put);
}

/* A list of a user's name would hide the user. */
static const char *check_name(struct lf_server *server, const char *name)
{
	if (lf_user_by_username(server->directory, name) ||
	    lf_user_by_ext(server->directory, name))
		return "A user has this name or extension; call the list "
		       "something else.";
	return NULL;
}

static void run_put(struct lf_call *call, struct lf_server *server)
{
	const char *name = lf_call_arg(call, "name");
	const char *text = lf_call_arg(call, "text");
	char ignored[LF_RESOURCE_ERROR_SIZE];
	const char *wrong = name && text ? check_name(server, name)
					 : "A name and a document are needed.";
	struct put *put;
	int err;

	if (wrong) {
		lf_call_end(call, wrong);
		return;
	}
	put = calloc(1, sizeof(*put));
	if (!put) {
		lf_call_end(call, "Out of memory.");
		return;
	}
	put->call = call;
	put->server = server;
	lf_text_copy(put->name, sizeof(put->name), name);
	/* What is wrong with it, lf_list_put() tells. */
	lf_resource_lists_check(text, strlen(text), on_entry, put, ignored);
	err = lf_list_put(lf_agent_lists(server->agent), name, text,
			  lf_call_by(call), on_put, put);
	if (err)
		on_put(err, strerror(-err), put);
}

static void on_removed(int err, const char *text, void *arg)
{
	lf_call_end(arg, err ? text : NULL);
}

static void run_remove(struct lf_call *call, struct lf_server *server)
{
	const char *name = lf_call_arg(call, "name");
	int err =
		lf_list_remove(lf_agent_lists(server->agent), name ? name : "",
			       lf_call_by(call), on_removed, call);

	if (err)
		lf_call_end(call, strerror(-err));
}

const struct lf_command lf_list_commands[] = {
	{"lists", run_lists},
	{"list show", run_show},
	{"list put", run_put},
	{"list remove", run_remove},
	{NULL},
};
