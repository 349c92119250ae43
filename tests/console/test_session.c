/* tests/console/test_session.c - coming in, staying, coming back. */
#include "tests/console/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/secret.h"
#include "core/stream.h"

#include "console/internal.h"

#include "core/banned.h"

#define LOGIN(user, password, more)                                            \
	"{\"id\":1,\"method\":\"login\",\"params\":{\"proto\":1,\"user\":"     \
	"\"" user "\",\"auth\":\"password\",\"password\":\"" password          \
	"\"" more "}}"

static void the_server_speaks_first(void **state)
{
	struct client *plain = client_open_raw(*state, false);
	struct client *tls = client_open_raw(*state, true);

	client_expect(plain,
		      "{\"method\":\"hello\",\"!seq\":0,\"params\":{"
		      "\"server\":\"lampfield\",\"version\":\"*\",\"proto\":[1]"
		      ",\"node\":\"n1\",\"time\":\"*\",\"nonce\":\"*\",\"alt\":"
		      "[],\"tls\":false,\"auth\":[\"scram-sha-256\",\"token\"]}"
		      "}");
	client_expect(tls, "{\"method\":\"hello\",\"params\":{\"tls\":true,"
			   "\"auth\":[\"scram-sha-256\",\"password\","
			   "\"token\"]}}");
	client_close(plain);
	client_close(tls);
}

static void hello_names_the_other_nodes(void **state)
{
	struct client *client;

	desk_set(*state, "console.alternatives", "a:51235, b:51235");
	client = client_open_raw(*state, false);
	client_expect(client, "{\"params\":{\"alt\":[\"a:51235\",\"b:51235\"]"
			      "}}");
	client_close(client);
}

static void a_password_opens_a_session_on_tls(void **state)
{
	struct client *client = client_open(*state, true);

	client_ask(client,
		   LOGIN("rossi", "secret",
			 ",\"want\":\"BAE\",\"features\":[\"resume\","
			 "\"paged\",\"later\"]"),
		   "{\"id\":1,\"result\":{\"session\":\"*\",\"resume_token\":"
		   "\"*\",\"resume_for_s\":60,\"user\":{\"id\":\"*\",\"name\":"
		   "\"Carla Rossi\",\"ext\":\"2101\"},\"license\":{\"type\":"
		   "\"BAE\",\"used\":1},\"features\":[\"resume\",\"paged\"],"
		   "\"can\":{\"call\":false},\"limits\":{\"search_max\":200,"
		   "\"min_lookup_len\":6},\"links\":[{\"link\":\"pbx1\","
		   "\"state\":\"up\"}],\"seq\":0}}");
	client_close(client);
}

static void a_password_is_refused_on_the_open_wire(void **state)
{
	struct client *client = client_open(*state, false);

	client_ask(client, LOGIN("rossi", "secret", ""),
		   "{\"id\":1,\"error\":{\"code\":1010,\"name\":"
		   "\"tls_required\"}}");
	client_close(client);
}

static void a_wrong_password_never_says_what_was_wrong(void **state)
{
	struct client *client = client_open(*state, true);

	client_ask(client, LOGIN("rossi", "wrong", ""),
		   "{\"id\":1,\"error\":{\"code\":1001,\"name\":"
		   "\"auth_failed\",\"!data\":0}}");
	client_ask(client, LOGIN("nobody", "wrong", ""),
		   "{\"id\":1,\"error\":{\"code\":1001,\"name\":"
		   "\"auth_failed\",\"!data\":0}}");
	client_close(client);
}

static void guessing_is_throttled(void **state)
{
	struct client *client = client_open(*state, true);
	int i;

	for (i = 0; i < 5; i++)
		client_ask(client, LOGIN("rossi", "wrong", ""),
			   "{\"error\":{\"code\":1001}}");
	client_ask(client, LOGIN("rossi", "secret", ""),
		   "{\"error\":{\"code\":1002,\"name\":\"throttled\",\"data\":"
		   "{\"retry_ms\":\"*\"}}}");
	client_close(client);
}

