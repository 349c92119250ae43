/* tests/chat/test_charts.c - the sequence charts of the protocol, on the
 * engine alone. */
#include "tests/chat/rig.h"

#include <string.h>

#include "core/banned.h"

#define G(s) ((long long)(s)->guid)

static void end_to_end(void **state)
{
	struct rig *rig = *state;
	struct socket *a, *c;
	json_t *body;

	rig_config(rig)->skillsets[0].welcome = "Welcome!";
	a = rig_agent(rig, "anna");
	c = rig_customer(rig, "WC_Sales");
	rig_say(c, "queueStatus", "%s", "");
	body = RIG_NOTE(c, "queueStatus");
	assert_int_equal(1, rig_int(body, "positionInQueue"));
	assert_int_equal(60, rig_int(body, "estimatedWaitTime"));

	rig_ready(a);
	body = RIG_NOTE(a, "ext.contactOffered");
	assert_int_equal(c->guid, rig_int(body, "guid"));
	assert_string_equal("active", rig_text(body, "joinType"));
	rig_say(a, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"active\"",
		G(c));
	RIG_NOTE(a, "agentJoinRoom");
	RIG_NOTE(a, "ext.roomUpdate");
	body = RIG_NOTE(c, "newParticipant");
	assert_string_equal("anna", rig_text(body, "agentId"));
	assert_string_equal("active_participant", rig_text(body, "role"));
	assert_int_equal(1, rig_int(body, "numberOfParticipants"));
	assert_string_equal("Welcome!",
			    rig_text(RIG_NOTE(c, "newMessage"), "message"));
	assert_string_equal("welcomeMessage",
			    rig_text(RIG_NOTE(a, "newMessage"), "messageType"));

	rig_say(c, "isTyping", "\"isTyping\":true");
	assert_true(rig_yes(RIG_NOTE(a, "isTyping"), "isTyping"));
	rig_say(c, "newMessage", "\"message\":\"hi\"");
	body = RIG_NOTE(a, "newMessage");
	assert_string_equal("hi", rig_text(body, "message"));
	assert_string_equal("customer",
			    rig_text(json_object_get(body, "sender"), "type"));
	rig_quiet(c);
	rig_say(a, "newMessage",
		"\"guid\":%lld,\"message\":\"hello\",\"messageType\":"
		"\"normal\"",
		G(c));
	rig_got(a, "acknowledgement", "newMessage");
	rig_quiet(a);
	body = RIG_NOTE(c, "newMessage");
	assert_string_equal("hello", rig_text(body, "message"));
	assert_string_equal("Agent", rig_text(body, "displayName"));
	rig_say(c, "ping", "%s", "");
	RIG_NOTE(c, "ping");
	assert_int_equal(3, rig->saves);
}

static void a_customer_comes_back_in_time(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *d;
	json_t *body;

	rig_hang_up(c, 4001);
	assert_false(rig_yes(RIG_NOTE(a, "customerConnectionStatus"),
			     "isConnected"));
	rig_say(a, "newMessage",
		"\"guid\":%lld,\"message\":\"still there?\","
		"\"messageType\":\"normal\"",
		G(c));
	rig_got(a, "acknowledgement", "newMessage");
	rig_say(a, "newMessage",
		"\"guid\":%lld,\"message\":\"psst\","
		"\"messageType\":\"whisper\"",
		G(c));
	rig_got(a, "acknowledgement", "newMessage");
	rig_wait(rig, 149999);
	d = rig_connect(rig, false);
	rig_resume(d, c);
	assert_true(rig_yes(RIG_NOTE(a, "customerConnectionStatus"),
			    "isConnected"));
	body = RIG_NOTE(d, "newParticipant");
	assert_string_equal("anna", rig_text(body, "agentId"));
	body = RIG_NOTE(d, "newMessage");
	assert_string_equal("still there?", rig_text(body, "message"));
	rig_quiet(d);
}

static void a_customer_comes_back_too_late(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *d;
	json_t *body;

	rig_hang_up(c, 0);
	RIG_NOTE(a, "customerConnectionStatus");
	rig_wait(rig, 150000);
	body = RIG_NOTE(a, "customerDisconnect");
	assert_int_equal(
		1, json_array_size(json_object_get(body, "closedReasons")));
	d = rig_connect(rig, false);
	rig_say(d, "requestChat", "\"guid\":%lld,\"authenticationKey\":\"%s\"",
		G(c), c->key);
	rig_error(d, 2);
}

