/*
 * monitor/park.c - events that the store does not take, in a file beside it
 * whose space was taken while there was some: a full disk refuses new blocks,
 * not the ones we have (S260). JSON lines, up to the first NUL.
 */
#include "monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/text.h"

#include "core/banned.h"

struct lf_park {
	int fd;
	size_t size, used;
	char *held; /* what it held when it was opened */
	size_t held_len;
};

static int read_all(struct lf_park *park)
{
	const char *end;
	ssize_t n = 1;

	park->held = calloc(1, park->size + 1);
	if (!park->held)
		return -ENOMEM;
	while (n > 0 && park->held_len < park->size) {
		n = pread(park->fd, park->held + park->held_len,
			  park->size - park->held_len, (off_t)park->held_len);
		if (n < 0)
			return -errno;
		park->held_len += (size_t)n;
	}
	/* A power cut may have torn the last line: it is written over. */
	end = memrchr(park->held, '\n', strlen(park->held));
	park->held_len = park->used = end ? (size_t)(end - park->held) + 1 : 0;
	return 0;
}

int lf_park_open(struct lf_park **ret, const char *path, size_t size)
{
	struct lf_park *park = calloc(1, sizeof(*park));
	int err;

	if (!park)
		return -ENOMEM;
	park->size = size;
	park->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (park->fd < 0) {
		err = -errno;
		goto fail;
	}
	/* Without its space it still serves while the disk has some. */
	(void)posix_fallocate(park->fd, 0, (off_t)size);
	err = read_all(park);
	if (err)
		goto fail;
	*ret = park;
	return 0;
fail:
	lf_park_close(park);
	return err;
}

void lf_park_close(struct lf_park *park)
{
	if (!park)
		return;
	if (park->fd >= 0)
		close(park->fd);
	free(park->held);
	free(park);
}

static void write_note(struct lf_buf *buf, const struct lf_event_note *note)
{
	lf_buf_addf(buf,
		    "{\"id\":%lld,\"event\":%d,\"count\":%lld,\"first\":%lld,"
		    "\"last\":%lld,\"subject\":",
		    (long long)note->id, (int)note->event,
		    (long long)note->count, (long long)note->first_ms,
		    (long long)note->last_ms);
	lf_buf_add_json(buf, note->subject);
	lf_buf_adds(buf, ",\"text\":");
	lf_buf_add_json(buf, note->text);
	lf_buf_adds(buf, "}\n");
}

int lf_park_add(struct lf_park *park, const struct lf_event_note *note)
{
	struct lf_buf buf = {0};
	size_t ends;
	ssize_t n;
	int err;

	write_note(&buf, note);
	err = lf_buf_error(&buf);
	if (!err && park->used + buf.len > park->size)
		err = -ENOSPC;
	if (!err) {
		/* With the NUL that ends all, where there is room for it. */
		ends = park->used + buf.len < park->size;
		n = pwrite(park->fd, lf_buf_str(&buf), buf.len + ends,
			   (off_t)park->used);
		if (n >= (ssize_t)buf.len)
			park->used += buf.len;
		else
			err = n < 0 ? -errno : -ENOSPC;
	}
	lf_buf_done(&buf);
	return err;
}

void lf_park_clear(struct lf_park *park)
{
	static const char zeros[4096];
	size_t at = 0, n;

	/* The first byte makes it empty; the rest is for tidiness. */
	while (at < park->used) {
		n = park->used - at < sizeof(zeros) ? park->used - at
						    : sizeof(zeros);
		if (pwrite(park->fd, zeros, n, (off_t)at) < 0)
			return;
		at += n;
	}
	park->used = 0;
}

int lf_park_read(struct lf_park *park, size_t *offset,
		 struct lf_event_note *ret)
{
	const char *line = park->held + *offset, *end;
	json_t *json;
	int err;

	end = *offset < park->held_len ? strchr(line, '\n') : NULL;
	if (!end)
		return -ENOENT;
	*offset += (size_t)(end - line) + 1;
	err = lf_json_parse(&json, line, (size_t)(end - line));
	if (err)
		return err;
	*ret = (struct lf_event_note){
		.id = lf_json_int(json, "id", 0, NULL),
		.event = (enum lf_event)lf_json_int(json, "event", 0, NULL),
		.count = lf_json_int(json, "count", 1, NULL),
		.first_ms = lf_json_int(json, "first", 0, NULL),
		.last_ms = lf_json_int(json, "last", 0, NULL),
	};
	lf_text_copy(ret->subject, sizeof(ret->subject),
		     lf_json_str(json, "subject", "", NULL));
	lf_text_copy(ret->text, sizeof(ret->text),
		     lf_json_str(json, "text", "", NULL));
	json_decref(json);
	return 0;
}
