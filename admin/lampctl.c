/*
 * admin/lampctl.c - lampctl(1): one command to the server's socket and its
 * answer back. words.c makes the request of what was typed, render.c a table
 * of the answer; what a command means is known by the server alone.
 */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/render.h"
#include "admin/words.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/line.h"

#include "core/banned.h"

#define DEFAULT_SOCKET "/run/lampfield/control"

static const char *who_am_i(void)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	return name ? name : pw ? pw->pw_name : "?";
}

static int connect_to(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(to.sun_path)) {
		fprintf(stderr, "lampctl: the path %s is too long\n", path);
		return -1;
	}
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	fprintf(stderr, "lampctl: %s: %s\n%s", path, strerror(errno),
		errno == EACCES
			? "You may use lampctl as root or in the group "
			  "lampfield.\n"
			: "Is lampfieldd running? Look at `systemctl status "
			  "lampfieldd`.\n");
	if (fd >= 0)
		close(fd);
	return -1;
}

static int send_request(int fd, const char *command, json_t *args)
{
	json_t *request = json_pack("{s:s, s:O, s:s}", "cmd", command, "args",
				    args, "by", who_am_i());
	struct lf_buf line = {0};
	size_t done = 0;
	ssize_t n = 0;

	if (request)
		lf_json_write(&line, request);
	lf_buf_addc(&line, '\n');
	while (!lf_buf_error(&line) && done < line.len) {
		n = send(fd, line.data + done, line.len - done, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	json_decref(request);
	lf_buf_done(&line);
	return n > 0 ? 0 : -EPIPE;
}

static int on_line(const char *line, size_t len, void *arg)
{
	return lf_render_line(arg, line, len);
}

/* 0, or 1 when the command failed or the server went away. */
static int read_answer(int fd, struct lf_render *render)
{
	struct lf_lines lines;
	char data[65536];
	ssize_t n;
	int err = 0;

	lf_lines_init(&lines, 64 << 20);
	while (!err && (n = read(fd, data, sizeof(data))) > 0)
		err = lf_lines_feed(&lines, data, (size_t)n, on_line, render);
	lf_lines_done(&lines);
	if (!err)
		fputs("lampctl: the server closed the connection\n", stderr);
	return err == LF_RENDER_DONE ? 0 : 1;
}

static int carry_out(const struct lf_words *command, json_t *args,
		     const char *socket_path, bool is_json)
{
	struct lf_render *render;
	int status, fd = connect_to(socket_path);

	if (fd < 0)
		return 1;
	render = lf_render_new(command->name, is_json, stdout);
	if (!render || send_request(fd, command->name, args)) {
		fputs("lampctl: cannot send the request\n", stderr);
		status = 1;
	} else {
		status = read_answer(fd, render);
	}
	lf_render_free(render);
	close(fd);
	return status;
}

static void print_usage(FILE *out)
{
	fputs("usage: lampctl [-j] [-s SOCKET] COMMAND [ARGUMENT...]\n"
	      "  -j, --json           one JSON object a line\n"
	      "  -s, --socket SOCKET  default " DEFAULT_SOCKET
	      ", or LAMPCTL_SOCKET\n"
	      "  -h, --help           this text\n"
	      "  -V, --version        version\n"
	      "A USER is an id, a user name, an extension or a SIP URI.\n\n",
	      out);
	lf_words_help(out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"socket", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL},
	};
	const char *path = getenv("LAMPCTL_SOCKET");
	const struct lf_words *command;
	bool is_json = false;
	int option, words, status;
	json_t *args;

	while ((option = getopt_long(argc, argv, "+js:hV", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'j':
			is_json = true;
			break;
		case 's':
			path = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		case 'V':
			puts("lampctl " PACKAGE_VERSION);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc > 1 && !strcmp(argv[argc - 1], "--json")) {
		is_json = true; /* also where people type it: at the end */
		argc--;
	}
	command = lf_words_find(argc, argv, &words);
	if (!command) {
		print_usage(stderr);
		return 2;
	}
	args = json_object();
	status = args ? command->parse(args, argc - words, argv + words) : 1;
	if (status == 2)
		fprintf(stderr, "usage: lampctl %s %s\n", command->name,
			command->words);
	if (!status)
		status = carry_out(command, args, path ? path : DEFAULT_SOCKET,
				   is_json);
	json_decref(args);
	return status;
}
