/* tests/chat/rig.c - see rig.h. */
#include "tests/chat/rig.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

#include "core/banned.h"

/* ---- what the engine asks for ---- */

static void set_timer(void *arg, struct lf_timer *timer, int64_t delay_ms)
{
	struct rig *rig = arg;
	size_t i;

	for (i = 0; i < rig->n_timers; i++)
		if (rig->timers[i] == timer) {
			rig->timers[i] = rig->timers[--rig->n_timers];
			break;
		}
	if (delay_ms < 0)
		return;
	assert_true(rig->n_timers < 1024);
	timer->due_ms = rig->mono_ms + delay_ms;
	rig->timers[rig->n_timers++] = timer;
}

static struct socket *by_id(struct rig *rig, uint64_t id)
{
	size_t i;

	for (i = 0; i < rig->n_sockets; i++)
		if (rig->sockets[i] && rig->sockets[i]->peer.id == id)
			return rig->sockets[i];
	return NULL;
}

static void check_login(void *arg, uint64_t peer, const char *id,
			const char *password, json_t *body)
{
	struct rig *rig = arg;

	lf_chat_login_checked(rig->engine, &by_id(rig, peer)->peer,
			      rig->is_good, body);
}

static void find_history(void *arg, uint64_t peer, int64_t guid,
			 const char *identity, unsigned amount)
{
	((struct rig *)arg)->asked_peer = peer;
}

static void count_previous(void *arg, int64_t guid, const char *identity)
{
}

static void random_key(void *arg, char out[LF_CHAT_KEY_SIZE])
{
	struct rig *rig = arg;

	snprintf(out, LF_CHAT_KEY_SIZE, "key%019u", ++rig->keys);
}

static void wake(void *arg, int64_t *mono_ms, int64_t *wall_ms)
{
	struct rig *rig = arg;

	*mono_ms = rig->mono_ms;
	*wall_ms = 1700000000000 + rig->mono_ms;
}

static const struct lf_chat_ops ops = {
	.timer = set_timer,
	.check_login = check_login,
	.find_history = find_history,
	.count_previous = count_previous,
	.random_key = random_key,
	.wake = wake,
};

/* ---- configuration ---- */

static struct lf_chat_config *make_config(void)
{
	static const char *const ids[] = {"anna", "bert", "carl", "vera"};
	struct lf_chat_config *c = lf_chat_config_new();
	size_t i;

	assert_non_null(c);
	c->skillsets = calloc(3, sizeof(*c->skillsets));
	c->skillsets[0] =
		(struct lf_chat_skillset){.name = "WC_Sales", .queue_id = 13};
	c->skillsets[1] =
		(struct lf_chat_skillset){.name = "WC_Support", .queue_id = 14};
	c->n_skillsets = 2;
	for (i = 0; i < 2; i++) {
		struct lf_chat_skillset *s = &c->skillsets[i];

		s->display_name = s->name;
		s->route_point = "WebChatRP";
		s->welcome = s->in_chat_comfort = s->comfort_groups =
			s->url_groups = "";
		s->in_service = true;
		s->max_queued = 50;
		s->priority = 5;
		s->ewt_samples = 20;
		s->ewt_default_s = 60;
	}
	c->agents = calloc(4, sizeof(*c->agents));
	c->n_agents = 4;
	for (i = 0; i < 4; i++)
		c->agents[i] = (struct lf_chat_agent_def){
			.id = ids[i],
			.first_name = ids[i],
			.last_name = "Rossi",
			.skillsets = i == 0   ? "WC_Sales"
				     : i == 1 ? "WC_Sales, WC_Support"
				     : i == 2 ? "WC_Sales"
					      : "",
			.supervisor = i < 3 ? "vera" : "",
			.may_observe = i == 3,
			.may_barge = i == 3,
			.may_transfer_to_skillset = true,
			.is_enabled = true,
			.max_contacts = 5,
			.offer_mode = LF_CHAT_OFFER_EXT,
		};
	c->reasons = calloc(2, sizeof(*c->reasons));
	c->reasons[0] = (struct lf_chat_reason){44, "Resolved", ""};
	c->reasons[1] = (struct lf_chat_reason){45, "Follow-up", "WC_Support"};
	c->n_reasons = 2;
	assert_int_equal(0, lf_chat_config_index(c));
	return c;
}

