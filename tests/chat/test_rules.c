/* tests/chat/test_rules.c - behaviours easily got wrong (protocol, 14), the
 * limits, the timers, and who may do what. */
#include "tests/chat/rig.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define G(s) ((long long)(s)->guid)

static size_t list_size(const json_t *body, const char *name)
{
	return json_array_size(json_object_get(body, name));
}

static void say(struct socket *agent, const struct socket *c, const char *text,
		const char *kind)
{
	rig_say(agent, "newMessage",
		"\"guid\":%lld,\"message\":\"%s\",\"messageType\":\"%s\"", G(c),
		text, kind);
}

static void join(struct socket *agent, const struct socket *c, const char *type)
{
	rig_say(agent, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"%s\"",
		G(c), type);
}

static bool operate(struct socket *s, const struct socket *c, const char *type,
		    const char *to)
{
	rig_say(s, "operationRequest",
		"\"guid\":%lld,\"destinationType\":\"%s\","
		"\"destinationId\":\"%s\"",
		G(c), type, to);
	return rig_yes(RIG_NOTE(s, "operationRequest"), "success");
}

static struct socket *ready_agent(struct rig *rig, const char *id)
{
	struct socket *s = rig_agent(rig, id);

	rig_say(s, "ext.setReadyState", "\"ready\":true");
	rig_drain(s);
	return s;
}

static struct socket *consultant(struct rig *rig, struct socket *a,
				 struct socket *c, const char *id)
{
	struct socket *b = ready_agent(rig, id);

	assert_true(operate(a, c, "consult", id));
	join(b, c, "consult");
	rig_drain(a);
	rig_drain(b);
	rig_drain(c);
	return b;
}

/* ---- messages ---- */

static void a_ping_needs_no_session_and_no_version(void **state)
{
	struct socket *c = rig_connect(*state, false);

	rig_say_raw(c, "{\"body\":{\"method\":\"ping\"},\"type\":\"request\"}");
	RIG_NOTE(c, "ping");
	rig_say_raw(c, "{\"apiVersion\":1.0,\"type\":\"request\",\"x\":1.5,"
		       "\"body\":{\"method\":\"ping\",\"more\":[{}]}}");
	RIG_NOTE(c, "ping");
	rig_say_raw(c, "{\"type\":\"acknowledgement\",\"body\":{\"method\":"
		       "\"newMessage\",\"accepted\":true}}");
	rig_quiet(c);
}

static void what_is_no_message_is_error_1(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{",
		"{}",
		"{\"type\":\"request\"}",
		"{\"type\":\"request\",\"body\":{}}",
		"{\"type\":\"request\",\"body\":{\"method\":7}}",
		"{\"type\":\"request\",\"body\":{\"method\":\"pong\"}}",
		"{\"type\":\"notification\",\"body\":{\"method\":\"ping\"}}",
		("{\"type\":\"request\",\"apiVersion\":\"2.0\",\"body\":"
		 "{\"method\":\"ping\"}}"),
		"{\"type\":\"request\",\"body\":{\"method\":\"agentLogin\"}}",
		"{\"type\":\"request\",\"body\":{\"method\":\"ping\"},}",
		"{\"type\":\"request\",\"body\":{\"method\":\"ping\"}} x",
	};
	struct socket *c = rig_connect(*state, false);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		rig_say_raw(c, bad[i]);
		rig_error(c, 1);
	}
	rig_say_raw(c, bad[7]);
	assert_string_equal("pong",
			    rig_text(rig_got(c, "error", "pong"), "method"));
	assert_int_equal(0, c->code);
}

static void half_a_key_is_error_2_and_the_third_closes(void **state)
{
	struct rig *rig = *state;
	struct socket *c = rig_connect(rig, false);

	rig_say(c, "queueStatus", "%s", "");
	rig_error(c, 2);
	rig_say(c, "requestChat", "\"authenticationKey\":\"abc\"");
	rig_error(c, 2);
	rig_say(c, "requestChat", "\"guid\":7");
	rig_error(c, 2);
	assert_int_equal(0, c->code);
	rig_say(c, "requestChat",
		"\"guid\":7,\"authenticationKey\":\"key0000000000000000001\"");
	rig_error(c, 2);
	assert_int_equal(1008, c->code);
}