static void what_login_lacks_is_named(void **state)
{
	struct client *client = client_open(*state, true);

	client_ask(client,
		   "{\"id\":1,\"method\":\"login\",\"params\":{\"auth\":"
		   "\"magic\"}}",
		   "{\"error\":{\"code\":-32602,\"data\":{\"field\":\"auth\"}}"
		   "}");
	client_ask(client, LOGIN("rossi", "secret", ",\"want\":\"VIP\""),
		   "{\"error\":{\"code\":-32602,\"data\":{\"field\":\"want\"}}"
		   "}");
	client_ask(client,
		   "{\"id\":1,\"method\":\"login\",\"params\":{\"proto\":0,"
		   "\"auth\":\"password\"}}",
		   "{\"error\":{\"code\":1007,\"data\":{\"proto\":[1]}}}");
	client_ask(client,
		   "{\"id\":1,\"method\":\"login\",\"params\":{\"auth\":"
		   "\"scram-sha-256\"}}",
		   "{\"error\":{\"code\":-32602,\"data\":{\"field\":\"data\"}}"
		   "}");
	client_ask(client,
		   "{\"id\":1,\"method\":\"login\",\"params\":{\"auth\":"
		   "\"scram-sha-256\",\"data\":\"rubbish\"}}",
		   "{\"error\":{\"code\":-32602}}");
	client_close(client);
}

/* ---- SCRAM-SHA-256, from the client's side (RFC 5802, section 3) ---- */

static void salted(uint8_t out[LF_SHA256_SIZE], const char *password,
		   const uint8_t *salt, size_t len, unsigned iterations)
{
	uint8_t block[64], u[LF_SHA256_SIZE];
	unsigned i, k;

	memcpy(block, salt, len);
	memcpy(block + len, "\0\0\0\1", 4);
	lf_hmac_sha256(u, password, strlen(password), block, len + 4);
	memcpy(out, u, LF_SHA256_SIZE);
	for (i = 1; i < iterations; i++) {
		lf_hmac_sha256(u, password, strlen(password), u, sizeof(u));
		for (k = 0; k < LF_SHA256_SIZE; k++)
			out[k] ^= u[k];
	}
}

/* The client-final message to the server-first one. */
static void answer_challenge(struct lf_buf *out, const char *password,
			     const char *client_bare, const char *server_first)
{
	uint8_t salt[48], key[32], stored[32], proof[32], sig[32];
	char nonce[256], salt64[128], proof64[LF_BASE64_SIZE(32)];
	struct lf_buf message = {0};
	unsigned iterations;
	size_t len, i;

	assert_int_equal(3, sscanf(server_first, "r=%255[^,],s=%127[^,],i=%u",
				   nonce, salt64, &iterations));
	assert_int_equal(0, lf_base64_decode(salt, sizeof(salt), &len, salt64));
	lf_buf_addf(&message, "%s,%s,c=biws,r=%s", client_bare, server_first,
		    nonce);
	salted(key, password, salt, len, iterations);
	lf_hmac_sha256(key, key, 32, "Client Key", 10);
	lf_sha256(stored, key, 32);
	lf_hmac_sha256(sig, stored, 32, message.data, message.len);
	for (i = 0; i < 32; i++)
		proof[i] = key[i] ^ sig[i];
	lf_base64(proof64, proof, 32);
	lf_buf_addf(out, "c=biws,r=%s,p=%s", nonce, proof64);
	lf_buf_done(&message);
}

static void scram(struct client *client, const char *password,
		  const char *expected)
{
	struct lf_buf last = {0}, line = {0};
	char *challenge = client_ask_text(
		client,
		"{\"id\":1,\"method\":\"login\",\"params\":{\"proto\":1,"
		"\"auth\":\"scram-sha-256\",\"data\":\"n,,n=rossi,r=abc\"}}",
		"result.continue");

	answer_challenge(&last, password, "n=rossi,r=abc", challenge);
	lf_buf_addf(&line,
		    "{\"id\":2,\"method\":\"login.continue\",\"params\":{"
		    "\"data\":\"%s\"}}",
		    last.data);
	client_ask(client, line.data, expected);
	free(challenge);
	lf_buf_done(&last);
	lf_buf_done(&line);
}

