/*
 * core/map.h - hash map from a string to a pointer.
 *
 * The key is borrowed: it must live as long as its entry (usually it is a
 * member of the value). Keys come from the wire, so the hash is seeded at
 * random per process and a peer cannot choose collisions.
 */
#ifndef LF_CORE_MAP_H
#define LF_CORE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct lf_map_slot {
	const char *key; /* NULL: never used */
	void *value;     /* NULL: deleted */
	uint32_t hash;
};

struct lf_map {
	struct lf_map_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t used, count;
};

void lf_map_init(struct lf_map *map); /* a zeroed map is initialised too */
void lf_map_done(struct lf_map *map); /* values stay the caller's */

void *lf_map_find(const struct lf_map *map, const char *key); /* or NULL */

/* -EEXIST if the key is there, -ENOMEM; the map is unchanged then. */
int lf_map_add(struct lf_map *map, const char *key, void *value);

/* Removes and returns the value, NULL if there was none. */
void *lf_map_del(struct lf_map *map, const char *key);

/* Calls for every value, in no order; `i` starts at 0. NULL at the end. */
void *lf_map_next(const struct lf_map *map, size_t *i);

#define LF_MAP_FOREACH(value, map)                                             \
	for (size_t value##_i = 0;                                             \
	     ((value) = lf_map_next((map), &value##_i)) != NULL;)

#endif
