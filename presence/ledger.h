/*
 * presence/ledger.h - many small records that must survive, kept together in
 * few values of the store and written lazily: a change costs a mark, and each
 * second the pages with a mark are written. For what may lose its last second,
 * such as who watches whom. Inside presence/ only.
 */
#ifndef LF_PRESENCE_LEDGER_H
#define LF_PRESENCE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_buf;
struct lf_ledger; /* opaque: see ledger.c */
struct lf_store;
struct lf_timers;

#define LF_LEDGER_MS 1000
#define LF_LEDGER_PAGE 32 /* records of a page */

/* A record's place; lives in what is recorded. Zeroed: it has none. */
struct lf_ledger_entry {
	uint32_t place; /* 1 + its number; 0: none */
};

struct lf_ledger_ops {
	/* The record of now, at most 300 KB; failed: it is asked again. */
	void (*write)(struct lf_ledger_entry *entry, struct lf_buf *out,
		      void *arg);
	/* One of the last run. lf_ledger_add() keeps it, else it is gone. */
	void (*read)(const char *record, size_t len, void *arg);
	/* All were read, and what they promise is on disk again. */
	void (*ready)(void *arg);
};

/* Reads `bucket`; calls back from the loop. `store` NULL: ready at once. */
int lf_ledger_open(struct lf_ledger **ret, struct lf_timers *timers,
		   struct lf_store *store, const char *bucket,
		   const struct lf_ledger_ops *ops, void *arg);
/* Writes what is marked; the store finishes that by itself. */
void lf_ledger_close(struct lf_ledger *ledger);

int lf_ledger_add(struct lf_ledger *ledger, struct lf_ledger_entry *entry);
void lf_ledger_touch(struct lf_ledger *ledger, struct lf_ledger_entry *entry);
void lf_ledger_remove(struct lf_ledger *ledger, struct lf_ledger_entry *entry);

#endif
