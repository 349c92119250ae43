/*
 * monitor/process.c - a program for each event (S265): no shell, the
 * arguments of the setting, the event as JSON on standard input, and an end
 * after a time. A few at once; the others wait.
 */
#include "monitor/notify_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/buf.h"
#include "core/text.h"
#include "monitor/internal.h"
#include "store/store.h"

#include "core/banned.h"

#define RUNNING_MAX 4
#define QUEUE_MAX 100
#define ARGS_MAX 32

struct lf_process {
	struct lf_monitor *monitor;
	struct lf_list queue;
	size_t n, running;
	struct lf_list children;
	uint64_t sent, failed;
};

struct child {
	struct lf_list node;
	struct lf_monitor *monitor;
	uv_process_t process;
	uv_pipe_t input;
	uv_write_t write;
	uv_shutdown_t shutdown;
	struct lf_timer limit;
	unsigned handles;
	bool was_too_slow;
	char *json;
	lf_notify_test_fn *done; /* a test's, or NULL */
	void *arg;
};

static void next(struct lf_process *process);

static void child_free(struct child *c)
{
	lf_list_del(&c->node);
	free(c->json);
	free(c);
}

static void on_child_closed(uv_handle_t *handle)
{
	struct child *c = handle->data;
	struct lf_monitor *monitor = c->monitor;

	if (--c->handles)
		return;
	child_free(c);
	monitor->process->running--;
	if (!monitor->is_closing)
		next(monitor->process);
	lf_monitor_unref(monitor);
}

static void tell_end(struct child *c, int64_t status, int signal_number)
{
	struct lf_process *process = c->monitor->process;
	char text[256];
	bool ok = !status && !signal_number;

	if (c->was_too_slow)
		snprintf(text, sizeof(text), "It was ended after its time.");
	else if (signal_number)
		snprintf(text, sizeof(text), "It died of signal %d.",
			 signal_number);
	else
		snprintf(text, sizeof(text), "It ended with status %lld.",
			 (long long)status);
	process->sent += ok;
	process->failed += !ok;
	if (c->done)
		c->done(ok ? 0 : -ECHILD, text, c->arg);
	else if (!ok)
		lf_event_raise(c->monitor, LF_EVENT_PROCESS_FAILED, "", "%s",
			       text);
}

static void on_exit_of_child(uv_process_t *handle, int64_t status, int signum)
{
	struct child *c = handle->data;

	lf_timer_stop(c->monitor->timers, &c->limit);
	tell_end(c, status, signum);
	uv_close((uv_handle_t *)&c->process, on_child_closed);
	uv_close((uv_handle_t *)&c->input, on_child_closed);
}

/* It leads a group of its own: its children go with it. */
static void kill_child(struct child *c)
{
	if (c->process.pid > 0)
		kill(-c->process.pid, SIGKILL);
}

static void on_limit(struct lf_timer *timer, void *arg)
{
	struct child *c = arg;

	c->was_too_slow = true;
	kill_child(c);
}

static void on_written(uv_write_t *write, int status)
{
}

static void on_shut_down(uv_shutdown_t *shutdown, int status)
{
}

/* "path, arg, arg" into a NULL-ended list that points into `text`. */
static size_t split(char *args[ARGS_MAX + 1], char *text)
{
	size_t n = 0;
	char *one;

	while (n < ARGS_MAX && (one = strsep(&text, ",")))
		args[n++] = lf_text_trim(one);
	args[n] = NULL;
	return n;
}

static int spawn(struct child *c, uv_loop_t *loop)
{
	const char *command =
		lf_setting_text(c->monitor->settings, "process.command");
	char *text = strdup(command), *args[ARGS_MAX + 1];
	uv_stdio_container_t stdio[3] = {
		{.flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
		 .data.stream = (uv_stream_t *)&c->input},
		{.flags = UV_IGNORE},
		{.flags = UV_IGNORE},
	};
	uv_process_options_t options = {
		.exit_cb = on_exit_of_child,
		.args = args,
		.flags = UV_PROCESS_DETACHED,
		.stdio = stdio,
		.stdio_count = 3,
	};
	int err;

	if (!text)
		return -ENOMEM;
	split(args, text);
	options.file = args[0];
	uv_pipe_init(loop, &c->input, 0);
	c->handles = 2;
	err = uv_spawn(loop, &c->process, &options);
	free(text);
	return err;
}