static void scram_opens_a_session_on_the_open_wire(void **state)
{
	struct client *client = client_open(*state, false);

	scram(client, "secret",
	      "{\"id\":2,\"result\":{\"session\":\"*\",\"server_final\":\"*\","
	      "\"license\":{\"type\":\"BAE\"}}}");
	client_close(client);
}

static void scram_refuses_a_wrong_password(void **state)
{
	struct client *client = client_open(*state, false);

	scram(client, "guess", "{\"id\":2,\"error\":{\"code\":1001}}");
	client_ask(client,
		   "{\"id\":3,\"method\":\"login.continue\",\"params\":{"
		   "\"data\":\"x\"}}",
		   "{\"id\":3,\"error\":{\"code\":-32600}}");
	client_close(client);
}

static void a_token_works_once(void **state)
{
	struct client *first = client_open(*state, false);
	struct client *second = client_open(*state, false);
	char token[LF_CONSOLE_TOKEN_SIZE], line[256];
	struct desk *desk = *state;

	assert_int_equal(0, lf_console_token(desk->console,
					     desk_id(desk, "rossi"), token));
	snprintf(line, sizeof(line),
		 "{\"id\":1,\"method\":\"login\",\"params\":{\"auth\":"
		 "\"token\",\"token\":\"%s\"}}",
		 token);
	client_ask(first, line, "{\"result\":{\"session\":\"*\"}}");
	client_ask(second, line, "{\"error\":{\"code\":1001}}");
	client_close(first);
	client_close(second);
}

/* ---- who may come in ---- */

static void licence_and_extension_decide(void **state)
{
	struct client *client = client_open(*state, true);

	client_ask(client, LOGIN("guest", "secret", ""),
		   "{\"error\":{\"code\":1004,\"name\":\"license_type\"}}");
	client_ask(client, LOGIN("verdi", "secret", ",\"want\":\"BAE\""),
		   "{\"error\":{\"code\":1004}}");
	client_ask(client, LOGIN("nophone", "secret", ""),
		   "{\"error\":{\"code\":1005,\"name\":"
		   "\"extension_not_controlled\",\"message\":\"The related "
		   "extension is not controlled by the server\"}}");
	client_ask(client, LOGIN("rossi", "secret", ",\"want\":\"BOE\""),
		   "{\"result\":{\"license\":{\"type\":\"BOE\"}}}");
	client_close(client);
}

static void licences_are_counted_and_given_back(void **state)
{
	struct client *rossi = client_open(*state, true);
	struct client *other = client_open(*state, true);

	desk_set(*state, "console.licences-bap", "1");
	client_ask(rossi, LOGIN("rossi", "secret", ",\"want\":\"BAP\""),
		   "{\"result\":{\"license\":{\"used\":1,\"total\":1}}}");
	client_ask(other, LOGIN("bianchi", "secret", ""),
		   "{\"error\":{\"code\":1003,\"name\":\"license_exhausted\","
		   "\"data\":{\"type\":\"BAP\",\"total\":1}}}");
	assert_string_equal("BAP none left", ((struct desk *)*state)->licence);
	client_ask(rossi, "{\"id\":2,\"method\":\"logout\"}",
		   "{\"id\":2,\"result\":{}}");
	client_expect_closed(rossi);
	client_ask(other, LOGIN("bianchi", "secret", ""),
		   "{\"result\":{\"license\":{\"used\":1}}}");
	assert_string_equal("BAP enough", ((struct desk *)*state)->licence);
	client_close(rossi);
	client_close(other);
}

static void a_lost_client_gives_its_licence_back(void **state)
{
	struct client *client = client_open(*state, false);
	struct desk *desk = *state;
	struct lf_console_stats stats;

	client_login(client, "rossi", "[]");
	client_close(client);
	do {
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
		lf_console_stats(desk->console, &stats);
	} while (stats.connections);
	assert_int_equal(0, stats.sessions);
}