static void an_agent_who_declines_one_declines_all(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *b, *c, *d;
	json_t *body;

	rig_ready(a);
	c = rig_customer(rig, "WC_Sales");
	d = rig_customer(rig, "WC_Sales");
	RIG_NOTE(a, "ext.contactOffered");
	RIG_NOTE(a, "ext.contactOffered");
	rig_say(a, "ext.declineContact", "\"guid\":%lld", G(c));
	body = RIG_NOTE(a, "ext.contactWithdrawn");
	assert_int_equal(c->guid, rig_int(body, "guid"));
	assert_string_equal("declined", rig_text(body, "cause"));
	assert_int_equal(d->guid,
			 rig_int(RIG_NOTE(a, "ext.contactWithdrawn"), "guid"));
	body = RIG_NOTE(a, "ext.agentState");
	assert_string_equal("notReady", rig_text(body, "readyState"));
	assert_string_equal("declined", rig_text(body, "cause"));
	rig_quiet(c);
	b = rig_agent(rig, "bert");
	rig_ready(b);
	assert_int_equal(c->guid,
			 rig_int(RIG_NOTE(b, "ext.contactOffered"), "guid"));
	assert_int_equal(d->guid,
			 rig_int(RIG_NOTE(b, "ext.contactOffered"), "guid"));
}

static bool operate(struct socket *s, const struct socket *c, const char *type,
		    const char *to)
{
	rig_say(s, "operationRequest",
		"\"guid\":%lld,\"destinationType\":\"%s\","
		"\"destinationId\":\"%s\","
		"\"ext\":{\"transferReason\":\"Billing\"}",
		G(c), type, to);
	return rig_yes(RIG_NOTE(s, "operationRequest"), "success");
}

static void a_chat_goes_to_another_skillset(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;
	json_t *body;

	assert_false(operate(a, c, "queue", "14")); /* nobody is there */
	rig_quiet(a);
	rig_quiet(c);
	b = rig_agent(rig, "bert");
	rig_ready(b);
	rig_say(a, "newMessage",
		"\"guid\":%lld,\"message\":\"one moment\","
		"\"messageType\":\"normal\"",
		G(c));
	rig_drain(a);
	rig_drain(c);
	assert_true(operate(a, c, "queue", "14"));
	body = RIG_NOTE(c, "participantLeave");
	assert_false(rig_yes(body, "endChatFlag"));
	assert_int_equal(0, rig_int(body, "numberOfParticipants"));
	body = RIG_NOTE(b, "ext.contactOffered");
	assert_string_equal("Billing", rig_text(body, "transferReason"));
	assert_string_equal("WC_Support", rig_text(body, "skillset"));
	rig_say(b, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"active\"",
		G(c));
	body = RIG_NOTE(b, "agentJoinRoom");
	assert_int_equal(
		1, json_array_size(json_object_get(
			   json_object_get(body, "conversationTranscript"),
			   "messages")));
	RIG_NOTE(c, "newParticipant");
	rig_quiet(c); /* no welcome */
}

/* B consults in A's room; everybody drained. */
static struct socket *consult(struct rig *rig, struct socket *a,
			      struct socket *c, const char *who)
{
	struct socket *b = rig_agent(rig, who);

	rig_ready(b);
	rig_drain(b);
	assert_true(operate(a, c, "consult", who));
	rig_drain(b);
	rig_say(b, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"consult\"",
		G(c));
	RIG_NOTE(b, "agentJoinRoom");
	rig_drain(b);
	return b;
}

static void a_consultation_ends_in_a_transfer(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;
	json_t *body;

	b = consult(rig, a, c, "bert");
	body = RIG_NOTE(a, "activeAgentNotification");
	assert_string_equal("passive_participant", rig_text(body, "userType"));
	body = RIG_NOTE(c, "newParticipant");
	assert_string_equal("passive_participant", rig_text(body, "role"));
	assert_int_equal(2, rig_int(body, "numberOfParticipants"));
	rig_say(a, "newMessage",
		"\"guid\":%lld,\"message\":\"rich\",\"messageType\":"
		"\"whisper\"",
		G(c));
	RIG_NOTE(b, "newMessage");
	rig_quiet(c);
	rig_say(b, "newMessage",
		"\"guid\":%lld,\"message\":\"hm\",\"messageType\":\"normal\"",
		G(c));
	rig_error(b, 1012);
	rig_quiet(c);
	rig_drain(a);
	assert_true(operate(a, c, "agent", "bert"));
	body = RIG_NOTE(b, "changeConferenceOwner");
	assert_string_equal("bert", rig_text(body, "newOwner"));
	body = RIG_NOTE(c, "participantLeave");
	assert_string_equal("anna", rig_text(body, "agentId"));
	assert_int_equal(1, rig_int(body, "numberOfParticipants"));
	rig_drain(b);
	rig_ready(a);
	assert_false(operate(b, c, "agent", "anna")); /* only once */
}

