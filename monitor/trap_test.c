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
	char *managers;   /* the setting as it was at the start, */
	const char *left; /* and what of it is still to come */
	struct lf_snmp_item item;
	char report[2048];
	lf_notify_test_fn *done;
	void *arg;
};

static void free_test(struct test *t)
{
	struct lf_monitor *monitor = t->monitor;

	lf_secret_wipe(&t->job, sizeof(t->job));
	free(t->managers);
	free(t);
	lf_monitor_unref(monitor);
}

static void run(uv_work_t *work)
{
	struct test *t = work->data;

	t->err = lf_snmp_send(&t->job);
}

static int test_next(struct test *t);

static void end_test(struct test *t)
{
	struct lf_trap *trap = t->monitor->trap;

	trap->is_busy = false;
	lf_trap_pump(trap);
	t->done(t->err, t->report, t->arg);
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
		end_test(t);
}

/* -ENOENT: there is no other manager. */
static int test_next(struct test *t)
{
	char address[LF_SNMP_TEXT];
	size_t len;

	if (t->monitor->is_closing)
		return -ESHUTDOWN;
	t->left += strspn(t->left, ", ");
	len = strcspn(t->left, ",");
	if (!len)
		return -ENOENT;
	lf_text_copy_n(address, sizeof(address), t->left, len);
	t->left += len;
	memset(&t->job, 0, sizeof(t->job));
	lf_trap_fill_job(t->monitor->trap, &t->job, lf_text_trim(address));
	t->job.items[0] = t->item;
	t->job.n = 1;
	return uv_queue_work(lf_store_loop(t->monitor->store), &t->work, run,
			     on_tested);
}

int lf_trap_test(struct lf_monitor *monitor, const struct lf_event_info *info,
		 const struct lf_event_note *note, lf_notify_test_fn *done,
		 void *arg)
{
	struct lf_trap *trap = monitor->trap;
	struct test *t;
	int err = -ENOMEM;

	if (trap->is_busy)
		return -EBUSY;
	t = calloc(1, sizeof(*t));
	if (!t)
		return err;
	t->work.data = t;
	t->monitor = monitor;
	lf_monitor_ref(monitor);
	t->done = done;
	t->arg = arg;
	lf_trap_fill_item(&t->item, info, note);
	t->left = t->managers = strdup(lf_trap_text(trap, "trap.managers"));
	if (!t->managers)
		goto fail;
	err = test_next(t);
	if (err)
		goto fail;
	trap->is_busy = true;
	return 0;
fail:
	free_test(t);
	return err;
}
