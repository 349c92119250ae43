/*
 * bench/presload.c - what the load does. One command a line on standard input,
 * one JSON object a line when it is done:
 *
 *     publish             every author publishes once
 *     subscribe N         N new watchers
 *     refresh N           N of them subscribe again
 *     unsubscribe N       the N newest leave
 *     fan SECONDS         authors change, WINDOW at a time; a change is done
 *                         when its 200 and a NOTIFY with that very version to
 *                         each watcher have come
 *     steady SECONDS RATE so many changes a second; latency from PUBLISH sent
 *                         to NOTIFY received
 *     wait SECONDS        answers what comes
 *
 * The caller measures the server's CPU around each. In closed loops the
 * sockets are polled each 200 us, so that the server does not pay for waking
 * this process.
 */
#include "bench/presload.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/text.h"

#include "core/banned.h"

#define NAP_NS 200000
#define GIVE_UP_NS INT64_C(8000000000)
#define REPEAT_NS INT64_C(500000000)
#define CHECK_NS INT64_C(100000000)
#define MAX_LATENCIES 4000000

enum phase { WAIT, PUBLISH, SUBSCRIBE, REFRESH, UNSUBSCRIBE, CHANGE };

static struct load load = {.expires_s = 3600};
static enum phase phase;
static uint32_t window = 64, *flights, flight_count, next_id;
static uint32_t *latencies;
static size_t latency_count;
static bool is_steady;
static int epoll_fd;

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_of_authors(void)
{
	return phase == PUBLISH || phase == CHANGE;
}

/* ---- in flight ---- */

static uint32_t *place_of(uint32_t id)
{
	return is_of_authors() ? &load.authors[id].flight_i
			       : &load.watchers[id].flight_i;
}

static void depart(uint32_t id)
{
	*place_of(id) = flight_count;
	flights[flight_count++] = id;
}

static void arrive(uint32_t id)
{
	uint32_t *place = place_of(id), last = flights[--flight_count];

	flights[*place] = last;
	*place_of(last) = *place;
	*place = NOBODY;
}

static void check_author(uint32_t id)
{
	struct author *a = &load.authors[id];

	if (a->flight_i == NOBODY || !a->is_answered || a->pending)
		return;
	arrive(id);
	load.counters.ops++;
}

static void check_watcher(uint32_t id)
{
	struct watcher *w = &load.watchers[id];

	if (w->flight_i == NOBODY || !w->is_answered || !w->is_notified)
		return;
	arrive(id);
	load.counters.ops++;
	if (w->is_leaving) {
		w->is_live = false;
		load.authors[w->author].watchers--;
	}
}

static void change(uint32_t id)
{
	struct author *a = &load.authors[id];

	a->version++;
	a->cseq++;
	a->is_answered = false;
	a->pending = a->watchers;
	a->begun_ns = now_ns();
	depart(id);
	wire_publish(&load, id);
}

static void ask(uint32_t id, bool is_leaving)
{
	struct watcher *w = &load.watchers[id];

	w->cseq++;
	w->is_answered = w->is_notified = false;
	w->is_leaving = is_leaving;
	w->begun_ns = now_ns();
	depart(id);
	wire_subscribe(&load, id);
}

/* ---- what the server says ---- */

void on_publish_answer(struct load *l, uint32_t id, int status)
{
	struct author *a = &l->authors[id];

	if (!is_of_authors() || a->flight_i == NOBODY)
		return;
	if (status >= 300) {
		l->counters.failed++;
		l->counters.bad_status = status;
		arrive(id);
		return;
	}
	a->is_answered = true;
	check_author(id);
}

void on_subscribe_answer(struct load *l, uint32_t id, int status)
{
	struct watcher *w = &l->watchers[id];

	if (is_of_authors() || w->flight_i == NOBODY)
		return;
	if (status >= 300) {
		l->counters.failed++;
		l->counters.bad_status = status;
		arrive(id);
		w->is_live = false;
		return;
	}
	w->is_answered = true;
	check_watcher(id);
}

static void on_version(struct watcher *w, struct author *a, uint32_t version)
{
	if (a->flight_i == NOBODY || version != a->version ||
	    w->seen == version)
		return;
	w->seen = version;
	if (a->pending)
		a->pending--;
	if (is_steady && latency_count < MAX_LATENCIES)
		latencies[latency_count++] =
			(uint32_t)((now_ns() - a->begun_ns) / 1000);
	check_author(w->author);
}

