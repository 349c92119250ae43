/*
 * tests/fuzz/fuzz_park.c - the file of parked events after a crash: whatever
 * it holds is read to its end, and what is written next is not lost in it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/text.h"
#include "monitor/internal.h"

#include "core/banned.h"

#define SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* How many there are, and the last of them. */
static size_t read_all(struct lf_park *park, struct lf_event_note *last)
{
	struct lf_event_note note;
	size_t offset = 0, before = 0, n = 0;
	int err;

	while ((err = lf_park_read(park, &offset, &note)) != -ENOENT) {
		require(offset > before);
		before = offset;
		if (err)
			continue;
		require(strlen(note.subject) < sizeof(note.subject) &&
			strlen(note.text) < sizeof(note.text));
		*last = note;
		n++;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lf_event_note next = {
		.id = 7, .event = LF_EVENT_FEED_DOWN, .text = "the next"};
	int err, fd = memfd_create("park", 0);
	struct lf_event_note last;
	struct lf_park *park;
	char path[64];
	size_t n;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(!lf_park_open(&park, path, SIZE));
	n = read_all(park, &last);
	err = lf_park_add(park, &next);
	require(!err || err == -ENOSPC);
	lf_park_close(park);
	if (!err) {
		require(!lf_park_open(&park, path, SIZE));
		require(read_all(park, &last) == n + 1);
		require(last.id == 7 && !strcmp(last.text, "the next"));
		lf_park_clear(park);
		lf_park_close(park);
		require(!lf_park_open(&park, path, SIZE));
		require(read_all(park, &last) == 0);
		lf_park_close(park);
	}
	close(fd);
	return 0;
}