struct lf_chat_config *rig_config(struct rig *rig)
{
	return rig->engine->config;
}

/* ---- effects ---- */

static const char *schema_name(const struct socket *s, const char *type,
			       const char *method, char *out, size_t size)
{
	const char *side = s->peer.is_agent ? "agent" : "customer";

	if (!strcmp(type, "error"))
		snprintf(out, size, "%s/error", side);
	else if (!strcmp(type, "acknowledgement"))
		snprintf(out, size, "%s/acknowledgement", side);
	else if (!strncmp(method, "ext.", 4))
		snprintf(out, size, "ext/%s.notification", method);
	else if (!strcmp(method, "ping"))
		snprintf(out, size, "customer/ping.notification");
	else
		snprintf(out, size, "%s/%s.notification", side, method);
	return out;
}

static void deliver(struct rig *rig, const struct lf_chat_effect *effect)
{
	struct socket *s = by_id(rig, effect->peer);
	const struct lf_schema *schema;
	char name[128];
	json_t *json;

	if (!s || s->code)
		return;
	assert_int_equal(
		0, lf_json_parse(&json, effect->text->data, effect->text->len));
	schema_name(s, json_string_value(json_object_get(json, "type")),
		    rig_text(json_object_get(json, "body"), "method"), name,
		    sizeof(name));
	schema = lf_schemas_find(rig->schemas, name);
	if (!schema || lf_schema_check(schema, json)) {
		print_error("not as %s says: %s\n", name, effect->text->data);
		fail();
	}
	assert_int_equal(0, json_array_append_new(s->got, json));
	if (effect->seq)
		lf_chat_post_sent(rig->engine, effect->guid, effect->seq);
}

static void apply(struct rig *rig, struct lf_chat_effect *effect)
{
	struct socket *s;

	switch (effect->kind) {
	case LF_CHAT_SEND:
		deliver(rig, effect);
		break;
	case LF_CHAT_CLOSE:
		s = by_id(rig, effect->peer);
		if (s && !s->code)
			s->code = effect->code;
		break;
	case LF_CHAT_SAVE_POST:
		rig->saves++;
		rig->rows++;
		break;
	case LF_CHAT_SAVE_SENT:
		rig->sents++;
		break;
	case LF_CHAT_DROP_POSTS:
		rig->rows -= effect->n_rows;
		break;
	case LF_CHAT_DROP:
		rig->drops++;
		break;
	case LF_CHAT_TRANSCRIBE:
		rig->transcribed++;
		lf_chat_transcribed(rig->engine, effect->guid);
		break;
	case LF_CHAT_NOTE:
		rig->notes++;
		break;
	case LF_CHAT_MAIL:
		rig->mails++;
		break;
	case LF_CHAT_DROP_AGENT:
		break;
	}
	lf_chat_effect_free(effect);
}

void rig_flush(struct rig *rig)
{
	struct lf_chat_engine *e = rig->engine;

	assert_false(e->is_out_of_memory);
	lf_chat_settle(e);
	while (!lf_list_is_empty(&e->effects))
		apply(rig, LF_CONTAINER_OF(e->effects.next,
					   struct lf_chat_effect, node));
	LF_LIST_FOREACH_SAFE (node, &e->dirty_contacts) {
		LF_CONTAINER_OF(node, struct lf_chat_contact, dirty)->is_dirty =
			false;
		lf_list_del(node);
	}
	LF_LIST_FOREACH_SAFE (node, &e->dirty_agents) {
		LF_CONTAINER_OF(node, struct lf_chat_agent, dirty)->is_dirty =
			false;
		lf_list_del(node);
	}
	e->is_guid_dirty = false;
}

void rig_begin(struct rig *rig)
{
	wake(rig, &rig->engine->mono_ms, &rig->engine->wall_ms);
}

