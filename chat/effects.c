/*
 * chat/effects.c - what the engine wants done, in the order of its wishes;
 * and its beginning and end.
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#include "core/banned.h"

struct lf_chat_text *lf_chat_text_unref(struct lf_chat_text *text)
{
	if (text && --text->refs == 0)
		free(text);
	return NULL;
}

void lf_chat_effect_free(struct lf_chat_effect *effect)
{
	if (!effect)
		return;
	lf_list_del(&effect->node);
	lf_chat_text_unref(effect->text);
	free(effect->id);
	free(effect->note);
	free(effect->rows);
	free(effect);
}

/* NULL: no memory; the owner of the engine lets everybody reconnect then. */
struct lf_chat_effect *lf_chat_effect(struct lf_chat_engine *e,
				      enum lf_chat_effect_kind kind,
				      int64_t guid)
{
	struct lf_chat_effect *effect = calloc(1, sizeof(*effect));

	if (!effect) {
		e->is_out_of_memory = true;
		return NULL;
	}
	effect->kind = kind;
	effect->guid = guid;
	lf_list_add_tail(&e->effects, &effect->node);
	return effect;
}

void lf_chat_send(struct lf_chat_engine *e, struct lf_chat_peer *peer,
		  struct lf_chat_text *text, int64_t guid, int64_t seq)
{
	struct lf_chat_effect *effect;

	if (!peer || !text || peer->is_closing)
		return;
	effect = lf_chat_effect(e, LF_CHAT_SEND, guid);
	if (!effect)
		return;
	effect->peer = peer->id;
	effect->seq = seq;
	effect->text = text;
	text->refs++;
}

void lf_chat_close_peer(struct lf_chat_engine *e, struct lf_chat_peer *peer,
			int code)
{
	struct lf_chat_effect *effect;

	if (!peer || peer->is_closing)
		return;
	effect = lf_chat_effect(e, LF_CHAT_CLOSE, 0);
	if (!effect)
		return;
	effect->peer = peer->id;
	effect->code = code;
	peer->is_closing = true;
	lf_chat_stop(e, &peer->timeout);
}

void lf_chat_start(struct lf_chat_engine *e, struct lf_timer *timer,
		   int64_t delay_ms)
{
	e->ops->timer(e->arg, timer, delay_ms);
}

void lf_chat_stop(struct lf_chat_engine *e, struct lf_timer *timer)
{
	e->ops->timer(e->arg, timer, -1);
}

void lf_chat_wake(struct lf_chat_engine *e)
{
	e->ops->wake(e->arg, &e->mono_ms, &e->wall_ms);
}

void lf_chat_contact_dirty(struct lf_chat_contact *c)
{
	if (c->is_dirty)
		return;
	c->is_dirty = true;
	lf_list_add_tail(&c->engine->dirty_contacts, &c->dirty);
}

void lf_chat_agent_dirty(struct lf_chat_agent *a)
{
	if (a->is_dirty)
		return;
	a->is_dirty = true;
	lf_list_add_tail(&a->engine->dirty_agents, &a->dirty);
}

void lf_chat_agent_moved(const struct lf_chat_agent *a)
{
	if (a->engine->ops->agent_moved)
		a->engine->ops->agent_moved(a->engine->arg, a->id);
}

/* ---- the engine ---- */

int lf_chat_engine_new(struct lf_chat_engine **ret,
		       const struct lf_chat_ops *ops, void *arg,
		       const struct lf_schemas *schemas,
		       struct lf_chat_config *config)
{
	struct lf_chat_engine *e = calloc(1, sizeof(*e));
	int err = -ENOMEM;

	if (!e)
		return err;
	e->ops = ops;
	e->arg = arg;
	e->schemas = schemas;
	lf_list_init(&e->contacts);
	lf_list_init(&e->agents);
	lf_list_init(&e->effects);
	lf_list_init(&e->dirty_contacts);
	lf_list_init(&e->dirty_agents);
	lf_list_init(&e->sent_dirty);
	err = lf_chat_gate_init(e);
	if (err) {
		lf_chat_engine_free(e);
		return err;
	}
	e->config = config;
	*ret = e;
	return 0;
}

void lf_chat_engine_free(struct lf_chat_engine *e)
{
	if (!e)
		return;
	while (!lf_list_is_empty(&e->contacts))
		lf_chat_contact_free(LF_CONTAINER_OF(
			e->contacts.next, struct lf_chat_contact, node));
	while (!lf_list_is_empty(&e->agents))
		lf_chat_agent_free(LF_CONTAINER_OF(e->agents.next,
						   struct lf_chat_agent, node));
	while (!lf_list_is_empty(&e->effects))
		lf_chat_effect_free(LF_CONTAINER_OF(
			e->effects.next, struct lf_chat_effect, node));
	lf_chat_queues_done(e);
	lf_chat_identities_done(e);
	lf_map_done(&e->contact_by_guid);
	lf_map_done(&e->agent_by_id);
	lf_chat_config_free(e->config);
	lf_buf_done(&e->text);
	free(e);
}

/* An agent who may not log in any more gets no more offers. */
static void check_agents(struct lf_chat_engine *e)
{
	LF_LIST_FOREACH_SAFE (node, &e->agents) {
		struct lf_chat_agent *a =
			LF_CONTAINER_OF(node, struct lf_chat_agent, node);
		const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

		if (!def || !def->is_enabled)
			lf_chat_agent_ready(a, false, "admin");
		lf_chat_agent_moved(a); /* it may have more chats, or fewer */
	}
}

void lf_chat_engine_configure(struct lf_chat_engine *e,
			      struct lf_chat_config *config)
{
	lf_chat_config_free(e->config);
	e->config = config;
	check_agents(e);
	lf_chat_route(e);
}

/* ---- sockets ---- */

void lf_chat_peer_open(struct lf_chat_engine *e, struct lf_chat_peer *peer,
		       uint64_t id, bool is_agent)
{
	*peer = (struct lf_chat_peer){
		.id = id, .is_agent = is_agent, .engine = e};
	lf_timer_init(&peer->timeout, lf_chat_on_peer_timeout, peer);
	lf_chat_start(e, &peer->timeout, (int64_t)e->config->unbound_s * 1000);
}

/* No session within its time, or a customer that fell silent. */
void lf_chat_on_peer_timeout(struct lf_timer *timer, void *arg)
{
	struct lf_chat_peer *peer = arg;
	struct lf_chat_engine *e = peer->engine;

	lf_chat_wake(e);
	if (peer->agent)
		return;
	if (!peer->contact) {
		lf_chat_close_peer(e, peer, 1008);
		return;
	}
	lf_chat_close_peer(e, peer, 4001);
	if (peer->contact->peer == peer)
		lf_chat_contact_lose(peer->contact);
	peer->contact = NULL;
}

void lf_chat_peer_gone(struct lf_chat_engine *e, struct lf_chat_peer *peer,
		       int code)
{
	struct lf_chat_contact *c = peer->contact;
	struct lf_chat_agent *a = peer->agent;

	lf_chat_stop(e, &peer->timeout);
	peer->contact = NULL;
	peer->agent = NULL;
	if (c && c->peer == peer) {
		c->peer = NULL;
		if (code == 1000)
			lf_chat_contact_leave(c);
		else
			lf_chat_contact_lose(c);
	}
	if (a && a->peer == peer)
		lf_chat_agent_lose(a);
	peer->is_closing = true;
}
