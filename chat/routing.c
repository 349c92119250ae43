/*
 * chat/routing.c - which contact is offered to which agent, and how an offer
 * or an invitation ends (S136, S197).
 *
 * The queue with the highest priority first, in it the oldest place; of the
 * ready agents the one its strategy names. A contact has one offer at a time.
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

unsigned lf_chat_agent_load(const struct lf_chat_agent *a)
{
	unsigned n = 0;

	LF_LIST_FOREACH (node, &a->members)
		n += LF_CONTAINER_OF(node, struct lf_chat_member, in_agent)
			     ->mode != LF_CHAT_OBSERVE;
	LF_LIST_FOREACH (node, &a->offers)
		n++;
	return n;
}

/* Logged in, ready, and with fewer contacts than it may have. */
bool lf_chat_agent_has_room(const struct lf_chat_agent *a)
{
	const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

	if (!def || !def->is_enabled || !a->peer || !a->is_ready)
		return false;
	if (a->is_busy && a->engine->config->busy_phone_is_not_ready)
		return false;
	return lf_chat_agent_load(a) < def->max_contacts;
}

static enum lf_chat_offer_mode mode_of(const struct lf_chat_agent *a)
{
	const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

	if (a->features & LF_CHAT_OFFERS)
		return LF_CHAT_OFFER_EXT;
	if (!def || def->offer_mode == LF_CHAT_OFFER_EXT)
		return LF_CHAT_OFFER_EXTERNAL;
	return def->offer_mode;
}

static bool serves(const struct lf_chat_agent *a, const char *skillset)
{
	const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

	return def && lf_chat_list_has(def->skillsets, skillset);
}

size_t lf_chat_agents_for(const struct lf_chat_engine *e, const char *skillset)
{
	size_t n = 0;

	LF_LIST_FOREACH (node, &e->agents)
		n += serves(LF_CONTAINER_OF(node, struct lf_chat_agent, node),
			    skillset);
	return n;
}

/* ---- who gets what ---- */

static bool is_better(const struct lf_chat_agent *a,
		      const struct lf_chat_agent *than,
		      enum lf_chat_strategy strategy)
{
	unsigned load = lf_chat_agent_load(a);
	unsigned other = lf_chat_agent_load(than);

	if (strategy == LF_CHAT_LONGEST_IDLE) {
		load = load > 0;
		other = other > 0;
	}
	if (load != other)
		return load < other;
	return a->idle_since < than->idle_since;
}

static struct lf_chat_agent *choose(struct lf_chat_engine *e,
				    const struct lf_chat_skillset *s)
{
	struct lf_chat_agent *best = NULL;

	LF_LIST_FOREACH (node, &e->agents) {
		struct lf_chat_agent *a =
			LF_CONTAINER_OF(node, struct lf_chat_agent, node);

		if (lf_chat_agent_has_room(a) && serves(a, s->name) &&
		    mode_of(a) != LF_CHAT_OFFER_EXTERNAL &&
		    (!best || is_better(a, best, s->strategy)))
			best = a;
	}
	return best;
}

static struct lf_chat_contact *oldest(struct lf_chat_queue *q)
{
	LF_LIST_FOREACH (node, &q->contacts) {
		struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, in_queue);

		if (!c->offer && c->peer)
			return c;
	}
	return NULL;
}

static bool comes_first(const struct lf_chat_contact *a,
			const struct lf_chat_contact *b)
{
	const struct lf_chat_config *config = a->engine->config;
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(config, a->skillset);
	const struct lf_chat_skillset *t =
		lf_chat_config_skillset(config, b->skillset);

	if (s && t && s->priority != t->priority)
		return s->priority < t->priority;
	return a->place < b->place;
}

static bool route_one(struct lf_chat_engine *e)
{
	struct lf_chat_contact *best = NULL, *c;
	struct lf_chat_agent *to = NULL, *a;
	const struct lf_chat_skillset *s;
	struct lf_chat_queue *q;

	LF_MAP_FOREACH (q, &e->queue_by_skillset) {
		s = lf_chat_config_skillset(e->config, q->skillset);
		c = s ? oldest(q) : NULL;
		if (!c || (best && !comes_first(c, best)))
			continue;
		a = choose(e, s);
		if (!a)
			continue;
		best = c;
		to = a;
	}
	return best && !lf_chat_offer(best, to, LF_CHAT_OFFER_QUEUE, NULL);
}

static bool anybody_has_room(const struct lf_chat_engine *e)
{
	LF_LIST_FOREACH (node, &e->agents)
		if (lf_chat_agent_has_room(
			    LF_CONTAINER_OF(node, struct lf_chat_agent, node)))
			return true;
	return false;
}

void lf_chat_route(struct lf_chat_engine *e)
{
	e->wants_routing = true;
}

void lf_chat_settle(struct lf_chat_engine *e)
{
	while (e->wants_routing && !e->is_store_down) {
		e->wants_routing = false;
		while (anybody_has_room(e) && route_one(e))
			;
	}
}

/* ---- an offer ---- */

