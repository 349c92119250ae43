/* sim/main.c - lampsim(1): arguments, and commands on standard input. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/line.h"
#include "core/log.h"
#include "core/text.h"
#include "core/timer.h"
#include "sim/chat_main.h"
#include "sim/command.h"
#include "sim/pbx.h"

#include "core/banned.h"

#define MAX_LINE 1024

struct sim {
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	uv_pipe_t input;
	uv_tty_t tty;
	struct lf_timers *timers;
	struct lf_lines lines;
	struct pbx *pbx;
	struct commander *commander;
	bool is_closing;
	char data[4096];
};

static const char usage[] =
	"usage: lampsim pbx [OPTION]...\n"
	"       lampsim chat [OPTION]...    see lampsim chat --help\n"
	"Plays a PBX for Lampfield: phones, SUBSCRIBE and NOTIFY, faults.\n"
	"  -l, --listen ADDRESS:PORT  default 127.0.0.1:5060; port 0: any\n"
	"  -T, --tls-folder FOLDER    TLS too, on any port: agent.pem in it\n"
	"  -p, --phones FIRST-LAST    extensions, default 2001-2040\n"
	"  -d, --dialect NAME         plain, cucm, cup, asterisk, freeswitch\n"
	"  -e, --expires SECONDS      longest subscription, default 3600\n"
	"  -D, --day                  phones move by themselves\n"
	"  -s, --speed N              so many times faster than life\n"
	"  -S, --seed N               another day for another number\n"
	"  -h, --help                 this text\n"
	"  -V, --version              version\n"
	"Prints \"listening ADDRESS:PORT [tls PORT]\" first. Commands on "
	"standard "
	"input:\n";

static struct uv_stream_s *input_of(struct sim *sim)
{
	return sim->tty.data ? (uv_stream_t *)&sim->tty
			     : (uv_stream_t *)&sim->input;
}

static void stop(struct sim *sim)
{
	if (sim->is_closing)
		return;
	sim->is_closing = true;
	uv_close((uv_handle_t *)&sim->term, NULL);
	uv_close((uv_handle_t *)&sim->interrupt, NULL);
	uv_close((uv_handle_t *)input_of(sim), NULL);
	commander_free(sim->commander);
	pbx_close(sim->pbx);
	lf_timers_close(sim->timers);
}

static void on_signal(uv_signal_t *handle, int number)
{
	stop(handle->data);
}

static int on_line(const char *line, size_t len, void *arg)
{
	struct sim *sim = arg;
	char text[MAX_LINE + 1];

	memcpy(text, line, len);
	text[len] = '\0';
	return command_run(sim->commander, text);
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct sim *sim = handle->loop->data;

	*buf = uv_buf_init(sim->data, sizeof(sim->data));
}

/* The end of the input ends the simulation, so that none is left behind. */
static void on_input(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct sim *sim = stream->loop->data;

	if (n < 0 ||
	    lf_lines_feed(&sim->lines, buf->base, (size_t)n, on_line, sim))
		stop(sim);
}

static int open_input(struct sim *sim)
{
	int err;

	if (uv_guess_handle(0) == UV_TTY) {
		err = uv_tty_init(&sim->loop, &sim->tty, 0, 1);
		sim->tty.data = sim;
	} else {
		uv_pipe_init(&sim->loop, &sim->input, 0);
		err = uv_pipe_open(&sim->input, 0);
	}
	return err ? err : uv_read_start(input_of(sim), give_buffer, on_input);
}

static int open_all(struct sim *sim, const struct pbx_opts *opts)
{
	int err = uv_loop_init(&sim->loop);

	if (err)
		return err;
	sim->loop.data = sim;
	uv_signal_init(&sim->loop, &sim->term);
	uv_signal_init(&sim->loop, &sim->interrupt);
	sim->term.data = sim->interrupt.data = sim;
	uv_signal_start(&sim->term, on_signal, SIGTERM);
	uv_signal_start(&sim->interrupt, on_signal, SIGINT);
	lf_lines_init(&sim->lines, MAX_LINE);

	err = lf_timers_new(&sim->timers, &sim->loop);
	if (!err)
		err = pbx_new(&sim->pbx, sim->timers, opts);
	if (err)
		return err;
	sim->commander = commander_new(sim->pbx, sim->timers, stdout);
	return sim->commander ? open_input(sim) : -ENOMEM;
}