static void a_bound_socket_stays_with_its_chat(void **state)
{
	struct rig *rig = *state;
	struct socket *c = rig_customer(rig, "WC_Sales");

	rig_say(c, "requestChat", "\"guid\":%lld,\"authenticationKey\":\"%s\"",
		G(c), c->key);
	RIG_NOTE(c, "requestChat");
	rig_say(c, "requestChat", "\"intrinsics\":{\"skillset\":\"WC_Sales\"}");
	rig_error(c, 1);
}

static void a_newer_socket_takes_the_session_over(void **state)
{
	struct rig *rig = *state;
	struct socket *c = rig_customer(rig, "WC_Sales");
	struct socket *d = rig_connect(rig, false);

	rig_resume(d, c);
	assert_int_equal(4000, c->code);
	rig_hang_up(c, 1000);
	rig_say(d, "queueStatus", "%s", "");
	assert_int_equal(
		1, rig_int(RIG_NOTE(d, "queueStatus"), "positionInQueue"));
}

static void agents_must_log_in_first(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_connect(rig, true);
	int i;

	rig_say(a, "agentLogout", "%s", "");
	rig_error(a, 1010);
	rig->is_good = false;
	for (i = 0; i < 3; i++) {
		assert_int_equal(0, a->code);
		rig_say(a, "agentLogin",
			"\"agentId\":\"anna\",\"password\":\"no\"");
		assert_false(
			rig_yes(RIG_NOTE(a, "agentLogin"), "loginSuccess"));
	}
	assert_int_equal(1008, a->code);
}

static void a_socket_without_a_session_is_closed(void **state)
{
	struct rig *rig = *state;
	struct socket *c = rig_connect(rig, false);

	rig_wait(rig, 59999);
	assert_int_equal(0, c->code);
	rig_wait(rig, 1);
	assert_int_equal(1008, c->code);
}

static void nothing_new_is_accepted_while_nothing_can_be_stored(void **state)
{
	struct rig *rig = *state;
	struct socket *c = rig_customer(rig, "WC_Sales"), *d;

	rig->engine->is_store_down = true;
	rig_say(c, "newMessage", "\"message\":\"x\"");
	rig_error(c, 500);
	rig_say(c, "closeConversation", "%s", "");
	assert_false(rig_yes(RIG_NOTE(c, "closeConversation"), "result"));
	assert_int_equal(0, c->code);
	d = rig_connect(rig, false);
	rig_say(d, "requestChat", "\"intrinsics\":{\"skillset\":\"WC_Sales\"}");
	rig_error(d, 500);
	rig_say(d, "ping", "%s", "");
	RIG_NOTE(d, "ping");
}

/* ---- limits ---- */

static void a_customer_has_five_chats(void **state)
{
	struct rig *rig = *state;
	struct socket *c = NULL, *d;
	int i;

	for (i = 0; i < 5; i++)
		c = rig_customer_as(rig, "WC_Sales", "John@Example.com");
	rig_hang_up(c, 0);
	d = rig_connect(rig, false);
	rig_say(d, "requestChat",
		"\"intrinsics\":{\"skillset\":\"WC_Sales\",\"email\":"
		"\" john@EXAMPLE.com \"}");
	rig_error(d, 1001);
	rig_say(d, "requestChat",
		"\"intrinsics\":{\"skillset\":\"WC_Sales\",\"email\":\" \"}");
	RIG_NOTE(d, "requestChat");
	rig_wait(rig, 150000);
	rig_customer_as(rig, "WC_Sales", "john@example.com");
}

static void a_queue_has_its_limit_and_a_skillset_its_state(void **state)
{
	struct rig *rig = *state;
	struct socket *c = rig_connect(rig, false);

	rig_config(rig)->skillsets[0].max_queued = 1;
	rig_customer(rig, "WC_Sales");
	rig_say(c, "requestChat", "\"intrinsics\":{\"skillset\":\"WC_Sales\"}");
	rig_error(c, 1002);
	rig_say(c, "requestChat", "\"intrinsics\":{\"skillset\":\"wc_sales\"}");
	rig_error(c, 1003);
	rig_config(rig)->skillsets[1].route_point = "";
	c = rig_connect(rig, false);
	rig_say(c, "requestChat",
		"\"intrinsics\":{\"skillset\":\"WC_Support\"}");
	rig_error(c, 1003);
	rig_config(rig)->skillsets[1].route_point = "rp";
	rig_config(rig)->reject_when_no_agents = true;
	rig_say(c, "requestChat",
		"\"intrinsics\":{\"skillset\":\"WC_Support\"}");
	rig_error(c, 1003);
}

