/* presence/multipart.h - MIME bodies of several parts (RFC 2046, RFC 2387). */
#ifndef LF_PRESENCE_MULTIPART_H
#define LF_PRESENCE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define LF_PARTS_MAX 2000 /* a department, a part each */
#define LF_PARTS_DEPTH 4  /* multipart inside multipart */

/* Points into the body, except the copied texts. */
struct lf_part {
	char content_type[256];
	char content_id[192]; /* without <> */
	const char *body;
	size_t len;
	bool is_taken; /* for whoever gives the parts out */
};

/* The type without parameters is `type`, as in "application/pidf+xml". */
bool lf_content_is(const char *content_type, const char *type);

/*
 * Fills at most `max` parts and their number. -EPROTO: no boundary, or it
 * does not occur; -E2BIG: more than `max`.
 */
int lf_multipart_split(struct lf_part *parts, size_t max, size_t *ret_n,
		       const char *content_type, const char *body, size_t len);

#endif