void rig_wait(struct rig *rig, int64_t ms)
{
	int64_t end_ms = rig->mono_ms + ms;

	for (;;) {
		struct lf_timer *next = NULL;
		size_t i;

		for (i = 0; i < rig->n_timers; i++)
			if (!next || rig->timers[i]->due_ms < next->due_ms)
				next = rig->timers[i];
		if (!next || next->due_ms > end_ms)
			break;
		if (next->due_ms > rig->mono_ms)
			rig->mono_ms = next->due_ms;
		set_timer(rig, next, -1);
		next->fn(next, next->arg);
		rig_flush(rig);
	}
	rig->mono_ms = end_ms;
	rig_begin(rig);
}

/* ---- life ---- */

/* Read once for all tests of a program, and kept to its end. */
static struct lf_schemas *all_schemas(void)
{
	static struct lf_schemas *schemas;
	const char *srcdir = getenv("srcdir");
	char path[4096], text[512] = "";

	snprintf(path, sizeof(path), "%s/chat/schemas", srcdir ? srcdir : ".");
	if (!schemas && lf_schemas_load(&schemas, path, text, sizeof(text)))
		fail_msg("%s", text);
	return schemas;
}

void rig_init(struct rig *rig)
{
	rig->schemas = all_schemas();
	rig->is_good = true;
	rig->mono_ms = 1000000;
	assert_int_equal(0, lf_chat_engine_new(&rig->engine, &ops, rig,
					       rig->schemas, make_config()));
	rig_begin(rig);
}

static void drop_sockets(struct rig *rig)
{
	size_t i;

	for (i = 0; i < rig->n_sockets; i++) {
		set_timer(rig, &rig->sockets[i]->peer.timeout, -1);
		json_decref(rig->sockets[i]->got);
		free(rig->sockets[i]);
	}
	rig->n_sockets = 0;
}

void rig_done(struct rig *rig)
{
	lf_chat_engine_free(rig->engine);
	json_decref(rig->last);
	drop_sockets(rig);
}

int rig_setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig_init(rig);
	*state = rig;
	return 0;
}

int rig_teardown(void **state)
{
	rig_done(*state);
	free(*state);
	return 0;
}

/* ---- restart ---- */

static void copy_posts(struct lf_chat_contact *to,
		       const struct lf_chat_contact *from)
{
	size_t i;

	for (i = 0; i < from->n_posts; i++) {
		const struct lf_chat_post *p = from->posts[i];
		struct lf_chat_post *copy = calloc(1, sizeof(*copy));

		*copy = *p;
		copy->agent = p->agent ? strdup(p->agent) : NULL;
		copy->name = strdup(p->name);
		copy->text = strdup(p->text);
		copy->destination =
			p->destination ? strdup(p->destination) : NULL;
		assert_int_equal(0, lf_chat_post_restore(to, copy, 0));
	}
}

void rig_restart(struct rig *rig)
{
	struct lf_chat_engine *old = rig->engine, *e;
	struct lf_buf text = {0};

	assert_int_equal(0, lf_chat_engine_new(&e, &ops, rig, rig->schemas,
					       old->config));
	old->config = NULL;
	e->last_guid = old->last_guid;
	rig->engine = e;
	rig_begin(rig);
	LF_LIST_FOREACH (node, &old->agents) {
		lf_buf_reset(&text);
		lf_chat_agent_write(
			LF_CONTAINER_OF(node, struct lf_chat_agent, node),
			&text);
		assert_int_equal(0,
				 lf_chat_agent_restore(e, text.data, text.len));
	}
	LF_LIST_FOREACH (node, &old->contacts) {
		const struct lf_chat_contact *c =
			LF_CONTAINER_OF(node, struct lf_chat_contact, node);

		lf_buf_reset(&text);
		lf_chat_contact_write(c, &text);
		assert_int_equal(
			0, lf_chat_contact_restore(e, text.data, text.len));
		copy_posts(lf_chat_contact_find(e, c->guid), c);
	}
	lf_buf_done(&text);
	lf_chat_engine_free(old);
	drop_sockets(rig);
	lf_chat_restored(e);
	rig_flush(rig);
}
