/* sim/day.c - a working day as a random walk over the phone's states. */
#include "sim/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/timer.h"
#include "sim/pbx.h"

#include "core/banned.h"

/*
 * From a state, each row leads to another with a weight of 100, and stays
 * there for about so many seconds.
 */
static const struct move {
	enum phone_state from, to;
	unsigned weight, stay_s;
	bool is_dnd;
} moves[] = {
	{PHONE_IDLE, PHONE_RINGING, 62, 8, false},
	{PHONE_IDLE, PHONE_BUSY, 20, 120, false}, /* dials out */
	{PHONE_IDLE, PHONE_IDLE, 12, 400, true},  /* do not disturb */
	{PHONE_IDLE, PHONE_OFFLINE, 6, 300, false},
	{PHONE_RINGING, PHONE_BUSY, 75, 150, false},
	{PHONE_RINGING, PHONE_IDLE, 25, 200, false}, /* missed */
	{PHONE_BUSY, PHONE_IDLE, 80, 200, false},
	{PHONE_BUSY, PHONE_HELD, 20, 30, false},
	{PHONE_HELD, PHONE_BUSY, 100, 60, false},
	{PHONE_OFFLINE, PHONE_IDLE, 100, 200, false},
};

/* One phone's owner. */
struct actor {
	struct day *day;
	struct phone *phone;
	struct lf_timer next;
};

struct day {
	struct pbx *pbx;
	struct lf_timers *timers;
	unsigned speed, seed;
	size_t n;
	struct actor actors[];
};

static unsigned draw(struct day *day, unsigned below)
{
	return (unsigned)rand_r(&day->seed) % below;
}

static const struct move *draw_move(struct day *day, enum phone_state from)
{
	unsigned left = draw(day, 100);

	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		if (moves[i].from != from)
			continue;
		if (left < moves[i].weight)
			return &moves[i];
		left -= moves[i].weight;
	}
	return &moves[0];
}

static void wait_about(struct actor *actor, unsigned about_s)
{
	struct day *day = actor->day;
	int64_t ms = about_s * 500 + draw(day, about_s * 1000);

	lf_timer_start(day->timers, &actor->next, ms / day->speed);
}

static void on_next(struct lf_timer *timer, void *arg)
{
	struct actor *actor = arg;
	struct phone *phone = actor->phone;
	const struct move *move = draw_move(actor->day, phone->state);

	phone->state = move->to;
	phone->is_dnd = move->is_dnd;
	if (move->to == PHONE_IDLE || move->to == PHONE_OFFLINE) {
		phone->peer[0] = '\0';
	} else if (!*phone->peer) {
		phone->calls++;
		snprintf(phone->peer, sizeof(phone->peer), "0%u",
			 30000000 + draw(actor->day, 9999999));
	}
	pbx_moved(actor->day->pbx, phone);
	wait_about(actor, move->stay_s);
}

struct day *day_new(struct pbx *pbx, struct lf_timers *timers, unsigned speed,
		    unsigned seed)
{
	size_t n = 0;
	struct day *day;

	while (pbx_phone_at(pbx, n))
		n++;
	day = calloc(1, sizeof(*day) + n * sizeof(day->actors[0]));
	if (!day)
		return NULL;
	day->pbx = pbx;
	day->timers = timers;
	day->speed = speed ? speed : 1;
	day->seed = seed;
	day->n = n;
	for (size_t i = 0; i < n; i++) {
		day->actors[i].day = day;
		day->actors[i].phone = pbx_phone_at(pbx, i);
		lf_timer_init(&day->actors[i].next, on_next, &day->actors[i]);
		wait_about(&day->actors[i], 60);
	}
	return day;
}

void day_free(struct day *day)
{
	if (!day)
		return;
	for (size_t i = 0; i < day->n; i++)
		lf_timer_stop(day->timers, &day->actors[i].next);
	free(day);
}
