/*
 * chat/supervise.c - what supervisors and owners look up: agentData with its
 * thresholds, the destinations of a transfer.
 */
#include "chat/engine_internal.h"

#include <string.h>

#include "core/banned.h"

static const char *const intrinsics[] = {
	"conversationLength_inSeconds",
	"lastMessageOut_inSeconds",
	"lastMessageIn_inSeconds",
	"numberOfAgentMessages",
	"numberOfUnansweredCustomerMessages",
};

static int64_t seconds_since(const struct lf_chat_engine *e, int64_t wall_ms)
{
	return wall_ms && e->wall_ms > wall_ms ? (e->wall_ms - wall_ms) / 1000
					       : 0;
}

static void add_conversation(struct lf_buf *b, const struct lf_chat_member *m)
{
	const struct lf_chat_contact *c = m->contact;
	const struct lf_chat_engine *e = c->engine;
	int64_t out_ms = c->last_out_ms ? c->last_out_ms : m->joined_ms;
	int64_t in_ms = c->last_in_ms ? c->last_in_ms : m->joined_ms;

	lf_chat_add_open(b, NULL, '{');
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_int(b, intrinsics[0], seconds_since(e, c->begun_ms));
	lf_chat_add_int(b, intrinsics[1], seconds_since(e, out_ms));
	lf_chat_add_int(b, intrinsics[2], seconds_since(e, in_ms));
	lf_chat_add_int(b, intrinsics[3], c->agent_posts);
	lf_chat_add_int(b, intrinsics[4], c->unanswered);
	lf_buf_addc(b, '}');
}

static void add_agent(struct lf_buf *b, const struct lf_chat_agent *a,
		      bool with_state)
{
	char name[LF_CHAT_SHOWN_SIZE];

	lf_chat_agent_name(a->engine, a->id, name, sizeof(name));
	lf_chat_add_open(b, NULL, '{');
	lf_chat_add_text(b, "agentId", a->id);
	lf_chat_add_text(b, "displayName", name);
	lf_chat_add_open(b, "conversations", '[');
	LF_LIST_FOREACH (node, &a->members) {
		const struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_agent);

		if (m->mode == LF_CHAT_OWNER)
			add_conversation(b, m);
	}
	lf_buf_addc(b, ']');
	if (with_state) {
		lf_chat_add_open(b, "ext", '{');
		lf_chat_add_text(b, "readyState",
				 a->is_ready ? "ready" : "notReady");
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, '}');
}

static bool is_supervisor(const struct lf_chat_config *config, const char *id)
{
	size_t i;

	for (i = 0; i < config->n_agents; i++)
		if (!strcmp(config->agents[i].supervisor, id))
			return true;
	return false;
}

enum lf_chat_error lf_chat_on_agent_data(struct lf_chat_peer *peer,
					 struct lf_chat_contact *c,
					 json_t *body)
{
	struct lf_chat_engine *e = peer->engine;
	const char *me = peer->agent->id;
	struct lf_buf *b;
	size_t i;

	if (!is_supervisor(e->config, me))
		return LF_CHAT_DENIED;
	b = lf_chat_begin(e, "notification", "agentData");
	lf_chat_add_open(b, "thresholds", '{');
	for (i = 0; i < sizeof(intrinsics) / sizeof(*intrinsics); i++) {
		lf_chat_add_open(b, intrinsics[i], '{');
		lf_chat_add_int(b, "threshold",
				e->config->thresholds[i].threshold);
		lf_chat_add_int(b, "priority",
				e->config->thresholds[i].priority);
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, '}');
	lf_chat_add_open(b, "agents", '[');
	LF_LIST_FOREACH (node, &e->agents) {
		const struct lf_chat_agent *a =
			LF_CONTAINER_OF(node, struct lf_chat_agent, node);
		const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

		if (def && !strcmp(def->supervisor, me))
			add_agent(b, a, peer->agent->features & LF_CHAT_STATES);
	}
	lf_buf_addc(b, ']');
	lf_chat_end_to(e, peer);
	return LF_CHAT_OK;
}

/* ---- destinations ---- */

static void add_agents_of(struct lf_buf *b, const struct lf_chat_engine *e,
			  const char *skillset)
{
	char name[LF_CHAT_SHOWN_SIZE];

	lf_chat_add_open(b, "agents", '[');
	LF_LIST_FOREACH (node, &e->agents) {
		const struct lf_chat_agent *a =
			LF_CONTAINER_OF(node, struct lf_chat_agent, node);
		const struct lf_chat_agent_def *def = lf_chat_agent_def(a);

		if (!def || !lf_chat_list_has(def->skillsets, skillset))
			continue;
		lf_chat_agent_name(e, a->id, name, sizeof(name));
		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, "agentId", a->id);
		lf_chat_add_text(b, "displayName", name);
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, ']');
}

enum lf_chat_error lf_chat_on_destinations(struct lf_chat_peer *peer,
					   struct lf_chat_contact *c,
					   json_t *body)
{
	struct lf_chat_engine *e = peer->engine;
	const struct lf_chat_member *m = lf_chat_member_find(c, peer->agent);
	const struct lf_chat_agent_def *def = lf_chat_agent_def(peer->agent);
	struct lf_buf *b;
	size_t i;

	if (!m)
		return LF_CHAT_UNKNOWN;
	if (m->mode != LF_CHAT_OWNER)
		return LF_CHAT_DENIED;
	b = lf_chat_begin(e, "notification", "getDestinations");
	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_bool(b, "allowTransferToSkillset",
			 e->config->transfer_to_skillset && def &&
				 def->may_transfer_to_skillset);
	lf_chat_add_bool(b, "allowTransferToAgent",
			 e->config->transfer_to_agent);
	lf_chat_add_open(b, "destinations", '[');
	for (i = 0; i < e->config->n_skillsets; i++) {
		const struct lf_chat_skillset *s = &e->config->skillsets[i];

		if (!lf_chat_skillset_is_open(s))
			continue;
		lf_chat_add_open(b, NULL, '{');
		lf_chat_add_text(b, "queueName", s->name);
		lf_chat_add_int(b, "queueId", s->queue_id);
		lf_chat_add_int(b, "queueCCMSId", s->ccms_id);
		lf_chat_add_text(b, "routepoint", s->route_point);
		add_agents_of(b, e, s->name);
		lf_buf_addc(b, '}');
	}
	lf_buf_addc(b, ']');
	lf_chat_end_to(e, peer);
	return LF_CHAT_OK;
}
