/*
 * presence/agent_save.c - subscriptions that outlive us: phones keep their
 * lamps over a restart, and nobody ever receives a smaller CSeq or version.
 *
 * A record promises numbers AHEAD of those in use, so that a NOTIFY costs no
 * write; a restart goes on from what was promised, after it has promised more.
 * Then we wait a little: so soon after a start the feeds know nothing yet, and
 * a thousand lamps would go dark and light up again.
 */
#include "presence/agent_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "directory/user.h"
#include "presence/agent_list.h"
#include "presence/board.h"
#include "presence/lamp.h"
#include "presence/members.h"
#include "sip/notify.h"

#include "core/banned.h"

#define AHEAD 1000
#define NEAR 300          /* so close to a promise a new one is made */
#define SLEEP_MS 3000     /* feeds ask, and are answered */
#define STEP_MS 20        /* then so many watchers */
#define STEP_WATCHERS 200 /* are told at a time */
#define HEAD_MAX 256

/* ---- writing ---- */

/* Lists, winfo and parts count for themselves, the others by presentity. */
static uint32_t version_of(const struct lf_agent_sub *sub)
{
	const struct lf_presentity *p = sub->seat.presentity;

	if (sub->list || sub->package->is_winfo || lf_agent_sub_is_partial(sub))
		return sub->version;
	return p ? p->version : 0; /* its user was deleted */
}

static void write_sub(struct lf_ledger_entry *entry, struct lf_buf *out,
		      void *arg)
{
	struct lf_agent_sub *sub =
		LF_CONTAINER_OF(entry, struct lf_agent_sub, entry);
	int64_t ends_ms = lf_wall_ms() + sub->ends_ms - lf_mono_ms();
	const char *uri = lf_agent_sub_uri(sub), *name = lf_agent_sub_name(sub);
	struct lf_buf dialog = {0};

	if (lf_sip_notifier_save(sub->notifier, AHEAD, &dialog)) {
		out->failed = true;
		lf_buf_done(&dialog);
		return;
	}
	sub->cseq_limit = lf_sip_notifier_cseq(sub->notifier) + AHEAD;
	sub->version_limit = version_of(sub) + AHEAD;
	lf_buf_addf(out, "1 %s %u %lld %u %zu %zu %zu\n", sub->package->name,
		    sub->format, (long long)ends_ms, sub->version_limit,
		    dialog.len, strlen(sub->watcher) + 1 + strlen(name),
		    strlen(uri));
	lf_buf_add(out, dialog.data, dialog.len);
	lf_buf_addf(out, "%s\n%s", sub->watcher, name);
	lf_buf_adds(out, uri);
	if (sub->list)
		lf_agent_list_save(sub->list, out);
	lf_buf_done(&dialog);
}

/*
 * All of a presentity share its versions, also those who are told nothing
 * while others use them up.
 */
static void check_shared(const struct lf_agent *agent, struct lf_presentity *p)
{
	if (p->version < p->counted_at + AHEAD - NEAR)
		return;
	p->counted_at = p->version;
	LF_LIST_FOREACH (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (sub->seat.presentity == p)
			lf_ledger_touch(agent->ledger, &sub->entry);
	}
}

void lf_agent_save_check(struct lf_agent_sub *sub)
{
	if (sub->seat.presentity)
		check_shared(sub->agent, sub->seat.presentity);
	if (!sub->entry.place)
		return; /* not saved yet, or over */
	if (lf_sip_notifier_cseq(sub->notifier) + NEAR > sub->cseq_limit ||
	    version_of(sub) + NEAR > sub->version_limit)
		lf_ledger_touch(sub->agent->ledger, &sub->entry);
}

/* ---- reading ---- */

struct record {
	char package[32];
	unsigned format, version;
	long long ends_ms;
	size_t dialog_len, watcher_len, uri_len;
	const char *dialog;
	char *list;        /* LF_LIST_KEPT, or its lines; NULL: no list */
	char watcher[512]; /* and a line with its name, if there is one */
	char uri[LF_PRESENTITY_URI];
};

static int parse_record(struct record *r, const char *data, size_t len)
{
	const char *line = memchr(data, '\n', len);
	char head[HEAD_MAX];
	size_t rest;

	if (!line ||
	    !lf_text_copy_n(head, sizeof(head), data, (size_t)(line - data)))
		return -EINVAL;
	if (sscanf(head, "1 %31s %u %lld %u %zu %zu %zu", r->package,
		   &r->format, &r->ends_ms, &r->version, &r->dialog_len,
		   &r->watcher_len, &r->uri_len) != 7)
		return -EINVAL;
	r->dialog = line + 1;
	rest = len - (size_t)(r->dialog - data);
	if (r->dialog_len > rest || r->watcher_len > rest ||
	    r->uri_len > rest ||
	    r->dialog_len + r->watcher_len + r->uri_len > rest ||
	    !lf_text_copy_n(r->watcher, sizeof(r->watcher),
			    r->dialog + r->dialog_len, r->watcher_len) ||
	    !lf_text_copy_n(r->uri, sizeof(r->uri),
			    r->dialog + r->dialog_len + r->watcher_len,
			    r->uri_len))
		return -EINVAL;
	if (r->format > LF_FORMAT_DIALOG_PARTIAL)
		return -EINVAL;
	rest -= r->dialog_len + r->watcher_len + r->uri_len;
	r->list = rest ? strndup(data + len - rest, rest) : NULL;
	return rest && !r->list ? -ENOMEM : 0;
}

