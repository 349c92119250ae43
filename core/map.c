/*
 * core/map.c - open addressing with linear probing over SipHash-1-3.
 *
 * A deleted slot keeps its key pointer (never followed again) so that probes
 * walk over it; deleting inside LF_MAP_FOREACH is therefore safe.
 */
#include "core/map.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/banned.h"

#define FIRST_CAP 16

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		abort();
}

static inline uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline void sip_mix(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint32_t hash_key(const char *key)
{
	size_t len = strlen(key), left;
	uint64_t word, v[4];

	pthread_once(&seed_once, make_seed);
	v[0] = seed[0] ^ 0x736f6d6570736575ULL;
	v[1] = seed[1] ^ 0x646f72616e646f6dULL;
	v[2] = seed[0] ^ 0x6c7967656e657261ULL;
	v[3] = seed[1] ^ 0x7465646279746573ULL;
	for (left = len; left >= 8; left -= 8, key += 8) {
		memcpy(&word, key, 8);
		sip_mix(v, word);
	}
	word = 0;
	memcpy(&word, key, left);
	sip_mix(v, word ^ (uint64_t)len << 56);
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(word ^ word >> 32);
}

void lf_map_init(struct lf_map *map)
{
	memset(map, 0, sizeof(*map));
}

void lf_map_done(struct lf_map *map)
{
	free(map->slots);
	lf_map_init(map);
}

static struct lf_map_slot *find_slot(const struct lf_map *map, const char *key,
				     uint32_t hash)
{
	size_t i, mask = map->cap - 1;
	struct lf_map_slot *slot;

	if (!map->count)
		return NULL;
	for (i = hash & mask; map->slots[i].key; i = (i + 1) & mask) {
		slot = &map->slots[i];
		if (slot->value && slot->hash == hash &&
		    !strcmp(slot->key, key))
			return slot;
	}
	return NULL;
}

void *lf_map_find(const struct lf_map *map, const char *key)
{
	struct lf_map_slot *slot;

	if (!map->count)
		return NULL;
	slot = find_slot(map, key, hash_key(key));
	return slot ? slot->value : NULL;
}

/* Into the first slot without a value; the key is known to be absent. */
static void put(struct lf_map *map, const char *key, void *value, uint32_t hash)
{
	size_t i, mask = map->cap - 1;

	for (i = hash & mask; map->slots[i].value;)
		i = (i + 1) & mask;
	if (!map->slots[i].key)
		map->used++;
	map->slots[i].key = key;
	map->slots[i].value = value;
	map->slots[i].hash = hash;
	map->count++;
}

/* Keeps a quarter of the slots never used, so that each probe ends. */
static int make_room(struct lf_map *map)
{
	struct lf_map next = {.cap = FIRST_CAP};
	size_t i;

	if (map->cap && map->used + 1 <= map->cap / 4 * 3)
		return 0;
	while (next.cap / 2 < map->count + 1)
		next.cap *= 2;
	next.slots = calloc(next.cap, sizeof(*next.slots));
	if (!next.slots)
		return -ENOMEM;
	for (i = 0; i < map->cap; i++)
		if (map->slots[i].value)
			put(&next, map->slots[i].key, map->slots[i].value,
			    map->slots[i].hash);
	free(map->slots);
	*map = next;
	return 0;
}

int lf_map_add(struct lf_map *map, const char *key, void *value)
{
	uint32_t hash = hash_key(key);
	int err;

	assert(value);
	if (find_slot(map, key, hash))
		return -EEXIST;
	err = make_room(map);
	if (err)
		return err;
	put(map, key, value, hash);
	return 0;
}

void *lf_map_del(struct lf_map *map, const char *key)
{
	struct lf_map_slot *slot = find_slot(map, key, hash_key(key));
	size_t i, mask = map->cap - 1;
	void *value;

	if (!slot)
		return NULL;
	value = slot->value;
	slot->value = NULL;
	map->count--;

	/* Deleted slots that end a run serve no probe: give them back. */
	i = (size_t)(slot - map->slots);
	if (map->slots[(i + 1) & mask].key)
		return value;
	while (map->slots[i].key && !map->slots[i].value) {
		map->slots[i].key = NULL;
		map->used--;
		i = (i - 1) & mask;
	}
	return value;
}

void *lf_map_next(const struct lf_map *map, size_t *i)
{
	while (*i < map->cap) {
		void *value = map->slots[(*i)++].value;

		if (value)
			return value;
	}
	return NULL;
}
