/*
 * sip/trace.c - the last messages, in one ring of bytes. Fed by the files of
 * sip/ at the edge to sofia; read by whoever asks why a lamp shows what it
 * shows.
 *
 * An entry is copied from the header fragments sofia parsed or encoded, so
 * that tracing costs a memcpy and no formatting. A retransmission is not
 * traced: sofia does not tell of it.
 */
#include "sip/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "sip/internal.h"

#include "core/banned.h"

#define PEER_SIZE 64
#define CUT "\r\n... (cut)"
#define MASK ": (masked)\r\n"

struct entry {
	uint32_t size; /* whole, aligned; 0: go on at the start */
	uint32_t text_len;
	uint64_t call_hash;
	int64_t wall_ms;
	union lf_sip_address peer;
	uint8_t transport; /* enum lf_sip_transport */
	bool is_out;
	char text[];
};

struct lf_sip_ring {
	size_t cap;
	size_t head;  /* where the next entry goes */
	size_t tail;  /* the oldest entry */
	size_t count; /* entries between tail and head */
	_Alignas(16) char bytes[];
};

int lf_sip_ring_new(struct lf_sip_ring **ret, size_t bytes)
{
	size_t least = 2 * (sizeof(struct entry) + LF_SIP_TRACE_TEXT + 64);
	struct lf_sip_ring *ring;

	if (bytes < least)
		bytes = least;
	bytes &= ~(size_t)15;
	ring = malloc(sizeof(*ring) + bytes);
	if (!ring)
		return -ENOMEM;
	ring->cap = bytes;
	ring->head = ring->tail = ring->count = 0;
	*ret = ring;
	return 0;
}

void lf_sip_ring_free(struct lf_sip_ring *ring)
{
	free(ring);
}

static struct entry *entry_at(struct lf_sip_ring *ring, size_t at)
{
	return (struct entry *)(void *)(ring->bytes + at);
}

/* The offset after the entry at `at`, over the gap at the ring's end. */
static size_t next_of(struct lf_sip_ring *ring, size_t at)
{
	at += entry_at(ring, at)->size;
	if (at + sizeof(struct entry) > ring->cap ||
	    entry_at(ring, at)->size == 0)
		return 0;
	return at;
}

static void drop_oldest(struct lf_sip_ring *ring)
{
	ring->count--;
	if (ring->count == 0)
		ring->tail = ring->head;
	else
		ring->tail = next_of(ring, ring->tail);
}

/* Room for `size` bytes at head, in one piece; the oldest make way. */
static struct entry *reserve(struct lf_sip_ring *ring, size_t size)
{
	if (ring->head + size > ring->cap) {
		while (ring->count > 0 && ring->tail >= ring->head)
			drop_oldest(ring);
		if (ring->head + sizeof(struct entry) <= ring->cap)
			entry_at(ring, ring->head)->size = 0;
		ring->head = 0;
		if (ring->count == 0)
			ring->tail = 0;
	}
	while (ring->count > 0 && ring->tail >= ring->head &&
	       ring->tail < ring->head + size)
		drop_oldest(ring);
	if (ring->count == 0)
		ring->tail = ring->head;
	return entry_at(ring, ring->head);
}

