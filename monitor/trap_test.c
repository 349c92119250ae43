/*
 * monitor/trap_test.c - a test that an administrator asked for: one event to
 * one manager after the other, past all queues, and what came of it (S266).
 */
#include "monitor/trap_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/secret.h"
#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

struct test {
	uv_work_t work;
	struct lf_monitor *monitor;
	struct lf_snmp_job job; /* for the manager whose turn it is */
	int err;
	size_t at; /* in the list of managers: the next one */
	struct lf_snmp_item item;
	char report[2048];
	lf_notify_test_fn *done;
	void *arg;
};

static void free_test(struct test *t)
{
	struct lf_monitor *monitor = t->monitor;

	lf_secret_wipe(&t->job, sizeof(t->job));
	free(t);
	lf_monitor_unref(monitor);
}

static void run(uv_work_t *work)
{
	struct test *t = work->data;

	t->err = lf_snmp_send(&t->job);
}

static int test_next(struct test *t);

static void end_test(struct test *t, int err)
{
	t->done(err, t->report, t->arg);
	free_test(t);
}

static void on_tested(uv_work_t *work, int status)
{
	struct test *t = work->data;
	size_t len = strlen(t->report);
	const char *said = "sent; whether it arrived, a trap cannot tell (set "
			   "trap.kind=inform to know)";

	if (t->job.is_inform)
		said = "confirmed";
	snprintf(t->report + len, sizeof(t->report) - len, "%s%s: %s",
		 len ? "; " : "", t->job.manager, t->err ? t->job.why : said);
	if (test_next(t))
		end_test(t, t->err);
}

/* -ENOENT: there is no other manager. */
static int test_next(struct test *t)
{
	struct lf_trap *trap = t->monitor->trap;
	const char *list = lf_trap_text(trap, "trap.managers") + t->at;
	size_t len;
	char address[LF_SNMP_TEXT];

	if (t->monitor->is_closing)
		return -ESHUTDOWN;
	list += strspn(list, ", ");
	len = strcspn(list, ",");
	if (!len)
		return -ENOENT;
	lf_text_copy_n(address, sizeof(address), list, len);
	t->at = (size_t)(list - lf_trap_text(trap, "trap.managers")) + len;
	memset(&t->job, 0, sizeof(t->job));
	lf_trap_fill_job(trap, &t->job, lf_text_trim(address));
	t->job.items[0] = t->item;
	t->job.n = 1;
	return uv_queue_work(lf_store_loop(t->monitor->store), &t->work, run,
			     on_tested);
}

int lf_trap_test(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note, lf_notify_test_fn *done,
		 void *arg)
{
	struct test *t;
	int err;

	if (monitor->trap->is_busy)
		return -EBUSY;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->work.data = t;
	t->monitor = monitor;
	lf_monitor_ref(monitor);
	t->done = done;
	t->arg = arg;
	lf_trap_fill_item(&t->item, info, note);
	err = test_next(t);
	if (err)
		free_test(t);
	return err;
}
