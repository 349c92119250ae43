/*
 * admin/commands_backup.c - `lampctl backup FILE` (S238): the whole database
 * as one file, while the server works on. docs/backup.md is its page.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "admin/commands.h"
#include "admin/control.h"
#include "admin/server.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "core/timer.h"
#include "monitor/event.h"
#include "store/store.h"

#include "core/banned.h"

#define PROGRESS_MS 1000
#define TEXT_SIZE 1024

struct lf_backup {
	struct lf_call *call;
	struct lf_server *server;
	struct lf_timer progress;
	int64_t began_ms;
	char *path, *tmp; /* the store writes beside it, then renames */
};

static void backup_free(struct lf_backup *b)
{
	if (!b)
		return;
	lf_timer_stop(b->server->timers, &b->progress);
	free(b->path);
	free(b->tmp);
	free(b);
}

static struct lf_backup *backup_new(struct lf_server *server,
				    struct lf_call *call, const char *path)
{
	struct lf_backup *b = calloc(1, sizeof(*b));
	size_t size = strlen(path) + sizeof(".tmp");

	if (!b)
		return NULL;
	b->server = server;
	b->call = call;
	b->began_ms = lf_mono_ms();
	b->path = strdup(path);
	b->tmp = malloc(size);
	if (!b->path || !b->tmp) {
		backup_free(b);
		return NULL;
	}
	snprintf(b->tmp, size, "%s.tmp", path);
	return b;
}

/* ---- what may be in the way ---- */

static uint64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

/* With what is in the log beside it, and not in the database yet. */
static uint64_t database_size(const struct lf_server *server)
{
	const char *path = lf_conf_text(server->conf, "store", "path");
	char wal[TEXT_SIZE];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	return size_of(path) + size_of(wal);
}

static void folder_of(char *out, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash > path ? (size_t)(slash - path) : 1;

	lf_text_copy_n(out, size, path, len);
}

/* Below a /tmp that systemd made for this service alone (PrivateTmp=)? */
static bool is_in_private_tmp(const char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char root[256], point[256], *line = NULL;
	bool is_private = false;
	size_t size = 0;

	while (f && !is_private && getline(&line, &size, f) > 0) {
		if (sscanf(line, "%*s %*s %*s %255s %255s", root, point) == 2)
			is_private = strstr(root, "/systemd-private-") &&
				     lf_text_starts(path, point) &&
				     path[strlen(point)] == '/';
	}
	free(line);
	if (f)
		fclose(f);
	return is_private;
}

/* An error of the store, or of a look beforehand, for people. */
static void explain(char out[TEXT_SIZE], const char *path, int err)
{
	const struct passwd *pw = getpwuid(geteuid());
	char folder[TEXT_SIZE / 2];

	folder_of(folder, sizeof(folder), path);
	if (err == -ENOENT || err == -ENOTDIR)
		snprintf(out, TEXT_SIZE, "There is no folder %s.", folder);
	else if (err == -EACCES || err == -EPERM || err == -EROFS)
		snprintf(out, TEXT_SIZE,
			 "The server, as user %s, may not write in %s (%s). As "
			 "a service it may below /var/lib/lampfield only.",
			 pw ? pw->pw_name : "?", folder, strerror(-err));
	else if (err == -ENOSPC)
		snprintf(out, TEXT_SIZE,
			 "There is no room for the backup in %s.", folder);
	else if (err == -EAGAIN)
		snprintf(out, TEXT_SIZE,
			 "The backup could not be written; `lampctl alarms` "
			 "tells whether the database is well.");
	else
		snprintf(out, TEXT_SIZE, "%s: %s.", path, strerror(-err));
}

/* NULL, or what is wrong with the name. */
static const char *complaint(const struct lf_server *server, const char *path)
{
	struct stat st;

	if (server->backup)
		return "Another backup is being written.";
	if (!path || *path != '/' || strlen(path) >= TEXT_SIZE / 2)
		return "Give the whole path of a new file.";
	if (is_in_private_tmp(path))
		return "The service has a folder for temporary files of its "
		       "own, where you would not find the backup. It may write "
		       "below /var/lib/lampfield.";
	if (!lstat(path, &st))
		return "The file is there already. Name another, or remove it.";
	return NULL;
}

