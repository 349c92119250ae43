/*
 * sip/flight.c - a table of thin client transactions and the wheel of their
 * retransmissions. The branch is the index into the table and a random token,
 * so an answer is matched by one comparison.
 */
#include "sip/flight.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/secret.h"
#include "core/text.h"

#include "core/banned.h"

#define COOKIE "z9hG4bK"
#define INDEX_DIGITS 8
#define TOKEN_DIGITS 16
#define FIRST_CAP 64

static_assert(LF_FLIGHT_T2_MS < (LF_FLIGHT_SLOTS - 1) * LF_FLIGHT_TICK_MS,
	      "a turn of the wheel holds the longest interval");

void lf_flights_init(struct lf_flights *fs, int64_t now_ms)
{
	memset(fs, 0, sizeof(*fs));
	lf_random(fs->key, sizeof(fs->key));
	fs->now_slot = now_ms / LF_FLIGHT_TICK_MS;
	for (size_t i = 0; i < LF_FLIGHT_SLOTS; i++)
		lf_list_init(&fs->slots[i]);
}

void lf_flights_done(struct lf_flights *fs)
{
	for (uint32_t i = 0; i < fs->cap; i++)
		free(fs->table[i]);
	free(fs->table);
	free(fs->free_list);
	memset(fs, 0, sizeof(*fs));
}

/* ---- the table ---- */

static int grow(struct lf_flights *fs)
{
	uint32_t cap = fs->cap ? 2 * fs->cap : FIRST_CAP;
	struct lf_flight **table;
	uint32_t *free_list;

	table = realloc(fs->table, cap * sizeof(*table));
	if (!table)
		return -ENOMEM;
	fs->table = table;
	free_list = realloc(fs->free_list, cap * sizeof(*free_list));
	if (!free_list)
		return -ENOMEM;
	fs->free_list = free_list;
	for (uint32_t i = cap; i-- > fs->cap;) {
		table[i] = NULL;
		free_list[fs->free_count++] = i;
	}
	fs->cap = cap;
	return 0;
}

/* A watcher sees its own, and must not guess those of others. */
static uint64_t next_token(struct lf_flights *fs)
{
	uint64_t serial = ++fs->serial;

	return lf_hash(fs->key, &serial, sizeof(serial));
}

struct lf_flight *lf_flight_new(struct lf_flights *fs, size_t size)
{
	struct lf_flight *flight;

	if (!fs->free_count && grow(fs))
		return NULL;
	flight = malloc(sizeof(*flight) + size);
	if (!flight)
		return NULL;
	memset(flight, 0, sizeof(*flight));
	lf_list_init(&flight->node);
	flight->token = next_token(fs);
	flight->index = fs->free_list[--fs->free_count];
	fs->table[flight->index] = flight;
	fs->count++;
	return flight;
}

void lf_flight_free(struct lf_flights *fs, struct lf_flight *flight)
{
	lf_list_del(&flight->node);
	fs->table[flight->index] = NULL;
	fs->free_list[fs->free_count++] = flight->index;
	fs->count--;
	free(flight);
}

static void put_hex(char *out, uint64_t value, int digits)
{
	static const char hex[] = "0123456789abcdef";

	while (digits-- > 0) {
		out[digits] = hex[value & 15];
		value >>= 4;
	}
}

void lf_flight_branch(const struct lf_flight *flight,
		      char out[LF_FLIGHT_BRANCH_SIZE])
{
	char *p = out + sizeof(COOKIE) - 1;

	memcpy(out, COOKIE, sizeof(COOKIE) - 1);
	put_hex(p, flight->index, INDEX_DIGITS);
	put_hex(p + INDEX_DIGITS, flight->token, TOKEN_DIGITS);
	p[INDEX_DIGITS + TOKEN_DIGITS] = '\0';
}

/* ---- the wheel ---- */

static void put_on_wheel(struct lf_flights *fs, struct lf_flight *flight)
{
	int64_t slot = flight->due_ms / LF_FLIGHT_TICK_MS + 1;

	if (slot <= fs->now_slot)
		slot = fs->now_slot + 1;
	lf_list_del(&flight->node);
	lf_list_add_tail(&fs->slots[slot % LF_FLIGHT_SLOTS], &flight->node);
}

void lf_flight_launch(struct lf_flights *fs, struct lf_flight *flight,
		      int64_t now_ms, int64_t life_ms)
{
	/* An empty wheel is not ticked: it may stand still for long. */
	if (fs->count == 1)
		fs->now_slot = now_ms / LF_FLIGHT_TICK_MS;
	flight->interval_ms = LF_FLIGHT_T1_MS;
	flight->due_ms = now_ms + flight->interval_ms;
	flight->end_ms = now_ms + life_ms;
	put_on_wheel(fs, flight);
}

void lf_flight_proceeding(struct lf_flight *flight)
{
	flight->interval_ms = LF_FLIGHT_T2_MS;
}