static uint64_t hash_bytes(const char *text, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; len; len--, text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

static uint64_t hash_text(const char *text)
{
	return hash_bytes(text, strlen(text));
}

/* ---- copying a message ---- */

static bool is_secret(const msg_header_t *h)
{
	return h->sh_class == sip_authorization_class ||
	       h->sh_class == sip_proxy_authorization_class;
}

static size_t fragment_len(const msg_header_t *h)
{
	if (is_secret(h))
		return strlen(h->sh_class->hc_name) + strlen(MASK);
	return h->sh_data ? h->sh_len : 0;
}

static size_t message_len(const msg_header_t *h)
{
	size_t len = 0;

	for (; h; h = h->sh_succ)
		len += fragment_len(h);
	return len;
}

static size_t copy_bytes(char *out, size_t room, const void *data, size_t len)
{
	if (len > room)
		len = room;
	memcpy(out, data, len);
	return len;
}

static size_t copy_message(char *out, size_t room, const msg_header_t *h)
{
	size_t n = 0;

	for (; h && n < room; h = h->sh_succ) {
		if (is_secret(h)) {
			const char *name = h->sh_class->hc_name;

			n += copy_bytes(out + n, room - n, name, strlen(name));
			n += copy_bytes(out + n, room - n, MASK, strlen(MASK));
		} else if (h->sh_data) {
			n += copy_bytes(out + n, room - n, h->sh_data,
					h->sh_len);
		}
	}
	return n;
}

static const msg_header_t *first_fragment(const sip_t *sip)
{
	return sip->sip_request ? (const msg_header_t *)sip->sip_request
				: (const msg_header_t *)sip->sip_status;
}

static void keep_peer(struct entry *e, enum lf_sip_transport transport,
		      const struct sockaddr *addr)
{
	e->transport = (uint8_t)transport;
	memcpy(&e->peer, addr, lf_net_size(addr));
}

static void format_peer(char out[PEER_SIZE], const struct entry *e)
{
	char host[48];
	uint16_t port;

	lf_net_format(host, sizeof(host), &e->peer.any, &port);
	snprintf(out, PEER_SIZE, "%s %s:%u",
		 lf_sip_transport_name((enum lf_sip_transport)e->transport),
		 host, port);
}

void lf_sip_trace_msg(struct lf_sip *sip, bool is_out, msg_t *msg,
		      const tport_t *tport)
{
	struct lf_sip_ring *ring = sip->ring;
	const msg_header_t *first;
	struct entry *e;
	const sip_t *parsed;
	size_t len, kept, size;

	if (!ring || !msg)
		return;
	parsed = sip_object(msg);
	if (!parsed || !parsed->sip_call_id)
		return;
	first = first_fragment(parsed);
	len = message_len(first);
	kept = LF_MIN(len, LF_SIP_TRACE_TEXT);
	size = (sizeof(*e) + kept + sizeof(CUT) + 15) & ~(size_t)15;

	e = reserve(ring, size);
	e->size = (uint32_t)size;
	e->call_hash = hash_text(parsed->sip_call_id->i_id);
	e->wall_ms = lf_wall_ms();
	e->is_out = is_out;
	keep_peer(e, lf_sip_transport_of(tport), &msg_addr(msg)->su_sa);
	e->text_len = (uint32_t)copy_message(e->text, kept, first);
	if (len > kept) {
		memcpy(e->text + e->text_len, CUT, sizeof(CUT) - 1);
		e->text_len += (uint32_t)sizeof(CUT) - 1;
	}
	e->text[e->text_len] = '\0';
	ring->head += size;
	ring->count++;
}

/* Of the express lane, which has no message objects and no credentials. */
void lf_sip_trace_text(struct lf_sip *sip, bool is_out,
		       const struct sockaddr *peer, const char *call_id,
		       size_t call_id_len, const char *text, size_t len)
{
	struct lf_sip_ring *ring = sip->ring;
	struct entry *e;
	size_t kept = LF_MIN(len, LF_SIP_TRACE_TEXT), size;

	if (!ring)
		return;
	size = (sizeof(*e) + kept + 1 + 15) & ~(size_t)15;
	e = reserve(ring, size);
	e->size = (uint32_t)size;
	e->call_hash = hash_bytes(call_id, call_id_len);
	e->wall_ms = lf_wall_ms();
	e->is_out = is_out;
	keep_peer(e, LF_SIP_UDP, peer);
	memcpy(e->text, text, kept);
	e->text[kept] = '\0';
	e->text_len = (uint32_t)kept;
	ring->head += size;
	ring->count++;
}

/*
 * ---- the edges to sofia's transactions ----
 * Messages and transports come with a reference that is ours to give back.
 */

static void trace_owned(struct lf_sip *sip, bool is_out, msg_t *msg,
			tport_t *tport)
{
	lf_sip_trace_msg(sip, is_out, msg, tport);
	tport_unref(tport);
	if (msg)
		msg_destroy(msg);
}

void lf_sip_trace_response_out(struct lf_sip *sip, nta_incoming_t *irq)
{
	if (sip->ring)
		trace_owned(sip, true, nta_incoming_getresponse(irq),
			    nta_incoming_transport(sip->agent, irq, NULL));
}

void lf_sip_trace_request_out(struct lf_sip *sip, nta_outgoing_t *orq)
{
	if (sip->ring)
		trace_owned(sip, true, nta_outgoing_getrequest(orq),
			    nta_outgoing_transport(orq));
}

void lf_sip_trace_response_in(struct lf_sip *sip, nta_outgoing_t *orq)
{
	if (sip->ring)
		trace_owned(sip, false, nta_outgoing_getresponse(orq),
			    nta_outgoing_transport(orq));
}

/* ---- reading ---- */

size_t lf_sip_trace(struct lf_sip *sip, const char *call_id, size_t max,
		    lf_sip_trace_fn *fn, void *arg)
{
	struct lf_sip_ring *ring = sip->ring;
	uint64_t hash = hash_text(call_id);
	size_t n = 0, skip, at;
	char peer[PEER_SIZE];

	if (!ring)
		return 0;
	at = ring->tail;
	for (size_t i = 0; i < ring->count; i++, at = next_of(ring, at))
		n += entry_at(ring, at)->call_hash == hash;
	skip = n > max ? n - max : 0;
	n -= skip;
	at = ring->tail;
	for (size_t i = 0; i < ring->count; i++, at = next_of(ring, at)) {
		const struct entry *e = entry_at(ring, at);
		const struct lf_sip_trace message = {e->wall_ms, e->is_out,
						     peer, e->text};

		if (e->call_hash != hash)
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		format_peer(peer, e);
		fn(&message, arg);
	}
	return n;
}