static void an_agent_has_as_many_contacts_as_allowed(void **state)
{
	struct rig *rig = *state;
	struct socket *a = ready_agent(rig, "anna");
	int i;

	for (i = 0; i < 6; i++)
		rig_customer(rig, "WC_Sales");
	for (i = 0; i < 5; i++)
		RIG_NOTE(a, "ext.contactOffered");
	rig_quiet(a);
}

static void a_room_has_its_limit(void **state)
{
	static char text[60000];
	struct rig *rig = *state;
	struct socket *c = rig_customer(rig, "WC_Sales");
	size_t i;

	memset(text, 'x', 9999);
	for (i = 0; i < LF_CHAT_ROOM_BYTES / 11000; i++)
		rig_say(c, "newMessage", "\"message\":\"%s\"", text);
	rig_quiet(c);
	for (i = 0; i < 100; i++)
		rig_say(c, "newMessage", "\"message\":\"%s\"", text);
	rig_error(c, 500);
}

/* ---- routing ---- */

static void the_longest_idle_agent_is_first(void **state)
{
	struct rig *rig = *state;
	struct socket *a = ready_agent(rig, "anna"), *b, *c;

	rig_wait(rig, 1000);
	b = ready_agent(rig, "bert");
	c = rig_customer(rig, "WC_Sales");
	RIG_NOTE(a, "ext.contactOffered");
	rig_quiet(b);
	join(a, c, "active");
	rig_customer(rig, "WC_Sales");
	RIG_NOTE(b, "ext.contactOffered");
	/* and so on in turns, not one agent until it is full */
	rig_drain(a);
	rig_customer(rig, "WC_Sales");
	RIG_NOTE(a, "ext.contactOffered");
	rig_customer(rig, "WC_Sales");
	RIG_NOTE(b, "ext.contactOffered");
	rig_quiet(a);
}

static void the_queue_with_the_higher_priority_is_served_first(void **state)
{
	struct rig *rig = *state;
	struct socket *a, *c, *d;

	rig_config(rig)->skillsets[1].priority = 1;
	c = rig_customer(rig, "WC_Sales");
	d = rig_customer(rig, "WC_Support");
	a = ready_agent(rig, "carl");
	rig_say(a, "ext.setReadyState", "\"ready\":false");
	rig_drain(a);
	a = rig_agent(rig, "bert");
	rig_ready(a);
	assert_int_equal(d->guid,
			 rig_int(RIG_NOTE(a, "ext.contactOffered"), "guid"));
	assert_int_equal(c->guid,
			 rig_int(RIG_NOTE(a, "ext.contactOffered"), "guid"));
}

static void the_wait_is_learnt_from_answers(void **state)
{
	struct rig *rig = *state;
	struct socket *a = ready_agent(rig, "anna"), *c;
	int i;

	rig_config(rig)->agents[0].max_contacts = 20;
	for (i = 0; i < 4; i++) {
		c = rig_customer(rig, "WC_Sales");
		join(a, c, "active");
		rig_wait(rig, 10000);
	}
	rig_say(a, "ext.setReadyState", "\"ready\":false");
	rig_customer(rig, "WC_Sales");
	c = rig_customer(rig, "WC_Sales");
	rig_say(c, "queueStatus", "%s", "");
	assert_int_equal(
		20, rig_int(RIG_NOTE(c, "queueStatus"), "estimatedWaitTime"));
}

static void an_offer_may_time_out(void **state)
{
	struct rig *rig = *state;
	struct socket *a, *c;

	rig_config(rig)->offer_timeout_s = 20;
	a = ready_agent(rig, "anna");
	c = rig_customer(rig, "WC_Sales");
	assert_int_equal(20, rig_int(RIG_NOTE(a, "ext.contactOffered"),
				     "expires_inSeconds"));
	rig_wait(rig, 20000);
	assert_string_equal(
		"timeout",
		rig_text(RIG_NOTE(a, "ext.contactWithdrawn"), "cause"));
	assert_string_equal("offerTimeout",
			    rig_text(RIG_NOTE(a, "ext.agentState"), "cause"));
	rig_quiet(c);
}

