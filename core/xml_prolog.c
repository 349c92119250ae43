/*
 * core/xml_prolog.c - what may stand before the root element, looked at before
 * libxml2 sees it.
 */
#include "core/xml_internal.h"

#include <string.h>

#include "core/text.h"

#include "core/banned.h"

/*
 * A DOCTYPE can only stand before the root element, after comments and
 * processing instructions. Looked for by ourselves, because libxml2 reads on
 * through one, without telling on_doctype(), when an error came before it.
 */
bool lf_xml_has_doctype(const char *p, size_t len)
{
	const char *end = p + len, *close;
	bool is_comment;

	for (;;) {
		while (p < end && lf_xml_is_space(*p))
			p++;
		if (end - p < 2 || p[0] != '<' || (p[1] != '?' && p[1] != '!'))
			return false;
		is_comment = end - p >= 4 && !memcmp(p, "<!--", 4);
		if (p[1] == '!' && !is_comment)
			return true;
		p += is_comment ? 4 : 2;
		close = memmem(p, (size_t)(end - p), is_comment ? "-->" : "?>",
			       is_comment ? 3 : 2);
		if (!close)
			return false;
		p = close + (is_comment ? 3 : 2);
	}
}

/*
 * Only encodings that we mean to read: any other name would make libxml2 look
 * for a converter module of iconv's, chosen by the peer.
 */
bool lf_xml_is_encoding_known(const char *data, size_t len, bool *ret_is_utf8)
{
	static const char *const known[] = {"UTF-8",       "UTF8",
					    "US-ASCII",    "ISO-8859-1",
					    "ISO-8859-15", "windows-1252"};
	const char *end, *p;
	char name[24];
	size_t i, n;

	*ret_is_utf8 = true; /* unless the prolog says otherwise */
	if (len < 5 || memcmp(data, "<?xml", 5))
		return true;
	end = memmem(data, len, "?>", 2);
	if (!end)
		return false;
	p = memmem(data, (size_t)(end - data), "encoding", 8);
	if (!p)
		return true;
	for (p += 8; p < end && (lf_xml_is_space(*p) || *p == '='); p++)
		;
	if (p == end || (*p != '"' && *p != '\''))
		return false;
	for (n = 0; p + 1 + n < end && p[1 + n] != *p; n++)
		;
	if (!lf_text_copy_n(name, sizeof(name), p + 1, n))
		return false;
	*ret_is_utf8 = lf_text_starts(name, "UTF");
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (lf_text_equal(name, known[i]))
			return true;
	return false;
}