void on_notify(struct load *l, uint32_t id, uint32_t author, uint32_t version,
	       bool is_last)
{
	struct watcher *w = &l->watchers[id];

	if (is_of_authors()) {
		if (version && author == w->author)
			on_version(w, &l->authors[author], version);
		return;
	}
	if (version)
		w->seen = version;
	if (w->flight_i != NOBODY && (!w->is_leaving || is_last)) {
		w->is_notified = true;
		check_watcher(id);
	}
}

/* ---- time ---- */

static void fail(uint32_t id)
{
	load.counters.failed++;
	arrive(id);
	if (phase == SUBSCRIBE) {
		load.watchers[id].is_live = false;
		load.authors[load.watchers[id].author].watchers--;
	}
}

/* Sends again what has no answer, and gives up in the end. */
static void check_flights(int64_t now)
{
	for (uint32_t i = 0; i < flight_count;) {
		uint32_t id = flights[i];
		bool is_author = is_of_authors();
		const struct author *a = is_author ? &load.authors[id] : NULL;
		const struct watcher *w = is_author ? NULL : &load.watchers[id];
		int64_t begun = a ? a->begun_ns : w->begun_ns;
		int64_t sent = a ? a->sent_ns : w->sent_ns;
		bool is_answered = a ? a->is_answered : w->is_answered;

		if (now - begun > GIVE_UP_NS) {
			fail(id);
			continue;
		}
		if (!is_answered && now - sent > REPEAT_NS + sent - begun) {
			load.counters.repeated++;
			if (is_author)
				wire_publish(&load, id);
			else
				wire_subscribe(&load, id);
		}
		i++;
	}
}

static void turn(int64_t wait_ns)
{
	struct pollfd fd = {epoll_fd, POLLIN, 0};
	struct timespec nap = {0, wait_ns};

	wire_flush();
	if (phase == WAIT || is_steady) {
		ppoll(&fd, 1, &nap, NULL);
	} else if (!poll(&fd, 1, 0)) {
		nap.tv_nsec = NAP_NS;
		nanosleep(&nap, NULL);
	}
	wire_receive(&load);
}

/* ---- phases ---- */

static int add_watchers(uint32_t n)
{
	uint32_t count = load.watcher_count + n;
	struct watcher *watchers;
	uint32_t *more;

	watchers = reallocarray(load.watchers, count, sizeof(*watchers));
	if (!watchers)
		return -ENOMEM;
	load.watchers = watchers;
	more = reallocarray(flights, count + load.author_count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	flights = more;
	for (uint32_t i = load.watcher_count; i < count; i++) {
		memset(&watchers[i], 0, sizeof(watchers[i]));
		watchers[i].author = i % load.author_count;
		watchers[i].flight_i = NOBODY;
	}
	next_id = load.watcher_count;
	load.watcher_count = count;
	return 0;
}

/* Starts the next of a closed phase; false: there is none. */
static bool start_next(uint32_t end)
{
	uint32_t id = next_id;

	if (phase == UNSUBSCRIBE) {
		if (next_id <= end)
			return false;
		id = --next_id;
		if (load.watchers[id].is_live)
			ask(id, true);
		return true;
	}
	if (next_id >= end)
		return false;
	next_id++;
	if (phase == PUBLISH) {
		change(id);
	} else if (phase == SUBSCRIBE) {
		load.watchers[id].is_live = true;
		load.authors[load.watchers[id].author].watchers++;
		ask(id, false);
	} else {
		id %= load.watcher_count;
		if (load.watchers[id].is_live &&
		    load.watchers[id].flight_i == NOBODY)
			ask(id, false);
	}
	return true;
}

static void run_closed(uint32_t end)
{
	int64_t check = now_ns() + CHECK_NS;
	bool has_more = true;

	while (has_more || flight_count) {
		while (has_more && flight_count < window)
			has_more = start_next(end);
		turn(0);
		if (now_ns() < check)
			continue;
		check = now_ns() + CHECK_NS;
		check_flights(now_ns());
	}
}

/* The next author that is not in flight. */
static bool change_next(void)
{
	for (uint32_t tries = 0; tries < load.author_count; tries++) {
		uint32_t id = next_id++ % load.author_count;

		if (load.authors[id].flight_i == NOBODY) {
			change(id);
			return true;
		}
	}
	return false;
}

/* rate 0: as fast as `window` authors at a time allow. */
static void run_changes(double seconds, double rate)
{
	int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9);
	int64_t check = start + CHECK_NS, now, wait = 50000000;
	uint64_t issued = 0;

	while ((now = now_ns()) < end || flight_count) {
		if (now < end && rate > 0) {
			uint64_t due =
				(uint64_t)((double)(now - start) * rate / 1e9);

			for (; issued < due; issued++)
				change_next();
			wait = (int64_t)((double)(issued + 1) * 1e9 / rate) -
			       (now - start);
			wait = wait < 1000 ? 1000 : wait;
			wait = wait > 50000000 ? 50000000 : wait;
		}
		while (now < end && rate == 0 && flight_count < window)
			if (!change_next())
				break;
		turn(wait);
		if (now < check)
			continue;
		check = now + CHECK_NS;
		check_flights(now);
	}
}

