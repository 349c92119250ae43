/* tests/chat/test_config.c - from the settings catalogue to one plain value. */
#include "chat/config.h"

#include <errno.h>
#include <string.h>

#include "chat/chat.h"
#include "core/log.h"
#include "directory/setting.h"
#include "tests/directory/rig.h"

#include "core/banned.h"

static const struct lf_setting_def *const tables[] = {lf_directory_settings,
						      lf_chat_settings, NULL};

static void on_ready(int err, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static void on_set(int err, const char *text, void *arg)
{
	struct rig *rig = arg;

	rig->err = err;
	rig->is_done = true;
}

static struct lf_settings *open_settings(struct rig *rig)
{
	struct lf_settings *settings;

	assert_int_equal(0, lf_settings_open(&settings, rig->store, NULL,
					     tables, on_ready, rig));
	rig_wait(rig);
	assert_int_equal(0, rig->err);
	return settings;
}

static int set(struct rig *rig, struct lf_settings *settings, const char *name,
	       const char *value)
{
	const struct lf_assignment a = {name, value};

	assert_int_equal(
		0, lf_settings_set(settings, &a, 1, "tester", on_set, rig));
	rig_wait(rig);
	return rig->err;
}

static struct lf_chat_config *read_config(struct rig *rig,
					  struct lf_settings *settings)
{
	struct lf_chat_config *config;

	assert_int_equal(0, lf_chat_config_read(&config, settings, rig->dir));
	return config;
}

/* Tests of the engine begin with lf_chat_config_new(). */
static void defaults_are_those_of_the_catalogue(void **state)
{
	struct rig *rig = *state;
	struct lf_settings *settings = open_settings(rig);
	struct lf_chat_config *a = lf_chat_config_new();
	struct lf_chat_config *b = read_config(rig, settings);

	assert_memory_equal(
		a, b, offsetof(struct lf_chat_config, reject_when_no_agents));
	assert_int_equal(a->keep_alive_s, b->keep_alive_s);
	assert_int_equal(a->response_to_customer_s, b->response_to_customer_s);
	assert_int_equal(a->response_to_agent_s, b->response_to_agent_s);
	assert_int_equal(a->consult_timeout_s, b->consult_timeout_s);
	assert_int_equal(a->idle_customer_s, b->idle_customer_s);
	assert_int_equal(a->reconnect_s, b->reconnect_s);
	assert_int_equal(a->ping_timeout_s, b->ping_timeout_s);
	assert_int_equal(a->agent_reconnect_s, b->agent_reconnect_s);
	assert_int_equal(a->offer_timeout_s, b->offer_timeout_s);
	assert_int_equal(a->wrap_up_s, b->wrap_up_s);
	assert_int_equal(a->unbound_s, b->unbound_s);
	assert_int_equal(a->check_idle_customer, b->check_idle_customer);
	assert_int_equal(a->save_timestamps, b->save_timestamps);
	assert_int_equal(a->save_history, b->save_history);
	assert_int_equal(a->email_log, b->email_log);
	assert_int_equal(a->restrict_push, b->restrict_push);
	assert_int_equal(a->reason_required, b->reason_required);
	assert_int_equal(a->transfer_to_skillset, b->transfer_to_skillset);
	assert_int_equal(a->transfer_to_agent, b->transfer_to_agent);
	assert_string_equal(a->agent_label, b->agent_label);
	assert_string_equal(a->customer_label, b->customer_label);
	assert_memory_equal(a->thresholds, b->thresholds,
			    sizeof(a->thresholds));
	assert_int_equal(a->tell_observe, b->tell_observe);
	assert_int_equal(a->tell_consult, b->tell_consult);
	assert_string_equal(a->filter_url, b->filter_url);
	assert_string_equal(a->mail_subject, b->mail_subject);
	assert_int_equal(a->filter_timeout_s, b->filter_timeout_s);
	assert_int_equal(a->retention_days, b->retention_days);
	assert_int_equal(a->filter_stores_on_failure,
			 b->filter_stores_on_failure);
	assert_int_equal(a->max_message, b->max_message);
	assert_int_equal(a->max_body, b->max_body);
	assert_string_equal(a->cors, b->cors);
	assert_int_equal(a->connects_per_minute, b->connects_per_minute);
	assert_int_equal(a->messages_per_second, b->messages_per_second);
	lf_chat_config_free(a);
	lf_chat_config_free(b);
	lf_settings_close(settings);
}

static void families_become_lists(void **state)
{
	struct rig *rig = *state;
	struct lf_settings *s = open_settings(rig);
	const struct lf_chat_agent_def *agent;
	const struct lf_chat_skillset *skillset;
	struct lf_chat_config *c;

	assert_int_equal(0, rig_put(rig, NULL,
				    "username=00123|first_name=Anna|"
				    "last_name=Rossi|ext=2101"));
	assert_int_equal(0, set(rig, s, "chat.skillset.WC_A.routePoint", "rp"));
	assert_int_equal(0, set(rig, s, "chat.skillset.WC_A.autoPhrases",
				"{\"hi\":\"Hello, you\"}"));
	assert_int_equal(0, set(rig, s, "chat.skillset.OB_B.kind", "outbound"));
	assert_int_equal(0, set(rig, s, "chat.agent.2101.skillsets", "WC_A"));
	assert_int_equal(0, set(rig, s, "chat.agent.nobody.skillsets", "WC_A"));
	assert_int_equal(0, set(rig, s, "chat.closedReason.44.text", "Done"));
	assert_int_equal(0, set(rig, s, "chat.comfort.calm.messages",
				"[\"one\",\"two\"]"));
	c = read_config(rig, s);
	skillset = lf_chat_config_skillset(c, "WC_A");
	assert_true(lf_chat_skillset_is_open(skillset));
	assert_int_equal(50, skillset->max_queued);
	assert_int_equal(1, json_object_size(skillset->phrases));
	assert_true(skillset->queue_id > 0);
	assert_ptr_equal(skillset, lf_chat_config_destination(c, "WC_A"));
	assert_true(lf_chat_config_skillset(c, "OB_B")->is_outbound);
	agent = lf_chat_config_agent(c, "00123");
	assert_string_equal("Anna", agent->first_name);
	assert_int_equal(5, agent->max_contacts);
	assert_null(lf_chat_config_agent(c, "123"));
	assert_int_equal(1, c->n_agents);
	assert_int_equal(44, c->reasons[0].code);
	assert_int_equal(
		2,
		json_array_size(lf_chat_config_comfort(c, "calm")->messages));
	lf_chat_config_free(c);
	lf_settings_close(s);
}

static void swallow(enum lf_log_level level, const char *room, const char *text,
		    void *arg)
{
	++*(int *)arg;
}

static void what_is_no_json_is_left_out_and_logged(void **state)
{
	struct rig *rig = *state;
	struct lf_settings *s = open_settings(rig);
	struct lf_chat_config *c;
	int lines = 0;

	assert_int_equal(0, set(rig, s, "chat.autoPhrases", "hello"));
	assert_int_equal(0, set(rig, s, "chat.pagePushUrls", "{\"x\":7}"));
	assert_int_equal(0, set(rig, s, "chat.closedReason.x.text", "X"));
	lf_log_set_sink(swallow, &lines);
	c = read_config(rig, s);
	lf_log_set_sink(NULL, NULL);
	assert_int_equal(3, lines);
	assert_null(c->phrases);
	assert_null(c->urls);
	assert_int_equal(0, c->n_reasons);
	lf_chat_config_free(c);
	lf_settings_close(s);
}

static void values_out_of_range_are_refused(void **state)
{
	struct rig *rig = *state;
	struct lf_settings *s = open_settings(rig);

	assert_int_equal(-EINVAL,
			 set(rig, s, "chat.customerPingTimeoutSeconds", "60"));
	assert_int_equal(-EINVAL,
			 set(rig, s, "chat.maxContactsPerAgent", "21"));
	assert_int_equal(-EINVAL,
			 set(rig, s, "chat.agent.anna.offerMode", "none"));
	lf_settings_close(s);
}

static void lists_are_searched_word_by_word(void **state)
{
	assert_true(lf_chat_list_has("a, b ,c", "b"));
	assert_true(lf_chat_list_has("a", "a"));
	assert_false(lf_chat_list_has("aa, b", "a"));
	assert_false(lf_chat_list_has("a,,b", ""));
	assert_false(lf_chat_list_has("", "a"));
	assert_false(lf_chat_list_has("A", "a"));
	assert_true(lf_chat_list_has_host("Shop.Example", "shop.example"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_those_of_the_catalogue),
		TEST(families_become_lists),
		TEST(what_is_no_json_is_left_out_and_logged),
		TEST(values_out_of_range_are_refused),
		cmocka_unit_test(lists_are_searched_word_by_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
