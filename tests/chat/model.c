/* tests/chat/model.c - see model.h. */
#include "tests/chat/model.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define LIVE_MAX 10
#define KEYS_MAX 32
#define SEEN_MAX 512

struct seen {
	uint64_t peer;
	int64_t guid;
	long last;
};

struct known {
	int64_t guid;
	char key[LF_CHAT_KEY_SIZE];
};

struct play {
	struct rig rig;
	struct socket *live[LIVE_MAX];
	size_t n_live, next_key, n_seen;
	struct known keys[KEYS_MAX];
	struct seen seen[SEEN_MAX];
	long said; /* numbers what is said */
};

/* ---- what is said ---- */

static struct seen *seen_by(struct play *play, uint64_t peer, int64_t guid)
{
	size_t i;

	for (i = 0; i < play->n_seen; i++)
		if (play->seen[i].peer == peer && play->seen[i].guid == guid)
			return &play->seen[i];
	if (play->n_seen == SEEN_MAX)
		play->n_seen = 0; /* begin anew: less is checked */
	play->seen[play->n_seen] = (struct seen){peer, guid, 0};
	return &play->seen[play->n_seen++];
}

/* Everybody sees what was said in one order, and no customer a whisper. */
static void check_said(struct play *play, const struct socket *s, int64_t guid,
		       const char *text)
{
	struct seen *seen;
	long n;

	if (!text || (*text != 'm' && *text != 'w'))
		return;
	assert_false(!s->peer.is_agent && *text == 'w');
	n = strtol(text + 1, NULL, 10);
	seen = seen_by(play, s->peer.id, guid);
	assert_true(n > seen->last);
	seen->last = n;
}

static void read_all(struct play *play)
{
	size_t i, n;
	json_t *message;

	for (i = 0; i < play->n_live; i++) {
		struct socket *s = play->live[i];

		json_array_foreach (s->got, n, message) {
			const json_t *body = json_object_get(message, "body");
			const char *method = rig_text(body, "method");

			if (!strcmp(method, "newMessage"))
				check_said(play, s, rig_int(body, "guid"),
					   rig_text(body, "message"));
			if (!strcmp(method, "requestChat") &&
			    !strcmp(rig_text(message, "type"),
				    "notification")) {
				struct known *k = &play->keys[play->next_key++ %
							      KEYS_MAX];

				k->guid = rig_int(body, "guid");
				snprintf(k->key, sizeof(k->key), "%s",
					 rig_text(body, "authenticationKey"));
			}
		}
		rig_drain(s);
	}
}

/* ---- steps ---- */

static const char *const ids[] = {"anna", "bert", "carl", "vera"};

static void connect_one(struct play *play, bool is_agent)
{
	if (play->n_live == LIVE_MAX) {
		rig_hang_up(play->live[0], 0);
		read_all(play);
		rig_forget(play->live[0]);
		memmove(play->live, play->live + 1,
			(LIVE_MAX - 1) * sizeof(struct socket *));
		play->n_live--;
	}
	play->live[play->n_live++] = rig_connect(&play->rig, is_agent);
}

static void log_in(struct socket *s, unsigned b, unsigned c)
{
	rig_say(s, "agentLogin",
		"\"agentId\":\"%s\",\"password\":\"x\",\"reconnect\":%s%s",
		ids[b % 4], c % 2 ? "true" : "false",
		c % 8 == 7 ? ""
			   : ",\"ext\":{\"features\":[\"offers\",\"state\","
			     "\"rooms\",\"details\"]}");
}

static void ask_chat(struct socket *s, unsigned b, unsigned c)
{
	rig_say(s, "requestChat",
		"\"intrinsics\":{\"skillset\":\"%s\",\"email\":%s}",
		b % 4 ? "WC_Sales" : "WC_Support",
		c % 3   ? "null"
		: c % 2 ? "\"a@b\""
			: "\" A@B \"");
}

/* Mostly what a client would do next. */
static void arrive(struct play *play, unsigned b, unsigned c)
{
	struct socket *s;

	connect_one(play, b & 1);
	s = play->live[play->n_live - 1];
	if (b % 16 == 15)
		return;
	if (!s->peer.is_agent) {
		ask_chat(s, b >> 1, c);
		return;
	}
	log_in(s, b >> 1, c);
	if (c & 16)
		rig_say(s, "ext.setReadyState", "\"ready\":true");
}

