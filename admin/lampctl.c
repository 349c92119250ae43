/*
 * admin/lampctl.c - lampctl(1): arguments to one request line, answer lines
 * to a table. What a command means is known by the server alone.
 */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/render.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/line.h"

#include "core/banned.h"

#define DEFAULT_SOCKET "/run/lampfield/control"
#define MAX_FILE (32 << 20)

/* Turns the words after the command into `args`; 0 or an exit code. */
typedef int lf_words_fn(json_t *args, int argc, char **argv);

struct word_command {
	const char *name, *words, *help;
	lf_words_fn *parse;
};

static int no_words(json_t *args, int argc, char **argv)
{
	return argc ? 2 : 0;
}

static int set_text(json_t *args, const char *key, const char *value)
{
	return json_object_set_new(args, key, json_string(value)) ? 1 : 0;
}

static int user_word(json_t *args, int argc, char **argv)
{
	return argc == 1 ? set_text(args, "user", argv[0]) : 2;
}

static int optional_name(json_t *args, int argc, char **argv)
{
	if (argc > 1)
		return 2;
	return argc ? set_text(args, "name", argv[0]) : 0;
}

static int name_word(json_t *args, int argc, char **argv)
{
	return argc == 1 ? set_text(args, "name", argv[0]) : 2;
}

static int optional_user(json_t *args, int argc, char **argv)
{
	return argc ? user_word(args, argc, argv) : 0;
}

static int optional_group(json_t *args, int argc, char **argv)
{
	if (argc > 1)
		return 2;
	return argc ? set_text(args, "group", argv[0]) : 0;
}

static int optional_level(json_t *args, int argc, char **argv)
{
	if (argc > 2 || (argc == 2 && set_text(args, "room", argv[1])))
		return 2;
	return argc ? set_text(args, "level", argv[0]) : 0;
}

static int optional_count(json_t *args, int argc, char **argv)
{
	if (argc > 1)
		return 2;
	return argc ? set_text(args, "count", argv[0]) : 0;
}

static int channel_word(json_t *args, int argc, char **argv)
{
	return argc == 1 ? set_text(args, "channel", argv[0]) : 2;
}

/* KEY=VALUE words into an object. */
static int pairs(json_t *object, int argc, char **argv)
{
	char *equal;

	for (int i = 0; i < argc; i++) {
		equal = strchr(argv[i], '=');
		if (!equal || equal == argv[i])
			return 2;
		*equal = '\0';
		if (set_text(object, argv[i], equal + 1))
			return 1;
	}
	return 0;
}

static int filter_words(json_t *args, int argc, char **argv)
{
	return pairs(args, argc, argv);
}

static int field_words(json_t *args, int argc, char **argv)
{
	json_t *fields = json_object();

	if (!fields || json_object_set_new(args, "fields", fields))
		return 1;
	return argc ? pairs(fields, argc, argv) : 2;
}

static int export_words(json_t *args, int argc, char **argv)
{
	if (!argc || set_text(args, "form", argv[0]))
		return 2;
	return pairs(args, argc - 1, argv + 1);
}

static int user_and_fields(json_t *args, int argc, char **argv)
{
	if (argc < 2 || set_text(args, "user", argv[0]))
		return 2;
	return field_words(args, argc - 1, argv + 1);
}

static int note_words(json_t *args, int argc, char **argv)
{
	if (argc != 2 || set_text(args, "user", argv[0]))
		return 2;
	return set_text(args, "text", argv[1]);
}

static int setting_words(json_t *args, int argc, char **argv)
{
	json_t *list = json_array();

	if (!argc || !list || json_object_set_new(args, "list", list))
		return 2;
	for (int i = 0; i < argc; i++) {
		char *equal = strchr(argv[i], '=');

		if (equal)
			*equal = '\0';
		if (json_array_append_new(list,
					  json_pack("[s, s?]", argv[i],
						    equal ? equal + 1 : NULL)))
			return 1;
	}
	return 0;
}

static int read_file(struct lf_buf *out, const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	char piece[65536];
	size_t n;

	if (!f) {
		fprintf(stderr, "lampctl: %s: %s\n", path, strerror(errno));
		return 1;
	}
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0 &&
	       out->len <= MAX_FILE)
		lf_buf_add(out, piece, n);
	if (f != stdin)
		fclose(f);
	if (out->len > MAX_FILE || lf_buf_error(out)) {
		fprintf(stderr, "lampctl: %s is larger than %d MB\n", path,
			MAX_FILE >> 20);
		return 1;
	}
	return 0;
}

static int file_text(json_t *args, const char *key, const char *path)
{
	struct lf_buf file = {0};
	json_t *text;
	int err = read_file(&file, path);

	if (!err) {
		text = json_stringn(lf_buf_str(&file), file.len);
		if (!text)
			fprintf(stderr, "lampctl: %s is not UTF-8 text\n",
				path);
		err = text && !json_object_set_new(args, key, text) ? 0 : 1;
	}
	lf_buf_done(&file);
	return err;
}

