/*
 * chat/agent.c - agents: login, ready or not, lost and found, logout
 * (protocol, 4.3).
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

static const struct {
	const char *name;
	unsigned bit;
} features[] = {
	{"offers", LF_CHAT_OFFERS},
	{"state", LF_CHAT_STATES},
	{"rooms", LF_CHAT_ROOMS},
	{"details", LF_CHAT_DETAILS},
};

#define N_FEATURES (sizeof(features) / sizeof(*features))
#define REFUSALS_MAX 3

struct lf_chat_agent *lf_chat_agent_find(const struct lf_chat_engine *e,
					 const char *id)
{
	return lf_map_find(&e->agent_by_id, id);
}

const struct lf_chat_agent_def *lf_chat_agent_def(const struct lf_chat_agent *a)
{
	return lf_chat_config_agent(a->engine->config, a->id);
}

int lf_chat_agent_new(struct lf_chat_agent **ret, struct lf_chat_engine *e,
		      const char *id)
{
	struct lf_chat_agent *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->engine = e;
	a->id = strdup(id);
	lf_list_init(&a->node);
	lf_list_init(&a->members);
	lf_list_init(&a->offers);
	lf_list_init(&a->dirty);
	lf_timer_init(&a->lost, lf_chat_on_agent_lost_too_long, a);
	if (!a->id || lf_map_add(&e->agent_by_id, a->id, a)) {
		free(a->id);
		free(a);
		return -ENOMEM;
	}
	a->idle_since = ++e->turns;
	lf_list_add_tail(&e->agents, &a->node);
	e->n_agents++;
	lf_chat_agent_moved(a);
	*ret = a;
	return 0;
}

/* Its rooms and offers are gone already, or all of it goes. */
void lf_chat_agent_free(struct lf_chat_agent *a)
{
	struct lf_chat_engine *e = a->engine;

	while (!lf_list_is_empty(&a->members))
		lf_chat_member_free(LF_CONTAINER_OF(
			a->members.next, struct lf_chat_member, in_agent));
	lf_chat_return_offers(a, NULL);
	lf_chat_stop(e, &a->lost);
	if (a->peer)
		a->peer->agent = NULL;
	lf_list_del(&a->node);
	lf_list_del(&a->dirty);
	lf_map_del(&e->agent_by_id, a->id);
	e->n_agents--;
	lf_chat_agent_moved(a);
	free(a->id);
	free(a);
}

/* ---- ready ---- */

static void tell_state(struct lf_chat_agent *a, const char *cause)
{
	struct lf_buf *b;

	if (!(a->features & LF_CHAT_STATES))
		return;
	b = lf_chat_begin(a->engine, "notification", "ext.agentState");
	lf_chat_add_text(b, "agentId", a->id);
	lf_chat_add_text(b, "readyState", a->is_ready ? "ready" : "notReady");
	lf_chat_add_text(b, "cause", cause);
	lf_chat_end_to(a->engine, a->peer);
}

void lf_chat_agent_ready(struct lf_chat_agent *a, bool is_ready,
			 const char *cause)
{
	bool is_answer = !strcmp(cause, "request");

	if (is_ready)
		a->wants_break = false;
	else if (is_answer)
		a->wants_break = !lf_list_is_empty(&a->members);
	if (a->is_ready == is_ready && !is_answer)
		return;
	a->is_ready = is_ready;
	if (is_ready)
		a->idle_since = ++a->engine->turns;
	lf_chat_agent_moved(a);
	tell_state(a, cause);
}

static void set_ready(struct lf_chat_agent *a, bool is_ready, const char *cause)
{
	if (!is_ready)
		lf_chat_return_offers(a, "agentNotReady");
	lf_chat_agent_ready(a, is_ready, cause);
	lf_chat_route(a->engine);
}

enum lf_chat_error lf_chat_on_ready(struct lf_chat_peer *peer,
				    struct lf_chat_contact *c, json_t *body)
{
	set_ready(peer->agent, json_is_true(json_object_get(body, "ready")),
		  "request");
	return LF_CHAT_OK;
}

int lf_chat_agent_set_ready(struct lf_chat_engine *e, const char *id,
			    bool is_ready)
{
	struct lf_chat_agent *a = lf_chat_agent_find(e, id);

	if (!a || !a->peer)
		return -ENOENT;
	set_ready(a, is_ready, "admin");
	return 0;
}

