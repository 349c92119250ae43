/*
 * sim/chat.c - the customers, the agents, and what they make of messages.
 *
 * A message carries its time, side, room and number: "lg-TIME-SIDE-ROOM-NUMBER
 * xxxx". Rooms are numbered by us; a customer's name says its room, so that an
 * agent knows whom it is offered.
 */
#include "sim/chat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/list.h"

#include "core/banned.h"

#define CONNECTING_MAX 64 /* at a time */
#define SAMPLES_MAX (8u << 20)
#define DRAIN_NS (5 * UINT64_C(1000000000))
#define SECOND_NS UINT64_C(1000000000)
#define PING_TICKS 30 /* seconds; the server waits for 60 at least */
#define HEADER 64

enum side { CUSTOMER, AGENT };

struct agent {
	struct chat *chat;
	struct ws *ws;
	unsigned number;
	bool is_in;
};

struct room {
	struct chat *chat;
	struct ws *ws; /* the customer's */
	unsigned number;
	struct agent *agent;
	int64_t guid;
	bool is_in;
	uint64_t sent[2], heard[2]; /* by side of the sender */
};

struct chat {
	uv_loop_t *loop;
	struct chat_opts opts;
	const struct chat_ops *ops;
	void *arg;
	struct agent *agents;
	struct room *rooms;
	unsigned next_agent, agents_in, next_room, rooms_in, connecting;
	bool is_ready, is_running, is_closing;
	uv_timer_t tick, second;
	unsigned seconds;
	struct lf_buf text;

	uint64_t start_ns, end_ns, rate;
	struct chat_result result;
	uint32_t *samples;
	size_t n_samples, cap_samples;
};

static void go_on(struct chat *chat);

static void trouble(struct chat *chat, const char *text)
{
	if (!chat->is_closing)
		chat->ops->on_trouble(text, chat->arg);
}

/* ---- requests ---- */

static struct lf_buf *begin(struct chat *chat, const char *method)
{
	lf_buf_reset(&chat->text);
	lf_buf_addf(&chat->text,
		    "{\"apiVersion\":\"1.0\",\"type\":\"request\",\"body\":{"
		    "\"method\":\"%s\"",
		    method);
	return &chat->text;
}

static void end(struct chat *chat, struct ws *ws)
{
	lf_buf_adds(&chat->text, "}}");
	if (lf_buf_error(&chat->text) ||
	    ws_send(ws, chat->text.data, chat->text.len))
		trouble(chat, "cannot send");
}

static void ask_for_chat(struct room *room)
{
	struct lf_buf *b = begin(room->chat, "requestChat");

	lf_buf_addf(b,
		    ",\"guid\":null,\"authenticationKey\":null,"
		    "\"deviceType\":\"lampsim\",\"intrinsics\":{\"name\":"
		    "\"%u\",\"skillset\":",
		    room->number);
	lf_buf_add_json(b, room->chat->opts.skillset);
	lf_buf_addc(b, '}');
	end(room->chat, room->ws);
}

static void log_in(struct agent *agent)
{
	struct chat *chat = agent->chat;
	struct lf_buf *b = begin(chat, "agentLogin");
	char name[128];

	snprintf(name, sizeof(name), "%s%u", chat->opts.name,
		 agent->number + 1);
	lf_buf_adds(b, ",\"agentId\":");
	lf_buf_add_json(b, name);
	lf_buf_adds(b, ",\"password\":");
	lf_buf_add_json(b, chat->opts.password);
	lf_buf_adds(b, ",\"reconnect\":false,\"clientType\":\"custom\","
		       "\"ext\":{\"features\":[\"offers\"]}");
	end(chat, agent->ws);
}

static void say(struct room *room, enum side side)
{
	struct chat *chat = room->chat;
	struct lf_buf *b = begin(chat, "newMessage");
	char header[HEADER];
	int n;

	n = snprintf(header, sizeof(header), "lg-%016" PRIx64 "-%c-%u-%" PRIu64,
		     uv_hrtime(), side == AGENT ? 'a' : 'c', room->number,
		     room->sent[side]);
	lf_buf_addf(b, ",\"message\":\"%s ", header);
	while (n++ < (int)chat->opts.size - 1)
		lf_buf_addc(b, 'x');
	lf_buf_addc(b, '"');
	if (side == AGENT)
		lf_buf_addf(b,
			    ",\"guid\":%" PRId64 ",\"messageType\":\"normal\"",
			    room->guid);
	room->sent[side]++;
	chat->result.sent++;
	end(chat, side == AGENT ? room->agent->ws : room->ws);
}

