/* sim/command.c - commands to the simulated PBX. */
#include "sim/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/text.h"
#include "core/timer.h"
#include "sim/pbx.h"

#include "core/banned.h"

#define MAX_WORDS 4
#define STORM_TICK_MS 5

/* Phones that change at a fixed rate, each change stamped with its time. */
struct storm {
	struct lf_timer tick;
	int64_t start_ms, end_ms;
	unsigned rate;
	uint64_t done;
	size_t next_phone;
};

struct commander {
	struct pbx *pbx;
	struct lf_timers *timers;
	struct storm storm;
	FILE *out;
};

typedef int command_fn(struct commander *c, int argc, char **argv);

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void toggle_next(struct commander *c)
{
	struct phone *phone = pbx_phone_at(c->pbx, c->storm.next_phone++);

	if (!phone) {
		c->storm.next_phone = 0;
		phone = pbx_phone_at(c->pbx, c->storm.next_phone++);
	}
	phone->state = phone->state == PHONE_BUSY ? PHONE_IDLE : PHONE_BUSY;
	phone->calls += phone->state == PHONE_BUSY;
	snprintf(phone->stamp, sizeof(phone->stamp), "t=%llu",
		 (unsigned long long)now_us());
	pbx_moved(c->pbx, phone);
}

static void on_tick(struct lf_timer *timer, void *arg)
{
	struct commander *c = arg;
	struct storm *s = &c->storm;
	int64_t now_ms = lf_mono_ms();
	uint64_t due = (uint64_t)(now_ms - s->start_ms) * s->rate / 1000;

	for (; s->done < due; s->done++)
		toggle_next(c);
	if (now_ms < s->end_ms)
		lf_timer_start(c->timers, &s->tick, STORM_TICK_MS);
	else
		fprintf(c->out, "storm over: %llu changes\n",
			(unsigned long long)s->done);
}

static int run_storm(struct commander *c, int argc, char **argv)
{
	int64_t rate, seconds;

	if (lf_text_int(&rate, argv[1], 1, 100000) ||
	    lf_text_int(&seconds, argv[2], 1, 3600))
		return -EINVAL;
	c->storm.rate = (unsigned)rate;
	c->storm.done = 0;
	c->storm.start_ms = lf_mono_ms();
	c->storm.end_ms = c->storm.start_ms + seconds * 1000;
	return lf_timer_start(c->timers, &c->storm.tick, STORM_TICK_MS);
}

static int run_state(struct commander *c, int argc, char **argv)
{
	struct phone *phone = pbx_phone(c->pbx, argv[1]);
	enum phone_state state;

	if (!phone)
		return -ENOENT;
	if (phone_state_parse(&state, argv[2]))
		return -EINVAL;
	if (state == PHONE_RINGING ||
	    (state == PHONE_BUSY && phone->state == PHONE_IDLE))
		phone->calls++;
	phone->state = state;
	lf_text_copy(phone->peer, sizeof(phone->peer), argc > 3 ? argv[3] : "");
	pbx_moved(c->pbx, phone);
	return 0;
}

static int run_dnd(struct commander *c, int argc, char **argv)
{
	struct phone *phone = pbx_phone(c->pbx, argv[1]);

	if (!phone)
		return -ENOENT;
	phone->is_dnd = !strcmp(argv[2], "on");
	pbx_moved(c->pbx, phone);
	return 0;
}

static int run_refuse(struct commander *c, int argc, char **argv)
{
	struct pbx_faults *faults = pbx_faults(c->pbx);
	int64_t status, count = 0;

	if (lf_text_int(&status, argv[1], 300, 699) ||
	    (argc > 2 && lf_text_int(&count, argv[2], 1, 1000000)))
		return -EINVAL;
	faults->refuse_status = (int)status;
	faults->refuse_count = (unsigned)count;
	return 0;
}

static int run_late(struct commander *c, int argc, char **argv)
{
	int64_t ms;

	if (lf_text_int(&ms, argv[1], 0, 600000))
		return -EINVAL;
	pbx_faults(c->pbx)->late_ms = (unsigned)ms;
	return 0;
}

static int run_duplicate(struct commander *c, int argc, char **argv)
{
	pbx_faults(c->pbx)->is_duplicate = true;
	return 0;
}

static int run_replay(struct commander *c, int argc, char **argv)
{
	pbx_faults(c->pbx)->is_replay = true;
	return 0;
}