static void a_second_login_is_told_or_takes_over(void **state)
{
	struct client *first = client_open(*state, true);
	struct client *second = client_open(*state, true);

	desk_set(*state, "console.licences-bae", "1"); /* its own */
	client_ask(first, LOGIN("rossi", "secret", ""),
		   "{\"result\":{\"session\":\"*\"}}");
	client_ask(second, LOGIN("rossi", "secret", ""),
		   "{\"error\":{\"code\":1006,\"name\":\"already_logged_in\","
		   "\"data\":{\"since\":\"*\",\"from\":\"*\"}}}");
	client_ask(second, LOGIN("rossi", "secret", ",\"force\":true"),
		   "{\"result\":{\"session\":\"*\",\"license\":{\"used\":1}}}");
	client_expect(first, "{\"method\":\"bye\",\"params\":{\"reason\":"
			     "\"replaced\"},\"!seq\":0}");
	client_expect_closed(first);
	client_close(first);
	client_close(second);
}

static void a_deleted_user_is_sent_away(void **state)
{
	struct client *client = client_open(*state, false);
	struct desk *desk = *state;

	client_login(client, "bianchi", NULL);
	rig_delete(desk->rig, desk_id(desk, "bianchi"));
	client_expect(client, "{\"method\":\"bye\",\"params\":{\"reason\":"
			      "\"user_deleted\"}}");
	client_expect_closed(client);
	client_close(client);
}

/* ---- what is not a login ---- */

static void nothing_works_before_login(void **state)
{
	struct client *client = client_open(*state, false);

	client_ask(client,
		   "{\"id\":1,\"method\":\"sub\",\"params\":{\"topic\":"
		   "\"lamps\",\"filter\":{\"all\":true}}}",
		   "{\"error\":{\"code\":1008,\"name\":\"not_logged_in\"}}");
	client_ask(client, "{\"id\":2,\"method\":\"call.make\"}",
		   "{\"error\":{\"code\":1008}}");
	client_ask(client, "{\"id\":3,\"method\":\"ping\"}",
		   "{\"id\":3,\"result\":{}}");
	client_close(client);
}

static void unknown_and_later_methods_are_told_apart(void **state)
{
	struct client *client = client_open(*state, false);

	client_login(client, "rossi", NULL);
	client_ask(client, "{\"id\":2,\"method\":\"queue.pause\"}",
		   "{\"error\":{\"code\":1101,\"name\":\"not_supported\"}}");
	client_ask(client, "{\"id\":3,\"method\":\"make.coffee\"}",
		   "{\"error\":{\"code\":-32601,\"name\":"
		   "\"unknown_method\"}}");
	client_send(client, "{\"method\":\"make.coffee\"}");
	client_ask(client, "{\"method\":\"ping\"}", "{\"method\":\"pong\"}");
	client_ask(client, "{\"method\":\"sub\"}",
		   "{\"id\":null,\"error\":{\"code\":-32600}}");
	client_ask(client, LOGIN("rossi", "secret", ""),
		   "{\"error\":{\"code\":-32600}}");
	client_close(client);
}

static void lines_may_come_in_any_pieces(void **state)
{
	static const char two[] = "{\"id\":1,\"method\":\"ping\"}\r\n\r\n\n"
				  "{\"id\":2,\"method\":\"ping\"}\n";
	struct client *client = client_open(*state, false);
	struct desk *desk = *state;

	client_write(client, two, sizeof(two) - 1);
	client_expect(client, "{\"id\":1,\"result\":{}}");
	client_expect(client, "{\"id\":2,\"result\":{}}");
	for (size_t i = 0; i < sizeof(two) - 1; i++) {
		client_write(client, two + i, 1);
		uv_run(&desk->rig->loop, UV_RUN_NOWAIT);
	}
	client_expect(client, "{\"id\":1,\"result\":{}}");
	client_expect(client, "{\"id\":2,\"result\":{}}");
	client_close(client);
}

static void a_line_that_is_no_json_does_not_end_the_connection(void **state)
{
	struct client *client = client_open(*state, false);

	client_ask(client, "hello?",
		   "{\"id\":null,\"error\":{\"code\":-32700}}");
	client_ask(client, "{\"id\":1,\"method\":\"ping\"}", "{\"id\":1}");
	client_close(client);
}