static void a_lost_customer_is_not_offered(void **state)
{
	struct rig *rig = *state;
	struct socket *c = rig_customer(rig, "WC_Sales"), *d, *a;

	rig_customer(rig, "WC_Sales");
	rig_hang_up(c, 4001);
	a = ready_agent(rig, "anna");
	assert_int_equal(1, rig->engine->n_agents);
	d = rig_connect(rig, false);
	rig_resume(d, c);
	rig_say(d, "queueStatus", "%s", "");
	assert_int_equal(
		1, rig_int(RIG_NOTE(d, "queueStatus"), "positionInQueue"));
	assert_int_equal(c->guid,
			 rig_int(RIG_NOTE(a, "ext.contactOffered"), "guid"));
}

static void clients_without_extensions_take_contacts_by_number(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_connect(rig, true), *c;

	rig_config(rig)->agents[0].offer_mode = LF_CHAT_OFFER_EXTERNAL;
	rig_say(a, "agentLogin", "\"agentId\":\"anna\",\"password\":\"x\"");
	assert_null(json_object_get(RIG_NOTE(a, "agentLogin"), "ext"));
	rig_say(a, "ext.setReadyState", "\"ready\":true");
	c = rig_customer(rig, "WC_Sales");
	rig_quiet(a);
	join(a, c, "active");
	assert_null(json_object_get(RIG_NOTE(a, "agentJoinRoom"), "ext"));
	rig_quiet(a);
	RIG_NOTE(c, "newParticipant");
	c = rig_customer(rig, "WC_Support");
	join(a, c, "active");
	rig_error(a, 1011); /* not one of its skillsets */
}

static void the_server_may_join_for_an_agent(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_connect(rig, true), *c;

	rig_config(rig)->agents[0].offer_mode = LF_CHAT_OFFER_AUTOJOIN;
	rig_config(rig)->agents[0].is_ready_on_login = true;
	rig_say(a, "agentLogin", "\"agentId\":\"anna\",\"password\":\"x\"");
	RIG_NOTE(a, "agentLogin");
	c = rig_customer(rig, "WC_Sales");
	assert_int_equal(c->guid,
			 rig_int(RIG_NOTE(a, "agentJoinRoom"), "guid"));
	RIG_NOTE(c, "newParticipant");
}

static void an_agent_on_the_phone_gets_no_offer(void **state)
{
	struct rig *rig = *state;
	struct socket *a = ready_agent(rig, "anna");

	rig_config(rig)->busy_phone_is_not_ready = true;
	lf_chat_agent_busy(rig->engine, "anna", true);
	rig_customer(rig, "WC_Sales");
	rig_quiet(a);
	lf_chat_agent_busy(rig->engine, "anna", false);
	rig_flush(rig);
	RIG_NOTE(a, "ext.contactOffered");
}

/* ---- in the room ---- */

static void what_was_said_in_the_queue_waits_for_the_agent(void **state)
{
	struct rig *rig = *state;
	struct socket *a = ready_agent(rig, "anna");
	struct socket *c = rig_customer(rig, "WC_Sales");
	json_t *body, *messages;

	rig_say(c, "newMessage", "\"message\":\"hello?\"");
	rig_quiet(c);
	rig_drain(a);
	join(a, c, "active");
	body = RIG_NOTE(a, "agentJoinRoom");
	messages = json_object_get(
		json_object_get(body, "conversationTranscript"), "messages");
	assert_int_equal(1, json_array_size(messages));
	assert_string_equal("owner",
			    rig_text(json_object_get(body, "ext"), "mode"));
}

static void pages_are_pushed_both_ways(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);
	json_t *body;

	rig_say(c, "newPushPageMessage",
		"\"pagePushURL\":\"www.example.com\","
		"\"pagePushDestination\":\"newTab\"");
	body = RIG_NOTE(a, "pagePush");
	assert_null(json_object_get(body, "destination"));
	rig_say(a, "pagePush",
		"\"guid\":%lld,\"url\":\"x.y\",\"destination\":"
		"\"newBrowserTab\"",
		G(c));
	rig_quiet(a);
	body = RIG_NOTE(c, "newPushPageMessage");
	assert_string_equal("newTab", rig_text(body, "pagePushDestination"));
	rig_say(c, "newPushPageMessage",
		"\"pagePushURL\":\" JavaScript:alert(1)\"");
	rig_error(c, 1);
	rig_say(c, "newPushPageMessage",
		"\"pagePushURL\":\"java\\tscript:alert(1)\"");
	rig_error(c, 1);
	rig_say(a, "pagePush", "\"guid\":%lld,\"url\":\"data:text/html,x\"",
		G(c));
	rig_error(a, 1);
	rig_config(rig)->restrict_push = true;
	rig_say(a, "pagePush", "\"guid\":%lld,\"url\":\"x.y\"", G(c));
	rig_error(a, 1012);
}

