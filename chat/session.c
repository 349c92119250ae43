/*
 * chat/session.c - the two WebSocket endpoints: who may connect, how much may
 * come in, and that a reader who does not read is cut off.
 */
#include "chat/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/listen.h"
#include "core/secret.h"
#include "core/text.h"
#include "directory/access.h"
#include "directory/user.h"

#include "core/banned.h"

#define WS_MAX (1 << 20) /* the largest that the setting allows */
#define SLOT_MASK ((uint64_t)LF_CHAT_SESSIONS_MAX - 1)

struct lf_chat_session {
	struct lf_chat_peer peer;
	struct lf_list node;
	struct lf_chat *chat;
	struct lf_ws *ws;
	int64_t second_ms; /* the window that is counted */
	unsigned n_second;
	struct lf_timer pause;
	bool is_cut; /* we closed it: the peer's code means nothing */
};

/* ---- by number ---- */

static struct lf_chat_session *find(struct lf_chat *chat, uint64_t id)
{
	size_t slot = (size_t)(id & SLOT_MASK);
	struct lf_chat_session *s =
		slot < chat->n_slots ? chat->slots[slot] : NULL;

	return s && s->peer.id == id ? s : NULL;
}

static int grow(struct lf_chat *chat)
{
	size_t n = chat->n_slots ? chat->n_slots * 2 : 64;
	struct lf_chat_session **slots;

	if (chat->n_sessions < chat->n_slots)
		return 0;
	if (n > LF_CHAT_SESSIONS_MAX)
		return -EMFILE;
	slots = realloc(chat->slots, n * sizeof(struct lf_chat_session *));
	if (!slots)
		return -ENOMEM;
	memset(slots + chat->n_slots, 0,
	       (n - chat->n_slots) * sizeof(struct lf_chat_session *));
	chat->next_slot = chat->n_slots;
	chat->slots = slots;
	chat->n_slots = n;
	return 0;
}

static int take_slot(struct lf_chat *chat, struct lf_chat_session *s,
		     uint64_t *ret_id)
{
	int err = grow(chat);

	if (err)
		return err;
	while (chat->slots[chat->next_slot])
		chat->next_slot = (chat->next_slot + 1) % chat->n_slots;
	chat->slots[chat->next_slot] = s;
	chat->n_sessions++;
	*ret_id = ++chat->serial * LF_CHAT_SESSIONS_MAX + chat->next_slot;
	return 0;
}

struct lf_chat_peer *lf_chat_session_peer(struct lf_chat *chat, uint64_t id)
{
	struct lf_chat_session *s = find(chat, id);

	return s ? &s->peer : NULL;
}

/* ---- who may connect ---- */

