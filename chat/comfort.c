/*
 * chat/comfort.c - what the server says in the owner's name: the welcome,
 * comfort while the customer waits for an answer, and the end of chats whose
 * customer has fallen silent (protocol, 9.2 and 9.3).
 */
#include "chat/engine_internal.h"

#include <string.h>

#include "core/banned.h"

/* Nothing is said into a full room, or without an owner. */
static void say(struct lf_chat_contact *c, enum lf_chat_kind kind,
		const char *text)
{
	const struct lf_chat_member *owner = lf_chat_room_owner(c);
	struct lf_chat_post *p;

	if (!owner || c->engine->is_store_down)
		return;
	p = lf_chat_post_new(c, kind, owner->agent->id, text, NULL);
	if (p)
		lf_chat_post_add(c, p);
}

void lf_chat_welcome(struct lf_chat_contact *c)
{
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(c->engine->config, c->skillset);

	if (c->was_welcomed)
		return;
	c->was_welcomed = true;
	if (s && *s->welcome)
		say(c, LF_CHAT_WELCOME, s->welcome);
	lf_chat_contact_dirty(c);
}

/* ---- comfort ---- */

static const struct lf_chat_comfort_group *
group_of(const struct lf_chat_contact *c)
{
	const struct lf_chat_config *config = c->engine->config;
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(config, c->skillset);

	return s ? lf_chat_config_comfort(config, s->in_chat_comfort) : NULL;
}

/* When the next message is due, counted from the wait's beginning. */
static void schedule(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;
	const struct lf_chat_comfort_group *g = group_of(c);
	int64_t first_ms = (int64_t)e->config->response_to_customer_s * 1000;
	int64_t due_ms;

	lf_chat_stop(e, &c->comfort);
	if (!c->is_waiting || c->state != LF_CHAT_ACTIVE || !c->peer || !g ||
	    !first_ms || c->comfort_i >= json_array_size(g->messages))
		return;
	due_ms = c->comfort_i ? c->comfort_ms + (int64_t)g->delay_s * 1000
			      : c->waiting_ms + first_ms;
	lf_chat_start(e, &c->comfort,
		      due_ms > e->mono_ms ? due_ms - e->mono_ms : 0);
}

void lf_chat_on_comfort(struct lf_timer *timer, void *arg)
{
	struct lf_chat_contact *c = arg;
	struct lf_chat_engine *e = c->engine;
	const struct lf_chat_comfort_group *g;
	const char *text;

	lf_chat_wake(e);
	g = group_of(c);
	text = g ? json_string_value(json_array_get(g->messages, c->comfort_i))
		 : NULL;
	if (!c->is_waiting || !c->peer || c->state != LF_CHAT_ACTIVE || !text)
		return;
	c->comfort_i++;
	c->comfort_ms = e->mono_ms;
	say(c, LF_CHAT_COMFORT, text);
	schedule(c);
}

/* The oldest unanswered message counts: a second one changes nothing. */
void lf_chat_comfort_asked(struct lf_chat_contact *c)
{
	if (c->is_waiting)
		return;
	c->is_waiting = true;
	c->waiting_ms = c->engine->mono_ms;
	c->comfort_i = 0;
	schedule(c);
}

void lf_chat_comfort_answered(struct lf_chat_contact *c)
{
	c->is_waiting = false;
	lf_chat_stop(c->engine, &c->comfort);
}

void lf_chat_comfort_pause(struct lf_chat_contact *c)
{
	lf_chat_stop(c->engine, &c->comfort);
}

void lf_chat_comfort_resume(struct lf_chat_contact *c)
{
	schedule(c);
}

void lf_chat_comfort_stop(struct lf_chat_contact *c)
{
	lf_chat_stop(c->engine, &c->comfort);
}

/* ---- silence ---- */

void lf_chat_idle_restart(struct lf_chat_contact *c)
{
	const struct lf_chat_config *config = c->engine->config;

	if (config->check_idle_customer && c->state == LF_CHAT_ACTIVE &&
	    c->peer)
		lf_chat_start(c->engine, &c->idle,
			      (int64_t)config->idle_customer_s * 1000);
	else
		lf_chat_stop(c->engine, &c->idle);
}

void lf_chat_on_idle(struct lf_timer *timer, void *arg)
{
	struct lf_chat_contact *c = arg;
	struct lf_chat_engine *e = c->engine;
	const struct lf_chat_member *owner;
	struct lf_chat_peer *customer = c->peer;

	lf_chat_wake(e);
	owner = lf_chat_room_owner(c);
	if (!e->config->check_idle_customer || c->state != LF_CHAT_ACTIVE ||
	    !owner)
		return;
	lf_chat_tell_leave(c, owner->agent->id, true);
	lf_chat_close_peer(e, customer, 1000);
	lf_chat_contact_leave(c);
}