static void turn(struct lf_flights *fs, struct lf_flight *flight,
		 int64_t now_ms, lf_flight_due_fn *fn, void *arg)
{
	if (flight->due_ms > now_ms) {
		put_on_wheel(fs, flight);
		return;
	}
	if (now_ms >= flight->end_ms) {
		fn(flight, true, arg);
		return;
	}
	if (flight->interval_ms < LF_FLIGHT_T2_MS / 2)
		flight->interval_ms *= 2;
	else
		flight->interval_ms = LF_FLIGHT_T2_MS;
	/* From when it was due: the wheel's ticks must not add up. */
	flight->due_ms += flight->interval_ms;
	if (flight->due_ms <= now_ms)
		flight->due_ms = now_ms + flight->interval_ms;
	if (flight->due_ms > flight->end_ms)
		flight->due_ms = flight->end_ms;
	put_on_wheel(fs, flight);
	fn(flight, false, arg);
}

void lf_flights_tick(struct lf_flights *fs, int64_t now_ms,
		     lf_flight_due_fn *fn, void *arg)
{
	int64_t slot = now_ms / LF_FLIGHT_TICK_MS;

	if (slot - fs->now_slot > LF_FLIGHT_SLOTS)
		fs->now_slot = slot - LF_FLIGHT_SLOTS; /* each slot once */
	while (fs->now_slot < slot) {
		struct lf_list due, *head;

		head = &fs->slots[++fs->now_slot % LF_FLIGHT_SLOTS];
		lf_list_init(&due);
		lf_list_splice_tail(&due, head);
		/* Whatever fn() frees leaves the list by itself. */
		while (!lf_list_is_empty(&due))
			turn(fs,
			     LF_CONTAINER_OF(due.next, struct lf_flight, node),
			     now_ms, fn, arg);
	}
}

/* ---- answers ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int get_hex(uint64_t *ret, const char *text, int digits)
{
	uint64_t value = 0;

	for (int i = 0; i < digits; i++) {
		int v = hex_value(text[i]);

		if (v < 0)
			return -EPROTO;
		value = value << 4 | (uint64_t)v;
	}
	*ret = value;
	return 0;
}

/* The value of a Via line, or NULL if the line is another header. */
static const char *via_value(const char *line, size_t len)
{
	size_t name;

	if (len >= 3 && (line[0] | 0x20) == 'v' && (line[1] | 0x20) == 'i' &&
	    (line[2] | 0x20) == 'a')
		name = 3;
	else if (len && (line[0] | 0x20) == 'v')
		name = 1;
	else
		return NULL;
	while (name < len && (line[name] == ' ' || line[name] == '\t'))
		name++;
	return name < len && line[name] == ':' ? line + name + 1 : NULL;
}

/* The first Via; the end of the message if it has none. */
static int find_via(const char **ret, size_t *ret_len, const char *data,
		    size_t len)
{
	const char *end = data + len, *line = memchr(data, '\n', len), *next;

	while (line && ++line < end) {
		next = memchr(line, '\n', (size_t)(end - line));
		*ret = via_value(line, (size_t)((next ? next : end) - line));
		if (*ret) {
			*ret_len = (size_t)((next ? next : end) - *ret);
			return 0;
		}
		line = next;
	}
	return -EPROTO;
}

int lf_flight_parse(struct lf_flight_answer *ret, const char *data, size_t len)
{
	static const char start[] = "SIP/2.0 ", mark[] = "branch=" COOKIE;
	const size_t digits = INDEX_DIGITS + TOKEN_DIGITS;
	const char *via = NULL, *branch;
	size_t via_len = 0;
	uint64_t index;

	if (len < sizeof(start) + 3 || memcmp(data, start, sizeof(start) - 1))
		return -EPROTO;
	data += sizeof(start) - 1;
	len -= sizeof(start) - 1;
	ret->status = 0;
	for (int i = 0; i < 3; i++) {
		if (data[i] < '0' || data[i] > '9')
			return -EPROTO;
		ret->status = 10 * ret->status + data[i] - '0';
	}
	if (ret->status < 100 || ret->status > 699 ||
	    find_via(&via, &via_len, data, len))
		return -EPROTO;
	branch = memmem(via, via_len, mark, sizeof(mark) - 1);
	if (!branch)
		return -EPROTO;
	branch += sizeof(mark) - 1;
	if ((size_t)(via + via_len - branch) < digits ||
	    get_hex(&index, branch, INDEX_DIGITS) ||
	    get_hex(&ret->token, branch + INDEX_DIGITS, TOKEN_DIGITS))
		return -EPROTO;
	ret->index = (uint32_t)index;
	return 0;
}

struct lf_flight *lf_flights_find(const struct lf_flights *fs,
				  const struct lf_flight_answer *answer)
{
	struct lf_flight *flight;

	if (answer->index >= fs->cap)
		return NULL;
	flight = fs->table[answer->index];
	return flight && flight->token == answer->token ? flight : NULL;
}