static bool is_flooding(struct lf_chat *chat, const char *peer)
{
	unsigned limit = chat->engine->config->connects_per_minute;
	char text[48];
	struct lf_chat_address *a;
	const char *port = strrchr(peer, ':');
	uint32_t hash = 2166136261u;
	int64_t now_ms = lf_mono_ms();
	size_t i;

	if (!limit)
		return false;
	lf_text_copy_n(text, sizeof(text), peer,
		       port ? (size_t)(port - peer) : strlen(peer));
	for (i = 0; text[i]; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	a = &chat->addresses[hash % LF_CHAT_LIMITS];
	if (strcmp(a->text, text) != 0 || now_ms - a->since_ms > 60000) {
		memcpy(a->text, text, sizeof(text));
		a->since_ms = now_ms;
		a->n = 0;
	}
	return ++a->n > limit;
}

/* Host of an Origin against the list (protocol, 9.9). */
bool lf_chat_is_welcome(const struct lf_chat_config *config, const char *origin)
{
	const char *host = origin ? strstr(origin, "://") : NULL;
	char name[256];
	size_t len;

	if (lf_chat_list_has(config->cors, "*"))
		return true;
	if (!host)
		return false;
	host += 3;
	len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	if (*host == '[') {
		host++;
		len -= 2;
	}
	if (!len || len >= sizeof(name) ||
	    !lf_text_copy_n(name, sizeof(name), host, len))
		return false;
	return lf_chat_list_has_host(config->cors, name);
}

/* Customers' pages answer by themselves, once a minute (core/listen.h). */
static void keep_alive(struct lf_chat_session *s)
{
	if (s->peer.is_agent && !s->is_cut)
		lf_ws_keep_alive(
			s->ws,
			(int64_t)s->chat->engine->config->keep_alive_s * 1000);
}

void lf_chat_sessions_configure(struct lf_chat *chat)
{
	LF_LIST_FOREACH (node, &chat->sessions)
		keep_alive(LF_CONTAINER_OF(node, struct lf_chat_session, node));
}

static int on_open(struct lf_ws *ws, void *arg, void **ret_conn)
{
	const struct lf_chat_endpoint *end = arg;
	struct lf_chat *chat = end->chat;
	const char *origin = lf_ws_header(ws, "origin");
	struct lf_chat_session *s;
	uint64_t id;
	int err;

	if (!chat->is_loaded || chat->is_closing)
		return -ESHUTDOWN;
	if (is_flooding(chat, lf_ws_peer(ws))) {
		if (lf_log_allow(&chat->refused_log, 5))
			lf_log(LF_WARN, "chat",
			       "%s connects too often and is refused",
			       lf_ws_peer(ws));
		return -EBUSY;
	}
	if (origin && chat->engine->config->check_origin &&
	    !lf_chat_is_welcome(chat->engine->config, origin))
		return -EACCES;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	err = take_slot(chat, s, &id);
	if (err) {
		free(s);
		return err;
	}
	s->chat = chat;
	s->ws = ws;
	lf_list_add_tail(&chat->sessions, &s->node);
	lf_chat_now(chat);
	lf_chat_peer_open(chat->engine, &s->peer, id, end->is_agent);
	keep_alive(s);
	lf_chat_flush(chat);
	*ret_conn = s;
	return 0;
}

/* ---- in ---- */

static void on_pause_over(struct lf_timer *timer, void *arg)
{
	struct lf_chat_session *s = arg;

	lf_ws_pause(s->ws, false);
}

/* A socket that asks too much is read no further until the second is over. */
static void throttle(struct lf_chat_session *s)
{
	unsigned limit = s->chat->engine->config->messages_per_second;
	int64_t now_ms = s->chat->engine->mono_ms;

	if (now_ms - s->second_ms >= 1000) {
		s->second_ms = now_ms;
		s->n_second = 0;
	}
	if (!limit || ++s->n_second < limit || lf_timer_is_running(&s->pause))
		return;
	lf_timer_init(&s->pause, on_pause_over, s);
	if (!lf_timer_start(s->chat->parts.timers, &s->pause,
			    s->second_ms + 1000 - now_ms))
		lf_ws_pause(s->ws, true);
}

static void on_message(struct lf_ws *ws, const char *data, size_t len,
		       void *conn)
{
	struct lf_chat_session *s = conn;
	struct lf_chat *chat = s->chat;

	if (chat->is_closing || s->is_cut)
		return;
	lf_chat_now(chat);
	if (len > chat->engine->config->max_message) {
		s->is_cut = true;
		lf_ws_close(ws, 1009, "message too long");
		return;
	}
	throttle(s);
	lf_chat_peer_receive(chat->engine, &s->peer, data, len);
	lf_chat_flush(chat);
}

static void on_close(struct lf_ws *ws, void *conn)
{
	struct lf_chat_session *s = conn;
	struct lf_chat *chat = s->chat;

	lf_chat_now(chat);
	lf_chat_peer_gone(chat->engine, &s->peer,
			  s->is_cut ? 0 : lf_ws_close_code(ws));
	chat->slots[s->peer.id & SLOT_MASK] = NULL;
	chat->n_sessions--;
	lf_timer_stop(chat->parts.timers, &s->pause);
	lf_list_del(&s->node);
	free(s);
	lf_chat_flush(chat);
	lf_chat_check_closed(chat);
}

/* ---- out ---- */

bool lf_chat_session_send(struct lf_chat *chat, uint64_t id,
			  const struct lf_chat_text *text)
{
	struct lf_chat_session *s = find(chat, id);

	if (!s || s->is_cut)
		return false;
	/* One text may be larger than the limit: a long room's transcript. */
	if (lf_ws_backlog(s->ws) > LF_CHAT_BACKLOG_MAX) {
		chat->slow_closed++;
		lf_chat_session_close(chat, id, 1008);
		return false;
	}
	return !lf_ws_send(s->ws, text->data, text->len);
}

void lf_chat_session_close(struct lf_chat *chat, uint64_t id, int code)
{
	struct lf_chat_session *s = find(chat, id);

	if (!s || s->is_cut)
		return;
	s->is_cut = true;
	lf_ws_close(s->ws, code, "");
}

/* ---- login ---- */

struct login {
	struct lf_chat *chat;
	uint64_t peer;
	json_t *body;
};

static void login_done(struct login *login, bool is_good)
{
	struct lf_chat *chat = login->chat;
	struct lf_chat_peer *peer = lf_chat_session_peer(chat, login->peer);

	chat->pending--;
	if (peer && !chat->is_closing) {
		lf_chat_now(chat);
		lf_chat_login_checked(chat->engine, peer, is_good, login->body);
		lf_chat_flush(chat);
	}
	json_decref(login->body);
	free(login);
	lf_chat_check_closed(chat);
}

/* "00123" is not "123", and "Anna" is not "anna": IDs are compared exactly. */
static void on_checked(int err, const struct lf_user *user, int64_t retry_ms,
		       void *arg)
{
	struct login *login = arg;
	const char *id =
		json_string_value(json_object_get(login->body, "agentId"));

	login_done(login, !err && !strcmp(user->username, id));
}

/* The body keeps all but the password. */
static json_t *without_password(json_t *body)
{
	json_t *copy = json_copy(body);

	if (copy)
		json_object_del(copy, "password");
	return copy;
}

void lf_chat_session_login(struct lf_chat *chat, uint64_t id, const char *agent,
			   const char *password, json_t *body)
{
	struct lf_chat_session *s = find(chat, id);
	struct login *login = calloc(1, sizeof(*login));

	if (login)
		login->body = without_password(body);
	if (!login || !login->body) {
		free(login);
		chat->engine->is_out_of_memory = true;
		return;
	}
	login->chat = chat;
	login->peer = id;
	chat->pending++;
	if (lf_access_password(chat->parts.access, agent, password,
			       s ? lf_ws_peer(s->ws) : "", on_checked, login))
		login_done(login, false);
}

/* ---- open and close ---- */

int lf_chat_sessions_open(struct lf_chat *chat)
{
	static const char *const everybody[] = {"*", NULL};
	static const struct lf_ws_ops ops = {
		.on_open = on_open,
		.on_message = on_message,
		.on_close = on_close,
	};
	struct lf_ws_opts opts = {
		.path = "/CustomerControllerWeb/chat",
		.max_message = WS_MAX,
		.origins = everybody, /* checked in on_open() */
	};
	int err;

	chat->customers = (struct lf_chat_endpoint){.chat = chat};
	chat->agents = (struct lf_chat_endpoint){chat, true};
	err = lf_web_socket(chat->parts.web, &opts, &ops, &chat->customers);
	if (err)
		return err;
	opts.path = "/AgentControllerWeb/chat";
	return lf_web_socket(chat->parts.web, &opts, &ops, &chat->agents);
}

void lf_chat_sessions_close(struct lf_chat *chat)
{
	LF_LIST_FOREACH (node, &chat->sessions) {
		struct lf_chat_session *s =
			LF_CONTAINER_OF(node, struct lf_chat_session, node);

		s->is_cut = true;
		lf_ws_close(s->ws, 1001, "shutting down");
	}
}

void lf_chat_sessions_done(struct lf_chat *chat)
{
	free(chat->slots);
}
