/*
 * core/hub.c - what the streams of one loop share: the end of the turn, a
 * coarse clock for deadlines and one read buffer.
 *
 * Chores run in a check handle, right after the poll whose callbacks queued
 * them. What is queued outside the poll (a timer, another prepare handle)
 * would sleep through it, so an idle handle makes that poll return at once.
 */
#include "core/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "core/clock.h"

#include "core/banned.h"

#define TICK_MS 250

/* The hubs of this thread's loops; usually there is one. */
static _Thread_local struct lf_list hubs;

static void on_closed(uv_handle_t *handle)
{
	struct lf_hub *hub = handle->data;

	if (--hub->open_handles == 0)
		free(hub);
}

static void run_chores(uv_check_t *check)
{
	struct lf_hub *hub = check->data;
	struct lf_list now;

	uv_check_stop(&hub->check);
	uv_idle_stop(&hub->idle);

	/* What a chore queues, even itself, belongs to the next turn. */
	lf_list_init(&now);
	lf_list_add_tail(&hub->chores, &now);
	lf_list_del(&hub->chores);
	while (!lf_list_is_empty(&now)) {
		struct lf_list *node = now.next;

		lf_list_del(node);
		LF_CONTAINER_OF(node, struct lf_chore, node)
			->fn(LF_CONTAINER_OF(node, struct lf_chore, node));
	}
}

static void keep_awake(uv_idle_t *idle)
{
}

static void on_tick(uv_timer_t *tick)
{
	lf_hub_expire(tick->data, lf_mono_ms());
}

void lf_hub_expire(struct lf_hub *hub, int64_t now_ms)
{
	struct lf_list waiting;

	lf_hub_ref(hub);
	lf_list_init(&waiting);
	lf_list_add_tail(&hub->dues, &waiting);
	lf_list_del(&hub->dues);
	while (!lf_list_is_empty(&waiting)) {
		struct lf_due *due =
			LF_CONTAINER_OF(waiting.next, struct lf_due, node);

		lf_list_del(&due->node);
		if (due->due_ms > now_ms)
			lf_list_add_tail(&hub->dues, &due->node);
		else
			due->fn(due);
	}
	if (lf_list_is_empty(&hub->dues))
		uv_timer_stop(&hub->tick);
	lf_hub_unref(hub);
}

static int hub_new(struct lf_hub **ret, uv_loop_t *loop)
{
	struct lf_hub *hub = malloc(sizeof(*hub));

	if (!hub)
		return -ENOMEM;
	hub->loop = loop;
	hub->refs = 0;
	hub->open_handles = 3;
	lf_list_init(&hub->chores);
	lf_list_init(&hub->dues);

	/* None of the three can fail. */
	uv_check_init(loop, &hub->check);
	uv_idle_init(loop, &hub->idle);
	uv_timer_init(loop, &hub->tick);
	hub->check.data = hub->idle.data = hub->tick.data = hub;
	lf_list_add_tail(&hubs, &hub->node);
	*ret = hub;
	return 0;
}

int lf_hub_get(struct lf_hub **ret, uv_loop_t *loop)
{
	struct lf_hub *hub = NULL;
	int err = 0;

	if (!hubs.next)
		lf_list_init(&hubs);
	LF_LIST_FOREACH (node, &hubs) {
		hub = LF_CONTAINER_OF(node, struct lf_hub, node);
		if (hub->loop == loop)
			break;
		hub = NULL;
	}
	if (!hub)
		err = hub_new(&hub, loop);
	if (err)
		return err;
	*ret = lf_hub_ref(hub);
	return 0;
}

struct lf_hub *lf_hub_ref(struct lf_hub *hub)
{
	hub->refs++;
	return hub;
}

struct lf_hub *lf_hub_unref(struct lf_hub *hub)
{
	if (!hub || --hub->refs > 0)
		return NULL;

	lf_list_del(&hub->node);
	uv_close((uv_handle_t *)&hub->check, on_closed);
	uv_close((uv_handle_t *)&hub->idle, on_closed);
	uv_close((uv_handle_t *)&hub->tick, on_closed);
	return NULL;
}

void lf_hub_queue(struct lf_hub *hub, struct lf_chore *chore)
{
	if (!lf_list_is_empty(&chore->node))
		return;
	lf_list_add_tail(&hub->chores, &chore->node);
	uv_check_start(&hub->check, run_chores);
	uv_idle_start(&hub->idle, keep_awake);
}

void lf_hub_start(struct lf_hub *hub, struct lf_due *due, int64_t delay_ms)
{
	lf_list_del(&due->node);
	due->due_ms = lf_mono_ms() + delay_ms;
	lf_list_add_tail(&hub->dues, &due->node);
	if (!uv_is_active((uv_handle_t *)&hub->tick))
		uv_timer_start(&hub->tick, on_tick, TICK_MS, TICK_MS);
}
