/* sim/chat_main.c - lampsim chat: options, and commands on standard input. */
#include "sim/chat_main.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "core/line.h"
#include "core/stream.h"
#include "core/text.h"
#include "sim/chat.h"

#include "core/banned.h"

#define MAX_LINE 256
#define TROUBLES_MAX 20 /* said, of each run */

struct program {
	uv_loop_t loop;
	uv_pipe_t input;
	struct lf_lines lines;
	struct chat *chat;
	unsigned troubles;
	bool is_closing, has_failed;
	char data[4096];
};

static const char usage[] =
	"usage: lampsim chat [OPTION]...\n"
	"Plays customers and agents of web chat, and checks what they hear.\n"
	"  -c, --connect ADDRESS:PORT  default 127.0.0.1:8081\n"
	"  -T, --tls CA-FILE           with TLS; the server is \"localhost\"\n"
	"  -a, --agents N              default 1; 0: customers only wait\n"
	"  -n, --name NAME             agents are NAME1, NAME2, ...; "
	"\"agent\"\n"
	"  -w, --password PASSWORD     of all agents\n"
	"  -u, --customers N           rooms, default 1\n"
	"  -k, --skillset NAME         default WC_Sales\n"
	"  -b, --bytes N               of a message, default 120\n"
	"Prints \"ready\" when all talk with each other. Commands on standard "
	"input:\n"
	"  run SECONDS [RATE]  talk; messages a second, or each when its last\n"
	"                      was heard. Answered by one line of JSON\n"
	"  quit                as the end of the input\n";

static void stop(struct program *p)
{
	if (p->is_closing)
		return;
	p->is_closing = true;
	uv_close((uv_handle_t *)&p->input, NULL);
	chat_close(p->chat);
}

/* ---- what the chat says ---- */

static void on_ready(void *arg)
{
	puts("ready");
	fflush(stdout);
}

static void on_done(const struct chat_result *r, void *arg)
{
	struct program *p = arg;

	if (r->lost || r->doubled || r->disordered)
		p->has_failed = true;
	printf("{\"seconds\":%.3f,\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64
	       ",\"lost\":%" PRIu64 ",\"doubled\":%" PRIu64
	       ",\"disordered\":%" PRIu64 ",\"p50_us\":%u,\"p90_us\":%u,"
	       "\"p99_us\":%u,\"max_us\":%u}\n",
	       r->seconds, r->sent, r->delivered, r->lost, r->doubled,
	       r->disordered, r->p50_us, r->p90_us, r->p99_us, r->max_us);
	fflush(stdout);
}

static void on_trouble(const char *text, void *arg)
{
	struct program *p = arg;

	p->has_failed = true;
	if (p->troubles++ < TROUBLES_MAX)
		fprintf(stderr, "lampsim: %s\n", text);
}

static const struct chat_ops chat_ops = {
	.on_ready = on_ready,
	.on_done = on_done,
	.on_trouble = on_trouble,
};

/* ---- commands ---- */

static int run_command(struct program *p, char *text)
{
	char *save, *word = strtok_r(text, " ", &save);
	char *first = word ? strtok_r(NULL, " ", &save) : NULL;
	char *second = first ? strtok_r(NULL, " ", &save) : NULL;
	int64_t seconds, rate = 0;

	if (!word)
		return 0;
	if (!strcmp(word, "quit"))
		return 1;
	if (strcmp(word, "run") != 0 || !first ||
	    lf_text_int(&seconds, first, 1, 86400) ||
	    (second && lf_text_int(&rate, second, 0, 1000000))) {
		puts("error: run SECONDS [RATE] or quit");
	} else {
		int err = chat_run(p->chat, (unsigned)seconds, (unsigned)rate);

		if (err)
			printf("error: %s\n",
			       err == -EBUSY ? "still talking" : "not ready");
	}
	fflush(stdout);
	return 0;
}

