/*
 * core/log.c - one log for the program: one write(2) a line, to stderr
 * and to a file if there is one (log_file.c).
 *
 * May be called from any thread. Text from the wire ends up here, so control
 * characters are blanked: nobody forges a line or drives a terminal.
 */
#include "core/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/log_file.h"
#include "core/text.h"

#include "core/banned.h"

#define LINE_SIZE 2048
#define WINDOW_MS 60000
#define ROOMS_MAX 16
#define RING_SIZE (256 << 10)

static const struct {
	const char *name;
	int priority; /* syslog's, for journald */
} levels[LF_LOG_LEVELS] = {
	[LF_ERROR] = {"error", 3},   [LF_WARN] = {"warn", 4},
	[LF_NOTICE] = {"notice", 5}, [LF_INFO] = {"info", 6},
	[LF_DEBUG] = {"debug", 7},
};

static _Atomic int max_level = LF_INFO;
/* Levels of their own; an entry is complete before it is counted. */
static struct {
	char name[16];
	_Atomic int level;
} rooms[ROOMS_MAX];
static _Atomic int n_rooms;
static lf_log_sink_fn *sink_fn;
static void *sink_arg;
static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;
static char ring[RING_SIZE];
static size_t ring_end;

static void blank_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

/* The newest lines, for a bug report; written round and round. */
static void remember(const char *line, size_t len)
{
	pthread_mutex_lock(&ring_lock);
	for (size_t i = 0; i < len; i++)
		ring[(ring_end + i) % RING_SIZE] = line[i];
	ring_end += len;
	pthread_mutex_unlock(&ring_lock);
}

void lf_log_recent(struct lf_buf *out)
{
	size_t at, len;

	pthread_mutex_lock(&ring_lock);
	len = ring_end < RING_SIZE ? ring_end : RING_SIZE;
	at = (ring_end - len) % RING_SIZE;
	if (at + len > RING_SIZE) {
		lf_buf_add(out, ring + at, RING_SIZE - at);
		len -= RING_SIZE - at;
		at = 0;
	}
	lf_buf_add(out, ring + at, len);
	pthread_mutex_unlock(&ring_lock);
}

/* Of the length that fits; 0: nothing can be written. */
static size_t end_line(char *line, size_t size, int n)
{
	if (n < 0)
		return 0;
	if ((size_t)n < size)
		return (size_t)n;
	line[size - 2] = '\n';
	return size - 1;
}

static size_t dated_line(char *line, size_t size, enum lf_log_level level,
			 const char *room, const char *text)
{
	char now[LF_RFC3339_SIZE];

	return end_line(line, size,
			snprintf(line, size, "%s %-6s %s: %s\n",
				 lf_rfc3339(now, lf_wall_ms()),
				 levels[level].name, room, text));
}

static void write_line(enum lf_log_level level, const char *room,
		       const char *text)
{
	const bool is_journal = getenv("JOURNAL_STREAM");
	const bool has_file = lf_log_file_is_open();
	char line[LINE_SIZE + 128];
	size_t n = 0;

	if (has_file || !is_journal)
		n = dated_line(line, sizeof(line), level, room, text);
	if (has_file)
		lf_log_file_write(line, n);
	if (is_journal)
		n = end_line(line, sizeof(line),
			     snprintf(line, sizeof(line), "<%d>%s: %s\n",
				      levels[level].priority, room, text));
	remember(line, n);
	/* A log that cannot be written has nowhere to say so. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

static int level_of(const char *room)
{
	for (int i = 0, n = n_rooms; i < n; i++) {
		if (!strcmp(rooms[i].name, room))
			return rooms[i].level;
	}
	return max_level;
}

void lf_log(enum lf_log_level level, const char *room, const char *fmt, ...)
{
	int saved_errno = errno;
	char text[LINE_SIZE];
	va_list ap;
	int n;

	if ((int)level > level_of(room))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	if (n >= (int)sizeof(text))
		memcpy(text + sizeof(text) - 4, "...", 4);
	blank_controls(text);
	if (sink_fn)
		sink_fn(level, room, text, sink_arg);
	else
		write_line(level, room, text);
	errno = saved_errno;
}

int lf_log_set_room(const char *room, enum lf_log_level level)
{
	int i = 0, n = n_rooms;

	while (i < n && strcmp(rooms[i].name, room))
		i++;
	if (i == ROOMS_MAX || strlen(room) >= sizeof(rooms[i].name))
		return -E2BIG;
	rooms[i].level = (int)level;
	if (i == n) {
		memcpy(rooms[i].name, room, strlen(room) + 1);
		n_rooms = n + 1;
	}
	return 0;
}

void lf_log_reset_rooms(void)
{
	n_rooms = 0;
}

void lf_log_set_level(enum lf_log_level level)
{
	max_level = (int)level;
}

enum lf_log_level lf_log_level(void)
{
	return (enum lf_log_level)max_level;
}

int lf_log_level_parse(enum lf_log_level *ret, const char *word)
{
	int i;

	for (i = 0; i < LF_LOG_LEVELS; i++) {
		if (!lf_text_equal(word, levels[i].name))
			continue;
		*ret = (enum lf_log_level)i;
		return 0;
	}
	return -EINVAL;
}

const char *lf_log_level_name(enum lf_log_level level)
{
	return levels[level].name;
}

void lf_log_set_sink(lf_log_sink_fn *sink, void *arg)
{
	sink_fn = sink;
	sink_arg = arg;
}

bool lf_log_allow(struct lf_log_limit *limit, unsigned burst)
{
	int64_t now_ms = lf_mono_ms();

	if (!limit->count || now_ms - limit->window_ms >= WINDOW_MS) {
		if (limit->dropped)
			lf_log(LF_NOTICE, "log",
			       "%u lines like the next one were left out",
			       limit->dropped);
		limit->window_ms = now_ms;
		limit->count = limit->dropped = 0;
	}
	if (limit->count >= burst) {
		limit->dropped++;
		return false;
	}
	limit->count++;
	return true;
}