static void a_consultation_ends_in_a_conference(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;
	struct socket *d = rig_agent(rig, "carl");
	json_t *body;

	rig_ready(d);
	b = consult(rig, a, c, "bert");
	rig_drain(a);
	rig_drain(c);
	assert_true(operate(a, c, "conference", "bert"));
	rig_drain(a);
	rig_say(b, "newMessage",
		"\"guid\":%lld,\"message\":\"hi\",\"messageType\":\"normal\"",
		G(c));
	RIG_NOTE(b, "ext.roomUpdate");
	rig_got(b, "acknowledgement", "newMessage");
	RIG_NOTE(c, "newMessage");
	RIG_NOTE(a, "newMessage");
	assert_false(operate(a, c, "consult", "carl"));
	rig_say(a, "agentQuitChat", "\"guid\":%lld", G(c));
	body = RIG_NOTE(a, "agentQuitChat");
	assert_int_equal(
		0, json_array_size(json_object_get(body, "closedReasons")));
	RIG_NOTE(b, "changeConferenceOwner");
	body = RIG_NOTE(c, "participantLeave");
	assert_false(rig_yes(body, "endChatFlag"));
	rig_drain(b);
	rig_say(b, "agentQuitChat", "\"guid\":%lld", G(c));
	body = RIG_NOTE(b, "agentQuitChat");
	assert_int_equal(
		1, json_array_size(json_object_get(body, "closedReasons")));
	assert_true(rig_yes(RIG_NOTE(c, "participantLeave"), "endChatFlag"));
	assert_int_equal(1000, c->code);
}

static void a_supervisor_observes_and_barges(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);
	struct socket *v = rig_agent(rig, "vera");
	json_t *body;

	assert_false(operate(v, c, "barge", "anna")); /* not observing */
	rig_say(v, "agentData", "%s", "");
	body = RIG_NOTE(v, "agentData");
	assert_int_equal(1, json_array_size(json_object_get(body, "agents")));
	rig_say(v, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"observe\"",
		G(c));
	RIG_NOTE(v, "agentJoinRoom");
	body = RIG_NOTE(a, "activeAgentNotification");
	assert_string_equal("supervisor_observe", rig_text(body, "userType"));
	rig_quiet(c);
	rig_drain(a);
	rig_drain(v);
	rig_say(v, "newMessage",
		"\"guid\":%lld,\"message\":\"x\",\"messageType\":\"whisper\"",
		G(c));
	rig_error(v, 1012);
	rig_quiet(a);

	assert_true(operate(v, c, "barge", "anna"));
	RIG_NOTE(a, "supervisorBarge");
	body = RIG_NOTE(c, "newParticipant");
	assert_string_equal("vera", rig_text(body, "agentId"));
	assert_int_equal(2, rig_int(body, "numberOfParticipants"));
	rig_quiet(c);
	rig_drain(a);
	rig_drain(v);
	rig_say(a, "newMessage",
		"\"guid\":%lld,\"message\":\"x\",\"messageType\":\"normal\"",
		G(c));
	rig_error(a, 1012);
	rig_say(a, "newMessage",
		"\"guid\":%lld,\"message\":\"x\",\"messageType\":\"whisper\"",
		G(c));
	rig_got(a, "acknowledgement", "newMessage");
	RIG_NOTE(v, "newMessage");
	rig_quiet(c);
	rig_say(v, "agentQuitChat", "\"guid\":%lld", G(c));
	RIG_NOTE(v, "agentQuitChat");
	body = RIG_NOTE(a, "changeConferenceOwner");
	assert_string_equal("anna", rig_text(body, "newOwner"));
	body = RIG_NOTE(c, "participantLeave");
	assert_false(rig_yes(body, "endChatFlag"));
	assert_int_equal(1, rig_int(body, "numberOfParticipants"));
}

static void an_agent_closes_and_gives_a_reason(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);

	rig_say(a, "agentQuitChat", "\"guid\":%lld", G(c));
	assert_true(rig_yes(RIG_NOTE(c, "participantLeave"), "endChatFlag"));
	assert_int_equal(1000, c->code);
	RIG_NOTE(a, "agentQuitChat");
	assert_int_equal(1, rig->transcribed);
	rig_say(a, "agentSetClosedReason",
		"\"guid\":%lld,\"closedReasonCode\":45", G(c));
	assert_false(rig_yes(RIG_NOTE(a, "agentSetClosedReason"), "accepted"));
	rig_say(a, "agentSetClosedReason",
		"\"guid\":%lld,\"closedReasonCode\":44,\"agentNote\":\"note\"",
		G(c));
	assert_true(rig_yes(RIG_NOTE(a, "agentSetClosedReason"), "accepted"));
	assert_int_equal(1, rig->drops);
	rig_say(a, "agentSetClosedReason",
		"\"guid\":%lld,\"closedReasonCode\":44", G(c));
	assert_false(rig_yes(RIG_NOTE(a, "agentSetClosedReason"), "accepted"));
}

