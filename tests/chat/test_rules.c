/* tests/chat/test_rules.c - behaviours easily got wrong (protocol, 14): what a
 * message is, the limits, and who is offered what. */
#include "tests/chat/rig.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define G(s) ((long long)(s)->guid)

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

static void a_message_may_have_any_character(void **state)
{
	struct rig *rig = *state;
	struct socket *a = rig_ready_agent(rig, "anna");
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
	struct socket *a = rig_ready_agent(rig, "anna");
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
	struct socket *a = rig_ready_agent(rig, "anna"), *b, *c;

	rig_wait(rig, 1000);
	b = rig_ready_agent(rig, "bert");
	c = rig_customer(rig, "WC_Sales");
	RIG_NOTE(a, "ext.contactOffered");
	rig_quiet(b);
	rig_join(a, c, "active");
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
	a = rig_ready_agent(rig, "carl");
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
	struct socket *a = rig_ready_agent(rig, "anna"), *c;
	int i;

	rig_config(rig)->agents[0].max_contacts = 20;
	for (i = 0; i < 4; i++) {
		c = rig_customer(rig, "WC_Sales");
		rig_join(a, c, "active");
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
	a = rig_ready_agent(rig, "anna");
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
	a = rig_ready_agent(rig, "anna");
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
	rig_join(a, c, "active");
	assert_null(json_object_get(RIG_NOTE(a, "agentJoinRoom"), "ext"));
	rig_quiet(a);
	RIG_NOTE(c, "newParticipant");
	c = rig_customer(rig, "WC_Support");
	rig_join(a, c, "active");
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
	struct socket *a = rig_ready_agent(rig, "anna");

	rig_config(rig)->busy_phone_is_not_ready = true;
	lf_chat_agent_busy(rig->engine, "anna", true);
	rig_customer(rig, "WC_Sales");
	rig_quiet(a);
	lf_chat_agent_busy(rig->engine, "anna", false);
	rig_flush(rig);
	RIG_NOTE(a, "ext.contactOffered");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

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
		TEST(a_message_may_have_any_character),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