void lf_chat_agent_busy(struct lf_chat_engine *e, const char *id, bool is_busy)
{
	struct lf_chat_agent *a = lf_chat_agent_find(e, id);

	if (!a || a->is_busy == is_busy)
		return;
	a->is_busy = is_busy;
	lf_chat_agent_moved(a);
	if (!is_busy)
		lf_chat_route(e);
}

/* ---- login ---- */

static unsigned wanted(const json_t *body)
{
	const json_t *list =
		json_object_get(json_object_get(body, "ext"), "features");
	const json_t *word;
	unsigned bits = 0;
	size_t i, n;

	json_array_foreach (list, i, word)
		for (n = 0; n < N_FEATURES; n++)
			if (!strcmp(features[n].name, json_string_value(word)))
				bits |= features[n].bit;
	return bits;
}

static void tell_login(struct lf_chat_peer *peer, const struct lf_chat_agent *a)
{
	struct lf_buf *b =
		lf_chat_begin(peer->engine, "notification", "agentLogin");
	size_t i;

	lf_chat_add_bool(b, "loginSuccess", a != NULL);
	if (a && a->features) {
		lf_chat_add_open(b, "ext", '{');
		lf_chat_add_open(b, "features", '[');
		for (i = 0; i < N_FEATURES; i++)
			if (a->features & features[i].bit)
				lf_chat_add_text(b, NULL, features[i].name);
		lf_buf_addc(b, ']');
		lf_chat_add_text(b, "readyState",
				 a->is_ready ? "ready" : "notReady");
		lf_buf_addc(b, '}');
	}
	lf_chat_end_to(peer->engine, peer);
}

enum lf_chat_error lf_chat_on_login(struct lf_chat_peer *peer,
				    struct lf_chat_contact *c, json_t *body)
{
	if (peer->agent || peer->is_checking)
		return LF_CHAT_STATE;
	peer->is_checking = true;
	peer->engine->ops->check_login(
		peer->engine->arg, peer->id,
		json_string_value(json_object_get(body, "agentId")),
		json_string_value(json_object_get(body, "password")), body);
	return LF_CHAT_OK;
}

static void refuse_login(struct lf_chat_peer *peer)
{
	tell_login(peer, NULL);
	if (++peer->refusals >= REFUSALS_MAX)
		lf_chat_close_peer(peer->engine, peer, 1008);
}

/* Somebody with this name is here already, on a socket or lost. */
static void take_over(struct lf_chat_agent *a, bool keeps_rooms)
{
	struct lf_chat_engine *e = a->engine;
	struct lf_chat_peer *old = a->peer;

	lf_chat_return_offers(a, "cancelled");
	if (!keeps_rooms)
		lf_chat_agent_release(a, "logged in elsewhere");
	if (old) {
		a->peer = NULL;
		old->agent = NULL;
		lf_chat_close_peer(e, old, 4000);
	}
}

static void enter(struct lf_chat_agent *a, struct lf_chat_peer *peer,
		  const json_t *body)
{
	struct lf_chat_engine *e = a->engine;
	bool reconnects = json_is_true(json_object_get(body, "reconnect"));

	a->peer = peer;
	peer->agent = a;
	peer->refusals = 0;
	a->features = wanted(body);
	a->is_ready = false;
	a->wants_break = false;
	lf_chat_stop(e, &a->lost);
	lf_chat_stop(e, &peer->timeout);
	lf_chat_agent_dirty(a);
	lf_chat_agent_moved(a);
	tell_login(peer, a);
	LF_LIST_FOREACH (node, &a->members)
		lf_chat_room_update(
			LF_CONTAINER_OF(node, struct lf_chat_member, in_agent)
				->contact,
			"connectionRestored", a->id);
	/* Chart 11.15: after a switchover agents go ready by themselves. */
	if (a->is_restored && reconnects)
		tell_state(a, "switchover");
	else if (lf_chat_agent_def(a)->is_ready_on_login)
		lf_chat_agent_ready(a, true, "login");
	a->is_restored = false;
	lf_chat_route(e);
}

void lf_chat_login_checked(struct lf_chat_engine *e, struct lf_chat_peer *peer,
			   bool is_good, const json_t *body)
{
	const char *id = json_string_value(json_object_get(body, "agentId"));
	const struct lf_chat_agent_def *def =
		lf_chat_config_agent(e->config, id);
	struct lf_chat_agent *a = lf_chat_agent_find(e, id);

	peer->is_checking = false;
	if (peer->is_closing || peer->agent)
		return;
	if (!is_good || !def || !def->is_enabled) {
		refuse_login(peer);
		return;
	}
	if (a)
		take_over(a, json_is_true(json_object_get(body, "reconnect")));
	else if (lf_chat_agent_new(&a, e, id)) {
		lf_chat_refuse(e, peer, "agentLogin", LF_CHAT_INTERNAL);
		return;
	}
	enter(a, peer, body);
}

