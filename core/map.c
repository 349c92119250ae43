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

#include "core/hash.h"

#include "core/banned.h"

#define FIRST_CAP 16

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		abort();
}

static uint32_t hash_key(const char *key)
{
	uint64_t hash;

	pthread_once(&seed_once, make_seed);
	hash = lf_hash(seed, key, strlen(key));
	return (uint32_t)(hash ^ hash >> 32);
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
