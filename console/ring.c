/*
 * console/ring.c - the last events of a session, for resume: at most 4096,
 * 512 KiB and 60 s of them.
 *
 * One buffer; the front is cut off by moving `head`, and given back when half
 * of the buffer is such waste.
 */
#include "console/internal.h"

#include <string.h>

#include "core/banned.h"

struct entry {
	int64_t seq, at_ms;
	size_t len;
};

static struct entry entry_at(const struct lf_ring *ring, size_t off)
{
	struct entry entry;

	memcpy(&entry, ring->buf.data + off, sizeof(entry));
	return entry;
}

void lf_ring_done(struct lf_ring *ring)
{
	lf_buf_done(&ring->buf);
	ring->head = 0;
	ring->count = 0;
}

static void drop_oldest(struct lf_ring *ring)
{
	ring->head += sizeof(struct entry) + entry_at(ring, ring->head).len;
	if (--ring->count == 0 || ring->head > ring->buf.len / 2) {
		lf_buf_consume(&ring->buf, ring->head);
		ring->head = 0;
	}
}

static bool is_over(const struct lf_ring *ring, int64_t now_ms)
{
	return ring->count > LF_RING_EVENTS ||
	       ring->buf.len - ring->head > LF_RING_BYTES ||
	       entry_at(ring, ring->head).at_ms + LF_RING_MS < now_ms;
}

void lf_ring_add(struct lf_ring *ring, int64_t seq, const char *line,
		 size_t len, int64_t now_ms)
{
	const struct entry entry = {seq, now_ms, len};

	lf_buf_add(&ring->buf, &entry, sizeof(entry));
	lf_buf_add(&ring->buf, line, len);
	ring->last_seq = seq;
	ring->count++;
	if (lf_buf_error(&ring->buf))
		lf_ring_done(ring);
	while (ring->count && is_over(ring, now_ms))
		drop_oldest(ring);
}

void lf_ring_trim(struct lf_ring *ring, int64_t seq)
{
	while (ring->count && entry_at(ring, ring->head).seq <= seq)
		drop_oldest(ring);
}

bool lf_ring_has(const struct lf_ring *ring, int64_t after_seq)
{
	if (after_seq < 0 || after_seq > ring->last_seq)
		return false;
	if (after_seq == ring->last_seq)
		return true;
	return ring->count && entry_at(ring, ring->head).seq <= after_seq + 1;
}

int lf_ring_replay(const struct lf_ring *ring, int64_t after_seq,
		   int (*fn)(const char *line, size_t len, void *arg),
		   void *arg)
{
	size_t off = ring->head;
	unsigned i;
	int err = 0;

	for (i = 0; i < ring->count && !err; i++) {
		struct entry entry = entry_at(ring, off);

		off += sizeof(entry);
		if (entry.seq > after_seq)
			err = fn(ring->buf.data + off, entry.len, arg);
		off += entry.len;
	}
	return err;
}