static int run_well(struct commander *c, int argc, char **argv)
{
	memset(pbx_faults(c->pbx), 0, sizeof(struct pbx_faults));
	return 0;
}

static int run_silence(struct commander *c, int argc, char **argv)
{
	int64_t seconds;

	if (lf_text_int(&seconds, argv[1], 1, 3600))
		return -EINVAL;
	return pbx_silence(c->pbx, (unsigned)seconds);
}

static int run_restart(struct commander *c, int argc, char **argv)
{
	return pbx_restart(c->pbx);
}

static int run_states(struct commander *c, int argc, char **argv)
{
	const struct phone *phone;

	for (size_t i = 0; (phone = pbx_phone_at(c->pbx, i)); i++)
		fprintf(c->out, "%s %s%s\n", phone->ext,
			phone_state_name(phone->state),
			phone->is_dnd ? " dnd" : "");
	return 0;
}

static int run_count(struct commander *c, int argc, char **argv)
{
	struct pbx_counts n;

	pbx_counts(c->pbx, &n);
	fprintf(c->out,
		"phones %zu subscriptions %zu subscribes %llu refreshes %llu "
		"refused %llu notifies %llu answered %llu failed %llu\n",
		n.phones, n.subscriptions, (unsigned long long)n.subscribes,
		(unsigned long long)n.refreshes, (unsigned long long)n.refused,
		(unsigned long long)n.notifies, (unsigned long long)n.answered,
		(unsigned long long)n.failed);
	return 0;
}

static int run_help(struct commander *c, int argc, char **argv)
{
	command_help(c->out);
	return 0;
}

static const struct {
	const char *name, *words, *help;
	int min_words;
	command_fn *run;
} commands[] = {
	{"state", "EXT offline|idle|ringing|busy|held [PEER]", "move a phone",
	 3, run_state},
	{"dnd", "EXT on|off", "do-not-disturb of a phone", 3, run_dnd},
	{"states", "", "what each phone really does", 1, run_states},
	{"count", "", "counters", 1, run_count},
	{"storm", "RATE SECONDS", "so many stamped changes a second", 3,
	 run_storm},
	{"refuse", "STATUS [COUNT]", "answer SUBSCRIBEs with it", 2,
	 run_refuse},
	{"late", "MS", "send each NOTIFY so much later", 2, run_late},
	{"duplicate", "", "send each NOTIFY twice", 1, run_duplicate},
	{"replay", "", "follow each NOTIFY with an older version", 1,
	 run_replay},
	{"silence", "SECONDS", "answer nothing, then come back empty", 2,
	 run_silence},
	{"restart", "", "drop connections, forget subscriptions", 1,
	 run_restart},
	{"well", "", "end all faults", 1, run_well},
	{"help", "", "this text", 1, run_help},
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

void command_help(FILE *out)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %s %s\n        %s\n", commands[i].name,
			commands[i].words, commands[i].help);
	fputs("  quit\n        end the simulation\n", out);
}

struct commander *commander_new(struct pbx *pbx, struct lf_timers *timers,
				FILE *out)
{
	struct commander *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->pbx = pbx;
	c->timers = timers;
	c->out = out;
	lf_timer_init(&c->storm.tick, on_tick, c);
	return c;
}

void commander_free(struct commander *c)
{
	if (!c)
		return;
	lf_timer_stop(c->timers, &c->storm.tick);
	free(c);
}

static int run_words(struct commander *c, int argc, char **argv)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, argv[0]))
			continue;
		if (argc < commands[i].min_words)
			return -EINVAL;
		return commands[i].run(c, argc, argv);
	}
	return -ENOSYS;
}

int command_run(struct commander *c, char *line)
{
	char *words[MAX_WORDS], *save = NULL, *word;
	int n = 0, err;

	for (word = strtok_r(line, " \t\r\n", &save); word && n < MAX_WORDS;
	     word = strtok_r(NULL, " \t\r\n", &save))
		words[n++] = word;
	if (!n)
		return 0;
	if (!strcmp(words[0], "quit"))
		return 1;
	err = run_words(c, n, words);
	if (err)
		fprintf(c->out, "error: %s\n",
			err == -ENOSYS   ? "no such command; try help"
			: err == -EINVAL ? "wrong words; try help"
					 : strerror(-err));
	else
		fputs("ok\n", c->out);
	fflush(c->out);
	return 0;
}