static void hang_up(struct play *play, size_t i, unsigned how)
{
	static const int codes[] = {0, 1000, 4001, 1001};

	rig_hang_up(play->live[i], codes[how % 4]);
	read_all(play);
	rig_forget(play->live[i]);
	play->live[i] = play->live[--play->n_live];
}

static void configure(struct play *play, unsigned what)
{
	struct lf_chat_config *c = rig_config(&play->rig);

	switch (what % 8) {
	case 0:
		c->tell_consult = !c->tell_consult;
		break;
	case 1:
		c->offer_timeout_s = c->offer_timeout_s ? 0 : 20;
		break;
	case 2:
		c->max_transfers = 1 - c->max_transfers;
		break;
	case 3:
		c->reason_required = !c->reason_required;
		break;
	case 4:
		c->check_idle_customer = !c->check_idle_customer;
		break;
	case 5:
		c->wrap_up_s = c->wrap_up_s ? 0 : 30;
		break;
	case 6:
		c->max_conference = c->max_conference == 2 ? 4 : 2;
		break;
	case 7:
		c->tell_observe = !c->tell_observe;
		break;
	}
}

static void restart(struct play *play)
{
	play->n_live = 0;
	play->n_seen = 0;
	rig_restart(&play->rig);
}

static void as_customer(struct play *play, struct socket *s, unsigned op,
			unsigned b, unsigned c)
{
	const struct known *k = &play->keys[b % KEYS_MAX];

	switch (op % 8) {
	case 0:
		ask_chat(s, b, c);
		break;
	case 1:
		rig_say(s, "requestChat",
			"\"guid\":%lld,\"authenticationKey\":\"%s\"",
			(long long)k->guid, k->key);
		break;
	case 2:
		if (c % 8 == 0)
			rig_say(s, "closeConversation", "%s", "");
		break;
	case 3:
		rig_say(s, "newPushPageMessage", "\"pagePushURL\":\"%s\"",
			c % 2 ? "www.example.com" : " javascript:alert(1)");
		break;
	case 4:
		rig_say(s, "queueStatus", "%s", "");
		break;
	case 5:
		rig_say(s, "isTyping", "\"isTyping\":true");
		break;
	default:
		rig_say(s, "newMessage", "\"message\":\"m%ld\"", ++play->said);
		break;
	}
}

/* A room it is in, a contact that alerts, or any other. */
static long long choose(const struct play *play, const struct socket *s,
			unsigned b)
{
	const struct lf_chat_agent *a = s->peer.agent;
	const struct lf_chat_engine *e = play->rig.engine;
	struct lf_list *node;

	if (a && b % 8 && !lf_list_is_empty(&a->members)) {
		node = b & 8 ? a->members.next : a->members.prev;
		return LF_CONTAINER_OF(node, struct lf_chat_member, in_agent)
			->contact->guid;
	}
	if (b & 16 && !lf_list_is_empty(&e->contacts)) {
		node = b & 8 ? e->contacts.next : e->contacts.prev;
		return LF_CONTAINER_OF(node, struct lf_chat_contact, node)
			->guid;
	}
	return e->last_guid - b % 6;
}

/* The contact that alerts is accepted as it was offered. */
static bool take_offer(struct socket *s, unsigned b)
{
	const struct lf_chat_agent *a = s->peer.agent;
	const struct lf_chat_contact *c;

	if (!a || lf_list_is_empty(&a->offers))
		return false;
	c = LF_CONTAINER_OF(a->offers.next, struct lf_chat_contact, in_offers);
	rig_say(s, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"%s\"",
		(long long)c->guid,
		c->offer >= LF_CHAT_OFFER_CONSULT ? "consult" : "active");
	return true;
}

static void with_guid(struct socket *s, const char *method, long long guid)
{
	rig_say(s, method, "\"guid\":%lld", guid);
}

