/*
 * sip/flight.h - requests that wait for their answer: what is left of a
 * client transaction (RFC 3261, 17.1.2) when it is thin. No socket and no
 * clock: the caller sends, and says what time it is. For express.c.
 *
 *     lf_flight_new()  ->  render into flight->bytes  ->  lf_flight_launch()
 *     lf_flights_tick(now)   sends again after T1, 2 T1 .. T2, then gives up
 *     lf_flights_find(branch of an answer)  ->  lf_flight_free()
 */
#ifndef LF_SIP_FLIGHT_H
#define LF_SIP_FLIGHT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"

#define LF_FLIGHT_T1_MS 500
#define LF_FLIGHT_T2_MS 4000
#define LF_FLIGHT_SLOTS 128 /* of the wheel; T2 must fit */
#define LF_FLIGHT_TICK_MS 50
#define LF_FLIGHT_BRANCH_SIZE 32 /* z9hG4bK, index, token, NUL */

struct lf_flight {
	struct lf_list node; /* in a slot of the wheel */
	void *owner;         /* who is told; NULL: nobody */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	uint64_t token; /* in the branch: an answer must know it */
	int64_t due_ms, end_ms;
	uint32_t index, interval_ms;
	uint32_t batch_i; /* the sender's: 1 + place in its batch, 0: none */
	uint32_t len;
	char bytes[]; /* the whole datagram */
};

struct lf_flights {
	struct lf_flight **table; /* by index; NULL: free */
	uint32_t cap, free_count, *free_list;
	size_t count;
	uint64_t key[2], serial; /* of tokens */
	int64_t now_slot;
	struct lf_list slots[LF_FLIGHT_SLOTS];
};

void lf_flights_init(struct lf_flights *fs, int64_t now_ms);
void lf_flights_done(struct lf_flights *fs); /* frees all, tells nobody */

/* With room for `size` bytes; registered, but not yet launched. */
struct lf_flight *lf_flight_new(struct lf_flights *fs, size_t size);
void lf_flight_branch(const struct lf_flight *flight,
		      char out[LF_FLIGHT_BRANCH_SIZE]);
/* It was just sent; it ends unanswered after `life_ms`. */
void lf_flight_launch(struct lf_flights *fs, struct lf_flight *flight,
		      int64_t now_ms, int64_t life_ms);
void lf_flight_free(struct lf_flights *fs, struct lf_flight *flight);
/* 17.1.2.2: after a 1xx it is repeated every T2 only. */
void lf_flight_proceeding(struct lf_flight *flight);

struct lf_flight_answer {
	int status;
	uint32_t index;
	uint64_t token;
};

/* The status and our branch in the topmost Via. -EPROTO: no such answer. */
int lf_flight_parse(struct lf_flight_answer *ret, const char *data, size_t len);
/* NULL: nothing (any more) waits for this answer. */
struct lf_flight *lf_flights_find(const struct lf_flights *fs,
				  const struct lf_flight_answer *answer);

/* Either again: `flight` is to be sent; or lost: it is to be freed. */
typedef void lf_flight_due_fn(struct lf_flight *flight, bool is_lost,
			      void *arg);
void lf_flights_tick(struct lf_flights *fs, int64_t now_ms,
		     lf_flight_due_fn *fn, void *arg);

#endif
