/* core/text.c - small text helpers; everything bounded, no locale. */
#include "core/text.h"

#include <errno.h>
#include <string.h>

#include "core/utf8.h"

#include "core/banned.h"

#define NEAREST_MAX 64 /* longer words are not compared */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Backs up from `len` so that no sequence is cut in two. */
static size_t utf8_cut(const char *text, size_t len)
{
	size_t i = len;

	while (i > 0 && len - i < 3 && ((unsigned char)text[i] & 0xc0) == 0x80)
		i--;
	/* Four continuation bytes are no UTF-8 at all: cut anywhere. */
	return ((unsigned char)text[i] & 0xc0) == 0x80 ? len : i;
}

bool lf_text_copy_n(char *out, size_t size, const char *text, size_t len)
{
	size_t n = strnlen(text, len);
	bool is_whole = n == len;

	if (!size)
		return false;
	if (n >= size) {
		n = utf8_cut(text, size - 1);
		is_whole = false;
	}
	memcpy(out, text, n);
	out[n] = '\0';
	return is_whole;
}

bool lf_text_copy(char *out, size_t size, const char *text)
{
	return lf_text_copy_n(out, size, text, strlen(text));
}

bool lf_text_is_utf8(const char *text, size_t len)
{
	const char *end = text + len;
	uint32_t c;
	size_t n;

	for (; text < end; text += n) {
		n = lf_utf8_next(&c, text, (size_t)(end - text));
		if (!n || !c)
			return false;
	}
	return true;
}

size_t lf_text_chars(const char *utf8)
{
	size_t n = 0;

	for (; *utf8; utf8++)
		n += ((unsigned char)*utf8 & 0xc0) != 0x80;
	return n;
}

bool lf_text_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && lower(*a) == lower(*b); a++)
		b++;
	return lower(*a) == lower(*b);
}

bool lf_text_starts(const char *text, const char *prefix)
{
	for (; *prefix; prefix++, text++)
		if (lower(*text) != lower(*prefix))
			return false;
	return true;
}

/* Unicode simple case folding of the Latin blocks that names are written in. */
static uint32_t fold(uint32_t c)
{
	if (c < 0x80)
		return (uint32_t)(unsigned char)lower((char)c);
	if (c >= 0xc0 && c <= 0xde && c != 0xd7)
		return c + 0x20;
	if (c == 0x178)
		return 0xff;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1); /* upper case is odd here */
	if ((c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) ||
	    (c >= 0x14a && c <= 0x177) || (c >= 0x1de && c <= 0x1ef) ||
	    (c >= 0x1f8 && c <= 0x21f) || (c >= 0x222 && c <= 0x233) ||
	    (c >= 0x1e00 && c <= 0x1e95) || (c >= 0x1ea0 && c <= 0x1eff))
		return c | 1;
	return c;
}

/* One folded character; a byte that is no UTF-8 stands for itself. */
static uint32_t next_folded(const char **text, const char *end)
{
	uint32_t c = 0;
	size_t n = lf_utf8_next(&c, *text, (size_t)(end - *text));

	if (!n)
		c = 0x110000U + (unsigned char)**text;
	*text += n ? n : 1;
	return fold(c);
}

static bool starts_folded(const char *text, const char *end, const char *needle,
			  const char *needle_end)
{
	while (needle < needle_end) {
		if (text >= end)
			return false;
		if (next_folded(&text, end) != next_folded(&needle, needle_end))
			return false;
	}
	return true;
}

bool lf_text_contains(const char *haystack, const char *needle)
{
	const char *end = haystack + strlen(haystack);
	const char *needle_end = needle + strlen(needle);

	if (needle == needle_end)
		return true;
	while (haystack < end) {
		if (starts_folded(haystack, end, needle, needle_end))
			return true;
		next_folded(&haystack, end);
	}
	return false;
}

char *lf_text_trim(char *text)
{
	size_t len;

	while (is_space(*text))
		text++;
	len = strlen(text);
	while (len && is_space(text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

int lf_text_int(int64_t *ret, const char *text, int64_t min, int64_t max)
{
	bool is_negative = *text == '-';
	int64_t n = 0;

	text += is_negative;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		int digit = *text - '0';

		if (digit < 0 || digit > 9)
			return -EINVAL;
		/* Downwards, because INT64_MIN has no positive twin. */
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, digit, &n))
			return -EINVAL;
	}
	if (!is_negative && __builtin_sub_overflow(0, n, &n))
		return -EINVAL;
	if (n < min || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edits from `a` to `b`, a swap of neighbours counting as one. */
static unsigned edit_distance(const char *a, size_t a_len, const char *b,
			      size_t b_len)
{
	unsigned row[3][NEAREST_MAX + 1], *before = row[0], *last = row[1];
	unsigned *now = row[2], *spare;
	size_t i, j;

	for (j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		now[0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);

			now[j] = least(last[j - 1] + !same,
				       least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 &&
			    lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

const char *lf_text_nearest(const char *word, const char *const *candidates,
			    size_t n)
{
	size_t i, len = strlen(word), other;
	unsigned distance, best = len < 3 ? 2 : (unsigned)(len / 3) + 1;
	const char *found = NULL;

	if (len > NEAREST_MAX)
		return NULL;
	for (i = 0; i < n; i++) {
		other = strlen(candidates[i]);
		if (other > NEAREST_MAX)
			continue;
		distance = edit_distance(word, len, candidates[i], other);
		/* Replacing every letter is no likeness. */
		if (distance < best && distance < len) {
			best = distance;
			found = candidates[i];
		}
	}
	return found;
}