static void a_line_too_long_ends_the_connection(void **state)
{
	struct client *client = client_open(*state, false);
	char *line = malloc(64 * 1024 + 2);

	memset(line, ' ', 64 * 1024 + 1);
	line[0] = '{';
	client_write(client, line, 64 * 1024 + 1);
	client_write(client, "\n", 1);
	client_expect(client, "{\"id\":null,\"error\":{\"code\":-32010,"
			      "\"name\":\"line_too_long\"}}");
	client_expect_closed(client);
	free(line);
	client_close(client);
}

static void a_stock_json_rpc_client_is_at_home(void **state)
{
	struct client *client = client_open(*state, true);

	client_ask(client,
		   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"login\","
		   "\"params\":{\"user\":\"rossi\",\"auth\":\"password\","
		   "\"password\":\"secret\",\"jsonrpc\":true}}",
		   "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
	client_ask(client, "{\"id\":2,\"method\":\"nope\"}",
		   "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{}}");
	client_close(client);
}

static void a_flood_of_requests_is_throttled(void **state)
{
	struct client *client = client_open(*state, false);
	struct lf_buf flood = {0};
	int i;

	for (i = 0; i < 120; i++)
		lf_buf_adds(&flood, "{\"id\":1,\"method\":\"ping\"}\n");
	client_write(client, flood.data, flood.len);
	for (i = 0; i < 100; i++)
		client_expect(client, "{\"id\":1,\"result\":{}}");
	/* By now a few more may have been earned; not all of them. */
	for (; i < 119; i++)
		json_decref(client_read(client));
	client_expect(client, "{\"id\":1,\"error\":{\"code\":1002,\"data\":{"
			      "\"retry_ms\":\"*\"}}}");
	lf_buf_done(&flood);
	client_close(client);
}

/* ---- resume ---- */

struct ticket {
	char session[32], token[64];
};

static void enter(struct client *client, const char *username,
		  struct ticket *ticket)
{
	char token[LF_CONSOLE_TOKEN_SIZE], line[256];
	json_t *reply, *result;

	assert_int_equal(0, lf_console_token(client->desk->console,
					     desk_id(client->desk, username),
					     token));
	snprintf(line, sizeof(line),
		 "{\"id\":1,\"method\":\"login\",\"params\":{\"auth\":"
		 "\"token\",\"token\":\"%s\",\"features\":[\"resume\"]}}",
		 token);
	client_send(client, line);
	reply = client_read(client);
	result = json_object_get(reply, "result");
	snprintf(ticket->session, sizeof(ticket->session), "%s",
		 json_string_value(json_object_get(result, "session")));
	snprintf(ticket->token, sizeof(ticket->token), "%s",
		 json_string_value(json_object_get(result, "resume_token")));
	json_decref(reply);
}

static void resume(struct client *client, const struct ticket *ticket,
		   int last_seq, const char *expected)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"id\":1,\"method\":\"resume\",\"params\":{\"proto\":1,"
		 "\"session\":\"%s\",\"resume_token\":\"%s\",\"last_seq\":%d}"
		 "}",
		 ticket->session, ticket->token, last_seq);
	client_ask(client, line, expected);
}

#define SUB_SALES                                                              \
	"{\"id\":2,\"method\":\"sub\",\"params\":{\"topic\":\"lamps\","        \
	"\"filter\":{\"groups\":[\"sales\"]}}}"

