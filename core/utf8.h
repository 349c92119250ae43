/* core/utf8.h - one UTF-8 sequence; shared by text and buf, inside core/. */
#ifndef LF_CORE_UTF8_H
#define LF_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The length, 1 to 4, of the sequence at `text`, with its code point in *ret;
 * 0 if it is cut, overlong, a surrogate or beyond U+10FFFF (RFC 3629).
 */
static inline size_t lf_utf8_next(uint32_t *ret, const char *text, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	size_t i, n;
	uint32_t c;

	if (!left)
		return 0;
	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	n = s[0] >= 0xf8 ? 0 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (!n || s[0] < 0xc2 || n > left)
		return 0;
	c = s[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

#endif