static void comfort(struct rig *rig)
{
	static struct lf_chat_comfort_group group;
	struct lf_chat_config *config = rig_config(rig);

	group.name = "calm";
	group.delay_s = 45;
	group.messages = lf_chat_config_json(
		config, "[\"one moment\",\"soon\"]", JSON_ARRAY);
	config->comforts = calloc(1, sizeof(group));
	config->comforts[0] = group;
	config->n_comforts = 1;
	config->skillsets[0].in_chat_comfort = "calm";
}

static void a_waiting_customer_is_comforted(void **state)
{
	struct rig *rig = *state;
	struct socket *a, *c;
	json_t *body;

	comfort(rig);
	a = rig_agent(rig, "anna");
	c = rig_chat(rig, a);
	rig_say(c, "newMessage", "\"message\":\"hi\"");
	RIG_NOTE(a, "newMessage");
	say(a, c, "psst", "whisper"); /* does not count */
	rig_drain(a);
	rig_wait(rig, 29999);
	rig_quiet(c);
	rig_wait(rig, 1);
	assert_string_equal("one moment",
			    rig_text(RIG_NOTE(c, "newMessage"), "message"));
	body = RIG_NOTE(a, "newMessage");
	assert_string_equal("comfortMessage", rig_text(body, "messageType"));
	assert_string_equal(
		"anna", rig_text(json_object_get(body, "sender"), "agentId"));
	rig_say(c, "ping", "%s", "");
	rig_drain(c);
	rig_wait(rig, 45000);
	assert_string_equal("soon",
			    rig_text(RIG_NOTE(c, "newMessage"), "message"));
	rig_say(c, "ping", "%s", "");
	rig_drain(c);
	rig_wait(rig, 80000);
	rig_quiet(c);
	say(a, c, "here I am", "normal");
	rig_drain(c);
	rig_say(c, "newMessage", "\"message\":\"fine\"");
	rig_wait(rig, 30000);
	assert_string_equal("one moment",
			    rig_text(RIG_NOTE(c, "newMessage"), "message"));
}

static void a_silent_customer_may_be_sent_away(void **state)
{
	struct rig *rig = *state;
	struct socket *a, *c;

	rig_config(rig)->check_idle_customer = true;
	rig_config(rig)->idle_customer_s = 60;
	a = rig_agent(rig, "anna");
	c = rig_chat(rig, a);
	rig_wait(rig, 59000);
	rig_say(c, "newMessage", "\"message\":\"hi\"");
	rig_wait(rig, 59999);
	assert_int_equal(0, c->code);
	rig_drain(a);
	rig_wait(rig, 1);
	assert_true(rig_yes(RIG_NOTE(c, "participantLeave"), "endChatFlag"));
	assert_int_equal(1000, c->code);
	RIG_NOTE(a, "customerDisconnect");
}

static void a_customer_without_a_ping_is_lost(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);

	rig_wait(rig, 80000);
	rig_say(c, "ping", "%s", "");
	rig_drain(c);
	rig_wait(rig, 89999);
	assert_int_equal(0, c->code);
	rig_wait(rig, 1);
	assert_int_equal(4001, c->code);
	assert_false(rig_yes(RIG_NOTE(a, "customerConnectionStatus"),
			     "isConnected"));
}

/* ---- consultation and conference ---- */

static void an_invitation_may_time_out(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;

	b = ready_agent(rig, "bert");
	assert_true(operate(a, c, "consult", "bert"));
	assert_string_equal(
		"consult",
		rig_text(RIG_NOTE(b, "ext.contactOffered"), "joinType"));
	assert_false(operate(a, c, "consult", "bert"));
	rig_wait(rig, 30000);
	assert_false(rig_yes(RIG_NOTE(a, "operationRequest"), "success"));
	RIG_NOTE(b, "ext.contactWithdrawn");
	rig_say(c, "ping", "%s", "");
	assert_true(operate(a, c, "consult", "bert"));
	RIG_NOTE(b, "ext.contactOffered");
	rig_say(b, "ext.declineContact", "\"guid\":%lld", G(c));
	assert_false(rig_yes(RIG_NOTE(a, "operationRequest"), "success"));
}