static void start(struct lf_process *process, struct child *c)
{
	struct lf_monitor *monitor = process->monitor;
	uv_buf_t buf = uv_buf_init(c->json, (unsigned)strlen(c->json));
	int err;

	process->running++;
	lf_monitor_ref(monitor);
	c->process.data = c->input.data = c;
	err = spawn(c, lf_store_loop(monitor->store));
	if (err == -ENOMEM && !c->handles) {
		process->running--;
		child_free(c);
		lf_monitor_unref(monitor);
		return;
	}
	if (err) {
		char text[256];

		process->failed++;
		snprintf(text, sizeof(text), "It cannot be started: %s.",
			 uv_strerror(err));
		if (c->done)
			c->done(err, text, c->arg);
		else
			lf_event_raise(monitor, LF_EVENT_PROCESS_FAILED, "",
				       "%s", text);
		uv_close((uv_handle_t *)&c->process, on_child_closed);
		uv_close((uv_handle_t *)&c->input, on_child_closed);
		return;
	}
	lf_list_add_tail(&process->children, &c->node);
	lf_timer_start(
		monitor->timers, &c->limit,
		1000 * lf_setting_int(monitor->settings, "process.timeout"));
	uv_write(&c->write, (uv_stream_t *)&c->input, &buf, 1, on_written);
	uv_shutdown(&c->shutdown, (uv_stream_t *)&c->input, on_shut_down);
}

static struct child *child_new(struct lf_monitor *monitor,
			       const struct lf_event_info *info,
			       const struct lf_event_note *note)
{
	struct child *c = calloc(1, sizeof(*c));
	struct lf_buf json = {0};

	lf_event_json(&json, monitor, info, note);
	lf_buf_addc(&json, '\n');
	if (!c || lf_buf_error(&json)) {
		free(c);
		lf_buf_done(&json);
		return NULL;
	}
	lf_list_init(&c->node);
	c->monitor = monitor;
	c->json = lf_buf_take(&json);
	lf_timer_init(&c->limit, on_limit, c);
	return c;
}

static void next(struct lf_process *process)
{
	struct child *c;

	if (!process->n || process->running >= RUNNING_MAX)
		return;
	c = LF_CONTAINER_OF(process->queue.next, struct child, node);
	lf_list_del(&c->node);
	process->n--;
	start(process, c);
}

void lf_process_add(struct lf_monitor *monitor,
		    const struct lf_event_info *info,
		    const struct lf_event_note *note)
{
	struct lf_process *process = monitor->process;
	struct child *c;

	if (!process || !lf_setting_bool(monitor->settings, "process.enable") ||
	    !*lf_setting_text(monitor->settings, "process.command"))
		return;
	/* Its own failure would call it again. */
	if (info->id == LF_EVENT_PROCESS_FAILED)
		return;
	c = process->n < QUEUE_MAX ? child_new(monitor, info, note) : NULL;
	if (!c) {
		process->failed++;
		return;
	}
	lf_list_add_tail(&process->queue, &c->node);
	process->n++;
	next(process);
}

int lf_process_test(struct lf_monitor *monitor,
		    const struct lf_event_info *info,
		    const struct lf_event_note *note, lf_notify_test_fn *done,
		    void *arg)
{
	struct child *c;

	if (!*lf_setting_text(monitor->settings, "process.command"))
		return -ENOENT;
	if (monitor->process->running >= RUNNING_MAX)
		return -EBUSY;
	c = child_new(monitor, info, note);
	if (!c)
		return -ENOMEM;
	c->done = done;
	c->arg = arg;
	start(monitor->process, c);
	return 0;
}

int lf_process_open(struct lf_monitor *monitor)
{
	struct lf_process *process = calloc(1, sizeof(*process));

	if (!process)
		return -ENOMEM;
	process->monitor = monitor;
	lf_list_init(&process->queue);
	lf_list_init(&process->children);
	monitor->process = process;
	return 0;
}

void lf_process_stats(const struct lf_monitor *monitor,
		      struct lf_notify_stats *ret)
{
	ret->waiting[LF_CHANNEL_PROCESS] = monitor->process->n;
	ret->sent[LF_CHANNEL_PROCESS] = monitor->process->sent;
	ret->failed[LF_CHANNEL_PROCESS] = monitor->process->failed;
}

/* They do not outlive us; their ends are waited for. */
void lf_process_close(struct lf_monitor *monitor)
{
	if (!monitor->process)
		return;
	LF_LIST_FOREACH (node, &monitor->process->children)
		kill_child(LF_CONTAINER_OF(node, struct child, node));
}

void lf_process_done(struct lf_monitor *monitor)
{
	if (!monitor->process)
		return;
	LF_LIST_FOREACH_SAFE (node, &monitor->process->queue)
		child_free(LF_CONTAINER_OF(node, struct child, node));
	free(monitor->process);
	monitor->process = NULL;
}