/* The server has another working folder than we. */
static int file_word(json_t *args, int argc, char **argv)
{
	char here[4096], path[8192];

	if (argc != 1 || !*argv[0])
		return 2;
	if (argv[0][0] == '/')
		return set_text(args, "file", argv[0]);
	if (!getcwd(here, sizeof(here))) {
		fprintf(stderr, "lampctl: %s\n", strerror(errno));
		return 1;
	}
	snprintf(path, sizeof(path), "%s/%s", here, argv[0]);
	return set_text(args, "file", path);
}

static int import_words(json_t *args, int argc, char **argv)
{
	return argc == 1 ? file_text(args, "csv", argv[0]) : 2;
}

static int list_words(json_t *args, int argc, char **argv)
{
	if (argc < 1 || argc > 2 || set_text(args, "name", argv[0]))
		return 2;
	return file_text(args, "text", argc > 1 ? argv[1] : "-");
}

static const struct word_command commands[] = {
	{"status", "", "feeds, what to do about each, and counters", no_words},
	{"users", "[user=TEXT] [rich=TEXT] [telephony=TEXT]",
	 "everybody with both kinds of presence and note", filter_words},
	{"why", "USER", "why the lamp of a user shows what it shows",
	 user_word},
	{"subscribe", "USER", "ask for a user's state for one minute",
	 user_word},
	{"watch", "[GROUP]", "live table of all lamps; ends with Ctrl-C",
	 optional_group},
	{"watchers", "[USER]", "who subscribed to lamps here", optional_user},
	{"publications", "", "what phones publish of their users", no_words},
	{"lists", "", "resource lists: one subscription for many", no_words},
	{"list show", "LIST", "the document of a list", name_word},
	{"list put", "LIST [FILE]",
	 "a new or changed list from an RFC 4826 document; standard input "
	 "without FILE or with -",
	 list_words},
	{"list remove", "LIST", "remove a list; its subscriptions end",
	 name_word},
	{"trace", "USER", "the last 50 SIP messages about a user", user_word},
	{"user show", "USER", "all fields of a user", user_word},
	{"user add", "FIELD=VALUE...", "a new user", field_words},
	{"user set", "USER FIELD=VALUE...", "change a user", user_and_fields},
	{"user del", "USER", "remove a user", user_word},
	{"user import", "FILE", "users from a CSV file; - is standard input",
	 import_words},
	{"user export", "", "all users as CSV", no_words},
	{"note", "USER TEXT", "set the note on a user; \"\" removes it",
	 note_words},
	{"get", "[NAME]", "settings that begin with NAME", optional_name},
	{"set", "NAME=VALUE... | NAME...",
	 "change settings, all or none; NAME alone: default", setting_words},
	{"events",
	 "[from=TIME] [to=TIME] [severity=WORD] [application=WORD] "
	 "[category=WORD] [event=NAME] [text=WORDS] [before=ID] [max=N]",
	 "what happened, newest first", filter_words},
	{"events catalogue", "", "every event there is, and what to do",
	 no_words},
	{"events test", "[COUNT]",
	 "raise test events, told to whom event.1541.notify says",
	 optional_count},
	{"events export", "csv|xlsx [FILTER=VALUE...]",
	 "the event log as a file on standard output", export_words},
	{"health", "", "fails when there is an alarm that is an error",
	 no_words},
	{"top", "", "all figures, live; ends with Ctrl-C", no_words},
	{"backup", "FILE",
	 "the whole database as a new file, while the server works on",
	 file_word},
	{"support-bundle", "",
	 "all that a bug report needs, as a tar file on standard output; "
	 "secrets are masked",
	 no_words},
	{"alarms", "", "what is wrong just now, and what to do", no_words},
	{"notify", "", "how events reach people, and what waits", no_words},
	{"notify test", "mail|trap|webhook|process",
	 "send a test and say how it went", channel_word},
	{"mib", "", "the MIB of our SNMP traps", no_words},
	{"chat status", "", "web chat: what it carries just now", no_words},
	{"chat queues", "", "skillsets, who waits and who could answer",
	 no_words},
	{"chat rooms", "", "every contact: waiting, talking or in wrap-up",
	 no_words},
	{"chat agents", "", "agents who are logged in", no_words},
	{"chat contact", "NUMBER", "one contact and who is in its room",
	 name_word},
	{"chat settings", "", "the settings of web chat", no_words},
	{"log", "[LEVEL [ROOM]]",
	 "show or change the log level, of all or of one room", optional_level},
	{"audit", "", "the last 200 changes, and who made them", no_words},
	{"reload", "", "load the certificates again", no_words},
	{NULL},
};

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
	for (const struct word_command *c = commands; c->name; c++) {
		fprintf(out, "  %s %s\n", c->name, c->words);
		fprintf(out, "        %s\n", c->help);
	}
}

/* "user add": one word or two; the longest name wins. */
static const struct word_command *find_command(int argc, char **argv,
					       int *ret_words)
{
	char two[64];

	if (argc >= 2) {
		snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
		for (const struct word_command *c = commands; c->name; c++) {
			if (!strcmp(c->name, two)) {
				*ret_words = 2;
				return c;
			}
		}
	}
	*ret_words = 1;
	for (const struct word_command *c = commands; argc && c->name; c++) {
		if (!strcmp(c->name, argv[0]))
			return c;
	}
	return NULL;
}

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

static int carry_out(const struct word_command *command, json_t *args,
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
	const struct word_command *command;
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
	command = find_command(argc, argv, &words);
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