static void a_chat_ends_over_a_consultant(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;

	b = consultant(rig, a, c, "bert");
	rig_say(a, "agentQuitChat", "\"guid\":%lld", G(c));
	assert_int_equal(
		1, list_size(RIG_NOTE(a, "agentQuitChat"), "closedReasons"));
	assert_string_equal("conference closed by owner",
			    rig_text(RIG_NOTE(b, "exitRoom"), "scenario"));
	assert_true(rig_yes(RIG_NOTE(c, "participantLeave"), "endChatFlag"));
}

static void a_hidden_consultant_is_shown_in_the_conference(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;

	rig_config(rig)->tell_consult = false;
	b = ready_agent(rig, "bert");
	assert_true(operate(a, c, "consult", "bert"));
	join(b, c, "consult");
	rig_quiet(c);
	rig_drain(a);
	assert_true(operate(a, c, "conference", "bert"));
	assert_int_equal(2, rig_int(RIG_NOTE(c, "newParticipant"),
				    "numberOfParticipants"));
}

static void the_owner_drops_and_changes_places(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;

	rig_say(a, "dropPassiveParticipant", "\"guid\":%lld", G(c));
	rig_error(a, 1013);
	rig_say(a, "changeConferenceOwner", "\"guid\":%lld", G(c));
	rig_error(a, 1013);
	b = consultant(rig, a, c, "bert");
	rig_say(b, "conferenceClose", "\"guid\":%lld", G(c));
	rig_error(b, 1012);
	rig_say(b, "leaveRoom", "\"guid\":%lld", G(c));
	assert_string_equal("left room",
			    rig_text(RIG_NOTE(b, "exitRoom"), "scenario"));
	RIG_NOTE(c, "participantLeave");
	rig_drain(a);
	rig_drain(b);
	assert_true(operate(a, c, "conference", "bert"));
	join(b, c, "consult");
	rig_drain(a);
	rig_drain(b);
	rig_drain(c);
	say(b, c, "hi", "normal");
	RIG_NOTE(c, "newMessage");
	rig_drain(a);
	rig_drain(b);
	rig_say(a, "changeConferenceOwner", "\"guid\":%lld", G(c));
	assert_string_equal(
		"bert",
		rig_text(RIG_NOTE(a, "changeConferenceOwner"), "newOwner"));
	RIG_NOTE(b, "changeConferenceOwner");
	rig_quiet(c);
	rig_drain(a);
	rig_drain(b);
	rig_say(b, "dropPassiveParticipant", "\"guid\":%lld", G(c));
	assert_string_equal("dropped by conference owner",
			    rig_text(RIG_NOTE(a, "exitRoom"), "scenario"));
	assert_int_equal(1, rig_int(RIG_NOTE(c, "participantLeave"),
				    "numberOfParticipants"));
}

static void a_chat_is_offered_to_one_agent_alone(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);
	struct socket *b = ready_agent(rig, "bert");
	json_t *body;

	assert_true(operate(a, c, "agent", "bert"));
	body = RIG_NOTE(b, "ext.contactOffered");
	assert_string_equal("transferAgent", rig_text(body, "offerType"));
	assert_string_equal("anna", rig_text(body, "fromAgentId"));
	RIG_NOTE(c, "participantLeave");
	rig_say(b, "ext.declineContact", "\"guid\":%lld", G(c));
	/* back in its queue, and the one who is ready gets it */
	body = RIG_NOTE(a, "ext.contactOffered");
	assert_string_equal("queue", rig_text(body, "offerType"));
}

static void after_a_transfer_not_ready_stays_not_ready(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);

	ready_agent(rig, "bert");
	rig_say(a, "ext.setReadyState", "\"ready\":false");
	RIG_NOTE(a, "ext.agentState");
	assert_true(operate(a, c, "agent", "bert"));
	rig_quiet(a);
	assert_false(lf_chat_agent_find(rig->engine, "anna")->is_ready);
}

/* ---- agents come and go ---- */

