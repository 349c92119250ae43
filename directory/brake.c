/*
 * directory/brake.c - five failures in ten minutes, then wait.
 *
 * Each key keeps the times of its last five failures. The table is bounded:
 * who floods it with invented names makes it forget the longest quiet ones.
 */
#include "directory/access_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#include "core/banned.h"

struct entry {
	struct lf_list node;
	int64_t failed_ms[LF_BRAKE_FAILURES]; /* the oldest first */
	unsigned n;
	char key[];
};

void lf_brake_init(struct lf_brake *brake)
{
	lf_map_init(&brake->by_key);
	brake->on_braked = NULL;
	lf_list_init(&brake->quiet_first);
}

void lf_brake_done(struct lf_brake *brake)
{
	struct entry *e;

	LF_MAP_FOREACH (e, &brake->by_key)
		free(e);
	lf_map_done(&brake->by_key);
}

/* ---- keys ---- */

static void cut_port(char *address)
{
	char *colon = strrchr(address, ':');
	struct in6_addr v6;

	if (address[0] == '[') {
		memmove(address, address + 1, strlen(address));
		address[strcspn(address, "]")] = '\0';
	} else if (colon && inet_pton(AF_INET6, address, &v6) != 1) {
		*colon = '\0';
	}
}

static void address_key(char *out, const char *address)
{
	char text[LF_USER_TEXT_MAX];
	struct in6_addr v6;

	lf_text_copy(text, sizeof(text), address ? address : "");
	cut_port(text);
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		if (IN6_IS_ADDR_V4MAPPED(&v6))
			inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof(text));
		else {
			memset(&v6.s6_addr[8], 0, 8);
			inet_ntop(AF_INET6, &v6, text, sizeof(text));
		}
	}
	snprintf(out, LF_BRAKE_KEY_SIZE, "a:%s", text);
}

void lf_brake_keys(struct lf_brake_keys *keys, const char *username,
		   const char *address)
{
	char *c;

	snprintf(keys->name, sizeof(keys->name), "n:%s", username);
	for (c = keys->name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
	address_key(keys->address, address);
}

/* ---- counting ---- */

unsigned lf_brake_failures(const struct lf_brake *brake, const char *key,
			   int64_t now_ms, int64_t *ret_wait_ms)
{
	const struct entry *e = lf_map_find(&brake->by_key, key);
	unsigned i, count = 0;

	for (i = 0; e && i < e->n; i++) {
		if (now_ms - e->failed_ms[i] >= LF_BRAKE_WINDOW_MS)
			continue;
		if (!count++)
			*ret_wait_ms =
				e->failed_ms[i] + LF_BRAKE_WINDOW_MS - now_ms;
	}
	return count;
}

int64_t lf_brake_wait_ms(const struct lf_brake *brake,
			 const struct lf_brake_keys *keys, int64_t now_ms)
{
	int64_t wait, longest = 0;

	if (lf_brake_failures(brake, keys->name, now_ms, &wait) >=
	    LF_BRAKE_FAILURES)
		longest = wait;
	if (lf_brake_failures(brake, keys->address, now_ms, &wait) >=
		    LF_BRAKE_FAILURES &&
	    wait > longest)
		longest = wait;
	return longest;
}

static void forget(struct lf_brake *brake, struct entry *e)
{
	lf_map_del(&brake->by_key, e->key);
	lf_list_del(&e->node);
	free(e);
}

static struct entry *entry_for(struct lf_brake *brake, const char *key)
{
	struct entry *e = lf_map_find(&brake->by_key, key);
	size_t size = strlen(key) + 1;

	if (e)
		return e;
	while (brake->by_key.count >= LF_BRAKE_ENTRIES)
		forget(brake, LF_CONTAINER_OF(brake->quiet_first.next,
					      struct entry, node));
	e = calloc(1, sizeof(*e) + size);
	if (!e)
		return NULL;
	memcpy(e->key, key, size);
	lf_list_init(&e->node);
	if (lf_map_add(&brake->by_key, e->key, e)) {
		free(e);
		return NULL;
	}
	return e;
}

/* Out of memory forgets a failure rather than a user. */
static void fail_one(struct lf_brake *brake, const char *key, int64_t now_ms)
{
	struct entry *e = entry_for(brake, key);
	int64_t wait_ms;
	bool is_last;

	if (!e)
		return;
	is_last = lf_brake_failures(brake, key, now_ms, &wait_ms) ==
		  LF_BRAKE_FAILURES - 1;
	if (e->n == LF_BRAKE_FAILURES) {
		memmove(e->failed_ms, e->failed_ms + 1,
			(LF_BRAKE_FAILURES - 1) * sizeof(*e->failed_ms));
		e->n--;
	}
	e->failed_ms[e->n++] = now_ms;
	lf_list_del(&e->node);
	lf_list_add_tail(&brake->quiet_first, &e->node);
	if (is_last && brake->on_braked)
		brake->on_braked(key[0] == 'a', key + 2, brake->arg);
}

void lf_brake_fail(struct lf_brake *brake, const struct lf_brake_keys *keys,
		   int64_t now_ms)
{
	fail_one(brake, keys->name, now_ms);
	fail_one(brake, keys->address, now_ms);
}