static void a_resume_replays_what_was_missed(void **state)
{
	struct client *first = client_open(*state, false), *second;
	struct desk *desk = *state;
	struct ticket ticket;

	enter(first, "rossi", &ticket);
	client_ask(first, SUB_SALES, "{\"seq\":0,\"result\":{\"sub\":1}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_BUSY, "", "");
	client_expect(first, "{\"method\":\"lamp\",\"seq\":1}");
	client_close(first);

	second = client_open(desk, false);
	desk_report(desk, "bianchi", LF_TEL_IDLE, LF_RICH_BUSY, "", "");
	resume(second, &ticket, 0,
	       "{\"result\":{\"replayed\":true,\"from\":1,\"resume_token\":"
	       "\"*\"}}");
	client_expect(second, "{\"method\":\"lamp\",\"seq\":1,\"params\":{"
			      "\"d\":[{\"tel\":\"busy\"}]}}");
	client_expect(second, "{\"method\":\"lamp\",\"seq\":2,\"params\":{"
			      "\"d\":[{\"tel\":\"idle\"}]}}");
	client_close(second);
}

static void what_changed_while_away_comes_after_the_resume(void **state)
{
	struct client *first = client_open(*state, false), *second;
	struct desk *desk = *state;
	struct ticket ticket;

	enter(first, "rossi", &ticket);
	client_ask(first, SUB_SALES, "{\"seq\":0}");
	client_close(first);
	second = client_open(desk, false);
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_BUSY, "", "");
	desk_report(desk, "bianchi", LF_TEL_IDLE, LF_RICH_BUSY, "", "");
	resume(second, &ticket, 0, "{\"result\":{\"replayed\":true}}");
	client_expect(second, "{\"method\":\"lamp\",\"seq\":1,\"params\":{"
			      "\"d\":[{\"tel\":\"idle\"}]}}");
	client_close(second);
}

static void outside_the_ring_everything_is_sent_anew(void **state)
{
	struct client *first = client_open(*state, false), *second;
	struct desk *desk = *state;
	struct ticket ticket;

	enter(first, "rossi", &ticket);
	client_ask(first, SUB_SALES, "{\"seq\":0}");
	client_ask(first,
		   "{\"id\":3,\"method\":\"sub\",\"params\":{\"topic\":"
		   "\"lamps\",\"filter\":{\"groups\":[\"nobody\"]}}}",
		   "{\"result\":{\"sub\":2,\"rows\":0,\"snap\":[]}}");
	desk_report(desk, "bianchi", LF_TEL_BUSY, LF_RICH_BUSY, "", "");
	client_expect(first, "{\"method\":\"lamp\",\"seq\":1}");
	client_send(first, "{\"method\":\"ack\",\"params\":{\"seq\":1}}");
	client_settle(first);
	client_close(first);

	second = client_open(desk, false);
	resume(second, &ticket, 0, "{\"result\":{\"replayed\":false}}");
	client_expect(second, "{\"method\":\"snap\",\"seq\":2,\"params\":{"
			      "\"sub\":1,\"more\":false,\"rows\":[\"*\","
			      "\"*\"]}}");
	client_expect(second, "{\"method\":\"snap\",\"seq\":3,\"params\":{"
			      "\"sub\":2,\"more\":false,\"rows\":[]}}");
	client_close(second);
}

static void a_resume_token_works_once_and_only_itself(void **state)
{
	struct client *first = client_open(*state, false);
	struct client *second = client_open(*state, false);
	struct client *third = client_open(*state, false);
	struct ticket ticket, wrong;

	enter(first, "rossi", &ticket);
	wrong = ticket;
	wrong.token[5] ^= 1;
	resume(second, &wrong, 0,
	       "{\"error\":{\"code\":1009,\"name\":\"session_unknown\"}}");
	resume(second, &ticket, 0, "{\"result\":{\"replayed\":true}}");
	client_expect(first, "{\"method\":\"bye\",\"params\":{\"reason\":"
			     "\"replaced\"}}");
	resume(third, &ticket, 0, "{\"error\":{\"code\":1009}}");
	client_close(first);
	client_close(second);
	client_close(third);
}

static void a_session_is_over_when_the_resume_time_is(void **state)
{
	struct client *first = client_open(*state, false), *second;
	struct desk *desk = *state;
	struct lf_console_stats stats;
	struct ticket ticket;

	enter(first, "rossi", &ticket);
	client_close(first);
	do {
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
		lf_console_stats(desk->console, &stats);
	} while (stats.connections);
	assert_int_equal(1, stats.sessions);
	lf_console_tick(desk->console, lf_mono_ms() + 61000);
	lf_console_stats(desk->console, &stats);
	assert_int_equal(0, stats.sessions);
	second = client_open(desk, false);
	resume(second, &ticket, 0, "{\"error\":{\"code\":1009}}");
	client_close(second);
}

