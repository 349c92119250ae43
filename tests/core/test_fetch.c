/* tests/core/test_fetch.c - requests, against our own web server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fetch.h"
#include "core/listen.h"
#include "core/text.h"

#include "core/banned.h"

struct rig {
	uv_loop_t loop;
	struct lf_web *web;
	struct lf_fetcher *fetcher;
	uint16_t port;
	bool is_done;
	int err, status, answers;
	char body[256], text[256], step[32];
};

static void wait_for(struct rig *rig)
{
	while (!rig->is_done)
		assert_true(uv_run(&rig->loop, UV_RUN_ONCE) || rig->is_done);
	rig->is_done = false;
}

static void on_closed(void *arg)
{
	((struct rig *)arg)->is_done = true;
}

/* Says back what came: method by path, header and body. */
static void on_echo(struct lf_web_call *call, void *arg)
{
	const char *header = lf_web_header(call, "x-test");
	char text[256];
	size_t len;
	const char *body = lf_web_body(call, &len);

	snprintf(text, sizeof(text), "%s|%s|%.*s", lf_web_path(call),
		 header ? header : "", (int)len, len ? body : "");
	lf_web_answer(call, 200, "text/plain", text, strlen(text));
}

static void on_large(struct lf_web_call *call, void *arg)
{
	static char zeros[8192];

	lf_web_answer(call, 200, "text/plain", zeros, sizeof(zeros));
}

/* Never answers. */
static void on_gone(void *arg)
{
}

static void on_silent(struct lf_web_call *call, void *arg)
{
	lf_web_on_gone(call, on_gone, NULL);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_int_equal(0, uv_loop_init(&rig->loop));
	assert_int_equal(0, lf_web_new(&rig->web, &rig->loop));
	assert_int_equal(
		0, lf_web_route(rig->web, "GET", "/echo", 0, on_echo, rig));
	assert_int_equal(
		0, lf_web_route(rig->web, "POST", "/echo", 4096, on_echo, rig));
	assert_int_equal(
		0, lf_web_route(rig->web, "GET", "/large", 0, on_large, rig));
	assert_int_equal(
		0, lf_web_route(rig->web, "GET", "/silent", 0, on_silent, rig));
	assert_int_equal(0, lf_web_listen(rig->web, "127.0.0.1", 0, NULL, NULL,
					  &rig->port));
	assert_int_equal(0, lf_fetcher_open(&rig->fetcher, &rig->loop));
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	if (rig->fetcher) {
		lf_fetcher_close(rig->fetcher, on_closed, rig);
		wait_for(rig);
	}
	lf_web_close(rig->web, on_closed, rig);
	wait_for(rig);
	assert_int_equal(0, uv_run(&rig->loop, UV_RUN_DEFAULT));
	assert_int_equal(0, uv_loop_close(&rig->loop));
	free(rig);
	return 0;
}

static void on_answer(const struct lf_fetch_answer *answer, void *arg)
{
	struct rig *rig = arg;

	rig->err = answer->err;
	rig->status = answer->status;
	lf_text_copy(rig->body, sizeof(rig->body), answer->body);
	lf_text_copy(rig->text, sizeof(rig->text), answer->text);
	lf_text_copy(rig->step, sizeof(rig->step), answer->step);
	rig->answers++;
	rig->is_done = true;
}

static void fetch(struct rig *rig, struct lf_fetch_opts *opts, const char *path)
{
	char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", rig->port, path);
	opts->url = url;
	assert_int_equal(
		0, lf_fetch_start(NULL, rig->fetcher, opts, on_answer, rig));
	assert_false(rig->is_done);
	wait_for(rig);
}

static void what_was_sent_comes_back(void **state)
{
	static const char *const headers[] = {"X-Test: yes", NULL};
	struct lf_fetch_opts get = {.headers = headers};
	struct lf_fetch_opts post = {.body = "words", .body_len = 5};
	struct rig *rig = *state;

	fetch(rig, &get, "/echo");
	assert_int_equal(0, rig->err);
	assert_int_equal(200, rig->status);
	assert_string_equal("/echo|yes|", rig->body);
	fetch(rig, &post, "/echo");
	assert_string_equal("/echo||words", rig->body);
}

static void a_refusal_is_an_answer(void **state)
{
	struct lf_fetch_opts opts = {0};
	struct rig *rig = *state;

	fetch(rig, &opts, "/nowhere");
	assert_int_equal(0, rig->err);
	assert_int_equal(404, rig->status);
}

static void too_long_an_answer_is_cut_off(void **state)
{
	struct lf_fetch_opts opts = {.max_answer = 100};
	struct rig *rig = *state;

	fetch(rig, &opts, "/large");
	assert_int_equal(-E2BIG, rig->err);
}

static void silence_ends_with_a_timeout(void **state)
{
	struct lf_fetch_opts opts = {.timeout_ms = 50};
	struct rig *rig = *state;

	fetch(rig, &opts, "/silent");
	assert_int_equal(-ETIMEDOUT, rig->err);
}

static void nobody_there_says_so(void **state)
{
	struct lf_fetch_opts opts = {.url = "http://127.0.0.1:1/"};
	struct rig *rig = *state;

	assert_int_equal(
		0, lf_fetch_start(NULL, rig->fetcher, &opts, on_answer, rig));
	wait_for(rig);
	assert_int_equal(-ECONNREFUSED, rig->err);
	assert_string_equal("connection", rig->step);
	assert_true(*rig->text);
	opts.url = "file:///etc/passwd";
	assert_int_equal(-EINVAL, lf_fetch_start(NULL, rig->fetcher, &opts,
						 on_answer, rig));
}

static void what_is_cancelled_does_not_answer_what_is_closed_does(void **state)
{
	char url[64];
	const struct lf_fetch_opts opts = {.url = url};
	struct lf_fetch_opts other = {0};
	struct rig *rig = *state;
	struct lf_fetch *one;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/silent", rig->port);
	assert_int_equal(
		0, lf_fetch_start(&one, rig->fetcher, &opts, on_answer, rig));
	assert_int_equal(
		0, lf_fetch_start(NULL, rig->fetcher, &opts, on_answer, rig));
	fetch(rig, &other, "/echo");
	lf_fetch_cancel(one);
	assert_int_equal(1, rig->answers);
	lf_fetcher_close(rig->fetcher, on_closed, rig);
	assert_int_equal(2, rig->answers);
	assert_int_equal(-ECANCELED, rig->err);
	rig->is_done = false;
	wait_for(rig);
	rig->fetcher = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_sent_comes_back),
		TEST(a_refusal_is_an_answer),
		TEST(too_long_an_answer_is_cut_off),
		TEST(silence_ends_with_a_timeout),
		TEST(nobody_there_says_so),
		TEST(what_is_cancelled_does_not_answer_what_is_closed_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
