/*
 * console/codec.c - the envelope: JSON-RPC 2.0 in meaning, without batches,
 * with `seq` on events. Strict in what a line is, open to members it does
 * not know.
 */
#include "console/codec.h"

#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/json.h"

#include "core/banned.h"

#define ID_MAX ((INT64_C(1) << 53) - 1) /* what JavaScript keeps exact */

struct fault {
	int code;
	const char *name, *message;
};

static const struct fault faults[LF_FAULTS] = {
	[LF_FAULT_NONE] = {0, "ok", ""},
	[LF_FAULT_PARSE] = {-32700, "parse_error", "This is not JSON"},
	[LF_FAULT_REQUEST] = {-32600, "invalid_request",
			      "This is not a request of this protocol"},
	[LF_FAULT_METHOD] = {-32601, "unknown_method", "No such method"},
	[LF_FAULT_PARAMS] = {-32602, "invalid_params",
			     "A parameter is missing or wrong"},
	[LF_FAULT_INTERNAL] = {-32603, "internal", "The server failed"},
	[LF_FAULT_LINE] = {-32010, "line_too_long",
			   "The line is longer than 64 KiB"},
	[LF_FAULT_AUTH] = {1001, "auth_failed",
			   "The user name or the password is wrong"},
	[LF_FAULT_THROTTLED] = {1002, "throttled", "Too many; wait"},
	[LF_FAULT_LICENCE_EXHAUSTED] = {1003, "license_exhausted",
					"All licences of this type are in use"},
	[LF_FAULT_LICENCE_TYPE] = {1004, "license_type",
				   "The user has no licence of this type"},
	[LF_FAULT_EXTENSION] = {1005, "extension_not_controlled",
				"The related extension is not controlled by "
				"the server"},
	[LF_FAULT_ALREADY] = {1006, "already_logged_in",
			      "This user is logged in elsewhere"},
	[LF_FAULT_VERSION] = {1007, "version_unsupported",
			      "No common protocol version"},
	[LF_FAULT_LOGIN] = {1008, "not_logged_in", "Log in first"},
	[LF_FAULT_SESSION] = {1009, "session_unknown",
			      "The session is gone: log in"},
	[LF_FAULT_TLS] = {1010, "tls_required", "Not without encryption"},
	[LF_FAULT_UNSUPPORTED] = {1101, "not_supported",
				  "The server does not offer this"},
	[LF_FAULT_FORBIDDEN] = {1200, "forbidden",
				"Your licence or role does not allow this"},
	[LF_FAULT_LIMIT] = {1201, "limit", "Over a limit of the server"},
	[LF_FAULT_CONFLICT] = {1202, "conflict", "Somebody else was faster"},
	[LF_FAULT_NOT_FOUND] = {1204, "not_found", "There is no such thing"},
};

int lf_fault_code(enum lf_fault fault)
{
	return faults[fault].code;
}

const char *lf_fault_name(enum lf_fault fault)
{
	return faults[fault].name;
}

/* A positive integer or a short string; kept as the JSON to be echoed. */
static bool read_id(char out[LF_REQUEST_ID_SIZE], const json_t *id)
{
	struct lf_buf buf = {0};
	json_int_t number;
	bool is_good;

	if (json_is_integer(id)) {
		number = json_integer_value(id);
		if (number < 1 || number > ID_MAX)
			return false;
		lf_line_number(&buf, number);
	} else {
		if (!json_is_string(id) || !json_string_length(id) ||
		    json_string_length(id) > LF_REQUEST_ID_CHARS)
			return false;
		lf_buf_add_json(&buf, json_string_value(id));
	}
	is_good = !lf_buf_error(&buf) && buf.len < LF_REQUEST_ID_SIZE;
	if (is_good)
		memcpy(out, buf.data, buf.len + 1);
	lf_buf_done(&buf);
	return is_good;
}

/* JSON, but no object: a batch, for instance, is a request we refuse. */
static bool is_other_json(const char *line, size_t len)
{
	json_t *json = json_loadb(line, len, JSON_DECODE_ANY, NULL);
	bool is_json = json && !json_is_object(json);

	json_decref(json);
	return is_json;
}

