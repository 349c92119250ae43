/*
 * core/log_file.c - the log's lines in a file, bounded by renaming it.
 *
 *     path --> path.1 --> path.2 ... path.<keep>, the oldest is deleted
 *
 * What cannot be written whole is dropped and counted; the count is the first
 * line when there is room again. Called by log.c, from any thread.
 */
#include "core/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#include "core/banned.h"

#define RETRY_MS 1000 /* between attempts to open or to rename */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char path[PATH_MAX - 16]; /* and a number; empty: no file */
static size_t max_size;
static unsigned max_keep;
static int fd = -1;
static size_t size; /* of the open file */
static int64_t retry_ms;
static uint64_t lost, untold;

static void shut(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
}

/* O_NONBLOCK: a pipe that nobody reads must not stop the server. */
static int open_file(void)
{
	struct stat st;
	int new_fd = open(path,
			  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
				  O_NONBLOCK,
			  0640);

	if (new_fd < 0)
		return -errno;
	if (fstat(new_fd, &st) || !S_ISREG(st.st_mode)) {
		close(new_fd);
		return -EINVAL;
	}
	shut();
	fd = new_fd;
	size = (size_t)st.st_size;
	return 0;
}

static int rename_one(unsigned from)
{
	char was[PATH_MAX], now[PATH_MAX];

	if (from)
		snprintf(was, sizeof(was), "%s.%u", path, from);
	else
		lf_text_copy(was, sizeof(was), path);
	snprintf(now, sizeof(now), "%s.%u", path, from + 1);
	return rename(was, now) && errno != ENOENT ? -errno : 0;
}

static int rotate(void)
{
	int err = 0;

	if (!max_keep) {
		err = ftruncate(fd, 0) ? -errno : 0;
		size = err ? size : 0;
		return err;
	}
	for (unsigned i = max_keep; i-- > 0 && !err;)
		err = rename_one(i);
	if (err)
		return err;
	shut(); /* or an open that fails would have us rename once more */
	return open_file();
}

/* A file that can take `len` bytes, or an error until the next attempt. */
static int make_room(size_t len)
{
	int err = 0;

	if (fd >= 0 && size + len <= max_size)
		return 0;
	if (lf_mono_ms() < retry_ms)
		return -EAGAIN;
	if (fd < 0)
		err = open_file();
	if (!err && size && size + len > max_size)
		err = rotate();
	retry_ms = err ? lf_mono_ms() + RETRY_MS : 0;
	return err;
}

/* Whole, or not at all: half a line would run into the next one. */
static int put(const char *line, size_t len)
{
	ssize_t n;

	if (make_room(len))
		return -EAGAIN;
	n = write(fd, line, len);
	if (n == (ssize_t)len) {
		size += len;
		return 0;
	}
	if (n > 0 && ftruncate(fd, (off_t)size))
		size += (size_t)n;
	return -EIO;
}

static int tell_lost(void)
{
	char line[128], now[LF_RFC3339_SIZE];
	int n = snprintf(line, sizeof(line),
			 "%s %-6s log: %llu lines could not be written here\n",
			 lf_rfc3339(now, lf_wall_ms()),
			 lf_log_level_name(LF_ERROR),
			 (unsigned long long)untold);
	int err = put(line, (size_t)n);

	if (!err)
		untold = 0;
	return err;
}

void lf_log_file_write(const char *line, size_t len)
{
	pthread_mutex_lock(&lock);
	if (*path && ((untold && tell_lost()) || put(line, len))) {
		lost++;
		untold++;
	}
	pthread_mutex_unlock(&lock);
}

bool lf_log_file_is_open(void)
{
	bool is_open;

	pthread_mutex_lock(&lock);
	is_open = *path;
	pthread_mutex_unlock(&lock);
	return is_open;
}

int lf_log_file_open(const char *name, size_t most_bytes, unsigned keep)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	shut();
	max_size = most_bytes;
	max_keep = keep;
	retry_ms = 0;
	lost = untold = 0;
	if (!lf_text_copy(path, sizeof(path), name ? name : ""))
		err = -ENAMETOOLONG;
	if (!err && *path)
		err = open_file();
	if (err)
		path[0] = '\0';
	pthread_mutex_unlock(&lock);
	return err;
}

int lf_log_file_reopen(void)
{
	int err;

	pthread_mutex_lock(&lock);
	retry_ms = 0;
	err = *path ? open_file() : 0;
	pthread_mutex_unlock(&lock);
	return err;
}

uint64_t lf_log_file_lost(void)
{
	uint64_t n;

	pthread_mutex_lock(&lock);
	n = lost;
	pthread_mutex_unlock(&lock);
	return n;
}