/* A backup must not fill the disk on which the server writes. */
static int look_for_room(char out[TEXT_SIZE], const struct lf_server *server,
			 const char *path)
{
	uint64_t need = database_size(server), have;
	char folder[TEXT_SIZE / 2];
	struct statvfs fs;
	int err;

	folder_of(folder, sizeof(folder), path);
	if (statvfs(folder, &fs)) {
		err = -errno;
		explain(out, path, err);
		return err;
	}
	have = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (have >= need)
		return 0;
	snprintf(out, TEXT_SIZE,
		 "There is no room for the backup in %s: it needs %llu KB, "
		 "%llu KB are free.",
		 folder, (unsigned long long)need >> 10,
		 (unsigned long long)have >> 10);
	return -ENOSPC;
}

/* ---- the backup ---- */

static void on_progress(struct lf_timer *timer, void *arg)
{
	struct lf_backup *b = arg;
	uint64_t done = size_of(b->tmp), all = database_size(b->server);

	lf_call_progress(b->call, "%llu of %llu MB",
			 (unsigned long long)done >> 20,
			 (unsigned long long)all >> 20);
	lf_timer_start(b->server->timers, timer, PROGRESS_MS);
}

/* Also while the server stops: then there is no room left to tell. */
static void tell(struct lf_backup *b, enum lf_event event, const char *text)
{
	if (b->server->control)
		lf_event_raise(b->server->monitor, event, "", "%s", text);
	else
		lf_log(LF_NOTICE, "admin", "backup: %s", text);
}

static void on_written(int err, int64_t rev, void *arg)
{
	struct lf_backup *b = arg;
	char text[TEXT_SIZE];

	b->server->backup = NULL;
	if (err) {
		explain(text, b->path, err);
		tell(b, LF_EVENT_BACKUP_FAILED, text);
	} else {
		snprintf(text, sizeof(text),
			 "%s is written: %llu MB in %.1f s.", b->path,
			 (unsigned long long)(size_of(b->path) >> 20) + 1,
			 (double)(lf_mono_ms() - b->began_ms) / 1000);
		tell(b, LF_EVENT_BACKUP_DONE, text);
		lf_log(LF_NOTICE, "admin", "backup by %s: %s",
		       lf_call_by(b->call), text);
		lf_call_say(b->call, "%s", text);
		lf_call_say(b->call,
			    "Passwords in it are sealed by %s: keep that file "
			    "too, at another place.",
			    lf_conf_text(b->server->conf, "store", "key-file"));
	}
	lf_call_end(b->call, err ? text : NULL);
	backup_free(b);
}

static void refuse(struct lf_call *call, struct lf_server *server,
		   const char *text)
{
	lf_event_raise(server->monitor, LF_EVENT_BACKUP_FAILED, "", "%s", text);
	lf_call_end(call, text);
}

static void run_backup(struct lf_call *call, struct lf_server *server)
{
	const char *path = lf_call_arg(call, "file");
	const char *wrong = complaint(server, path);
	char text[TEXT_SIZE];
	struct lf_backup *b;
	int err;

	if (wrong) {
		lf_call_end(call, wrong);
		return;
	}
	if (look_for_room(text, server, path)) {
		refuse(call, server, text);
		return;
	}
	b = backup_new(server, call, path);
	err = b ? lf_store_backup(server->store, path, on_written, b) : -ENOMEM;
	if (err) {
		backup_free(b);
		refuse(call, server, strerror(-err));
		return;
	}
	server->backup = b;
	lf_timer_init(&b->progress, on_progress, b);
	lf_timer_start(server->timers, &b->progress, PROGRESS_MS);
}

const struct lf_command lf_backup_commands[] = {
	{"backup", run_backup},
	{NULL},
};
