/*
 * core/queue.c - bytes that wait to leave: added at the end, consumed at the
 * front. For stream.c and tls.c.
 */
#include "core/internal.h"

#include "core/banned.h"

/* A drained queue keeps a small buffer for the next turn. */
#define QUEUE_KEEP 4096

int lf_queue_add(struct lf_queue *q, const void *data, size_t len)
{
	lf_buf_add(&q->buf, data, len);
	return lf_buf_error(&q->buf);
}

size_t lf_queue_len(const struct lf_queue *q)
{
	return q->buf.len - q->off;
}

const char *lf_queue_data(const struct lf_queue *q)
{
	return q->buf.data + q->off;
}

void lf_queue_consume(struct lf_queue *q, size_t len)
{
	q->off += len;
	if (q->off == q->buf.len) {
		q->off = 0;
		q->buf.len = 0;
		if (q->buf.cap > QUEUE_KEEP)
			lf_buf_done(&q->buf);
	} else if (q->off > q->buf.len / 2) {
		/* Each byte moves once at most for each that left. */
		lf_buf_consume(&q->buf, q->off);
		q->off = 0;
	}
}