static void an_agent_goes_home_when_all_is_done(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);

	rig_config(rig)->reason_required = true;
	rig_say(a, "agentLogout", "%s", "");
	rig_error(a, 1013);
	rig_say(a, "agentQuitChat", "\"guid\":%lld", G(c));
	rig_drain(a);
	rig_say(a, "agentLogout", "%s", "");
	rig_error(a, 1013);
	rig_say(a, "agentSetClosedReason",
		"\"guid\":%lld,\"closedReasonCode\":null", G(c));
	assert_false(rig_yes(RIG_NOTE(a, "agentSetClosedReason"), "accepted"));
	rig_say(a, "agentSetClosedReason",
		"\"guid\":%lld,\"closedReasonCode\":44", G(c));
	assert_true(rig_yes(RIG_NOTE(a, "agentSetClosedReason"), "accepted"));
	rig_say(a, "agentLogout", "%s", "");
	assert_int_equal(1000, a->code);
	rig_quiet(a);
	assert_int_equal(0, rig->engine->n_agents);
	assert_int_equal(0, rig->engine->n_contacts);
}

static void a_second_login_takes_over_or_releases(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;

	b = rig_agent(rig, "anna");
	assert_int_equal(4000, a->code);
	RIG_NOTE(b, "ext.roomUpdate");
	rig_hang_up(a, 0);
	say(b, c, "hi", "normal");
	RIG_NOTE(c, "newMessage");
	rig_drain(b);
	a = rig_connect(rig, true);
	rig_say(a, "agentLogin",
		"\"agentId\":\"anna\",\"password\":\"x\",\"reconnect\":false");
	assert_string_equal("logged in elsewhere",
			    rig_text(RIG_NOTE(b, "exitRoom"), "scenario"));
	assert_int_equal(4000, b->code);
	assert_int_equal(0, rig_int(RIG_NOTE(c, "participantLeave"),
				    "numberOfParticipants"));
	rig_say(c, "queueStatus", "%s", "");
	assert_int_equal(
		1, rig_int(RIG_NOTE(c, "queueStatus"), "positionInQueue"));
}

static void screen_pops_know_the_contact(void **state)
{
	struct rig *rig = *state;
	struct lf_chat_config *config = rig_config(rig);
	struct socket *a = rig_agent(rig, "anna"), *c;
	char expected[64];
	json_t *pops;

	config->pops = calloc(1, sizeof(*config->pops));
	config->pops[0] = (struct lf_chat_screen_pop){
		.name = "CRM", .target = "https://crm/%VALUE%/x?%VALUE%"};
	config->n_pops = 1;
	rig_say(a, "screenPops", "%s", "");
	pops = json_object_get(RIG_NOTE(a, "screenPops"), "screenPops");
	assert_string_equal("https://crm/%VALUE%/x?%VALUE%",
			    rig_text(json_array_get(pops, 0), "target"));
	c = rig_chat(rig, a);
	rig_say(a, "screenPops", "%s", "");
	pops = json_object_get(RIG_NOTE(a, "screenPops"), "screenPops");
	snprintf(expected, sizeof(expected), "https://crm/%lld/x?%lld", G(c),
		 G(c));
	assert_string_equal(expected,
			    rig_text(json_array_get(pops, 0), "target"));
}

static void only_those_in_the_room_have_a_part_in_it(void **state)
{
	static const char *const methods[] = {
		"agentQuitChat",          "leaveRoom",
		"dropPassiveParticipant", "changeConferenceOwner",
		"conferenceClose",        "getDestinations"};
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);
	struct socket *b = rig_agent(rig, "bert");
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		rig_say(b, methods[i], "\"guid\":%lld", G(c));
		rig_error(b, 1011);
		rig_say(b, methods[i], "\"guid\":\"2147483647\"");
		rig_error(b, 1011);
	}
	say(b, c, "hi", "normal");
	rig_error(b, 1011);
	join(b, c, "observe");
	rig_error(b, 1012);
	join(b, c, "active");
	rig_error(b, 1012);
	rig_say(b, "agentData", "%s", "");
	rig_error(b, 1012);
	rig_say(b, "customerHistory", "\"guid\":%lld,\"amount\":5", G(c));
	rig_error(b, 1011);
	rig_quiet(c);
	rig_quiet(a);
}