static void in_room(struct play *play, struct socket *s, unsigned op,
		    long long guid, unsigned c)
{
	static const char *const types[] = {"queue",      "agent",
					    "consult",    "conference",
					    "conference", "barge"};
	static const char *const plain[] = {
		"agentQuitChat",   "changeConferenceOwner",
		"leaveRoom",       "dropPassiveParticipant",
		"conferenceClose", "getDestinations"};

	if (op < 3)
		rig_say(s, "operationRequest",
			"\"guid\":%lld,\"destinationType\":\"%s\","
			"\"destinationId\":\"%s\"",
			guid, types[c % 6],
			c % 6 == 0 ? (c & 32 ? "13" : "14")
				   : ids[(c >> 5) % 4]);
	else if (op < 9)
		with_guid(s, plain[op - 3], guid);
	else if (op == 9)
		rig_say(s, "pagePush", "\"guid\":%lld,\"url\":\"x.y\"", guid);
	else if (op < 12)
		rig_say(s, "newMessage",
			"\"guid\":%lld,\"message\":\"%c%ld\","
			"\"messageType\":\"%s\"",
			guid, c % 3 ? 'm' : 'w', ++play->said,
			c % 3 ? "normal" : "whisper");
	else
		rig_say(s, "isTyping",
			"\"guid\":%lld,\"isTyping\":false,"
			"\"messageType\":\"normal\"",
			guid);
}

static void as_agent(struct play *play, struct socket *s, unsigned op,
		     unsigned b, unsigned c)
{
	static const char *const joins[] = {"active", "consult", "observe"};
	long long guid;

	if (op % 3 == 0 && take_offer(s, b))
		return;
	guid = choose(play, s, b);
	switch (op % 24) {
	case 0:
	case 1:
		log_in(s, b, c);
		break;
	case 2:
	case 3:
		rig_say(s, "ext.setReadyState", "\"ready\":%s",
			c % 4 ? "true" : "false");
		break;
	case 4:
		with_guid(s, "ext.declineContact", guid);
		break;
	case 5:
	case 6:
	case 7:
		rig_say(s, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"%s\"",
			guid, joins[c % 3]);
		break;
	case 8:
		rig_say(s, "agentSetClosedReason",
			"\"guid\":%lld,\"closedReasonCode\":%s", guid,
			c % 2 ? "44" : "null");
		break;
	case 9:
		rig_say(s, c % 8 ? "agentData" : "agentLogout", "%s", "");
		break;
	case 10:
		rig_say(s, "customerHistory", "\"guid\":%lld,\"amount\":5",
			guid);
		break;
	default:
		in_room(play, s, op % 24 - 11, guid, c);
		break;
	}
}

static void step(struct play *play, const uint8_t *d)
{
	static const int waits[] = {10,   100,  100,  500,   1000,  2000,
				    2000, 5000, 5000, 31000, 61000, 151000};
	size_t i = play->n_live ? d[1] % play->n_live : 0;

	if (d[0] < 16 || !play->n_live)
		arrive(play, d[1], d[2]);
	else if (d[0] < 20)
		hang_up(play, i, d[2]);
	else if (d[0] < 30)
		rig_wait(&play->rig, waits[d[1] % 12]);
	else if (d[0] == 30 && d[1] < 64)
		restart(play);
	else if (d[0] == 31)
		configure(play, d[1]);
	else if (d[0] < 34)
		lf_chat_agent_busy(play->rig.engine, ids[d[1] % 4], d[2] & 1);
	else if (play->live[i]->peer.is_agent)
		as_agent(play, play->live[i], d[0] - 34, d[2], d[3]);
	else
		as_customer(play, play->live[i], d[0], d[2], d[3]);
}

/* From 255 on, the rest is one message as it comes from a socket. */
static void say_bytes(struct play *play, const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	size_t i;

	memcpy(text, data, size);
	text[size] = '\0';
	for (i = 0; i < play->n_live; i++)
		rig_say_raw(play->live[i], text);
	free(text);
	read_all(play);
	model_check(&play->rig);
}

void model_play(const uint8_t *data, size_t size)
{
	struct play *play = calloc(1, sizeof(*play));

	assert_non_null(play);
	rig_init(&play->rig);
	rig_config(&play->rig)->skillsets[0].welcome = "Welcome!";
	connect_one(play, false);
	connect_one(play, true);
	for (; size >= 4; data += 4, size -= 4) {
		if (data[0] == 255) {
			say_bytes(play, data + 1, size - 1);
			break;
		}
		step(play, data);
		rig_flush(&play->rig);
		read_all(play);
		model_check(&play->rig);
	}
	rig_done(&play->rig);
	free(play);
}
