/*
 * sip/loop.c - steps sofia-sip from libuv. Called by sip.c only.
 *
 * What is particular about sofia here: there is no getter for its epoll
 * descriptor, its timers follow the wall clock unless told otherwise, and it
 * logs to stderr whatever strangers send.
 */
#include "sip/loop.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sofia-sip/su.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_time.h>

#include "core/log.h"

#include "core/banned.h"

#define MAX_STEPS 16 /* a turn: fair to the other guests of the loop */
#define MAX_EPOLLS 64
#define LOG_BURST 10 /* a minute; strangers can provoke these lines */

/* Exported by the library for its own tests, declared in no header. */
extern void (*_su_time)(su_time_t *tv);
extern su_log_t nta_log[], tport_log[];

/* ---- one clock that never steps ---- */

/*
 * Sofia compares su_now() for every retransmission. On the wall clock a step
 * of an hour answers all pending requests with 408; so it gets the monotonic
 * clock, moved once to where the wall clock was (seconds since 1900).
 */
static void monotonic_time(su_time_t *tv)
{
	static int64_t offset_s;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (offset_s == 0)
		offset_s = (int64_t)time(NULL) - now.tv_sec + 2208988800;
	tv->tv_sec = (unsigned long)(now.tv_sec + offset_s);
	tv->tv_usec = (unsigned long)now.tv_nsec / 1000;
}

/* ---- sofia's log ---- */

static void log_line(void *stream, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void log_line(void *stream, const char *fmt, va_list ap)
{
	static struct lf_log_limit limit;
	char line[256];
	int n;

	if (!lf_log_allow(&limit, LOG_BURST))
		return;
	n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n <= 0)
		return;
	line[strcspn(line, "\r\n")] = '\0';
	lf_log(LF_INFO, "sip", "sofia: %s", line);
}

static void redirect_log(void)
{
	static su_log_t *const logs[] = {su_log_default, su_log_global, nta_log,
					 tport_log};

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		su_log_set_level(logs[i], 1);
		su_log_redirect(logs[i], log_line, NULL);
	}
}

/* ---- the descriptor ---- */

/* Lists our epoll descriptors; returns how many. */
static size_t list_epolls(int fds[MAX_EPOLLS])
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	char path[300], target[64];
	size_t n = 0;
	ssize_t len;

	if (!dir)
		return 0;
	while (n < MAX_EPOLLS && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (!strcmp(target, "anon_inode:[eventpoll]"))
			fds[n++] = (int)strtol(entry->d_name, NULL, 10);
	}
	closedir(dir);
	return n;
}

static bool has_fd(const int *fds, size_t n, int fd)
{
	while (n-- > 0)
		if (fds[n] == fd)
			return true;
	return false;
}

/* The start is single-threaded, so the new descriptor is sofia's. */
static int create_root(struct lf_sip_loop *sl, int *ret_fd)
{
	int before[MAX_EPOLLS], after[MAX_EPOLLS];
	size_t n_before = list_epolls(before), n_after;

	sl->root = su_root_create(NULL);
	if (!sl->root)
		return -ENOMEM;
	su_root_threading(sl->root, 0);
	assert(!strcmp(su_root_name(sl->root), "epoll"));

	n_after = list_epolls(after);
	for (size_t i = 0; i < n_after; i++) {
		if (!has_fd(before, n_before, after[i])) {
			*ret_fd = after[i];
			return 0;
		}
	}
	return -EMFILE;
}

/* ---- stepping ---- */

static void on_timer(uv_timer_t *timer)
{
	(void)timer; /* it woke the loop; pump() follows */
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)poll;
}

/* A UDP datagram takes a step, so one turn takes a batch of them. */
static long step_until_idle(struct lf_sip_loop *sl)
{
	su_duration_t wait_ms = 0;

	for (int i = 0; i < MAX_STEPS && wait_ms == 0 && !sl->is_closing; i++)
		wait_ms = su_root_step(sl->root, 0);
	return wait_ms;
}

static void pump(uv_prepare_t *prepare)
{
	struct lf_sip_loop *sl = prepare->data;
	long wait_ms = step_until_idle(sl);

	if (sl->is_closing)
		return;
	sl->on_turn(sl->turn_arg);
	if (wait_ms < 0) {
		uv_timer_stop(&sl->timer);
		return;
	}
	/* Sofia truncates to whole milliseconds: 0 would spin until due. */
	uv_update_time(prepare->loop);
	uv_timer_start(&sl->timer, on_timer,
		       wait_ms > 0 ? (uint64_t)wait_ms : 1, 0);
}

/* ---- life ---- */

int lf_sip_loop_open(struct lf_sip_loop *sl, uv_loop_t *loop,
		     void (*on_turn)(void *arg), void *arg)
{
	int fd = -1, err;

	memset(sl, 0, sizeof(*sl));
	sl->on_turn = on_turn;
	sl->turn_arg = arg;
	if (su_init() < 0)
		return -ENOMEM;
	_su_time = monotonic_time;
	redirect_log();
	err = create_root(sl, &fd);
	if (err)
		goto fail;
	err = uv_poll_init(loop, &sl->poll, fd);
	if (err)
		goto fail;
	uv_prepare_init(loop, &sl->prepare);
	uv_timer_init(loop, &sl->timer);
	sl->poll.data = sl->prepare.data = sl->timer.data = sl;
	sl->open_handles = 3;

	uv_poll_start(&sl->poll, UV_READABLE, on_readable);
	uv_prepare_start(&sl->prepare, pump);
	return 0;
fail:
	lf_sip_loop_done(sl);
	return err;
}

static void on_closed(uv_handle_t *handle)
{
	struct lf_sip_loop *sl = handle->data;

	if (--sl->open_handles == 0)
		sl->closed(sl->arg);
}

void lf_sip_loop_close(struct lf_sip_loop *sl, void (*closed)(void *arg),
		       void *arg)
{
	assert(!sl->is_closing);
	sl->is_closing = true;
	sl->closed = closed;
	sl->arg = arg;
	uv_close((uv_handle_t *)&sl->poll, on_closed);
	uv_close((uv_handle_t *)&sl->prepare, on_closed);
	uv_close((uv_handle_t *)&sl->timer, on_closed);
	if (sl->guest) {
		sl->guest->data = sl;
		uv_close(sl->guest, on_closed);
	}
}

void lf_sip_loop_guest(struct lf_sip_loop *sl, uv_handle_t *handle)
{
	assert(!sl->guest);
	sl->guest = handle;
	sl->open_handles++;
}

void lf_sip_loop_done(struct lf_sip_loop *sl)
{
	if (sl->root)
		su_root_destroy(sl->root);
	sl->root = NULL;
	su_deinit();
}