/* "listening 127.0.0.1:5060", and " tls 41321" where there is TLS. */
static void say_where(const struct sim *sim, const struct pbx_opts *opts)
{
	printf(strchr(opts->address, ':') ? "listening [%s]:%u"
					  : "listening %s:%u",
	       opts->address, pbx_port(sim->pbx));
	if (pbx_tls_port(sim->pbx))
		printf(" tls %u", pbx_tls_port(sim->pbx));
	putchar('\n');
}

static int run(const struct pbx_opts *opts)
{
	static struct sim sim;
	int err = open_all(&sim, opts);

	if (err) {
		fprintf(stderr, "lampsim: %s port %u: %s\n", opts->address,
			opts->port, strerror(-err));
		return 1;
	}
	say_where(&sim, opts);
	fflush(stdout);
	uv_run(&sim.loop, UV_RUN_DEFAULT);
	lf_lines_done(&sim.lines);
	uv_loop_close(&sim.loop);
	return 0;
}

/* "127.0.0.1:5060" or "[::1]:5060", cut in place. */
static int parse_listen(char *text, struct pbx_opts *opts)
{
	char *colon = strrchr(text, ':');
	int64_t port;

	if (!colon || lf_text_int(&port, colon + 1, 0, 65535))
		return -EINVAL;
	*colon = '\0';
	if (*text == '[' && colon > text && colon[-1] == ']') {
		colon[-1] = '\0';
		text++;
	}
	opts->address = text;
	opts->port = (uint16_t)port;
	return 0;
}

static int parse_phones(char *text, struct pbx_opts *opts)
{
	char *dash = strchr(text, '-');
	int64_t first, last;

	if (!dash)
		return -EINVAL;
	*dash = '\0';
	if (lf_text_int(&first, text, 1, 99999999) ||
	    lf_text_int(&last, dash + 1, first, first + 199999))
		return -EINVAL;
	opts->first = (unsigned)first;
	opts->count = (unsigned)(last - first + 1);
	return 0;
}

static int parse_unsigned(unsigned *ret, const char *text)
{
	int64_t n;
	int err = lf_text_int(&n, text, 1, 1000000);

	if (!err)
		*ret = (unsigned)n;
	return err;
}

static int parse_option(int option, char *value, struct pbx_opts *opts)
{
	switch (option) {
	case 'l':
		return parse_listen(value, opts);
	case 'p':
		return parse_phones(value, opts);
	case 'd':
		return dialect_parse(&opts->dialect, value);
	case 'e':
		return parse_unsigned(&opts->expires_s, value);
	case 's':
		return parse_unsigned(&opts->speed, value);
	case 'S':
		return parse_unsigned(&opts->seed, value);
	case 'T':
		opts->tls_dir = value;
		return 0;
	case 'D':
		opts->is_open_day = true;
		return 0;
	default:
		return -ENOSYS;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"listen", required_argument, NULL, 'l'},
		{"tls-folder", required_argument, NULL, 'T'},
		{"phones", required_argument, NULL, 'p'},
		{"dialect", required_argument, NULL, 'd'},
		{"expires", required_argument, NULL, 'e'},
		{"day", no_argument, NULL, 'D'},
		{"speed", required_argument, NULL, 's'},
		{"seed", required_argument, NULL, 'S'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL},
	};
	struct pbx_opts opts = {
		.address = "127.0.0.1",
		.port = 5060,
		.first = 2001,
		.count = 40,
		.expires_s = 3600,
		.speed = 1,
		.seed = 1,
	};
	int option, err;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "chat"))
		return chat_main(argc - 1, argv + 1);
	while ((option = getopt_long(argc, argv, "l:T:p:d:e:Ds:S:hV", options,
				     NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			command_help(stdout);
			return 0;
		}
		if (option == 'V') {
			puts("lampsim " PACKAGE_VERSION);
			return 0;
		}
		err = parse_option(option, optarg, &opts);
		if (err) {
			if (err != -ENOSYS)
				fprintf(stderr, "lampsim: what is %s?\n",
					optarg);
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind + 1 != argc || strcmp(argv[optind], "pbx")) {
		fputs(usage, stderr);
		return 2;
	}
	return run(&opts);
}