/* One that is kept no more goes on without members, until it is ended. */
static int sit(struct lf_agent_sub *sub, const struct record *r)
{
	struct lf_members members = {.is_kept = false};
	int err = 0;

	if (!r->list)
		return lf_agent_sub_sit(sub, r->uri, NULL);
	if (strcmp(r->list, LF_LIST_KEPT))
		lf_buf_adds(&members.lines, r->list);
	else
		err = lf_members_kept(&members, sub->agent, r->uri);
	if (err == -ENOENT)
		err = 0;
	members.is_kept = !strcmp(r->list, LF_LIST_KEPT);
	if (!err)
		err = lf_buf_error(&members.lines);
	if (!err)
		err = lf_agent_sub_sit(sub, r->uri, &members);
	lf_members_done(&members);
	return err;
}

static void read_asker(struct lf_agent_asker *out, const struct record *r)
{
	const char *end = strchrnul(r->watcher, '\n');

	out->name = *end ? end + 1 : "";
	lf_text_copy_n(out->uri, sizeof(out->uri), r->watcher,
		       (size_t)(end - r->watcher));
}

static int restore(struct lf_agent *agent, const struct record *r)
{
	const struct lf_package *package = lf_agent_package(r->package);
	int64_t left_ms = r->ends_ms - lf_wall_ms();
	struct lf_agent_asker asker;
	struct lf_agent_sub *sub;
	int err;

	if (!package)
		return -EINVAL;
	if (left_ms <= 0 || !agent->is_enabled)
		return -ETIME;
	if (left_ms > (int64_t)agent->most_s * 1000)
		left_ms = (int64_t)agent->most_s * 1000; /* the clock moved */
	read_asker(&asker, r);
	err = lf_agent_sub_new(&sub, agent, package, (enum lf_format)r->format,
			       &asker);
	if (err)
		return err;
	err = sit(sub, r);
	if (!err)
		err = lf_sip_notifier_restore(&sub->notifier, agent->parts.sip,
					      r->dialog, r->dialog_len,
					      sub->list ? &lf_agent_list_ops
							: &lf_agent_sub_ops,
					      sub);
	if (!err)
		err = lf_ledger_add(agent->ledger, &sub->entry);
	if (err) {
		lf_agent_sub_free(sub);
		return err;
	}
	sub->version = r->version;
	if (sub->seat.presentity && !package->is_winfo)
		lf_presentity_skip_to(sub->seat.presentity, r->version);
	sub->ends_ms = lf_mono_ms() + left_ms;
	lf_agent_sub_set_timer(sub);
	return 0;
}

static void read_sub(const char *data, size_t len, void *arg)
{
	struct record r = {.list = NULL};
	int err = parse_record(&r, data, len);

	if (!err)
		err = restore(arg, &r);
	free(r.list);
	if (err && err != -ETIME)
		lf_log(LF_WARN, "presence",
		       "a saved subscription cannot go on: %s", strerror(-err));
}

/* ---- waking up ---- */

bool lf_agent_is_too_soon(const struct lf_agent_sub *sub)
{
	const struct lf_lamp *lamp;

	if (!sub->agent->is_asleep)
		return false;
	lamp = lf_board_lamp(sub->agent->parts.board,
			     sub->seat.presentity->user->id);
	return lamp->tel_cond == LF_COND_REQUESTING ||
	       lamp->rich_cond == LF_COND_REQUESTING;
}

/* So many of those that were not told anything yet. */
static void on_wake(struct lf_timer *timer, void *arg)
{
	struct lf_agent *agent = arg;
	unsigned n = 0;

	agent->is_asleep = false;
	LF_LIST_FOREACH_SAFE (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (sub->told)
			continue;
		if (n++ == STEP_WATCHERS) {
			lf_timer_start(agent->parts.timers, timer, STEP_MS);
			return;
		}
		lf_agent_sub_update(sub);
	}
}

static void on_ready(void *arg)
{
	struct lf_agent *agent = arg;

	agent->is_ready = true;
	LF_LIST_FOREACH_SAFE (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);

		if (sub->is_owed)
			lf_agent_sub_update(sub);
	}
	if (!agent->sub_count) {
		agent->is_asleep = false;
		return;
	}
	lf_log(LF_NOTICE, "presence", "%zu subscriptions go on",
	       agent->sub_count);
	lf_timer_start(agent->parts.timers, &agent->wake, SLEEP_MS);
	lf_members_moved(agent); /* some may be kept no more */
}

/* ---- life ---- */

int lf_agent_save_open(struct lf_agent *agent)
{
	static const struct lf_ledger_ops ops = {write_sub, read_sub, on_ready};

	lf_timer_init(&agent->wake, on_wake, agent);
	agent->is_asleep = agent->parts.store != NULL;
	agent->is_ready = !agent->parts.store;
	return lf_ledger_open(&agent->ledger, agent->parts.timers,
			      agent->parts.store, "watcher", &ops, agent);
}

void lf_agent_save_close(struct lf_agent *agent)
{
	lf_timer_stop(agent->parts.timers, &agent->wake);
	lf_ledger_close(agent->ledger);
	agent->ledger = NULL;
}
