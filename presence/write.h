/*
 * presence/write.h - lamps to documents: what goes into a NOTIFY's body. Pure;
 * the parsers of this room read back what is written here.
 */
#ifndef LF_PRESENCE_WRITE_H
#define LF_PRESENCE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/lamp.h"

struct lf_buf;

/* How much of a person a watcher is shown. */
enum lf_level {
	LF_LEVEL_FULL,
	LF_LEVEL_BASIC,   /* reachable or not, no more */
	LF_LEVEL_NOTHING, /* a document that says nothing */
	LF_LEVELS
};

struct lf_writing {
	const char *uri; /* the presentity as it was asked for: "sip:u@h" */
	const struct lf_lamp *lamp;
	enum lf_level level;
	uint32_t version;     /* dialog-info: strictly grows */
	unsigned hide_digits; /* of a forward's target, at its end (S116) */
	bool is_part;         /* of a list's: without what can be spared */
	/* dialog-info: a name for the call there is, and with state="partial"
	 * of one that the watcher still shows (0: none). */
	unsigned call, ended;
	bool is_partial;
};

typedef void lf_write_fn(struct lf_buf *out, const struct lf_writing *w);

lf_write_fn lf_pidf_write;        /* application/pidf+xml, RPID */
lf_write_fn lf_xpidf_write;       /* application/xpidf+xml, old phones */
lf_write_fn lf_dialog_info_write; /* application/dialog-info+xml */
lf_write_fn lf_summary_write;     /* application/simple-message-summary */

/* LF_TEL_RINGING or LF_TEL_BUSY: a dialog stands in dialog-info. */
enum lf_tel lf_dialog_info_line(const struct lf_lamp *lamp);

/* "12345" is "12***" with 3 hidden digits. Returns `out`. */
char *lf_number_hide(char *out, size_t size, const char *number,
		     unsigned digits);

/* ---- RFC 3858 ---- */
struct lf_watcher_item {
	unsigned id;
	const char *uri; /* who watches */
	const char *status, *event;
	int64_t age_s;
	uint32_t expires_s;
};

/* Between begin and end, one call a watcher. */
void lf_winfo_begin(struct lf_buf *out, uint32_t version, bool is_full,
		    const char *uri, const char *package);
void lf_winfo_add(struct lf_buf *out, const struct lf_watcher_item *item);
void lf_winfo_end(struct lf_buf *out);

#endif