/* ---- what is heard ---- */

static void sample(struct chat *chat, uint64_t sent_ns)
{
	uint32_t *samples = chat->samples;
	size_t cap;

	if (chat->n_samples == chat->cap_samples) {
		cap = chat->cap_samples ? chat->cap_samples * 2 : 65536;
		if (cap > SAMPLES_MAX)
			return;
		samples = realloc(samples, cap * sizeof(*samples));
		if (!samples)
			return;
		chat->samples = samples;
		chat->cap_samples = cap;
	}
	samples[chat->n_samples++] = (uint32_t)((uv_hrtime() - sent_ns) / 1000);
}

/* A gap counts as disorder now; whether it stays one shows at the end. */
static void count(struct room *room, enum side from, uint64_t number)
{
	struct chat_result *r = &room->chat->result;

	if (number < room->heard[from]) {
		r->doubled++;
		return;
	}
	if (number > room->heard[from]) {
		r->disordered++;
		r->lost += number - room->heard[from];
	}
	room->heard[from] = number + 1;
	r->delivered++;
}

static void hear(struct chat *chat, const char *text, enum side me)
{
	uint64_t sent_ns, number;
	unsigned room_number;
	struct room *room;
	char side;

	if (!text || sscanf(text, "lg-%16" SCNx64 "-%c-%u-%" SCNu64, &sent_ns,
			    &side, &room_number, &number) != 4)
		return; /* welcome and comfort messages */
	if (room_number >= chat->opts.customers ||
	    (side == 'a') != (me == CUSTOMER)) {
		trouble(chat, "a message came to the wrong side");
		return;
	}
	room = &chat->rooms[room_number];
	count(room, me == CUSTOMER ? AGENT : CUSTOMER, number);
	sample(chat, sent_ns);
	if (chat->is_running && !chat->rate && uv_hrtime() < chat->end_ns)
		say(room, me == CUSTOMER ? AGENT : CUSTOMER);
}

static const char *text_of(const json_t *body, const char *key)
{
	return lf_json_str(body, key, NULL, NULL);
}

/* "type method" of a message; its body stays with `*ret_json`. */
static const json_t *open_message(json_t **ret_json, const char *data,
				  size_t len, const char **ret_method)
{
	const json_t *body;

	if (lf_json_parse_lenient(ret_json, data, len))
		return NULL;
	body = json_object_get(*ret_json, "body");
	*ret_method = text_of(body, "method");
	if (!*ret_method)
		*ret_method = "";
	if (!strcmp(lf_json_str(*ret_json, "type", "", NULL), "error"))
		*ret_method = "error";
	else if (!strcmp(lf_json_str(*ret_json, "type", "", NULL),
			 "acknowledgement"))
		*ret_method = "";
	return body;
}

static void on_error(struct chat *chat, const json_t *body)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s",
		 lf_json_str(body, "method", "?", NULL),
		 lf_json_str(body, "errorMessage", "?", NULL));
	trouble(chat, text);
}

/* ---- customers ---- */

static void customer_in(struct room *room)
{
	if (room->is_in)
		return;
	room->is_in = true;
	room->chat->rooms_in++;
	room->chat->connecting--;
	go_on(room->chat);
}

static void on_customer_text(struct ws *ws, const char *data, size_t len,
			     void *arg)
{
	struct room *room = arg;
	struct chat *chat = room->chat;
	const char *method;
	json_t *json = NULL;
	const json_t *body = open_message(&json, data, len, &method);

	if (!body)
		trouble(chat, "what came is no JSON");
	else if (!strcmp(method, "newMessage"))
		hear(chat, text_of(body, "message"), CUSTOMER);
	else if (!strcmp(method,
			 chat->opts.agents ? "newParticipant" : "requestChat"))
		customer_in(room);
	else if (!strcmp(method, "error"))
		on_error(chat, body);
	json_decref(json);
}

static void on_customer_open(struct ws *ws, void *arg)
{
	ask_for_chat(arg);
}

static void on_customer_close(struct ws *ws, int code, void *arg)
{
	struct room *room = arg;
	char text[64];

	room->ws = NULL;
	snprintf(text, sizeof(text), "customer %u was closed with %d",
		 room->number, code);
	trouble(room->chat, text);
}

