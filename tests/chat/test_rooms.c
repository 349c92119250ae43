/* tests/chat/test_rooms.c - who may do what in a room, what its customer is
 * told, and how agents come and go. */
#include "tests/chat/rig.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define G(s) ((long long)(s)->guid)

static size_t list_size(const json_t *body, const char *name)
{
	return json_array_size(json_object_get(body, name));
}

/* ---- in the room ---- */

static void what_was_said_in_the_queue_waits_for_the_agent(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_ready_agent(rig, "anna");
	struct socket *c = rig_customer(rig, "WC_Sales");
	json_t *body, *messages;

	rig_say(c, "newMessage", "\"message\":\"hello?\"");
	rig_quiet(c);
	rig_drain(a);
	rig_join(a, c, "active");
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
	rig_talk(a, c, "psst", "whisper"); /* does not count */
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
	rig_talk(a, c, "here I am", "normal");
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

	b = rig_ready_agent(rig, "bert");
	assert_true(rig_operate(a, c, "consult", "bert"));
	assert_string_equal(
		"consult",
		rig_text(RIG_NOTE(b, "ext.contactOffered"), "joinType"));
	assert_false(rig_operate(a, c, "consult", "bert"));
	rig_wait(rig, 30000);
	assert_false(rig_yes(RIG_NOTE(a, "operationRequest"), "success"));
	RIG_NOTE(b, "ext.contactWithdrawn");
	rig_say(c, "ping", "%s", "");
	assert_true(rig_operate(a, c, "consult", "bert"));
	RIG_NOTE(b, "ext.contactOffered");
	rig_say(b, "ext.declineContact", "\"guid\":%lld", G(c));
	assert_false(rig_yes(RIG_NOTE(a, "operationRequest"), "success"));
}

static void a_chat_ends_over_a_consultant(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_agent(rig, "anna"), *c = rig_chat(rig, a), *b;

	b = rig_consultant(rig, a, c, "bert");
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
	b = rig_ready_agent(rig, "bert");
	assert_true(rig_operate(a, c, "consult", "bert"));
	rig_join(b, c, "consult");
	rig_quiet(c);
	rig_drain(a);
	assert_true(rig_operate(a, c, "conference", "bert"));
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
	b = rig_consultant(rig, a, c, "bert");
	rig_say(b, "conferenceClose", "\"guid\":%lld", G(c));
	rig_error(b, 1012);
	rig_say(b, "leaveRoom", "\"guid\":%lld", G(c));
	assert_string_equal("left room",
			    rig_text(RIG_NOTE(b, "exitRoom"), "scenario"));
	RIG_NOTE(c, "participantLeave");
	rig_drain(a);
	rig_drain(b);
	assert_true(rig_operate(a, c, "conference", "bert"));
	rig_join(b, c, "consult");
	rig_drain(a);
	rig_drain(b);
	rig_drain(c);
	rig_talk(b, c, "hi", "normal");
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
	struct socket *b = rig_ready_agent(rig, "bert");
	json_t *body;

	assert_true(rig_operate(a, c, "agent", "bert"));
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

	rig_ready_agent(rig, "bert");
	rig_say(a, "ext.setReadyState", "\"ready\":false");
	RIG_NOTE(a, "ext.agentState");
	assert_true(rig_operate(a, c, "agent", "bert"));
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
	rig_talk(b, c, "hi", "normal");
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
	rig_talk(b, c, "hi", "normal");
	rig_error(b, 1011);
	rig_join(b, c, "observe");
	rig_error(b, 1012);
	rig_join(b, c, "active");
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
	rig_talk(a, c, "hi", "normal");
	RIG_NOTE(c, "newMessage");
	rig_drain(a);
	rig_say(a, "getDestinations", "\"guid\":%lld", G(c));
	assert_int_equal(
		2, list_size(RIG_NOTE(a, "getDestinations"), "destinations"));
}

static void in_quiet_rooms_the_customers_place_is_stored(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_ready_agent(rig, "anna");
	struct socket *c = rig_chat(rig, a), *d = rig_chat(rig, a);

	rig_talk(a, c, "one", "normal");
	rig_wait(rig, 300);
	rig_talk(a, d, "two", "normal");
	rig_wait(rig, 250);
	lf_chat_wake(rig->engine);
	lf_chat_save_sent(rig->engine, 500);
	rig_flush(rig);
	assert_int_equal(1, rig->sents); /* c, and not d yet */
	rig_talk(a, c, "three", "normal");
	rig_wait(rig, 250);
	lf_chat_wake(rig->engine);
	lf_chat_save_sent(rig->engine, 500);
	lf_chat_save_sent(rig->engine, 500);
	rig_flush(rig);
	assert_int_equal(2, rig->sents);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		TEST(in_quiet_rooms_the_customers_place_is_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