static int on_line(const char *line, size_t len, void *arg)
{
	char text[MAX_LINE + 1];

	lf_text_copy_n(text, sizeof(text), line, len);
	return run_command(arg, text);
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct program *p = handle->data;

	*buf = uv_buf_init(p->data, sizeof(p->data));
}

static void on_input(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct program *p = stream->data;

	if (n < 0 || lf_lines_feed(&p->lines, buf->base, (size_t)n, on_line, p))
		stop(p);
}

/* ---- start ---- */

/* "127.0.0.1:8081" or "[::1]:8081", cut in place. */
static int parse_where(char *text, struct ws_where *where)
{
	char *colon = strrchr(text, ':');
	int64_t port;

	if (!colon || lf_text_int(&port, colon + 1, 1, 65535))
		return -EINVAL;
	*colon = '\0';
	if (*text == '[' && colon > text && colon[-1] == ']') {
		colon[-1] = '\0';
		text++;
	}
	where->address = text;
	where->port = (uint16_t)port;
	return 0;
}

static int parse_number(unsigned *ret, const char *text, int64_t min,
			int64_t max)
{
	int64_t n;
	int err = lf_text_int(&n, text, min, max);

	if (!err)
		*ret = (unsigned)n;
	return err;
}

static int parse_option(int option, char *value, struct chat_opts *opts)
{
	switch (option) {
	case 'c':
		return parse_where(value, &opts->where);
	case 'T':
		return lf_tls_client(&opts->where.tls, value);
	case 'a':
		return parse_number(&opts->agents, value, 0, 20000);
	case 'u':
		return parse_number(&opts->customers, value, 1, 100000);
	case 'b':
		return parse_number(&opts->size, value, 64, 10000);
	case 'n':
		opts->name = value;
		return 0;
	case 'w':
		opts->password = value;
		return 0;
	case 'k':
		opts->skillset = value;
		return 0;
	default:
		return -ENOSYS;
	}
}

static void allow_many_sockets(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const struct chat_opts *opts)
{
	static struct program p;
	int err;

	allow_many_sockets();
	lf_lines_init(&p.lines, MAX_LINE);
	err = uv_loop_init(&p.loop);
	if (!err)
		err = uv_pipe_init(&p.loop, &p.input, 0);
	p.input.data = &p;
	if (!err)
		err = uv_pipe_open(&p.input, 0);
	if (!err)
		err = uv_read_start((uv_stream_t *)&p.input, give_buffer,
				    on_input);
	if (!err)
		err = chat_new(&p.chat, &p.loop, opts, &chat_ops, &p);
	if (err) {
		fprintf(stderr, "lampsim: %s\n", strerror(-err));
		return 1;
	}
	uv_run(&p.loop, UV_RUN_DEFAULT);
	lf_lines_done(&p.lines);
	uv_loop_close(&p.loop);
	return p.has_failed ? 1 : 0;
}

int chat_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"connect", required_argument, NULL, 'c'},
		{"tls", required_argument, NULL, 'T'},
		{"agents", required_argument, NULL, 'a'},
		{"name", required_argument, NULL, 'n'},
		{"password", required_argument, NULL, 'w'},
		{"customers", required_argument, NULL, 'u'},
		{"skillset", required_argument, NULL, 'k'},
		{"bytes", required_argument, NULL, 'b'},
		{"help", no_argument, NULL, 'h'},
		{NULL},
	};
	struct chat_opts opts = {
		.where = {.address = "127.0.0.1", .port = 8081},
		.agents = 1,
		.customers = 1,
		.name = "agent",
		.password = "",
		.skillset = "WC_Sales",
		.size = 120,
	};
	int option, status;

	while ((option = getopt_long(argc, argv, "c:T:a:n:w:u:k:b:h", options,
				     NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (parse_option(option, optarg, &opts)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	status = run(&opts);
	lf_tls_unref(opts.where.tls);
	return status;
}