static const struct ws_ops customer_ops = {
	.on_open = on_customer_open,
	.on_text = on_customer_text,
	.on_close = on_customer_close,
};

/* ---- agents ---- */

static void agent_in(struct agent *agent, const json_t *body)
{
	if (!json_is_true(json_object_get(body, "loginSuccess"))) {
		trouble(agent->chat, "an agent may not log in");
		return;
	}
	agent->is_in = true;
	begin(agent->chat, "ext.setReadyState");
	lf_buf_adds(&agent->chat->text, ",\"ready\":true");
	end(agent->chat, agent->ws);
	agent->chat->agents_in++;
	agent->chat->connecting--;
	go_on(agent->chat);
}

static void take_offer(struct agent *agent, const json_t *body)
{
	struct chat *chat = agent->chat;
	const char *name = text_of(json_object_get(body, "intrinsics"), "name");
	unsigned long number = name ? strtoul(name, NULL, 10) : ULONG_MAX;

	if (number >= chat->opts.customers)
		return; /* somebody else's */
	chat->rooms[number].guid = lf_json_int(body, "guid", 0, NULL);
	chat->rooms[number].agent = agent;
	begin(chat, "agentJoinRoom");
	lf_buf_addf(&chat->text,
		    ",\"guid\":%" PRId64 ",\"joinType\":\"active\"",
		    chat->rooms[number].guid);
	end(chat, agent->ws);
}

static void on_agent_text(struct ws *ws, const char *data, size_t len,
			  void *arg)
{
	struct agent *agent = arg;
	const char *method;
	json_t *json = NULL;
	const json_t *body = open_message(&json, data, len, &method);

	if (!body)
		trouble(agent->chat, "what came is no JSON");
	else if (!strcmp(method, "newMessage"))
		hear(agent->chat, text_of(body, "message"), AGENT);
	else if (!strcmp(method, "ext.contactOffered"))
		take_offer(agent, body);
	else if (!strcmp(method, "agentLogin") && !agent->is_in)
		agent_in(agent, body);
	else if (!strcmp(method, "error"))
		on_error(agent->chat, body);
	json_decref(json);
}

static void on_agent_open(struct ws *ws, void *arg)
{
	log_in(arg);
}

static void on_agent_close(struct ws *ws, int code, void *arg)
{
	struct agent *agent = arg;
	char text[64];

	agent->ws = NULL;
	snprintf(text, sizeof(text), "agent %u was closed with %d",
		 agent->number + 1, code);
	trouble(agent->chat, text);
}

static const struct ws_ops agent_ops = {
	.on_open = on_agent_open,
	.on_text = on_agent_text,
	.on_close = on_agent_close,
};

/* ---- everybody comes in ---- */

static void connect_agent(struct chat *chat)
{
	struct agent *agent = &chat->agents[chat->next_agent];

	agent->chat = chat;
	agent->number = chat->next_agent++;
	chat->connecting++;
	if (ws_connect(&agent->ws, chat->loop, &chat->opts.where,
		       "/AgentControllerWeb/chat", &agent_ops, agent))
		trouble(chat, "cannot connect");
}

static void connect_customer(struct chat *chat)
{
	struct room *room = &chat->rooms[chat->next_room];

	room->chat = chat;
	room->number = chat->next_room++;
	chat->connecting++;
	if (ws_connect(&room->ws, chat->loop, &chat->opts.where,
		       "/CustomerControllerWeb/chat", &customer_ops, room))
		trouble(chat, "cannot connect");
}

static void go_on(struct chat *chat)
{
	const struct chat_opts *o = &chat->opts;

	while (chat->connecting < CONNECTING_MAX &&
	       chat->next_agent < o->agents)
		connect_agent(chat);
	while (chat->agents_in == o->agents &&
	       chat->connecting < CONNECTING_MAX &&
	       chat->next_room < o->customers)
		connect_customer(chat);
	if (chat->is_ready || chat->agents_in < o->agents ||
	    chat->rooms_in < o->customers)
		return;
	chat->is_ready = true;
	chat->ops->on_ready(chat->arg);
}

