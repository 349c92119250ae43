/* admin/main.c - lampfieldd(8): arguments, signals, and systemd's watchdog. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "admin/server.h"
#include "core/conf.h"
#include "core/log.h"
#include "core/log_file.h"

#include "core/banned.h"

#define DEFAULT_CONF SYSCONFDIR "/lampfield/lampfield.conf"

struct daemon {
	uv_loop_t loop;
	uv_signal_t term, interrupt, hangup;
	uv_timer_t watchdog;
	struct lf_server server;
	bool is_closing;
	int status;
};

static const char usage[] =
	"usage: lampfieldd [-c FILE] [-l LEVEL] [-t] [-S]\n"
	"  -c, --config FILE  configuration (default " DEFAULT_CONF ")\n"
	"  -l, --log LEVEL    error, warn, notice, info or debug\n"
	"  -t, --test         check the configuration and leave\n"
	"  -S, --sample       print a configuration with all defaults\n"
	"  -h, --help         this text\n"
	"  -V, --version      version\n"
	"SIGHUP loads certificates and the log file again; SIGTERM ends the "
	"server.\n"
	"See lampfieldd(8) and lampfield.conf(5).\n";

static void stop(struct daemon *d)
{
	if (d->is_closing)
		return;
	d->is_closing = true;
	sd_notify(0, "STOPPING=1");
	uv_close((uv_handle_t *)&d->term, NULL);
	uv_close((uv_handle_t *)&d->interrupt, NULL);
	uv_close((uv_handle_t *)&d->hangup, NULL);
	uv_close((uv_handle_t *)&d->watchdog, NULL);
	lf_server_close(&d->server);
}

static void on_stop_signal(uv_signal_t *handle, int number)
{
	lf_log(LF_NOTICE, "admin", "%s: closing", strsignal(number));
	stop(handle->data);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	struct daemon *d = handle->data;
	char text[256];
	int err = lf_log_file_reopen();

	if (err)
		lf_log(LF_ERROR, "admin",
		       "log-file cannot be opened again: %s; the old one "
		       "goes on",
		       strerror(-err));
	lf_server_reload(&d->server, text, sizeof(text));
}

static void on_watchdog(uv_timer_t *timer)
{
	sd_notify(0, "WATCHDOG=1");
}

static void on_ready(int err, void *arg)
{
	struct daemon *d = arg;

	if (err) {
		d->status = 1;
		stop(d);
		return;
	}
	lf_log(LF_NOTICE, "admin", "lampfieldd %s is ready", PACKAGE_VERSION);
	sd_notify(0, "READY=1");
}

static void on_closed(void *arg)
{
	lf_log(LF_NOTICE, "admin", "closed");
}

static int start_signals(struct daemon *d)
{
	uint64_t watchdog_us = 0;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk to us */
	uv_signal_init(&d->loop, &d->term);
	uv_signal_init(&d->loop, &d->interrupt);
	uv_signal_init(&d->loop, &d->hangup);
	uv_timer_init(&d->loop, &d->watchdog);
	d->term.data = d->interrupt.data = d->hangup.data = d;
	if (uv_signal_start(&d->term, on_stop_signal, SIGTERM) ||
	    uv_signal_start(&d->interrupt, on_stop_signal, SIGINT) ||
	    uv_signal_start(&d->hangup, on_hangup, SIGHUP))
		return -EIO;
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		return uv_timer_start(&d->watchdog, on_watchdog, 0,
				      watchdog_us / 2000);
	return 0;
}

/*
 * Every document is read into fresh memory a thousand times a second: keep
 * what was freed instead of handing it back to the kernel each time.
 */
static void keep_freed_memory(void)
{
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

static int run(const struct lf_conf *conf)
{
	static struct daemon d;
	int err;

	keep_freed_memory();

	d.server.loop = &d.loop;
	d.server.conf = conf;
	d.server.on_ready = on_ready;
	d.server.on_closed = on_closed;
	d.server.arg = &d;

	err = uv_loop_init(&d.loop);
	if (!err)
		err = start_signals(&d);
	if (err) {
		lf_log(LF_ERROR, "admin", "no event loop: %s", strerror(-err));
		return 1;
	}
	if (lf_server_open(&d.server)) {
		d.status = 1;
		stop(&d);
	}
	uv_run(&d.loop, UV_RUN_DEFAULT);
	uv_loop_close(&d.loop);
	return d.status;
}

static int set_log_level(const char *word, const char *where)
{
	enum lf_log_level level;

	if (lf_log_level_parse(&level, word)) {
		fprintf(stderr,
			"lampfieldd: %s: %s is no log level: use error, warn, "
			"notice, info or debug\n",
			where, word);
		return -EINVAL;
	}
	lf_log_set_level(level);
	return 0;
}

static int open_log_file(const struct lf_conf *conf)
{
	const char *path = lf_conf_text(conf, "server", "log-file");
	int err = lf_log_file_open(
		path, (size_t)lf_conf_int(conf, "server", "log-size"),
		(unsigned)lf_conf_int(conf, "server", "log-keep"));

	if (err)
		fprintf(stderr,
			"lampfieldd: log-file %s: %s: name a file in a folder "
			"that may be written to\n",
			path, strerror(-err));
	return err;
}

static void print_sample(void)
{
	const struct lf_conf_key *key = lf_server_conf;
	const char *section = "";

	puts("# lampfield.conf(5): every key, at its default.");
	for (; key->section; key++) {
		if (strcmp(section, key->section))
			printf("\n[%s]\n", key->section);
		section = key->section;
		printf("# %s\n#%s = %s\n", key->help, key->name,
		       key->def ? key->def : "");
	}
}

/* `level` as on the command line, or NULL. Returns the exit status. */
static int start(const char *path, const char *level, bool is_test)
{
	char text[LF_CONF_ERROR_SIZE];
	struct lf_conf *conf;
	int err, status = 0;

	if (lf_conf_read(&conf, path, lf_server_conf, text)) {
		fprintf(stderr, "lampfieldd: %s\n", text);
		return 1;
	}
	if (level)
		err = set_log_level(level, "--log");
	else
		err = set_log_level(lf_conf_text(conf, "server", "log-level"),
				    path);
	if (err)
		status = level ? 2 : 1;
	else if (is_test)
		printf("%s is fine\n", path);
	else if (open_log_file(conf))
		status = 1;
	else
		status = run(conf);
	lf_conf_free(conf);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"log", required_argument, NULL, 'l'},
		{"test", no_argument, NULL, 't'},
		{"sample", no_argument, NULL, 'S'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL},
	};
	const char *path = DEFAULT_CONF, *level = NULL;
	bool is_test = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:l:tShV", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'l':
			level = optarg;
			break;
		case 't':
			is_test = true;
			break;
		case 'S':
			print_sample();
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("lampfieldd " PACKAGE_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "lampfieldd: what is %s?\n%s", argv[optind],
			usage);
		return 2;
	}
	return start(path, level, is_test);
}