static int64_t expires_s(const struct lf_chat_contact *c)
{
	const struct lf_chat_config *config = c->engine->config;

	if (c->offer == LF_CHAT_OFFER_CONSULT ||
	    c->offer == LF_CHAT_OFFER_CONFERENCE)
		return config->consult_timeout_s;
	return config->offer_timeout_s;
}

static void tell_offer(struct lf_chat_contact *c)
{
	static const char *const types[] = {"", "queue", "transferAgent",
					    "consult", "conference"};
	const struct lf_chat_skillset *s =
		lf_chat_config_skillset(c->engine->config, c->skillset);
	struct lf_buf *b;

	if (!(c->offered_to->features & LF_CHAT_OFFERS))
		return;
	b = lf_chat_begin(c->engine, "notification", "ext.contactOffered");
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_text(b, "offerType", types[c->offer]);
	lf_chat_add_text(b, "joinType",
			 c->offer >= LF_CHAT_OFFER_CONSULT ? "consult"
							   : "active");
	lf_chat_add_text(b, "skillset", c->skillset);
	lf_chat_add_int(b, "queueId", s ? s->queue_id : 1);
	lf_chat_add_text(b, "fromAgentId", c->offered_by);
	lf_chat_add_text(b, "transferReason", c->reason);
	lf_chat_add_intrinsics(b, c);
	lf_chat_add_text(b, "deviceType", c->device);
	lf_chat_add_int(b, "expires_inSeconds", expires_s(c));
	lf_chat_end_to(c->engine, c->offered_to->peer);
}

int lf_chat_offer(struct lf_chat_contact *c, struct lf_chat_agent *a,
		  enum lf_chat_offer_kind kind, const char *by)
{
	if (lf_chat_set_text(&c->offered_by, by))
		return -ENOMEM;
	c->offer = kind;
	c->offered_to = a;
	a->idle_since = ++c->engine->turns;
	lf_list_add_tail(&a->offers, &c->in_offers);
	lf_chat_agent_moved(a);
	if (expires_s(c))
		lf_chat_start(c->engine, &c->offer_timer, expires_s(c) * 1000);
	if (mode_of(a) == LF_CHAT_OFFER_AUTOJOIN)
		return lf_chat_join(c, a);
	tell_offer(c);
	return 0;
}

static void tell_owner(struct lf_chat_contact *c)
{
	const struct lf_chat_member *owner = lf_chat_room_owner(c);
	struct lf_buf *b;

	if (!owner)
		return;
	b = lf_chat_begin(c->engine, "notification", "operationRequest");
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_bool(b, "success", false);
	lf_chat_end_to(c->engine, owner->agent->peer);
}

void lf_chat_withdraw(struct lf_chat_contact *c, const char *cause)
{
	enum lf_chat_offer_kind kind = c->offer;
	struct lf_chat_agent *a = c->offered_to;
	struct lf_buf *b;

	if (!kind)
		return;
	c->offer = LF_CHAT_OFFER_NONE;
	c->offered_to = NULL;
	lf_list_del(&c->in_offers);
	lf_chat_agent_moved(a);
	lf_chat_stop(c->engine, &c->offer_timer);
	lf_chat_route(c->engine);
	if (!cause)
		return;
	if (a->features & LF_CHAT_OFFERS) {
		b = lf_chat_begin(c->engine, "notification",
				  "ext.contactWithdrawn");
		lf_chat_add_int(b, "guid", c->guid);
		lf_chat_add_text(b, "cause", cause);
		lf_chat_end_to(c->engine, a->peer);
	}
	if (kind >= LF_CHAT_OFFER_CONSULT && strcmp(cause, "cancelled") &&
	    strcmp(cause, "customerLeft"))
		tell_owner(c);
}

void lf_chat_return_offers(struct lf_chat_agent *a, const char *cause)
{
	while (!lf_list_is_empty(&a->offers))
		lf_chat_withdraw(LF_CONTAINER_OF(a->offers.next,
						 struct lf_chat_contact,
						 in_offers),
				 cause);
}

/* Nobody answered: as if declined, and so for all of them (S197). */
void lf_chat_on_offer_timeout(struct lf_timer *timer, void *arg)
{
	struct lf_chat_contact *c = arg;
	struct lf_chat_engine *e = c->engine;
	struct lf_chat_agent *a = c->offered_to;

	lf_chat_wake(e);
	if (c->offer >= LF_CHAT_OFFER_CONSULT) {
		lf_chat_withdraw(c, "timeout");
		return;
	}
	lf_chat_return_offers(a, "timeout");
	lf_chat_agent_ready(a, false, "offerTimeout");
	lf_chat_route(e);
}

enum lf_chat_error lf_chat_on_decline(struct lf_chat_peer *peer,
				      struct lf_chat_contact *c, json_t *body)
{
	struct lf_chat_agent *a = peer->agent;

	if (c->offered_to != a)
		return LF_CHAT_UNKNOWN;
	lf_chat_return_offers(a, "declined");
	lf_chat_agent_ready(a, false, "declined");
	lf_chat_route(peer->engine);
	return LF_CHAT_OK;
}