static void what_began_encrypted_does_not_go_on_in_the_clear(void **state)
{
	struct client *first = client_open(*state, true);
	struct client *second = client_open(*state, false);
	struct ticket ticket;

	enter(first, "rossi", &ticket);
	resume(second, &ticket, 0, "{\"error\":{\"code\":1010}}");
	client_close(first);
	client_close(second);
}

static void a_waiting_session_does_not_lock_its_user_out(void **state)
{
	struct client *first = client_open(*state, false), *second;
	struct desk *desk = *state;
	struct lf_console_stats stats;
	struct ticket ticket;

	enter(first, "rossi", &ticket);
	client_close(first);
	do {
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
		lf_console_stats(desk->console, &stats);
	} while (stats.connections);
	second = client_open(desk, false);
	enter(second, "rossi", &ticket);
	lf_console_stats(desk->console, &stats);
	assert_int_equal(1, stats.sessions);
	client_close(second);
}

/* ---- the end ---- */

static void a_stopping_server_says_bye(void **state)
{
	struct client *client = client_open(*state, false);
	struct desk *desk = *state;

	client_login(client, "rossi", "[\"resume\"]");
	desk_close_console(desk);
	client_expect(client, "{\"method\":\"bye\",\"params\":{\"reason\":"
			      "\"shutdown\",\"retry_ms\":5000}}");
	client_expect_closed(client);
	client_close(client);
}

static void a_password_in_work_survives_the_connection(void **state)
{
	struct client *client = client_open(*state, true);
	struct desk *desk = *state;
	struct lf_console_stats stats;

	client_send(client, LOGIN("rossi", "secret", ""));
	uv_run(&desk->rig->loop, UV_RUN_NOWAIT);
	client_close(client);
	do {
		uv_run(&desk->rig->loop, UV_RUN_ONCE);
		lf_console_stats(desk->console, &stats);
	} while (stats.connections);
	assert_int_equal(0, stats.sessions);
}

static void the_plain_port_can_be_switched_off(void **state)
{
	struct desk *desk = *state;
	uint16_t port = lf_console_plain_port(desk->console);

	desk_set(desk, "console.plain", "no");
	assert_int_equal(0, lf_console_plain_port(desk->console));
	desk_set(desk, "console.plain", "yes");
	assert_int_equal(port, lf_console_plain_port(desk->console));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_server_speaks_first),
		TEST(hello_names_the_other_nodes),
		TEST(a_password_opens_a_session_on_tls),
		TEST(a_password_is_refused_on_the_open_wire),
		TEST(a_wrong_password_never_says_what_was_wrong),
		TEST(guessing_is_throttled),
		TEST(what_login_lacks_is_named),
		TEST(scram_opens_a_session_on_the_open_wire),
		TEST(scram_refuses_a_wrong_password),
		TEST(a_token_works_once),
		TEST(licence_and_extension_decide),
		TEST(licences_are_counted_and_given_back),
		TEST(a_lost_client_gives_its_licence_back),
		TEST(a_second_login_is_told_or_takes_over),
		TEST(a_deleted_user_is_sent_away),
		TEST(nothing_works_before_login),
		TEST(unknown_and_later_methods_are_told_apart),
		TEST(lines_may_come_in_any_pieces),
		TEST(a_line_that_is_no_json_does_not_end_the_connection),
		TEST(a_line_too_long_ends_the_connection),
		TEST(a_stock_json_rpc_client_is_at_home),
		TEST(a_flood_of_requests_is_throttled),
		TEST(a_resume_replays_what_was_missed),
		TEST(what_changed_while_away_comes_after_the_resume),
		TEST(outside_the_ring_everything_is_sent_anew),
		TEST(a_resume_token_works_once_and_only_itself),
		TEST(a_session_is_over_when_the_resume_time_is),
		TEST(what_began_encrypted_does_not_go_on_in_the_clear),
		TEST(a_waiting_session_does_not_lock_its_user_out),
		TEST(a_stopping_server_says_bye),
		TEST(a_password_in_work_survives_the_connection),
		TEST(the_plain_port_can_be_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