enum lf_chat_error lf_chat_on_agent_ping(struct lf_chat_peer *peer,
					 struct lf_chat_contact *c,
					 json_t *body)
{
	return lf_chat_on_ping(peer, body);
}

/* ---- logout ---- */

static bool owes_reason(const struct lf_chat_agent *a)
{
	if (!a->engine->config->reason_required)
		return false;
	LF_LIST_FOREACH (node, &a->engine->contacts) {
		const struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);

		if (c->state == LF_CHAT_WRAPUP && c->owner_id &&
		    !strcmp(c->owner_id, a->id))
			return true;
	}
	return false;
}

/* Where no reason is required, going home ends the wrap-up. */
static void end_wrap_ups(struct lf_chat_agent *a)
{
	if (a->engine->config->reason_required)
		return;
	LF_LIST_FOREACH_SAFE (node, &a->engine->contacts) {
		struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);

		if (c->state == LF_CHAT_WRAPUP && c->owner_id &&
		    !strcmp(c->owner_id, a->id))
			lf_chat_contact_complete(c);
	}
}

static void log_out(struct lf_chat_agent *a)
{
	struct lf_chat_engine *e = a->engine;
	struct lf_chat_effect *drop;

	end_wrap_ups(a);
	drop = lf_chat_effect(e, LF_CHAT_DROP_AGENT, 0);
	if (drop) {
		drop->id = strdup(a->id);
		if (!drop->id)
			e->is_out_of_memory = true;
	}
	lf_chat_agent_free(a);
}

enum lf_chat_error lf_chat_on_logout(struct lf_chat_peer *peer,
				     struct lf_chat_contact *c, json_t *body)
{
	struct lf_chat_agent *a = peer->agent;

	if (lf_chat_agent_load(a) || owes_reason(a))
		return LF_CHAT_STATE;
	lf_chat_agent_release(a, NULL);
	lf_chat_close_peer(peer->engine, peer, 1000);
	log_out(a);
	return LF_CHAT_OK;
}

/* ---- lost ---- */

void lf_chat_agent_lose(struct lf_chat_agent *a)
{
	struct lf_chat_engine *e = a->engine;

	a->peer = NULL;
	a->is_ready = false;
	lf_chat_agent_moved(a);
	lf_chat_return_offers(a, "cancelled");
	LF_LIST_FOREACH (node, &a->members)
		lf_chat_room_update(
			LF_CONTAINER_OF(node, struct lf_chat_member, in_agent)
				->contact,
			"connectionLost", a->id);
	lf_chat_start(e, &a->lost,
		      (int64_t)e->config->agent_reconnect_s * 1000);
	lf_chat_route(e);
}

/* An owner that nobody inherits from: the chat waits again, first in line. */
static void orphan(struct lf_chat_member *m, const char *scenario)
{
	struct lf_chat_contact *c = m->contact;
	struct lf_chat_agent *a = m->agent;
	char *skillset = strdup(c->skillset);

	lf_chat_withdraw(c, "cancelled");
	if (scenario)
		lf_chat_tell_exit(c, a, scenario);
	lf_chat_member_free(m);
	lf_chat_room_empty(c, "consult cancelled");
	lf_chat_tell_leave(c, a->id, false);
	if (skillset)
		lf_chat_room_back_to_queue(c, skillset, true);
	else
		a->engine->is_out_of_memory = true;
	free(skillset);
}

void lf_chat_agent_release(struct lf_chat_agent *a, const char *scenario)
{
	while (!lf_list_is_empty(&a->members)) {
		struct lf_chat_member *m = LF_CONTAINER_OF(
			a->members.next, struct lf_chat_member, in_agent);
		struct lf_chat_member *heir = NULL;

		if (m->mode != LF_CHAT_OWNER) {
			lf_chat_room_remove(m, scenario, "left");
			continue;
		}
		heir = lf_chat_room_heir(m->contact);
		if (heir)
			lf_chat_room_inherit(m, heir);
		else
			orphan(m, scenario);
	}
}

void lf_chat_on_agent_lost_too_long(struct lf_timer *timer, void *arg)
{
	struct lf_chat_agent *a = arg;
	struct lf_chat_engine *e = a->engine;

	lf_chat_wake(e);
	lf_chat_agent_release(a, "released");
	log_out(a);
	lf_chat_route(e);
}
