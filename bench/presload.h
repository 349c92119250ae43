/*
 * bench/presload.h - a load of SIP presence: all watchers and all publishers,
 * on a few UDP sockets. presload.c decides what happens, presload_sip.c writes
 * and reads the messages.
 */
#ifndef LF_BENCH_PRESLOAD_H
#define LF_BENCH_PRESLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOCKETS 8
#define NOBODY UINT32_MAX

/* A presentity and its one publisher. */
struct author {
	uint32_t version; /* of what it published last */
	uint32_t cseq, watchers;
	uint32_t pending;  /* watchers that have not seen this version */
	uint32_t flight_i; /* place among those in flight; NOBODY: none */
	int64_t begun_ns, sent_ns;
	bool is_answered;
	char etag[72];
};

struct watcher {
	uint32_t author, cseq, notify_cseq, seen;
	uint32_t flight_i;
	int64_t begun_ns, sent_ns;
	bool is_live, is_answered, is_notified, is_leaving;
	char tag[72], target[72]; /* the server's, once it has answered */
};

struct counters {
	uint64_t ops, failed, repeated, notifies, duplicates, stray;
	int bad_status;
};

struct load {
	struct author *authors;
	struct watcher *watchers;
	uint32_t author_count, watcher_count;
	uint32_t run; /* in each Call-ID: of this run */
	unsigned expires_s;
	struct counters counters;
};

/* ---- presload_sip.c ---- */
int wire_open(const char *server, uint16_t first_port, int *ret_epoll);
void wire_publish(struct load *load, uint32_t author);
void wire_subscribe(struct load *load, uint32_t watcher);
void wire_flush(void);
/* Reads and answers what has come; calls back for what is ours. */
void wire_receive(struct load *load);

/* ---- presload.c, called from wire_receive() ---- */
void on_publish_answer(struct load *load, uint32_t author, int status);
void on_subscribe_answer(struct load *load, uint32_t watcher, int status);
/* `version` 0: the document carries none. */
void on_notify(struct load *load, uint32_t watcher, uint32_t author,
	       uint32_t version, bool is_last);

int64_t now_ns(void);

#endif
