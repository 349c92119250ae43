/*
 * admin/control.h - what lampctl talks to: JSON lines over a unix socket.
 *
 *     -> {"cmd":"users","args":{"rich":"away"},"by":"root"}
 *     <- {"columns":["user","rich",...]}          how to show the rows
 *     <- {"row":{...}}                            any number
 *     <- {"say":"a sentence for people"}          any number
 *     <- {"progress":"3 of 7 MB"}                 how far it is, meanwhile
 *     <- {"end":true} or {"end":false,"error":"..."}
 *
 * Who may open the socket may do everything: it belongs to the group that
 * the package names.
 */
#ifndef LF_ADMIN_CONTROL_H
#define LF_ADMIN_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "core/json.h"

struct lf_call; /* one command being carried out */
struct lf_control;
struct lf_server;

#define LF_CONTROL_MAX_LINE (48 << 20) /* an import with its JSON escapes */

struct lf_command {
	const char *name; /* NULL ends a table */
	/* Answers now or later, and ends with lf_call_end(). */
	void (*run)(struct lf_call *call, struct lf_server *server);
};

int lf_control_open(struct lf_control **ret, struct lf_server *server,
		    const char *path, const struct lf_command *const *tables);
void lf_control_close(struct lf_control *control);

/* An argument, NULL if it was not given. Lives as long as the call. */
const char *lf_call_arg(const struct lf_call *call, const char *name);
const json_t *lf_call_args(const struct lf_call *call);
const char *lf_call_by(const struct lf_call *call); /* for the audit */

/* Names separated by spaces. */
void lf_call_columns(struct lf_call *call, const char *names);
void lf_call_row(struct lf_call *call, json_t *row); /* takes the reference */
void lf_call_say(struct lf_call *call, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void lf_call_progress(struct lf_call *call, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Ends the call and frees it. `error` NULL: it worked. */
void lf_call_end(struct lf_call *call, const char *error);

/* For commands without an end: called when lampctl goes; then end the call. */
void lf_call_on_gone(struct lf_call *call, void (*gone)(void *arg), void *arg);

#endif