static void a_customer_closes(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *d;

	rig_say(c, "closeConversation", "%s", "");
	assert_true(rig_yes(RIG_NOTE(c, "closeConversation"), "result"));
	assert_int_equal(1000, c->code);
	RIG_NOTE(a, "customerDisconnect");
	d = rig_connect(rig, false);
	rig_say(d, "requestChat", "\"guid\":%lld,\"authenticationKey\":\"%s\"",
		G(c), c->key);
	rig_error(d, 2);
}

static void a_customer_leaves_the_queue(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c;
	json_t *body;

	rig_ready(a);
	c = rig_customer(rig, "WC_Sales");
	RIG_NOTE(a, "ext.contactOffered");
	rig_say(c, "closeConversation", "%s", "");
	RIG_NOTE(c, "closeConversation");
	body = RIG_NOTE(a, "ext.contactWithdrawn");
	assert_string_equal("customerLeft", rig_text(body, "cause"));
	rig_quiet(a); /* stays ready */
	assert_int_equal(1, rig->drops);
}

static void a_lost_agent_is_replaced(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;
	json_t *body;

	rig_hang_up(a, 0);
	rig_quiet(c);
	rig_wait(rig, 60000);
	rig_say(c, "ping", "%s", "");
	rig_drain(c);
	b = rig_agent(rig, "anna");
	rig_say(b, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"active\"",
		G(c));
	RIG_NOTE(b, "ext.roomUpdate");
	RIG_NOTE(b, "agentJoinRoom");
	rig_quiet(c);
	rig_hang_up(b, 0);
	rig_wait(rig, 80000);
	rig_say(c, "ping", "%s", "");
	rig_drain(c);
	rig_wait(rig, 70000);
	body = RIG_NOTE(c, "participantLeave");
	assert_string_equal("anna", rig_text(body, "agentId"));
	assert_int_equal(0, rig_int(body, "numberOfParticipants"));
	b = rig_agent(rig, "bert");
	rig_ready(b);
	assert_int_equal(c->guid,
			 rig_int(RIG_NOTE(b, "ext.contactOffered"), "guid"));
}

static void a_restart_loses_nothing(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a);
	struct socket *q = rig_customer(rig, "WC_Sales"), was_c, was_q, *d;
	json_t *body;

	rig_say(c, "newMessage", "\"message\":\"hi\"");
	was_c = *c;
	was_q = *q;
	rig_restart(rig);
	a = rig_agent(rig, "anna");
	RIG_NOTE(a, "ext.roomUpdate");
	assert_string_equal("switchover",
			    rig_text(RIG_NOTE(a, "ext.agentState"), "cause"));
	d = rig_connect(rig, false);
	rig_resume(d, &was_c);
	body = RIG_NOTE(d, "newParticipant");
	assert_string_equal("anna", rig_text(body, "agentId"));
	rig_quiet(d);
	rig_drain(a);
	rig_say(a, "agentJoinRoom", "\"guid\":%lld,\"joinType\":\"active\"",
		(long long)was_c.guid);
	body = RIG_NOTE(a, "agentJoinRoom");
	assert_int_equal(
		1, json_array_size(json_object_get(
			   json_object_get(body, "conversationTranscript"),
			   "messages")));
	d = rig_connect(rig, false);
	rig_resume(d, &was_q);
	rig_quiet(a); /* nobody is ready */
	rig_ready(a);
	assert_int_equal(was_q.guid,
			 rig_int(RIG_NOTE(a, "ext.contactOffered"), "guid"));
	assert_true(rig_customer(rig, "WC_Sales")->guid > was_q.guid);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(end_to_end),
		TEST(a_customer_comes_back_in_time),
		TEST(a_customer_comes_back_too_late),
		TEST(an_agent_who_declines_one_declines_all),
		TEST(a_chat_goes_to_another_skillset),
		TEST(a_consultation_ends_in_a_transfer),
		TEST(a_consultation_ends_in_a_conference),
		TEST(a_supervisor_observes_and_barges),
		TEST(an_agent_closes_and_gives_a_reason),
		TEST(a_customer_closes),
		TEST(a_customer_leaves_the_queue),
		TEST(a_lost_agent_is_replaced),
		TEST(a_restart_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
