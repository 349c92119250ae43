/*
 * console/codec.h - the envelope of the console protocol: a line becomes a
 * request, and what goes out becomes a line (docs/console-protocol.md).
 *
 * Needs no loop and no connection, so the fuzzer and the tests call it alone.
 */
#ifndef LF_CONSOLE_CODEC_H
#define LF_CONSOLE_CODEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_buf;

#define LF_CONSOLE_LINE_MAX (64 * 1024)
#define LF_REQUEST_ID_CHARS 40
#define LF_REQUEST_ID_SIZE 256 /* 40 bytes as JSON: 6 each, quotes, NUL */

/* Section 7 of the protocol. `name` is the stable key. */
enum lf_fault {
	LF_FAULT_NONE,
	LF_FAULT_PARSE,
	LF_FAULT_REQUEST,
	LF_FAULT_METHOD,
	LF_FAULT_PARAMS,
	LF_FAULT_INTERNAL,
	LF_FAULT_LINE,
	LF_FAULT_AUTH,
	LF_FAULT_THROTTLED,
	LF_FAULT_LICENCE_EXHAUSTED,
	LF_FAULT_LICENCE_TYPE,
	LF_FAULT_EXTENSION,
	LF_FAULT_ALREADY,
	LF_FAULT_VERSION,
	LF_FAULT_LOGIN,
	LF_FAULT_SESSION,
	LF_FAULT_TLS,
	LF_FAULT_UNSUPPORTED,
	LF_FAULT_FORBIDDEN,
	LF_FAULT_LIMIT,
	LF_FAULT_CONFLICT,
	LF_FAULT_NOT_FOUND,
	LF_FAULTS
};

int lf_fault_code(enum lf_fault fault);
const char *lf_fault_name(enum lf_fault fault);

struct lf_request {
	json_t *root;
	const char *method;          /* lives in root */
	const json_t *params;        /* an object, or NULL for none */
	char id[LF_REQUEST_ID_SIZE]; /* as JSON; "" for a notification */
};

/*
 * On a fault the id is set if it could be read, so that the error can be
 * answered. lf_request_done() is due in both cases.
 */
enum lf_fault lf_request_parse(struct lf_request *ret, const char *line,
			       size_t len);
void lf_request_done(struct lf_request *request);

/* ---- what goes out: begin, JSON of the caller's, end ---- */
void lf_line_reply(struct lf_buf *buf, bool is_jsonrpc, const char *id);
void lf_line_event(struct lf_buf *buf, bool is_jsonrpc, const char *method);
/* Closes both; seq < 0: none. */
void lf_line_end(struct lf_buf *buf, int64_t seq);

/* `id` NULL or "": null. `data` is a JSON object as text, or NULL. */
void lf_line_error(struct lf_buf *buf, bool is_jsonrpc, const char *id,
		   enum lf_fault fault, const char *data);

/* Much cheaper than a format. */
void lf_line_number(struct lf_buf *buf, int64_t number);
/* ,"key":"text" and ,"key":number */
void lf_line_text(struct lf_buf *buf, const char *key, const char *text);
void lf_line_int(struct lf_buf *buf, const char *key, int64_t number);
/* ,"key":"2026-..." ; null when wall_ms is 0 */
void lf_line_time(struct lf_buf *buf, const char *key, int64_t wall_ms);

#endif
