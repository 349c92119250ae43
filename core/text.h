/* core/text.h - small text helpers; everything bounded, nothing locale-bound.
 */
#ifndef LF_CORE_TEXT_H
#define LF_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies at most size-1 bytes, always NUL-terminated, never cutting a UTF-8
 * sequence. Returns false if something was left out. */
bool lf_text_copy(char *out, size_t size, const char *text);
bool lf_text_copy_n(char *out, size_t size, const char *text, size_t len);

bool lf_text_is_utf8(const char *text, size_t len); /* NUL is refused */
size_t lf_text_chars(const char *utf8);             /* code points */

/* ASCII case only, as in SIP tokens and host names. */
bool lf_text_equal(const char *a, const char *b); /* NULL equals NULL only */
bool lf_text_starts(const char *text, const char *prefix);

/* For searches: case-insensitive for ASCII and Latin letters with accents. */
bool lf_text_contains(const char *haystack, const char *needle);

/* Cuts white space off both ends, in place; returns the first character. */
char *lf_text_trim(char *text);

/* -EINVAL unless the whole text is a number within [min, max]. */
int lf_text_int(int64_t *ret, const char *text, int64_t min, int64_t max);

/* The candidate nearest to `word` by edit distance, NULL if none is near. */
const char *lf_text_nearest(const char *word, const char *const *candidates,
			    size_t n);

#endif