static enum lf_fault parse_fault(int err, const char *line, size_t len)
{
	if (err == -ENOMEM)
		return LF_FAULT_INTERNAL;
	if (err == -E2BIG ||
	    (len && line[0] != '{' && is_other_json(line, len)))
		return LF_FAULT_REQUEST;
	return LF_FAULT_PARSE;
}

enum lf_fault lf_request_parse(struct lf_request *ret, const char *line,
			       size_t len)
{
	const json_t *id;
	int err;

	memset(ret, 0, sizeof(*ret));
	err = lf_json_parse(&ret->root, line, len);
	if (err)
		return parse_fault(err, line, len);

	id = json_object_get(ret->root, "id");
	if (id && !read_id(ret->id, id))
		return LF_FAULT_REQUEST;
	ret->method = json_string_value(json_object_get(ret->root, "method"));
	ret->params = json_object_get(ret->root, "params");
	if (!ret->method || (ret->params && !json_is_object(ret->params)))
		return LF_FAULT_REQUEST;
	return LF_FAULT_NONE;
}

void lf_request_done(struct lf_request *request)
{
	json_decref(request->root);
	request->root = NULL;
}

static void begin(struct lf_buf *buf, bool is_jsonrpc)
{
	if (is_jsonrpc)
		lf_buf_adds(buf, "{\"jsonrpc\":\"2.0\",");
	else
		lf_buf_addc(buf, '{');
}

void lf_line_reply(struct lf_buf *buf, bool is_jsonrpc, const char *id)
{
	begin(buf, is_jsonrpc);
	lf_buf_adds(buf, "\"id\":");
	lf_buf_adds(buf, id && *id ? id : "null");
	lf_buf_adds(buf, ",\"result\":");
}

void lf_line_event(struct lf_buf *buf, bool is_jsonrpc, const char *method)
{
	begin(buf, is_jsonrpc);
	lf_buf_adds(buf, "\"method\":\"");
	lf_buf_adds(buf, method);
	lf_buf_adds(buf, "\",\"params\":");
}

void lf_line_end(struct lf_buf *buf, int64_t seq)
{
	if (seq >= 0)
		lf_line_int(buf, "seq", seq);
	lf_buf_add(buf, "}\n", 2);
}

void lf_line_error(struct lf_buf *buf, bool is_jsonrpc, const char *id,
		   enum lf_fault fault, const char *data)
{
	begin(buf, is_jsonrpc);
	lf_buf_adds(buf, "\"id\":");
	lf_buf_adds(buf, id && *id ? id : "null");
	lf_buf_adds(buf, ",\"error\":{\"code\":");
	lf_line_number(buf, faults[fault].code);
	lf_line_text(buf, "name", faults[fault].name);
	lf_line_text(buf, "message", faults[fault].message);
	if (data) {
		lf_buf_adds(buf, ",\"data\":");
		lf_buf_adds(buf, data);
	}
	lf_buf_addc(buf, '}');
	lf_line_end(buf, -1);
}

void lf_line_number(struct lf_buf *buf, int64_t number)
{
	char digits[20];
	uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + left % 10);
	while (left /= 10);
	if (number < 0)
		lf_buf_addc(buf, '-');
	lf_buf_add(buf, digits + i, sizeof(digits) - i);
}

static void add_key(struct lf_buf *buf, const char *key)
{
	lf_buf_add(buf, ",\"", 2);
	lf_buf_adds(buf, key);
	lf_buf_add(buf, "\":", 2);
}

void lf_line_text(struct lf_buf *buf, const char *key, const char *text)
{
	add_key(buf, key);
	lf_buf_add_json(buf, text);
}

void lf_line_int(struct lf_buf *buf, const char *key, int64_t number)
{
	add_key(buf, key);
	lf_line_number(buf, number);
}

void lf_line_time(struct lf_buf *buf, const char *key, int64_t wall_ms)
{
	char text[LF_RFC3339_SIZE];

	add_key(buf, key);
	if (!wall_ms) {
		lf_buf_adds(buf, "null");
		return;
	}
	lf_buf_addc(buf, '"');
	lf_buf_adds(buf, lf_rfc3339(text, wall_ms));
	lf_buf_addc(buf, '"');
}