/* Everybody once in PING_TICKS seconds, never all at once. */
static void on_second(uv_timer_t *timer)
{
	struct chat *chat = timer->data;
	unsigned i = chat->seconds++ % PING_TICKS;

	for (; i < chat->next_room; i += PING_TICKS) {
		if (!chat->rooms[i].is_in || !chat->rooms[i].ws)
			continue;
		begin(chat, "ping");
		end(chat, chat->rooms[i].ws);
	}
}

/* ---- talking ---- */

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void finish(struct chat *chat)
{
	struct chat_result *r = &chat->result;
	const uint32_t *s = chat->samples;
	size_t n = chat->n_samples, i;

	uv_timer_stop(&chat->tick);
	chat->is_running = false;
	for (i = 0; i < chat->opts.customers; i++)
		for (int side = CUSTOMER; side <= AGENT; side++)
			r->lost += chat->rooms[i].sent[side] -
				   chat->rooms[i].heard[side];
	r->seconds = (double)(uv_hrtime() - chat->start_ns) / SECOND_NS;
	if (n) {
		qsort(chat->samples, n, sizeof(*s), by_value);
		r->p50_us = s[n / 2];
		r->p90_us = s[n * 9 / 10];
		r->p99_us = s[n * 99 / 100];
		r->max_us = s[n - 1];
	}
	chat->ops->on_done(r, chat->arg);
}

/* Another member each time, in no order that a cache could like. */
static void say_next(struct chat *chat)
{
	uint64_t i = chat->result.sent * 7919 % (chat->opts.customers * 2);

	say(&chat->rooms[i / 2], i & 1 ? AGENT : CUSTOMER);
}

static void on_tick(uv_timer_t *timer)
{
	struct chat *chat = timer->data;
	uint64_t now = uv_hrtime(), due;

	if (now < chat->end_ns) {
		due = (now - chat->start_ns) / 1000 * chat->rate / 1000000;
		while (chat->rate && chat->result.sent < due)
			say_next(chat);
		return;
	}
	if (chat->result.delivered >= chat->result.sent ||
	    now > chat->end_ns + DRAIN_NS)
		finish(chat);
}

int chat_run(struct chat *chat, unsigned seconds, unsigned rate)
{
	if (!chat->is_ready || !chat->opts.agents)
		return -ENOTCONN;
	if (chat->is_running)
		return -EBUSY;
	chat->is_running = true;
	chat->result = (struct chat_result){0};
	chat->n_samples = 0;
	chat->rate = rate;
	chat->start_ns = uv_hrtime();
	chat->end_ns = chat->start_ns + seconds * SECOND_NS;
	for (unsigned i = 0; !rate && i < chat->opts.customers; i++) {
		say(&chat->rooms[i], CUSTOMER);
		say(&chat->rooms[i], AGENT);
	}
	return uv_timer_start(&chat->tick, on_tick, 1, 1);
}

/* ---- open and close ---- */

int chat_new(struct chat **ret, uv_loop_t *loop, const struct chat_opts *opts,
	     const struct chat_ops *ops, void *arg)
{
	struct chat *chat = calloc(1, sizeof(*chat));

	if (!chat)
		return -ENOMEM;
	chat->loop = loop;
	chat->opts = *opts;
	chat->ops = ops;
	chat->arg = arg;
	chat->agents = calloc(opts->agents + 1, sizeof(*chat->agents));
	chat->rooms = calloc(opts->customers + 1, sizeof(*chat->rooms));
	if (!chat->agents || !chat->rooms) {
		free(chat->agents);
		free(chat->rooms);
		free(chat);
		return -ENOMEM;
	}
	uv_timer_init(loop, &chat->tick);
	uv_timer_init(loop, &chat->second);
	chat->tick.data = chat->second.data = chat;
	uv_timer_start(&chat->second, on_second, 1000, 1000);
	*ret = chat;
	go_on(chat);
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct chat *chat = handle->data;

	free(chat->agents);
	free(chat->rooms);
	free(chat->samples);
	lf_buf_done(&chat->text);
	free(chat);
}

void chat_close(struct chat *chat)
{
	unsigned i;

	if (!chat || chat->is_closing)
		return;
	chat->is_closing = true;
	for (i = 0; i < chat->next_agent; i++)
		ws_drop(chat->agents[i].ws);
	for (i = 0; i < chat->next_room; i++)
		ws_drop(chat->rooms[i].ws);
	uv_close((uv_handle_t *)&chat->tick, NULL);
	uv_close((uv_handle_t *)&chat->second, on_timer_closed);
}