static void the_wall_clock_may_jump(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);

	rig->engine->wall_ms -= 3600000;
	say(a, c, "hi", "normal");
	RIG_NOTE(c, "newMessage");
	rig_drain(a);
	rig_say(a, "getDestinations", "\"guid\":%lld", G(c));
	assert_int_equal(
		2, list_size(RIG_NOTE(a, "getDestinations"), "destinations"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

static void
how_far_a_customer_is_gets_stored_when_the_room_is_quiet(void **state)
{
	struct rig *rig = *state;
	struct socket *a = ready_agent(rig, "anna");
	struct socket *c = rig_chat(rig, a), *d = rig_chat(rig, a);

	say(a, c, "one", "normal");
	rig_wait(rig, 300);
	say(a, d, "two", "normal");
	rig_wait(rig, 250);
	lf_chat_wake(rig->engine);
	lf_chat_save_sent(rig->engine, 500);
	rig_flush(rig);
	assert_int_equal(1, rig->sents); /* c, and not d yet */
	say(a, c, "three", "normal");
	rig_wait(rig, 250);
	lf_chat_wake(rig->engine);
	lf_chat_save_sent(rig->engine, 500);
	lf_chat_save_sent(rig->engine, 500);
	rig_flush(rig);
	assert_int_equal(2, rig->sents);
}

static void a_message_may_have_any_character(void **state)
{
	struct rig *rig = *state;
	struct socket *a = ready_agent(rig, "anna");
	struct socket *c = rig_chat(rig, a);

	/* What no text of ours can hold is replaced, and counts as one. */
	rig_say(c, "newMessage", "\"message\":\"\\u0000\"");
	assert_string_equal("\xef\xbf\xbd",
			    rig_text(RIG_NOTE(a, "newMessage"), "message"));
	rig_say(c, "newMessage",
		"\"message\":\"x\\u0001\\u007f\\ud83d\\ude00\"");
	assert_string_equal("x\001\177\xf0\x9f\x98\x80",
			    rig_text(RIG_NOTE(a, "newMessage"), "message"));
	rig_quiet(c);
	rig_say(c, "new\\u0000Message", "\"message\":\"x\"");
	rig_error(c, LF_CHAT_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ping_needs_no_session_and_no_version),
		TEST(what_is_no_message_is_error_1),
		TEST(half_a_key_is_error_2_and_the_third_closes),
		TEST(a_bound_socket_stays_with_its_chat),
		TEST(a_newer_socket_takes_the_session_over),
		TEST(agents_must_log_in_first),
		TEST(a_socket_without_a_session_is_closed),
		TEST(nothing_new_is_accepted_while_nothing_can_be_stored),
		TEST(a_customer_has_five_chats),
		TEST(a_queue_has_its_limit_and_a_skillset_its_state),
		TEST(an_agent_has_as_many_contacts_as_allowed),
		TEST(a_room_has_its_limit),
		TEST(the_longest_idle_agent_is_first),
		TEST(the_queue_with_the_higher_priority_is_served_first),
		TEST(the_wait_is_learnt_from_answers),
		TEST(an_offer_may_time_out),
		TEST(a_lost_customer_is_not_offered),
		TEST(clients_without_extensions_take_contacts_by_number),
		TEST(the_server_may_join_for_an_agent),
		TEST(an_agent_on_the_phone_gets_no_offer),
		TEST(what_was_said_in_the_queue_waits_for_the_agent),
		TEST(pages_are_pushed_both_ways),
		TEST(a_waiting_customer_is_comforted),
		TEST(a_silent_customer_may_be_sent_away),
		TEST(a_customer_without_a_ping_is_lost),
		TEST(an_invitation_may_time_out),
		TEST(a_chat_ends_over_a_consultant),
		TEST(a_hidden_consultant_is_shown_in_the_conference),
		TEST(the_owner_drops_and_changes_places),
		TEST(a_chat_is_offered_to_one_agent_alone),
		TEST(after_a_transfer_not_ready_stays_not_ready),
		TEST(an_agent_goes_home_when_all_is_done),
		TEST(a_second_login_takes_over_or_releases),
		TEST(screen_pops_know_the_contact),
		TEST(only_those_in_the_room_have_a_part_in_it),
		TEST(the_wall_clock_may_jump),
		TEST(a_message_may_have_any_character),
		TEST(how_far_a_customer_is_gets_stored_when_the_room_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