static void run_wait(double seconds)
{
	int64_t end = now_ns() + (int64_t)(seconds * 1e9);

	while (now_ns() < end)
		turn(50000000);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print_result(const char *name, int64_t begun_ns)
{
	const struct counters *c = &load.counters;

	printf("{\"phase\":\"%s\",\"wall_s\":%.4f,\"ops\":%llu,"
	       "\"notifies\":%llu,\"failed\":%llu,\"bad_status\":%d,"
	       "\"repeated\":%llu,\"duplicates\":%llu,\"stray\":%llu",
	       name, (double)(now_ns() - begun_ns) / 1e9,
	       (unsigned long long)c->ops, (unsigned long long)c->notifies,
	       (unsigned long long)c->failed, c->bad_status,
	       (unsigned long long)c->repeated,
	       (unsigned long long)c->duplicates, (unsigned long long)c->stray);
	if (latency_count) {
		qsort(latencies, latency_count, sizeof(*latencies), compare);
		printf(",\"p50_us\":%u,\"p99_us\":%u",
		       latencies[latency_count / 2],
		       latencies[latency_count * 99 / 100]);
	}
	puts("}");
	fflush(stdout);
}

static int run(const char *line)
{
	char name[32] = "";
	double a = 0, b = 0;
	int64_t begun_ns = now_ns();
	uint32_t n;

	sscanf(line, "%31s %lf %lf", name, &a, &b);
	n = (uint32_t)a;
	memset(&load.counters, 0, sizeof(load.counters));
	latency_count = next_id = 0;
	is_steady = !strcmp(name, "steady");
	if (!strcmp(name, "publish")) {
		phase = PUBLISH;
		run_closed(load.author_count);
	} else if (!strcmp(name, "subscribe")) {
		phase = SUBSCRIBE;
		if (add_watchers(n))
			return -ENOMEM;
		run_closed(load.watcher_count);
	} else if (!strcmp(name, "refresh")) {
		phase = REFRESH;
		run_closed(load.watcher_count ? n : 0);
	} else if (!strcmp(name, "unsubscribe")) {
		phase = UNSUBSCRIBE;
		next_id = load.watcher_count;
		run_closed(n < next_id ? next_id - n : 0);
	} else if (!strcmp(name, "fan") || is_steady) {
		phase = CHANGE;
		run_changes(a, b);
	} else if (!strcmp(name, "wait")) {
		phase = WAIT;
		run_wait(a);
	} else {
		return -EINVAL;
	}
	phase = WAIT;
	print_result(name, begun_ns);
	return 0;
}

int main(int argc, char **argv)
{
	int64_t authors = 0, in_flight = 0, port = 0;
	char line[128];
	int err;

	if (argc != 5 || lf_text_int(&port, argv[2], 1024, 60000) ||
	    lf_text_int(&authors, argv[3], 1, 1000000) ||
	    lf_text_int(&in_flight, argv[4], 1, 100000)) {
		fputs("usage: presload SERVER-PORT OWN-PORT AUTHORS WINDOW\n",
		      stderr);
		return 2;
	}
	window = (uint32_t)in_flight;
	load.author_count = (uint32_t)authors;
	load.run = (uint32_t)(now_ns() / 1000 % 1000000000);
	load.authors = calloc((size_t)authors, sizeof(*load.authors));
	latencies = calloc(MAX_LATENCIES, sizeof(*latencies));
	if (!load.authors || !latencies || add_watchers(0))
		return 1;
	for (uint32_t i = 0; i < load.author_count; i++)
		load.authors[i].flight_i = NOBODY;
	err = wire_open(argv[1], (uint16_t)port, &epoll_fd);
	while (!err && fgets(line, sizeof(line), stdin))
		err = run(line);
	if (err)
		fprintf(stderr, "presload: %s\n", strerror(-err));
	return err ? 1 : 0;
}
