/*
 * core/json.h - JSON from strangers. jansson's json_t is our JSON value; this
 * is the one way in from outside.
 */
#ifndef LF_CORE_JSON_H
#define LF_CORE_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct lf_buf;

#define LF_JSON_MAX_DEPTH 16
#define LF_JSON_MAX_KEY 64

/*
 * An object, and nothing after it. -EPROTO: not JSON, not UTF-8, a NUL or a
 * duplicate key; -E2BIG: nested deeper or a key longer than the limits above.
 * Only integral numbers pass (-EPROTO otherwise).
 */
int lf_json_parse(json_t **ret, const char *data, size_t len);

/*
 * For protocols whose unknown fields are ignored: the same, but any number
 * and keys of any length pass, and an escaped U+0000, which is JSON too, is
 * read as U+FFFD.
 */
int lf_json_parse_lenient(json_t **ret, const char *data, size_t len);

/* Compact form, appended. */
void lf_json_write(struct lf_buf *buf, const json_t *json);

/* A member with a default; `*bad` (may be NULL) is set for the wrong type. */
const char *lf_json_str(const json_t *object, const char *key, const char *def,
			int *bad);
int64_t lf_json_int(const json_t *object, const char *key, int64_t def,
		    int *bad);
int lf_json_bool(const json_t *object, const char *key, int def, int *bad);

#endif
