/*
 * admin/words.c - the commands of lampctl: how each is spelled, its line of
 * help, and the arguments that its words become.
 */
#include "admin/words.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"

#include "core/banned.h"

#define MAX_FILE (32 << 20)

static int no_words(json_t *args, int argc, char **argv)
{
	return argc ? 2 : 0;
}

static int set_text(json_t *args, const char *key, const char *value)
{
	if (!json_object_set_new(args, key, json_string(value)))
		return 0;
	fprintf(stderr, "lampctl: the %s is not UTF-8 text\n", key);
	return 1;
}

static int one_word(json_t *args, const char *key, int argc, char **argv)
{
	return argc == 1 ? set_text(args, key, argv[0]) : 2;
}

static int user_word(json_t *args, int argc, char **argv)
{
	return one_word(args, "user", argc, argv);
}

static int name_word(json_t *args, int argc, char **argv)
{
	return one_word(args, "name", argc, argv);
}

static int channel_word(json_t *args, int argc, char **argv)
{
	return one_word(args, "channel", argc, argv);
}

static int optional_user(json_t *args, int argc, char **argv)
{
	return argc ? one_word(args, "user", argc, argv) : 0;
}

static int optional_name(json_t *args, int argc, char **argv)
{
	return argc ? one_word(args, "name", argc, argv) : 0;
}

static int optional_group(json_t *args, int argc, char **argv)
{
	return argc ? one_word(args, "group", argc, argv) : 0;
}

static int optional_count(json_t *args, int argc, char **argv)
{
	return argc ? one_word(args, "count", argc, argv) : 0;
}

static int optional_level(json_t *args, int argc, char **argv)
{
	if (argc > 2)
		return 2;
	if (argc == 2 && set_text(args, "room", argv[1]))
		return 1;
	return argc ? set_text(args, "level", argv[0]) : 0;
}

/* KEY=VALUE words into an object. */
static int pair_words(json_t *object, int argc, char **argv)
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

static int field_words(json_t *args, int argc, char **argv)
{
	json_t *fields = json_object();

	if (!fields || json_object_set_new(args, "fields", fields))
		return 1;
	return argc ? pair_words(fields, argc, argv) : 2;
}

static int export_words(json_t *args, int argc, char **argv)
{
	if (!argc)
		return 2;
	if (set_text(args, "form", argv[0]))
		return 1;
	return pair_words(args, argc - 1, argv + 1);
}

static int user_and_fields(json_t *args, int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (set_text(args, "user", argv[0]))
		return 1;
	return field_words(args, argc - 1, argv + 1);
}

static int note_words(json_t *args, int argc, char **argv)
{
	if (argc != 2)
		return 2;
	if (set_text(args, "user", argv[0]))
		return 1;
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
	if (argc < 1 || argc > 2)
		return 2;
	if (set_text(args, "name", argv[0]))
		return 1;
	return file_text(args, "text", argc > 1 ? argv[1] : "-");
}

static const struct lf_words commands[] = {
	{"status", "", "feeds, what to do about each, and counters", no_words},
	{"users", "[user=TEXT] [rich=TEXT] [telephony=TEXT]",
	 "everybody with both kinds of presence and note", pair_words},
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
	 "what happened, newest first", pair_words},
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

void lf_words_help(FILE *out)
{
	for (const struct lf_words *c = commands; c->name; c++) {
		fprintf(out, "  %s %s\n", c->name, c->words);
		fprintf(out, "        %s\n", c->help);
	}
}

const struct lf_words *lf_words_find(int argc, char **argv, int *ret_words)
{
	char two[64];

	if (argc >= 2) {
		snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
		for (const struct lf_words *c = commands; c->name; c++) {
			if (!strcmp(c->name, two)) {
				*ret_words = 2;
				return c;
			}
		}
	}
	*ret_words = 1;
	for (const struct lf_words *c = commands; argc && c->name; c++) {
		if (!strcmp(c->name, argv[0]))
			return c;
	}
	return NULL;
}
